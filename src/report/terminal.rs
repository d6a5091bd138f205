//! The summary of a run as lines and tables. Whoever prints it gives the parts their colors.

use super::flow::{PART_TITLES, mean_row};
use super::format::{self, NOTHING};
use super::page::{JudgedLine, MeanLine};
use super::summary::{digest_text, over_text, unit_of};
use super::terminal_class::classes_table;
use super::terminal_edge::edge_tables;
use super::terminal_fault::fault_table;
use super::terminal_means::{asked_lines, asked_table, batch_table, mean_line, means_table};
use crate::experiment::Results;
use crate::experiment::headline::is_shown;
use crate::experiment::judgement::Judgement;
use crate::metrics::data::RunMetrics;
use crate::metrics::data::detection::DetectorMetrics;
use crate::metrics::data::distribution::DurationStats;
use crate::metrics::data::flow::BreakdownMetrics;
use crate::metrics::data::request::{PhaseKind, PhaseMetrics};
use crate::metrics::data::selection::EdgeMetrics;
use crate::metrics::evaluate::VerdictState;
use crate::scenario::Scenario;
use crate::scenario::expect::{Bound, Expectation, Operator, Over};
use crate::scenario::measure::Unit;

/// What a run has to say, in the order of reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The scenario.
    pub name: String,
    /// Seeds, length, size.
    pub facts: String,
    /// The expectations, each judged; empty where the scenario has none.
    pub expectations: Vec<JudgedLine>,
    /// Means over the replications; empty for one run.
    pub means: Vec<MeanLine>,
    /// The numbers of the only run, or the means.
    pub tables: Vec<Table>,
    /// Fingerprint of the events of all runs.
    pub digest: String,
}

/// A table with a heading above its first column.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The heading.
    pub heading: String,
    /// The headings of the other columns, aligned to the right; none for lines of text.
    pub columns: Vec<String>,
    /// The label and the cells of every row.
    pub rows: Vec<Vec<String>>,
    /// What must be known to read it; often empty.
    pub note: String,
}

impl Summary {
    /// Says what there is to say about the results of a scenario.
    pub fn new(scenario: &Scenario, results: &Results) -> Self {
        let first = results.runs.first().expect("results have at least one run");
        let means = match results.runs.len() {
            1 => Vec::new(),
            _ => {
                let means = results.aggregates.iter().map(mean_line);
                means.chain(asked_lines(scenario, results)).collect()
            }
        };
        let mut tables = match means.as_slice() {
            [] => run_tables(&first.metrics),
            means => vec![means_table(means)],
        };
        tables.extend(results.batch_means.as_ref().map(batch_table));
        if means.is_empty() {
            tables.extend(asked_table(&asked_lines(scenario, results)));
        }
        Summary {
            name: scenario.name.clone(),
            facts: facts(scenario, results),
            expectations: expectation_lines(scenario, results),
            means,
            tables,
            digest: digest_text(results.digest()),
        }
    }
}

/// The comparison sign.
pub fn operator_sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Less => "<",
        Operator::LessOrEqual => "<=",
        Operator::Greater => ">",
        Operator::GreaterOrEqual => ">=",
        Operator::Equal => "==",
    }
}

fn facts(scenario: &Scenario, results: &Results) -> String {
    let seeds = match results.runs.as_slice() {
        [run] => format!("seed {}", run.seed),
        runs => format!(
            "seeds {} to {} \u{b7} {} replications",
            runs[0].seed,
            runs[runs.len() - 1].seed,
            format::count(runs.len() as u64)
        ),
    };
    let caller_count = scenario.clients.iter().map(|c| u64::from(c.count)).sum();
    format!(
        "{seeds} \u{b7} {} simulated \u{b7} {}, {}",
        format::length(scenario.duration),
        format::counted(u64::from(scenario.topology.instance_count()), "instance"),
        format::counted(caller_count, "caller")
    )
}

fn expectation_lines(scenario: &Scenario, results: &Results) -> Vec<JudgedLine> {
    let judged = scenario.expectations.iter().zip(&results.judgements);
    judged
        .map(|(expectation, judgement)| expectation_line(expectation, judgement))
        .collect()
}

