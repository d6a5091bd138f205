//! Rings and tables of third-party packages, and the vectors that projects publish.

use super::function::{md5, murmur3_32, siphash24, xxh64};
use super::ring::Ring;
use super::ring_rule::RingRule;
use super::*;
use crate::oracle::{self, Case};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn server(owner: u32, name: String, weight: f64) -> Server {
    Server {
        owner,
        number: owner + 1,
        name,
        name_hash: 0,
        weight,
    }
}

/// The nodes of the golden files.
fn nodes(count: u32, is_weighted: bool) -> Vec<Server> {
    let of = |owner: u32| {
        let weight = if is_weighted { 1 + owner % 4 } else { 1 };
        server(
            owner,
            format!("10.0.0.{}:8080", owner + 1),
            f64::from(weight),
        )
    };
    (0..count).map(of).collect()
}

const FILES: [(u32, bool, &str); 6] = [
    (
        3,
        false,
        include_str!("../../tests/data/golden/ring_n3.csv"),
    ),
    (
        3,
        true,
        include_str!("../../tests/data/golden/ring_n3_weighted.csv"),
    ),
    (
        10,
        false,
        include_str!("../../tests/data/golden/ring_n10.csv"),
    ),
    (
        10,
        true,
        include_str!("../../tests/data/golden/ring_n10_weighted.csv"),
    ),
    (
        50,
        false,
        include_str!("../../tests/data/golden/ring_n50.csv"),
    ),
    (
        50,
        true,
        include_str!("../../tests/data/golden/ring_n50_weighted.csv"),
    ),
];

/// uhashring hashes with all of MD5 (128 bits), which no strategy does.
const NOT_OFFERED: &str = "uhashring-2.5 default(md5 128-bit,160 vnodes)";

type Finder = Box<dyn Fn(&str) -> u32>;

/// How a scheme of the golden files finds the owner of a key; None where it is not offered.
fn finder(scheme: &str, servers: Vec<Server>) -> Option<Finder> {
    let on_ring = |rule: RingRule, servers: Vec<Server>| -> Finder {
        let ring = rule.build(&servers);
        Box::new(move |key| rule.text_owner(&ring, key.as_bytes()).expect("owners"))
    };
    Some(match scheme {
        NOT_OFFERED => return None,
        "libketama(own,certified)" | "uhashring-2.5 hash_fn=ketama" => {
            on_ring(RingRule::Ketama { is_rescaled: true }, servers)
        }
        "nginx hash consistent(own,certified)" => on_ring(RingRule::NginxConsistent, servers),
        "mpchash k=21 siphash24 seeds 1,2(own,certified)" => {
            on_ring(RingRule::MultiProbe { probe_count: 21 }, servers)
        }
        "jump-consistent-hash-3.6(xxh64(key,seed 0))" => {
            Box::new(move |key| jump::bucket(xxh64(key.as_bytes(), 0), servers.len() as u32))
        }
        "maglev M=65537 go-maglev offsets, slot=xxh64(key) mod M(own,certified)" => {
            let table = go_maglev(&servers, maglev::TABLE_SIZE);
            Box::new(move |key| {
                table[(xxh64(key.as_bytes(), 0) % u64::from(maglev::TABLE_SIZE)) as usize]
            })
        }
        "pymemcache-4 RendezvousHash(murmur3_32 of 'node-key')" => Box::new(move |key| {
            let score = |s: &Server| murmur3_32(format!("{}-{key}", s.name).as_bytes(), 0);
            rendezvous::highest(servers.iter().map(|s| (s.owner, score(s)))).expect("owners")
        }),
        other => panic!("unknown scheme {other}"),
    })
}

/// The permutations of go-maglev: halves of SipHash-2-4.
fn go_maglev(servers: &[Server], table_size: u32) -> Vec<u32> {
    let size = u64::from(table_size);
    let permutation = |server: &Server| {
        let hash = siphash24(server.name.as_bytes(), 0xdead_beef_cafe_babe, 0);
        maglev::Permutation {
            offset: (hash >> 32) % size,
            skip: (hash & 0xffff_ffff) % (size - 1) + 1,
            weight: server.weight,
            owner: server.owner,
        }
    };
    maglev::fill(servers.iter().map(permutation).collect(), table_size)
}

#[test]
fn rings_give_the_maps_of_other_packages() {
    for (count, is_weighted, file) in FILES {
        let mut reader = csv::Reader::from_reader(file.as_bytes());
        let schemes = reader.headers().expect("a header").clone();
        let rows: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
        assert_eq!(rows.len(), 1000);
        for (column, scheme) in schemes.iter().enumerate().skip(1) {
            let servers = nodes(count, is_weighted);
            let Some(find) = finder(scheme, servers.clone()) else {
                continue;
            };
            for row in &rows {
                let name = &servers[find(&row[0]) as usize].name;
                assert_eq!(
                    name, &row[column],
                    "{scheme} {count} {is_weighted} {}",
                    &row[0]
                );
            }
        }
    }
}

#[test]
fn rings_give_the_published_digests() {
    let mut count = 0;
    for case in oracle::cases("golden_ring") {
        let text = |name: &str| case.param(name).as_str().expect("a text");
        let servers = nodes(case.count("n") as u32, text("weights") != "1");
        let Some(find) = finder(text("scheme"), servers.clone()) else {
            continue;
        };
        let line = |index: u32| {
            let key = format!("key-{index}");
            format!("{key},{}\n", servers[find(&key) as usize].name)
        };
        let lines: String = (0..1000).map(line).collect();
        assert_eq!(hex(&md5(lines.as_bytes())), case.text(), "{}", case.id());
        count += 1;
    }
    assert_eq!(count, 30);
}

