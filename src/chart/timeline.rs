//! The time that a chart covers, and the windows of faults on it.

use serde::{Deserialize, Serialize};

use super::axis::Scale;
use super::scene::{Anchor, Area, Label, Scene, TimePlot};
use super::text;
use super::theme::{AXIS, FAULT, FAULT_BAR, LABEL_SIZE, PAPER, TRACK};

/// A window in which a fault acts. Windows of one fault share their label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultSpan {
    pub label: String,
    pub start_secs: f64,
    pub end_secs: f64,
}

/// The time that a chart covers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    pub start_secs: f64,
    pub end_secs: f64,
    /// Where the measured window starts; what lies before is marked as warm-up.
    pub measured_from_secs: f64,
    pub fault_spans: Vec<FaultSpan>,
}

/// Pixels that a window needs at least on average, or else lines would hide the data.
const WINDOW_WIDTH_MIN: f64 = 60.0;
/// Height of a row of fault bars.
const LANE_HEIGHT: f64 = 19.0;
/// Height of a bar in its row.
const BAR_HEIGHT: f64 = 15.0;
/// Faults with a row of their own; further ones are counted in the last row.
const LANE_COUNT_MAX: usize = 8;

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
                    bottom: y + BAR_HEIGHT,
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
                let plural = if more == 1 { "" } else { "s" };
                words = format!("{words} and {more} more fault{plural}");
            }
            lane_label(scene, plot, y, &words, &spans);
        }
    }

    /// Shades the windows in `plot`: in one shade where one fault acts, in a darker one where
    /// several do.
    pub fn shade(&self, scene: &mut Scene, scale: &Scale, plot: Area) {
        for (left, right, is_several) in self.shades() {
            let (left, right) = (scale.px(left), scale.px(right));
            let window = Area {
                left,
                right,
                ..plot
            };
            scene.tint(window, FAULT, if is_several { 0.17 } else { 0.09 });
        }
    }

    /// Stretches of time in which faults act, in order, and whether several do.
    fn shades(&self) -> Vec<(f64, f64, bool)> {
        let ends = self
            .windows()
            .flat_map(|span| [(span.start_secs, 1), (span.end_secs, -1)]);
        let mut ends: Vec<(f64, i32)> = ends.collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let mut shades: Vec<(f64, f64, bool)> = Vec::new();
        let (mut from, mut count) = (0.0, 0);
        for (at, change) in ends {
            if 0 < count && from < at {
                let is_several = 1 < count;
                match shades.last_mut() {
                    Some(last) if last.1 == from && last.2 == is_several => last.1 = at,
                    _ => shades.push((from, at, is_several)),
                }
            }
            (from, count) = (at, count + change);
        }
        shades
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

    /// Draws the lines at which windows start (solid) and stop (dashed), over the data. Where there
    /// are many, thin lines show the starts only.
    pub fn mark(&self, scene: &mut Scene, scale: &Scale, plot: Area) {
        let (start_secs, end_secs) = scale.range();
        scene.time_plots.push(TimePlot {
            area: plot,
            start_secs,
            end_secs,
        });
        let is_crowded = plot.width() < self.windows().count() as f64 * WINDOW_WIDTH_MIN;
        for span in self.windows() {
            let x = scale.px(span.start_secs);
            if is_crowded {
                // Faint, so that many do not hide what is drawn.
                let line = Area {
                    left: x - 0.5,
                    right: x + 0.5,
                    ..plot
                };
                scene.tint(line, FAULT, 0.3);
                continue;
            }
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

/// Writes the label of a row of bars where there is room: in the only bar, after the last one,
/// before the first one, between two; otherwise over them, on paper.
fn lane_label(scene: &mut Scene, plot: Area, y: f64, words: &str, bars: &[(f64, f64)]) {
    const AWAY: f64 = 6.0;
    let width = text::width(words, LABEL_SIZE, false);
    let start = bars[0].0;
    let end = bars.iter().map(|bar| bar.1).fold(start, f64::max);
    let gaps = bars.windows(2).map(|pair| (pair[0].1, pair[1].0));
    let gap = gaps.max_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)));
    let fits = |(from, to): (f64, f64)| width + 2.0 * AWAY <= to - from;

    let (x, anchor) = match gap {
        None if fits((start, end)) => (start + AWAY, Anchor::Start),
        _ if end + AWAY + width <= plot.right => (end + AWAY, Anchor::Start),
        _ if plot.left + width + AWAY <= start => (start - AWAY, Anchor::End),
        Some(gap) if fits(gap) => (gap.0 + AWAY, Anchor::Start),
        _ if plot.right - start < start - plot.left => (start - AWAY, Anchor::End),
        _ => (start + AWAY, Anchor::Start),
    };
    let room = if anchor == Anchor::Start {
        plot.right - x
    } else {
        x - plot.left
    };
    let words = text::fit(words, LABEL_SIZE, false, room.max(0.0) + 0.5);
    let label = Label {
        at: (x, y + 12.0),
        text: words,
        size: LABEL_SIZE,
        is_bold: false,
        anchor,
        color: FAULT,
    };
    if gap.is_some() {
        let Area { left, right, .. } = label.area();
        let paper = Area {
            left: left - 2.0,
            right: right + 2.0,
            top: y,
            bottom: y + BAR_HEIGHT,
        };
        scene.rect(paper, PAPER);
    }
    scene.text(label);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_overlapping_faults_are_no_darker_than_two() {
        let span = |start_secs: f64, end_secs: f64| FaultSpan {
            label: format!("from {start_secs}"),
            start_secs,
            end_secs,
        };
        let timeline = Timeline {
            end_secs: 100.0,
            fault_spans: vec![span(10.0, 40.0), span(20.0, 30.0), span(20.0, 35.0)],
            ..Timeline::default()
        };
        let expected = [(10.0, 20.0, false), (20.0, 35.0, true), (35.0, 40.0, false)];
        assert_eq!(timeline.shades(), expected);
    }
}
