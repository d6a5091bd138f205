//! Latency by percentile: the percentiles on an axis of nines, one line per phase.

use serde::{Deserialize, Serialize};

use super::axis::{Quantity, Scale};
use super::frame::{self, EndLabel};
use super::number;
use super::scene::{Anchor, Area, Scene};
use super::series::{self, LineStyle, Swatch};
use super::stored::StoredChart;
use super::theme::{AXIS, INK, LABEL_SIZE, LINES, MARGIN, MUTED, PAPER};
use super::{Caption, Chart, DataTable, text};

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PercentileSeries {
    pub label: String,
    /// Percentile (0 to below 100) and latency, rising; ends where the samples run out.
    pub points: Vec<(f64, f64)>,
    /// How many requests it is made of.
    pub sample_count: u64,
}

/// What is wanted of a percentile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PercentileLimit {
    pub label: String,
    /// Percentile, 0 to below 100.
    pub percentile: f64,
    /// What it may be at most.
    pub secs: f64,
}

/// Latency by percentile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PercentileCurve {
    pub caption: Caption,
    pub series: Vec<PercentileSeries>,
    /// Lines pass to the right of their corners where they hold.
    #[serde(default)]
    pub limits: Vec<PercentileLimit>,
}

const HEIGHT: f64 = 310.0;
const DASHES: [Option<(f64, f64)>; 3] = [None, Some((7.0, 3.0)), Some((2.5, 2.5))];
/// Lines with a label of their own at their end; more get a legend below their numbers.
const LABELLED_MAX: usize = 6;

impl Chart for PercentileCurve {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let (mut scene, top) = frame::open(&self.caption, width);
        let is_narrow = frame::is_narrow(width);
        let labelled_max = if is_narrow { 0 } else { LABELLED_MAX };
        let top = top + 22.0;
        let all = || self.series.iter().flat_map(|series| &series.points);
        let wanted = self.limits.iter().map(|limit| limit.secs);
        let values = all().map(|point| point.1).chain(wanted);
        let latency = latency_scale(&values.collect::<Vec<f64>>(), top);
        let left = MARGIN + frame::tick_width(&latency.ticks(Quantity::Time, 7.0)) + 10.0;
        let label_width = self
            .series
            .iter()
            .map(|series| text::width(&end_text(series), LABEL_SIZE, false))
            .fold(60.0, f64::max)
            .min(230.0);
        let plot = Area {
            left,
            top,
            right: width - if is_narrow { 28.0 } else { label_width + 28.0 },
            bottom: top + HEIGHT,
        };
        // One more than the last nine: the scale ends where the longest line does.
        let nines_max = all()
            .map(|point| nines(point.0))
            .fold(1.0, f64::max)
            .min(9.0);
        let rank = Scale::linear(0.0, nines_max, plot.left, plot.right);

        let name = latency.name("latency of successful requests");
        frame::value_axis(&mut scene, plot, &latency, Quantity::Time, 7.0, &name);
        let bottom = nines_axis(&mut scene, plot, &rank);
        self.draw_limits(&mut scene, plot, (&rank, &latency));
        let mut labels = Vec::new();
        for (index, series) in self.series.iter().enumerate() {
            let style = style(index);
            let points = series
                .points
                .iter()
                .map(|&(p, secs)| (nines(p), Some(secs)));
            let Some(end) = series::line(&mut scene, points, (&rank, &latency), style) else {
                continue;
            };
            scene.dot(end, 3.2, style.color);
            let ends_early = end.0 < plot.right - 1.0;
            if ends_early && index < labelled_max {
                let leader = [end, (plot.right, end.1)];
                scene.dashes(&leader, style.color, 0.7, (1.5, 3.0));
            }
            labels.push(EndLabel {
                y: end.1,
                text: end_text(series),
                color: style.color,
            });
        }
        if labels.is_empty() {
            frame::empty(&mut scene, plot, "no request succeeded");
        }
        self.name_limits(&mut scene, plot, &latency);
        labels.truncate(labelled_max);
        frame::end_labels(&mut scene, plot, labels);
        let bottom = self.legend(&mut scene, bottom, labelled_max);
        frame::close(scene, &self.caption, bottom)
    }

    fn table(&self) -> DataTable {
        let mut table = DataTable::new(["series", "percentile", "latency (ms)", "samples"]);
        for series in &self.series {
            for (percentile, secs) in &series.points {
                table.push(vec![
                    series.label.clone(),
                    percentile_text(*percentile),
                    format!("{:.3}", secs * 1e3),
                    number::count(series.sample_count),
                ]);
            }
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::Percentiles(self.clone())
    }
}

impl PercentileCurve {
    /// Draws every limit as a corner: up to its percentile, latency may be at most this.
    fn draw_limits(&self, scene: &mut Scene, plot: Area, (rank, latency): (&Scale, &Scale)) {
        for limit in &self.limits {
            let (x, y) = (rank.px(nines(limit.percentile)), latency.px(limit.secs));
            let corner = [(plot.left, y), (x, y), (x, plot.top)];
            scene.dashes(&corner, INK, 1.2, (5.0, 3.0));
        }
    }

