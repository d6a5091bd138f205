//! Pictures of how loaded instances were over time, against what their weights give them.

use std::ops::Range;

use super::instances::{TRUTH, is_down, spans};
use super::{RunView, file_name};
use crate::chart::load_heatmap::{LoadHeatmap, LoadRow, LoadScale};
use crate::chart::picture::Picture;
use crate::chart::span::{self, Span};
use crate::id::InstanceId;
use crate::metrics::data::series::InstanceRow;
use crate::metrics::data::service::ServiceMetrics;
use crate::metrics::data::timeline::{BelievedState, TimelineRow};
use crate::report::format;

/// Attempts that a cell of a heat map holds on average at least: windows are put together until
/// it does, because fewer show noise.
const CELL_ATTEMPT_COUNT_MIN: f64 = 10.0;
/// Attempts that are due to an instance at least whose load a title tells.
const TITLE_ATTEMPT_COUNT_MIN: f64 = 10.0;

/// One heat map for every service with several instances that were followed.
pub fn loads(run: RunView) -> impl Iterator<Item = Picture> {
    run.metrics.services.iter().filter_map(move |service| {
        let chart = load(run, service)?;
        Some(Picture::new(&file_name(&["load", &service.service]), chart))
    })
}

fn load(run: RunView, service: &ServiceMetrics) -> Option<LoadHeatmap> {
    let shares = Shares::of(run, service)?;
    let pool = windows_per_column(&shares.totals, shares.rows.len());
    let column_secs = run.metrics.series.instances.window_secs * pool as f64;
    let end_secs = run.metrics.measured_end_secs;
    let columns: Vec<Span> = (0..shares.totals.len().div_ceil(pool))
        .map(|column| column as f64 * column_secs)
        .take_while(|start| *start < end_secs)
        .map(|start| (start, (start + column_secs).min(end_secs)))
        .collect();
    let rows = shares.rows.iter().enumerate().map(|(place, row)| {
        let mut values = shares.columns(place, pool);
        let (absent_spans, down_spans) = away_spans(run, row);
        let away: Vec<Span> = absent_spans.iter().chain(&down_spans).copied().collect();
        let away = span::tidy(away.into_iter(), (0.0, end_secs));
        blank_idle(&mut values, &columns, &away);
        LoadRow {
            label: row.name.clone(),
            gone_spans: gone_spans(run, row),
            values,
            down_spans,
        }
    });
    let rows: Vec<LoadRow> = rows.collect();
    let mut subtitle = format!(
        "Attempts sent to each instance of {} over its fair share, by configured weight among \
         those that are part of the service at the time, in windows of {}.",
        service.service,
        format::instant(column_secs)
    );
    if let Some(note) = &run.metrics.series.instances.note {
        subtitle = format!("{subtitle} {note}");
    }
    Some(LoadHeatmap {
        caption: run.caption(load_title(run, service, &shares), &subtitle),
        timeline: run.timeline(),
        columns,
        rows,
        scale: LoadScale::FairShare,
        measure: "load ÷ fair share".to_string(),
    })
}

/// What instances got, and what their weights would have given them.
struct Shares<'a> {
    /// The instances that are followed.
    rows: Vec<&'a InstanceRow>,
    weights: Vec<f64>,
    /// Share of each window in which an instance is part of its service, by instance.
    presences: Vec<Vec<f64>>,
    /// Attempts to all of them, by window.
    totals: Vec<u64>,
    /// Weights of those that are there, by window.
    weight_sums: Vec<f64>,
}

