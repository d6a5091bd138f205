//! Envoy's outlier detection.

use std::collections::BTreeMap;

use super::health::Change;
use super::merge_window::MergeWindow;
use super::rates::{Counts, busy, first_sweep, success_threshold};
use crate::id::InstanceId;
use crate::model::balancer::AttemptEnd;
use crate::model::observation::AttemptOutcome;
use crate::model::view::ViewSnapshot;
use crate::rng::{Draw, UniformSource};
use crate::scenario::balancer::wrappers::{EnvoyOutlierConfig, RateConfig};
use crate::time::{SimDuration, SimTime};

/// What is known of one instance.
#[derive(Clone, Copy, Debug, Default)]
struct Host {
    /// Failures in a row.
    consecutive: u32,
    counts: Counts,
    /// Since when it is ejected.
    ejected_at: Option<SimTime>,
    jitter: SimDuration,
    /// When it was last used again after an ejection.
    unejected_at: Option<SimTime>,
    /// The next ejection lasts one more than so many times the base.
    backoff: u64,
}

/// Envoy's outlier detection for the instances of one caller.
///
/// Source: `outlier_detection_impl.cc` (Envoy 1.39), local and external errors counted alike. A
/// result is counted as it comes, so that failures in a row eject at once; sweeps take back, then
/// eject by success rate and by failed share. Instances are looked at in order of path.
#[derive(Debug)]
pub struct EnvoyOutlier {
    config: EnvoyOutlierConfig,
    draw: Draw,
    hosts: BTreeMap<InstanceId, Host>,
    merge: MergeWindow,
    sweep_at: Option<SimTime>,
}

impl EnvoyOutlier {
    /// Nothing is ejected.
    pub fn new(config: EnvoyOutlierConfig, draw: Draw) -> Self {
        EnvoyOutlier {
            config,
            draw,
            hosts: BTreeMap::new(),
            merge: MergeWindow::new(config.update_merge_window),
            sweep_at: None,
        }
    }

    /// Takes over a list. An ejection ends with an instance that leaves it.
    pub fn on_view(&mut self, now: SimTime, view: &ViewSnapshot, changes: &mut Vec<Change>) {
        self.sweep_at
            .get_or_insert_with(|| first_sweep(now, &self.config.sweep, &mut self.draw));
        self.hosts
            .retain(|instance, _| view.position(*instance).is_some());
        for member in &view.members {
            self.hosts.entry(member.instance).or_default();
        }
        let is_listed = |instance| view.position(instance).is_some();
        changes.extend(self.merge.on_view(now, is_listed));
    }

    /// The next sweep, or the next update of what the picks know.
    pub fn due_at(&self) -> Option<SimTime> {
        let dues = [self.sweep_at, self.merge.due_at()];
        dues.into_iter().flatten().min()
    }

    /// Whether picks know of any ejection.
    pub fn has_ejected(&self) -> bool {
        self.merge.has_seen()
    }

    /// Whether picks know it to be ejected.
    pub fn is_ejected(&self, instance: InstanceId) -> bool {
        self.merge.is_seen(instance)
    }

    /// Makes the sweeps up to `now`. `changes` are those of what the picks know.
    pub fn advance(&mut self, now: SimTime, changes: &mut Vec<Change>) {
        while let Some(at) = self.sweep_at.filter(|at| *at <= now) {
            self.merge.advance(at, changes);
            self.sweep(at, changes);
            self.sweep_at = Some(at + self.config.sweep.interval);
        }
        self.merge.advance(now, changes);
    }

    /// Counts a result.
    pub fn on_outcome(&mut self, end: &AttemptEnd, changes: &mut Vec<Change>) {
        let Some(host) = self.hosts.get_mut(&end.instance) else {
            return;
        };
        if end.outcome == AttemptOutcome::Cancelled {
            return;
        }
        let is_success = end.outcome == AttemptOutcome::Success;
        host.counts.add(is_success);
        if is_success {
            host.consecutive = 0;
            return;
        }
        host.consecutive = host.consecutive.saturating_add(1);
        // Exactly then: what fails while it is ejected counts on and ejects no more.
        if Some(host.consecutive) == self.config.consecutive_errors && !host.is_ejected() {
            host.consecutive = 0;
            self.eject(end.ended_at, end.instance, 100, changes);
        }
    }

