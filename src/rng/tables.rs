//! Tables of [`super::math`], computed by the compiler in integers, so that they are the same
//! everywhere. They are correct to 2^-60 before they are rounded to 53 bits.

/// `2^(2^-1)`, `2^(2^-2)`, ... `2^(2^-6)`, as multiples of 2^-63.
const ROOTS_OF_TWO: [u64; 6] = [
    0xb504_f333_f9de_6484,
    0x9837_f051_8db8_a96f,
    0x8b95_c1e3_ea8b_d6e7,
    0x85aa_c367_cc48_7b15,
    0x82cd_8698_ac2b_a1d7,
    0x8164_d1f3_bc03_0773,
];

/// Entry `i` is `2^(i/64)`.
pub(super) static EXP2: [f64; 64] = exp2_table();

/// Entry `j % 128` holds `1/c` and `ln c` of `c = j/128`, for `j` in `64..192`.
pub(super) static LN: [(f64, f64); 128] = ln_table();

const fn exp2_table() -> [f64; 64] {
    let mut table = [0.0; 64];
    let mut i = 0;
    while i < 64 {
        let mut product = 1u64 << 63;
        let mut bit = 0;
        while bit < 6 {
            if i & (32 >> bit) != 0 {
                product = ((product as u128 * ROOTS_OF_TWO[bit] as u128) >> 63) as u64;
            }
            bit += 1;
        }
        table[i] = product as f64 / (1u64 << 63) as f64;
        i += 1;
    }
    table
}

const fn ln_table() -> [(f64, f64); 128] {
    let mut table = [(0.0, 0.0); 128];
    let mut j = 64;
    while j < 192 {
        table[j as usize % 128] = (128.0 / j as f64, ln_of_ratio(j, 128));
        j += 1;
    }
    table
}

/// `ln(a/b)` as `2 (z + z^3/3 + z^5/5 + ...)` with `z = (a - b)/(a + b)`, in multiples of 2^-100.
const fn ln_of_ratio(a: i128, b: i128) -> f64 {
    const ONE: i128 = 1 << 100;
    let (square_above, square_below) = ((a - b) * (a - b), (a + b) * (a + b));
    let mut power = 2 * ONE * (a - b) / (a + b);
    let mut sum = 0;
    let mut exponent = 1;
    while power != 0 {
        sum += power / exponent;
        power = power * square_above / square_below;
        exponent += 2;
    }
    sum as f64 / ONE as f64
}
