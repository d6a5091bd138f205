//! The picture of how soon detectors notice against how often they are wrong.

use super::RunView;
use crate::chart::axis::Quantity;
use crate::chart::trade_off::{TradeOff, TradeOffPoint};
use crate::experiment::study::Estimate;
use crate::experiment::sweep::pareto::{Front, front};
use crate::metrics::data::detection::DetectorMetrics;
use crate::report::format;
use crate::scenario::measure_catalog::Direction;
use crate::stats::poisson::mean_interval;

/// Detectors with a point.
const DETECTOR_COUNT_MAX: usize = 60;

/// Detection time against mistakes, a point for each detector; None where fewer than two of them
/// noticed anything.
pub fn detectors(run: RunView) -> Option<TradeOff> {
    let detectors: Vec<&DetectorMetrics> = run
        .metrics
        .detectors
        .iter()
        .filter(|detector| values(detector).is_some())
        .take(DETECTOR_COUNT_MAX)
        .collect();
    if detectors.len() < 2 {
        return None;
    }
    let all: Vec<Option<[f64; 2]>> = detectors.iter().map(|it| values(it)).collect();
    let exactly = |value: f64| Estimate {
        value,
        low: value,
        high: value,
    };
    let numbers: Vec<_> = all
        .iter()
        .map(|it| it.map(|both| both.map(exactly)))
        .collect();
    let front = front(&numbers, [Direction::Lower, Direction::Lower])?;
    let on_front = front.points.iter().map(|place| *place as usize);
    let others = (0..detectors.len()).filter(|place| !front.points.contains(&(*place as u32)));
    let points = on_front.chain(others).map(|place| TradeOffPoint {
        label: label(detectors[place]),
        values: all[place].unwrap_or_default(),
        intervals: intervals(detectors[place]),
        is_on_front: front.points.contains(&(place as u32)),
        is_open: false,
        is_chosen: front.chosen as usize == place,
    });
    let subtitle = "Mean from going down to the final suspicion, with the shortest and the \
                    longest; mistakes for each pair of observer and instance, with exact 95 % \
                    intervals of Poisson counts. What was missed stands in the labels.";
    Some(TradeOff {
        caption: run.caption(title(&detectors, &front), subtitle),
        names: [
            "mistakes per hour and pair (less is better)".to_string(),
            "detection time (less is better)".to_string(),
        ],
        quantities: [Quantity::Number, Quantity::Time],
        points: points.collect(),
    })
}

/// Mistakes per hour and pair, and the mean detection time in seconds.
fn values(detector: &DetectorMetrics) -> Option<[f64; 2]> {
    let mistakes = detector.mistake_rate_per_sec? * 3_600.0;
    Some([mistakes, detector.detection_time.mean_secs?])
}

fn intervals(detector: &DetectorMetrics) -> [Option<(f64, f64)>; 2] {
    let hours = detector.observed_pair_secs / 3_600.0;
    let (low, high) = mean_interval(detector.mistake_count, 0.95);
    let time = &detector.detection_time;
    [
        (0.0 < hours).then(|| (low / hours, high / hours)),
        time.min_secs.zip(time.max_secs),
    ]
}

fn label(detector: &DetectorMetrics) -> String {
    let name = short(&detector.detector);
    match detector.undetected_count {
        0 => name.to_string(),
        count => format!("{name} (missed {})", format::count(count)),
    }
}

/// `client.phi.call.web` as `phi.call.web`.
fn short(detector: &str) -> &str {
    detector.strip_prefix("client.").unwrap_or(detector)
}

fn title(detectors: &[&DetectorMetrics], front: &Front) -> String {
    let chosen = detectors[front.chosen as usize];
    let [mistakes, time] = values(chosen).unwrap_or_default();
    let mistakes = match chosen.mistake_count {
        0 => "no mistake".to_string(),
        _ => format!("{} mistakes per hour and pair", format::number(mistakes)),
    };
    let beaten_count = detectors.len() - front.points.len();
    let others = match beaten_count {
        0 => "none of the others is beaten in both".to_string(),
        1 => "one detector is beaten in both".to_string(),
        count => format!(
            "{} detectors are beaten in both",
            format::count(count as u64)
        ),
    };
    format!(
        "{} comes nearest to the best of both: {mistakes}, {} to notice; {others}",
        short(&chosen.detector),
        format::secs(time),
    )
}
