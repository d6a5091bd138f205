//! Load of every instance over time, as colours.

use serde::{Deserialize, Serialize};

use super::axis::{Quantity, Scale};
use super::frame;
use super::number;
use super::scene::{Anchor, Area, Scene};
use super::span::{self, Span};
use super::stored::StoredChart;
use super::theme::{self, Color, INK, LABEL_SIZE, MARGIN, MUTED, PAPER, TRACK};
use super::timeline::Timeline;
use super::{Caption, Chart, DataTable, text};

/// What the colours mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoadScale {
    /// Load over the fair share: 1 is neutral, below is blue, above is orange.
    #[default]
    FairShare,
    /// Any number from zero up: dark is little, bright is much.
    FromZero,
}

/// One instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadRow {
    pub label: String,
    /// One value per column; none where there is nothing to show.
    pub values: Vec<Option<f64>>,
    /// When the instance was down, in seconds.
    pub down_spans: Vec<Span>,
    /// When it was called while it was no part of its service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone_spans: Vec<Span>,
}

/// Load per instance over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadHeatmap {
    pub caption: Caption,
    pub timeline: Timeline,
    /// Start and end of each column, in seconds, in order of time.
    pub columns: Vec<Span>,
    pub rows: Vec<LoadRow>,
    pub scale: LoadScale,
    /// What the colours show, with its unit: `load ÷ fair share`.
    pub measure: String,
}

/// Instances with a row of their own; more are drawn in groups.
const ROW_COUNT_MAX: usize = 60;
/// Cells in all; neighbours in time are pooled.
const CELL_COUNT_MAX: usize = 4_800;

impl Chart for LoadHeatmap {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let (mut scene, lanes_top) = frame::open(&self.caption, width);
        let top = lanes_top + self.timeline.lanes_height() + 20.0;
        let group_size = self.rows.len().div_ceil(ROW_COUNT_MAX).max(1);
        let groups: Vec<&[LoadRow]> = self.rows.chunks(group_size).collect();
        let row_height = (460.0 / groups.len().max(1) as f64).clamp(8.0, 24.0);
        // Few rows are higher, to leave room for the scale of colours.
        let row_height = row_height.max(120.0 / groups.len().max(1) as f64);
        let height = (row_height * groups.len() as f64).max(120.0);

        let labels: Vec<String> = groups
            .iter()
            .map(|group| group_label(group, frame::is_narrow(width)))
            .collect();
        let label_width = labels
            .iter()
            .map(|l| text::width(l, LABEL_SIZE, false))
            .fold(0.0, f64::max)
            .min(190.0)
            .min(width * 0.22);
        let left = MARGIN + label_width + 10.0;
        let plot = Area {
            left,
            top,
            right: width - if frame::is_narrow(width) { 92.0 } else { 110.0 },
            bottom: top + height,
        };
        let time = self.timeline.scale(plot.left, plot.right);
        let peak = self.peak();

        self.timeline.draw_lanes(&mut scene, &time, plot, lanes_top);
        let label_every = (15.0 / row_height).ceil() as usize;
        for (index, (group, label)) in groups.iter().zip(&labels).enumerate() {
            let row_top = top + index as f64 * row_height;
            let gap = if row_height < 10.0 { 0.5 } else { 1.0 };
            let row = Area {
                top: row_top,
                bottom: row_top + row_height - gap,
                ..plot
            };
            scene.rect(row, TRACK);
            self.draw_cells(&mut scene, row, &time, group, peak, groups.len());
            for span in self.common_spans(group, |row| &row.down_spans) {
                scene.hatch(part_of(row, &time, span), INK, 6.0);
            }
            for span in self.common_spans(group, |row| &row.gone_spans) {
                scene.hatch_falling(part_of(row, &time, span), INK, 6.0);
            }
            if index % label_every == 0 {
                let label = text::fit(label, LABEL_SIZE, false, label_width);
                let y = row_top + row_height / 2.0 + 4.0;
                scene.label_in((left - 8.0, y), &label, Anchor::End, MUTED);
            }
        }
        if self.rows.is_empty() || self.columns.is_empty() {
            frame::empty(&mut scene, plot, "no instance was loaded");
        }
        self.timeline.mark(&mut scene, &time, plot);
        self.draw_color_scale(&mut scene, plot, peak);
        let bottom = frame::base_axis(
            &mut scene,
            plot,
            &time,
            Quantity::Time,
            8.0,
            "simulated time",
        );
        let bottom = self.draw_notes(&mut scene, plot, bottom, group_size);
        frame::close(scene, &self.caption, bottom)
    }

    fn table(&self) -> DataTable {
        let mut table = DataTable::new(["instance", "mean", "largest", "down (s)"]);
        for row in &self.rows {
            let values: Vec<f64> = row.values.iter().flatten().copied().collect();
            let number = |value: f64| format!("{value:.3}");
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let largest = values.iter().copied().reduce(f64::max);
            let down = span::tidy(row.down_spans.iter().copied(), self.timeline_span());
            table.push(vec![
                row.label.clone(),
                largest.map_or("–".into(), |_| number(mean)),
                largest.map_or("–".into(), number),
                format!("{:.3}", span::total(&down)),
            ]);
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::Load(self.clone())
    }
}

