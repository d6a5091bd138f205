//! Lines and areas over windows of time, and their legend.

use super::axis::Scale;
use super::number;
use super::rows;
use super::scene::{Anchor, Area, Point, Scene};
use super::text;
use super::theme::{AXIS, Color, LABEL_SIZE, MARGIN, sequential};

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineStyle {
    pub color: Color,
    pub width: f64,
    /// Lengths of dashes and gaps.
    pub dash: Option<(f64, f64)>,
}

/// Windows beyond which neighbours touch: lines are then thin and areas have no edge.
const DENSE_COUNT: usize = 400;

impl LineStyle {
    /// The style for a line through `count` windows.
    pub fn through(self, count: usize) -> LineStyle {
        if count <= DENSE_COUNT {
            self
        } else {
            LineStyle {
                width: 1.0,
                dash: None,
                ..self
            }
        }
    }
}

/// Draws the values that are there, joined where they follow each other; a value between two gaps
/// is a dot. Gives the last point.
pub fn line(
    scene: &mut Scene,
    points: impl Iterator<Item = (f64, Option<f64>)>,
    (x, y): (&Scale, &Scale),
    style: LineStyle,
) -> Option<Point> {
    let mut run: Vec<Point> = Vec::new();
    let mut last = None;
    for (at, value) in points {
        match value.filter(|value| value.is_finite()) {
            Some(value) => {
                run.push((x.px(at), y.px(value)));
                last = run.last().copied();
            }
            None => draw_run(scene, std::mem::take(&mut run), style),
        }
    }
    draw_run(scene, run, style);
    last
}

fn draw_run(scene: &mut Scene, run: Vec<Point>, style: LineStyle) {
    match (run.len(), style.dash) {
        (0, _) => {}
        (1, _) => scene.dot(run[0], style.width.max(1.5) * 1.3, style.color),
        (_, None) => scene.line(run, style.color, style.width),
        (_, Some(dash)) => scene.dashes(&run, style.color, style.width, dash),
    }
}

/// One step of an area or of a line of steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    pub start: f64,
    pub end: f64,
    pub low: f64,
    pub high: f64,
}

/// Fills the steps, which follow each other in time, and draws their upper edge; steps without
/// height are left out.
pub fn area(
    scene: &mut Scene,
    steps: &[Step],
    (x, y): (&Scale, &Scale),
    (color, edge): (Color, Color),
) {
    for run in steps.chunk_by(|a, b| (a.low < a.high) == (b.low < b.high)) {
        if run[0].low < run[0].high {
            let upper = run
                .iter()
                .flat_map(|s| [(s.start, s.high), (s.end, s.high)]);
            let lower = run
                .iter()
                .rev()
                .flat_map(|s| [(s.end, s.low), (s.start, s.low)]);
            let points = upper
                .chain(lower)
                .map(|(at, value)| (x.px(at), y.px(value)));
            let points: Vec<Point> = points.collect();
            let upper = points[..run.len() * 2].to_vec();
            scene.polygon(points, color);
            if steps.len() <= DENSE_COUNT {
                scene.line(upper, edge, 1.0);
            }
        }
    }
}

