//! `scenarios/registry-shootout.toml`: the bounds that it states, for every registry.

use stormglass::id::{InstanceId, NodeId};
use stormglass::model::observation::{LifeState, Observation, Observer};
use stormglass::time::SimTime;

use crate::support::{run_alone, scenario};

/// When the victim died, and when each caller excluded it.
#[derive(Default)]
struct Watcher {
    died_at: Option<SimTime>,
    windows: Vec<f64>,
}

impl Observer for Watcher {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::NodeChanged {
                node: NodeId(0),
                state: LifeState::Crashed,
                ..
            } => self.died_at = Some(at),
            Observation::Excluded {
                instance: InstanceId(0),
                ..
            } => {
                let died_at = self.died_at.expect("nobody excludes it before");
                self.windows.push(at.since(died_at).as_secs_f64());
            }
            _ => {}
        }
    }
}

#[test]
fn every_registry_keeps_its_bounds() {
    let text = include_str!("../../../scenarios/registry-shootout.toml");
    for (profile, least, most) in [
        ("zookeeper", 6.6, 13.1),
        ("consul", 0.0, 10.1),
        ("etcd", 6.1, 10.7),
        ("lease", 6.6, 10.1),
        ("nacos", 10.5, 22.1),
        ("eureka", 150.0, 330.6),
        ("dns", 60.0, 150.1),
        ("kubernetes", 0.0, 1.1),
    ] {
        for seed in 1..=5 {
            let text = text
                .replace(
                    "profile = \"zookeeper\"",
                    &format!("profile = \"{profile}\""),
                )
                .replace("seed = 1\n", &format!("seed = {seed}\n"));
            let mut watcher = Watcher::default();
            run_alone(&scenario(&text), &mut watcher);
            assert_eq!(watcher.windows.len(), 30, "{profile}, seed {seed}");
            for window in watcher.windows {
                assert!(
                    least <= window && window <= most,
                    "{profile}, seed {seed}: {window}"
                );
            }
        }
    }
}
