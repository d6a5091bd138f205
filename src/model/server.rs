//! What instances do by themselves: share cores, use up quotas, pause, warm up.

use super::cpu::{Cpu, CpuUse};
use super::event::Event;
use super::observation::{LifeState, Observation, Observer};
use super::request::{Attempt, AttemptFlags, Stage};
use super::sampler::Sampler;
use super::waiting::Waiting;
use super::world::World;
use crate::engine::{PendingSet, TimerTable};
use crate::id::{InstanceId, NodeId};
use crate::rng::{Purpose, UniformSource, mix, path_hash};
use crate::scenario::Scenario;
use crate::scenario::class::ClassConfig;
use crate::scenario::client::EdgeConfig;
use crate::scenario::registry::Phase;
use crate::time::{SimDuration, SimTime};

/// Why a timer of a server is due.
#[derive(Clone, Copy, Debug)]
pub enum ServerStep {
    /// The quota of its CPU is used up, or full again.
    Quota(InstanceId),
    /// A pause begins, by its number.
    PauseBegins(InstanceId, u32),
    /// It ends, if it began at all.
    PauseEnds {
        instance: InstanceId,
        number: u32,
        is_held: bool,
    },
}

/// State of servers that only some scenarios need.
#[derive(Debug)]
pub struct ServerState {
    timers: TimerTable<ServerStep>,
    /// Law of the part of a service time that needs no core, by service.
    wait_times: Vec<Option<Sampler>>,
    /// Laws of pauses by service: from the end of one to the next, and of its length.
    pauses: Vec<Option<[Sampler; 2]>>,
    /// What a worker spends on a ping, by edge.
    pub(super) ping_times: Vec<Option<Sampler>>,
    /// What one spends on a probe of the registry; None: nothing.
    pub(super) probe_time: Option<Sampler>,
    /// Since when each instance warms up; empty where nothing does.
    warm_since: Vec<Option<SimTime>>,
    /// Priorities that requests may have, ascending.
    pub(super) priorities: Vec<u8>,
}

impl ServerState {
    /// The state at the start.
    pub fn new(scenario: &Scenario) -> Self {
        let services = || scenario.services.iter();
        let has_warmup = services().any(|service| service.warmup.is_some());
        let warm_since = |group: &crate::scenario::service::GroupConfig| {
            let warmup = scenario.services[group.service.index()].warmup;
            let since = warmup.filter(|w| w.at_start).map(|_| SimTime::START);
            std::iter::repeat_n(since, (group.count + group.count_spare) as usize)
        };
        ServerState {
            timers: TimerTable::new(),
            wait_times: services()
                .map(|service| service.wait_time.as_ref().map(Sampler::new))
                .collect(),
            pauses: services()
                .map(|service| service.pauses.as_ref())
                .map(|p| p.map(|p| [Sampler::new(&p.every), Sampler::new(&p.duration)]))
                .collect(),
            ping_times: scenario
                .edges
                .iter()
                .map(|edge| edge.ping_time.as_ref().map(Sampler::new))
                .collect(),
            probe_time: scenario.registry.profile.probe_time().map(Sampler::new),
            warm_since: match has_warmup {
                true => scenario.groups.iter().flat_map(warm_since).collect(),
                false => Vec::new(),
            },
            priorities: super::queueing::priorities(scenario),
        }
    }
}

/// What a draw for a pause is for.
#[derive(Clone, Copy)]
enum PauseDraw {
    Every = 0,
    Length = 1,
    Phase = 2,
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// Gives instances what their service and group ask for, and schedules first pauses.
    pub(super) fn start_servers(&mut self) {
        let scenario = self.scenario;
        for instance in (0..scenario.topology.instance_count()).map(InstanceId) {
            let group = &scenario.groups[scenario.topology.group_of(instance).index()];
            let service = &scenario.services[group.service.index()];
            if let Some(rules) = &service.queue_rules {
                let waiting = Waiting::new(rules, group.workers, SimTime::START);
                self.instances[instance.index()].waiting = Some(Box::new(waiting));
            }
            if let Some(config) = &group.cpu {
                let period = config.quota.map_or(SimDuration::ZERO, |quota| quota.period);
                let node = self.instance_node(instance);
                let identity = mix(self.nodes[node.index()].path_hash) ^ path_hash("cpu_quota");
                let first = self.first_tick(node, identity, period, Phase::Random);
                let cpu = Cpu::new(config, SimTime::START + first);
                self.instances[instance.index()].cpu = Some(Box::new(cpu));
            }
            if self.servers.pauses[group.service.index()].is_some() {
                let gap = self.draw_pause(instance, 0, PauseDraw::Every);
                let part = self.draw_pause_phase(instance);
                self.set_server_timer(gap.scaled(part), ServerStep::PauseBegins(instance, 0));
            }
            self.instances[instance.index()].is_plain = self.is_plain(instance);
        }
    }

