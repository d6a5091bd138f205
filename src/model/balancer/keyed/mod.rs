//! Strategies by key: one file each. Keys that a strategy hashes as text are written in decimal
//! digits, names of instances as in reports: `web/a/3`.

mod anchor;
mod bounded_load;
mod dubbo_consistent_hash;
mod envoy;
mod envoy_ring_hash;
mod haproxy_balance_factor;
mod haproxy_consistent;
mod haproxy_map_based;
mod jump;
mod ketama;
mod maglev;
mod modulo;
mod multi_probe;
mod naive_ring;
mod nginx_hash;
mod nginx_hash_consistent;
mod nginx_ip_hash;
mod rendezvous;

use std::sync::Arc;

use super::tables::Tables;
use super::{Balancer, PickContext};
use crate::hash::key_hash;
use crate::hash::ring::Ring;
use crate::hash::ring_rule::RingRule;
use crate::id::InstanceId;
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::keyed::KeyedConfig;

/// A strategy by key.
pub fn build(config: &KeyedConfig) -> Box<dyn Balancer> {
    match *config {
        KeyedConfig::Modulo => Box::new(modulo::Modulo::default()),
        KeyedConfig::Ketama { is_rescaled } => Box::new(ketama::Ketama::new(is_rescaled)),
        KeyedConfig::NginxHash => Box::new(nginx_hash::NginxHash::default()),
        KeyedConfig::NginxHashConsistent => {
            Box::new(nginx_hash_consistent::NginxHashConsistent::new())
        }
        KeyedConfig::NginxIpHash => Box::new(nginx_ip_hash::NginxIpHash::default()),
        KeyedConfig::HaproxyConsistent => Box::new(haproxy_consistent::HaproxyConsistent::new()),
        KeyedConfig::HaproxyMapBased => Box::new(haproxy_map_based::HaproxyMapBased::default()),
        KeyedConfig::HaproxyBalanceFactor { factor } => {
            Box::new(haproxy_balance_factor::HaproxyBalanceFactor::new(factor))
        }
        KeyedConfig::EnvoyRingHash {
            point_count_min,
            point_count_max,
            envoy,
        } => Box::new(envoy_ring_hash::EnvoyRingHash::new(
            (point_count_min, point_count_max),
            envoy,
        )),
        KeyedConfig::Maglev { table_size, envoy } => {
            Box::new(maglev::Maglev::new(table_size, envoy))
        }
        KeyedConfig::Rendezvous => Box::new(rendezvous::Rendezvous::default()),
        KeyedConfig::Jump => Box::new(jump::Jump::default()),
        KeyedConfig::MultiProbe { probe_count } => {
            Box::new(multi_probe::MultiProbe::new(probe_count))
        }
        KeyedConfig::Anchor { capacity } => Box::new(anchor::AnchorHash::new(capacity)),
        KeyedConfig::BoundedLoad {
            virtual_node_count,
            hash,
            hash_seed,
            load_factor,
        } => Box::new(bounded_load::BoundedLoad::new(
            RingRule::Hashed {
                virtual_node_count,
                function: hash,
                seed: hash_seed,
            },
            load_factor,
        )),
        KeyedConfig::DubboConsistentHash { reselect_count } => Box::new(
            dubbo_consistent_hash::DubboConsistentHash::new(reselect_count),
        ),
        KeyedConfig::NaiveRing { hash, hash_seed } => {
            Box::new(naive_ring::NaiveRing::new(hash, hash_seed))
        }
    }
}

/// The view of a calling side and the table of its candidates, which is looked up at the first
/// pick.
#[derive(Debug)]
struct Held<T> {
    view: Option<Arc<ViewSnapshot>>,
    table: Option<Arc<T>>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Held {
            view: None,
            table: None,
        }
    }
}

impl<T> Held<T> {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
        self.table = None;
    }

    /// The view and its table; None without candidates.
    #[inline]
    fn get(
        &mut self,
        tables: &mut Tables,
        look_up: impl FnOnce(&mut Tables, &Arc<ViewSnapshot>) -> Arc<T>,
    ) -> Option<(&ViewSnapshot, &T)> {
        let view = self.view.as_ref().filter(|view| !view.members.is_empty())?;
        let table = self.table.get_or_insert_with(|| look_up(tables, view));
        Some((view, table))
    }
}

/// The sum of the weights of a view, by the table that callers share.
#[derive(Debug, Default)]
struct WeightSum(Option<Arc<[f64]>>);

