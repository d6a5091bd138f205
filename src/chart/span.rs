//! Sets of times as sorted, disjoint spans.

/// From a start to an end, in seconds.
pub type Span = (f64, f64);

/// The same times as sorted, disjoint spans within `start` to `end`.
pub fn tidy(spans: impl Iterator<Item = Span>, (start, end): Span) -> Vec<Span> {
    let mut spans: Vec<Span> = spans
        .map(|(from, to)| (from.clamp(start, end), to.clamp(start, end)))
        .filter(|(from, to)| from < to)
        .collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut tidy: Vec<Span> = Vec::new();
    for span in spans {
        match tidy.last_mut() {
            Some(last) if span.0 <= last.1 => last.1 = last.1.max(span.1),
            _ => tidy.push(span),
        }
    }
    tidy
}

/// What both tidy sets hold.
pub fn intersection(a: &[Span], b: &[Span]) -> Vec<Span> {
    let mut common = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let span = (a[i].0.max(b[j].0), a[i].1.min(b[j].1));
        if span.0 < span.1 {
            common.push(span);
        }
        if a[i].1 < b[j].1 { i += 1 } else { j += 1 }
    }
    common
}

/// What the tidy set `a` holds and the tidy set `b` does not.
pub fn difference(a: &[Span], b: &[Span]) -> Vec<Span> {
    let mut gaps = Vec::new();
    let mut from = f64::NEG_INFINITY;
    for span in b {
        gaps.push((from, span.0));
        from = span.1;
    }
    gaps.push((from, f64::INFINITY));
    intersection(a, &gaps)
}

/// How long it lasts in all.
pub fn total(spans: &[Span]) -> f64 {
    // The sum of nothing is -0.0, which is written with its sign.
    spans
        .iter()
        .fold(0.0, |sum, (start, end)| sum + (end - start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_spans_become_one() {
        let spans = [(5.0, 9.0), (1.0, 3.0), (2.0, 4.0), (8.0, 20.0), (7.0, 7.0)];
        assert_eq!(
            tidy(spans.into_iter(), (0.0, 10.0)),
            [(1.0, 4.0), (5.0, 10.0)]
        );
    }

    #[test]
    fn intersection_and_difference_part_a_set() {
        let (a, b) = ([(0.0, 4.0), (6.0, 10.0)], [(3.0, 7.0), (8.0, 9.0)]);
        assert_eq!(intersection(&a, &b), [(3.0, 4.0), (6.0, 7.0), (8.0, 9.0)]);
        assert_eq!(difference(&a, &b), [(0.0, 3.0), (7.0, 8.0), (9.0, 10.0)]);
        assert_eq!(
            total(&intersection(&a, &b)) + total(&difference(&a, &b)),
            total(&a)
        );
    }
}
