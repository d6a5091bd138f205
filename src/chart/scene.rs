//! A drawing as plain data, in logical pixels with the origin at the top left.

use super::text;
use super::theme::{Color, INK, LABEL_SIZE, PAPER, Theme};

/// A point: x to the right, y down.
pub type Point = (f64, f64);

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Area {
    /// Its width.
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    /// Its height.
    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// Where the given point of a text lies in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    pub color: Color,
    pub width: f64,
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// On the baseline, at the anchor.
    pub at: Point,
    pub text: String,
    pub size: f64,
    pub is_bold: bool,
    pub anchor: Anchor,
    pub color: Color,
}

impl Label {
    /// The place that it takes: from the top of capitals to the bottom of descenders.
    pub fn area(&self) -> Area {
        let width = text::width(&self.text, self.size, self.is_bold);
        let left = match self.anchor {
            Anchor::Start => self.at.0,
            Anchor::Middle => self.at.0 - width / 2.0,
            Anchor::End => self.at.0 - width,
        };
        let (top, bottom) = (self.at.1 - 0.76 * self.size, self.at.1 + 0.24 * self.size);
        Area {
            left,
            top,
            right: left + width,
            bottom,
        }
    }
}

/// One thing to draw.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A filled rectangle; `opacity` from 0 to 1.
    Rect {
        area: Area,
        color: Color,
        opacity: f64,
    },
    /// An open line.
    Line { points: Vec<Point>, stroke: Stroke },
    /// A filled polygon.
    Polygon { points: Vec<Point>, color: Color },
    /// A filled circle.
    Dot {
        center: Point,
        radius: f64,
        color: Color,
    },
    /// A text.
    Text(Label),
}

/// A drawing. Later shapes cover earlier ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    pub width: f64,
    pub height: f64,
    /// What lies below everything.
    pub paper: Color,
    pub shapes: Vec<Shape>,
    /// Where time runs from left to right.
    pub time_plots: Vec<TimePlot>,
}

/// A part of a drawing in which time runs from left to right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimePlot {
    pub area: Area,
    pub start_secs: f64,
    pub end_secs: f64,
}

impl Default for Scene {
    fn default() -> Self {
        Scene {
            width: 0.0,
            height: 0.0,
            paper: PAPER,
            shapes: Vec::new(),
            time_plots: Vec::new(),
        }
    }
}

impl Scene {
    /// The same drawing in the colours of `theme`.
    pub fn dressed(mut self, theme: Theme) -> Self {
        self.paper = theme.of(self.paper);
        for shape in &mut self.shapes {
            let color = match shape {
                Shape::Rect { color, .. }
                | Shape::Polygon { color, .. }
                | Shape::Dot { color, .. } => color,
                Shape::Line { stroke, .. } => &mut stroke.color,
                Shape::Text(label) => &mut label.color,
            };
            *color = theme.of(*color);
        }
        self
    }

    /// Fills a rectangle. One that has no area is left out.
    pub fn rect(&mut self, area: Area, color: Color) {
        self.tint(area, color, 1.0);
    }

    /// Fills a rectangle so that what lies below shines through.
    pub fn tint(&mut self, area: Area, color: Color, opacity: f64) {
        if 0.0 < area.width() && 0.0 < area.height() {
            self.shapes.push(Shape::Rect {
                area,
                color,
                opacity,
            });
        }
    }

    /// Draws a line through `points`.
    pub fn line(&mut self, points: Vec<Point>, color: Color, width: f64) {
        if 2 <= points.len() {
            self.shapes.push(Shape::Line {
                points,
                stroke: Stroke { color, width },
            });
        }
    }

    /// Draws a line of dashes: `on` pixels drawn, `off` pixels not.
    pub fn dashes(&mut self, points: &[Point], color: Color, width: f64, (on, off): (f64, f64)) {
        let mut is_on = true;
        let mut left = on;
        let mut dash: Vec<Point> = points.first().copied().into_iter().collect();
        for pair in points.windows(2) {
            let (mut from, to) = (pair[0], pair[1]);
            loop {
                let (dx, dy) = (to.0 - from.0, to.1 - from.1);
                let length = (dx * dx + dy * dy).sqrt();
                if length <= left {
                    left -= length;
                    dash.push(to);
                    break;
                }
                from = (from.0 + dx * left / length, from.1 + dy * left / length);
                dash.push(from);
                if is_on {
                    self.line(std::mem::take(&mut dash), color, width);
                }
                is_on = !is_on;
                left = if is_on { on } else { off };
                dash = vec![from];
            }
        }
        if is_on {
            self.line(dash, color, width);
        }
    }

    /// Fills a polygon.
    pub fn polygon(&mut self, points: Vec<Point>, color: Color) {
        if 3 <= points.len() {
            self.shapes.push(Shape::Polygon { points, color });
        }
    }

    /// Fills a circle.
    pub fn dot(&mut self, center: Point, radius: f64, color: Color) {
        self.shapes.push(Shape::Dot {
            center,
            radius,
            color,
        });
    }

