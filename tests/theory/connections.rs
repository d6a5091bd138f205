//! Connections against closed forms.

use stormglass::model::observation::{AttemptOutcome, LifeState, Observation, Observer};
use stormglass::time::SimTime;

use crate::support::{run, scenario};

/// A call, as it ended.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub sent_at: f64,
    pub ended_at: f64,
    pub instance: u32,
    pub outcome: AttemptOutcome,
}

/// What a run shows of connections, in seconds.
#[derive(Default)]
pub struct Seen {
    pub calls: Vec<Call>,
    pub down_at: f64,
    pub up_at: f64,
    pub handshakes: Vec<f64>,
    pub opened: Vec<f64>,
    pub closed: Vec<f64>,
    /// How long connections were half-open.
    pub half_open: Vec<f64>,
}

impl Observer for Seen {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        let now = at.as_secs_f64();
        match *observation {
            Observation::AttemptEnded {
                instance,
                sent_at,
                outcome,
                ..
            } => self.calls.push(Call {
                sent_at: sent_at.as_secs_f64(),
                ended_at: now,
                instance: instance.0,
                outcome,
            }),
            Observation::NodeChanged { state, .. } => match state {
                LifeState::Up => self.up_at = now,
                _ => self.down_at = now,
            },
            Observation::HandshakeStarted { .. } => self.handshakes.push(now),
            Observation::ConnectionOpened { .. } => self.opened.push(now),
            Observation::ConnectionClosed {
                half_open_since, ..
            } => {
                self.closed.push(now);
                let half_open = half_open_since.map(|since| now - since.as_secs_f64());
                self.half_open.extend(half_open);
            }
            _ => {}
        }
    }
}

impl Seen {
    pub fn of(text: &str) -> Self {
        let mut seen = Seen::default();
        run(&scenario(text), &mut seen);
        seen
    }

    pub fn failed(&self) -> impl Iterator<Item = &Call> {
        let is_failed = |call: &&Call| call.outcome != AttemptOutcome::Success;
        self.calls.iter().filter(is_failed)
    }

    pub fn last_failed_after(&self) -> f64 {
        let last = self.failed().map(|call| call.sent_at).fold(0.0, f64::max);
        last - self.down_at
    }

    /// Seconds from the restart to the first good call to the victim.
    pub fn restored_after(&self, victim: u32) -> f64 {
        let is_first = |call: &&Call| {
            let is_good = call.outcome == AttemptOutcome::Success;
            call.instance == victim && is_good && self.up_at <= call.sent_at
        };
        let first = self.calls.iter().find(is_first);
        first.map_or(f64::INFINITY, |call| call.sent_at - self.up_at)
    }
}

/// A client that calls every second from 1 s on, `count` times, with a delay of 10 ms each way.
pub fn calls_each_second(count: u32, service: &str, connection: &str, fault: &str) -> Seen {
    let world = format!("duration = \"{count}900ms\"\n");
    calls_every(
        "1s",
        "25s",
        &(world + service_of(service).as_str()),
        connection,
        fault,
    )
}

pub fn service_of(service: &str) -> String {
    format!("[service.s]\ncount = 1\n{service}\n")
}

pub fn calls_every(gap: &str, deadline: &str, world: &str, connection: &str, fault: &str) -> Seen {
    Seen::of(&format!(
        "schema = 1\ndrain = \"30s\"\n{world}\
         [network]\nsame_zone = \"10ms\"\n\
         [client.c]\narrivals = {{ process = \"renewal\", gap = \"{gap}\" }}\n\
         [client.c.call.s]\ndeadline = \"{deadline}\"\n\
         [client.c.call.s.connection]\n{connection}\n{fault}"
    ))
}

fn one_call(connection: &str, fault: &str) -> Seen {
    calls_each_second(1, "service_time = \"0s\"", connection, fault)
}

pub fn is_near(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-9
}

