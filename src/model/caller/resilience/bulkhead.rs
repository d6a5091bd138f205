//! The line of a calling side whose attempts wait for a place: that of a bulkhead (resilience4j's
//! `SemaphoreBulkhead`), with so many attempts under way, or that of HAProxy, with so many at each
//! server. It moves in order of arrival. Waits are kept by the world, which has their timers; a
//! place that becomes free is promised to the first of the line before that goes on.

use std::collections::VecDeque;

/// The line of one calling side.
#[derive(Clone, Debug, Default)]
pub struct Bulkhead {
    /// Slots of the waits, first come first.
    line: VecDeque<u32>,
    /// Places that are promised.
    promised_count: u32,
}

/// What a bulkhead says to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// There is a place.
    Free,
    /// There is none.
    Full,
}

impl Bulkhead {
    /// Whether an attempt may be sent while there are `place_count` places that nobody has.
    /// Nobody overtakes the line.
    pub fn room(&self, place_count: u32) -> Room {
        let is_free = self.line.is_empty() && self.has_place(place_count);
        if is_free { Room::Free } else { Room::Full }
    }

    fn has_place(&self, place_count: u32) -> bool {
        self.promised_count < place_count
    }

    /// Attempts in line.
    pub fn waiting_count(&self) -> u32 {
        u32::try_from(self.line.len()).expect("a line is shorter than the requests")
    }

    /// Adds a wait to the end of the line.
    pub fn join(&mut self, wait: u32) {
        self.line.push_back(wait);
    }

    /// Takes a wait out of the line, wherever it stands.
    pub fn leave(&mut self, wait: u32) {
        self.line.retain(|other| *other != wait);
    }

    /// Promises a free place to the first of the line, which leaves it.
    pub fn promise(&mut self, place_count: u32) -> Option<u32> {
        if !self.has_place(place_count) {
            return None;
        }
        let first = self.line.pop_front();
        self.promised_count += u32::from(first.is_some());
        first
    }

    /// Whoever was promised a place takes it, or gives it up.
    pub fn redeem(&mut self) {
        assert!(0 < self.promised_count, "nobody was promised a place");
        self.promised_count -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_moves_in_order_and_nobody_overtakes_it() {
        let mut bulkhead = Bulkhead::default();
        assert_eq!(bulkhead.room(1), Room::Free);
        assert_eq!(bulkhead.room(0), Room::Full);
        [7, 8, 9].into_iter().for_each(|wait| bulkhead.join(wait));
        bulkhead.leave(8);
        // One of two has ended: the place is promised to the first, not to who comes now.
        assert_eq!(bulkhead.promise(1), Some(7));
        assert_eq!(bulkhead.promise(1), None);
        assert_eq!(bulkhead.room(1), Room::Full);
        bulkhead.redeem();
        assert_eq!(bulkhead.promise(0), None);
        assert_eq!(bulkhead.promise(2), Some(9));
        assert_eq!(bulkhead.waiting_count(), 0);
        assert_eq!(bulkhead.room(2), Room::Free);
    }
}
