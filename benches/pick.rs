//! What one pick costs, by strategy and number of candidates. Every strategy must pick what it
//! picked when its digest was written down before it is measured.

#[path = "strategies/composed.rs"]
mod composed;
#[path = "strategies/keyed.rs"]
mod keyed;
#[path = "strategies/rotate.rs"]
mod rotate;

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use stormglass::engine::Digest;
use stormglass::hash::ring::{Ring, RingEntry, hashed_points};
use stormglass::id::{InstanceId, ServiceId, ZoneId};
use stormglass::model::balancer::control::{
    ControlContext, InstanceLoad, LoadReport, Message, Needs, Orders, TrueQueues, WindowLoad,
};
use stormglass::model::balancer::tables::{GroupNames, Tables};
use stormglass::model::balancer::{AttemptEnd, Balancer, PickContext, ViewUpdate, build};
use stormglass::model::in_flight::InFlight;
use stormglass::model::observation::AttemptOutcome;
use stormglass::model::view::{Member, ViewSnapshot};
use stormglass::rng::{Purpose, Streams, mix};
use stormglass::scenario::balancer::feedback::{
    C3Config, FeedbackConfig, GrpcWeightedRoundRobinConfig, PrequalConfig,
};
use stormglass::scenario::balancer::weighted::DrawMethod;
use stormglass::scenario::balancer::{BalancerConfig, RingHash};
use stormglass::scenario::registry::Phase;
use stormglass::time::{SimDuration, SimTime};

const CANDIDATE_COUNTS: [u32; 5] = [10, 100, 1_000, 10_000, 100_000];
/// Attempts in flight from the calling side.
const IN_FLIGHT_COUNT: usize = 16;
const KEY_COUNT: u64 = 10_000;
const DIGEST_CANDIDATE_COUNT: u32 = 1_000;
/// Different weights of candidates.
const WEIGHT_COUNT: u32 = 3;
const DIGEST_PICK_COUNT: usize = 10_000;

/// One calling side that picks, with the oldest of its attempts ending at every pick.
struct Side {
    balancer: Box<dyn Balancer>,
    needs: Needs,
    streams: Streams,
    tables: Tables,
    orders: Orders,
    in_flight: InFlight,
    sent: VecDeque<InstanceId>,
    pick_count: u64,
}

impl Side {
    fn new(config: &BalancerConfig, candidate_count: u32, weight_count: u32) -> Self {
        let member = |index| Member {
            instance: InstanceId(index),
            zone: ZoneId(0),
            weight: f64::from(index % weight_count + 1),
        };
        let view = Arc::new(ViewSnapshot {
            service: ServiceId(0),
            content_id: 1,
            members: (0..candidate_count).map(member).collect(),
        });
        let names = (0..candidate_count).map(|i| mix(u64::from(i)));
        let mut tables = Tables::new(names.collect()).with_groups(vec![GroupNames {
            first: InstanceId(0),
            service_first: InstanceId(0),
            prefix: "service/main/".to_string(),
        }]);
        let mut balancer = build(config);
        balancer.on_update(&mut ViewUpdate {
            now: SimTime::START,
            listed: &view,
            candidates: &view,
            started_at: &[],
            tables: &mut tables,
        });
        let needs = balancer.needs();
        let mut side = Side {
            balancer,
            needs,
            streams: Streams::new(1),
            tables,
            orders: Orders::default(),
            in_flight: InFlight::default(),
            sent: VecDeque::new(),
            pick_count: 0,
        };
        if needs != Needs::default() {
            side.tell(|balancer, ctx| balancer.on_start(ctx));
            for index in 0..candidate_count {
                side.hear(InstanceId(index));
            }
        }
        side
    }

