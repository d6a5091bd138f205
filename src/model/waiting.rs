//! A queue with rules of its own: priorities, adaptive order, controlled delay.

use std::collections::{BTreeMap, VecDeque};

use crate::scenario::server::{CodelConfig, QueueRules};
use crate::time::{SimDuration, SimTime};

/// What waits at one instance, and by which rules it is taken up.
#[derive(Debug)]
pub struct Waiting {
    /// Slots by priority, the oldest first. No level is empty.
    levels: BTreeMap<u8, VecDeque<u32>>,
    count: u32,
    is_lifo: bool,
    /// Newest first while more than this many wait.
    lifo_above: u32,
    codel: Option<Codel>,
}

impl Waiting {
    /// An empty queue of an instance that starts now.
    pub fn new(rules: &QueueRules, worker_count: u32, now: SimTime) -> Self {
        let above = rules.lifo_above.unwrap_or(worker_count);
        Waiting {
            levels: BTreeMap::new(),
            count: 0,
            is_lifo: rules.is_lifo,
            lifo_above: if rules.is_adaptive { above } else { u32::MAX },
            codel: rules.codel.map(|config| Codel::new(config, now)),
        }
    }

    /// Adds an attempt behind those of its priority.
    pub fn push(&mut self, priority: u8, slot: u32) {
        self.levels.entry(priority).or_default().push_back(slot);
        self.count += 1;
    }

    /// Takes the next one: of the lowest priority number, the oldest or, by the rules, the newest.
    ///
    /// Source: HHVM, `job-queue.h`: requests are taken in order of arrival until the length of the
    /// queue exceeds `lifoSwitchThreshold`; from then on in the reverse order until it is below.
    pub fn pop(&mut self) -> Option<u32> {
        let is_newest_first = self.is_lifo || self.lifo_above < self.count;
        let mut level = self.levels.first_entry()?;
        let slots = level.get_mut();
        let slot = match is_newest_first {
            true => slots.pop_back(),
            false => slots.pop_front(),
        };
        if slots.is_empty() {
            level.remove();
        }
        self.count -= 1;
        Some(slot.expect("no level is empty"))
    }

    /// Takes out an attempt that no longer waits. Returns whether it was there.
    pub fn remove(&mut self, priority: u8, slot: u32) -> bool {
        let Some(slots) = self.levels.get_mut(&priority) else {
            return false;
        };
        let Some(place) = slots.iter().position(|other| *other == slot) else {
            return false;
        };
        slots.remove(place);
        if slots.is_empty() {
            self.levels.remove(&priority);
        }
        self.count -= 1;
        true
    }

    /// Tells the rules that an attempt is taken up after this delay. Returns whether it must be
    /// dropped.
    pub fn drops(&mut self, now: SimTime, delay: SimDuration) -> bool {
        let codel = self.codel.as_mut();
        codel.is_some_and(|codel| codel.drops(now, delay))
    }

    /// The process died: a new one starts with an empty queue.
    pub fn clear(&mut self, now: SimTime) {
        self.levels.clear();
        self.count = 0;
        if let Some(codel) = &mut self.codel {
            *codel = Codel::new(codel.config, now);
        }
    }
}

/// Controlled delay.
///
/// Source: folly and wangle, `Codel.cpp`. The least delay is observed per interval, from the first
/// request after the end of the last one; with that request it is decided whether the queue was
/// overloaded (its least delay above the target), and it is never dropped itself. While the queue
/// is overloaded, requests with a delay of more than twice the target are dropped.
#[derive(Clone, Debug)]
struct Codel {
    config: CodelConfig,
    delay_min: SimDuration,
    interval_end: SimTime,
    /// No request has come yet.
    is_fresh: bool,
    is_overloaded: bool,
}

impl Codel {
    fn new(config: CodelConfig, now: SimTime) -> Self {
        Codel {
            config,
            delay_min: SimDuration::ZERO,
            interval_end: now,
            is_fresh: true,
            is_overloaded: false,
        }
    }