fn expectation_line(expectation: &Expectation, judgement: &Judgement) -> JudgedLine {
    let limit = judgement.limit;
    let unit = unit_of(&expectation.measure);
    let value = format::optional(judgement.value, |value| match value.is_infinite() {
        true => "never".to_string(),
        false => format::by_unit(unit, value),
    });
    JudgedLine {
        state: judgement.state,
        name: expectation.name.clone(),
        measure: format!("{} {}", expectation.measure_text, expectation.phase_text)
            .trim_end()
            .to_string(),
        value: match judgement.interval {
            Some(interval) => format!("{value} ({})", format::interval(unit, interval)),
            None => value,
        },
        limit: limit_text(expectation, unit, limit),
        remark: remark(expectation, judgement),
    }
}

/// How far a number that fails is off, where it reads like its limit.
fn off_text(unit: Unit, judgement: &Judgement) -> Option<String> {
    let (value, limit) = judgement.value.zip(judgement.limit)?;
    let text = |value| format::by_unit(unit, value);
    let is_alike = value.is_finite() && value != limit && text(value) == text(limit);
    let is_meant = judgement.state == VerdictState::Failed && judgement.interval.is_none();
    (is_meant && is_alike).then(|| format!("off by {}", text((value - limit).abs())))
}

fn limit_text(expectation: &Expectation, unit: Unit, limit: Option<f64>) -> String {
    let sign = operator_sign(expectation.operator);
    match &expectation.bound {
        Bound::Value { text, .. } => format!("{sign} {text}"),
        Bound::Multiple { text, .. } => match limit {
            Some(limit) => format!("{sign} {text} = {}", format::by_unit(unit, limit)),
            None => format!("{sign} {text}"),
        },
    }
}

fn remark(expectation: &Expectation, judgement: &Judgement) -> String {
    let tally = judgement.tally;
    let run_count = tally.run_count();
    let mut parts = Vec::new();
    if 1 < run_count {
        let over = match expectation.over {
            Over::All if judgement.value.is_some() && judgement.interval.is_none() => {
                "worst: ".to_string()
            }
            Over::All => String::new(),
            over => format!("{}: ", over_text(over)),
        };
        parts.push(format!("{over}held in {} of {run_count}", tally.held_count));
    }
    match (judgement.state, judgement.reason.is_empty()) {
        (_, true) => {}
        (VerdictState::Undecided, _) => parts.push(format!("undecided: {}", judgement.reason)),
        _ if 0 < tally.undecided_count && judgement.interval.is_none() => {
            parts.push(format!("undecided: {}", judgement.reason));
        }
        _ => parts.push(judgement.reason.clone()),
    }
    parts.extend(off_text(unit_of(&expectation.measure), judgement));
    match (tally.close_count, run_count) {
        (0, _) => {}
        (_, 1) => parts.push("close".to_string()),
        (close_count, _) => parts.push(format!("close in {close_count}")),
    }
    parts.join(", ")
}

fn run_tables(metrics: &RunMetrics) -> Vec<Table> {
    let mut tables = vec![requests_table(metrics), latency_table(metrics)];
    tables.extend(parts_table(&metrics.breakdowns));
    tables.extend(classes_table(&metrics.requests.classes));
    tables.extend(picks_table(&metrics.edges));
    tables.extend(edge_tables(metrics));
    tables.extend(detectors_table(&metrics.detectors));
    tables.extend(super::members::terminal_table(metrics));
    let mut phases = metrics.requests.phases.iter();
    let steady = phases.find(|phase| phase.kind == PhaseKind::Steady);
    let steady_ratio = steady.and_then(|phase| phase.stats.success_ratio);
    let faults = metrics.faults.iter();
    tables.extend(faults.map(|fault| fault_table(fault, steady_ratio)));
    tables
}

fn requests_table(metrics: &RunMetrics) -> Table {
    let phases = metrics.requests.phases.iter();
    let shown = phases.filter(|phase| matches!(phase.kind, PhaseKind::Whole | PhaseKind::During));
    let shown: Vec<&PhaseMetrics> = shown.collect();
    let mut columns = texts([
        "arrived",
        "succeeded",
        "timed out",
        "rejected",
        "failed",
        "retried",
    ]);
    let mut rows: Vec<Vec<String>> = shown.iter().map(|phase| requests_row(phase)).collect();
    if shown.iter().any(|phase| 0 < phase.stats.in_flight_count) {
        columns.push("in flight".into());
        for (row, phase) in rows.iter_mut().zip(&shown) {
            row.push(format::count(phase.stats.in_flight_count));
        }
    }
    Table {
        heading: "REQUESTS".into(),
        columns,
        rows,
        note: String::new(),
    }
}

