//! A measure along one axis of a sweep, with a line for each value of another.

use serde::{Deserialize, Serialize};

use super::axis::{Quantity, Scale};
use super::frame::{self, EndLabel};
use super::scene::{Anchor, Area, Scene};
use super::series::{self, LineStyle};
use super::stored::StoredChart;
use super::theme::{AXIS, Color, LABEL_SIZE, LINES, MARGIN, MUTED};
use super::{Caption, Chart, DataTable, text};

/// One value of the axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepTick {
    pub label: String,
    /// None of what is no quantity; then all values have the same distance.
    pub number: Option<f64>,
}

/// A number with an interval around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepValue {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepLine {
    pub label: String,
    /// One for each tick; none where the number does not exist or the point is left out.
    pub values: Vec<Option<SweepValue>>,
}

/// Lines along an axis of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepLines {
    pub caption: Caption,
    /// The measure.
    pub measure: String,
    /// What kind of number it is.
    pub quantity: Quantity,
    /// What the axis is called.
    pub axis: String,
    pub ticks: Vec<SweepTick>,
    /// At most as many as there are colours.
    pub lines: Vec<SweepLine>,
}

const HEIGHT: f64 = 320.0;
/// Numbers that differ by more than this factor are drawn by their logarithms.
const LINEAR_FACTOR_MAX: f64 = 50.0;
/// Lengths of dashes and gaps, so that lines differ by more than their colour.
const DASHES: [Option<(f64, f64)>; 6] = [
    None,
    Some((7.0, 3.0)),
    Some((2.0, 3.0)),
    Some((10.0, 4.0)),
    Some((4.0, 2.0)),
    Some((1.5, 1.5)),
];

impl Chart for SweepLines {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let (mut scene, top) = frame::open(&self.caption, width);
        let top = top + 22.0;
        let y = self.value_scale(top + HEIGHT, top);
        let left = MARGIN + frame::tick_width(&y.ticks(self.quantity, 6.0)) + 10.0;
        let labels = self
            .lines
            .iter()
            .map(|line| text::width(&line.label, LABEL_SIZE, false));
        let room = labels.fold(40.0, f64::max).min(width * 0.25);
        let plot = Area {
            left,
            top,
            right: width - MARGIN - room - 10.0,
            bottom: top + HEIGHT,
        };
        let x = self.tick_scale(plot);
        let name = y.name(&self.measure);
        frame::value_axis(&mut scene, plot, &y, self.quantity, 6.0, &name);
        let mut ends = Vec::new();
        for (place, line) in self.lines.iter().enumerate() {
            let color = LINES[place % LINES.len()];
            self.draw_intervals(&mut scene, line, (&x, &y), color);
            let points = (0..).zip(&line.values);
            // On a scale of ratios a zero stands at the lower end.
            let shown = |value: &SweepValue| value.value.max(y.range().0);
            let points =
                points.map(|(tick, value)| (self.position(tick), value.as_ref().map(shown)));
            let style = LineStyle {
                color,
                width: 2.0,
                dash: DASHES[place % DASHES.len()],
            };
            if let Some((_, end)) = series::line(&mut scene, points, (&x, &y), style) {
                ends.push(EndLabel {
                    y: end,
                    text: line.label.clone(),
                    color,
                });
            }
        }
        if ends.is_empty() {
            frame::empty(&mut scene, plot, "the number does not exist at any point");
        }
        frame::end_labels(&mut scene, plot, ends);
        let bottom = self.draw_ticks(&mut scene, plot, &x);
        let has_zero = self.values().any(|value| value.value == 0.0);
        let bottom = match self.is_logarithmic() && has_zero {
            true => {
                let words = "The scale is by ratio; a zero stands at its lower end.";
                frame::remark(&mut scene, (plot.left, bottom), words)
            }
            false => bottom,
        };
        frame::close(scene, &self.caption, bottom)
    }

    fn table(&self) -> DataTable {
        let mut table = DataTable::new([&self.axis, "line", &self.measure, "low", "high"]);
        for line in &self.lines {
            for (tick, value) in self.ticks.iter().zip(&line.values) {
                let cells = value.map_or([String::new(), String::new(), String::new()], |v| {
                    [v.value, v.low, v.high].map(|x| x.to_string())
                });
                let mut row = vec![tick.label.clone(), line.label.clone()];
                row.extend(cells);
                table.push(row);
            }
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::SweepLines(self.clone())
    }
}

