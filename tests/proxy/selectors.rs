//! Faults name proxies as they name services.

use stormglass::id::InstanceId;
use stormglass::model::observation::{LifeState, Observation, Observer};
use stormglass::time::SimTime;

use super::{run, text};

#[derive(Default)]
struct Down(Vec<String>, Vec<InstanceId>);

impl Observer for Down {
    fn observe(&mut self, _: SimTime, observation: &Observation<'_>) {
        if let Observation::NodeChanged { node, state, .. } = *observation
            && state != LifeState::Up
        {
            self.1.push(InstanceId(node.0));
        }
    }
}

/// Which nodes a crash of `target` takes down.
fn crashed(target: &str) -> Vec<String> {
    let world = format!(
        "schema = 1\nduration = \"10s\"\n\
         [service.s]\nservice_time = \"1ms\"\ncount = 4\n\
         [proxy.edge]\nkind = \"envoy\"\nupstream = \"s\"\n\
         group.a = {{ count = 2, zone = \"a\" }}\ngroup.b = {{ count = 3, zone = \"b\" }}\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"100/s\" }}\n\
         [client.c.call.edge]\n\
         [fault.x]\nkind = \"crash\"\ntarget = \"{target}\"\nat = \"5s\"\nfor = \"2s\"\n"
    );
    let scenario = text::scenario(&world, &[]);
    let mut down = Down::default();
    run::run(&scenario, 1, &mut down);
    let name = |id: &InstanceId| scenario.topology.instance_name(*id);
    down.0 = down.1.iter().map(name).collect();
    down.0.sort();
    down.0
}

#[test]
fn a_proxy_a_replica_a_share_and_a_zone_can_be_hit() {
    let all = ["edge/a/0", "edge/a/1", "edge/b/0", "edge/b/1", "edge/b/2"];
    assert_eq!(crashed("proxy:edge"), all);
    assert_eq!(crashed("proxy:ed*"), all);
    assert_eq!(crashed("proxy:edge[1]"), ["edge/a/1"]);
    assert_eq!(crashed("proxy:edge[4]"), ["edge/b/2"]);
    assert_eq!(crashed("group:edge/b"), all[2..]);
    assert_eq!(crashed("zone:b"), all[2..]);
    assert_eq!(crashed("40% of proxy:edge").len(), 2);
    assert_eq!(crashed("1 random of proxy:edge").len(), 1);
}

/// The scenario with this expectation, or what is wrong with it.
fn loaded(expectation: &str) -> Result<(), String> {
    let world = format!(
        "schema = 1\nduration = \"10s\"\n[expect]\nx = \"{expectation}\"\n\
         [service.s]\nservice_time = \"1ms\"\ncount = 4\n\
         [proxy.edge]\nkind = \"haproxy\"\nupstream = \"s\"\ncount = 2\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"100/s\" }}\n\
         [client.c.call.edge]\n"
    );
    let loaded = text::load_text(&world, &[]);
    match loaded.scenario {
        Some(_) => Ok(()),
        None => Err(loaded.diagnostics.render(&loaded.sources, false)),
    }
}

#[test]
fn measures_name_a_proxy_as_one_or_as_a_service() {
    assert_eq!(loaded("utilization{proxy=edge} <= 50%"), Ok(()));
    assert_eq!(loaded("utilization{service=edge} <= 50%"), Ok(()));
    assert_eq!(loaded("wasted_attempt_ratio{call=edge.s} <= 1%"), Ok(()));
    let refused = loaded("utilization{proxy=s} <= 50%").expect_err("`s` is a service");
    assert!(refused.contains("unknown proxy `s`"), "{refused}");
}
