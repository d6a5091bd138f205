//! `timeout >= 3 * interval`: which points of a sweep are run.

use super::{Axis, AxisUnit, AxisValue};

/// Numbers that differ by less than this share of the larger one are equal: three times 0.1 s is
/// 0.3 s.
const TOLERANCE: f64 = 1e-9;

/// What every point must fulfill.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// As written.
    pub text: String,
    /// What stands on the left.
    pub left: Operand,
    /// How both are compared.
    pub relation: Relation,
    /// What stands on the right.
    pub right: Operand,
}

/// One side of a constraint.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// The value of an axis, times a factor.
    Axis {
        /// Which.
        axis: usize,
        /// The factor, in its base unit.
        factor: f64,
        /// The unit of both: that of the axis, or of a factor that has one.
        unit: AxisUnit,
    },
    /// A quantity.
    Number {
        /// It, in its base unit.
        number: f64,
        /// What it is.
        unit: AxisUnit,
        /// As written.
        text: String,
    },
    /// A text, as TOML writes it.
    Text(String),
}

/// How two sides are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    Less,
    AtMost,
    Equal,
    Different,
    AtLeast,
    More,
}

/// The signs, the longer ones first.
pub const RELATIONS: [(&str, Relation); 6] = [
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("==", Relation::Equal),
    ("!=", Relation::Different),
    ("<", Relation::Less),
    (">", Relation::More),
];

impl Constraint {
    /// Whether a point, given by its value on every axis, fulfills it.
    pub fn holds(&self, point: &[&AxisValue]) -> bool {
        if let (Some(left), Some(right)) = (self.left.number(point), self.right.number(point)) {
            return self.relation.holds(left, right);
        }
        let is_equal = self.left.text(point) == self.right.text(point);
        match self.relation {
            Relation::Equal => is_equal,
            Relation::Different => !is_equal,
            // Reading a constraint makes sure that an order is asked of numbers only.
            Relation::Less | Relation::AtMost | Relation::AtLeast | Relation::More => false,
        }
    }

    /// What is wrong with comparing both sides, if anything is.
    pub fn mistake(&self, axes: &[Axis]) -> Option<String> {
        let is_number = |operand: &Operand| match operand {
            Operand::Axis { unit, .. } => *unit != AxisUnit::Text,
            Operand::Number { .. } => true,
            Operand::Text(_) => false,
        };
        let is_order = !matches!(self.relation, Relation::Equal | Relation::Different);
        for side in [&self.left, &self.right] {
            if let Operand::Axis { axis, factor, .. } = side
                && !is_number(side)
                && (is_order || *factor != 1.0)
            {
                return Some(format!(
                    "`{}` has values without an order",
                    axes[*axis].name
                ));
            }
            if matches!(side, Operand::Text(_)) && is_order {
                return Some("a text has no order; write == or !=".to_string());
            }
        }
        match (&self.left, &self.right) {
            (
                Operand::Axis {
                    axis: left, unit, ..
                },
                Operand::Axis {
                    axis: right,
                    unit: other,
                    ..
                },
            ) => (unit != other).then(|| {
                let names = [left, right].map(|axis| &axes[*axis].name);
                format!(
                    "`{}` and `{}` have different units; a factor may have one, like `90/s * {}`",
                    names[0], names[1], names[1]
                )
            }),
            (Operand::Axis { axis, unit, .. }, Operand::Number { .. }) => {
                no_quantity_of(&axes[*axis], *unit, &self.right)
            }
            (Operand::Number { .. }, Operand::Axis { axis, unit, .. }) => {
                no_quantity_of(&axes[*axis], *unit, &self.left)
            }
            (Operand::Axis { .. }, _) | (_, Operand::Axis { .. }) => None,
            _ => Some("no axis stands in it".to_string()),
        }
    }
}

/// What is wrong with comparing values of an axis, in this unit, with a quantity.
fn no_quantity_of(axis: &Axis, axis_unit: AxisUnit, operand: &Operand) -> Option<String> {
    let Operand::Number { unit, text, .. } = operand else {
        return None;
    };
    let (name, example) = (&axis.name, axis.values[0].text());
    if axis_unit == AxisUnit::Text {
        return Some(format!(
            "the values of `{name}` have no common unit; write \"{text}\" in quotes"
        ));
    }
    let is_share = |value: &AxisValue| {
        let is_small = value
            .number
            .is_some_and(|number| (0.0..=1.0).contains(&number));
        is_small || value.text().ends_with('%')
    };
    let is_count = axis_unit == AxisUnit::Plain && !axis.values.iter().any(is_share);
    (*unit != axis_unit || (is_count && text.ends_with('%'))).then(|| {
        format!("`{name}` and `{text}` have different units; it has values like {example}")
    })
}

impl Operand {
    fn number(&self, point: &[&AxisValue]) -> Option<f64> {
        match self {
            Operand::Axis { axis, factor, .. } => point[*axis].number.map(|number| factor * number),
            Operand::Number { number, .. } => Some(*number),
            Operand::Text(_) => None,
        }
    }

    fn text<'a>(&'a self, point: &[&'a AxisValue]) -> &'a str {
        match self {
            Operand::Axis { axis, .. } => point[*axis].text(),
            Operand::Number { .. } => "",
            Operand::Text(text) => text,
        }
    }
}

impl Relation {
    /// Whether two numbers are in this relation.
    pub fn holds(self, left: f64, right: f64) -> bool {
        let is_equal = (left - right).abs() <= TOLERANCE * left.abs().max(right.abs());
        match self {
            Relation::Less => left < right && !is_equal,
            Relation::AtMost => left <= right || is_equal,
            Relation::Equal => is_equal,
            Relation::Different => !is_equal,
            Relation::AtLeast => right <= left || is_equal,
            Relation::More => right < left && !is_equal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_times_a_tenth_is_three_tenths() {
        assert!(Relation::AtMost.holds(3.0 * 0.1, 0.3));
        assert!(Relation::Equal.holds(3.0 * 0.1, 0.3));
        assert!(!Relation::More.holds(3.0 * 0.1, 0.3));
        assert!(Relation::More.holds(0.300_001, 0.3));
    }

    #[test]
    fn zero_equals_zero_only() {
        assert!(Relation::Equal.holds(0.0, 0.0));
        assert!(Relation::Less.holds(0.0, 1e-300));
    }
}
