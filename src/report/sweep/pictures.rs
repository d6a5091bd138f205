//! The pictures of a sweep: lines and maps of its measures, and the trade-off between two.

use super::super::format;
use super::super::summary::digest_text;
use super::maps::maps;
use super::tables::{SweepView, unit};
use super::text::extremes;
use crate::chart::Caption;
use crate::chart::axis::Quantity;
use crate::chart::picture::Picture;
use crate::chart::sweep_lines::{SweepLine, SweepLines, SweepTick, SweepValue};
use crate::chart::theme::LINES;
use crate::chart::trade_off::{TradeOff, TradeOffPoint};
use crate::experiment::study::Estimate;
use crate::experiment::sweep::pareto::Front;
use crate::experiment::sweep::summary::{PointMeasure, SweepSummary};
use crate::scenario::measure::{AskedMeasure, Statistic, Unit};
use crate::scenario::measure_catalog::{Direction, direction};
use crate::scenario::sweep::Axis;

/// Measures that have pictures of their own; all stand in the tables.
const DRAWN_MEASURE_COUNT_MAX: usize = 8;
/// Points of a trade-off, values along lines, columns and rows of a map that are drawn; more stand
/// in the tables only.
const DRAWN_POINT_COUNT_MAX: usize = 2_000;
const DRAWN_TICK_COUNT_MAX: usize = 2_000;
const DRAWN_COLUMN_COUNT_MAX: usize = 100;
const DRAWN_ROW_COUNT_MAX: usize = 60;

/// Axes to draw, and where the others stand.
pub(super) struct Cut {
    /// The axis from left to right.
    pub across: usize,
    /// The axis with a line or a row for each value; None of a sweep with one axis.
    pub along: Option<usize>,
    /// The axis with a map for each value; None of a sweep with two axes.
    pub third: Option<usize>,
    /// The place on every axis where it is not drawn.
    pub fixed: Vec<usize>,
}

/// All pictures.
pub fn pictures(view: &SweepView, summary: &SweepSummary) -> Vec<Picture> {
    let mut list = Vec::new();
    if let Some(front) = &summary.front {
        list.push(Picture::new("trade-off", trade_off(view, summary, front)));
    }
    let cut = cut(view, summary);
    let value_count = |axis: usize| view.plan.axes[axis].values.len();
    if DRAWN_TICK_COUNT_MAX < value_count(cut.across) {
        return list;
    }
    let is_map_drawn = |along: &usize| {
        value_count(cut.across) <= DRAWN_COLUMN_COUNT_MAX
            && value_count(*along) <= DRAWN_ROW_COUNT_MAX
    };
    for measure in 0..view.asked.len().min(DRAWN_MEASURE_COUNT_MAX) {
        let name = file_name(&view.asked[measure].text);
        list.push(Picture::new(
            &format!("lines-{measure}-{name}"),
            lines(view, summary, &cut, measure),
        ));
        if let Some(along) = cut.along.filter(is_map_drawn) {
            let map = maps(view, summary, (&cut, along), measure);
            list.push(Picture::new(&format!("map-{measure}-{name}"), map));
        }
    }
    list
}

/// The axis with most values lies across, the next one along; the others stand where the chosen
/// point does, or at the first point.
fn cut(view: &SweepView, summary: &SweepSummary) -> Cut {
    let axes = &view.plan.axes;
    let mut order: Vec<usize> = (0..axes.len()).collect();
    order.sort_by_key(|axis| std::cmp::Reverse(axes[*axis].values.len()));
    let chosen = summary.front.as_ref().map_or(0, |front| front.chosen);
    Cut {
        across: order[0],
        along: order.get(1).copied(),
        third: order.get(2).copied(),
        fixed: view.plan.places(chosen),
    }
}

/// What is known at a place of every axis; None where no point is run.
pub(super) struct Grid<'a> {
    pub view: &'a SweepView<'a>,
    pub summary: &'a SweepSummary,
    pub measure: usize,
}

