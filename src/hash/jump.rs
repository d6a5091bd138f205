//! Jump consistent hash (Lamping & Veach, arXiv:1406.2294, 2014).

/// The bucket of `key` among `bucket_count`.
///
/// # Panics
///
/// If there is no bucket.
#[inline]
pub fn bucket(key: u64, bucket_count: u32) -> u32 {
    jumps(key, bucket_count)
        .last()
        .expect("a key jumps to bucket 0 at least")
}

/// The buckets that `key` had while their number grew from 1 to `bucket_count`, each once.
///
/// # Panics
///
/// If there is no bucket.
pub fn jumps(key: u64, bucket_count: u32) -> impl Iterator<Item = u32> {
    assert!(0 < bucket_count, "a key belongs to one of some buckets");
    let mut state = key;
    std::iter::successors(Some(0), move |bucket: &u64| {
        state = state
            .wrapping_mul(2_862_933_555_777_941_757)
            .wrapping_add(1);
        let range = ((state >> 33) + 1) as f64;
        Some(((bucket + 1) as f64 * ((1u64 << 31) as f64 / range)) as u64)
    })
    .take_while(move |bucket| *bucket < u64::from(bucket_count))
    .map(|bucket| bucket as u32)
}
