//! Where all keys of a strategy belong, as long as nothing is in flight and nothing was tried: what
//! each server owns, and what a change of the servers moves.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::anchor::Anchored;
use super::function::{sdbm, xxh64};
use super::ring::{self, Move, Ring};
use super::ring_rule::RingRule;
use super::slots::SlotRule;
use super::whole_weights::WholeWeights;
use super::{KeyText, Server, jump, key_hash, maglev, nginx_hash, nginx_ip_hash, rendezvous};

/// How keys are placed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlacementRule {
    /// On a ring.
    Ring(RingRule),
    /// In a table.
    Slots(SlotRule),
    /// nginx `hash`.
    NginxHash,
    /// nginx `ip_hash`.
    NginxIpHash,
    /// By the highest score.
    Rendezvous,
    /// Jump consistent hash.
    Jump,
    /// Modulo the number of servers.
    Modulo,
    /// AnchorHash.
    Anchor {
        /// Most servers.
        capacity: Option<u32>,
    },
}

/// The places of some servers.
#[derive(Clone, Debug)]
pub struct Placement {
    rule: PlacementRule,
    servers: Vec<Server>,
    table: Table,
}

#[derive(Clone, Debug)]
enum Table {
    Ring(Ring),
    Slots(Vec<u32>),
    Weights(WholeWeights),
    Anchored(Anchored),
    /// The servers say it all, or there are none.
    Nothing,
}

/// A ring as it is drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Circle {
    /// The owner of the middle of each of many equal parts, from hash 0 on.
    pub sectors: Vec<u32>,
    /// Points of the ring.
    pub point_count: u64,
    /// Where they lie, as a share of a turn; empty where they are too many to be seen.
    pub points: Vec<f64>,
}

/// Points that are told one by one.
const POINT_COUNT_MAX: usize = 400;

/// Values of the first hash of nginx `hash`.
const NGINX_HASH_COUNT: u64 = 1 << 15;

/// Keys that are looked up where shares are not computed exactly, and the most scores for them.
const PROBE_COUNT: u64 = 1 << 16;
const PROBE_SCORE_COUNT_MAX: u64 = 1 << 26;
const PROBE_COUNT_MIN: u64 = 1 << 10;

/// The seed of these keys.
const PROBE_SEED: u64 = 0x5052_4f42_4553;

impl Placement {
    /// The places of `servers`, which ascend by owner.
    pub fn new(rule: PlacementRule, servers: Vec<Server>) -> Self {
        let table = match rule {
            _ if servers.is_empty() => Table::Nothing,
            PlacementRule::Ring(rule) => Table::Ring(rule.build(&servers)),
            PlacementRule::Slots(rule) => Table::Slots(rule.build(&servers)),
            PlacementRule::NginxHash | PlacementRule::NginxIpHash => {
                Table::Weights(WholeWeights::new(&servers))
            }
            PlacementRule::Anchor { capacity } => {
                Table::Anchored(Anchored::new(&owners(&servers), capacity))
            }
            PlacementRule::Rendezvous | PlacementRule::Jump | PlacementRule::Modulo => {
                Table::Nothing
            }
        };
        Placement {
            rule,
            servers,
            table,
        }
    }

    /// After a change to `servers`, which ascend by owner. Only the buckets of AnchorHash depend on
    /// what was before.
    pub fn changed(&self, servers: Vec<Server>) -> Self {
        match &self.table {
            Table::Anchored(anchored) if !servers.is_empty() => Placement {
                rule: self.rule,
                table: Table::Anchored(anchored.changed(&owners(&servers))),
                servers,
            },
            _ => Placement::new(self.rule, servers),
        }
    }

    /// Whether there are no servers.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// Points or slots that it is made of, or servers where it has neither.
    pub fn table_size(&self) -> usize {
        match &self.table {
            Table::Ring(ring) => ring.point_count(),
            Table::Slots(slots) => slots.len(),
            Table::Weights(_) | Table::Anchored(_) | Table::Nothing => self.servers.len(),
        }
    }

