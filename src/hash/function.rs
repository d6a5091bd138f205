//! Hash functions, each through a crate, or a few lines where the real system has its own.

use std::hash::Hasher;

use md5::{Digest, Md5};
use siphasher::sip::SipHasher24;
use xxhash_rust::xxh64;

/// A hash function that rings may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// xxHash64.
    Xxh64,
    /// MurmurHash3 x64 128, the first 64 bits.
    Murmur3,
    /// SipHash-2-4; the seed is its key.
    Siphash,
    /// MD5, the first eight bytes, the lowest first.
    Md5,
    /// FNV-1a with 64 bits. Its upper bits hardly depend on the last bytes.
    Fnv1a,
    /// CRC-32 (IEEE). It has 32 bits, which are the upper half of the result.
    Crc32,
}

impl Function {
    /// All of them.
    pub const ALL: [Function; 6] = [
        Function::Xxh64,
        Function::Murmur3,
        Function::Siphash,
        Function::Md5,
        Function::Fnv1a,
        Function::Crc32,
    ];

    /// The name in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            Function::Xxh64 => "xxh64",
            Function::Murmur3 => "murmur3",
            Function::Siphash => "siphash",
            Function::Md5 => "md5",
            Function::Fnv1a => "fnv1a",
            Function::Crc32 => "crc32",
        }
    }

    /// The hash of `bytes`. Functions without a seed hash the eight bytes of a `seed` that is not
    /// 0, the lowest first, before the rest.
    #[inline]
    pub fn hash(self, bytes: &[u8], seed: u64) -> u64 {
        match self {
            Function::Xxh64 => xxh64(bytes, seed),
            Function::Siphash => siphash24(bytes, seed, 0),
            _ if seed != 0 => {
                let seeded = [&seed.to_le_bytes(), bytes].concat();
                self.hash(&seeded, 0)
            }
            Function::Murmur3 => murmur3_x64_128(bytes, 0) as u64,
            Function::Md5 => {
                let digest = md5(bytes);
                u64::from_le_bytes(digest[..8].try_into().expect("eight bytes"))
            }
            Function::Fnv1a => fnv1a_64(bytes),
            Function::Crc32 => u64::from(crc32(bytes)) << 32,
        }
    }
}

/// CRC-32 (IEEE 802.3).
#[inline]
pub fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// MD5 (RFC 1321).
#[inline]
pub fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

/// xxHash64.
#[inline]
pub fn xxh64(bytes: &[u8], seed: u64) -> u64 {
    xxh64::xxh64(bytes, seed)
}

/// MurmurHash3 x86 32.
pub fn murmur3_32(mut bytes: &[u8], seed: u32) -> u32 {
    murmur3::murmur3_32(&mut bytes, seed).expect("a slice can be read")
}

/// MurmurHash3 x64 128: the first 64 bits are the lower half.
pub fn murmur3_x64_128(mut bytes: &[u8], seed: u32) -> u128 {
    murmur3::murmur3_x64_128(&mut bytes, seed).expect("a slice can be read")
}

/// FNV-1a with 64 bits.
pub fn fnv1a_64(bytes: &[u8]) -> u64 {
    let mut hasher = fnv::FnvHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

/// SipHash-2-4 with the key `key_0`, `key_1`.
#[inline]
pub fn siphash24(bytes: &[u8], key_0: u64, key_1: u64) -> u64 {
    SipHasher24::new_with_keys(key_0, key_1).hash(bytes)
}

/// The hash of `sdbm` as HAProxy has it: `h x 65599 + byte` with 32 bits.
pub fn sdbm(bytes: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| hash.wrapping_mul(65_599).wrapping_add(u32::from(*byte));
    bytes.iter().fold(0, step)
}

/// The avalanche of HAProxy (`full_hash`): Bob Jenkins's hash of a whole number with 32 bits, times
/// 3 x 2^30 + 1.
pub fn avalanche(number: u32) -> u32 {
    let mut a = number;
    a = a.wrapping_add(0x7ed5_5d16).wrapping_add(a << 12);
    a = a ^ 0xc761_c23c ^ (a >> 19);
    a = a.wrapping_add(0x1656_67b1).wrapping_add(a << 5);
    a = a.wrapping_add(0xd3a2_646c) ^ (a << 9);
    a = a.wrapping_add(0xfd70_46c5).wrapping_add(a << 3);
    a = a ^ 0xb55a_4f09 ^ (a >> 16);
    a.wrapping_mul(0xc000_0001)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The hash that a column of the vectors names; None where the project offers no such function.
    fn named(name: &str, input: &[u8]) -> Option<String> {
        let sip_key =
            |first: u64| u64::from_le_bytes(std::array::from_fn(|i| first as u8 + i as u8));
        Some(match name {
            "md5" => hex(&md5(input)),
            "crc32_ieee" => format!("{:08x}", crc32(input)),
            "murmur3_32_seed0" => format!("{:08x}", murmur3_32(input, 0)),
            "murmur3_32_seed1234" => format!("{:08x}", murmur3_32(input, 1234)),
            "murmur3_x64_128_seed0" => format!("{:032x}", murmur3_x64_128(input, 0)),
            "xxh64_seed0" => format!("{:016x}", xxh64(input, 0)),
            "xxh64_seed1" => format!("{:016x}", xxh64(input, 1)),
            "siphash24_key00..0f" => {
                format!("{:016x}", siphash24(input, sip_key(0), sip_key(8)))
            }
            "fnv1a_64" => format!("{:016x}", fnv1a_64(input)),
            "crc32c" | "xxh32_seed0" | "xxh3_64" | "siphash13_key0_0" | "cityhash64" => {
                return None;
            }
            other => panic!("unknown function {other}"),
        })
    }

    #[test]
    fn functions_give_the_published_vectors() {
        let mut count = 0;
        for case in oracle::cases("hash_vector") {
            let text = |name: &str| case.param(name).as_str().expect("a text");
            if let Some(hash) = named(text("hash"), text("input").as_bytes()) {
                assert_eq!(hash, case.text(), "{}", text("hash"));
                count += 1;
            }
        }
        assert_eq!(count, 9);
    }

    #[test]
    fn functions_give_the_vectors_of_other_packages() {
        let file = include_str!("../../tests/data/golden/hash_vectors.csv");
        let mut reader = csv::Reader::from_reader(file.as_bytes());
        let names = reader.headers().expect("a header").clone();
        let mut count = 0;
        for row in reader.records() {
            let row = row.expect("a row");
            for (name, expected) in names.iter().zip(&row).skip(1) {
                if let Some(hash) = named(name, row[0].as_bytes()) {
                    assert_eq!(hash, expected, "{name} of {:?}", &row[0]);
                    count += 1;
                }
            }
        }
        assert!(count >= 9 * 4);
    }

    #[test]
    fn a_seed_changes_every_function() {
        for function in Function::ALL {
            let hashes = [0, 1, 2].map(|seed| function.hash(b"abc", seed));
            assert_ne!(hashes[0], hashes[1], "{}", function.name());
            assert_ne!(hashes[1], hashes[2], "{}", function.name());
        }
        assert_eq!(
            Function::Md5.hash(b"abc", 0),
            u64::from_le_bytes([0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0])
        );
    }
}