fn requests_row(phase: &PhaseMetrics) -> Vec<String> {
    let stats = &phase.stats;
    let counts = [
        stats.arrived_count,
        stats.succeeded_count,
        stats.timed_out_count,
        stats.rejected_count,
        stats.failed_count,
        stats.retry_count,
    ];
    let mut row = vec![phase.label.clone()];
    row.extend(counts.map(format::count));
    row
}

fn latency_table(metrics: &RunMetrics) -> Table {
    let is_faulty = !metrics.faults.is_empty();
    let shown = |phase: &&PhaseMetrics| {
        is_shown(phase.kind) && (phase.kind == PhaseKind::Whole) != is_faulty
    };
    let rows: Vec<Vec<String>> = metrics
        .requests
        .phases
        .iter()
        .filter(shown)
        .map(|phase| latency_row(&phase.label, &phase.stats.latency))
        .collect();
    let is_withheld = rows.iter().flatten().any(|cell| cell == NOTHING);
    let note = "- is withheld: fewer than 10 samples lie above it";
    Table {
        heading: "LATENCY of successes".into(),
        columns: texts(["p50", "p90", "p99", "p99.9", "max"]),
        rows,
        note: if is_withheld {
            note.into()
        } else {
            String::new()
        },
    }
}

fn latency_row(label: &str, latency: &DurationStats) -> Vec<String> {
    let percentiles = [latency.p50, latency.p90, latency.p99, latency.p999];
    let mut row = vec![label.to_string()];
    row.extend(percentiles.map(|p| format::optional(p.value_secs, format::secs)));
    row.push(format::optional(latency.max_secs, format::secs));
    row
}

fn parts_table(breakdowns: &[BreakdownMetrics]) -> Option<Table> {
    (!breakdowns.is_empty()).then(|| Table {
        heading: "TIME on average".into(),
        columns: texts(PART_TITLES),
        rows: breakdowns.iter().map(mean_row).collect(),
        note: String::new(),
    })
}

fn picks_table(edges: &[EdgeMetrics]) -> Option<Table> {
    let row = |edge: &EdgeMetrics| {
        let selection = &edge.selection;
        vec![
            edge.edge.clone(),
            format::count(selection.pick_count),
            format::count(edge.wasted_attempt_count),
            format::optional(selection.deviation_absolute_max, format::ratio),
            format::optional(selection.chi_squared_p, format::number),
            format::count(selection.burst_max),
        ]
    };
    (!edges.is_empty()).then(|| Table {
        heading: "PICKS".into(),
        columns: texts(["picks", "of dead", "off weight", "chi2 p", "longest burst"]),
        rows: edges.iter().map(row).collect(),
        note: String::new(),
    })
}

fn detectors_table(detectors: &[DetectorMetrics]) -> Option<Table> {
    let row = |detector: &DetectorMetrics| {
        vec![
            format!("{} of {}", detector.detector, detector.service),
            format::count(detector.detection_time.sample_count),
            format::optional(detector.detection_time.mean_secs, format::secs),
            format::count(detector.undetected_count),
            format::count(detector.mistake_count),
            format::optional(detector.mistake_duration.mean_secs, format::secs),
            format::optional(detector.query_accuracy_ratio, format::ratio),
        ]
    };
    let columns = [
        "detected",
        "after mean",
        "never",
        "mistakes",
        "mean length",
        "accuracy",
    ];
    (!detectors.is_empty()).then(|| Table {
        heading: "DETECTORS".into(),
        columns: texts(columns),
        rows: detectors.iter().map(row).collect(),
        note: String::new(),
    })
}

