//! Panels of lines over one time: what changes together stands below each other.

use serde::{Deserialize, Serialize};

use super::axis::{Quantity, Scale};
use super::frame::{self, EndLabel};
use super::scene::{Anchor, Area, Scene};
use super::series::{self, LineStyle};
use super::stored::StoredChart;
use super::theme::{INK, LABEL_SIZE, LINES, MARGIN, MUTED};
use super::timeline::Timeline;
use super::{Caption, Chart, DataTable, text};

/// One panel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Panel {
    /// What its lines show, with the unit.
    pub name: String,
    /// Written in per cent.
    pub is_ratio: bool,
    /// Up to six lines.
    pub lines: Vec<PanelLine>,
    /// Values with a meaning of their own.
    pub marks: Vec<PanelMark>,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PanelLine {
    pub label: String,
    /// One value for each window; none where there is nothing to show.
    pub values: Vec<Option<f64>>,
}

/// A value with a meaning of its own, drawn across the panel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PanelMark {
    pub label: String,
    pub value: f64,
}

/// Panels of lines over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Panels {
    pub caption: Caption,
    pub timeline: Timeline,
    /// Start and end of each window, in order of time.
    pub windows: Vec<(f64, f64)>,
    pub panels: Vec<Panel>,
}

const HEIGHT: f64 = 150.0;
const GAP: f64 = 40.0;
const DASHES: [Option<(f64, f64)>; 3] = [None, Some((6.0, 3.0)), Some((2.0, 2.0))];

impl Chart for Panels {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let (mut scene, lanes_top) = frame::open(&self.caption, width);
        let first_top = lanes_top + self.timeline.lanes_height() + 22.0;
        let scales: Vec<Scale> = (0..self.panels.len())
            .map(|index| self.scale(index, first_top + index as f64 * (HEIGHT + GAP)))
            .collect();
        let tick_width = self
            .panels
            .iter()
            .zip(&scales)
            .map(|(panel, scale)| frame::tick_width(&scale.ticks(panel.quantity(), 4.0)));
        let left = MARGIN + tick_width.fold(20.0, f64::max) + 10.0;
        let labels = self.panels.iter().flat_map(|panel| &panel.lines);
        let label_width = labels
            .map(|line| text::width(&line.label, LABEL_SIZE, false))
            .fold(40.0, f64::max)
            .min(width * 0.2);
        let mut plot = Area {
            left,
            top: first_top,
            right: width - label_width - 26.0,
            bottom: first_top + HEIGHT,
        };
        let time = self.timeline.scale(left, plot.right);
        self.timeline.draw_lanes(&mut scene, &time, plot, lanes_top);
        let mut bottom = first_top;
        for (index, (panel, scale)) in self.panels.iter().zip(&scales).enumerate() {
            plot.top = first_top + index as f64 * (HEIGHT + GAP);
            plot.bottom = plot.top + HEIGHT;
            self.draw_panel(&mut scene, panel, plot, (&time, scale));
            bottom = plot.bottom;
        }
        plot.bottom = bottom;
        let name = self.timeline.axis_name();
        let bottom = frame::base_axis(&mut scene, plot, &time, Quantity::Time, 8.0, name);
        frame::close(scene, &self.caption, bottom)
    }

    fn table(&self) -> DataTable {
        let lines = || {
            self.panels
                .iter()
                .flat_map(|panel| panel.lines.iter().map(move |line| (panel, line)))
        };
        let title = |(panel, line): (&Panel, &PanelLine)| match panel.is_ratio {
            true => format!("{}: {} (%)", panel.name, line.label),
            false => format!("{}: {}", panel.name, line.label),
        };
        let columns = std::iter::once("window (s)".to_string()).chain(lines().map(title));
        let mut table = DataTable {
            columns: columns.collect(),
            rows: Vec::new(),
        };
        for (index, (start, end)) in self.windows.iter().enumerate() {
            let cells = lines().map(|(panel, line)| {
                let factor = if panel.is_ratio { 100.0 } else { 1.0 };
                let value = line.values.get(index).copied().flatten();
                value.map_or("–".into(), |value| format!("{:.4}", value * factor))
            });
            let window = series::window_cell(*start, *end);
            table.push(std::iter::once(window).chain(cells).collect());
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::Panels(self.clone())
    }
}

