//! Labels of points in a plane: each as near to its point as there is room, with a line to it from
//! further away.

use super::scene::{Anchor, Area, Label, Point, Scene};
use super::text;
use super::theme::{AXIS, INK, LABEL_SIZE, PAPER};

/// From the middle of a point to the label beside it.
const GAP: f64 = 12.0;
/// Between lines of labels.
const STEP: f64 = 15.0;
/// Places that are tried, the nearest first: so many steps up and down, and outwards.
const RING_COUNT: usize = 12;
/// How much a point covers around its middle.
const POINT_RADIUS: f64 = 6.0;
/// A label whose middle is this far from its point needs no line.
const NEAR: f64 = 20.0;

/// A label and where it may stand.
struct Place {
    label: Label,
    /// Whether the words are shortened.
    is_cut: bool,
    /// From the point to the label, where it is far.
    leader: Option<[Point; 2]>,
}

impl Place {
    fn new(words: &str, (px, py): Point, is_left: bool, (dx, dy): Point) -> Self {
        let (label_x, anchor) = match is_left {
            true => (px - dx, Anchor::End),
            false => (px + dx, Anchor::Start),
        };
        let label = Label {
            at: (label_x, py + dy + 0.26 * LABEL_SIZE),
            text: words.to_string(),
            size: LABEL_SIZE,
            is_bold: false,
            anchor,
            color: INK,
        };
        let end = (
            if is_left {
                label_x + 2.0
            } else {
                label_x - 2.0
            },
            py + dy,
        );
        let length = libm::hypot(end.0 - px, dy);
        let from = |share: f64| (px + (end.0 - px) * share, py + dy * share);
        let leader = (NEAR < length).then(|| [from(POINT_RADIUS / length), end]);
        Place {
            label,
            is_cut: false,
            leader,
        }
    }

    /// How bad a place it is: what it covers counts more than what it crosses, and shortened words
    /// more than some covered points, but less than a covered label.
    fn cost(&self, bounds: Area, points: &[Point], placed: &[Place]) -> usize {
        let area = self.label.area();
        let is_out = area.left < bounds.left
            || bounds.right < area.right
            || area.top < bounds.top
            || bounds.bottom < area.bottom;
        let is_on = |point: &&Point| covers(area, **point, POINT_RADIUS);
        let on_points = points.iter().filter(is_on).count();
        let of_other = |other: &Place| {
            let theirs = other.label.area();
            let is_apart = area.right + 4.0 < theirs.left
                || theirs.right + 4.0 < area.left
                || area.bottom + 1.0 < theirs.top
                || theirs.bottom + 1.0 < area.top;
            let crosses = self.leads_through(theirs) || other.leads_through(area);
            10 * usize::from(!is_apart) + usize::from(crosses)
        };
        let on_others: usize = placed.iter().map(of_other).sum();
        100 * usize::from(is_out) + 8 * usize::from(self.is_cut) + 3 * on_points + on_others
    }

    fn leads_through(&self, area: Area) -> bool {
        let Some([from, to]) = self.leader else {
            return false;
        };
        let on_way = |part: usize| {
            let share = part as f64 / 16.0;
            let at = (
                from.0 + (to.0 - from.0) * share,
                from.1 + (to.1 - from.1) * share,
            );
            covers(area, at, 1.0)
        };
        (0..=16).any(on_way)
    }
}

fn covers(area: Area, (x, y): Point, around: f64) -> bool {
    area.left - around < x
        && x < area.right + around
        && area.top - around < y
        && y < area.bottom + around
}

/// Writes the labels of points, none over another point or label as long as there is a place for
/// it within `bounds`. `points`: all that are drawn.
pub fn draw(scene: &mut Scene, bounds: Area, points: &[Point], labels: &[(Point, &str)]) {
    let mut placed: Vec<Place> = Vec::new();
    for (at, label) in labels {
        let places = places(bounds, *at, label);
        let best = places.min_by_key(|place| place.cost(bounds, points, &placed));
        placed.extend(best);
    }
    for place in &placed {
        if let Some([from, to]) = place.leader {
            scene.line(vec![from, to], AXIS, 0.9);
        }
    }
    for place in placed {
        let area = place.label.area();
        // Lines that pass below end around it.
        let ground = Area {
            left: area.left - 2.0,
            right: area.right + 2.0,
            ..area
        };
        scene.rect(ground, PAPER);
        scene.text(place.label);
    }
}

