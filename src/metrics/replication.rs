//! The data that instances keep: what deaths take away, what is copied again, and how long keys
//! have too few copies. Which copies are made is decided by [`Copies`]; where links have a
//! bandwidth the model tells when each is complete, else they follow one another at the bandwidth
//! of the service.

use super::data::replication::DataMetrics;
use super::phase::UNMEASURED;
use crate::hash::copies::Copies;
use crate::id::{InstanceId, ServiceId};
use crate::scenario::Scenario;
use crate::scenario::data::DataConfig;
use crate::time::SimTime;

/// Times to full replication that are kept.
const EPISODE_COUNT_MAX: usize = 1_000;

/// Sums of one phase.
#[derive(Clone, Copy, Debug, Default)]
struct PhaseSums {
    under_replicated_key_secs: f64,
    moved_bytes: f64,
    lost_key_count: f64,
}

/// A time during which keys had too few copies.
#[derive(Clone, Copy, Debug)]
struct Episode {
    /// The phase of its begin.
    phase: u16,
    since_secs: f64,
    /// None while it lasts.
    length_secs: Option<f64>,
}

/// The data of one service.
#[derive(Clone, Debug)]
struct ServiceData {
    config: DataConfig,
    /// The first instance of the service; its place is 0.
    first: InstanceId,
    copies: Copies,
    /// How long the copy under way has been made, where the model does not tell.
    copied_secs: f64,
    is_told: bool,
    now_secs: f64,
    phase: u16,
    /// By phase.
    sums: Vec<PhaseSums>,
    /// In order.
    episodes: Vec<Episode>,
}

/// The data of all services of one run that keep some.
#[derive(Clone, Debug, Default)]
pub struct ReplicationTable {
    /// By service; empty where none keeps data.
    services: Vec<Option<Box<ServiceData>>>,
    end: SimTime,
}

impl ReplicationTable {
    /// All copies in their places.
    pub fn new(scenario: &Scenario, phase_count: usize) -> Self {
        let services = &scenario.services;
        if services.iter().all(|service| service.data.is_none()) {
            return ReplicationTable::default();
        }
        let of = |index: usize| {
            let service = ServiceId::from_index(index);
            let (config, copies) = scenario.copies(service)?;
            let mut data = ServiceData {
                config,
                first: InstanceId(scenario.topology.service_instances(service).start),
                copies,
                copied_secs: 0.0,
                is_told: scenario.rebuilds_on_links(),
                now_secs: 0.0,
                phase: UNMEASURED,
                sums: vec![PhaseSums::default(); phase_count],
                episodes: Vec::new(),
            };
            data.note_under();
            Some(Box::new(data))
        };
        ReplicationTable {
            services: (0..services.len()).map(of).collect(),
            end: SimTime::START + scenario.duration,
        }
    }

    /// An instance of a service came, with nothing, or died.
    pub fn set_up(&mut self, at: SimTime, service: ServiceId, instance: InstanceId, is_up: bool) {
        if let Some(data) = self.service_at(at, service) {
            data.set_up(instance, is_up);
        }
    }

    /// The model completed the copy that was under way.
    pub fn complete(&mut self, at: SimTime, service: ServiceId) {
        if let Some(data) = self.service_at(at, service) {
            data.finish();
        }
    }

    /// The data of a service, brought up to `at`; None after the end of the measured window.
    fn service_at(&mut self, at: SimTime, service: ServiceId) -> Option<&mut ServiceData> {
        let data = self.services.get_mut(service.index())?.as_mut()?;
        (at < self.end).then(|| {
            data.advance(at.as_secs_f64());
            &mut **data
        })
    }

    /// A phase begins.
    pub fn begin_phase(&mut self, at: SimTime, phase: u16) {
        let at_secs = at.min(self.end).as_secs_f64();
        for data in self.services.iter_mut().flatten() {
            data.advance(at_secs);
            data.phase = phase;
        }
    }

    /// The run is over.
    pub fn close(&mut self) {
        for data in self.services.iter_mut().flatten() {
            data.advance(self.end.as_secs_f64());
        }
    }

    /// What became of the data of a service in these phases, or in all, if it keeps some.
    pub fn metrics(&self, service: ServiceId, phases: Option<&[u16]>) -> Option<DataMetrics> {
        let data = self.services.get(service.index())?.as_ref()?;
        Some(data.metrics(|phase| phases.is_none_or(|phases| phases.contains(&phase))))
    }
}

