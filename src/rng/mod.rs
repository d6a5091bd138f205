//! Randomness: named sequential streams, keyed draws, and how a uniform becomes a variate.
//!
//! A **stream** ([`Streams::stream`]) serves draws whose order no policy can change, such as
//! arrivals. A **keyed draw** ([`Streams::draw`]) serves everything else: its value is a hash of
//! what it is for, so it does not depend on what was drawn before, and a request that is slow
//! under one policy is slow under every policy.

pub mod inversion;
pub mod math;
mod tables;
pub mod tabulated;
pub mod zipf;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use xxhash_rust::xxh64::xxh64;

/// Increment of SplitMix64: 2^64 divided by the golden ratio, made odd.
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
/// Spreads `(attempt, step)` over a word; unrelated to [`GOLDEN_GAMMA`], so that two attempts are
/// not two places of one sequence.
const STEP_MULTIPLIER: u64 = 0xd1b5_4a32_d192_ed03;
/// Room for the discriminants of [`Purpose`].
const PURPOSE_COUNT_MAX: usize = 64;
/// `2^-53`, the spacing of the uniform numbers.
const ULP_UNIFORM: f64 = 1.0 / (1u64 << 53) as f64;

/// What a random number is for. The discriminants are part of the meaning of a seed: they are
/// never renumbered and never reused, only appended, and stay below 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Gaps between the arrivals of a client.
    Arrival = 1,
    /// Work that a request or attempt brings to a server.
    ServiceDemand = 2,
    /// One-way delay of a message.
    LinkDelay = 3,
    /// Whether a message is lost.
    LinkLoss = 4,
    /// When faults begin and how long they last.
    FaultPlan = 5,
    /// Choices of a balancer.
    Pick = 6,
    /// The random part of a backoff.
    RetryJitter = 7,
    /// Initial phase of a periodic process.
    Phase = 8,
    /// Key of a request.
    Key = 9,
    /// Which caller of a client a request arrives at.
    CallerChoice = 10,
    /// Whether a server answers with an error.
    ErrorReply = 11,
    /// Whether a message is delivered twice.
    Duplication = 12,
    /// Sojourns of a Gilbert-Elliott chain in its states.
    GilbertElliott = 13,
    /// Pause of a closed-loop caller between two requests.
    ThinkTime = 14,
    /// Which of the selected targets a fault hits.
    FaultTarget = 15,
    /// How long a process takes to start again.
    RestartTime = 16,
    /// Class of a request, and its deadline.
    RequestClass = 17,
    /// Bytes of a message.
    MessageSize = 18,
    /// The deadline of a request that draws it.
    Deadline = 19,
    /// Whether a caller turns an attempt away by adaptive throttling.
    Throttle = 20,
    /// When a concurrency limit probes.
    LimitProbe = 21,
    /// When an instance pauses by itself, and for how long.
    Pause = 22,
    /// The part of a service time that needs no core.
    ServiceWait = 23,
    /// The random part of the wait before a caller connects again, and of the age of a connection.
    ReconnectJitter = 24,
    /// Choices of a balancer apart from picks, and of an instance that has nothing left to do.
    BalancerControl = 25,
    /// Choices of what stands around a balancer: sweeps, jitter, subsets.
    Composition = 26,
    /// Whatever a registry draws that is a real system, and its clients.
    Registry = 27,
    /// Whether a fault spreads to an instance, and when.
    FaultSpread = 28,
    /// Time of an answer from a cache, and of a load.
    CacheHit = 29,
    /// The way to a cache and back.
    CacheTravel = 30,
    /// How long an entry of a cache lives.
    CacheLife = 31,
    /// Which worker of a proxy takes a request.
    Worker = 50,
    /// Whom a member of a cluster chooses: to probe, to ask, to tell.
    Gossip = 44,
}

/// Hash of an entity's path, such as `service.web.group.a/3`: the entity's identity for streams
/// and keyed draws. It is xxHash64 with seed 0, pinned, because it is part of the meaning of a
/// seed.
pub fn path_hash(path: &str) -> u64 {
    xxh64(path.as_bytes(), 0)
}

/// Output of the SplitMix64 generator in `state` (Steele, Lea, Flood 2014): a bijection of the
/// 64-bit words that scatters neighbours.
#[inline]
pub const fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(GOLDEN_GAMMA);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A source of uniformly distributed words.
pub trait UniformSource {
    /// The next 64 random bits.
    fn next_u64(&mut self) -> u64;

    /// A multiple of 2^-53 in `[0, 1)`.
    #[inline]
    fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * ULP_UNIFORM
    }

    /// An odd multiple of 2^-53 in `(0, 1)`: the midpoints of 2^52 cells. Odd multiples of 2^-54
    /// would need 54 bits near one, where the largest of them rounds to one itself.
    #[inline]
    fn uniform_open(&mut self) -> f64 {
        ((self.next_u64() >> 11) | 1) as f64 * ULP_UNIFORM
    }

    /// A whole number in `[0, n)`, non-decreasing in the word it is made of. No number is more
    /// than `n` 2^-64 < 2^-32 likelier than another. Zero when `n` is zero.
    #[inline]
    fn below(&mut self, n: u32) -> u32 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u32
    }
}

/// All randomness of one run.
#[derive(Clone, Debug)]
pub struct Streams {
    key: [u8; 32],
    salts: [u64; PURPOSE_COUNT_MAX],
}

/// A sequential stream: ChaCha8. It takes about 300 bytes, so it belongs to a group or a run, not
/// to a node.
#[derive(Clone, Debug)]
pub struct StreamRng(ChaCha8Rng);

/// A keyed draw: the words that its key names, one after the other (SplitMix64).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    state: u64,
}

impl Streams {
    /// The randomness of the run with `seed`.
    pub fn new(seed: u64) -> Self {
        let mut salts = [0; PURPOSE_COUNT_MAX];
        for (purpose, salt) in (0u64..).zip(&mut salts) {
            *salt = mix(mix(seed) ^ purpose);
        }
        Streams {
            key: ChaCha8Rng::seed_from_u64(seed).get_seed(),
            salts,
        }
    }

    /// The stream of `purpose` that belongs to the entity with the path hash `entity`. Equal
    /// arguments give equal streams; the order of calls does not matter.
    pub fn stream(&self, purpose: Purpose, entity: u64) -> StreamRng {
        let mut rng = ChaCha8Rng::from_seed(self.key);
        rng.set_stream(mix(entity ^ mix(purpose as u64)));
        StreamRng(rng)
    }

    /// The draw for step `step` of attempt `attempt` of the request (or entity) `identity`.
    ///
    /// The identity may be any distinct number; it is scattered here. Equal arguments give equal
    /// draws, whatever was drawn before.
    #[inline]
    pub fn draw(&self, purpose: Purpose, identity: u64, attempt: u32, step: u32) -> Draw {
        let place = (u64::from(attempt) << 32) | u64::from(step);
        let scattered = mix(identity ^ self.salts[purpose as usize]);
        Draw::new(scattered.wrapping_add(place.wrapping_mul(STEP_MULTIPLIER)))
    }
}

impl Draw {
    /// The SplitMix64 sequence seeded with `state`.
    #[inline]
    pub const fn new(state: u64) -> Self {
        Draw { state }
    }
}

impl UniformSource for Draw {
    #[inline]
    fn next_u64(&mut self) -> u64 {
        let word = mix(self.state);
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        word
    }
}

impl UniformSource for StreamRng {
    #[inline]
    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
}

#[cfg(test)]
mod tests;
