//! The maps that real systems made of 2,000 keys, before and after changes of their servers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::function::{sdbm, xxh64};
use super::ring_rule::RingRule;
use super::whole_weights::WholeWeights;
use super::*;

const KEY_COUNT: usize = 2_000;

fn key(index: usize) -> Vec<u8> {
    format!("key-{index}").into_bytes()
}

fn server(owner: u32, port_0: u32, weight: f64) -> Server {
    Server {
        owner,
        number: owner + 1,
        name: format!("127.0.0.1:{}", port_0 + owner),
        name_hash: 0,
        weight,
    }
}

struct Record {
    name: String,
    set: String,
    variant: String,
    value: Value,
    map: Vec<u32>,
}

fn records(file: &str, label: &str) -> Vec<Record> {
    let recording: Value = serde_json::from_str(file).expect("valid JSON");
    let of = |value: &Value| {
        let text = |key: &str| value[key].as_str().expect("a text").to_string();
        let map: Vec<u32> = value["map"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|owner| owner.as_u64().expect("a whole number") as u32)
            .collect();
        assert_eq!(map.len(), KEY_COUNT);
        Record {
            name: value[label].as_str().unwrap_or_default().to_string(),
            set: text("set"),
            variant: text("variant"),
            value: value.clone(),
            map,
        }
    };
    recording["records"]
        .as_array()
        .expect("a list")
        .iter()
        .map(of)
        .collect()
}

/// Keys of servers that stayed and that moved all the same, by set and variant.
fn needless(records: &[&Record]) -> BTreeMap<(String, String), usize> {
    let full = |set: &str| {
        let found = records.iter().find(|r| r.set == set && r.variant == "full");
        found.expect("every set has a full variant")
    };
    let of = |record: &&Record| {
        let before = &full(&record.set).map;
        let is_old = |owner: &u32| before.contains(owner);
        let stays = |owner: &u32| record.map.contains(owner);
        let moved = before
            .iter()
            .zip(&record.map)
            .filter(|(from, to)| from != to);
        let count = moved.filter(|(from, to)| stays(from) && is_old(to)).count();
        ((record.set.clone(), record.variant.clone()), count)
    };
    records.iter().map(of).collect()
}

/// The servers of a recording of nginx, and which of them are down.
fn nginx_servers(record: &Record) -> (Vec<Server>, Vec<u32>) {
    let list = record.value["servers"].as_array().expect("a list");
    let mut down = Vec::new();
    let servers = list.iter().map(|entry| {
        let owner = entry[0].as_u64().expect("a number") as u32;
        if entry[2] == "down" {
            down.push(owner);
        }
        server(owner, 19_500, entry[1].as_f64().expect("a weight"))
    });
    (servers.collect(), down)
}

#[test]
fn nginx_consistent_places_all_keys_as_nginx() {
    let file = include_str!("../../tests/data/recorded/nginx-hash-consistent.json");
    let records = records(file, "set");
    assert_eq!(records.len(), 8);
    for record in &records {
        let (servers, down) = nginx_servers(record);
        let rule = RingRule::NginxConsistent;
        let ring = rule.build(&servers);
        for (index, owner) in record.map.iter().enumerate() {
            let mut walk = ring.walk(rule.text_hash(&key(index)));
            let found = walk.find(|owner| !down.contains(owner));
            assert_eq!(
                found,
                Some(*owner),
                "{} {} {index}",
                record.set,
                record.variant
            );
        }
    }
    let moves = needless(&records.iter().collect::<Vec<_>>());
    assert!(moves.values().all(|count| *count == 0), "{moves:?}");
}

#[test]
fn nginx_hash_places_all_keys_as_nginx() {
    let file = include_str!("../../tests/data/recorded/nginx-hash-plain.json");
    let records = records(file, "set");
    assert_eq!(records.len(), 8);
    for record in &records {
        let (servers, down) = nginx_servers(record);
        let weights = WholeWeights::new(&servers);
        for (index, owner) in record.map.iter().enumerate() {
            let key = key(index);
            let tries = nginx_hash::owners(&weights, &key);
            let found = tries
                .take(nginx_hash::TRY_COUNT_MAX as usize)
                .find(|o| !down.contains(o));
            assert_eq!(
                found,
                Some(*owner),
                "{} {} {index}",
                record.set,
                record.variant
            );
        }
    }
    let moves = needless(&records.iter().collect::<Vec<_>>());
    let of = |set: &str, variant: &str| moves[&(set.to_string(), variant.to_string())];
    assert_eq!(of("3w111", "down1"), 0);
    assert_eq!(of("3w111", "removed1"), 654);
    assert_eq!(of("10wmix", "added10"), 1678);
}

/// The servers of a recording of HAProxy: those that are disabled are out.
fn haproxy_servers(record: &Record) -> Vec<Server> {
    let text = record.value["servers"].as_str().expect("a text");
    let lines = text.lines().filter(|line| !line.contains("disabled"));
    let of = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let after = |word: &str| {
            let place = words.iter().position(|w| *w == word).expect("a word");
            words[place + 1].parse::<u32>().expect("a number")
        };
        server(after("id") - 1, 19_700, f64::from(after("weight")))
    };
    lines
        .filter(|line| !line.trim().is_empty())
        .map(of)
        .collect()
}