impl ServiceData {
    fn metrics(&self, is_in: impl Fn(u16) -> bool) -> DataMetrics {
        let mut metrics = DataMetrics::default();
        for (_, sums) in (0u16..).zip(&self.sums).filter(|(phase, _)| is_in(*phase)) {
            metrics.under_replicated_key_secs += sums.under_replicated_key_secs;
            metrics.moved_bytes += sums.moved_bytes;
            metrics.lost_key_count += sums.lost_key_count;
        }
        let episodes = || self.episodes.iter().filter(|episode| is_in(episode.phase));
        let lengths = episodes().filter_map(|episode| episode.length_secs);
        metrics.full_replication_secs = lengths.collect();
        // Beyond the episodes that are kept, only the present is known.
        metrics.is_under_replicated = match self.episodes.len() < EPISODE_COUNT_MAX {
            true => episodes().any(|episode| episode.length_secs.is_none()),
            false => self.copies.is_under(),
        };
        metrics
    }

    fn sums(&mut self) -> &mut PhaseSums {
        &mut self.sums[usize::from(self.phase)]
    }

    fn set_up(&mut self, instance: InstanceId, is_up: bool) {
        let change = self.copies.set_up(instance.0 - self.first.0, is_up);
        self.sums().lost_key_count += change.lost_ratio * self.config.key_count as f64;
        if change.restarts {
            self.copied_secs = 0.0;
        }
        self.note_under();
    }

    /// Begins or ends an episode. Those beyond the first thousand are not kept.
    fn note_under(&mut self) {
        let (now_secs, is_full) = (self.now_secs, self.episodes.len() == EPISODE_COUNT_MAX);
        let open = self.episodes.last_mut();
        let open = open.filter(|episode| episode.length_secs.is_none());
        match (open, self.copies.is_under()) {
            (None, true) if !is_full => self.episodes.push(Episode {
                phase: self.phase,
                since_secs: now_secs,
                length_secs: None,
            }),
            (Some(episode), false) => episode.length_secs = Some(now_secs - episode.since_secs),
            (None, _) | (Some(_), true) => {}
        }
    }

    /// Goes on until `until_secs`.
    fn advance(&mut self, until_secs: f64) {
        while let Some(copying) = self.copies.next().filter(|_| !self.is_told) {
            let bytes = self.config.bytes_of(self.copies.ratio_of(copying));
            let left_secs = bytes / self.config.rebuild_bandwidth - self.copied_secs;
            if until_secs < self.now_secs + left_secs {
                self.copied_secs += until_secs - self.now_secs;
                break;
            }
            self.pass(self.now_secs + left_secs);
            self.finish();
        }
        self.pass(until_secs);
    }

    fn pass(&mut self, until_secs: f64) {
        let key_count = self.config.key_count as f64;
        let secs = until_secs - self.now_secs;
        let under = self.copies.under_ratio() * key_count * secs;
        self.sums().under_replicated_key_secs += under;
        self.now_secs = until_secs;
    }

