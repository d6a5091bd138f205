//! Bounds on what one server may have in flight before a key goes on to another: the papers' and
//! those of HAProxy and Envoy.

/// The bound of Mirrokni, Thorup & Zadimoghaddam (SODA 2018): `ceil(c m s)` for a server with the
/// share `s` of the weights, where `m` counts what is in flight and what is about to be.
#[inline]
pub fn capacity(load_factor: f64, in_flight_count: u64, share: f64) -> u64 {
    // Rounded down where only rounding made it more than a whole number.
    let exact = load_factor * in_flight_count as f64 * share;
    (exact - 1e-9 * exact).ceil() as u64
}

/// The slots of HAProxy's `hash-balance-factor` (2.6, `chash_server_is_eligible`), for a server
/// that has the weights from `range.0` to `range.1` of `total`: the whole slots for each unit of
/// weight, and the rest spread by the running sums; at least one. All weights are in sixteenths.
#[inline]
pub fn haproxy_slots(factor: u32, served_count: u64, range: (u64, u64), total: u64) -> u64 {
    let all = ((served_count + 1) * u64::from(factor)).div_ceil(100);
    let (per_weight, rest) = (all / total, all % total);
    let whole = (range.1 - range.0) * per_weight;
    let spread = range.1 * rest / total - range.0 * rest / total;
    (whole + spread).max(1)
}

/// The slots of Envoy's `hash_balance_factor` (1.39, `thread_aware_lb_impl.cc`); at least one. A
/// host is overloaded when it has more in flight.
#[inline]
pub fn envoy_slots(factor: u32, active_count: u64, share: f64) -> u64 {
    let all = ((active_count + 1) * u64::from(factor)).div_ceil(100);
    ((all as f64 * share).ceil() as u64).max(1)
}
