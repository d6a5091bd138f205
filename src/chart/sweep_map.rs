//! A measure over two axes of a sweep, as colours with numbers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::frame;
use super::scene::{Anchor, Area, Label, Scene};
use super::series::{self, LineStyle, Swatch};
use super::stored::StoredChart;
use super::theme::{Color, INK, LABEL_SIZE, MARGIN, MUTED, PAPER, TRACK, VERMILION, sequential};
use super::{Caption, Chart, DataTable, text};

/// One point.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepCell {
    /// The number; none where it does not exist or the point is left out.
    pub value: Option<f64>,
    /// The ends of an interval around it.
    #[serde(default)]
    pub interval: Option<(f64, f64)>,
    /// What stands in the cell: the number with its unit, or why there is none.
    pub label: String,
    /// Whether the number holds what is sought of it; none where nothing is.
    pub is_right: Option<bool>,
}

/// A map for one value of a third axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepPanel {
    /// The value: `workers = 4`. Empty where there is no third axis.
    pub label: String,
    /// The values of the axis from top to bottom, each with its cells.
    pub rows: Vec<(String, Vec<SweepCell>)>,
    /// The row and the column of the point that is chosen.
    pub chosen: Option<(usize, usize)>,
}

/// A map of a measure over two axes, or several with one scale of colours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepMap {
    pub caption: Caption,
    /// The measure.
    pub measure: String,
    /// The names of the axis from left to right and of the one from top to bottom.
    pub axes: [String; 2],
    /// The values of the axis from left to right.
    pub columns: Vec<String>,
    /// One below the other.
    pub panels: Vec<SweepPanel>,
    /// What the line between cells means: `latency.p99 <= 50ms`. Empty without one.
    pub limit: String,
}

/// Numbers that differ by more than this factor are coloured by their logarithms.
const LINEAR_FACTOR_MAX: f64 = 50.0;
const ROW_HEIGHT_MAX: f64 = 44.0;
/// All rows together are about this high.
const HEIGHT: f64 = 420.0;
/// Text on colours, the same in every theme.
const DARK_TEXT: Color = Color(0x10, 0x12, 0x14);
const LIGHT_TEXT: Color = Color(0xFD, 0xFD, 0xFD);

impl Chart for SweepMap {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let (mut scene, mut top) = frame::open(&self.caption, width);
        let scale = self.scale_words();
        let mut entries = Vec::new();
        if let Some(words) = &scale {
            entries.push((Swatch::Scale, words.as_str()));
        }
        let blank = self.blank_words();
        if let Some(words) = &blank {
            entries.push((Swatch::Box(TRACK), words.as_str()));
        }
        if !self.limit.is_empty() {
            entries.push((Swatch::Line(thick(INK)), self.limit.as_str()));
        }
        if self.panels.iter().any(|panel| panel.chosen.is_some()) {
            entries.push((
                Swatch::Line(thick(VERMILION)),
                "nearest to the best of both",
            ));
        }
        if !entries.is_empty() {
            top = series::legend_rows(&mut scene, top - 8.0, &entries) + 12.0;
        }
        let rows = || self.panels.iter().flat_map(|panel| &panel.rows);
        let widest = rows().map(|(label, _)| text::width(label, LABEL_SIZE, false));
        let label_width = widest.fold(30.0, f64::max).min(width * 0.25);
        let row_height = (HEIGHT / rows().count().max(1) as f64).clamp(14.0, ROW_HEIGHT_MAX);
        let mut bottom = top;
        for panel in &self.panels {
            let top = bottom + if bottom == top { 14.0 } else { 40.0 };
            bottom = top + row_height * panel.rows.len().max(1) as f64;
            let plot = Area {
                left: MARGIN + label_width + 10.0,
                top,
                right: width - MARGIN,
                bottom,
            };
            self.draw_panel(&mut scene, plot, panel, row_height);
        }
        let plot = Area {
            left: MARGIN + label_width + 10.0,
            top,
            right: width - MARGIN,
            bottom: bottom.max(top + 40.0),
        };
        if rows().next().is_none() || self.columns.is_empty() {
            frame::empty(&mut scene, plot, "there is no point");
        }
        let cell_width = plot.width() / self.columns.len().max(1) as f64;
        let bottom = self.draw_columns(&mut scene, plot, cell_width);
        frame::close(scene, &self.caption, bottom)
    }

    fn table(&self) -> DataTable {
        let columns = [&self.axes[1], &self.axes[0], &self.measure, "low", "high"];
        let mut table = DataTable::new(columns);
        let limit = &self.limit;
        if 1 < self.panels.len() {
            table.columns.insert(0, "panel".to_string());
        }
        if !limit.is_empty() {
            table.columns.push(limit.clone());
        }
        for panel in &self.panels {
            for (label, cells) in &panel.rows {
                for (column, cell) in self.columns.iter().zip(cells) {
                    let value = cell.value.map(|value| value.to_string());
                    let value = value.unwrap_or_else(|| cell.label.clone());
                    let end = |end: Option<f64>| end.map_or("–".to_string(), |v| v.to_string());
                    let ends = cell
                        .interval
                        .map_or([None, None], |(l, h)| [Some(l), Some(h)]);
                    let mut row = vec![label.clone(), column.clone(), value];
                    row.extend(ends.map(end));
                    if 1 < self.panels.len() {
                        row.insert(0, panel.label.clone());
                    }
                    if !limit.is_empty() {
                        row.push(cell.is_right.map_or(String::new(), |it| it.to_string()));
                    }
                    table.push(row);
                }
            }
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::SweepMap(self.clone())
    }
}

