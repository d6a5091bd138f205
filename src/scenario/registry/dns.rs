//! What a scenario may say about DNS.

use super::Phase;
use crate::time::SimDuration;

/// DNS: names with a time to live, in caches, and a zone that a registrar and health checks change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DnsConfig {
    /// Time to live of every record.
    pub ttl: SimDuration,
    /// Time to live of the answer that there is no record.
    pub negative_ttl: SimDuration,
    /// Members that are resolvers with a cache, the last ones; the others are name servers.
    pub shared_resolver_count: u32,
    /// From a change at the registrar until the first name server answers with it.
    pub update_delay: SimDuration,
    /// How often the other name servers ask the first one for the zone, unless they are told.
    pub refresh_interval: SimDuration,
    /// How name servers check instances, if they do.
    pub checks: Option<DnsChecks>,
    /// Whether all records are answered where no instance is healthy.
    pub answers_all_unhealthy: bool,
    /// How long answers outlive their time to live where no name server answers.
    pub stale_max: SimDuration,
    /// The time to live of such an answer.
    pub stale_ttl: SimDuration,
    /// How long a resolver waits for a name server before it asks the next one.
    pub resolver_timeout: SimDuration,
    /// What the calling sides do with answers.
    pub client: DnsClientConfig,
}

/// Health checks by the first name server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DnsChecks {
    /// From the start of one check of an instance to the next.
    pub interval: SimDuration,
    /// How long an answer may take.
    pub timeout: SimDuration,
    /// Checks in a row that fail before an instance is unhealthy, or pass before it is healthy.
    pub threshold: u32,
}

/// Calling sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DnsClientConfig {
    /// How long a process uses an answer.
    pub cache: ClientCache,
    /// Where in its first life each cached answer is at the start.
    pub phase: Phase,
    /// How long it waits for an answer before it asks the next server.
    pub query_timeout: SimDuration,
    /// Servers that it asks before it gives up.
    pub try_count: u32,
    /// From a failed lookup to the next one.
    pub retry_interval: SimDuration,
    /// Whether it goes on with its last list where a lookup fails.
    pub keeps_last: bool,
    /// The least time between two lookups where a failed connection sets off one; None: none does.
    pub on_failure: Option<SimDuration>,
}

/// How long a process uses an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCache {
    /// As long as the answer says.
    Record,
    /// A time of its own, whatever the answer says.
    Fixed(SimDuration),
    /// Until it ends.
    Forever,
}
