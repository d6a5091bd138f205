//! How often every instance was picked, against its weight.

use serde::{Deserialize, Serialize};

use super::axis::{Quantity, Scale};
use super::frame::{self, EndLabel};
use super::rows::{self, ROW_COUNT_MAX, ROW_HEIGHT};
use super::scene::{Anchor, Area, Scene};
use super::series::{self, Swatch};
use super::stored::StoredChart;
use super::theme::{BLUE, Color, INK, LABEL_SIZE, MARGIN, MUTED};
use super::{Caption, Chart, DataTable, text};

/// One instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SelectedInstance {
    pub label: String,
    /// Share of the picks that its weight promises, from 0 to 1.
    pub expected_share: f64,
    /// Share of the picks that it got.
    pub observed_share: f64,
    /// Lower and upper end of an interval around the observed share.
    pub interval: Option<(f64, f64)>,
}

/// Selection share against weight.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SelectionShare {
    pub caption: Caption,
    pub instances: Vec<SelectedInstance>,
    /// What the intervals are: `95 % interval over 8 runs`. Empty if there are none.
    pub interval_name: String,
}

const OBSERVED: Color = BLUE;
const CURVE_HEIGHT: f64 = 300.0;

impl Chart for SelectionShare {
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
        let mut table =
            DataTable::new(["instance", "expected (%)", "observed (%)", "interval (%)"]);
        let percent = |share: f64| format!("{:.3}", share * 100.0);
        for instance in &self.instances {
            table.push(vec![
                instance.label.clone(),
                percent(instance.expected_share),
                percent(instance.observed_share),
                instance.interval.map_or("–".into(), |(low, high)| {
                    format!("{}–{}", percent(low), percent(high))
                }),
            ]);
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::Selection(self.clone())
    }
}

impl SelectionShare {
    fn rows_scene(&self, width: f64) -> Scene {
        let (mut scene, top) = frame::open(&self.caption, width);
        let has_numbers = !frame::is_narrow(width);
        let top = self.draw_legend(&mut scene, top);
        let labels = self.instances.iter().map(|instance| instance.label.clone());
        let left = rows::left_of(labels, width);
        let height = (self.instances.len() as f64 * ROW_HEIGHT).max(80.0);
        let plot = Area {
            left,
            top,
            right: width - if has_numbers { 190.0 } else { 36.0 },
            bottom: top + height,
        };
        let shares = self.instances.iter().flat_map(|instance| {
            let high = instance.interval.map_or(0.0, |interval| interval.1);
            [instance.expected_share, instance.observed_share, high]
        });
        let x = Scale::from_zero(shares, 8.0, plot.left, plot.right);
        for (index, instance) in self.instances.iter().enumerate() {
            let y = rows::draw_row(&mut scene, plot, index, &instance.label);
            rows::tick(&mut scene, (x.px(instance.expected_share), y), INK);
            if let Some((low, high)) = instance.interval {
                rows::interval(&mut scene, (x.px(low), x.px(high)), y, OBSERVED);
            }
            scene.dot((x.px(instance.observed_share), y), 4.5, OBSERVED);
            if !has_numbers {
                continue;
            }
            let percent = |share: f64| format!("{:.2} %", share * 100.0);
            let words = format!(
                "{} / {}",
                percent(instance.observed_share),
                percent(instance.expected_share)
            );
            let words = text::fit(&words, LABEL_SIZE, false, 160.0);
            scene.label_in((width - MARGIN, y + 4.0), &words, Anchor::End, MUTED);
        }
        if self.instances.is_empty() {
            frame::empty(&mut scene, plot, "nobody was picked");
        } else if has_numbers {
            let at = (width - MARGIN, top - 18.0);
            scene.label_in(at, "observed / expected", Anchor::End, MUTED);
        }
        let name = "share of the picks";
        let bottom = frame::base_axis(&mut scene, plot, &x, Quantity::Ratio, 8.0, name);
        frame::close(scene, &self.caption, bottom)
    }

