//! What a sweep says, in words and a table.

use super::super::comparison_text::level_text;
use super::super::format;
use super::super::terminal::Table;
use super::tables::{SweepView, unit};
use crate::experiment::compare::sample::Level;
use crate::experiment::study::Estimate;
use crate::experiment::sweep::summary::{PointMeasure, SweepSummary};
use crate::scenario::measure::Unit;
use crate::scenario::measure_catalog::{Direction, direction};

/// What must be known to read the numbers.
pub const READING: &str = "Intervals are of 95 %, each for itself. A percentile is that of the \
                           samples of all replications, all else is their mean.";
/// Most points that are shown; all of them stand in `points.csv`.
const SHOWN_POINT_COUNT_MAX: usize = 60;

/// `12 points · 10 replications each · seeds 1 to 10`.
pub fn facts(view: &SweepView) -> String {
    let plan = view.plan;
    let last = plan.seed.wrapping_add(u64::from(plan.repeat) - 1);
    format!(
        "{} \u{b7} {} each \u{b7} seeds {} to {last}",
        format::counted(u64::from(plan.point_count()), "point"),
        format::counted(u64::from(plan.repeat), "replication"),
        plan.seed
    )
}

/// A row for each point; of many points, those of the front.
pub fn table(view: &SweepView, summary: &SweepSummary) -> Table {
    let all: Vec<u32> = (0..view.plan.point_count()).collect();
    let front = summary.front.as_ref();
    let shown: Vec<u32> = match (all.len() <= SHOWN_POINT_COUNT_MAX, front) {
        (true, _) => all,
        (false, Some(front)) => front.points.clone(),
        (false, None) => Vec::new(),
    };
    let left_out = view.plan.point_count() as usize - shown.len().min(SHOWN_POINT_COUNT_MAX);
    let mut axes = (0..view.plan.axes.len()).map(|axis| view.plan.short(axis).to_string());
    let heading = axes.next().expect("a sweep has an axis");
    let measures = view.asked.iter().map(|asked| asked.text.clone());
    let row = |point: &u32| {
        let values = view.plan.values(*point).into_iter();
        let mut cells: Vec<String> = values.map(|value| value.text().to_string()).collect();
        let measures = view.asked.iter().zip(&summary.points[*point as usize]);
        cells.extend(measures.map(|(asked, measure)| cell(measure, unit(asked))));
        if !view.objectives.is_empty() {
            let measures = &summary.points[*point as usize];
            cells.push(view.objectives_word(measures).to_string());
        }
        if let Some(front) = front {
            let mark = match point {
                point if front.chosen == *point => "chosen",
                point if front.points.contains(point) => "on the front",
                point if front.open.contains(point) => "open",
                _ => "",
            };
            cells.push(mark.to_string());
        }
        cells
    };
    Table {
        heading,
        columns: axes
            .chain(measures)
            .chain((!view.objectives.is_empty()).then(|| "objectives".to_string()))
            .chain(front.map(|_| "compromise".to_string()))
            .collect(),
        rows: shown.iter().take(SHOWN_POINT_COUNT_MAX).map(row).collect(),
        note: match left_out {
            0 => String::new(),
            count => format!("{count} more in points.csv"),
        },
    }
}

/// `48.2 ms ± 1.1 ms`, or why there is no number.
pub fn cell(measure: &PointMeasure, unit: Unit) -> String {
    match (&measure.level, measure.interval, &measure.rare) {
        (_, Some(estimate), Some(rare)) if rare.seen_count == 0 => format!(
            "{}, at most {}",
            format::by_unit(unit, estimate.value),
            format::rate(rare.high_per_sec)
        ),
        (_, Some(estimate), Some(_)) => format!(
            "{} ({})",
            format::by_unit(unit, estimate.value),
            format::interval(unit, (estimate.low, estimate.high))
        ),
        (Level::Mean(_) | Level::Share(_) | Level::Pooled(_), _, _) => {
            level_text(&measure.level, unit)
        }
        (Level::Censored { never_count, .. }, _, _) => {
            format!("never in {never_count} of {}", measure.known_count)
        }
        (
            Level::Unknown {
                at_least: Some((_, low)),
                ..
            },
            _,
            _,
        ) => format!("at least {}", format::by_unit(unit, *low)),
        (Level::Unknown { .. }, _, _) => {
            let count = measure.known_count + measure.missing_count;
            format!("{} of {count} known", measure.known_count)
        }
    }
}

