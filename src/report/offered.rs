//! The load that a scenario offers, as a function of time.

use crate::scenario::Scenario;
use crate::scenario::client::{ArrivalProcess, Workload};
use crate::time::{SimDuration, SimTime};

/// Requests per second that the clients mean to send between two times; None where a client waits
/// for outcomes, because its load follows the service.
pub fn offered_rate(scenario: &Scenario, start_secs: f64, end_secs: f64) -> Option<f64> {
    let counts = scenario.clients.iter().map(|client| {
        let until = |secs: f64| planned_count(&client.workload, secs);
        Some(until(end_secs)? - until(start_secs)?)
    });
    let count: f64 = counts.sum::<Option<f64>>()?;
    (start_secs < end_secs).then(|| count / (end_secs - start_secs))
}

/// Requests planned from the start of the run to `secs`.
fn planned_count(workload: &Workload, secs: f64) -> Option<f64> {
    match workload {
        Workload::Closed { .. } => None,
        Workload::Trace(trace) => {
            let end = SimTime::START + SimDuration::from_secs_f64(secs);
            Some(trace.rows.partition_point(|row| row.arrives_at < end) as f64)
        }
        Workload::Open { process } => Some(planned_arrivals(process, secs)),
    }
}

fn planned_arrivals(process: &ArrivalProcess, secs: f64) -> f64 {
    match process {
        ArrivalProcess::Bursts {
            rate,
            burst_rate,
            period,
            burst_duration,
        } => {
            let (period_secs, burst_secs) = (period.as_secs_f64(), burst_duration.as_secs_f64());
            let period_count = (secs / period_secs).floor();
            let rest_secs = secs - period_count * period_secs;
            let in_bursts_secs = period_count * burst_secs + rest_secs.min(burst_secs);
            rate * secs + (burst_rate - rate) * in_bursts_secs
        }
        _ if secs == 0.0 => 0.0,
        ArrivalProcess::Constant { .. }
        | ArrivalProcess::Poisson { .. }
        | ArrivalProcess::Renewal { .. }
        | ArrivalProcess::Ramp { .. } => process.mean_rate(SimDuration::from_secs_f64(secs)) * secs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate_between(process: &ArrivalProcess, start_secs: f64, end_secs: f64) -> f64 {
        let until = |secs| planned_arrivals(process, secs);
        (until(end_secs) - until(start_secs)) / (end_secs - start_secs)
    }

    #[test]
    fn bursts_offer_their_rate_at_the_start_of_every_period() {
        let process = ArrivalProcess::Bursts {
            rate: 100.0,
            burst_rate: 500.0,
            period: SimDuration::from_secs(10),
            burst_duration: SimDuration::from_secs(2),
        };
        assert_eq!(rate_between(&process, 20.0, 22.0), 500.0);
        assert_eq!(rate_between(&process, 22.0, 30.0), 100.0);
        // One second of burst and one second without.
        assert_eq!(rate_between(&process, 11.0, 13.0), 300.0);
    }

    #[test]
    fn a_ramp_offers_what_lies_on_its_line() {
        let process = ArrivalProcess::Ramp {
            rate_from: 100.0,
            rate_to: 300.0,
            start_at: SimTime::START + SimDuration::from_secs(10),
            end_at: SimTime::START + SimDuration::from_secs(20),
        };
        assert!((rate_between(&process, 0.0, 5.0) - 100.0).abs() < 1e-9);
        // The middle of the ramp.
        assert!((rate_between(&process, 14.0, 16.0) - 200.0).abs() < 1e-9);
        assert!((rate_between(&process, 25.0, 30.0) - 300.0).abs() < 1e-9);
    }
}
