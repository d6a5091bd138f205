use super::*;
use crate::oracle;

fn bytes_of_hex(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hexadecimal");
    }
    bytes
}

#[test]
fn chacha_words_are_the_published_keystream() {
    let mut checked = 0;
    for case in oracle::cases("chacha_words") {
        if case.count("rounds") != 8 {
            continue;
        }
        let seed = bytes_of_hex(case.param("seed").as_str().expect("a seed"));
        let mut rng = ChaCha8Rng::from_seed(seed);
        rng.set_stream(case.count("stream"));
        for word in case.list() {
            assert_eq!(format!("{:08x}", rng.next_u32()), *word);
        }
        checked += 1;
    }
    assert!(checked > 0);
}

#[test]
fn recorded_vectors_of_chacha8_hold() {
    let text = include_str!("../../tests/data/oracles/rust_rng_vectors.csv");
    let mut checked = 0;
    for line in text.lines().filter(|l| l.contains(",chacha8,")) {
        let fields: Vec<&str> = line.split(',').collect();
        let (seeding, call, outputs) = (fields[2], fields[3], fields[4]);
        let mut rng = seeded_like(seeding);
        for output in outputs.split(' ') {
            match call {
                "next_u32x40" => assert_eq!(format!("{:08x}", rng.next_u32()), output),
                "next_u64x12" => assert_eq!(rng.next_u64().to_string(), output),
                _ => continue,
            }
            checked += 1;
        }
    }
    assert!(checked >= 6 * 40 + 2 * 12);
}

/// The generator of a row such as `seed_from_u64:42` or `from_seed:counting:stream=1`.
fn seeded_like(seeding: &str) -> ChaCha8Rng {
    let parts: Vec<&str> = seeding.split(':').collect();
    if parts[0] == "seed_from_u64" {
        return ChaCha8Rng::seed_from_u64(parts[1].parse().expect("a seed"));
    }
    let seed = match parts[1] {
        "zero" => [0; 32],
        "counting" => std::array::from_fn(|i| i as u8),
        other => panic!("unknown seed {other}"),
    };
    let mut rng = ChaCha8Rng::from_seed(seed);
    let stream = parts[2].strip_prefix("stream=").expect("a stream");
    rng.set_stream(stream.parse().expect("a number"));
    rng
}

#[test]
fn seeds_expand_as_published() {
    for case in oracle::cases("seed_from_u64") {
        let state = case.count("state");
        let seed = bytes_of_hex(case.text());
        assert_eq!(Streams::new(state).key, seed);
    }
    for case in oracle::cases("chacha8_seed_from_u64") {
        let mut rng = ChaCha8Rng::seed_from_u64(case.count("state"));
        for word in case.list() {
            assert_eq!(rng.next_u64().to_string(), *word);
        }
    }
}

#[test]
fn draws_are_the_published_splitmix64() {
    for case in oracle::cases("splitmix64") {
        let mut draw = Draw::new(case.count("seed"));
        if case.metric() == "first5" {
            for word in case.list() {
                assert_eq!(draw.next_u64().to_string(), *word);
            }
        } else {
            for value in case.list() {
                // The JSON reader may round the last bit of a decimal number wrongly.
                let published = value.as_f64().expect("a number");
                assert!((draw.uniform() - published).abs() <= f64::EPSILON * published);
            }
        }
    }
}

#[test]
fn path_hashes_are_published_xxh64() {
    assert_eq!(path_hash(""), 0xef46_db37_51d8_e999);
    assert_eq!(path_hash("abc"), 0x44bc_2cf5_ad77_0999);
    assert_eq!(path_hash("hello world"), 0x45ab_6734_b21e_6968);
}

#[test]
fn order_of_calls_does_not_matter() {
    let streams = Streams::new(7);
    let mut first = streams.stream(Purpose::Arrival, 1);
    let word = first.next_u64();
    streams.stream(Purpose::Key, 1).next_u64();
    assert_eq!(streams.stream(Purpose::Arrival, 1).next_u64(), word);
    assert_eq!(Streams::new(7).stream(Purpose::Arrival, 1).next_u64(), word);
    assert_ne!(Streams::new(8).stream(Purpose::Arrival, 1).next_u64(), word);
    assert_ne!(streams.stream(Purpose::Arrival, 2).next_u64(), word);
    assert_ne!(streams.stream(Purpose::Key, 1).next_u64(), word);
}

