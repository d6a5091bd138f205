//! On what a report stands: the faults, the models with their evidence, what is not modelled.

use crate::metrics::data::RunMetrics;
use crate::report::format;
use crate::report::html::{Block, Mark, Table};
use crate::scenario::Scenario;
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::check::CheckRule;
use crate::scenario::detector::{DetectorConfig, JudgeConfig};
use crate::scenario::detector_catalog::DETECTORS;
use crate::scenario::gossip::ScaleLaw;
use crate::scenario::protection_catalog::{DEPLOYMENT, ModelInfo, of_call, of_service};
use crate::scenario::proxy_catalog::PROXIES;
use crate::scenario::registry_catalog::REGISTRIES;
use crate::scenario::strategy_catalog::{StrategyInfo, find};

/// Windows of all faults that the timeline lists.
const WINDOW_COUNT_MAX: usize = 40;

/// What happened when: every window of every fault, in order of time. None without faults.
pub fn fault_timeline(metrics: &RunMetrics) -> Option<Table> {
    let mut rows: Vec<(f64, f64, &str, &str, u64)> = Vec::new();
    for fault in &metrics.faults {
        let windows = fault.windows.iter();
        rows.extend(windows.map(|window| {
            let targets = fault.target_count_max;
            (
                window.start_secs,
                window.end_secs,
                fault.fault.as_str(),
                fault.kind,
                targets,
            )
        }));
    }
    rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(b.2)));
    let caption = match rows.len() {
        count if WINDOW_COUNT_MAX < count => {
            format!("Fault timeline: the first {WINDOW_COUNT_MAX} of {count} windows")
        }
        _ => "Fault timeline".to_string(),
    };
    let columns = ["#from", "#to", "fault", "kind", "#nodes"];
    let mut table = Table::new(&caption, columns);
    for (start, end, fault, kind, targets) in rows.into_iter().take(WINDOW_COUNT_MAX) {
        let until = match end < metrics.measured_end_secs {
            true => format::instant(end),
            false => "the end".to_string(),
        };
        let cells = [
            format::instant(start),
            until,
            fault.to_string(),
            kind.to_string(),
            format::count(targets),
        ];
        table.push(Mark::None, cells.to_vec());
    }
    (!table.rows.is_empty()).then_some(table)
}

/// What stands behind several runs of a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Basis {
    /// The header of the file.
    pub header: Vec<String>,
    /// The models of all runs.
    pub models: Option<Table>,
}

impl Basis {
    /// That of scenarios, the first of which says what the question is.
    pub fn of(scenarios: &[&Scenario]) -> Self {
        Basis {
            header: scenarios
                .first()
                .map_or(Vec::new(), |first| first.header.clone()),
            models: models(scenarios),
        }
    }
}

/// Models with the parts of scenarios that use them.
type Used<'a> = Vec<(ModelInfo, Vec<&'a str>)>;

/// The models of scenarios that bear the name of a real system or of a paper: the registry,
/// proxies, and what calls and services use; and what shows that they behave like that.
pub fn models(scenarios: &[&Scenario]) -> Option<Table> {
    let columns = ["model", "used by", "from", "evidence"];
    let mut table = Table::new("Models that were used and what supports them", columns);
    let mut used = Used::new();
    for scenario in scenarios {
        add_models(scenario, &mut used);
    }
    for (info, paths) in used {
        let more = match paths.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let cells = [
            info.name.to_string(),
            format!("{}{more}", paths[0]),
            info.source.to_string(),
            format!("{}: {}", info.evidence.kind(), info.evidence.text()),
        ];
        table.push(Mark::None, cells.to_vec());
    }
    (!table.rows.is_empty()).then_some(table)
}

fn add_models<'a>(scenario: &'a Scenario, used: &mut Used<'a>) {
    let mut add = |info: ModelInfo, path: &'a str| match used
        .iter_mut()
        .find(|(known, _)| known.name == info.name)
    {
        Some((_, paths)) if paths.contains(&path) => {}
        Some((_, paths)) => paths.push(path),
        None => used.push((info, vec![path])),
    };
    let profile = scenario.registry.profile.name();
    if let Some(registry) = REGISTRIES.iter().find(|known| known.info.name == profile) {
        add((&registry.info).into(), "registry");
    }
    for service in &scenario.services {
        let name = service.proxy.map(|proxy| proxy.flavour.name());
        if let Some(info) = PROXIES.iter().find(|known| Some(known.name) == name) {
            add(info.into(), service.name.as_str());
        }
        for info in of_service(service) {
            add(info, service.name.as_str());
        }
    }
    for edge in &scenario.edges {
        let strategy = find(edge.balancer.strategy().name());
        let detector = edge.detector.as_ref();
        let detector = detector.and_then(|it| detector_info(detector_name(scenario, it)));
        let wrappers = wrapper_names(&edge.balancer).into_iter().filter_map(find);
        for info in strategy.into_iter().chain(wrappers).chain(detector) {
            add(info.into(), edge.path.as_str());
        }
        for info in of_call(edge) {
            add(info, edge.path.as_str());
        }
    }
    for cluster in &scenario.clusters {
        if let Some(info) = detector_info(gossip_name(cluster.gossip.law)) {
            let service = &scenario.services[cluster.service.index()];
            add(info.into(), service.name.as_str());
        }
    }
    for fault in &scenario.faults {
        if fault.kind.rollout().is_some_and(|config| config.is_new) {
            add(DEPLOYMENT, fault.name.as_str());
        }
    }
}

