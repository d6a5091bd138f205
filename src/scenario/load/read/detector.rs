//! Failure detectors of calls.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::DETECTOR;
use super::super::section::Section;
use super::super::warning::WarningCode;
use super::PLACEHOLDER_TIME;
use super::distribution::distribution_if;
use super::service::phase;
use crate::scenario::check::{CheckConfig, CheckRule, EnvoyConfig, HaproxyConfig, ProbePath};
use crate::scenario::detector::{
    AkkaConfig, BertierConfig, CassandraConfig, DetectorConfig, JudgeConfig, PushConfig,
};
use crate::scenario::distribution::Distribution;
use crate::time::SimDuration;

/// What Cassandra takes for `phi_convict_threshold`.
const CONVICT_THRESHOLDS: std::ops::RangeInclusive<f64> = 5.0..=16.0;

/// Reads the detector of a call, and what a worker spends on a check or heartbeat that waits for
/// one.
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
    let path = path(ctx, &section);
    let time = worker_time(ctx, &section, path);
    if let Some(check) = check(ctx, &section, path) {
        return Some((DetectorConfig::Check(check), time));
    }
    let interval = section.duration(ctx, "interval");
    let interval = interval.unwrap_or(PLACEHOLDER_TIME);
    let judge = judge(ctx, &section, interval);
    let is_akka = matches!(judge, JudgeConfig::PhiAkka(_));
    let is_cassandra = matches!(judge, JudgeConfig::PhiCassandra(_));
    let check_interval = section.duration(ctx, "check_interval");
    let push = PushConfig {
        interval,
        phase: phase(ctx, &section, "phase"),
        path,
        check_interval: check_interval.unwrap_or(match is_akka || is_cassandra {
            true => SimDuration::from_secs(1),
            false => SimDuration::ZERO,
        }),
        judge,
    };
    Some((DetectorConfig::Push(push), time))
}

/// What a check or a heartbeat sees of a process.
pub fn path(ctx: &mut Context, section: &Section) -> ProbePath {
    match section.text(ctx, "path").as_deref() {
        Some("queued") => ProbePath::Queued,
        Some("accept") => ProbePath::Accept,
        Some("deep") => ProbePath::Deep,
        _ => ProbePath::Bypass,
    }
}

fn worker_time(ctx: &mut Context, section: &Section, path: ProbePath) -> Option<Distribution> {
    let own = distribution_if(ctx, section, "service_time");
    if own.is_some() && !path.needs_worker() {
        ctx.warn(
            WarningCode::NoEffect,
            Diagnostic::new("`service_time` has no effect")
                .at(
                    section.origin_of("service_time"),
                    format!("with path {} no worker answers", path.name()),
                )
                .help("write `path = \"queued\"`"),
        );
    }
    let nothing = Distribution::Constant {
        value: SimDuration::ZERO,
    };
    path.needs_worker().then(|| own.unwrap_or(nothing))
}

fn check(ctx: &mut Context, section: &Section, path: ProbePath) -> Option<CheckConfig> {
    match section.variant_name() {
        "ping" => Some(ping(ctx, section, path)),
        "haproxy_check" => Some(haproxy(ctx, section, path)),
        "envoy_health_check" => Some(envoy(ctx, section, path)),
        _ => None,
    }
}

fn ping(ctx: &mut Context, section: &Section, path: ProbePath) -> CheckConfig {
    let interval = section.duration(ctx, "interval");
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
    CheckConfig {
        interval,
        timeout: timeout.unwrap_or(half),
        phase: phase(ctx, section, "phase"),
        path,
        rule: CheckRule::Ping {
            misses_max: section.count_u32(ctx, "misses_max").unwrap_or(1),
            rises_min: section.count_u32(ctx, "rises_min").unwrap_or(1),
        },
    }
}

fn haproxy(ctx: &mut Context, section: &Section, path: ProbePath) -> CheckConfig {
    let interval = section.duration(ctx, "inter").unwrap_or(PLACEHOLDER_TIME);
    let fast = section.duration(ctx, "fastinter").unwrap_or(interval);
    let down = section.duration(ctx, "downinter").unwrap_or(interval);
    CheckConfig {
        interval,
        timeout: section.duration(ctx, "timeout").unwrap_or(interval),
        phase: phase(ctx, section, "phase"),
        path,
        rule: CheckRule::Haproxy(HaproxyConfig {
            fast_interval: fast,
            down_interval: down,
            fall: section.count_u32(ctx, "fall").unwrap_or(1),
            rise: section.count_u32(ctx, "rise").unwrap_or(1),
        }),
    }
}

fn envoy(ctx: &mut Context, section: &Section, path: ProbePath) -> CheckConfig {
    let interval = length(ctx, section, "interval");
    let unhealthy = section.duration(ctx, "unhealthy_interval");
    let unhealthy = unhealthy.unwrap_or(interval);
    let unhealthy_edge = section.duration(ctx, "unhealthy_edge_interval");
    let healthy_edge = section.duration(ctx, "healthy_edge_interval");
    CheckConfig {
        interval,
        timeout: length(ctx, section, "timeout"),
        phase: phase(ctx, section, "phase"),
        path,
        rule: CheckRule::Envoy(EnvoyConfig {
            unhealthy_threshold: section.count_u32(ctx, "unhealthy_threshold").unwrap_or(1),
            healthy_threshold: section.count_u32(ctx, "healthy_threshold").unwrap_or(1),
            unhealthy_interval: unhealthy,
            unhealthy_edge_interval: unhealthy_edge.unwrap_or(unhealthy),
            healthy_edge_interval: healthy_edge.unwrap_or(interval),
            no_traffic_interval: length(ctx, section, "no_traffic_interval"),
            initial_jitter: section.duration(ctx, "initial_jitter").unwrap_or_default(),
            interval_jitter: section.duration(ctx, "interval_jitter").unwrap_or_default(),
        }),
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