impl LoadHeatmap {
    fn timeline_span(&self) -> Span {
        (
            self.timeline.start_secs,
            self.timeline.end_secs.max(self.timeline.start_secs),
        )
    }

    /// The times that all instances of a group have in common.
    fn common_spans(&self, group: &[LoadRow], spans: fn(&LoadRow) -> &[Span]) -> Vec<Span> {
        let all = self.timeline_span();
        let of_instances = group
            .iter()
            .map(|row| span::tidy(spans(row).iter().copied(), all));
        of_instances.fold(vec![all], |common, its| span::intersection(&common, &its))
    }

    /// The largest value, rounded up to a tick.
    fn peak(&self) -> f64 {
        let values = self
            .rows
            .iter()
            .flat_map(|row| row.values.iter().flatten().copied());
        Scale::from_zero(values, 5.0, 0.0, 1.0).range().1
    }

    /// Where `value` lies among the colours, from 0 to 1.
    fn share(&self, value: f64, peak: f64) -> f64 {
        match self.scale {
            // 0 at the bottom, 1 in the middle, twice as much as far up as half as much is down.
            LoadScale::FairShare => {
                let square = value.min(1e9) * value.min(1e9);
                square / (1.0 + square)
            }
            LoadScale::FromZero => value / peak,
        }
    }

    fn color(&self, share: f64) -> Color {
        match self.scale {
            LoadScale::FairShare => theme::diverging(share),
            LoadScale::FromZero => theme::sequential(share),
        }
    }

    fn draw_cells(
        &self,
        scene: &mut Scene,
        row: Area,
        time: &Scale,
        group: &[LoadRow],
        peak: f64,
        row_count: usize,
    ) {
        let cell_count = (CELL_COUNT_MAX / row_count).clamp(60, 240);
        let pool = self.columns.len().div_ceil(cell_count).max(1);
        let mut run: Option<(Area, Color)> = None;
        for (index, columns) in self.columns.chunks(pool).enumerate() {
            let from = index * pool;
            let values = group
                .iter()
                .flat_map(|row| row.values.iter().skip(from).take(pool));
            let values: Vec<f64> = values
                .flatten()
                .copied()
                .filter(|v| v.is_finite())
                .collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let cell = (!values.is_empty()).then(|| {
                let (left, right) = (time.px(columns[0].0), time.px(columns[columns.len() - 1].1));
                (
                    Area { left, right, ..row },
                    self.color(self.share(mean.max(0.0), peak)),
                )
            });
            match (&mut run, cell) {
                (Some((area, color)), Some((next, next_color))) if *color == next_color => {
                    area.right = next.right;
                }
                (run, cell) => {
                    if let Some((area, color)) = std::mem::replace(run, cell) {
                        scene.rect(area, color);
                    }
                }
            }
        }
        if let Some((area, color)) = run {
            scene.rect(area, color);
        }
    }

