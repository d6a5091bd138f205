use std::collections::VecDeque;
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
/// Weights are ignored, but for 0, which drains. Cost per pick: O(1), O(idle) for a retry; per
/// notice: O(idle).
#[derive(Debug, Default)]
pub struct JoinIdleQueue {
    view: Option<Arc<ViewSnapshot>>,
    /// Instances that said that they idle, the first one first.
    idle: VecDeque<InstanceId>,
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
            .retain(|instance| view.position(*instance).is_some());
        self.view = Some(Arc::clone(view));
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let untried = |instance: &InstanceId| ctx.tried.binary_search(instance).is_err();
        if let Some(place) = self.idle.iter().position(untried) {
            return self.idle.remove(place);
        }
        let eligible = Eligible::new(self.view.as_ref()?, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let picked = eligible.member(ctx.draw.below(eligible.count())).instance;
        self.idle.retain(|instance| *instance != picked);
        Some(picked)
    }

    fn on_message(&mut self, _ctx: &mut ControlContext<'_>, from: InstanceId, message: &Message) {
        let view = self.view.as_ref();
        let is_candidate = view.is_some_and(|view| view.position(from).is_some());
        if *message == Message::Idle && is_candidate && !self.idle.contains(&from) {
            self.idle.push_back(from);
        }
    }
}
