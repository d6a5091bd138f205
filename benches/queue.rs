//! The hold model: pop the next event and push one at a random time after it, with a constant
//! number pending. Every pending set must pop the same events before it is measured.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use stormglass::engine::{Digest, EventQueue, Heap, Key, Packed, PendingSet, Wheel};
use stormglass::model::{SimOptions, simulate_told};
use stormglass::scenario::load::limits::Limits;
use stormglass::scenario::load::{LoadInput, LoadText, load};
use stormglass::time::{SimDuration, SimTime};

const PENDING_COUNTS: [u32; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];
/// A power of two: increments are drawn before and used in turn.
const INCREMENT_COUNT: usize = 1 << 16;

#[derive(Clone, Copy)]
struct Event(u32);

impl Packed for Event {
    fn pack(self) -> u32 {
        self.0
    }
    fn unpack(word: u32) -> Self {
        Event(word)
    }
}

/// What most simulators do, for comparison.
struct TupleHeap(BinaryHeap<Reverse<(u64, u64, u32)>>);

impl PendingSet for TupleHeap {
    fn new() -> Self {
        TupleHeap(BinaryHeap::new())
    }
    fn push(&mut self, key: Key) {
        self.0
            .push(Reverse((key.time_ns(), key.sequence(), key.word())));
    }
    fn pop(&mut self) -> Option<Key> {
        let Reverse((time_ns, sequence, word)) = self.0.pop()?;
        Some(Key::new(SimTime::from_ns(time_ns), sequence, word))
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<(u64, u64, u32)>()
    }
}

struct Hold<'a, S> {
    queue: EventQueue<Event, S>,
    increments: &'a [SimDuration],
    step: usize,
}

impl<'a, S: PendingSet> Hold<'a, S> {
    fn new(pending_count: u32, increments: &'a [SimDuration]) -> Self {
        let mut hold = Hold {
            queue: EventQueue::new(),
            increments,
            step: 0,
        };
        for index in 0..pending_count {
            hold.push(SimTime::START, Event(index));
        }
        hold
    }

    fn push(&mut self, time: SimTime, event: Event) {
        let increment = self.increments[self.step % INCREMENT_COUNT];
        self.step += 1;
        self.queue.push(time + increment, event);
    }

    fn hold(&mut self) -> (SimTime, u64, u32) {
        let (time, sequence, event) = self.queue.pop().expect("holding keeps the count pending");
        self.push(time, event);
        (time, sequence, event.0)
    }

    /// The digest of as many pops as events are pending, and at least 10,000.
    fn digest(&mut self) -> u64 {
        let mut digest = Digest::new();
        for _ in 0..self.queue.len().max(10_000) {
            let (time, sequence, index) = self.hold();
            digest.fold(time, 0, index, sequence);
        }
        digest.finish()
    }
}

fn increments(draw: impl Fn(f64, f64) -> f64) -> Vec<SimDuration> {
    let mut state: u64 = 1;
    let mut uniform = || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((mixed ^ (mixed >> 31)) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    (0..INCREMENT_COUNT)
        .map(|_| SimDuration::from_secs_f64(draw(uniform(), uniform())))
        .collect()
}

fn bench_set<S: PendingSet>(
    criterion: &mut Criterion,
    group_name: &str,
    set_name: &str,
    increments: &[SimDuration],
) {
    let mut group = criterion.benchmark_group(group_name);
    group.throughput(Throughput::Elements(1));
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    group.sample_size(20);
    for pending_count in PENDING_COUNTS {
        let mut hold = Hold::<S>::new(pending_count, increments);
        let expected = Hold::<Heap>::new(pending_count, increments).digest();
        assert_eq!(hold.digest(), expected, "{set_name} pops in another order");
        group.bench_function(BenchmarkId::new(set_name, pending_count), |bencher| {
            bencher.iter(|| black_box(hold.hold()));
        });
    }
    group.finish();
}

fn bench_queue(criterion: &mut Criterion) {
    let exponential = increments(|u, _| -0.001 * libm::log(u));
    let bimodal = increments(|u, v| -libm::log(u) * if v < 0.9 { 0.001 } else { 1.0 });
    for (group_name, increments) in [
        ("queue_hold_exponential", &exponential),
        ("queue_hold_bimodal", &bimodal),
    ] {
        bench_set::<Wheel>(criterion, group_name, "wheel", increments);
        bench_set::<Heap>(criterion, group_name, "heap", increments);
        bench_set::<TupleHeap>(criterion, group_name, "tuple_heap", increments);
    }
}

/// Heartbeats and nothing else: each is an event of its instance and one of the registry.
const HEARTBEATS: &str = "schema = 1\nduration = \"100s\"\n[network]\nsame_zone = \"250us\"\n\
    [expect]\nusers = \"success_ratio >= 0%\"\n\
    [registry]\nprofile = \"lease\"\nheartbeat_interval = \"1s\"\nlease_duration = \"10s\"\n\
    [service.web]\ncount = 10000\nservice_time = \"1ms\"\n\
    [client.shop]\narrivals = { process = \"constant\", rate = \"0.1/s\" }\n\
    [client.shop.call.web]\nattempt_timeout = \"1s\"\n";

/// A world of heartbeats, per event, beside the hold model with as many pending: every instance has
/// a heartbeat and a lease in the queue.
fn bench_heartbeats(criterion: &mut Criterion) {
    let loaded = load(&LoadInput {
        text: LoadText::Text {
            name: "heartbeats.toml".to_string(),
            text: HEARTBEATS.to_string(),
        },
        sets: Vec::new(),
        limits: Limits::STANDARD,
    });
    let scenario = loaded.scenario.expect("it has no errors");
    let options = SimOptions {
        seed: 1,
        event_count_max: u64::MAX,
    };
    let run = || {
        let go_on = &mut |_| ControlFlow::Continue(());
        simulate_told(&scenario, options, &mut |_, _| {}, go_on).expect("nothing stops it")
    };
    let mut group = criterion.benchmark_group("heartbeats");
    group.sample_size(10);
    group.measurement_time(Duration::from_secs(3));
    let increments = increments(|u, _| -0.5 * libm::log(u));
    let mut hold = Hold::<Wheel>::new(20_000, &increments);
    group.throughput(Throughput::Elements(100_000));
    group.bench_function("hold", |bencher| {
        bencher.iter(|| {
            for _ in 0..100_000 {
                black_box(hold.hold());
            }
        });
    });
    group.throughput(Throughput::Elements(run().event_count));
    group.bench_function("run", |bencher| bencher.iter(|| black_box(run())));
    group.finish();
}

criterion_group!(benches, bench_queue, bench_heartbeats);
criterion_main!(benches);
