//! The checks of an agent: what it finds out about the instances on its host.
//!
//! Source: `agent/checks/check.go`, `StatusHandler`. The first HTTP or TCP check comes after a
//! random part of the interval, each other one an interval after the end of the last one. A report
//! resets the timer of a TTL check; when it fires, the status is critical at once. Reports are kept
//! on the disk (`persistCheckState` in `agent/agent.go`), other statuses are not.

use super::message::{Alarm, Status};
use super::{Consul, Local};
use crate::id::{InstanceId, NodeId};
use crate::model::observation::LifeState;
use crate::model::registry::system::Port;
use crate::model::registry::system::parties::first_tick;
use crate::rng::{UniformSource, path_hash};
use crate::scenario::check::ProbePath;
use crate::scenario::registry::Phase;
use crate::scenario::registry::consul::{CheckConfig, CheckKind};
use crate::scenario::service::RegisteredConfig;
use crate::time::{SimDuration, SimTime};

/// How many checks in a row passed and failed. Both begin at their thresholds, so that the very
/// first result counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counters {
    successes: u32,
    failures: u32,
}

impl Counters {
    pub fn new(config: &CheckConfig) -> Self {
        Counters {
            successes: config.success_before_passing,
            failures: config.failures_before_critical,
        }
    }

    /// The status that follows from a result; None: it stays what it is.
    pub fn on_result(&mut self, config: &CheckConfig, is_good: bool) -> Option<Status> {
        if is_good {
            (self.successes, self.failures) = (self.successes.saturating_add(1), 0);
            let is_enough = config.success_before_passing <= self.successes;
            return is_enough.then_some(Status::Passing);
        }
        (self.successes, self.failures) = (0, self.failures.saturating_add(1));
        if config.failures_before_critical <= self.failures {
            Some(Status::Critical)
        } else if config.failures_before_warning <= self.failures {
            Some(Status::Warning)
        } else {
            None
        }
    }
}

impl Consul {
    pub(super) fn local(&mut self, instance: InstanceId) -> &mut Local {
        let local = self.locals.get_mut(instance);
        local.expect("only instances that register have checks")
    }

    /// The node of the agent on the host of an instance.
    pub(super) fn agent_node(&self, instance: InstanceId) -> NodeId {
        self.node_of(self.locals[instance].agent)
    }

    /// How an instance is checked.
    fn rule(&self, port: &dyn Port, instance: InstanceId) -> RegisteredConfig {
        let service = self.locals[instance].service;
        let registered = port.scenario().services[service.index()].registered;
        registered.expect("its service is registered")
    }

    /// The checks of an instance start, or start anew.
    pub(super) fn start_check(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.stop_check(port, instance);
        let counters = Counters::new(&self.config.check);
        self.local(instance).counters = counters;
        let (node, rule) = (self.agent_node(instance), self.rule(port, instance));
        let local = &self.locals[instance];
        match self.config.check.kind {
            CheckKind::Ttl => {
                let alarm = Alarm::Expire { instance };
                self.alarms.set(port, node, rule.lease_duration, alarm);
            }
            CheckKind::Http | CheckKind::Tcp => {
                let path_hash = port.node(NodeId(instance.0)).path_hash ^ path_hash("consul.check");
                let number = local.check_number;
                let stagger = match rule.phase {
                    Phase::Random => {
                        let uniform = port.draw(path_hash, number, 1).uniform();
                        rule.heartbeat_interval.scaled(uniform)
                    }
                    Phase::Aligned | Phase::At(_) => rule.heartbeat_interval,
                };
                self.alarms
                    .set(port, node, stagger, Alarm::Check { instance });
            }
        }
    }

    pub(super) fn stop_check(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let node = self.agent_node(instance);
        for alarm in [
            Alarm::Expire { instance },
            Alarm::Check { instance },
            Alarm::CheckTimeout { instance },
            Alarm::Output { instance },
        ] {
            self.alarms.cancel(port, node, alarm);
        }
        self.local(instance).is_checking = false;
    }

