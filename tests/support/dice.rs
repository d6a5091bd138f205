//! A small generator of random choices for generated scenarios: SplitMix64, of no use to the
//! product, so that a change of the product's generator leaves the scenarios of a seed as they are.

/// A stream of random choices.
pub struct Dice(u64);

impl Dice {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Dice(seed ^ 0x5357_4152_4d00_0000)
    }

    /// A random word.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number from `min` to `max`, both included.
    pub fn between(&mut self, min: u64, max: u64) -> u64 {
        min + self.word() % (max - min + 1)
    }

    /// A fair coin.
    pub fn flag(&mut self) -> bool {
        self.word() >> 63 == 1
    }

    /// One of `choices`.
    pub fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[(self.word() % choices.len() as u64) as usize]
    }

    /// A time in whole milliseconds, as a scenario writes it, quotes included.
    pub fn ms(&mut self, min: u64, max: u64) -> String {
        format!("\"{}ms\"", self.between(min, max))
    }

    /// A law of times with a mean of about `ms` milliseconds.
    pub fn law(&mut self, ms: u64) -> String {
        let us = ms * 1_000;
        let branch = |probability: &str, us: u64| {
            format!("{{ probability = {probability}, mean = \"{us}us\" }}")
        };
        match self.between(0, 8) {
            0 => format!("\"{us}us\""),
            1 => format!(
                "{{ dist = \"uniform\", min = \"0s\", max = \"{}us\" }}",
                2 * us
            ),
            2 => format!("{{ dist = \"exponential\", mean = \"{us}us\" }}"),
            3 => format!("{{ dist = \"erlang\", stages = 3, mean = \"{us}us\" }}"),
            4 => format!(
                "{{ dist = \"hyperexponential\", branches = [{}, {}] }}",
                branch("0.9", us / 2 + 1),
                branch("0.1", 5 * us)
            ),
            5 => format!(
                "{{ dist = \"lognormal\", p50 = \"{us}us\", p99 = \"{}us\" }}",
                6 * us
            ),
            6 => format!("{{ dist = \"lognormal\", mean = \"{us}us\", cv = 1.5 }}"),
            7 => format!(
                "{{ dist = \"bounded_pareto\", min = \"{}us\", max = \"{}us\", shape = 1.1 }}",
                us / 4 + 1,
                40 * us
            ),
            _ => format!("{{ dist = \"weibull\", scale = \"{us}us\", shape = 0.7 }}"),
        }
    }

    /// A law of message loss.
    pub fn loss(&mut self) -> String {
        if self.flag() {
            return format!("\"{}%\"", self.between(0, 30));
        }
        format!(
            "{{ model = \"gilbert_elliott\", good_mean = {}, bad_mean = {}, good_loss = \"1%\", \
             bad_loss = \"{}%\", per_link = {} }}",
            self.ms(50, 2_000),
            self.ms(5, 500),
            self.between(20, 100),
            self.flag()
        )
    }
}