/// Where a measure is best or, if it is neither better high nor low, where it is least; and from
/// which points its interval does not tell that one.
pub fn extremes(view: &SweepView, summary: &SweepSummary, measure: usize) -> String {
    let asked = &view.asked[measure];
    let numbers = summary.points.iter().map(|point| point[measure].interval);
    let known: Vec<(u32, Estimate)> = (0..)
        .zip(numbers)
        .filter_map(|(point, number)| Some((point, number?)))
        .collect();
    let by_value = |a: &&(u32, Estimate), b: &&(u32, Estimate)| {
        a.1.value.total_cmp(&b.1.value).then(a.0.cmp(&b.0))
    };
    let least = known.iter().min_by(by_value);
    let most = known.iter().max_by(by_value);
    let text = |number: &Estimate| format::by_unit(unit(asked), number.value);
    let (known_count, count) = (known.len(), summary.points.len());
    let among = match known_count == count {
        true => String::new(),
        false => format!(", of the {known_count} of {count} points where it is known"),
    };
    let (Some(least), Some(most)) = (least, most) else {
        return format!("{} exists at no point in every replication", asked.text);
    };
    if text(&least.1) == text(&most.1) && known_count == count {
        return format!("{} is {} at every point", asked.text, text(&least.1));
    }
    let (best, worst, words) = match direction(&asked.measure) {
        Direction::Higher => (most, least, ["best", "at worst"]),
        Direction::Lower => (least, most, ["best", "at worst"]),
        Direction::Neither => (least, most, ["least", "at most"]),
    };
    let is_unclear = |other: &&(u32, Estimate)| {
        other.0 != best.0 && other.1.low <= best.1.high && best.1.low <= other.1.high
    };
    let unclear: Vec<u32> = known.iter().filter(is_unclear).map(|it| it.0).collect();
    let unclear = match unclear.as_slice() {
        [] => String::new(),
        [only] => format!(" (not told apart from {})", view.plan.label(*only)),
        all if all.len() + 1 == known_count => " (not told apart from any other point)".to_string(),
        several => format!(" (not told apart from {} other points)", several.len()),
    };
    format!(
        "{} is {}, {}, at {}{unclear}; {} it is {}{among}",
        asked.text,
        words[0],
        text(&best.1),
        view.plan.label(best.0),
        words[1],
        text(&worst.1)
    )
}

/// How many points hold what is sought.
fn objectives_sentence(view: &SweepView, summary: &SweepSummary) -> Option<String> {
    let first = view.objectives.first()?;
    let points = summary.points.iter();
    let words: Vec<&str> = points.map(|point| view.objectives_word(point)).collect();
    let count = |word: &str| words.iter().filter(|own| **own == word).count();
    let texts = view
        .objectives
        .iter()
        .map(|objective| objective.text.clone());
    let what = match view.objectives.len() {
        1 => first.text.clone(),
        _ => format!("all of {}", texts.collect::<Vec<_>>().join(" and ")),
    };
    let open = match count("open") {
        0 => String::new(),
        count => format!("; {count} more are not decided by their intervals"),
    };
    Some(format!(
        "{} of {} hold {what}{open}",
        count("hold"),
        format::counted(u64::from(view.plan.point_count()), "point")
    ))
}

/// What the sweep found, a sentence each.
pub fn sentences(view: &SweepView, summary: &SweepSummary) -> Vec<String> {
    let mut list: Vec<String> = objectives_sentence(view, summary).into_iter().collect();
    let (Some(front), Some(pair)) = (&summary.front, &view.file.plan.pareto) else {
        return list;
    };
    let chosen = &summary.points[front.chosen as usize];
    let value = |text: &String| {
        let place = view.asked.iter().position(|asked| asked.text == *text);
        let place = place.expect("what is compared is asked");
        format!(
            "{} of {}",
            text,
            cell(&chosen[place], unit(&view.asked[place]))
        )
    };
    list.push(format!(
        "{} of {} are on the front of {} and {}, by their numbers",
        front.points.len(),
        format::counted(u64::from(view.plan.point_count()), "point"),
        pair[0],
        pair[1]
    ));
    list.push(format!(
        "nearest to the best of both: {}, with {} and {}",
        view.plan.label(front.chosen),
        value(&pair[0]),
        value(&pair[1])
    ));
    match front.open.len() {
        0 => {}
        1 => list.push(
            "1 other point may belong to the front as well: none surely beats it".to_string(),
        ),
        count => list.push(format!(
            "{count} other points may belong to the front as well: none surely beats them"
        )),
    }
    if 0 < front.left_out_count {
        list.push(format!(
            "{} left out of the front: a number is missing or never came",
            format::counted(u64::from(front.left_out_count), "point")
        ));
    }
    list
}
