//! The grammar of assertions: `latency.p99{client=shop} <= 1.5 * latency.p99 steady`.

mod literal;
mod problem;
#[cfg(test)]
mod tests;

use std::ops::Range;

use self::literal::{is_unit, literal_value};
use self::problem::{
    missing_statistic, no_equal_mean, no_phase, problem_of, repeated_scope, unit_name,
    unknown_measure, unknown_over, unknown_scope, unknown_statistic,
};
use super::read::{Names, Unknown};
use crate::quantity;
use crate::scenario::expect::{Bound, Expectation, Operator, Over};
use crate::scenario::measure::{Aggregation, MeasureRef, Phase, Scope, Statistic, Unit};
use crate::scenario::measure_catalog::{self as catalog, MeasureInfo};

pub use self::problem::Problem;

/// Reads one assertion.
pub fn parse(name: &str, text: &str, names: &Names) -> Result<Expectation, Problem> {
    let mut parser = Parser { text, at: 0, names };
    let over = parser.over()?;
    let (mut measure, measure_span) = parser.measure()?;
    let mut phase = parser.phase()?;
    let operator_at = parser.at;
    let operator = parser.operator()?;
    if operator == Operator::Equal && over == Some(Over::Mean) {
        return Err(no_equal_mean(operator_at..parser.at));
    }
    let bound = parser.bound(&measure)?;
    if matches!(bound, Bound::Value { .. }) && phase.is_none() {
        phase = parser.phase()?;
    }
    parser.end()?;
    let (phase, phase_span) = phase.unwrap_or((Phase::Whole, 0..0));
    parser.check_phase(&measure, phase, &measure_span, &phase_span)?;
    measure.phase = phase;
    Ok(Expectation {
        name: name.to_string(),
        text: text.to_string(),
        measure_text: text[measure_span].to_string(),
        phase_text: text[phase_span].replace("fault.", ""),
        measure,
        operator,
        bound,
        over: over.unwrap_or(Over::standard(&measure, operator)),
    })
}