    /// The run begins: checks have gone on for long.
    pub(super) fn start_proven_check(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let counters = Counters::new(&self.config.check);
        self.local(instance).counters = counters;
        let (node, rule) = (self.agent_node(instance), self.rule(port, instance));
        let own = NodeId(instance.0);
        let rhythm = (rule.heartbeat_interval, rule.phase);
        let first = first_tick(port, own, "consul.check", rhythm);
        match self.config.check.kind {
            CheckKind::Ttl => {
                self.alarms.set(port, own, first, Alarm::Pass { instance });
                let since = rule.heartbeat_interval.saturating_sub(first);
                let left = rule.lease_duration.saturating_sub(since);
                self.alarms
                    .set(port, node, left, Alarm::Expire { instance });
                self.note_report(port, instance, left);
            }
            CheckKind::Http | CheckKind::Tcp => {
                self.alarms
                    .set(port, node, first, Alarm::Check { instance });
            }
        }
    }

    /// An instance reports that it is well.
    pub(super) fn pass(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let (node, rule) = (self.agent_node(instance), self.rule(port, instance));
        let again = Alarm::Pass { instance };
        self.alarms
            .set(port, NodeId(instance.0), rule.heartbeat_interval, again);
        match port.node(node).state {
            LifeState::Up => self.take_report(port, instance),
            // It is read at the resume; who reports waits for the answer.
            LifeState::Paused => {
                let report = Alarm::Report { instance };
                if !self.alarms.is_set(node, report) {
                    self.alarms.set(port, node, SimDuration::ZERO, report);
                }
            }
            LifeState::Crashed
            | LifeState::HostLost
            | LifeState::Absent
            | LifeState::Restarting => {}
        }
    }

    /// An agent reads a report.
    pub(super) fn take_report(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let (node, rule) = (self.agent_node(instance), self.rule(port, instance));
        if self.locals[instance].is_known {
            let alarm = Alarm::Expire { instance };
            self.alarms.set(port, node, rule.lease_duration, alarm);
            self.note_report(port, instance, rule.lease_duration);
            self.update_check(port, instance, Status::Passing);
        } else if self.config.check.registers_again && self.locals[instance].is_wanted {
            self.add_service(port, instance);
        }
    }

    /// The agent writes a report to its disk, where it counts for this long.
    fn note_report(&mut self, port: &dyn Port, instance: InstanceId, length: SimDuration) {
        let until = port.now() + port.node(self.agent_node(instance)).true_length(length);
        self.local(instance).reported_until = until;
    }

    /// The status that a check has after a start of its agent: what was reported and is not over
    /// in whole seconds, or else that of a new registration.
    pub(super) fn restored_status(&self, port: &dyn Port, instance: InstanceId) -> Status {
        let secs = |at: SimTime| at.as_ns() / SimDuration::from_secs(1).as_ns();
        let until = self.locals[instance].reported_until;
        match secs(port.now()) < secs(until) {
            true => Status::Passing,
            false => self.first_status(),
        }
    }

    /// An agent asks an instance, or connects to it.
    pub(super) fn begin_check(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let node = self.agent_node(instance);
        let timeout = self.config.check.timeout;
        let local = self.local(instance);
        local.is_checking = true;
        local.check_number = local.check_number.wrapping_add(1);
        let number = local.check_number;
        let path = self.config.check.path;
        match port.node(NodeId(instance.0)).state {
            LifeState::Crashed | LifeState::Restarting | LifeState::Absent => {
                return self.end_check(port, instance, false);
            }
            LifeState::Up if path.needs_worker() => port.admit_probe(instance, number),
            LifeState::Up => return self.end_check(port, instance, true),
            LifeState::Paused if path == ProbePath::Accept => {
                return self.end_check(port, instance, true);
            }
            LifeState::Paused | LifeState::HostLost => {}
        }
        // The answer may have come already.
        if self.locals[instance].is_checking {
            let alarm = Alarm::CheckTimeout { instance };
            self.alarms.set(port, node, timeout, alarm);
        }
    }

    /// A worker of an instance answered a check, or the instance died over it.
    pub(super) fn on_check_answer(
        &mut self,
        port: &mut dyn Port,
        instance: InstanceId,
        number: u32,
        is_good: bool,
    ) {
        let local = &self.locals[instance];
        if local.is_checking && local.check_number == number {
            self.end_check(port, instance, is_good);
        }
    }

    /// A process that stood still reads what its kernel accepted.
    pub(super) fn resume_check(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let local = &self.locals[instance];
        let (is_checking, number) = (local.is_checking, local.check_number);
        if !is_checking {
            return;
        }
        match self.config.check.path.needs_worker() {
            true => {
                port.admit_probe(instance, number);
            }
            false => self.end_check(port, instance, true),
        }
    }