/// The places of a label, the best first.
fn places<'a>(bounds: Area, at: Point, label: &'a str) -> impl Iterator<Item = Place> + 'a {
    let prefers_left = bounds.left + bounds.width() * 0.6 < at.0;
    let rings = (0..RING_COUNT).flat_map(move |ring| {
        let (out, far) = (GAP + 5.0 * ring as f64, STEP * ring as f64);
        let up_and_down = [(out, -10.0 - far), (out, 10.0 + far)];
        // Beside the point, then slanting outwards.
        let level = (ring == 0).then_some((out, 0.0));
        up_and_down.into_iter().chain(level)
    });
    rings.flat_map(move |offset| {
        [prefers_left, !prefers_left].map(|is_left| {
            let room = match is_left {
                true => at.0 - bounds.left,
                false => bounds.right - at.0,
            };
            let room = (room - offset.0).max(40.0);
            let words = text::fit(label, LABEL_SIZE, false, room);
            Place {
                is_cut: words != text::clean(label),
                ..Place::new(&words, at, is_left, offset)
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::scene::Shape;

    const BOUNDS: Area = Area {
        left: 50.0,
        top: 50.0,
        right: 750.0,
        bottom: 430.0,
    };

    fn drawn(labels: &[(Point, &str)]) -> (Vec<Area>, usize) {
        let mut scene = Scene {
            width: 800.0,
            height: 480.0,
            paper: PAPER,
            shapes: Vec::new(),
            time_plots: Vec::new(),
        };
        let points: Vec<Point> = labels.iter().map(|(at, _)| *at).collect();
        draw(&mut scene, BOUNDS, &points, labels);
        let texts = scene.shapes.iter().filter_map(|shape| match shape {
            Shape::Text(label) => Some(label.area()),
            _ => None,
        });
        let lines = scene.shapes.iter();
        let lines = lines.filter(|shape| matches!(shape, Shape::Line { .. }));
        (texts.collect(), lines.count())
    }

    #[test]
    fn a_label_alone_stands_beside_its_point_without_a_line() {
        let (areas, line_count) = drawn(&[((100.0, 200.0), "alone")]);
        assert_eq!(line_count, 0);
        assert!(100.0 < areas[0].left && areas[0].left < 116.0, "{areas:?}");
    }

    #[test]
    fn words_are_not_cut_where_another_side_has_room() {
        // Others stand on the right, and the left has no room for the words.
        let at = (105.0, 60.0);
        let points: Vec<Point> = (0..6).map(|i| (105.0 + 8.0 * f64::from(i), 60.0)).collect();
        let mut scene = Scene::default();
        draw(&mut scene, BOUNDS, &points, &[(at, "200/s, 6")]);
        let words = scene.shapes.iter().find_map(|shape| match shape {
            Shape::Text(label) => Some(label.text.as_str()),
            _ => None,
        });
        assert_eq!(words, Some("200/s, 6"));
    }

    #[test]
    fn labels_of_a_crowd_cover_neither_each_other_nor_a_point() {
        let crowd: Vec<(Point, &str)> = (0..8)
            .map(|place| {
                (
                    (400.0 + 7.0 * place as f64, 240.0 - 3.0 * place as f64),
                    "one of a crowd",
                )
            })
            .collect();
        let (areas, line_count) = drawn(&crowd);
        assert!(0 < line_count);
        for (place, area) in areas.iter().enumerate() {
            assert!(
                BOUNDS.left <= area.left && area.right <= BOUNDS.right,
                "{area:?}"
            );
            assert!(
                BOUNDS.top <= area.top && area.bottom <= BOUNDS.bottom,
                "{area:?}"
            );
            for other in &areas[place + 1..] {
                let apart = area.right < other.left
                    || other.right < area.left
                    || area.bottom < other.top
                    || other.bottom < area.top;
                assert!(apart, "{area:?} covers {other:?}");
            }
            for (point, _) in &crowd {
                assert!(!covers(*area, *point, 2.0), "{area:?} covers {point:?}");
            }
        }
    }
}
