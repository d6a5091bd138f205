//! Random small scenarios: each is made from a seed, with a random subset of the features on, so
//! that features meet in combinations that nobody would write (swarm testing, Groce et al. 2012).

use std::fmt::Write;

#[path = "swarm_data.rs"]
mod data;
#[path = "swarm_detector.rs"]
mod detector;
#[path = "swarm_network.rs"]
mod network;
#[path = "swarm_proxy.rs"]
mod proxy;
#[path = "swarm_registry.rs"]
mod registry;
#[path = "swarm_server.rs"]
mod server;
#[path = "swarm_triggers.rs"]
mod triggers;

use super::connected;
use super::dice::Dice;
use super::protection;
use super::swarm_cache;
use super::swarm_flow;
use super::swarm_wrappers;

const ZONES: [&str; 3] = ["a", "b", "c"];
const GROUPS: [&str; 3] = ["blue", "green", "red"];
const SERVICES: [&str; 3] = ["api", "db", "web"];
const CLIENTS: [&str; 2] = ["batch", "shop"];

/// What is in a scenario, for those parts that refer to it.
struct World {
    dice: Dice,
    /// Apart, so that data leaves the rest of a scenario as it is without.
    data_dice: Dice,
    text: String,
    zone_count: u64,
    /// Services with the instances of each of their groups.
    services: Vec<Vec<u64>>,
    /// Callers of each client.
    clients: Vec<u64>,
    /// Registry members; none for a static registry.
    member_count: u64,
    /// Paths of classes of requests.
    classes: Vec<String>,
    is_datagram: bool,
    has_drift: bool,
    /// Whether calls are parallel, optional or not waited for.
    has_flow: bool,
    duration_ms: u64,
}

/// The scenario of a seed.
pub fn scenario(seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let service_count = if dice.flag() { 1 } else { dice.between(2, 3) };
    let mut services = Vec::new();
    for _ in 0..service_count {
        let group_count = if dice.flag() { 1 } else { dice.between(2, 3) };
        services.push((0..group_count).map(|_| dice.between(1, 4)).collect());
    }
    let client_count = if dice.flag() { 1 } else { 2 };
    let mut world = World {
        zone_count: if dice.flag() { 1 } else { 3 },
        services,
        clients: (0..client_count).map(|_| dice.between(1, 4)).collect(),
        member_count: if dice.flag() { 0 } else { dice.between(1, 3) },
        classes: Vec::new(),
        is_datagram: dice.flag(),
        has_drift: dice.flag(),
        has_flow: dice.flag(),
        duration_ms: dice.between(500, 6_000),
        text: String::new(),
        data_dice: data::dice(seed),
        dice,
    };
    world.write_head(seed);
    world.write_network();
    let mut own = Dice::new(seed ^ 0x7265_6769);
    match own.flag() {
        true => world.write_registry(),
        false => registry::write(&mut world, &mut own),
    }
    world.write_services();
    world.write_clients();
    world.write_classes();
    world.write_faults();
    let services: Vec<(&str, Vec<u64>)> =
        SERVICES.into_iter().zip(world.services.clone()).collect();
    let tables = triggers::tables(&mut world.dice, &services);
    world.text + &tables + &proxy::tables(seed, world.is_datagram, &services)
}

/// Who may be meant by a selector.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Instances,
    Nodes,
}

impl World {
    fn line(&mut self, line: impl AsRef<str>) {
        writeln!(self.text, "{}", line.as_ref()).expect("a string takes what is written");
    }

    /// Writes the line half of the time.
    fn maybe(&mut self, line: impl FnOnce(&mut Dice) -> String) {
        if self.dice.flag() {
            let line = line(&mut self.dice);
            self.line(line);
        }
    }

    fn write_head(&mut self, seed: u64) {
        self.line("schema = 1");
        self.line(format!("seed = {seed}"));
        self.line(format!("duration = \"{}ms\"", self.duration_ms));
        let drain = self.dice.between(0, 3);
        self.line(format!("drain = \"{drain}s\""));
        self.maybe(|_| "breakdown = true".to_string());
    }

