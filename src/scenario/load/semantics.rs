//! Warnings about a scenario that is valid and probably not meant.

use super::attempts;
use super::capacity;
use super::context::Context;
use super::diagnostic::Diagnostic;
use super::endless;
use super::protection;
use super::read::Places;
use super::source::Origin;
use super::warning::WarningCode;
use crate::scenario::Scenario;
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::balancer::feedback::FeedbackConfig;
use crate::scenario::client::{EdgeConfig, EdgeOwner, Workload};
use crate::scenario::distribution::Distribution;
use crate::scenario::expect::{Bound, Expectation, Operator};
use crate::scenario::fault::FaultConfig;
use crate::scenario::measure::{Measure, MeasureRef, Phase, Statistic};
use crate::scenario::measure_catalog;
use crate::scenario::registry::dns::ClientCache;
use crate::scenario::registry::system::ProtocolConfig;
use crate::scenario::registry::{self, Propagation, RegistryProfile};
use crate::time::SimDuration;

/// Samples that must lie above a percentile for it to be shown.
const TAIL_SAMPLE_COUNT_MIN: f64 = 10.0;

/// Reports everything that is valid and probably not meant.
pub fn warn(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    warn_overload(ctx, scenario, places);
    warn_unused(ctx, scenario, places);
    warn_doubled_window(ctx, scenario, places);
    endless::warn_endless_calls(ctx, scenario, places);
    attempts::warn_attempts(ctx, scenario, places);
    protection::warn_protection(ctx, scenario, places);
    super::feedback::warn_feedback(ctx, scenario, places);
    warn_leases(ctx, scenario, places);
    super::connected::warn_connections(ctx, scenario, places);
    super::composition::warn_compositions(ctx, scenario, places);
    let periods = aligned_periods(scenario);
    let faults = scenario.faults.iter().zip(&places.fault_starts);
    for (fault, at) in faults.filter(|(fault, _)| fault.trigger.is_none()) {
        warn_fault_window(ctx, scenario, fault, *at);
        warn_aligned_fault(ctx, fault, *at, &periods);
    }
    for (place, at) in places.expectations.iter().enumerate() {
        let expectation = &scenario.expectations[place];
        warn_few_samples(ctx, scenario, &expectation.measure, *at);
        if let Bound::Multiple { measure, .. } = &expectation.bound {
            warn_few_samples(ctx, scenario, measure, *at);
        }
        warn_empty(ctx, expectation, *at);
    }
    warn_unmeasurable(ctx, scenario, places);
    if scenario.expectations.is_empty() {
        ctx.warn(
            WarningCode::NoExpectation,
            Diagnostic::new("nothing is expected, so no run can fail")
                .help("write [expect] with something like `users = \"success_ratio >= 99.5%\"`"),
        );
    }
}

fn warn_overload(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    for (place, load) in capacity::loads(scenario).iter().enumerate() {
        if 1.0 <= load.offered_load && !load.is_behind_cache {
            let name = &scenario.services[place].name;
            let counted = match load.waits_for_calls {
                true => " without waiting for calls",
                false => "",
            };
            ctx.warn(
                WarningCode::Overload,
                Diagnostic::new(format!(
                    "service `{name}` is offered {:.2} times what it can do",
                    load.offered_load
                ))
                .at(
                    places.services[place],
                    format!(
                        "{:.0}/s arrive, {:.0}/s can be served{counted}",
                        load.visits_per_sec, load.capacity_per_sec
                    ),
                )
                .help(
                    "queues grow until they are full; add instances or workers, or lower the rate",
                ),
            );
        }
    }
}

fn warn_unused(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    for (place, service) in scenario.services.iter().enumerate() {
        if scenario.edges.iter().all(|edge| edge.to.index() != place) {
            ctx.warn(
                WarningCode::Unused,
                Diagnostic::new(format!("service `{}` is never called", service.name))
                    .at(places.services[place], "no call leads here")
                    .help(format!("write [client.NAME.call.{}]", service.name)),
            );
        }
    }
}

/// A width that was set and is not the one of the series.
fn warn_doubled_window(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    let width = scenario.series_windows().0;
    if let Some(at) = places.window
        && width != scenario.window
    {
        ctx.warn(
            WarningCode::NoEffect,
            Diagnostic::new(format!("windows are {width} wide, not {}", scenario.window))
                .at(at, "doubled until the run has few enough windows")
                .help(format!("write `window = \"{width}\"`, or shorten the run")),
        );
    }
}

