//! The order of events, on both pending sets.

use proptest::prelude::*;

use super::*;
use crate::engine::heap::Heap;

impl Packed for u32 {
    fn pack(self) -> u32 {
        self
    }
    fn unpack(word: u32) -> u32 {
        word
    }
}

fn at(ns: u64) -> SimTime {
    SimTime::from_ns(ns)
}

const STEADY_DELAY: SimDuration = SimDuration::from_us(250);

/// Increments of time as runs have them: none, within a tick, 1 ms, the delay of messages, 1 s,
/// and far away.
fn increments() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => Just(0),
        4 => 0u64..5_000,
        4 => 0u64..1_000_000,
        4 => Just(STEADY_DELAY.as_ns()),
        2 => 0u64..1_000_000_000,
        1 => 0u64..NEVER_NS / 4,
        1 => Just(u64::MAX / 2),
    ]
}

/// One step of a run: pops so many events, then pushes `burst` at `increment` from now.
fn steps() -> impl Strategy<Value = Vec<(usize, usize, u64)>> {
    let burst = prop_oneof![8 => 0usize..3, 1 => 0usize..80];
    prop::collection::vec((0usize..4, burst, increments()), 0..200)
}

/// The times and words popped in `steps`, and then until the queue is empty.
fn popped<S: PendingSet>(steps: &[(usize, usize, u64)]) -> Vec<(u64, u64, u32)> {
    let mut queue = EventQueue::<u32, S>::new();
    queue.set_steady_delay(STEADY_DELAY);
    let mut line = Line::new(STEADY_DELAY);
    let mut popped = Vec::new();
    let pop = |queue: &mut EventQueue<u32, S>, line: &mut Line| {
        let event = queue.pop()?;
        queue.follow(line, event.1);
        Some(event)
    };
    let mut word = 0;
    for &(pop_count, burst, increment) in steps {
        for _ in 0..pop_count {
            popped.extend(pop(&mut queue, &mut line));
        }
        for _ in 0..burst {
            let is_steady = increment == STEADY_DELAY.as_ns();
            match word % 3 {
                0 if is_steady => queue.push_in_line(&mut line, word),
                1 => queue.push_after(SimDuration::from_ns(increment), word),
                _ => queue.push(at(queue.now().as_ns() + increment), word),
            };
            word += 1;
        }
    }
    popped.extend(std::iter::from_fn(|| pop(&mut queue, &mut line)));
    assert_eq!(queue.len(), 0);
    popped
        .into_iter()
        .map(|(time, sequence, word)| (time.as_ns(), sequence, word))
        .collect()
}

/// What `popped` must give: pops take the first of the pending events, stably sorted by time.
fn popped_by_sorting(steps: &[(usize, usize, u64)]) -> Vec<(u64, u64, u32)> {
    let mut pending: Vec<(u64, u64, u32)> = Vec::new();
    let mut popped: Vec<(u64, u64, u32)> = Vec::new();
    let mut word = 0;
    for &(pop_count, burst, increment) in steps {
        pending.sort_by_key(|&(time, _, _)| time);
        popped.extend(pending.drain(..pop_count.min(pending.len())));
        let now = popped.last().map_or(0, |&(time, _, _)| time);
        for _ in 0..burst {
            if now + increment < NEVER_NS {
                pending.push((now + increment, u64::from(word) + 1, word));
            }
            word += 1;
        }
    }
    pending.sort_by_key(|&(time, _, _)| time);
    popped.extend(pending);
    popped
}

const OWNER_COUNT: u32 = 6;

/// When what ends that is renewed at these times, by owner.
fn ended(renewals: &[(u64, u32)], is_in_line: bool) -> Vec<(u64, u32)> {
    let mut queue = EventQueue::<u32, Wheel>::new();
    let mut line = Line::new(STEADY_DELAY);
    for (index, renewal) in (OWNER_COUNT..).zip(renewals) {
        queue.push(at(renewal.0), index);
    }
    let (mut newest, mut ended) = ([0; OWNER_COUNT as usize], Vec::new());
    while let Some((now, sequence, word)) = queue.pop() {
        if let Some(index) = word.checked_sub(OWNER_COUNT) {
            let owner = renewals[index as usize].1;
            newest[owner as usize] = match is_in_line {
                true => queue.push_in_line(&mut line, owner),
                false => queue.push(now + STEADY_DELAY, owner),
            };
            continue;
        }
        queue.follow_live(&mut line, sequence, |owner, own| {
            newest[owner as usize] == own
        });
        if newest[word as usize] == sequence {
            newest[word as usize] = 0;
            ended.push((now.as_ns(), word));
        }
    }
    ended
}

