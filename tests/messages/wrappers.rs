//! Mistakes about what stands around a strategy.

use super::{assert_messages, messages};

#[test]
fn an_ejection_that_never_happens_says_why() {
    assert_messages(
        "balancer = { policy = \"random\", ejection = \"envoy_outlier\" }\n",
        r#"
warning[W10]: an ejection that never happens
  --> bad.toml:10:19
   |
10 | [client.shop.call.web]
   |                   ^^^ one of 3 instances is more than 10 % of them
   |
help: write ejected_ratio_max = "34%", or more

bad.toml: 1 warning
"#,
    );
}

#[test]
fn mistakes_of_a_strategy_and_of_all_its_wrappers_are_told_at_once() {
    let text = messages(
        "balancer = { policy = \"least_in_flight\", choice_count = 0, \
         backup = [\"group:web/main\"], subset = { kind = \"random\", size = 0 }, \
         slow_start = { kind = \"envoy\", weight_min = 0 }, \
         ejection = { kind = \"nginx_max_fails\", fail_timeout = \"1500ms\" } }\n",
        &[],
    );
    for said in [
        "choice_count = 0",
        "every group of the service is a backup",
        "size = 0",
        "a newcomer without any weight",
        "nginx counts in whole seconds",
        "bad.toml: 5 errors",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn wrappers_say_what_they_take() {
    for (wrappers, said) in [
        ("slow_start = \"envoy\"", "`random` ignores weights"),
        (
            "subset = \"deterministic_aperture\"",
            "`random` ignores the parts",
        ),
        ("zone_aware = {}", "`min_size` is 6"),
        ("ejection = \"grpc_outlier\"", "no criterion is enforced"),
        (
            "ejection = { kind = \"nginx_max_fails\", fail_count_max = 0 }",
            "`fail_count_max` is 0",
        ),
        (
            "ejection = { kind = \"nginx_max_fails\", fail_timeout = \"1500ms\" }",
            "nginx counts in whole seconds",
        ),
        (
            "ejection = { kind = \"grpc_outlier\", duration_base = \"9s\", duration_max = \"8s\" }",
            "the longest ejection is shorter than the first",
        ),
        (
            "ejection = { kind = \"envoy_outlier\", ejected_ratio_max = \"33.3%\" }",
            "write \"33%\"",
        ),
        (
            "ejection = { kind = \"envoy_outlire\" }",
            "did you mean `envoy_outlier`?",
        ),
        (
            "ejection = { kind = \"grpc_outlier\", duration_jitter = \"1s\" }",
            "not a key of this",
        ),
        ("priority = { levels = [\"zone:b\"] }", "zone"),
        (
            "priority = { levels = [\"client:shop\"] }",
            "names no groups of the called service",
        ),
        ("priority = { overprovisioning_factor = 0.5 }", "1"),
        (
            "backup = [\"service:web\"]",
            "names no groups of the called service",
        ),
        (
            "backup = [\"group:web/main\"]",
            "every group of the service is a backup",
        ),
        (
            "slow_start = { kind = \"envoy\", weight_min = 0 }",
            "a newcomer without any weight",
        ),
    ] {
        let text = messages(
            &format!("balancer = {{ policy = \"random\", {wrappers} }}\n"),
            &[],
        );
        assert!(text.contains(said), "{wrappers}: {text}");
    }
}

#[test]
fn a_wrapper_belongs_around_the_whole_balancer() {
    let text = messages(
        "balancer = { policy = \"sticky\", fallback = { policy = \"random\", zone_aware = {} } }\n",
        &[],
    );
    assert!(
        text.contains("write `zone_aware` in the balancer around it"),
        "{text}"
    );
}
