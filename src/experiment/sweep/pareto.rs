//! The best compromises between two measures.

use super::super::study::Estimate;
use crate::scenario::measure_catalog::Direction;

/// The points that no other point beats in both measures, and the one in the middle.
#[derive(Clone, Debug, PartialEq)]
pub struct Front {
    /// The points of the front, from the best in the first measure to the best in the second.
    pub points: Vec<u32>,
    /// The point of the front that is nearest to the best of both, each measure counted from its
    /// best to its worst on the front.
    pub chosen: u32,
    /// Points that another one beats in both by their numbers, but none beyond the interval of
    /// their differences, or those of both: they may belong to the front as well.
    pub open: Vec<u32>,
    /// Points without a number of both measures, which are left out.
    pub left_out_count: u32,
}

/// The front of points with their two numbers, None where one does not exist; None without any. Of
/// points that are equal in both numbers the first stands for all.
pub fn front(values: &[Option<[Estimate; 2]>], directions: [Direction; 2]) -> Option<Front> {
    front_paired(values, directions, |_, _, _| None)
}

/// The same for points that share their seeds: `gap` is the interval by which a point is higher
/// than another one in a measure. Where it is not known the intervals of both decide.
pub fn front_paired(
    values: &[Option<[Estimate; 2]>],
    directions: [Direction; 2],
    gap: impl Fn(u32, u32, usize) -> Option<(f64, f64)>,
) -> Option<Front> {
    let sides = directions.map(|direction| match direction {
        Direction::Higher => -1.0,
        Direction::Lower | Direction::Neither => 1.0,
    });
    let cost = |values: &[Estimate; 2]| [0, 1].map(|side| values[side].value * sides[side]);
    let mut costs: Vec<(u32, [f64; 2])> = (0..)
        .zip(values)
        .filter_map(|(point, values)| Some((point, cost(values.as_ref()?))))
        .collect();
    let known_count = costs.len();
    // By the first number, then the second, then the place.
    costs.sort_by(|(p, a), (q, b)| {
        let by_cost = a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]));
        by_cost.then(p.cmp(q))
    });
    let mut on_front: Vec<(u32, [f64; 2])> = Vec::new();
    for (point, cost) in costs {
        if on_front.last().is_none_or(|(_, last)| cost[1] < last[1]) {
            on_front.push((point, cost));
        }
    }
    let (first, last) = (on_front.first()?.1, on_front.last()?.1);
    let distance = |cost: &[f64; 2]| {
        let share = |value: f64, best: f64, worst: f64| match worst - best {
            0.0 => 0.0,
            width => (value - best) / width,
        };
        let sides = [
            share(cost[0], first[0], last[0]),
            share(cost[1], last[1], first[1]),
        ];
        sides[0] * sides[0] + sides[1] * sides[1]
    };
    let nearer = |a: &&(u32, [f64; 2]), b: &&(u32, [f64; 2])| {
        let by_distance = distance(&a.1).total_cmp(&distance(&b.1));
        by_distance.then(a.0.cmp(&b.0))
    };
    let known = |point: u32| values[point as usize].as_ref();
    let is_open = |point: u32| {
        let is_on_front = on_front.iter().any(|(other, _)| *other == point);
        let own = known(point).filter(|_| !is_on_front);
        own.is_some_and(|own| {
            let with_number = |(other, _): &(u32, [f64; 2])| Some((*other, known(*other)?));
            let mut others = on_front.iter().filter_map(with_number);
            !others.any(|(place, other)| {
                let gaps = [0, 1].map(|side| {
                    let apart = || apart(&own[side], &other[side]);
                    let (low, high) = gap(point, place, side).unwrap_or_else(apart);
                    if sides[side] < 0.0 { -high } else { low }
                });
                is_surely_beaten(gaps)
            })
        })
    };
    Some(Front {
        chosen: on_front.iter().min_by(nearer)?.0,
        open: (0..)
            .zip(values)
            .map(|(p, _)| p)
            .filter(|p| is_open(*p))
            .collect(),
        points: on_front.iter().map(|(point, _)| *point).collect(),
        left_out_count: u32::try_from(values.len() - known_count).expect("points are few"),
    })
}

