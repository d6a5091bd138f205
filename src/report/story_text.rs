//! The story of one request as text: what happened, what was true and believed, where time went.

use std::fmt::Write;

use super::format;
use crate::id::{InstanceId, NodeId};
use crate::model::observation::step::StepKind;
use crate::model::observation::{AttemptOutcome, ExclusionCause, LifeState, Outcome, WorkEnd};
use crate::scenario::Scenario;
use crate::time::SimTime;
use crate::trace::story::{Belief, StoryStep};
use crate::trace::words;

/// Spaces for each level of sub-calls.
const INDENT: usize = 3;

/// Tells one request. Attempts are counted from 1, as people do.
pub fn story(scenario: &Scenario, request: u64, steps: &[StoryStep]) -> String {
    let mut text = String::new();
    let teller = Teller { scenario, steps };
    let _ = writeln!(text, "{}", teller.headline(request));
    for step in steps {
        for line in teller.lines(step) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    let parts = teller.parts(request);
    if !parts.is_empty() {
        text.push_str("  where the time went\n");
        for (part, ns) in parts {
            let length = format::secs(ns as f64 / 1e9);
            let _ = writeln!(text, "    {length:>9}  {part}");
        }
    }
    text
}

struct Teller<'a> {
    scenario: &'a Scenario,
    steps: &'a [StoryStep],
}

