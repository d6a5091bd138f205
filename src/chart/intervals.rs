//! Numbers with their intervals, one below the other, and the values behind them.

use super::axis::{Quantity, Scale};
use super::frame;
use super::rows::{self, ROW_COUNT_MAX, ROW_HEIGHT};
use super::scene::{Anchor, Area, Scene};
use super::theme::{AXIS, BLUE, Color, INK, LABEL_SIZE, MARGIN, MUTED, VERMILION, WIDTH};
use super::{Caption, Chart, DataTable, text};

/// One number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntervalRow {
    pub label: String,
    /// None where it does not exist.
    pub value: Option<f64>,
    /// Lower and upper end of its interval; an infinite one is open.
    pub interval: Option<(f64, f64)>,
    /// The values that it was made of, one for each replication.
    pub values: Vec<f64>,
    /// What is written beside it.
    pub words: String,
    /// Others are compared with it.
    pub is_reference: bool,
}

/// Numbers with their intervals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Intervals {
    pub caption: Caption,
    pub rows: Vec<IntervalRow>,
    /// What the numbers are.
    pub quantity: Option<Quantity>,
    /// The name of the axis, with its unit.
    pub axis: String,
    /// A value of special meaning, and what it means: 1, `no difference`.
    pub mark: Option<(f64, String)>,
}

impl Chart for Intervals {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self) -> Scene {
        let (mut scene, top) = frame::open(&self.caption);
        draw_legend(&mut scene, top + 8.0);
        let top = top + if self.mark.is_some() { 44.0 } else { 28.0 };
        let shown = &self.rows[..self.rows.len().min(ROW_COUNT_MAX)];
        let left = rows::left_of(shown.iter().map(|row| row.label.clone()));
        let plot = Area {
            left,
            top,
            right: WIDTH - 230.0,
            bottom: top + (shown.len() as f64 * ROW_HEIGHT).max(66.0),
        };
        let ends = shown.iter().flat_map(|row| {
            let (low, high) = row.interval.unwrap_or((f64::NAN, f64::NAN));
            [row.value.unwrap_or(f64::NAN), low, high]
        });
        let values = shown.iter().flat_map(|row| row.values.iter().copied());
        let marked = self.mark.iter().map(|(value, _)| *value);
        let x = Scale::spanning(
            ends.chain(values).chain(marked),
            6.0,
            plot.left + 6.0,
            plot.right - 6.0,
        );
        if let Some((value, meaning)) = &self.mark {
            let at = x.px(*value);
            scene.line(vec![(at, plot.top), (at, plot.bottom)], AXIS, 1.5);
            let meaning = text::fit(meaning, LABEL_SIZE, false, 200.0);
            let half = text::width(&meaning, LABEL_SIZE, false) / 2.0;
            let at = at.clamp(MARGIN + half, WIDTH - MARGIN - half);
            scene.label_in((at, plot.top - 6.0), &meaning, Anchor::Middle, MUTED);
        }
        for (index, row) in shown.iter().enumerate() {
            draw_row(&mut scene, plot, &x, index, row);
        }
        if shown.is_empty() {
            frame::empty(&mut scene, plot, "nothing can be compared");
        }
        let quantity = self.quantity.unwrap_or(Quantity::Number);
        let bottom = frame::base_axis(&mut scene, plot, &x, quantity, 6.0, &self.axis);
        frame::close(scene, &self.caption, bottom)
    }

    fn table(&self) -> DataTable {
        let mut table = DataTable::new(["name", "value", "low", "high", "replications"]);
        let number = |value: Option<f64>| match value {
            Some(value) if value.is_finite() => value.to_string(),
            _ => String::new(),
        };
        for row in &self.rows {
            table.push(vec![
                row.label.clone(),
                number(row.value),
                number(row.interval.map(|interval| interval.0)),
                number(row.interval.map(|interval| interval.1)),
                row.values.len().to_string(),
            ]);
        }
        table
    }
}

fn draw_row(scene: &mut Scene, plot: Area, x: &Scale, index: usize, row: &IntervalRow) {
    let y = rows::draw_row(scene, plot, index, &row.label);
    for value in row.values.iter().filter(|value| value.is_finite()) {
        let at = x.px(*value);
        scene.line(vec![(at, y - 5.0), (at, y + 5.0)], AXIS, 1.0);
    }
    let color = if row.is_reference { INK } else { BLUE };
    if let Some(interval) = row.interval {
        draw_interval(scene, x, interval, y, color);
    }
    match row.value {
        Some(value) if value.is_finite() => scene.dot((x.px(value), y), 4.5, color),
        // It lies beyond every scale.
        Some(_) => scene.dot((plot.right - 2.0, y), 4.5, VERMILION),
        None => {}
    }
    let words = text::fit(&row.words, LABEL_SIZE, false, 200.0);
    scene.label_in((WIDTH - MARGIN, y + 4.0), &words, Anchor::End, MUTED);
}

/// An open end has no bar.
fn draw_interval(scene: &mut Scene, x: &Scale, (low, high): (f64, f64), y: f64, color: Color) {
    let (from, to) = (x.px(low), x.px(high));
    scene.line(vec![(from, y), (to, y)], color, 2.5);
    for (end, at) in [(low, from), (high, to)] {
        if end.is_finite() {
            scene.line(vec![(at, y - 5.0), (at, y + 5.0)], color, 1.8);
        }
    }
}

/// Explains the marks in one row.
fn draw_legend(scene: &mut Scene, y: f64) {
    let x = MARGIN + 6.0;
    scene.line(vec![(x, y - 4.0), (x + 26.0, y - 4.0)], BLUE, 2.5);
    scene.dot((x + 13.0, y - 4.0), 4.5, BLUE);
    let words = "number and its 95 % interval";
    scene.label((x + 34.0, y), words, Anchor::Start);
    let x = x + 34.0 + text::width(words, LABEL_SIZE, false) + 24.0;
    scene.line(vec![(x, y - 9.0), (x, y + 1.0)], AXIS, 1.0);
    scene.label((x + 8.0, y), "one replication", Anchor::Start);
}
