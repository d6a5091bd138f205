//! Which pictures a run gets, and what their titles say.

pub(super) mod balance;
mod caches;
pub mod comparison;
mod headcounts;
pub mod instances;
mod load;
pub mod messages;
mod more;
mod moves;
mod percentiles;
mod pressure;
pub mod requests;
pub mod shares;
mod smoothness;
mod trade_off;
pub mod worst;

use std::cmp::Ordering;

use crate::chart::Caption;
use crate::chart::picture::Picture;
use crate::chart::span::Span;
use crate::chart::timeline::{FaultSpan, Timeline};
use crate::metrics::data::RunMetrics;
use crate::metrics::data::request::{PhaseKind, PhaseMetrics};
use crate::metrics::data::series::RequestWindow;
use crate::scenario::Scenario;

/// One run, as its pictures see it.
#[derive(Clone, Copy)]
pub struct RunView<'a> {
    pub scenario: &'a Scenario,
    pub metrics: &'a RunMetrics,
    pub seed: u64,
}

/// The pictures of a run, in order of reading; what did not happen has no picture.
pub fn pictures(run: RunView) -> Vec<Picture> {
    let mut pictures = vec![
        Picture::new("latency", requests::latency(run)),
        Picture::new("requests", requests::rates(run)),
        Picture::new("percentiles", percentiles::percentiles(run)),
    ];
    pictures.extend(more::nines(run).map(|chart| Picture::new("nines", chart)));
    pictures.extend(more::budget(run).map(|chart| Picture::new("budget", chart)));
    pictures.extend(pressure::pressure(run).map(|chart| Picture::new("pressure", chart)));
    pictures.extend(more::propagations(run));
    pictures.extend(instances::heartbeats(run).map(|chart| Picture::new("heartbeats", chart)));
    pictures.extend(trade_off::detectors(run));
    pictures.extend(headcounts::headcounts(run).map(|chart| Picture::new("instances", chart)));
    pictures.extend(load::loads(run));
    pictures.extend(balance::timelines(run));
    pictures.extend(caches::caches(run).map(|chart| Picture::new("caches", chart)));
    pictures.extend(shares::rings(run));
    pictures.extend(moves::moves(run));
    pictures.extend(shares::selections(run));
    pictures.extend(smoothness::smoothness(run));
    pictures
}

impl<'a> RunView<'a> {
    /// The words around a chart.
    fn caption(&self, title: String, subtitle: &str) -> Caption {
        let footer = format!(
            "{} · seed {} · stormglass {} · digest {:016x}",
            self.scenario.name,
            self.seed,
            env!("CARGO_PKG_VERSION"),
            self.metrics.digest
        );
        Caption {
            title,
            subtitle: subtitle.to_string(),
            footer,
        }
    }

    /// The time from the start of the run to the end of the measured window.
    fn timeline(&self) -> Timeline {
        let spans = self.metrics.faults.iter().flat_map(|fault| {
            fault.windows.iter().map(|window| FaultSpan {
                label: format!("{}: {}", fault.fault, fault.kind),
                start_secs: window.start_secs,
                end_secs: window.end_secs,
            })
        });
        Timeline {
            start_secs: 0.0,
            end_secs: self.metrics.measured_end_secs,
            measured_from_secs: self.metrics.measured_start_secs,
            fault_spans: spans.collect(),
        }
    }

    /// The windows of requests before the drain, with their ends.
    pub fn windows(&self) -> impl Iterator<Item = (&'a RequestWindow, f64)> {
        let end_secs = self.metrics.measured_end_secs;
        let width_secs = self.metrics.series.window_secs;
        let windows = self.metrics.series.total.iter();
        windows
            .filter(move |window| window.start_secs < end_secs)
            .map(move |window| (window, (window.start_secs + width_secs).min(end_secs)))
    }

    pub fn phase(&self, kind: PhaseKind) -> Option<&'a PhaseMetrics> {
        self.metrics
            .requests
            .phases
            .iter()
            .find(|phase| phase.kind == kind)
    }

    /// Which of these windows begin after the warm-up; all where none does.
    fn measured(&self, windows: &[Span]) -> Vec<bool> {
        let warmup_secs = self.scenario.warmup.as_secs_f64();
        let is_measured = |(start_secs, _): &Span| warmup_secs <= *start_secs;
        let has_any = windows.iter().any(is_measured);
        windows
            .iter()
            .map(|window| !has_any || is_measured(window))
            .collect()
    }

    /// The part of the run in a fault that did the most harm; of equal ones, in that which acted on
    /// the most nodes.
    fn worst_fault(&self) -> Option<&'a PhaseMetrics> {
        let phases = self.metrics.requests.phases.iter();
        let during =
            phases.filter(|phase| phase.kind == PhaseKind::During && 0 < phase.stats.arrived_count);
        let target_count = |phase: &PhaseMetrics| {
            let faults = self.metrics.faults.iter();
            let own = faults.filter(|it| Some(&it.fault) == phase.fault.as_ref());
            own.map(|it| it.target_count_max).max()
        };
        let by_targets = |a: &PhaseMetrics, b| target_count(a).cmp(&target_count(b));
        during.max_by(|a, b| self.by_harm(a, b).then(by_targets(a, b)))
    }

    fn by_harm(&self, a: &PhaseMetrics, b: &PhaseMetrics) -> Ordering {
        let objective_ratio = self.scenario.availability_objective_ratio;
        worst::by_harm(objective_ratio, &a.stats, &b.stats)
    }

    /// Whether fewer requests succeeded in a part of the run than the objective asks for.
    fn misses_objective(&self, phase: &PhaseMetrics) -> bool {
        let objective_ratio = self.scenario.availability_objective_ratio;
        0.0 < worst::missing_ratio(objective_ratio, &phase.stats)
    }
}

