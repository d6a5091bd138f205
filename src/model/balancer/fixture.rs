//! A calling side in front of candidates, without a simulation.

use std::collections::VecDeque;
use std::sync::Arc;

use super::control::{Orders, TrueQueues};
use super::tables::Tables;
use super::{AttemptEnd, Balancer, PickContext};
use crate::id::{InstanceId, ServiceId, ZoneId};
use crate::model::in_flight::InFlight;
use crate::model::observation::AttemptOutcome;
use crate::model::view::{Member, ViewSnapshot};
use crate::rng::{Purpose, Streams, mix};
use crate::time::{SimDuration, SimTime};

/// Instances that there may be.
const INSTANCE_COUNT: u32 = 2_000;

/// One calling side.
pub struct Side {
    pub balancer: Box<dyn Balancer>,
    pub now: SimTime,
    pub in_flight: InFlight,
    /// Attempts in flight, oldest first.
    pub sent: VecDeque<(InstanceId, SimTime)>,
    tables: Tables,
    orders: Orders,
    streams: Streams,
    pick_count: u64,
    content_id: u64,
}

impl Side {
    /// A side without candidates.
    pub fn new(balancer: Box<dyn Balancer>, seed: u64) -> Self {
        Side {
            balancer,
            now: SimTime::START,
            in_flight: InFlight::default(),
            sent: VecDeque::new(),
            tables: Tables::new((0..INSTANCE_COUNT).map(|i| mix(u64::from(i))).collect()),
            orders: Orders::default(),
            streams: Streams::new(seed),
            pick_count: 0,
            content_id: 0,
        }
    }

    /// A side in front of instances 0, 1, 2 and so on with these weights.
    pub fn with_weights(balancer: Box<dyn Balancer>, weights: &[f64], seed: u64) -> Self {
        let mut side = Side::new(balancer, seed);
        let members: Vec<(u32, f64)> = (0u32..).zip(weights.iter().copied()).collect();
        side.view(&members);
        side
    }

    /// Hands over candidates: instances, ascending, with their weights.
    pub fn view(&mut self, members: &[(u32, f64)]) -> Arc<ViewSnapshot> {
        self.content_id += 1;
        let member = |(instance, weight): &(u32, f64)| Member {
            instance: InstanceId(*instance),
            zone: ZoneId(0),
            weight: *weight,
        };
        let view = Arc::new(ViewSnapshot {
            service: ServiceId(0),
            content_id: self.content_id,
            members: members.iter().map(member).collect(),
        });
        self.balancer.on_view(&view);
        view
    }

    /// Picks and sends.
    pub fn pick(&mut self, tried: &[InstanceId]) -> Option<InstanceId> {
        let mut ctx = PickContext {
            thread: 0,
            now: self.now,
            key: mix(self.pick_count),
            tried,
            in_flight: &self.in_flight,
            draw: self.streams.draw(Purpose::Pick, self.pick_count, 0, 0),
            tables: &mut self.tables,
            orders: &mut self.orders,
            true_queues: TrueQueues::NONE,
        };
        self.pick_count += 1;
        let instance = self.balancer.pick(&mut ctx)?;
        self.in_flight.add(instance);
        self.sent.push_back((instance, self.now));
        Some(instance)
    }

    /// Ends the `at`-th of the attempts in flight.
    pub fn end(&mut self, at: usize, outcome: AttemptOutcome) {
        let (instance, sent_at) = self.sent.remove(at).expect("it is in flight");
        self.in_flight.remove(instance);
        self.balancer.on_outcome(&AttemptEnd {
            instance,
            outcome,
            sent_at,
            ended_at: self.now,
            is_retriable: outcome != AttemptOutcome::Success,
        });
    }

    /// Lets time pass.
    pub fn wait(&mut self, ms: u64) {
        self.now = self.now + SimDuration::from_ms(ms);
    }

    /// Picks one after the other, each of which succeeds within 1 ms before the next.
    pub fn sequence(&mut self, count: usize) -> Vec<u32> {
        (0..count)
            .map(|_| {
                let instance = self.pick(&[]).expect("there are candidates");
                self.wait(1);
                self.end(0, AttemptOutcome::Success);
                instance.0
            })
            .collect()
    }
}