    /// Writes what the limits are, over lines and curves: below the line, where no other part of
    /// it crosses the words, or above the lowest one.
    fn name_limits(&self, scene: &mut Scene, plot: Area, latency: &Scale) {
        const BELOW: f64 = LABEL_SIZE + 4.0;
        let mut taken: Vec<f64> = Vec::new();
        for limit in &self.limits {
            let y = latency.px(limit.secs);
            let baseline = match y + BELOW + 3.0 < plot.bottom {
                true => y + BELOW,
                false => y - 5.0,
            };
            if taken
                .iter()
                .any(|other| (baseline - other).abs() < LABEL_SIZE * 1.4)
            {
                continue;
            }
            let room = plot.width() - 12.0;
            let words = text::fit(&limit.label, LABEL_SIZE, false, room);
            let width = text::width(&words, LABEL_SIZE, false);
            let ground = Area {
                left: plot.left + 4.0,
                top: baseline - LABEL_SIZE,
                right: plot.left + 8.0 + width,
                bottom: baseline + 3.0,
            };
            scene.rect(ground, PAPER);
            scene.label((plot.left + 6.0, baseline), &words, Anchor::Start);
            taken.push(baseline);
        }
    }

    /// Names the lines that have no label at their end.
    fn legend(&self, scene: &mut Scene, top: f64, labelled_max: usize) -> f64 {
        let unnamed = self.series.iter().enumerate().skip(labelled_max);
        let texts: Vec<(usize, String)> = unnamed.map(|(i, it)| (i, end_text(it))).collect();
        let entries: Vec<(Swatch, &str)> = texts
            .iter()
            .map(|(index, text)| (Swatch::Line(style(*index)), text.as_str()))
            .collect();
        if entries.is_empty() {
            return top;
        }
        series::legend_rows(scene, top + 4.0, &entries) - 4.0
    }
}

/// By ratio, unless all numbers are so near to each other that a decade would hide how they differ.
fn latency_scale(values: &[f64], top: f64) -> Scale {
    let positive = values.iter().copied().filter(|value| 0.0 < *value);
    let low = positive.clone().fold(f64::INFINITY, f64::min);
    let high = positive.fold(0.0, f64::max);
    match low < high && high < 1.3 * low {
        true => {
            let values = [low * 0.98, high * 1.02].into_iter();
            Scale::spanning(values, 7.0, top + HEIGHT, top)
        }
        false => Scale::logarithmic(values.iter().copied(), top + HEIGHT, top),
    }
}

fn style(index: usize) -> LineStyle {
    LineStyle {
        color: LINES[index % LINES.len()],
        width: 2.2,
        // Where colours repeat, dashes differ.
        dash: DASHES[(index + index / LINES.len()) % DASHES.len()],
    }
}

fn end_text(series: &PercentileSeries) -> String {
    format!(
        "{} (n = {})",
        series.label,
        number::count(series.sample_count)
    )
}

/// The place of a percentile on the axis: 0 for the minimum, 1 for p90, 2 for p99.
fn nines(percentile: f64) -> f64 {
    let beyond = ((100.0 - percentile) / 100.0).clamp(1e-12, 1.0);
    -libm::log10(beyond)
}

fn percentile_text(percentile: f64) -> String {
    let text = format!("{percentile:.7}");
    format!("p{}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Ticks at the minimum, the median and every nine; gives the height at which the axis ends.
fn nines_axis(scene: &mut Scene, plot: Area, rank: &Scale) -> f64 {
    scene.line(
        vec![(plot.left, plot.bottom), (plot.right, plot.bottom)],
        AXIS,
        1.0,
    );
    let last = rank.range().1;
    let mut free_from = 0.0;
    let every_nine = (1..=9).map(|count| 100.0 - 100.0 / libm::pow(10.0, f64::from(count)));
    for percentile in [0.0, 50.0].into_iter().chain(every_nine) {
        if last + 1e-9 < nines(percentile) {
            break;
        }
        let x = rank.px(nines(percentile));
        scene.line(
            vec![(x, plot.top), (x, plot.bottom + 5.0)],
            super::theme::GRID,
            1.0,
        );
        let label = if percentile == 0.0 {
            "min".into()
        } else {
            percentile_text(percentile)
        };
        let half = text::width(&label, LABEL_SIZE, false) / 2.0;
        let middle = x.min(scene.width - 4.0 - half);
        if free_from <= middle - half {
            scene.label_in((middle, plot.bottom + 19.0), &label, Anchor::Middle, MUTED);
            free_from = middle + half + 6.0;
        }
    }
    let name = "percentile (each nine has the same width; ends where samples run out)";
    frame::base_name(scene, plot, name)
}