/// A name that serves as a file name on every system.
pub fn file_name(parts: &[&str]) -> String {
    let name = parts.join("-");
    let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    name.chars()
        .map(|c| if is_safe(c) { c } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn titles(metrics: &RunMetrics) -> Vec<(String, String)> {
        let scenario = fixture::scenario();
        let pictures = pictures(RunView {
            scenario: &scenario,
            metrics,
            seed: 7,
        });
        pictures
            .iter()
            .map(|p| (p.name.clone(), p.title().to_string()))
            .collect()
    }

    #[test]
    fn titles_state_what_the_numbers_say() {
        let expected = [
            (
                "latency",
                "p99 rose from 48.2 ms to 121 ms during rack-b; 97.00 % of 20,000 requests \
                 succeeded",
            ),
            // 19,400 successes and 20,000 arrivals in 20 s.
            (
                "requests",
                "Goodput during rack-b was 970 /s of 1,000 /s that arrived; in the whole run 600 \
                 timed out",
            ),
            (
                "percentiles",
                "p99 is 2.52 times as high during rack-b as steady: 121 ms against 48.2 ms",
            ),
            (
                "nines",
                "97.00 % of the requests succeeded during rack-b, the least of all parts",
            ),
            // 600 of 55,000 measured requests were lost, of which 550 may be at 99 %; in the worst
            // window 60 of 1,000 were, of which 10 may be.
            (
                "budget",
                "The run used 109.09 % of its error budget; the fastest window burnt 6.00 times \
                 as fast as allowed",
            ),
            (
                "heartbeats",
                "The registry noticed failures after 8.10 s to 9.90 s and suspected one instance \
                 that was up",
            ),
            // 0.22 of the attempts where a sixth is fair by weight.
            (
                "load-web",
                "Over the run web/a/1 took 1.73 times its fair share of the attempts, the most of \
                 web",
            ),
            // Windows of 2, 3 and 1 times the mean after the warm-up.
            (
                "balance-web",
                "The busiest instance of web had 2.00 times the mean utilization on average, 3.00 \
                 at most",
            ),
            (
                "ring-rack-b-client-shop-call-web",
                "rack-b moved 65.00 % of the hash space (ideal 66.67 %); the largest share went \
                 from 1.20 to 1.21 times the mean",
            ),
            (
                "selection-client-shop-call-web",
                "No share of the picks is more than 0.17 points off its weight (chi-squared p = \
                 0.41)",
            ),
        ];
        let expected = expected.map(|(name, title)| (name.to_string(), title.to_string()));
        let mut metrics = fixture::metrics();
        metrics.series.balance = vec![balance::sample()];
        assert_eq!(titles(&metrics), expected);
    }

    #[test]
    fn the_slowest_request_of_a_long_run_is_in_its_picture() {
        let scenario = fixture::scenario();
        let mut metrics = fixture::metrics();
        metrics.series.total[17].latency_ms_max = Some(4_321.0);
        let run = RunView {
            scenario: &scenario,
            metrics: &metrics,
            seed: 7,
        };
        let table = Picture::new("latency", requests::latency(run)).table();
        assert!(
            table.rows[17].contains(&"4321.000".to_string()),
            "{:?}",
            table.rows[17]
        );
        let others = table
            .rows
            .iter()
            .filter(|row| row.contains(&"4321.000".to_string()));
        assert_eq!(others.count(), 1);
    }

    #[test]
    fn a_run_without_requests_still_has_its_pictures() {
        let titles = titles(&fixture::empty_metrics());
        let names: Vec<&str> = titles.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["latency", "requests", "percentiles"]);
        assert_eq!(titles[0].1, "No requests were measured");
    }

    #[test]
    fn pictures_of_a_run_can_be_drawn() {
        let (scenario, metrics) = (fixture::scenario(), fixture::metrics());
        for picture in pictures(RunView {
            scenario: &scenario,
            metrics: &metrics,
            seed: 7,
        }) {
            let svg = picture.svg();
            assert!(
                svg.contains("rack-loss · seed 7 · stormglass"),
                "{}",
                picture.name
            );
            assert!(svg.contains("digest 3f9a2c41d07be855"), "{}", picture.name);
        }
    }

    #[test]
    fn file_names_hold_nothing_special() {
        assert_eq!(file_name(&["ring", "../a b", "x.y"]), "ring----a-b-x-y");
    }
}
