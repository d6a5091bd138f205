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
            entries.push((Swatch::Tick(INK), "objective"));
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
        let last = self.rows.iter().map(|row| nines(row.interval.1));
        let last = last.fold(2.0, f64::max).ceil().min(NINES_MAX);
        let px = |ratio: f64| plot.left + nines(ratio).min(last) / last * plot.width();
        axis(&mut scene, plot, last);
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

/// `99.52 % of 12,345`.
fn words(row: &NinesRow) -> String {
    format!("{} of {}", percent(row.ratio), number::count(row.count))
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

fn percent(ratio: f64) -> String {
    match ratio {
        1.0 => "100 %".to_string(),
        ratio => {
            let decimals = (nines(ratio).ceil() as usize).clamp(1, 7);
            format!("{:.decimals$} %", ratio * 100.0)
        }
    }
}

fn axis(scene: &mut Scene, plot: Area, last: f64) {
    let ends = vec![(plot.left, plot.bottom), (plot.right, plot.bottom)];
    scene.line(ends, AXIS, 1.0);
    let mut free_from = 0.0;
    for count in 0..=last as usize {
        let x = plot.left + count as f64 / last * plot.width();
        scene.line(vec![(x, plot.top), (x, plot.bottom + 5.0)], GRID, 1.0);
        let label = match count {
            0 => "0 %".to_string(),
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
        assert_eq!(percent(0.9952), "99.520 %");
        assert_eq!(percent(1.0), "100 %");
    }
}