fn warn_leases(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    for (place, service) in scenario.services.iter().enumerate() {
        if let Some(registered) = service.registered
            && registered.lease_duration <= registered.heartbeat_interval
        {
            ctx.warn(
                WarningCode::TimeoutWithinInterval,
                Diagnostic::new(format!(
                    "leases of service `{}` expire between two heartbeats",
                    service.name
                ))
                .at(
                    places.services[place],
                    format!(
                        "lease_duration = {}, heartbeat_interval = {}",
                        registered.lease_duration, registered.heartbeat_interval
                    ),
                )
                .help("a lease should last at least three heartbeat intervals"),
            );
        }
    }
}

/// The time that a law gives where it is constant, or its mean.
fn typical(law: &Distribution) -> SimDuration {
    law.as_constant()
        .unwrap_or_else(|| SimDuration::from_secs_f64(law.mean_secs()))
}

fn warn_fault_window(ctx: &mut Context, scenario: &Scenario, fault: &FaultConfig, at: Origin) {
    let start = typical(&fault.at);
    let end = fault
        .duration
        .as_ref()
        .map(|length| start.saturating_add(typical(length)));
    let name = &fault.name;
    let (title, label) = if scenario.duration <= start {
        (
            format!("fault `{name}` begins after the run"),
            format!("the run ends at {}", scenario.duration),
        )
    } else if start < scenario.warmup {
        (
            format!("fault `{name}` begins in the warm-up"),
            format!("nothing is measured before {}", scenario.warmup),
        )
    } else if end.is_some_and(|end| scenario.duration < end) {
        (
            format!("fault `{name}` ends after the run"),
            format!("the run ends at {}", scenario.duration),
        )
    } else {
        return;
    };
    ctx.warn(
        WarningCode::FaultOutsideRun,
        Diagnostic::new(title)
            .at(at, label)
            .help("change `at` or `for`, or the `duration` or `warmup` of the run"),
    );
}

/// A periodic process that starts at a fixed instant.
struct AlignedPeriod {
    what: String,
    interval: SimDuration,
    offset: SimDuration,
}

fn aligned_periods(scenario: &Scenario) -> Vec<AlignedPeriod> {
    let mut list = Vec::new();
    let mut add = |what: String, interval: SimDuration, phase: registry::Phase| {
        let offset = match phase {
            registry::Phase::Random => return,
            registry::Phase::Aligned => SimDuration::ZERO,
            registry::Phase::At(offset) => offset,
        };
        if !interval.is_zero() {
            list.push(AlignedPeriod {
                what,
                interval,
                offset,
            });
        }
    };
    for service in &scenario.services {
        if let Some(registered) = service.registered {
            let what = format!("the heartbeats of service `{}`", service.name);
            add(what, registered.heartbeat_interval, registered.phase);
        }
    }
    for edge in &scenario.edges {
        if let Some(detector) = edge.detector
            && let Some(interval) = detector.interval()
        {
            let what = format!("the {} of `{}`", detector.message_name(), edge.path);
            add(what, interval, detector.phase());
        }
        if let Some(FeedbackConfig::GrpcWeightedRoundRobin(config)) = edge.balancer.feedback() {
            let what = format!("the weights of `{}`", edge.path);
            add(what, config.update_interval, config.phase);
        }
    }
    for cluster in &scenario.clusters {
        let service = &scenario.services[cluster.service.index()].name;
        let what = format!("the probes of service `{service}`");
        add(what, cluster.gossip.probe_interval, cluster.gossip.phase);
    }
    if let RegistryProfile::Lease(lease) = &scenario.registry.profile {
        let what = "the sweep of the registry".to_string();
        add(what, lease.sweep_interval, lease.sweep_phase);
        if let Propagation::Poll { interval, phase } = lease.propagation {
            add("the polls of the callers".to_string(), interval, phase);
        }
    }
    if let Some((what, interval, phase)) = period_of_system(scenario) {
        add(what.to_string(), interval, phase);
    }
    list
}

