//! What holds for every strategy of the family, whatever happens.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use crate::id::{InstanceId, ServiceId, ZoneId};
use crate::model::balancer::control::{
    ControlContext, InstanceLoad, LoadReport, Message, Orders, TrueQueues, WindowLoad,
};
use crate::model::balancer::tables::Tables;
use crate::model::balancer::{AttemptEnd, Balancer, PickContext};
use crate::model::in_flight::InFlight;
use crate::model::observation::AttemptOutcome;
use crate::model::view::{Member, ViewSnapshot};
use crate::rng::{Purpose, Streams};
use crate::scenario::balancer::feedback::{
    C3Config, FeedbackConfig, GrpcWeightedRoundRobinConfig, PrequalConfig,
};
use crate::scenario::registry::Phase;
use crate::time::{SimDuration, SimTime};

/// Instances that there may be.
const INSTANCE_COUNT: u32 = 8;

fn configs() -> Vec<FeedbackConfig> {
    let secs = SimDuration::from_secs;
    let weights = |report_interval| {
        FeedbackConfig::GrpcWeightedRoundRobin(GrpcWeightedRoundRobinConfig {
            blackout: secs(2),
            expiration: secs(9),
            update_interval: secs(1),
            phase: Phase::Random,
            error_penalty: 1.0,
            report_interval,
            report_window: secs(1),
        })
    };
    vec![
        weights(None),
        weights(Some(secs(2))),
        FeedbackConfig::Prequal(PrequalConfig {
            pool_size: 4,
            pool_size_min: 2,
            probe_rate: 1.5,
            removal_rate: 0.5,
            probe_age_max: secs(5),
            hot_quantile: 0.5,
            reuse_slack: 1.0,
            seen_count: 6,
            latency_sample_count: 4,
        }),
        FeedbackConfig::C3(C3Config {
            ewma_weight: 0.3,
            client_count: None,
            queue_exponent: 3,
        }),
        FeedbackConfig::JoinIdleQueue,
        FeedbackConfig::ShortestQueueGlobal,
    ]
}

/// Something that may happen to a balancer.
#[derive(Clone, Debug)]
enum Step {
    /// The candidates are those whose bits are set; their weights are this.
    View(u8, u8),
    /// A pick that would rather avoid the instances whose bits are set.
    Pick(u8),
    /// The oldest attempt in flight ends.
    End(bool),
    /// An instance says something, candidate or not.
    Say(u32, Message),
    /// Time passes, and the balancer is woken if it asked for that.
    Wait(u64),
    Disconnect(u32),
}

fn message() -> impl Strategy<Value = Message> {
    let load =
        (0.0..1.2, 0.0..100.0, 0.0..100.0).prop_map(|(utilization, rate, errors)| WindowLoad {
            utilization,
            reply_rate_per_sec: rate,
            error_rate_per_sec: errors,
        });
    let report = (
        prop::option::of(load),
        0u32..9,
        prop::option::of(0u64..9_999),
    )
        .prop_map(|(load, queue_depth, service_ms)| {
            Message::Report(LoadReport {
                load,
                queue_depth,
                service_time: service_ms.map(SimDuration::from_ms),
            })
        });
    let answer = (0u32..9, 0u64..9_999).prop_map(|(in_flight, latency_ms)| {
        Message::ProbeReply(InstanceLoad {
            in_flight,
            latency: SimDuration::from_ms(latency_ms),
        })
    });
    prop_oneof![report, answer, Just(Message::Idle)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (any::<u8>(), 1u8..9).prop_map(|(bits, weight)| Step::View(bits, weight)),
        6 => prop_oneof![Just(0), any::<u8>()].prop_map(Step::Pick),
        4 => any::<bool>().prop_map(Step::End),
        6 => (0..INSTANCE_COUNT, message()).prop_map(|(from, said)| Step::Say(from, said)),
        2 => (1u64..3_000).prop_map(Step::Wait),
        1 => (0..INSTANCE_COUNT).prop_map(Step::Disconnect),
    ]
}

fn instances(bits: u8) -> impl Iterator<Item = InstanceId> {
    (0..INSTANCE_COUNT)
        .filter(move |index| bits >> index & 1 == 1)
        .map(InstanceId)
}

/// A balancer with its calling side.
struct Bench {
    balancer: Box<dyn Balancer>,
    candidates: BTreeSet<InstanceId>,
    in_flight: InFlight,
    sent: Vec<(InstanceId, SimTime)>,
    orders: Orders,
    tables: Tables,
    now: SimTime,
    wake_at: Option<SimTime>,
    step_count: u32,
}