impl SweepMap {
    fn cells(&self) -> impl Iterator<Item = &SweepCell> + Clone {
        let rows = self.panels.iter().flat_map(|panel| &panel.rows);
        rows.flat_map(|(_, cells)| cells)
    }

    /// What the ends of the colours mean; None where all numbers are equal.
    fn scale_words(&self) -> Option<String> {
        let known = self.cells().filter_map(|cell| Some((cell.value?, cell)));
        let by_value = |a: &(f64, &SweepCell), b: &(f64, &SweepCell)| a.0.total_cmp(&b.0);
        let (low, least) = known.clone().min_by(by_value)?;
        let (high, most) = known.max_by(by_value)?;
        let text = |cell: &SweepCell| cell.label.trim_end_matches(" ?").to_string();
        let words = || format!("{} (dark) to {} (bright)", text(least), text(most));
        (low < high).then(words)
    }

    /// What cells without a number mean; None where all have one.
    fn blank_words(&self) -> Option<String> {
        let blank = self.cells().filter(|cell| cell.value.is_none());
        let labels: BTreeSet<&str> = blank.map(|cell| cell.label.as_str()).collect();
        let labels: Vec<&str> = labels.into_iter().collect();
        (!labels.is_empty()).then(|| format!("no number: {}", labels.join(", ")))
    }

    /// Where a value lies between the least and the largest, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        let values = self.cells().filter_map(|cell| cell.value);
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.clone().fold(f64::NEG_INFINITY, f64::max);
        let positive = values
            .filter(|value| 0.0 < *value)
            .fold(f64::INFINITY, f64::min);
        let part = |low: f64, value: f64, high: f64| match low < high {
            true => (value - low) / (high - low),
            false => 0.5,
        };
        match 0.0 <= low && LINEAR_FACTOR_MAX * positive < high {
            // A zero is as dark as the least positive number.
            true => {
                let log = |value: f64| libm::log(value.max(positive));
                part(log(positive), log(value), log(high))
            }
            false => part(low, value, high),
        }
    }

    fn draw_panel(&self, scene: &mut Scene, plot: Area, panel: &SweepPanel, row_height: f64) {
        let heading = match panel.label.is_empty() {
            true => self.axes[1].clone(),
            false => format!("{}, by {}", panel.label, self.axes[1]),
        };
        scene.text(Label {
            at: (MARGIN, plot.top - 9.0),
            text: text::fit(&heading, LABEL_SIZE, true, scene.width - 2.0 * MARGIN),
            size: LABEL_SIZE,
            is_bold: true,
            anchor: Anchor::Start,
            color: INK,
        });
        let cell_width = plot.width() / self.columns.len().max(1) as f64;
        let area = |row: usize, column: usize| Area {
            left: plot.left + column as f64 * cell_width,
            top: plot.top + row as f64 * row_height,
            right: plot.left + (column as f64 + 1.0) * cell_width,
            bottom: plot.top + (row as f64 + 1.0) * row_height,
        };
        for (row, (label, cells)) in panel.rows.iter().enumerate() {
            let y = plot.top + (row as f64 + 0.5) * row_height + 4.0;
            let label = text::fit(label, LABEL_SIZE, false, plot.left - MARGIN - 10.0);
            scene.label_in((plot.left - 8.0, y), &label, Anchor::End, MUTED);
            for (column, cell) in cells.iter().enumerate() {
                self.draw_cell(scene, area(row, column), cell);
            }
        }
        draw_limit(scene, panel, area);
        if let Some((row, column)) = panel.chosen {
            draw_frame(scene, area(row, column));
        }
    }

    fn draw_cell(&self, scene: &mut Scene, area: Area, cell: &SweepCell) {
        let inner = Area {
            right: area.right - 1.0,
            bottom: area.bottom - 1.0,
            ..area
        };
        let (color, ink) = match cell.value {
            None => (TRACK, MUTED),
            Some(value) => {
                let share = self.share(value);
                let ink = if share < 0.55 { LIGHT_TEXT } else { DARK_TEXT };
                (sequential(share), ink)
            }
        };
        scene.rect(inner, color);
        let width = text::width(&cell.label, LABEL_SIZE, false);
        if width + 6.0 <= inner.width() && LABEL_SIZE + 2.0 <= inner.height() {
            let at = (
                (inner.left + inner.right) / 2.0,
                (inner.top + inner.bottom) / 2.0 + 4.0,
            );
            scene.label_in(at, &cell.label, Anchor::Middle, ink);
        }
    }

    fn draw_columns(&self, scene: &mut Scene, plot: Area, cell_width: f64) -> f64 {
        let mut free_from = 0.0;
        for (column, label) in self.columns.iter().enumerate() {
            let label = text::fit(label, LABEL_SIZE, false, cell_width.max(60.0));
            let half = text::width(&label, LABEL_SIZE, false) / 2.0;
            let middle = plot.left + (column as f64 + 0.5) * cell_width;
            let middle = middle.min(scene.width - 4.0 - half);
            if free_from <= middle - half {
                let at = (middle, plot.bottom + 17.0);
                scene.label_in(at, &label, Anchor::Middle, MUTED);
                free_from = middle + half + 8.0;
            }
        }
        frame::base_name(scene, plot, &self.axes[0])
    }
}

