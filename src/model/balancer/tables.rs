//! Rings and tables that depend only on the candidates, built once for all calling sides that hold
//! equal candidates and dropped with the last of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use super::weighted::tables::WeightTables;
use crate::hash::Server;
use crate::hash::anchor::Anchored;
use crate::hash::ring::Ring;
use crate::hash::ring_rule::RingRule;
use crate::hash::slots::SlotRule;
use crate::hash::whole_weights::WholeWeights;
use crate::id::{InstanceId, ServiceId};
use crate::model::registry::views::Views;
use crate::model::view::{Member, ViewSnapshot};

/// What the instances of a group are called.
#[derive(Clone, Debug)]
pub struct GroupNames {
    /// The first instance of the group.
    pub first: InstanceId,
    /// The first instance of its service.
    pub service_first: InstanceId,
    /// The name of an instance without its number in the group: `web/a/`.
    pub prefix: String,
}

/// The tables that are in use.
#[derive(Debug, Default)]
pub struct Tables {
    /// The lists that are in use.
    pub views: Views,
    /// Hashes of the paths of the instances.
    name_hashes: Vec<u64>,
    /// Ascending by their first instances.
    groups: Vec<GroupNames>,
    rings: Shared<RingRule, Ring>,
    /// The newest ring of each rule, from which the next one is derived.
    newest: BTreeMap<(ServiceId, RingRule), (Arc<ViewSnapshot>, Arc<Ring>)>,
    slots: Shared<SlotRule, Vec<u32>>,
    whole_weights: Shared<(), WholeWeights>,
    weight_sums: Shared<(), [f64]>,
    /// Made from weights alone.
    pub weighted: WeightTables,
    anchors: Anchors,
}

/// Tables by the contents of a view and a rule.
#[derive(Debug)]
struct Shared<K, T: ?Sized>(BTreeMap<(u64, K), Weak<T>>);

impl<K, T: ?Sized> Default for Shared<K, T> {
    fn default() -> Self {
        Shared(BTreeMap::new())
    }
}

impl<K: Ord, T: ?Sized> Shared<K, T> {
    fn get(&self, view: &ViewSnapshot, rule: K) -> Option<Arc<T>> {
        self.0.get(&(view.content_id, rule)).and_then(Weak::upgrade)
    }

    fn keep(&mut self, view: &ViewSnapshot, rule: K, table: Arc<T>) -> Arc<T> {
        self.0.retain(|_, table| table.strong_count() > 0);
        let place = (view.content_id, rule);
        self.0.insert(place, Arc::downgrade(&table));
        table
    }
}

/// The buckets of one calling side after some history; sides with equal histories share them.
#[derive(Debug)]
pub struct AnchorTable {
    /// Unique for the history within a run.
    history: u64,
    /// The servers in their buckets.
    pub servers: Anchored,
}

/// Anchors by the history before, the contents of the view and the stated capacity.
#[derive(Debug, Default)]
struct Anchors {
    held: BTreeMap<(u64, u64, Option<u32>), Weak<AnchorTable>>,
    history_count: u64,
}

impl Tables {
    /// `name_hashes[i]` is the hash of the path of instance `i`, which is called `instance/i`.
    pub fn new(name_hashes: Vec<u64>) -> Self {
        let all = GroupNames {
            first: InstanceId(0),
            service_first: InstanceId(0),
            prefix: "instance/".to_string(),
        };
        Tables {
            name_hashes,
            groups: vec![all],
            ..Tables::default()
        }
    }

    /// With other names: `groups` ascend, and the first begins with instance 0.
    pub fn with_groups(self, groups: Vec<GroupNames>) -> Self {
        Tables { groups, ..self }
    }

    /// The hash of the path of an instance.
    #[inline]
    pub fn name(&self, instance: InstanceId) -> u64 {
        self.name_hashes[instance.index()]
    }

    /// The members of a view as hash structures see them, with their names if wanted.
    pub(super) fn servers(&self, view: &ViewSnapshot, has_names: bool) -> Vec<Server> {
        let of = |member: &Member| {
            let instance = member.instance;
            let after = self.groups.partition_point(|group| group.first <= instance);
            let group = &self.groups[after - 1];
            let in_group = instance.0 - group.first.0;
            Server {
                owner: instance.0,
                number: instance.0 - group.service_first.0 + 1,
                name: if has_names {
                    format!("{}{in_group}", group.prefix)
                } else {
                    String::new()
                },
                name_hash: self.name(instance),
                weight: member.weight,
            }
        };
        view.members.iter().map(of).collect()
    }

    /// The ring of a view.
    pub fn ring(&mut self, view: &Arc<ViewSnapshot>, rule: RingRule) -> Arc<Ring> {
        if let Some(ring) = self.rings.get(view, rule) {
            return ring;
        }
        let has_names = rule.hashes_names();
        let servers = self.servers(view, has_names);
        let ring = match self.newest.get(&(view.service, rule)) {
            Some((old, ring)) => rule.derive(ring, &self.servers(old, has_names), &servers),
            None => Arc::new(rule.build(&servers)),
        };
        let ring = self.rings.keep(view, rule, ring);
        let newest = (Arc::clone(view), Arc::clone(&ring));
        self.newest.insert((view.service, rule), newest);
        ring
    }

    /// The slots of a view, each with its owner.
    pub fn slots(&mut self, view: &ViewSnapshot, rule: SlotRule) -> Arc<Vec<u32>> {
        if let Some(slots) = self.slots.get(view, rule) {
            return slots;
        }
        let slots = rule.build(&self.servers(view, true));
        self.slots.keep(view, rule, Arc::new(slots))
    }

    /// The whole weights of a view's members.
    pub fn whole_weights(&mut self, view: &ViewSnapshot) -> Arc<WholeWeights> {
        if let Some(weights) = self.whole_weights.get(view, ()) {
            return weights;
        }
        let weights = WholeWeights::new(&self.servers(view, false));
        self.whole_weights.keep(view, (), Arc::new(weights))
    }

    /// Running sums of the weights of a view's members.
    pub fn weight_sums(&mut self, view: &ViewSnapshot) -> Arc<[f64]> {
        if let Some(sums) = self.weight_sums.get(view, ()) {
            return sums;
        }
        let mut sum = 0.0;
        let add = |member: &Member| {
            sum += member.weight;
            sum
        };
        let sums = view.members.iter().map(add).collect();
        self.weight_sums.keep(view, (), sums)
    }

    /// The anchors of a calling side that had `before` and now holds `view`, which has members.
    pub fn anchors(
        &mut self,
        before: Option<&AnchorTable>,
        view: &ViewSnapshot,
        capacity: Option<u32>,
    ) -> Arc<AnchorTable> {
        let history = before.map_or(0, |table| table.history);
        let place = (history, view.content_id, capacity);
        if let Some(table) = self.anchors.held.get(&place).and_then(Weak::upgrade) {
            return table;
        }
        let owners: Vec<u32> = view.members.iter().map(|m| m.instance.0).collect();
        let servers = match before {
            Some(table) => table.servers.changed(&owners),
            None => Anchored::new(&owners, capacity),
        };
        self.anchors.history_count += 1;
        let table = Arc::new(AnchorTable {
            history: self.anchors.history_count,
            servers,
        });
        self.anchors
            .held
            .retain(|_, table| table.strong_count() > 0);
        self.anchors.held.insert(place, Arc::downgrade(&table));
        table
    }
}
