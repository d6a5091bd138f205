use std::sync::Arc;

use super::{Balancer, Eligible, PickContext};
use crate::id::InstanceId;
use crate::model::view::ViewSnapshot;
use crate::rng::UniformSource;

/// Picks the candidates one after the other, in order of path, and begins again.
///
/// Source: textbook. The first pick of a caller is the first candidate, or one that is drawn. The
/// place survives a change of the candidates: the next pick is the first candidate after the last
/// one picked. Not so in gRPC, which makes a picker for its connected candidates whenever one of
/// them comes, goes or fails to connect, and draws where that picker begins (grpc-core,
/// `round_robin.cc`; why: grpc-go issue 2580).
/// Weights are ignored, but for 0, which drains. Cost per pick: O(1), O(log n) after a change.
#[derive(Debug)]
pub struct RoundRobin {
    /// Whether the next pick is to be drawn.
    is_to_be_drawn: bool,
    /// Whether it is again after every change.
    random_restart: bool,
    view: Option<Arc<ViewSnapshot>>,
    /// Place of the next pick in the view.
    next: usize,
}

impl RoundRobin {
    /// Begins with the first candidate, or with one that is drawn, after every change too if
    /// `random_restart`.
    pub fn new(random_start: bool, random_restart: bool) -> Self {
        RoundRobin {
            is_to_be_drawn: random_start,
            random_restart,
            view: None,
            next: 0,
        }
    }

    fn restart(&mut self) {
        self.is_to_be_drawn |= self.random_restart;
    }
}

impl Balancer for RoundRobin {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        let next_instance = self
            .view
            .as_ref()
            .and_then(|old| old.members.get(self.next))
            .map(|m| m.instance);
        self.next = match next_instance {
            Some(instance) => view.members.partition_point(|m| m.instance < instance),
            None => 0,
        };
        let is_kept = |old: &Arc<ViewSnapshot>| old.content_id == view.content_id;
        if !self.view.as_ref().is_some_and(is_kept) {
            self.restart();
        }
        self.view = Some(Arc::clone(view));
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        let count = view.members.len();
        let eligible = Eligible::new(view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        if self.is_to_be_drawn {
            self.is_to_be_drawn = false;
            self.next = eligible.place(ctx.draw.below(eligible.count()));
        }
        let mut place = self.next % count;
        while eligible.avoids(place) {
            place = (place + 1) % count;
        }
        self.next = (place + 1) % count;
        Some(view.members[place].instance)
    }

    fn on_disconnected(&mut self, _instance: InstanceId, _is_graceful: bool) {
        self.restart();
    }

    fn on_reconnected(&mut self, _instance: InstanceId) {
        self.restart();
    }
}
