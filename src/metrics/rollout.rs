//! What rolling restarts did: how many instances they replaced, and how even the load was later.

use super::data::fault::{LaterLoad, RolloutMetrics};
use super::phase::Timeline;
use crate::id::{FaultId, InstanceId};
use crate::model::observation::Observation;
use crate::scenario::Scenario;
use crate::scenario::fault::FaultConfig;
use crate::time::{SimDuration, SimTime};

/// Minutes after the end at which a minute begins in which attempts are counted.
pub const MINUTES_AFTER: [u64; 2] = [1, 10];

/// Attempts per instance in one minute after a rolling restart.
#[derive(Clone, Debug)]
struct Minute {
    start: SimTime,
    end: SimTime,
    /// By instance; empty before the first attempt.
    counts: Vec<u64>,
    /// Those that were up at the end of the minute; None before it.
    up: Option<Vec<InstanceId>>,
}

/// One rolling restart.
#[derive(Clone, Debug, Default)]
struct Entry {
    replaced_count: u64,
    failed_count: u64,
    is_aborted: bool,
    windows: Vec<(SimTime, SimTime)>,
    /// When it last stopped an instance, or an attempt was last sent to one that it had stopped.
    touched_at: Option<SimTime>,
    /// Empty where it does not end within the run.
    minutes: Vec<Minute>,
}

/// The rolling restarts of a run.
#[derive(Clone, Debug, Default)]
pub struct RolloutTable {
    /// By fault; None of other kinds.
    entries: Vec<Option<Entry>>,
    is_used: bool,
    is_up: Vec<bool>,
    /// The first end of a minute that is not settled.
    next_end: Option<SimTime>,
}

impl RolloutTable {
    /// Follows every rolling restart of a run that lasts until `end`.
    pub fn new(scenario: &Scenario, timeline: &Timeline, end: SimTime) -> Self {
        let entry = |(place, fault): (usize, &FaultConfig)| {
            fault.kind.rollout()?;
            let windows = timeline.fault_windows(place).to_vec();
            let last = windows.last().map(|(_, last)| *last);
            Some(Entry {
                minutes: last
                    .filter(|last| *last < end)
                    .map_or(Vec::new(), minutes_after),
                windows,
                ..Entry::default()
            })
        };
        let entries: Vec<Option<Entry>> = scenario.faults.iter().enumerate().map(entry).collect();
        let topology = &scenario.topology;
        let is_up = |instance| {
            let group = &scenario.groups[topology.group_of(InstanceId(instance)).index()];
            topology.index_in_group(InstanceId(instance)) < group.count
        };
        let is_used = entries.iter().any(Option::is_some);
        let count = if is_used {
            topology.instance_count()
        } else {
            0
        };
        let mut table = RolloutTable {
            entries,
            is_used,
            is_up: (0..count).map(is_up).collect(),
            next_end: None,
        };
        table.plan_end();
        table
    }

    fn plan_end(&mut self) {
        let minutes = self.entries.iter().flatten().flat_map(|e| &e.minutes);
        let open = minutes.filter(|minute| minute.up.is_none());
        self.next_end = open.map(|minute| minute.end).min();
    }

    fn settle(&mut self, at: SimTime) {
        let ids = (0..).map(InstanceId).zip(&self.is_up);
        let up: Vec<InstanceId> = ids.filter(|(_, up)| **up).map(|(id, _)| id).collect();
        let minutes = self.entries.iter_mut().flatten();
        for minute in minutes.flat_map(|entry| &mut entry.minutes) {
            if minute.end <= at && minute.up.is_none() {
                minute.up = Some(up.clone());
            }
        }
        self.plan_end();
    }

    /// An attempt is sent to an instance.
    #[inline]
    pub fn sent(&mut self, at: SimTime, instance: InstanceId) {
        if self.is_used {
            self.close(at);
            self.count(at, instance);
        }
    }

