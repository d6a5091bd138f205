//! Faults of links: on which links they are, which messages they hit, and when.

use super::fault_plan::PlannedWindow;
use super::loss::LossProcess;
use super::network::MessageKey;
use super::observation::Observer;
use super::sampler::Sampler;
use super::target::{NodeSet, Targets, ZoneMeaning};
use super::world::World;
use crate::engine::PendingSet;
use crate::id::{ClassId, FaultId, NodeId};
use crate::rng::path_hash;
use crate::scenario::fault::{FaultKind, FaultScope, Traffic};
use crate::scenario::selector::Selector;
use crate::time::SimTime;

/// What a fault does to links.
#[derive(Debug)]
pub enum LinkEffect {
    /// Messages are also lost by this process.
    Loss(LossProcess),
    /// Messages also take a draw of this law.
    Delay(Sampler),
    /// Nothing passes.
    Partition,
    /// Messages are held until the end.
    Clog,
}

/// A fault that acts on links.
#[derive(Debug)]
pub struct LinkFault {
    /// The fault.
    pub fault: FaultId,
    /// Hash of its path, which names its draws.
    pub path_hash: u64,
    /// The sending side.
    pub from: NodeSet,
    /// The receiving side.
    pub to: NodeSet,
    /// Both directions.
    pub is_symmetric: bool,
    /// When it ends.
    pub until: SimTime,
    /// What it does.
    pub effect: LinkEffect,
    /// The class whose messages it hits; None: all messages.
    pub class: Option<ClassId>,
    /// The only messages that it hits; None: all.
    pub only: Option<Traffic>,
}

impl LinkFault {
    /// Whether it hits such a message.
    pub fn hits(&self, key: MessageKey) -> bool {
        self.class.is_none_or(|hit| hit == key.class)
            && (self.only.is_none() || self.only == key.traffic)
    }

    /// Whether it is on the way from one node to another.
    pub fn covers(&self, from: NodeId, to: NodeId) -> bool {
        let is_there = self.from.has(from) && self.to.has(to);
        let is_back = self.from.has(to) && self.to.has(from);
        match self.effect {
            // Nodes that are on both sides are not cut off from each other.
            LinkEffect::Partition | LinkEffect::Clog => {
                is_there != is_back && (is_there || self.is_symmetric)
            }
            LinkEffect::Loss(_) | LinkEffect::Delay(_) => {
                is_there || (self.is_symmetric && is_back)
            }
        }
    }
}

/// The nodes on the two sides of a set of links: a zone means everything in it, and the agent of a
/// host is where its host is.
pub(super) fn link_sides(
    targets: &Targets,
    (from, to): (&Selector, &Selector),
    salt: u64,
) -> (NodeSet, NodeSet) {
    let everything = ZoneMeaning {
        has_callers: true,
        has_registry: true,
    };
    let side = |selector: &Selector| {
        let mut nodes = targets.resolve(selector, everything, salt);
        targets.add_agents(&mut nodes);
        nodes.into_iter().collect()
    };
    (side(from), side(to))
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    pub(super) fn change_links(&mut self, window: &PlannedWindow, is_start: bool) {
        let now = self.now();
        if !is_start {
            let is_over = |fault: &LinkFault| fault.fault == window.fault && fault.until <= now;
            self.network.faults.retain(|fault| !is_over(fault));
            return;
        }
        let scenario = self.scenario;
        let config = &scenario.faults[window.fault.index()];
        let FaultScope::Links {
            from,
            to,
            is_symmetric,
        } = &config.scope
        else {
            unreachable!("a fault of links names links");
        };
        let path = format!("fault.{}/{}", config.name, window.number);
        let salt = path_hash(&path);
        let sides = (from, to);
        let (from, to) = link_sides(&self.targets(), sides, salt);
        let effect = match &config.kind {
            FaultKind::Loss { loss } => LinkEffect::Loss(self.network.add_loss(loss, &path)),
            FaultKind::Delay { delay } => LinkEffect::Delay(Sampler::new(delay)),
            FaultKind::Partition => LinkEffect::Partition,
            FaultKind::Clog => LinkEffect::Clog,
            kind => unreachable!("{} is no fault of links", kind.name()),
        };
        let (fault, until) = (window.fault, window.end);
        let is_symmetric = *is_symmetric;
        self.network.faults.push_back(LinkFault {
            fault,
            path_hash: path_hash(&format!("fault.{}", config.name)),
            from,
            to,
            is_symmetric,
            until,
            effect,
            class: config.class,
            only: config.only,
        });
    }
}
