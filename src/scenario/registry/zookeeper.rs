//! What a scenario may say about ZooKeeper.

use super::Phase;
use super::system::QuorumConfig;
use crate::scenario::distribution::Distribution;
use crate::time::SimDuration;

/// Apache ZooKeeper: sessions that the leader expires at the boundaries of ticks.
#[derive(Clone, Debug, PartialEq)]
pub struct ZookeeperConfig {
    /// `tickTime`.
    pub tick_time: SimDuration,
    /// What clients without a service of their own ask for.
    pub session_timeout: SimDuration,
    /// `minSessionTimeout`.
    pub session_timeout_min: SimDuration,
    /// `maxSessionTimeout`.
    pub session_timeout_max: SimDuration,
    /// Where the ticks of each member's clock lie.
    pub tick_phase: Phase,
    /// Where the first leader's pings of its followers lie in its half tick.
    pub ping_phase: Phase,
    /// The client library.
    pub client: ZookeeperClient,
    /// How long a client waits before it connects again.
    pub reconnect_delay: Distribution,
    /// How much longer it waits after a full pass over the members.
    pub spin_delay: SimDuration,
    /// What a restarted instance is called.
    pub identity: Identity,
    /// What an instance does whose node is there already.
    pub node_exists: NodeExists,
    /// What a leader does first that stood still.
    pub after_pause: AfterPause,
    /// Elections, `syncLimit` included.
    pub quorum: QuorumConfig,
}

impl ZookeeperConfig {
    /// What the servers make of the timeout that a client asks for.
    pub fn negotiated(&self, requested: SimDuration) -> SimDuration {
        requested.clamp(self.session_timeout_min, self.session_timeout_max)
    }
}

/// The client libraries whose timers differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZookeeperClient {
    /// The Java client, Curator included.
    Java,
    /// kazoo (Python): pings up to 0.4 s early, and gives up at the next one without an answer.
    Kazoo,
}

/// What a restarted instance is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// As before: its node may still be there.
    Keep,
    /// Anew: the node of the old session stays beside the new one.
    New,
}

/// What an instance does whose node is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeExists {
    /// Deletes it and creates it again.
    Replace,
    /// Takes it for its own; it goes with the old session.
    Skip,
}

/// What a leader does first that stood still: its threads race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterPause {
    /// It expires the sessions whose time has come; what waits in its buffers is too late.
    Expire,
    /// It handles what waits in its buffers in the order in which it came.
    Touch,
}

#[cfg(test)]
mod tests {
    use crate::oracle;
    use crate::scenario::load::{LoadInput, load};
    use crate::scenario::registry::system::ProtocolConfig;
    use crate::time::SimDuration;

    #[test]
    fn timeouts_are_clamped_to_two_and_twenty_ticks() {
        let granted = |tick_ms: u64, requested_ms: u64| {
            let text = format!(
                "schema = 1\nduration = \"10s\"\n[registry]\nprofile = \"zookeeper\"\n\
                 tick_time = \"{tick_ms}ms\"\n[service.s]\ncount = 1\n\
                 service_time = \"1ms\"\n[client.c]\ncall.s.balancer = \"random\"\n\
                 arrivals = {{ process = \"poisson\", rate = \"1/s\" }}\n"
            );
            let scenario = load(&LoadInput::text("test", &text))
                .scenario
                .expect("valid");
            let system = scenario.registry.profile.system().expect("a real system");
            let ProtocolConfig::Zookeeper(config) = &system.protocol else {
                panic!("{system:?}");
            };
            config.negotiated(SimDuration::from_ms(requested_ms))
        };
        for case in oracle::cases("zk_negotiated_timeout") {
            let granted = granted(case.count("tick"), case.count("requested"));
            assert_eq!(granted, SimDuration::from_ms(case.value() as u64));
        }
        let recorded = include_str!("../../../tests/data/recorded/zookeeper-expiry.json");
        let recorded: serde_json::Value = serde_json::from_str(recorded).expect("valid JSON");
        for row in recorded["negotiation"].as_array().expect("a list") {
            let ms = |key: &str| row[key].as_u64().expect("a whole number");
            let granted = granted(ms("tickTime"), ms("requested_ms"));
            assert_eq!(granted, SimDuration::from_ms(ms("negotiated_ms")));
        }
    }
}