/// RFC 6298: 1 s, doubled with every further SYN.
#[test]
fn a_syn_is_sent_again_after_1_3_and_7_seconds() {
    for (cut_secs, expected) in [(0.5, 0.0), (1.5, 1.0), (3.5, 3.0), (5.0, 7.0), (8.5, 15.0)] {
        let fault = format!(
            "[fault.x]\nkind = \"partition\"\nfrom = \"client:c\"\nto = \"service:s\"\n\
             at = \"10ms\"\nfor = \"{cut_secs}s\"\n"
        );
        let seen = one_call("connect_timeout = \"20s\"", &fault);
        assert!(is_near(seen.handshakes[0], 1.0));
        assert!(
            is_near(seen.opened[0], 1.0 + expected + 0.02),
            "{:?}",
            seen.opened
        );
        assert!(is_near(seen.calls[0].ended_at, 1.0 + expected + 0.04));
        assert_eq!(seen.calls[0].outcome, AttemptOutcome::Success);
    }
}

#[test]
fn every_round_trip_of_the_handshake_takes_a_round_trip() {
    for tls_round_trips in 0..=2 {
        let seen = one_call(&format!("tls_round_trips = {tls_round_trips}"), "");
        let expected = 1.0 + 0.02 * f64::from(1 + tls_round_trips);
        assert!(is_near(seen.opened[0], expected));
        assert!(is_near(seen.calls[0].ended_at, expected + 0.02));
    }
}

/// A process that stands still accepts, by its kernel, and answers no further round trip. Keepalive
/// begins with the last of them (keepalive.md of gRPC: "after handshake"), where nothing is in
/// flight yet; the process of TLS has the connect timeout alone.
#[test]
fn keepalive_gives_up_a_handshake_in_its_last_round_trip_only() {
    let fault = "[fault.x]\nkind = \"pause\"\ntarget = \"service:s\"\nat = \"10ms\"\n";
    for (tls_round_trips, without_streams, ended_at) in [
        (1, true, 1.02 + 3.0 + 0.5),
        (1, false, 21.0),
        (2, true, 21.0),
    ] {
        let connection = format!(
            "connect_timeout = \"20s\"\ntls_round_trips = {tls_round_trips}\n\
             keepalive = {{ interval = \"3s\", timeout = \"500ms\", \
             without_streams = {without_streams} }}\n"
        );
        let seen = one_call(&connection, fault);
        assert_eq!(seen.calls[0].outcome, AttemptOutcome::ConnectTimeout);
        assert!(
            is_near(seen.calls[0].ended_at, ended_at),
            "{:?}",
            seen.calls
        );
    }
}

/// The process goes on 2 s later, after the ping, and answers the handshake, the ping and the call.
#[test]
fn a_ping_in_a_handshake_is_answered_like_any_other() {
    let fault = "[fault.x]\nkind = \"pause\"\ntarget = \"service:s\"\nat = \"10ms\"\n\
                 for = \"3s\"\n";
    let connection = "connect_timeout = \"20s\"\ntls_round_trips = 1\n\
                      keepalive = { interval = \"1s\", timeout = \"1500ms\", \
                      without_streams = true }\n";
    let seen = one_call(connection, fault);
    assert!(is_near(seen.opened[0], 3.01 + 0.01));
    assert!(is_near(seen.calls[0].ended_at, 3.02 + 0.02));
    assert_eq!(seen.closed.len(), 0);
}

#[test]
fn a_dead_process_refuses_after_a_round_trip_and_a_lost_host_takes_the_connect_timeout() {
    let fault = |kind: &str| {
        format!("[fault.x]\nkind = \"{kind}\"\ntarget = \"service:s\"\nat = \"10ms\"\n")
    };
    let refused = one_call("connect_timeout = \"5s\"", &fault("crash"));
    assert!(is_near(refused.calls[0].ended_at, 1.02));
    assert_eq!(refused.calls[0].outcome, AttemptOutcome::Refused);
    let silent = one_call("connect_timeout = \"5s\"", &fault("host_loss"));
    assert!(is_near(silent.calls[0].ended_at, 6.0));
    assert_eq!(silent.calls[0].outcome, AttemptOutcome::ConnectTimeout);
}

