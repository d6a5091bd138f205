//! The picture of how soon detectors notice against how often they are wrong.

use std::collections::BTreeSet;

use super::{RunView, file_name};
use crate::chart::axis::Quantity;
use crate::chart::picture::Picture;
use crate::chart::trade_off::{TradeOff, TradeOffPoint};
use crate::experiment::study::Estimate;
use crate::experiment::sweep::pareto::{Front, front};
use crate::metrics::data::detection::DetectorMetrics;
use crate::report::format;
use crate::scenario::measure_catalog::Direction;
use crate::stats::poisson::mean_interval;

/// Detectors with a point.
const DETECTOR_COUNT_MAX: usize = 60;

/// Detection time against mistakes, a point for each detector of two or more that noticed anything.
///
/// One picture for all of them, so that detectors of services that are alike can be compared. Where
/// a detector watches several services its numbers for one of them are no rival of those for
/// another one: then every service has a picture of its own.
pub fn detectors(run: RunView) -> Vec<Picture> {
    let all = run.metrics.detectors.iter();
    let known: Vec<&DetectorMetrics> = all.filter(|it| values(it).is_some()).collect();
    let names: BTreeSet<&str> = known.iter().map(|it| it.detector.as_str()).collect();
    if names.len() == known.len() {
        let chart = chart(run, &known, None);
        return chart
            .map(|chart| Picture::new("detectors", chart))
            .into_iter()
            .collect();
    }
    let services = run.metrics.services.iter().map(|it| it.service.as_str());
    let pictures = services.filter_map(|service| {
        let watching = known.iter().filter(|it| it.service == service);
        let watching: Vec<&DetectorMetrics> = watching.copied().collect();
        let chart = chart(run, &watching, Some(service))?;
        Some(Picture::new(&file_name(&["detectors", service]), chart))
    });
    pictures.collect()
}

/// None for fewer than two detectors. `service` is the one that all of them watch, where others
/// have a picture too.
fn chart(run: RunView, detectors: &[&DetectorMetrics], service: Option<&str>) -> Option<TradeOff> {
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
    let left_out = match detectors.len().saturating_sub(DETECTOR_COUNT_MAX) {
        0 => String::new(),
        1 => " One detector is left out.".to_string(),
        count => format!(" {} detectors are left out.", format::count(count as u64)),
    };
    let subtitle = format!(
        "Mean from going down to the final suspicion, with the shortest and the longest; mistakes \
         for each pair of observer and instance, with exact 95 % intervals of Poisson counts. What \
         was missed stands in the labels.{left_out}"
    );
    let title = match service {
        None => title(detectors, &front),
        Some(service) => format!("For {service}: {}", title(detectors, &front)),
    };
    Some(TradeOff {
        caption: run.caption(title, &subtitle),
        names: [
            "mistakes per hour and pair (less is better)".to_string(),
            "detection time (less is better)".to_string(),
        ],
        quantities: [Quantity::Number, Quantity::Time],
        points: points.take(DETECTOR_COUNT_MAX).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::data::distribution::DurationStats;
    use crate::report::fixture;

    /// A detector by its name, its service, its mean time in seconds and its mistakes in an hour.
    type Row = (&'static str, &'static str, f64, u64);

    fn pictures(rows: &[Row]) -> Vec<Picture> {
        let scenario = fixture::scenario();
        let mut metrics = fixture::metrics();
        let mut db = metrics.services[0].clone();
        db.service = "db".into();
        metrics.services.push(db);
        let detector = |&(detector, service, mean_secs, mistake_count): &Row| DetectorMetrics {
            detector: detector.into(),
            service: service.into(),
            detection_time: DurationStats {
                sample_count: 1,
                mean_secs: Some(mean_secs),
                ..DurationStats::default()
            },
            mistake_count,
            mistake_rate_per_sec: Some(mistake_count as f64 / 3_600.0),
            observed_pair_secs: 3_600.0,
            ..DetectorMetrics::default()
        };
        metrics.detectors = rows.iter().map(detector).collect();
        detectors(RunView {
            scenario: &scenario,
            metrics: &metrics,
            seed: 7,
        })
    }

    fn words(pictures: &[Picture]) -> Vec<(&str, &str)> {
        let words = pictures.iter().map(|it| (it.name.as_str(), it.title()));
        words.collect()
    }

    #[test]
    fn a_registry_is_no_rival_of_itself() {
        let rows = [("registry", "web", 4.0, 2), ("registry", "db", 5.0, 3)];
        assert_eq!(words(&pictures(&rows)), []);
    }

    #[test]
    fn detectors_are_compared_for_one_service_where_one_watches_several() {
        let rows = [
            ("registry", "web", 4.0, 2),
            ("registry", "db", 5.0, 3),
            ("client.shop.call.db", "db", 1.5, 0),
        ];
        let expected = (
            "detectors-db",
            "For db: shop.call.db comes nearest to the best of both: no mistake, 1.50 s to notice; \
             one detector is beaten in both",
        );
        let pictures = pictures(&rows);
        assert_eq!(words(&pictures), [expected]);
        assert_eq!(pictures[0].table().rows.len(), 2);
    }

    #[test]
    fn detectors_of_services_that_are_alike_share_a_picture() {
        let rows = [
            ("service.web.gossip", "web", 4.0, 0),
            ("service.db.gossip", "db", 5.0, 3),
        ];
        let expected = (
            "detectors",
            "service.web.gossip comes nearest to the best of both: no mistake, 4.00 s to notice; \
             one detector is beaten in both",
        );
        assert_eq!(words(&pictures(&rows)), [expected]);
    }
}
