//! Threads of one process that each pick with a strategy of their own.

use std::sync::Arc;

use super::control::{ControlContext, Message, Needs};
use super::{AttemptEnd, Balancer, PickContext, ViewUpdate};
use crate::id::InstanceId;
use crate::model::view::ViewSnapshot;

/// The worker threads of an Envoy: every attempt is picked by the strategy of the one that took its
/// request. What is known of hosts, and how many requests they have, is shared: views and ends of
/// attempts reach all threads.
pub struct PerThread {
    threads: Vec<Box<dyn Balancer>>,
}

impl PerThread {
    /// Those of one process.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn new(threads: Vec<Box<dyn Balancer>>) -> Self {
        assert!(!threads.is_empty(), "a process has a thread");
        PerThread { threads }
    }
}

impl Balancer for PerThread {
    fn needs(&self) -> Needs {
        self.threads[0].needs()
    }

    fn on_start(&mut self, ctx: &mut ControlContext<'_>) {
        self.threads
            .iter_mut()
            .for_each(|thread| thread.on_start(ctx));
    }

    fn on_timer(&mut self, ctx: &mut ControlContext<'_>) {
        self.threads
            .iter_mut()
            .for_each(|thread| thread.on_timer(ctx));
    }

    fn on_message(&mut self, ctx: &mut ControlContext<'_>, from: InstanceId, message: &Message) {
        for thread in &mut self.threads {
            thread.on_message(ctx, from, message);
        }
    }

    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.threads
            .iter_mut()
            .for_each(|thread| thread.on_view(view));
    }

    fn on_update(&mut self, update: &mut ViewUpdate<'_>) {
        self.threads
            .iter_mut()
            .for_each(|thread| thread.on_update(update));
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        self.threads[ctx.thread as usize].pick(ctx)
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        self.threads
            .iter_mut()
            .for_each(|thread| thread.on_outcome(end));
    }

    fn on_disconnected(&mut self, instance: InstanceId, is_graceful: bool) {
        for thread in &mut self.threads {
            thread.on_disconnected(instance, is_graceful);
        }
    }

    fn on_reconnected(&mut self, instance: InstanceId) {
        for thread in &mut self.threads {
            thread.on_reconnected(instance);
        }
    }
}
