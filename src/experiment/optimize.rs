//! Finds the best of many points by successive halving (Karnin, Koren and Somekh 2013): every
//! round gives the points that are left equally many replications more, on the same seeds, and
//! keeps the better half.

use std::cmp::Ordering;

use super::study::{Estimate, Study};
use crate::metrics::evaluate::VerdictState;

/// Fewest replications of a point before it may be left out.
pub const FIRST_COUNT_MIN: u32 = 3;

/// A point that may be the best.
#[derive(Debug)]
pub struct Candidate {
    /// Its number in the plan.
    pub point: u32,
    /// Its replications; what it is asked is to be small, what is expected are the constraints.
    pub study: Study,
}

/// Which way the objective gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    Minimize,
    Maximize,
}

/// What is sought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    /// Which way the objective gets better.
    pub aim: Aim,
    /// The objective, in the language of `[expect]`.
    pub measure: String,
    /// What must hold, in the same language.
    pub constraints: Vec<String>,
}

/// One round.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Replications of each point until its end.
    pub replication_count: u32,
    /// The points, the best first.
    pub standings: Vec<Standing>,
    /// How many of them go on.
    pub kept_count: usize,
}

/// Where a point stands after a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Its number in the plan.
    pub point: u32,
    /// The number by which it is ranked.
    pub rank_value: Option<f64>,
    /// The objective, if there are enough samples to state it.
    pub estimate: Option<Estimate>,
    /// The constraints.
    pub state: VerdictState,
    /// Whether the numbers, taken as exact, fulfill the constraints.
    pub is_right: bool,
}

/// How many replications a point has at the end of every round, for `budget` runs of
/// `point_count` points in all.
pub fn schedule(point_count: usize, budget: u32) -> Vec<(usize, u32)> {
    let mut counts = vec![point_count];
    while 2 < counts[counts.len() - 1] {
        counts.push(counts[counts.len() - 1].div_ceil(2));
    }
    let share = budget / u32::try_from(counts.len()).expect("rounds are few");
    let mut done = 0;
    let rounds = counts.into_iter().map(|count| {
        let more = share / u32::try_from(count).expect("points are counted in 32 bits");
        done += more.max(if done == 0 { FIRST_COUNT_MIN } else { 1 });
        (count, done)
    });
    rounds.collect()
}

/// Runs all rounds. `run` brings a candidate to a number of replications, `on_round` is told of
/// every round. What is left is the best candidate and, if there was another one in the last round,
/// the second best.
pub fn halve<E>(
    mut candidates: Vec<Candidate>,
    budget: u32,
    aim: Aim,
    mut run: impl FnMut(&mut Candidate, u32) -> Result<(), E>,
    mut on_round: impl FnMut(&Round),
) -> Result<Vec<Candidate>, E> {
    for (count, replication_count) in schedule(candidates.len(), budget) {
        candidates.truncate(count);
        for candidate in &mut candidates {
            run(candidate, replication_count)?;
        }
        let mut ranked: Vec<(Standing, Candidate)> = candidates
            .into_iter()
            .map(|candidate| (standing(&candidate), candidate))
            .collect();
        ranked.sort_by(|(a, _), (b, _)| compare(a, b, aim));
        let standings: Vec<Standing> = ranked.iter().map(|(standing, _)| *standing).collect();
        candidates = ranked.into_iter().map(|(_, candidate)| candidate).collect();
        on_round(&Round {
            replication_count,
            kept_count: candidates.len().div_ceil(2),
            standings,
        });
    }
    candidates.truncate(2);
    Ok(candidates)
}

/// Runs that a search makes of so many points.
pub fn run_count(point_count: usize, budget: u32) -> u32 {
    let (mut sum, mut before) = (0_u32, 0);
    for (count, replication_count) in schedule(point_count, budget) {
        let count = u32::try_from(count).expect("points are few");
        sum = sum.saturating_add(count.saturating_mul(replication_count - before));
        before = replication_count;
    }
    sum
}

/// Where a candidate stands.
pub fn standing(candidate: &Candidate) -> Standing {
    Standing {
        point: candidate.point,
        rank_value: candidate.study.rank_value(),
        estimate: candidate.study.estimate(),
        state: candidate.study.state(),
        is_right: candidate.study.looks_right(),
    }
}

/// The better one first: what fulfills its constraints before what may not before what does not,
/// then by the objective, then by place.
fn compare(a: &Standing, b: &Standing, aim: Aim) -> Ordering {
    let class = |standing: &Standing| match (standing.state, standing.is_right) {
        (VerdictState::Failed, _) => 2,
        (_, false) => 1,
        (VerdictState::Held | VerdictState::Undecided, true) => 0,
    };
    let cost = |standing: &Standing| {
        standing
            .rank_value
            .map_or(f64::INFINITY, |value| match aim {
                Aim::Minimize => value,
                Aim::Maximize => -value,
            })
    };
    let by_class = class(a).cmp(&class(b));
    let by_cost = by_class.then(cost(a).total_cmp(&cost(b)));
    by_cost.then(a.point.cmp(&b.point))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_share_the_budget_and_halve_the_points() {
        // Three rounds of 100 runs each: 12 points get 8, 6 get 16 more, 3 get 33, 2 get 50.
        assert_eq!(schedule(12, 400), [(12, 8), (6, 24), (3, 57), (2, 107)]);
        // However little is to be spent, a point is not judged by one run.
        assert_eq!(schedule(5, 1), [(5, 3), (3, 4), (2, 5)]);
        assert_eq!(schedule(1, 10), [(1, 10)]);
    }

    fn of(point: u32, value: Option<f64>, state: VerdictState, is_right: bool) -> Standing {
        Standing {
            point,
            rank_value: value,
            estimate: value.map(|value| Estimate {
                value,
                low: value,
                high: value,
            }),
            state,
            is_right,
        }
    }

    #[test]
    fn constraints_come_before_the_objective() {
        use VerdictState::{Failed, Held, Undecided};
        let mut list = [
            of(0, Some(1.0), Failed, false),
            of(1, Some(2.0), Undecided, false),
            of(2, Some(5.0), Held, true),
            of(3, Some(4.0), Undecided, true),
            of(4, None, Held, true),
            of(5, Some(4.0), Held, true),
        ];
        list.sort_by(|a, b| compare(a, b, Aim::Minimize));
        let order: Vec<u32> = list.iter().map(|standing| standing.point).collect();
        assert_eq!(order, [3, 5, 2, 4, 1, 0]);
        list.sort_by(|a, b| compare(a, b, Aim::Maximize));
        assert_eq!(list[0].point, 2);
    }
}
