use std::collections::BTreeSet;
use std::sync::Arc;

use super::effective::whole;
use crate::id::InstanceId;
use crate::model::balancer::{Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::weighted::HAPROXY_WEIGHTS;

/// Units of an effective weight in a weight.
const WEIGHT_SCALE: i64 = 16;
/// The largest effective weight.
const EFFECTIVE_MAX: i64 = 256 * WEIGHT_SCALE;
/// Weights are below this.
const WEIGHT_RANGE: i64 = 257;

/// `balance roundrobin` of HAProxy: fast weighted round robin (FWRR).
///
/// Source: HAProxy 2.6, `lb_fwrr.c`. Each server has a position in a window as long as the sum of
/// the weights, and moves on by that sum over its weight, with the rest carried over; servers that
/// were not picked in this window wait in order of weight and fill its gaps. Guarantee: shares by
/// weight. Ties go to the heavier, then to the one that was queued first. A newcomer begins late in
/// the window; a change of weight takes hold at the next pick. A tried server gives up its place
/// and regains it after the pick. Positions have 64 bits, so the real limit of 4095 servers does
/// not hold. Cost per pick: O(log n).
#[derive(Debug, Default)]
pub struct HaproxyRoundRobin {
    view: Option<Arc<ViewSnapshot>>,
    /// One for each member of the view.
    servers: Vec<Server>,
    group: Group,
}

#[derive(Clone, Copy, Debug)]
struct Server {
    instance: InstanceId,
    effective: i64,
    /// Position of the next pick, and of the last.
    next_position: i64,
    last_position: i64,
    /// What the division of the window left over.
    rest: i64,
    queue: Queue,
    key: (i64, u64),
}

/// Where a server waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    Init,
    Next,
    Current,
    None,
}

/// Servers by key, by order of insertion, by instance.
type Tree = BTreeSet<(i64, u64, InstanceId)>;

#[derive(Debug, Default)]
struct Group {
    current: Tree,
    init: Tree,
    next: Tree,
    position: i64,
    window: i64,
    window_next: i64,
    inserted_count: u64,
}

impl Group {
    fn tree(&mut self, queue: Queue) -> Option<&mut Tree> {
        match queue {
            Queue::Init => Some(&mut self.init),
            Queue::Next => Some(&mut self.next),
            Queue::Current => Some(&mut self.current),
            Queue::None => None,
        }
    }

    fn insert(&mut self, server: &mut Server, queue: Queue, key: i64) {
        server.key = (key, self.inserted_count);
        server.queue = queue;
        self.inserted_count += 1;
        let entry = (server.key.0, server.key.1, server.instance);
        if let Some(tree) = self.tree(queue) {
            tree.insert(entry);
        }
    }

    fn remove(&mut self, server: &Server) {
        if let Some(tree) = self.tree(server.queue) {
            tree.remove(&(server.key.0, server.key.1, server.instance));
        }
    }

    fn queue_by_weight(&mut self, server: &mut Server, queue: Queue) {
        self.insert(server, queue, EFFECTIVE_MAX - server.effective);
    }

    /// Into this window, or into the next one if the position is past both.
    fn queue(&mut self, server: &mut Server) {
        let end = (2 * self.window).min(self.window + self.window_next);
        if end <= server.next_position {
            server.next_position -= self.window;
            self.queue_by_weight(server, Queue::Next);
        } else {
            let lightness = (EFFECTIVE_MAX + server.rest - server.effective) / WEIGHT_SCALE;
            let key = WEIGHT_RANGE * server.next_position + lightness;
            self.insert(server, Queue::Current, key);
        }
    }

    /// The position of a server as it leaves its queue.
    fn restore_position(&self, server: &mut Server) {
        match server.queue {
            Queue::Init => (server.next_position, server.rest) = (0, 0),
            Queue::Next => server.next_position += self.window,
            Queue::None => server.next_position = self.position,
            Queue::Current => {}
        }
    }

    fn switch(&mut self, servers: &mut [Server]) {
        std::mem::swap(&mut self.init, &mut self.next);
        for server in servers {
            server.queue = match server.queue {
                Queue::Init => Queue::Next,
                Queue::Next => Queue::Init,
                other => other,
            };
        }
        self.window = self.window_next;
        self.position = self.window;
    }

