//! Scales: where a value lies, which values get a tick, and how the ticks are written.

use serde::{Deserialize, Serialize};

use super::number::{nice_step, plain, power_of_ten, round_to_125, time};

/// Maps values to pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    kind: Kind,
    low: f64,
    high: f64,
    from_px: f64,
    to_px: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Linear,
    Logarithmic,
}

/// A marked value on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    pub value: f64,
    /// Empty for a grid line without a label.
    pub label: String,
}

/// What the values of an axis are, which decides how its ticks are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Seconds.
    Time,
    /// A share of a whole, written in per cent.
    Ratio,
    /// A plain number or a rate.
    #[default]
    Number,
}

impl Scale {
    /// A linear scale from `low` at `from_px` to `high` at `to_px`. A range without length is
    /// widened.
    pub fn linear(low: f64, high: f64, from_px: f64, to_px: f64) -> Self {
        let (low, high) = ordered(low, high);
        Scale {
            kind: Kind::Linear,
            low,
            high,
            from_px,
            to_px,
        }
    }

    /// A scale for `0` to the largest of `values`, ending at one of about `count` ticks.
    pub fn from_zero(
        values: impl Iterator<Item = f64>,
        count: f64,
        from_px: f64,
        to_px: f64,
    ) -> Self {
        let high = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        let high = if high <= 0.0 { 1.0 } else { high };
        let step = nice_step(high, count);
        Self::linear(0.0, (high / step).ceil() * step, from_px, to_px)
    }

    /// A scale that holds `values`, from one of about `count` ticks to another; for marks, whose
    /// distance from zero means nothing.
    pub fn spanning(
        values: impl Iterator<Item = f64>,
        count: f64,
        from_px: f64,
        to_px: f64,
    ) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let ends = finite.fold(None, |ends, value| {
            let (low, high) = ends.unwrap_or((value, value));
            Some((f64::min(low, value), f64::max(high, value)))
        });
        let (low, high) = ends.map_or((0.0, 1.0), |(low, high)| ordered(low, high));
        let step = nice_step(high - low, count);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        Self::linear(low, high, from_px, to_px)
    }

    /// The same for numbers of a kind: no share is above 1, so that its axis ends there.
    pub fn spanning_of(
        quantity: Quantity,
        values: impl Iterator<Item = f64>,
        count: f64,
        (from_px, to_px): (f64, f64),
    ) -> Self {
        let values: Vec<f64> = values.collect();
        let most = values
            .iter()
            .copied()
            .filter(|value| value.is_finite())
            .fold(0.0, f64::max);
        let scale = Self::spanning(values.into_iter(), count, from_px, to_px);
        if quantity != Quantity::Ratio || 1.0 < most || scale.high <= 1.0 {
            return scale;
        }
        // Where all are the whole, nothing but the whole axis is round.
        let low = if scale.low < 1.0 { scale.low } else { 0.0 };
        Self::linear(low, 1.0, from_px, to_px)
    }

    /// A logarithmic scale that holds the positive ones of `values`, in whole decades or, within
    /// two decades, ending at 1, 2 or 5.
    pub fn logarithmic(values: impl Iterator<Item = f64>, from_px: f64, to_px: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|value| value.is_finite() && 0.0 < *value) {
            low = low.min(value);
            high = high.max(value);
        }
        if high == 0.0 {
            (low, high) = (0.001, 1.0);
        }
        let (low, high) = (low.clamp(1e-12, 1e12), high.clamp(1e-12, 1e12));
        let low = round_to_125(low, false);
        let high = round_to_125(high, true);
        let high = if high <= low * 1.5 {
            round_to_125(low * 10.0, true)
        } else {
            high
        };
        Scale {
            kind: Kind::Logarithmic,
            low,
            high,
            from_px,
            to_px,
        }
    }

    /// The pixel of `value`, which is brought into the range.
    pub fn px(&self, value: f64) -> f64 {
        let value = if value.is_nan() {
            self.low
        } else {
            value.clamp(self.low, self.high)
        };
        let share = match self.kind {
            Kind::Linear => (value - self.low) / (self.high - self.low),
            Kind::Logarithmic => {
                let low = libm::log10(self.low);
                (libm::log10(value) - low) / (libm::log10(self.high) - low)
            }
        };
        self.from_px + share * (self.to_px - self.from_px)
    }

    /// The name of an axis with this scale: whether it is logarithmic is said behind it.
    pub fn name(&self, name: &str) -> String {
        match (self.kind, name.strip_suffix(')')) {
            (Kind::Linear, _) => name.to_string(),
            (Kind::Logarithmic, None) => format!("{name} (log scale)"),
            (Kind::Logarithmic, Some(open)) => format!("{open}, log scale)"),
        }
    }

    /// The smallest and the largest value.
    pub fn range(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Ticks, about `count` of them labelled.
    pub fn ticks(&self, quantity: Quantity, count: f64) -> Vec<Tick> {
        match self.kind {
            Kind::Linear if quantity == Quantity::Time => self.time_ticks(count),
            Kind::Linear => {
                self.linear_ticks(
                    nice_step(self.high - self.low, count),
                    |v, step| match quantity {
                        Quantity::Ratio => format!("{} %", plain(v * 100.0, step * 100.0)),
                        Quantity::Time | Quantity::Number => plain(v, step),
                    },
                )
            }
            Kind::Logarithmic => self.logarithmic_ticks(quantity, count),
        }
    }

    fn linear_ticks(&self, step: f64, write: impl Fn(f64, f64) -> String) -> Vec<Tick> {
        let first = (self.low / step - 1e-9).ceil();
        let last = (self.high / step + 1e-9).floor();
        (0..=(last - first).max(0.0) as u32)
            .map(|index| {
                let value = (first + f64::from(index)) * step;
                Tick {
                    value,
                    label: write(value, step),
                }
            })
            .collect()
    }

    /// Ticks in the unit that suits the step: `30 s`, `5 min`, `3 h`, `2 d`.
    fn time_ticks(&self, count: f64) -> Vec<Tick> {
        const STEPS_SECS: [f64; 18] = [
            1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0,
            7_200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0,
        ];
        let least = (self.high - self.low) / count;
        let step = if least <= 1.0 {
            nice_step(self.high - self.low, count)
        } else {
            let known = STEPS_SECS.iter().copied().find(|step| least <= *step);
            known.unwrap_or_else(|| nice_step((self.high - self.low) / 86_400.0, count) * 86_400.0)
        };
        // Steps that are small beside the numbers are written in the unit of these.
        let high = self.low.abs().max(self.high.abs());
        let (unit_secs, unit) = match step {
            _ if step < 1e-6 && high < 1e-6 * 1.001 => (1e-9, "ns"),
            _ if step < 1e-3 && high < 1e-3 * 1.001 => (1e-6, "µs"),
            _ if step < 0.1 && high < 1.001 => (1e-3, "ms"),
            _ if step < 60.0 => (1.0, "s"),
            _ if step < 3_600.0 => (60.0, "min"),
            _ if step < 86_400.0 => (3_600.0, "h"),
            _ => (86_400.0, "d"),
        };
        self.linear_ticks(step, |value, step| {
            format!("{} {unit}", plain(value / unit_secs, step / unit_secs))
        })
    }

    /// Decades, with 2 and 5 between them where there is room.
    fn logarithmic_ticks(&self, quantity: Quantity, count: f64) -> Vec<Tick> {
        let first = libm::log10(self.low).floor() as i32;
        let last = libm::log10(self.high).ceil() as i32;
        let decades = libm::log10(self.high) - libm::log10(self.low);
        let every = (decades / count).ceil().max(1.0) as i32;
        let mut ticks = Vec::new();
        for exponent in first..=last {
            for digit in 1..=9_u32 {
                let value = f64::from(digit) * power_of_ten(exponent);
                if value < self.low * 0.999 || self.high * 1.001 < value {
                    continue;
                }
                let is_labelled = match digit {
                    1 => exponent.rem_euclid(every) == 0,
                    2 | 5 => decades * 3.0 <= count * 1.35,
                    _ => false,
                };
                let label = match quantity {
                    _ if !is_labelled => String::new(),
                    Quantity::Time => time(value),
                    Quantity::Ratio => format!("{} %", plain(value * 100.0, value * 100.0)),
                    Quantity::Number => plain(value, value),
                };
                if is_labelled || decades <= 3.0 {
                    ticks.push(Tick { value, label });
                }
            }
        }
        ticks
    }
}