fn thick(color: Color) -> LineStyle {
    LineStyle {
        color,
        width: 3.0,
        dash: None,
    }
}

/// The line between cells that hold what is sought and those that do not.
fn draw_limit(scene: &mut Scene, panel: &SweepPanel, area: impl Fn(usize, usize) -> Area) {
    let is_right = |row: usize, column: usize| {
        let (_, cells) = panel.rows.get(row)?;
        cells.get(column)?.is_right
    };
    let differ = |a: Option<bool>, b: Option<bool>| a.zip(b).is_some_and(|(a, b)| a != b);
    let mut draw = |points: [(f64, f64); 2]| {
        // Dark on a light edge, so that it is seen on every colour.
        scene.line(points.to_vec(), PAPER, 5.0);
        scene.line(points.to_vec(), INK, 3.0);
    };
    for (row, (_, cells)) in panel.rows.iter().enumerate() {
        for column in 0..cells.len() {
            let (own, cell) = (is_right(row, column), area(row, column));
            let (right, bottom) = (cell.right - 0.5, cell.bottom - 0.5);
            if differ(own, is_right(row, column + 1)) {
                draw([(right, cell.top - 1.0), (right, cell.bottom)]);
            }
            if differ(own, is_right(row + 1, column)) {
                draw([(cell.left - 1.0, bottom), (cell.right, bottom)]);
            }
        }
    }
}

/// A frame around the cell of the chosen point.
fn draw_frame(scene: &mut Scene, area: Area) {
    let (left, right) = (area.left + 1.5, area.right - 2.5);
    let (top, bottom) = (area.top + 1.5, area.bottom - 2.5);
    let corners = vec![
        (left, top),
        (right, top),
        (right, bottom),
        (left, bottom),
        (left, top),
    ];
    scene.line(corners, VERMILION, 3.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_without_a_number_are_in_the_legend() {
        let cell = |value, label: &str| SweepCell {
            value,
            label: label.to_string(),
            ..SweepCell::default()
        };
        let map = |cells: Vec<SweepCell>| SweepMap {
            columns: vec!["a".to_string(); cells.len()],
            panels: vec![SweepPanel {
                rows: vec![("row".to_string(), cells)],
                ..SweepPanel::default()
            }],
            ..SweepMap::default()
        };
        let all = vec![cell(Some(1.0), "1"), cell(Some(2.0), "2")];
        assert_eq!(map(all.clone()).blank_words(), None);
        let blank = ["not run", "never", "not run"].map(|label| cell(None, label));
        let map = map([all, blank.to_vec()].concat());
        let words = "no number: never, not run";
        assert_eq!(map.blank_words().as_deref(), Some(words));
        let svg = crate::chart::picture::Picture::new("map", map).svg();
        assert!(svg.contains(words));
    }
}
