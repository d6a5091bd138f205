//! Failure detectors that a calling side owns. The registry's own detector is its leases.

pub mod ping;
