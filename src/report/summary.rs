//! `summary.json`: all numbers of all runs, for programs. Keys carry their unit and keep their
//! order.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::experiment::aggregate::Aggregate;
use crate::experiment::judgement::Judgement;
use crate::experiment::long_run::BatchMeans;
use crate::experiment::{Results, Run};
use crate::metrics::data::attempts::SeveralMetrics;
use crate::metrics::data::cache::CacheMetrics;
use crate::metrics::data::connection::ConnectionMetrics;
use crate::metrics::data::detection::DetectorMetrics;
use crate::metrics::data::fault::FaultMetrics;
use crate::metrics::data::flow::{BreakdownMetrics, FallbackMetrics};
use crate::metrics::data::member::{GossipMetrics, MemberMetrics};
use crate::metrics::data::membership::MembershipHistory;
use crate::metrics::data::request::RequestMetrics;
use crate::metrics::data::resilience::ResilienceMetrics;
use crate::metrics::data::selection::EdgeMetrics;
use crate::metrics::data::service::ServiceMetrics;
use crate::metrics::data::{Conservation, ControlMetrics};
use crate::metrics::evaluate::{Reading, Verdict};
use crate::scenario::Scenario;
use crate::scenario::expect::{Expectation, Over};
use crate::scenario::measure::{AskedMeasure, MeasureRef, Unit};
use crate::scenario::measure_catalog::info;

/// The version of the format.
pub const SUMMARY_SCHEMA: u32 = 1;

/// Writes the summary as indented JSON.
pub fn write_summary(
    scenario: &Scenario,
    results: &Results,
    out: &mut dyn Write,
) -> io::Result<()> {
    let expectations = || scenario.expectations.iter();
    let summary = SummaryFile {
        schema: SUMMARY_SCHEMA,
        scenario: &scenario.name,
        digest: digest_text(results.digest()),
        replication_count: results.runs.len(),
        duration_secs: scenario.duration.as_secs_f64(),
        warmup_secs: scenario.warmup.as_secs_f64(),
        verdicts: expectations()
            .zip(&results.judgements)
            .map(|(expectation, judgement)| judgement_value(expectation, judgement))
            .collect(),
        batch_means: results.batch_means.as_ref().map(batch_value),
        aggregates: results.aggregates.iter().map(aggregate_value).collect(),
        replications: results
            .runs
            .iter()
            .map(|run| ReplicationEntry::new(scenario, run))
            .collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &summary)?;
    out.write_all(b"\n")
}

/// A digest in sixteen hexadecimal digits.
pub fn digest_text(digest: u64) -> String {
    format!("{digest:016x}")
}

#[derive(Serialize)]
struct SummaryFile<'a> {
    schema: u32,
    scenario: &'a str,
    digest: String,
    replication_count: usize,
    duration_secs: f64,
    warmup_secs: f64,
    verdicts: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_means: Option<Value>,
    aggregates: Vec<Value>,
    replications: Vec<ReplicationEntry<'a>>,
}

/// One run: everything but the series, which stand in `series.csv`.
#[derive(Serialize)]
struct ReplicationEntry<'a> {
    seed: u64,
    digest: String,
    event_count: u64,
    ended_at_secs: f64,
    measured_start_secs: f64,
    measured_end_secs: f64,
    verdicts: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    readings: Vec<Value>,
    conservation: &'a Conservation,
    requests: &'a RequestMetrics,
    services: &'a [ServiceMetrics],
    edges: &'a [EdgeMetrics],
    detectors: &'a [DetectorMetrics],
    faults: &'a [FaultMetrics],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    memberships: &'a [MembershipHistory],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    resilience: &'a [ResilienceMetrics],
    control: &'a [ControlMetrics],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    registry_members: &'a [MemberMetrics],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    gossip_members: &'a [GossipMetrics],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    breakdowns: &'a [BreakdownMetrics],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fallbacks: &'a [FallbackMetrics],
    #[serde(skip_serializing_if = "Option::is_none")]
    several: Option<&'a SeveralMetrics>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    connections: &'a [ConnectionMetrics],
    #[serde(skip_serializing_if = "<[CacheMetrics]>::is_empty")]
    caches: &'a [CacheMetrics],
}

