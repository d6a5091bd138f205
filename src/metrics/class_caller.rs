//! Requests of each class at each caller, for `.worst` and `.spread`. Kept only where an
//! expectation asks for it.

use super::histogram::CompactSamples;
use super::phase::UNMEASURED;
use super::request::{CALLER_HISTOGRAM_COUNT_MAX, CallerCount, is_by_caller};
use crate::id::{ClassId, NodeId, ZoneId};
use crate::model::observation::Outcome;
use crate::scenario::Scenario;
use crate::scenario::measure::Measure;
use crate::time::SimDuration;

/// Counters up to which phases are kept.
const COUNTER_COUNT_MAX: usize = 1 << 20;

/// All callers of clients, with the classes that an expectation asks for.
#[derive(Clone, Debug, Default)]
pub struct ClassCallerTable {
    /// By class: its callers, as places of nodes; empty where nobody asks.
    callers: Vec<std::ops::Range<u32>>,
    /// By class: where its first caller stands below.
    firsts: Vec<usize>,
    /// Phases that are kept; 1 is all that is measured.
    phase_count: usize,
    /// By class and caller, then phase.
    counts: Vec<CallerCount>,
    /// By class and caller, over the whole measured window; empty where nobody asks or there are
    /// too many.
    latencies: Vec<CompactSamples>,
}

impl ClassCallerTable {
    /// Empty counters for the classes that expectations name.
    pub fn new(scenario: &Scenario, phase_count: usize) -> Self {
        let is_asked = |class, measure: Option<Measure>| {
            scenario.asks_for(|asked| {
                is_by_caller(asked)
                    && asked.scope.class == Some(class)
                    && measure.is_none_or(|measure| measure == asked.measure)
            })
        };
        let nobody: std::ops::Range<u32> = 0..0;
        let (mut callers, mut firsts) = (vec![nobody.clone()], vec![0]);
        let (mut count, mut has_latency) = (0, false);
        for class in scenario.classes.ids() {
            let client = scenario.classes.get(class).client;
            let nodes = scenario.topology.client_nodes(client);
            firsts.push(count);
            if is_asked(class, None) {
                count += nodes.len();
                callers.push(nodes);
            } else {
                callers.push(nobody.clone());
            }
            has_latency |= is_asked(class, Some(Measure::Latency));
        }
        let phase_count = match count * phase_count <= COUNTER_COUNT_MAX {
            true => phase_count,
            false => 1,
        };
        let has_latency = has_latency && count <= CALLER_HISTOGRAM_COUNT_MAX;
        ClassCallerTable {
            callers,
            firsts,
            phase_count,
            counts: vec![CallerCount::default(); count * phase_count],
            latencies: vec![CompactSamples::default(); if has_latency { count } else { 0 }],
        }
    }

    /// A request of a class arrived in `phase`.
    #[inline]
    pub fn arrive(&mut self, class: ClassId, caller: NodeId, phase: u16) {
        if let Some(place) = self.place(class, caller, phase) {
            self.count(place, phase).arrived_count += 1;
        }
    }

    /// A request of a class that arrived in `phase` has its outcome.
    #[inline]
    pub fn end(
        &mut self,
        class: ClassId,
        caller: NodeId,
        phase: u16,
        (latency, outcome): (SimDuration, Outcome),
    ) {
        if outcome != Outcome::Success {
            return;
        }
        let Some(place) = self.place(class, caller, phase) else {
            return;
        };
        self.count(place, phase).succeeded_count += 1;
        if let Some(latencies) = self.latencies.get_mut(place) {
            latencies.record(latency);
        }
    }

    /// Requests of a class and successes, of every caller of its client, in one zone or in all;
    /// None where phases are not kept. `is_whole`: all that is measured.
    pub fn counts(
        &self,
        scenario: &Scenario,
        class: ClassId,
        zone: Option<ZoneId>,
        (phases, is_whole): (&[u16], bool),
    ) -> Option<Vec<CallerCount>> {
        let rows: Vec<usize> = match self.phase_count {
            1 if is_whole => vec![0],
            1 => return None,
            _ => phases.iter().map(|phase| usize::from(*phase)).collect(),
        };
        let of_caller = |place: usize| {
            let mut sum = CallerCount::default();
            for row in &rows {
                sum.add(&self.counts[place * self.phase_count + row]);
            }
            sum
        };
        Some(self.places(scenario, class, zone).map(of_caller).collect())
    }

    /// Latency of successes of a class, of every caller of its client, over the whole measured
    /// window; None where there are too many callers.
    pub fn latencies(
        &self,
        scenario: &Scenario,
        class: ClassId,
        zone: Option<ZoneId>,
    ) -> Option<Vec<&CompactSamples>> {
        let is_kept = !self.latencies.is_empty();
        let places = self.places(scenario, class, zone);
        is_kept.then(|| places.map(|place| &self.latencies[place]).collect())
    }

    /// Where a caller stands; None where it is not counted in this phase.
    #[inline]
    fn place(&self, class: ClassId, caller: NodeId, phase: u16) -> Option<usize> {
        let callers = &self.callers[class.index()];
        let is_counted = callers.contains(&caller.0) && phase != UNMEASURED;
        is_counted.then(|| self.firsts[class.index()] + (caller.0 - callers.start) as usize)
    }

    #[inline]
    fn count(&mut self, place: usize, phase: u16) -> &mut CallerCount {
        let row = if self.phase_count == 1 {
            0
        } else {
            usize::from(phase)
        };
        &mut self.counts[place * self.phase_count + row]
    }

    fn places(
        &self,
        scenario: &Scenario,
        class: ClassId,
        zone: Option<ZoneId>,
    ) -> impl Iterator<Item = usize> + use<> {
        let zones = scenario.clients[scenario.classes.get(class).client.index()]
            .zones
            .clone();
        let first = self.firsts[class.index()];
        (0..self.callers[class.index()].len())
            .filter(move |caller| zone.is_none_or(|zone| zones[caller % zones.len()] == zone))
            .map(move |caller| first + caller)
    }
}