    fn eject(
        &mut self,
        now: SimTime,
        instance: InstanceId,
        enforced_percent: u32,
        changes: &mut Vec<Change>,
    ) {
        let ejected_count = self.merge.ejected_count();
        let percent = 100.0 * (ejected_count + 1) as f64 / self.hosts.len() as f64;
        let may_be_first = self.config.always_ejects_one && ejected_count == 0;
        if f64::from(self.config.sweep.ejected_percent_max) < percent && !may_be_first {
            return;
        }
        if enforced_percent < 100 && enforced_percent <= self.draw.below(100) {
            return;
        }
        let jitter = self.config.duration_jitter.scaled(self.draw.uniform());
        let sweep = &self.config.sweep;
        let host = self.hosts.get_mut(&instance).expect("only hosts fail");
        if host.is_ejected() {
            return;
        }
        host.ejected_at = Some(now);
        host.jitter = jitter;
        if sweep.duration_base.saturating_mul(host.backoff)
            < sweep.duration_max.saturating_add(sweep.duration_base)
        {
            host.backoff += 1;
        }
        let change = Change {
            instance,
            is_ejected: true,
        };
        self.merge.note(now, change, changes);
    }

    fn sweep(&mut self, now: SimTime, changes: &mut Vec<Change>) {
        let sweep = self.config.sweep;
        for (instance, host) in &mut self.hosts {
            let Some(ejected_at) = host.ejected_at else {
                continue;
            };
            let length = sweep.duration_base.saturating_mul(host.backoff);
            let length = length.min(sweep.duration_max).saturating_add(host.jitter);
            if length <= now.since(ejected_at) {
                host.ejected_at = None;
                host.consecutive = 0;
                host.unejected_at = Some(now);
                let change = Change {
                    instance: *instance,
                    is_ejected: false,
                };
                self.merge.note(now, change, changes);
            }
        }
        self.eject_by_rates(now, changes);
        for host in self.hosts.values_mut() {
            host.counts = Counts::default();
            let healthy_since = host.unejected_at.filter(|_| !host.is_ejected());
            if healthy_since.is_some_and(|since| sweep.interval <= now.since(since)) {
                host.backoff = host.backoff.saturating_sub(1);
            }
        }
    }

    fn eject_by_rates(&mut self, now: SimTime, changes: &mut Vec<Change>) {
        let EnvoyOutlierConfig {
            success_rate,
            failure_ratio,
            ..
        } = self.config;
        let by_success = self.busy(&success_rate);
        let by_failure = self.busy(&failure_ratio);
        if !by_success.is_empty() {
            let rates: Vec<f64> = by_success.iter().map(|(_, rate)| *rate).collect();
            let threshold = success_threshold(&rates, success_rate.threshold);
            for (instance, rate) in by_success {
                if rate < threshold {
                    self.eject(now, instance, success_rate.enforced_percent, changes);
                }
            }
        }
        for (instance, rate) in by_failure {
            if failure_ratio.threshold <= 100.0 - rate {
                self.eject(now, instance, failure_ratio.enforced_percent, changes);
            }
        }
    }

    fn busy(&self, config: &RateConfig) -> Vec<(InstanceId, f64)> {
        let well = self.hosts.iter().filter(|(_, host)| !host.is_ejected());
        busy(well.map(|(instance, host)| (instance, host.counts)), config)
    }
}

