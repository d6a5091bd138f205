//! Latency percentiles over time, with the share of requests that did not succeed below.

use serde::{Deserialize, Serialize};

use super::axis::{Quantity, Scale};
use super::frame::{self, EndLabel};
use super::marks;
use super::scene::{Anchor, Area, Scene};
use super::series::{self, Layer, LineStyle, Swatch};
use super::stored::StoredChart;
use super::theme::{
    AMBER, BLUE, GREEN, INK, LABEL_SIZE, MARGIN, MUTED, ORANGE, PAPER, PLUM, PURPLE, SKY,
    VERMILION, WINE,
};
use super::timeline::Timeline;
use super::{Caption, Chart, DataTable, text};

/// One window of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyWindow {
    pub start_secs: f64,
    pub end_secs: f64,
    /// Percentiles of the latency of successful requests; none where there are too few.
    pub latency_secs_p50: Option<f64>,
    pub latency_secs_p90: Option<f64>,
    pub latency_secs_p99: Option<f64>,
    pub latency_secs_p999: Option<f64>,
    /// The slowest of them, however few there are.
    #[serde(default)]
    pub latency_secs_max: Option<f64>,
    /// Shares of the requests that arrived in the window, from 0 to 1.
    pub failure_ratio: f64,
    pub timeout_ratio: f64,
    pub rejected_ratio: f64,
}

/// Latency percentiles and outcomes over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyTimeline {
    pub caption: Caption,
    pub timeline: Timeline,
    /// In order of time.
    pub windows: Vec<LatencyWindow>,
    /// Some single requests.
    #[serde(default)]
    pub points: Vec<LatencyPoint>,
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyPoint {
    /// When it arrived.
    pub at_secs: f64,
    /// From there to its outcome.
    pub latency_secs: f64,
    pub outcome: PointOutcome,
}

/// The outcome of a request, which decides its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointOutcome {
    /// A dot.
    Success,
    /// A cross.
    Failed,
    /// A triangle.
    TimedOut,
    /// A square.
    Rejected,
}

/// Fill, edge and name of what stands on top of each other.
const LAYERS: [Layer; 3] = [
    (VERMILION, VERMILION, "failed"),
    (ORANGE, AMBER, "timed out"),
    (PURPLE, PLUM, "rejected"),
];

const LATENCY_HEIGHT: f64 = 250.0;
const OUTCOME_HEIGHT: f64 = 90.0;
/// A line that ends this far from the right side has its name at its end.
const EARLY_WIDTH: f64 = 60.0;

