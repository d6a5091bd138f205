//! What surrounds the data of a chart: title, fault windows, axes, footer.

use super::Caption;
use super::axis::{Quantity, Scale, Tick};
use super::scene::{Anchor, Area, Label, Scene};
use super::text;
use super::theme::{
    AXIS, Color, FAULT, FAULT_BAR, GRID, INK, LABEL_SIZE, MARGIN, MUTED, PAPER, SUBTITLE_SIZE,
    TITLE_SIZE, TRACK, WIDTH,
};

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

/// Starts a picture with its title and subtitle; gives the height at which the rest starts.
pub fn open(caption: &Caption) -> (Scene, f64) {
    let mut scene = Scene {
        width: WIDTH,
        height: 0.0,
        shapes: Vec::new(),
    };
    let width = WIDTH - 2.0 * MARGIN;
    let mut y = MARGIN;
    for text in text::wrap(&caption.title, TITLE_SIZE, true, width, 2) {
        y += TITLE_SIZE;
        let at = (MARGIN, y);
        let anchor = Anchor::Start;
        scene.text(Label {
            at,
            text,
            size: TITLE_SIZE,
            is_bold: true,
            anchor,
            color: INK,
        });
        y += 5.0;
    }
    for text in text::wrap(&caption.subtitle, SUBTITLE_SIZE, false, width, 2) {
        y += SUBTITLE_SIZE + 2.0;
        let at = (MARGIN, y);
        let anchor = Anchor::Start;
        scene.text(Label {
            at,
            text,
            size: SUBTITLE_SIZE,
            is_bold: false,
            anchor,
            color: MUTED,
        });
        y += 3.0;
    }
    (scene, y + 12.0)
}

/// Ends a picture with its footer below `bottom`.
pub fn close(mut scene: Scene, caption: &Caption, bottom: f64) -> Scene {
    let mut y = bottom + 14.0;
    for text in text::wrap(&caption.footer, LABEL_SIZE, false, WIDTH - 2.0 * MARGIN, 2) {
        y += LABEL_SIZE;
        scene.label_in((MARGIN, y), &text, Anchor::Start, MUTED);
        y += 4.0;
    }
    scene.height = (y + MARGIN - 4.0).ceil();
    scene
}

/// The width that the labels of `ticks` need to the left of a plot.
pub fn tick_width(ticks: &[Tick]) -> f64 {
    ticks
        .iter()
        .map(|tick| text::width(&tick.label, LABEL_SIZE, false))
        .fold(0.0, f64::max)
}

/// Draws a vertical axis at the left of `plot`, with grid lines, and its name above.
pub fn value_axis(
    scene: &mut Scene,
    plot: Area,
    scale: &Scale,
    quantity: Quantity,
    count: f64,
    name: &str,
) {
    for tick in scale.ticks(quantity, count) {
        let y = scale.px(tick.value);
        scene.line(vec![(plot.left, y), (plot.right, y)], GRID, 1.0);
        scene.label_in((plot.left - 8.0, y + 4.0), &tick.label, Anchor::End, MUTED);
    }
    let name = text::fit(name, LABEL_SIZE, true, plot.right - MARGIN);
    scene.text(Label {
        at: (MARGIN, plot.top - 9.0),
        text: name,
        size: LABEL_SIZE,
        is_bold: true,
        anchor: Anchor::Start,
        color: INK,
    });
}

/// Draws a horizontal axis below `plot`; gives the height at which it ends. With `name` empty the
/// axis has no name.
pub fn base_axis(
    scene: &mut Scene,
    plot: Area,
    scale: &Scale,
    quantity: Quantity,
    count: f64,
    name: &str,
) -> f64 {
    scene.line(
        vec![(plot.left, plot.bottom), (plot.right, plot.bottom)],
        AXIS,
        1.0,
    );
    let mut free_from = 0.0;
    for tick in scale.ticks(quantity, count) {
        let x = scale.px(tick.value);
        scene.line(vec![(x, plot.bottom), (x, plot.bottom + 5.0)], AXIS, 1.0);
        let half = text::width(&tick.label, LABEL_SIZE, false) / 2.0;
        let middle = x.min(WIDTH - 4.0 - half);
        if free_from <= middle - half {
            scene.label_in(
                (middle, plot.bottom + 19.0),
                &tick.label,
                Anchor::Middle,
                MUTED,
            );
            free_from = middle + half + 8.0;
        }
    }
    if name.is_empty() {
        return plot.bottom + 24.0;
    }
    let at = ((plot.left + plot.right) / 2.0, plot.bottom + 37.0);
    scene.label(
        at,
        &text::fit(name, LABEL_SIZE, false, plot.width()),
        Anchor::Middle,
    );
    plot.bottom + 42.0
}

/// Says in the middle of `plot` why it is empty.
pub fn empty(scene: &mut Scene, plot: Area, why: &str) {
    let at = (
        (plot.left + plot.right) / 2.0,
        (plot.top + plot.bottom) / 2.0 + 5.0,
    );
    let why = text::fit(why, 14.0, false, plot.width());
    let half = text::width(&why, 14.0, false) / 2.0 + 6.0;
    let (left, right) = (at.0 - half, at.0 + half);
    scene.rect(
        Area {
            left,
            right,
            top: at.1 - 13.0,
            bottom: at.1 + 5.0,
        },
        PAPER,
    );
    scene.text(Label {
        at,
        text: why,
        size: 14.0,
        is_bold: false,
        anchor: Anchor::Middle,
        color: MUTED,
    });
}

/// A label at the end of a line, moved so that it stands on no other.
#[derive(Clone, Debug, PartialEq)]
pub struct EndLabel {
    /// Height of the end of the line.
    pub y: f64,
    pub text: String,
    pub color: Color,
}

/// Writes labels to the right of `plot`, apart from each other, with a stroke in their colour.
pub fn end_labels(scene: &mut Scene, plot: Area, mut labels: Vec<EndLabel>) {
    const APART: f64 = 16.0;
    labels.sort_by(|a, b| a.y.total_cmp(&b.y));
    let mut ys: Vec<f64> = labels.iter().map(|label| label.y).collect();
    for index in 1..ys.len() {
        ys[index] = ys[index].max(ys[index - 1] + APART);
    }
    let mut limit = plot.bottom;
    for y in ys.iter_mut().rev() {
        *y = y.min(limit);
        limit = *y - APART;
    }
    for (label, y) in labels.iter().zip(ys) {
        let ends = vec![(plot.right + 3.0, label.y), (plot.right + 13.0, y)];
        scene.line(ends, label.color, 1.5);
        let at = (plot.right + 17.0, y + 4.0);
        let text = text::fit(&label.text, LABEL_SIZE, false, WIDTH - 4.0 - at.0);
        scene.label_in(at, &text, Anchor::Start, label.color);
    }
}

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