    /// The copy under way is complete.
    fn finish(&mut self) {
        let copying = self.copies.finish();
        self.copied_secs = 0.0;
        let bytes = self.config.bytes_of(self.copies.ratio_of(copying));
        self.sums().moved_bytes += bytes;
        self.note_under();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::ring::moves;
    use crate::metrics::fixture::{SMALL, Shape, scenario};

    const KEY_COUNT: f64 = 1e6;

    /// 1,000 bytes a key, 1 MB/s: a thousand keys a second.
    fn kept(instance_count: u32, replica_count: u32) -> ReplicationTable {
        let mut scenario = scenario(Shape {
            instance_count,
            ..SMALL
        });
        scenario.duration = crate::time::SimDuration::from_secs(100_000);
        scenario.services[0].data = Some(DataConfig {
            key_count: KEY_COUNT as u64,
            bytes_per_key: 1e3,
            replica_count,
            rebuild_bandwidth: 1e6,
            has_distinct_zones: false,
            virtual_node_count: 100,
        });
        ReplicationTable::new(&scenario, 1)
    }

    fn change(table: &mut ReplicationTable, secs: u64, instance: u32, is_up: bool) {
        let at = SimTime::START + crate::time::SimDuration::from_secs(secs);
        table.set_up(at, ServiceId(0), InstanceId(instance), is_up);
    }

    fn closed(mut table: ReplicationTable) -> DataMetrics {
        table.close();
        table.metrics(ServiceId(0), None).expect("it keeps data")
    }

    fn near(value: f64, expected: f64) {
        assert!((value / expected - 1.0).abs() < 1e-9, "{value} {expected}");
    }

    /// Share of the keys that have the first copy at the first instance, or the second one: what it
    /// would get from each other one.
    fn share_of_first(table: &ReplicationTable, instance_count: u32) -> f64 {
        let ring = table.services[0]
            .as_ref()
            .expect("it keeps data")
            .copies
            .ring();
        let second = (1..instance_count).flat_map(|other| moves(ring, &ring.without(&[other])));
        let second: f64 = second.filter(|m| m.to == 0).map(|m| m.ratio).sum();
        ring.ownership()[0].1 + second
    }

    #[test]
    fn what_one_had_is_copied_at_the_bandwidth() {
        let mut table = kept(10, 2);
        let share = share_of_first(&table, 10);
        // Beta(2 v, (n - 2) v) or so: 0.2 with a deviation of 0.013.
        assert!((share - 0.2).abs() < 0.05, "{share}");
        change(&mut table, 10, 0, false);
        let data = closed(table);
        near(data.moved_bytes, share * 1e9);
        near(data.full_replication_secs[0], share * 1e3);
        assert_eq!(data.lost_key_count, 0.0);
        // One after the other: half of the keys on average, and half an arc more.
        let half = share * KEY_COUNT * share * 1e3 / 2.0;
        let ratio = data.under_replicated_key_secs / half;
        assert!(1.0 < ratio && ratio < 1.05, "{ratio}");
        assert!(!data.is_under_replicated);
    }

    #[test]
    fn phases_divide_what_happens() {
        let run = |cut_secs: &[u64]| {
            let mut table = kept(10, 2);
            table.services[0].as_mut().expect("it keeps data").sums = vec![PhaseSums::default(); 3];
            table.begin_phase(SimTime::START, 1);
            change(&mut table, 10, 0, false);
            for cut in cut_secs {
                table.begin_phase(
                    SimTime::START + crate::time::SimDuration::from_secs(*cut),
                    2,
                );
            }
            table.close();
            table
        };
        let of = |table: &ReplicationTable, phases: Option<&[u16]>| {
            table.metrics(ServiceId(0), phases).expect("it keeps data")
        };
        let whole = of(&run(&[]), None);
        let cut = run(&[60]);
        let (first, second) = (of(&cut, Some(&[1])), of(&cut, Some(&[2])));
        near(first.moved_bytes + second.moved_bytes, whole.moved_bytes);
        near(
            first.under_replicated_key_secs + second.under_replicated_key_secs,
            whole.under_replicated_key_secs,
        );
        // 50 s at 1 MB/s, but for one arc of a thousand at the most.
        assert!(
            (first.moved_bytes / 5e7 - 1.0).abs() < 0.2,
            "{}",
            first.moved_bytes
        );
        // What lacks copies does so from the first phase on, and to the end of it.
        near(
            first.full_replication_secs[0],
            whole.full_replication_secs[0],
        );
        assert!(second.full_replication_secs.is_empty());
    }

    #[test]
    fn every_key_is_lost_with_exactly_one_pair() {
        let mut lost = 0.0;
        for first in 0..6 {
            for second in first + 1..6 {
                let mut table = kept(6, 2);
                change(&mut table, 10, first, false);
                change(&mut table, 10, second, false);
                let of_pair = closed(table).lost_key_count;
                // A fifteenth on average, and all of these pairs share some keys.
                assert!(0.0 < of_pair && of_pair < KEY_COUNT / 5.0, "{of_pair}");
                lost += of_pair;
            }
        }
        near(lost, KEY_COUNT);
    }

    #[test]
    fn a_second_loss_takes_what_was_not_copied_yet() {
        let lost_after = |secs: u64| {
            let mut table = kept(6, 2);
            change(&mut table, 10, 0, false);
            change(&mut table, 10 + secs, 1, false);
            closed(table).lost_key_count
        };
        let at_once = lost_after(0);
        // A third of 1 GB is copied within 333 s or so.
        let halfway = lost_after(160);
        assert!(
            0.3 * at_once < halfway && halfway < 0.8 * at_once,
            "{halfway} {at_once}"
        );
        assert_eq!(lost_after(600), 0.0);
    }

    #[test]
    fn who_comes_back_empty_gets_its_copies_again() {
        let mut table = kept(10, 2);
        let share = share_of_first(&table, 10);
        let holders = |table: &ReplicationTable| {
            let data = table.services[0].as_ref().expect("it keeps data");
            data.copies.holders().to_vec()
        };
        let before = holders(&table);
        change(&mut table, 10, 0, false);
        change(&mut table, 1_000, 0, true);
        table.close();
        let data = table.metrics(ServiceId(0), None).expect("it keeps data");
        near(data.moved_bytes, 2.0 * share * 1e9);
        // Nobody lacks a copy while it comes back.
        assert_eq!(data.full_replication_secs.len(), 1);
        let sorted = |holders: &Vec<u32>| {
            let mut holders = holders.clone();
            holders.sort_unstable();
            holders
        };
        let after: Vec<_> = holders(&table).iter().map(sorted).collect();
        assert_eq!(after, before.iter().map(sorted).collect::<Vec<_>>());
    }

    #[test]
    fn with_fewer_instances_than_copies_nothing_is_complete() {
        let mut table = kept(3, 3);
        change(&mut table, 99_990, 0, false);
        let data = closed(table);
        assert!(data.is_under_replicated);
        near(data.under_replicated_key_secs, KEY_COUNT * 10.0);
        assert_eq!(data.moved_bytes, 0.0);
    }
}
