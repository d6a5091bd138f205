//! Which instances a caller sees of a long list.

use crate::rng::mix;
use crate::scenario::balancer::wrappers::SubsetConfig;

/// Finagle compares lengths on its ring to this.
const EPSILON: f64 = 1e-6;

/// A caller among its peers.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its number among the callers of its call.
    pub index: u32,
    /// How many they are.
    pub count: u32,
    /// A random number of its own.
    pub seed: u64,
}

/// The places that a caller sees of a list, ascending, each with the factor of its weight. `names`
/// are the hashes of the paths of the instances.
pub fn subset(config: SubsetConfig, peer: Peer, names: &[u64]) -> Vec<(usize, f64)> {
    let whole = || (0..names.len()).map(|place| (place, 1.0)).collect();
    let mut chosen: Vec<(usize, f64)> = match config {
        SubsetConfig::DeterministicAperture { size } => aperture(size, peer, names),
        SubsetConfig::Deterministic { size } if (size as usize) < names.len() => {
            deterministic(size as usize, peer.index as usize, names)
        }
        SubsetConfig::Random { size } if (size as usize) < names.len() => {
            let mut order = ordered(names, peer.seed);
            order.truncate(size as usize);
            order.into_iter().map(|place| (place, 1.0)).collect()
        }
        SubsetConfig::Deterministic { .. } | SubsetConfig::Random { .. } => whole(),
    };
    chosen.sort_unstable_by_key(|(place, _)| *place);
    chosen
}

/// The SRE book's algorithm: each round of callers shares out one shuffled list, so that every
/// instance has one caller of each full round. What is left over when the list is cut has none.
fn deterministic(size: usize, caller: usize, names: &[u64]) -> Vec<(usize, f64)> {
    let subset_count = names.len() / size;
    let round = (caller / subset_count) as u64;
    let start = caller % subset_count * size;
    let order = ordered(names, mix(round));
    let chosen = order[start..start + size].iter();
    chosen.map(|place| (*place, 1.0)).collect()
}

/// Finagle's deterministic aperture (`DeterministicAperture.scala`, `Ring.scala`): callers and
/// instances stand on rings of length 1; each caller sees the instances from its own place on, as
/// many widths of a caller as hold the wanted number of instances. An instance of which a caller
/// sees a part has that part of its weight, so all instances are seen alike.
fn aperture(size: u32, peer: Peer, names: &[u64]) -> Vec<(usize, f64)> {
    if names.is_empty() {
        return Vec::new();
    }
    let count = names.len();
    let order = ordered(names, 0);
    let (unit, caller_unit) = (1.0 / count as f64, 1.0 / f64::from(peer.count));
    let wanted = f64::from(size).min(count as f64) * unit;
    let width = ((wanted / caller_unit).ceil() * caller_unit).min(1.0);
    let offset = f64::from(peer.index) * caller_unit;
    // A slice that goes around the ring may begin and end within one instance.
    let overlap = |begin: f64| ((begin + unit).min(offset + width) - begin.max(offset)).max(0.0);
    let part = |place: usize| {
        let begin = place as f64 * unit;
        ((overlap(begin) + overlap(begin + 1.0)) / unit).min(1.0)
    };
    if 1.0 - width <= EPSILON {
        return order.into_iter().map(|place| (place, 1.0)).collect();
    }
    let seen = order.into_iter().enumerate();
    seen.map(|(on_ring, place)| (place, part(on_ring)))
        .filter(|(_, part)| EPSILON < *part)
        .collect()
}

/// The places in a random order that depends on the names and `salt` alone.
fn ordered(names: &[u64], salt: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_cached_key(|place| (mix(names[*place] ^ mix(salt)), *place));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;

    fn names(count: u64) -> Vec<u64> {
        (0..count).map(|index| mix(index ^ 0x5eed)).collect()
    }

    fn peer(index: u32, count: u32) -> Peer {
        Peer {
            index,
            count,
            seed: mix(u64::from(index) ^ 0xca11),
        }
    }

    #[test]
    fn random_subsets_load_instances_like_a_binomial() {
        let names = names(300);
        let config = SubsetConfig::Random { size: 20 };
        let mut sums = [0.0; 2];
        let fleet_count = 300;
        for fleet in 0..fleet_count {
            let mut callers = [0u32; 300];
            for index in 0..300 {
                let seed = mix(fleet * 1_000 + index);
                let peer = Peer {
                    seed,
                    ..peer(0, 300)
                };
                for (place, _) in subset(config, peer, &names) {
                    callers[place] += 1;
                }
            }
            let mean = f64::from(callers.iter().sum::<u32>()) / 300.0;
            let off = |count: &u32| f64::from(*count) - mean;
            let square = |count: &u32| off(count) * off(count);
            let variance = callers.iter().map(square).sum::<f64>() / 300.0;
            sums[0] += mean;
            sums[1] += variance.sqrt();
        }
        for case in oracle::cases("random_subsetting") {
            let sum = match case.metric() {
                "mean_conns" => sums[0],
                _ => sums[1],
            };
            case.assert_met_by(sum / fleet_count as f64);
        }
    }

    #[test]
    fn every_round_of_callers_covers_every_instance_once() {
        let names = names(12);
        let config = SubsetConfig::Deterministic { size: 3 };
        for round in 0..5 {
            let mut seen: Vec<usize> = (0..4)
                .flat_map(|caller| subset(config, peer(round * 4 + caller, 20), &names))
                .map(|(place, _)| place)
                .collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..12).collect::<Vec<_>>());
        }
    }

    #[test]
    fn all_apertures_together_see_all_instances_alike() {
        for (caller_count, instance_count, size) in [(3, 10, 4), (7, 40, 12), (50, 13, 12)] {
            let names = names(instance_count);
            let config = SubsetConfig::DeterministicAperture { size };
            let mut weights = vec![0.0; instance_count as usize];
            for index in 0..caller_count {
                let chosen = subset(config, peer(index, caller_count), &names);
                assert!(size as usize <= chosen.len());
                let total: f64 = chosen.iter().map(|(_, part)| part).sum();
                for (place, part) in chosen {
                    weights[place] += part / total;
                }
            }
            let expected = f64::from(caller_count) / instance_count as f64;
            for weight in weights {
                assert!(
                    (weight - expected).abs() < 1e-6,
                    "{weight} is not {expected}"
                );
            }
        }
    }
}
