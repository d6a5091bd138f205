//! Strategies by key for random scenarios.

use super::dice::Dice;

/// Strategies by key.
const KEYED: [&str; 16] = [
    "\"modulo\"",
    "\"ketama\"",
    "{ policy = \"ketama\", rescaled = true }",
    "\"nginx_hash\"",
    "\"nginx_hash_consistent\"",
    "\"nginx_ip_hash\"",
    "{ policy = \"haproxy_balance_factor\", factor = 110 }",
    "\"haproxy_map_based\"",
    "{ policy = \"envoy_ring_hash\", hash_balance_factor = 110 }",
    "{ policy = \"maglev\", table_size = 251 }",
    "\"rendezvous\"",
    "\"jump\"",
    "\"multi_probe\"",
    "\"anchor\"",
    "\"bounded_load\"",
    "\"dubbo_consistent_hash\"",
];

/// One of them.
pub fn policy(dice: &mut Dice) -> String {
    dice.pick(&KEYED).to_string()
}
