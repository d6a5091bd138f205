use std::sync::Arc;

use super::{AttemptEnd, Balancer, Eligible, PickContext};
use crate::id::InstanceId;
use crate::model::observation::AttemptOutcome;
use crate::model::view::{Member, ViewSnapshot};
use crate::rng::UniformSource;

/// Stays with one candidate until the connection to it fails or ends, or it is no longer a
/// candidate; without connections, until an attempt is refused, reset or timed out.
///
/// Source: gRPC `pick_first` (gRFC A62 for `shuffle`). The first one is that of the first path; the
/// next one after a failure is the candidate after it, in a circle. With `shuffle` both are drawn
/// uniformly, after a failure among the others. After a graceful close it begins anew. A retry that
/// must avoid the one it has is picked the same way and leaves it where it is. Weights are
/// ignored, but for 0, which drains. Cost per pick: O(1), O(log n) with instances to avoid.
#[derive(Debug)]
pub struct PickFirst {
    shuffle: bool,
    /// Whether connections tell when to leave; otherwise attempts do.
    has_connections: bool,
    view: Option<Arc<ViewSnapshot>>,
    current: Option<InstanceId>,
    /// The one that failed last, until another one is picked.
    failed: Option<InstanceId>,
}

impl PickFirst {
    /// With nothing picked yet.
    pub fn new(shuffle: bool, has_connections: bool) -> Self {
        PickFirst {
            shuffle,
            has_connections,
            view: None,
            current: None,
            failed: None,
        }
    }

    fn choose(&self, view: &ViewSnapshot, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let mut avoided = ctx.tried.to_vec();
        if let Some(failed) = self.failed
            && let Err(place) = avoided.binary_search(&failed)
        {
            avoided.insert(place, failed);
        }
        // What the call avoids weighs more than what failed others.
        let is_left = |m: &Member| avoided.binary_search(&m.instance).is_err();
        let has_more = view.members.iter().any(is_left);
        let eligible = Eligible::new(view, if has_more { &avoided } else { ctx.tried });
        let count = eligible.count();
        if count == 0 {
            return None;
        }
        if self.shuffle {
            return Some(eligible.member(ctx.draw.below(count)).instance);
        }
        let after = |rank: &u32| {
            let failed = self.failed;
            failed.is_none_or(|failed| failed < eligible.member(*rank).instance)
        };
        let rank = (0..count).find(after).unwrap_or(0);
        Some(eligible.member(rank).instance)
    }
}

impl Balancer for PickFirst {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        let is_listed = |instance: &InstanceId| view.position(*instance).is_some();
        self.current = self.current.filter(is_listed);
        self.view = Some(Arc::clone(view));
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        if let Some(current) = self.current
            && ctx.tried.binary_search(&current).is_err()
        {
            return Some(current);
        }
        let view = Arc::clone(self.view.as_ref()?);
        let instance = self.choose(&view, ctx)?;
        if self.current.is_none() {
            self.current = Some(instance);
            self.failed = None;
        }
        Some(instance)
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        let is_failure = match end.outcome {
            AttemptOutcome::Refused
            | AttemptOutcome::Reset
            | AttemptOutcome::ResetUnsent
            | AttemptOutcome::ConnectTimeout
            | AttemptOutcome::TimeoutSlow
            | AttemptOutcome::TimeoutBlackHole
            | AttemptOutcome::TimeoutHalfOpen => true,
            AttemptOutcome::Success
            | AttemptOutcome::Error
            | AttemptOutcome::Rejected
            | AttemptOutcome::Cancelled => false,
        };
        if is_failure && !self.has_connections {
            self.on_disconnected(end.instance, false);
        }
    }

    fn on_disconnected(&mut self, instance: InstanceId, is_graceful: bool) {
        if self.current == Some(instance) {
            self.current = None;
            self.failed = (!is_graceful).then_some(instance);
        }
    }
}
