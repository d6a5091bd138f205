//! The picture of how soon detectors notice against how often they are wrong.

use std::collections::BTreeSet;

use super::{RunView, file_name};
use crate::chart::axis::Quantity;
use crate::chart::picture::Picture;
use crate::chart::trade_off::{TradeOff, TradeOffPoint};
use crate::metrics::data::detection::DetectorMetrics;
use crate::report::format;
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
    let ranking = Ranking::of(detectors);
    let on_front = (0..detectors.len()).filter(|place| ranking.is_on_front(*place));
    let others = (0..detectors.len()).filter(|place| !ranking.is_on_front(*place));
    let mut on_front: Vec<usize> = on_front.collect();
    on_front.sort_by(|a, b| {
        ranking.costs[*a]
            .partial_cmp(&ranking.costs[*b])
            .expect("finite")
    });
    let points = on_front
        .into_iter()
        .chain(others)
        .map(|place| TradeOffPoint {
            label: label(detectors[place]),
            values: values(detectors[place]).unwrap_or_default(),
            intervals: intervals(detectors[place]),
            is_on_front: ranking.is_on_front(place),
            is_open: false,
            is_chosen: ranking.chosen == place,
        });
    let left_out = match detectors.len().saturating_sub(DETECTOR_COUNT_MAX) {
        0 => String::new(),
        1 => " One detector is left out.".to_string(),
        count => format!(" {} detectors are left out.", format::count(count as u64)),
    };
    let subtitle = format!(
        "Mean from going down to the final suspicion, with the shortest and the longest; mistakes \
         for each pair of observer and instance, with exact 95 % intervals of Poisson counts. \
         Beaten: another is as good in both and in the share of failures missed (in the labels), \
         and better in one.{left_out}"
    );
    let title = match service {
        None => title(detectors, &ranking),
        Some(service) => format!("For {service}: {}", title(detectors, &ranking)),
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

/// Which detectors others beat, and which one comes nearest to the best.
struct Ranking {
    /// Mistakes, time and the share of failures that were missed, of each: less is better.
    costs: Vec<[f64; 3]>,
    chosen: usize,
}

impl Ranking {
    fn of(detectors: &[&DetectorMetrics]) -> Self {
        let cost = |detector: &&DetectorMetrics| {
            let [mistakes, time] = values(detector).unwrap_or_default();
            [mistakes, time, missed_ratio(detector)]
        };
        let costs: Vec<[f64; 3]> = detectors.iter().map(cost).collect();
        let mut ranking = Ranking { costs, chosen: 0 };
        let of_front = |side: usize| {
            let front = (0..ranking.costs.len()).filter(|place| ranking.is_on_front(*place));
            front.map(move |place| (place, side))
        };
        let ends = [0, 1, 2].map(|side| {
            let costs = of_front(side).map(|(place, side)| ranking.costs[place][side]);
            let ends = (f64::INFINITY, f64::NEG_INFINITY);
            costs.fold(ends, |(best, worst), cost| {
                (best.min(cost), worst.max(cost))
            })
        });
        let distance = |place: usize| -> f64 {
            let share = |(cost, (best, worst)): (&f64, &(f64, f64))| match worst - best {
                0.0 => 0.0,
                width => (cost - best) / width,
            };
            let shares = ranking.costs[place].iter().zip(&ends).map(share);
            shares.map(|share| share * share).sum()
        };
        let front = of_front(0).map(|(place, _)| place);
        let missed = |place: usize| ranking.costs[place][2];
        let nearest = front.min_by(|a, b| {
            let by_distance = distance(*a).total_cmp(&distance(*b));
            by_distance.then(missed(*a).total_cmp(&missed(*b)))
        });
        ranking.chosen = nearest.expect("no one beats all");
        ranking
    }

    /// Whether no other detector is at least as good in everything, and better in something.
    fn is_on_front(&self, place: usize) -> bool {
        let own = self.costs[place];
        let beats = |other: &[f64; 3]| *other != own && (0..3).all(|side| other[side] <= own[side]);
        !self.costs.iter().any(beats)
    }
}

/// The share of failures that were not noticed.
fn missed_ratio(detector: &DetectorMetrics) -> f64 {
    let missed = detector.undetected_count as f64;
    let noticed = detector.detection_time.sample_count as f64;
    missed / (missed + noticed).max(1.0)
}

fn title(detectors: &[&DetectorMetrics], ranking: &Ranking) -> String {
    let chosen = detectors[ranking.chosen];
    let [mistakes, time] = values(chosen).unwrap_or_default();
    let mistakes = match chosen.mistake_count {
        0 => "no mistake".to_string(),
        _ => format!("{} mistakes per hour and pair", format::number(mistakes)),
    };
    let is_missing = detectors.iter().any(|it| 0 < it.undetected_count);
    let (best, missed) = match (is_missing, chosen.undetected_count) {
        (false, _) => ("both", String::new()),
        (true, 0) => ("all", ", no failure missed".to_string()),
        (true, count) => (
            "all",
            format!(", {} missed", format::counted(count, "failure")),
        ),
    };
    let numbers = format!("{mistakes}, {} to notice{missed}", format::secs(time));
    let own = ranking.costs[ranking.chosen];
    let alike = (0..detectors.len()).filter(|place| ranking.costs[*place] == own);
    let names: Vec<&str> = alike
        .map(|place| short(&detectors[place].detector))
        .collect();
    let subject = match names.as_slice() {
        [only] => (*only).to_string(),
        [one, other] => format!("{one} and {other}"),
        [first, rest @ ..] => format!("{first} and {} others", format::count(rest.len() as u64)),
        [] => String::new(),
    };
    if names.len() == detectors.len() {
        return format!("{subject} are alike: {numbers}");
    }
    let comes = if names.len() == 1 { "comes" } else { "come" };
    let beaten = (0..detectors.len()).filter(|place| !ranking.is_on_front(*place));
    let others = match beaten.count() {
        0 => "none of the others is beaten".to_string(),
        1 => "one detector is beaten".to_string(),
        count => format!("{} detectors are beaten", format::count(count as u64)),
    };
    format!("{subject} {comes} nearest to the best of {best}: {numbers}; {others}")
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
             one detector is beaten",
        );
        let pictures = pictures(&rows);
        assert_eq!(words(&pictures), [expected]);
        assert_eq!(pictures[0].table().rows.len(), 2);
    }

    #[test]
    fn detectors_with_equal_numbers_are_alike() {
        let rows = [("a", "web", 4.0, 0), ("b", "web", 4.0, 0)];
        let expected = (
            "detectors",
            "a and b are alike: no mistake, 4.00 s to notice",
        );
        let pictures = pictures(&rows);
        assert_eq!(words(&pictures), [expected]);
        let rows = pictures[0].table().rows;
        assert!(rows.iter().all(|row| row[7] == "true"), "{rows:?}");
    }

    #[test]
    fn a_detector_that_misses_failures_does_not_beat_one_that_does_not() {
        let detector = |name: &str, mean_secs: f64, undetected_count: u64| DetectorMetrics {
            detector: name.into(),
            detection_time: DurationStats {
                sample_count: 6,
                mean_secs: Some(mean_secs),
                ..DurationStats::default()
            },
            undetected_count,
            mistake_rate_per_sec: Some(0.0),
            ..DetectorMetrics::default()
        };
        let all = [
            detector("hasty", 1.0, 6),
            detector("steady", 2.0, 0),
            detector("slow", 3.0, 0),
        ];
        let all: Vec<&DetectorMetrics> = all.iter().collect();
        let ranking = Ranking::of(&all);
        let on_front = [0, 1, 2].map(|place| ranking.is_on_front(place));
        assert_eq!(on_front, [true, true, false]);
        // Both are best in one number and worst in another: the one that misses less is named.
        assert_eq!(
            title(&all, &ranking),
            "steady comes nearest to the best of all: no mistake, 2.00 s to notice, no failure \
             missed; one detector is beaten"
        );
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
             one detector is beaten",
        );
        assert_eq!(words(&pictures(&rows)), [expected]);
    }
}