impl<'a> ReplicationEntry<'a> {
    fn new(scenario: &Scenario, run: &'a Run) -> Self {
        let metrics = &run.metrics;
        let judged = scenario.expectations.iter().zip(&run.verdicts);
        ReplicationEntry {
            seed: run.seed,
            digest: digest_text(metrics.digest),
            event_count: metrics.event_count,
            ended_at_secs: metrics.ended_at_secs,
            measured_start_secs: metrics.measured_start_secs,
            measured_end_secs: metrics.measured_end_secs,
            verdicts: judged
                .map(|(expectation, verdict)| verdict_value(expectation, verdict))
                .collect(),
            readings: scenario
                .asked
                .iter()
                .zip(&run.readings)
                .map(|(asked, reading)| reading_value(asked, reading))
                .collect(),
            conservation: &metrics.conservation,
            requests: &metrics.requests,
            services: &metrics.services,
            edges: &metrics.edges,
            detectors: &metrics.detectors,
            faults: &metrics.faults,
            memberships: &metrics.memberships,
            resilience: &metrics.resilience,
            control: &metrics.control,
            registry_members: &metrics.registry_members,
            gossip_members: &metrics.gossip_members,
            breakdowns: &metrics.breakdowns,
            fallbacks: &metrics.fallbacks,
            several: metrics.several.as_ref(),
            connections: &metrics.connections,
            caches: &metrics.caches,
        }
    }
}

/// What kind of number a reference gives.
pub fn unit_of(measure: &MeasureRef) -> Unit {
    info(measure.measure).unit_of(measure.statistic)
}

/// What a key of the given kind of number ends with.
pub fn unit_suffix(unit: Unit) -> &'static str {
    match unit {
        Unit::Time => "_secs",
        Unit::Ratio => "_ratio",
        Unit::Rate => "_per_sec",
        Unit::Number => "",
    }
}

fn judgement_value(expectation: &Expectation, judgement: &Judgement) -> Value {
    let tally = judgement.tally;
    let mut value = json!({
        "name": expectation.name,
        "expectation": expectation.text,
        "state": judgement.state,
        "held_count": tally.held_count,
        "failed_count": tally.failed_count,
        "undecided_count": tally.undecided_count,
        "close_count": tally.close_count,
    });
    if let Value::Object(map) = &mut value {
        let suffix = unit_suffix(unit_of(&expectation.measure));
        map.insert("over".into(), json!(over_text(expectation.over)));
        map.insert(
            format!("value{suffix}"),
            json!(judgement.value.map(or_never)),
        );
        map.insert(
            format!("limit{suffix}"),
            json!(judgement.limit.map(or_never)),
        );
        if let Some((low, high)) = judgement.interval {
            let ends = [low, high].map(or_never);
            map.insert(format!("interval_95{suffix}"), json!(ends));
        }
        map.insert("reason".into(), json!(judgement.reason));
    }
    value
}

/// A number, which is infinite where something never came.
pub fn or_never(value: f64) -> Value {
    match value.is_infinite() {
        true => json!("never"),
        false => json!(value),
    }
}

/// How the replications are judged together, as an expectation says it.
pub fn over_text(over: Over) -> String {
    match over {
        Over::All => "all".to_string(),
        Over::Mean => "mean".to_string(),
        Over::ShareOfRuns(share) => format!("{}% of runs", share * 100.0),
    }
}

fn verdict_value(expectation: &Expectation, verdict: &Verdict) -> Value {
    let measure = expectation.measure;
    let suffix = unit_suffix(unit_of(&measure));
    let value = match verdict.reading {
        Reading::Known(value) => Some(value),
        Reading::Undecided(_) => None,
    };
    let mut map = Map::new();
    map.insert("name".into(), json!(expectation.name));
    map.insert("state".into(), json!(verdict.state));
    map.insert("is_close".into(), json!(verdict.is_close));
    map.insert(format!("value{suffix}"), json!(value));
    map.insert(format!("limit{suffix}"), json!(verdict.limit));
    map.insert("reason".into(), json!(verdict.reason));
    Value::Object(map)
}

