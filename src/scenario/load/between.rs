//! What `[compare]` says of measures: `latency.p99 within 5%`, and
//! `two_choices.latency.p99 <= 0.8 * ring.latency.p99`.

use std::ops::Range;

use super::assertion::Problem;
use super::suggest::{did_you_mean, one_of};
use crate::quantity;
use crate::scenario::compare::{Margin, VariantExpectation, VariantMeasure};
use crate::scenario::expect::Operator;

/// An expectation or margin, and where its measures stand in the text.
pub type Read<T> = Result<(T, Vec<Range<usize>>), Problem>;

const EXPECT_FORM: &str = "write something like `two.latency.p99 <= 0.8 * ring.latency.p99`";

/// Reads `latency.p99 within 5%`.
pub fn margin(text: &str) -> Read<Margin> {
    let refused = |span: Range<usize>, label: &str| Problem {
        span,
        title: "no margin".to_string(),
        label: label.to_string(),
        help: Some("write something like `latency.p99 within 5%`".to_string()),
    };
    let Some((measure, size)) = text.split_once(" within ") else {
        return Err(refused(0..text.len(), "expected a measure and `within 5%`"));
    };
    let at = text.len() - size.len()..text.len();
    let percent = size.trim().strip_suffix('%').map(str::trim);
    let ratio = percent.and_then(|percent| quantity::parse_percent(percent).ok());
    match ratio {
        Some(ratio) if 0.0 < ratio && ratio <= 1.0 => {
            let span = trimmed(text, 0..measure.len());
            let measure = text[span.clone()].to_string();
            Ok((Margin { measure, ratio }, vec![span]))
        }
        _ => Err(refused(at, "expected a share above 0 and up to 100 %")),
    }
}

/// Reads an expectation between these variants.
pub fn expectation(name: &str, text: &str, variants: &[&str]) -> Read<VariantExpectation> {
    let is_sign = |c: char| "<>=\u{2264}\u{2265}".contains(c);
    let Some(start) = text.find(is_sign) else {
        return Err(no_form(0..text.len(), "expected one of <=, <, >=, >"));
    };
    let rest = &text[start..];
    let end = start + rest.find(|c| !is_sign(c)).unwrap_or(rest.len());
    let operator = match &text[start..end] {
        "<" => Operator::Less,
        "<=" | "\u{2264}" => Operator::LessOrEqual,
        ">" => Operator::Greater,
        ">=" | "\u{2265}" => Operator::GreaterOrEqual,
        _ => return Err(no_form(start..end, "expected one of <=, <, >=, >")),
    };
    let (left, left_span) = measure_of(text, 0..start, variants)?;
    let (factor, right_start) = factor(text, end)?;
    let (right, right_span) = measure_of(text, right_start..text.len(), variants)?;
    let expectation = VariantExpectation {
        name: name.to_string(),
        text: text.to_string(),
        left,
        operator,
        factor,
        right,
    };
    Ok((expectation, vec![left_span, right_span]))
}

/// `0.8 *`, or nothing, which is 1.
fn factor(text: &str, start: usize) -> Result<(f64, usize), Problem> {
    let Some(star) = text[start..].find('*') else {
        return Ok((1.0, start));
    };
    let span = trimmed(text, start..start + star);
    match quantity::parse_number(&text[span.clone()]) {
        Ok(factor) if 0.0 < factor => Ok((factor, start + star + 1)),
        _ => Err(no_form(span, "expected a factor above zero like 0.8")),
    }
}

/// `ring.latency.p99 during fault.rack-b`.
fn measure_of(
    text: &str,
    range: Range<usize>,
    variants: &[&str],
) -> Result<(VariantMeasure, Range<usize>), Problem> {
    let span = trimmed(text, range);
    let Some((variant, measure)) = text[span.clone()].split_once('.') else {
        return Err(no_form(span, "expected a variant, a point and a measure"));
    };
    let variant_span = span.start..span.start + variant.len();
    if !variants.contains(&variant) {
        let known = || variants.iter().copied();
        return Err(Problem {
            span: variant_span,
            title: format!("unknown variant `{variant}`"),
            label: "not in [compare.variant]".to_string(),
            help: Some(did_you_mean(variant, known()).unwrap_or_else(|| one_of(known()))),
        });
    }
    let measure_span = variant_span.end + 1..span.end;
    let measure = VariantMeasure {
        variant: variant.to_string(),
        measure: measure.to_string(),
    };
    Ok((measure, measure_span))
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    start..start + part.trim().len()
}

fn no_form(span: Range<usize>, label: &str) -> Problem {
    Problem {
        span,
        title: "no comparison of two variants".to_string(),
        label: label.to_string(),
        help: Some(EXPECT_FORM.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_measures_of_two_variants() {
        let text = "two.latency.p99 during fault.a <= 0.8 * ring.latency.p99";
        let (read, spans) = expectation("e", text, &["two", "ring"]).expect("well formed");
        assert_eq!(read.left.measure, "latency.p99 during fault.a");
        assert_eq!((read.operator, read.factor), (Operator::LessOrEqual, 0.8));
        assert_eq!(
            (read.right.variant.as_str(), &text[spans[1].clone()]),
            ("ring", "latency.p99")
        );
        let (read, _) = expectation("e", "a.goodput>b.goodput", &["a", "b"]).expect("well formed");
        assert_eq!((read.operator, read.factor), (Operator::Greater, 1.0));
    }

    #[test]
    fn what_compares_no_variants_is_refused_where_it_stands() {
        for (text, span, label) in [
            ("a.goodput", 0..9, "expected one of <=, <, >=, >"),
            (
                "a.goodput == b.goodput",
                10..12,
                "expected one of <=, <, >=, >",
            ),
            (
                "a.goodput > 5/s",
                12..15,
                "expected a variant, a point and a measure",
            ),
            (
                "a.goodput > -1 * b.goodput",
                12..14,
                "expected a factor above zero like 0.8",
            ),
            ("a.goodput > c.goodput", 12..13, "not in [compare.variant]"),
        ] {
            let problem = expectation("e", text, &["a", "b"]).expect_err(text);
            assert_eq!(
                (problem.span, problem.label.as_str()),
                (span, label),
                "{text}"
            );
        }
    }

    #[test]
    fn a_margin_is_a_share() {
        let (read, spans) = margin("latency.p99 within 5%").expect("well formed");
        assert_eq!((read.measure.as_str(), read.ratio), ("latency.p99", 0.05));
        assert_eq!(spans, vec![Range { start: 0, end: 11 }]);
        for text in [
            "latency.p99",
            "latency.p99 within 5",
            "latency.p99 within 0%",
        ] {
            assert_eq!(margin(text).expect_err(text).title, "no margin");
        }
    }
}
