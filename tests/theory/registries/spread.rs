//! Which members of a registry its clients talk to.

use std::collections::BTreeMap;

use stormglass::id::NodeId;
use stormglass::model::observation::{Observation, Observer};
use stormglass::time::SimTime;

use super::deletions::world;
use super::stories::fault;
use crate::support::{run_alone, scenario};

const CLIENT_COUNT: usize = 600;
const DIES_AT: f64 = 60.0;

/// The member of every client before one dies and at the end, and moves.
#[derive(Default)]
struct Members {
    before: BTreeMap<NodeId, NodeId>,
    now: BTreeMap<NodeId, NodeId>,
    move_count: usize,
}

impl Observer for Members {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        if let Observation::Attached { node, member } = *observation {
            if at.as_secs_f64() < DIES_AT {
                self.before.insert(node, member);
            } else {
                self.move_count += 1;
            }
            self.now.insert(node, member);
        }
    }
}

impl Members {
    fn count(of: &BTreeMap<NodeId, NodeId>, member: NodeId) -> usize {
        of.values().filter(|own| **own == member).count()
    }
}

#[test]
fn clients_of_a_dead_member_spread_over_the_others_and_stay_there() {
    for (profile, kind) in [
        ("zookeeper", "crash"),
        ("etcd", "crash"),
        ("kubernetes", "crash"),
        ("nacos\"\nclient = \"grpc", "crash"),
        ("zookeeper", "host_loss"),
        ("kubernetes", "host_loss"),
        ("nacos\"\nclient = \"grpc", "host_loss"),
    ] {
        let registry = format!("profile = \"{profile}\"\nmembers = 3");
        let dead = fault("dead", kind, "registry:member/2", "60s", "100s");
        let text = world(300, 7, 1, &registry, &dead).replace(
            "[client.c]\n",
            &format!("[client.c]\ncount = {}\n", CLIENT_COUNT - 1),
        );
        let scenario = scenario(&text);
        let [first, second, dead] = [0, 1, 2].map(|m| scenario.topology.registry_node(m));
        let mut members = Members::default();
        run_alone(&scenario, &mut members);
        let (before, now) = (&members.before, &members.now);
        let had = Members::count(before, dead);
        // Each is drawn with a third: 5 standard deviations of 600 are 58, those of a half of 200
        // are 36.
        for member in [first, second, dead] {
            let count = Members::count(before, member);
            assert!(count.abs_diff(200) < 58, "{profile}: {count} before");
        }
        assert_eq!(members.move_count, had, "{profile} {kind}: one move each");
        assert_eq!(
            Members::count(now, dead),
            0,
            "{profile} {kind}: nobody comes back"
        );
        let taken = Members::count(now, first) - Members::count(before, first);
        assert!(
            taken.abs_diff(had / 2) < 36,
            "{profile} {kind}: {taken} of {had}"
        );
    }
}