    /// Whether a request with this delay is dropped.
    fn drops(&mut self, now: SimTime, delay: SimDuration) -> bool {
        if std::mem::take(&mut self.is_fresh) {
            self.delay_min = delay;
            return false;
        }
        if self.interval_end < now {
            self.interval_end = now + self.config.interval;
            self.is_overloaded = self.config.target < self.delay_min;
            self.delay_min = delay;
            return false;
        }
        self.delay_min = self.delay_min.min(delay);
        self.is_overloaded && self.config.target.saturating_mul(2) < delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> SimDuration {
        SimDuration::from_ms(ms)
    }

    fn at(at_ms: u64) -> SimTime {
        SimTime::START + ms(at_ms)
    }

    fn codel() -> QueueRules {
        let (target, interval) = (ms(5), ms(100));
        QueueRules {
            codel: Some(CodelConfig { target, interval }),
            ..QueueRules::default()
        }
    }

    fn order(queue: &mut Waiting) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn controlled_delay_drops_only_after_an_interval_without_a_short_delay() {
        let mut queue = Waiting::new(&codel(), 1, SimTime::START);
        // The very first request only starts the record; the second one, after the interval that
        // ended with the start, finds a least delay of 50 ms: overloaded, but is the first of its
        // own interval (1..101 ms).
        assert!(!queue.drops(at(0), ms(50)));
        assert!(!queue.drops(at(1), ms(50)));
        for (at_ms, delay_ms, is_dropped) in [
            // More than twice the target is dropped, twice the target is not.
            (2, 11, true),
            (3, 10, false),
            (101, 60, true),
            // The least delay of the interval was 10 ms: still overloaded. First one: kept.
            (102, 60, false),
            (150, 11, true),
            (151, 5, false),
            // The interval saw a delay of 5 ms, which is not above the target.
            (203, 200, false),
            (204, 200, false),
            (302, 200, false),
            // It saw nothing below 200 ms: overloaded again.
            (304, 200, false),
            (305, 200, true),
        ] {
            let got = queue.drops(at(at_ms), ms(delay_ms));
            assert_eq!(got, is_dropped, "at {at_ms} ms after {delay_ms} ms");
        }
        queue.clear(at(306));
        assert!(
            !queue.drops(at(307), ms(200)),
            "a new process knows nothing"
        );
    }

    #[test]
    fn an_adaptive_queue_turns_around_while_more_wait_than_the_threshold() {
        let rules = QueueRules {
            is_adaptive: true,
            lifo_above: Some(3),
            ..QueueRules::default()
        };
        let mut queue = Waiting::new(&rules, 1, SimTime::START);
        (0..6).for_each(|slot| queue.push(0, slot));
        // Six, five and four wait: the newest. Then three: the oldest.
        assert_eq!(order(&mut queue), [5, 4, 3, 0, 1, 2]);
        let rules = QueueRules {
            lifo_above: None,
            ..rules
        };
        let mut queue = Waiting::new(&rules, 2, SimTime::START);
        (0..4).for_each(|slot| queue.push(0, slot));
        assert_eq!(
            order(&mut queue),
            [3, 2, 0, 1],
            "as many as there are workers"
        );
    }

    #[test]
    fn lower_priority_numbers_go_first_and_equal_ones_in_order_of_arrival() {
        let mut queue = Waiting::new(&QueueRules::default(), 1, SimTime::START);
        for (priority, slot) in [(2, 0), (0, 1), (1, 2), (0, 3), (2, 4)] {
            queue.push(priority, slot);
        }
        assert!(queue.remove(0, 1));
        assert!(!queue.remove(0, 1) && !queue.remove(7, 1));
        assert_eq!(order(&mut queue), [3, 2, 0, 4]);
    }

    /// Mean waiting times by class at one worker of mean service time 1, served without
    /// preemption, from a run of `count` requests.
    fn mean_waits(rates: &[f64], count: u32) -> Vec<f64> {
        use crate::rng::{Purpose, Streams, UniformSource, math};
        let mut source = Streams::new(7).stream(Purpose::Arrival, 1);
        let mut exponential = |mean: f64| -mean * math::ln(source.uniform_open());
        let mut queue = Waiting::new(&QueueRules::default(), 1, SimTime::START);
        let mut next: Vec<f64> = rates.iter().map(|rate| exponential(1.0 / rate)).collect();
        let (mut arrivals, mut sums) = (Vec::new(), vec![(0.0, 0.0); rates.len()]);
        let mut now = 0.0f64;
        for _ in 0..count {
            while queue.count == 0 || next.iter().any(|at| *at <= now) {
                let first = (0..rates.len()).min_by(|a, b| next[*a].total_cmp(&next[*b]));
                let class = first.expect("there are classes");
                let slot = u32::try_from(arrivals.len()).expect("few");
                queue.push(u8::try_from(class).expect("few"), slot);
                arrivals.push((class, next[class]));
                if queue.count == 1 {
                    now = now.max(next[class]);
                }
                next[class] += exponential(1.0 / rates[class]);
            }
            let slot = queue.pop().expect("one waits");
            let (class, arrived) = arrivals[slot as usize];
            sums[class].0 += now - arrived;
            sums[class].1 += 1.0;
            now += exponential(1.0);
        }
        sums.iter().map(|(sum, count)| sum / count).collect()
    }

    #[test]
    fn waits_by_priority_are_those_of_cobham() {
        // Cobham 1954: W_k = R / ((1 - s_(k-1)) (1 - s_k)) with R = sum of the loads for
        // exponential service of mean 1. The tolerances are the published ones for a million
        // requests.
        for (rates, expected, tolerances) in [
            (&[0.3, 0.4][..], &[1.0, 10.0 / 3.0][..], &[0.019, 0.034][..]),
            (&[0.2, 0.3, 0.3], &[1.0, 2.0, 8.0], &[0.018, 0.035, 0.07]),
        ] {
            let waits = mean_waits(rates, 1_000_000);
            for ((wait, expected), tolerance) in waits.iter().zip(expected).zip(tolerances) {
                let error = (wait - expected).abs() / expected;
                assert!(error <= *tolerance, "{rates:?}: {wait} for {expected}");
            }
        }
    }
}
