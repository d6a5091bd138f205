//! Measures of detectors, faults, rings, picks and control traffic.

use super::estimate::{Estimate, Estimated, of_samples, share, undecided};
use super::server::balance_of;
use super::{Ask, exact};
use crate::id::{EdgeId, FaultId};
use crate::metrics::control::KINDS;
use crate::metrics::data::fault::RingChange;
use crate::metrics::detection_cell::DetectionCell;
use crate::metrics::detector::{Detector, MISTAKE_PART_COUNT};
use crate::metrics::histogram::Samples;
use crate::metrics::selection::AttemptCounts;
use crate::metrics::steady::{Back, Return, SteadyState};
use crate::scenario::client::EdgeOwner;
use crate::scenario::measure::{Measure, Phase, Statistic};
use crate::stats::moments::max_over_mean;
use crate::stats::poisson::independent_count;
use crate::time::{SimDuration, SimTime};

impl Ask<'_> {
    pub(super) fn other(&self) -> Estimated {
        match self.measure.measure {
            Measure::WastedAttemptRatio => self.wasted_ratio(),
            Measure::DetectionTime
            | Measure::DetectionTimeFirst
            | Measure::DetectionTimeMedian
            | Measure::DetectionTimeLast
            | Measure::UndetectedCount => self.detection(),
            Measure::ExclusionTime => self.exclusion(),
            Measure::MistakeCount
            | Measure::MistakeRate
            | Measure::MistakeDuration
            | Measure::MistakeRecurrence
            | Measure::QueryAccuracy => self.mistakes(),
            Measure::ControlMessageRate | Measure::ControlByteRate => self.control(),
            Measure::ControlPeak => self.control_peak(),
            Measure::MitigationTime | Measure::RecoveryTime => self.return_time(),
            Measure::MovedKeyRatio
            | Measure::NeedlessMoveRatio
            | Measure::MovedRequestRatio
            | Measure::LoadAfterChange => self.ring_change(),
            Measure::Ownership => self.ownership(),
            Measure::SelectionError | Measure::Smoothness => self.selection(),
            Measure::SelectionConvergenceTime => self.convergence(),
            Measure::ShareReturnTime => self.share_return(),
            Measure::ByteRate => self.byte_rate(),
            _ => unreachable!("measures of requests and servers are read elsewhere"),
        }
    }

    /// The fault of `of fault.NAME`, if there is one.
    fn fault(&self) -> Option<FaultId> {
        match self.measure.phase {
            Phase::Of(fault) | Phase::During(fault) | Phase::After(fault) => Some(fault),
            Phase::Whole | Phase::Steady | Phase::Before(_) | Phase::Outside(_) => None,
        }
    }

    /// Of the fault, or over the whole measured window.
    fn fault_or_whole(&self) -> Result<Option<FaultId>, String> {
        match self.measure.phase {
            Phase::Of(fault) | Phase::During(fault) => Ok(Some(fault)),
            Phase::Whole => Ok(None),
            Phase::Steady | Phase::Before(_) | Phase::After(_) | Phase::Outside(_) => {
                Err("this is known of a fault and of the whole run only".to_string())
            }
        }
    }

    fn is_edge_in_scope(&self, edge: usize) -> bool {
        let (scope, config) = (self.measure.scope, &self.scenario.edges[edge]);
        let is_client = |client| config.owner == EdgeOwner::Client(client);
        scope.edge.is_none_or(|e| e.index() == edge)
            && scope.client.is_none_or(is_client)
            && scope.service.is_none_or(|service| config.to == service)
    }

    pub(super) fn edges_in_scope(&self) -> impl Iterator<Item = EdgeId> {
        (0..self.scenario.edges.len())
            .filter(|edge| self.is_edge_in_scope(*edge))
            .map(EdgeId::from_index)
    }

    pub(super) fn has_no_zone(&self) -> Result<(), String> {
        let scope = self.measure.scope;
        if scope.zone.is_some() || scope.instance.is_some() {
            return Err("this is not kept by zone or instance".to_string());
        }
        Ok(())
    }

    fn wasted_ratio(&self) -> Estimated {
        self.has_no_zone()?;
        if let Some(class) = self.measure.scope.class {
            return self.class_wasted_ratio(class);
        }
        let (classes, is_whole) = self.classes()?;
        let mut sum = AttemptCounts::default();
        for edge in self.edges_in_scope() {
            let counts = self.run.tables.selection.attempts(edge, &classes, is_whole);
            let counts = counts.ok_or("there are too many instances to keep attempts by phase")?;
            sum.attempt_count += counts.attempt_count;
            sum.wasted_count += counts.wasted_count;
        }
        share(
            sum.wasted_count,
            sum.attempt_count,
            "no attempts in this phase and scope",
        )
    }

    /// Detectors in scope: of the calls in scope, and the registry where no call is asked for.
    fn detectors(&self) -> Result<Vec<&Detector>, String> {
        self.has_no_zone()?;
        let scope = self.measure.scope;
        let is_in_scope = |detector: &&Detector| match detector.edge {
            Some(edge) => self.is_edge_in_scope(edge),
            None => {
                let is_asked = scope.edge.is_none() && scope.client.is_none();
                is_asked && scope.service.is_none_or(|s| s == detector.service)
            }
        };
        let detectors = self.run.tables.detection.detectors.iter();
        let detectors: Vec<&Detector> = detectors.filter(is_in_scope).collect();
        if detectors.is_empty() {
            return Err("no detector in this scope".to_string());
        }
        Ok(detectors)
    }

    fn detection(&self) -> Estimated {
        let fault = self.fault_or_whole()?;
        let mut sum = DetectionCell::default();
        for detector in self.detectors()? {
            sum.merge(&detector.detection(fault));
        }
        if sum.detection_time.count() + sum.undetected_count == 0 {
            return undecided("no instance that is watched went down");
        }
        match self.measure.measure {
            Measure::UndetectedCount => Ok(Estimate::exact(sum.undetected_count as f64)),
            Measure::DetectionTimeFirst => self.in_order(&sum, 0),
            Measure::DetectionTimeMedian => self.in_order(&sum, 1),
            Measure::DetectionTimeLast => self.in_order(&sum, 2),
            _ => of_samples(
                &sum.detection_time,
                sum.undetected_count,
                self.measure.statistic,
            ),
        }
    }

    /// When the first, the median or the last one knew.
    fn in_order(&self, cell: &DetectionCell, place: usize) -> Estimated {
        let (times, missed) = (&cell.order[place], cell.order_missed[place]);
        of_samples(times, missed, self.measure.statistic)
    }

    fn exclusion(&self) -> Estimated {
        self.has_no_zone()?;
        let fault = self.fault_or_whole()?;
        let (mut total, mut not_excluded_count) = (Samples::default(), 0);
        for edge in self.edges_in_scope() {
            let cell = self.run.tables.exclusion.pooled(fault, Some(edge));
            total.merge(&cell.total);
            not_excluded_count += cell.not_excluded_count;
        }
        of_samples(&total, not_excluded_count, self.measure.statistic)
    }

    fn mistakes(&self) -> Estimated {
        if self.measure.phase != Phase::Whole {
            return undecided("mistakes are known of the whole run only");
        }
        let detectors = self.detectors()?;
        let mistake_count: u64 = detectors.iter().map(|d| d.mistake_count()).sum();
        let observed_secs: f64 = detectors.iter().map(|d| d.observed_pair_secs()).sum();
        let nothing = "no instance was watched while it was up";
        let is_observed = 0.0 < observed_secs;
        match self.measure.measure {
            Measure::MistakeCount => Ok(Estimate::exact(mistake_count as f64)),
            Measure::MistakeRate => {
                let rate = mistake_count as f64 / observed_secs;
                let event_count = independent_mistake_count(&detectors);
                let estimate = is_observed.then(|| Estimate::rate_of_events(rate, event_count));
                estimate.ok_or_else(|| nothing.to_string())
            }
            Measure::QueryAccuracy => {
                let right = |d: &&Detector| {
                    d.query_accuracy_ratio().unwrap_or(0.0) * d.observed_pair_secs()
                };
                let right_secs: f64 = detectors.iter().map(right).sum();
                exact(is_observed.then(|| right_secs / observed_secs), nothing)
            }
            Measure::MistakeRecurrence => match self.measure.statistic {
                Statistic::Value | Statistic::Mean if 0 < mistake_count => {
                    Ok(Estimate::exact(observed_secs / mistake_count as f64))
                }
                Statistic::Value | Statistic::Mean => undecided("there were no mistakes"),
                _ => undecided("of the time between mistakes only the mean is kept"),
            },
            _ => {
                let mut durations = Samples::default();
                detectors
                    .iter()
                    .for_each(|d| durations.merge(&d.mistake_duration));
                of_samples(&durations, 0, self.measure.statistic)
            }
        }
    }

    fn control(&self) -> Estimated {
        let (classes, _) = self.classes()?;
        let (tables, service) = (&self.run.tables, self.measure.scope.service);
        let secs = tables.timeline.length_secs(&classes);
        let counts = KINDS.iter().map(|kind| {
            let cell = tables.control(*kind, service, &classes);
            match self.measure.measure {
                Measure::ControlByteRate => cell.byte_count(*kind) as f64,
                _ => cell.message_count() as f64,
            }
        });
        let sum: f64 = counts.sum();
        exact((0.0 < secs).then(|| sum / secs), "the phase has no length")
    }

    fn control_peak(&self) -> Estimated {
        let (classes, _) = self.classes()?;
        let windows = &self.run.tables.windows;
        let by_kind = KINDS.into_iter().map(|kind| windows.control_counts(kind));
        let by_kind: Vec<&[u32]> = by_kind.filter(|counts| !counts.is_empty()).collect();
        let window_count = by_kind.first().map_or(0, |counts| counts.len());
        let start = |window: usize| SimTime::START + windows.width().saturating_mul(window as u64);
        let timeline = &self.run.tables.timeline;
        let is_whole = |w: &usize| timeline.is_inside(start(*w), start(*w + 1), &classes);
        let count = |w: usize| {
            by_kind
                .iter()
                .map(|counts| f64::from(counts[w]))
                .sum::<f64>()
        };
        let counts: Vec<f64> = (0..window_count).filter(is_whole).map(count).collect();
        exact(max_over_mean(&counts), "no control messages in this phase")
    }

    fn return_time(&self) -> Estimated {
        let Some(fault) = self.fault() else {
            return undecided("this is a measure of a fault");
        };
        let scope = self.measure.scope;
        let alias = match scope.edge {
            None => scope.client.map(|client| client.index()),
            Some(edge) => self.run.tables.calls.alias_clients[edge.index()],
        };
        if scope.zone.is_some() || (scope.edge.is_some() && alias.is_none()) {
            return undecided("windows are kept by client only");
        }
        let state = match (alias, &self.run.tables.steady) {
            (None, Some(steady)) => steady.clone(),
            (client, _) => self.steady_state(client),
        };
        if state.band.is_none() {
            return undecided("there is no steady window with arrivals");
        }
        let is_mitigation = self.measure.measure == Measure::MitigationTime;
        let back = |r: &Return| match is_mitigation {
            true => r.mitigation,
            false => r.recovery,
        };
        let returns = state.returns[fault.index()].iter();
        let judged = returns.filter(|r| is_mitigation || !r.stays).map(back);
        let judged: Vec<Back> = match self.measure.statistic {
            Statistic::Value => judged.take(1).collect(),
            _ => judged.collect(),
        };
        // What never came decides a mean and a maximum, whatever is untold.
        let is_least = self.measure.statistic == Statistic::Min;
        if judged.contains(&Back::Untold) && (is_least || !judged.contains(&Back::Never)) {
            return undecided("too few requests arrive to see a return to the steady band");
        }
        let secs = |back: &Back| back.time().map_or(f64::INFINITY, SimDuration::as_secs_f64);
        let times: Vec<f64> = judged.iter().map(secs).collect();
        let value = match self.measure.statistic {
            Statistic::Value => times.first().copied(),
            Statistic::Mean if times.is_empty() => None,
            Statistic::Mean => Some(times.iter().sum::<f64>() / times.len() as f64),
            Statistic::Min => times.iter().copied().reduce(f64::min),
            Statistic::Max => times.iter().copied().reduce(f64::max),
            _ => return undecided("times of few windows have a mean, min and max"),
        };
        exact(
            value,
            "the fault has no window that begins, or ends, in the run",
        )
    }

    fn steady_state(&self, client: Option<usize>) -> SteadyState {
        let tables = &self.run.tables;
        SteadyState::new(
            &tables.windows,
            &tables.windows.pooled(client),
            &tables.timeline,
            &tables.faults,
            tables.measured,
        )
    }

    /// The first ring in scope.
    fn ring(&self, fault: FaultId) -> Result<&RingChange, String> {
        let rings = &self.run.faults[fault.index()].rings;
        let is_in_scope = |ring: &&RingChange| {
            self.edges_in_scope()
                .any(|edge| self.scenario.edges[edge.index()].path == ring.edge)
        };
        let ring = rings.iter().find(is_in_scope);
        ring.ok_or_else(|| {
            "no call in scope uses a ring of servers that the fault acted on".to_string()
        })
    }

    fn ring_change(&self) -> Estimated {
        let Some(fault) = self.fault() else {
            return undecided("this is a measure of a fault");
        };
        let ring = self.ring(fault)?;
        let unknown_keys = "the keys are too many to walk, or not those of one client";
        match (self.measure.measure, self.measure.statistic) {
            (Measure::MovedKeyRatio, _) => Ok(Estimate::exact(ring.moved_key_ratio)),
            (Measure::NeedlessMoveRatio, _) => Ok(Estimate::exact(ring.needless_move_ratio)),
            (Measure::MovedRequestRatio, _) => exact(ring.moved_request_ratio, unknown_keys),
            (_, Statistic::MaxOverMean) => exact(ring.load_max_over_mean_after, unknown_keys),
            (_, Statistic::Cv) => exact(ring.load_cv_after, unknown_keys),
            (_, Statistic::Jain) => exact(ring.load_jain_after, unknown_keys),
            _ => undecided("a balance is told by max_over_mean, cv or jain"),
        }
    }

    /// Before a fault, or at the start, or after the change that a fault made.
    fn ownership(&self) -> Estimated {
        let empty = "the ring is empty";
        if let Some(fault) = self.fault() {
            let ring = self.ring(fault)?;
            return match self.measure.statistic {
                Statistic::MaxOverMean => exact(ring.ownership_max_over_mean_after, empty),
                Statistic::Cv => exact(ring.ownership_cv_after, empty),
                Statistic::Jain => exact(ring.ownership_jain_after, empty),
                _ => undecided("a balance is told by max_over_mean, cv or jain"),
            };
        }
        let rings = &self.run.tables.rings;
        let mut shares = self
            .edges_in_scope()
            .filter_map(|edge| rings.first_ownership(edge, self.scenario));
        match shares.next() {
            Some(shares) => balance_of(&shares, self.measure.statistic),
            None => undecided("no call in scope uses a ring"),
        }
    }

    fn convergence(&self) -> Estimated {
        let Some(fault) = self.fault() else {
            return undecided("this is a measure of a fault");
        };
        let is_in_scope = |path: &String| {
            let mut edges = self.edges_in_scope();
            edges.any(|edge| self.scenario.edges[edge.index()].path == *path)
        };
        let found = self.run.faults[fault.index()].selection.iter();
        let found: Vec<_> = found.filter(|found| is_in_scope(&found.edge)).collect();
        match found[..] {
            [] => undecided("no call in scope picks among instances whose weights it changed"),
            [only] if only.has_enough_picks => {
                let secs = only.converged_after_secs.unwrap_or(f64::INFINITY);
                Ok(Estimate::exact(secs))
            }
            [_] => undecided(
                "fewer than 5 picks of an instance are expected in a window of the series; choose \
                 a wider `window`",
            ),
            _ => undecided("name one call: `{call=CLIENT.SERVICE}`"),
        }
    }

    fn share_return(&self) -> Estimated {
        let Some(fault) = self.fault() else {
            return undecided("this is a measure of a fault");
        };
        let is_in_scope = |path: &String| {
            let mut edges = self.edges_in_scope();
            edges.any(|edge| self.scenario.edges[edge.index()].path == *path)
        };
        let found = self.run.faults[fault.index()].share_returns.iter();
        let found: Vec<_> = found.filter(|found| is_in_scope(&found.edge)).collect();
        match found[..] {
            [] => undecided("no call in scope is one to instances that it hit and let go"),
            [only] if only.has_enough_attempts => {
                let secs = only.returned_after_secs.unwrap_or(f64::INFINITY);
                Ok(Estimate::exact(secs))
            }
            [_] => undecided(
                "fewer than 5 attempts to those that it hit are expected in a window of the \
                 series; choose a wider `window`",
            ),
            _ => undecided("name one call: `{call=CLIENT.SERVICE}`"),
        }
    }

    fn selection(&self) -> Estimated {
        self.has_no_zone()?;
        let edges: Vec<EdgeId> = self.edges_in_scope().collect();
        let [edge] = edges[..] else {
            return undecided("name one call: `{call=CLIENT.SERVICE}`");
        };
        let (classes, is_whole) = self.classes()?;
        let stats = self.run.tables.selection.stats(edge, &classes, is_whole);
        let stats = stats.ok_or("there are too many instances to keep picks by phase")?;
        let nothing = "no picks in this phase";
        let is_smoothness = self.measure.measure == Measure::Smoothness;
        if is_smoothness && !is_whole {
            return undecided("smoothness is known of the whole run only");
        }
        match self.measure.statistic {
            Statistic::BurstMax => Ok(Estimate::exact(stats.burst_max as f64)),
            Statistic::Max | Statistic::Value if is_smoothness => {
                exact(stats.prefix_deviation_max, nothing)
            }
            Statistic::MaxAbsolute => exact(stats.deviation_absolute_max, nothing),
            Statistic::MaxRelative => exact(stats.deviation_relative_max, nothing),
            Statistic::ChiSquaredP => {
                let reason = "the picks are not independent (by their strategy, or some are \
                              retries that avoid what was tried), or too few are expected of an \
                              instance";
                exact(stats.chi_squared_p, reason)
            }
            _ => undecided("picks have no such number"),
        }
    }
}

/// How many mistakes are independent of each other: one cause makes many suspectors wrong.
fn independent_mistake_count(detectors: &[&Detector]) -> u64 {
    let mut counts = [0; MISTAKE_PART_COUNT];
    for detector in detectors {
        for (sum, count) in counts.iter_mut().zip(detector.mistake_counts) {
            *sum += count;
        }
    }
    independent_count(&counts)
}
