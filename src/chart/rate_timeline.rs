//! Requests per second over time, stacked by outcome, with the offered load as a line.

use serde::{Deserialize, Serialize};

use super::axis::Scale;
use super::scene::Scene;
use super::series::{self, Layer, LineStyle, Swatch};
use super::stored::StoredChart;
use super::theme::{AMBER, BLUE, INK, ORANGE, PLUM, PURPLE, SKY, VERMILION};
use super::time_chart::{HEADROOM, TimeChart};
use super::timeline::Timeline;
use super::{Caption, Chart, DataTable};

/// One window of time. All rates are per second and belong to the window of the arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RateWindow {
    pub start_secs: f64,
    pub end_secs: f64,
    pub success_rate: f64,
    pub failure_rate: f64,
    pub timeout_rate: f64,
    pub rejected_rate: f64,
    /// What the clients wanted to send; none for closed loops.
    pub offered_rate: Option<f64>,
}

/// Request rate by outcome over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RateTimeline {
    pub caption: Caption,
    pub timeline: Timeline,
    /// In order of time.
    pub windows: Vec<RateWindow>,
}

/// Fill, edge and name of what stands on top of each other.
const LAYERS: [Layer; 4] = [
    (SKY, BLUE, "success"),
    (VERMILION, VERMILION, "failed"),
    (ORANGE, AMBER, "timed out"),
    (PURPLE, PLUM, "rejected"),
];

const HEIGHT: f64 = 290.0;
const OFFERED: LineStyle = LineStyle {
    color: INK,
    width: 1.6,
    dash: Some((6.0, 3.0)),
};

impl Chart for RateTimeline {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let around = TimeChart {
            caption: &self.caption,
            timeline: &self.timeline,
            legend: &self.legend(),
            height: HEIGHT,
            tick_count: 6.0,
            name: "requests per second",
            why_empty: self.windows.is_empty().then_some("no request arrived"),
        };
        let scale = |bottom, top| {
            let peaks = self.windows.iter().flat_map(|w| {
                let stack = series::stacked(rates(w));
                [Some(stack[LAYERS.len() - 1].1), w.offered_rate]
            });
            let peaks = peaks.flatten().map(|rate| rate * HEADROOM);
            Scale::from_zero(peaks, 6.0, bottom, top)
        };
        around.scene(width, scale, |scene, scales| self.draw_rates(scene, scales))
    }

    fn table(&self) -> DataTable {
        let mut table = DataTable::new([
            "window (s)",
            "success (/s)",
            "failed (/s)",
            "timed out (/s)",
            "rejected (/s)",
            "offered (/s)",
        ]);
        let rate = |rate: f64| format!("{rate:.2}");
        for w in &self.windows {
            table.push(vec![
                series::window_cell(w.start_secs, w.end_secs),
                rate(w.success_rate),
                rate(w.failure_rate),
                rate(w.timeout_rate),
                rate(w.rejected_rate),
                w.offered_rate.map_or("–".into(), rate),
            ]);
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::Rates(self.clone())
    }
}

impl RateTimeline {
    fn draw_rates(&self, scene: &mut Scene, scales: (&Scale, &Scale)) {
        let windows = self.windows.iter();
        let layered: Vec<_> = windows
            .map(|w| (w.start_secs, w.end_secs, rates(w)))
            .collect();
        series::layers(scene, &layered, scales, &LAYERS);
        let corners = self
            .windows
            .iter()
            .flat_map(|w| [(w.start_secs, w.offered_rate), (w.end_secs, w.offered_rate)]);
        series::line(scene, corners, scales, OFFERED);
    }

    fn legend(&self) -> Vec<(Swatch, &'static str)> {
        let mut entries: Vec<(Swatch, &str)> = LAYERS
            .iter()
            .map(|&(color, _, text)| (Swatch::Fill(color), text))
            .collect();
        let mut offered = self.windows.iter().filter_map(|w| w.offered_rate);
        if offered.any(f64::is_finite) {
            entries.push((Swatch::Line(OFFERED), "offered load"));
        }
        entries
    }
}

/// In the order of the layers.
fn rates(w: &RateWindow) -> [f64; 4] {
    [
        w.success_rate,
        w.failure_rate,
        w.timeout_rate,
        w.rejected_rate,
    ]
}
