//! Attempts in flight from one calling side.

use crate::id::InstanceId;

/// Counts by instance; only instances with something in flight take memory.
#[derive(Debug, Default)]
pub struct InFlight {
    /// Instances with at least one attempt in flight, ascending, with their counts.
    counts: Vec<(InstanceId, u32)>,
}

impl InFlight {
    /// Attempts in flight to `instance`.
    #[inline]
    pub fn count(&self, instance: InstanceId) -> u32 {
        match self.place(instance) {
            Ok(place) => self.counts[place].1,
            Err(_) => 0,
        }
    }

    /// The instances with something in flight, ascending.
    pub fn busy(&self) -> impl Iterator<Item = InstanceId> + '_ {
        self.counts.iter().map(|(instance, _)| *instance)
    }

    /// An attempt was sent.
    #[inline]
    pub fn add(&mut self, instance: InstanceId) {
        match self.place(instance) {
            Ok(place) => self.counts[place].1 += 1,
            Err(place) => self.counts.insert(place, (instance, 1)),
        }
    }

    /// An attempt ended.
    ///
    /// # Panics
    ///
    /// If none was in flight.
    #[inline]
    pub fn remove(&mut self, instance: InstanceId) {
        let place = self
            .place(instance)
            .expect("an attempt ends only after it was sent");
        self.counts[place].1 -= 1;
        if self.counts[place].1 == 0 {
            self.counts.remove(place);
        }
    }

    #[inline]
    fn place(&self, instance: InstanceId) -> Result<usize, usize> {
        self.counts
            .binary_search_by_key(&instance, |(instance, _)| *instance)
    }
}
