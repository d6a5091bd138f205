//! The one table of every key that a scenario may hold: name, kind, default and meaning.
//!
//! Unknown-key errors, type errors, defaults, `explain` and the JSON Schema all derive from it.

mod attempts;
mod balancer;
mod cache;
mod check;
mod class;
mod client;
mod connection;
mod data;
mod detector;
mod fault;
mod flow;
mod gossip;
mod proxy;
mod registry;
mod resilience;
mod rollout;
mod root;
mod scaling;
mod sensitivity;
mod server;
mod service;
mod shared;
mod sweep;
mod trigger;

pub use attempts::{FAILBACK, HEDGE};
pub use balancer::{BALANCER, EJECTION, PRIORITY, SLOW_START, SUBSET, ZONE_AWARE};
pub use cache::{CACHE_MISS, CALL_CACHE, SERVICE_CACHE};
pub use class::{CLASS, SIZE};
pub use client::{ARRIVALS, BACKOFF, CALL, CLIENT, KEYS, RETRY};
pub use connection::{ACCEPT, CONNECTION, KEEPALIVE, RECONNECT};
pub use data::DATA;
pub use detector::DETECTOR;
pub use fault::FAULT;
pub use flow::FANOUT;
pub use gossip::{GOSSIP, REGISTRY_GOSSIP};
pub use proxy::PROXY;
pub use registry::{CAPACITY, REGISTRY};
pub use resilience::{BREAKER, BUDGET, BULKHEAD, CONCURRENCY_LIMIT, THROTTLE};
pub use rollout::DRAIN;
pub use root::{COMPARE, LINK, NETWORK, ROOT};
pub use scaling::{AUTOSCALE, CRASH_ABOVE};
pub use sensitivity::{INPUT, SENSITIVITY};
pub use server::{CODEL, CPU_QUOTA, PAUSES, SERVICE_TIME, SHED, SPLIT, WARMUP};
pub use service::{GROUP, QUEUE, REGISTERED, SERVICE};
pub use shared::{BRANCH, DISTRIBUTION, LOSS};
pub use sweep::{AXIS, SWEEP};
pub use trigger::{REPLACE, SPREAD};

/// A kind of table.
#[derive(Debug)]
pub struct TableSpec {
    /// What it is called in messages: `fault`.
    pub what: &'static str,
    /// What it means, in one line.
    pub doc: &'static str,
    /// The key that selects a variant.
    pub tag: Option<Tag>,
    /// Keys of every variant.
    pub keys: &'static [Key],
    /// What the tag may say; empty without a tag.
    pub variants: &'static [Variant],
    /// What a value that is no table stands for.
    pub shorthand: Option<Shorthand>,
}

/// The key that selects a variant of a table.
#[derive(Debug)]
pub struct Tag {
    /// The key.
    pub key: &'static str,
    /// The variant without that key; None where the key is required.
    pub default: Option<&'static str>,
    /// What it means, in one line.
    pub doc: &'static str,
}

/// One variant of a tagged table.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The value of the tag.
    pub name: &'static str,
    /// What it means, in one line.
    pub doc: &'static str,
    /// Keys of this variant only.
    pub keys: &'static [Key],
}

/// What a value that is no table stands for.
#[derive(Clone, Copy, Debug)]
pub enum Shorthand {
    /// The tag: `balancer = "random"`.
    Tag,
    /// One key of a variant: `service_time = "5ms"` is the `value` of a `constant`.
    Key {
        variant: &'static str,
        key: &'static str,
    },
}

/// One key of a table.
#[derive(Debug)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds without it.
    pub default: Default,
    /// Where it has an effect at all; None: everywhere.
    pub only_if: Option<Condition>,
    /// What it means, in one line.
    pub doc: &'static str,
}

/// Another key of the same table that must be set, or have a certain value.
#[derive(Clone, Copy, Debug)]
pub struct Condition {
    /// The other key.
    pub key: &'static str,
    /// Its value in TOML; None: any that is set.
    pub toml: Option<&'static str>,
}

impl Condition {
    /// As a scenario says it.
    pub fn text(&self) -> String {
        match self.toml {
            Some(toml) => format!("{} = {toml}", self.key),
            None => self.key.to_string(),
        }
    }
}