/// Reads a measure that is not compared with anything: `latency.p99{client=shop} steady`.
pub fn parse_measure(text: &str, names: &Names) -> Result<MeasureRef, Problem> {
    let mut parser = Parser { text, at: 0, names };
    let (mut measure, measure_span) = parser.measure()?;
    let (phase, phase_span) = parser.phase()?.unwrap_or((Phase::Whole, 0..0));
    parser.end()?;
    parser.check_phase(&measure, phase, &measure_span, &phase_span)?;
    measure.phase = phase;
    Ok(measure)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    names: &'a Names,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// The next characters for which `is_part` holds.
    fn take(&mut self, is_part: impl Fn(char) -> bool) -> (&'a str, Range<usize>) {
        self.skip_space();
        let rest = self.rest();
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let span = self.at..self.at + length;
        self.at = span.end;
        (&self.text[span.clone()], span)
    }

    fn accept(&mut self, token: &str) -> bool {
        let is_next = self.rest().starts_with(token);
        if is_next {
            self.at += token.len();
        }
        is_next
    }

    /// `all:`, `mean:` or `95% of runs:`, if it begins so.
    fn over(&mut self) -> Result<Option<Over>, Problem> {
        let Some((prefix, _)) = self.text.split_once(':') else {
            return Ok(None);
        };
        self.at = prefix.len() + 1;
        let words = prefix.trim();
        let share = words
            .strip_suffix("of runs")
            .and_then(|share| share.trim().strip_suffix('%'))
            .and_then(|percent| quantity::parse_percent(percent.trim()).ok());
        Ok(Some(match (words, share) {
            ("all", _) => Over::All,
            ("mean", _) => Over::Mean,
            (_, Some(share)) if 0.0 < share && share < 1.0 => Over::ShareOfRuns(share),
            _ => return Err(unknown_over(words, 0..prefix.len())),
        }))
    }

    /// `latency.p99{client=shop}.worst`.
    fn measure(&mut self) -> Result<(MeasureRef, Range<usize>), Problem> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, name_span) = self.take(is_word);
        let Some(info) = catalog::find(name) else {
            return Err(unknown_measure(name, self.or_next(name_span)));
        };
        let mut measure = MeasureRef {
            measure: info.measure,
            statistic: Statistic::Value,
            scope: Scope::default(),
            aggregation: Aggregation::Pooled,
            phase: Phase::Whole,
        };
        loop {
            if self.accept("{") {
                self.scope(info, &mut measure.scope)?;
            } else if self.accept(".") {
                self.word_after_dot(info, &mut measure)?;
            } else {
                break;
            }
        }
        let span = name_span.start..self.at;
        if !info.statistics.has(measure.statistic) {
            return Err(missing_statistic(info, span));
        }
        Ok((measure, span))
    }

    fn word_after_dot(
        &mut self,
        info: &MeasureInfo,
        measure: &mut MeasureRef,
    ) -> Result<(), Problem> {
        let start = self.at;
        let (word, _) = self.take(|c| c.is_ascii_alphanumeric() || c == '_');
        // `p99.9`: a percentile goes on after a point if digits follow.
        let is_percentile = word.starts_with('p') && word[1..].parse::<u32>().is_ok();
        let digits = self.rest().strip_prefix('.').unwrap_or("");
        if is_percentile && digits.starts_with(|c: char| c.is_ascii_digit()) {
            self.at += 1;
            self.take(|c| c.is_ascii_digit());
        }
        let span = start..self.at;
        let word = &self.text[span.clone()];
        // Only what callers see can be taken caller by caller.
        match word {
            "worst" if info.is_by_caller() => measure.aggregation = Aggregation::Worst,
            "spread" if info.is_by_caller() => measure.aggregation = Aggregation::Spread,
            _ => match catalog::statistic(word).filter(|s| info.statistics.has(*s)) {
                Some(statistic) => measure.statistic = statistic,
                None => {
                    let is_chosen = info.statistics.has(measure.statistic);
                    return Err(unknown_statistic(info, word, is_chosen, span));
                }
            },
        }
        Ok(())
    }

    /// `client=shop, zone=a}`.
    fn scope(&mut self, info: &MeasureInfo, scope: &mut Scope) -> Result<(), Problem> {
        let mut keys: Vec<&str> = Vec::new();
        loop {
            let (written, key_span) = self.take(|c| c.is_ascii_alphanumeric() || c == '_');
            // A proxy is a service.
            let key = if written == "proxy" {
                "service"
            } else {
                written
            };
            if keys.contains(&key) {
                return Err(repeated_scope(written, key_span));
            }
            keys.push(key);
            if !info.scopes.contains(&key) {
                return Err(unknown_scope(info, written, self.or_next(key_span)));
            }
            self.skip_space();
            if !self.accept("=") {
                return Err(self.expected("`=`", "a scope is written {client=shop}"));
            }
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
            let (name, span) = self.take(is_name);
            let names = self.names;
            let unknown = |unknown: Unknown| problem_of(unknown, span.clone());
            match key {
                "client" => scope.client = Some(names.client(name).map_err(unknown)?),
                "zone" => scope.zone = Some(names.zone(name).map_err(unknown)?),
                "call" => scope.edge = Some(names.edge(name).map_err(unknown)?),
                "service" if written == "proxy" => {
                    scope.service = Some(names.proxy(name).map_err(unknown)?);
                }
                "service" => scope.service = Some(names.service(name).map_err(unknown)?),
                "instance" => scope.instance = Some(names.instance(name).map_err(unknown)?),
                "class" => scope.class = Some(names.class(name).map_err(unknown)?),
                key => unreachable!("the catalog has no scope `{key}`"),
            }
            self.skip_space();
            if self.accept("}") {
                return Ok(());
            }
            if !self.accept(",") {
                return Err(self.expected("`,` or `}`", "a scope is written {client=shop, zone=a}"));
            }
        }
    }

    /// `during fault.x`, `steady` and so on, if one follows.
    fn phase(&mut self) -> Result<Option<(Phase, Range<usize>)>, Problem> {
        let start = self.at;
        let (word, word_span) = self.take(|c| c.is_ascii_alphabetic());
        if word == "steady" {
            return Ok(Some((Phase::Steady, word_span)));
        }
        let of = |word: &str| -> Option<fn(crate::id::FaultId) -> Phase> {
            Some(match word {
                "during" => Phase::During,
                "outside" => Phase::Outside,
                "before" => Phase::Before,
                "after" => Phase::After,
                "of" => Phase::Of,
                _ => return None,
            })
        };
        let Some(phase) = of(word) else {
            self.at = start;
            return Ok(None);
        };
        let (name, name_span) =
            self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if name.is_empty() {
            return Err(Problem {
                span: word_span,
                title: format!("`{word}` which fault?"),
                label: "the name of a fault is missing".to_string(),
                help: Some(match word {
                    "outside" => format!("write `{word} fault.NAME`, or `steady` for all faults"),
                    _ => format!("write `{word} fault.NAME`"),
                }),
            });
        }
        let fault = name.strip_prefix("fault.").unwrap_or(name);
        let fault = self
            .names
            .fault(fault)
            .map_err(|unknown| problem_of(unknown, name_span.clone()))?;
        Ok(Some((phase(fault), word_span.start..name_span.end)))
    }

    fn operator(&mut self) -> Result<Operator, Problem> {
        let (sign, span) =
            self.take(|c| matches!(c, '<' | '>' | '=' | '!' | '\u{2264}' | '\u{2265}'));
        Ok(match sign {
            "<" => Operator::Less,
            "<=" | "\u{2264}" => Operator::LessOrEqual,
            ">" => Operator::Greater,
            ">=" | "\u{2265}" => Operator::GreaterOrEqual,
            "==" | "=" => Operator::Equal,
            _ => {
                return Err(Problem {
                    span: self.or_next(span),
                    title: "no comparison".to_string(),
                    label: "expected one of <=, <, >=, >, ==".to_string(),
                    help: Some("write something like `success_ratio >= 99.5%`".to_string()),
                });
            }
        })
    }

    /// `300ms`, `1.5 * latency.p99 steady` or `latency.p99 steady`.
    fn bound(&mut self, left: &MeasureRef) -> Result<Bound, Problem> {
        let info = catalog::info(left.measure);
        let unit = info.unit_of(left.statistic);
        self.skip_space();
        let start = self.at;
        if self.rest().starts_with(|c: char| c.is_ascii_alphabetic()) {
            return self.multiple(1.0, unit, start);
        }
        let (literal, span) = self.take(|c| !c.is_whitespace() && c != '*');
        self.skip_space();
        if self.accept("*") {
            let factor = quantity::parse_number(literal).map_err(|error| Problem {
                span: span.clone(),
                title: error.message,
                label: "expected a factor like 1.5".to_string(),
                help: None,
            })?;
            return self.multiple(factor, unit, start);
        }
        let (literal, span) = self.with_unit(literal, span);
        let value = literal_value(&literal, unit).map_err(|(title, label)| Problem {
            span: self.or_next(span.clone()),
            title,
            label,
            help: None,
        })?;
        Ok(Bound::Value {
            value,
            text: literal,
        })
    }

    /// A number together with a unit that stands apart from it: `98.5 %`.
    fn with_unit(&mut self, literal: &str, span: Range<usize>) -> (String, Range<usize>) {
        let start = self.at;
        let (word, word_span) = self.take(|c| !c.is_whitespace());
        if is_unit(word) {
            return (format!("{literal}{word}"), span.start..word_span.end);
        }
        self.at = start;
        (literal.to_string(), span)
    }

    fn multiple(&mut self, factor: f64, unit: Unit, start: usize) -> Result<Bound, Problem> {
        let (mut measure, span) = self.measure()?;
        let other = catalog::info(measure.measure).unit_of(measure.statistic);
        if other != unit {
            return Err(Problem {
                span,
                title: "two measures of different units".to_string(),
                label: format!("this is {}", unit_name(other)),
                help: Some(format!("the other one is {}", unit_name(unit))),
            });
        }
        let (phase, phase_span) = self.phase()?.unwrap_or((Phase::Whole, 0..0));
        self.check_phase(&measure, phase, &span, &phase_span)?;
        measure.phase = phase;
        Ok(Bound::Multiple {
            factor,
            measure,
            text: self.text[start..self.at].trim_end().replace("fault.", ""),
        })
    }

    fn check_phase(
        &self,
        measure: &MeasureRef,
        phase: Phase,
        measure_span: &Range<usize>,
        phase_span: &Range<usize>,
    ) -> Result<(), Problem> {
        let info = catalog::info(measure.measure);
        match (info.is_of_fault, phase) {
            (true, Phase::Of(_)) => Ok(()),
            (true, _) => Err(Problem {
                span: measure_span.clone(),
                title: format!("`{}` of which fault?", info.name),
                label: "this is a measure of one fault".to_string(),
                help: Some("write `of fault.NAME` at the end".to_string()),
            }),
            (false, Phase::Of(_)) => Err(Problem {
                span: phase_span.clone(),
                title: format!("`{}` is no measure of a fault", info.name),
                label: "`of` does not apply".to_string(),
                help: Some("write `during`, `outside`, `before` or `after`".to_string()),
            }),
            (false, phase) => whole_run_only(measure, phase, phase_span),
        }
    }

    fn end(&mut self) -> Result<(), Problem> {
        self.skip_space();
        if self.rest().is_empty() {
            return Ok(());
        }
        let (word, span) = self.take(|c| !c.is_whitespace());
        Err(no_phase(word, span))
    }

    fn expected(&self, what: &str, help: &str) -> Problem {
        Problem {
            span: self.at..self.text.len().min(self.at + 1),
            title: format!("expected {what}"),
            label: format!("expected {what} here"),
            help: Some(help.to_string()),
        }
    }

    /// A span, or what follows where it is empty.
    fn or_next(&self, span: Range<usize>) -> Range<usize> {
        match span.is_empty() {
            false => span,
            true => {
                let rest = &self.text[span.start..];
                let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
                span.start..span.start + length
            }
        }
    }
}

/// Refuses a phase for a measure that has none.
fn whole_run_only(
    measure: &MeasureRef,
    phase: Phase,
    phase_span: &Range<usize>,
) -> Result<(), Problem> {
    if !measure.measure.is_of_whole_run() || phase == Phase::Whole {
        return Ok(());
    }
    let name = catalog::info(measure.measure).name;
    Err(Problem {
        span: phase_span.clone(),
        title: format!("`{name}` is known of the whole run only"),
        label: "no phase applies".to_string(),
        help: Some("leave the phase out".to_string()),
    })
}
