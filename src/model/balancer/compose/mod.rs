//! Wrappers around strategies: a pipeline from the list of a caller to the instances, and their
//! weights, that a strategy picks from.
//!
//! List -> subset -> level (priority or backup) -> zone -> ejection -> weights (slow start) ->
//! strategy. Each wrapper is a small machine in a file of its own. The strategies inside hold
//! immutable lists that are shared by all callers with equal ones. There is one strategy for each
//! level, and in zone-aware routing one for each zone of the first level, as in Envoy.

mod envoy_outlier;
mod failure_accrual;
mod grpc_outlier;
mod health;
mod layout;
#[cfg(test)]
mod life_tests;
mod max_fails;
mod merge_window;
mod priority;
mod rates;
#[cfg(test)]
mod recorded_tests;
pub mod site;
mod slow_start;
mod subset;
#[cfg(test)]
mod tests;
mod zone;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::control::{ControlContext, Message, Needs};
use super::tables::Tables;
use super::{AttemptEnd, Balancer, PickContext, ViewUpdate, build};
use crate::id::{InstanceId, ZoneId};
use crate::model::view::{Member, ViewSnapshot};
use crate::rng::{Draw, UniformSource, mix};
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::balancer::wrappers::EjectionConfig;
use crate::time::SimTime;
pub use health::Change;
use health::Health;
use layout::{Layout, Seen};
use site::Seat;
use slow_start::SlowStart;
use subset::{Peer, subset};

/// Keeps the choices of the wrappers apart from those of the strategy inside.
const CHOICE_SALT: u64 = 0x7772_6170_7065_7273;

/// A strategy with wrappers around it.
///
/// What fails is taken from the lists of the strategies (Envoy, gRPC), or they pass it over
/// (nginx, Finagle), so that what they know of it is kept. There is no instance to pick where the
/// real system has none: nginx while all are off or tried, gRPC while all are ejected, Envoy where
/// a level without panic has no healthy one.
pub struct Composed {
    seat: Seat,
    peer: Peer,
    health: Health,
    slow_start: Option<SlowStart>,
    /// The list and the candidates as they came.
    given: Option<Seen>,
    has_new_list: bool,
    /// The members of the subset, each with the factor of its weight, of the list before.
    before: Option<Arc<ViewSnapshot>>,
    /// The processes of the list that began in this run.
    started: BTreeMap<InstanceId, SimTime>,
    layout: Option<Layout>,
    is_stale: bool,
    /// What the machine has changed and nobody has looked at.
    changes: Vec<Change>,
    /// What it leaves out, and which of its changes nobody was told of.
    left_out: BTreeSet<InstanceId>,
    untold: Vec<Change>,
    inners: BTreeMap<Place, Inner>,
    /// Which strategies picked an instance for the attempts in flight, where there are several.
    picked_by: BTreeMap<InstanceId, VecDeque<Place>>,
}

/// Where a strategy stands: its level, and its zone where zones count.
type Place = (u8, Option<ZoneId>);

struct Inner {
    strategy: Box<dyn Balancer>,
    view: Option<Arc<ViewSnapshot>>,
}

impl Composed {
    /// Nothing is known yet.
    pub fn new(mut seat: Seat) -> Self {
        let site = Arc::clone(&seat.site);
        let config = &site.config;
        let inner = || Inner {
            strategy: build_inner(&site.config.strategy, site.config.ejection),
            view: None,
        };
        let levels = (0..site.level_count).map(|level| (level, None));
        let zones = site.zones.iter().map(|zone| (0, Some(*zone)));
        let zones = zones.filter(|_| config.zone_aware.is_some());
        let inners = levels.chain(zones).map(|place| (place, inner())).collect();
        let peer = Peer {
            index: seat.index,
            count: site.caller_count,
            seed: seat.draw.next_u64(),
        };
        let own = Draw::new(seat.draw.next_u64());
        Composed {
            peer,
            health: Health::new(config.ejection, !config.backup.is_empty(), own),
            slow_start: config.slow_start.map(SlowStart::new),
            given: None,
            has_new_list: false,
            before: None,
            started: BTreeMap::new(),
            layout: None,
            is_stale: true,
            changes: Vec::new(),
            left_out: BTreeSet::new(),
            untold: Vec::new(),
            inners,
            picked_by: BTreeMap::new(),
            seat,
        }
    }

