//! Rings and sums that depend only on the candidates, built once for all calling sides that hold
//! equal candidates and dropped with the last of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::hash::ring::Ring;
use crate::model::view::ViewSnapshot;

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
    /// Names of the instances, by which their points are hashed.
    names: Vec<u64>,
    rings: BTreeMap<(u64, RingConfig), Weak<Ring>>,
    weight_sums: BTreeMap<u64, Weak<[f64]>>,
    /// The newest ring of each configuration, from which the next one is derived.
    newest: BTreeMap<RingConfig, (Arc<ViewSnapshot>, Arc<Ring>)>,
}

impl Tables {
    /// `names[i]` is the hash of the path of instance `i`.
    pub fn new(names: Vec<u64>) -> Self {
        Tables { names, ..Tables::default() }
    }

    /// The ring of a view.
    pub fn ring(&mut self, view: &Arc<ViewSnapshot>, config: RingConfig) -> Arc<Ring> {
        if let Some(ring) = self.rings.get(&(view.content_id, config)).and_then(Weak::upgrade) {
            return ring;
        }
        self.rings.retain(|_, ring| ring.strong_count() > 0);
        let ring = Arc::new(self.build_ring(view, config));
        self.rings.insert((view.content_id, config), Arc::downgrade(&ring));
        ring
    }

    fn build_ring(&self, view: &ViewSnapshot, config: RingConfig) -> Ring {
        todo!()
    }

    /// Running sums of the weights of a view's members.
    pub fn weight_sums(&mut self, view: &Arc<ViewSnapshot>) -> Arc<[f64]> {
        if let Some(sums) = self.weight_sums.get(&view.content_id).and_then(Weak::upgrade) {
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
        self.weight_sums.insert(view.content_id, Arc::downgrade(&sums));
        sums
    }
}
