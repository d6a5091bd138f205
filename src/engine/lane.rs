//! Timers of constant length, which cost the queue one event per length and not one per timer.
//!
//! Timers of one length expire in the order in which they are set, so a list holds them in order
//! and only its head needs an event in the queue: the lane is *armed* with it. A cancelled timer
//! leaves its list at once. If it was the head, the armed event comes early, finds a later head
//! and arms it.
//!
//! Timers take their sequence number when they are set, and a head is armed with its own number,
//! so they expire in exactly the order that they would have with an event each.

use crate::engine::key::NEVER_NS;
use crate::time::SimTime;

/// No neighbour: the timer is not set.
const NIL: u32 = u32::MAX;

/// A timer in its lane's circular list. Index 0 to `lane_count` are the lanes themselves, each
/// standing between the tail and the head of its list; the timer of a slot follows at
/// `lane_count + slot`.
#[derive(Clone, Copy, Debug)]
struct Link {
    deadline: SimTime,
    sequence: u64,
    prev: u32,
    next: u32,
}
const _: () = assert!(size_of::<Link>() == 24);

/// What became of an armed event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The slot whose timer expired; `None` if the event is stale and must not be handled.
    pub expired: Option<u32>,
    /// Deadline and sequence number with which the lane must be armed next.
    pub next: Option<(SimTime, u64)>,
}

/// First-in first-out lanes of timers, one lane for each length, at most one timer for each slot.
#[derive(Debug)]
pub struct Lanes {
    links: Vec<Link>,
    is_armed: Vec<bool>,
}

impl Lanes {
    /// `lane_count` empty lanes.
    ///
    /// # Panics
    ///
    /// If `lane_count` has more than 31 bits.
    pub fn new(lane_count: u32) -> Self {
        assert!(lane_count <= u32::MAX / 2, "{lane_count} lanes");
        let empty = |lane| Link {
            prev: lane,
            next: lane,
            ..UNSET
        };
        Lanes {
            links: (0..lane_count).map(empty).collect(),
            is_armed: vec![false; lane_count as usize],
        }
    }

    /// Sets the timer of `slot`. If the lane was idle, returns with what its event must be pushed.
    /// A deadline at or past [`NEVER_NS`] is kept and never armed.
    ///
    /// # Panics
    ///
    /// If the timer is set already, or does not expire after those already in the lane.
    #[inline(always)]
    pub fn set(
        &mut self,
        lane: u32,
        slot: u32,
        deadline: SimTime,
        sequence: u64,
    ) -> Option<(SimTime, u64)> {
        let at = self.place(slot);
        if self.links.len() <= at as usize {
            self.links.resize(at as usize + 1, UNSET);
        }
        assert!(self.links[at as usize].next == NIL, "slot {slot} is set");
        let tail = self.links[lane as usize].prev;
        let last = &mut self.links[tail as usize];
        if tail != lane && (deadline < last.deadline || sequence <= last.sequence) {
            refuse(lane, deadline, last.deadline);
        }
        last.next = at;
        self.links[at as usize] = Link {
            deadline,
            sequence,
            prev: tail,
            next: lane,
        };
        self.links[lane as usize].prev = at;
        if self.is_armed[lane as usize] {
            return None;
        }
        self.arm(lane)
    }

    /// Cancels the timer of `slot`; whether it was set.
    #[inline(always)]
    pub fn cancel(&mut self, slot: u32) -> bool {
        let at = self.place(slot);
        let Some(link) = self.links.get_mut(at as usize) else {
            return false;
        };
        let Link { prev, next, .. } = std::mem::replace(link, UNSET);
        if next == NIL {
            return false;
        }
        self.links[prev as usize].next = next;
        self.links[next as usize].prev = prev;
        true
    }

    /// Takes the popped event of `lane`, which was pushed with `time` and `sequence`.
    ///
    /// # Panics
    ///
    /// If the lane is not armed, or its head should have expired before.
    #[inline]
    pub fn fire(&mut self, lane: u32, time: SimTime, sequence: u64) -> Fired {
        assert!(self.is_armed[lane as usize], "lane {lane} is not armed");
        let head = self.links[lane as usize].next;
        let link = self.links[head as usize];
        let mut expired = None;
        if head != lane {
            assert!((time, sequence) <= (link.deadline, link.sequence));
            if (time, sequence) == (link.deadline, link.sequence) {
                self.cancel(head - self.lane_count());
                expired = Some(head - self.lane_count());
            }
        }
        let next = self.arm(lane);
        Fired { expired, next }
    }

