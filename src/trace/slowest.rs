//! Which requests took longest.

use super::Follower;
use crate::model::observation::step::{Step, StepKind};
use crate::model::observation::{Observation, Outcome};
use crate::time::{SimDuration, SimTime};

/// One request of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ranked {
    /// From its arrival to its outcome.
    pub latency: SimDuration,
    /// When it arrived.
    pub arrived_at: SimTime,
    /// Names it.
    pub request: u64,
    /// Its outcome.
    pub outcome: Outcome,
}

/// Keeps the requests of clients that took longest, of those that arrived within a span of time.
#[derive(Debug)]
pub struct Slowest {
    span: (SimTime, SimTime),
    count: usize,
    /// Longest first; of equal ones those that arrived first.
    ranked: Vec<Ranked>,
    /// When the request that ended last had arrived.
    ended: Option<(SimTime, Outcome)>,
}

impl Slowest {
    /// Keeps `count` requests that arrive in `span`, its end not included.
    pub fn new(count: usize, span: (SimTime, SimTime)) -> Self {
        Slowest {
            span,
            count,
            ranked: Vec::new(),
            ended: None,
        }
    }

    /// The requests, the slowest first.
    pub fn into_ranked(self) -> Vec<Ranked> {
        self.ranked
    }

    fn rank(&mut self, one: Ranked) {
        let key = |one: &Ranked| (std::cmp::Reverse(one.latency), one.arrived_at, one.request);
        let place = self.ranked.partition_point(|other| key(other) < key(&one));
        if place < self.count {
            self.ranked.insert(place, one);
            self.ranked.truncate(self.count);
        }
    }
}

impl Follower for Slowest {
    fn observe(&mut self, _at: SimTime, observation: &Observation<'_>) {
        if let Observation::RequestEnded {
            arrived_at,
            outcome,
            ..
        } = *observation
        {
            self.ended = Some((arrived_at, outcome));
        }
    }

    /// The step that names a request follows the fact that it ended.
    fn follow(&mut self, at: SimTime, step: &Step) {
        if !matches!(step.kind, StepKind::Ended { .. }) {
            return;
        }
        let Some((arrived_at, outcome)) = self.ended.take() else {
            return;
        };
        if self.span.0 <= arrived_at && arrived_at < self.span.1 {
            self.rank(Ranked {
                latency: at.since(arrived_at),
                arrived_at,
                request: step.request,
                outcome,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_come_first_and_the_rest_is_forgotten() {
        let end = (SimTime::START, SimTime::NEVER);
        let mut slowest = Slowest::new(2, end);
        for (request, ms) in [(1, 5), (2, 9), (3, 9), (4, 1), (5, 7)] {
            slowest.rank(Ranked {
                latency: SimDuration::from_ms(ms),
                arrived_at: SimTime::from_ns(10 - request),
                request,
                outcome: Outcome::Success,
            });
        }
        // Two took 9 ms; the third one arrived before the second one.
        let ranked = slowest.into_ranked();
        assert_eq!(
            ranked.iter().map(|one| one.request).collect::<Vec<_>>(),
            [3, 2]
        );
    }
}
