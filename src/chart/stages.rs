//! How one change travels: stages that follow each other, each from its start to its end.

use serde::{Deserialize, Serialize};

use super::axis::{Quantity, Scale};
use super::frame;
use super::rows::{self, ROW_HEIGHT};
use super::scene::{Anchor, Area, Scene};
use super::series::{self, Swatch};
use super::stored::StoredChart;
use super::theme::{AXIS, BLUE, INK, LABEL_SIZE, MARGIN, MUTED};
use super::{Caption, Chart, DataTable, text};

/// One stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    pub label: String,
    /// Where it starts on average.
    pub start_secs: f64,
    /// How long it takes on average.
    pub mean_secs: f64,
    /// The shortest and the longest.
    pub range_secs: (f64, f64),
    /// Of how many.
    pub count: u64,
}

/// Stages that follow each other, for each of several changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stages {
    pub caption: Caption,
    pub stages: Vec<Stage>,
}

impl Chart for Stages {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let (mut scene, top) = frame::open(&self.caption, width);
        let entries = [
            (
                Swatch::Fill(BLUE),
                "mean, after the means of the stages before",
            ),
            (
                Swatch::Interval(INK),
                "shortest to longest, from the same start",
            ),
        ];
        let top = series::legend_rows(&mut scene, top - 8.0, &entries) + 6.0;
        let has_numbers = !frame::is_narrow(width);
        let texts: Vec<String> = self.stages.iter().map(words).collect();
        let words_width = rows::words_width(&texts, 188.0);
        let left = rows::left_of(self.stages.iter().map(|it| it.label.clone()), width);
        let plot = Area {
            left,
            top,
            right: width
                - if has_numbers {
                    words_width + 24.0
                } else {
                    36.0
                },
            bottom: top + (self.stages.len() as f64 * ROW_HEIGHT).max(60.0),
        };
        let ends = self
            .stages
            .iter()
            .map(|it| it.start_secs + it.range_secs.1.max(it.mean_secs));
        let time = Scale::from_zero(ends, 8.0, plot.left, plot.right);
        for (index, stage) in self.stages.iter().enumerate() {
            let y = rows::draw_row(&mut scene, plot, index, &stage.label);
            let (start, mean) = (stage.start_secs, stage.mean_secs);
            let bar = Area {
                left: time.px(start),
                right: time.px(start + mean).max(time.px(start) + 1.0),
                top: y - 6.0,
                bottom: y + 6.0,
            };
            scene.rect(bar, BLUE);
            let (low, high) = stage.range_secs;
            let ends = (time.px(start + low), time.px(start + high));
            rows::interval(&mut scene, ends, y, INK);
            if has_numbers {
                let words = text::fit(&texts[index], LABEL_SIZE, false, words_width);
                scene.label_in((width - MARGIN, y + 4.0), &words, Anchor::End, MUTED);
            }
        }
        if self.stages.is_empty() {
            frame::empty(&mut scene, plot, "nothing travelled");
        }
        scene.line(
            vec![(plot.left, plot.top), (plot.left, plot.bottom)],
            AXIS,
            1.0,
        );
        let name = "time after the failure";
        let bottom = frame::base_axis(&mut scene, plot, &time, Quantity::Time, 8.0, name);
        frame::close(scene, &self.caption, bottom)
    }

    fn table(&self) -> DataTable {
        let mut table = DataTable::new([
            "stage",
            "mean start (s)",
            "mean (s)",
            "shortest (s)",
            "longest (s)",
            "count",
        ]);
        for stage in &self.stages {
            let (low, high) = stage.range_secs;
            let numbers = [stage.start_secs, stage.mean_secs, low, high];
            let cells = numbers.map(|secs| format!("{secs:.6}"));
            let row = std::iter::once(stage.label.clone()).chain(cells);
            table.push(row.chain([stage.count.to_string()]).collect());
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::Stages(self.clone())
    }
}

/// `1.29 s (100 ms … 2.00 s)`.
fn words(stage: &Stage) -> String {
    let (low, high) = stage.range_secs;
    format!("{} ({} … {})", secs(stage.mean_secs), secs(low), secs(high))
}

/// Three digits with a unit.
fn secs(value: f64) -> String {
    match value {
        value if value < 1e-3 => format!("{:.0} µs", value * 1e6),
        value if value < 1.0 => format!("{:.2} ms", value * 1e3),
        value => format!("{value:.2} s"),
    }
}