impl<'a> Shares<'a> {
    /// None of services with fewer than two instances to compare.
    fn of(run: RunView<'a>, service: &ServiceMetrics) -> Option<Self> {
        let (scenario, series) = (run.scenario, &run.metrics.series.instances);
        let group_of = |row: &InstanceRow| {
            let group = scenario.topology.group_of(InstanceId(row.instance?));
            Some(&scenario.groups[group.index()])
        };
        let is_its = |row: &&InstanceRow| {
            let group = group_of(row);
            group.is_some_and(|it| scenario.services[it.service.index()].name == service.service)
        };
        let rows = series.rows.iter().filter(is_its);
        let rows: Vec<&InstanceRow> = rows.filter(|row| !is_always_absent(row)).collect();
        if rows.len() < 2 {
            return None;
        }
        let lengths = rows.iter().map(|row| row.attempt_counts.len());
        let window_count = lengths.max().unwrap_or(0);
        let weight = |row: &&InstanceRow| group_of(row).map_or(0.0, |group| group.weight);
        let weights: Vec<f64> = rows.iter().map(weight).collect();
        let presences = rows.iter().map(|row| presence(row, window_count));
        let presences: Vec<Vec<f64>> = presences.collect();
        let total = |window: usize| {
            let counts = rows.iter().filter_map(|row| row.attempt_counts.get(window));
            counts.map(|count| u64::from(*count)).sum()
        };
        let weight_sum = |window: usize| {
            let there = presences.iter().zip(&weights);
            there.map(|(it, weight)| it[window] * weight).sum()
        };
        Some(Shares {
            totals: (0..window_count).map(total).collect(),
            weight_sums: (0..window_count).map(weight_sum).collect(),
            rows,
            weights,
            presences,
        })
    }

    fn count(&self, place: usize, window: usize) -> f64 {
        let counts = &self.rows[place].attempt_counts;
        counts.get(window).map_or(0.0, |count| f64::from(*count))
    }

    /// Attempts that are due to an instance in a window while it is there.
    fn due(&self, place: usize, window: usize) -> f64 {
        let own = self.weights[place] * self.presences[place][window];
        match 0.0 < own {
            true => self.totals[window] as f64 * own / self.weight_sums[window],
            false => 0.0,
        }
    }

    /// Load over fair load by column; none where nothing is due. What is sent to an instance that
    /// is gone stands against what would be due to it if it were there.
    fn columns(&self, place: usize, pool: usize) -> Vec<Option<f64>> {
        let windows: Vec<usize> = (0..self.totals.len()).collect();
        let column = |windows: &[usize]| {
            let count: f64 = windows.iter().map(|it| self.count(place, *it)).sum();
            let due: f64 = windows.iter().map(|it| self.due(place, *it)).sum();
            let weight = self.weights[place];
            let would_be = windows.iter().map(|it| {
                let whole = self.weight_sums[*it] + weight;
                self.totals[*it] as f64 * weight / whole
            });
            let due = match 0.0 < due || count == 0.0 {
                true => due,
                false => would_be.sum(),
            };
            (0.0 < due).then(|| count / due)
        };
        windows.chunks(pool).map(column).collect()
    }

