//! Numbers with their intervals, one below the other, and the values behind them.

use serde::{Deserialize, Serialize};

use super::axis::{Quantity, Scale};
use super::frame;
use super::rows::{self, ROW_COUNT_MAX, ROW_HEIGHT};
use super::scene::{Anchor, Area, Scene};
use super::series::{self, Swatch};
use super::stored::StoredChart;
use super::theme::{AXIS, BLUE, Color, INK, LABEL_SIZE, MARGIN, MUTED};
use super::{Caption, Chart, DataTable, text};

/// One number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IntervalRow {
    pub label: String,
    /// None where it does not exist, or never came.
    pub value: Option<f64>,
    /// Lower end of its interval; None where there is no interval, or no end.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// The values that it was made of, one for each replication.
    pub values: Vec<f64>,
    /// What is written beside it.
    pub words: String,
    /// Others are compared with it.
    pub is_reference: bool,
}

/// Numbers with their intervals.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    pub caption: Caption,
    pub rows: Vec<IntervalRow>,
    /// What the numbers are.
    pub quantity: Quantity,
    /// The name of the axis.
    pub axis: String,
    /// A value of special meaning: 1 of ratios, 0 of differences.
    pub mark: Option<f64>,
    /// What it means.
    pub mark_name: String,
}

/// The share of a picture's width that words may have beside their rows.
const WORDS_SHARE_MAX: f64 = 0.36;

impl Chart for Intervals {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let (mut scene, top) = frame::open(&self.caption, width);
        let mut entries = vec![(Swatch::Dot(BLUE), "number")];
        if self
            .rows
            .iter()
            .any(|row| row.low.is_some() || row.high.is_some())
        {
            entries.push((Swatch::Interval(BLUE), "its 95 % interval"));
        }
        if self.rows.iter().any(|row| !row.values.is_empty()) {
            entries.push((Swatch::Tick(AXIS), "one replication"));
        }
        if self.mark.is_some() {
            entries.push((Swatch::Tick(INK), &self.mark_name));
        }
        let top = series::legend_rows(&mut scene, top - 8.0, &entries) + 10.0;
        let shown = &self.rows[..self.rows.len().min(ROW_COUNT_MAX)];
        let left = rows::left_of(shown.iter().map(|row| row.label.clone()), width);
        let words = shown
            .iter()
            .map(|row| text::width(&row.words, LABEL_SIZE, false));
        let words_width = words.fold(0.0, f64::max);
        // Where there is no room beside a row its words stand below it.
        let is_beside = !frame::is_narrow(width) && words_width <= width * WORDS_SHARE_MAX;
        let is_below = !is_beside && 0.0 < words_width;
        let (row_height, right) = match is_below {
            true => (ROW_HEIGHT + 14.0, width - MARGIN - 6.0),
            false => (ROW_HEIGHT, width - MARGIN - words_width - 12.0),
        };
        let plot = Area {
            left,
            top,
            right,
            bottom: top + (shown.len() as f64 * row_height).max(66.0),
        };
        let values = shown.iter().flat_map(|row| {
            let ends = [row.value, row.low, row.high].into_iter().flatten();
            ends.chain(row.values.iter().copied())
        });
        let ends = (plot.left + 6.0, plot.right - 6.0);
        let x = Scale::spanning_of(self.quantity, values.chain(self.mark), 6.0, ends);
        if let Some(value) = self.mark {
            let at = x.px(value);
            scene.line(vec![(at, plot.top), (at, plot.bottom)], INK, 1.4);
        }
        for (index, row) in shown.iter().enumerate() {
            let area = Area {
                top: plot.top + index as f64 * row_height,
                ..plot
            };
            let y = draw_row(&mut scene, area, &x, row);
            let (room, at) = match is_below {
                true => (plot.right - MARGIN, (plot.right, y + 19.0)),
                false => (words_width, (width - MARGIN, y + 4.0)),
            };
            let words = text::fit_end(&row.words, LABEL_SIZE, false, room);
            scene.label_in(at, &words, Anchor::End, MUTED);
        }
        if shown.is_empty() {
            frame::empty(&mut scene, plot, "nothing can be compared");
        }
        let count = frame::tick_count(plot, 6.0);
        let bottom = frame::base_axis(&mut scene, plot, &x, self.quantity, count, &self.axis);
        frame::close(scene, &self.caption, bottom)
    }

    fn table(&self) -> DataTable {
        let mut table = DataTable::new(["name", "value", "low", "high", "replications"]);
        let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        for row in &self.rows {
            let count = match row.values.len() {
                0 => String::new(),
                count => count.to_string(),
            };
            table.push(vec![
                row.label.clone(),
                number(row.value),
                number(row.low),
                number(row.high),
                count,
            ]);
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::Intervals(self.clone())
    }
}

/// Draws a row at the top of `plot` without its words; gives its height.
fn draw_row(scene: &mut Scene, plot: Area, x: &Scale, row: &IntervalRow) -> f64 {
    let y = rows::draw_row(scene, plot, 0, &row.label);
    for value in &row.values {
        let at = x.px(*value);
        scene.line(vec![(at, y - 5.0), (at, y + 5.0)], AXIS, 1.0);
    }
    let color = if row.is_reference { INK } else { BLUE };
    draw_interval(scene, plot, x, row, (y, color));
    if let Some(value) = row.value {
        scene.dot((x.px(value), y), 4.5, color);
    }
    y
}

/// An open end has no bar.
fn draw_interval(scene: &mut Scene, plot: Area, x: &Scale, row: &IntervalRow, look: (f64, Color)) {
    if row.low.is_none() && row.high.is_none() {
        return;
    }
    let (y, color) = look;
    let from = row.low.map_or(plot.left, |low| x.px(low));
    let to = row.high.map_or(plot.right, |high| x.px(high));
    scene.line(vec![(from, y), (to, y)], color, 2.5);
    for (end, at) in [(row.low, from), (row.high, to)] {
        if end.is_some() {
            scene.line(vec![(at, y - 5.0), (at, y + 5.0)], color, 1.8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::scene::Shape;

    #[test]
    fn a_verdict_is_never_cut() {
        let words = "1.0002 ± 0.0002 times higher: no evidence";
        let row = IntervalRow {
            label: "a-variant-with-a-name-that-is-rather-long".to_string(),
            value: Some(1.000_2),
            words: words.to_string(),
            ..IntervalRow::default()
        };
        let chart = Intervals {
            rows: vec![row],
            ..Intervals::default()
        };
        for width in [360.0, 480.0, 640.0, 760.0, 900.0, 1_200.0] {
            let scene = chart.scene(width);
            let has_words = |shape: &Shape| match shape {
                Shape::Text(label) => label.text == words,
                _ => false,
            };
            assert!(scene.shapes.iter().any(has_words), "{width}");
        }
    }
}
