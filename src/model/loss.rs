//! Message loss: independent, or in bursts (decision D17).

use std::collections::{BTreeMap, VecDeque};

use crate::rng::inversion;
use crate::rng::{Purpose, StreamRng, Streams, UniformSource, mix, path_hash};
use crate::scenario::network::LossConfig;
use crate::time::{SimDuration, SimTime};

/// How the messages of a link are lost.
#[derive(Clone, Copy, Debug)]
pub enum LossProcess {
    /// Never.
    None,
    /// Independently, with this probability.
    Bernoulli(f64),
    /// By a chain of its own; the index of its configuration.
    GilbertElliott(u32),
}

/// The parameters of a chain.
#[derive(Clone, Copy, Debug)]
struct ChainConfig {
    entity: u64,
    mean_secs: [f64; 2],
    probability: [f64; 2],
    per_link: bool,
}

/// A Gilbert-Elliott chain: when it leaves each of its states, as a function of time alone.
#[derive(Debug)]
struct Chain {
    rng: StreamRng,
    /// Whether the first sojourn in `ends` is in the bad state.
    is_bad: bool,
    /// Ends of sojourns, from the one that holds at the latest instant asked for with certainty.
    ends: VecDeque<SimTime>,
}

/// All loss processes of a run, with their chains.
#[derive(Debug)]
pub struct Losses {
    streams: Streams,
    configs: Vec<ChainConfig>,
    /// By configuration and, where every link has its own, by pair of nodes; made at first use.
    chains: BTreeMap<(u32, u64), Chain>,
}

impl Losses {
    /// No processes yet.
    pub fn new(streams: &Streams) -> Self {
        Losses {
            streams: streams.clone(),
            configs: Vec::new(),
            chains: BTreeMap::new(),
        }
    }

    /// Adds a process, whose chain is named by `path`.
    pub fn add(&mut self, config: &LossConfig, path: &str) -> LossProcess {
        match *config {
            LossConfig::Bernoulli { probability: 0.0 } => LossProcess::None,
            LossConfig::Bernoulli { probability } => LossProcess::Bernoulli(probability),
            LossConfig::GilbertElliott {
                good_mean,
                bad_mean,
                good_probability,
                bad_probability,
                per_link,
            } => {
                self.configs.push(ChainConfig {
                    entity: path_hash(path),
                    mean_secs: [good_mean.as_secs_f64(), bad_mean.as_secs_f64()],
                    probability: [good_probability, bad_probability],
                    per_link,
                });
                let index = self.configs.len() - 1;
                LossProcess::GilbertElliott(u32::try_from(index).expect("few loss processes"))
            }
        }
    }

    /// Probability that a message sent at `at` between the pair of nodes is lost.
    pub fn probability(&mut self, process: LossProcess, at: SimTime, pair: u64) -> f64 {
        match process {
            LossProcess::None => 0.0,
            LossProcess::Bernoulli(probability) => probability,
            LossProcess::GilbertElliott(index) => {
                let config = self.configs[index as usize];
                let link = if config.per_link { pair } else { 0 };
                let streams = &self.streams;
                let chain = self
                    .chains
                    .entry((index, link))
                    .or_insert_with(|| Chain::new(&config, streams, link));
                config.probability[usize::from(chain.is_bad_at(at, &config))]
            }
        }
    }
}

impl Chain {
    /// Starts in the stationary law.
    fn new(config: &ChainConfig, streams: &Streams, link: u64) -> Self {
        let mut rng = streams.stream(Purpose::GilbertElliott, mix(config.entity) ^ link);
        let bad_share = config.mean_secs[1] / (config.mean_secs[0] + config.mean_secs[1]);
        let is_bad = rng.uniform() < bad_share;
        Chain {
            rng,
            is_bad,
            ends: VecDeque::new(),
        }
    }

    /// The state at `at`. Questions may come out of order by as much as retransmissions look
    /// ahead, so sojourns are kept for that long.
    fn is_bad_at(&mut self, at: SimTime, config: &ChainConfig) -> bool {
        while self.ends.back().is_none_or(|end| *end <= at) {
            let last = self.ends.back().copied().unwrap_or(SimTime::START);
            let is_bad = self.is_bad != (self.ends.len() % 2 == 1);
            let mean_secs = config.mean_secs[usize::from(is_bad)];
            let secs = inversion::exponential(mean_secs, self.rng.uniform_open());
            let length = SimDuration::from_secs_f64(secs).max(SimDuration::from_ns(1));
            self.ends.push_back(last + length);
        }
        let is_bad = self.is_bad != (self.ends.partition_point(|end| *end <= at) % 2 == 1);
        self.forget(at);
        is_bad
    }

    /// Drops sojourns that ended long before `at`, two at a time so that the first state stays.
    fn forget(&mut self, at: SimTime) {
        const LOOK_BACK: SimDuration = SimDuration::from_secs(3_600);
        while self.ends.len() > 2 && self.ends[1] + LOOK_BACK < at {
            self.ends.drain(..2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_spends_its_stationary_share_in_the_bad_state() {
        let config = LossConfig::GilbertElliott {
            good_mean: SimDuration::from_secs(3),
            bad_mean: SimDuration::from_secs(1),
            good_probability: 0.0,
            bad_probability: 1.0,
            per_link: false,
        };
        let mut losses = Losses::new(&Streams::new(7));
        let process = losses.add(&config, "network.same_zone");
        let sample_count = 400_000;
        let bad_count = (0..sample_count)
            .filter(|i| losses.probability(process, SimTime::from_ns(i * 100_000_000), 0) == 1.0)
            .count();
        // 40,000 s hold about 10,000 cycles. By renewal reward the variance of the share is
        // E[(B - c(B + G))^2] / (n E[cycle]^2) = (0.75^2 + 0.25^2 * 9) / (10,000 * 16): one
        // standard error is 0.00265; four are allowed.
        let share = bad_count as f64 / sample_count as f64;
        assert!((share - 0.25).abs() < 0.0106, "{share}");
    }

    #[test]
    fn the_state_is_a_function_of_time_alone() {
        let config = LossConfig::GilbertElliott {
            good_mean: SimDuration::from_ms(300),
            bad_mean: SimDuration::from_ms(100),
            good_probability: 0.0,
            bad_probability: 1.0,
            per_link: true,
        };
        let ask = |times: &[u64]| -> Vec<(u64, bool)> {
            let mut losses = Losses::new(&Streams::new(3));
            let process = losses.add(&config, "x");
            let mut answers: Vec<(u64, bool)> = times
                .iter()
                .map(|ms| (*ms, losses.probability(process, at_ms(*ms), 5) == 1.0))
                .collect();
            answers.sort_unstable();
            answers
        };
        let forwards: Vec<u64> = (0..500).map(|i| i * 20).collect();
        let mut zigzag = forwards.clone();
        for pair in zigzag.chunks_exact_mut(2) {
            pair.swap(0, 1);
        }
        assert_eq!(ask(&forwards), ask(&zigzag));
    }

    fn at_ms(ms: u64) -> SimTime {
        SimTime::START + SimDuration::from_ms(ms)
    }
}
