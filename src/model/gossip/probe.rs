//! Probes: a member asks one other member per interval whether it is there.
//!
//! Source: hashicorp/memberlist `state.go`, `awareness.go`; SWIM, section 3. Without an ACK within
//! `probe_timeout` some others are asked to probe, and the member is asked over a connection as
//! well. What has not answered by the end of the interval is suspected. A member that doubts itself
//! waits for that end `score + 1` times as long; an answer ends the wait at once, so that only
//! failing probes are slower. The clock of probes runs on meanwhile and keeps one tick at most.

use super::Due;
use super::message::{Letter, Message, MessageKind, Update, UpdateKind};
use super::view::{Belief, Entry};
use crate::engine::{PendingSet, Timer};
use crate::id::NodeId;
use crate::model::event::Event;
use crate::model::observation::{LifeState, Observation, Observer};
use crate::model::world::{Deferred, World};
use crate::rng::{Draw, Purpose, UniformSource, mix};
use crate::scenario::gossip::ProbeOrder;
use crate::time::{SimDuration, SimTime};

/// The probe of a member.
#[derive(Clone, Copy, Debug, Default)]
pub struct Probe {
    /// Which; it never begins anew.
    number: u32,
    is_active: bool,
    /// Others were asked.
    is_indirect: bool,
    /// The clock ticked while it was under way.
    has_tick: bool,
    /// It was answered over a connection.
    has_contact: bool,
    /// Place of who is probed.
    target: u32,
    /// When it has failed.
    ends_at: SimTime,
    /// How many were asked, and how many of them said that they got no answer.
    asked_count: u32,
    nack_count: u32,
}

impl Probe {
    /// Nobody waits for its answer any more.
    pub fn stop(&mut self) {
        (self.is_active, self.has_tick) = (false, false);
    }
}

/// A probe for somebody else.
#[derive(Clone, Copy, Debug)]
pub struct Relay {
    /// Who probes, for whom, and for which of its probes.
    member: u32,
    prober: u32,
    number: u32,
    /// The process that was asked.
    epoch: u32,
    timer: Timer,
}

