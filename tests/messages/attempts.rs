//! Mistakes about hedges, cluster modes and deadlines.

use super::messages;

#[test]
fn a_cluster_mode_says_how_many_attempts_there_are() {
    let message = messages(
        "cluster = \"failfast\"\nretry = { attempt_count_max = 3 }\n\
         hedge = { budget_ratio = \"5%\" }\ndeadline_margin = \"1ms\"\n",
        &[],
    );
    let expected = r#"
error: `retry` in a call that is `failfast`
  --> bad.toml:12:9
   |
12 | retry = { attempt_count_max = 3 }
   |         ^^^^^^^^^^^^^^^^^^^^^^^^^ `failfast` says how many attempts there are
   |
help: remove `retry`, or write `cluster = "failover"`

error: a hedge without a delay
  --> bad.toml:13:9
   |
13 | hedge = { budget_ratio = "5%" }
   |         ^^^^^^^^^^^^^^^^^^^^^^^ when is it sent?
   |
help: write `delay = "10ms"` or `percentile = 95`

error: `hedge` in a call that is `failfast`
  --> bad.toml:13:9
   |
13 | hedge = { budget_ratio = "5%" }
   |         ^^^^^^^^^^^^^^^^^^^^^^^ `failfast` says how many attempts there are
   |
help: remove `hedge`, or write `cluster = "failover"`

error: a margin without propagation
  --> bad.toml:14:19
   |
14 | deadline_margin = "1ms"
   |                   ^^^^^ this call knows no deadline but its own
   |
help: write `deadline_propagation = "drop_at_dequeue"` or "cancel"

bad.toml: 4 errors
"#;
    assert_eq!(message, expected.trim_start_matches('\n'));
}

#[test]
fn a_broadcast_has_a_bound_and_a_deadline_has_a_length() {
    let message = messages(
        "cluster = \"broadcast\"\ndeadline = \"0s\"\n",
        &["service.web.count=251"],
    );
    assert!(
        message.contains("error: a broadcast to 251 instances"),
        "{message}"
    );
    assert!(message.contains("at most 250 are possible"), "{message}");
    assert!(
        message.contains("error: a time that cannot be zero"),
        "{message}"
    );
}

#[test]
fn nothing_holds_up_a_broadcast() {
    let message = messages(
        "cluster = \"broadcast\"\nbulkhead = { concurrent_max = 3 }\n",
        &[],
    );
    let expected = r#"
error: `bulkhead` in a call that is `broadcast`
  --> bad.toml:12:12
   |
12 | bulkhead = { concurrent_max = 3 }
   |            ^^^^^^^^^^^^^^^^^^^^^^ a broadcast goes to every instance, and nothing holds it up
   |
help: remove `bulkhead`, or write `cluster = "failover"`

bad.toml: 1 error
"#;
    assert_eq!(message, expected.trim_start_matches('\n'));
}

#[test]
fn what_says_how_a_percentile_is_taken_needs_one() {
    let message = messages(
        "hedge = { delay = \"9ms\", window = 50, refresh = \"3s\" }\n",
        &[],
    );
    assert!(
        message.contains("error: `window` without a percentile"),
        "{message}"
    );
    assert!(
        !message.contains("`refresh`"),
        "the default may be written: {message}"
    );
}
