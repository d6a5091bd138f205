//! What is asked of variants.

use super::super::CliError;
use super::args::CompareArgs;
use crate::experiment::compare::between::NumberOf;
use crate::experiment::compare::sample::Sample;
use crate::experiment::compare::{Design, Question};
use crate::scenario::compare::{CompareConfig, Margin, VariantExpectation, VariantMeasure};
use crate::scenario::load::between;
use crate::scenario::load::suggest::{did_you_mean, one_of};
use crate::scenario::measure::Unit;

/// What is compared unless the user says otherwise.
const METRICS: [&str; 4] = [
    "success_ratio",
    "latency.p50",
    "latency.p99",
    "amplification",
];

/// What is asked of variants, in the language of `[expect]`.
pub struct Measures {
    /// Every measure once: first those that are shown, then those that only expectations name.
    pub texts: Vec<String>,
    /// How many are shown.
    pub shown_count: usize,
    primary: Option<String>,
    margins: Vec<Margin>,
    /// What is expected between variants.
    pub expectations: Vec<VariantExpectation>,
}

impl Measures {
    /// Of the arguments and of `[compare]`.
    pub fn new(args: &CompareArgs, config: Option<&CompareConfig>) -> Result<Self, CliError> {
        let mut margins = config.map_or(Vec::new(), |config| config.margins.clone());
        for text in &args.margin {
            let (margin, _) = between::margin(text).map_err(|problem| {
                let help = problem
                    .help
                    .map_or(String::new(), |help| format!("; {help}"));
                CliError::Usage(format!("--margin {text}: {}{help}", problem.label))
            })?;
            margins.retain(|known| known.measure != margin.measure);
            margins.push(margin);
        }
        let primary = args.primary.clone();
        let primary = primary.or_else(|| config.and_then(|config| config.primary.clone()));
        let mut list = match args.metrics.is_empty() {
            true => METRICS.map(str::to_string).to_vec(),
            false => args.metrics.clone(),
        };
        list.extend(args.fail_if_worse.iter().cloned());
        list.extend(primary.iter().cloned());
        list.extend(margins.iter().map(|margin| margin.measure.clone()));
        let mut texts: Vec<String> = Vec::new();
        let add = |text: &String, texts: &mut Vec<String>| {
            if !texts.contains(text) {
                texts.push(text.clone());
            }
        };
        list.iter().for_each(|text| add(text, &mut texts));
        let shown_count = texts.len();
        let expectations = config.map_or(Vec::new(), |config| config.expectations.clone());
        for expectation in &expectations {
            add(&expectation.left.measure, &mut texts);
            add(&expectation.right.measure, &mut texts);
        }
        Ok(Measures {
            texts,
            shown_count,
            primary,
            margins,
            expectations,
        })
    }

    /// How samples are compared in the measures that are shown, which these questions are of.
    pub fn design(
        &self,
        mut questions: Vec<Question>,
        reference: usize,
        is_paired: bool,
        measured_secs: f64,
    ) -> Design {
        questions.truncate(self.shown_count);
        for (text, question) in self.texts.iter().zip(&mut questions) {
            let margin = self.margins.iter().find(|margin| margin.measure == *text);
            question.margin = margin.map(|margin| margin.ratio);
        }
        let is_primary = |text: &String| self.primary.as_ref() == Some(text);
        Design {
            questions,
            reference,
            primary: self.texts.iter().position(is_primary),
            is_paired,
            measured_secs,
        }
    }

    /// Where the number of a variant stands among the readings of samples.
    pub fn number_of(
        &self,
        measure: &VariantMeasure,
        samples: &[Sample],
    ) -> Result<NumberOf, CliError> {
        let names = || samples.iter().map(|sample| sample.name.as_str());
        let variant = names().position(|name| name == measure.variant);
        let Some(variant) = variant else {
            let help = did_you_mean(&measure.variant, names()).unwrap_or_else(|| one_of(names()));
            let name = &measure.variant;
            return Err(CliError::Usage(format!("unknown variant `{name}`; {help}")));
        };
        let is_it = |text: &String| *text == measure.measure;
        let place = self.texts.iter().position(is_it);
        let place = place.expect("every measure of an expectation is asked");
        Ok(NumberOf {
            variant,
            reading: 2 * place,
        })
    }

    /// The unit of both sides of an expectation, which must be the same.
    pub fn unit_of(
        &self,
        expectation: &VariantExpectation,
        questions: &[Question],
    ) -> Result<Unit, CliError> {
        let of = |measure: &VariantMeasure| {
            let place = self.texts.iter().position(|text| *text == measure.measure);
            questions[place.expect("every measure of an expectation is asked")].unit
        };
        let (left, right) = (of(&expectation.left), of(&expectation.right));
        match left == right {
            true => Ok(left),
            false => Err(CliError::Usage(format!(
                "[compare.expect] {}: two measures of different units",
                expectation.name
            ))),
        }
    }
}