/// How much higher one number is than another, wherever in their intervals they are.
fn apart(own: &Estimate, other: &Estimate) -> (f64, f64) {
    (own.low - other.high, own.high - other.low)
}

/// Whether another point is at least as good in both numbers, and better in one: by how much it is
/// better at least.
fn is_surely_beaten(gaps: [f64; 2]) -> bool {
    gaps.iter().all(|gap| 0.0 <= *gap) && gaps.iter().any(|gap| 0.0 < *gap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Higher, Lower};

    fn exactly(values: [f64; 2]) -> [Estimate; 2] {
        within(values, 0.0)
    }

    fn within(values: [f64; 2], half: f64) -> [Estimate; 2] {
        values.map(|value| Estimate {
            value,
            low: value - half,
            high: value + half,
        })
    }

    #[test]
    fn a_point_that_another_beats_in_both_is_not_on_the_front() {
        let values = [[1.0, 9.0], [2.0, 3.0], [3.0, 3.0], [4.0, 1.0], [5.0, 5.0]];
        let front = front(&values.map(|v| Some(exactly(v))), [Lower, Lower]).expect("points");
        assert_eq!(front.points, [0, 1, 3]);
        // From (1, 9) to (4, 1): the second is at 1/3 and 1/4.
        assert_eq!((front.chosen, front.left_out_count), (1, 0));
    }

    #[test]
    fn what_is_better_high_turns_the_front_round() {
        let values = [
            Some(exactly([1.0, 0.90])),
            Some(exactly([2.0, 0.99])),
            Some(exactly([3.0, 0.95])),
            None,
        ];
        let front = front(&values, [Lower, Higher]).expect("points");
        assert_eq!((front.points, front.left_out_count), (vec![0, 1], 1));
    }

    #[test]
    fn equal_points_count_once_and_a_single_one_is_chosen() {
        let values = [Some(exactly([2.0, 2.0])); 2];
        let front = front(&values, [Lower, Lower]).expect("points");
        assert_eq!((front.points, front.chosen), (vec![0], 0));
        assert_eq!(super::front(&[None], [Lower, Lower]), None);
    }

    #[test]
    fn a_point_that_its_interval_may_save_is_open() {
        let values = [[1.0, 9.0], [2.0, 3.0], [3.0, 3.0], [4.0, 1.0], [5.0, 5.0]];
        let open = |half| {
            let values = values.map(|v| Some(within(v, half)));
            front(&values, [Lower, Lower]).expect("points").open
        };
        // The third is equal to the second in one number; the last is beaten by 2 and more.
        assert_eq!(open(0.0), [0_u32; 0]);
        assert_eq!(open(0.1), [2]);
        assert_eq!(open(1.4), [2, 4]);
    }

    #[test]
    fn what_intervals_leave_open_differences_on_equal_seeds_may_decide() {
        // The last is beaten by the second in both, and by less than their intervals.
        let values = [[1.0, 9.0], [2.0, 3.0], [4.0, 1.0], [2.5, 3.5]];
        let values = values.map(|v| Some(within(v, 1.0)));
        let open = |gap: (f64, f64)| {
            let paired = |own: u32, _: u32, _: usize| (own == 3).then_some(gap);
            front_paired(&values, [Lower, Lower], paired)
                .expect("points")
                .open
        };
        assert_eq!(front(&values, [Lower, Lower]).expect("points").open, [3]);
        assert_eq!(open((0.4, 0.6)), [0_u32; 0]);
        assert_eq!(open((-0.1, 1.1)), [3]);
        // Higher is better: then it is the others that are beaten.
        let paired = |_: u32, _: u32, _: usize| Some((0.4, 0.6));
        let turned = front_paired(&values, [Higher, Higher], paired).expect("points");
        assert_eq!(turned.points, [2, 3, 0]);
        assert_eq!(turned.open, [1]);
    }
}