impl SweepLines {
    fn has_numbers(&self) -> bool {
        self.ticks.iter().all(|tick| tick.number.is_some())
    }

    fn position(&self, tick: usize) -> f64 {
        let number = self.ticks.get(tick).and_then(|tick| tick.number);
        match self.has_numbers() {
            true => number.unwrap_or_default(),
            false => tick as f64,
        }
    }

    fn tick_scale(&self, plot: Area) -> Scale {
        let positions = (0..self.ticks.len()).map(|tick| self.position(tick));
        let low = positions.clone().fold(f64::INFINITY, f64::min);
        let high = positions.clone().fold(f64::NEG_INFINITY, f64::max);
        let (from, to) = (plot.left + 14.0, plot.right - 14.0);
        match 0.0 < low && 8.0 * low < high {
            true => Scale::logarithmic(positions, from, to),
            false if low < high => Scale::linear(low, high, from, to),
            false => Scale::linear(low - 1.0, low + 1.0, from, to),
        }
    }

    fn values(&self) -> impl Iterator<Item = &SweepValue> + Clone {
        self.lines
            .iter()
            .flat_map(|line| line.values.iter().flatten())
    }

    /// Whether the numbers differ so much that they are drawn by ratio.
    fn is_logarithmic(&self) -> bool {
        let means = self.values().map(|value| value.value);
        let high = means.clone().fold(0.0, f64::max);
        let positive = means.clone().filter(|value| 0.0 < *value);
        let low = positive.fold(f64::INFINITY, f64::min);
        means.fold(0.0, f64::min) == 0.0 && LINEAR_FACTOR_MAX * low < high
    }

    fn value_scale(&self, bottom: f64, top: f64) -> Scale {
        match self.is_logarithmic() {
            true => Scale::logarithmic(self.values().map(|value| value.value), bottom, top),
            false => {
                let ends = self.values().flat_map(|value| [value.value, value.high]);
                Scale::from_zero(ends, 6.0, bottom, top)
            }
        }
    }

    fn draw_intervals(
        &self,
        scene: &mut Scene,
        line: &SweepLine,
        (x, y): (&Scale, &Scale),
        color: Color,
    ) {
        let (low, high) = y.range();
        for (tick, value) in line.values.iter().enumerate() {
            let Some(value) = value else { continue };
            let at = x.px(self.position(tick));
            let ends = [value.low, value.high].map(|end| y.px(end.clamp(low, high)));
            scene.line(vec![(at, ends[0]), (at, ends[1])], color, 1.2);
            for end in ends {
                scene.line(vec![(at - 4.0, end), (at + 4.0, end)], color, 1.2);
            }
            scene.dot((at, y.px(value.value.clamp(low, high))), 3.0, color);
        }
    }

    fn draw_ticks(&self, scene: &mut Scene, plot: Area, x: &Scale) -> f64 {
        scene.line(
            vec![(plot.left, plot.bottom), (plot.right, plot.bottom)],
            AXIS,
            1.0,
        );
        let mut order: Vec<usize> = (0..self.ticks.len()).collect();
        order.sort_by(|a, b| self.position(*a).total_cmp(&self.position(*b)));
        let mut free_from = 0.0;
        for tick in order {
            let at = x.px(self.position(tick));
            scene.line(vec![(at, plot.bottom), (at, plot.bottom + 5.0)], AXIS, 1.0);
            let label = text::fit(&self.ticks[tick].label, LABEL_SIZE, false, 120.0);
            let half = text::width(&label, LABEL_SIZE, false) / 2.0;
            let middle = at.max(4.0 + half).min(scene.width - 4.0 - half);
            if free_from <= middle - half {
                let place = (middle, plot.bottom + 19.0);
                scene.label_in(place, &label, Anchor::Middle, MUTED);
                free_from = middle + half + 8.0;
            }
        }
        frame::base_name(scene, plot, &x.name(&self.axis))
    }
}
