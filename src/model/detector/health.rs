//! What a calling side makes of the answers to its checks: a counter that knows no time.
//!
//! Sources: `ping` textbook. HAProxy: `src/check.c` (the health counter) and `srv_getinter`: a
//! server starts up with `rise`, so that its first check decides; once it has passed, `fall`
//! failures in a row take it down, `rise` passes bring it back, and any pass restores it wholly.
//! Envoy: `HealthCheckerImplBase`: a host is unhealthy until its first check, whose pass makes it
//! healthy whatever the threshold; a bad answer counts as `unhealthy_threshold` failures, a timeout
//! or a refusal as one; the interval after a check follows from that check, and is the edge
//! interval while a change is pending.

use crate::scenario::check::{CheckConfig, CheckRule, EnvoyConfig, HaproxyConfig};
use crate::time::SimDuration;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A good answer.
    Passed,
    /// An answer that says no: an error, or a queue that is full.
    Bad,
    /// No answer in time, a refusal or a reset.
    Unreachable,
}

/// What is known of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// It is left out.
    pub is_down: bool,
    /// No check has ended yet.
    is_unchecked: bool,
    /// Failures in a row; HAProxy's counter.
    fail_count: u32,
    /// Passes in a row.
    pass_count: u32,
}

/// How long until the next check, if the end of this one decides.
pub type Next = Option<SimDuration>;

impl Health {
    /// An instance that was checked for long, and was well.
    pub fn proven(config: &CheckConfig) -> Self {
        Health {
            is_down: false,
            is_unchecked: false,
            fail_count: match config.rule {
                CheckRule::Haproxy(haproxy) => haproxy.full(),
                CheckRule::Ping { .. } | CheckRule::Envoy(_) => 0,
            },
            pass_count: 0,
        }
    }

    /// An instance that is new to its calling side.
    pub fn fresh(config: &CheckConfig) -> Self {
        Health {
            is_down: matches!(config.rule, CheckRule::Envoy(_)),
            is_unchecked: true,
            fail_count: match config.rule {
                CheckRule::Haproxy(haproxy) => haproxy.rise,
                CheckRule::Ping { .. } | CheckRule::Envoy(_) => 0,
            },
            pass_count: 0,
        }
    }

    /// A check has ended. `has_traffic`: a request was sent before.
    pub fn on_result(&mut self, config: &CheckConfig, found: Finding, has_traffic: bool) -> Next {
        let next = match config.rule {
            CheckRule::Ping {
                misses_max,
                rises_min,
            } => {
                self.count_ping(found, misses_max, rises_min);
                None
            }
            CheckRule::Haproxy(haproxy) => Some(self.count_haproxy(found, &haproxy, config)),
            CheckRule::Envoy(envoy) => {
                let interval = self.count_envoy(found, &envoy, config);
                let slow = (!has_traffic).then_some(envoy.no_traffic_interval);
                Some(slow.unwrap_or(interval))
            }
        };
        self.is_unchecked = false;
        next
    }

    fn count_ping(&mut self, found: Finding, misses_max: u32, rises_min: u32) {
        if found == Finding::Passed {
            self.fail_count = 0;
            self.pass_count = self.pass_count.saturating_add(1);
            self.is_down &= self.pass_count < rises_min;
        } else {
            self.pass_count = 0;
            self.fail_count = self.fail_count.saturating_add(1);
            self.is_down |= misses_max <= self.fail_count;
        }
    }

    fn count_haproxy(
        &mut self,
        found: Finding,
        haproxy: &HaproxyConfig,
        config: &CheckConfig,
    ) -> SimDuration {
        let health = &mut self.fail_count;
        if found == Finding::Passed {
            *health += 1;
            if haproxy.rise <= *health {
                *health = haproxy.full();
                self.is_down = false;
            }
        } else {
            *health = health.saturating_sub(1);
            if *health < haproxy.rise {
                *health = 0;
                self.is_down = true;
            }
        }
        match *health {
            full if full == haproxy.full() => config.interval,
            0 => haproxy.down_interval,
            _ => haproxy.fast_interval,
        }
    }

    fn count_envoy(
        &mut self,
        found: Finding,
        envoy: &EnvoyConfig,
        config: &CheckConfig,
    ) -> SimDuration {
        if found == Finding::Passed {
            self.fail_count = 0;
            if !self.is_down {
                return config.interval;
            }
            self.pass_count += 1;
            if !self.is_unchecked && self.pass_count < envoy.healthy_threshold {
                return envoy.healthy_edge_interval;
            }
            self.is_down = false;
            config.interval
        } else {
            self.pass_count = 0;
            if self.is_down {
                return envoy.unhealthy_interval;
            }
            self.fail_count += 1;
            let is_pending = self.fail_count < envoy.unhealthy_threshold;
            if found == Finding::Unreachable && is_pending {
                return envoy.unhealthy_edge_interval;
            }
            self.is_down = true;
            envoy.unhealthy_interval
        }
    }
}

