//! How evenly the instances of a service are loaded over time: the largest load over the mean.

use serde::{Deserialize, Serialize};

use super::axis::Scale;
use super::scene::Scene;
use super::series::{self, LineStyle, Swatch};
use super::stored::StoredChart;
use super::theme::{AXIS, LINES};
use super::time_chart::{HEADROOM, TimeChart};
use super::timeline::Timeline;
use super::{Caption, Chart, DataTable};

/// One kind of load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BalanceLine {
    /// `utilization`.
    pub label: String,
    /// Largest over mean by window; none where no instance had any.
    pub ratios: Vec<Option<f64>>,
}

/// Balance over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BalanceTimeline {
    pub caption: Caption,
    pub timeline: Timeline,
    /// Start and end of each window, in seconds, in order of time.
    pub windows: Vec<(f64, f64)>,
    pub lines: Vec<BalanceLine>,
}

const HEIGHT: f64 = 240.0;
/// The axis goes at least up to here, so that small differences look small.
const TOP_MIN: f64 = 2.0;
/// All instances have the same load.
const EVEN: LineStyle = LineStyle {
    color: AXIS,
    width: 1.2,
    dash: Some((2.0, 3.0)),
};

impl Chart for BalanceTimeline {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let is_empty = self.ratios().next().is_none();
        let around = TimeChart {
            caption: &self.caption,
            timeline: &self.timeline,
            legend: &self.legend(),
            height: HEIGHT,
            tick_count: 5.0,
            name: "largest ÷ mean",
            why_empty: is_empty.then_some("no instance was loaded"),
        };
        let scale = |bottom, top| self.scale(bottom, top);
        around.scene(width, scale, |scene, scales| self.draw_lines(scene, scales))
    }

    fn stored(&self) -> StoredChart {
        StoredChart::Balance(self.clone())
    }

    fn table(&self) -> DataTable {
        let mut columns = vec!["window (s)".to_string()];
        columns.extend(
            self.lines
                .iter()
                .map(|line| format!("{} (÷ mean)", line.label)),
        );
        let mut table = DataTable {
            columns,
            ..DataTable::default()
        };
        for (index, (start_secs, end_secs)) in self.windows.iter().enumerate() {
            let mut row = vec![series::window_cell(*start_secs, *end_secs)];
            row.extend(self.lines.iter().map(|line| {
                let ratio = line.ratios.get(index).copied().flatten();
                ratio.map_or("–".to_string(), |ratio| format!("{ratio:.3}"))
            }));
            table.push(row);
        }
        table
    }
}

impl BalanceTimeline {
    fn ratios(&self) -> impl Iterator<Item = f64> {
        let all = self.lines.iter().flat_map(|line| &line.ratios);
        all.flatten().copied().filter(|ratio| ratio.is_finite())
    }

    fn scale(&self, bottom: f64, top: f64) -> Scale {
        let values = self.ratios().map(|ratio| ratio * HEADROOM);
        Scale::from_zero(values.chain([TOP_MIN]), 5.0, bottom, top)
    }

    fn draw_lines(&self, scene: &mut Scene, scales: (&Scale, &Scale)) {
        let (start, end) = scales.0.range();
        series::line(
            scene,
            [(start, Some(1.0)), (end, Some(1.0))].into_iter(),
            scales,
            EVEN,
        );
        // The first line, of which the title speaks, lies over the others.
        let lines: Vec<_> = self.lines.iter().zip(self.styles()).collect();
        for (line, style) in lines.into_iter().rev() {
            let windows = self.windows.iter().zip(&line.ratios);
            let corners =
                windows.flat_map(|(window, ratio)| [(window.0, *ratio), (window.1, *ratio)]);
            series::line(scene, corners, scales, style);
        }
    }

    fn styles(&self) -> impl Iterator<Item = LineStyle> {
        LINES.into_iter().enumerate().map(|(place, color)| {
            let style = LineStyle {
                color,
                width: 1.8,
                dash: (0 < place).then_some((5.0, 3.0)),
            };
            style.through(self.windows.len())
        })
    }

    fn legend(&self) -> Vec<(Swatch, &str)> {
        let lines = self.lines.iter().zip(self.styles());
        let mut entries: Vec<(Swatch, &str)> = lines
            .map(|(line, style)| (Swatch::Line(style), line.label.as_str()))
            .collect();
        entries.push((Swatch::Line(EVEN), "all alike"));
        entries
    }
}