fn batch_value(means: &BatchMeans) -> Value {
    let interval = means.interval.as_ref().ok();
    json!({
        "measure": "latency.mean",
        "batch_count": means.batch_count,
        "mean_secs": interval.map(|interval| interval.mean),
        "interval_95_half_width_secs": interval.map(|interval| interval.half_width),
        "reason": means.interval.as_ref().err(),
    })
}

/// A number that was asked for; `never` where what it measures did not come.
fn reading_value(asked: &AskedMeasure, reading: &Reading) -> Value {
    let suffix = unit_suffix(unit_of(&asked.measure));
    let (value, reason) = match reading {
        Reading::Known(value) if value.is_infinite() => (json!("never"), ""),
        Reading::Known(value) => (json!(value), ""),
        Reading::Undecided(reason) => (Value::Null, reason.as_str()),
    };
    let mut map = Map::new();
    map.insert("measure".into(), json!(asked.text));
    map.insert(format!("value{suffix}"), value);
    map.insert("reason".into(), json!(reason));
    Value::Object(map)
}

fn aggregate_value(aggregate: &Aggregate) -> Value {
    let suffix = unit_suffix(aggregate.unit);
    let mut map = Map::new();
    map.insert("measure".into(), json!(aggregate.measure));
    map.insert("phase".into(), json!(aggregate.phase));
    map.insert("run_count".into(), json!(aggregate.run_count));
    map.insert("known_count".into(), json!(aggregate.known_count));
    if let Some(pooled) = &aggregate.pooled {
        let known = pooled.as_ref().ok();
        let finite = |x: f64| x.is_finite().then_some(x);
        let ends = known.map(|p| [finite(p.low), finite(p.high)]);
        map.insert(
            format!("pooled{suffix}"),
            json!(known.and_then(|p| finite(p.value)).or(aggregate.mean)),
        );
        map.insert(format!("interval_95{suffix}"), json!(ends));
        map.insert("sample_count".into(), json!(known.map(|p| p.sample_count)));
        return Value::Object(map);
    }
    let mean = match aggregate.mean {
        Some(mean) if mean.is_infinite() => json!("never"),
        mean => json!(mean),
    };
    map.insert(format!("mean{suffix}"), mean);
    match aggregate.share {
        Some(share) => {
            let ends = [share.low, share.high];
            map.insert(format!("interval_95{suffix}"), json!(ends));
            let wider = (share.high - share.share).max(share.share - share.low);
            map.insert(format!("interval_95_half_width{suffix}"), json!(wider))
        }
        None => map.insert(
            format!("interval_95_half_width{suffix}"),
            json!(aggregate.half_width),
        ),
    };
    if 0 < aggregate.never_count {
        map.insert("never_count".into(), json!(aggregate.never_count));
    }
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aggregate_carries_its_unit_in_its_keys() {
        let aggregate = Aggregate {
            measure: "latency.mean",
            phase: "during rack-b".into(),
            unit: Unit::Time,
            run_count: 3,
            known_count: 3,
            never_count: 0,
            mean: Some(0.25),
            half_width: Some(0.5),
            share: None,
            pooled: None,
        };
        let value = aggregate_value(&aggregate);
        assert_eq!(
            value.to_string(),
            r#"{"measure":"latency.mean","phase":"during rack-b","run_count":3,"known_count":3,"#
                .to_string()
                + r#""mean_secs":0.25,"interval_95_half_width_secs":0.5}"#
        );
        let value = aggregate_value(&Aggregate {
            never_count: 1,
            mean: Some(f64::INFINITY),
            half_width: None,
            ..aggregate
        });
        let end = r#""mean_secs":"never","interval_95_half_width_secs":null,"never_count":1}"#;
        assert!(value.to_string().ends_with(end), "{value}");
    }
}