/// Of requests every 20 ms, of which each is lost with 1 % and sent again after 200 ms, one goes
/// through undelayed if neither it nor any of the 9 before it was lost, where they share a
/// connection: 0.99^10 = 0.904. Alone on its connection it is 0.99.
#[test]
fn a_lost_packet_delays_all_that_share_its_connection() {
    for (connection, expected, tolerance) in [
        // About 1,000 losses hold up 9 others each: 4.8 standard errors are
        // 4.8 x 0.096 / sqrt(1000).
        // A second loss of one packet (1 % of them) holds up 20 more: 0.002.
        ("multiplex = true", 0.904_382_075, 0.017),
        // 4.8 sqrt(0.01 x 0.99 / 100,000).
        ("multiplex = false\npool_max = 1000", 0.99, 0.0016),
    ] {
        let seen = Seen::of(&format!(
            "schema = 1\nseed = 7\nduration = \"2000s\"\ndrain = \"20s\"\n\
             [network]\nsame_zone = \"1ms\"\nretransmission_timeout = \"200ms\"\n\
             [network.link.there]\nfrom = \"client:c\"\nto = \"service:s\"\nsymmetric = false\n\
             loss = \"1%\"\n\
             [service.s]\ncount = 1\nworkers = 100\nservice_time = \"0s\"\n\
             [client.c]\narrivals = {{ process = \"constant\", rate = \"50/s\" }}\n\
             [client.c.call.s]\ndeadline = \"10s\"\n\
             [client.c.call.s.connection]\n{connection}\n"
        ));
        let is_undelayed = |call: &&Call| call.ended_at - call.sent_at < 0.002_5;
        let undelayed = seen.calls.iter().filter(is_undelayed).count() as f64;
        let ratio = undelayed / seen.calls.len() as f64;
        assert!(
            (ratio - expected).abs() <= tolerance,
            "{connection}: {ratio}"
        );
    }
}

#[test]
fn the_first_call_of_a_connection_pays_for_its_handshake() {
    let seen = calls_each_second(2, "service_time = \"0s\"", "handshake_cpu = \"30ms\"", "");
    // A handshake and a round trip of 20 ms each, and 30 ms of a worker.
    assert!(is_near(seen.calls[0].ended_at, 1.07));
    assert!(is_near(seen.calls[1].ended_at, 2.02));
}

/// The first call is served at 1.03 s: an instance that closes idle connections after `idle` does
/// so at 1.03 s + idle. The second call is sent at 2 s, arrives 10 ms later, and a close takes as
/// long.
#[test]
fn a_call_that_crosses_an_idle_close_is_reset_unread() {
    for (idle_ms, outcome, opened_count, ended_at) in [
        (990, AttemptOutcome::Success, 1, 2.02),
        (970, AttemptOutcome::ResetUnsent, 1, 2.01),
        (950, AttemptOutcome::Success, 2, 2.04),
    ] {
        let service =
            format!("service_time = \"0s\"\nconnection = {{ idle_timeout = \"{idle_ms}ms\" }}");
        let seen = calls_each_second(2, &service, "", "");
        assert_eq!(seen.calls[1].outcome, outcome, "{idle_ms} ms");
        assert_eq!(seen.opened.len(), opened_count, "{idle_ms} ms");
        assert!(is_near(seen.calls[1].ended_at, ended_at), "{idle_ms} ms");
    }
}

#[test]
fn an_idle_connection_is_closed_by_its_caller() {
    let seen = calls_each_second(2, "service_time = \"0s\"", "idle_timeout = \"300ms\"", "");
    // The first call ends at 1.04 s, the second one at 2.04 s.
    assert_eq!(seen.closed.len(), 2);
    assert!(is_near(seen.closed[0], 1.34) && is_near(seen.closed[1], 2.34));
}

/// A lost host: the call of 2 s goes into a connection that nobody has any more.
#[test]
fn a_half_open_connection_lasts_until_data_was_unacknowledged_too_long() {
    let fault = "[fault.x]\nkind = \"host_loss\"\ntarget = \"service:s\"\nat = \"1500ms\"\n";
    let service = "service_time = \"0s\"";
    let seen = calls_each_second(2, service, "unacked_timeout = \"5s\"", fault);
    assert!(is_near(seen.closed[0], 7.0), "{:?}", seen.closed);
    assert!(is_near(seen.calls[1].ended_at, 7.0));
    assert_eq!(seen.calls[1].outcome, AttemptOutcome::Reset);
}

