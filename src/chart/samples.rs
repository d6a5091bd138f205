//! Inputs for tests of charts: ordinary, empty, tiny, large, hostile.

use super::balance_timeline::{BalanceLine, BalanceTimeline};
use super::heartbeat_timeline::{HeartbeatTimeline, ObservedInstance, Observer};
use super::latency_timeline::{LatencyPoint, LatencyTimeline, LatencyWindow, PointOutcome};
use super::load_heatmap::{LoadHeatmap, LoadRow, LoadScale};
use super::percentile_curve::{PercentileCurve, PercentileLimit, PercentileSeries};
use super::rate_timeline::{RateTimeline, RateWindow};
use super::ring_circle::RingCircle;
use super::ring_ownership::{Ownership, RingInstance, RingOwnership};
use super::samples_more::{
    intervals, key_moves, messages, nines, panels, stages, sweep_lines, sweep_map, tornado,
    trade_off,
};
use super::selection_share::{SelectedInstance, SelectionShare};
use super::timeline::{FaultSpan, Timeline};
use super::{Caption, Chart};

/// Words that would break out of markup.
pub const HOSTILE: &str = "<script>alert(\"1\")</script>&'\u{0}\u{202E}-a-name-that-goes-on-and-on-\
                           and-on-for-a-long-while";

/// Every chart with every kind of input.
pub fn all() -> Vec<(String, Box<dyn Chart>)> {
    let mut all: Vec<(String, Box<dyn Chart>)> = Vec::new();
    for (kind, timeline, windows) in timelines() {
        let name = |chart: &str| format!("{chart}-{kind}");
        all.push((
            name("latency"),
            Box::new(latency(&timeline, &windows, kind)),
        ));
        all.push((name("rate"), Box::new(rate(&timeline, &windows, kind))));
        all.push((
            name("balance"),
            Box::new(balance(&timeline, &windows, kind)),
        ));
        all.push((
            name("heatmap"),
            Box::new(heatmap(&timeline, &windows, kind)),
        ));
        all.push((name("heartbeat"), Box::new(heartbeat(&timeline, kind))));
        all.push((name("percentiles"), Box::new(percentiles(kind))));
        all.push((name("ring"), Box::new(ring(kind))));
        all.push((name("key-moves"), Box::new(key_moves(kind))));
        all.push((name("messages"), Box::new(messages(&timeline, kind))));
        all.push((name("selection"), Box::new(selection(kind))));
        all.push((name("panels"), Box::new(panels(&timeline, &windows, kind))));
        all.push((name("nines"), Box::new(nines(kind))));
        all.push((name("stages"), Box::new(stages(kind))));
        all.push((name("intervals"), Box::new(intervals(kind))));
        all.push((name("sweep-lines"), Box::new(sweep_lines(kind))));
        all.push((name("sweep-map"), Box::new(sweep_map(kind))));
        all.push((name("tornado"), Box::new(tornado(kind))));
        all.push((name("trade-off"), Box::new(trade_off(kind))));
    }
    all
}