    /// Hatches a rectangle with strokes that rise to the right, `step` apart.
    pub fn hatch(&mut self, area: Area, color: Color, step: f64) {
        self.hatch_lines(area, color, step, 1.0);
    }

    /// Hatches a rectangle with strokes that fall to the right, `step` apart.
    pub fn hatch_falling(&mut self, area: Area, color: Color, step: f64) {
        self.hatch_lines(area, color, step, -1.0);
    }

    /// Writes a label in the common size and colour.
    pub fn label(&mut self, at: Point, text: &str, anchor: Anchor) {
        self.label_in(at, text, anchor, INK);
    }

    /// Writes a label in the common size.
    pub fn label_in(&mut self, at: Point, text: &str, anchor: Anchor, color: Color) {
        self.text(Label {
            at,
            text: text.to_string(),
            size: LABEL_SIZE,
            is_bold: false,
            anchor,
            color,
        });
    }

    /// Writes a text; what cannot be shown is replaced.
    pub fn text(&mut self, label: Label) {
        if !label.text.is_empty() {
            let text = text::clean(&label.text);
            self.shapes.push(Shape::Text(Label { text, ..label }));
        }
    }

    /// Strokes that would leave the rectangle are cut.
    fn hatch_lines(&mut self, area: Area, color: Color, step: f64, slope: f64) {
        let (width, height) = (area.width(), area.height());
        let count = ((width + height) / step).max(0.0).floor() as usize;
        for index in 1..=count {
            // The stroke starts at the bottom of (offset - height) and ends at the top of offset.
            let offset = index as f64 * step;
            let place = |x: f64| {
                let rise = x - (offset - height);
                let y = if 0.0 < slope {
                    area.bottom - rise
                } else {
                    area.top + rise
                };
                (area.left + x, y)
            };
            let ends = [(offset - height).max(0.0), offset.min(width)];
            if ends[0] < ends[1] {
                self.line(ends.map(place).to_vec(), color, 1.0);
            }
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Texts lie inside the picture and on none of the others; coordinates are numbers.
    pub fn assert_legible(scene: &Scene, name: &str) {
        let labels: Vec<(&Label, Area)> = scene
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Text(label) => Some((label, label.area())),
                _ => None,
            })
            .collect();
        for (index, (label, a)) in labels.iter().enumerate() {
            assert!(
                0.0 <= a.left && a.right <= scene.width && 0.0 <= a.top && a.bottom <= scene.height,
                "{name}: `{}` leaves the picture: {a:?}",
                label.text
            );
            for (other, b) in &labels[index + 1..] {
                let is_apart = a.right <= b.left
                    || b.right <= a.left
                    || a.bottom <= b.top
                    || b.bottom <= a.top;
                assert!(
                    is_apart,
                    "{name}: `{}` and `{}` overlap",
                    label.text, other.text
                );
            }
        }
        for shape in &scene.shapes {
            let is_inside = |&(x, y): &Point| {
                (-1.0..=scene.width + 1.0).contains(&x) && (-1.0..=scene.height + 1.0).contains(&y)
            };
            let is_sound = match shape {
                Shape::Rect { area, .. } => {
                    is_inside(&(area.left, area.top)) && is_inside(&(area.right, area.bottom))
                }
                Shape::Line { points, .. } | Shape::Polygon { points, .. } => {
                    points.iter().all(is_inside)
                }
                Shape::Dot { center, .. } => is_inside(center),
                Shape::Text(_) => true,
            };
            assert!(is_sound, "{name}: outside the picture: {shape:?}");
        }
    }

    #[test]
    fn dashes_cover_their_share_of_the_line() {
        let mut scene = Scene::default();
        scene.dashes(
            &[(0.0, 0.0), (50.0, 0.0), (100.0, 0.0)],
            INK,
            1.0,
            (6.0, 4.0),
        );
        // 100 px in periods of 10 px make ten dashes of 6 px; one of them passes the corner.
        assert_eq!(scene.shapes.len(), 10);
    }

    #[test]
    fn hatching_stays_in_its_rectangle() {
        let area = Area {
            left: 10.0,
            top: 20.0,
            right: 47.0,
            bottom: 31.0,
        };
        for slope in [1.0, -1.0] {
            let mut scene = Scene::default();
            scene.hatch_lines(area, INK, 5.0, slope);
            // Strokes 5 px apart over 37 px of width and 11 px of height.
            assert_eq!(scene.shapes.len(), 9);
            for shape in &scene.shapes {
                let Shape::Line { points, .. } = shape else {
                    panic!("not a line")
                };
                for &(x, y) in points {
                    let is_inside = (10.0..=47.0).contains(&x) && (20.0..=31.0).contains(&y);
                    assert!(is_inside, "{x} {y}");
                }
            }
        }
    }

    #[test]
    fn a_rectangle_without_area_is_not_drawn() {
        let mut scene = Scene::default();
        scene.rect(
            Area {
                left: 1.0,
                top: 1.0,
                right: 1.0,
                bottom: 9.0,
            },
            INK,
        );
        assert!(scene.shapes.is_empty());
    }
}
