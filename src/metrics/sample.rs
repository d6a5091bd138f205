//! A bounded sample of single requests and attempts, evenly spaced over those that ended, for
//! pictures that show them one by one.

use super::data::sample::{Sample, SampledAttempt, SampledRequest};
use crate::id::{CallerId, InstanceId};
use crate::model::observation::{AttemptOutcome, Outcome};
use crate::time::{SimDuration, SimTime};

/// Entries of one kind that are kept at most; at least half as many stay of many.
const COUNT_MAX: usize = 1_024;

/// Every n-th of what is offered; n doubles whenever there is no room left.
#[derive(Clone, Debug)]
struct Thinned<T> {
    kept: Vec<T>,
    offered_count: u64,
    /// n - 1, for n a power of two.
    mask: u64,
}

impl<T> Default for Thinned<T> {
    fn default() -> Self {
        Thinned {
            kept: Vec::new(),
            offered_count: 0,
            mask: 0,
        }
    }
}

impl<T: Copy> Thinned<T> {
    #[inline(always)]
    fn offer(&mut self, one: T) {
        if self.offered_count & self.mask == 0 {
            self.keep(one);
        }
        self.offered_count += 1;
    }

    #[cold]
    #[inline(never)]
    fn keep(&mut self, one: T) {
        if self.kept.len() == COUNT_MAX {
            let every_other = self.kept.iter().copied().step_by(2);
            self.kept = every_other.collect();
            self.mask = self.mask * 2 + 1;
            if self.offered_count & self.mask != 0 {
                return;
            }
        }
        self.kept.push(one);
    }

    fn every(&self) -> u64 {
        self.mask + 1
    }
}

#[derive(Clone, Copy, Debug)]
struct RequestPoint {
    arrived_at: SimTime,
    latency: SimDuration,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug)]
struct AttemptSpan {
    sent_at: SimTime,
    ended_at: SimTime,
    caller: CallerId,
    instance: InstanceId,
    is_success: bool,
}

/// Takes the sample. Successes and all others are thinned apart, so that few failures are seen
/// among many successes.
#[derive(Clone, Debug, Default)]
pub struct SampleTable {
    requests: [Thinned<RequestPoint>; 2],
    attempts: [Thinned<AttemptSpan>; 2],
}

impl SampleTable {
    /// A request of a client has its outcome.
    #[inline(always)]
    pub fn request(&mut self, arrived_at: SimTime, latency: SimDuration, outcome: Outcome) {
        let place = usize::from(outcome != Outcome::Success);
        self.requests[place].offer(RequestPoint {
            arrived_at,
            latency,
            outcome,
        });
    }

    /// An attempt ended for its caller, now.
    #[inline(always)]
    pub fn attempt(
        &mut self,
        (sent_at, ended_at): (SimTime, SimTime),
        (caller, instance): (CallerId, InstanceId),
        outcome: AttemptOutcome,
    ) {
        let is_success = outcome == AttemptOutcome::Success;
        self.attempts[usize::from(!is_success)].offer(AttemptSpan {
            sent_at,
            ended_at,
            caller,
            instance,
            is_success,
        });
    }

    /// The sample in order of time.
    pub fn finish(&self) -> Sample {
        let points = self.requests.iter().flat_map(|thinned| &thinned.kept);
        let mut requests: Vec<SampledRequest> = points
            .map(|point| SampledRequest {
                arrived_secs: point.arrived_at.as_secs_f64(),
                latency_secs: point.latency.as_secs_f64(),
                outcome: point.outcome,
            })
            .collect();
        requests.sort_by(|a, b| a.arrived_secs.total_cmp(&b.arrived_secs));
        let spans = self.attempts.iter().flat_map(|thinned| &thinned.kept);
        let mut attempts: Vec<SampledAttempt> = spans
            .map(|span| SampledAttempt {
                sent_secs: span.sent_at.as_secs_f64(),
                ended_secs: span.ended_at.as_secs_f64(),
                caller: span.caller.0,
                instance: span.instance.0,
                is_success: span.is_success,
            })
            .collect();
        attempts.sort_by(|a, b| a.sent_secs.total_cmp(&b.sent_secs));
        let [successes, others] = &self.requests;
        Sample {
            requests,
            attempts,
            success_every: successes.every(),
            other_every: others.every(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_all_kept_and_many_are_thinned_evenly() {
        for (count, every) in [(10_u64, 1_u64), (1_024, 1), (1_025, 2), (5_000, 8)] {
            let mut thinned = Thinned::default();
            (0..count).for_each(|number| thinned.offer(number));
            assert_eq!(thinned.every(), every);
            let expected: Vec<u64> = (0..count).step_by(every as usize).collect();
            assert_eq!(thinned.kept, expected, "{count}");
        }
    }

    #[test]
    fn few_failures_are_seen_among_many_successes() {
        let mut table = SampleTable::default();
        let at = SimTime::from_ns;
        for number in 0..100_000 {
            let outcome = match number % 10_000 {
                9_999 => Outcome::Timeout,
                _ => Outcome::Success,
            };
            table.request(at(number), SimDuration::from_ns(7), outcome);
        }
        let sample = table.finish();
        let lost = sample
            .requests
            .iter()
            .filter(|it| it.outcome == Outcome::Timeout);
        assert_eq!((lost.count(), sample.other_every), (10, 1));
        // 99,990 successes: one of 128 makes 782.
        assert_eq!((sample.requests.len(), sample.success_every), (792, 128));
    }
}
