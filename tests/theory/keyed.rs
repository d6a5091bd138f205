//! Strategies by key in a run: requests go where their rules say, by the names and numbers of the
//! instances in the scenario.

use stormglass::hash::Server;
use stormglass::hash::placement::Placement;
use stormglass::model::observation::{Observation, Observer};
use stormglass::rng::path_hash;
use stormglass::time::SimTime;

use crate::support::{run, scenario};
use crate::texts::Length;

/// Keys and the instances that their requests went to.
#[derive(Debug, Default)]
struct Picks(Vec<(u64, u32)>);

impl Observer for Picks {
    fn observe(&mut self, _at: SimTime, observation: &Observation<'_>) {
        if let Observation::AttemptSent { instance, key, .. } = observation {
            self.0.push((*key, instance.0));
        }
    }
}

const POLICIES: [&str; 17] = [
    "modulo",
    "ketama",
    "nginx_hash",
    "nginx_hash_consistent",
    "nginx_ip_hash",
    "haproxy_consistent",
    "haproxy_map_based",
    "haproxy_balance_factor",
    "envoy_ring_hash",
    "maglev",
    "rendezvous",
    "jump",
    "multi_probe",
    "anchor",
    "bounded_load",
    "dubbo_consistent_hash",
    "naive_ring",
];

/// Five instances of `s` behind two of another service, so that numbers in the run and in the
/// service differ.
fn text(policy: &str) -> String {
    let length = Length {
        count: 1_000,
        rate: 1.0,
        warmup: 0.0,
        seed: 1,
    };
    let service = "[service.r]\ncount = 2\nservice_time = \"1ms\"\n\
                   [service.s]\nservice_time = \"1ms\"\n\
                   [service.s.group.a]\ncount = 3\n\
                   [service.s.group.b]\ncount = 2\nweight = 2\n";
    let client = "[client.c]\narrivals = { process = \"renewal\", gap = \"1s\" }\n\
                  keys = { distribution = \"uniform\", count = 1_000_000 }\n\
                  [client.c.call.r]\n";
    let call = format!("[client.c.call.s]\nbalancer = \"{policy}\"\n");
    length.text(0.0) + service + client + &call
}

fn servers() -> Vec<Server> {
    let server = |index: u32| {
        let (group, in_group, weight) = match index {
            0..3 => ("a", index, 1.0),
            _ => ("b", index - 3, 2.0),
        };
        Server {
            owner: index + 2,
            number: index + 1,
            name: format!("s/{group}/{in_group}"),
            name_hash: path_hash(&format!("service.s.group.{group}/{in_group}")),
            weight,
        }
    };
    (0..5).map(server).collect()
}

#[test]
fn requests_go_where_the_rule_of_their_strategy_says() {
    for policy in POLICIES {
        let scenario = scenario(&text(policy));
        let edges = scenario.edges.iter();
        let rule = edges
            .filter_map(|edge| edge.balancer.placement_rule())
            .next();
        let placement = Placement::new(rule.expect("a strategy by key"), servers());
        let mut picks = Picks::default();
        run(&scenario, &mut picks);
        let keyed: Vec<_> = picks
            .0
            .iter()
            .filter(|(_, instance)| 2 <= *instance)
            .collect();
        assert!(900 < keyed.len(), "{policy}");
        for (key, instance) in keyed {
            assert_eq!(*instance, placement.owner(*key), "{policy} {key}");
        }
    }
}
