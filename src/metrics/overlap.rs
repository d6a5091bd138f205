//! Faults of which no measure tells apart what each did.

use crate::time::SimTime;

/// For every fault the others that share an instant with it, ascending. Each has its spans in order
/// of their starts, none of which begins before the one before it ends.
pub fn overlapping(spans: &[Vec<(SimTime, SimTime)>]) -> Vec<Vec<usize>> {
    let mut others = vec![Vec::new(); spans.len()];
    for (first, of_first) in spans.iter().enumerate() {
        for (second, of_second) in spans.iter().enumerate().skip(first + 1) {
            if share_an_instant(of_first, of_second) {
                others[first].push(second);
                others[second].push(first);
            }
        }
    }
    others
}

fn share_an_instant(mut left: &[(SimTime, SimTime)], mut right: &[(SimTime, SimTime)]) -> bool {
    while let ([of_left, left_rest @ ..], [of_right, right_rest @ ..]) = (left, right) {
        if of_left.1 <= of_right.0 {
            left = left_rest;
        } else if of_right.1 <= of_left.0 {
            right = right_rest;
        } else {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SimDuration;

    #[test]
    fn faults_overlap_where_they_share_more_than_an_edge() {
        let spans = |secs: &[(u64, u64)]| {
            let at = |secs| SimTime::START + SimDuration::from_secs(secs);
            let spans = secs.iter().map(|(start, end)| (at(*start), at(*end)));
            spans.collect::<Vec<_>>()
        };
        let all = [
            spans(&[(10, 20), (30, 40), (50, 60)]),
            spans(&[(20, 30), (40, 50)]),
            spans(&[(0, 5), (55, 56)]),
            spans(&[]),
            spans(&[(49, 51)]),
        ];
        let expected = [vec![2, 4], vec![4], vec![0], vec![], vec![0, 1]];
        assert_eq!(overlapping(&all), expected);
    }
}
