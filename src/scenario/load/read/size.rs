//! Laws of sizes.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::SIZE;
use super::super::section::Section;
use super::distribution::NORMAL_P99;
use crate::scenario::size::SizeLaw;

/// The law at a key that may be absent.
pub fn size_if(ctx: &mut Context, section: &Section, key: &str) -> Option<SizeLaw> {
    let tree = section.set_tree(key)?;
    let size = Section::open(ctx, tree, &SIZE, format!("`{key}`"))?;
    law(ctx, &size)
}

fn law(ctx: &mut Context, section: &Section) -> Option<SizeLaw> {
    Some(match section.variant_name() {
        "constant" => SizeLaw::Constant {
            bytes: positive(ctx, section, "value")?,
        },
        "uniform" => {
            let (min_bytes, max_bytes) = min_max(ctx, section)?;
            SizeLaw::Uniform {
                min_bytes,
                max_bytes,
            }
        }
        "exponential" => SizeLaw::Exponential {
            mean_bytes: positive(ctx, section, "mean")?,
        },
        "lognormal" => lognormal(ctx, section)?,
        "bounded_pareto" => {
            let (min_bytes, max_bytes) = min_max(ctx, section)?;
            positive(ctx, section, "min")?;
            SizeLaw::BoundedPareto {
                min_bytes,
                max_bytes,
                shape: section.number(ctx, "shape")?,
            }
        }
        name => unreachable!("the specification has no law `{name}`"),
    })
}

/// A size above zero.
fn positive(ctx: &mut Context, section: &Section, key: &str) -> Option<f64> {
    let bytes = section.number(ctx, key)?;
    if 0.0 < bytes {
        return Some(bytes);
    }
    ctx.error(
        Diagnostic::new("a size that cannot be zero")
            .at(section.origin_of(key), "expected a size above zero"),
    );
    None
}

fn min_max(ctx: &mut Context, section: &Section) -> Option<(f64, f64)> {
    let (min, max) = (section.number(ctx, "min"), section.number(ctx, "max"));
    let (min, max) = (min?, max?);
    if min < max {
        return Some((min, max));
    }
    ctx.error(
        Diagnostic::new("an empty range")
            .at(section.origin_of("max"), "`max` is not above `min`")
            .help("expected min < max"),
    );
    None
}

fn lognormal(ctx: &mut Context, section: &Section) -> Option<SizeLaw> {
    let keys = ["p50", "p99", "mean", "cv"].map(|key| section.has(key));
    match keys {
        [true, true, false, false] => {
            let p50 = positive(ctx, section, "p50")?;
            let p99 = section.number(ctx, "p99")?;
            if p99 <= p50 {
                ctx.error(
                    Diagnostic::new("a 99th percentile that is not above the median")
                        .at(section.origin_of("p99"), "expected more than `p50`"),
                );
                return None;
            }
            Some(SizeLaw::LogNormal {
                mu_log_bytes: libm::log(p50),
                sigma: libm::log(p99 / p50) / NORMAL_P99,
            })
        }
        [false, false, true, true] => {
            let mean = positive(ctx, section, "mean")?;
            let cv = section.number(ctx, "cv")?;
            let variance_log = libm::log1p(cv * cv);
            Some(SizeLaw::LogNormal {
                mu_log_bytes: libm::log(mean) - variance_log / 2.0,
                sigma: variance_log.sqrt(),
            })
        }
        _ => {
            ctx.error(Diagnostic::new("a lognormal size has two parameters").at(
                section.origin,
                "expected `p50` and `p99`, or `mean` and `cv`",
            ));
            None
        }
    }
}