    /// The instance with most over its fair share while it was there, in these windows: its place
    /// and how many times. Those to which little is due tell nothing.
    fn most_loaded(&self, windows: Range<usize>) -> Option<(usize, f64)> {
        let of = |place: usize| {
            let lived = windows
                .clone()
                .filter(|window| 0.0 < self.presences[place][*window]);
            let sums = lived.fold((0.0, 0.0), |(count, due), it| {
                (count + self.count(place, it), due + self.due(place, it))
            });
            (TITLE_ATTEMPT_COUNT_MIN <= sums.1).then(|| (place, sums.0 / sums.1))
        };
        let ratios = (0..self.rows.len()).filter_map(of);
        ratios.max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// In which share of each window an instance was part of its service.
fn presence(row: &InstanceRow, window_count: usize) -> Vec<f64> {
    let absent = &row.away.absent_ratios;
    let of = |window: usize| absent.get(window).map_or(1.0, |it| 1.0 - f64::from(*it));
    // What is left by rounding is nothing.
    let of = |window| {
        Some(of(window))
            .filter(|share| 1e-6 < *share)
            .unwrap_or(0.0)
    };
    (0..window_count).map(of).collect()
}

/// How many windows make a column with enough attempts.
fn windows_per_column(totals: &[u64], row_count: usize) -> usize {
    let cell_count = (totals.len() * row_count).max(1) as f64;
    let per_cell = totals.iter().sum::<u64>() as f64 / cell_count;
    let wanted = (CELL_ATTEMPT_COUNT_MIN / per_cell.max(1e-9)).ceil();
    // At least 20 columns stay, so that time is still seen.
    wanted.clamp(1.0, (totals.len() as f64 / 20.0).max(1.0)) as usize
}

/// Nothing stands where nothing was sent to an instance that was not there.
fn blank_idle(values: &mut [Option<f64>], columns: &[Span], gone: &[Span]) {
    for (value, column) in values.iter_mut().zip(columns) {
        let is_gone = gone
            .iter()
            .any(|span| span.0 <= column.0 && column.1 <= span.1);
        if is_gone && *value == Some(0.0) {
            *value = None;
        }
    }
}

/// Whether an instance is spare and never joined its service.
fn is_always_absent(row: &InstanceRow) -> bool {
    let absent = &row.away.absent_ratios;
    let is_never_there = !absent.is_empty() && absent.iter().all(|ratio| *ratio == 1.0);
    is_never_there && row.attempt_counts.iter().all(|count| *count == 0)
}

/// When an instance was no part of its service, and when it was down. To the instant where all
/// changes of all instances are kept, otherwise by window.
fn away_spans(run: RunView, row: &InstanceRow) -> (Vec<Span>, Vec<Span>) {
    let end_secs = run.metrics.measured_end_secs;
    let timelines = &run.metrics.timelines;
    if 0 < timelines.dropped_count {
        let window_secs = run.metrics.series.instances.window_secs;
        let away = [&row.away.absent_ratios, &row.away.down_ratios];
        let [absent, down] = away.map(|ratios| spans_of_ratios(ratios, window_secs, end_secs));
        return (absent, down);
    }
    let is_truth = |it: &&TimelineRow| Some(it.instance) == row.instance && it.observer == TRUTH;
    let truth = timelines.rows.iter().find(is_truth);
    let of_truth = |is_meant: fn(BelievedState) -> bool| {
        let spans = truth.map(|it| spans(it, end_secs, is_meant));
        span::tidy(spans.unwrap_or_default().into_iter(), (0.0, end_secs))
    };
    let absent = of_truth(|state| state == BelievedState::Absent);
    (absent, of_truth(is_down))
}

/// Windows in which an instance was called, and all the time no part of its service.
fn gone_spans(run: RunView, row: &InstanceRow) -> Vec<Span> {
    let window_secs = run.metrics.series.instances.window_secs;
    let absent = row.away.absent_ratios.iter().zip(&row.attempt_counts);
    let gone = absent
        .enumerate()
        .filter(|(_, (ratio, count))| 1.0 <= **ratio && 0 < **count);
    let starts = gone.map(|(window, _)| window as f64 * window_secs);
    let spans = starts.map(|start| (start, start + window_secs));
    span::tidy(spans, (0.0, run.metrics.measured_end_secs))
}

/// Times of which these parts of each window are known. A part of a window lies where it touches
/// its neighbour.
fn spans_of_ratios(ratios: &[f32], window_secs: f64, end_secs: f64) -> Vec<Span> {
    let is_away = |window: usize| ratios.get(window).is_some_and(|ratio| 0.0 < *ratio);
    let away = (0..ratios.len()).filter(|window| is_away(*window));
    let of = |window: usize| {
        let start = window as f64 * window_secs;
        let end = (start + window_secs).min(end_secs);
        let length = (end - start).max(0.0) * f64::from(ratios[window]);
        if ratios[window] == 1.0 {
            return (start, end);
        }
        let continues = 0 < window && is_away(window - 1);
        match is_away(window + 1) && !continues {
            true => (end - length, end),
            false => (start, start + length),
        }
    };
    span::tidy(away.map(of), (0.0, end_secs))
}

fn load_title(run: RunView, service: &ServiceMetrics, shares: &Shares) -> String {
    let series = &run.metrics.series.instances;
    let first = (run.metrics.measured_start_secs / series.window_secs).ceil() as usize;
    let end = (run.metrics.measured_end_secs / series.window_secs) as usize;
    let measured = first..end.min(shares.totals.len());
    let those = match series.note {
        Some(_) => "followed instance",
        None => "instance",
    };
    match shares.most_loaded(measured) {
        None => format!("How the load of {} was spread", service.service),
        Some((_, ratio)) if ratio < 1.05 => format!(
            "Over the run no {those} of {} took more than {} times its fair share of the attempts",
            service.service,
            format::number(ratio)
        ),
        Some((place, ratio)) => format!(
            "Over the run {} took {} times its fair share of the attempts, the most of {}",
            shares.rows[place].name,
            format::number(ratio),
            service.service
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn columns_of_the_dead_show_what_was_sent_to_them() {
        let columns = [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 4.0)];
        let mut values = [Some(0.0), Some(0.5), Some(0.0), Some(0.0)];
        // Gone from the middle of the first column to the end of the third one.
        blank_idle(&mut values, &columns, &[(0.5, 3.0)]);
        assert_eq!(values, [Some(0.0), Some(0.5), None, Some(0.0)]);
    }

    fn row(name: &str, attempt_counts: &[u32]) -> InstanceRow {
        InstanceRow {
            instance: Some(0),
            name: name.into(),
            attempt_counts: attempt_counts.to_vec(),
            in_flight_means: Vec::new(),
            queue_depth_means: Vec::new(),
            busy_ratios: Vec::new(),
            away: Default::default(),
        }
    }

    #[test]
    fn a_fair_share_is_that_of_those_who_are_there() {
        // The first instance is replaced by the second one, which callers list a window late.
        let rows = [
            row("old", &[50, 50, 40, 0]),
            row("new", &[0, 0, 20, 60]),
            row("other", &[50, 50, 60, 60]),
        ];
        let shares = Shares {
            rows: rows.iter().collect(),
            weights: vec![1.0; 3],
            presences: vec![
                vec![1.0, 1.0, 0.0, 0.0],
                vec![0.0, 0.0, 1.0, 1.0],
                vec![1.0; 4],
            ],
            totals: vec![100, 100, 120, 120],
            weight_sums: vec![2.0; 4],
        };
        // Once gone, it should have had one of three parts if it were there.
        let old = [Some(1.0), Some(1.0), Some(1.0), None];
        assert_eq!(shares.columns(0, 1), old);
        let new = [None, None, Some(20.0 / 60.0), Some(1.0)];
        assert_eq!(shares.columns(1, 1), new);
        // Nobody got more than its due while it was there: 220 of 50 + 50 + 60 + 60.
        assert_eq!(shares.most_loaded(0..4), Some((2, 1.0)));
    }

    #[test]
    fn a_window_is_lived_in_part() {
        let mut there = row("web/a/0", &[1; 5]);
        assert_eq!(presence(&there, 3), [1.0; 3]);
        there.away.absent_ratios = vec![1.0, 0.5, 0.0, 0.25, 0.999_999_9];
        assert_eq!(presence(&there, 5), [0.0, 0.5, 1.0, 0.75, 0.0]);
    }

    #[test]
    fn parts_of_windows_lie_where_they_touch() {
        // Gone from 5 s to 24 s, and for 3 s somewhere between 40 s and 50 s; the run ends at 58 s.
        let ratios = [0.5, 1.0, 0.4, 0.0, 0.3, 1.0];
        let spans = spans_of_ratios(&ratios, 10.0, 58.0);
        let rounded = |(start, end): &Span| ((start * 1e3).round(), (end * 1e3).round());
        let spans: Vec<(f64, f64)> = spans.iter().map(rounded).collect();
        assert_eq!(spans, [(5_000.0, 24_000.0), (47_000.0, 58_000.0)]);
    }

    /// The only service had a newcomer, of whom the timelines say nothing because they are full.
    #[test]
    fn who_joins_late_is_known_when_timelines_are_full() {
        let scenario = fixture::scenario();
        let mut metrics = fixture::metrics();
        metrics.timelines.dropped_count = 1;
        let rows = &mut metrics.series.instances.rows;
        // The last of four joins at 30 s, and is called from 25 s on.
        let away = |second| if second < 30 { 1.0 } else { 0.0 };
        rows[3].away.absent_ratios = (0..61).map(away).collect();
        rows[3].attempt_counts = (0..61)
            .map(|second| u32::from(25 <= second) * 250)
            .collect();
        let run = RunView {
            scenario: &scenario,
            metrics: &metrics,
            seed: 7,
        };
        let chart = load(run, &metrics.services[0]).expect("four instances were followed");
        assert_eq!(chart.rows[3].gone_spans, [(25.0, 30.0)]);
        assert_eq!(chart.rows[3].values[..25], [None; 25]);
        assert!(chart.rows[3].values[25..].iter().all(Option::is_some));
        // Weights 1, 1 and 2 while it is away: 167 of 167 + 167 + 333 are due to a quarter.
        let share = chart.rows[0].values[0].expect("it was called");
        assert!((share - 167.0 * 4.0 / 667.0).abs() < 1e-9, "{share}");
    }
}