    pub(super) fn end_check(&mut self, port: &mut dyn Port, instance: InstanceId, is_good: bool) {
        let node = self.agent_node(instance);
        self.alarms
            .cancel(port, node, Alarm::CheckTimeout { instance });
        let local = self.locals.get_mut(instance).expect("it is checked");
        local.is_checking = false;
        let status = local.counters.on_result(&self.config.check, is_good);
        let interval = self.rule(port, instance).heartbeat_interval;
        self.alarms
            .set(port, node, interval, Alarm::Check { instance });
        if let Some(status) = status {
            self.update_check(port, instance, status);
        }
    }

    /// A check has a status: a change is sent to the servers at once, another text later.
    pub(super) fn update_check(
        &mut self,
        port: &mut dyn Port,
        instance: InstanceId,
        status: Status,
    ) {
        let now = port.now();
        let (node, local) = (self.agent_node(instance), self.local(instance));
        let before = std::mem::replace(&mut local.status, status);
        if status != Status::Critical {
            local.critical_since = SimTime::NEVER;
        } else if local.critical_since == SimTime::NEVER {
            local.critical_since = now;
        }
        if before != status {
            local.note_change();
            // What is sent now has the newest text.
            self.alarms.cancel(port, node, Alarm::Output { instance });
            self.update_suspicion(port, instance);
            return self.trigger_changes(port, instance);
        }
        if !self.config.check.has_changing_output {
            return;
        }
        let interval = self.config.check.update_interval;
        let alarm = Alarm::Output { instance };
        if interval.is_zero() {
            self.send_output(port, instance);
        } else if !self.alarms.is_set(node, alarm) {
            let identity = port.node(node).path_hash ^ path_hash("consul.output");
            let number = self.draw_number();
            let uniform = port.draw(identity, number, 0).uniform();
            let delay = interval.scaled(0.5 + uniform);
            self.alarms.set(port, node, delay, alarm);
        }
    }

    /// The text of a check is another one: the servers are to have it.
    pub(super) fn send_output(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let local = self.local(instance);
        local.has_news = true;
        local.note_change();
        self.trigger_changes(port, instance);
    }

    /// What is known of an instance: its agent says that its check is critical, or the leader takes
    /// its host for dead.
    pub(super) fn update_suspicion(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let local = &self.locals[instance];
        let is_failed = self.agents[local.agent as usize].is_taken_for_dead;
        match local.status {
            Status::Critical => port.set_suspected(instance, true),
            Status::Passing | Status::Warning => port.set_suspected(instance, is_failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::distribution::Distribution;

    fn config(success: u32, warning: u32, critical: u32) -> CheckConfig {
        CheckConfig {
            kind: CheckKind::Http,
            path: ProbePath::Bypass,
            worker_time: None::<Distribution>,
            timeout: SimDuration::from_secs(10),
            success_before_passing: success,
            failures_before_warning: warning,
            failures_before_critical: critical,
            is_passing_at_first: false,
            has_changing_output: false,
            update_interval: SimDuration::from_secs(300),
            deregister_after: None,
            reap_interval: SimDuration::from_secs(30),
            registers_again: true,
        }
    }

    fn statuses(config: &CheckConfig, results: &str) -> String {
        let mut counters = Counters::new(config);
        let word = |result| match counters.on_result(config, result == '+') {
            Some(Status::Passing) => 'p',
            Some(Status::Warning) => 'w',
            Some(Status::Critical) => 'c',
            None => '.',
        };
        results.chars().map(word).collect()
    }

    #[test]
    fn without_thresholds_every_result_counts() {
        assert_eq!(statuses(&config(0, 0, 0), "+-+--+"), "pcpccp");
    }

    #[test]
    fn the_first_result_counts_whatever_the_thresholds() {
        assert_eq!(statuses(&config(3, 3, 3), "-"), "c");
        assert_eq!(statuses(&config(3, 3, 3), "+"), "p");
    }

    #[test]
    fn thresholds_count_results_in_a_row() {
        assert_eq!(statuses(&config(2, 3, 3), "+--+-+---+++"), "p.......c.pp");
    }

    #[test]
    fn failures_are_a_warning_first() {
        assert_eq!(statuses(&config(0, 1, 3), "+---+"), "pwwcp");
    }
}