#[test]
fn jump_gives_the_table_of_another_package() {
    let file = include_str!("../../tests/data/golden/jump_hash.csv");
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let mut count = 0;
    for row in reader.records() {
        let row = row.expect("a row");
        let number = |column: usize| row[column].parse::<u64>().expect("a number");
        assert_eq!(
            u64::from(jump::bucket(number(0), number(1) as u32)),
            number(2)
        );
        count += 1;
    }
    for case in oracle::cases("golden_jump") {
        assert_eq!(case.count("rows"), count);
        let body = file.split_once('\n').expect("a header").1;
        let digests =
            [file, body, body.trim_end(), file.trim_end()].map(|t| hex(&md5(t.as_bytes())));
        assert!(
            digests.iter().any(|digest| digest == case.text()),
            "{digests:?}"
        );
    }
}

#[test]
fn jump_gives_the_vectors_of_the_reference() {
    let vectors = [
        (1, 1, 0),
        (42, 57, 43),
        (0xDEAD_10CC, 1, 0),
        (0xDEAD_10CC, 666, 361),
        (256, 1024, 520),
    ];
    for (key, count, bucket) in vectors {
        assert_eq!(jump::bucket(key, count), bucket);
    }
}

fn published(origin: &str) -> Vec<Case> {
    let all = oracle::cases("published_vector").into_iter();
    let found: Vec<Case> = all.filter(|case| case.param("origin") == origin).collect();
    assert!(!found.is_empty(), "no vector of {origin}");
    found
}

fn numbers(case: &Case) -> Vec<u32> {
    let number = |value: &serde_json::Value| value.as_u64().expect("a number") as u32;
    case.list().iter().map(number).collect()
}

#[test]
fn jump_gives_the_published_vectors() {
    for case in published("Guava consistentHash / jump") {
        let buckets: Vec<u32> = (0..20).map(|key| jump::bucket(key, 100)).collect();
        assert_eq!(buckets, numbers(&case));
    }
    for case in published("jump reference C++ via go-jump") {
        let buckets: Vec<u32> = (1..20)
            .map(|count| jump::bucket(0xdead_beef, count))
            .collect();
        assert_eq!(buckets, numbers(&case));
    }
}

#[test]
fn maglev_gives_the_published_table() {
    for case in published("go-maglev") {
        let servers = (0..3).map(|owner| server(owner, format!("backend-{owner}"), 1.0));
        let table = go_maglev(&servers.collect::<Vec<_>>(), 7);
        assert_eq!(table, numbers(&case));
    }
}

fn ketama_ring(servers: &[(&str, f64)]) -> (Vec<Server>, Ring) {
    let of = |(owner, (name, weight)): (usize, &(&str, f64))| {
        server(owner as u32, (*name).to_string(), *weight)
    };
    let servers: Vec<Server> = servers.iter().enumerate().map(of).collect();
    let ring = RingRule::Ketama { is_rescaled: true }.build(&servers);
    (servers, ring)
}

#[test]
fn ketama_gives_the_vectors_of_libketama() {
    for case in published("libketama tests.py") {
        let hash = ketama::text_hash(b"test");
        if case.metric() == "hashi" {
            assert_eq!(f64::from(hash), case.value());
            continue;
        }
        let (servers, ring) =
            ketama_ring(&[("127.0.0.1:11211", 600.0), ("127.0.0.1:11212", 400.0)]);
        let found = ring.placed_from(ring.place(u64::from(hash) << 32)).next();
        let (point, owner) = found.expect("points");
        assert_eq!(Some(point >> 32), case.list()[0].as_u64());
        assert_eq!(case.list()[1], servers[owner as usize].name.as_str());
    }
}

#[test]
fn ketama_gives_the_million_lookups_of_libketama() {
    let weights = [600, 300, 200, 350, 1000, 800, 950, 100].map(f64::from);
    let names: Vec<String> = (1..=8).map(|n| format!("10.0.1.{n}:11211")).collect();
    let list: Vec<(&str, f64)> = names.iter().map(String::as_str).zip(weights).collect();
    let (servers, ring) = ketama_ring(&list);
    assert_eq!(ring.point_count(), 1264);
    for case in published("libketama test.sh") {
        let mut lines = String::from("\n");
        for key in 0..1_000_000u32 {
            let hash = ketama::text_hash(key.to_string().as_bytes());
            let found = ring.placed_from(ring.place(u64::from(hash) << 32)).next();
            let (point, owner) = found.expect("points");
            let name = &servers[owner as usize].name;
            lines += &format!("{hash} {} {name}\n", point >> 32);
        }
        assert_eq!(hex(&md5(lines.as_bytes())), case.text());
    }
}

#[test]
fn ketama_gives_the_counts_of_go_ketama() {
    for case in published("go-ketama") {
        let names: Vec<String> = (1..=10).map(|n| format!("server{n}")).collect();
        let list: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 1.0)).collect();
        let (_, ring) = ketama_ring(&list);
        let mut counts = vec![0; 10];
        for key in 0..100_000 {
            let hash = ketama::text_hash(format!("foo{key}").as_bytes());
            counts[ring.owner(u64::from(hash) << 32) as usize] += 1;
        }
        assert_eq!(counts, numbers(&case));
    }
}
