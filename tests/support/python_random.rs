//! Random numbers as `random.Random(seed)` of Python makes them: MT19937 (Matsumoto and Nishimura,
//! ACM TOMACS 8, 1998), seeded by its `init_by_array` with the seed as the only word.

const WORD_COUNT: usize = 624;
const MIDDLE: usize = 397;

/// Python's generator.
#[derive(Debug)]
pub struct PythonRandom {
    words: [u32; WORD_COUNT],
    next: usize,
}

impl PythonRandom {
    /// `random.Random(seed)`.
    pub fn new(seed: u32) -> Self {
        let mut words = [0u32; WORD_COUNT];
        words[0] = 19_650_218;
        for i in 1..WORD_COUNT {
            words[i] = scramble(words[i - 1])
                .wrapping_mul(1_812_433_253)
                .wrapping_add(i as u32);
        }
        let mut i = 1;
        let mut advance = |factor: u32, add: &dyn Fn(usize) -> u32| {
            let mixed = scramble(words[i - 1]).wrapping_mul(factor);
            words[i] = (words[i] ^ mixed).wrapping_add(add(i));
            i += 1;
            if i == WORD_COUNT {
                words[0] = words[WORD_COUNT - 1];
                i = 1;
            }
        };
        for _ in 0..WORD_COUNT {
            advance(1_664_525, &|_| seed);
        }
        for _ in 0..WORD_COUNT - 1 {
            advance(1_566_083_941, &|i| (i as u32).wrapping_neg());
        }
        words[0] = 0x8000_0000;
        PythonRandom {
            words,
            next: WORD_COUNT,
        }
    }

    /// `random()`: uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        let high = f64::from(self.word() >> 5);
        let low = f64::from(self.word() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// `expovariate(rate)`.
    pub fn exponential(&mut self, rate: f64) -> f64 {
        -libm::log(1.0 - self.uniform()) / rate
    }

    fn word(&mut self) -> u32 {
        if self.next == WORD_COUNT {
            self.twist();
            self.next = 0;
        }
        let mut y = self.words[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn twist(&mut self) {
        for i in 0..WORD_COUNT {
            let y =
                (self.words[i] & 0x8000_0000) | (self.words[(i + 1) % WORD_COUNT] & 0x7fff_ffff);
            let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
            self.words[i] = self.words[(i + MIDDLE) % WORD_COUNT] ^ (y >> 1) ^ odd;
        }
    }
}

fn scramble(word: u32) -> u32 {
    word ^ (word >> 30)
}
