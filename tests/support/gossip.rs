//! What members of clusters do and believe, as a test sees it.

use std::collections::BTreeMap;

use stormglass::id::{InstanceId, NodeId};
use stormglass::model::observation::{ControlKind, LifeState, Observation, Observer, Suspector};
use stormglass::time::SimTime;

/// Who took whom for dead.
#[derive(Debug, Default)]
pub struct Rumors {
    /// Crashes of each instance: when, when it was back, and what was seen of it meanwhile.
    pub crashes: Vec<Crash>,
    /// Beliefs that are held now: (who, of whom).
    pub held: Vec<(NodeId, InstanceId)>,
    /// Times that a member took one for dead that was up.
    pub mistake_count: u64,
    /// Probes that failed.
    pub failed_probe_count: u64,
    /// Messages and bytes, by kind.
    pub sent: BTreeMap<&'static str, (u64, u64)>,
    down: BTreeMap<u32, usize>,
}

/// One crash.
#[derive(Debug)]
#[allow(dead_code, reason = "tests look at some of it")]
pub struct Crash {
    /// When it began.
    pub at: SimTime,
    /// When the process was up again.
    pub back_at: Option<SimTime>,
    /// Failed probes of it: when, and by whom.
    pub failed_probes: Vec<(SimTime, NodeId)>,
    /// Who took it for dead, and when.
    pub known: Vec<(SimTime, NodeId)>,
    /// Who trusted it again after it was back, and when.
    pub trusted: Vec<(SimTime, NodeId)>,
}

impl Rumors {
    fn crash(&mut self, instance: u32) -> Option<&mut Crash> {
        let place = *self.down.get(&instance)?;
        Some(&mut self.crashes[place])
    }
}

impl Observer for Rumors {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::NodeChanged { node, state, .. } => match state {
                LifeState::Up => {
                    if let Some(crash) = self.crash(node.0) {
                        crash.back_at.get_or_insert(at);
                    }
                }
                _ => {
                    self.down.insert(node.0, self.crashes.len());
                    self.crashes.push(Crash {
                        at,
                        back_at: None,
                        failed_probes: Vec::new(),
                        known: Vec::new(),
                        trusted: Vec::new(),
                    });
                }
            },
            Observation::GossipProbeFailed { prober, target } => {
                self.failed_probe_count += 1;
                if let Some(crash) = self.crash(target.0).filter(|c| c.back_at.is_none()) {
                    crash.failed_probes.push((at, prober));
                }
            }
            Observation::Suspected {
                suspector: Suspector::Member { node, .. },
                instance,
            } => {
                self.held.push((node, instance));
                match self.crash(instance.0).filter(|c| c.back_at.is_none()) {
                    Some(crash) => crash.known.push((at, node)),
                    None => self.mistake_count += 1,
                }
            }
            Observation::Trusted {
                suspector: Suspector::Member { node, .. },
                instance,
            } => {
                let place = self.held.iter().position(|held| *held == (node, instance));
                self.held
                    .swap_remove(place.expect("only who suspects can trust"));
                if let Some(crash) = self.crash(instance.0).filter(|c| c.back_at.is_some()) {
                    crash.trusted.push((at, node));
                }
            }
            Observation::ControlSized {
                kind, byte_count, ..
            } => {
                let sent = self.sent.entry(name(kind)).or_default();
                *sent = (sent.0 + 1, sent.1 + byte_count);
            }
            _ => {}
        }
    }
}

fn name(kind: ControlKind) -> &'static str {
    match kind {
        ControlKind::GossipPing => "gossip_ping",
        ControlKind::GossipAck => "gossip_ack",
        ControlKind::GossipPingRequest => "gossip_ping_request",
        ControlKind::GossipUpdate => "gossip_update",
        ControlKind::GossipSync => "gossip_sync",
        other => panic!("{other:?} is no message of a cluster"),
    }
}
