//! How far a number moves with every uncertain input, the widest first.

use serde::{Deserialize, Serialize};

use super::axis::{Quantity, Scale};
use super::frame;
use super::rows::{self, ROW_HEIGHT};
use super::scene::{Anchor, Area, Scene};
use super::series::{self, Swatch};
use super::stored::StoredChart;
use super::theme::{BLUE, Color, INK, LABEL_SIZE, MUTED, VERMILION};
use super::{Caption, Chart, DataTable, text};

/// One input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TornadoRow {
    pub label: String,
    /// The number at the lower and the upper end; none where it does not exist.
    pub values: [Option<f64>; 2],
    /// The ends of an interval around each.
    pub intervals: [Option<(f64, f64)>; 2],
    /// The input at both ends, as written.
    pub inputs: [String; 2],
}

/// A tornado.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tornado {
    pub caption: Caption,
    /// What the axis shows: `latency.p99`.
    pub measure: String,
    /// What kind of number it is.
    pub quantity: Quantity,
    /// The number where every input is as it is.
    pub base: Option<f64>,
    /// The inputs, the widest first.
    pub rows: Vec<TornadoRow>,
}

/// Colours of the lower and the upper end.
const COLORS: [Color; 2] = [BLUE, VERMILION];
/// Room for the inputs beside the bars.
const INPUT_WIDTH: f64 = 84.0;
const BAR_HEIGHT: f64 = 14.0;

impl Chart for Tornado {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let (mut scene, top) = frame::open(&self.caption, width);
        let entries = [
            (Swatch::Fill(COLORS[0]), "at the lower end"),
            (Swatch::Fill(COLORS[1]), "at the upper end"),
            (Swatch::Tick(INK), "as it is"),
        ];
        let top = series::legend_rows(&mut scene, top - 8.0, &entries) + 10.0;
        let left = rows::left_of(self.rows.iter().map(|row| row.label.clone()), width);
        let plot = Area {
            left: left + INPUT_WIDTH,
            top,
            right: width - INPUT_WIDTH - 8.0,
            bottom: top + (self.rows.len() as f64 * ROW_HEIGHT).max(80.0),
        };
        let ends = self.rows.iter().flat_map(|row| {
            let intervals = row
                .intervals
                .iter()
                .flatten()
                .flat_map(|(low, high)| [*low, *high]);
            row.values.iter().flatten().copied().chain(intervals)
        });
        let x = Scale::spanning(ends.chain(self.base), 6.0, plot.left, plot.right);
        for (index, row) in self.rows.iter().enumerate() {
            let y = plot.top + (index as f64 + 0.5) * ROW_HEIGHT;
            let label = text::fit(&row.label, LABEL_SIZE, false, left - 30.0);
            scene.label_in((left - 8.0, y + 4.0), &label, Anchor::End, MUTED);
            self.draw_row(&mut scene, &x, row, y);
        }
        if let Some(base) = self.base {
            let x = x.px(base);
            scene.line(vec![(x, plot.top), (x, plot.bottom)], INK, 1.4);
        }
        if self.rows.is_empty() {
            frame::empty(&mut scene, plot, "no input is uncertain");
        }
        let bottom = frame::base_axis(&mut scene, plot, &x, self.quantity, 6.0, &self.measure);
        frame::close(scene, &self.caption, bottom)
    }

    fn table(&self) -> DataTable {
        let mut table = DataTable::new(["input", "end", "value", &self.measure, "low", "high"]);
        let number = |value: Option<f64>| value.map_or("–".to_string(), |v| v.to_string());
        for row in &self.rows {
            for (place, end) in ["lower", "upper"].iter().enumerate() {
                let interval = row.intervals[place];
                table.push(vec![
                    row.label.clone(),
                    end.to_string(),
                    row.inputs[place].clone(),
                    number(row.values[place]),
                    number(interval.map(|interval| interval.0)),
                    number(interval.map(|interval| interval.1)),
                ]);
            }
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::Tornado(self.clone())
    }
}

impl Tornado {
    fn draw_row(&self, scene: &mut Scene, x: &Scale, row: &TornadoRow, y: f64) {
        let Some(base) = self.base else { return };
        let base_px = x.px(base);
        let (mut leftmost, mut rightmost) = (base_px, base_px);
        for (place, value) in row.values.iter().enumerate() {
            let Some(value) = value else { continue };
            let at = x.px(*value);
            let half = BAR_HEIGHT / 2.0;
            let bar = Area {
                left: at.min(base_px),
                top: y - half,
                right: at.max(base_px),
                bottom: y + half,
            };
            scene.rect(bar, COLORS[place]);
            if let Some((low, high)) = row.intervals[place] {
                let ends = (x.px(low), x.px(high));
                rows::interval(scene, ends, y + if place == 0 { -3.0 } else { 3.0 }, INK);
                leftmost = leftmost.min(ends.0);
                rightmost = rightmost.max(ends.1);
            }
            leftmost = leftmost.min(at);
            rightmost = rightmost.max(at);
        }
        let middle = |place: usize| row.values[place].unwrap_or(base);
        let is_rising = middle(0) <= middle(1);
        let [left, right] = match is_rising {
            true => [0, 1],
            false => [1, 0],
        };
        let cut = |place: usize| text::fit(&row.inputs[place], LABEL_SIZE, false, INPUT_WIDTH);
        scene.label_in((leftmost - 6.0, y + 4.0), &cut(left), Anchor::End, INK);
        scene.label_in((rightmost + 6.0, y + 4.0), &cut(right), Anchor::Start, INK);
    }
}
