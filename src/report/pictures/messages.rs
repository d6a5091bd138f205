//! The picture of the messages of a short window.

use crate::chart::Caption;
use crate::chart::message_diagram::{
    Lane, Message, MessageDiagram, MessageKind, Note, NoteKind, Work,
};
use crate::chart::span::Span;
use crate::chart::timeline::{FaultSpan, Timeline};
use crate::id::{InstanceId, NodeId};
use crate::model::observation::{AttemptOutcome, LifeState, WorkEnd};
use crate::report::format;
use crate::scenario::Scenario;
use crate::time::SimTime;
use crate::trace::messages::{AttemptStory, Opinion, WindowOfMessages};

/// A window that was looked at.
pub struct MessageView<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The seed of the run.
    pub seed: u64,
    /// Its digest.
    pub digest: &'a str,
    /// The start and the end of the window.
    pub span: (SimTime, SimTime),
    /// What it held.
    pub window: &'a WindowOfMessages,
}

/// The messages of attempts, the work at instances, and what befell them.
pub fn messages(view: &MessageView) -> MessageDiagram {
    let window = view.window;
    let order = lanes(view);
    let place = |node: NodeId| order.iter().position(|other| *other == node);
    let mut chart = MessageDiagram {
        caption: caption(view),
        timeline: timeline(view),
        start: format::instant(view.span.0.as_secs_f64()),
        lanes: order.iter().map(|node| lane_of(view, *node)).collect(),
        ..MessageDiagram::default()
    };
    let instance_place = |instance: InstanceId| {
        let node = view.scenario.topology.instance_node(instance);
        place(node)
    };
    for story in &window.attempts {
        if let (Some(caller), Some(instance)) =
            (place(story.caller), instance_place(story.instance))
        {
            add_attempt(&mut chart, view, story, (caller, instance));
        }
    }
    for (at, instance, opinion) in &window.opinions {
        let kind = match opinion {
            Opinion::Doubted => NoteKind::Doubted,
            Opinion::Trusted => NoteKind::Trusted,
        };
        if let Some(lane) = instance_place(*instance) {
            let at_secs = secs(view, *at);
            let note = Note {
                kind,
                lane,
                at_secs,
            };
            // All callers may change their minds at once.
            if chart.notes.last() != Some(&note) {
                chart.notes.push(note);
            }
        }
    }
    chart
}

/// Callers above, instances below, each in their order.
fn lanes(view: &MessageView) -> Vec<NodeId> {
    let instance_count = view.scenario.topology.instance_count();
    let nodes = view.window.nodes.iter().copied();
    let (callers, instances): (Vec<NodeId>, Vec<NodeId>) =
        nodes.partition(|node| instance_count <= node.0);
    callers.into_iter().chain(instances).collect()
}

fn lane_of(view: &MessageView, node: NodeId) -> Lane {
    let changes = view.window.lives.iter().filter(|change| change.1 == node);
    let mut down_spans: Vec<Span> = Vec::new();
    let mut down_from = None;
    for (at, _, state) in changes {
        match (state, down_from) {
            (LifeState::Up, Some(from)) => {
                down_spans.push((from, secs(view, *at)));
                down_from = None;
            }
            (LifeState::Up, None) => {}
            (_, None) => down_from = Some(secs(view, *at)),
            (_, Some(_)) => {}
        }
    }
    down_spans.extend(down_from.map(|from| (from, secs(view, view.span.1))));
    Lane {
        label: view.scenario.topology.node_name(node),
        down_spans,
    }
}

