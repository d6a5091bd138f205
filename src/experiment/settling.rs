//! Whether a warm-up is long enough, and how long it must be.

use super::{Results, Run};
use crate::scenario::Scenario;
use crate::stats::moments::{mean, standard_deviation};
use crate::stats::warmup::mser5;

/// Fewest windows that say something.
const WINDOW_COUNT_MIN: usize = 20;
/// Standard errors that what is cut must be away from the rest: MSER always finds some minimum.
const ERROR_COUNT: f64 = 4.0;

/// When the mean latency settles, in seconds from the start, if that is after the warm-up: MSER-5
/// over the windows after the warm-up and before the first fault, each the mean of the
/// replications. At the earliest the middle of them where MSER-5 finds no cut in the first half.
/// `None` where the warm-up is long enough, or there are too few windows to tell.
pub fn settles_at_secs(results: &Results, scenario: &Scenario) -> Option<f64> {
    let start_secs = scenario.warmup.as_secs_f64();
    let (starts, means) = latencies_before_faults(&results.runs, scenario, start_secs)?;
    let cut = cut(&means)?;
    Some(starts[cut])
}

/// The warm-up that MSER-5 finds in runs that measured from their start: the first instant from
/// which the mean latency by window, averaged over the runs, has the least standard error. Refused
/// where that lies in the second half of the time before the first fault: the run may then not have
/// settled at all.
pub fn warmup_secs(runs: &[Run], scenario: &Scenario) -> Result<f64, String> {
    let series = latencies_before_faults(runs, scenario, 0.0);
    let (starts, means) =
        series.ok_or("a window before the first fault saw no success; choose a wider `window`")?;
    if means.len() < WINDOW_COUNT_MIN {
        return Err(format!(
            "only {} windows lie before the first fault; at least {WINDOW_COUNT_MIN} are needed: \
             choose a narrower `window`, or write a length",
            means.len()
        ));
    }
    match mser5(&means) {
        Some(cut) => Ok(starts[cut.count]),
        None => Err(format!(
            "the mean latency does not settle in the first half of the {} windows before the \
             first fault; make the time before it longer, or write a length",
            means.len()
        )),
    }
}

/// When the first fault begins in any of the runs, whatever sets it off; the end of the run where
/// none does.
pub fn first_fault_secs(runs: &[Run], scenario: &Scenario) -> f64 {
    let faults = runs.iter().flat_map(|run| &run.metrics.faults);
    let windows = faults.filter_map(|fault| fault.windows.first());
    let starts = windows.map(|window| window.start_secs);
    starts.fold(scenario.duration.as_secs_f64(), f64::min)
}

/// Windows that lie between `start_secs` and the first fault: their starts, and the mean latency in
/// each, averaged over the runs. None where a window saw no success in any.
fn latencies_before_faults(
    runs: &[Run],
    scenario: &Scenario,
    start_secs: f64,
) -> Option<(Vec<f64>, Vec<f64>)> {
    let end_secs = first_fault_secs(runs, scenario);
    let series = || runs.iter().map(|run| &run.metrics.series);
    let width_secs = series().next()?.window_secs;
    let (mut starts, mut means) = (Vec::new(), Vec::new());
    for place in 0..series().next()?.total.len() {
        let windows = series().filter_map(|series| series.total.get(place));
        let latencies: Vec<f64> = windows.filter_map(|w| w.latency_ms_mean).collect();
        let window_start = place as f64 * width_secs;
        if start_secs <= window_start && window_start + width_secs <= end_secs {
            starts.push(window_start);
            means.push(mean(&latencies)?);
        }
    }
    Some((starts, means))
}

/// How many of the values belong to a warm-up, if any do.
fn cut(values: &[f64]) -> Option<usize> {
    if values.len() < WINDOW_COUNT_MIN {
        return None;
    }
    let cut = mser5(values).map_or(values.len() / 2, |cut| cut.count);
    let (first, rest) = values.split_at(cut);
    let distance = (mean(first)? - mean(rest)?).abs();
    let error = standard_deviation(rest)? * (1.0 / cut as f64 + 1.0 / rest.len() as f64).sqrt();
    (ERROR_COUNT * error < distance).then_some(cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draw, UniformSource};

    #[test]
    fn noise_needs_no_warm_up() {
        let mut draw = Draw::new(8);
        let found = (0..1_000).filter(|_| {
            let values: Vec<f64> = (0..60).map(|_| draw.uniform()).collect();
            cut(&values).is_some()
        });
        // MSER picks its cut so that the rest looks calm, which makes four errors a little likelier
        // than 1 in 15,000.
        let found = found.count();
        assert!(found <= 10, "{found}");
    }

    #[test]
    fn a_start_that_differs_is_cut() {
        let mut draw = Draw::new(9);
        let values: Vec<f64> = (0..60)
            .map(|i| draw.uniform() + if i < 15 { 3.0 } else { 0.0 })
            .collect();
        assert_eq!(cut(&values), Some(15));
        assert_eq!(cut(&values[..19]), None);
    }

    #[test]
    fn what_never_settles_is_cut_at_the_middle() {
        let values: Vec<f64> = (0..60).map(f64::from).collect();
        assert_eq!(cut(&values), Some(30));
    }
}
