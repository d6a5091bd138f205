//! Laws of random lengths of time.

use std::borrow::Cow;

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::{BRANCH, DISTRIBUTION};
use super::super::section::Section;
use super::super::tree::Tree;
use super::super::value;
use super::PLACEHOLDER_TIME;
use crate::scenario::distribution::{Branch, Distribution};
use crate::time::SimDuration;

/// The 99th percentile of the standard normal law.
pub const NORMAL_P99: f64 = 2.326_347_874_040_841;

/// Probabilities of branches may miss 1 by this much, for decimals that do not end.
const PROBABILITY_SUM_ERROR_MAX: f64 = 1e-6;

/// The law at a key, or a placeholder where it is wrong or missing.
pub fn distribution_at(ctx: &mut Context, section: &Section, key: &str) -> Distribution {
    distribution_if(ctx, section, key).unwrap_or(Distribution::Constant {
        value: PLACEHOLDER_TIME,
    })
}

/// The law at a key that may be absent.
pub fn distribution_if(ctx: &mut Context, section: &Section, key: &str) -> Option<Distribution> {
    let tree: Cow<Tree> = section.tree(key)?;
    distribution(ctx, &tree, key)
}

/// The law that a value states; `what` is the key that holds it.
pub fn distribution(ctx: &mut Context, tree: &Tree, what: &str) -> Option<Distribution> {
    let section = Section::open(ctx, tree, &DISTRIBUTION, format!("`{what}`"))?;
    let before = ctx.error_count();
    let law = law(ctx, &section)?;
    if before < ctx.error_count() {
        return None;
    }
    let mean = law.mean_secs();
    let is_sound = match law.as_constant() {
        Some(_) => true,
        None => 0.0 < mean && mean <= value::DURATION_MAX.as_secs_f64(),
    };
    if !is_sound {
        ctx.error(
            Diagnostic::new("a distribution whose mean is out of range")
                .at(tree.origin, format!("its mean is {mean} s"))
                .help("expected a mean above zero and at most two years"),
        );
    }
    is_sound.then_some(law)
}

fn law(ctx: &mut Context, section: &Section) -> Option<Distribution> {
    let time = |ctx: &mut Context, key: &str| section.duration(ctx, key);
    Some(match section.variant_name() {
        "constant" => Distribution::Constant {
            value: time(ctx, "value")?,
        },
        "uniform" => {
            let (min, max) = min_max(ctx, section)?;
            Distribution::Uniform { min, max }
        }
        "exponential" => Distribution::Exponential {
            mean: time(ctx, "mean")?,
        },
        "erlang" => Distribution::Erlang {
            stages: section.count_u32(ctx, "stages")?,
            mean: time(ctx, "mean")?,
        },
        "hyperexponential" => Distribution::Hyperexponential {
            branches: branches(ctx, section)?,
        },
        "lognormal" => lognormal(ctx, section)?,
        "bounded_pareto" => {
            let shape = section.number(ctx, "shape");
            let (min, max) = min_max(ctx, section)?;
            Distribution::BoundedPareto {
                min,
                max,
                shape: shape?,
            }
        }
        "weibull" => Distribution::Weibull {
            scale: time(ctx, "scale")?,
            shape: section.number(ctx, "shape")?,
        },
        "empirical" => {
            let unit = section.text(ctx, "unit")?;
            let file = section.tree("file")?;
            match ctx.inputs.empirical(ctx.sources, &file, &unit) {
                Ok(empirical) => Distribution::Empirical(empirical),
                Err(diagnostic) => {
                    ctx.error(diagnostic);
                    return None;
                }
            }
        }
        name => unreachable!("the specification has no law `{name}`"),
    })
}

fn min_max(ctx: &mut Context, section: &Section) -> Option<(SimDuration, SimDuration)> {
    let (min, max) = (section.duration(ctx, "min"), section.duration(ctx, "max"));
    let (min, max) = (min?, max?);
    if min < max {
        return Some((min, max));
    }
    ctx.error(
        Diagnostic::new("an empty range")
            .at(
                section.origin_of("max"),
                format!("`max` is not above `min` = {min}"),
            )
            .help("expected min < max"),
    );
    None
}

fn lognormal(ctx: &mut Context, section: &Section) -> Option<Distribution> {
    let (p50, p99) = (section.duration(ctx, "p50"), section.duration(ctx, "p99"));
    let (mean, cv) = (section.duration(ctx, "mean"), section.number(ctx, "cv"));
    let keys = ["p50", "p99", "mean", "cv"].map(|key| section.has(key));
    match keys {
        [true, true, false, false] => {
            let (p50, p99) = (p50?, p99?);
            if p99 <= p50 {
                ctx.error(
                    Diagnostic::new("a 99th percentile that is not above the median")
                        .at(section.origin_of("p99"), format!("`p50` is {p50}")),
                );
                return None;
            }
            let mu_log_secs = libm::log(p50.as_secs_f64());
            Some(Distribution::LogNormal {
                mu_log_secs,
                sigma: (libm::log(p99.as_secs_f64()) - mu_log_secs) / NORMAL_P99,
            })
        }
        [false, false, true, true] => {
            let cv = cv?;
            let variance_log = libm::log1p(cv * cv);
            Some(Distribution::LogNormal {
                mu_log_secs: libm::log(mean?.as_secs_f64()) - variance_log / 2.0,
                sigma: variance_log.sqrt(),
            })
        }
        // Which law is meant is asked already.
        _ if section.is_misspelt() => None,
        _ => {
            ctx.error(
                Diagnostic::new("a lognormal distribution has two parameters").at(
                    section.origin,
                    "expected `p50` and `p99`, or `mean` and `cv`",
                ),
            );
            None
        }
    }
}

fn branches(ctx: &mut Context, section: &Section) -> Option<Vec<Branch>> {
    let tree = section.tree("branches")?;
    let items = value::array(ctx, &tree)?;
    let mut branches = Vec::new();
    for item in items {
        let branch = Section::open(ctx, item, &BRANCH, "branch".to_string())?;
        let probability = branch.number(ctx, "probability");
        let mean = branch.duration(ctx, "mean");
        branches.push(Branch {
            probability: probability?,
            mean: mean?,
        });
    }
    let sum: f64 = branches.iter().map(|branch| branch.probability).sum();
    if (sum - 1.0).abs() <= PROBABILITY_SUM_ERROR_MAX {
        return Some(branches);
    }
    ctx.error(
        Diagnostic::new("the probabilities of the branches do not sum to 1")
            .at(tree.origin, format!("their sum is {sum}")),
    );
    None
}
