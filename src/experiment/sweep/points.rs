//! Which runs a sweep makes: points in the order of its axes, the last of which varies fastest, and
//! of each point its replications.

use crate::scenario::sweep::constraint::Constraint;
use crate::scenario::sweep::{Axis, AxisValue, POINT_COUNT_MAX, RUN_COUNT_MAX};

/// The runs of a sweep. It holds four bytes for each point.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepPlan {
    /// The axes.
    pub axes: Vec<Axis>,
    /// Replications of each point.
    pub repeat: u32,
    /// Seed of the first replication of every point.
    pub seed: u64,
    /// Of each point the places of its values, as one number.
    codes: Vec<u32>,
}

impl SweepPlan {
    /// Collects the points that fulfill every constraint, or says why there are none or too many.
    pub fn new(
        axes: Vec<Axis>,
        constraints: &[Constraint],
        repeat: u32,
        seed: u64,
    ) -> Result<Self, String> {
        assert!(0 < repeat, "a point has at least one replication");
        let counts = axes.iter().map(|axis| axis.values.len() as u64);
        let spanned = counts.fold(1, u64::saturating_mul);
        if POINT_COUNT_MAX < spanned {
            return Err(format!(
                "the axes span {spanned} points, at most {POINT_COUNT_MAX} are possible"
            ));
        }
        let spanned = u32::try_from(spanned).expect("it is below the limit");
        let mut plan = SweepPlan {
            axes,
            repeat,
            seed,
            codes: Vec::new(),
        };
        let is_run = |code: &u32| {
            let values = plan.values_of_code(*code);
            constraints
                .iter()
                .all(|constraint| constraint.holds(&values))
        };
        let codes: Vec<u32> = (0..spanned).filter(is_run).collect();
        plan.codes = codes;
        let run_count = plan.codes.len() as u64 * u64::from(repeat);
        match run_count {
            0 => Err("no point fulfills every constraint of `where`".to_string()),
            count if RUN_COUNT_MAX < count => Err(format!(
                "{count} runs, at most {RUN_COUNT_MAX} are possible; lower `repeat` or the values"
            )),
            _ => Ok(plan),
        }
    }

    /// Points.
    pub fn point_count(&self) -> u32 {
        u32::try_from(self.codes.len()).expect("limited by construction")
    }

    /// Runs of all points.
    pub fn run_count(&self) -> u32 {
        self.point_count() * self.repeat
    }

    /// The point of a run.
    pub fn point_of(&self, run: u32) -> u32 {
        run / self.repeat
    }

    /// The replication of a run.
    pub fn replication_of(&self, run: u32) -> u32 {
        run % self.repeat
    }

    /// The seed of a run. Past 2^64 it goes on at 0.
    pub fn seed_of(&self, run: u32) -> u64 {
        self.seed.wrapping_add(u64::from(self.replication_of(run)))
    }

    /// The places of the values of a point on their axes.
    pub fn places(&self, point: u32) -> Vec<usize> {
        self.places_of_code(self.codes[point as usize])
    }

    /// The point at a place on every axis, if it is run.
    pub fn point_at(&self, places: &[usize]) -> Option<u32> {
        let pairs = self.axes.iter().zip(places);
        let code = pairs.fold(0, |code, (axis, place)| code * axis.values.len() + place);
        let code = u32::try_from(code).ok()?;
        let point = self.codes.binary_search(&code).ok()?;
        u32::try_from(point).ok()
    }

    /// The values of a point, by axis.
    pub fn values(&self, point: u32) -> Vec<&AxisValue> {
        self.values_of_code(self.codes[point as usize])
    }

    /// What a point changes: `PATH=VALUE` each.
    pub fn sets(&self, point: u32) -> Vec<String> {
        let pairs = self.axes.iter().zip(self.values(point));
        pairs
            .map(|(axis, value)| format!("{}={}", axis.path, value.toml))
            .collect()
    }