    /// Brings everything up to date that follows from the time and from the list.
    fn settle(&mut self, now: SimTime, tables: &mut Tables) {
        let change_count = self.changes.len();
        self.health.advance(now, &mut self.changes);
        self.is_stale |= change_count < self.changes.len();
        let slow_start = self.slow_start.as_ref().and_then(SlowStart::due_at);
        self.is_stale |= slow_start.is_some_and(|at| at <= now);
        // What is passed over comes back with the time alone; levels count it.
        self.is_stale |= self.health.is_passed_over()
            && self.seat.site.priority().is_some()
            && self.health.has_unusable();
        if std::mem::take(&mut self.has_new_list) {
            self.take_list(now, tables);
        } else if self.is_stale {
            self.lay_out(now, tables);
        }
    }

    fn take_list(&mut self, now: SimTime, tables: &mut Tables) {
        let Some(given) = self.given.clone() else {
            return;
        };
        let factors = self.factors(&given.listed, tables);
        let members = given.listed.members.iter().zip(&factors);
        let chosen = members.filter(|(_, factor)| factor.is_some());
        let chosen: Vec<Member> = chosen.map(|(member, _)| *member).collect();
        let seen = tables.views.intern(given.listed.service, chosen);
        self.health.on_view(now, &seen, &mut self.changes);
        self.absorb_changes();
        self.forget_gone(&given.listed, &seen);
        if let Some(slow_start) = &mut self.slow_start {
            let (before, started) = (self.before.as_deref(), &self.started);
            let started_at = |instance| started.get(&instance).copied();
            slow_start.on_candidates(now, before, &given.candidates, started_at);
            self.before = Some(Arc::clone(&given.candidates));
        }
        self.lay_out(now, tables);
    }

    /// Takes note of what the machine has changed.
    fn absorb_changes(&mut self) {
        for change in self.changes.drain(..) {
            let is_new = match change.is_ejected {
                true => self.left_out.insert(change.instance),
                false => self.left_out.remove(&change.instance),
            };
            if is_new {
                self.untold.push(change);
            }
        }
    }

    /// What is no longer seen is no longer left out, either. Of what is no longer listed nothing
    /// is told.
    fn forget_gone(&mut self, listed: &ViewSnapshot, seen: &ViewSnapshot) {
        let is_in = |view: &ViewSnapshot, instance| view.position(instance).is_some();
        self.untold.retain(|change| is_in(listed, change.instance));
        let left_out = self.left_out.iter().copied();
        let gone: Vec<InstanceId> = left_out.filter(|i| !is_in(seen, *i)).collect();
        for instance in gone {
            self.left_out.remove(&instance);
            if is_in(listed, instance) {
                self.untold.push(Change {
                    instance,
                    is_ejected: false,
                });
            }
        }
    }

    /// The factor of the weight of each member of a list; None for those that are not seen.
    fn factors(&self, list: &ViewSnapshot, tables: &Tables) -> Vec<Option<f64>> {
        let Some(config) = self.seat.site.config.subset else {
            return vec![Some(1.0); list.members.len()];
        };
        let name = |member: &Member| tables.name(member.instance);
        let names: Vec<u64> = list.members.iter().map(name).collect();
        let mut factors = vec![None; names.len()];
        for (place, factor) in subset(config, self.peer, &names) {
            factors[place] = Some(factor);
        }
        factors
    }

    /// Works out the lists of the strategies again, and hands them those that changed.
    fn lay_out(&mut self, now: SimTime, tables: &mut Tables) {
        let Some(given) = &self.given else { return };
        if let Some(slow_start) = &mut self.slow_start {
            slow_start.refresh(now);
        }
        let site = Arc::clone(&self.seat.site);
        let seen = if site.config.subset.is_none() && self.slow_start.is_none() {
            given.clone()
        } else {
            self.narrowed(now, given, tables)
        };
        let health = (now, &self.health);
        let layout = Layout::new(&site, self.seat.zone, &seen, health, &mut tables.views);
        for (level, of_level) in (0..).zip(&layout.levels) {
            let is_in_panic = layout.loads.is_in_panic.get(usize::from(level));
            let view = match is_in_panic {
                Some(true) => &of_level.all,
                _ => &of_level.usable,
            };
            self.tell_view((level, None), view);
        }
        for (zone, view) in &layout.zones {
            self.tell_view((0, Some(*zone)), view);
        }
        self.layout = Some(layout);
        self.is_stale = false;
    }