#[test]
fn every_part_of_a_key_changes_the_draw() {
    let streams = Streams::new(7);
    let words = [
        streams.draw(Purpose::Pick, 5, 1, 2),
        streams.draw(Purpose::Key, 5, 1, 2),
        streams.draw(Purpose::Pick, 6, 1, 2),
        streams.draw(Purpose::Pick, 5, 2, 1),
        streams.draw(Purpose::Pick, 5, 1, 1),
        Streams::new(8).draw(Purpose::Pick, 5, 1, 2),
    ]
    .map(|mut draw| draw.next_u64());
    for i in 0..words.len() {
        for j in 0..i {
            assert_ne!(words[i], words[j], "draws {i} and {j}");
        }
    }
}

/// Chi-squared statistic of `values` in 256 equal cells of `[0, 1)`.
fn chi_squared_of(values: impl Iterator<Item = f64>) -> f64 {
    let mut counts = [0.0; 256];
    let mut total = 0.0;
    for value in values {
        counts[(value * 256.0) as usize] += 1.0;
        total += 1.0;
    }
    let expected = total / 256.0;
    counts
        .iter()
        .map(|c: &f64| (c - expected) * (c - expected) / expected)
        .sum()
}

#[test]
fn keyed_draws_are_uniform_along_every_part_of_the_key() {
    // The 99.99 % point of chi-squared with 255 degrees of freedom is 347.7 (scipy.stats.chi2).
    let streams = Streams::new(3);
    let count = 100_000u32;
    let along: [fn(&Streams, u32) -> Draw; 4] = [
        |s, i| s.draw(Purpose::Key, u64::from(i), 0, 0),
        |s, i| s.draw(Purpose::Key, u64::from(i) << 40, 0, 0),
        |s, i| s.draw(Purpose::Key, 9, i, 0),
        |s, i| s.draw(Purpose::Key, 9, 0, i),
    ];
    for (part, draw) in along.iter().enumerate() {
        let statistic = chi_squared_of((0..count).map(|i| draw(&streams, i).uniform()));
        assert!(statistic < 347.7, "part {part}: {statistic}");
    }
}

#[test]
fn neighbouring_draws_are_uncorrelated() {
    // The correlation of n independent pairs has standard deviation 1/sqrt(n) = 0.0032.
    let streams = Streams::new(4);
    type Pair = fn(&Streams, u64) -> (Draw, Draw);
    let pairs: [Pair; 3] = [
        |s, i| (s.draw(Purpose::Key, i, 0, 0), s.draw(Purpose::Key, i, 1, 0)),
        |s, i| (s.draw(Purpose::Key, i, 0, 0), s.draw(Purpose::Key, i, 0, 1)),
        |s, i| {
            (
                s.draw(Purpose::Key, i, 0, 0),
                s.draw(Purpose::Key, i + 1, 0, 0),
            )
        },
    ];
    for (number, pair) in pairs.iter().enumerate() {
        let covariance = (0..100_000)
            .map(|i| {
                let (mut a, mut b) = pair(&streams, i);
                (a.uniform() - 0.5) * (b.uniform() - 0.5)
            })
            .sum::<f64>()
            / 100_000.0;
        let correlation = covariance * 12.0;
        assert!(
            correlation.abs() < 4.0 * 0.0032,
            "pair {number}: {correlation}"
        );
    }
}

/// A source that repeats one word.
struct Fixed(u64);

impl UniformSource for Fixed {
    fn next_u64(&mut self) -> u64 {
        self.0
    }
}

#[test]
fn uniforms_keep_within_their_bounds() {
    assert_eq!(Fixed(0).uniform(), 0.0);
    assert_eq!(Fixed(u64::MAX).uniform(), 1.0 - f64::EPSILON / 2.0);
    assert_eq!(Fixed(0).uniform_open(), f64::EPSILON / 2.0);
    assert_eq!(Fixed(u64::MAX).uniform_open(), 1.0 - f64::EPSILON / 2.0);
    assert_eq!(Fixed(0).below(10), 0);
    assert_eq!(Fixed(u64::MAX).below(10), 9);
    assert_eq!(Fixed(u64::MAX).below(u32::MAX), u32::MAX - 1);
    assert_eq!(Fixed(1 << 63).below(2), 1);
    assert_eq!(Fixed((1 << 63) - 1).below(2), 0);
    assert_eq!(Fixed(5).below(0), 0);
}