impl Panel {
    fn quantity(&self) -> Quantity {
        match self.is_ratio {
            true => Quantity::Ratio,
            false => Quantity::Number,
        }
    }
}

impl Panels {
    /// From zero, or from the least value below it, to the largest value or mark. A share goes from
    /// -100 % to 100 % at most: what is beyond lies on the edge, or these ends would look alike.
    fn scale(&self, index: usize, top: f64) -> Scale {
        let panel = &self.panels[index];
        let values = panel
            .lines
            .iter()
            .flat_map(|line| line.values.iter().flatten());
        let marks = panel.marks.iter().map(|mark| mark.value);
        let all: Vec<f64> = values
            .copied()
            .chain(marks)
            .filter(|value| value.is_finite())
            .collect();
        match all.iter().any(|value| *value < 0.0) {
            true if panel.is_ratio => {
                let low = all.iter().copied().fold(0.0, f64::min).max(-1.0);
                Scale::linear((low * 4.0).floor() / 4.0, 1.0, top + HEIGHT, top)
            }
            true => Scale::spanning(all.into_iter().chain([0.0]), 4.0, top + HEIGHT, top),
            false => Scale::from_zero(all.into_iter(), 4.0, top + HEIGHT, top),
        }
    }

    /// Draws what has a meaning of its own, with a label where there is room for one.
    fn draw_marks(&self, scene: &mut Scene, panel: &Panel, plot: Area, scale: &Scale) {
        let mut marks: Vec<(f64, &str)> = Vec::new();
        for mark in &panel.marks {
            let y = scale.px(mark.value);
            scene.dashes(&[(plot.left, y), (plot.right, y)], MUTED, 1.0, (2.0, 3.0));
            marks.push((y, &mark.label));
        }
        marks.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Lines without room for a label of their own share one.
        for near in marks.chunk_by(|a, b| b.0 - a.0 < 1.3 * LABEL_SIZE) {
            let words: Vec<&str> = near.iter().map(|mark| mark.1).collect();
            let words = text::fit(&words.join("; "), LABEL_SIZE, false, plot.width() - 8.0);
            let (highest, lowest) = (near[0].0, near[near.len() - 1].0);
            let y = match plot.top <= highest - LABEL_SIZE - 4.0 {
                true => highest - 4.0,
                false => lowest + LABEL_SIZE + 2.0,
            };
            scene.label_in((plot.right - 4.0, y), &words, Anchor::End, MUTED);
        }
    }

    fn draw_panel(&self, scene: &mut Scene, panel: &Panel, plot: Area, scales: (&Scale, &Scale)) {
        let (time, scale) = scales;
        frame::value_axis(scene, plot, scale, panel.quantity(), 4.0, &panel.name);
        self.timeline.shade(scene, time, plot);
        self.timeline.hatch_warmup(scene, time, plot);
        self.draw_marks(scene, panel, plot, scale);
        let mut labels = Vec::new();
        for (index, line) in panel.lines.iter().enumerate() {
            let style = LineStyle {
                color: LINES[index % LINES.len()],
                width: 1.8,
                dash: DASHES[index % DASHES.len()],
            };
            let windows = self.windows.iter().zip(&line.values);
            let points = windows.map(|((start, end), value)| ((start + end) / 2.0, *value));
            let style = style.through(self.windows.len());
            if let Some((_, y)) = series::line(scene, points, scales, style) {
                labels.push(EndLabel {
                    y,
                    text: line.label.clone(),
                    color: style.color,
                });
            }
        }
        if labels.is_empty() {
            frame::empty(scene, plot, "nothing was measured");
        }
        self.timeline.mark(scene, time, plot);
        frame::end_labels(scene, plot, labels);
        let ends = vec![(plot.left, plot.bottom), (plot.right, plot.bottom)];
        scene.line(ends, INK, 0.5);
    }
}