pub(super) fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_string).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Run;
    use crate::experiment::gather::Pools;
    use crate::metrics::evaluate::{Reading, Verdict};
    use crate::report::fixture;
    use crate::scenario::measure::{Aggregation, Measure, MeasureRef, Phase, Scope, Statistic};

    fn expectation(bound: Bound) -> Expectation {
        Expectation {
            name: "users".into(),
            text: "success_ratio >= 98.5% steady".into(),
            measure_text: "success_ratio".into(),
            phase_text: "steady".into(),
            measure: MeasureRef {
                measure: Measure::SuccessRatio,
                statistic: Statistic::Value,
                scope: Scope::default(),
                aggregation: Aggregation::Pooled,
                phase: Phase::Steady,
            },
            operator: Operator::GreaterOrEqual,
            bound,
            over: crate::scenario::expect::Over::All,
        }
    }

    fn value_bound() -> Bound {
        Bound::Value {
            value: 0.985,
            text: "98.5%".into(),
        }
    }

    fn verdict(state: VerdictState, value: Option<f64>, reason: &str) -> Verdict {
        Verdict {
            state,
            is_close: false,
            reading: match value {
                Some(value) => Reading::Known(value),
                None => Reading::Undecided(reason.into()),
            },
            limit: Some(0.985),
            event_count: None,
            reason: reason.into(),
        }
    }

    fn summary(bound: Bound, verdicts: Vec<Verdict>) -> Summary {
        let mut scenario = fixture::scenario();
        scenario.expectations = vec![expectation(bound)];
        let run = |(verdict, seed)| Run {
            seed,
            metrics: fixture::metrics(),
            verdicts: vec![verdict],
            readings: Vec::new(),
        };
        let runs = verdicts.into_iter().zip(7..).map(run).collect();
        let results = Results::of(&scenario, runs, Pools::default());
        Summary::new(&scenario, &results)
    }

    #[test]
    fn one_run_is_told_with_seed_length_and_size() {
        let summary = summary(
            value_bound(),
            vec![verdict(VerdictState::Held, Some(0.9897), "")],
        );
        assert_eq!(
            summary.facts,
            "seed 7 \u{b7} 1 min simulated \u{b7} 4 instances, 3 callers"
        );
        let line = &summary.expectations[0];
        assert_eq!(line.measure, "success_ratio steady");
        assert_eq!(
            (line.value.as_str(), line.limit.as_str()),
            ("98.97 %", ">= 98.5%")
        );
        assert_eq!(line.remark, "");
        let headings: Vec<&str> = summary.tables.iter().map(|t| t.heading.as_str()).collect();
        assert_eq!(headings[..2], ["REQUESTS", "LATENCY of successes"]);
    }

    #[test]
    fn a_number_that_reads_like_its_limit_is_told_with_its_distance() {
        let failed = verdict(VerdictState::Failed, Some(0.984_99), "");
        let line = &summary(value_bound(), vec![failed]).expectations[0];
        assert_eq!(
            (line.value.as_str(), line.remark.as_str()),
            ("98.50 %", "off by 0.00100 %")
        );
    }

    #[test]
    fn requests_in_flight_have_a_column_where_there_are_any() {
        let mut metrics = fixture::metrics();
        assert_eq!(requests_table(&metrics).columns.len(), 6);
        metrics.requests.phases[0].stats.in_flight_count = 3;
        let table = requests_table(&metrics);
        assert_eq!(table.columns[6], "in flight");
        assert_eq!(
            (table.rows[0][7].as_str(), table.rows[1][7].as_str()),
            ("3", "0")
        );
    }

    #[test]
    fn one_failure_of_three_runs_is_told_with_its_count() {
        let summary = summary(
            value_bound(),
            vec![
                verdict(VerdictState::Held, Some(0.99), ""),
                verdict(VerdictState::Failed, Some(0.98), ""),
                verdict(VerdictState::Undecided, None, "nothing arrived"),
            ],
        );
        let line = &summary.expectations[0];
        assert_eq!(line.state, VerdictState::Failed);
        // A number that one run does not have has no mean.
        assert_eq!(line.value, "-");
        assert_eq!(line.remark, "held in 1 of 3, undecided: nothing arrived");
        assert_eq!(summary.tables.len(), 1);
        assert_eq!(summary.tables[0].heading, "MEANS over replications");
    }

    #[test]
    fn a_limit_that_is_computed_shows_its_value() {
        let bound = Bound::Multiple {
            factor: 0.995,
            measure: expectation(value_bound()).measure,
            text: "0.995 * success_ratio".into(),
        };
        let held = verdict(VerdictState::Held, Some(0.99), "");
        let summary = summary(bound, vec![held]);
        assert_eq!(
            summary.expectations[0].limit,
            ">= 0.995 * success_ratio = 98.50 %"
        );
    }
}
