//! How large a scenario may be.

/// How large a scenario may be. Everything is checked before it is allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one scenario file.
    pub scenario_bytes_max: u64,
    /// Bytes of one CSV input.
    pub input_bytes_max: u64,
    /// Estimated bytes of memory of a run.
    pub memory_bytes_max: u64,
    /// Estimated events of a run.
    pub event_count_max: u64,
}

impl Limits {
    /// What holds unless the command line says otherwise: 1 MiB, 1 GiB, 4 GiB and ten thousand
    /// million events.
    pub const STANDARD: Limits = Limits {
        scenario_bytes_max: 1 << 20,
        input_bytes_max: 1 << 30,
        memory_bytes_max: 4 << 30,
        event_count_max: 10_000_000_000,
    };
}
