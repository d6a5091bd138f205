//! Mistakes in detectors.

use super::{assert_messages, messages};

#[test]
fn a_ping_that_outlasts_its_interval_is_refused() {
    assert_messages(
        "detector = { kind = \"ping\", timeout = \"2s\" }\n[network]\nduplication = 0.1\n",
        r#"
error: a ping that may take longer than its interval
  --> bad.toml:11:39
   |
11 | detector = { kind = "ping", timeout = "2s" }
   |                                       ^^^^ `interval` is 1s
   |
help: expected timeout <= interval: one ping at a time is under way

error: a stream delivers nothing twice
  --> bad.toml:13:15
   |
13 | duplication = 0.1
   |               ^^^ `transport` is stream
   |
help: write `transport = "datagram"` to let messages be duplicated

bad.toml: 2 errors
"#,
    );
}

#[test]
fn a_timeout_below_the_interval_is_refused() {
    assert_messages(
        "detector = { kind = \"timeout\", interval = \"2s\", timeout = \"1s\" }\n",
        r#"
error: a timeout that is over before the next heartbeat
  --> bad.toml:11:59
   |
11 | detector = { kind = "timeout", interval = "2s", timeout = "1s" }
   |                                                           ^^^^ `interval` is 2s
   |
help: expected timeout >= interval: it runs from one heartbeat to the next

bad.toml: 1 error
"#,
    );
}

#[test]
fn a_threshold_that_cassandra_refuses_is_refused_and_what_is_akkas_has_no_effect() {
    assert_messages(
        "detector = { kind = \"phi_accrual\", form = \"cassandra\", threshold = 3.0,\n\
         acceptable_heartbeat_pause = \"1s\" }\n",
        r#"
error: a threshold that Cassandra refuses
  --> bad.toml:11:68
   |
11 | detector = { kind = "phi_accrual", form = "cassandra", threshold = 3.0,
   |                                                                    ^^^ it is 3
   |
help: expected phi_convict_threshold between 5 and 16

warning[W10]: `acceptable_heartbeat_pause` has no effect
  --> bad.toml:12:30
   |
12 | acceptable_heartbeat_pause = "1s" }
   |                              ^^^^ only with `form = "akka"`

bad.toml: 1 error, 1 warning
"#,
    );
}

#[test]
fn a_detector_needs_what_has_no_default() {
    assert_messages(
        "detector = { kind = \"phi_acrual\" }\n",
        r#"
error: missing key `form` in detector
  --> bad.toml:11:12
   |
11 | detector = { kind = "phi_acrual" }
   |            ^^^^^^^^^^^^^^^^^^^^^^^
   |
help: `form`: Whose form: exactly normal, Akka's logistic one or Cassandra's exponential one.

error: unknown kind `phi_acrual` in detector
  --> bad.toml:11:21
   |
11 | detector = { kind = "phi_acrual" }
   |                     ^^^^^^^^^^^^ not a kind that is built
   |
help: did you mean `phi_accrual`?

bad.toml: 2 errors
"#,
    );
    assert_messages(
        "detector = { kind = \"chen_nfd_e\" }\n",
        r#"
error: missing key `alpha` in detector
  --> bad.toml:11:12
   |
11 | detector = { kind = "chen_nfd_e" }
   |            ^^^^^^^^^^^^^^^^^^^^^^^
   |
help: `alpha`: From the estimated arrival to the freshness point.

bad.toml: 1 error
"#,
    );
}

#[test]
fn checks_that_make_no_sense_are_refused_or_said_to_have_no_effect() {
    let said = |detector: &str| {
        let set = format!("client.shop.call.web.detector={{ {detector} }}");
        messages("", &[&set])
    };
    for (detector, parts) in [
        (
            "kind = \"ping\", service_time = \"1ms\"",
            ["`service_time` has no effect", "write `path = \"queued\"`"],
        ),
        (
            "kind = \"timeout\", timeout = \"2s\", path = \"deep\"",
            ["deep", "queued"],
        ),
        (
            "kind = \"envoy_health_check\", interval = \"1s\"",
            ["missing key `timeout`", "missing key `unhealthy_threshold`"],
        ),
        (
            "kind = \"haproxy_check\", interval = \"1s\"",
            ["unknown key `interval`", "inter"],
        ),
        (
            "kind = \"ping\", waits_for_worker = true",
            ["unknown key `waits_for_worker`", "path"],
        ),
    ] {
        let text = said(detector);
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
}
