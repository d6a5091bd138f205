//! The share that succeeded in each part of a run, on an axis of nines, with intervals.

use serde::{Deserialize, Serialize};

use super::frame;
use super::number;
use super::rows::{self, ROW_HEIGHT};
use super::scene::{Anchor, Area, Scene};
use super::series::{self, Swatch};
use super::stored::StoredChart;
use super::theme::{AXIS, BLUE, GRID, INK, LABEL_SIZE, MARGIN, MUTED};
use super::{Caption, Chart, DataTable, text};

/// One part of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NinesRow {
    pub label: String,
    /// Share that succeeded, from 0 to 1.
    pub ratio: f64,
    /// Lower and upper end of an interval around it.
    pub interval: (f64, f64),
    /// Of how many.
    pub count: u64,
}

/// Success by part of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Nines {
    pub caption: Caption,
    pub rows: Vec<NinesRow>,
    /// What was aimed at, if anything was.
    pub objective: Option<f64>,
    /// What the intervals are.
    pub interval_name: String,
}

/// The most nines that the axis shows; what is beyond stands at its end.
const NINES_MAX: f64 = 7.0;

impl Chart for Nines {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let (mut scene, top) = frame::open(&self.caption, width);
        let mut entries = vec![
            (Swatch::Dot(BLUE), "share that succeeded"),
            (Swatch::Interval(BLUE), self.interval_name.as_str()),
        ];
        if self.objective.is_some() {
            entries.push((Swatch::Tick(INK), "availability_objective"));
        }
        let top = series::legend_rows(&mut scene, top - 8.0, &entries) + 6.0;
        let has_numbers = !frame::is_narrow(width);
        let texts: Vec<String> = self.rows.iter().map(words).collect();
        let words_width = rows::words_width(&texts, 166.0);
        let left = rows::left_of(self.rows.iter().map(|row| row.label.clone()), width);
        let plot = Area {
            left,
            top,
            right: width
                - if has_numbers {
                    words_width + 26.0
                } else {
                    36.0
                },
            bottom: top + (self.rows.len() as f64 * ROW_HEIGHT).max(60.0),
        };
        let reach = self.reach();
        let px = |ratio: f64| plot.left + reach.share(ratio) * plot.width();
        axis(&mut scene, plot, reach);
        for (index, row) in self.rows.iter().enumerate() {
            let y = rows::draw_row(&mut scene, plot, index, &row.label);
            if let Some(objective) = self.objective {
                rows::tick(&mut scene, (px(objective), y), INK);
            }
            let ends = (px(row.interval.0), px(row.interval.1));
            rows::interval(&mut scene, ends, y, BLUE);
            scene.dot((px(row.ratio), y), 4.5, BLUE);
            if has_numbers {
                let words = text::fit(&texts[index], LABEL_SIZE, false, words_width);
                scene.label_in((width - MARGIN, y + 4.0), &words, Anchor::End, MUTED);
            }
        }
        if self.rows.is_empty() {
            frame::empty(&mut scene, plot, "no request arrived");
        }
        let bottom = frame::base_name(&mut scene, plot, "share that succeeded (each nine alike)");
        frame::close(scene, &self.caption, bottom)
    }

    fn table(&self) -> DataTable {
        let mut table = DataTable::new(["part", "succeeded (%)", "interval (%)", "requests"]);
        for row in &self.rows {
            let (low, high) = row.interval;
            table.push(vec![
                row.label.clone(),
                format!("{:.6}", row.ratio * 100.0),
                format!("{:.6}–{:.6}", low * 100.0, high * 100.0),
                row.count.to_string(),
            ]);
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::Nines(self.clone())
    }
}