    /// The bar of colours at the right, with its values.
    fn draw_color_scale(&self, scene: &mut Scene, plot: Area, peak: f64) {
        let height = plot.height().min(220.0);
        let bar = Area {
            left: plot.right + 18.0,
            right: plot.right + 34.0,
            top: plot.top,
            bottom: plot.top + height,
        };
        let steps = theme::LEVEL_COUNT;
        for step in 0..steps {
            let edge = |part: u32| bar.bottom - height * f64::from(part) / f64::from(steps);
            let area = Area {
                top: edge(step + 1),
                bottom: edge(step),
                ..bar
            };
            scene.rect(area, self.color(f64::from(step) / f64::from(steps - 1)));
        }
        let name = text::fit(&self.measure, LABEL_SIZE, false, plot.width());
        let at = (scene.width - MARGIN, plot.top - 8.0);
        scene.label(at, &name, Anchor::End);
        let ticks: Vec<(f64, String)> = match self.scale {
            LoadScale::FairShare => [0.0, 0.5, 1.0, 2.0, 4.0]
                .map(|value| {
                    (
                        value,
                        if value == 1.0 {
                            "1 fair".into()
                        } else {
                            format!("{value}")
                        },
                    )
                })
                .to_vec(),
            LoadScale::FromZero => Scale::linear(0.0, peak, 0.0, 1.0)
                .ticks(Quantity::Number, 4.0)
                .into_iter()
                .map(|tick| (tick.value, tick.label))
                .collect(),
        };
        for (value, label) in ticks {
            let y = bar.bottom - height * self.share(value, peak);
            scene.line(vec![(bar.right, y), (bar.right + 4.0, y)], MUTED, 1.0);
            let at = (bar.right + 8.0, y.max(bar.top + 5.0) + 4.0);
            let label = text::fit(&label, LABEL_SIZE, false, scene.width - at.0 - 4.0);
            scene.label_in(at, &label, Anchor::Start, MUTED);
        }
    }

    /// Says what hatching and groups mean.
    fn draw_notes(&self, scene: &mut Scene, plot: Area, top: f64, group_size: usize) -> f64 {
        let mut note = "down, over what was sent there; grey: no value".to_string();
        if 1 < group_size {
            note = format!(
                "{note}; a row is the mean of {group_size} instances ({} in all)",
                number::count(self.rows.len() as u64)
            );
        }
        let bottom = hatch_note(scene, (plot.left, top), &note, Scene::hatch);
        match self.rows.iter().all(|row| row.gone_spans.is_empty()) {
            true => bottom,
            false => {
                let note = "no part of the service, and still called";
                hatch_note(scene, (plot.left, bottom), note, Scene::hatch_falling)
            }
        }
    }
}

/// Says what one kind of hatching means; gives the height at which that ends.
fn hatch_note(
    scene: &mut Scene,
    (left, top): (f64, f64),
    note: &str,
    hatch: fn(&mut Scene, Area, Color, f64),
) -> f64 {
    let y = top + 16.0;
    let swatch = Area {
        left,
        top: y - 10.0,
        right: left + 18.0,
        bottom: y + 1.0,
    };
    scene.rect(swatch, PAPER);
    hatch(scene, swatch, INK, 6.0);
    frame::remark(scene, (swatch.right + 7.0, y - 16.0), note)
}

/// What of a row belongs to some time.
fn part_of(row: Area, time: &Scale, (start, end): Span) -> Area {
    Area {
        left: time.px(start),
        right: time.px(end),
        ..row
    }
}

/// Names a row: a group by its first instance, and its last where there is room.
fn group_label(group: &[LoadRow], is_short: bool) -> String {
    match group {
        [first, _, ..] if is_short => text::clean(&first.label),
        [one] => text::clean(&one.label),
        [first, .., last] => {
            let group_name = first.label.rsplit_once('/').map(|name| name.0);
            let last = match last.label.rsplit_once('/') {
                Some((name, index)) if Some(name) == group_name => index,
                _ => &last.label,
            };
            text::clean(&format!("{} … {last}", first.label))
        }
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_loaded_has_no_mean() {
        let row = |label: &str, values: &[Option<f64>]| LoadRow {
            label: label.into(),
            values: values.to_vec(),
            down_spans: vec![],
            gone_spans: vec![],
        };
        let chart = LoadHeatmap {
            rows: vec![row("a", &[None, None]), row("b", &[Some(0.5), None])],
            ..LoadHeatmap::default()
        };
        let table = chart.table();
        assert_eq!(table.rows[0], ["a", "–", "–", "0.000"]);
        assert_eq!(table.rows[1], ["b", "0.500", "0.500", "0.000"]);
    }
}