    /// Whether nothing but its speed and its queue decides what an instance does with attempts.
    fn is_plain(&self, id: InstanceId) -> bool {
        let instance = &self.instances[id.index()];
        let service = &self.scenario.services[instance.service.index()];
        let has_probes = |edge: &EdgeConfig| edge.ping_time.is_some();
        let has_queued_leases = service
            .registered
            .is_some_and(|registered| registered.path.needs_worker());
        let classes = &self.scenario.classes;
        let waits_here = |class: &ClassConfig| {
            let service = class.service_time.as_ref().map(|(service, _)| *service);
            class.wait_time.is_some() && service == Some(instance.service)
        };
        let has_class_wait = classes.ids().any(|class| waits_here(classes.get(class)));
        let has_own_time =
            service.wait_time.is_some() || has_class_wait || service.warmup.is_some();
        let shares = instance.sharing.is_some() || instance.cpu.is_some();
        let has_rules =
            instance.waiting.is_some() || service.limit.is_some() || service.cache.is_some();
        !has_own_time
            && !shares
            && !has_rules
            && !self.has_pools()
            && !self.several.has_deadlines
            && !self.scenario.edges.iter().any(has_probes)
            && !has_queued_leases
            && !self.scenario.faults.iter().any(|f| f.class.is_some())
            && !self
                .scenario
                .faults
                .iter()
                .any(|f| f.kind.rollout().is_some())
    }

    fn set_server_timer(&mut self, delay: SimDuration, step: ServerStep) {
        let sequence = self.queue.take_sequence();
        let timer = self.servers.timers.set(step, sequence);
        let at = self.now() + delay;
        self.queue
            .push_with_sequence(at, sequence, Event::ServerStep(timer.0));
        if let ServerStep::Quota(instance) = step
            && let Some(cpu) = &mut self.instances[instance.index()].cpu
            && let Some(quota) = &mut cpu.quota
        {
            quota.timer = Some((timer, at));
        }
    }

    /// A timer of a server is due, unless it was cancelled.
    pub(super) fn on_server_step(&mut self, timer: u32, sequence: u64) {
        let fired = self
            .servers
            .timers
            .fire(crate::engine::TimerId(timer), sequence);
        let Some(step) = fired else {
            return;
        };
        let (instance, number) = match step {
            ServerStep::Quota(instance) => (instance, 0),
            ServerStep::PauseBegins(instance, number) => (instance, number),
            ServerStep::PauseEnds {
                instance, number, ..
            } => (instance, number),
        };
        let node = self.instance_node(instance);
        let identity = self.nodes[node.index()]
            .path_hash
            .wrapping_add(u64::from(number));
        self.fold(Event::ServerStep(0), node, identity);
        match step {
            ServerStep::Quota(instance) => self.on_quota_step(instance),
            ServerStep::PauseBegins(instance, number) => self.begin_pause(instance, number),
            ServerStep::PauseEnds {
                instance,
                number,
                is_held,
            } => self.end_pause(instance, number, is_held),
        }
    }

    fn draw_pause(&self, instance: InstanceId, number: u32, what: PauseDraw) -> SimDuration {
        let service = self.instances[instance.index()].service;
        let laws = self.servers.pauses[service.index()].as_ref();
        let law = &laws.expect("only instances with pauses draw them")[what as usize];
        let identity = self.nodes[instance.index()].path_hash;
        let mut draw = self
            .streams
            .draw(Purpose::Pause, identity, number, what as u32);
        law.sample(&mut draw)
    }

    /// The part of its first gap that is left at the start.
    fn draw_pause_phase(&self, instance: InstanceId) -> f64 {
        let identity = self.nodes[instance.index()].path_hash;
        let step = PauseDraw::Phase as u32;
        self.streams
            .draw(Purpose::Pause, identity, 0, step)
            .uniform()
    }

