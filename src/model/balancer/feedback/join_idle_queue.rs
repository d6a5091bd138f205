use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::InstanceId;
use crate::model::balancer::control::{ControlContext, Message, Needs};
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::rng::UniformSource;

/// Picks the instance that was the first to say that it has nothing left to do; where none has
/// said so, a random one.
///
/// Source: Lu, Xie, Kliot, Geller, Larus, Greenberg, "Join-Idle-Queue", Performance Evaluation 68
/// (2011), with random choice at both ends. An instance that comes to have nothing to do tells
/// one caller, drawn at random among all that balance by this strategy, dead ones too: it does
/// not know. It takes nothing back, so a notice can be stale: another caller may have sent it
/// work since, or it died. An entry leaves with its pick, or when its instance leaves the
/// candidates; a second notice of an instance in the queue changes nothing. An instance that
/// fails fast idles at once again and draws the load to itself. A retry passes over what it tried.
/// Weights are ignored, but for 0, which drains. Cost per pick and per notice: O(log idle).
#[derive(Debug, Default)]
pub struct JoinIdleQueue {
    view: Option<Arc<ViewSnapshot>>,
    /// Instances that said that they idle, by the number of their notice.
    idle: BTreeMap<u64, InstanceId>,
    /// Their numbers.
    numbers: BTreeMap<InstanceId, u64>,
    notice_count: u64,
}

impl JoinIdleQueue {
    fn remove(&mut self, instance: InstanceId) {
        if let Some(number) = self.numbers.remove(&instance) {
            self.idle.remove(&number);
        }
    }
}

impl Balancer for JoinIdleQueue {
    fn needs(&self) -> Needs {
        Needs {
            idle_notices: true,
            ..Needs::default()
        }
    }

    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.idle
            .retain(|_, instance| view.position(*instance).is_some());
        self.numbers
            .retain(|instance, _| view.position(*instance).is_some());
        self.view = Some(Arc::clone(view));
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let is_untried = |instance: &InstanceId| ctx.tried.binary_search(instance).is_err();
        if let Some(first) = self.idle.values().copied().find(is_untried) {
            self.remove(first);
            return Some(first);
        }
        let eligible = Eligible::new(self.view.as_ref()?, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let picked = eligible.member(ctx.draw.below(eligible.count())).instance;
        self.remove(picked);
        Some(picked)
    }

    fn on_message(&mut self, _ctx: &mut ControlContext<'_>, from: InstanceId, message: &Message) {
        let view = self.view.as_ref();
        let is_candidate = view.is_some_and(|view| view.position(from).is_some());
        if *message == Message::Idle && is_candidate && !self.numbers.contains_key(&from) {
            self.notice_count += 1;
            self.idle.insert(self.notice_count, from);
            self.numbers.insert(from, self.notice_count);
        }
    }
}
