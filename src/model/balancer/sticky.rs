use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::control::{ControlContext, Message, Needs};
use super::{AttemptEnd, Balancer, PickContext};
use crate::id::InstanceId;
use crate::model::view::ViewSnapshot;

/// Keeps a session key with its server until that server is no longer a candidate; another
/// strategy picks the server of a session that has none.
///
/// Source: textbook (session affinity). A retry that must avoid the session's server is picked by
/// the fallback and leaves the session where it is. At most `session_count_max` sessions are
/// remembered; the one that was made first is forgotten first. Cost per pick: O(log sessions).
pub struct Sticky {
    fallback: Box<dyn Balancer>,
    session_count_max: u32,
    view: Option<Arc<ViewSnapshot>>,
    sessions: BTreeMap<u64, InstanceId>,
    /// Keys in the order in which their sessions were made.
    made: VecDeque<u64>,
}

impl Sticky {
    /// Remembers up to `session_count_max` sessions.
    pub fn new(fallback: Box<dyn Balancer>, session_count_max: u32) -> Self {
        Sticky {
            fallback,
            session_count_max,
            view: None,
            sessions: BTreeMap::new(),
            made: VecDeque::new(),
        }
    }

    fn remember(&mut self, key: u64, instance: InstanceId) {
        if self.sessions.insert(key, instance).is_none() {
            self.made.push_back(key);
        }
        if self.sessions.len() > self.session_count_max as usize
            && let Some(oldest) = self.made.pop_front()
        {
            self.sessions.remove(&oldest);
        }
    }
}

impl Balancer for Sticky {
    fn needs(&self) -> Needs {
        self.fallback.needs()
    }

    fn on_start(&mut self, ctx: &mut ControlContext<'_>) {
        self.fallback.on_start(ctx);
    }

    fn on_timer(&mut self, ctx: &mut ControlContext<'_>) {
        self.fallback.on_timer(ctx);
    }

    fn on_message(&mut self, ctx: &mut ControlContext<'_>, from: InstanceId, message: &Message) {
        self.fallback.on_message(ctx, from, message);
    }

    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
        self.fallback.on_view(view);
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        let own = self.sessions.get(&ctx.key).copied();
        let own = own.filter(|instance| view.position(*instance).is_some());
        match own {
            Some(instance) if !ctx.tried.contains(&instance) => Some(instance),
            Some(_) => self.fallback.pick(ctx),
            None => {
                let instance = self.fallback.pick(ctx)?;
                self.remember(ctx.key, instance);
                Some(instance)
            }
        }
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        self.fallback.on_outcome(end);
    }

    fn on_disconnected(&mut self, instance: InstanceId, is_graceful: bool) {
        self.fallback.on_disconnected(instance, is_graceful);
    }

    fn on_reconnected(&mut self, instance: InstanceId) {
        self.fallback.on_reconnected(instance);
    }
}
