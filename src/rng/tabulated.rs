//! A quantile function by table, for laws whose exact inversion is slow (decision D4).

/// Octaves of the tabulated part: it reaches down to a tail of 2^-11 on both sides, so that one
/// draw in a thousand is inverted exactly.
const OCTAVE_COUNT: usize = 10;
/// Bits of the mantissa that tell the cells of an octave apart.
const CELL_BITS: u32 = 6;
const CELL_SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - CELL_BITS;
const CELL_MASK: u64 = (1 << CELL_SHIFT) - 1;
/// Cells of one side: tails from 2^-11 to 1/2.
const CELL_COUNT: usize = OCTAVE_COUNT << CELL_BITS;
/// The number of the first cell, as it stands in the bits of its left end.
const CELL_FIRST: u64 = (EXPONENT_OF_HALF - OCTAVE_COUNT as u64) << CELL_BITS;
/// The exponent of numbers from 1/2 to 1, as it stands in their bits.
const EXPONENT_OF_HALF: u64 = 1_022;
/// Chebyshev nodes of a cell, in units of its width: `(1 - cos((2i + 1) pi / 8)) / 2`.
const NODES: [f64; 4] = [
    0.038_060_233_744_356_62,
    0.308_658_283_817_455_1,
    0.691_341_716_182_544_9,
    0.961_939_766_255_643_4,
];

/// The middle of a smooth quantile function: a cubic in every cell, through the function at four
/// Chebyshev nodes. Cells are equally wide within an octave of the distance to the nearer end of
/// (0, 1), so they are narrow where quantiles bend.
#[derive(Clone, Debug)]
pub struct TabulatedQuantile {
    /// Coefficients by side, then cell, of the distance to the left end of the cell.
    cells: Box<[[f64; 4]; 2 * CELL_COUNT]>,
}

impl TabulatedQuantile {
    /// Tabulates `quantile`, a smooth function of (0, 1).
    pub fn new(quantile: impl Fn(f64) -> f64) -> Self {
        let mut cells = Box::new([[0.0; 4]; 2 * CELL_COUNT]);
        let (lower, upper) = cells.split_at_mut(CELL_COUNT);
        for (cell, (lower, upper)) in lower.iter_mut().zip(upper).enumerate() {
            *lower = cubic(cell, &quantile);
            *upper = cubic(cell, |tail| quantile(1.0 - tail));
        }
        TabulatedQuantile { cells }
    }

    /// The `u`-quantile, for `u` a multiple of 2^-53 in (0, 1); None in the tails.
    #[inline]
    pub fn at(&self, u: f64) -> Option<f64> {
        let tail = if u <= 0.5 { u } else { 1.0 - u };
        let bits = tail.to_bits();
        let cell = (bits >> CELL_SHIFT).wrapping_sub(CELL_FIRST) as usize;
        if CELL_COUNT <= cell {
            return None;
        }
        let side = usize::from(0.5 < u) * CELL_COUNT;
        let [c0, c1, c2, c3] = self.cells[side + cell];
        let x = tail - f64::from_bits(bits & !CELL_MASK);
        // In pairs (Estrin): a chain of three operations and not of six.
        Some((c0 + x * c1) + (x * x) * (c2 + x * c3))
    }
}

/// The cubic of a cell, its constant first, by Newton's divided differences.
fn cubic(cell: usize, function: impl Fn(f64) -> f64) -> [f64; 4] {
    let end = |cell: u64| f64::from_bits((CELL_FIRST + cell) << CELL_SHIFT);
    let left = end(cell as u64);
    let width = end(cell as u64 + 1) - left;
    let x = NODES.map(|node| node * width);
    let mut d = x.map(|x| function(left + x));
    for order in 1..4 {
        for i in (order..4).rev() {
            d[i] = (d[i] - d[i - 1]) / (x[i] - x[i - order]);
        }
    }
    // d0 + (z - x0) (d1 + (z - x1) (d2 + (z - x2) d3)), multiplied out from the inside.
    let [e0, e1] = [d[2] - x[2] * d[3], d[3]];
    let [f0, f1, f2] = [d[1] - x[1] * e0, e0 - x[1] * e1, e1];
    [d[0] - x[0] * f0, f0 - x[0] * f1, f1 - x[0] * f2, f2]
}

#[cfg(test)]
mod tests {
    use super::super::{Draw, UniformSource, inversion};
    use super::*;

    #[test]
    fn cubics_are_tabulated_exactly() {
        let law = |u: f64| 1.0 + u * (2.0 - u * (0.5 - u));
        let table = TabulatedQuantile::new(law);
        let mut draw = Draw::new(3);
        for u in (0..10_000).map(|_| draw.uniform_open()) {
            if let Some(value) = table.at(u) {
                assert!((value - law(u)).abs() < 1e-12, "{u}");
            }
        }
    }

    #[test]
    fn only_the_tails_are_missing() {
        let table = TabulatedQuantile::new(|u| u);
        let tail = 1.0 / 2048.0;
        let below = tail - 1.0 / (1u64 << 53) as f64;
        for (u, is_there) in [
            (tail, true),
            (1.0 - tail, true),
            (below, false),
            (1.0 - below, false),
        ] {
            assert_eq!(table.at(u).is_some(), is_there, "{u}");
        }
    }

    /// The error of a cubic through Chebyshev nodes is at most `h^4 f'''' / 3072`; cells are at
    /// most 1/64 of the tail wide. At the widest law that is tabulated that stays below 1e-9.
    #[test]
    fn lognormal_quantiles_are_close_to_the_exact_ones() {
        for sigma in [0.01, 0.5, 1.0, 2.0] {
            let law = |u| inversion::lognormal(-8.0, sigma, u);
            let table = TabulatedQuantile::new(law);
            let mut draw = Draw::new(5);
            for u in (0..300_000).map(|_| draw.uniform_open()) {
                let Some(value) = table.at(u) else { continue };
                let exact = law(u);
                assert!(
                    (value - exact).abs() <= 1e-9 * exact,
                    "sigma {sigma}, u {u}"
                );
            }
        }
    }
}