impl HaproxyConfig {
    /// The counter of a server that is wholly well.
    fn full(&self) -> u32 {
        self.rise + self.fall - 1
    }
}

#[cfg(test)]
mod tests {
    use super::Finding::{Bad, Passed, Unreachable};
    use super::*;
    use crate::scenario::check::ProbePath;
    use crate::scenario::registry::Phase;

    const SECS: fn(u64) -> SimDuration = SimDuration::from_secs;

    fn config(rule: CheckRule) -> CheckConfig {
        CheckConfig {
            interval: SECS(2),
            timeout: SECS(1),
            phase: Phase::Random,
            path: ProbePath::Queued,
            rule,
        }
    }

    fn haproxy() -> CheckConfig {
        config(CheckRule::Haproxy(HaproxyConfig {
            fast_interval: SECS(1),
            down_interval: SECS(5),
            fall: 3,
            rise: 2,
        }))
    }

    fn envoy() -> CheckConfig {
        config(CheckRule::Envoy(EnvoyConfig {
            unhealthy_threshold: 3,
            healthy_threshold: 3,
            unhealthy_interval: SECS(7),
            unhealthy_edge_interval: SECS(3),
            healthy_edge_interval: SECS(4),
            no_traffic_interval: SECS(60),
            initial_jitter: SimDuration::ZERO,
            interval_jitter: SimDuration::ZERO,
        }))
    }

    /// Whether it is down after each of the checks, and the seconds until the next.
    fn walk(config: &CheckConfig, mut health: Health, found: &[Finding]) -> Vec<(bool, u64)> {
        let walk = found.iter().map(|found| {
            let next = health.on_result(config, *found, true);
            let next = next.expect("its end decides");
            (health.is_down, next.as_ns() / 1_000_000_000)
        });
        walk.collect()
    }

    #[test]
    fn haproxy_believes_the_first_check_and_later_needs_three() {
        let config = haproxy();
        let fresh = walk(&config, Health::fresh(&config), &[Unreachable]);
        assert_eq!(fresh, [(true, 5)]);
        // 4 -> 3 -> 2 -> down; 1 -> up with all; one failure and one pass.
        let found = [
            Unreachable,
            Bad,
            Unreachable,
            Passed,
            Passed,
            Unreachable,
            Passed,
        ];
        assert_eq!(
            walk(&config, Health::proven(&config), &found),
            [
                (false, 1),
                (false, 1),
                (true, 5),
                (true, 1),
                (false, 2),
                (false, 1),
                (false, 2)
            ]
        );
        // A server that passed once is as good as any.
        let found = [Passed, Unreachable, Unreachable, Unreachable];
        let passed = walk(&config, Health::fresh(&config), &found);
        assert_eq!(passed, [(false, 2), (false, 1), (false, 1), (true, 5)]);
        // A pass on the way up that is followed by a failure is lost.
        let found = [Bad, Bad, Bad, Passed, Bad, Passed, Passed];
        let downs: Vec<bool> = walk(&config, Health::proven(&config), &found)
            .into_iter()
            .map(|step| step.0)
            .collect();
        assert_eq!(downs, [false, false, true, true, true, true, false]);
    }

    #[test]
    fn envoy_believes_the_first_check_and_a_bad_answer_at_once() {
        let config = envoy();
        let fresh = Health::fresh(&config);
        assert!(fresh.is_down);
        assert_eq!(walk(&config, fresh, &[Passed]), [(false, 2)]);
        assert_eq!(walk(&config, fresh, &[Unreachable]), [(true, 7)]);
        // The example in its source: an unhealthy host whose threshold is 3.
        let found = [Unreachable, Passed, Passed, Passed, Passed];
        assert_eq!(
            walk(&config, fresh, &found),
            [(true, 7), (true, 4), (true, 4), (false, 2), (false, 2)]
        );
        let proven = Health::proven(&config);
        assert_eq!(walk(&config, proven, &[Bad]), [(true, 7)]);
        let found = [Unreachable, Unreachable, Unreachable];
        let timeouts = walk(&config, proven, &found);
        assert_eq!(timeouts, [(false, 3), (false, 3), (true, 7)]);
    }

    #[test]
    fn envoy_takes_its_time_while_nobody_calls() {
        let config = envoy();
        let mut health = Health::proven(&config);
        let next = health.on_result(&config, Passed, false);
        assert_eq!(next, Some(SECS(60)));
    }
}