/// What holds where a key is not set.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// It must be set.
    Required,
    /// Nothing.
    Absent,
    /// This value, in TOML.
    Toml(&'static str),
    /// What these words say.
    Computed(&'static str),
    /// What the table around it says, in these words.
    Inherited(&'static str),
    /// A table whose keys all have their defaults.
    Nested,
}

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A length of time, `"250ms"`; zero only where `zero` says so.
    Duration { zero: bool },
    /// `"2000/s"`; zero only where `zero` says so.
    Rate { zero: bool },
    /// `"4KiB"`.
    Size,
    /// Bytes per second: `"1Gbit/s"`, `"100MB/s"`.
    Bandwidth,
    /// `"0.1%"` or 0.001, from 0 to 1.
    Ratio,
    /// `"20%"` or 0.2, from `min` to `max`: a ratio that may exceed 1.
    Multiple { min: f64, max: f64 },
    /// A ratio of either sign, at most one half: `"-50ppm"`, `"0.1%"`.
    Drift,
    /// A whole number.
    Count { min: u64, max: u64 },
    /// A whole number from 0, or `"unlimited"`.
    Limit { max: u64 },
    /// A whole number from 0, or a share: `"25%"`.
    Amount { max: u64 },
    /// A finite number; `min` itself is excluded where `above` says so.
    Number { min: f64, above: bool, max: f64 },
    /// Any text.
    Text,
    /// A name: `[A-Za-z0-9][A-Za-z0-9_-]{0,63}`.
    Name,
    /// A relative path of a file at or below the folder of the scenario.
    File,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// A set of nodes: `"zone:b"`.
    Selector,
    /// `"random"`, `"aligned"` or a length of time.
    Phase,
    /// `auto` or a length of time.
    Warmup,
    /// An array.
    List(&'static Kind),
    /// A table.
    Table(&'static TableSpec),
    /// A table of tables, each with a name of its own.
    Named(&'static TableSpec),
    /// A table of named assertions.
    Assertions,
    /// A table of named variants, each a table of paths and values.
    Variants,
    /// An array of values of any kind.
    Values,
}

/// Most instances of a group, callers of a client or users of a closed loop.
pub const COUNT_MAX: u64 = 1 << 26;

/// Most tables of one kind.
pub const NAMED_COUNT_MAX: usize = 1_024;

const POSITIVE: Kind = Kind::Duration { zero: false };
const RATE: Kind = Kind::Rate { zero: false };
const LENGTH: Kind = Kind::Duration { zero: true };
const MANY: Kind = Kind::Count {
    min: 1,
    max: COUNT_MAX,
};
const TOWARDS_INFINITY: f64 = 1e12;
const POSITIVE_NUMBER: Kind = Kind::Number {
    min: 0.0,
    above: true,
    max: TOWARDS_INFINITY,
};

const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    key(name, kind, Default::Required, doc)
}

const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    key(name, kind, Default::Absent, doc)
}

const fn key(name: &'static str, kind: Kind, default: Default, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        default,
        only_if: None,
        doc,
    }
}

/// The same key, with an effect only where `other` is `toml`.
const fn only_if(other: &'static str, toml: &'static str, key: Key) -> Key {
    Key {
        only_if: Some(Condition {
            key: other,
            toml: Some(toml),
        }),
        ..key
    }
}

/// The same key, with an effect only where `other` is set.
const fn only_with(other: &'static str, key: Key) -> Key {
    Key {
        only_if: Some(Condition {
            key: other,
            toml: None,
        }),
        ..key
    }
}

impl TableSpec {
    /// A variant by the value of the tag.
    pub fn variant(&self, name: &str) -> Option<&'static Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// A key of a variant, or of every variant.
    pub fn key(&self, variant: Option<&'static Variant>, name: &str) -> Option<&'static Key> {
        self.keys_of(variant).find(|key| key.name == name)
    }

    /// The keys of a variant, those of every variant first.
    pub fn keys_of(&self, variant: Option<&'static Variant>) -> impl Iterator<Item = &'static Key> {
        self.keys
            .iter()
            .chain(variant.map_or(&[] as &[Key], |variant| variant.keys))
    }
}
