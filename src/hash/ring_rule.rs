//! The rules by which real systems put servers on a ring, and find the server of a key on it.

use std::sync::Arc;

use super::function::{Function, crc32, xxh64};
use super::ring::{Ring, RingEntry, hashed_points, point_count};
use super::{
    KeyText, Server, dubbo, envoy_ring, haproxy_consistent, ketama, multi_probe, nginx_consistent,
};

/// How a ring is made, and how keys are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RingRule {
    /// Virtual nodes by the hash of the path of a server and the number of the node.
    Hashed {
        /// Points of a server of weight 1.
        virtual_node_count: u32,
        /// Of points and keys.
        function: Function,
        /// Of the hash function.
        seed: u64,
    },
    /// One point for each server, whatever its weight.
    Naive {
        /// Of points and keys.
        function: Function,
        /// Of the hash function.
        seed: u64,
    },
    /// Ketama.
    Ketama {
        /// Whether the counts are those of libketama, which depend on the weights of all, and not
        /// 160 for each unit of weight.
        is_rescaled: bool,
    },
    /// `hash ... consistent` of nginx.
    NginxConsistent,
    /// `hash-type consistent` of HAProxy.
    HaproxyConsistent,
    /// `ring_hash` of Envoy.
    Envoy {
        /// `minimum_ring_size`.
        point_count_min: u64,
        /// `maximum_ring_size`.
        point_count_max: u64,
    },
    /// `consistenthash` of Dubbo.
    Dubbo,
    /// One point for each server, for lookups with this many probes.
    MultiProbe {
        /// Probes of a key.
        probe_count: u32,
    },
}

impl RingRule {
    /// Whether points depend on the names of servers.
    pub fn hashes_names(&self) -> bool {
        match self {
            RingRule::Hashed { .. } | RingRule::Naive { .. } | RingRule::HaproxyConsistent => false,
            RingRule::Ketama { .. }
            | RingRule::NginxConsistent
            | RingRule::Envoy { .. }
            | RingRule::Dubbo
            | RingRule::MultiProbe { .. } => true,
        }
    }

    /// How many points each server has.
    pub fn point_counts(&self, servers: &[Server]) -> Vec<u32> {
        let each = |count: fn(f64) -> u32| servers.iter().map(|s| count(s.weight)).collect();
        match *self {
            RingRule::Hashed {
                virtual_node_count, ..
            } => {
                let of = |server: &Server| point_count(virtual_node_count, server.weight);
                servers.iter().map(of).collect()
            }
            RingRule::Ketama { is_rescaled: true } => ketama::rescaled_point_counts(servers),
            RingRule::Ketama { is_rescaled: false } => {
                each(|weight| point_count(ketama::POINT_COUNT, weight))
            }
            RingRule::NginxConsistent => {
                each(|weight| point_count(nginx_consistent::POINT_COUNT, weight))
            }
            RingRule::HaproxyConsistent => {
                each(|weight| point_count(haproxy_consistent::POINT_COUNT, weight))
            }
            RingRule::Envoy {
                point_count_min,
                point_count_max,
            } => envoy_ring::point_counts(servers, point_count_min, point_count_max),
            RingRule::Dubbo => vec![dubbo::POINT_COUNT; servers.len()],
            RingRule::Naive { .. } | RingRule::MultiProbe { .. } => vec![1; servers.len()],
        }
    }

    /// Adds the points of a server. Points of 32 bits are in the upper half.
    pub fn push_points(&self, server: &Server, count: u32, points: &mut Vec<(u64, u32)>) {
        let owner = server.owner;
        let upper = |point: u32| (u64::from(point) << 32, owner);
        match *self {
            RingRule::Hashed { function, seed, .. } | RingRule::Naive { function, seed } => {
                let entry = RingEntry {
                    owner,
                    name: server.name_hash,
                    point_count: count,
                };
                points.extend(hashed_points(entry, function, seed));
            }
            RingRule::Ketama { .. } => {
                points.extend(ketama::points(&server.name, count).map(upper))
            }
            RingRule::NginxConsistent => {
                points.extend(nginx_consistent::points(&server.name, count).map(upper));
            }
            RingRule::HaproxyConsistent => {
                points.extend(haproxy_consistent::points(server.number, count).map(upper));
            }
            RingRule::Envoy { .. } => {
                let of = envoy_ring::points(&server.name, count);
                points.extend(of.map(|point| (point, owner)));
            }
            RingRule::Dubbo => points.extend(dubbo::points(&server.name).map(upper)),
            RingRule::MultiProbe { .. } => points.push((multi_probe::point(&server.name), owner)),
        }
    }

