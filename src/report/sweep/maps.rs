//! The maps of a sweep: a measure over two axes, once for every value of a third.

use super::super::format;
use super::pictures::{Cut, Grid, caption};
use super::tables::{SweepView, unit};
use crate::chart::sweep_map::{SweepCell, SweepMap, SweepPanel};
use crate::experiment::sweep::objective::Objective;
use crate::experiment::sweep::summary::{PointMeasure, SweepSummary};
use crate::metrics::evaluate::VerdictState;
use crate::scenario::sweep::Axis;

/// Maps in one picture, and rows of all of them.
const PANEL_COUNT_MAX: usize = 6;
const ROW_COUNT_MAX: usize = 60;

/// The maps of a measure.
pub(super) fn maps(
    view: &SweepView,
    summary: &SweepSummary,
    (cut, along): (&Cut, usize),
    measure: usize,
) -> SweepMap {
    let sheet = Sheet {
        grid: Grid {
            view,
            summary,
            measure,
        },
        objectives: view
            .objectives
            .iter()
            .filter(|objective| objective.measure == measure)
            .collect(),
        along,
    };
    let axes = &view.plan.axes;
    let panels = match cut.third {
        None => vec![sheet.panel(cut, String::new())],
        Some(third) => {
            let shown = spread(axes[third].values.len(), axes[along].values.len());
            let panel = |place: usize| {
                let mut cut = Cut {
                    fixed: cut.fixed.clone(),
                    ..*cut
                };
                cut.fixed[third] = place;
                let value = axes[third].values[place].text();
                sheet.panel(&cut, format!("{} = {value}", view.plan.short(third)))
            };
            shown.into_iter().map(panel).collect()
        }
    };
    let texts = sheet
        .objectives
        .iter()
        .map(|objective| objective.text.clone());
    SweepMap {
        caption: caption(view, summary, (cut, true), measure),
        measure: view.asked[measure].text.clone(),
        axes: [cut.across, along].map(|axis| view.plan.short(axis).to_string()),
        columns: texts_of(&axes[cut.across]),
        panels,
        limit: texts.collect::<Vec<_>>().join(", "),
    }
}

/// Places of a third axis that have maps: as many as there is room for, evenly spread.
fn spread(count: usize, row_count: usize) -> Vec<usize> {
    let room = (ROW_COUNT_MAX / row_count.max(1)).clamp(1, PANEL_COUNT_MAX);
    match count.min(room) {
        1 => vec![0],
        shown => (0..shown)
            .map(|place| place * (count - 1) / (shown - 1))
            .collect(),
    }
}

fn texts_of(axis: &Axis) -> Vec<String> {
    axis.values
        .iter()
        .map(|value| value.text().to_string())
        .collect()
}

/// What all maps of a measure share.
struct Sheet<'a> {
    grid: Grid<'a>,
    objectives: Vec<&'a Objective>,
    along: usize,
}

impl Sheet<'_> {
    fn panel(&self, cut: &Cut, label: String) -> SweepPanel {
        let view = self.grid.view;
        let column_count = view.plan.axes[cut.across].values.len();
        let rows = texts_of(&view.plan.axes[self.along])
            .into_iter()
            .enumerate();
        let chosen = self.grid.summary.front.as_ref().map(|front| front.chosen);
        let is_here = |place: &(usize, usize)| {
            let point = self.grid.at(cut, place.1, place.0).map(|(point, _)| point);
            point.is_some() && point == chosen
        };
        let places = chosen.map(|chosen| view.plan.places(chosen));
        SweepPanel {
            label,
            rows: rows
                .map(|(row, label)| {
                    let cells = (0..column_count).map(|column| self.cell(cut, row, column));
                    (label, cells.collect())
                })
                .collect(),
            chosen: places
                .map(|places| (places[self.along], places[cut.across]))
                .filter(is_here),
        }
    }

    fn cell(&self, cut: &Cut, row: usize, column: usize) -> SweepCell {
        let Some((_, measure)) = self.grid.at(cut, column, row) else {
            return SweepCell {
                label: "not run".to_string(),
                ..SweepCell::default()
            };
        };
        let is_right = |objective: &&Objective| objective.is_right(measure);
        let rights: Option<Vec<bool>> = self.objectives.iter().map(is_right).collect();
        SweepCell {
            value: measure.interval.map(|number| number.value),
            interval: measure.interval.map(|number| (number.low, number.high)),
            label: self.label(measure),
            is_right: rights
                .filter(|rights| !rights.is_empty())
                .map(|rights| rights.iter().all(|is_right| *is_right)),
        }
    }

    /// The number, with a question mark where its interval holds the limit.
    fn label(&self, measure: &PointMeasure) -> String {
        let unit = unit(&self.grid.view.asked[self.grid.measure]);
        let is_open = |objective: &&Objective| objective.state(measure) == VerdictState::Undecided;
        match measure.interval {
            Some(number) => {
                let mark = if self.objectives.iter().any(is_open) {
                    " ?"
                } else {
                    ""
                };
                format!("{}{mark}", format::by_unit(unit, number.value))
            }
            None if 0 < measure.never_count => "never".to_string(),
            None => "unknown".to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn maps_are_as_many_as_there_is_room_for() {
        assert_eq!(spread(3, 4), [0, 1, 2]);
        assert_eq!(spread(9, 4), [0, 1, 3, 4, 6, 8]);
        assert_eq!(spread(4, 30), [0, 3]);
        assert_eq!(spread(4, 60), [0]);
    }
}
