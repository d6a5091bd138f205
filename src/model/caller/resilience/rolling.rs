//! Sums over the last stretch of time, in slices: what leaves the stretch leaves slice by slice.

use crate::time::{SimDuration, SimTime};

/// `N` sums over a window of equal slices, the one that runs included.
#[derive(Clone, Debug)]
pub struct Rolling<const N: usize> {
    start: SimTime,
    slice: SimDuration,
    slices: Box<[[i64; N]]>,
    /// Number of the slice that runs, from 0 at `start`.
    current: u64,
    sums: [i64; N],
}

impl<const N: usize> Rolling<N> {
    /// A window that is cut into `slice_count` slices; they are counted from `start`.
    pub fn new(start: SimTime, window: SimDuration, slice_count: u32) -> Self {
        let slice_ns = (window.as_ns() / u64::from(slice_count)).max(1);
        Rolling {
            start,
            slice: SimDuration::from_ns(slice_ns),
            slices: vec![[0; N]; slice_count as usize].into_boxed_slice(),
            current: 0,
            sums: [0; N],
        }
    }

    /// The sums at `now`, which never decreases.
    pub fn sums(&mut self, now: SimTime) -> [i64; N] {
        self.advance(now);
        self.sums
    }

    /// Adds to one of the sums.
    pub fn add(&mut self, now: SimTime, place: usize, amount: i64) {
        self.advance(now);
        let count = self.slices.len() as u64;
        self.slices[(self.current % count) as usize][place] += amount;
        self.sums[place] += amount;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.slices.fill([0; N]);
        self.sums = [0; N];
    }

    fn advance(&mut self, now: SimTime) {
        let number = now.since(self.start).as_ns() / self.slice.as_ns();
        let count = self.slices.len() as u64;
        if self.current + count <= number {
            self.clear();
            self.current = number;
        }
        while self.current < number {
            self.current += 1;
            let old = std::mem::replace(&mut self.slices[(self.current % count) as usize], [0; N]);
            for (sum, amount) in self.sums.iter_mut().zip(old) {
                *sum -= amount;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> SimTime {
        SimTime::START + SimDuration::from_secs(secs)
    }

    #[test]
    fn what_is_older_than_the_window_leaves_with_its_slice() {
        let mut rolling = Rolling::<1>::new(at(0), SimDuration::from_secs(10), 10);
        rolling.add(at(0), 0, 5);
        rolling.add(at(3), 0, 1);
        assert_eq!(rolling.sums(at(9)), [6]);
        assert_eq!(rolling.sums(at(10)), [1]);
        assert_eq!(rolling.sums(at(13)), [0]);
        rolling.add(at(14), 0, 2);
        assert_eq!(rolling.sums(at(500)), [0]);
    }
}