    /// Explains the marks; gives the height at which the rest starts.
    fn draw_legend(&self, scene: &mut Scene, top: f64) -> f64 {
        if frame::is_narrow(scene.width) {
            let mut entries = vec![
                (Swatch::Dot(OBSERVED), "observed"),
                (Swatch::Tick(INK), "expected by weight"),
            ];
            if !self.interval_name.is_empty() {
                entries.push((Swatch::Interval(OBSERVED), &self.interval_name));
            }
            return series::legend_rows(scene, top - 8.0, &entries) + 8.0;
        }
        let (x, y) = (MARGIN + 6.0, top + 8.0);
        scene.dot((x, y - 4.0), 4.5, OBSERVED);
        scene.label((x + 10.0, y), "observed", Anchor::Start);
        rows::tick(scene, (x + 92.0, y - 4.0), INK);
        scene.label((x + 102.0, y), "expected by weight", Anchor::Start);
        if !self.interval_name.is_empty() {
            rows::interval(scene, (x + 244.0, x + 268.0), y - 4.0, OBSERVED);
            let name = text::fit(&self.interval_name, LABEL_SIZE, false, 380.0);
            scene.label((x + 276.0, y), &name, Anchor::Start);
        }
        top + 26.0
    }

    /// Observed over expected, in the order of the instances.
    fn curve_scene(&self, width: f64) -> Scene {
        let (mut scene, top) = frame::open(&self.caption, width);
        let top = top + 22.0;
        let ratio = |instance: &SelectedInstance, share: f64| share / instance.expected_share;
        let mut dots: Vec<Dot> = self
            .instances
            .iter()
            .filter(|instance| 0.0 < instance.expected_share)
            .map(|instance| {
                let interval = instance.interval;
                let ends =
                    interval.map(|(low, high)| (ratio(instance, low), ratio(instance, high)));
                (ratio(instance, instance.observed_share), ends)
            })
            .collect();
        dots.sort_by(|a, b| a.0.total_cmp(&b.0));
        let all = dots.iter().flat_map(|dot| {
            let (low, high) = dot.1.unwrap_or((dot.0, dot.0));
            [dot.0, low, high]
        });
        let y = Scale::spanning(all.chain([0.99, 1.01]), 6.0, top + CURVE_HEIGHT, top);
        let left = MARGIN + frame::tick_width(&y.ticks(Quantity::Number, 6.0)) + 10.0;
        let plot = Area {
            left,
            top,
            right: width - 100.0,
            bottom: top + CURVE_HEIGHT,
        };
        let x = Scale::linear(0.0, dots.len().max(1) as f64, plot.left, plot.right);

        let is_narrow = frame::is_narrow(width);
        let name = match self.interval_name.as_str() {
            interval if interval.is_empty() || is_narrow => "observed share ÷ expected".to_string(),
            interval => format!("observed share ÷ expected share, with {interval}"),
        };
        frame::value_axis(&mut scene, plot, &y, Quantity::Number, 6.0, &name);
        scene.dashes(
            &[(plot.left, y.px(1.0)), (plot.right, y.px(1.0))],
            INK,
            1.2,
            (5.0, 3.0),
        );
        let expected = EndLabel {
            y: y.px(1.0),
            text: "as expected".into(),
            color: INK,
        };
        frame::end_labels(&mut scene, plot, vec![expected]);
        draw_intervals(&mut scene, plot, &dots, (&x, &y));
        for (index, (value, _)) in dots.iter().enumerate() {
            scene.dot((x.px(index as f64 + 0.5), y.px(*value)), 2.2, OBSERVED);
        }
        let name = "instances, from the smallest to the largest ratio";
        let bottom = frame::base_axis(&mut scene, plot, &x, Quantity::Number, 8.0, name);
        let bottom = match is_narrow && !self.interval_name.is_empty() {
            true => {
                let words = format!("Up and down: {}.", self.interval_name);
                frame::remark(&mut scene, (MARGIN, bottom), &words)
            }
            false => bottom,
        };
        frame::close(scene, &self.caption, bottom)
    }
}

/// A number and the ends of its interval.
type Dot = (f64, Option<(f64, f64)>);

/// Draws the intervals of a curve as lines, or as a band where there is no room between them.
fn draw_intervals(scene: &mut Scene, plot: Area, dots: &[Dot], (x, y): (&Scale, &Scale)) {
    let step = plot.width() / dots.len().max(1) as f64;
    for (index, (_, ends)) in dots.iter().enumerate() {
        let at = x.px(index as f64 + 0.5);
        let Some((low, high)) = *ends else { continue };
        match step < 3.0 {
            true => {
                let column = Area {
                    left: at - step / 2.0,
                    top: y.px(high),
                    right: at + step / 2.0,
                    bottom: y.px(low),
                };
                scene.tint(column, OBSERVED, 0.3);
            }
            false => scene.line(vec![(at, y.px(low)), (at, y.px(high))], OBSERVED, 1.0),
        }
    }
}
