//! When the requests of open workloads arrive.

use super::sampler::Sampler;
use crate::rng::{StreamRng, UniformSource, inversion};
use crate::scenario::client::{ArrivalProcess, Workload};
use crate::time::{NANOS_PER_SEC, SimDuration, SimTime};

/// Gaps that are drawn at a time: each takes long from its random word to its end, but none waits
/// for another.
const DRAWN_COUNT: usize = 32;

/// The arrivals of a client group.
#[derive(Debug)]
pub struct Arrivals {
    law: ArrivalLaw,
    /// Nothing else draws from it.
    rng: StreamRng,
}

/// How the next arrival is drawn.
#[derive(Debug)]
enum ArrivalLaw {
    /// Evenly spaced, at multiples of this.
    Even { gap_secs: f64 },
    /// Independent gaps of one law.
    Independent(Box<Gaps>),
    /// Poisson whose rate changes: the time until its integral has grown by a unit exponential.
    Varying(ArrivalProcess),
    /// Closed loops and traces have none.
    None,
}

/// Gaps that were drawn ahead.
#[derive(Debug)]
struct Gaps {
    law: GapLaw,
    drawn: [SimDuration; DRAWN_COUNT],
    used_count: usize,
}

/// The law of a gap.
#[derive(Debug)]
enum GapLaw {
    Poisson { rate: f64 },
    Renewal(Sampler),
}

impl Arrivals {
    /// The arrivals of a workload, which draw from `rng`.
    pub fn new(workload: &Workload, rng: StreamRng) -> Self {
        let law = match workload {
            Workload::Open { process } => ArrivalLaw::new(process),
            Workload::Closed { .. } | Workload::Trace(_) => ArrivalLaw::None,
        };
        Arrivals { law, rng }
    }

    /// The instant of the next arrival after `now`, which comes after `count` others; never, where
    /// there is none.
    #[inline(always)]
    pub fn next(&mut self, now: SimTime, count: u64) -> SimTime {
        match &mut self.law {
            ArrivalLaw::Independent(gaps) => now + gaps.next(&mut self.rng),
            _ => self.next_of_other(now, count),
        }
    }

    #[inline(never)]
    fn next_of_other(&mut self, now: SimTime, count: u64) -> SimTime {
        match &self.law {
            ArrivalLaw::Even { gap_secs } => {
                SimTime::START + SimDuration::from_secs_f64(gap_secs * (count + 1) as f64)
            }
            ArrivalLaw::Varying(process) => {
                let target = inversion::exponential(1.0, self.rng.uniform_open());
                after(process, now, target)
            }
            ArrivalLaw::Independent(_) | ArrivalLaw::None => SimTime::NEVER,
        }
    }
}

impl ArrivalLaw {
    fn new(process: &ArrivalProcess) -> Self {
        match process {
            ArrivalProcess::Constant { rate } => ArrivalLaw::Even {
                gap_secs: 1.0 / rate,
            },
            ArrivalProcess::Renewal { gap } => {
                ArrivalLaw::Independent(Gaps::new(GapLaw::Renewal(Sampler::new(gap))))
            }
            ArrivalProcess::Poisson { rate } => {
                ArrivalLaw::Independent(Gaps::new(GapLaw::Poisson { rate: *rate }))
            }
            ArrivalProcess::Bursts { .. } | ArrivalProcess::Ramp { .. } => {
                ArrivalLaw::Varying(process.clone())
            }
        }
    }
}

impl Gaps {
    fn new(law: GapLaw) -> Box<Self> {
        Box::new(Gaps {
            law,
            drawn: [SimDuration::ZERO; DRAWN_COUNT],
            used_count: DRAWN_COUNT,
        })
    }

    #[inline(always)]
    fn next(&mut self, rng: &mut StreamRng) -> SimDuration {
        if self.used_count == DRAWN_COUNT {
            self.draw(rng);
        }
        let gap = self.drawn[self.used_count];
        self.used_count += 1;
        gap
    }

    #[inline(never)]
    fn draw(&mut self, rng: &mut StreamRng) {
        match &self.law {
            GapLaw::Poisson { rate } => self.drawn.fill_with(|| {
                let unit = inversion::exponential(1.0, rng.uniform_open());
                SimDuration::from_secs_f64(unit / rate)
            }),
            GapLaw::Renewal(gap) => self.drawn.fill_with(|| gap.sample(rng)),
        }
        self.used_count = 0;
    }
}