    /// What the caller knows, narrowed to its subset and with the weights that hold.
    fn narrowed(&self, now: SimTime, given: &Seen, tables: &mut Tables) -> Seen {
        let factors = self.factors(&given.listed, tables);
        let weighted = |(member, factor): (&Member, &Option<f64>)| {
            let slow = self.slow_start.as_ref();
            let slow = slow.map_or(1.0, |slow| slow.factor(now, member.instance));
            factor.map(|factor| Member {
                weight: member.weight * factor * slow,
                ..*member
            })
        };
        let members = given.listed.members.iter().zip(&factors);
        let members: Vec<Member> = members.filter_map(weighted).collect();
        let candidates = members.iter().copied();
        let is_candidate = |m: &Member| given.candidates.position(m.instance).is_some();
        let candidates = candidates.filter(is_candidate).collect();
        let service = given.listed.service;
        Seen {
            listed: tables.views.intern(service, members),
            candidates: tables.views.intern(service, candidates),
        }
    }

    fn tell_view(&mut self, place: Place, view: &Arc<ViewSnapshot>) {
        let Some(inner) = self.inners.get_mut(&place) else {
            return;
        };
        if inner
            .view
            .as_ref()
            .is_none_or(|old| !Arc::ptr_eq(old, view))
        {
            inner.view = Some(Arc::clone(view));
            inner.strategy.on_view(view);
        }
    }

    /// The strategy that picks, by Envoy's levels and zones. None where no instance is left.
    fn envoy_place(&self, layout: &Layout, ctx: &PickContext<'_>) -> Option<Place> {
        let site = &self.seat.site;
        let mut draw = choices(ctx);
        let word = match site.config.strategy.is_by_key() {
            true => mix(ctx.key),
            false => draw.next_u64(),
        };
        let level = layout.loads.level(word);
        let place = (level as u8, None);
        if layout.loads.is_in_panic[level] {
            let fails = site
                .priority()
                .is_some_and(|priority| priority.fails_on_panic);
            return (!fails).then_some(place);
        }
        let Some(zone_aware) = site.config.zone_aware.filter(|_| level == 0) else {
            return Some(place);
        };
        if zone_aware.routing_enabled_percent <= draw.below(100) {
            return Some(place);
        }
        Some((0, layout.routing.zone(self.seat.zone, &mut draw)))
    }

    /// The first level that has an instance which is usable and not tried, or at least one that is
    /// usable.
    fn first_place(&self, layout: &Layout, ctx: &PickContext<'_>) -> Option<Place> {
        let is_usable = |member: &Member| self.health.is_usable(ctx.now, member.instance);
        let is_fresh = |m: &Member| is_usable(m) && !ctx.tried.contains(&m.instance);
        let first = |is_meant: &dyn Fn(&Member) -> bool| {
            let mut levels = (0..).zip(&layout.levels);
            levels.find(|(_, level)| level.usable.members.iter().any(is_meant))
        };
        let found = match self.health {
            // There is no second try at an instance, and none at one that is off.
            Health::MaxFails(_) => first(&is_fresh),
            // Where everything is dead it picks among all.
            Health::Accrual(_) => first(&is_fresh).or(first(&is_usable)).or(first(&|_| true)),
            Health::None | Health::Envoy(_) | Health::Grpc(_) => {
                first(&is_fresh).or(first(&is_usable))
            }
        };
        found.map(|(level, _)| (level, None))
    }

    /// The instances that a strategy should pass over: what is off and what was tried, or only what
    /// is off where that leaves none.
    fn avoided(&self, place: Place, ctx: &PickContext<'_>) -> Option<Vec<InstanceId>> {
        if !self.health.is_passed_over() || !self.health.has_unusable() {
            return None;
        }
        let view = self.inners.get(&place)?.view.as_ref()?;
        let members = view.members.iter().map(|member| member.instance);
        let is_off = |instance: &InstanceId| !self.health.is_usable(ctx.now, *instance);
        let off: Vec<InstanceId> = members.filter(is_off).collect();
        if off.len() == view.members.len() {
            return None;
        }
        let mut both = [&off[..], ctx.tried].concat();
        both.sort_unstable();
        both.dedup();
        let is_left = |member: &Member| both.binary_search(&member.instance).is_err();
        Some(match view.members.iter().any(is_left) {
            true => both,
            false => off,
        })
    }
}

impl Balancer for Composed {
    fn needs(&self) -> Needs {
        let own = Needs {
            orders: matches!(self.health, Health::Envoy(_) | Health::Grpc(_)),
            ..Needs::default()
        };
        let inners = self.inners.values().map(|inner| inner.strategy.needs());
        inners.fold(own, Needs::and)
    }

