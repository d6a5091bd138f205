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
    /// Points that another one beats in both by their numbers, but none beyond the intervals of
    /// both: they may belong to the front as well.
    pub open: Vec<u32>,
    /// Points without a number of both measures, which are left out.
    pub left_out_count: u32,
}

/// The front of points with their two numbers, None where one does not exist; None without any. Of
/// points that are equal in both numbers the first stands for all.
pub fn front(values: &[Option<[Estimate; 2]>], directions: [Direction; 2]) -> Option<Front> {
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
            let mut others = on_front.iter().filter_map(|(other, _)| known(*other));
            !others.any(|other| is_surely_beaten(own, other, sides))
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

/// Whether another point is at least as good in both numbers, wherever in their intervals they
/// are, and better in one.
fn is_surely_beaten(own: &[Estimate; 2], other: &[Estimate; 2], sides: [f64; 2]) -> bool {
    let gaps = [0, 1].map(|side| {
        let (own, other) = (&own[side], &other[side]);
        match sides[side] < 0.0 {
            true => other.low - own.high,
            false => own.low - other.high,
        }
    });
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
}
