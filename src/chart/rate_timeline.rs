//! Requests per second over time, stacked by outcome, with the offered load as a line.

use serde::{Deserialize, Serialize};

use super::axis::{Quantity, Scale};
use super::frame;
use super::number;
use super::scene::{Area, Scene};
use super::series::{self, LineStyle, Step, Swatch};
use super::stored::StoredChart;
use super::theme::{AMBER, BLUE, Color, INK, MARGIN, ORANGE, PLUM, PURPLE, SKY, VERMILION};
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
const LAYERS: [(Color, Color, &str); 4] = [
    (SKY, BLUE, "success"),
    (VERMILION, VERMILION, "failed"),
    (ORANGE, AMBER, "timed out"),
    (PURPLE, PLUM, "rejected"),
];

const HEIGHT: f64 = 290.0;
/// Room above the highest rate, in which the shading of faults is seen.
const HEADROOM: f64 = 1.06;
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
        let (mut scene, mut lanes_top) = frame::open(&self.caption, width);
        if frame::is_narrow(width) {
            lanes_top = series::legend_rows(&mut scene, lanes_top, &self.legend());
        }
        let top = lanes_top + self.timeline.lanes_height() + 22.0;
        let peaks = self
            .windows
            .iter()
            .flat_map(|w| [Some(stack(w)[3].1), w.offered_rate]);
        let rate = Scale::from_zero(
            peaks.flatten().map(|rate| rate * HEADROOM),
            6.0,
            top + HEIGHT,
            top,
        );
        let ticks = rate.ticks(Quantity::Number, 6.0);
        let left = MARGIN + frame::tick_width(&ticks) + 10.0;
        let plot = Area {
            left,
            top,
            right: width - 36.0,
            bottom: top + HEIGHT,
        };
        let time = self.timeline.scale(plot.left, plot.right);

        frame::value_axis(
            &mut scene,
            plot,
            &rate,
            Quantity::Number,
            6.0,
            "requests per second",
        );
        self.timeline.shade(&mut scene, &time, plot);
        self.draw_rates(&mut scene, plot, (&time, &rate));
        self.timeline.hatch_warmup(&mut scene, &time, plot);
        self.timeline.mark(&mut scene, &time, plot);
        self.timeline.draw_lanes(&mut scene, &time, plot, lanes_top);
        if self.windows.is_empty() {
            frame::empty(&mut scene, plot, "no request arrived");
        }
        let name = self.timeline.axis_name();
        let bottom = frame::base_axis(&mut scene, plot, &time, Quantity::Time, 8.0, name);
        frame::close(scene, &self.caption, bottom)
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
                format!(
                    "{}–{}",
                    number::plain(w.start_secs, 0.001),
                    number::plain(w.end_secs, 0.001)
                ),
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
    fn draw_rates(&self, scene: &mut Scene, plot: Area, scales: (&Scale, &Scale)) {
        for (layer, (color, edge, _)) in LAYERS.into_iter().enumerate() {
            let steps: Vec<Step> = self
                .windows
                .iter()
                .map(|w| {
                    let (low, high) = stack(w)[layer];
                    Step {
                        start: w.start_secs,
                        end: w.end_secs,
                        low,
                        high,
                    }
                })
                .collect();
            series::area(scene, &steps, scales, (color, edge));
        }
        let corners = self
            .windows
            .iter()
            .flat_map(|w| [(w.start_secs, w.offered_rate), (w.end_secs, w.offered_rate)]);
        series::line(scene, corners, scales, OFFERED);

        if !frame::is_narrow(scene.width) {
            let ends = (plot.left + 150.0, plot.right);
            series::legend(scene, ends, plot.top - 9.0, &self.legend());
        }
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

/// Lower and upper edge of success, failed, timed out and rejected on top of each other.
fn stack(w: &RateWindow) -> [(f64, f64); 4] {
    let mut top = 0.0;
    [
        w.success_rate,
        w.failure_rate,
        w.timeout_rate,
        w.rejected_rate,
    ]
    .map(|rate| {
        let low = top;
        top += if rate.is_finite() { rate.max(0.0) } else { 0.0 };
        (low, top)
    })
}
