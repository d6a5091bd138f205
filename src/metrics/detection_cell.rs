//! How crashes were detected: by pair, and by the first, the median and the last who watch.

use super::histogram::Samples;
use crate::time::SimDuration;

/// How crashes were detected.
#[derive(Clone, Debug, Default)]
pub struct DetectionCell {
    /// Crash to final suspicion.
    pub detection_time: Samples,
    /// Pairs without a final suspicion.
    pub undetected_count: u64,
    /// Crash to the final suspicion of the first, the median and the last of those who watch, one
    /// of each for every crash that so many noticed.
    pub order: [Samples; 3],
    /// Crashes that not even the first, not half, not all of them noticed.
    pub order_missed: [u64; 3],
}

impl DetectionCell {
    /// One crash: when those who noticed it did, and how many did not.
    pub fn record(&mut self, times: &mut [SimDuration], missed: u64) {
        times.sort_unstable();
        for time in times.iter() {
            self.detection_time.record(*time);
        }
        self.undetected_count += missed;
        let all = times.len() + missed as usize;
        if all == 0 {
            return;
        }
        for (place, rank) in [0, (all - 1) / 2, all - 1].into_iter().enumerate() {
            match times.get(rank) {
                Some(time) => self.order[place].record(*time),
                None => self.order_missed[place] += 1,
            }
        }
    }

    /// Adds the crashes of another cell.
    pub fn merge(&mut self, other: &DetectionCell) {
        self.detection_time.merge(&other.detection_time);
        self.undetected_count += other.undetected_count;
        for (place, samples) in other.order.iter().enumerate() {
            self.order[place].merge(samples);
            self.order_missed[place] += other.order_missed[place];
        }
    }
}