/// The instance replies at 1.03 s and closes the idle connection at 1.33 s. Only over a link that
/// is cut does its caller not learn it, and closes it at 1.54 s.
#[test]
fn a_connection_closed_behind_a_cut_link_is_half_open() {
    let service = "service_time = \"0s\"\nconnection = { idle_timeout = \"300ms\" }";
    let cut = "[fault.x]\nkind = \"partition\"\nfrom = \"client:c\"\nto = \"service:s\"\n\
               at = \"1200ms\"\n";
    let seen = calls_each_second(1, service, "idle_timeout = \"500ms\"", cut);
    assert!(is_near(seen.closed[0], 1.54), "{:?}", seen.closed);
    assert!(is_near(seen.half_open[0], 0.21), "{:?}", seen.half_open);
    let seen = calls_each_second(1, service, "idle_timeout = \"500ms\"", "");
    assert!(is_near(seen.closed[0], 1.34), "{:?}", seen.closed);
    assert!(seen.half_open.is_empty());
}

/// The host comes back at 1.8 s without knowing the connection, and says so when the call of 2 s
/// arrives at 2.01 s.
#[test]
fn a_host_that_came_back_resets_connections_of_its_former_life() {
    let fault = "[fault.x]\nkind = \"host_loss\"\ntarget = \"service:s\"\nat = \"1500ms\"\n\
                 for = \"300ms\"\n";
    let seen = calls_each_second(2, "service_time = \"0s\"", "", fault);
    assert_eq!(seen.calls[1].outcome, AttemptOutcome::ResetUnsent);
    assert!(is_near(seen.calls[1].ended_at, 2.02));
}

/// The second call waits until the first is answered at 2.54 s, and is never acknowledged.
#[test]
fn bytes_are_unacknowledged_from_when_they_leave() {
    let fault = "[fault.x]\nkind = \"host_loss\"\ntarget = \"service:s\"\nat = \"2535ms\"\n";
    let connection = "streams_max = 1\nunacked_timeout = \"5s\"";
    let seen = calls_each_second(2, "service_time = \"1500ms\"", connection, fault);
    assert!(is_near(seen.calls[1].sent_at, 2.0));
    assert!(is_near(seen.closed[0], 7.54), "{:?}", seen.closed);
}

#[test]
fn a_process_that_stands_still_accepts_as_many_as_its_backlog_holds() {
    let fault = "[fault.x]\nkind = \"pause\"\ntarget = \"service:s\"\nat = \"10ms\"\n\
                 for = \"2500ms\"\n";
    let opened = |backlog: u32| {
        let service =
            format!("service_time = \"0s\"\nconnection = {{ accept_backlog = {backlog} }}");
        calls_each_second(1, &service, "connect_timeout = \"9s\"", fault).opened[0]
    };
    // The kernel answers at once; without room the SYNs of 1 s and 2 s are dropped.
    assert!(is_near(opened(1), 1.02));
    assert!(is_near(opened(0), 4.02));
}

#[test]
fn a_connection_that_is_too_old_closes_after_its_calls() {
    let service = "service_time = \"200ms\"\nconnection = { age_max = \"100ms\", age_jitter = 0 }";
    let seen = calls_each_second(3, service, "", "");
    assert_eq!(seen.calls.len(), 3);
    assert!(seen.failed().count() == 0);
    assert_eq!((seen.opened.len(), seen.closed.len()), (3, 3));
    assert!(is_near(seen.closed[0], 1.24), "{:?}", seen.closed);
}

/// Three calls of 1 s each begin together and share a pool of one connection.
#[test]
fn attempts_wait_for_a_connection_in_the_order_in_which_they_came() {
    let seen = calls_each_second(
        3,
        "workers = 3\nservice_time = \"2s\"",
        "multiplex = false\npool_max = 1",
        "",
    );
    // Sent at 1, 2 and 3 s; the connection is there at 1.02 s and serves one after the other, with
    // a round trip and 2 s each.
    for (call, ended_at) in seen.calls.iter().zip([3.04, 5.06, 7.08]) {
        assert!(is_near(call.ended_at, ended_at), "{call:?}");
    }
    assert_eq!(seen.opened.len(), 1);
}