    /// A process that runs stands still; one that does not run has nothing to pause.
    fn begin_pause(&mut self, instance: InstanceId, number: u32) {
        let node = self.instance_node(instance);
        let length = self.draw_pause(instance, number, PauseDraw::Length);
        let is_held = self.nodes[node.index()].state.is_up() && !length.is_zero();
        let step = ServerStep::PauseEnds {
            instance,
            number,
            is_held,
        };
        let length = if is_held { length } else { SimDuration::ZERO };
        self.set_server_timer(length, step);
        if is_held {
            self.hold_nodes(&[node], LifeState::Paused, None);
        }
    }

    fn end_pause(&mut self, instance: InstanceId, number: u32, is_held: bool) {
        let next = number.wrapping_add(1);
        let gap = self.draw_pause(instance, next, PauseDraw::Every);
        let gap = gap.max(SimDuration::from_ns(1));
        self.set_server_timer(gap, ServerStep::PauseBegins(instance, next));
        if is_held {
            let node: NodeId = self.instance_node(instance);
            self.release_nodes(&[node], LifeState::Paused, None);
        }
    }

    /// A process starts cold.
    pub(super) fn start_warmup(&mut self, node: NodeId) {
        let now = self.now();
        if let Some(since) = self.servers.warm_since.get_mut(node.index()) {
            *since = Some(now);
        }
    }

    /// How many times longer work takes at an instance that warms up.
    #[inline]
    pub(super) fn warmed(&self, instance: InstanceId, demand: SimDuration) -> SimDuration {
        match self.servers.warm_since.get(instance.index()) {
            Some(Some(since)) => {
                let service = self.instances[instance.index()].service;
                let warmup = self.scenario.services[service.index()].warmup;
                let age = self.now().since(*since);
                demand.scaled(warmup.map_or(1.0, |warmup| warmup.factor_at(age)))
            }
            _ => demand,
        }
    }

    /// The part of the service time of an attempt that needs no core.
    pub(super) fn draw_wait(&self, slot: u32) -> SimDuration {
        let attempt = &self.attempts[slot];
        let service = self.instances[attempt.instance.index()].service;
        let of_class = self.classes.wait_time(attempt.class, service);
        let law = of_class.unwrap_or(self.servers.wait_times[service.index()].as_ref());
        let Some(law) = law.filter(|_| !attempt.flags.has(AttemptFlags::PROBE)) else {
            return SimDuration::ZERO;
        };
        let number = self.demand_number(attempt);
        let mut draw = self
            .streams
            .draw(Purpose::ServiceWait, attempt.identity, number, 0);
        self.warmed(attempt.instance, law.sample(&mut draw))
    }

    /// Whether running work of an attempt shares the workers or the cores.
    pub(super) fn is_shared(&self, slot: u32) -> bool {
        let Attempt {
            instance, flags, ..
        } = self.attempts[slot];
        self.instances[instance.index()].sharing.is_some() || flags.has(AttemptFlags::ON_CPU)
    }

    /// A worker begins with the CPU part of an attempt.
    pub(super) fn start_on_cpu(&mut self, slot: u32, demand: SimDuration) {
        let id = self.attempts[slot].instance;
        self.attempts[slot].flags.set(AttemptFlags::ON_CPU);
        self.observe_cores(slot, true);
        self.advance_sharing(id);
        self.with_sharing(id, |sharing| sharing.start(slot, demand));
        self.schedule_shared(id);
    }

    /// The CPU part of an attempt is done. The rest needs no core.
    pub(super) fn end_on_cpu(&mut self, slot: u32) {
        self.attempts[slot].flags.clear(AttemptFlags::ON_CPU);
        self.observe_cores(slot, false);
        let wait = self.draw_wait(slot);
        if wait.is_zero() || self.loads_late(slot) {
            return self.after_own_work(slot);
        }
        assert!(
            self.attempts[slot].stage == Stage::Running,
            "it was at work"
        );
        self.run_alone(slot, wait);
    }

    /// An attempt begins to share the cores of its instance, or no longer does.
    pub(super) fn observe_cores(&mut self, slot: u32, begins: bool) {
        let Attempt {
            instance, class, ..
        } = self.attempts[slot];
        self.observe(Observation::CoresShared {
            instance,
            class,
            begins,
        });
    }

