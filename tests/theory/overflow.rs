//! Envoy's limits of connections, pending requests and requests, where calls have connections.

use stormglass::model::observation::{Observation, Observer, Outcome};
use stormglass::time::{SimDuration, SimTime};

use crate::support::{run, scenario};

/// Requests by outcome, in the order of their ends.
#[derive(Debug, Default)]
struct Seen {
    ended: Vec<(Outcome, SimDuration)>,
    turned_away_count: u32,
    handshake_count: u32,
    attempt_count: u32,
}

impl Observer for Seen {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        match *observation {
            Observation::RequestEnded {
                outcome,
                arrived_at,
                ..
            } => self.ended.push((outcome, at.since(arrived_at))),
            Observation::TurnedAway { .. } => self.turned_away_count += 1,
            Observation::HandshakeStarted { .. } => self.handshake_count += 1,
            Observation::AttemptSent { .. } => self.attempt_count += 1,
            _ => {}
        }
    }
}

/// Users that send one request each, at once; 1 ms each way, 100 ms of work, nothing queues there.
fn seen(user_count: u32, instance_count: u32, connection: &str, limits: &str) -> Seen {
    let text = format!(
        "schema = 1\nduration = \"10s\"\ndrain = \"10s\"\n[network]\nsame_zone = \"1ms\"\n\
         [service.s]\ncount = {instance_count}\nworkers = 100\nservice_time = \"100ms\"\n\
         [client.c]\narrivals = {{ process = \"closed\", user_count = {user_count}, \
         think_time = \"6s\" }}\n[client.c.call.s]\nbalancer = \"round_robin\"\n\
         retry = {{ attempt_count_max = 3 }}\nconnection = {{ {connection}, \
         tls_round_trips = 0 }}\nbreaker = {{ kind = \"envoy\", {limits} }}\n"
    );
    let mut seen = Seen::default();
    run(&scenario(&text), &mut seen);
    seen
}

const AT_ONCE: (Outcome, SimDuration) = (Outcome::Rejected, SimDuration::ZERO);

fn good(ms: u64) -> (Outcome, SimDuration) {
    (Outcome::Success, SimDuration::from_ms(ms))
}

#[test]
fn what_waits_for_a_connection_is_pending_and_overflows_at_once() {
    let limits = "connection_count_max = 2, pending_count_max = 3";
    let seen = seen(10, 1, "multiplex = false", limits);
    // The first three wait; two connections open, and the third request waits for one of them.
    let mut expected = vec![AT_ONCE; 7];
    expected.extend([good(104), good(104), good(206)]);
    assert_eq!(seen.ended, expected);
    assert_eq!((seen.turned_away_count, seen.handshake_count), (7, 2));
    assert_eq!(seen.attempt_count, 3, "an overflow is not retried");
}

#[test]
fn an_instance_without_a_connection_gets_one_above_the_limit() {
    let limits = "connection_count_max = 1";
    let seen = seen(4, 2, "multiplex = false", limits);
    let expected = [good(104), good(104), good(206), good(206)];
    assert_eq!(seen.ended, expected);
    assert_eq!(seen.handshake_count, 2);
}

#[test]
fn a_request_that_waited_counts_when_a_connection_takes_it() {
    let limits = "request_count_max = 1";
    let seen = seen(3, 1, "multiplex = true", limits);
    // The connection is open after 2 ms: it takes one, the others overflow then.
    let late = (Outcome::Rejected, SimDuration::from_ms(2));
    assert_eq!(seen.ended, [late, late, good(104)]);
    assert_eq!(seen.attempt_count, 3);
    assert_eq!(seen.handshake_count, 1);
}