impl Grid<'_> {
    pub fn at(&self, cut: &Cut, across: usize, along: usize) -> Option<(u32, &PointMeasure)> {
        let mut places = cut.fixed.clone();
        places[cut.across] = across;
        if let Some(axis) = cut.along {
            places[axis] = along;
        }
        let point = self.view.plan.point_at(&places)?;
        Some((point, &self.summary.points[point as usize][self.measure]))
    }
}

fn lines(view: &SweepView, summary: &SweepSummary, cut: &Cut, measure: usize) -> SweepLines {
    let grid = Grid {
        view,
        summary,
        measure,
    };
    let across = &view.plan.axes[cut.across];
    let along_values = |axis: usize| &view.plan.axes[axis].values;
    let all: Vec<usize> = (0..cut.along.map_or(1, |axis| along_values(axis).len())).collect();
    // Of more lines than colours those are drawn that are evenly spread.
    let count = all.len().min(LINES.len());
    let drawn = (0..count).map(|line| match count {
        1 => 0,
        count => line * (all.len() - 1) / (count - 1),
    });
    let line = |place: usize| SweepLine {
        label: cut.along.map_or(view.asked[measure].text.clone(), |axis| {
            format!(
                "{} {}",
                view.plan.short(axis),
                along_values(axis)[place].text()
            )
        }),
        values: (0..across.values.len())
            .map(|tick| {
                let (_, measure) = grid.at(cut, tick, place)?;
                let known = measure.interval?;
                let end = |end: f64| if end.is_finite() { end } else { known.value };
                Some(SweepValue {
                    value: known.value,
                    low: end(known.low),
                    high: end(known.high),
                })
            })
            .collect(),
    };
    SweepLines {
        caption: caption(view, summary, (cut, false), measure),
        measure: view.asked[measure].text.clone(),
        quantity: quantity(unit(&view.asked[measure])),
        axis: view.plan.short(cut.across).to_string(),
        ticks: across
            .values
            .iter()
            .map(|value| SweepTick {
                label: value.text().to_string(),
                number: value.number,
            })
            .collect(),
        lines: drawn.map(line).collect(),
    }
}

/// What a picture of a measure is called; maps show a third axis too.
pub(super) fn caption(
    view: &SweepView,
    summary: &SweepSummary,
    (cut, is_map): (&Cut, bool),
    measure: usize,
) -> Caption {
    let asked = &view.asked[measure];
    let title = extremes(view, summary, measure);
    let others = view
        .plan
        .axes
        .iter()
        .enumerate()
        .filter(|(axis, _)| *axis != cut.across && Some(*axis) != cut.along)
        .filter(|(axis, _)| !is_map || Some(*axis) != cut.third);
    let value = |axis: usize, of: &Axis| of.values[cut.fixed[axis]].text().to_string();
    let fixed: Vec<String> = others
        .map(|(axis, of)| format!("{} = {}", view.plan.short(axis), value(axis, of)))
        .collect();
    let fixed = match fixed.is_empty() {
        true => String::new(),
        false => format!("; drawn at {}", fixed.join(", ")),
    };
    let count = format::counted(u64::from(view.plan.repeat), "replication");
    let subtitle = match (is_map, asked.measure.statistic) {
        (true, Statistic::Percentile(_)) => format!(
            "Each cell is the percentile of all samples of {count}; its 95 % interval is among \
             the numbers{fixed}"
        ),
        (true, _) => format!(
            "Each cell is the mean of {count}; its 95 % interval is among the numbers{fixed}"
        ),
        (false, _) => format!(
            "{} of {count}, with 95 % intervals{fixed}",
            kind_of_number(asked)
        ),
    };
    Caption {
        title,
        subtitle,
        footer: footer(view, summary),
    }
}

/// What a number over all replications is.
fn kind_of_number(asked: &AskedMeasure) -> &'static str {
    match asked.measure.statistic {
        Statistic::Percentile(_) => "Percentiles of all samples",
        _ => "Means",
    }
}

