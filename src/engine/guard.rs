//! The two limits that end a run which would not end by itself.

use crate::time::SimTime;

/// Events at one instant before a run is called endless.
pub const INSTANT_EVENT_COUNT_MAX: u64 = 1_000_000;

/// Why a run was ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// More events than allowed.
    #[error("more than {limit} events, reached at {at}")]
    TooManyEvents {
        /// The limit on events.
        limit: u64,
        /// When it was passed.
        at: SimTime,
        /// Events by kind in the second half of `limit`, the most frequent kind first.
        kind_counts: Vec<(u8, u64)>,
    },
    /// More events at one instant than allowed: time does not move on.
    #[error("{count} events at {at}: time does not move on")]
    EndlessInstant {
        /// The instant.
        at: SimTime,
        /// Events handled there.
        count: u64,
        /// Events by kind in the second half of `count`, the most frequent kind first: the
        /// culprits.
        kind_counts: Vec<(u8, u64)>,
    },
}

/// Events between two looks at the clock, where nothing is near its limit.
const STRIDE: u64 = 1_000;

/// Counts handled events and tells when a limit is passed.
///
/// It looks at the clock now and then, and at every event once time has not moved between two
/// looks. Of an instant it counts the events from the first look on, so that at most [`STRIDE`]
/// events, and at most a thousandth of the limit, come before that.
#[derive(Debug)]
pub struct Guard {
    event_count: u64,
    /// The count of events at which the next look is due.
    look_at: u64,
    stride: u64,
    event_count_max: u64,
    instant_event_count_max: u64,
    /// The time of the last look.
    instant: SimTime,
    /// Events counted before the first look at `instant`.
    event_count_before: u64,
    /// Events of `instant` by kind, counted from half of the limit on.
    kind_counts: Box<[u64; 256]>,
    /// Events of the run by kind, counted from half of the limit on.
    run_kind_counts: Box<[u64; 256]>,
}

impl Guard {
    /// Allows `event_count_max` events in all and `instant_event_count_max` at one instant.
    pub fn new(event_count_max: u64, instant_event_count_max: u64) -> Self {
        Guard {
            event_count: 0,
            look_at: 0,
            stride: (instant_event_count_max / STRIDE).clamp(1, STRIDE),
            event_count_max,
            instant_event_count_max,
            instant: SimTime::NEVER,
            event_count_before: 0,
            kind_counts: Box::new([0; 256]),
            run_kind_counts: Box::new([0; 256]),
        }
    }

    /// Counts an event that is about to be handled. Returns whether [`Guard::look`] is due.
    #[inline]
    #[must_use]
    pub fn count(&mut self) -> bool {
        self.event_count += 1;
        self.look_at <= self.event_count
    }

    /// Looks at the event of `kind` at `time` that was counted last.
    ///
    /// # Errors
    ///
    /// If a limit is passed.
    #[cold]
    #[inline(never)]
    pub fn look(&mut self, time: SimTime, kind: u8) -> Result<(), Stop> {
        if time != self.instant {
            self.instant = time;
            self.event_count_before = self.event_count - 1;
        }
        let instant_event_count = self.event_count - self.event_count_before;
        if self.instant_event_count_max / 2 < instant_event_count {
            self.check_instant(kind, instant_event_count)?;
        }
        let calm = self.event_count_max / 2;
        if calm < self.event_count {
            self.check_run(kind)?;
        }
        let is_close = 1 < instant_event_count || calm <= self.event_count;
        self.look_at = match is_close {
            true => self.event_count + 1,
            false => (self.event_count + self.stride).min(calm + 1),
        };
        Ok(())
    }

    /// Events counted.
    pub fn event_count(&self) -> u64 {
        self.event_count
    }

    fn check_run(&mut self, kind: u8) -> Result<(), Stop> {
        self.run_kind_counts[usize::from(kind)] += 1;
        if self.event_count <= self.event_count_max {
            return Ok(());
        }
        Err(Stop::TooManyEvents {
            limit: self.event_count_max,
            at: self.instant,
            kind_counts: most_frequent_first(&self.run_kind_counts),
        })
    }

    fn check_instant(&mut self, kind: u8, instant_event_count: u64) -> Result<(), Stop> {
        if instant_event_count == self.instant_event_count_max / 2 + 1 {
            self.kind_counts.fill(0);
        }
        self.kind_counts[usize::from(kind)] += 1;
        if instant_event_count <= self.instant_event_count_max {
            return Ok(());
        }
        Err(Stop::EndlessInstant {
            at: self.instant,
            count: instant_event_count,
            kind_counts: most_frequent_first(&self.kind_counts),
        })
    }
}

