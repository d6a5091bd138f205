//! Failure detectors of calls.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::DETECTOR;
use super::super::section::Section;
use super::super::warning::WarningCode;
use super::service::phase;
use super::{PLACEHOLDER_TIME, server};
use crate::scenario::detector::{
    AkkaConfig, BertierConfig, CassandraConfig, DetectorConfig, JudgeConfig, PushConfig,
};
use crate::scenario::distribution::Distribution;
use crate::scenario::registry::PingConfig;
use crate::time::SimDuration;

/// What Cassandra takes for `phi_convict_threshold`.
const CONVICT_THRESHOLDS: std::ops::RangeInclusive<f64> = 5.0..=16.0;

/// Reads the detector of a call, and what a worker spends on a ping if pings wait for one.
pub fn detector(
    ctx: &mut Context,
    call: &Section,
) -> Option<(DetectorConfig, Option<Distribution>)> {
    let tree = call.set_tree("detector")?;
    let section = Section::open(ctx, tree, &DETECTOR, "detector".to_string())?;
    if section.variant_name() == "gossip" {
        // Which cluster it is shows when all services are read.
        return Some((DetectorConfig::Gossip { cluster: u32::MAX }, None));
    }
    let interval = section.duration(ctx, "interval");
    if section.variant_name() == "ping" {
        let config = ping(ctx, &section, interval);
        let time = server::ping_time(ctx, &section);
        return Some((DetectorConfig::Ping(config), time));
    }
    let interval = interval.unwrap_or(PLACEHOLDER_TIME);
    let judge = judge(ctx, &section, interval);
    let is_akka = matches!(judge, JudgeConfig::PhiAkka(_));
    let is_cassandra = matches!(judge, JudgeConfig::PhiCassandra(_));
    let check_interval = section.duration(ctx, "check_interval");
    let push = PushConfig {
        interval,
        phase: phase(ctx, &section, "phase"),
        check_interval: check_interval.unwrap_or(match is_akka || is_cassandra {
            true => SimDuration::from_secs(1),
            false => SimDuration::ZERO,
        }),
        judge,
    };
    Some((DetectorConfig::Push(push), None))
}

fn ping(ctx: &mut Context, section: &Section, interval: Option<SimDuration>) -> PingConfig {
    let timeout = section.duration(ctx, "timeout");
    if let (Some(interval), Some(timeout)) = (interval, timeout)
        && interval < timeout
    {
        ctx.error(
            Diagnostic::new("a ping that may take longer than its interval")
                .at(
                    section.origin_of("timeout"),
                    format!("`interval` is {interval}"),
                )
                .help("expected timeout <= interval: one ping at a time is under way"),
        );
    }
    let interval = interval.unwrap_or(PLACEHOLDER_TIME);
    let half = SimDuration::from_ns((interval.as_ns() / 2).max(1));
    PingConfig {
        interval,
        timeout: timeout.unwrap_or(half),
        misses_max: section.count_u32(ctx, "misses_max").unwrap_or(1),
        rises_min: section.count_u32(ctx, "rises_min").unwrap_or(1),
        phase: phase(ctx, section, "phase"),
    }
}

fn judge(ctx: &mut Context, section: &Section, interval: SimDuration) -> JudgeConfig {
    match section.variant_name() {
        "timeout" => JudgeConfig::Timeout {
            timeout: timeout(ctx, section, interval),
        },
        "chen_nfd_s" => JudgeConfig::ChenNfdS {
            delta: length(ctx, section, "delta"),
        },
        "chen_nfd_e" => JudgeConfig::ChenNfdE {
            alpha: length(ctx, section, "alpha"),
            window: window(ctx, section),
        },
        "bertier" => JudgeConfig::Bertier(BertierConfig {
            window: window(ctx, section),
            beta: section.number(ctx, "beta").unwrap_or(1.0),
            phi: section.number(ctx, "phi").unwrap_or(1.0),
            gamma: section.number(ctx, "gamma").unwrap_or(1.0),
            margin_first: section.duration(ctx, "margin_first").unwrap_or(interval),
        }),
        _ => phi_accrual(ctx, section, interval),
    }
}

fn timeout(ctx: &mut Context, section: &Section, interval: SimDuration) -> SimDuration {
    let timeout = length(ctx, section, "timeout");
    if timeout < interval && section.has("timeout") {
        ctx.error(
            Diagnostic::new("a timeout that is over before the next heartbeat")
                .at(
                    section.origin_of("timeout"),
                    format!("`interval` is {interval}"),
                )
                .help("expected timeout >= interval: it runs from one heartbeat to the next"),
        );
    }
    timeout
}

fn length(ctx: &mut Context, section: &Section, key: &str) -> SimDuration {
    section.duration(ctx, key).unwrap_or(PLACEHOLDER_TIME)
}

fn window(ctx: &mut Context, section: &Section) -> u32 {
    section.count_u32(ctx, "window").unwrap_or(1)
}

fn phi_accrual(ctx: &mut Context, section: &Section, interval: SimDuration) -> JudgeConfig {
    let threshold = section.number(ctx, "threshold").unwrap_or(1.0);
    let window = window(ctx, section);
    let deviation = section.duration(ctx, "min_std_deviation");
    match section.text(ctx, "form").as_deref() {
        Some("akka") => JudgeConfig::PhiAkka(AkkaConfig {
            threshold,
            window,
            std_deviation_min: deviation.unwrap_or(SimDuration::from_ms(100)),
            acceptable_pause: length(ctx, section, "acceptable_heartbeat_pause"),
            expected_response_after: length(ctx, section, "expected_response_after"),
        }),
        Some("cassandra") => {
            if !CONVICT_THRESHOLDS.contains(&threshold) {
                ctx.error(
                    Diagnostic::new("a threshold that Cassandra refuses")
                        .at(section.origin_of("threshold"), format!("it is {threshold}"))
                        .help("expected phi_convict_threshold between 5 and 16"),
                );
            }
            if section.has("min_std_deviation") {
                ctx.warn(
                    WarningCode::NoEffect,
                    Diagnostic::new("`min_std_deviation` has no effect").at(
                        section.origin_of("min_std_deviation"),
                        "an exponential law has no deviation of its own",
                    ),
                );
            }
            let initial = section.duration(ctx, "initial_interval");
            let initial_interval = initial.unwrap_or(interval.saturating_mul(2));
            let interval_max = section.duration(ctx, "max_interval");
            JudgeConfig::PhiCassandra(CassandraConfig {
                threshold,
                window,
                initial_interval,
                interval_max: interval_max.unwrap_or(initial_interval),
                local_pause_max: length(ctx, section, "max_local_pause"),
            })
        }
        _ => JudgeConfig::PhiPaper {
            threshold,
            window,
            std_deviation_min: deviation.unwrap_or(SimDuration::from_ms(1)),
        },
    }
}