/// What a choice of members is for; names its draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Who is probed.
    Order = 1,
    /// Who is asked to probe.
    Indirect = 2,
    /// Who gets updates.
    Gossip = 3,
    /// With whom lists are exchanged.
    Sync = 4,
    /// Whom to try to join.
    Reconnect = 5,
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    /// The draws of a member's choice.
    pub(super) fn choice_draw(&self, member: u32, choice: Choice, number: u32) -> Draw {
        let state = &self.gossip.members[member as usize];
        let path_hash = self.nodes[state.node.index()].path_hash;
        let name = mix(self.gossip.draw_hash ^ path_hash) ^ mix(u64::from(state.cluster));
        self.streams
            .draw(Purpose::Gossip, name, number, choice as u32)
    }

    /// Chooses up to `count` members that `is_meant` accepts, as memberlist does: by trial, with
    /// three trials for each member on the list. They are left in `gossip.chosen`.
    pub(super) fn choose_members(
        &mut self,
        member: u32,
        (choice, number): (Choice, u32),
        count: u32,
        is_meant: impl Fn(&Entry) -> bool,
    ) {
        let mut draw = self.choice_draw(member, choice, number);
        let state = &self.gossip.members[member as usize];
        let cluster = &self.gossip.clusters[state.cluster as usize];
        let own = member - cluster.first;
        let mut chosen = std::mem::take(&mut self.gossip.chosen);
        chosen.clear();
        let mut trial_count = 3 * u64::from(state.view.member_count);
        // Draws that hit nobody on the list are not trials; they end somewhere, too.
        let mut draw_count = 64 * u64::from(cluster.count);
        while (chosen.len() as u32) < count && 0 < trial_count && 0 < draw_count {
            draw_count -= 1;
            let place = draw.below(cluster.count);
            let entry = state.view.get(&cluster.base, place);
            if !entry.belief.is_listed() {
                continue;
            }
            trial_count -= 1;
            if place != own && is_meant(&entry) && !chosen.contains(&place) {
                chosen.push(place);
            }
        }
        self.gossip.chosen = chosen;
    }

    /// The clock of probes ticks.
    pub(super) fn on_probe_tick(&mut self, member: u32) {
        let now = self.now();
        let state = &self.gossip.members[member as usize];
        let interval = self.gossip.config(member).probe_interval;
        let interval = self.nodes[state.node.index()].true_length(interval);
        // A process that stood still has missed ticks, and goes on in step.
        let missed = now.since(state.probe_at).as_ns() / interval.as_ns().max(1);
        let next = state.probe_at + interval.saturating_mul(missed + 1);
        self.gossip.members[member as usize].probe_at = next;
        self.set_due(member, Due::Probe, next);
        let probe = &mut self.gossip.members[member as usize].probe;
        if probe.is_active {
            probe.has_tick = true;
        } else {
            self.start_probe(member);
        }
    }

    fn start_probe(&mut self, member: u32) {
        if !self.gossip.members[member as usize].is_joined {
            return;
        }
        let Some(target) = self.next_target(member) else {
            return;
        };
        let config = *self.gossip.config(member);
        let now = self.now();
        let state = &mut self.gossip.members[member as usize];
        let node = &self.nodes[state.node.index()];
        let interval = node.true_length(config.probe_interval);
        let patience = interval.saturating_mul(u64::from(state.score) + 1);
        let probe = &mut state.probe;
        *probe = Probe {
            number: probe.number.wrapping_add(1),
            is_active: true,
            target,
            ends_at: now + patience,
            ..Probe::default()
        };
        let number = probe.number;
        let timeout = node.true_length(config.probe_timeout).min(patience);
        self.set_due(member, Due::Step, now + timeout);
        let first = self.gossip.cluster(member).first;
        let letter = Letter::new(MessageKind::Ping, number);
        let entry = self.belief_of(member, target);
        if !config.has_buddy || entry.belief == Belief::Alive {
            return self.send_packet_with_updates(member, first + target, letter);
        }
        // It shall refute as soon as it can; nothing else rides on that packet.
        let told = Update {
            subject: target,
            incarnation: entry.incarnation,
            accuser: member - first,
            kind: UpdateKind::Suspect,
        };
        self.send_gossip(member, first + target, letter, vec![told]);
    }

    /// What a member believes of the one at a place.
    pub(super) fn belief_of(&self, member: u32, place: u32) -> Entry {
        let state = &self.gossip.members[member as usize];
        let base = &self.gossip.clusters[state.cluster as usize].base;
        state.view.get(base, place)
    }

    /// Who is probed next: no member that is dead or has left. None if there is nobody.
    fn next_target(&mut self, member: u32) -> Option<u32> {
        let own = self.gossip.place(member);
        let number = self.gossip.members[member as usize].probe.number;
        if self.gossip.config(member).probe_order == ProbeOrder::Random {
            let is_probed = |entry: &Entry| is_probed(entry.belief);
            self.choose_members(member, (Choice::Order, number), 1, is_probed);
            return self.gossip.chosen.first().copied();
        }
        let cluster = self.gossip.cluster(member);
        let count = cluster.count;
        let mut wrap_count = 0;
        loop {
            let state = &mut self.gossip.members[member as usize];
            let place = state.place_next;
            if count <= place {
                // Two ends of a pass without anybody in between: there is nobody.
                wrap_count += 1;
                if 2 < wrap_count {
                    return None;
                }
                (state.pass, state.place_next) = (state.pass.wrapping_add(1), 0);
                let pass = state.pass;
                let mut draw = self.choice_draw(member, Choice::Order, pass);
                self.gossip.members[member as usize]
                    .order
                    .shuffle(count, &mut draw);
                self.reclaim(member);
                continue;
            }
            state.place_next += 1;
            let target = state.order.at(place).expect("the place is below the count");
            if target != own && is_probed(self.belief_of(member, target).belief) {
                return Some(target);
            }
        }
    }

    /// The wait for an ACK, or the whole interval, is over.
    pub(super) fn on_probe_step(&mut self, member: u32) {
        let probe = self.gossip.members[member as usize].probe;
        if probe.is_indirect {
            return self.fail_probe(member);
        }
        let config = *self.gossip.config(member);
        let (target, choice) = (probe.target, (Choice::Indirect, probe.number));
        let is_asked = |entry: &Entry| entry.belief == Belief::Alive && entry.subject != target;
        self.choose_members(member, choice, config.indirect_checks, is_asked);
        let chosen = std::mem::take(&mut self.gossip.chosen);
        let first = self.gossip.cluster(member).first;
        let state = &mut self.gossip.members[member as usize].probe;
        state.is_indirect = true;
        state.asked_count = if config.has_nacks {
            chosen.len() as u32
        } else {
            0
        };
        self.set_due(member, Due::Step, probe.ends_at.max(self.now()));
        for place in &chosen {
            let letter = Letter {
                subject: first + target,
                ..Letter::new(MessageKind::PingRequest, probe.number)
            };
            self.send_packet_with_updates(member, first + place, letter);
        }
        self.gossip.chosen = chosen;
        if config.has_tcp_pings {
            let letter = Letter::new(MessageKind::FallbackPing, probe.number);
            self.send_gossip(member, first + target, letter, Vec::new());
        }
    }

    /// A probe was not answered.
    fn fail_probe(&mut self, member: u32) {
        let probe = self.gossip.members[member as usize].probe;
        if probe.has_contact {
            return self.end_probe(member, -1);
        }
        let doubt = match probe.asked_count {
            0 => 1,
            asked => asked.saturating_sub(probe.nack_count) as i32,
        };
        let entry = self.belief_of(member, probe.target);
        let node = self.gossip.members[member as usize].node;
        let first = self.gossip.cluster(member).first;
        let target = self.gossip.members[(first + probe.target) as usize].node;
        self.observe(Observation::GossipProbeFailed {
            prober: node,
            target,
        });
        self.apply_doubt(member, doubt);
        let accuser = member - first;
        self.take_update(
            member,
            Update {
                subject: probe.target,
                incarnation: entry.incarnation,
                accuser,
                kind: UpdateKind::Suspect,
            },
        );
        self.end_probe(member, 0);
    }

    fn end_probe(&mut self, member: u32, doubt: i32) {
        self.apply_doubt(member, doubt);
        let state = &mut self.gossip.members[member as usize];
        state.timers[Due::Step as usize].cancel();
        let has_tick = state.probe.has_tick;
        state.probe.stop();
        if has_tick {
            self.start_probe(member);
        }
    }

    /// A member changes how much it doubts itself.
    pub(super) fn apply_doubt(&mut self, member: u32, change: i32) {
        let max = self
            .gossip
            .config(member)
            .awareness_max_multiplier
            .saturating_sub(1);
        let score = &mut self.gossip.members[member as usize].score;
        *score = score.saturating_add_signed(change).min(max);
    }

    /// A probe is answered.
    pub(super) fn on_probe_ack(&mut self, member: u32, number: u32) {
        let probe = &self.gossip.members[member as usize].probe;
        if probe.is_active && probe.number == number {
            self.end_probe(member, -1);
        }
    }

    /// Somebody who was asked got no answer, either.
    pub(super) fn on_probe_nack(&mut self, member: u32, number: u32) {
        let probe = &mut self.gossip.members[member as usize].probe;
        if probe.is_active && probe.number == number {
            probe.nack_count += 1;
        }
    }

    /// The target answers over a connection; it counts only if nothing else does.
    pub(super) fn on_fallback_ack(&mut self, member: u32, number: u32) {
        let probe = &mut self.gossip.members[member as usize].probe;
        if probe.is_active && probe.number == number {
            probe.has_contact = true;
        }
    }

    /// A member is asked to probe another one.
    pub(super) fn on_ping_request(&mut self, request: &Message) {
        let member = request.to;
        let config = *self.gossip.config(member);
        let node = self.gossip.members[member as usize].node;
        let patience = match config.has_nacks {
            true => config.probe_timeout,
            false => config.probe_interval,
        };
        let slot = self.gossip.relays.insert(Relay {
            member,
            prober: request.from,
            number: request.number,
            epoch: self.nodes[node.index()].incarnation,
            timer: Timer::UNSET,
        });
        let patience: SimDuration = self.nodes[node.index()].true_length(patience);
        let sequence = self.schedule(patience, Event::GossipRelayEnds(slot));
        self.gossip.relays[slot].timer.set(sequence);
        let letter = Letter {
            kind: MessageKind::RelayedPing,
            number: request.number,
            subject: request.from,
            relay: slot,
            relay_sequence: sequence,
        };
        self.send_packet_with_updates(member, request.subject, letter);
    }

    /// Who was asked to probe has an answer.
    pub(super) fn on_relayed_ack(&mut self, ack: &Message) {
        let relay = self.gossip.relays.get(ack.relay).copied();
        let Some(relay) = relay.filter(|relay| relay.timer.is_live(ack.relay_sequence)) else {
            return;
        };
        self.gossip.relays.remove(ack.relay);
        let letter = Letter::new(MessageKind::ForwardedAck, relay.number);
        self.send_packet_with_updates(relay.member, relay.prober, letter);
    }

    /// Who was asked to probe has waited long enough.
    #[inline(never)]
    pub(in crate::model) fn on_gossip_relay_ends(&mut self, slot: u32, sequence: u64) {
        let relay = self.gossip.relays.get(slot).copied();
        let Some(relay) = relay.filter(|relay| relay.timer.is_live(sequence)) else {
            return;
        };
        let node = self.gossip.members[relay.member as usize].node;
        let event = Event::GossipRelayEnds(slot);
        if self.defers(node, Deferred::Event(event, sequence)) {
            return;
        }
        self.gossip.relays.remove(slot);
        if !self.is_process(node, relay.epoch) {
            return;
        }
        let prober = self.gossip.members[relay.prober as usize].node;
        let name = mix(self.nodes[prober.index()].path_hash) ^ u64::from(relay.number);
        self.fold(event, node, name);
        if self.gossip.config(relay.member).has_nacks {
            let letter = Letter::new(MessageKind::Nack, relay.number);
            self.send_packet_with_updates(relay.member, relay.prober, letter);
        }
    }

    /// Whether a node still runs the process of that time.
    fn is_process(&self, node: NodeId, epoch: u32) -> bool {
        let state = &self.nodes[node.index()];
        state.state == LifeState::Up && state.incarnation == epoch
    }

    /// A relay waited at a process that died.
    pub(in crate::model) fn lose_gossip_relay(&mut self, slot: u32, sequence: u64) {
        let relay = self.gossip.relays.get(slot);
        if relay.is_some_and(|relay| relay.timer.is_live(sequence)) {
            self.gossip.relays.remove(slot);
        }
    }
}

/// Whether such a member is probed.
fn is_probed(belief: Belief) -> bool {
    matches!(belief, Belief::Alive | Belief::Suspect)
}