    /// A point as a person would name it: `interval = 1s, timeout = 3s`.
    pub fn label(&self, point: u32) -> String {
        let pairs = (0..self.axes.len()).zip(self.values(point));
        let parts = pairs.map(|(axis, value)| format!("{} = {}", self.short(axis), value.text()));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// The values of a point alone: `1s, 3s`.
    pub fn values_text(&self, point: u32) -> String {
        let values = self.values(point).into_iter().map(|value| value.text());
        values.collect::<Vec<_>>().join(", ")
    }

    /// The name of an axis; of one that is called like its path, the end of that where no other
    /// axis has the same.
    pub fn short(&self, axis: usize) -> &str {
        let name = self.axes[axis].name.as_str();
        let short = name.rsplit('.').next().unwrap_or(name);
        let is_same = |other: &&Axis| other.name.rsplit('.').next() == Some(short);
        match self.axes.iter().filter(is_same).count() {
            1 => short,
            _ => name,
        }
    }

    /// For every value of every axis the first point that has it, in order.
    pub fn first_uses(&self) -> Vec<u32> {
        let mut is_seen: Vec<Vec<bool>> = self
            .axes
            .iter()
            .map(|axis| vec![false; axis.values.len()])
            .collect();
        let is_first = |point: &u32| {
            let places = self.places(*point).into_iter().zip(&mut is_seen);
            let news = places.map(|(place, seen)| !std::mem::replace(&mut seen[place], true));
            news.fold(false, |any, is_new| any | is_new)
        };
        (0..self.point_count()).filter(is_first).collect()
    }

    fn places_of_code(&self, code: u32) -> Vec<usize> {
        let mut rest = code as usize;
        let mut places = vec![0; self.axes.len()];
        for (place, axis) in places.iter_mut().zip(&self.axes).rev() {
            *place = rest % axis.values.len();
            rest /= axis.values.len();
        }
        places
    }

    fn values_of_code(&self, code: u32) -> Vec<&AxisValue> {
        let places = self.places_of_code(code);
        let pairs = self.axes.iter().zip(places);
        pairs.map(|(axis, place)| &axis.values[place]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load::axis::{axis, constraint, range_values};

    fn plan(wheres: &[&str]) -> Result<SweepPlan, String> {
        let axes = vec![
            axis(
                "interval",
                "a.interval",
                range_values("1s..3s/3").expect("a range"),
            ),
            axis(
                "timeout",
                "a.timeout",
                range_values("2s..4s/3").expect("a range"),
            ),
        ];
        let read = |text: &&str| constraint(text, &axes).expect("a constraint");
        let constraints: Vec<Constraint> = wheres.iter().map(read).collect();
        SweepPlan::new(axes, &constraints, 2, 7)
    }

    #[test]
    fn the_last_axis_varies_fastest_and_replications_before_it() {
        let plan = plan(&[]).expect("points");
        assert_eq!((plan.point_count(), plan.run_count()), (9, 18));
        assert_eq!(plan.sets(0), ["a.interval=\"1s\"", "a.timeout=\"2s\""]);
        assert_eq!(plan.sets(1), ["a.interval=\"1s\"", "a.timeout=\"3s\""]);
        assert_eq!(plan.label(3), "interval = 2s, timeout = 2s");
        assert_eq!(
            (plan.point_of(5), plan.seed_of(4), plan.seed_of(5)),
            (2, 7, 8)
        );
    }

    #[test]
    fn points_that_break_a_constraint_are_left_out() {
        let plan = plan(&["timeout >= 2 * interval"]).expect("points");
        let labels: Vec<String> = (0..plan.point_count()).map(|p| plan.label(p)).collect();
        assert_eq!(
            labels,
            [
                "interval = 1s, timeout = 2s",
                "interval = 1s, timeout = 3s",
                "interval = 1s, timeout = 4s",
                "interval = 2s, timeout = 4s",
            ]
        );
    }

    #[test]
    fn points_are_found_by_their_places() {
        let plan = plan(&["timeout >= 2 * interval"]).expect("points");
        for point in 0..plan.point_count() {
            assert_eq!(plan.point_at(&plan.places(point)), Some(point));
        }
        // 2 s and 3 s.
        assert_eq!(plan.point_at(&[1, 1]), None);
    }

    #[test]
    fn every_value_is_used_first_by_some_point() {
        // Points 0, 1, 2 have all timeouts, 3 and 6 the other intervals.
        assert_eq!(plan(&[]).expect("points").first_uses(), [0, 1, 2, 3, 6]);
    }

    #[test]
    fn no_point_and_too_many_points_are_refused() {
        let error = plan(&["timeout < interval", "timeout > 3s"]).expect_err("none");
        assert_eq!(error, "no point fulfills every constraint of `where`");
        let many = || axis("n", "seed", (0..4_100).map(|n| n.to_string()).collect());
        let error = SweepPlan::new(vec![many(), many()], &[], 1, 0).expect_err("many");
        assert!(
            error.starts_with("the axes span 16810000 points"),
            "{error}"
        );
    }
}
