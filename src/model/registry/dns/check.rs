//! Health checks: the first name server asks every instance again and again.
//!
//! As many checks in a row as the threshold change what an instance is taken for, in both
//! directions. A host that refuses fails a check at once; one that says nothing, or a process that
//! stands still, at its timeout.

use super::Dns;
use super::message::{Alarm, Message};
use crate::id::InstanceId;
use crate::model::observation::ControlKind;
use crate::model::registry::system::Port;
use crate::model::registry::system::parties::first_tick;

/// The checks of an instance.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Check {
    /// Checks so far.
    pub number: u32,
    /// Whether one is under way.
    is_open: bool,
    /// Checks in a row that contradict what the instance is taken for.
    run: u32,
}

impl Dns {
    /// Checks of an instance begin.
    pub(super) fn start_checks(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let (Some(checks), primary) = (self.config.checks, self.primary()) else {
            return;
        };
        let service = self.services[&instance];
        let registered = port.scenario().services[service.index()].registered;
        let phase = registered.expect("it registers").phase;
        self.checks.insert(instance, Check::default());
        let node = port.scenario().topology.instance_node(instance);
        let first = first_tick(port, node, "dns.check", (checks.interval, phase));
        self.alarms
            .set(port, primary, first, Alarm::Check { instance });
    }

    pub(super) fn stop_checks(&mut self, port: &mut dyn Port, instance: InstanceId) {
        self.checks.remove(&instance);
        let primary = self.primary();
        for alarm in [Alarm::Check { instance }, Alarm::CheckEnds { instance }] {
            self.alarms.cancel(port, primary, alarm);
        }
    }

    pub(super) fn begin_check(&mut self, port: &mut dyn Port, instance: InstanceId) {
        let checks = self.config.checks.expect("it checks");
        let (primary, service) = (self.primary(), self.services[&instance]);
        let check = self.checks.get_mut(&instance).expect("it is checked");
        check.number += 1;
        check.is_open = true;
        let number = check.number;
        // The end of a check comes before the next one, where both are due at once.
        let ends = Alarm::CheckEnds { instance };
        self.alarms.set(port, primary, checks.timeout, ends);
        let next = Alarm::Check { instance };
        self.alarms.set(port, primary, checks.interval, next);
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

    /// A check passed or failed.
    pub(super) fn end_check(
        &mut self,
        port: &mut dyn Port,
        instance: InstanceId,
        number: u32,
        has_passed: bool,
    ) {
        let threshold = self.config.checks.map_or(1, |checks| checks.threshold);
        let is_healthy = self.servers[0].records.get(&instance).copied();
        let (Some(check), Some(is_healthy)) = (self.checks.get_mut(&instance), is_healthy) else {
            return;
        };
        if !check.is_open || check.number != number {
            return;
        }
        check.is_open = false;
        check.run = match has_passed == is_healthy {
            true => 0,
            false => check.run + 1,
        };
        let is_over = threshold <= check.run;
        if is_over {
            check.run = 0;
        }
        let ends = Alarm::CheckEnds { instance };
        self.alarms.cancel(port, self.primary(), ends);
        if is_over {
            port.set_suspected(instance, !has_passed);
            self.change(port, instance, Some(has_passed));
        }
    }
}