impl Nines {
    /// The axis holds every share and every end of an interval, and the objective.
    fn reach(&self) -> Reach {
        let rows = self.rows.iter();
        let ratios = rows.flat_map(|row| [row.ratio, row.interval.0, row.interval.1]);
        let ratios: Vec<f64> = ratios.chain(self.objective).collect();
        let below = ratios.iter().filter(|ratio| !is_whole(**ratio));
        let most = below.map(|ratio| nines(*ratio)).fold(2.0, f64::max);
        Reach {
            // A share of 99.9 % has three nines, whatever its logarithm says.
            nine_count: (most - 1e-9).ceil().min(NINES_MAX),
            has_whole: ratios.iter().any(|ratio| is_whole(*ratio)),
        }
    }
}

/// How far an axis of nines goes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Reach {
    /// Nines of its last mark below 100 %.
    nine_count: f64,
    /// Whether 100 % has a place behind it: no number of nines leads there.
    has_whole: bool,
}

impl Reach {
    /// Marks from the first to the last one.
    fn step_count(self) -> f64 {
        self.nine_count + f64::from(u8::from(self.has_whole))
    }

    /// Where a share lies, from 0 to 1.
    fn share(self, ratio: f64) -> f64 {
        match is_whole(ratio) {
            true => 1.0,
            false => nines(ratio).min(self.nine_count) / self.step_count(),
        }
    }
}

fn is_whole(ratio: f64) -> bool {
    1.0 - 1e-12 <= ratio
}

/// `99.52 % of 12,345`.
fn words(row: &NinesRow) -> String {
    format!(
        "{} of {}",
        number::percent(row.ratio),
        number::count(row.count)
    )
}

/// 0 for nothing, 1 for 90 %, 2 for 99 %.
fn nines(ratio: f64) -> f64 {
    let lost = (1.0 - ratio).clamp(1e-9, 1.0);
    if lost.is_nan() {
        0.0
    } else {
        -libm::log10(lost)
    }
}

fn axis(scene: &mut Scene, plot: Area, reach: Reach) {
    let ends = vec![(plot.left, plot.bottom), (plot.right, plot.bottom)];
    scene.line(ends, AXIS, 1.0);
    let mut free_from = 0.0;
    for count in 0..=reach.step_count() as usize {
        let x = plot.left + count as f64 / reach.step_count() * plot.width();
        scene.line(vec![(x, plot.top), (x, plot.bottom + 5.0)], GRID, 1.0);
        let label = match count {
            0 => "0 %".to_string(),
            last if reach.nine_count < last as f64 => "100 %".to_string(),
            1 => "90 %".to_string(),
            2 => "99 %".to_string(),
            more => format!("99.{} %", "9".repeat(more - 2)),
        };
        let half = text::width(&label, LABEL_SIZE, false) / 2.0;
        let middle = x.min(scene.width - 4.0 - half);
        if free_from <= middle - half {
            scene.label_in((middle, plot.bottom + 19.0), &label, Anchor::Middle, MUTED);
            free_from = middle + half + 8.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_nine_has_the_same_width() {
        for (ratio, expected) in [(0.0, 0.0), (0.9, 1.0), (0.99, 2.0), (0.9999, 4.0)] {
            assert!((nines(ratio) - expected).abs() < 1e-9, "{ratio}");
        }
    }

    #[test]
    fn the_axis_holds_the_objective_and_100_percent_lies_beyond_all_nines() {
        let row = |ratio: f64, interval: (f64, f64)| NinesRow {
            ratio,
            interval,
            ..NinesRow::default()
        };
        let mut chart = Nines {
            rows: vec![row(0.5, (0.4, 0.6))],
            objective: Some(0.999),
            ..Nines::default()
        };
        let reach = chart.reach();
        assert_eq!((reach.nine_count, reach.has_whole), (3.0, false));
        assert!((reach.share(0.999) - 1.0).abs() < 1e-9);
        chart.rows.push(row(1.0, (0.999_5, 1.0)));
        let reach = chart.reach();
        assert_eq!((reach.nine_count, reach.has_whole), (4.0, true));
        assert!((reach.share(0.999_9) - 0.8).abs() < 1e-9);
        assert_eq!(reach.share(1.0), 1.0);
    }
}
