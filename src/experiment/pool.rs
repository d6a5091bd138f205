//! What many runs say of one number together: their samples in one pot, and an interval from how
//! the runs differ.

use crate::metrics::histogram::{ABOVE_COUNT_MIN, rank_of};
use crate::metrics::lengths::{Evidence, LOWER_PERCENTS, Lengths};
use crate::stats::section::share_half_width;
use crate::stats::share::{ShareInterval, share_interval};

/// Sections that are kept at most, so that memory does not grow with the number of replications:
/// replication `i` belongs to section `i % 100`.
pub const SECTION_COUNT_MAX: usize = 100;
/// Fewest sections of which one may say how far percentiles differ.
pub const SECTION_COUNT_MIN: usize = 5;

/// The runs of a plan, put together for one number. Only counts are kept, so it is the same for
/// any order of the runs.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    percent: Option<f64>,
    sections: Vec<Section>,
}

#[derive(Clone, Debug, Default)]
struct Section {
    lengths: Lengths,
    part: u64,
    whole: u64,
}

/// A percentile of the samples of all replications together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PooledPercentile {
    /// Its value; infinite where so many never ended.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end; infinite where it lies above all samples.
    pub high: f64,
    /// Samples.
    pub sample_count: u64,
    /// Of these, samples of a higher rank.
    pub above_count: u64,
}

impl Pool {
    /// Adds what a number of one replication was read from.
    pub fn add(&mut self, replication: u32, evidence: &Evidence) {
        let place = replication as usize % SECTION_COUNT_MAX;
        if self.sections.len() <= place {
            self.sections.resize_with(place + 1, Section::default);
        }
        let section = &mut self.sections[place];
        match evidence {
            Evidence::Percentile { percent, lengths } => {
                self.percent = Some(*percent);
                section.lengths.merge(lengths);
            }
            Evidence::Share { part, whole } => {
                section.part += part;
                section.whole += whole;
            }
        }
    }

    /// Whether the number is a percentile.
    pub fn is_of_percentile(&self) -> bool {
        self.percent.is_some()
    }

    /// The percentile of the number; see [`Pool::percentile_at`].
    pub fn percentile(&self) -> Option<Result<PooledPercentile, String>> {
        self.percent.map(|percent| self.percentile_at(percent))
    }

    /// The percentile of all samples, even of too few to state it: good for a first ranking only.
    pub fn unstated_percentile(&self) -> Option<f64> {
        let mut all = Lengths::default();
        self.sections.iter().for_each(|s| all.merge(&s.lengths));
        all.percentile(self.percent?).map(|(value, _)| value)
    }

    /// A percentile of all samples with its interval, or why it is not stated: at least ten
    /// samples must lie above it, of five replications; or each replication has ten above its own.
    pub fn percentile_at(&self, percent: f64) -> Result<PooledPercentile, String> {
        let mut all = Lengths::default();
        self.sections.iter().for_each(|s| all.merge(&s.lengths));
        let (value, above_count) = all
            .percentile(percent)
            .ok_or_else(|| "there are no samples".to_string())?;
        let (sample_count, rank) = (all.count(), rank_of(percent, all.count()));
        let lengths = || self.sections.iter().map(|section| &section.lengths);
        let up_to: Vec<u64> = lengths().map(|s| s.count_up_to(&all, rank)).collect();
        let counts: Vec<u64> = lengths().map(Lengths::count).collect();
        self.refuse_few(percent, sample_count, above_count)?;
        let floats = |counts: &[u64]| counts.iter().map(|c| *c as f64).collect::<Vec<_>>();
        let half_width = share_half_width(&floats(&up_to), &floats(&counts));
        let half_percent = 100.0 * half_width.unwrap_or(f64::INFINITY);
        let high_percent = percent + half_percent;
        let at = |percent: f64| all.value_at_rank(rank_of(percent.max(0.0), sample_count));
        let is_equal = half_percent == 0.0;
        Ok(PooledPercentile {
            value,
            low: if is_equal {
                value
            } else {
                at(percent - half_percent)
            },
            high: match high_percent {
                _ if is_equal => value,
                high if high < 100.0 => at(high),
                _ => f64::INFINITY,
            },
            sample_count,
            above_count,
        })
    }

    /// Of a percentile that is not stated: the highest lower one that is, and the lower end of its
    /// interval, which the one asked for is at least.
    pub fn lower_bound(&self) -> Option<(f64, f64)> {
        let asked = self.percent?;
        let lower = LOWER_PERCENTS.iter().filter(|percent| **percent < asked);
        let stated = |percent: &f64| Some((*percent, self.percentile_at(*percent).ok()?.low));
        lower.filter_map(stated).next()
    }