/// Calls of one caller to three instances, every 20 ms.
fn picks(balancer: &str, connection: &str, more: &str) -> Vec<Call> {
    let seen = Seen::of(&format!(
        "schema = 1\nduration = \"10s\"\ndrain = \"5s\"\n[network]\nsame_zone = \"1ms\"\n\
         [service.s]\ncount = 3\nservice_time = \"1ms\"\n{more}\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"50/s\" }}\n\
         [client.c.call.s]\ndeadline = \"1s\"\nbalancer = {balancer}\n{connection}\n"
    ));
    seen.calls
}

fn instances(calls: &[Call]) -> Vec<u32> {
    let mut instances: Vec<u32> = calls.iter().map(|call| call.instance).collect();
    instances.dedup();
    instances
}

#[test]
fn a_pick_per_connection_stays_where_the_connection_is() {
    let per_connection = "connection = { per = \"connection\" }";
    assert_eq!(
        instances(&picks("\"round_robin\"", per_connection, "")),
        [0]
    );
    // An age of 4 s: the next connections are picked at about 4 s and 8 s.
    let aged = "connection = { age_max = \"4s\", age_jitter = 0 }";
    let calls = picks("\"round_robin\"", per_connection, aged);
    assert_eq!(instances(&calls), [0, 1, 2]);
}

#[test]
fn pick_first_moves_on_when_its_instance_fails() {
    let crash = "[fault.x]\nkind = \"crash\"\ntarget = \"instance:s/main/0\"\nat = \"5s\"\n\
                 for = \"1s\"\n";
    for connection in ["", "connection = {}"] {
        let text = format!("{connection}\n{crash}");
        let calls = picks("\"pick_first\"", &text, "");
        // It does not come back to the first one.
        assert_eq!(instances(&calls), [0, 1], "{connection}");
        let failed = calls
            .iter()
            .filter(|c| c.outcome != AttemptOutcome::Success);
        assert!(failed.count() <= 1);
    }
}

#[test]
fn a_connection_is_not_idle_while_asynchronous_work_is_under_way() {
    // Calls that take 3 s at a service behind, and connections that close after 1 s without any.
    // Every second call finds the connection of the one before.
    let seen = Seen::of(
        "schema = 1\nduration = \"10s\"\ndrain = \"9s\"\n[network]\nsame_zone = \"1ms\"\n\
         [service.web]\ncount = 1\nworkers = 4\nservice_time = \"1ms\"\n\
         connection = { idle_timeout = \"1s\" }\n[service.web.call.db]\nasync = true\n\
         [service.db]\ncount = 1\nworkers = 4\nservice_time = \"3s\"\n\
         [client.shop]\narrivals = { process = \"constant\", rate = \"0.5/s\" }\n\
         [client.shop.call.web]\ndeadline = \"8s\"\nconnection = {}\n",
    );
    assert_eq!(seen.failed().count(), 0);
    assert_eq!(seen.opened.len(), 1);
}

/// One call at 10 s, whose handshake takes until 10.6 s; its reply is there at 10.801 s.
fn called_once(fault: &str) -> Seen {
    Seen::of(&format!(
        "schema = 1\nduration = \"15s\"\ndrain = \"30s\"\n[network]\nsame_zone = \"100ms\"\n\
         [service.web]\ncount = 2\nworkers = 10\nservice_time = \"1ms\"\n\
         [client.shop]\narrivals = {{ process = \"constant\", rate = \"0.1/s\" }}\n\
         [client.shop.call.web]\ndeadline = \"10s\"\nbalancer = \"pick_first\"\n\
         connection = {{ tls_round_trips = 2, connect_timeout = \"5s\" }}\n\
         [fault.f]\nat = \"10250ms\"\n{fault}"
    ))
}

#[test]
fn who_is_unwanted_before_it_is_open_carries_what_waits_and_closes() {
    for fault in [
        // It leaves the list.
        "kind = \"scale_in\"\ngroup = \"web/main\"\ncount = 2\ngrace = \"40s\"\n",
        // It tells its callers to go away, and stays on the list.
        "kind = \"rolling_restart\"\ntarget = \"service:web\"\nmax_surge = 2\n\
         max_unavailable = 0\ndrain = { deregister = false, grace = \"30s\" }\n",
    ] {
        let seen = called_once(fault);
        assert_eq!(seen.opened, [10.6], "{fault}");
        assert_eq!(seen.failed().count(), 0, "{fault}");
        assert_eq!(seen.closed, [10.801], "{fault}");
    }
}