impl Host {
    fn is_ejected(&self) -> bool {
        self.ejected_at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::id::{ServiceId, ZoneId};
    use crate::model::view::Member;
    use crate::oracle;
    use crate::scenario::balancer::wrappers::SweepConfig;

    const RATE: RateConfig = RateConfig {
        threshold: 1.9,
        instance_count_min: 5,
        request_count_min: 100,
        enforced_percent: 100,
    };

    const CONFIG: EnvoyOutlierConfig = EnvoyOutlierConfig {
        sweep: SweepConfig {
            interval: SimDuration::from_secs(10),
            has_random_phase: false,
            duration_base: SimDuration::from_secs(30),
            duration_max: SimDuration::from_secs(300),
            ejected_percent_max: 10,
        },
        consecutive_errors: Some(5),
        duration_jitter: SimDuration::ZERO,
        update_merge_window: SimDuration::from_secs(1),
        always_ejects_one: false,
        success_rate: RATE,
        failure_ratio: RateConfig {
            threshold: 85.0,
            request_count_min: 50,
            enforced_percent: 0,
            ..RATE
        },
    };

    fn at(ms: u64) -> SimTime {
        SimTime::START + SimDuration::from_ms(ms)
    }

    fn outlier(config: EnvoyOutlierConfig, host_count: u32) -> EnvoyOutlier {
        let member = |index| Member {
            instance: InstanceId(index),
            zone: ZoneId(0),
            weight: 1.0,
        };
        let view = ViewSnapshot {
            service: ServiceId(0),
            content_id: 1,
            members: (0..host_count).map(member).collect(),
        };
        let mut outlier = EnvoyOutlier::new(config, Draw::new(7));
        outlier.on_view(SimTime::START, &view, &mut Vec::new());
        outlier
    }

    fn end(outlier: &mut EnvoyOutlier, ms: u64, instance: u32, is_good: bool) -> Vec<Change> {
        let mut changes = Vec::new();
        outlier.advance(at(ms), &mut changes);
        let outcome = match is_good {
            true => AttemptOutcome::Success,
            false => AttemptOutcome::Error,
        };
        let end = AttemptEnd {
            instance: InstanceId(instance),
            outcome,
            sent_at: at(ms),
            ended_at: at(ms),
            is_retriable: false,
        };
        outlier.on_outcome(&end, &mut changes);
        changes
    }

    #[test]
    fn ten_per_cent_of_fewer_than_ten_hosts_is_nobody() {
        for (host_count, is_ejected) in [(9, false), (10, true)] {
            let mut outlier = outlier(CONFIG, host_count);
            for ms in 0..5 {
                end(&mut outlier, ms, 3, false);
            }
            assert_eq!(outlier.is_ejected(InstanceId(3)), is_ejected);
        }
    }

    #[test]
    fn success_rates_mask_one_another() {
        // real-systems.md B3 (computed there): from so many failing hosts of n on, nobody is
        // ejected. One less ejects.
        for (host_count, masked) in [(5, 2), (10, 3), (20, 5), (100, 22)] {
            for (failing, ejects) in [(masked - 1, true), (masked, false)] {
                let mut config = CONFIG;
                config.consecutive_errors = None;
                config.sweep.ejected_percent_max = 100;
                let mut outlier = outlier(config, host_count);
                for host in 0..host_count {
                    for ms in 0..100 {
                        end(&mut outlier, ms, host, failing <= host);
                    }
                }
                outlier.advance(at(10_000), &mut Vec::new());
                let is_ejected = outlier.merge.ejected_count() > 0;
                assert_eq!(is_ejected, ejects, "{failing} of {host_count}");
            }
        }
    }

    #[test]
    fn five_failures_in_a_row_take_an_erlang_time() {
        for case in oracle::cases("passive_ejection") {
            assert_eq!(case.count("consecutive"), 5);
            let rate = case.number("rate_per_server");
            let run_count = case.sample_count().unwrap_or(100_000).min(100_000);
            let mut times: Vec<f64> = (0..run_count)
                .map(|run| {
                    let mut outlier = outlier(CONFIG, 10);
                    let mut draw = Draw::new(crate::rng::mix(run));
                    let mut now = 0.0;
                    while !outlier.is_ejected(InstanceId(0)) {
                        now += crate::rng::math::neg_ln_1m(draw.uniform()) / rate;
                        let ended_at = SimTime::START + SimDuration::from_secs_f64(now);
                        let end = AttemptEnd {
                            instance: InstanceId(0),
                            outcome: AttemptOutcome::Reset,
                            sent_at: ended_at,
                            ended_at,
                            is_retriable: false,
                        };
                        outlier.on_outcome(&end, &mut Vec::new());
                    }
                    now
                })
                .collect();
            times.sort_by(f64::total_cmp);
            case.assert_met_by(match case.metric() {
                "mean" => times.iter().sum::<f64>() / times.len() as f64,
                "p50" => times[times.len() / 2],
                "p99" => times[times.len() * 99 / 100],
                metric => panic!("unknown metric {metric}"),
            });
        }
    }

    fn numbers(value: &Value) -> Vec<i64> {
        let all = value.as_array().expect("a list").iter();
        all.map(|number| number.as_i64().expect("a whole number"))
            .collect()
    }

    /// Envoy 1.39.3, `envoy-outlier-health.json`: 4 endpoints, interval 1 s, base 3 s, 50 %. The
    /// machine is told what came of each recorded request.
    #[test]
    fn ejections_are_those_of_the_recording() {
        let text = include_str!("../../../../tests/data/recorded/envoy-outlier-health.json");
        let file: Value = serde_json::from_str(text).expect("valid JSON");
        let records = file["records"].as_array().expect("records").iter();
        let records: Vec<&Value> = records
            .filter(|record| record["outlier_detection"].is_object())
            .collect();
        assert_eq!(records.len(), 6);
        for record in records {
            check_record(record);
        }
    }

    fn check_record(record: &Value) {
        let name = record["name"].as_str().expect("a name");
        let rows = &record["rows"];
        let (sent, status, endpoint) = (numbers(&rows[0]), numbers(&rows[1]), numbers(&rows[2]));
        let fault = record["fault_ms"].as_i64().expect("a time");
        let flags = record["summary"]["flag_changes_after_fault_ms"].as_array();
        let flags: Vec<i64> = flags.expect("flags")[1..]
            .iter()
            .map(|flag| flag[0].as_i64().expect("a time") + fault)
            .collect();
        let mut config = CONFIG;
        config.sweep.interval = SimDuration::from_secs(1);
        config.sweep.duration_base = SimDuration::from_secs(3);
        config.sweep.ejected_percent_max = 50;
        let mut outlier = outlier(config, 4);
        // The victim is the one endpoint that failed; a kill leaves no number.
        let victim = 1;
        // The recording's clock and that of the machine meet at the first sweep that took back.
        // Flags were polled every 20 ms or so, so it was up to that much earlier.
        let phase = (flags[1] - 10).rem_euclid(1_000) as u64;
        outlier.sweep_at = Some(at(phase));
        let mut found = Vec::new();
        let mut was_ejected = false;
        for ((sent, status), endpoint) in sent.iter().zip(status).zip(endpoint) {
            // In steps of a millisecond, as changes are noted when they happen.
            let now = u64::try_from(*sent).expect("after the start");
            let instance = if endpoint < 0 { victim } else { endpoint };
            let latest = found.last().map_or(0, |(ms, _)| *ms);
            for ms in latest.max(now.saturating_sub(60))..=now {
                outlier.advance(at(ms), &mut Vec::new());
                let is_ejected = outlier.hosts[&InstanceId(1)].is_ejected();
                if is_ejected != was_ejected {
                    found.push((ms, is_ejected));
                    was_ejected = is_ejected;
                }
            }
            assert!(
                instance != victim || !outlier.is_ejected(InstanceId(1)),
                "{name}: a request at {now} ms went to the ejected one"
            );
            // A reply takes a few milliseconds.
            end(&mut outlier, now + 3, instance as u32, status == 200);
            let is_ejected = outlier.hosts[&InstanceId(1)].is_ejected();
            if is_ejected != was_ejected {
                found.push((now + 3, is_ejected));
                was_ejected = is_ejected;
            }
        }
        assert_eq!(found.len(), flags.len(), "{name}: {found:?} {flags:?}");
        for ((ms, is_ejected), flag) in found.iter().zip(&flags) {
            let late = flag - *ms as i64;
            assert!(
                (-12..=45).contains(&late),
                "{name}: {is_ejected} at {ms}, flagged {flag}"
            );
        }
    }
}
