//! What Envoy's hashing balancers have in common: looking again, and bounded loads.

use rand_mt::Mt;

use super::is_untried;
use crate::hash::bounded_load::envoy_slots;
use crate::id::InstanceId;
use crate::model::balancer::PickContext;
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::keyed::EnvoyHashConfig;

/// Chooses a host for a hash, and chooses again when the host was tried; the last choice stands.
pub(super) fn choose(
    config: EnvoyHashConfig,
    view: &ViewSnapshot,
    ctx: &PickContext<'_>,
    weight_sum: f64,
    hash: u64,
    host: impl Fn(u32) -> InstanceId,
) -> InstanceId {
    let choice = |attempt| {
        let instance = host(attempt);
        match config.balance_factor {
            Some(factor) => bounded(factor, view, ctx, weight_sum, hash, instance),
            None => instance,
        }
    };
    let last = config.host_selection_retry_max_attempts;
    let mut choices = (0..last).map(choice);
    let found = choices.find(|instance| is_untried(*instance, ctx.tried));
    found.unwrap_or_else(|| choice(last))
}

/// `instance`, or, when it has more in flight than its slots, the first host of a shuffle by the
/// hash that has not; when all have, the least overloaded, the first of those.
fn bounded(
    factor: u32,
    view: &ViewSnapshot,
    ctx: &PickContext<'_>,
    weight_sum: f64,
    hash: u64,
    instance: InstanceId,
) -> InstanceId {
    let overload = |place: usize| {
        let member = &view.members[place];
        let slots = envoy_slots(factor, ctx.in_flight.total(), member.weight / weight_sum);
        f64::from(ctx.in_flight.count(member.instance)) / slots as f64
    };
    let own = view.position(instance).expect("the host is in the view");
    let mut least = (overload(own), own);
    if least.0 <= 1.0 {
        return instance;
    }
    let count = u32::try_from(view.members.len()).expect("instances fit in 32 bits");
    let mut order: Vec<u32> = (0..count).collect();
    let mut random = Mt::new(hash as u32);
    for index in 0..count {
        let other = index + below(&mut random, count - index);
        order.swap(index as usize, other as usize);
        let place = order[index as usize] as usize;
        if place == own {
            continue;
        }
        let factor = overload(place);
        if factor <= 1.0 {
            return view.members[place].instance;
        }
        if factor < least.0 {
            least = (factor, place);
        }
    }
    view.members[least.1].instance
}

/// A uniform number below `count`: the upper part of a word, drawn again when it is too large.
fn below(random: &mut Mt, count: u32) -> u32 {
    let width = (1u64 << 32) / u64::from(count);
    loop {
        let number = u64::from(random.next_u32()) / width;
        if number < u64::from(count) {
            return number as u32;
        }
    }
}