    /// An instance left because of a fault, or an attempt is sent to one that did.
    pub fn touch(&mut self, at: SimTime, fault: FaultId) {
        if let Some(entry) = &mut self.entries[fault.index()] {
            entry.touched_at = Some(at);
        }
    }

    /// A request that arrived at `arrived_at` did not succeed. Callers may send to old instances
    /// for long after a rolling restart is over, so that its windows are not all of it.
    #[inline]
    pub fn failed(&mut self, at: SimTime, arrived_at: SimTime) {
        if !self.is_used {
            return;
        }
        for entry in self.entries.iter_mut().flatten() {
            let overlaps = |window: &(SimTime, SimTime)| window.0 <= at && arrived_at <= window.1;
            let is_touched = entry.touched_at.is_some_and(|last| arrived_at <= last);
            let is_its = is_touched || entry.windows.iter().any(overlaps);
            entry.failed_count += u64::from(is_its);
        }
    }

    /// An instance is up from now on, or no longer.
    pub fn set_up(&mut self, at: SimTime, instance: InstanceId, is_up: bool) {
        if self.is_used {
            self.close(at);
            self.is_up[instance.index()] = is_up;
        }
    }

    /// What came in a rolling restart is ready, or the load stopped one.
    pub fn note(&mut self, observation: &Observation<'_>) {
        let Observation::RolloutStep { fault, instance } = *observation else {
            unreachable!("facts of rolling restarts come here");
        };
        match instance {
            Some(_) => self.entry(fault).replaced_count += 1,
            None => self.entry(fault).is_aborted = true,
        }
    }

    fn entry(&mut self, fault: FaultId) -> &mut Entry {
        let entry = self.entries[fault.index()].as_mut();
        entry.expect("it is a rolling restart")
    }

    fn count(&mut self, at: SimTime, instance: InstanceId) {
        let instance_count = self.is_up.len();
        for minute in self
            .entries
            .iter_mut()
            .flatten()
            .flat_map(|e| &mut e.minutes)
        {
            if minute.start <= at && at < minute.end {
                minute.counts.resize(instance_count, 0);
                minute.counts[instance.index()] += 1;
            }
        }
    }

    /// What a fault did, if it is a rolling restart, but for the keys that it moved.
    pub fn metrics(&self, fault: FaultId, scenario: &Scenario) -> Option<RolloutMetrics> {
        let entry = self.entries[fault.index()].as_ref()?;
        let minutes = entry.minutes.iter().zip(MINUTES_AFTER);
        let loads = minutes.filter_map(|(minute, after)| {
            let up = minute.up.as_ref()?;
            let services = scenario
                .services
                .iter()
                .zip((0..).map(crate::id::ServiceId));
            let of_service = |(config, id): (&crate::scenario::service::ServiceConfig, _)| {
                let is_its = |i: &&InstanceId| scenario.topology.service_of(**i) == id;
                let count = |i: &InstanceId| minute.counts.get(i.index()).copied().unwrap_or(0);
                LaterLoad {
                    minutes_after: after,
                    service: config.name.clone(),
                    attempt_counts: up.iter().filter(is_its).map(count).collect(),
                }
            };
            Some(services.map(of_service).collect::<Vec<_>>())
        });
        Some(RolloutMetrics {
            replaced_count: entry.replaced_count,
            is_aborted: entry.is_aborted,
            failed_request_count: entry.failed_count,
            moves: Vec::new(),
            loads: loads.flatten().collect(),
        })
    }

    /// Minutes that are over at `at` are settled.
    pub fn close(&mut self, at: SimTime) {
        if self.next_end.is_some_and(|end| end <= at) {
            self.settle(at);
        }
    }
}

fn minutes_after(end: SimTime) -> Vec<Minute> {
    let minute = |after| {
        let start = end + SimDuration::from_secs(60 * after);
        Minute {
            start,
            end: start + SimDuration::from_secs(60),
            counts: Vec::new(),
            up: None,
        }
    };
    MINUTES_AFTER.map(minute).to_vec()
}