impl Bench {
    fn new(config: &FeedbackConfig) -> Self {
        let mut bench = Bench {
            balancer: super::build(config),
            candidates: BTreeSet::new(),
            in_flight: InFlight::default(),
            sent: Vec::new(),
            orders: Orders::default(),
            tables: Tables::new(Vec::new()),
            now: SimTime::START,
            wake_at: None,
            step_count: 0,
        };
        bench.view(0b101, 1);
        bench.tell(|balancer, ctx| balancer.on_start(ctx));
        bench
    }

    fn view(&mut self, bits: u8, weight: u8) {
        self.candidates = instances(bits).collect();
        let member = |instance| Member {
            instance,
            zone: ZoneId(0),
            weight: f64::from(weight),
        };
        self.balancer.on_view(&Arc::new(ViewSnapshot {
            service: ServiceId(0),
            content_id: u64::from(self.step_count),
            members: instances(bits).map(member).collect(),
        }));
    }

    fn tell(&mut self, tell: impl FnOnce(&mut dyn Balancer, &mut ControlContext<'_>)) {
        let mut ctx = ControlContext {
            now: self.now,
            in_flight: &self.in_flight,
            draw: Streams::new(1).draw(Purpose::BalancerControl, 1, self.step_count, 0),
            orders: &mut self.orders,
            peer_count: 3,
            drift_ratio: 0.0,
        };
        tell(self.balancer.as_mut(), &mut ctx);
        self.take_orders();
    }

    fn take_orders(&mut self) {
        assert!(
            !self.orders.is_given() || self.balancer.needs().orders,
            "orders that it does not say it gives"
        );
        let asked = self.orders.take_wake();
        self.wake_at = self.wake_at.into_iter().chain(asked).min();
        for (to, _) in self.orders.take_messages() {
            assert!(self.candidates.contains(&to), "a message to a stranger");
        }
    }

    fn pick(&mut self, tried: &[InstanceId]) {
        let mut ctx = PickContext {
            thread: 0,
            now: self.now,
            key: 1,
            tried,
            in_flight: &self.in_flight,
            draw: Streams::new(1).draw(Purpose::Pick, 1, self.step_count, 0),
            tables: &mut self.tables,
            orders: &mut self.orders,
            true_queues: TrueQueues::NONE,
        };
        let picked = self.balancer.pick(&mut ctx);
        self.take_orders();
        let Some(picked) = picked else {
            assert!(self.candidates.is_empty(), "None although there are some");
            return;
        };
        assert!(
            self.candidates.contains(&picked),
            "{picked:?} is a stranger"
        );
        let has_untried = self.candidates.iter().any(|c| !tried.contains(c));
        assert!(!has_untried || !tried.contains(&picked), "tried again");
        self.in_flight.add(picked);
        self.sent.push((picked, self.now));
    }

    fn end(&mut self, is_good: bool) {
        if self.sent.is_empty() {
            return;
        }
        let (instance, sent_at) = self.sent.remove(0);
        self.in_flight.remove(instance);
        self.balancer.on_outcome(&AttemptEnd {
            instance,
            outcome: match is_good {
                true => AttemptOutcome::Success,
                false => AttemptOutcome::Refused,
            },
            sent_at,
            ended_at: self.now,
            is_retriable: false,
        });
    }

    fn take(&mut self, step: &Step) {
        self.step_count += 1;
        match step {
            Step::View(bits, weight) => self.view(*bits, *weight),
            Step::Pick(tried) => self.pick(&instances(*tried).collect::<Vec<_>>()),
            Step::End(is_good) => self.end(*is_good),
            Step::Say(from, message) => self.tell(|balancer, ctx| {
                balancer.on_message(ctx, InstanceId(*from), message);
            }),
            Step::Wait(ms) => {
                self.now = self.now + SimDuration::from_ms(*ms);
                if self.wake_at.take_if(|at| *at <= self.now).is_some() {
                    self.tell(|balancer, ctx| balancer.on_timer(ctx));
                }
            }
            Step::Disconnect(instance) => {
                self.balancer.on_disconnected(InstanceId(*instance), false);
            }
        }
    }
}

proptest! {
    #[test]
    fn picks_are_candidates_and_untried_ones_if_there_are_any(
        steps in prop::collection::vec(step(), 0..120),
    ) {
        for config in configs() {
            let mut bench = Bench::new(&config);
            for step in &steps {
                bench.take(step);
            }
            // Whatever it was told, it goes on.
            bench.view(0xff, 1);
            bench.pick(&[]);
        }
    }
}