    fn move_on(&self, server: &mut Server) {
        if server.next_position == 0 {
            server.next_position = self.position;
        }
        server.last_position = server.next_position;
        server.next_position += self.window_next / server.effective;
        server.rest += self.window_next % server.effective;
        if server.effective <= server.rest {
            server.rest -= server.effective;
            server.next_position += 1;
        }
    }

    /// A server that joins.
    fn add(&mut self, server: &mut Server) {
        self.window_next += server.effective;
        self.restore_position(server);
        let left = self.window_next + self.window - self.position;
        server.next_position = self.position + left / server.effective;
        self.queue(server);
    }

    /// A server that has another weight.
    fn change(&mut self, server: &mut Server, effective: i64) {
        self.remove(server);
        self.window_next += effective - server.effective;
        server.effective = effective;
        if server.queue == Queue::Init {
            self.queue_by_weight(server, Queue::Init);
            return;
        }
        self.restore_position(server);
        let before = server.next_position;
        let step = self.window_next / effective;
        server.next_position = (server.last_position + step).min(before);
        server.rest = 0;
        if server.next_position < self.position + 2 {
            server.next_position = self.position + step;
        }
        self.queue(server);
    }
}

fn effective_weight(weight: f64) -> i64 {
    i64::from(whole(weight).min(HAPROXY_WEIGHTS.1)) * WEIGHT_SCALE
}

impl HaproxyRoundRobin {
    fn server(&mut self, instance: InstanceId) -> usize {
        self.servers
            .binary_search_by_key(&instance, |server| server.instance)
            .expect("queues hold members")
    }

    /// The next server; None where all queues are empty.
    fn first(&mut self) -> Option<usize> {
        let current = self.group.current.first().map(|entry| entry.2);
        let current = current.map(|instance| self.server(instance));
        let waits = current.is_none_or(|at| self.group.position < self.servers[at].next_position);
        if waits && let Some((_, _, instance)) = self.group.init.first().copied() {
            let at = self.server(instance);
            (self.servers[at].next_position, self.servers[at].rest) = (0, 0);
            return Some(at);
        }
        current
    }

    /// Takes the next server out of its queue and moves it on.
    fn take(&mut self, switched: &mut bool) -> Option<usize> {
        if self.group.window == 0 {
            self.group.window = self.group.window_next;
            self.group.position = self.group.window;
        }
        let at = loop {
            if let Some(at) = self.first() {
                break at;
            }
            if *switched {
                return None;
            }
            *switched = true;
            self.group.switch(&mut self.servers);
        };
        self.group.remove(&self.servers[at]);
        self.group.move_on(&mut self.servers[at]);
        self.group.position += 1;
        Some(at)
    }
}

impl Balancer for HaproxyRoundRobin {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
        let is_first = self.group.inserted_count == 0;
        let mut olds = std::mem::take(&mut self.servers).into_iter().peekable();
        for member in &view.members {
            while let Some(gone) = olds.next_if(|old| old.instance < member.instance) {
                self.group.window_next -= gone.effective;
                self.group.remove(&gone);
            }
            let effective = effective_weight(member.weight);
            let kept = olds.next_if(|old| old.instance == member.instance);
            let mut server = kept.unwrap_or(Server {
                instance: member.instance,
                effective,
                next_position: 0,
                last_position: 0,
                rest: 0,
                queue: Queue::None,
                key: (0, 0),
            });
            match kept {
                Some(kept) if kept.effective != effective => {
                    self.group.change(&mut server, effective);
                }
                Some(_) => {}
                None if is_first => {
                    self.group.window_next += effective;
                    self.group.queue_by_weight(&mut server, Queue::Init);
                }
                None => self.group.add(&mut server),
            }
            self.servers.push(server);
        }
        for gone in olds {
            self.group.window_next -= gone.effective;
            self.group.remove(&gone);
        }
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = Arc::clone(self.view.as_ref()?);
        let eligible = Eligible::new(&view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let mut switched = false;
        let mut passed = Vec::new();
        let picked = loop {
            let at = self.take(&mut switched).expect("not all are tried");
            if !eligible.avoids(at) {
                break at;
            }
            self.servers[at].queue = Queue::None;
            passed.push(at);
        };
        self.group.queue(&mut self.servers[picked]);
        for at in passed.into_iter().rev() {
            match switched {
                true => self
                    .group
                    .queue_by_weight(&mut self.servers[at], Queue::Init),
                false => self.group.queue(&mut self.servers[at]),
            }
        }
        Some(self.servers[picked].instance)
    }
}
