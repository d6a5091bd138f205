//! Small marks that differ in form as well as in colour.

use super::scene::{Area, Point, Scene};
use super::theme::Color;

/// Half the size of a mark.
const HALF: f64 = 2.4;

/// Draws an upright cross on its side.
pub fn cross(scene: &mut Scene, (x, y): Point, color: Color) {
    for slope in [1.0, -1.0] {
        let ends = vec![(x - HALF, y - HALF * slope), (x + HALF, y + HALF * slope)];
        scene.line(ends, color, 1.2);
    }
}

/// Draws a triangle that points up.
pub fn triangle(scene: &mut Scene, (x, y): Point, color: Color) {
    let corners = vec![(x, y - HALF), (x + HALF, y + HALF), (x - HALF, y + HALF)];
    scene.polygon(corners, color);
}

/// Draws a triangle that points down.
pub fn falling_triangle(scene: &mut Scene, (x, y): Point, color: Color) {
    let corners = vec![(x, y + HALF), (x + HALF, y - HALF), (x - HALF, y - HALF)];
    scene.polygon(corners, color);
}

/// Draws a square.
pub fn square(scene: &mut Scene, (x, y): Point, color: Color) {
    let area = Area {
        left: x - HALF * 0.8,
        top: y - HALF * 0.8,
        right: x + HALF * 0.8,
        bottom: y + HALF * 0.8,
    };
    scene.rect(area, color);
}