    fn on_start(&mut self, ctx: &mut ControlContext<'_>) {
        for inner in self.inners.values_mut() {
            inner.strategy.on_start(ctx);
        }
        if let Some(at) = self.health.due_at() {
            ctx.orders.wake_at(at);
        }
    }

    fn on_timer(&mut self, ctx: &mut ControlContext<'_>) {
        let change_count = self.changes.len();
        self.health.advance(ctx.now, &mut self.changes);
        self.is_stale |= change_count < self.changes.len();
        for inner in self.inners.values_mut() {
            inner.strategy.on_timer(ctx);
        }
        if let Some(at) = self.health.due_at() {
            ctx.orders.wake_at(at);
        }
    }

    fn on_message(&mut self, ctx: &mut ControlContext<'_>, from: InstanceId, message: &Message) {
        for inner in self.inners.values_mut() {
            let view = inner.view.as_ref();
            if view.is_some_and(|view| view.position(from).is_some()) {
                inner.strategy.on_message(ctx, from, message);
            }
        }
    }

    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.has_new_list = true;
        self.given = Some(Seen {
            listed: Arc::clone(view),
            candidates: Arc::clone(view),
        });
    }

    fn on_update(&mut self, update: &mut ViewUpdate<'_>) {
        self.has_new_list = true;
        self.given = Some(Seen {
            listed: Arc::clone(update.listed),
            candidates: Arc::clone(update.candidates),
        });
        self.started.clear();
        if self.slow_start.is_some() {
            let members = update.candidates.members.iter();
            let started = members.filter_map(|member| {
                let at = update.started_at.get(member.instance.index())?.as_ref()?;
                Some((member.instance, *at))
            });
            self.started.extend(started);
        }
        self.settle(update.now, update.tables);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        self.settle(ctx.now, ctx.tables);
        let layout = self.layout.as_ref()?;
        let place = match self.seat.site.priority() {
            Some(_) => self.envoy_place(layout, ctx)?,
            None => self.first_place(layout, ctx)?,
        };
        let avoided = self.avoided(place, ctx);
        let inner = self.inners.get_mut(&place)?;
        let mut inner_ctx = PickContext {
            thread: ctx.thread,
            now: ctx.now,
            key: ctx.key,
            tried: avoided.as_deref().unwrap_or(ctx.tried),
            in_flight: ctx.in_flight,
            draw: ctx.draw,
            tables: ctx.tables,
            orders: ctx.orders,
            true_queues: ctx.true_queues,
        };
        let instance = inner.strategy.pick(&mut inner_ctx)?;
        self.health.on_picked(ctx.now, instance);
        if 1 < self.inners.len() {
            self.picked_by.entry(instance).or_default().push_back(place);
        }
        Some(instance)
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        let change_count = self.changes.len();
        self.health.advance(end.ended_at, &mut self.changes);
        self.health.on_outcome(end, &mut self.changes);
        self.is_stale |= change_count < self.changes.len();
        let place = match self.picked_by.get_mut(&end.instance) {
            None => (0, None),
            Some(places) => {
                let place = places.pop_front();
                if places.is_empty() {
                    self.picked_by.remove(&end.instance);
                }
                place.unwrap_or((0, None))
            }
        };
        if let Some(inner) = self.inners.get_mut(&place) {
            inner.strategy.on_outcome(end);
        }
    }

    fn on_disconnected(&mut self, instance: InstanceId, is_graceful: bool) {
        for inner in self.inners.values_mut() {
            inner.strategy.on_disconnected(instance, is_graceful);
        }
    }

    fn on_reconnected(&mut self, instance: InstanceId) {
        for inner in self.inners.values_mut() {
            inner.strategy.on_reconnected(instance);
        }
    }

    fn take_changes(&mut self, into: &mut Vec<Change>) {
        self.absorb_changes();
        into.append(&mut self.untold);
    }
}

/// Random numbers for what is chosen around the strategy.
fn choices(ctx: &PickContext<'_>) -> Draw {
    let mut draw = ctx.draw;
    Draw::new(mix(draw.next_u64() ^ CHOICE_SALT))
}

/// The strategy inside.
fn build_inner(config: &BalancerConfig, ejection: Option<EjectionConfig>) -> Box<dyn Balancer> {
    match ejection {
        Some(EjectionConfig::NginxMaxFails(max_fails)) => build(&max_fails.strategy(config)),
        _ => build(config),
    }
}
