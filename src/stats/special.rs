//! Special functions behind the tests and intervals.

use std::f64::consts::PI;

/// Above this argument the Stirling series of [`stirling_rest`] is right to 1e-16 with six terms.
const STIRLING_FROM: f64 = 16.0;
/// A continued fraction or series has converged when a step changes it by less.
const STEP_MIN: f64 = 1e-16;
/// Stands for zero in Lentz's method.
const TINY: f64 = 1e-300;

/// `Q(a, x)`, the regularized upper incomplete gamma function, for `a > 0` and `x >= 0`.
///
/// By its series below `a + 1` and by Legendre's continued fraction above (Numerical Recipes
/// 6.2); both converge within a few times `sqrt(a)` steps. The relative error is below 1e-12 for
/// `a` up to 5 10^5.
pub(super) fn upper_gamma(a: f64, x: f64) -> f64 {
    assert!(a > 0.0 && x >= 0.0);
    if x == 0.0 {
        return 1.0;
    }
    if x < a + 1.0 {
        1.0 - gamma_factor(a, x) * lower_gamma_series(a, x)
    } else if x.is_infinite() {
        0.0
    } else {
        gamma_factor(a, x) * upper_gamma_fraction(a, x)
    }
}

/// `1/a + x/(a(a+1)) + x^2/(a(a+1)(a+2)) + ...`
fn lower_gamma_series(a: f64, x: f64) -> f64 {
    let mut term = 1.0 / a;
    let mut sum = term;
    let mut divisor = a;
    while term > STEP_MIN * sum {
        divisor += 1.0;
        term *= x / divisor;
        sum += term;
    }
    sum
}

/// `1/(x+1-a- 1(1-a)/(x+3-a- 2(2-a)/(x+5-a- ...)))`, by Lentz's method.
fn upper_gamma_fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut value = d;
    let mut i = 0.0;
    loop {
        i += 1.0;
        let above = -i * (i - a);
        b += 2.0;
        d = 1.0 / nonzero(above * d + b);
        c = nonzero(b + above / c);
        value *= d * c;
        if (d * c - 1.0).abs() <= 2.0 * f64::EPSILON {
            return value;
        }
    }
}

/// `x^a e^-x / Gamma(a)`. For large `a` the powers are taken of `x/a`, so that they do not cancel.
fn gamma_factor(a: f64, x: f64) -> f64 {
    if a < STIRLING_FROM {
        return libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    }
    let excess = (x - a) / a;
    let exponent = a * (libm::log1p(excess) - excess) - stirling_rest(a);
    (a / (2.0 * PI)).sqrt() * libm::exp(exponent)
}

/// `ln Gamma(a) - ((a - 1/2) ln a - a + ln(2 pi)/2)`, for large `a`.
fn stirling_rest(a: f64) -> f64 {
    let square = 1.0 / (a * a);
    let last = 1.0 / 1188.0 - square * (691.0 / 360_360.0);
    let middle = 1.0 / 1260.0 - square * (1.0 / 1680.0 - square * last);
    (1.0 / 12.0 - square * (1.0 / 360.0 - square * middle)) / a
}

/// `Gamma(a + 1/2) / Gamma(a)`.
pub(super) fn gamma_ratio_half(a: f64) -> f64 {
    if a < STIRLING_FROM {
        return libm::tgamma(a + 0.5) / libm::tgamma(a);
    }
    // The logarithms of the two Stirling formulas, subtracted by hand.
    let exponent = a * libm::log1p(0.5 / a) - 0.5 + stirling_rest(a + 0.5) - stirling_rest(a);
    a.sqrt() * libm::exp(exponent)
}

/// `I_x(a, b)`, the regularized incomplete beta function, for positive `a` and `b`, which is the
/// probability that a beta variate is at most `x`.
pub(super) fn beta_share(a: f64, b: f64, x: f64) -> f64 {
    assert!(0.0 < a && 0.0 < b && (0.0..=1.0).contains(&x));
    if x == 0.0 || x == 1.0 {
        return x;
    }
    let factor = beta_factor(a, b, x);
    match x < (a + 1.0) / (a + b + 2.0) {
        true => factor * beta_fraction(a, b, x) / a,
        false => 1.0 - factor * beta_fraction(b, a, 1.0 - x) / b,
    }
}

/// `x^a (1-x)^b / B(a, b)`. The powers are taken of `x (a+b)/a` and `(1-x) (a+b)/b`, so that they
/// do not cancel where `a` or `b` is large.
fn beta_factor(a: f64, b: f64, x: f64) -> f64 {
    let sum = a + b;
    // x (a+b)/a - 1 and (1-x) (a+b)/b - 1.
    let excess = x * b - (1.0 - x) * a;
    let logarithm = |excess: f64, ratio: f64| match excess < -0.5 {
        true => libm::log(ratio),
        false => libm::log1p(excess),
    };
    let powers = a * logarithm(excess / a, x * (sum / a))
        + b * logarithm(-excess / b, (1.0 - x) * (sum / b));
    let rest = gamma_rest(sum) - gamma_rest(a) - gamma_rest(b);
    (a / sum * b / (2.0 * PI)).sqrt() * libm::exp(powers + rest)
}

/// `ln Gamma(a) - ((a - 1/2) ln a - a + ln(2 pi)/2)`.
fn gamma_rest(a: f64) -> f64 {
    match a < STIRLING_FROM {
        true => libm::lgamma(a) - ((a - 0.5) * libm::log(a) - a + libm::log(2.0 * PI) / 2.0),
        false => stirling_rest(a),
    }
}

/// The continued fraction of the regularized incomplete beta function `I_x(a, b)`, without its
/// factor `x^a (1-x)^b / (a B(a, b))` (Numerical Recipes 6.4). Converges fast for
/// `x < (a + 1)/(a + b + 2)`.
pub(super) fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    let mut m = 0.0;
    loop {
        m += 1.0;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for above in [even, odd] {
            d = 1.0 / nonzero(1.0 + above * d);
            c = nonzero(1.0 + above / c);
            change *= d * c;
        }
        value *= change;
        if (change - 1.0).abs() <= 2.0 * f64::EPSILON {
            return value;
        }
    }
}

fn nonzero(x: f64) -> f64 {
    if x.abs() < TINY { TINY } else { x }
}
