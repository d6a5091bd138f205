//! `stormglass metrics`.

use std::io;

use super::style::{Console, FAINT, HEADING};
use super::{CliError, Exit};
use crate::scenario::load::suggest;
use crate::scenario::measure::Unit;
use crate::scenario::measure_catalog::{MEASURES, MeasureInfo, Statistics};

/// Columns of the text.
const WIDTH: usize = 90;

const FORM: &str = "\
In [expect]:
NAME = \"[OVER:] MEASURE[{SCOPE=VALUE, ...}][.STATISTIC][.worst|.spread] OP VALUE [PHASE]\"

  OP       < <= > >= ==
  VALUE    a number with its unit, or a factor times another measure: 1.5 * latency.p99 steady
  PHASE    steady, or before, during, after, outside, of and a fault: during fault.rack-b
  OVER     how several replications are judged:
           all          in every one; of maxima, other extremes, counts, worst callers and ==
           mean         the mean, or the percentile of all samples: its whole 95 % interval is on
                        the right side of the limit, otherwise undecided; of all else
           95% of runs  in at least this share of all seeds, as far as these tell (Wilson)
           An upper limit of a rate of mistakes holds only if the exact Poisson bound of what was
           seen does: none seen in an hour is up to three an hour.";

/// Lists the measures that `[expect]` may name, with their definitions, or defines one.
pub fn run(name: Option<&str>, console: &mut Console) -> Result<Exit, CliError> {
    if let Some(name) = name {
        write_measure(find(name)?, console)?;
        return Ok(Exit::Done);
    }
    writeln!(console.out(), "{FORM}")?;
    for info in MEASURES {
        writeln!(console.out())?;
        write_measure(info, console)?;
    }
    Ok(Exit::Done)
}

/// The measure of that name, which may have a scope and a statistic as in an expectation.
fn find(name: &str) -> Result<&'static MeasureInfo, CliError> {
    let family = name.split(['{', '.']).next().unwrap_or(name);
    let found = MEASURES.iter().find(|info| info.name == family);
    found.ok_or_else(|| {
        let known = MEASURES.iter().map(|info| info.name);
        let hint = suggest::did_you_mean(family, known)
            .unwrap_or_else(|| "`stormglass metrics` lists them".to_string());
        CliError::Usage(format!("no measure is called `{family}`; {hint}"))
    })
}

fn write_measure(info: &MeasureInfo, console: &mut Console) -> io::Result<()> {
    let out = console.out();
    let unit = match info.unit {
        Unit::Time => "time",
        Unit::Ratio => "ratio",
        Unit::Rate => "per second",
        Unit::Number => "number",
    };
    writeln!(
        out,
        "{HEADING}{}{HEADING:#}  {FAINT}{unit}{FAINT:#}",
        info.name
    )?;
    for line in wrapped(info.definition, WIDTH - 2) {
        writeln!(out, "  {line}")?;
    }
    let words: Vec<&str> = info
        .statistics
        .words()
        .iter()
        .copied()
        .filter(|w| !w.is_empty())
        .collect();
    if !words.is_empty() {
        let any = match info.statistics {
            Statistics::Distribution => " or any other percentile",
            _ => "",
        };
        writeln!(out, "  statistics: {}{any}", words.join(", "))?;
    }
    if !info.scopes.is_empty() {
        writeln!(out, "  scopes: {}", info.scopes.join(", "))?;
    }
    if info.is_of_fault {
        writeln!(out, "  phase: of fault.NAME")?;
    }
    if info.measure.is_of_whole_run() {
        writeln!(out, "  phase: the whole run only")?;
    }
    Ok(())
}

/// The text in lines of at most `width` characters, broken at spaces.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_spaces_and_never_lost() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrapped("", 4), Vec::<String>::new());
    }
}