/// The instant at which the integral of the rate since `now` has grown to `target`.
fn after(process: &ArrivalProcess, now: SimTime, target: f64) -> SimTime {
    let wait = |secs: f64| now + SimDuration::from_secs_f64(secs);
    match process {
        ArrivalProcess::Bursts {
            rate,
            burst_rate,
            period,
            burst_duration,
        } => {
            let (period, burst) = (period.as_secs_f64(), burst_duration.as_secs_f64());
            let position_ns = now.as_ns() % SimDuration::from_secs_f64(period).as_ns();
            let mut position = position_ns as f64 / NANOS_PER_SEC as f64;
            let period_area = burst_rate * burst + rate * (period - burst);
            let whole_periods = (target / period_area).floor();
            let (mut left, mut secs) =
                (target - whole_periods * period_area, whole_periods * period);
            loop {
                let is_burst = position < burst;
                let rate = if is_burst { *burst_rate } else { *rate };
                let part_end = if is_burst { burst } else { period };
                let area = rate * (part_end - position);
                if left < area {
                    return wait(secs + left / rate);
                }
                left -= area;
                secs += part_end - position;
                position = if is_burst { burst } else { 0.0 };
            }
        }
        ArrivalProcess::Ramp {
            rate_from,
            rate_to,
            start_at,
            end_at,
        } => {
            let (start, end) = (start_at.as_secs_f64(), end_at.as_secs_f64());
            wait(ramp_wait(
                now.as_secs_f64(),
                target,
                (*rate_from, *rate_to),
                (start, end),
            ))
        }
        ArrivalProcess::Constant { .. }
        | ArrivalProcess::Renewal { .. }
        | ArrivalProcess::Poisson { .. } => unreachable!("these have laws of their own"),
    }
}

/// Seconds from `now` until the integral of a ramp has grown to `target`; infinite if it never
/// does.
fn ramp_wait(now: f64, target: f64, (from, to): (f64, f64), (start, end): (f64, f64)) -> f64 {
    let (mut at, mut left) = (now, target);
    if at < start {
        let area = from * (start - at);
        if left < area {
            return left / from;
        }
        left -= area;
        at = start;
    }
    if at < end {
        let slope = (to - from) / (end - start);
        let rate = from + slope * (at - start);
        let area = (rate + to) / 2.0 * (end - at);
        if left < area {
            // Root of slope/2 t^2 + rate t = left, in the form that keeps digits for a small slope.
            let root = (rate * rate + 2.0 * slope * left).max(0.0).sqrt();
            return at - now + 2.0 * left / (rate + root);
        }
        left -= area;
        at = end;
    }
    at - now + left / to
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Streams};

    #[test]
    fn gaps_are_those_of_the_stream_in_order() {
        let stream = || Streams::new(1).stream(Purpose::Arrival, 2);
        let process = ArrivalProcess::Poisson { rate: 70_000.0 };
        let mut arrivals = Arrivals::new(&Workload::Open { process }, stream());
        let (mut rng, mut now) = (stream(), SimTime::START);
        for count in 0..10 * DRAWN_COUNT as u64 {
            let gap_secs = -libm::log1p(-rng.uniform_open()) / 70_000.0;
            let expected = now + SimDuration::from_secs_f64(gap_secs);
            let next = arrivals.next(now, count);
            // A nanosecond, where the two logarithms round apart.
            assert!(next.as_ns().abs_diff(expected.as_ns()) <= 1, "{count}");
            now = next;
        }
    }

    #[test]
    fn a_ramp_integrates_its_rate() {
        // From 0/s to 10/s over 10 s the integral is t^2 / 2: it reaches 8 at 4 s.
        assert!((ramp_wait(0.0, 8.0, (0.0, 10.0), (0.0, 10.0)) - 4.0).abs() < 1e-12);
        // 50 are reached at the end of the ramp; the next 20 take 2 s at 10/s.
        assert!((ramp_wait(0.0, 70.0, (0.0, 10.0), (0.0, 10.0)) - 12.0).abs() < 1e-12);
        // Before the ramp the rate is constant.
        assert!((ramp_wait(0.0, 3.0, (2.0, 4.0), (5.0, 6.0)) - 1.5).abs() < 1e-12);
    }

    #[test]
    fn bursts_integrate_their_rate() {
        let bursts = ArrivalProcess::Bursts {
            rate: 1.0,
            burst_rate: 10.0,
            period: SimDuration::from_secs(10),
            burst_duration: SimDuration::from_secs(2),
        };
        // 20 in the burst, 5 more take 5 s.
        assert_eq!(
            after(&bursts, SimTime::START, 25.0),
            SimTime::from_ns(7_000_000_000)
        );
        // 20 + 8 in the first period, 12 more take 1.2 s of the next burst.
        assert_eq!(
            after(&bursts, SimTime::START, 40.0),
            SimTime::from_ns(11_200_000_000)
        );
    }
}
