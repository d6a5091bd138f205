//! Two measures of many points: the best compromises, and the one that is chosen.

use serde::{Deserialize, Serialize};

use super::axis::{Quantity, Scale};
use super::frame;
use super::point_labels;
use super::rows;
use super::scene::{Area, Point, Scene};
use super::series::{self, Swatch};
use super::stored::StoredChart;
use super::theme::{AXIS, BLUE, Color, MARGIN, VERMILION};
use super::{Caption, Chart, DataTable};

/// One point.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TradeOffPoint {
    pub label: String,
    /// Both numbers.
    pub values: [f64; 2],
    /// The ends of an interval around each.
    pub intervals: [Option<(f64, f64)>; 2],
    /// No other point is as good in everything that counts and better in something.
    pub is_on_front: bool,
    /// Another point is, but not surely.
    #[serde(default)]
    pub is_open: bool,
    pub is_chosen: bool,
}

/// The points of a sweep by two measures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TradeOff {
    pub caption: Caption,
    /// The measures, with what is better: `mistake_rate (less is better)`.
    pub names: [String; 2],
    /// What kind of numbers they are.
    pub quantities: [Quantity; 2],
    /// In the order of the front, then the others.
    pub points: Vec<TradeOffPoint>,
}

const HEIGHT: f64 = 380.0;
/// Numbers that differ by more than this factor are drawn by their logarithms.
const LINEAR_FACTOR_MAX: f64 = 30.0;
/// Points with a label of their own: all, or those of the front, or the chosen one.
const LABELED_COUNT_MAX: usize = 8;
/// Names in the label of points at one place; more are counted.
const SHARED_NAME_COUNT_MAX: usize = 3;
const OTHER: Color = AXIS;

impl Chart for TradeOff {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let (mut scene, top) = frame::open(&self.caption, width);
        let mut entries = vec![
            (Swatch::Dot(BLUE), "on the front"),
            (Swatch::Interval(BLUE), "interval"),
            (
                Swatch::Dot(OTHER),
                "another point is as good in both, better in one",
            ),
        ];
        if self.points.iter().any(|point| point.is_open) {
            let words = "another point is, but not surely";
            entries.push((Swatch::Ring(BLUE), words));
        }
        if self.points.iter().any(|point| point.is_chosen) {
            entries.push((Swatch::Ring(VERMILION), "nearest to the best"));
        }
        let top = series::legend_rows(&mut scene, top - 8.0, &entries) + 26.0;
        let bottom = top + HEIGHT;
        let y = self.scale(1, (bottom - 12.0, top + 8.0));
        let left = MARGIN + frame::tick_width(&y.ticks(self.quantities[1], 6.0)) + 10.0;
        let plot = Area {
            left,
            top,
            right: width - 60.0,
            bottom,
        };
        let x = self.scale(0, (plot.left + 12.0, plot.right - 12.0));
        frame::value_axis(
            &mut scene,
            plot,
            &y,
            self.quantities[1],
            6.0,
            &y.name(&self.names[1]),
        );
        if self.points.is_empty() {
            frame::empty(&mut scene, plot, "no point has both numbers");
        }
        self.draw_points(&mut scene, plot, &x, &y);
        let (quantity, name) = (self.quantities[0], x.name(&self.names[0]));
        let bottom = frame::base_axis(&mut scene, plot, &x, quantity, 7.0, &name);
        let has_zero = |side: usize| {
            self.is_logarithmic(side) && self.points.iter().any(|point| point.values[side] == 0.0)
        };
        let bottom = match has_zero(0) || has_zero(1) {
            true => {
                let words = "Both scales are by ratio where numbers differ much; points with a \
                             zero stand on the edge.";
                frame::remark(&mut scene, (plot.left, bottom), words)
            }
            false => bottom,
        };
        frame::close(scene, &self.caption, bottom)
    }

    fn table(&self) -> DataTable {
        let columns = [
            "point",
            &self.names[0],
            "low",
            "high",
            &self.names[1],
            "low",
            "high",
        ];
        let mut table = DataTable::new(columns);
        table
            .columns
            .extend(["on the front", "open", "chosen"].map(String::from));
        let number = |value: Option<f64>| value.map_or("–".to_string(), |v| v.to_string());
        for point in &self.points {
            let mut cells = vec![point.label.clone()];
            for (value, interval) in point.values.iter().zip(&point.intervals) {
                cells.push(value.to_string());
                cells.push(number(interval.map(|interval| interval.0)));
                cells.push(number(interval.map(|interval| interval.1)));
            }
            cells.push(point.is_on_front.to_string());
            cells.push(point.is_open.to_string());
            cells.push(point.is_chosen.to_string());
            table.push(cells);
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::TradeOff(self.clone())
    }
}

impl TradeOff {
    fn is_logarithmic(&self, side: usize) -> bool {
        let values = self.points.iter().map(|point| point.values[side]);
        let positive = values.clone().filter(|value| 0.0 < *value);
        let high = positive.clone().fold(0.0, f64::max);
        let low = positive.fold(f64::INFINITY, f64::min);
        values.fold(0.0, f64::min) == 0.0 && LINEAR_FACTOR_MAX * low < high
    }