#[test]
fn haproxy_places_all_keys_as_haproxy() {
    let file = include_str!("../../tests/data/recorded/haproxy-hash.json");
    let records = records(file, "hash_type");
    assert_eq!(records.len(), 10);
    for record in &records {
        let servers = haproxy_servers(record);
        let ring = RingRule::HaproxyConsistent.build(&servers);
        let map = haproxy_map::entries(&servers);
        let is_uri = record.value["balance"] == "uri";
        for (index, owner) in record.map.iter().enumerate() {
            // `balance uri` hashes the path of the request.
            let text = if is_uri { uri(index) } else { key(index) };
            let found = match record.name.as_str() {
                "consistent" => RingRule::HaproxyConsistent.text_owner(&ring, &text),
                _ => Some(map[sdbm(&text) as usize % map.len()]),
            };
            let place = (&record.name, &record.set, &record.variant);
            assert_eq!(found, Some(*owner), "{place:?} {index}");
        }
    }
}

fn uri(index: usize) -> Vec<u8> {
    format!("/key-{index}").into_bytes()
}

#[test]
fn haproxy_moves_needlessly_only_with_a_map() {
    let file = include_str!("../../tests/data/recorded/haproxy-hash.json");
    let all = records(file, "hash_type");
    let of = |name: &str| {
        let chosen = all
            .iter()
            .filter(|r| r.name == name && r.value["balance"] != "uri");
        needless(&chosen.collect::<Vec<_>>())
    };
    assert!(of("consistent").values().all(|count| *count == 0));
    let map = of("map-based");
    let count = |variant: &str| map[&("3w111".to_string(), variant.to_string())];
    assert_eq!(
        [count("down"), count("removed"), count("added")],
        [670, 670, 1001]
    );
}

fn envoy_servers(record: &Record) -> Vec<Server> {
    let list = record.value["endpoints"].as_array().expect("a list");
    let of = |entry: &Value| {
        let owner = entry[0].as_u64().expect("a number") as u32;
        server(owner, 21_500, entry[1].as_f64().expect("a weight"))
    };
    list.iter().map(of).collect()
}

#[test]
fn envoy_places_all_keys_as_envoy() {
    let file = include_str!("../../tests/data/recorded/envoy-hash.json");
    let records = records(file, "lb");
    assert_eq!(records.len(), 6);
    let rule = RingRule::Envoy {
        point_count_min: envoy_ring::POINT_COUNT_MIN,
        point_count_max: envoy_ring::POINT_COUNT_MAX,
    };
    for record in &records {
        let servers = envoy_servers(record);
        let ring = rule.build(&servers);
        let table = maglev::table(&servers, maglev::TABLE_SIZE);
        for (index, owner) in record.map.iter().enumerate() {
            let key = key(index);
            let found = match record.name.as_str() {
                "RING_HASH" => rule.text_owner(&ring, &key),
                _ => Some(table[maglev::slot(xxh64(&key, 0), 0, maglev::TABLE_SIZE)]),
            };
            assert_eq!(
                found,
                Some(*owner),
                "{} {} {index}",
                record.name,
                record.variant
            );
        }
    }
    let of = |name: &str| {
        needless(
            &records
                .iter()
                .filter(|r| r.name == name)
                .collect::<Vec<_>>(),
        )
    };
    let counts = |name: &str| {
        let moves = of(name);
        ["removed", "added"].map(|v| moves[&("3w111".to_string(), v.to_string())])
    };
    assert_eq!(counts("RING_HASH"), [193, 228]);
    assert_eq!(counts("MAGLEV"), [2, 2]);
}

/// The servers of the ring after the hot key, each once, clockwise: with a balance factor the key
/// spills to the first of them that has a slot.
#[test]
fn haproxy_spills_a_hot_key_in_the_order_of_the_ring() {
    let file = include_str!("../../tests/data/recorded/haproxy-hash-balance-factor.json");
    let recording: Value = serde_json::from_str(file).expect("valid JSON");
    let servers: Vec<Server> = (0..5).map(|owner| server(owner, 19_720, 1.0)).collect();
    let rule = RingRule::HaproxyConsistent;
    let ring = rule.build(&servers);
    let place = rule.place(&ring, rule.text_hash(b"hot"));
    let mut order: Vec<u32> = Vec::new();
    for owner in ring.walk_from(place) {
        if !order.contains(&owner) {
            order.push(owner);
        }
    }
    assert_eq!(order, [4, 1, 0, 2, 3]);
    let records = recording["records"].as_array().expect("a list");
    assert_eq!(records.len(), 8);
    for record in records {
        let hot = record["hot"].as_object().expect("a table");
        let used: Vec<u32> = hot
            .keys()
            .map(|name| name.parse().expect("a number"))
            .collect();
        let mut first = order[..used.len()].to_vec();
        first.sort_unstable();
        assert_eq!(used, first, "{}", record["factor"]);
        assert!(!record["factor"].is_null() || used == [4]);
    }
}
