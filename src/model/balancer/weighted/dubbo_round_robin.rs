use std::collections::BTreeMap;
use std::sync::Arc;

use super::dubbo_weight::weight_at;
use super::first_seen::FirstSeen;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::weighted::DubboWeight;
use crate::time::{SimDuration, SimTime};

/// What was not picked over for longer than this is forgotten.
const RECYCLE_PERIOD: SimDuration = SimDuration::from_secs(60);

/// `roundrobin` of Dubbo: smooth weighted round robin in which a change of weight sets the current
/// weight to 0.
///
/// Source: Dubbo 3.2, `RoundRobinLoadBalance`. So each step of a warm-up takes a provider's turn
/// away. Ties go to the first in order of path. A tried provider takes no part. One that left keeps
/// its current weight for 60 s of picks. Cost per pick: O(n), as in Dubbo.
#[derive(Debug)]
pub struct DubboRoundRobin {
    weight: DubboWeight,
    seen: FirstSeen,
    view: Option<Arc<ViewSnapshot>>,
    /// One for each member of the view.
    turns: Vec<Turn>,
    gone: BTreeMap<InstanceId, Turn>,
}

/// A provider's turn; weight 0 before its first pick.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    weight: u64,
    current: i64,
    updated_at: SimTime,
}

impl DubboRoundRobin {
    /// With all current weights at 0.
    pub fn new(weight: DubboWeight) -> Self {
        DubboRoundRobin {
            weight,
            seen: FirstSeen::default(),
            view: None,
            turns: Vec::new(),
            gone: BTreeMap::new(),
        }
    }
}

impl Balancer for DubboRoundRobin {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        let old = self.view.replace(Arc::clone(view));
        self.seen.on_view(old.as_deref(), view);
        let olds = old.iter().flat_map(|old| &old.members).zip(&self.turns);
        for (member, turn) in olds.filter(|(_, turn)| turn.weight != 0) {
            self.gone.insert(member.instance, *turn);
        }
        let gone = &mut self.gone;
        let turn_of = |member: &crate::model::view::Member| gone.remove(&member.instance);
        let turns = view.members.iter().map(turn_of);
        self.turns = turns.map(Option::unwrap_or_default).collect();
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        self.seen.on_pick(ctx.now);
        let eligible = Eligible::new(view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let mut total = 0;
        let mut best: Option<usize> = None;
        for rank in 0..eligible.count() {
            let place = eligible.place(rank);
            let weight = weight_at(self.weight, &view.members[place], &self.seen, ctx.now);
            let turn = &mut self.turns[place];
            if turn.weight != weight {
                (turn.weight, turn.current) = (weight, 0);
            }
            turn.current += weight as i64;
            turn.updated_at = ctx.now;
            total += weight as i64;
            let current = turn.current;
            if best.is_none_or(|best| self.turns[best].current < current) {
                best = Some(place);
            }
        }
        self.gone
            .retain(|_, turn| ctx.now.since(turn.updated_at) <= RECYCLE_PERIOD);
        let best = best.expect("there is a candidate");
        self.turns[best].current -= total;
        Some(view.members[best].instance)
    }
}
