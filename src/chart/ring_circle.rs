//! A hash ring as a circle: who owns which arc, before inside and after outside.

use serde::{Deserialize, Serialize};

use super::number;
use super::rows::ROW_COUNT_MAX;
use super::scene::{Anchor, Area, Point, Scene};
use super::theme::{
    AXIS, BLUE, Color, GREEN, INK, MUTED, ORANGE, PURPLE, SKY, VERMILION, YELLOW, mixed,
};

/// One circle.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RingCircle {
    /// The owner of each of many equal parts, clockwise from the top, by its place among the
    /// instances.
    pub sectors: Vec<u32>,
    /// Virtual nodes.
    pub point_count: u64,
    /// Where they lie, as shares of a turn; empty where they are too many.
    pub points: Vec<f64>,
}

/// Owners that can be told apart.
pub const CIRCLE_OWNER_COUNT_MAX: usize = ROW_COUNT_MAX;

/// Colours of owners, in order; with further ones they come again, darker.
const COLORS: [Color; 8] = [BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW, AXIS];
const GREY: Color = Color(0xC4, 0xC9, 0xCE);
/// Room on each side of the circles.
pub const DIAMETER: f64 = 290.0;
const TICK: f64 = 7.0;
const BAND: f64 = 26.0;
const GAP: f64 = 3.0;

/// The colour of the owner at `place`.
pub fn color_of(place: usize) -> Color {
    let base = COLORS[place % COLORS.len()];
    match place / COLORS.len() {
        0 => base,
        round => mixed(base, Color(0x10, 0x12, 0x14), 0.28 * (round.min(2) as f64)),
    }
}

/// Draws both circles in a square whose upper left corner is `at`. Arcs that changed their owner
/// have its full colour, the others a greyish one.
pub fn draw(scene: &mut Scene, at: Point, circles: &[RingCircle; 2]) {
    let center = (at.0 + DIAMETER / 2.0, at.1 + DIAMETER / 2.0);
    let outer = DIAMETER / 2.0 - TICK - 2.0;
    let [before, after] = circles;
    let has_moved = |sector: usize| before.sectors.get(sector) != after.sectors.get(sector);
    draw_band(scene, center, outer, after, has_moved);
    draw_band(scene, center, outer - BAND - GAP, before, has_moved);
    for turn in &after.points {
        let ends = [outer + 1.0, outer + TICK].map(|radius| place(center, radius, *turn));
        scene.line(ends.to_vec(), INK, 0.8);
    }
    let words = match before.point_count == after.point_count {
        true => vec![
            ("inside: before".to_string(), INK),
            ("outside: after".to_string(), INK),
            (count_words(before.point_count), MUTED),
        ],
        false => vec![
            ("inside, before:".to_string(), INK),
            (count_words(before.point_count), MUTED),
            ("outside, after:".to_string(), INK),
            (count_words(after.point_count), MUTED),
        ],
    };
    let top = center.1 - words.len() as f64 * 8.0 + 12.0;
    for (index, (line, color)) in words.into_iter().enumerate() {
        let at = (center.0, top + index as f64 * 16.0);
        scene.label_in(at, &line, Anchor::Middle, color);
    }
}

fn count_words(count: u64) -> String {
    format!("{} virtual nodes", number::count(count))
}

/// Draws a small square in the colour of the owner at `place`.
pub fn swatch(scene: &mut Scene, (x, y): Point, place: usize) {
    let area = Area {
        left: x - 5.0,
        top: y - 5.0,
        right: x + 5.0,
        bottom: y + 5.0,
    };
    scene.rect(area, color_of(place));
}

fn draw_band(
    scene: &mut Scene,
    center: Point,
    outer: f64,
    circle: &RingCircle,
    has_moved: impl Fn(usize) -> bool,
) {
    let count = circle.sectors.len();
    let look = |sector: usize| (circle.sectors[sector], has_moved(sector));
    let mut pieces: Vec<(u32, bool, usize, usize)> = Vec::new();
    for sector in 0..count {
        let (owner, is_moved) = look(sector);
        match pieces.last_mut() {
            Some(piece) if (piece.0, piece.1) == (owner, is_moved) => piece.3 = sector + 1,
            _ => pieces.push((owner, is_moved, sector, sector + 1)),
        }
    }
    // Pieces of one colour follow each other: they are one path in a document.
    pieces.sort_by_key(|piece| (piece.1, piece.0, piece.2));
    for (owner, is_moved, from, to) in pieces {
        let full = color_of(owner as usize);
        let color = if is_moved {
            full
        } else {
            mixed(full, GREY, 0.8)
        };
        let turn = |sector: f64| sector / count as f64;
        let step_count = ((to - from) as f64 * 240.0 / count as f64).ceil().max(1.0) as usize;
        let turns: Vec<f64> = (0..=step_count)
            .map(|step| {
                let part = step as f64 / step_count as f64;
                turn(from as f64 + (to - from) as f64 * part)
            })
            .collect();
        let rim = turns.iter().map(|turn| place(center, outer, *turn));
        let inside = turns.iter().rev();
        let inside = inside.map(|turn| place(center, outer - BAND, *turn));
        scene.polygon(rim.chain(inside).collect(), color);
    }
}

/// The point at `turn` of a circle, clockwise from the top.
fn place(center: Point, radius: f64, turn: f64) -> Point {
    let angle = turn * std::f64::consts::TAU;
    (
        center.0 + radius * libm::sin(angle),
        center.1 - radius * libm::cos(angle),
    )
}
