//! The time that a chart covers, and the windows of faults on it.

use super::axis::Scale;
use super::scene::{Anchor, Area, Scene};
use super::text;
use super::theme::{AXIS, FAULT, FAULT_BAR, LABEL_SIZE, TRACK};

/// A window in which a fault acts. Windows of one fault share their label.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultSpan {
    pub label: String,
    pub start_secs: f64,
    pub end_secs: f64,
}

/// The time that a chart covers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    pub start_secs: f64,
    pub end_secs: f64,
    /// Where the measured window starts; what lies before is marked as warm-up.
    pub measured_from_secs: f64,
    pub fault_spans: Vec<FaultSpan>,
}

/// Height of a row of fault bars.
const LANE_HEIGHT: f64 = 19.0;
/// Faults with a row of their own; further ones are counted in the last row.
const LANE_COUNT_MAX: usize = 5;

impl Timeline {
    /// The scale of its time over the width of a plot.
    pub fn scale(&self, left: f64, right: f64) -> Scale {
        Scale::linear(self.start_secs, self.end_secs, left, right)
    }

    /// Height of the rows of fault bars.
    pub fn lanes_height(&self) -> f64 {
        let lane_count = self.labels().len().min(LANE_COUNT_MAX) as f64;
        if lane_count == 0.0 {
            0.0
        } else {
            lane_count * LANE_HEIGHT + 4.0
        }
    }

    /// Draws one row per fault at `top`, with a bar and a label for its windows.
    pub fn draw_lanes(&self, scene: &mut Scene, scale: &Scale, plot: Area, top: f64) {
        let labels = self.labels();
        for (lane, label) in labels.iter().take(LANE_COUNT_MAX).enumerate() {
            let y = top + lane as f64 * LANE_HEIGHT;
            let spans: Vec<(f64, f64)> = self
                .windows()
                .filter(|span| span.label == *label)
                .map(|span| (scale.px(span.start_secs), scale.px(span.end_secs)))
                .collect();
            for &(start, end) in &spans {
                let bar = Area {
                    left: start,
                    top: y,
                    right: end.max(start + 2.0),
                    bottom: y + 15.0,
                };
                scene.rect(bar, FAULT_BAR);
                let edge = Area {
                    right: start + 2.0,
                    ..bar
                };
                scene.rect(edge, FAULT);
            }
            let mut words = text::clean(label);
            if 1 < spans.len() {
                words = format!("{words} ({} windows)", spans.len());
            }
            let more = labels.len() - LANE_COUNT_MAX.min(labels.len());
            if lane == LANE_COUNT_MAX - 1 && 0 < more {
                words = format!("{words} and {more} more faults");
            }
            let (first, last) = (spans[0], spans[spans.len() - 1]);
            lane_label(scene, plot, y, &words, (first.0, last.1), spans.len() == 1);
        }
    }

    /// Shades the windows in `plot`.
    pub fn shade(&self, scene: &mut Scene, scale: &Scale, plot: Area) {
        for span in self.windows() {
            let (left, right) = (scale.px(span.start_secs), scale.px(span.end_secs));
            let window = Area {
                left,
                right,
                ..plot
            };
            scene.tint(window, FAULT, 0.09);
        }
    }

    /// Hatches the warm-up in `plot`.
    pub fn hatch_warmup(&self, scene: &mut Scene, scale: &Scale, plot: Area) {
        if self.start_secs < self.measured_from_secs {
            let right = scale.px(self.measured_from_secs);
            let warmup = Area { right, ..plot };
            scene.hatch(warmup, TRACK, 8.0);
            scene.dashes(
                &[(right, plot.top), (right, plot.bottom)],
                AXIS,
                1.0,
                (3.0, 3.0),
            );
        }
    }

    /// Draws the lines at which windows start (solid) and stop (dashed), over the data.
    pub fn mark(&self, scene: &mut Scene, scale: &Scale, plot: Area) {
        for span in self.windows() {
            let x = scale.px(span.start_secs);
            scene.line(vec![(x, plot.top), (x, plot.bottom)], FAULT, 1.0);
            if span.end_secs < self.end_secs {
                let x = scale.px(span.end_secs);
                scene.dashes(&[(x, plot.top), (x, plot.bottom)], FAULT, 1.0, (4.0, 3.0));
            }
        }
    }

    /// The name of the axis, which explains the hatched warm-up.
    pub fn axis_name(&self) -> &'static str {
        if self.start_secs < self.measured_from_secs {
            "simulated time (hatched: warm-up, not measured)"
        } else {
            "simulated time"
        }
    }

    /// Windows within the time of the chart, in order of their start.
    fn windows(&self) -> impl Iterator<Item = &FaultSpan> {
        let mut windows: Vec<&FaultSpan> = self
            .fault_spans
            .iter()
            .filter(|span| span.start_secs <= self.end_secs && self.start_secs <= span.end_secs)
            .collect();
        windows.sort_by(|a, b| a.start_secs.total_cmp(&b.start_secs));
        windows.into_iter()
    }

    /// Names of the faults, in order of their first window.
    fn labels(&self) -> Vec<&str> {
        let mut labels: Vec<&str> = Vec::new();
        for span in self.windows() {
            if !labels.contains(&span.label.as_str()) {
                labels.push(&span.label);
            }
        }
        labels
    }
}

/// Writes the label of a row of bars, which reach from `start` to `end`: in the bar if it is one and
/// has room, else to the right, else to the left.
fn lane_label(
    scene: &mut Scene,
    plot: Area,
    y: f64,
    words: &str,
    (start, end): (f64, f64),
    is_bar: bool,
) {
    let width = text::width(words, LABEL_SIZE, false);
    let (x, anchor, room) = if is_bar && width + 14.0 <= end - start {
        (start + 7.0, Anchor::Start, width)
    } else if end + width + 6.0 <= plot.right {
        (end + 6.0, Anchor::Start, width)
    } else if width <= start - 6.0 - plot.left {
        (start - 6.0, Anchor::End, width)
    } else if start - plot.left < plot.right - start {
        (start + 7.0, Anchor::Start, plot.right - start - 7.0)
    } else {
        (start - 6.0, Anchor::End, start - 6.0 - plot.left)
    };
    let words = text::fit(words, LABEL_SIZE, false, room.max(0.0) + 0.5);
    scene.label_in((x, y + 12.0), &words, anchor, FAULT);
}