impl WeightSum {
    #[inline]
    fn get(&mut self, tables: &mut Tables, view: &ViewSnapshot) -> f64 {
        let sums = self.0.get_or_insert_with(|| tables.weight_sums(view));
        sums.last().copied().unwrap_or(0.0)
    }
}

/// A ring that is looked up clockwise, or as its rule says, and walked on after a tried instance.
#[derive(Debug)]
pub(super) struct RingWalk {
    rule: RingRule,
    held: Held<Ring>,
}

impl RingWalk {
    /// Without candidates yet.
    pub(super) fn new(rule: RingRule) -> Self {
        RingWalk {
            rule,
            held: Held::default(),
        }
    }

    /// Takes over a new list of candidates.
    pub(super) fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.held.on_view(view);
    }

    /// The candidates; None where there are none.
    pub(super) fn view(&self) -> Option<&ViewSnapshot> {
        let view = self.held.view.as_deref()?;
        (!view.members.is_empty()).then_some(view)
    }

    /// The view, the ring and the place of the key on it; None without candidates.
    #[inline]
    fn find(&mut self, ctx: &mut PickContext<'_>) -> Option<(&ViewSnapshot, &Ring, usize)> {
        let hash = self.rule.key_hash(ctx.key);
        self.find_hash(ctx, hash)
    }

    #[inline]
    fn find_hash(
        &mut self,
        ctx: &mut PickContext<'_>,
        hash: u64,
    ) -> Option<(&ViewSnapshot, &Ring, usize)> {
        let rule = self.rule;
        let (view, ring) = self.held.get(ctx.tables, |t, view| t.ring(view, rule))?;
        let place = rule.place(ring, hash);
        Some((view, ring, place))
    }

    /// The owner of the key, or the next one that was not tried; the owner if all were.
    #[inline]
    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let hash = self.rule.key_hash(ctx.key);
        self.pick_hash(ctx, hash)
    }

    /// As `pick`, for a point of the ring.
    #[inline]
    pub(super) fn pick_hash(&mut self, ctx: &mut PickContext<'_>, hash: u64) -> Option<InstanceId> {
        let tried = ctx.tried;
        let (_, ring, place) = self.find_hash(ctx, hash)?;
        let first = ring.walk_from(place).next().map(InstanceId);
        if tried.is_empty() {
            return first;
        }
        ring.walk_from(place)
            .map(InstanceId)
            .find(|i| is_untried(*i, tried))
            .or(first)
    }
}

/// Whether the call has not tried an instance.
#[inline]
fn is_untried(instance: InstanceId, tried: &[InstanceId]) -> bool {
    tried.binary_search(&instance).is_err()
}

/// What to avoid: the tried instances, or nothing when all candidates are among them.
fn avoided<'a>(view: &ViewSnapshot, tried: &'a [InstanceId]) -> &'a [InstanceId] {
    let is_all = || view.members.iter().all(|m| !is_untried(m.instance, tried));
    if view.members.len() <= tried.len() && is_all() {
        &[]
    } else {
        tried
    }
}

/// Rehashes of a key before the next candidate in order of path is taken.
const REHASH_COUNT_MAX: u64 = 20;

/// The instance of a key, or, when it was tried, that of the key hashed anew, up to 20 times, and
/// then the next one in order of path. Structures of papers that say nothing about retries do so.
fn rehashed(
    view: &ViewSnapshot,
    ctx: &PickContext<'_>,
    owner: impl Fn(u64) -> InstanceId,
) -> InstanceId {
    let first = owner(ctx.key);
    let tried = avoided(view, ctx.tried);
    if is_untried(first, tried) {
        return first;
    }
    let others = (1..=REHASH_COUNT_MAX).map(|salt| owner(key_hash(ctx.key, salt)));
    let found = others.into_iter().find(|other| is_untried(*other, tried));
    found.unwrap_or_else(|| next_untried(view, first, tried))
}

/// The first member after `instance`, in a circle, that is not in `tried`, which leaves one.
fn next_untried(view: &ViewSnapshot, instance: InstanceId, tried: &[InstanceId]) -> InstanceId {
    let after = view.members.partition_point(|m| m.instance <= instance);
    let (before, from) = view.members.split_at(after);
    let mut circle = from.iter().chain(before).map(|member| member.instance);
    let found = circle.find(|other| is_untried(*other, tried));
    found.expect("one was not tried")
}

#[cfg(test)]
mod tests;