type Percentile = (&'static str, LineStyle, fn(&LatencyWindow) -> Option<f64>);

/// The slowest first, so that percentiles are drawn over it.
const PERCENTILES: [Percentile; 5] = [
    (
        "max",
        LineStyle {
            color: MUTED,
            width: 0.9,
            dash: None,
        },
        |w| w.latency_secs_max,
    ),
    (
        "p99.9",
        LineStyle {
            color: INK,
            width: 1.3,
            dash: Some((5.0, 3.0)),
        },
        |w| w.latency_secs_p999,
    ),
    (
        "p99",
        LineStyle {
            color: WINE,
            width: 2.2,
            dash: None,
        },
        |w| w.latency_secs_p99,
    ),
    (
        "p90",
        LineStyle {
            color: GREEN,
            width: 1.8,
            dash: Some((2.0, 2.0)),
        },
        |w| w.latency_secs_p90,
    ),
    (
        "p50",
        LineStyle {
            color: BLUE,
            width: 2.2,
            dash: None,
        },
        |w| w.latency_secs_p50,
    ),
];

impl Chart for LatencyTimeline {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let (mut scene, mut lanes_top) = frame::open(&self.caption, width);
        if frame::is_narrow(width) {
            lanes_top = series::legend_rows(&mut scene, lanes_top, &legend());
        }
        let top = lanes_top + self.timeline.lanes_height() + 22.0;
        let latencies = self
            .windows
            .iter()
            .flat_map(|w| PERCENTILES.map(|(_, _, of)| of(w)));
        let points = self.points.iter().map(|point| point.latency_secs);
        let latencies = latencies.flatten().chain(points);
        let latency = Scale::logarithmic(latencies, top + LATENCY_HEIGHT, top);
        let outcome_top = top + LATENCY_HEIGHT + 40.0;
        let shares = self.windows.iter().map(lost);
        let outcome = Scale::from_zero(
            shares.chain([0.01]),
            2.0,
            outcome_top + OUTCOME_HEIGHT,
            outcome_top,
        );

        let ticks = [
            latency.ticks(Quantity::Time, 6.0),
            outcome.ticks(Quantity::Ratio, 2.0),
        ];
        let tick_width = ticks
            .iter()
            .map(|ticks| frame::tick_width(ticks))
            .fold(0.0, f64::max);
        let left = MARGIN + tick_width + 10.0;
        let right = width - 70.0;
        let plot = Area {
            left,
            top,
            right,
            bottom: top + LATENCY_HEIGHT,
        };
        let below = Area {
            left,
            top: outcome_top,
            right,
            bottom: outcome_top + OUTCOME_HEIGHT,
        };
        let time = self.timeline.scale(left, right);

        for area in [plot, below] {
            self.timeline.shade(&mut scene, &time, area);
            self.timeline.hatch_warmup(&mut scene, &time, area);
        }
        self.timeline.draw_lanes(&mut scene, &time, plot, lanes_top);
        let name = "latency of successful requests (log scale)";
        frame::value_axis(&mut scene, plot, &latency, Quantity::Time, 6.0, name);
        let name = "requests without success";
        frame::value_axis(&mut scene, below, &outcome, Quantity::Ratio, 2.0, name);
        self.draw_outcomes(&mut scene, below, (&time, &outcome));
        self.draw_points(&mut scene, (&time, &latency));
        for area in [plot, below] {
            self.timeline.mark(&mut scene, &time, area);
        }
        self.draw_percentiles(&mut scene, plot, (&time, &latency));
        if !self.windows.is_empty() && self.windows.iter().all(|w| lost(w) == 0.0) {
            frame::empty(&mut scene, below, "every request succeeded");
        }
        let name = self.timeline.axis_name();
        let bottom = frame::base_axis(&mut scene, below, &time, Quantity::Time, 8.0, name);
        frame::close(scene, &self.caption, bottom)
    }

    fn table(&self) -> DataTable {
        let mut table = DataTable::new([
            "window (s)",
            "p50 (ms)",
            "p90 (ms)",
            "p99 (ms)",
            "p99.9 (ms)",
            "max (ms)",
            "failed (%)",
            "timed out (%)",
            "rejected (%)",
        ]);
        let ms = |secs: Option<f64>| secs.map_or("–".into(), |secs| format!("{:.3}", secs * 1e3));
        let percent = |share: f64| format!("{:.3}", share * 100.0);
        for w in &self.windows {
            table.push(vec![
                series::window_cell(w.start_secs, w.end_secs),
                ms(w.latency_secs_p50),
                ms(w.latency_secs_p90),
                ms(w.latency_secs_p99),
                ms(w.latency_secs_p999),
                ms(w.latency_secs_max),
                percent(w.failure_ratio),
                percent(w.timeout_ratio),
                percent(w.rejected_ratio),
            ]);
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::Latency(self.clone())
    }
}

impl LatencyTimeline {
    fn draw_points(&self, scene: &mut Scene, (time, latency): (&Scale, &Scale)) {
        for point in &self.points {
            // What took no time has no logarithm, and stands on the lower edge.
            if !point.latency_secs.is_finite() || self.timeline.end_secs < point.at_secs {
                continue;
            }
            let at = (time.px(point.at_secs), latency.px(point.latency_secs));
            match point.outcome {
                PointOutcome::Success => scene.dot(at, 1.2, SKY),
                PointOutcome::Failed => marks::cross(scene, at, VERMILION),
                PointOutcome::TimedOut => marks::triangle(scene, at, ORANGE),
                PointOutcome::Rejected => marks::square(scene, at, PURPLE),
            }
        }
    }

    fn draw_percentiles(&self, scene: &mut Scene, plot: Area, scales: (&Scale, &Scale)) {
        let (mut labels, mut early) = (Vec::new(), Vec::new());
        for (name, style, of) in PERCENTILES {
            let points = self
                .windows
                .iter()
                .map(|w| ((w.start_secs + w.end_secs) / 2.0, of(w)));
            let style = style.through(self.windows.len());
            let Some(end) = series::line(scene, points, scales, style) else {
                continue;
            };
            let label = EndLabel {
                y: end.1,
                text: name.to_string(),
                color: style.color,
            };
            let is_last_known = self
                .windows
                .last()
                .is_some_and(|window| of(window).is_some());
            match !is_last_known && end.0 + EARLY_WIDTH < plot.right {
                true => early.push((end.0, label)),
                false => labels.push(label),
            }
        }
        let is_empty = labels.is_empty() && early.is_empty();
        let mut taken = Vec::new();
        for (x, label) in early {
            name_early(scene, plot, x, label, &mut taken);
        }
        if is_empty {
            frame::empty(scene, plot, "no window has enough successful requests");
        }
        frame::end_labels(scene, plot, labels);
    }

    fn draw_outcomes(&self, scene: &mut Scene, plot: Area, scales: (&Scale, &Scale)) {
        let windows = self.windows.iter();
        let layered: Vec<_> = windows
            .map(|w| (w.start_secs, w.end_secs, shares(w)))
            .collect();
        series::layers(scene, &layered, scales, &LAYERS);
        if !frame::is_narrow(scene.width) {
            let ends = (plot.left + 200.0, plot.right);
            series::legend(scene, ends, plot.top - 9.0, &legend());
        }
    }
}

/// Names a line at its own end, which lies within the plot, where none of the others is named.
fn name_early(scene: &mut Scene, plot: Area, x: f64, label: EndLabel, taken: &mut Vec<Area>) {
    const STEPS: [f64; 7] = [0.0, 16.0, -16.0, 32.0, -32.0, 48.0, -48.0];
    let width = text::width(&label.text, LABEL_SIZE, false);
    let ground = |step: f64| Area {
        left: x + 4.0,
        top: label.y + step - LABEL_SIZE + 4.0,
        right: x + 8.0 + width,
        bottom: label.y + step + 7.0,
    };
    let is_free = |area: &Area| {
        let is_apart = |other: &Area| {
            area.right <= other.left
                || other.right <= area.left
                || area.bottom <= other.top
                || other.bottom <= area.top
        };
        plot.top <= area.top && area.bottom <= plot.bottom && taken.iter().all(is_apart)
    };
    let Some(area) = STEPS.into_iter().map(ground).find(is_free) else {
        return;
    };
    scene.rect(area, PAPER);
    let at = (x + 6.0, area.bottom - 3.0);
    scene.label_in(at, &label.text, Anchor::Start, label.color);
    taken.push(area);
}

fn legend() -> [(Swatch, &'static str); 3] {
    LAYERS.map(|(color, _, text)| (Swatch::Fill(color), text))
}

/// In the order of the layers.
fn shares(w: &LatencyWindow) -> [f64; 3] {
    [w.failure_ratio, w.timeout_ratio, w.rejected_ratio]
}

/// Everything that did not succeed.
fn lost(w: &LatencyWindow) -> f64 {
    series::stacked(shares(w))[LAYERS.len() - 1].1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::scene::Shape;

    #[test]
    fn p90_is_drawn_where_higher_percentiles_are_withheld() {
        let window = |second: u32| LatencyWindow {
            start_secs: f64::from(second),
            end_secs: f64::from(second + 1),
            latency_secs_p50: Some(0.001),
            latency_secs_p90: Some(0.003),
            ..LatencyWindow::default()
        };
        let chart = LatencyTimeline {
            windows: (0..5).map(window).collect(),
            ..LatencyTimeline::default()
        };
        let scene = chart.scene(crate::chart::theme::WIDTH);
        let is_named = |name: &str| {
            let is_name = |shape: &Shape| matches!(shape, Shape::Text(l) if l.text == name);
            scene.shapes.iter().any(is_name)
        };
        assert!(is_named("p90") && is_named("p50") && !is_named("p99"));
        assert_eq!(chart.table().rows[0][1..4], ["1.000", "3.000", "–"]);
    }
}