/// The period of a real system that decides how long failures stay unnoticed.
fn period_of_system(scenario: &Scenario) -> Option<(&'static str, SimDuration, registry::Phase)> {
    Some(match &scenario.registry.profile.system()?.protocol {
        ProtocolConfig::Zookeeper(config) => {
            let what = "the boundaries at which sessions expire";
            (what, config.tick_time, config.tick_phase)
        }
        ProtocolConfig::Etcd(config) => {
            let what = "the looks for expired leases";
            (what, config.revoke_interval, config.revoke_phase)
        }
        ProtocolConfig::Consul(config) => {
            let what = "the probes of the registry's gossip";
            (what, config.gossip.probe_interval, config.gossip.phase)
        }
        ProtocolConfig::Dns(config) => {
            let life = match config.client.cache {
                ClientCache::Record => config.ttl,
                ClientCache::Fixed(life) => life,
                ClientCache::Forever => SimDuration::ZERO,
            };
            ("the lookups of the callers", life, config.client.phase)
        }
        ProtocolConfig::Eureka(_) | ProtocolConfig::Nacos(_) | ProtocolConfig::Kubernetes(_) => {
            return None;
        }
    })
}

fn warn_aligned_fault(
    ctx: &mut Context,
    fault: &FaultConfig,
    at: Origin,
    periods: &[AlignedPeriod],
) {
    let Some(start) = fault.at.as_constant() else {
        return;
    };
    let is_hit = |period: &&AlignedPeriod| {
        let since = start.as_ns().checked_sub(period.offset.as_ns());
        since.is_some_and(|since| since.is_multiple_of(period.interval.as_ns()))
    };
    if let Some(period) = periods.iter().find(is_hit) {
        ctx.warn(
            WarningCode::AlignedFault,
            Diagnostic::new(format!(
                "fault `{}` begins at a multiple of an aligned period",
                fault.name
            ))
            .at(
                at,
                format!("{} come every {}", period.what, period.interval),
            )
            .help(
                "every replication meets the same phase, so intervals are too narrow; write \
                 `phase = \"random\"`, or `at` as a distribution",
            ),
        );
    }
}

/// Requests that the phase of a measure is likely to see; None where that cannot be said.
fn expected_sample_count(scenario: &Scenario, measure: &MeasureRef) -> Option<f64> {
    let measured = scenario.duration.saturating_sub(scenario.warmup);
    let length = match measure.phase {
        Phase::Whole | Phase::Steady | Phase::Outside(_) => measured,
        Phase::During(fault) => {
            let fault = &scenario.faults[fault.index()];
            if fault.every.is_some() {
                return None;
            }
            fault.duration.as_ref().map_or(measured, typical)
        }
        Phase::Before(_) | Phase::After(_) | Phase::Of(_) => return None,
    };
    let in_scope = |place: usize| {
        let edge = measure
            .scope
            .edge
            .map(|edge| scenario.edges[edge.index()].owner);
        let by_edge = edge.is_none_or(
            |owner| !matches!(owner, EdgeOwner::Client(client) if client.index() != place),
        );
        by_edge
            && measure
                .scope
                .client
                .is_none_or(|client| client.index() == place)
    };
    let mut count = 0.0;
    for (place, client) in scenario.clients.iter().enumerate() {
        if matches!(client.workload, Workload::Closed { .. }) {
            return None;
        }
        if in_scope(place) {
            let all = client.workload.expected_request_count(scenario.duration)?;
            count += all * length.as_secs_f64() / scenario.duration.as_secs_f64();
        }
    }
    Some(count)
}

fn warn_few_samples(ctx: &mut Context, scenario: &Scenario, measure: &MeasureRef, at: Origin) {
    let is_of_requests = matches!(
        measure.measure,
        Measure::Latency | Measure::LatencyOrFail | Measure::LatencyAll
    );
    let Statistic::Percentile(percent) = measure.statistic else {
        return;
    };
    let Some(count) = expected_sample_count(scenario, measure).filter(|_| is_of_requests) else {
        return;
    };
    let above = count * (1.0 - percent / 100.0);
    if above < TAIL_SAMPLE_COUNT_MIN {
        ctx.warn(
            WarningCode::TooFewSamples,
            Diagnostic::new(format!("too few samples for p{percent}"))
                .at(
                    at,
                    format!("about {count:.0} requests, {above:.1} of them above it"),
                )
                .help(
                    "a percentile needs 10 samples above it, else it is withheld and the \
                     expectation undecided; lengthen `duration` or take a lower percentile",
                ),
        );
    }
}

