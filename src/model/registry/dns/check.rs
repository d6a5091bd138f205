//! Health checks: the first name server asks every instance again and again.
//!
//! As many checks in a row as the threshold change what an instance is taken for, in both
//! directions. A host that refuses fails a check at once; one that says nothing, or a process that
//! stands still, at its timeout.

use super::Dns;
use super::message::{Alarm, Message};
use crate::engine::TimerId;
use crate::id::InstanceId;
use crate::model::observation::ControlKind;
use crate::model::registry::system::parties::first_tick;
use crate::model::registry::system::{self, Port};

/// The checks of an instance.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Check {
    /// Checks so far.
    number: u32,
    /// Checks in a row that contradict what the instance is taken for.
    run: u32,
    /// The timer of the next one.
    next: Option<TimerId>,
    /// The timer of the end of the one that is under way, if one is.
    ends: Option<TimerId>,
}

impl Dns {
    /// Checks of an instance begin.
    pub(super) fn start_checks(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let (Some(checks), primary) = (self.config.checks, self.primary()) else {
            return;
        };
        let service = self.services[instance];
        let registered = port.scenario().services[service.index()].registered;
        let phase = registered.expect("it registers").phase;
        let node = port.scenario().topology.instance_node(instance);
        let first = first_tick(port, node, "dns.check", (checks.interval, phase));
        self.stop_checks(port, instance);
        let alarm = system::Alarm::Dns(Alarm::Check { instance });
        let check = Check {
            next: Some(port.set_timer(primary, first, alarm)),
            ..Check::default()
        };
        self.checks.insert(instance, check);
    }

    pub(super) fn stop_checks(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let check = self.checks.remove(instance).unwrap_or_default();
        for timer in [check.next, check.ends].into_iter().flatten() {
            port.cancel_timer(timer);
        }
    }

    /// The first name server died, and its timers with it.
    pub(super) fn stop_all_checks(&mut self, port: &mut dyn Port) {
        for instance in self.checks.keys().collect::<Vec<InstanceId>>() {
            self.stop_checks(port, instance);
        }
    }

    pub(super) fn begin_check(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let checks = self.config.checks.expect("it checks");
        let (primary, service) = (self.primary(), self.services[instance]);
        let check = self.checks.get_mut(instance).expect("it is checked");
        check.number += 1;
        let number = check.number;
        if let Some(timer) = check.ends.take() {
            port.cancel_timer(timer);
        }
        // The end of a check comes before the next one, where both are due at once.
        let ends = system::Alarm::Dns(Alarm::CheckEnds { instance });
        check.ends = Some(port.set_timer(primary, checks.timeout, ends));
        let next = system::Alarm::Dns(Alarm::Check { instance });
        check.next = Some(port.set_timer(primary, checks.interval, next));
        let to = port.scenario().topology.instance_node(instance);
        let message = Message::Check { instance, number };
        self.send(
            port,
            (primary, to),
            (ControlKind::Ping, Some(service)),
            0,
            message,
        );
    }

    /// A check was not answered in time.
    pub(super) fn give_up_check(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let check = self.checks.get_mut(instance).expect("it is checked");
        check.ends = None;
        self.note_result(port, instance, false);
    }

    /// A check was answered or refused.
    pub(super) fn end_check(
        &mut self,
        port: &mut dyn Port,
        instance: InstanceId,
        number: u32,
        has_passed: bool,
    ) {
        let check = self.checks.get_mut(instance);
        let Some(check) = check.filter(|check| check.number == number) else {
            return;
        };
        if let Some(timer) = check.ends.take() {
            port.cancel_timer(timer);
            self.note_result(port, instance, has_passed);
        }
    }

    fn note_result(&mut self, port: &mut dyn Port, instance: InstanceId, has_passed: bool) {
        let threshold = self.config.checks.map_or(1, |checks| checks.threshold);
        let is_healthy = self.servers[0].records.get(instance).copied();
        let (Some(check), Some(is_healthy)) = (self.checks.get_mut(instance), is_healthy) else {
            return;
        };
        check.run = match has_passed == is_healthy {
            true => 0,
            false => check.run + 1,
        };
        let is_over = threshold <= check.run;
        if is_over {
            check.run = 0;
        }
        if is_over {
            port.set_suspected(instance, !has_passed);
            self.change(port, instance, Some(has_passed));
        }
    }
}