    fn tell(&mut self, tell: impl FnOnce(&mut dyn Balancer, &mut ControlContext<'_>)) {
        let draw = self
            .streams
            .draw(Purpose::BalancerControl, self.pick_count, 0, 0);
        let orders = &mut self.orders;
        let mut ctx = ControlContext::new(SimTime::START, &self.in_flight, draw, orders);
        tell(self.balancer.as_mut(), &mut ctx);
    }

    /// An instance says all that instances may say.
    fn hear(&mut self, from: InstanceId) {
        let load = WindowLoad {
            utilization: 0.5,
            reply_rate_per_sec: f64::from(from.0 % 5 + 1),
            error_rate_per_sec: 0.0,
        };
        let report = Message::Report(LoadReport {
            load: Some(load),
            queue_depth: from.0 % 3,
            service_time: Some(SimDuration::from_ms(u64::from(from.0 % 7 + 1))),
        });
        self.tell(|balancer, ctx| balancer.on_message(ctx, from, &report));
        if self.needs.idle_notices {
            self.tell(|balancer, ctx| balancer.on_message(ctx, from, &Message::Idle));
        }
        if self.needs.orders {
            self.answer_probe(from);
        }
    }

    fn answer_probe(&mut self, from: InstanceId) {
        let answer = Message::ProbeReply(InstanceLoad {
            in_flight: self.in_flight.count(from),
            latency: SimDuration::from_ms(u64::from(from.0 % 7 + 1)),
        });
        self.tell(|balancer, ctx| balancer.on_message(ctx, from, &answer));
    }

    /// Whoever is probed answers at once.
    fn carry_out(&mut self) {
        self.orders.take_wake();
        let messages = self.orders.take_messages();
        for (to, _) in &messages {
            self.answer_probe(*to);
        }
        self.orders.keep_room(messages);
    }

    fn pick(&mut self) -> InstanceId {
        if self.sent.len() == IN_FLIGHT_COUNT {
            self.end_oldest();
        }
        let mut ctx = PickContext {
            thread: 0,
            now: SimTime::START,
            key: mix(self.pick_count) % KEY_COUNT,
            tried: &[],
            in_flight: &self.in_flight,
            draw: self.streams.draw(Purpose::Pick, self.pick_count, 0, 0),
            tables: &mut self.tables,
            orders: &mut self.orders,
            true_queues: TrueQueues::NONE,
        };
        let instance = self.balancer.pick(&mut ctx).expect("there are candidates");
        if self.orders.is_given() {
            self.carry_out();
        }
        self.pick_count += 1;
        self.in_flight.add(instance);
        self.sent.push_back(instance);
        instance
    }

    fn end_oldest(&mut self) {
        let instance = self.sent.pop_front().expect("attempts are in flight");
        self.in_flight.remove(instance);
        self.balancer.on_outcome(&AttemptEnd {
            instance,
            outcome: AttemptOutcome::Success,
            sent_at: SimTime::START,
            ended_at: SimTime::START,
            is_retriable: false,
        });
        if self.needs.idle_notices && self.in_flight.count(instance) == 0 {
            self.tell(|balancer, ctx| balancer.on_message(ctx, instance, &Message::Idle));
        }
    }

    fn digest(&mut self) -> u64 {
        let mut digest = Digest::new();
        for _ in 0..DIGEST_PICK_COUNT {
            let instance = self.pick();
            digest.fold(SimTime::START, 0, instance.0, 0);
        }
        digest.finish()
    }
}

/// The strategies, each with the digest of its picks.
fn strategies() -> Vec<(&'static str, BalancerConfig, u64)> {
    let least = |choice_count| BalancerConfig::LeastInFlight {
        choice_count,
        replacement: false,
    };
    let ring = BalancerConfig::Ring {
        virtual_node_count: 160,
        hash: RingHash::Xxh64,
        hash_seed: 0,
    };
    let sticky = BalancerConfig::Sticky {
        fallback: Box::new(BalancerConfig::Random),
        session_count_max: 5_000,
    };
    let mut all = vec![
        ("random", BalancerConfig::Random, 261_402_399_607_128_222),
        (
            "round_robin",
            BalancerConfig::RoundRobin {
                random_start: false,
                random_restart: false,
            },
            7_941_138_185_349_098_612,
        ),
        (
            "weighted_random",
            BalancerConfig::WeightedRandom {
                method: DrawMethod::Cumulative,
            },
            15_097_935_736_692_949_051,
        ),
        (
            "smooth_weighted_round_robin",
            BalancerConfig::SmoothWeightedRoundRobin,
            4_490_199_250_230_796_208,
        ),
        ("two_choices", least(Some(2)), 6_893_696_254_823_540_270),
        ("three_choices", least(Some(3)), 10_265_160_652_902_720_687),
        ("least_in_flight", least(None), 11_677_575_174_380_663_522),
        ("ring", ring, 3_759_247_841_072_428_567),
        ("sticky", sticky, 15_232_284_410_457_423_071),
    ];
    all.extend(feedback_strategies());
    all
}

/// The strategies that instances tell about themselves.
fn feedback_strategies() -> Vec<(&'static str, BalancerConfig, u64)> {
    let weights = FeedbackConfig::GrpcWeightedRoundRobin(GrpcWeightedRoundRobinConfig {
        blackout: SimDuration::ZERO,
        expiration: SimDuration::from_secs(180),
        update_interval: SimDuration::from_secs(1),
        phase: Phase::Random,
        error_penalty: 1.0,
        report_interval: None,
        report_window: SimDuration::from_secs(1),
    });
    let prequal = FeedbackConfig::Prequal(PrequalConfig {
        pool_size: 16,
        pool_size_min: 2,
        probe_rate: 3.0,
        removal_rate: 1.0,
        probe_age_max: SimDuration::from_secs(1),
        hot_quantile: 0.84,
        reuse_slack: 1.0,
        seen_count: 128,
        latency_sample_count: 64,
    });
    let c3 = FeedbackConfig::C3(C3Config {
        ewma_weight: 0.3,
        client_count: None,
        queue_exponent: 3,
    });
    let named = [
        (
            "grpc_weighted_round_robin",
            weights,
            15_177_559_501_093_646_736,
        ),
        ("prequal", prequal, 3_697_888_488_752_836_386),
        ("c3", c3, 7_008_173_484_729_386_051),
        // Instances that idle again in the order of their picks: round robin.
        (
            "join_idle_queue",
            FeedbackConfig::JoinIdleQueue,
            7_941_138_185_349_098_612,
        ),
        // All queues are empty: random.
        (
            "shortest_queue_global",
            FeedbackConfig::ShortestQueueGlobal,
            261_402_399_607_128_222,
        ),
    ];
    named
        .into_iter()
        .map(|(name, config, digest)| (name, BalancerConfig::Feedback(config), digest))
        .collect()
}

/// Names all that pick other instances than before.
fn assert_digests(entries: &[rotate::Entry]) {
    let mut changed = String::new();
    for (name, config, weight_count, digest) in entries {
        let picked = Side::new(config, DIGEST_CANDIDATE_COUNT, *weight_count).digest();
        if picked != *digest {
            changed += &format!("{name} picks other instances: {picked}\n");
        }
    }
    assert!(changed.is_empty(), "{changed}");
}

/// Building a ring of 16 million points, and deriving one from it without one owner.
fn bench_ring(criterion: &mut Criterion) {
    const OWNER_COUNT: u32 = 100_000;
    let points = || {
        (0..OWNER_COUNT).flat_map(|owner| {
            let entry = RingEntry {
                owner,
                name: mix(u64::from(owner)),
                point_count: 160,
            };
            hashed_points(entry, RingHash::Xxh64, 0)
        })
    };
    let mut group = criterion.benchmark_group("ring");
    group.warm_up_time(Duration::from_millis(1));
    group.sample_size(10);
    group.bench_function("build/16000000", |bencher| {
        bencher.iter(|| black_box(Ring::build(points())));
    });
    let ring = Ring::build(points());
    assert!(ring.byte_count() <= 16 * ring.point_count());
    group.bench_function("without/16000000", |bencher| {
        bencher.iter(|| black_box(ring.without(&[7])));
    });
    group.finish();
}

fn bench_pick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pick");
    group.throughput(Throughput::Elements(1));
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    group.sample_size(20);
    let plain = strategies().into_iter();
    let plain = plain.map(|(name, config, digest)| (name, config, WEIGHT_COUNT, digest));
    let plain = plain
        .chain(keyed::strategies())
        .chain(composed::strategies());
    let entries: Vec<rotate::Entry> = plain.chain(rotate::strategies()).collect();
    assert_digests(&entries);
    for (name, config, weight_count, _) in entries {
        for candidate_count in CANDIDATE_COUNTS {
            let mut side = Side::new(&config, candidate_count, weight_count);
            // Tables are built at the first pick.
            side.pick();
            group.bench_function(BenchmarkId::new(name, candidate_count), |bencher| {
                bencher.iter(|| black_box(side.pick()));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bench_pick, bench_ring);
criterion_main!(benches);
