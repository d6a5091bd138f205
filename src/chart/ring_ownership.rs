//! How much of a hash ring every instance owns, before and after a change.

use serde::{Deserialize, Serialize};

use super::axis::{Quantity, Scale};
use super::frame::{self, EndLabel};
use super::ring_circle::{self, DIAMETER, RingCircle};
use super::rows::{self, ROW_COUNT_MAX, ROW_HEIGHT};
use super::scene::{Anchor, Area, Scene};
use super::series::{self, LineStyle, Swatch};
use super::stored::StoredChart;
use super::theme::{AXIS, BLUE, Color, INK, LABEL_SIZE, MARGIN, VERMILION};
use super::{Caption, Chart, DataTable, text};

/// What an instance owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ownership {
    /// Share of the hash space, from 0 to 1.
    pub share: f64,
    /// What its weight entitles it to, if that is known.
    pub fair_share: Option<f64>,
}

/// One instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RingInstance {
    pub label: String,
    /// None: not on the ring then.
    pub before: Option<Ownership>,
    pub after: Option<Ownership>,
}

/// Ring ownership before and after.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RingOwnership {
    pub caption: Caption,
    pub instances: Vec<RingInstance>,
    /// What lies between the two, for the legend: `without web/a/3`.
    pub change: String,
    /// The rings themselves; None of placements that are no ring.
    #[serde(default)]
    pub circles: Option<[RingCircle; 2]>,
}

const BEFORE: Color = BLUE;
const AFTER: Color = VERMILION;
const CURVE_HEIGHT: f64 = 300.0;

impl Chart for RingOwnership {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        if self.instances.len() <= ROW_COUNT_MAX {
            self.rows_scene(width)
        } else {
            self.curve_scene(width)
        }
    }

    fn table(&self) -> DataTable {
        let mut table = DataTable::new([
            "instance",
            "before (%)",
            "fair before (%)",
            "after (%)",
            "fair after (%)",
        ]);
        let percent = |share: Option<f64>| {
            share.map_or("–".to_string(), |share| format!("{:.3}", share * 100.0))
        };
        for instance in &self.instances {
            table.push(vec![
                instance.label.clone(),
                percent(instance.before.map(|o| o.share)),
                percent(instance.before.and_then(|o| o.fair_share)),
                percent(instance.after.map(|o| o.share)),
                percent(instance.after.and_then(|o| o.fair_share)),
            ]);
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::Ring(self.clone())
    }
}

impl RingOwnership {
    /// The name, and whether the instance is on the ring only once.
    fn row_label(&self, instance: &RingInstance) -> String {
        match (instance.before, instance.after) {
            (Some(_), None) if self.has_after() => format!("{} (leaves)", instance.label),
            (None, Some(_)) => format!("{} (joins)", instance.label),
            _ => instance.label.clone(),
        }
    }

    fn has_after(&self) -> bool {
        self.instances
            .iter()
            .any(|instance| instance.after.is_some())
    }

    fn rows_scene(&self, width: f64) -> Scene {
        let (mut scene, top) = frame::open(&self.caption, width);
        let top = self.draw_legend(&mut scene, top);
        let (plot, bottom) = self.place_rows(&mut scene, top);
        let shares = self.instances.iter().flat_map(|instance| {
            [instance.before, instance.after]
                .into_iter()
                .flatten()
                .flat_map(|o| [Some(o.share), o.fair_share])
                .flatten()
        });
        let x = Scale::from_zero(shares, 8.0, plot.left, plot.right);
        for (index, instance) in self.instances.iter().enumerate() {
            let label = self.row_label(instance);
            let label = text::fit(&label, LABEL_SIZE, false, rows::left_of_max(width));
            let y = rows::draw_row(&mut scene, plot, index, &label);
            if self.circles.is_some() {
                ring_circle::swatch(&mut scene, (plot.left + 1.0, y), index);
            }
            let (before, after) = (instance.before, instance.after);
            for (fair, color) in [(before, BEFORE), (after, AFTER)] {
                if let Some(share) = fair.and_then(|o| o.fair_share) {
                    rows::tick(&mut scene, (x.px(share), y), color);
                }
            }
            if let (Some(before), Some(after)) = (before, after) {
                scene.line(
                    vec![(x.px(before.share), y), (x.px(after.share), y)],
                    AXIS,
                    2.0,
                );
            }
            if let Some(o) = before {
                rows::ring(&mut scene, (x.px(o.share), y), 5.5, BEFORE);
            }
            if let Some(o) = after {
                scene.dot((x.px(o.share), y), 4.5, AFTER);
            }
        }
        if self.instances.is_empty() {
            frame::empty(&mut scene, plot, "nobody is on the ring");
        }
        let name = "share of the hash space";
        let axis_bottom = frame::base_axis(&mut scene, plot, &x, Quantity::Ratio, 8.0, name);
        frame::close(scene, &self.caption, axis_bottom.max(bottom))
    }

