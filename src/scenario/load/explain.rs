//! `explain`: what a loaded scenario says, where each value comes from, and what it amounts to.

use std::path::Path;

use super::Loaded;
use super::capacity::{self, ServiceLoad};
use super::effective::{self, EffectiveValue, ValueSource};
use super::limits::{self, Estimate};
use super::zone_reach::{ZoneReach, zone_reach};
use crate::id::FaultId;
use crate::scenario::Scenario;
use crate::scenario::distribution::Distribution;
use crate::scenario::fault::{FaultConfig, FaultScope};
use crate::scenario::trigger::Trigger;

/// What a scenario says.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The effective scenario as TOML, which loads to the same scenario.
    pub toml: String,
    /// Every value and where it comes from.
    pub values: Vec<ExplainedValue>,
    /// The faults in order of their first window.
    pub faults: Vec<FaultLine>,
    /// Offered load against capacity, with the name of each service.
    pub loads: Vec<(String, ServiceLoad)>,
    /// Size of a run.
    pub estimate: Estimate,
}

/// One value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedValue {
    /// The path that `--set` takes: `client.shop.call.web.balancer.policy`.
    pub path: String,
    /// The value in TOML, or how it is computed.
    pub value: String,
    /// `rack-loss.toml:12`, `--set seed=9`, `default` or `computed`.
    pub origin: String,
    /// What it means.
    pub doc: &'static str,
}

/// One fault on the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultLine {
    /// Its id.
    pub fault: FaultId,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// What it happens to, as written.
    pub target: String,
    /// Whom it hits, where that is a zone with more than instances.
    pub reach: Option<ZoneReach>,
    /// What begins its windows in place of a time: `after fault.x + 2s`.
    pub trigger: Option<String>,
    /// Start of the first window in seconds: the value, or the mean of its law.
    pub start_secs: f64,
    /// End of the first window in seconds, likewise; the end of the run where it has none.
    pub end_secs: f64,
    /// Whether it is over when it is done, which no time in the scenario says.
    pub ends_by_itself: bool,
    /// Whether any of these times is random.
    pub is_random: bool,
    /// Seconds from the end of a window to the start of the next, or their mean; None where there
    /// is one window only.
    pub every_secs: Option<f64>,
}

/// Explains a scenario. None if it did not load.
pub fn explain(loaded: &Loaded) -> Option<Explanation> {
    let scenario = loaded.scenario.as_ref()?;
    let values = effective_values(loaded, &|path, written| relative(loaded, path, written))?;
    let mut faults: Vec<FaultLine> = scenario
        .faults
        .iter()
        .enumerate()
        .map(|(place, fault)| fault_line(scenario, FaultId::from_index(place), fault))
        .collect();
    faults.sort_by(|a, b| a.start_secs.total_cmp(&b.start_secs));
    let names = scenario.services.iter().map(|service| service.name.clone());
    Some(Explanation {
        toml: effective::to_toml(&values, &scenario.header),
        values: values
            .iter()
            .filter(|value| !value.key.is_empty())
            .map(|value| explained(loaded, value))
            .collect(),
        faults,
        loads: names.zip(capacity::loads(scenario)).collect(),
        estimate: limits::estimate(scenario),
    })
}

/// The effective scenario as TOML. `rename` says what a CSV input is called in it, given its
/// canonical path and its path as written. None if the scenario did not load.
pub fn effective_toml(loaded: &Loaded, rename: &dyn Fn(&Path, &str) -> String) -> Option<String> {
    let scenario = loaded.scenario.as_ref()?;
    let values = effective_values(loaded, rename)?;
    Some(effective::to_toml(&values, &scenario.header))
}

fn effective_values(
    loaded: &Loaded,
    rename: &dyn Fn(&Path, &str) -> String,
) -> Option<Vec<EffectiveValue>> {
    let mut values = effective::values(loaded.tree.as_ref()?, &loaded.sources, rename);
    // A scenario without a name takes that of its file, which a copy does not share.
    let name = &loaded.scenario.as_ref()?.name;
    for value in values
        .iter_mut()
        .filter(|v| v.table.is_empty() && v.key == "name")
    {
        value.toml.get_or_insert_with(|| format!("\"{name}\""));
    }
    Some(values)
}

/// A path relative to the folder of the scenario, with `/` on every platform.
fn relative(loaded: &Loaded, path: &Path, written: &str) -> String {
    let folder = loaded
        .sources
        .iter()
        .next()
        .and_then(|source| source.folder.as_ref());
    let inner = folder.and_then(|folder| path.strip_prefix(folder).ok());
    match inner {
        None => written.to_string(),
        Some(inner) => {
            let parts = inner
                .components()
                .map(|part| part.as_os_str().to_string_lossy());
            parts.collect::<Vec<_>>().join("/")
        }
    }
}

fn explained(loaded: &Loaded, value: &EffectiveValue) -> ExplainedValue {
    let path = match value.table.is_empty() {
        true => value.key.clone(),
        false => format!("{}.{}", value.table, value.key),
    };
    let (origin, words) = match &value.source {
        ValueSource::Text(origin) => (loaded.sources.describe(*origin), ""),
        ValueSource::Default => ("default".to_string(), ""),
        ValueSource::Computed(words) => ("computed".to_string(), *words),
    };
    ExplainedValue {
        path,
        value: value.toml.clone().unwrap_or_else(|| words.to_string()),
        origin,
        doc: value.doc,
    }
}

fn fault_line(scenario: &Scenario, id: FaultId, fault: &FaultConfig) -> FaultLine {
    let laws = [&fault.duration, &fault.every].into_iter().flatten();
    let mut laws = laws.chain([&fault.at]);
    let start_secs = fault.at.mean_secs();
    let end_secs = match &fault.duration {
        Some(length) => start_secs + length.mean_secs(),
        None => scenario.duration.as_secs_f64(),
    };
    FaultLine {
        fault: id,
        name: fault.name.clone(),
        kind: fault.kind.name(),
        target: match &fault.scope {
            FaultScope::Nodes { target, .. } => target.text.clone(),
            FaultScope::Links {
                from,
                to,
                is_symmetric,
            } => {
                let arrow = if *is_symmetric { "<->" } else { "->" };
                format!("{} {arrow} {}", from.text, to.text)
            }
            FaultScope::Group { group, count } => {
                let group = &scenario.groups[group.index()];
                let service = &scenario.services[group.service.index()];
                format!("{count} of {}/{}", service.name, group.name)
            }
        },
        reach: zone_reach(scenario, fault),
        trigger: trigger_text(scenario, fault),
        start_secs,
        end_secs,
        ends_by_itself: fault.kind.ends_by_itself(),
        is_random: laws.any(|law| law.as_constant().is_none()),
        every_secs: fault.every.as_ref().map(Distribution::mean_secs),
    }
}

fn trigger_text(scenario: &Scenario, fault: &FaultConfig) -> Option<String> {
    let length = match &fault.duration {
        Some(length) => format!(", for {} s", length.mean_secs()),
        None => String::new(),
    };
    let text = match fault.trigger.as_ref()? {
        Trigger::After(after) => {
            let name = &scenario.faults[after.fault.index()].name;
            let edge = if after.is_from_end { ".end" } else { "" };
            format!("after fault.{name}{edge} + {}", after.delay)
        }
        Trigger::When(condition) => format!("when {}", condition.text),
    };
    Some(text + &length)
}