    /// Whether the timer of `slot` is set.
    #[inline]
    pub fn is_set(&self, slot: u32) -> bool {
        self.links
            .get(self.place(slot) as usize)
            .is_some_and(|link| link.next != NIL)
    }

    /// Bytes of memory that the timers hold, spare capacity included.
    pub fn bytes(&self) -> usize {
        self.links.capacity() * size_of::<Link>() + self.is_armed.capacity()
    }

    #[inline]
    fn lane_count(&self) -> u32 {
        self.is_armed.len() as u32
    }

    #[inline]
    fn place(&self, slot: u32) -> u32 {
        self.lane_count() + slot
    }

    /// Arms `lane` with its head, if it has one that ever expires.
    #[inline]
    fn arm(&mut self, lane: u32) -> Option<(SimTime, u64)> {
        let head = self.links[lane as usize].next;
        let link = self.links[head as usize];
        let is_armed = head != lane && link.deadline.as_ns() < NEVER_NS;
        self.is_armed[lane as usize] = is_armed;
        is_armed.then_some((link.deadline, link.sequence))
    }
}

#[cold]
fn refuse(lane: u32, deadline: SimTime, last: SimTime) -> ! {
    panic!("a timer of lane {lane} expires at {deadline}, before {last}")
}

const UNSET: Link = Link {
    deadline: SimTime::NEVER,
    sequence: 0,
    prev: NIL,
    next: NIL,
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::queue::{EventQueue, Packed, PendingSet};
    use crate::engine::{Heap, Timer, Wheel};

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Event {
        Step(u32),
        Lane(u32),
        Timer(u32),
    }

    impl Packed for Event {
        fn pack(self) -> u32 {
            match self {
                Event::Step(index) => index,
                Event::Lane(index) => 1 << 30 | index,
                Event::Timer(index) => 2 << 30 | index,
            }
        }
        fn unpack(word: u32) -> Event {
            let index = word & ((1 << 30) - 1);
            match word >> 30 {
                0 => Event::Step(index),
                1 => Event::Lane(index),
                _ => Event::Timer(index),
            }
        }
    }

    const LENGTHS_NS: [u64; 3] = [0, 700, 5_000];

    /// At `time`, sets the timer of `slot` in `lane`, or cancels it if it is set.
    type Step = (u64, u32, u32);

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        prop::collection::vec((0u64..10_000, 0u32..3, 0u32..12), 0..300)
    }

    fn push_steps<S: PendingSet>(queue: &mut EventQueue<Event, S>, steps: &[Step]) {
        for (index, step) in (0..).zip(steps) {
            queue.push(SimTime::from_ns(step.0), Event::Step(index));
        }
    }

    /// Every handled event with its time, timers in lanes.
    fn handled_with_lanes(steps: &[Step]) -> Vec<(SimTime, Event)> {
        let mut queue = EventQueue::<Event, Wheel>::new();
        push_steps(&mut queue, steps);
        let mut lanes = Lanes::new(3);
        let mut handled = Vec::new();
        while let Some((time, sequence, event)) = queue.pop() {
            match event {
                Event::Step(index) => {
                    handled.push((time, event));
                    let (_, lane, slot) = steps[index as usize];
                    if lanes.cancel(slot) {
                        continue;
                    }
                    let deadline = SimTime::from_ns(time.as_ns() + LENGTHS_NS[lane as usize]);
                    let sequence = queue.take_sequence();
                    if let Some((at, sequence)) = lanes.set(lane, slot, deadline, sequence) {
                        queue.push_with_sequence(at, sequence, Event::Lane(lane));
                    }
                }
                Event::Lane(lane) => {
                    let fired = lanes.fire(lane, time, sequence);
                    handled.extend(fired.expired.map(|slot| (time, Event::Timer(slot))));
                    if let Some((at, sequence)) = fired.next {
                        queue.push_with_sequence(at, sequence, event);
                    }
                }
                Event::Timer(_) => unreachable!("timers are in lanes"),
            }
            assert!(queue.len() <= steps.len() + LENGTHS_NS.len());
        }
        handled
    }

    /// Every handled event with its time, each timer with an event of its own.
    fn handled_with_eager_timers(steps: &[Step]) -> Vec<(SimTime, Event)> {
        let mut queue = EventQueue::<Event, Heap>::new();
        push_steps(&mut queue, steps);
        let mut timers = [Timer::UNSET; 12];
        let mut handled = Vec::new();
        while let Some((time, sequence, event)) = queue.pop() {
            match event {
                Event::Step(index) => {
                    handled.push((time, event));
                    let (_, lane, slot) = steps[index as usize];
                    let timer = &mut timers[slot as usize];
                    if timer.is_set() {
                        timer.cancel();
                        continue;
                    }
                    let deadline = SimTime::from_ns(time.as_ns() + LENGTHS_NS[lane as usize]);
                    let sequence = queue.take_sequence();
                    timer.set(sequence);
                    queue.push_with_sequence(deadline, sequence, Event::Timer(slot));
                }
                Event::Timer(slot) => {
                    if timers[slot as usize].fire(sequence) {
                        handled.push((time, event));
                    }
                }
                Event::Lane(_) => unreachable!("there are no lanes"),
            }
        }
        handled
    }

    proptest! {
        /// Timers in lanes expire exactly when, and in the order in which, eager timers do.
        #[test]
        fn lanes_give_the_order_of_eager_timers(steps in steps()) {
            prop_assert_eq!(handled_with_lanes(&steps), handled_with_eager_timers(&steps));
        }
    }

    fn at(ns: u64) -> SimTime {
        SimTime::from_ns(ns)
    }

    #[test]
    fn a_lane_is_armed_once_and_follows_its_head() {
        let mut lanes = Lanes::new(1);
        assert_eq!(lanes.set(0, 4, at(10), 1), Some((at(10), 1)));
        assert_eq!(lanes.set(0, 2, at(10), 2), None);
        assert_eq!(lanes.set(0, 7, at(12), 3), None);
        assert!(lanes.cancel(4));
        assert!(!lanes.cancel(4));
        // The armed event finds its timer cancelled, and arms the next at its own place.
        let early = lanes.fire(0, at(10), 1);
        assert_eq!((early.expired, early.next), (None, Some((at(10), 2))));
        let second = lanes.fire(0, at(10), 2);
        assert_eq!((second.expired, second.next), (Some(2), Some((at(12), 3))));
        assert!(!lanes.is_set(2));
        assert!(lanes.is_set(7));
        let last = lanes.fire(0, at(12), 3);
        assert_eq!((last.expired, last.next), (Some(7), None));
        assert_eq!(lanes.set(0, 7, at(30), 4), Some((at(30), 4)));
    }

    #[test]
    fn a_lane_emptied_by_cancelling_stays_armed_until_its_event_comes() {
        let mut lanes = Lanes::new(1);
        lanes.set(0, 0, at(10), 1);
        lanes.cancel(0);
        assert_eq!(lanes.set(0, 0, at(15), 2), None);
        lanes.cancel(0);
        let stale = lanes.fire(0, at(10), 1);
        assert_eq!((stale.expired, stale.next), (None, None));
        assert_eq!(lanes.set(0, 0, at(21), 3), Some((at(21), 3)));
    }

    #[test]
    fn a_deadline_that_never_comes_is_not_armed() {
        let mut lanes = Lanes::new(1);
        assert_eq!(
            lanes.set(0, 0, at(NEVER_NS - 1), 1),
            Some((at(NEVER_NS - 1), 1))
        );
        assert_eq!(lanes.set(0, 1, SimTime::NEVER, 2), None);
        let fired = lanes.fire(0, at(NEVER_NS - 1), 1);
        assert_eq!((fired.expired, fired.next), (Some(0), None));
        assert!(lanes.is_set(1));
        assert_eq!(lanes.set(0, 2, SimTime::NEVER, 3), None);
    }

    #[test]
    #[should_panic(expected = "a timer of lane 0 expires at 9ns, before 10ns")]
    fn a_timer_of_another_length_is_a_bug() {
        let mut lanes = Lanes::new(1);
        lanes.set(0, 0, at(10), 1);
        lanes.set(0, 1, at(9), 2);
    }

    #[test]
    #[should_panic(expected = "slot 0 is set")]
    fn setting_a_timer_twice_is_a_bug() {
        let mut lanes = Lanes::new(1);
        lanes.set(0, 0, at(10), 1);
        lanes.set(0, 0, at(11), 2);
    }
}