/// A range with a length, in order; what is not finite becomes 0 to 1.
fn ordered(low: f64, high: f64) -> (f64, f64) {
    if !low.is_finite() || !high.is_finite() {
        return (0.0, 1.0);
    }
    let (low, high) = (low.min(high), low.max(high));
    if low < high {
        (low, high)
    } else {
        (low, low + low.abs().max(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, quantity: Quantity, count: f64) -> Vec<String> {
        let ticks = scale.ticks(quantity, count);
        ticks
            .into_iter()
            .map(|tick| tick.label)
            .filter(|label| !label.is_empty())
            .collect()
    }

    #[test]
    fn the_name_of_an_axis_says_that_it_is_logarithmic() {
        let values = [0.001, 1.0];
        let by_ratio = Scale::logarithmic(values.into_iter(), 0.0, 100.0);
        assert_eq!(by_ratio.name("latency.p99"), "latency.p99 (log scale)");
        let name = by_ratio.name("goodput (more is better)");
        assert_eq!(name, "goodput (more is better, log scale)");
        let by_distance = Scale::linear(0.0, 1.0, 0.0, 100.0);
        assert_eq!(by_distance.name("latency.p99"), "latency.p99");
    }

    #[test]
    fn linear_ticks_are_round_numbers_with_units() {
        let scale = Scale::linear(0.0, 2_000.0, 0.0, 100.0);
        assert_eq!(
            labels(scale, Quantity::Number, 5.0),
            ["0", "500", "1,000", "1,500", "2,000"]
        );
        let scale = Scale::linear(0.0, 0.05, 0.0, 100.0);
        assert_eq!(
            labels(scale, Quantity::Ratio, 5.0),
            ["0 %", "1 %", "2 %", "3 %", "4 %", "5 %"]
        );
    }

    #[test]
    fn no_axis_of_shares_goes_beyond_100_percent() {
        let ends = |quantity: Quantity, values: [f64; 2]| {
            Scale::spanning_of(quantity, values.into_iter(), 6.0, (0.0, 1.0)).range()
        };
        assert_eq!(ends(Quantity::Ratio, [0.999_997, 1.0]).1, 1.0);
        assert_eq!(ends(Quantity::Ratio, [1.0, 1.0]), (0.0, 1.0));
        // What is no share of a whole keeps its room.
        assert!(1.2 <= ends(Quantity::Ratio, [0.5, 1.2]).1);
    }

    #[test]
    fn time_ticks_use_the_unit_of_their_step() {
        let at = |high: f64| labels(Scale::linear(0.0, high, 0.0, 1.0), Quantity::Time, 6.0);
        assert_eq!(
            at(120.0),
            ["0 s", "20 s", "40 s", "60 s", "80 s", "100 s", "120 s"]
        );
        assert_eq!(
            at(3_600.0),
            [
                "0 min", "10 min", "20 min", "30 min", "40 min", "50 min", "60 min"
            ]
        );
        assert_eq!(at(86_400.0), ["0 h", "6 h", "12 h", "18 h", "24 h"]);
        assert_eq!(
            at(1.0),
            ["0.0 s", "0.2 s", "0.4 s", "0.6 s", "0.8 s", "1.0 s"]
        );
        let near = Scale::linear(0.005_2, 0.005_6, 0.0, 1.0);
        assert_eq!(
            labels(near, Quantity::Time, 4.0),
            ["5.2 ms", "5.3 ms", "5.4 ms", "5.5 ms", "5.6 ms"]
        );
        assert_eq!(at(864_000.0), ["0 d", "2 d", "4 d", "6 d", "8 d", "10 d"]);
    }

    #[test]
    fn logarithmic_ticks_name_decades_and_fill_short_ranges() {
        let wide = Scale::logarithmic([0.001, 10.0].into_iter(), 0.0, 1.0);
        assert_eq!(
            labels(wide, Quantity::Time, 6.0),
            ["1 ms", "10 ms", "100 ms", "1 s", "10 s"]
        );
        let short = Scale::logarithmic([0.01, 0.1].into_iter(), 0.0, 1.0);
        assert_eq!(
            labels(short, Quantity::Time, 6.0),
            ["10 ms", "20 ms", "50 ms", "100 ms"]
        );
    }

    #[test]
    fn a_logarithmic_scale_is_even_in_decades() {
        let scale = Scale::logarithmic([1.0, 100.0].into_iter(), 0.0, 200.0);
        assert!((scale.px(10.0) - 100.0).abs() < 1e-9);
        assert_eq!(scale.px(1e9), 200.0);
        assert_eq!(scale.px(0.0), 0.0);
    }

    #[test]
    fn scales_end_at_ticks() {
        let scale = Scale::from_zero([0.06].into_iter(), 2.0, 0.0, 1.0);
        assert_eq!(labels(scale, Quantity::Ratio, 2.0), ["0 %", "5 %", "10 %"]);
        let scale = Scale::spanning([0.93, 1.06].into_iter(), 6.0, 0.0, 1.0);
        // 0.13 in at most six parts are steps of 0.05.
        assert_eq!(
            labels(scale, Quantity::Number, 6.0),
            ["0.90", "0.95", "1.00", "1.05", "1.10"]
        );
    }

    #[test]
    fn degenerate_ranges_have_a_length() {
        for scale in [
            Scale::linear(3.0, 3.0, 0.0, 1.0),
            Scale::linear(f64::NAN, 1.0, 0.0, 1.0),
            Scale::linear(0.0, f64::INFINITY, 0.0, 1.0),
            Scale::from_zero([].into_iter(), 5.0, 0.0, 1.0),
            Scale::from_zero([f64::NAN, -1.0].into_iter(), 5.0, 0.0, 1.0),
            Scale::from_zero([1e300].into_iter(), 5.0, 0.0, 1.0),
            Scale::spanning([].into_iter(), 5.0, 0.0, 1.0),
            Scale::spanning([7.0].into_iter(), 5.0, 0.0, 1.0),
            Scale::spanning([-1e300, f64::NAN, 1e300].into_iter(), 5.0, 0.0, 1.0),
            Scale::logarithmic([].into_iter(), 0.0, 1.0),
            Scale::logarithmic([0.0, -1.0].into_iter(), 0.0, 1.0),
            Scale::logarithmic([5.0].into_iter(), 0.0, 1.0),
            Scale::logarithmic([1e-300, 1e300].into_iter(), 0.0, 1.0),
        ] {
            let (low, high) = scale.range();
            assert!(low < high, "{scale:?}");
            assert!((0.0..=1.0).contains(&scale.px(f64::NAN)));
            for quantity in [Quantity::Number, Quantity::Time, Quantity::Ratio] {
                assert!(scale.ticks(quantity, 5.0).len() <= 60, "{scale:?}");
            }
        }
    }
}