/// A number in 0 to 1 that looks random.
pub(super) fn noise(n: usize) -> f64 {
    let word = (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let word = (word ^ (word >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (word >> 11) as f64 / (1_u64 << 53) as f64
}

/// A kind of input, its time and its windows.
type Kind = (&'static str, Timeline, Vec<(f64, f64)>);

fn timelines() -> Vec<Kind> {
    let fault = |label: &str, start_secs: f64, end_secs: f64| FaultSpan {
        label: label.to_string(),
        start_secs,
        end_secs,
    };
    let timeline = |end_secs: f64, fault_spans: Vec<FaultSpan>| Timeline {
        start_secs: 0.0,
        end_secs,
        measured_from_secs: end_secs / 20.0,
        fault_spans,
    };
    let windows = |count: usize, width: f64| -> Vec<(f64, f64)> {
        (0..count)
            .map(|i| (i as f64 * width, (i + 1) as f64 * width))
            .collect()
    };
    let overlapping = vec![
        fault("rack-b: host_loss", 30.0, 60.0),
        fault("slow disk", 45.0, 80.0),
        fault("flap", 10.0, 12.0),
        fault("flap", 20.0, 22.0),
        fault("flap", 30.0, 32.0),
        fault("tail", 110.0, 400.0),
        fault(
            "tail two of a long name that has no room to the right",
            112.0,
            113.0,
        ),
        fault("six", 50.0, 51.0),
        fault("seven", 50.0, 51.0),
        fault(HOSTILE, 50.0, 51.0),
    ];
    let flaps = (0..40).map(|n| {
        fault(
            "zone-b",
            f64::from(n) * 2_100.0,
            f64::from(n) * 2_100.0 + 300.0,
        )
    });
    let flapping = flaps.chain([fault("rack-c", 20_000.0, 40_000.0)]).collect();
    vec![
        (
            "ordinary",
            timeline(120.0, vec![fault("rack-b: host_loss", 30.0, 60.0)]),
            windows(120, 1.0),
        ),
        ("overlap", timeline(120.0, overlapping), windows(120, 1.0)),
        ("empty", Timeline::default(), vec![]),
        ("single", timeline(1.0, vec![]), windows(1, 1.0)),
        ("large", timeline(86_400.0, flapping), windows(2_000, 43.2)),
        (
            "hostile",
            timeline(2.0, vec![fault(HOSTILE, 0.0, 2.0)]),
            windows(4, 0.5),
        ),
    ]
}

pub(super) fn caption(kind: &str, title: &str, subtitle: &str) -> Caption {
    if kind == "hostile" {
        return Caption {
            title: HOSTILE.into(),
            subtitle: HOSTILE.repeat(5),
            footer: HOSTILE.repeat(9),
        };
    }
    Caption {
        title: title.into(),
        subtitle: subtitle.into(),
        footer: "rack-loss · seed 7 · stormglass 0.1.0 · digest 3f9a2c41d0e87b65".into(),
    }
}

pub(super) fn instance_count(kind: &str) -> usize {
    match kind {
        "empty" => 0,
        "single" => 1,
        "large" => 200,
        _ => 10,
    }
}

pub(super) fn label(kind: &str, index: usize) -> String {
    if kind == "hostile" {
        format!("{HOSTILE}/{index}")
    } else {
        format!("web/a/{index}")
    }
}

/// A factor that no run gives, for hostile inputs.
pub(super) fn huge_of(kind: &str) -> f64 {
    if kind == "hostile" { 1e40 } else { 1.0 }
}

fn latency(timeline: &Timeline, windows: &[(f64, f64)], kind: &str) -> LatencyTimeline {
    let window = |(index, &(start_secs, end_secs)): (usize, &(f64, f64))| {
        let huge = huge_of(kind);
        let share = start_secs / timeline.end_secs;
        let is_fault = (0.25..0.5).contains(&share);
        let p99 = huge * (0.04 + 0.01 * noise(index) + if is_fault { 0.08 } else { 0.0 });
        LatencyWindow {
            start_secs,
            end_secs,
            latency_secs_p50: Some(0.008 + 0.001 * noise(index + 7)),
            latency_secs_p90: Some(0.018 + 0.002 * noise(index + 5)),
            latency_secs_p99: (index % 17 != 3).then_some(p99),
            latency_secs_p999: (index % 3 != 0 || is_fault).then_some(p99 * 1.8),
            latency_secs_max: (index % 5 != 0).then_some(p99 * 2.7),
            failure_ratio: if is_fault { 0.02 * noise(index) } else { 0.0 },
            timeout_ratio: if (0.25..0.33).contains(&share) {
                0.08
            } else {
                0.0
            },
            rejected_ratio: if is_fault { 0.01 } else { 0.0 },
        }
    };
    let point = |(index, &(start_secs, _)): (usize, &(f64, f64))| LatencyPoint {
        at_secs: start_secs,
        latency_secs: huge_of(kind) * 0.01 * (1.0 + noise(index)),
        outcome: match index % 5 {
            1 => PointOutcome::Failed,
            2 => PointOutcome::TimedOut,
            3 => PointOutcome::Rejected,
            _ => PointOutcome::Success,
        },
    };
    LatencyTimeline {
        caption: caption(
            kind,
            "p99 rose from 48 ms to 121 ms while rack-b was down; 1.03 % of the requests timed out",
            "Percentiles of the latency of successful requests in windows of 1 s. \
             A window with fewer than 10 requests above a percentile does not show it.",
        ),
        timeline: timeline.clone(),
        windows: windows.iter().enumerate().map(window).collect(),
        points: windows.iter().enumerate().map(point).collect(),
    }
}

fn rate(timeline: &Timeline, windows: &[(f64, f64)], kind: &str) -> RateTimeline {
    let window = |(index, &(start_secs, end_secs)): (usize, &(f64, f64))| {
        let huge = if kind == "hostile" { 1e12 } else { 1.0 };
        let is_fault = (0.25..0.33).contains(&(start_secs / timeline.end_secs));
        let lost = if is_fault {
            160.0 + 20.0 * noise(index)
        } else {
            0.0
        };
        RateWindow {
            start_secs,
            end_secs,
            success_rate: huge * (2_000.0 - 1.5 * lost + 50.0 * noise(index + 3)),
            failure_rate: lost * 0.3,
            timeout_rate: lost,
            rejected_rate: lost * 0.2,
            offered_rate: Some(huge * 2_025.0),
        }
    };
    RateTimeline {
        caption: caption(
            kind,
            "Goodput fell from 2,000 /s to 1,760 /s for 10 s, then all requests succeeded again",
            "Requests by the window of their arrival, stacked by outcome.",
        ),
        timeline: timeline.clone(),
        windows: windows.iter().enumerate().map(window).collect(),
    }
}

fn balance(timeline: &Timeline, windows: &[(f64, f64)], kind: &str) -> BalanceTimeline {
    let line = |label: &str, shift: usize, weight: f64| {
        let ratio = |(index, (start_secs, _)): (usize, &(f64, f64))| {
            let huge = if kind == "hostile" { 1e12 } else { 1.0 };
            let is_fault = (0.25..0.5).contains(&(start_secs / timeline.end_secs));
            let more = if is_fault { weight } else { 0.0 };
            let is_idle = 0.97 < noise(index + 31);
            (!is_idle).then(|| huge * (1.05 + more + 0.1 * noise(index + shift)))
        };
        BalanceLine {
            label: match kind {
                "hostile" => format!("{HOSTILE}{label}"),
                _ => label.to_string(),
            },
            ratios: windows.iter().enumerate().map(ratio).collect(),
        }
    };
    BalanceTimeline {
        caption: caption(
            kind,
            "The busiest instance of web had 1.25 times the mean utilization on average",
            "Largest over mean of the instances of web that were up, in windows of 1 s.",
        ),
        timeline: timeline.clone(),
        windows: windows.to_vec(),
        lines: vec![line("in flight", 3, 0.9), line("utilization", 11, 0.4)],
    }
}

fn heatmap(timeline: &Timeline, windows: &[(f64, f64)], kind: &str) -> LoadHeatmap {
    let (fault_start, fault_end) = (timeline.end_secs * 0.25, timeline.end_secs * 0.5);
    let count = instance_count(kind);
    let row = |index: usize| {
        let is_down = index % 5 == 2;
        let values = windows.iter().enumerate().map(|(column, window)| {
            let in_fault = (fault_start..fault_end).contains(&window.0);
            let base = 0.8 + 0.4 * noise(column * 31 + index);
            (!(is_down && in_fault)).then_some(base * if in_fault { 1.25 } else { 1.0 })
        });
        let values = values.collect();
        let down_spans = if is_down {
            vec![(fault_start, fault_end)]
        } else {
            vec![]
        };
        let gone_spans = match index % 5 {
            3 => vec![(fault_start, timeline.end_secs * 0.3)],
            _ => vec![],
        };
        LoadRow {
            label: label(kind, index),
            values,
            down_spans,
            gone_spans,
        }
    };
    let scale = if kind == "overlap" {
        LoadScale::FromZero
    } else {
        LoadScale::FairShare
    };
    LoadHeatmap {
        caption: caption(
            kind,
            "Eight of ten instances carried 1.25 times their fair share while two were down",
            "Attempts that reached each instance, in windows of 1 s.",
        ),
        timeline: timeline.clone(),
        columns: windows.to_vec(),
        rows: (0..count).map(row).collect(),
        scale,
        measure: if kind == "overlap" {
            "in flight"
        } else {
            "load ÷ fair share"
        }
        .to_string(),
    }
}

fn heartbeat(timeline: &Timeline, kind: &str) -> HeartbeatTimeline {
    let end = timeline.end_secs;
    let instance = |index: usize| {
        let is_down = index % 5 == 2;
        let lag = end * (0.04 + 0.03 * noise(index));
        let suspected_spans = match index % 5 {
            2 => vec![(end * 0.25 + lag, end * 0.5 + lag / 2.0)],
            4 => vec![(end * 0.7, end * 0.72), (end * 0.8, end * 0.85)],
            _ => vec![],
        };
        let observer = |name: &str, shift: f64| Observer {
            label: if kind == "hostile" {
                HOSTILE.into()
            } else {
                name.into()
            },
            suspected_spans: suspected_spans
                .iter()
                .map(|s| (s.0 + shift, s.1 + shift))
                .collect(),
            stale_spans: vec![],
        };
        ObservedInstance {
            label: label(kind, index),
            down_spans: if is_down {
                vec![(end * 0.25, end * 0.5)]
            } else {
                vec![]
            },
            paused_spans: if index % 5 == 4 {
                vec![(end * 0.79, end * 0.83)]
            } else {
                vec![]
            },
            absent_spans: if index % 5 == 3 {
                vec![(0.0, end * 0.3)]
            } else {
                vec![]
            },
            observers: vec![
                observer("registry", 0.0),
                observer("half of 50 callers", end * 0.01),
            ],
        }
    };
    HeartbeatTimeline {
        caption: caption(
            kind,
            "The registry noticed the loss of rack-b after 5.9 to 8.0 s; two pauses were mistaken \
             for crashes",
            "Upper strip: what the instance was. Lower strips: what its observers took it for.",
        ),
        timeline: timeline.clone(),
        instances: (0..instance_count(kind)).map(instance).collect(),
    }
}

fn percentiles(kind: &str) -> PercentileCurve {
    let ranks = [
        0.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 99.999,
    ];
    let series = |label: &str, slope: f64, count: usize| PercentileSeries {
        label: label.to_string(),
        points: ranks[..count]
            .iter()
            .map(|&p: &f64| (p, 0.004 + 0.003 * slope * -libm::log((100.0 - p) / 100.0)))
            .collect(),
        sample_count: 10_u64.pow(count as u32 / 2),
    };
    let series = match kind {
        "empty" => vec![],
        "single" => vec![series("steady", 1.0, 1)],
        "large" => (0..9)
            .map(|i| series(&format!("group {i}"), 1.0 + i as f64, 12))
            .collect(),
        "hostile" => vec![series(HOSTILE, 1e30, 12), series(HOSTILE, 1.0, 11)],
        _ => vec![series("steady", 1.0, 12), series("during rack-b", 4.0, 9)],
    };
    let limit = |percentile: f64, secs: f64| PercentileLimit {
        label: match kind {
            "hostile" => HOSTILE.to_string(),
            _ => format!("slo: latency.p{percentile} <= {secs} s"),
        },
        percentile,
        secs,
    };
    PercentileCurve {
        limits: vec![limit(99.0, 0.03), limit(99.9, 0.031), limit(50.0, 0.004)],
        caption: caption(
            kind,
            "While rack-b was down, the slowest 1 % of the requests took four times as long",
            "Latency of successful requests, from the intended arrival at the caller.",
        ),
        series,
    }
}

fn ring(kind: &str) -> RingOwnership {
    let count = instance_count(kind);
    let instance = |index: usize| {
        let fair_share = 1.0 / count as f64;
        let share = fair_share * (0.3 + 1.4 * noise(index));
        let before = Some(Ownership {
            share,
            fair_share: Some(fair_share),
        });
        let grown = Ownership {
            share: share * 1.12,
            fair_share: Some(fair_share * 1.11),
        };
        let after = (index != 3 && kind != "single").then_some(grown);
        RingInstance {
            label: label(kind, index),
            before,
            after,
        }
    };
    RingOwnership {
        caption: caption(
            kind,
            "Losing one of ten instances moved 9.8 % of the keys; the fullest owns 1.6 times its \
             share",
            "Exact arcs of the hash ring, 16 virtual nodes to an instance.",
        ),
        instances: (0..count).map(instance).collect(),
        change: if kind == "hostile" {
            HOSTILE.into()
        } else {
            "without web/a/3".into()
        },
        circles: (0 < count && count <= 24).then(|| {
            let circle = |shift: usize| RingCircle {
                sectors: (0..1_080)
                    .map(|n| ((noise(n / 4) * count as f64) as usize + n / 800 * shift) % count)
                    .map(|owner| owner as u32)
                    .collect(),
                point_count: 16 * count as u64 - shift as u64,
                points: (0..16 * count).map(noise).collect(),
            };
            [circle(0), circle(1)]
        }),
    }
}

fn selection(kind: &str) -> SelectionShare {
    let count = instance_count(kind);
    let instance = |index: usize| {
        let expected_share = 1.0 / count as f64 * (0.5 + (index % 3) as f64 / 2.0);
        let observed_share = expected_share * (0.96 + 0.08 * noise(index));
        SelectedInstance {
            label: label(kind, index),
            expected_share,
            observed_share,
            interval: (kind != "overlap").then_some((observed_share * 0.95, observed_share * 1.05)),
        }
    };
    SelectionShare {
        caption: caption(
            kind,
            "Every instance got its share of the picks within 0.4 points (chi-squared p = 0.41)",
            "31,200 first attempts by weighted_random.",
        ),
        instances: (0..count).map(instance).collect(),
        interval_name: if kind == "overlap" {
            String::new()
        } else {
            "95 % binomial interval".into()
        },
    }
}
