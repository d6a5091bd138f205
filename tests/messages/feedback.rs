//! Mistakes about balancers that learn from their instances.

use super::{assert_messages, messages};

#[test]
fn a_policy_says_what_it_takes() {
    assert_messages(
        "balancer = { policy = \"prequal\", pool_size = 4, pool_size_min = 5 }\n",
        r#"
error: a pool that is always too small
  --> bad.toml:11:65
   |
11 | balancer = { policy = "prequal", pool_size = 4, pool_size_min = 5 }
   |                                                                 ^ `pool_size` is 4, so every pick would be random
   |
help: expected `pool_size_min` of at most 4

bad.toml: 1 error
"#,
    );
    for (balancer, said) in [
        ("\"prequel\"", "did you mean `prequal`?"),
        ("{ policy = \"c3\", queue_exponent = 0 }", "from 1 to 8"),
        (
            "{ policy = \"join_idle_queue\", pool_size = 3 }",
            "not a key of this balancer",
        ),
        (
            "{ policy = \"grpc_weighted_round_robin\", report_interval = \"5s\" }",
            "reports = \"out_of_band\"",
        ),
        (
            "{ policy = \"grpc_weighted_round_robin\", blackout = 10 }",
            "a time needs a unit",
        ),
    ] {
        let text = messages(&format!("balancer = {balancer}\n"), &[]);
        assert!(text.contains(said), "{balancer}: {text}");
    }
}