/// The wrappers around a strategy that the catalog of strategies tells as a whole.
fn wrapper_names(balancer: &BalancerConfig) -> Vec<&'static str> {
    let Some(composed) = balancer.composed() else {
        return Vec::new();
    };
    let levels = composed.priority.as_ref().map(|config| &config.levels);
    let wrappers = [
        ("subset", composed.subset.is_some()),
        ("priority", levels.is_some_and(|levels| !levels.is_empty())),
        ("zone_aware", composed.zone_aware.is_some()),
        ("backup", !composed.backup.is_empty()),
    ];
    let used = wrappers.into_iter().filter(|(_, is_used)| *is_used);
    used.map(|(name, _)| name).collect()
}

fn detector_info(name: &str) -> Option<&'static StrategyInfo> {
    let known = DETECTORS.iter().find(|known| known.info.name == name);
    known.map(|known| &known.info)
}

fn gossip_name(law: ScaleLaw) -> &'static str {
    match law {
        ScaleLaw::Swim { .. } => "swim",
        ScaleLaw::Memberlist => "lifeguard",
    }
}

fn detector_name(scenario: &Scenario, detector: &DetectorConfig) -> &'static str {
    match detector {
        DetectorConfig::Check(check) => match check.rule {
            CheckRule::Ping { .. } => "ping",
            CheckRule::Haproxy(_) => "haproxy_check",
            CheckRule::Envoy(_) => "envoy_health_check",
        },
        DetectorConfig::Gossip { cluster } => {
            gossip_name(scenario.clusters[*cluster as usize].gossip.law)
        }
        DetectorConfig::Push(push) => match push.judge {
            JudgeConfig::Timeout { .. } => "timeout",
            JudgeConfig::ChenNfdS { .. } => "chen_nfd_s",
            JudgeConfig::ChenNfdE { .. } => "chen_nfd_e",
            JudgeConfig::Bertier(_) => "bertier",
            JudgeConfig::PhiPaper { .. } => "phi_paper",
            JudgeConfig::PhiAkka(_) => "phi_akka",
            JudgeConfig::PhiCassandra(_) => "phi_cassandra",
        },
    }
}

/// What is said of inputs that are not known exactly: what a study found, or else that the
/// scenario names some.
pub fn uncertain(scenario: &Scenario, found: &[String]) -> Option<Block> {
    if !found.is_empty() {
        return Some(Block::Paragraph(found.join(" ")));
    }
    let config = scenario.sensitivity.as_ref()?;
    let inputs = config.inputs.iter().map(|input| {
        let [low, high] = &input.ends;
        format!("{} from {low} to {high}", input.path)
    });
    Some(Block::Paragraph(format!(
        "Not known exactly, says the scenario: {}. What each of them moves is not in this report; \
         `stormglass sensitivity` finds out, and `run --sensitivity` tells it here.",
        inputs.collect::<Vec<_>>().join("; ")
    )))
}

/// What no run of this program contains, so that nobody reads it into one.
pub fn limits() -> Vec<Block> {
    let paragraphs = [
        "Not modelled: congestion of links shared by several services, garbage collectors beyond \
         pauses that the scenario states, clocks that jump, authentication, the contents of \
         messages, and operators who act. What the scenario does not mention does not fail.",
        "The numbers are those of the model: they rank designs and show mechanisms, and they are \
         as good as the service times, rates and delays that the scenario states. Vary those that \
         nobody measured with `--set` before a decision rests on them.",
    ];
    paragraphs
        .into_iter()
        .map(|text| Block::Paragraph(text.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::scenario::client::Jitter;
    use crate::scenario::resilience::{BudgetConfig, LimitConfig, LimitKind, ResilienceConfig};

    #[test]
    fn what_protects_a_call_stands_among_the_models() {
        let mut scenario = fixture::scenario();
        let edge = &mut scenario.edges[0];
        edge.retry.jitter = Jitter::Envoy;
        edge.resilience = Some(Box::new(ResilienceConfig {
            budget: Some(BudgetConfig::Envoy {
                ratio: 0.2,
                concurrent_min: 3,
            }),
            limit: Some(LimitConfig {
                kind: LimitKind::Aimd {
                    backoff_ratio: 0.9,
                    timeout: crate::time::SimDuration::from_secs(5),
                },
                initial: 20,
                min: 1,
                max: 100,
                window: crate::time::SimDuration::ZERO,
                window_sample_count_min: 1,
            }),
            ..ResilienceConfig::default()
        }));
        let table = models(&[&scenario]).expect("a strategy is used");
        let names: Vec<&str> = table.rows.iter().map(|row| row.cells[0].as_str()).collect();
        let expected = [
            "static",
            "weighted_random",
            "retry.backoff envoy",
            "retry.budget envoy",
            "concurrency_limit aimd",
        ];
        assert_eq!(names, expected);
        assert_eq!(
            table.rows[3].cells[2],
            "Envoy resource_manager_impl.h (retry budget)"
        );
        let evidence = &table.rows[3].cells[3];
        assert!(evidence.starts_with("source reading: "), "{evidence}");
    }
}
