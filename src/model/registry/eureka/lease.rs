//! Leases and the rules for their end (`Lease`, `MeasuredRate`, `AbstractInstanceRegistry`).

use crate::scenario::registry::eureka::LeaseRules;
use crate::time::{SimDuration, SimTime};

/// The span over which renewals are counted.
pub const MINUTE: SimDuration = SimDuration::from_secs(60);

/// The last instant of all.
const LATEST_END: SimTime = SimTime::from_ns(u64::MAX - 1);

/// The registration of an instance at one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// It has expired at any later time.
    expires_at: SimTime,
}

impl Lease {
    /// No registration.
    pub const NONE: Lease = Lease {
        expires_at: SimTime::NEVER,
    };

    /// A lease that nobody has renewed: it has the declared duration.
    pub fn new(now: SimTime, duration: SimDuration) -> Self {
        Lease::until(now + duration)
    }

    /// A lease that was renewed `since` before the start.
    pub fn renewed_before_start(
        since: SimDuration,
        duration: SimDuration,
        rules: &LeaseRules,
    ) -> Self {
        let left = rules.renewed_length(duration).saturating_sub(since);
        Lease::until(SimTime::START + left)
    }

    /// One that never ends is still one.
    fn until(end: SimTime) -> Self {
        Lease {
            expires_at: end.min(LATEST_END),
        }
    }

    /// A heartbeat. The real one adds the duration here and once more where it looks.
    pub fn renew(&mut self, now: SimTime, duration: SimDuration, rules: &LeaseRules) {
        *self = Lease::until(now + rules.renewed_length(duration));
    }

    /// Whether it has expired; `compensation` is what the timer that looks is late.
    pub fn is_expired(&self, now: SimTime, compensation: SimDuration) -> bool {
        self.expires_at + compensation < now
    }
}

impl LeaseRules {
    fn renewed_length(&self, duration: SimDuration) -> SimDuration {
        duration.saturating_mul(1 + u64::from(self.is_doubled))
    }

    /// Renewals in a minute that must be exceeded, where so many clients are expected.
    pub fn threshold(&self, expected: u32) -> u32 {
        let per_minute = 60.0 / self.expected_interval.as_secs_f64();
        (f64::from(expected) * per_minute * self.renewal_percent) as u32
    }

    /// Whether leases may end at all.
    pub fn may_evict(&self, threshold: u32, renewals: u32) -> bool {
        !self.has_self_preservation || (0 < threshold && threshold < renewals)
    }

    /// Most leases that may end at once, of so many.
    pub fn eviction_limit(&self, size: u32) -> u32 {
        size - (f64::from(size) * self.renewal_percent) as u32
    }

    /// Whether a new count of clients replaces the expected one.
    pub fn replaces_expected(&self, expected: u32, count: u32) -> bool {
        !self.has_self_preservation || self.renewal_percent * f64::from(expected) < f64::from(count)
    }
}

/// Renewals of the minute that runs and of the one before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    /// Of the minute that runs.
    pub current: u32,
    /// Of the last complete one.
    pub last: u32,
}

impl Rate {
    /// A minute is over.
    pub fn turn(&mut self) {
        self.last = std::mem::take(&mut self.current);
    }

    /// Counts what a client did before the start that renewed `since` ago and every `interval`
    /// before; the minute that runs is `elapsed` old.
    pub fn add_past(&mut self, elapsed: SimDuration, since: SimDuration, interval: SimDuration) {
        // Renewals at least `since` and less than `age` ago.
        let within = |age: SimDuration| {
            let span = age.saturating_sub(since).as_ns();
            span.div_ceil(interval.as_ns()) as u32
        };
        self.current += within(elapsed);
        self.last += within(elapsed + MINUTE) - within(elapsed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: LeaseRules = LeaseRules {
        is_doubled: true,
        eviction_interval: MINUTE,
        has_self_preservation: true,
        renewal_percent: 0.85,
        update_interval: SimDuration::from_secs(900),
        expected_interval: SimDuration::from_secs(30),
    };

    /// Clients, threshold, most simultaneous crashes that still end leases (published vector).
    const TOLERATED: [(u32, u32, u32); 12] = [
        (1, 1, 0),
        (2, 3, 0),
        (3, 5, 0),
        (6, 10, 0),
        (7, 11, 1),
        (10, 17, 1),
        (13, 22, 1),
        (14, 23, 2),
        (20, 34, 2),
        (50, 85, 7),
        (100, 170, 14),
        (1000, 1700, 149),
    ];

    #[test]
    fn published_thresholds_and_tolerated_crashes() {
        for (clients, threshold, tolerated) in TOLERATED {
            assert_eq!(RULES.threshold(clients), threshold);
            let may = |crashes: u32| RULES.may_evict(threshold, 2 * (clients - crashes));
            let most = (1..=clients).take_while(|crashes| may(*crashes)).count();
            assert_eq!(most, tolerated as usize, "of {clients}");
        }
    }

    #[test]
    fn published_limits_of_one_eviction() {
        assert_eq!(RULES.eviction_limit(10), 2);
        assert_eq!(RULES.eviction_limit(100), 15);
        assert_eq!(RULES.eviction_limit(0), 0);
    }

    #[test]
    fn without_expected_clients_nothing_ends_unless_self_preservation_is_off() {
        assert!(!RULES.may_evict(RULES.threshold(0), 1_000));
        let off = LeaseRules {
            has_self_preservation: false,
            ..RULES
        };
        assert!(off.may_evict(0, 0));
    }

    #[test]
    fn a_renewal_doubles_the_lease_and_a_registration_does_not() {
        let (at, duration) = (SimTime::from_ns(5), SimDuration::from_secs(90));
        let mut lease = Lease::new(at, duration);
        let end = at + duration;
        assert!(!lease.is_expired(end, SimDuration::ZERO), "strictly later");
        assert!(lease.is_expired(end + SimDuration::from_ns(1), SimDuration::ZERO));
        lease.renew(at, duration, &RULES);
        let late = at + duration + duration + SimDuration::from_ns(1);
        assert!(lease.is_expired(late, SimDuration::ZERO));
        assert!(!lease.is_expired(late, SimDuration::from_ns(1)));
        assert!(!lease.is_expired(end + SimDuration::from_ns(1), SimDuration::ZERO));
    }

    #[test]
    fn a_lease_without_end_is_a_lease() {
        let endless = Lease::new(SimTime::START, SimDuration::MAX);
        assert_ne!(endless, Lease::NONE);
        assert!(!endless.is_expired(SimTime::NEVER, SimDuration::from_ns(1)));
    }

    #[test]
    fn a_client_counts_twice_a_minute_before_the_start_as_well() {
        let secs = SimDuration::from_secs;
        for (elapsed, since, current) in [(0, 10, 0), (10, 10, 0), (11, 10, 1), (50, 10, 2)] {
            let mut rate = Rate::default();
            rate.add_past(secs(elapsed), secs(since), secs(30));
            assert_eq!((rate.current, rate.last), (current, 2));
        }
    }
}