    fn scale(&self, side: usize, (from_px, to_px): (f64, f64)) -> Scale {
        let values = self.points.iter().map(|point| point.values[side]);
        let on_front = self.points.iter().filter(|point| point.is_on_front);
        let ends = on_front.filter_map(|point| point.intervals[side]);
        let values = values.chain(ends.flat_map(|(low, high)| [low, high]));
        match self.is_logarithmic(side) {
            true => Scale::logarithmic(values, from_px, to_px),
            false => {
                let scale = Scale::spanning(values, 6.0, from_px, to_px);
                // No share is above 1, whatever its interval says, and few numbers below 0.
                let own = self.points.iter().map(|point| point.values[side]);
                let (low, high) = scale.range();
                let (least, most) = own.fold((0.0, 1.0), |(least, most), value| {
                    (f64::min(least, value), f64::max(most, value))
                });
                let is_share = self.quantities[side] == Quantity::Ratio;
                let high = if is_share { high.min(most) } else { high };
                let low = if least < 0.0 { low } else { low.max(0.0) };
                Scale::linear(low, high, from_px, to_px)
            }
        }
    }

    /// Where a value lies on one of the scales; a zero that has no logarithm lies on the edge.
    fn place(&self, side: usize, scale: &Scale, value: f64, edge: f64) -> f64 {
        match self.is_logarithmic(side) && value <= 0.0 {
            true => edge,
            false => scale.px(value),
        }
    }

    fn draw_points(&self, scene: &mut Scene, plot: Area, x: &Scale, y: &Scale) {
        let at = |point: &TradeOffPoint| -> Point {
            (
                self.place(0, x, point.values[0], plot.left),
                self.place(1, y, point.values[1], plot.bottom),
            )
        };
        let front: Vec<&TradeOffPoint> = self.points.iter().filter(|p| p.is_on_front).collect();
        // Where more than the two numbers counts, the front is no line.
        let ys = front.iter().map(|point| point.values[1]);
        if ys.clone().is_sorted() || ys.rev().is_sorted() {
            scene.line(front.iter().map(|point| at(point)).collect(), BLUE, 1.4);
        }
        let draw_intervals = |scene: &mut Scene, point: &TradeOffPoint, color: Color| {
            let (px, py) = at(point);
            if let Some((low, high)) = point.intervals[0] {
                let ends = [low, high].map(|v| self.place(0, x, v, plot.left));
                let ends = ends.map(|px| px.clamp(plot.left, plot.right));
                scene.line(vec![(ends[0], py), (ends[1], py)], color, 1.0);
            }
            if let Some((low, high)) = point.intervals[1] {
                let ends = [low, high].map(|v| self.place(1, y, v, plot.bottom));
                let ends = ends.map(|py| py.clamp(plot.top, plot.bottom));
                scene.line(vec![(px, ends[0]), (px, ends[1])], color, 1.0);
            }
        };
        for point in self.points.iter().filter(|point| !point.is_on_front) {
            if point.is_open {
                draw_intervals(scene, point, OTHER);
                rows::ring(scene, at(point), 4.2, BLUE);
            } else {
                scene.dot(at(point), 3.2, OTHER);
            }
        }
        for point in &front {
            draw_intervals(scene, point, BLUE);
            if point.is_chosen {
                rows::ring(scene, at(point), 9.0, VERMILION);
            }
            scene.dot(at(point), 4.2, BLUE);
        }
        let is_labeled = |point: &&TradeOffPoint| {
            let is_labeled = point.is_on_front && front.len() <= LABELED_COUNT_MAX;
            point.is_chosen || is_labeled || self.points.len() <= LABELED_COUNT_MAX
        };
        let labels = labels(self.points.iter().filter(is_labeled));
        let labels: Vec<(Point, &str)> = labels
            .iter()
            .map(|(point, label)| (at(point), label.as_str()))
            .collect();
        let all: Vec<Point> = self.points.iter().map(at).collect();
        let bounds = Area {
            right: scene.width - MARGIN,
            ..plot
        };
        point_labels::draw(scene, bounds, &all, &labels);
    }
}

/// The labels of points, one for all that have the same numbers.
fn labels<'a>(points: impl Iterator<Item = &'a TradeOffPoint>) -> Vec<(&'a TradeOffPoint, String)> {
    let mut places: Vec<Vec<&TradeOffPoint>> = Vec::new();
    for point in points {
        let known = places.iter_mut().find(|it| it[0].values == point.values);
        match known {
            Some(place) => place.push(point),
            None => places.push(vec![point]),
        }
    }
    let joined = |place: Vec<&'a TradeOffPoint>| {
        let names = place.iter().take(SHARED_NAME_COUNT_MAX);
        let mut names: Vec<String> = names.map(|point| point.label.clone()).collect();
        if SHARED_NAME_COUNT_MAX < place.len() {
            names.push(format!("{} more", place.len() - SHARED_NAME_COUNT_MAX));
        }
        (place[0], names.join(", "))
    };
    places.into_iter().map(joined).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_with_the_same_numbers_share_a_label() {
        let point = |label: &str, value: f64| TradeOffPoint {
            label: label.into(),
            values: [value, 1.0],
            ..TradeOffPoint::default()
        };
        let points = [
            point("a", 1.0),
            point("b", 2.0),
            point("c", 1.0),
            point("d", 1.0),
            point("e", 1.0),
        ];
        let labels: Vec<String> = labels(points.iter()).into_iter().map(|it| it.1).collect();
        assert_eq!(labels, ["a, c, d, 1 more", "b"]);
    }
}
