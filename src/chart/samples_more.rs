//! Inputs for tests of charts that show neither instances nor requests one by one.

use super::axis::Quantity;
use super::intervals::{IntervalRow, Intervals};
use super::key_moves::{KeyMoves, KeyOwner, OwnerMove};
use super::message_diagram::{Lane, Message, MessageDiagram, MessageKind, Note, NoteKind, Work};
use super::nines::{Nines, NinesRow};
use super::panels::{Panel, PanelLine, PanelMark, Panels};
use super::samples::{HOSTILE, caption, huge_of, instance_count, label, noise};
use super::stages::{Stage, Stages};
use super::sweep_lines::{SweepLine, SweepLines, SweepTick, SweepValue};
use super::sweep_map::{SweepCell, SweepMap, SweepPanel};
use super::timeline::Timeline;
use super::tornado::{Tornado, TornadoRow};
use super::trade_off::{TradeOff, TradeOffPoint};

pub(super) fn panels(timeline: &Timeline, windows: &[(f64, f64)], kind: &str) -> Panels {
    let line = |label: &str, low: f64| PanelLine {
        label: label.to_string(),
        values: (0..windows.len())
            .map(|n| (n % 7 != 3).then(|| huge_of(kind) * (low + noise(n))))
            .collect(),
    };
    let hostile = if kind == "hostile" {
        HOSTILE
    } else {
        "waiting"
    };
    let mark = PanelMark {
        label: "14.4 ×: page within 1 h".to_string(),
        value: 2.0,
    };
    let panel = |name: &str, is_ratio, lines| Panel {
        name: name.to_string(),
        is_ratio,
        lines,
        marks: vec![mark.clone()],
    };
    Panels {
        caption: caption(
            kind,
            "The run used 84 % of its error budget",
            "Budget and burn rate.",
        ),
        timeline: timeline.clone(),
        windows: windows.to_vec(),
        panels: vec![
            panel("budget left", true, vec![line("left", -0.5)]),
            panel(
                hostile,
                false,
                vec![line(hostile, 0.0), line("b", 0.0), line("c", 0.5)],
            ),
        ],
    }
}

pub(super) fn nines(kind: &str) -> Nines {
    let label = |index: usize| match kind {
        "hostile" => HOSTILE.to_string(),
        _ => format!("during fault-{index}"),
    };
    let row = |index: usize| {
        let ratio = 1.0 - noise(index) / libm::pow(10.0, index as f64 % 6.0);
        NinesRow {
            label: label(index),
            ratio,
            interval: (ratio - 0.1 * (1.0 - ratio), ratio + 0.1 * (1.0 - ratio)),
            count: 12_345_678,
        }
    };
    Nines {
        caption: caption(
            kind,
            "99.52 % of the requests succeeded during rack-b",
            "By part.",
        ),
        rows: (0..if kind == "empty" { 0 } else { 9 }).map(row).collect(),
        objective: Some(0.99),
        interval_name: "95 % interval (Wilson)".to_string(),
    }
}

pub(super) fn stages(kind: &str) -> Stages {
    let stage = |index: usize| Stage {
        label: match kind {
            "hostile" => HOSTILE.to_string(),
            _ => format!("stage {index}"),
        },
        start_secs: index as f64,
        mean_secs: huge_of(kind) * (0.5 + noise(index)),
        range_secs: (0.1, huge_of(kind) * 2.0),
        count: 480,
    };
    Stages {
        caption: caption(kind, "Callers stopped using it after 8 s", "By stage."),
        stages: (0..if kind == "empty" { 0 } else { 4 })
            .map(stage)
            .collect(),
    }
}