    /// Work that shares comes to stand still with its process.
    pub(super) fn hold_sharing(&mut self, id: InstanceId) {
        self.advance_sharing(id);
        self.with_sharing(id, |sharing| sharing.completion.cancel());
        self.tell_cpu(id, CpuUse::default());
    }

    /// Work that shares goes on with its process.
    pub(super) fn resume_sharing(&mut self, id: InstanceId) {
        let now = self.now();
        self.with_sharing(id, |sharing| sharing.advance(now, 0.0));
        if let Some(cpu) = &mut self.instances[id.index()].cpu
            && let Some(quota) = &mut cpu.quota
        {
            quota.advance(now, 0.0);
        }
        self.schedule_shared(id);
    }

    /// A process died: a new one begins with an idle CPU and an empty queue. The quota is that of
    /// its container and stays as it is.
    pub(super) fn stop_server(&mut self, id: InstanceId) {
        let now = self.now();
        let instance = &mut self.instances[id.index()];
        if let Some(waiting) = &mut instance.waiting {
            waiting.clear(now);
        }
        if let Some(cpu) = &mut instance.cpu {
            cpu.sharing.clear();
            if let Some(quota) = &mut cpu.quota {
                quota.advance(now, 0.0);
            }
            self.observe(Observation::CoresFreed { instance: id });
            self.tell_cpu(id, CpuUse::default());
        }
    }

    /// The cores in use until now count against the quota.
    pub(super) fn advance_quota(&mut self, id: InstanceId) {
        let now = self.now();
        let is_paused = self.nodes[id.index()].state == LifeState::Paused;
        let Some(cpu) = &mut self.instances[id.index()].cpu else {
            return;
        };
        let usage = if is_paused {
            CpuUse::default()
        } else {
            cpu.usage()
        };
        if let Some(quota) = &mut cpu.quota {
            quota.advance(now, usage.cores);
        }
    }

    /// Work that is done at the instant at which the quota is used up does not wait for the next
    /// period.
    pub(super) fn until_first_throttled(&self, id: InstanceId) -> Option<SimDuration> {
        let is_paused = self.nodes[id.index()].state == LifeState::Paused;
        let cpu = self.instances[id.index()].cpu.as_ref()?;
        (!is_paused && cpu.is_first_done()).then_some(SimDuration::ZERO)
    }

    fn on_quota_step(&mut self, id: InstanceId) {
        self.advance_sharing(id);
        let cpu = self.instances[id.index()].cpu.as_mut();
        let quota = cpu.and_then(|cpu| cpu.quota.as_mut());
        let quota = quota.expect("only quotas have such timers");
        quota.timer = None;
        quota.settle();
        self.schedule_shared(id);
    }

    /// Follows a change of the work on a CPU: its quota, and what is told of it.
    pub(super) fn follow_cpu(&mut self, id: InstanceId) {
        let is_paused = self.nodes[id.index()].state == LifeState::Paused;
        let Some(cpu) = &self.instances[id.index()].cpu else {
            return;
        };
        let usage = if is_paused {
            CpuUse::default()
        } else {
            cpu.usage()
        };
        if let Some(quota) = &cpu.quota {
            let next = quota.next_change(usage.cores);
            let timer = quota.timer;
            if timer.map(|(_, at)| at) != next {
                if let Some((timer, _)) = timer {
                    self.servers.timers.cancel(timer);
                    self.forget_quota_timer(id);
                }
                if let Some(at) = next {
                    self.set_server_timer(at.since(self.now()), ServerStep::Quota(id));
                }
            }
        }
        self.tell_cpu(id, usage);
    }

    fn forget_quota_timer(&mut self, id: InstanceId) {
        let cpu = self.instances[id.index()].cpu.as_mut();
        if let Some(quota) = cpu.and_then(|cpu| cpu.quota.as_mut()) {
            quota.timer = None;
        }
    }

    fn tell_cpu(&mut self, instance: InstanceId, usage: CpuUse) {
        let Some(cpu) = &mut self.instances[instance.index()].cpu else {
            return;
        };
        if std::mem::replace(&mut cpu.told, usage) != usage {
            self.observe(Observation::CpuChanged {
                instance,
                cores_used: usage.cores,
                is_throttled: usage.is_throttled,
            });
        }
    }
}
