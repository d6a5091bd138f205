//! What can be wrong with an assertion.

use std::ops::Range;

use super::super::read::Unknown;
use super::super::suggest::{did_you_mean, one_of};
use crate::scenario::measure::Unit;
use crate::scenario::measure_catalog::{
    self as catalog, MEASURES, MeasureInfo, Statistics, why_no_class,
};

/// What is wrong with an assertion, and where in its text.
#[derive(Debug)]
pub struct Problem {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What is wrong.
    pub title: String,
    /// What stands under the caret.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

/// What a unit is called in messages.
pub fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Time => "a time",
        Unit::Ratio => "a ratio",
        Unit::Rate => "a rate",
        Unit::Number => "a plain number",
    }
}

/// A name that is no measure.
pub fn unknown_measure(name: &str, span: Range<usize>) -> Problem {
    let names = || MEASURES.iter().map(|info| info.name);
    Problem {
        span,
        title: format!("unknown measure `{name}`"),
        label: "not a measure".to_string(),
        help: Some(
            joined_statistic(name)
                .or_else(|| did_you_mean(name, names()))
                .unwrap_or_else(|| "`stormglass metrics` lists all measures".to_string()),
        ),
    }
}

/// What to write for `latency_p99`.
fn joined_statistic(name: &str) -> Option<String> {
    let (family, word) = name.rsplit_once('_')?;
    let statistic = catalog::statistic(word)?;
    let info = catalog::find(family).filter(|info| info.statistics.has(statistic))?;
    Some(format!("did you mean `{}.{word}`?", info.name))
}

/// What to write for `p999`.
fn longer_percentile(info: &MeasureInfo, word: &str) -> Option<String> {
    let digits = word.strip_prefix('p')?;
    let is_long = 2 < digits.len() && digits.bytes().all(|b| b.is_ascii_digit());
    let percentile = format!("p{}.{}", digits.get(..2)?, digits.get(2..)?);
    let statistic = catalog::statistic(&percentile).filter(|_| is_long)?;
    let is_known = info.statistics.has(statistic);
    is_known.then(|| format!("did you mean `{percentile}`?"))
}

/// A family of several numbers without saying which.
pub fn missing_statistic(info: &MeasureInfo, span: Range<usize>) -> Problem {
    let words = info.statistics.words();
    let example = words
        .iter()
        .find(|word| **word == "p99")
        .unwrap_or(&words[0]);
    Problem {
        span,
        title: format!("which number of `{}`?", info.name),
        label: one_of(words.iter().copied()),
        help: Some(format!("write `{}.{example}`", info.name)),
    }
}

/// A number that a family does not have. Callers are told apart once the number is chosen.
pub fn unknown_statistic(
    info: &MeasureInfo,
    word: &str,
    is_chosen: bool,
    span: Range<usize>,
) -> Problem {
    let words = || {
        info.statistics
            .words()
            .iter()
            .copied()
            .filter(|w| !w.is_empty())
    };
    let aggregations = ["worst", "spread"]
        .into_iter()
        .filter(|_| info.is_by_caller() && is_chosen);
    let all = || words().chain(aggregations.clone());
    let others = match info.statistics {
        Statistics::Distribution => ", or any other percentile",
        _ => "",
    };
    Problem {
        span,
        title: format!("`{}` has no `{word}`", info.name),
        label: format!("{}{others}", one_of(all())),
        help: longer_percentile(info, word).or_else(|| did_you_mean(word, all())),
    }
}

/// A scope that a family does not have.
pub fn unknown_scope(info: &MeasureInfo, key: &str, span: Range<usize>) -> Problem {
    let known = || info.scopes.iter().copied();
    if let Some(why) = why_no_class(info.measure).filter(|_| key == "class") {
        return Problem {
            span,
            title: format!("`{}` does not split by class", info.name),
            label: one_of(known()),
            help: Some(why.to_string()),
        };
    }
    Problem {
        span,
        title: format!("unknown scope `{key}` of `{}`", info.name),
        label: one_of(known()),
        help: did_you_mean(key, known()),
    }
}

/// A word at the end that is no phase, or a second one.
pub fn no_phase(word: &str, span: Range<usize>) -> Problem {
    let phases = || ["during", "outside", "before", "after", "of", "steady"].into_iter();
    if phases().any(|phase| phase == word) {
        return Problem {
            span,
            title: "two phases".to_string(),
            label: "the measure has a phase already".to_string(),
            help: Some("write one phase, after the measure or at the end".to_string()),
        };
    }
    Problem {
        span,
        title: format!("unknown phase `{word}`"),
        label: one_of(phases()),
        help: did_you_mean(word, phases()),
    }
}

/// A scope that names a key a second time.
pub fn repeated_scope(key: &str, span: Range<usize>) -> Problem {
    Problem {
        span,
        title: format!("scope `{key}` twice"),
        label: "named before".to_string(),
        help: Some("a scope names each key once; write one expectation for each".to_string()),
    }
}

/// A name that means nothing.
pub fn problem_of(unknown: Unknown, span: Range<usize>) -> Problem {
    Problem {
        span,
        title: unknown.title,
        label: "not defined in this scenario".to_string(),
        help: Some(unknown.help),
    }
}

/// What stands before the colon says nothing about replications.
pub fn unknown_over(words: &str, span: Range<usize>) -> Problem {
    let known = || ["all", "mean", "95% of runs"].into_iter();
    Problem {
        span,
        title: format!("`{words}` says nothing about replications"),
        label: one_of(known()),
        help: did_you_mean(words, known())
            .or_else(|| Some("a share lies between 0 and 100 %".to_string())),
    }
}

/// A mean that equals a number.
pub fn no_equal_mean(span: Range<usize>) -> Problem {
    Problem {
        span,
        title: "a mean that equals a number".to_string(),
        label: "no interval lies beyond a single point".to_string(),
        help: Some("write <= and >=, or `all:` before the measure".to_string()),
    }
}