pub(super) fn intervals(kind: &str) -> Intervals {
    let row = |index: usize| {
        let value = 0.8 + 0.4 * noise(index);
        let is_known = index % 5 != 4;
        let has_end = is_known && index % 7 != 6;
        IntervalRow {
            label: label(kind, index),
            value: is_known.then_some(value),
            low: is_known.then_some(value * 0.95),
            high: has_end.then_some(value * 1.1),
            values: (0..8).map(|run| value * (0.9 + 0.2 * noise(run))).collect(),
            words: "1.46 (1.44 to 1.48) times lower: better".into(),
            is_reference: index == 0,
        }
    };
    Intervals {
        caption: caption(
            kind,
            "latency.p99 against ring: two_choices better",
            "The number of each variant divided by that of the reference, on the same seeds.",
        ),
        rows: (0..instance_count(kind)).map(row).collect(),
        quantity: Quantity::Number,
        axis: "times the latency.p99 of ring".into(),
        mark: (kind != "overlap").then_some(1.0),
        mark_name: "no difference".into(),
    }
}

/// As many as a sweep has points in one direction.
fn point_count(kind: &str) -> usize {
    instance_count(kind).min(30)
}

pub(super) fn sweep_lines(kind: &str) -> SweepLines {
    let count = point_count(kind);
    let value = |line: usize, tick: usize| {
        let value = 0.02 * (line + 1) as f64 * (1.0 + tick as f64 * 0.4) * (1.0 + noise(tick));
        (tick % 7 != 3).then_some(SweepValue {
            value,
            low: value * 0.9,
            high: value * 1.1,
        })
    };
    SweepLines {
        caption: caption(
            kind,
            "Latency doubles from 8 to 4 workers",
            "10 replications each.",
        ),
        measure: "latency.p99".into(),
        quantity: super::axis::Quantity::Time,
        axis: "workers".into(),
        ticks: (0..count)
            .map(|tick| SweepTick {
                label: label(kind, tick),
                number: (kind != "overlap").then_some((tick + 1) as f64),
            })
            .collect(),
        lines: (0..count.min(6))
            .map(|line| SweepLine {
                label: label(kind, line),
                values: (0..count).map(|tick| value(line, tick)).collect(),
            })
            .collect(),
    }
}

pub(super) fn sweep_map(kind: &str) -> SweepMap {
    let count = point_count(kind);
    let cell = |row: usize, column: usize| {
        let value = (row + 1) as f64 * (column + 1) as f64 * (1.0 + noise(row * 31 + column));
        let value = ((row + column) % 9 != 5).then_some(value);
        SweepCell {
            value,
            interval: value.map(|value| (value * 0.9, value * 1.1)),
            label: value.map_or("none".to_string(), |value| format!("{value:.1} ms")),
            is_right: value.map(|value| value <= 12.0),
        }
    };
    let panel = |place: usize| SweepPanel {
        label: label(kind, place),
        rows: (0..count)
            .map(|row| (label(kind, row), (0..count).map(|c| cell(row, c)).collect()))
            .collect(),
        chosen: (1 < count && place == 1).then_some((0, 1)),
    };
    SweepMap {
        caption: caption(
            kind,
            "Latency is least with many workers and a short timeout",
            "Means.",
        ),
        measure: "latency.p99".into(),
        axes: ["timeout".into(), "workers".into()],
        columns: (0..count).map(|column| label(kind, column)).collect(),
        panels: (0..count.min(3).min((60 / count.max(1)).max(1)))
            .map(panel)
            .collect(),
        limit: "latency.p99 <= 12ms".into(),
    }
}

pub(super) fn tornado(kind: &str) -> Tornado {
    let row = |index: usize| {
        let width = 0.03 / (index + 1) as f64;
        let values = [0.1 - width, 0.1 + 2.0 * width * noise(index)];
        TornadoRow {
            label: label(kind, index),
            values: values.map(Some),
            intervals: values.map(|value| Some((value * 0.98, value * 1.02))),
            inputs: ["800/s".into(), label(kind, index)],
        }
    };
    Tornado {
        caption: caption(
            kind,
            "The arrival rate moves latency.p99 most",
            "20 % each way.",
        ),
        measure: "latency.p99".into(),
        quantity: super::axis::Quantity::Time,
        base: Some(0.1),
        rows: (0..point_count(kind)).map(row).collect(),
    }
}

