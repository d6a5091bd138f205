//! What balancers ask of their calling side beyond picks: timers, messages and reports.

use crate::id::InstanceId;
use crate::model::in_flight::InFlight;
use crate::model::instance::Instance;
use crate::rng::{Draw, UniformSource};
use crate::time::{SimDuration, SimTime};

/// What a balancer needs beyond picks and outcomes. Whoever needs nothing costs nothing. A wrapper
/// needs what the strategy inside needs, and what it needs itself: [`Needs::and`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Needs {
    /// It sets timers or sends messages.
    pub orders: bool,
    /// Replies carry a [`LoadReport`].
    pub reply_reports: bool,
    /// Length of the windows over which instances measure their load for reports.
    pub report_window: Option<SimDuration>,
    /// Latencies that every instance remembers for its answers to probes.
    pub latency_sample_count: u32,
    /// Instances tell one calling side, drawn at random, when they have nothing left to do.
    pub idle_notices: bool,
}

impl Needs {
    /// What two strategies need together. Of two windows the shorter one holds.
    pub fn and(self, other: Needs) -> Needs {
        let windows = [self.report_window, other.report_window];
        Needs {
            orders: self.orders || other.orders,
            reply_reports: self.reply_reports || other.reply_reports,
            report_window: windows.into_iter().flatten().min(),
            latency_sample_count: self.latency_sample_count.max(other.latency_sample_count),
            idle_notices: self.idle_notices || other.idle_notices,
        }
    }
}

/// A message between a balancer and an instance. It travels through the network: it may be late
/// or lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Message {
    /// To an instance: how busy are you?
    Probe,
    /// From an instance, the answer to a probe.
    ProbeReply(InstanceLoad),
    /// From an instance: it has nothing left to do.
    Idle,
    /// To an instance: send a report now and then at this interval, until the balancer no longer
    /// has it among its candidates or either process ends.
    ReportRequest {
        /// From one report to the next.
        interval: SimDuration,
    },
    /// From an instance: its load. It arrives with a reply, just before the outcome of the
    /// attempt, or on its own after a [`Message::ReportRequest`].
    Report(LoadReport),
}

/// What an instance says about itself when it is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceLoad {
    /// Requests in flight: arrived and not yet answered.
    pub in_flight: u32,
    /// Median latency of the remembered requests that arrived at a load most like the present
    /// one, from arrival to reply; zero before the first.
    pub latency: SimDuration,
}

/// What an instance says about its load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadReport {
    /// Its load over the last whole window; None before the first.
    pub load: Option<WindowLoad>,
    /// Attempts that wait for a worker.
    pub queue_depth: u32,
    /// How long a worker had the attempt whose reply carries the report; None without such.
    pub service_time: Option<SimDuration>,
}

/// The load of an instance over a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowLoad {
    /// Mean number of busy workers over the number of workers.
    pub utilization: f64,
    /// Replies per second, errors included, rejections not.
    pub reply_rate_per_sec: f64,
    /// Error replies per second.
    pub error_rate_per_sec: f64,
}

/// What a balancer asks for. The calling side carries it out as soon as the balancer returns.
#[derive(Debug, Default)]
pub struct Orders {
    /// Whether there is anything to carry out.
    is_given: bool,
    wake_at: Option<SimTime>,
    messages: Vec<(InstanceId, Message)>,
}

impl Orders {
    /// Asks for [`super::Balancer::on_timer`] at `at` or before: the earliest instant that was
    /// asked for holds, and after it the balancer asks again. Who shares a calling side, such as
    /// a wrapper and the strategy inside, each compares the time with its own instant.
    pub fn wake_at(&mut self, at: SimTime) {
        self.is_given = true;
        self.wake_at = Some(self.wake_at.map_or(at, |before| before.min(at)));
    }

    /// Sends a message to an instance.
    pub fn send(&mut self, to: InstanceId, message: Message) {
        self.is_given = true;
        self.messages.push((to, message));
    }

    /// Whether there is anything to carry out.
    #[inline(always)]
    pub fn is_given(&self) -> bool {
        self.is_given
    }

    /// The instant that was asked for, which is forgotten.
    pub fn take_wake(&mut self) -> Option<SimTime> {
        self.is_given = false;
        self.wake_at.take()
    }

    /// The messages, which are forgotten. Their room comes back with [`Orders::keep_room`].
    pub fn take_messages(&mut self) -> Vec<(InstanceId, Message)> {
        std::mem::take(&mut self.messages)
    }

    /// Gives the room for messages back.
    pub fn keep_room(&mut self, mut messages: Vec<(InstanceId, Message)>) {
        messages.clear();
        self.messages = messages;
    }
}

/// What a balancer sees when it starts, when it is woken and when a message arrives.
pub struct ControlContext<'a> {
    /// The time.
    pub now: SimTime,
    /// Attempts in flight from this calling side.
    pub in_flight: &'a InFlight,
    /// Uniform numbers that belong to this occasion alone.
    pub draw: Draw,
    /// What the balancer asks for.
    pub orders: &'a mut Orders,
    /// Calling sides of the same call, this one included.
    pub peer_count: u32,
    /// Seconds of the clock of this calling side per true second, less one.
    pub(in crate::model) drift_ratio: f64,
}

impl<'a> ControlContext<'a> {
    /// What a lone calling side with a true clock sees, for tests of a strategy.
    pub fn new(now: SimTime, in_flight: &'a InFlight, draw: Draw, orders: &'a mut Orders) -> Self {
        ControlContext {
            now,
            in_flight,
            draw,
            orders,
            peer_count: 1,
            drift_ratio: 0.0,
        }
    }

    /// How long a length by the clock of this calling side takes. Periods of timers go through
    /// this.
    pub fn true_length(&self, local: SimDuration) -> SimDuration {
        match self.drift_ratio {
            0.0 => local,
            drift => local.scaled(1.0 / (1.0 + drift)),
        }
    }

    /// The first tick of a periodic process, at a random phase: in `(0, interval]` from now on.
    pub fn first_tick(&mut self, interval: SimDuration) -> SimTime {
        let phase = 1.0 - self.draw.uniform();
        self.now + self.true_length(interval).scaled(phase)
    }
}

/// The true lengths of the queues of all instances, which no caller of a real system knows. Only
/// `shortest_queue_global` looks at them: it is a bound, not a strategy to deploy.
#[derive(Clone, Copy, Default)]
pub struct TrueQueues<'a> {
    instances: &'a [Instance],
}

impl<'a> TrueQueues<'a> {
    /// No instance has anything to do.
    pub const NONE: TrueQueues<'static> = TrueQueues { instances: &[] };

    /// Those of these instances.
    #[inline(always)]
    pub(in crate::model) fn of(instances: &'a [Instance]) -> Self {
        TrueQueues { instances }
    }

    /// Attempts that an instance serves or that wait there.
    #[inline]
    pub(super) fn length(&self, instance: InstanceId) -> u32 {
        let instance = self.instances.get(instance.index());
        instance.map_or(0, |i| i.busy_count + i.waiting_count)
    }
}
