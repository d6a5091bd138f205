//! The pool of answers to probes of Prequal.

use std::collections::VecDeque;

use crate::id::InstanceId;
use crate::time::{SimDuration, SimTime};

/// What an instance said, and how often that may still be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// Who.
    pub instance: InstanceId,
    /// Its requests in flight, with those that were sent since.
    pub in_flight: u32,
    /// Its latency estimate.
    pub latency: SimDuration,
    /// When it came.
    pub at: SimTime,
    /// Uses that are left.
    pub uses_left: u32,
}

/// Answers, the oldest one first; at most one of each instance.
#[derive(Debug, Default)]
pub struct Pool {
    answers: VecDeque<Answer>,
}

impl Pool {
    /// Adds an answer: it takes the place of one of the same instance, or, in a full pool, of the
    /// oldest one.
    pub fn add(&mut self, answer: Answer, size: usize) {
        self.answers.retain(|old| old.instance != answer.instance);
        while size <= self.answers.len() {
            self.answers.pop_front();
        }
        self.answers.push_back(answer);
    }

    /// Keeps the answers that are meant.
    pub fn retain(&mut self, is_kept: impl FnMut(&Answer) -> bool) {
        self.answers.retain(is_kept);
    }

    /// Drops the answers that are older than `age_max`.
    pub fn expire(&mut self, now: SimTime, age_max: SimDuration) {
        let is_old = |answer: &Answer| age_max < now.since(answer.at);
        while self.answers.front().is_some_and(is_old) {
            self.answers.pop_front();
        }
    }

    /// The answers, the oldest one first.
    pub fn answers(&self) -> impl Iterator<Item = &Answer> + Clone {
        self.answers.iter()
    }

    /// The hot-cold rule among the answers that are meant: the lowest latency among those with at
    /// most `threshold` in flight; where all have more, the fewest in flight. Ties go to the
    /// fewer in flight or the lower latency, then to the older answer.
    pub fn best(&self, threshold: u32, is_meant: impl Fn(&Answer) -> bool) -> Option<InstanceId> {
        let meant = || self.answers.iter().filter(|answer| is_meant(answer));
        let cold = meant().filter(|answer| answer.in_flight <= threshold);
        let coldest = cold.min_by_key(|answer| (answer.latency, answer.in_flight));
        let best =
            coldest.or_else(|| meant().min_by_key(|answer| (answer.in_flight, answer.latency)));
        best.map(|answer| answer.instance)
    }

    /// An attempt goes to `instance`: its answer counts it, and is used up some day.
    pub fn note_sent(&mut self, instance: InstanceId, is_use: bool) {
        let mine = |answer: &Answer| answer.instance == instance;
        let Some(place) = self.answers.iter().position(mine) else {
            return;
        };
        let answer = &mut self.answers[place];
        answer.in_flight += 1;
        if is_use {
            answer.uses_left = answer.uses_left.saturating_sub(1);
            if answer.uses_left == 0 {
                self.answers.remove(place);
            }
        }
    }

    /// Removes the oldest answer.
    pub fn remove_oldest(&mut self) {
        self.answers.pop_front();
    }

    /// Removes the worst answer: the most in flight among those with more than `threshold`, or
    /// else the highest latency; the older one of equals.
    pub fn remove_worst(&mut self, threshold: u32) {
        let first_max = |key: &dyn Fn(&Answer) -> Option<u64>| {
            let keyed = self.answers.iter().enumerate();
            let keyed = keyed.filter_map(|(place, answer)| Some((key(answer)?, place)));
            keyed.max_by_key(|(key, place)| (*key, std::cmp::Reverse(*place)))
        };
        let hot =
            |answer: &Answer| (threshold < answer.in_flight).then_some(u64::from(answer.in_flight));
        let worst = first_max(&hot).or_else(|| first_max(&|a| Some(a.latency.as_ns())));
        if let Some((_, place)) = worst {
            self.answers.remove(place);
        }
    }
}

/// Requests in flight that answers told of lately.
#[derive(Debug, Default)]
pub struct Seen {
    recent: VecDeque<u32>,
    sorted: Vec<u32>,
}

impl Seen {
    /// Takes note of one more; at most `count_max` are remembered.
    pub fn add(&mut self, in_flight: u32, count_max: usize) {
        if self.recent.len() == count_max
            && let Some(oldest) = self.recent.pop_front()
        {
            let place = self.sorted.partition_point(|seen| *seen < oldest);
            self.sorted.remove(place);
        }
        self.recent.push_back(in_flight);
        let place = self.sorted.partition_point(|seen| *seen < in_flight);
        self.sorted.insert(place, in_flight);
    }

    /// The quantile by nearest rank; 0 before the first.
    pub fn quantile(&self, ratio: f64) -> u32 {
        let count = self.sorted.len();
        let rank = (ratio * count as f64).ceil() as usize;
        let place = rank.clamp(1, count.max(1)) - 1;
        self.sorted.get(place).copied().unwrap_or(0)
    }
}