/// Fill, edge and name of one of several layers on top of each other.
pub type Layer = (Color, Color, &'static str);

/// A window of time with the height of each layer.
pub type LayeredWindow<const N: usize> = (f64, f64, [f64; N]);

/// Draws layers on top of each other.
pub fn layers<const N: usize>(
    scene: &mut Scene,
    windows: &[LayeredWindow<N>],
    scales: (&Scale, &Scale),
    layers: &[Layer; N],
) {
    for (layer, (color, edge, _)) in layers.iter().enumerate() {
        let step = |(start, end, heights): &LayeredWindow<N>| {
            let (low, high) = stacked(*heights)[layer];
            Step {
                start: *start,
                end: *end,
                low,
                high,
            }
        };
        let steps: Vec<Step> = windows.iter().map(step).collect();
        area(scene, &steps, scales, (*color, *edge));
    }
}

/// Lower and upper edge of heights on top of each other; what is no height counts as none.
pub fn stacked<const N: usize>(heights: [f64; N]) -> [(f64, f64); N] {
    let mut top = 0.0;
    heights.map(|height| {
        let low = top;
        top += if height.is_finite() {
            height.max(0.0)
        } else {
            0.0
        };
        (low, top)
    })
}

/// A window of time as the first cell of a row: `12–13`.
pub fn window_cell(start_secs: f64, end_secs: f64) -> String {
    let plain = |secs: f64| number::plain(secs, 0.001);
    format!("{}–{}", plain(start_secs), plain(end_secs))
}

/// What an entry of a legend looks like.
#[derive(Clone, Copy, Debug)]
pub enum Swatch {
    Fill(Color),
    /// A fill that is nearly as light as the paper, with an edge.
    Box(Color),
    Line(LineStyle),
    RisingHatch(Color, Color),
    FallingHatch(Color, Color),
    Dot(Color),
    Ring(Color),
    Tick(Color),
    /// A line between two ends.
    Interval(Color),
    /// The colours of numbers, from the least to the largest.
    Scale,
    /// A small mark.
    Mark(fn(&mut Scene, Point, Color), Color),
}

/// Writes a legend in one row that ends at `right`, its baseline at `y`; the text is shortened to
/// what fits to the right of `left`.
pub fn legend(scene: &mut Scene, (left, right): (f64, f64), y: f64, entries: &[(Swatch, &str)]) {
    const SWATCH: f64 = 22.0;
    const GAP: f64 = 16.0;
    let natural = |text: &str| SWATCH + text::width(text, LABEL_SIZE, false) + GAP;
    let is_crowded = right - left + GAP < entries.iter().map(|(_, text)| natural(text)).sum();
    let room = (right - left) / entries.len().max(1) as f64 - SWATCH - GAP;
    let room = if is_crowded { room } else { right - left };
    let texts: Vec<String> = entries
        .iter()
        .map(|(_, text)| text::fit(text, LABEL_SIZE, false, room))
        .collect();
    let widths: Vec<f64> = texts
        .iter()
        .map(|text| SWATCH + text::width(text, LABEL_SIZE, false) + GAP)
        .collect();
    let mut x = right - widths.iter().sum::<f64>() + GAP;
    for ((entry, text), width) in entries.iter().zip(&texts).zip(widths) {
        let area = Area {
            left: x,
            top: y - 9.0,
            right: x + 17.0,
            bottom: y + 1.0,
        };
        swatch(scene, area, entry.0);
        scene.label((x + SWATCH, y), text, Anchor::Start);
        x += width;
    }
}

/// Writes a legend from the left margin on, in as many rows as it needs; gives the height at which
/// it ends.
pub fn legend_rows(scene: &mut Scene, top: f64, entries: &[(Swatch, &str)]) -> f64 {
    const SWATCH: f64 = 22.0;
    const GAP: f64 = 16.0;
    let right = scene.width - MARGIN;
    let (mut x, mut y) = (MARGIN, top + LABEL_SIZE);
    for &(mark, words) in entries {
        let words = text::fit(words, LABEL_SIZE, false, right - MARGIN - SWATCH);
        let width = SWATCH + text::width(&words, LABEL_SIZE, false);
        if MARGIN < x && right < x + width {
            (x, y) = (MARGIN, y + 18.0);
        }
        let area = Area {
            left: x,
            top: y - 9.0,
            right: x + 17.0,
            bottom: y + 1.0,
        };
        swatch(scene, area, mark);
        scene.label((x + SWATCH, y), &words, Anchor::Start);
        x += width + GAP;
    }
    y + 8.0
}

fn swatch(scene: &mut Scene, area: Area, swatch: Swatch) {
    let y = (area.top + area.bottom) / 2.0;
    let ends = [(area.left, y), (area.right, y)];
    match swatch {
        Swatch::Fill(color) => scene.rect(area, color),
        Swatch::Box(color) => {
            scene.rect(area, AXIS);
            let inner = Area {
                left: area.left + 1.0,
                top: area.top + 1.0,
                right: area.right - 1.0,
                bottom: area.bottom - 1.0,
            };
            scene.rect(inner, color);
        }
        Swatch::Scale => {
            let step = area.width() / 6.0;
            for part in 0..6 {
                let left = area.left + f64::from(part) * step;
                let right = left + step;
                let piece = Area {
                    left,
                    right,
                    ..area
                };
                scene.rect(piece, sequential(f64::from(part) / 5.0));
            }
        }
        Swatch::Line(LineStyle {
            color,
            width,
            dash: None,
        }) => {
            scene.line(ends.to_vec(), color, width);
        }
        Swatch::Line(LineStyle {
            color,
            width,
            dash: Some(dash),
        }) => {
            scene.dashes(&ends, color, width, dash);
        }
        Swatch::RisingHatch(ground, color) => {
            scene.rect(area, ground);
            scene.hatch(area, color, 5.0);
        }
        Swatch::FallingHatch(ground, color) => {
            scene.rect(area, ground);
            scene.hatch_falling(area, color, 5.0);
        }
        Swatch::Dot(color) => scene.dot((area.left + 8.0, y), 4.5, color),
        Swatch::Ring(color) => rows::ring(scene, (area.left + 8.0, y), 5.5, color),
        Swatch::Tick(color) => rows::tick(scene, (area.left + 8.0, y), color),
        Swatch::Mark(draw, color) => draw(scene, (area.left + 8.0, y), color),
        Swatch::Interval(color) => rows::interval(scene, (area.left, area.right), y, color),
    }
}
