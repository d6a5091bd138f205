//! Random networks, and the registry that is reached over them.

use super::{Who, World};
use crate::dice::Dice;

impl World {
    pub(super) fn write_network(&mut self) {
        self.line("[network]");
        let transport = if self.is_datagram {
            "datagram"
        } else {
            "stream"
        };
        self.line(format!("transport = \"{transport}\""));
        self.maybe(|dice| format!("same_zone = {}", dice.law(1)));
        self.maybe(|dice| format!("cross_zone = {}", dice.law(3)));
        self.maybe(|dice| format!("loss = {}", dice.loss()));
        if self.is_datagram {
            self.maybe(|dice| format!("duplication = \"{}%\"", dice.between(1, 30)));
        } else {
            self.maybe(|dice| format!("retransmission_timeout = {}", dice.ms(5, 300)));
        }
        self.maybe(|dice| format!("same_zone_bandwidth = \"{}KB/s\"", dice.between(5, 500)));
        self.maybe(|dice| format!("cross_zone_bandwidth = \"{}kbit/s\"", dice.between(40, 900)));
        let link_count = if self.dice.flag() {
            0
        } else {
            self.dice.between(1, 3)
        };
        for link in 0..link_count {
            self.line(format!("[network.link.l{link}]"));
            self.write_link_ends();
            let delay = self.dice.law(5);
            self.line(format!("delay = {delay}"));
            self.maybe(|dice| format!("loss = {}", dice.loss()));
            self.maybe(|dice| format!("bandwidth = \"{}KiB/s\"", dice.between(5, 100)));
        }
    }

    pub(super) fn write_link_ends(&mut self) {
        let (from, to) = (self.selector(Who::Nodes), self.selector(Who::Nodes));
        self.line(format!("from = \"{from}\""));
        self.line(format!("to = \"{to}\""));
        self.maybe(|dice| format!("symmetric = {}", dice.flag()));
    }

    pub(super) fn phase(dice: &mut Dice) -> String {
        dice.pick(&["\"random\"", "\"aligned\"", "\"7ms\""])
            .to_string()
    }

    pub(super) fn write_registry(&mut self) {
        if self.member_count == 0 {
            return;
        }
        self.line("[registry]");
        self.line("profile = \"lease\"");
        self.line(format!("members = {}", self.member_count));
        let lease = self.dice.ms(60, 1_500);
        self.line(format!("lease_duration = {lease}"));
        self.maybe(|dice| format!("heartbeat_interval = {}", dice.ms(20, 900)));
        self.maybe(|dice| format!("phase = {}", Self::phase(dice)));
        if self.dice.flag() {
            let interval = self.dice.ms(20, 900);
            self.line("propagation = \"poll\"");
            self.line(format!("poll_interval = {interval}"));
            self.maybe(|dice| format!("poll_phase = {}", Self::phase(dice)));
        }
        self.maybe(|dice| format!("publish_interval = {}", dice.ms(1, 400)));
        if self.dice.flag() {
            let interval = self.dice.ms(10, 700);
            self.line(format!("sweep_interval = {interval}"));
            self.maybe(|dice| format!("sweep_phase = {}", Self::phase(dice)));
        }
    }
}
