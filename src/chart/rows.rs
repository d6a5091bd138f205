//! What charts with one row per instance share.

use super::scene::{Anchor, Area, Scene};
use super::text;
use super::theme::{GRID, LABEL_SIZE, MARGIN, MUTED, PAPER};
use super::{scene::Point, theme::Color};

/// Instances with a row of their own; more are drawn as a sorted curve.
pub const ROW_COUNT_MAX: usize = 24;
/// Height of a row.
pub const ROW_HEIGHT: f64 = 22.0;

/// The width that the names of rows need, from the left edge of a picture of `width`.
pub fn left_of(labels: impl Iterator<Item = String>, width: f64) -> f64 {
    let widest = labels
        .map(|label| text::width(&label, LABEL_SIZE, false))
        .fold(40.0, f64::max);
    MARGIN + widest.min(left_of_max(width)) + 12.0
}

/// The widest name that a row has room for.
pub fn left_of_max(width: f64) -> f64 {
    (width * 0.3).min(230.0)
}

/// The width of the words at the ends of rows: at least that, and a third more where some need it.
pub fn words_width(words: &[String], least: f64) -> f64 {
    let widths = words.iter().map(|it| text::width(it, LABEL_SIZE, false));
    widths.fold(least, f64::max).min(least * 4.0 / 3.0)
}

/// Draws the line on which the values of a row stand and its name; gives its height.
pub fn draw_row(scene: &mut Scene, plot: Area, index: usize, label: &str) -> f64 {
    let y = plot.top + (index as f64 + 0.5) * ROW_HEIGHT;
    scene.line(vec![(plot.left, y), (plot.right, y)], GRID, 1.0);
    let label = text::fit(label, LABEL_SIZE, false, plot.left - MARGIN - 10.0);
    scene.label_in((plot.left - 10.0, y + 4.0), &label, Anchor::End, MUTED);
    y
}

/// Draws a circle that is empty inside.
pub fn ring(scene: &mut Scene, center: Point, radius: f64, color: Color) {
    scene.dot(center, radius, color);
    scene.dot(center, radius - 1.8, PAPER);
}

/// Draws a short upright line: the place where a value should be.
pub fn tick(scene: &mut Scene, (x, y): Point, color: Color) {
    scene.line(vec![(x, y - 8.0), (x, y + 8.0)], color, 2.0);
}

/// Draws a line between two ends.
pub fn interval(scene: &mut Scene, (low, high): (f64, f64), y: f64, color: Color) {
    scene.line(vec![(low, y), (high, y)], color, 2.0);
    for end in [low, high] {
        scene.line(vec![(end, y - 4.0), (end, y + 4.0)], color, 1.5);
    }
}