fn most_frequent_first(counts: &[u64; 256]) -> Vec<(u8, u64)> {
    let mut kind_counts: Vec<(u8, u64)> = (0..=u8::MAX)
        .zip(counts.iter().copied())
        .filter(|(_, count)| 0 < *count)
        .collect();
    kind_counts.sort_by_key(|&(kind, count)| (std::cmp::Reverse(count), kind));
    kind_counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ns: u64) -> SimTime {
        SimTime::from_ns(ns)
    }

    /// Counts an event and looks where that is due.
    fn check(guard: &mut Guard, time: SimTime, kind: u8) -> Result<(), Stop> {
        match guard.count() {
            true => guard.look(time, kind),
            false => Ok(()),
        }
    }

    #[test]
    fn the_event_after_the_limit_ends_the_run() {
        let mut guard = Guard::new(3, 100);
        for ns in 0..3 {
            assert_eq!(check(&mut guard, at(ns), 0), Ok(()));
        }
        let stop = check(&mut guard, at(7), 0).unwrap_err();
        assert_eq!(
            stop,
            Stop::TooManyEvents {
                limit: 3,
                at: at(7),
                // The events after half of the limit.
                kind_counts: vec![(0, 3)],
            }
        );
        assert_eq!(stop.to_string(), "more than 3 events, reached at 7ns");
        assert_eq!(guard.event_count(), 4);
    }

    #[test]
    fn an_endless_instant_names_the_most_frequent_kind_first() {
        let mut guard = Guard::new(u64::MAX, 1_000);
        assert_eq!(check(&mut guard, at(4), 9), Ok(()));
        let mut kinds = [2, 2, 7].iter().cycle();
        let mut next_kind = || *kinds.next().unwrap();
        for _ in 0..1_000 {
            assert_eq!(check(&mut guard, at(5), next_kind()), Ok(()));
        }
        // Events 501 to 1,001 are counted: the cycle starts again at event 502 (501 = 3 x 167),
        // so they are a 7 and then 166 cycles and two more events of kind 2.
        let stop = check(&mut guard, at(5), next_kind()).unwrap_err();
        let expected = Stop::EndlessInstant {
            at: at(5),
            count: 1_001,
            kind_counts: vec![(2, 334), (7, 167)],
        };
        assert_eq!(stop, expected);
    }

    #[test]
    fn busy_instants_one_after_another_are_allowed() {
        let mut guard = Guard::new(u64::MAX, 10);
        for ns in 0..100 {
            for _ in 0..10 {
                assert_eq!(check(&mut guard, at(ns), 1), Ok(()));
            }
        }
        // The count by kind starts afresh: of 11 events at this instant the last 6 are counted.
        for _ in 0..10 {
            assert_eq!(check(&mut guard, at(100), 3), Ok(()));
        }
        let Err(Stop::EndlessInstant { kind_counts, .. }) = check(&mut guard, at(100), 3) else {
            panic!("an endless instant must end the run");
        };
        assert_eq!(kind_counts, [(3, 6)]);
    }

    #[test]
    fn an_endless_instant_between_two_looks_is_found() {
        // Looks are 2,000 / 1,000 = 2 events apart: the first and the third event are looked at.
        let mut guard = Guard::new(u64::MAX, 2_000);
        let times = [at(0), at(1)].into_iter().chain(std::iter::repeat(at(2)));
        let stopped = times
            .enumerate()
            .find_map(|(n, time)| check(&mut guard, time, 0).err().map(|stop| (n, stop)));
        let (n, stop) = stopped.expect("the instant is endless");
        // The first event of the instant is number 2, counted from 0, and so is the first look.
        assert_eq!(n, 2 + 2_000);
        assert_eq!(
            stop.to_string(),
            "2001 events at 2ns: time does not move on"
        );
    }

    #[test]
    fn at_most_a_stride_of_an_instant_is_not_counted() {
        let mut guard = Guard::new(u64::MAX, 1_000_000);
        let times = [at(0)].into_iter().chain(std::iter::repeat(at(1)));
        let count = times
            .take_while(|time| check(&mut guard, *time, 0).is_ok())
            .count() as u64;
        // The first look is at the first event, the second one at event 1,001.
        assert_eq!(count, 1_000 + 1_000_000);
    }
}
