//! Processor sharing: every running attempt gets the same part of the workers.
//!
//! Progress is kept as one number, the service that any attempt would have received since the
//! instance began, so that an arrival or a departure costs O(log n) and not O(n).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::Timer;
use crate::time::{SimDuration, SimTime};

/// The attempts that share the workers of one instance.
#[derive(Debug, Default)]
pub struct Sharing {
    /// Service that an attempt running since the start would have received, in nanoseconds.
    served_ns: f64,
    /// When `served_ns` was brought up to date.
    at: SimTime,
    /// Attempts by the value of `served_ns` at which they are done; equal ones by order of start.
    running: BinaryHeap<Reverse<(u64, u64, u32)>>,
    started_count: u64,
    /// Attempts that hold a place while a call of theirs is under way, and need no service.
    pub calling_count: u32,
    /// The completion of the first of them.
    pub completion: Timer,
}

impl Sharing {
    /// Attempts that share.
    pub fn count(&self) -> u32 {
        u32::try_from(self.running.len()).expect("attempts fit in 32 bits")
    }

    /// Brings progress up to `now`, at which the running ones were served at `rate` each.
    pub fn advance(&mut self, now: SimTime, rate: f64) {
        self.served_ns += now.since(self.at).as_ns() as f64 * rate;
        self.at = now;
    }

    /// Starts an attempt with this much to do. Progress must be up to date.
    pub fn start(&mut self, slot: u32, demand: SimDuration) {
        let done_at = self.served_ns + demand.as_ns() as f64;
        self.running
            .push(Reverse((done_at.to_bits(), self.started_count, slot)));
        self.started_count += 1;
    }

    /// Takes out the attempt that is done first. Progress must be up to date; it is moved to the
    /// exact end of the attempt, which rounding to whole nanoseconds may have missed.
    ///
    /// # Panics
    ///
    /// If none runs.
    pub fn finish(&mut self) -> u32 {
        let Reverse((done_at, _, slot)) = self.running.pop().expect("an attempt is running");
        self.served_ns = self.served_ns.max(f64::from_bits(done_at));
        slot
    }

    /// Takes out an attempt that is not done. Progress must be up to date.
    pub fn remove(&mut self, slot: u32) {
        self.running
            .retain(|Reverse((_, _, running))| *running != slot);
    }

    /// How long until the first attempt is done if each is served at `rate`; None if none runs or
    /// none makes progress.
    pub fn until_first(&self, rate: f64) -> Option<SimDuration> {
        let left_ns = self.left_first_ns()?;
        if rate <= 0.0 {
            return None;
        }
        Some(SimDuration::from_ns((left_ns / rate).ceil() as u64))
    }

    /// What the first attempt has left to do, in nanoseconds. Progress must be up to date.
    pub fn left_first_ns(&self) -> Option<f64> {
        let Reverse((done_at, _, _)) = self.running.peek()?;
        Some((f64::from_bits(*done_at) - self.served_ns).max(0.0))
    }

    /// Forgets all attempts, and returns their slots in order of start.
    pub fn clear(&mut self) -> Vec<u32> {
        self.completion.cancel();
        self.calling_count = 0;
        let mut running: Vec<(u64, u32)> = self
            .running
            .drain()
            .map(|Reverse((_, started, slot))| (started, slot))
            .collect();
        running.sort_unstable();
        running.into_iter().map(|(_, slot)| slot).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> SimTime {
        SimTime::START + SimDuration::from_secs(secs)
    }

    #[test]
    fn two_equal_attempts_take_twice_as_long_as_one() {
        let mut sharing = Sharing::default();
        sharing.start(4, SimDuration::from_secs(10));
        assert_eq!(sharing.until_first(1.0), Some(SimDuration::from_secs(10)));
        sharing.advance(at(5), 1.0);
        sharing.start(7, SimDuration::from_secs(10));
        // 4 has 5 s left, and gets half a worker.
        assert_eq!(sharing.until_first(0.5), Some(SimDuration::from_secs(10)));
        sharing.advance(at(15), 0.5);
        assert_eq!(sharing.finish(), 4);
        // 7 received 5 s of its 10 s and is alone.
        assert_eq!(sharing.until_first(1.0), Some(SimDuration::from_secs(5)));
    }

    #[test]
    fn what_stands_still_is_never_done() {
        let mut sharing = Sharing::default();
        assert_eq!(sharing.until_first(1.0), None);
        sharing.start(0, SimDuration::from_secs(1));
        assert_eq!(sharing.until_first(0.0), None);
    }
}
