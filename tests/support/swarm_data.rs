//! Random data that instances keep.

use crate::dice::Dice;

/// What draws the data of the scenario of a seed.
pub fn dice(seed: u64) -> Dice {
    Dice::new(seed ^ 0x4441_5441 << 32)
}

/// The data of a service whose groups are in these zones.
pub fn of_service(dice: &mut Dice, mut zones: Vec<&str>, instance_count: u64) -> String {
    zones.sort_unstable();
    zones.dedup();
    let is_distinct = dice.flag();
    let place_count = match is_distinct {
        true => zones.len() as u64,
        false => instance_count,
    };
    format!(
        "keys = {}\nbytes_per_key = \"{}B\"\nreplicas = {}\nrebuild_bandwidth = \"{}KB/s\"\n\
         distinct_zones = {is_distinct}\nvirtual_node_count = {}",
        dice.between(1, 50_000),
        dice.between(1, 1_000),
        dice.between(1, place_count.min(3)),
        dice.between(1, 20_000),
        dice.between(1, 20)
    )
}