    /// Scores, points or slots that one lookup takes, roughly.
    pub fn lookup_cost(&self) -> u64 {
        match self.rule {
            PlacementRule::Rendezvous => self.servers.len() as u64,
            PlacementRule::Ring(RingRule::MultiProbe { probe_count }) => u64::from(probe_count),
            _ => 1,
        }
    }

    /// The owner of `key`.
    ///
    /// # Panics
    ///
    /// If there are no servers.
    pub fn owner(&self, key: u64) -> u32 {
        let text = KeyText::new(key);
        match (self.rule, &self.table) {
            (PlacementRule::Ring(rule), Table::Ring(ring)) => {
                rule.owner(ring, key).expect("a ring of servers has points")
            }
            (PlacementRule::Slots(rule), Table::Slots(slots)) => match rule {
                SlotRule::HaproxyMap => slots[sdbm(text.bytes()) as usize % slots.len()],
                SlotRule::Maglev { table_size } => {
                    slots[maglev::slot(xxh64(text.bytes(), 0), 0, table_size)]
                }
            },
            (PlacementRule::NginxHash, Table::Weights(weights)) => {
                first(nginx_hash::owners(weights, text.bytes()))
            }
            (PlacementRule::NginxIpHash, Table::Weights(weights)) => {
                first(nginx_ip_hash::owners(weights, (key as u32).to_be_bytes()))
            }
            (PlacementRule::Anchor { .. }, Table::Anchored(anchored)) => anchored.owner(key),
            (PlacementRule::Jump, _) => {
                let count = u32::try_from(self.servers.len()).expect("servers fit in 32 bits");
                self.servers[jump::bucket(key_hash(key, 0), count) as usize].owner
            }
            (PlacementRule::Modulo, _) => {
                let place = key_hash(key, 0) % self.servers.len() as u64;
                self.servers[place as usize].owner
            }
            (PlacementRule::Rendezvous, _) => self.highest(key),
            _ => unreachable!("an empty placement has no owners"),
        }
    }

    fn highest(&self, key: u64) -> u32 {
        let score = |server: &Server| {
            let score = rendezvous::score(key, server.name_hash);
            rendezvous::weighted_score(score, server.weight)
        };
        let scored = self
            .servers
            .iter()
            .map(|server| (server.owner, score(server)));
        rendezvous::highest(scored).expect("there are servers")
    }

    /// The ring whose arcs, clockwise, are what owners own.
    fn arcs(&self) -> Option<Cow<'_, Ring>> {
        match (self.rule, &self.table) {
            (PlacementRule::Ring(rule), Table::Ring(ring)) => match rule {
                RingRule::HaproxyConsistent => Some(Cow::Owned(ring.of_closest())),
                RingRule::Dubbo => Some(Cow::Owned(ring.of_last())),
                RingRule::MultiProbe { .. } => None,
                RingRule::Hashed { .. }
                | RingRule::Naive { .. }
                | RingRule::Ketama { .. }
                | RingRule::NginxConsistent
                | RingRule::Envoy { .. } => Some(Cow::Borrowed(ring)),
            },
            _ => None,
        }
    }

    /// The owners of equally likely values of the hash, where there are few enough.
    fn values(&self) -> Option<Vec<u32>> {
        match (self.rule, &self.table) {
            (PlacementRule::Slots(_), Table::Slots(slots)) => Some(slots.clone()),
            (PlacementRule::NginxHash, Table::Weights(weights)) => Some(
                (0..NGINX_HASH_COUNT)
                    .map(|hash| weights.owner(hash))
                    .collect(),
            ),
            _ => None,
        }
    }

    /// How many keys are looked up where nothing is exact: 65,536, or fewer where each lookup takes
    /// long.
    fn probe_count(&self) -> u64 {
        let by_scores = PROBE_SCORE_COUNT_MAX / self.lookup_cost().max(1);
        by_scores.clamp(PROBE_COUNT_MIN, PROBE_COUNT)
    }

    /// The share of the keys that each owner has, ascending by owner: exact arcs of rings, slots of
    /// tables, the weights of rendezvous hashing; of the others, shares of 65,536 keys.
    pub fn ownership(&self) -> Vec<(u32, f64)> {
        if self.is_empty() {
            return Vec::new();
        }
        if self.rule == PlacementRule::Rendezvous {
            let total: f64 = self.servers.iter().map(|server| server.weight).sum();
            let share = |server: &Server| (server.owner, server.weight / total);
            return self.servers.iter().map(share).collect();
        }
        if let Some(ring) = self.arcs() {
            return ring.ownership();
        }
        let owners = self
            .values()
            .unwrap_or_else(|| self.probed(self.probe_count()));
        let mut counts: Vec<(u32, u64)> = self.servers.iter().map(|s| (s.owner, 0)).collect();
        for owner in &owners {
            let place = counts.binary_search_by_key(owner, |(owner, _)| *owner);
            counts[place.expect("an owner is a server")].1 += 1;
        }
        let share = |(owner, count)| (owner, count as f64 / owners.len() as f64);
        counts.into_iter().map(share).collect()
    }

    /// The circle of a placement on a ring, in `sector_count` equal parts; None of other placements
    /// and without servers.
    pub fn circle(&self, sector_count: u32) -> Option<Circle> {
        let ring = self.arcs().filter(|_| !self.is_empty())?;
        let Table::Ring(own) = &self.table else {
            return None;
        };
        let width = u64::MAX / u64::from(sector_count);
        let middle = |sector: u32| u64::from(sector) * width + width / 2;
        let point_count = own.point_count();
        let points = match point_count <= POINT_COUNT_MAX {
            true => own
                .placed_from(0)
                .map(|(point, _)| turn_of(point))
                .collect(),
            false => Vec::new(),
        };
        Some(Circle {
            sectors: (0..sector_count).map(|s| ring.owner(middle(s))).collect(),
            point_count: point_count as u64,
            points,
        })
    }

    fn probed(&self, count: u64) -> Vec<u32> {
        (0..count)
            .map(|index| self.owner(key_hash(index, PROBE_SEED)))
            .collect()
    }
}

