//! Rings and sums that depend only on the candidates, built once for all calling sides that hold
//! equal candidates and dropped with the last of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use super::weighted::tables::WeightTables;
use crate::hash::ring::{Ring, RingEntry, point_count};
use crate::id::InstanceId;
use crate::model::registry::views::Views;
use crate::model::view::{Member, ViewSnapshot};

/// What a ring is made from, besides the candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RingConfig {
    /// Points of an instance of weight 1.
    pub virtual_node_count: u32,
    /// Seed of the hash function.
    pub hash_seed: u64,
}

/// The tables that are in use.
#[derive(Debug, Default)]
pub struct Tables {
    /// The lists that are in use.
    pub views: Views,
    /// Names of the instances, by which their points are hashed.
    names: Vec<u64>,
    rings: BTreeMap<(u64, RingConfig), Weak<Ring>>,
    weight_sums: BTreeMap<u64, Weak<[f64]>>,
    /// Made from weights alone.
    pub weighted: WeightTables,
    /// The newest ring of each configuration, from which the next one is derived.
    newest: BTreeMap<RingConfig, (Arc<ViewSnapshot>, Arc<Ring>)>,
}

impl Tables {
    /// `names[i]` is the hash of the path of instance `i`.
    pub fn new(names: Vec<u64>) -> Self {
        Tables {
            names,
            ..Tables::default()
        }
    }

    /// The hash of the path of an instance.
    pub fn name(&self, instance: InstanceId) -> u64 {
        self.names[instance.index()]
    }

    /// The ring of a view.
    pub fn ring(&mut self, view: &Arc<ViewSnapshot>, config: RingConfig) -> Arc<Ring> {
        if let Some(ring) = self
            .rings
            .get(&(view.content_id, config))
            .and_then(Weak::upgrade)
        {
            return ring;
        }
        self.rings.retain(|_, ring| ring.strong_count() > 0);
        let ring = Arc::new(self.derive_ring(view, config));
        self.rings
            .insert((view.content_id, config), Arc::downgrade(&ring));
        self.newest
            .insert(config, (Arc::clone(view), Arc::clone(&ring)));
        ring
    }

    /// Makes a ring from the newest one, without what left and with what came. The points of an
    /// instance depend on its name and weight alone, so that gives the ring built from nothing.
    fn derive_ring(&self, view: &ViewSnapshot, config: RingConfig) -> Ring {
        let newest = self
            .newest
            .get(&config)
            .filter(|(old, _)| old.service == view.service);
        let Some((old, ring)) = newest else {
            return Ring::build(self.entries(view.members.iter(), config), config.hash_seed);
        };
        let left: Vec<u32> = missing(&old.members, view)
            .map(|member| member.instance.0)
            .collect();
        let kept = if left.is_empty() {
            Arc::clone(ring)
        } else {
            Arc::new(ring.without(&left))
        };
        let came: Vec<&Member> = missing(&view.members, old).collect();
        kept.with(self.entries(came.into_iter(), config))
    }

    fn entries<'a>(
        &'a self,
        members: impl Iterator<Item = &'a Member> + 'a,
        config: RingConfig,
    ) -> impl Iterator<Item = RingEntry> + 'a {
        members.map(move |member| RingEntry {
            owner: member.instance.0,
            name: self.names[member.instance.index()],
            point_count: point_count(config.virtual_node_count, member.weight),
        })
    }

    /// Running sums of the weights of a view's members.
    pub fn weight_sums(&mut self, view: &Arc<ViewSnapshot>) -> Arc<[f64]> {
        if let Some(sums) = self
            .weight_sums
            .get(&view.content_id)
            .and_then(Weak::upgrade)
        {
            return sums;
        }
        self.weight_sums.retain(|_, sums| sums.strong_count() > 0);
        let mut sum = 0.0;
        let sums: Arc<[f64]> = view
            .members
            .iter()
            .map(|member| {
                sum += member.weight;
                sum
            })
            .collect();
        self.weight_sums
            .insert(view.content_id, Arc::downgrade(&sums));
        sums
    }
}

/// The members that `view` does not have, or has with another weight.
fn missing<'a>(
    members: &'a [Member],
    view: &'a ViewSnapshot,
) -> impl Iterator<Item = &'a Member> + 'a {
    members.iter().filter(|member| {
        let place = view.position(member.instance);
        place.is_none_or(|place| view.members[place].weight != member.weight)
    })
}