    /// The ring of some servers.
    pub fn build(&self, servers: &[Server]) -> Ring {
        let counts = self.point_counts(servers);
        let mut points = Vec::with_capacity(counts.iter().map(|count| *count as usize).sum());
        for (server, count) in servers.iter().zip(counts) {
            self.push_points(server, count, &mut points);
        }
        Ring::build(points)
    }

    /// The ring of `servers`, made from the ring of `old` ones: only servers that came, left or
    /// have another number of points are hashed and merged. That is the ring built from nothing,
    /// because where points lie depends on the server alone. Both lists ascend by owner.
    pub fn derive(&self, ring: &Arc<Ring>, old: &[Server], servers: &[Server]) -> Arc<Ring> {
        let olds: Vec<_> = old.iter().zip(self.point_counts(old)).collect();
        let news: Vec<_> = servers.iter().zip(self.point_counts(servers)).collect();
        let has = |list: &[(&Server, u32)], owner: u32, count: u32| {
            let place = list.binary_search_by_key(&owner, |(server, _)| server.owner);
            place.is_ok_and(|place| list[place].1 == count)
        };
        let left = olds
            .iter()
            .filter(|(s, count)| !has(&news, s.owner, *count));
        let left: Vec<u32> = left.map(|(server, _)| server.owner).collect();
        let mut points = Vec::new();
        for (server, count) in news
            .iter()
            .filter(|(s, count)| !has(&olds, s.owner, *count))
        {
            self.push_points(server, *count, &mut points);
        }
        match (left.is_empty(), points.is_empty()) {
            (true, true) => Arc::clone(ring),
            (true, false) => Arc::new(ring.with(points)),
            (false, true) => Arc::new(ring.without(&left)),
            (false, false) => Arc::new(ring.without(&left).with(points)),
        }
    }

    /// Where the text of a key falls; for rules that hash texts.
    #[inline]
    pub fn text_hash(&self, text: &[u8]) -> u64 {
        match *self {
            RingRule::Hashed { function, seed, .. } | RingRule::Naive { function, seed } => {
                function.hash(text, seed)
            }
            RingRule::Ketama { .. } | RingRule::Dubbo => u64::from(ketama::text_hash(text)) << 32,
            RingRule::NginxConsistent => u64::from(crc32(text)) << 32,
            RingRule::HaproxyConsistent => u64::from(haproxy_consistent::text_hash(text)) << 32,
            RingRule::Envoy { .. } => xxh64(text, 0),
            RingRule::MultiProbe { .. } => multi_probe::first_probe(text),
        }
    }

    /// Where a key falls: our own rings hash its eight bytes, the lowest first, those of real
    /// systems its decimal digits.
    #[inline]
    pub fn key_hash(&self, key: u64) -> u64 {
        match *self {
            RingRule::Hashed { function, seed, .. } | RingRule::Naive { function, seed } => {
                function.hash(&key.to_le_bytes(), seed)
            }
            _ => self.text_hash(KeyText::new(key).bytes()),
        }
    }

    /// The place on the ring to which a hash belongs.
    #[inline]
    pub fn place(&self, ring: &Ring, hash: u64) -> usize {
        match self {
            RingRule::HaproxyConsistent => ring.closest_place(hash),
            // A tree map keeps the last one that was put at a point.
            RingRule::Dubbo => ring.last_place(hash),
            _ => ring.place(hash),
        }
    }

    /// The owner of the text of a key. None in an empty ring.
    pub fn text_owner(&self, ring: &Ring, text: &[u8]) -> Option<u32> {
        match *self {
            RingRule::MultiProbe { probe_count } => {
                multi_probe::owner(ring, multi_probe::probes(text, probe_count), |_| true)
            }
            _ => ring
                .walk_from(self.place(ring, self.text_hash(text)))
                .next(),
        }
    }

    /// The owner of a key. None in an empty ring.
    pub fn owner(&self, ring: &Ring, key: u64) -> Option<u32> {
        match self {
            RingRule::MultiProbe { .. } => self.text_owner(ring, KeyText::new(key).bytes()),
            _ => ring.walk_from(self.place(ring, self.key_hash(key))).next(),
        }
    }
}