    fn zone(&mut self) -> &'static str {
        ZONES[self.dice.between(0, self.zone_count - 1) as usize]
    }

    fn write_services(&mut self) {
        let count = self.services.len();
        for (place, name) in SERVICES.iter().enumerate().take(count) {
            self.line(format!("[service.{name}]"));
            let service_time = server::service_time(&mut self.dice);
            self.line(format!("service_time = {service_time}"));
            self.maybe(|dice| format!("workers = {}", dice.between(1, 4)));
            let discipline = self.dice.pick(&["fifo", "lifo", "ps", "adaptive_lifo"]);
            let limit = match self.dice.between(0, 2) {
                0 => "limit = \"unlimited\"".to_string(),
                _ => format!("limit = {}", self.dice.between(0, 5)),
            };
            let has_limit = !limit.contains("unlimited");
            let rules = server::queue_rules(&mut self.dice, discipline, has_limit);
            self.line(format!(
                "queue = {{ discipline = \"{discipline}\", {limit}{rules} }}"
            ));
            for line in server::service_lines(&mut self.dice, discipline) {
                self.line(line);
            }
            self.maybe(|dice| format!("restart_time = {}", dice.law(200)));
            self.maybe(|_| "demand_per = \"request\"".to_string());
            let limit = protection::service_lines(&mut self.dice);
            self.text.push_str(&limit);
            self.maybe(|dice| format!("cancellable = {}", dice.flag()));
            self.maybe(|dice| format!("instances_per_host = {}", dice.between(1, 3)));
            if !self.is_datagram && self.dice.flag() {
                let accept = connected::accept(&mut self.dice);
                self.line(accept);
            }
            if 0 < self.member_count && self.dice.flag() {
                let lease = self.dice.ms(40, 900);
                if registry::has_heartbeats(&self.text) {
                    self.line(format!("registered = {{ lease_duration = {lease} }}"));
                }
            }
            if self.dice.between(0, 2) == 0 {
                let gossip = detector::gossip(&mut self.dice, Self::phase);
                self.line(gossip);
            }
            let groups = 0..self.services[place].len();
            let zones: Vec<&str> = groups.map(|group| self.write_group(place, group)).collect();
            if self.data_dice.between(0, 3) == 0 {
                let instance_count = self.services[place].iter().sum();
                let data = data::of_service(&mut self.data_dice, zones, instance_count);
                self.line(format!("[service.{name}.data]\n{data}"));
            }
            let has_stages = self.has_flow && self.dice.flag();
            let mut callees = Vec::new();
            for callee in place + 1..self.services.len() {
                if self.dice.flag() {
                    let stage = swarm_flow::stage(&mut self.dice, has_stages);
                    self.write_call(&format!("service.{name}"), callee, stage);
                    callees.push(callee);
                }
            }
            if self.dice.between(0, 3) == 0 {
                // What loads a key is one call that is waited for.
                callees.retain(|_| !self.has_flow);
                let callees: Vec<&str> = callees.iter().map(|place| SERVICES[*place]).collect();
                let cache = swarm_cache::of_service(&mut self.dice, &callees);
                self.line(format!("[service.{name}.cache]\n{cache}"));
            }
        }
    }

    fn write_group(&mut self, place: usize, group: usize) -> &'static str {
        let name = (SERVICES[place], GROUPS[group]);
        self.line(format!("[service.{}.group.{}]", name.0, name.1));
        self.line(format!("count = {}", self.services[place][group]));
        let zone = self.zone();
        self.line(format!("zone = \"{zone}\""));
        let weight_min = u64::from(group == 0);
        self.maybe(|dice| format!("weight = {}", dice.between(weight_min, 3)));
        self.maybe(|dice| format!("speed = {}.5", dice.between(0, 2)));
        if self.has_drift {
            self.maybe(|dice| format!("clock_drift = \"{}%\"", dice.between(0, 20)));
        }
        zone
    }

    fn write_clients(&mut self) {
        let count = self.clients.len();
        for (place, name) in CLIENTS.iter().enumerate().take(count) {
            let path = format!("client.{name}");
            self.line(format!("[{path}]"));
            self.line(format!("count = {}", self.clients[place]));
            let zone = self.zone();
            self.line(format!("zones = [\"{zone}\"]"));
            let arrivals = self.arrivals();
            self.line(format!("arrivals = {arrivals}"));
            self.maybe(|dice| {
                let keys = [
                    "{ distribution = \"uniform\", count = 50 }",
                    "{ distribution = \"zipf\", count = 1000, exponent = 1.1 }",
                    "{ distribution = \"hot_set\", count = 100, hot_count = 5, hot_ratio = 0.8 }",
                ];
                format!("keys = {}", dice.pick(&keys))
            });
            self.maybe(|dice| {
                let what = dice.pick(&["redistribute", "lose", "fail"]);
                format!("when_caller_down = \"{what}\"")
            });
            if self.has_drift {
                self.maybe(|dice| format!("clock_drift = \"-{}%\"", dice.between(0, 20)));
            }
            let call_count = if self.dice.flag() {
                1
            } else {
                self.services.len()
            };
            let has_stages = self.has_flow && self.dice.flag();
            for callee in 0..call_count {
                let stage = swarm_flow::stage(&mut self.dice, has_stages);
                self.write_call(&path, callee, stage);
            }
        }
    }

    fn arrivals(&mut self) -> String {
        let rate = self.dice.between(20, 200);
        let end = self.duration_ms;
        let dice = &mut self.dice;
        match dice.between(0, 5) {
            0 => format!("{{ process = \"constant\", rate = \"{rate}/s\" }}"),
            1 => format!("{{ process = \"poisson\", rate = \"{rate}/s\" }}"),
            2 => format!("{{ process = \"renewal\", gap = {} }}", dice.law(10)),
            3 => format!(
                "{{ process = \"bursts\", rate = \"10/s\", burst_rate = \"{rate}/s\", \
                 period = {}, burst_duration = {} }}",
                dice.ms(500, 900),
                dice.ms(1, 500)
            ),
            4 => format!(
                "{{ process = \"ramp\", rate_from = \"{rate}/s\", rate_to = \"5/s\", \
                 end = \"{end}ms\" }}"
            ),
            _ => format!(
                "{{ process = \"closed\", user_count = {}, think_time = {} }}",
                dice.between(1, 20),
                dice.law(30)
            ),
        }
    }

    fn write_call(&mut self, owner: &str, callee: usize, stage: Option<u64>) {
        self.line(format!("[{owner}.call.{}]", SERVICES[callee]));
        if self.has_flow {
            let flow = swarm_flow::lines(&mut self.dice, owner, stage);
            self.line(flow);
        }
        self.maybe(|dice| format!("balancer = {}", swarm_wrappers::balancer(dice)));
        self.maybe(|dice| format!("attempt_timeout = {}", dice.ms(5, 100)));
        let lines = super::swarm_attempts::call_lines(&mut self.dice);
        self.text.push_str(&lines);
        // The loader refuses to hold up a broadcast.
        if !lines.contains("broadcast") {
            let lines = protection::call_lines(&mut self.dice);
            self.text.push_str(&lines);
        }
        if self.dice.between(0, 3) == 0 {
            let cache = swarm_cache::of_call(&mut self.dice);
            self.line(cache);
        }
        self.maybe(|dice| detector::detector(dice, Self::phase));
        if !self.is_datagram {
            self.maybe(connected::connection);
        }
    }

    /// Half of the clients have classes.
    fn write_classes(&mut self) {
        for client in CLIENTS.iter().take(self.clients.len()) {
            if self.dice.flag() {
                continue;
            }
            let shares: &[f64] = self.dice.pick(&[&[1.0], &[0.3, 0.7], &[0.2, 0.2, 0.6]]);
            let call_count = self
                .text
                .matches(&format!("[client.{client}.call."))
                .count();
            for (share, name) in shares.iter().zip(["x", "y", "z"]) {
                self.line(format!("[client.{client}.class.{name}]"));
                self.line(format!("share = {share}"));
                if call_count == 1 {
                    self.maybe(|dice| format!("service_time = {}", server::service_time(dice)));
                }
                self.maybe(|_| "keys = { distribution = \"uniform\", count = 3 }".to_string());
                self.maybe(|dice| format!("deadline = {}", dice.law(200)));
                self.maybe(|dice| format!("priority = {}", dice.between(0, 2)));
                self.maybe(|_| "idempotent = false".to_string());
                self.maybe(|dice| format!("request_size = \"{}B\"", dice.between(1, 2_000)));
                self.maybe(|_| "reply_size = { dist = \"exponential\", mean = \"1KB\" }".into());
                self.classes.push(format!("{client}.{name}"));
            }
        }
    }

    fn write_faults(&mut self) {
        let mut kinds = vec![
            "crash",
            "host_loss",
            "pause",
            "slow",
            "error",
            "loss",
            "delay",
            "partition",
            "clog",
            "weight_change",
            "scale_out",
            "scale_in",
        ];
        if 0 < self.member_count {
            kinds.push("registry_outage");
        }
        for kind in kinds {
            if self.dice.flag() && self.dice.flag() {
                // Two that shrink one group at once are refused.
                let copy_count_max = if kind == "scale_in" { 1 } else { 2 };
                let copy_count = self.dice.between(1, copy_count_max);
                for copy in 0..copy_count {
                    self.write_fault(kind, copy);
                }
            }
        }
    }

    fn write_fault(&mut self, kind: &str, copy: u64) {
        self.line(format!("[fault.{kind}-{copy}]"));
        self.line(format!("kind = \"{kind}\""));
        let at = self.dice.law(self.duration_ms / 3);
        self.line(format!("at = {at}"));
        if self.dice.flag() {
            let length = self.dice.law(200);
            self.line(format!("for = {length}"));
            self.maybe(|dice| format!("every = {}", dice.law(300)));
        }
        if matches!(kind, "slow" | "error" | "loss" | "delay") && !self.classes.is_empty() {
            let classes = self.classes.clone();
            self.maybe(|dice| {
                let place = dice.between(0, classes.len() as u64 - 1) as usize;
                format!("class = \"{}\"", classes[place])
            });
        }
        let is_of_nodes = matches!(kind, "crash" | "host_loss" | "pause" | "slow" | "error");
        match kind {
            "crash" | "host_loss" | "pause" => self.write_node_target(),
            "slow" | "error" | "weight_change" => {
                let target = self.selector(Who::Instances);
                self.line(format!("target = \"{target}\""));
            }
            "registry_outage" => {
                self.maybe(|_| "target = \"registry:member/0\"".to_string());
            }
            "scale_out" | "scale_in" => self.write_scaled_group(kind),
            _ => self.write_link_ends(),
        }
        match kind {
            "slow" => self.line("factor = 7.5"),
            "weight_change" => self.line(format!("weight = {}", copy * 3)),
            "loss" => {
                let loss = self.dice.loss();
                self.line(format!("loss = {loss}"));
            }
            "delay" => {
                let delay = self.dice.law(20);
                self.line(format!("delay = {delay}"));
            }
            "error" => {
                self.maybe(|_| "ratio = \"40%\"".to_string());
                self.maybe(|dice| format!("service_time = {}", dice.law(1)));
            }
            _ => {}
        }
        if is_of_nodes && self.dice.flag() {
            self.line("each = true");
            self.maybe(|dice| format!("crews = {}", dice.between(1, 2)));
        }
    }

    fn write_node_target(&mut self) {
        let target = self.selector(Who::Nodes);
        self.line(format!("target = \"{target}\""));
        if target.contains("zone:") {
            self.maybe(|_| "include = [\"callers\", \"registry\"]".to_string());
        }
    }

    fn write_scaled_group(&mut self, kind: &str) {
        let (service, group) = self.group();
        self.line(format!(
            "group = \"{}/{}\"",
            SERVICES[service], GROUPS[group]
        ));
        let count = self.dice.between(1, self.services[service][group]);
        self.line(format!("count = {count}"));
        if kind == "scale_in" {
            self.maybe(|dice| format!("grace = {}", dice.ms(0, 200)));
        }
    }

    fn group(&mut self) -> (usize, usize) {
        let service = self.dice.between(0, self.services.len() as u64 - 1) as usize;
        let group_count = self.services[service].len() as u64;
        (service, self.dice.between(0, group_count - 1) as usize)
    }

    fn selector(&mut self, who: Who) -> String {
        let set = self.selected_set(who);
        if self.dice.flag() {
            return set;
        }
        format!("{} random of {set}", self.dice.between(1, 3))
    }

    fn selected_set(&mut self, who: Who) -> String {
        let (service, group) = self.group();
        let (name, path) = (SERVICES[service], GROUPS[group]);
        let index = self.dice.between(0, self.services[service][group] - 1);
        let client = self.dice.between(0, self.clients.len() as u64 - 1) as usize;
        let caller = self.dice.between(0, self.clients[client] - 1);
        let kind_max = match who {
            Who::Instances => 5,
            Who::Nodes if self.member_count == 0 => 8,
            Who::Nodes => 9,
        };
        match self.dice.between(0, kind_max) {
            0 => format!("service:{name}"),
            1 => format!("group:{name}/{path}"),
            2 => format!("instance:{name}/{path}/{index}"),
            3 => format!("host:{name}/{path}/0"),
            4 => "instance:*/*/*".to_string(),
            5 => "service:*".to_string(),
            6 => "zone:*".to_string(),
            7 => format!("client:{}", CLIENTS[client]),
            8 => format!("caller:{}/{caller}", CLIENTS[client]),
            _ => "registry:member/*".to_string(),
        }
    }
}