pub(super) fn trade_off(kind: &str) -> TradeOff {
    let count = point_count(kind);
    let point = |index: usize| {
        let values = [
            1.0 + index as f64,
            if index + 1 == count {
                0.0
            } else {
                0.5 / libm::pow(4.0, index as f64)
            },
        ];
        TradeOffPoint {
            label: label(kind, index),
            values,
            intervals: values.map(|value| Some((value * 0.9, value * 1.1))),
            is_on_front: index % 3 != 2,
            is_open: index % 6 == 5,
            is_chosen: index == 1,
        }
    };
    TradeOff {
        caption: caption(
            kind,
            "Twice the heartbeats are a tenth of the mistakes",
            "Means.",
        ),
        names: [
            "detection_time (less is better)".into(),
            "mistake_rate (less is better)".into(),
        ],
        quantities: [super::axis::Quantity::Time, super::axis::Quantity::Number],
        points: (0..count).map(point).collect(),
    }
}

pub(super) fn key_moves(kind: &str) -> KeyMoves {
    let count = instance_count(kind).min(24);
    let owner = |index: usize| KeyOwner {
        label: label(kind, index),
        before: 1.0 / count as f64,
        after: if index == 0 {
            0.0
        } else {
            1.0 / (count - 1) as f64
        },
    };
    let one = |index: usize| OwnerMove {
        from: index % 2,
        to: index,
        share: (0.2 + noise(index)) / (count * count) as f64,
        needless: if index.is_multiple_of(3) {
            0.1 / (count * count) as f64
        } else {
            0.0
        },
    };
    KeyMoves {
        caption: caption(kind, "rack-b moved 8.3 % of the keys", "By who had them."),
        owners: (0..count).map(owner).collect(),
        moves: (2..count).map(one).collect(),
    }
}

pub(super) fn messages(timeline: &Timeline, kind: &str) -> MessageDiagram {
    let lane_count = instance_count(kind).min(24);
    let end_secs = timeline.end_secs;
    let lane = |index: usize| Lane {
        label: label(kind, index),
        down_spans: match index % 5 {
            4 => vec![(end_secs * 0.4, end_secs * 0.6)],
            _ => Vec::new(),
        },
    };
    let message = |index: usize| {
        let sent_secs = end_secs * (1.2 * noise(index) - 0.1);
        let (from, to) = (index % lane_count, index * 7 % lane_count);
        Message {
            kind: [
                MessageKind::Request,
                MessageKind::Reply,
                MessageKind::Failure,
            ][index % 3],
            from,
            to,
            sent_secs,
            arrived_secs: (index % 6 != 5).then_some(sent_secs + end_secs * 0.05),
        }
    };
    let work = |index: usize| {
        let reached_secs = end_secs * (1.1 * noise(index + 50) - 0.1);
        Work {
            lane: index % lane_count,
            reached_secs,
            started_secs: (index % 4 != 3).then_some(reached_secs + end_secs * 0.01),
            left_secs: (index % 7 != 6).then_some(reached_secs + end_secs * 0.06),
        }
    };
    let note = |index: usize| Note {
        kind: [NoteKind::GaveUp, NoteKind::Doubted, NoteKind::Trusted][index % 3],
        lane: index % lane_count,
        at_secs: end_secs * noise(index + 9),
    };
    let count = if lane_count < 2 { 0 } else { 60 };
    MessageDiagram {
        caption: caption(kind, "Of 41 attempts 38 succeeded", "Requests and replies."),
        timeline: timeline.clone(),
        start: "12 s".to_string(),
        lanes: (0..lane_count).map(lane).collect(),
        messages: (0..count).map(message).collect(),
        works: (0..count).map(work).collect(),
        notes: (0..count / 6).map(note).collect(),
    }
}
