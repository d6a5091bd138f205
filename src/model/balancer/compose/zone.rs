//! Envoy's zone-aware routing.

use crate::id::ZoneId;
use crate::rng::UniformSource;

/// How many there are in a zone.
pub type ZoneCount = (ZoneId, u32);

/// How the picks of one caller spread over zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneRouting {
    /// Zones are ignored.
    Off,
    /// All go to the own zone.
    Direct,
    /// The own zone takes a part.
    Residual {
        /// Of 10,000 picks so many go to the own zone.
        local_share: u64,
        /// The zones in order, the own one first where it has instances, with the running sums of
        /// what they can take of the rest.
        capacities: Vec<(ZoneId, u64)>,
    },
}

impl ZoneRouting {
    /// Source: Envoy `load_balancer_impl.cc` (`regenerateLocalityRoutingStructures`), parts of
    /// 10,000 rounded down. `callers` are those of the whole edge, `hosts` the healthy instances;
    /// both list every zone in which there are any, healthy or not.
    pub fn new(own: ZoneId, callers: &[ZoneCount], hosts: &[ZoneCount], min_size: u32) -> Self {
        let healthy: u32 = hosts.iter().map(|(_, count)| count).sum();
        let own_callers = part(callers, own);
        if hosts.len() < 2 || callers.len() < 2 || own_callers.0 == 0 || healthy < min_size {
            return ZoneRouting::Off;
        }
        let local = own_callers.1;
        let upstream = part(hosts, own).1;
        if 0 < upstream && local <= upstream {
            return ZoneRouting::Direct;
        }
        let mut zones: Vec<ZoneId> = hosts.iter().map(|(zone, _)| *zone).collect();
        zones.sort_by_key(|zone| (*zone != own, *zone));
        let mut sum = 0;
        let capacity = |zone: ZoneId| {
            // Where nothing is healthy the callers do not matter either.
            let upstream = part(hosts, zone).1;
            if zone != own {
                sum += upstream.saturating_sub(part(callers, zone).1);
            }
            (zone, sum)
        };
        ZoneRouting::Residual {
            local_share: (upstream * 10_000).checked_div(local).unwrap_or(0),
            capacities: zones.into_iter().map(capacity).collect(),
        }
    }

    /// The zone of a pick of a caller in `own`; None: any.
    pub fn zone(&self, own: ZoneId, draw: &mut impl UniformSource) -> Option<ZoneId> {
        match self {
            ZoneRouting::Off => None,
            ZoneRouting::Direct => Some(own),
            ZoneRouting::Residual {
                local_share,
                capacities,
            } => {
                if draw.next_u64() % 10_000 < *local_share {
                    return Some(own);
                }
                let (_, total) = capacities.last().expect("there are two zones");
                if *total == 0 {
                    let place = draw.next_u64() % capacities.len() as u64;
                    return Some(capacities[place as usize].0);
                }
                let threshold = draw.next_u64() % total;
                let place = capacities.iter().position(|(_, sum)| threshold < *sum);
                place.map(|place| capacities[place].0)
            }
        }
    }
}

/// How many are in a zone, and how many of 10,000 that is.
fn part(counts: &[ZoneCount], zone: ZoneId) -> (u32, u64) {
    let total: u64 = counts.iter().map(|(_, count)| u64::from(*count)).sum();
    let own = counts.iter().find(|(of, _)| *of == zone);
    let count = own.map_or(0, |(_, count)| *count);
    let part = (10_000 * u64::from(count)).checked_div(total);
    (count, part.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Draw;

    const ZONES: [ZoneId; 3] = [ZoneId(0), ZoneId(1), ZoneId(2)];

    fn counts(counts: [u32; 3]) -> Vec<ZoneCount> {
        ZONES.into_iter().zip(counts).collect()
    }

    #[test]
    fn equal_shares_stay_at_home() {
        let routing = ZoneRouting::new(ZONES[1], &counts([3, 3, 3]), &counts([4, 4, 4]), 6);
        assert_eq!(routing, ZoneRouting::Direct);
        let few = ZoneRouting::new(ZONES[1], &counts([3, 3, 3]), &counts([1, 2, 2]), 6);
        assert_eq!(few, ZoneRouting::Off);
    }

    #[test]
    fn the_rest_goes_where_there_is_capacity() {
        // Envoy's own comment: callers 40/40/20, instances 25/50/25 -> capacities 0, 10, 15; the
        // own zone takes 25/40 of its picks.
        let routing = ZoneRouting::new(ZONES[0], &counts([4, 4, 2]), &counts([5, 10, 5]), 6);
        let expected = ZoneRouting::Residual {
            local_share: 6_250,
            capacities: vec![(ZONES[0], 0), (ZONES[1], 1_000), (ZONES[2], 1_500)],
        };
        assert_eq!(routing, expected);
        let mut picks = [0u32; 3];
        for seed in 0..30_000 {
            let zone = routing
                .zone(ZONES[0], &mut Draw::new(seed))
                .expect("zones count");
            picks[zone.0 as usize] += 1;
        }
        // Shares 0.625, 0.25 and 0.125: five standard deviations are below 440 of 30,000.
        for (count, expected) in picks.into_iter().zip([18_750u32, 7_500, 3_750]) {
            assert!(count.abs_diff(expected) < 440, "{picks:?}");
        }
    }

    #[test]
    fn a_lost_zone_sends_everything_away() {
        let routing = ZoneRouting::new(ZONES[0], &counts([3, 3, 3]), &counts([0, 4, 4]), 6);
        let expected = ZoneRouting::Residual {
            local_share: 0,
            capacities: vec![(ZONES[0], 0), (ZONES[1], 1_667), (ZONES[2], 3_334)],
        };
        assert_eq!(routing, expected);
    }
}
