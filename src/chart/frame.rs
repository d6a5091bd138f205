//! What surrounds the data of a chart: title, axes, labels, footer.

use super::Caption;
use super::axis::{Quantity, Scale, Tick};
use super::scene::{Anchor, Area, Label, Scene};
use super::text;
use super::theme::{
    AXIS, Color, GRID, INK, LABEL_SIZE, MARGIN, MUTED, PAPER, SUBTITLE_SIZE, TITLE_SIZE,
};

/// Whether a picture has no room for what stands side by side elsewhere.
pub fn is_narrow(width: f64) -> bool {
    width < 640.0
}

/// As many of `count` ticks as the width of `plot` has room for.
pub fn tick_count(plot: Area, count: f64) -> f64 {
    count.min(plot.width() / 80.0).max(2.0)
}

/// Writes a remark from `left` on, in as many lines as it needs; gives the height at which it ends.
pub fn remark(scene: &mut Scene, (left, top): (f64, f64), words: &str) -> f64 {
    let width = scene.width - MARGIN - left;
    let mut y = top;
    for line in text::wrap(words, LABEL_SIZE, false, width, 6) {
        y += 16.0;
        scene.label_in((left, y), &line, Anchor::Start, MUTED);
    }
    y
}

/// Starts a picture with its title and subtitle; gives the height at which the rest starts.
pub fn open(caption: &Caption, width: f64) -> (Scene, f64) {
    let line_count_max = if is_narrow(width) { 8 } else { 3 };
    let mut scene = Scene {
        width,
        ..Scene::default()
    };
    let width = width - 2.0 * MARGIN;
    let mut y = MARGIN;
    for text in text::wrap(&caption.title, TITLE_SIZE, true, width, line_count_max) {
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
    for text in text::wrap(
        &caption.subtitle,
        SUBTITLE_SIZE,
        false,
        width,
        line_count_max,
    ) {
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
    let line_count_max = if is_narrow(scene.width) { 4 } else { 2 };
    let width = scene.width - 2.0 * MARGIN;
    for text in text::wrap(&caption.footer, LABEL_SIZE, false, width, line_count_max) {
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
    for tick in scale.ticks(quantity, tick_count(plot, count)) {
        let x = scale.px(tick.value);
        scene.line(vec![(x, plot.bottom), (x, plot.bottom + 5.0)], AXIS, 1.0);
        let half = text::width(&tick.label, LABEL_SIZE, false) / 2.0;
        let middle = x.min(scene.width - 4.0 - half);
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
    base_name(scene, plot, name)
}

/// Writes the name of a horizontal axis below its ticks, in two lines where one is too short;
/// gives the height at which it ends.
pub fn base_name(scene: &mut Scene, plot: Area, name: &str) -> f64 {
    let room = plot.width().max(scene.width - 2.0 * plot.left.max(MARGIN));
    let middle = (plot.left + plot.right) / 2.0;
    let mut y = plot.bottom + 21.0;
    for line in text::wrap(name, LABEL_SIZE, false, room, 2) {
        y += 16.0;
        scene.label((middle, y), &line, Anchor::Middle);
    }
    y + 5.0
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
        let text = text::fit(&label.text, LABEL_SIZE, false, scene.width - 4.0 - at.0);
        scene.label_in(at, &text, Anchor::Start, label.color);
    }
}