/// How often an answer may be used: `(1 + slack) / ((1 - m / n) probes - removals)`, at least
/// once. None, as often as it lives, where probes do not make up for removals: without reuse the
/// pool would run dry.
pub fn reuse_count(
    (pool_size, instance_count): (u32, u32),
    (probe_rate, removal_rate): (f64, f64),
    slack: f64,
) -> Option<f64> {
    let part = f64::from(pool_size.min(instance_count)) / f64::from(instance_count.max(1));
    let surplus = (1.0 - part) * probe_rate - removal_rate;
    (0.0 < surplus).then(|| ((1.0 + slack) / surplus).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(instance: u32, in_flight: u32, latency_ms: u64) -> Answer {
        Answer {
            instance: InstanceId(instance),
            in_flight,
            latency: SimDuration::from_ms(latency_ms),
            at: SimTime::START,
            uses_left: 2,
        }
    }

    fn pool(answers: &[Answer]) -> Pool {
        let mut pool = Pool::default();
        for answer in answers {
            pool.add(*answer, 16);
        }
        pool
    }

    fn instances(pool: &Pool) -> Vec<u32> {
        pool.answers().map(|answer| answer.instance.0).collect()
    }

    #[test]
    fn the_fastest_cold_one_is_best_or_else_the_least_loaded_hot_one() {
        let pool = pool(&[
            answer(1, 9, 1),
            answer(2, 3, 20),
            answer(3, 4, 10),
            answer(4, 8, 2),
        ]);
        let best = |threshold| pool.best(threshold, |_| true);
        assert_eq!(best(4), Some(InstanceId(3)));
        assert_eq!(best(3), Some(InstanceId(2)));
        assert_eq!(best(2), Some(InstanceId(2)), "all are hot");
        assert_eq!(best(8), Some(InstanceId(4)));
        assert_eq!(pool.best(4, |a| a.instance.0 == 1), Some(InstanceId(1)));
        assert_eq!(pool.best(4, |_| false), None);
    }

    #[test]
    fn the_worst_is_the_most_loaded_hot_one_or_else_the_slowest() {
        let all = [answer(1, 9, 1), answer(2, 3, 20), answer(3, 4, 10)];
        let mut hot = pool(&all);
        hot.remove_worst(3);
        assert_eq!(instances(&hot), [2, 3]);
        let mut cold = pool(&all);
        cold.remove_worst(9);
        assert_eq!(instances(&cold), [1, 3]);
        cold.remove_oldest();
        assert_eq!(instances(&cold), [3]);
    }

    #[test]
    fn answers_count_what_is_sent_and_are_used_up() {
        let mut pool = pool(&[answer(1, 0, 1), answer(2, 0, 5)]);
        pool.note_sent(InstanceId(1), true);
        assert_eq!(pool.answers().next().expect("one").in_flight, 1);
        pool.note_sent(InstanceId(1), true);
        assert_eq!(instances(&pool), [2]);
        pool.note_sent(InstanceId(2), false);
        assert_eq!(pool.answers().next().expect("one").uses_left, 2);
    }

    #[test]
    fn a_full_pool_drops_the_oldest_and_a_new_answer_replaces_the_old_one() {
        let mut pool = Pool::default();
        for instance in [1, 2, 3, 2] {
            pool.add(answer(instance, 0, 1), 2);
        }
        assert_eq!(instances(&pool), [3, 2]);
        pool.expire(
            SimTime::START + SimDuration::from_secs(1),
            SimDuration::from_secs(1),
        );
        assert_eq!(instances(&pool), [3, 2], "not older than a second");
        pool.expire(
            SimTime::START + SimDuration::from_ms(1_001),
            SimDuration::from_secs(1),
        );
        assert!(instances(&pool).is_empty());
    }

    /// By hand: 100 instances, a pool of 16, 3 probes, 1 removal: 2 / (0.84 x 3 - 1) = 1.3158.
    /// 20 instances: (1 - 0.8) x 3 - 1 < 0.
    #[test]
    fn answers_are_reused_as_often_as_the_pool_needs() {
        let count = reuse_count((16, 100), (3.0, 1.0), 1.0).expect("probes make up");
        assert!((count - 2.0 / 1.52).abs() < 1e-12);
        assert_eq!(reuse_count((16, 100), (9.0, 1.0), 1.0), Some(1.0));
        assert_eq!(reuse_count((16, 20), (3.0, 1.0), 1.0), None);
        assert_eq!(reuse_count((16, 3), (3.0, 0.0), 1.0), None);
    }

    #[test]
    fn the_quantile_is_that_of_the_recent_ones() {
        let mut seen = Seen::default();
        assert_eq!(seen.quantile(0.84), 0);
        for in_flight in [50, 1, 2, 3, 4] {
            seen.add(in_flight, 4);
        }
        // The 50 is forgotten: 1, 2, 3, 4.
        assert_eq!(seen.quantile(0.0), 1);
        assert_eq!(seen.quantile(0.5), 2);
        assert_eq!(seen.quantile(0.51), 3);
        assert_eq!(seen.quantile(1.0), 4);
    }
}