    /// Draws the circles, and says where the rows stand: beside them, or below where there is no
    /// room; and where the circles end.
    fn place_rows(&self, scene: &mut Scene, top: f64) -> (Area, f64) {
        let width = scene.width;
        let labels = self.instances.iter().map(|it| self.row_label(it));
        let left = rows::left_of(labels, width);
        let height = (self.instances.len() as f64 * ROW_HEIGHT).max(80.0);
        let plot = Area {
            left,
            top,
            right: width - 40.0,
            bottom: top + height,
        };
        let Some(circles) = &self.circles else {
            return (plot, top);
        };
        let is_narrow = frame::is_narrow(width);
        let corner = match is_narrow {
            true => ((width - DIAMETER) / 2.0, top),
            false => (MARGIN, top),
        };
        ring_circle::draw(scene, corner, circles);
        let bottom = top + DIAMETER + 10.0;
        let plot = match is_narrow {
            true => Area {
                left: left + 8.0,
                top: bottom + 6.0,
                bottom: bottom + 6.0 + height,
                ..plot
            },
            false => Area {
                left: left + DIAMETER + 24.0,
                bottom: top + height.max(DIAMETER - 40.0),
                ..plot
            },
        };
        (plot, bottom)
    }

    /// Explains the marks; gives the height at which the rest starts.
    fn draw_legend(&self, scene: &mut Scene, top: f64) -> f64 {
        let after = if self.change.is_empty() {
            "after".to_string()
        } else {
            format!("after: {}", self.change)
        };
        if frame::is_narrow(scene.width) {
            let mut entries = vec![(Swatch::Ring(BEFORE), "before")];
            if self.has_after() {
                entries.push((Swatch::Dot(AFTER), after.as_str()));
            }
            entries.push((Swatch::Tick(BEFORE), "fair share by weight"));
            return series::legend_rows(scene, top - 8.0, &entries) + 8.0;
        }
        let (mut x, y) = (MARGIN + 6.0, top + 8.0);
        rows::ring(scene, (x, y - 4.0), 5.5, BEFORE);
        scene.label((x + 12.0, y), "before", Anchor::Start);
        x += 76.0;
        if self.has_after() {
            let after = text::fit(&after, LABEL_SIZE, false, 480.0);
            scene.dot((x, y - 4.0), 4.5, AFTER);
            scene.label((x + 12.0, y), &after, Anchor::Start);
            x += 12.0 + text::width(&after, LABEL_SIZE, false) + 24.0;
        }
        rows::tick(scene, (x, y - 4.0), BEFORE);
        if self.has_after() {
            rows::tick(scene, (x + 5.0, y - 4.0), AFTER);
        }
        scene.label((x + 13.0, y), "fair share by weight", Anchor::Start);
        top + 26.0
    }

    /// Shares over fair shares, from the smallest to the largest.
    fn curve_scene(&self, width: f64) -> Scene {
        let (mut scene, top) = frame::open(&self.caption, width);
        let top = top + 22.0;
        let sorted = |of: fn(&RingInstance) -> Option<Ownership>| {
            let owned = self.instances.iter().filter_map(of);
            let ratio = |o: Ownership| o.fair_share.map(|fair_share| o.share / fair_share);
            let finite = |ratio: &f64| ratio.is_finite();
            let mut ratios: Vec<f64> = owned.filter_map(ratio).filter(finite).collect();
            ratios.sort_by(f64::total_cmp);
            ratios
        };
        let (before, after) = (
            sorted(|instance| instance.before),
            sorted(|instance| instance.after),
        );
        let all = before.iter().chain(&after).copied().chain([1.2]);
        let y = Scale::from_zero(all, 6.0, top + CURVE_HEIGHT, top);
        let left = MARGIN + frame::tick_width(&y.ticks(Quantity::Number, 6.0)) + 10.0;
        let plot = Area {
            left,
            top,
            right: width - 90.0,
            bottom: top + CURVE_HEIGHT,
        };
        let count = before.len().max(after.len()).max(1) as f64;
        let x = Scale::linear(0.0, count, plot.left, plot.right);

        let name = "share of the hash space ÷ fair share";
        frame::value_axis(&mut scene, plot, &y, Quantity::Number, 6.0, name);
        scene.dashes(
            &[(plot.left, y.px(1.0)), (plot.right, y.px(1.0))],
            INK,
            1.2,
            (5.0, 3.0),
        );
        let mut labels = vec![EndLabel {
            y: y.px(1.0),
            text: "fair share".into(),
            color: INK,
        }];
        for (ratios, color, width, text) in [
            (before, BEFORE, 3.0, "before"),
            (after, AFTER, 1.6, "after"),
        ] {
            let points = ratios
                .iter()
                .enumerate()
                .map(|(i, &r)| (i as f64 + 0.5, Some(r)));
            let style = LineStyle {
                color,
                width,
                dash: None,
            };
            if let Some(end) = series::line(&mut scene, points, (&x, &y), style) {
                labels.push(EndLabel {
                    y: end.1,
                    text: text.into(),
                    color,
                });
            }
        }
        frame::end_labels(&mut scene, plot, labels);
        let name = "instances, from the smallest to the largest share";
        let bottom = frame::base_axis(&mut scene, plot, &x, Quantity::Number, 8.0, name);
        frame::close(scene, &self.caption, bottom)
    }
}
