//! Connections to hosts that were lost and came back without knowing them.

use stormglass::model::observation::AttemptOutcome;

use crate::connections::{calls_each_second, calls_every, is_near, service_of};

/// The call of 2 s reaches a lost host, is sent again at 2.2, 2.6 and 3.4 s, and each takes 10 ms
/// there and its reset 10 ms back.
#[test]
fn a_host_that_came_back_resets_what_is_sent_to_it_again() {
    for (down_ms, ended_at) in [(600, 2.22), (1_105, 2.62), (1_115, 3.42), (1_500, 3.42)] {
        let fault = format!(
            "[fault.x]\nkind = \"host_loss\"\ntarget = \"service:s\"\nat = \"1500ms\"\n\
             for = \"{down_ms}ms\"\n"
        );
        let seen = calls_each_second(2, "service_time = \"0s\"", "", &fault);
        assert_eq!(seen.calls[1].outcome, AttemptOutcome::ResetUnsent);
        assert!(is_near(seen.calls[1].ended_at, ended_at), "{down_ms} ms");
        assert_eq!(seen.closed.len(), 1);
        assert!(is_near(seen.closed[0], ended_at), "{down_ms} ms");
    }
}

/// Calls of which nobody takes notice after half a second, into a host that is lost from 9.5 s to
/// 11 s.
fn rare_calls(gap: &str, connection: &str) -> Vec<f64> {
    let fault = "[fault.x]\nkind = \"host_loss\"\ntarget = \"service:s\"\nat = \"9500ms\"\n\
                 for = \"1500ms\"\n";
    let world = format!(
        "duration = \"15s\"\n{}",
        service_of("service_time = \"0s\"")
    );
    calls_every(gap, "500ms", &world, connection, fault).closed
}

/// Its bytes are what is sent again, whether or not anybody still waits for the call: of the call
/// of 10 s at 10.2, 10.6 and 11.4 s.
#[test]
fn a_connection_is_reset_after_its_call_has_timed_out() {
    let idle = "idle_timeout = \"4s\"";
    let closed = rare_calls("5s", idle);
    assert!(is_near(closed[0], 9.04) && closed.len() == 1, "{closed:?}");
    let closed = rare_calls("5s", "");
    assert!(is_near(closed[0], 11.42) && closed.len() == 1, "{closed:?}");
    // Who sent nothing while the host was lost does not learn it: of the call of 8 s.
    let closed = rare_calls("8s", idle);
    assert!(is_near(closed[0], 12.04) && closed.len() == 1, "{closed:?}");
}

/// After the call of 8 s a ping leaves 2 s after the handshake, at 10.02 s, and again at 10.22,
/// 10.62 and 11.42 s; or first 3 s after it, when the host is there again.
#[test]
fn a_host_that_came_back_resets_a_ping() {
    for (interval_secs, expected) in [(2, 11.44), (3, 11.04)] {
        let closed = rare_calls(
            "8s",
            &format!(
                "keepalive = {{ interval = \"{interval_secs}s\", timeout = \"20s\", \
                 without_streams = true }}"
            ),
        );
        assert!(
            is_near(closed[0], expected) && closed.len() == 1,
            "{closed:?}"
        );
    }
}

/// The handshake goes on at 1.02 s, and again at 1.22 and 1.62 s.
#[test]
fn a_host_that_came_back_ends_handshakes_of_its_former_life() {
    let fault = "[fault.x]\nkind = \"host_loss\"\ntarget = \"service:s\"\nat = \"1025ms\"\n\
                 for = \"500ms\"\n";
    let connection = "connect_timeout = \"10s\"\ntls_round_trips = 1";
    let seen = calls_each_second(1, "service_time = \"0s\"", connection, fault);
    assert_eq!(seen.calls[0].outcome, AttemptOutcome::Refused);
    assert!(is_near(seen.calls[0].ended_at, 1.64), "{:?}", seen.calls);
}