fn footer(view: &SweepView, summary: &SweepSummary) -> String {
    let plan = view.plan;
    format!(
        "{}, seeds {} to {}, stormglass {}, digest {}",
        view.file.plan.scenario_name,
        plan.seed,
        plan.seed.wrapping_add(u64::from(plan.repeat) - 1),
        view.file.plan.stormglass_version,
        digest_text(summary.digest)
    )
}

fn trade_off(view: &SweepView, summary: &SweepSummary, front: &Front) -> TradeOff {
    let pair = view.file.plan.pareto.as_ref().expect("there is a front");
    let places = [&pair[0], &pair[1]].map(|text| {
        let place = view.asked.iter().position(|asked| asked.text == *text);
        place.expect("what is compared is asked")
    });
    // Of equal points only the first is counted, but no other one beats the rest.
    let is_like_front = |own: [Estimate; 2]| {
        front.points.iter().any(|point| {
            let values = places.map(|place| summary.points[*point as usize][place].interval);
            (0..2).all(|side| values[side].is_some_and(|it| it.value == own[side].value))
        })
    };
    let point = |point: u32| {
        let measures = &summary.points[point as usize];
        let known = places.map(|place| measures[place].interval);
        let [Some(first), Some(second)] = known else {
            return None;
        };
        let known = [first, second];
        Some(TradeOffPoint {
            label: view.plan.values_text(point),
            values: known.map(|known| known.value),
            intervals: known.map(|known| {
                let is_known = known.low.is_finite() && known.high.is_finite();
                is_known.then_some((known.low, known.high))
            }),
            is_on_front: front.points.contains(&point) || is_like_front(known),
            is_open: front.open.contains(&point),
            is_chosen: front.chosen == point,
        })
    };
    let others = (0..view.plan.point_count()).filter(|point| !front.points.contains(point));
    let all = front.points.iter().copied().chain(others);
    let chosen = &summary.points[front.chosen as usize];
    let [first, second] = places.map(|place| {
        let known = chosen[place].interval.expect("it is on the front");
        format!(
            "{} {}",
            view.asked[place].text,
            format::by_unit(unit(&view.asked[place]), known.value)
        )
    });
    let axes: Vec<&str> = (0..view.plan.axes.len())
        .map(|axis| view.plan.short(axis))
        .collect();
    TradeOff {
        caption: Caption {
            title: format!("{}: {first}, {second}", view.plan.label(front.chosen)),
            subtitle: format!(
                "The compromise nearest to the best of both, among {} of {} that no other beats in \
                 both; {} each, 95 % intervals; points are named by {}",
                front.points.len(),
                format::counted(u64::from(view.plan.point_count()), "point"),
                format::counted(u64::from(view.plan.repeat), "replication"),
                axes.join(", ")
            ),
            footer: footer(view, summary),
        },
        names: places.map(|place| axis_name(&view.asked[place])),
        quantities: places.map(|place| quantity(unit(&view.asked[place]))),
        points: all.take(DRAWN_POINT_COUNT_MAX).filter_map(point).collect(),
    }
}

/// A measure with what is better.
fn axis_name(asked: &AskedMeasure) -> String {
    let better = match direction(&asked.measure) {
        Direction::Higher => "more is better",
        Direction::Lower | Direction::Neither => "less is better",
    };
    match unit(asked) {
        Unit::Rate => format!("{}, per second ({better})", asked.text),
        _ => format!("{} ({better})", asked.text),
    }
}

/// What the ticks of an axis are.
pub fn quantity(unit: Unit) -> Quantity {
    match unit {
        Unit::Time => Quantity::Time,
        Unit::Ratio => Quantity::Ratio,
        Unit::Rate | Unit::Number => Quantity::Number,
    }
}

/// A measure as a part of a file name.
fn file_name(text: &str) -> String {
    let plain = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    let plain: String = plain.take(60).collect();
    plain.trim_matches('-').to_string()
}