proptest! {
    /// Popping is a stable sort by time, whatever the order of pushes.
    #[test]
    fn pop_order_is_a_stable_sort_by_time(steps in steps()) {
        let expected = popped_by_sorting(&steps);
        prop_assert_eq!(&popped::<Wheel>(&steps), &expected);
        prop_assert_eq!(&popped::<Heap>(&steps), &expected);
    }

    /// What is renewed again and again ends when, and in the order in which, it does with an
    /// event for every renewal.
    #[test]
    fn stale_ends_in_line_are_dropped_and_no_others(
        renewals in prop::collection::vec((0u64..2_000_000, 0..OWNER_COUNT), 0..200),
    ) {
        prop_assert_eq!(ended(&renewals, true), ended(&renewals, false));
    }

    /// A place drawn early is kept, however late the event is pushed.
    #[test]
    fn an_event_pushed_late_keeps_its_place(
        times in prop::collection::vec((0u64..5_000_000, any::<bool>()), 1..200),
    ) {
        let mut eager = EventQueue::<u32, Heap>::new();
        let mut late = EventQueue::<u32, Wheel>::new();
        let mut kept = Vec::new();
        for (word, &(time, is_kept)) in (0..).zip(&times) {
            eager.push(at(time), word);
            let sequence = late.take_sequence();
            if is_kept {
                kept.push((at(time), sequence, word));
            } else {
                late.push_with_sequence(at(time), sequence, word);
            }
        }
        for (time, sequence, word) in kept.into_iter().rev() {
            late.push_with_sequence(time, sequence, word);
        }
        for _ in &times {
            prop_assert_eq!(eager.pop(), late.pop());
        }
        prop_assert_eq!(late.pop(), None);
    }
}

#[test]
fn equal_times_are_first_in_first_out_at_any_count() {
    let mut queue = EventQueue::<u32>::new();
    for word in 0..10_000 {
        queue.push(at(3_000_000), word);
    }
    for word in 0..10_000 {
        // What is pushed at the instant runs after everything already scheduled for it.
        let (time, _, popped) = queue.pop().unwrap();
        assert_eq!((time, popped), (at(3_000_000), word));
        queue.push(time, 10_000 + word);
    }
    for word in 10_000..20_000 {
        assert_eq!(queue.pop().unwrap().2, word);
    }
    assert!(queue.is_empty());
}

#[test]
fn what_never_happens_is_dropped() {
    let mut queue = EventQueue::<u32>::new();
    queue.push(at(NEVER_NS), 1);
    queue.push(SimTime::NEVER, 2);
    queue.push(at(NEVER_NS - 1), 3);
    assert_eq!(queue.len(), 1);
    assert_eq!(queue.pop(), Some((at(NEVER_NS - 1), 3, 3)));
    assert_eq!(queue.now(), at(NEVER_NS - 1));
}

#[test]
#[should_panic(expected = "event scheduled at 4ns, before now (5ns)")]
fn an_event_in_the_past_is_a_bug() {
    let mut queue = EventQueue::<u32>::new();
    queue.push(at(5), 0);
    queue.pop();
    queue.push(at(4), 1);
}

#[test]
fn a_limit_runs_out_after_all_that_happens_at_its_instant() {
    let mut queue = EventQueue::<u32>::new();
    let mut limits = Line::of_limits(SimDuration::from_ns(5));
    queue.push_late(at(5), 3);
    queue.push_in_line(&mut limits, 4);
    queue.push(at(5), 0);
    let (_, _, first) = queue.pop().expect("it is there");
    // What happens then may cause more, before the limit runs out and after.
    queue.push(at(5), 1);
    let early = queue.take_sequence();
    queue.push_with_sequence(at(5), early, 2);
    let mut popped = vec![first];
    while let Some((now, sequence, event)) = queue.pop() {
        queue.follow(&mut limits, sequence);
        assert_eq!(now, at(5));
        popped.push(event);
        if event == 3 {
            queue.push(at(5), 30);
            queue.push_late(at(5), 31);
        }
    }
    assert_eq!(popped, [0, 1, 2, 3, 30, 4, 31]);
}

#[test]
#[should_panic(expected = "in a place that has passed")]
fn an_event_in_a_place_that_has_passed_is_a_bug() {
    let mut queue = EventQueue::<u32>::new();
    let early = queue.take_sequence();
    queue.push(at(5), 0);
    queue.pop();
    queue.push_with_sequence(at(5), early, 1);
}

#[test]
#[should_panic(expected = "at most 2^39 sequence numbers")]
fn sequence_numbers_end() {
    let mut queue = EventQueue::<u32>::new();
    queue.sequence_next = SEQUENCE_END;
    queue.push(at(5), 0);
}