    /// Where each replication can state its own percentile, all together can.
    fn refuse_few(&self, percent: f64, count: u64, above_count: u64) -> Result<(), String> {
        let own = |section: &Section| section.lengths.percentile(percent);
        let own_counts = self
            .sections
            .iter()
            .map(|s| own(s).map_or(0, |(_, above)| above));
        let least = own_counts.min().unwrap_or(0);
        if ABOVE_COUNT_MIN <= least {
            return Ok(());
        }
        if self.sections.len() < SECTION_COUNT_MIN {
            return Err(format!(
                "with fewer than {SECTION_COUNT_MIN} replications each needs {ABOVE_COUNT_MIN} \
                 samples above its p{percent}; one has {least}"
            ));
        }
        if above_count < ABOVE_COUNT_MIN {
            return Err(format!(
                "only {above_count} of {count} samples of all replications lie above p{percent}; \
                 at least {ABOVE_COUNT_MIN} are needed"
            ));
        }
        let section_count = self.section_count_above(percent);
        match SECTION_COUNT_MIN <= section_count {
            true => Ok(()),
            false => Err(format!(
                "the samples above p{percent} come from {section_count} replications; at least \
                 {SECTION_COUNT_MIN} are needed"
            )),
        }
    }

    /// Of how many sections the samples above a percentile are: those of higher buckets, and, where
    /// these are not ten, those of its own bucket too.
    fn section_count_above(&self, percent: f64) -> usize {
        let mut all = Lengths::default();
        self.sections.iter().for_each(|s| all.merge(&s.lengths));
        let count = all.count();
        let rank = rank_of(percent, count);
        let up_to = all.count_up_to(&all, rank);
        let rank = match ABOVE_COUNT_MIN <= count - up_to {
            true => rank,
            false => all.first_rank_of_bucket(rank) - 1,
        };
        let is_above = |s: &&Section| {
            let below = if rank == 0 {
                0
            } else {
                s.lengths.count_up_to(&all, rank)
            };
            below < s.lengths.count()
        };
        self.sections.iter().filter(is_above).count()
    }

    /// The percentile of every one of `group_count` groups of sections, in order; None where one
    /// has fewer than ten samples above it.
    pub fn percentiles_of_groups(&self, group_count: usize) -> Option<Vec<f64>> {
        let percent = self.percent?;
        let size = self.sections.len() / group_count;
        let groups = self.sections.chunks_exact(size).take(group_count);
        groups
            .map(|group| {
                let mut sum = Lengths::default();
                group.iter().for_each(|section| sum.merge(&section.lengths));
                let (value, above_count) = sum.percentile(percent)?;
                (ABOVE_COUNT_MIN <= above_count).then_some(value)
            })
            .collect()
    }

    /// How many sections there are.
    pub fn section_count(&self) -> usize {
        self.sections.len()
    }