impl Teller<'_> {
    fn start(&self) -> SimTime {
        self.steps.first().map_or(SimTime::START, |step| step.at)
    }

    fn headline(&self, request: u64) -> String {
        let mut words = format!("REQUEST {request:016x}");
        let Some(first) = self.steps.first() else {
            return words;
        };
        if let StepKind::Arrived {
            node, class, key, ..
        } = first.kind
        {
            let _ = write!(words, " of {}", self.node(node));
            let path = &self.scenario.classes.get(class).path;
            if !path.is_empty() {
                let _ = write!(words, ", class {path}");
            }
            let _ = write!(words, ", key {key}");
        }
        let _ = write!(
            words,
            " · arrived at {}",
            format::instant(first.at.as_secs_f64())
        );
        match self.outcome(request) {
            Some((at, outcome)) => {
                let took = format::secs(at.since(first.at).as_secs_f64());
                let _ = write!(words, " · {} after {took}", words::outcome(outcome));
            }
            None => words.push_str(" · no outcome before the end of the run"),
        }
        words
    }

    fn outcome(&self, request: u64) -> Option<(SimTime, Outcome)> {
        self.steps.iter().find_map(|step| match step.kind {
            StepKind::Ended { outcome, .. } if step.request == request => Some((step.at, outcome)),
            _ => None,
        })
    }

    /// The lines of one step; none where it says nothing new.
    fn lines(&self, step: &StoryStep) -> Vec<String> {
        let Some(words) = self.words(step) else {
            return Vec::new();
        };
        let since = step.at.since(self.start());
        let at = format!("+{}", format::secs(since.as_secs_f64()));
        let indent = INDENT * step.depth as usize;
        let mut lines = vec![format!("  {at:>10}  {:indent$}{words}", "")];
        if let (StepKind::Sent { instance, .. }, Some(belief)) = (step.kind, &step.belief) {
            let belief = self.belief(instance, belief);
            lines.push(format!("  {:>10}  {:indent$}  {belief}", "", ""));
        }
        lines
    }

    fn words(&self, step: &StoryStep) -> Option<String> {
        let number = |attempt: u8| u32::from(attempt) + 1;
        Some(match step.kind {
            StepKind::Arrived { .. } | StepKind::BelongsTo { .. } => return None,
            StepKind::Ended { .. } if 1 < self.steps.len() => return None,
            StepKind::Ended { outcome, .. } => {
                format!("ends at once: {}", words::outcome(outcome))
            }
            StepKind::Began { edge, .. } => {
                let edge = &self.scenario.edges[edge.index()];
                let unawaited = match edge.flow.is_detached {
                    true => ", which nobody waits for",
                    false => "",
                };
                format!("begins {}{unawaited}", edge.path)
            }
            StepKind::Sent {
                attempt, instance, ..
            } => format!(
                "sends attempt {} to {}",
                number(attempt),
                self.instance(instance)
            ),
            StepKind::Reached { attempt, instance } => {
                let load = step.belief.as_ref().map_or(0, |belief| belief.load);
                let there = match load {
                    0 => "which is idle".to_string(),
                    1 => "where 1 other is".to_string(),
                    load => format!("where {} others are", format::count(u64::from(load))),
                };
                format!(
                    "attempt {} reaches {}, {there}",
                    number(attempt),
                    self.instance(instance)
                )
            }
            StepKind::TurnedAway { attempt, .. } => {
                format!("attempt {} is turned away there", number(attempt))
            }
            StepKind::TakenUp {
                attempt, waiting, ..
            } => match waiting.is_zero() {
                true => return None,
                false => format!(
                    "a worker takes attempt {} up after {} in the queue",
                    number(attempt),
                    format::secs(waiting.as_secs_f64())
                ),
            },
            StepKind::Left { attempt, end, .. } => left_words(number(attempt), end),
            StepKind::AttemptEnded {
                attempt, outcome, ..
            } => format!(
                "attempt {} ends: {}",
                number(attempt),
                attempt_words(outcome)
            ),
            StepKind::BackedOff { wait } => format!(
                "waits {} before it tries again",
                format::secs(wait.as_secs_f64())
            ),
            StepKind::CallEnded { outcome, .. } => {
                format!("the call ends: {}", words::outcome(outcome))
            }
        })
    }

    /// What was true of an instance, and who believed what.
    fn belief(&self, instance: InstanceId, belief: &Belief) -> String {
        let mut truth = match belief.truth {
            LifeState::Up => "up".to_string(),
            other => words::life(other).replace('_', " "),
        };
        if let (false, Some((at, fault))) = (belief.truth == LifeState::Up, belief.since) {
            let _ = write!(truth, " since {}", format::instant(at.as_secs_f64()));
            if let Some(fault) = fault {
                let _ = write!(truth, " ({})", self.scenario.faults[fault.index()].name);
            }
        }
        let own = belief.since.and_then(|(_, fault)| fault);
        for fault in belief.faults.iter().filter(|fault| Some(**fault) != own) {
            let _ = write!(
                truth,
                ", under {}",
                self.scenario.faults[fault.index()].name
            );
        }
        let registry = match (
            self.is_registered(instance),
            belief.is_suspected_by_registry,
        ) {
            (false, _) => "",
            (true, true) => "suspected by the registry, ",
            (true, false) => "not suspected by the registry, ",
        };
        let mut caller = match belief.is_suspected_by_caller {
            true => "suspected by the caller itself".to_string(),
            false => "not suspected by the caller".to_string(),
        };
        if let Some(cause) = belief.excluded {
            let cause = match cause {
                ExclusionCause::Registry => "the registry",
                ExclusionCause::Detector => "its detector",
                ExclusionCause::Ejection => "ejection",
            };
            let _ = write!(caller, ", no candidate because of {cause}");
        }
        let name = self.instance(instance);
        format!("{name} is {truth}; {registry}{caller}")
    }

    fn is_registered(&self, instance: InstanceId) -> bool {
        let group = self.scenario.topology.group_of(instance);
        let service = self.scenario.groups[group.index()].service;
        self.scenario.services[service.index()].registered.is_some()
    }

    /// Where the time of the request itself went, in nanoseconds. Attempts that overlap are told
    /// apart, so the parts then add up to more than the whole.
    fn parts(&self, request: u64) -> Vec<(String, u64)> {
        let own = || self.steps.iter().filter(|step| step.request == request);
        let mut parts = Vec::new();
        let mut free_since = self.start();
        let mut open_count = 0_u32;
        for step in own() {
            match step.kind {
                StepKind::Sent { attempt, .. } => {
                    if open_count == 0 && free_since < step.at {
                        let wait = step.at.since(free_since).as_ns();
                        parts.push(("waiting at the caller".to_string(), wait));
                    }
                    open_count += 1;
                    parts.extend(self.attempt_parts(request, attempt, step.at));
                }
                StepKind::AttemptEnded { .. } => {
                    open_count = open_count.saturating_sub(1);
                    free_since = step.at;
                }
                _ => {}
            }
        }
        if let Some((at, _)) = self.outcome(request)
            && open_count == 0
            && free_since < at
            && !parts.is_empty()
        {
            let wait = at.since(free_since).as_ns();
            parts.push(("waiting at the caller".to_string(), wait));
        }
        parts
    }

    /// The parts of one attempt: there, in the queue, in service, back.
    fn attempt_parts(&self, request: u64, number: u8, sent_at: SimTime) -> Vec<(String, u64)> {
        let mut last = sent_at;
        let mut place = "on the way, or lost there";
        let mut parts = Vec::new();
        let mut name = String::new();
        for step in self.steps.iter().filter(|step| step.request == request) {
            let (attempt, next) = match step.kind {
                StepKind::Reached { attempt, .. } => (attempt, "in the queue"),
                StepKind::TakenUp { attempt, .. } => (attempt, "in service"),
                StepKind::Left { attempt, .. } | StepKind::TurnedAway { attempt, .. } => {
                    (attempt, "on the way back")
                }
                StepKind::AttemptEnded {
                    attempt, instance, ..
                } => {
                    name = self.instance(instance);
                    (attempt, "")
                }
                _ => continue,
            };
            if attempt != number || step.at < sent_at {
                continue;
            }
            let length = step.at.since(last).as_ns();
            match place {
                "in service" => {
                    let calls = self.calls_time((request, number), (last, step.at));
                    parts.push((place, length - calls));
                    parts.push(("waiting for its calls", calls));
                }
                _ => parts.push((place, length)),
            }
            (last, place) = (step.at, next);
            if next.is_empty() {
                break;
            }
        }
        let on_the_way = |place: &str| match place {
            "on the way, or lost there" if 1 < parts.len() => "on the way".to_string(),
            place => place.to_string(),
        };
        let told = parts.iter().filter(|(_, ns)| 0 < *ns);
        told.map(|(place, ns)| {
            let words = format!(
                "attempt {} at {name}: {}",
                u32::from(number) + 1,
                on_the_way(place)
            );
            (words, *ns)
        })
        .collect()
    }

    /// For how long of a span an attempt waited for calls of its own, in nanoseconds.
    fn calls_time(&self, parent: (u64, u8), span: (SimTime, SimTime)) -> u64 {
        let mut spans = self.awaited_calls(parent, span);
        spans.sort_unstable();
        let (mut covered, mut until) = (0, span.0);
        for (start, end) in spans {
            let start = start.max(until);
            if start < end {
                covered += end.since(start).as_ns();
                until = end;
            }
        }
        covered
    }

    /// When the calls of an attempt began and ended within a span, but for those that nobody waits
    /// for.
    fn awaited_calls(
        &self,
        (request, number): (u64, u8),
        (from, to): (SimTime, SimTime),
    ) -> Vec<(SimTime, SimTime)> {
        let belongs = |step: &&StoryStep| {
            let kind = StepKind::BelongsTo {
                request,
                attempt: number,
            };
            step.kind == kind
        };
        let span = |first: &StoryStep| {
            let mut own = self.steps.iter().filter(|s| s.request == first.request);
            let edge = own.find_map(|step| match step.kind {
                StepKind::Began { edge, .. } => Some(edge),
                _ => None,
            })?;
            let end = own.find(|step| matches!(step.kind, StepKind::CallEnded { .. }));
            let end = end.map_or(to, |step| step.at);
            let is_awaited = !self.scenario.edges[edge.index()].flow.is_detached;
            is_awaited.then(|| (first.at.max(from), end.min(to)))
        };
        let children = self.steps.iter().filter(belongs);
        children.filter_map(span).collect()
    }

    fn instance(&self, instance: InstanceId) -> String {
        self.scenario.topology.instance_name(instance)
    }

    fn node(&self, node: NodeId) -> String {
        self.scenario.topology.node_name(node)
    }
}

fn left_words(attempt: u32, end: WorkEnd) -> String {
    match end {
        WorkEnd::Served => format!("attempt {attempt} is served, its reply leaves"),
        WorkEnd::Errored => format!("attempt {attempt} gets an error reply"),
        WorkEnd::Lost => format!("attempt {attempt} dies with its process"),
        WorkEnd::Dropped => format!("attempt {attempt} is dropped: it waited too long"),
        WorkEnd::Cancelled => format!("attempt {attempt} is taken back"),
    }
}

fn attempt_words(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Success => "success",
        AttemptOutcome::Error => "an error reply",
        AttemptOutcome::Rejected => "turned away",
        AttemptOutcome::Refused => "refused: nobody listens",
        AttemptOutcome::Reset => "reset: the process died",
        AttemptOutcome::ResetUnsent => "reset before the process read it",
        AttemptOutcome::TimeoutSlow => "timeout, though the instance had it",
        AttemptOutcome::TimeoutBlackHole => "timeout: it never reached a living instance",
        AttemptOutcome::TimeoutHalfOpen => "timeout: the host went silent with it",
        AttemptOutcome::Cancelled => "taken back",
        AttemptOutcome::ConnectTimeout => "no connection in time",
    }
}