fn add_attempt(
    chart: &mut MessageDiagram,
    view: &MessageView,
    story: &AttemptStory,
    (caller, instance): (usize, usize),
) {
    let at = |time: SimTime| secs(view, time);
    let sent_secs = at(story.sent_at);
    let ended = story.ended.map(|(time, outcome)| (at(time), outcome));
    let left_secs = story.left.map(|(time, _)| at(time));
    let came = story.reached_at.or(story.turned_away_at).map(at);
    // A host says at once that there is no process; when it heard of the attempt is not told.
    let refused = ended.filter(|(_, outcome)| came.is_none() && is_refusal(*outcome));
    let refused = refused.map(|(ended_secs, _)| (sent_secs + ended_secs) / 2.0);
    chart.messages.push(Message {
        kind: MessageKind::Request,
        from: caller,
        to: instance,
        sent_secs,
        arrived_secs: came.or(refused),
    });
    if let Some(reached) = story.reached_at {
        chart.works.push(Work {
            lane: instance,
            reached_secs: at(reached),
            started_secs: story.started_at.map(at),
            left_secs,
        });
    }
    let Some((ended_secs, outcome)) = ended else {
        return;
    };
    // Work that is lost with its process, or taken back, has no reply; a reset is one.
    let answers = story.left.filter(|(_, end)| match end {
        WorkEnd::Served | WorkEnd::Errored => true,
        WorkEnd::Lost | WorkEnd::Dropped | WorkEnd::Cancelled => is_refusal(outcome),
    });
    let answered = answers.map(|(time, _)| at(time));
    let begins = answered.or(story.turned_away_at.map(at)).or(refused);
    let (kind, arrived_secs) = match outcome {
        AttemptOutcome::Success => (MessageKind::Reply, Some(ended_secs)),
        AttemptOutcome::Error
        | AttemptOutcome::Rejected
        | AttemptOutcome::Refused
        | AttemptOutcome::Reset
        | AttemptOutcome::ResetUnsent => (MessageKind::Failure, Some(ended_secs)),
        AttemptOutcome::TimeoutSlow
        | AttemptOutcome::TimeoutBlackHole
        | AttemptOutcome::TimeoutHalfOpen
        | AttemptOutcome::ConnectTimeout
        | AttemptOutcome::Cancelled => (MessageKind::Reply, None),
    };
    if outcome != AttemptOutcome::Cancelled && arrived_secs.is_none() {
        chart.notes.push(Note {
            kind: NoteKind::GaveUp,
            lane: caller,
            at_secs: ended_secs,
        });
    }
    if let Some(sent_secs) = begins {
        chart.messages.push(Message {
            kind,
            from: instance,
            to: caller,
            sent_secs,
            arrived_secs: arrived_secs.map(|arrived| arrived.max(sent_secs)),
        });
    }
}

fn is_refusal(outcome: AttemptOutcome) -> bool {
    match outcome {
        AttemptOutcome::Refused | AttemptOutcome::Reset | AttemptOutcome::ResetUnsent => true,
        AttemptOutcome::Success
        | AttemptOutcome::Error
        | AttemptOutcome::Rejected
        | AttemptOutcome::TimeoutSlow
        | AttemptOutcome::TimeoutBlackHole
        | AttemptOutcome::TimeoutHalfOpen
        | AttemptOutcome::Cancelled
        | AttemptOutcome::ConnectTimeout => false,
    }
}

/// Seconds from the start of the window, below zero before it.
fn secs(view: &MessageView, at: SimTime) -> f64 {
    let start = view.span.0;
    match start <= at {
        true => at.since(start).as_secs_f64(),
        false => -start.since(at).as_secs_f64(),
    }
}

fn timeline(view: &MessageView) -> Timeline {
    let end_secs = secs(view, view.span.1);
    let spans = view.window.faults.iter().map(|(fault, from, to)| {
        let config = &view.scenario.faults[fault.index()];
        FaultSpan {
            label: format!("{}: {}", config.name, config.kind.name()),
            start_secs: secs(view, *from),
            end_secs: to.map_or(end_secs, |to| secs(view, to)),
        }
    });
    Timeline {
        start_secs: 0.0,
        end_secs,
        measured_from_secs: 0.0,
        fault_spans: spans
            .filter(|span| 0.0 <= span.end_secs && span.start_secs <= end_secs)
            .collect(),
    }
}

fn caption(view: &MessageView) -> Caption {
    let window = view.window;
    let told = window.attempts.len();
    let count = |is_meant: fn(&AttemptStory) -> bool| {
        window
            .attempts
            .iter()
            .filter(|story| is_meant(story))
            .count() as u64
    };
    let good = count(|story| matches!(story.ended, Some((_, AttemptOutcome::Success))));
    let open = count(|story| story.ended.is_none());
    let bad = told as u64 - good - open;
    let length = format::secs(secs(view, view.span.1));
    let which = match window.attempt_count {
        all if told < all => format!(
            "the first {} of {}",
            format::count(told as u64),
            format::counted(all as u64, "attempt")
        ),
        _ => format::counted(told as u64, "attempt"),
    };
    let mut title = format!(
        "Of {which} under way in {length} from {} on, {} succeeded",
        format::instant(view.span.0.as_secs_f64()),
        format::count(good),
    );
    if 0 < bad {
        title = format!("{title} and {} did not", format::count(bad));
    }
    let mut subtitle = "Every attempt with a part in the window: its request, its time at the \
                        instance, its reply. Nodes by name, callers above."
        .to_string();
    if told < window.attempt_count {
        subtitle = format!(
            "The first {} of {} with a part in the window: requests, time at instances, \
             replies. Nodes by name, callers above.",
            format::count(told as u64),
            format::counted(window.attempt_count as u64, "attempt"),
        );
    }
    Caption {
        title,
        subtitle,
        footer: format!(
            "{} · seed {} · stormglass {} · digest {}",
            view.scenario.name,
            view.seed,
            env!("CARGO_PKG_VERSION"),
            view.digest
        ),
    }
}