    /// A share over all replications, of which each has its own and `mean` is the mean of these.
    /// None where the number is no share, or of one replication, or where the mean is far from the
    /// share of all because the replications count unequally many.
    pub fn share(&self, mean: f64) -> Option<ShareInterval> {
        if self.sections.iter().any(|s| s.whole < s.part) {
            return None;
        }
        let counts = |of: fn(&Section) -> u64| self.sections.iter().map(of).map(|n| n as f64);
        let parts: Vec<f64> = counts(|section| section.part).collect();
        let wholes: Vec<f64> = counts(|section| section.whole).collect();
        share_interval(&parts, &wholes)?.about(mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::histogram::Samples;
    use crate::rng::{Draw, UniformSource};
    use crate::time::SimDuration;

    fn evidence(percent: f64, values_secs: &[f64]) -> Evidence {
        let mut samples = Samples::default();
        for value in values_secs {
            samples.record(SimDuration::from_ns((value * 1e9) as u64));
        }
        Evidence::Percentile {
            percent,
            lengths: Box::new(Lengths::new(&samples, 0)),
        }
    }

    fn exponential(draw: &mut Draw, mean: f64) -> f64 {
        -mean * libm::log1p(-draw.uniform())
    }

    #[test]
    fn pooled_percentiles_are_covered_though_replications_are_too_short_to_state_their_own() {
        // 300 samples have three above their p99.
        let mut draw = Draw::new(4);
        let truth = -libm::log(0.01);
        let covered = (0..1_000).filter(|_| {
            let mut pool = Pool::default();
            for replication in 0..20 {
                let values: Vec<f64> = (0..300).map(|_| exponential(&mut draw, 1.0)).collect();
                pool.add(replication, &evidence(99.0, &values));
            }
            let found = pool.percentile().expect("a percentile").expect("enough");
            found.low <= truth && truth <= found.high
        });
        let covered = covered.count();
        assert!((930..=970).contains(&covered), "{covered}");
    }

    #[test]
    fn pooled_percentiles_of_replications_that_differ_are_covered() {
        // Sojourn times of M/M/1 at 50 %, started in equilibrium: their law is exponential, and
        // they depend on each other. Runs are long enough for what lies above to come from five.
        let mut draw = Draw::new(5);
        let rho = 0.5;
        let truth = -libm::log(0.01) / (1.0 - rho);
        let covered = (0..1_000).filter(|_| {
            let mut pool = Pool::default();
            for replication in 0..12 {
                let mut sojourn = exponential(&mut draw, 1.0 / (1.0 - rho));
                let values: Vec<f64> = (0..1_200)
                    .map(|_| {
                        let now = sojourn;
                        let wait = (sojourn - exponential(&mut draw, 1.0 / rho)).max(0.0);
                        sojourn = wait + exponential(&mut draw, 1.0);
                        now
                    })
                    .collect();
                pool.add(replication, &evidence(99.0, &values));
            }
            let found = pool.percentile().expect("a percentile").expect("enough");
            found.low <= truth && truth <= found.high
        });
        let covered = covered.count();
        assert!((930..=970).contains(&covered), "{covered}");
    }

    #[test]
    fn what_lies_above_must_come_from_five_replications() {
        // Of 100 each has 7 above its own p93 at most.
        let mut pool = Pool::default();
        let calm = vec![0.001; 100];
        let mut burst = calm.clone();
        burst.extend([1.0; 14]);
        for replication in 0..10 {
            let values = if replication < 4 { &burst } else { &calm };
            pool.add(replication, &evidence(93.0, values));
        }
        assert_eq!(
            pool.percentile().expect("a percentile"),
            Err("the samples above p93 come from 4 replications; at least 5 are needed".into())
        );
        pool.add(4, &evidence(93.0, &burst));
        assert!(pool.percentile().expect("a percentile").is_ok());
        // The percentile lies in the burst itself.
        let mut pool = Pool::default();
        for replication in 0..10 {
            let values = if replication < 4 { &burst } else { &calm };
            pool.add(replication, &evidence(95.0, values));
        }
        assert!(pool.percentile().expect("a percentile").is_err());
    }

    #[test]
    fn more_replications_that_can_state_their_own_are_never_worse() {
        let long: Vec<f64> = (1..=2_000).map(f64::from).collect();
        let mut slow = long.clone();
        slow.extend(vec![9_000.0; 200]);
        let mut pool = Pool::default();
        for replication in 0..7 {
            let values = if replication == 1 { &slow } else { &long };
            pool.add(replication, &evidence(99.0, values));
            let is_stated = pool.percentile().expect("a percentile").is_ok();
            assert!(is_stated, "{replication}");
        }
    }

    #[test]
    fn ten_samples_must_lie_above_in_all_replications_together() {
        let mut pool = Pool::default();
        let values: Vec<f64> = (1..=90).map(|i| f64::from(i) / 100.0).collect();
        for replication in 0..10 {
            pool.add(replication, &evidence(99.0, &values));
        }
        let reason = pool.percentile().expect("a percentile").expect_err("nine");
        assert!(
            reason.starts_with("only 9 of 900 samples of all"),
            "{reason}"
        );
        pool.add(10, &evidence(99.0, &[1.0; 200]));
        assert!(pool.percentile().expect("a percentile").is_err());
    }

    #[test]
    fn few_replications_need_enough_samples_each() {
        let mut pool = Pool::default();
        let long: Vec<f64> = (1..=2_000).map(f64::from).collect();
        pool.add(0, &evidence(99.0, &long));
        pool.add(1, &evidence(99.0, &long));
        assert!(pool.percentile().expect("a percentile").is_ok());
        pool.add(2, &evidence(99.0, &long[..500]));
        let reason = pool.percentile().expect("a percentile").expect_err("few");
        assert!(reason.ends_with("one has 5"), "{reason}");
    }

    #[test]
    fn a_percentile_that_is_not_stated_is_at_least_a_lower_one() {
        let mut pool = Pool::default();
        let calm: Vec<f64> = (1..=150).map(|i| f64::from(2 * i) / 1e5).collect();
        let mut burst = calm.clone();
        burst.extend([1.0; 20]);
        for replication in 0..10 {
            let values = if replication < 4 { &burst } else { &calm };
            pool.add(replication, &evidence(99.0, values));
        }
        // 80 of 1,580 are in bursts of four, and nobody has ten above an own p95: that is not
        // stated either. The p90 is the 1,422nd, 2.85 ms, and 94 % in some replications.
        assert!(pool.percentile().expect("a percentile").is_err());
        let (percent, low) = pool.lower_bound().expect("a lower one");
        assert_eq!(percent, 90.0);
        assert!((0.0025..0.00285).contains(&low), "{low}");
        let mut pool = Pool::default();
        pool.add(0, &evidence(50.0, &[0.040; 9]));
        assert_eq!(pool.lower_bound(), None);
    }

    #[test]
    fn equal_samples_have_an_interval_without_width() {
        let mut pool = Pool::default();
        for replication in 0..6 {
            pool.add(replication, &evidence(50.0, &[0.040; 100]));
        }
        let found = pool.percentile().expect("a percentile").expect("enough");
        assert_eq!((found.low, found.high), (found.value, found.value));
    }

    #[test]
    fn the_order_of_runs_means_nothing() {
        let mut draw = Draw::new(6);
        let runs: Vec<Vec<f64>> = (0..120)
            .map(|_| (0..100).map(|_| exponential(&mut draw, 1.0)).collect())
            .collect();
        let of = |order: &mut dyn Iterator<Item = usize>| {
            let mut pool = Pool::default();
            for run in order {
                pool.add(run as u32, &evidence(95.0, &runs[run]));
            }
            (pool.percentile(), pool.percentiles_of_groups(50))
        };
        assert_eq!(of(&mut (0..120)), of(&mut (0..120).rev()));
    }
}
