//! Inputs for tests of the charts of sweeps and studies.

use super::axis::Quantity;
use super::samples::{caption, instance_count, label, noise};
use super::sweep_lines::{SweepLine, SweepLines, SweepTick, SweepValue};
use super::sweep_map::{SweepCell, SweepMap};
use super::tornado::{Tornado, TornadoRow};
use super::trade_off::{TradeOff, TradeOffPoint};

/// As many as a sweep has points in one direction.
fn point_count(kind: &str) -> usize {
    instance_count(kind).min(30)
}

pub fn sweep_lines(kind: &str) -> SweepLines {
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
        quantity: Quantity::Time,
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

pub fn sweep_map(kind: &str) -> SweepMap {
    let count = point_count(kind);
    let cell = |row: usize, column: usize| {
        let value = (row + 1) as f64 * (column + 1) as f64 * (1.0 + noise(row * 31 + column));
        let value = ((row + column) % 9 != 5).then_some(value);
        SweepCell {
            value,
            label: value.map_or("none".to_string(), |value| format!("{value:.1} ms")),
        }
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
        rows: (0..count)
            .map(|row| (label(kind, row), (0..count).map(|c| cell(row, c)).collect()))
            .collect(),
        chosen: (1 < count).then_some((0, 1)),
    }
}

pub fn tornado(kind: &str) -> Tornado {
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
        quantity: Quantity::Time,
        base: Some(0.1),
        rows: (0..point_count(kind)).map(row).collect(),
    }
}

pub fn trade_off(kind: &str) -> TradeOff {
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
        quantities: [Quantity::Time, Quantity::Number],
        points: (0..count).map(point).collect(),
    }
}