/// Whether the balancer of a call leaves out instances by how attempts end.
fn ejects(edge: &EdgeConfig) -> bool {
    matches!(&edge.balancer, BalancerConfig::Composed(composed) if composed.ejection.is_some())
}

fn breaks(edge: &EdgeConfig) -> bool {
    let config = edge.resilience.as_deref();
    config.is_some_and(|config| config.breaker.is_some())
}

fn has_cache(scenario: &Scenario) -> bool {
    let at_service = scenario.services.iter().any(|s| s.cache.is_some());
    at_service || scenario.edges.iter().any(|edge| edge.cache.is_some())
}

/// Warns of expectations about detectors, rings, breakers or caches that the scenario does not
/// have.
fn warn_unmeasurable(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    let watches = |edge: &EdgeConfig| edge.detector.is_some() || ejects(edge);
    let has_detector = scenario.registry.profile.detects()
        || !scenario.clusters.is_empty()
        || scenario.edges.iter().any(watches);
    let is_keyed = |edge: &EdgeConfig| edge.balancer.placement_rule().is_some();
    let has_ring = scenario.edges.iter().any(is_keyed);
    let has_breaker = scenario.edges.iter().any(breaks);
    for (expectation, at) in scenario.expectations.iter().zip(&places.expectations) {
        let (label, help) = match expectation.measure.measure {
            Measure::DetectionTime
            | Measure::DetectionTimeFirst
            | Measure::DetectionTimeMedian
            | Measure::DetectionTimeLast
            | Measure::ExclusionTime
            | Measure::MistakeDuration
            | Measure::MistakeRecurrence
            | Measure::QueryAccuracy
                if !has_detector =>
            {
                (
                    "nothing in this scenario detects failures",
                    "write `profile = \"lease\"` in [registry], or a `detector` or an `ejection` \
                     in a call",
                )
            }
            Measure::CpuUtilization | Measure::ThrottledRatio
                if scenario.groups.iter().all(|group| group.cpu.is_none()) =>
            {
                (
                    "no instance of this scenario has a CPU to share",
                    "write `cores = 2` or `cpu_quota = { cores = 2 }` in a service",
                )
            }
            Measure::MovedKeyRatio
            | Measure::NeedlessMoveRatio
            | Measure::MovedRequestRatio
            | Measure::Ownership
                if !has_ring =>
            {
                (
                    "no call of this scenario balances by key",
                    "write `balancer = \"ring\"` in a call",
                )
            }
            Measure::BreakerOpenRatio if !has_breaker => (
                "no call of this scenario has a breaker",
                "write `breaker = \"hystrix\"` in a call",
            ),
            measure if measure.is_of_cache() && !has_cache(scenario) => (
                "nothing in this scenario has a cache",
                "write `cache = { capacity = 1000 }` in a call or a service",
            ),
            _ => continue,
        };
        ctx.warn(
            WarningCode::EmptyExpectation,
            Diagnostic::new("an expectation that cannot hold")
                .at(*at, label)
                .help(help),
        );
    }
}

/// Warns of a limit that lies at or beyond what the measure can reach.
fn warn_empty(ctx: &mut Context, expectation: &Expectation, at: Origin) {
    let Bound::Value { value, text } = &expectation.bound else {
        return;
    };
    let measure = &expectation.measure;
    let is_share = measure_catalog::info(measure.measure).is_share(measure.statistic);
    let max = if is_share { 1.0 } else { f64::INFINITY };
    let (is_always, is_never) = match expectation.operator {
        Operator::Less => (max < *value, *value <= 0.0),
        Operator::LessOrEqual => (max <= *value, *value < 0.0),
        Operator::Greater => (*value < 0.0, max <= *value),
        Operator::GreaterOrEqual => (*value <= 0.0, max < *value),
        Operator::Equal => (false, *value < 0.0 || max < *value),
    };
    let title = match (is_always, is_never) {
        (true, _) => "an expectation that cannot fail",
        (_, true) => "an expectation that cannot hold",
        (false, false) => return,
    };
    let range = match is_share {
        true => "a ratio lies between 0 and 100 %",
        false => "it is never below zero",
    };
    let help = match max < *value && !text.ends_with('%') {
        true => format!("write `{text}%`"),
        false => "choose a limit that the run could miss".to_string(),
    };
    ctx.warn(
        WarningCode::EmptyExpectation,
        Diagnostic::new(title).at(at, range).help(help),
    );
}