fn turn_of(point: u64) -> f64 {
    point as f64 / (1_u128 << 64) as f64
}

fn owners(servers: &[Server]) -> Vec<u32> {
    servers.iter().map(|server| server.owner).collect()
}

fn first(mut owners: impl Iterator<Item = u32>) -> u32 {
    owners.next().expect("tries do not end")
}

/// The share of the keys whose owner is not the same in `before` and `after`, as exact as their
/// shares are; of rendezvous hashing and of tables whose lengths differ by up to 65,536 keys. One
/// when just one of the two is empty.
pub fn moved_ratio(before: &Placement, after: &Placement) -> f64 {
    if before.is_empty() || after.is_empty() {
        return f64::from(u8::from(before.is_empty() != after.is_empty()));
    }
    if let (Some(before), Some(after)) = (before.arcs(), after.arcs()) {
        return ring::moved_ratio(&before, &after);
    }
    let (before, after) = owners_of_equal_keys(before, after);
    let moved = before.iter().zip(&after).filter(|(b, a)| b != a).count();
    moved as f64 / before.len() as f64
}

/// What owners take over from each other, ascending by owner before and after, as exact as
/// [`moved_ratio`]. None where one of the two is empty.
pub fn moves(before: &Placement, after: &Placement) -> Vec<Move> {
    if before.is_empty() || after.is_empty() {
        return Vec::new();
    }
    if let (Some(before), Some(after)) = (before.arcs(), after.arcs()) {
        return ring::moves(&before, &after);
    }
    let (before, after) = owners_of_equal_keys(before, after);
    let mut counts: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    for (from, to) in before.iter().zip(&after).filter(|(b, a)| b != a) {
        *counts.entry((*from, *to)).or_default() += 1;
    }
    let move_of = |((from, to), count)| Move {
        from,
        to,
        ratio: count as f64 / before.len() as f64,
    };
    counts.into_iter().map(move_of).collect()
}

/// The owners of the same keys before and after, neither empty.
fn owners_of_equal_keys(before: &Placement, after: &Placement) -> (Vec<u32>, Vec<u32>) {
    let values = before.values().zip(after.values());
    let equal = values.filter(|(before, after)| before.len() == after.len());
    equal.unwrap_or_else(|| {
        let count = before.probe_count().min(after.probe_count());
        (before.probed(count), after.probed(count))
    })
}
