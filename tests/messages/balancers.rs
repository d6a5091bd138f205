//! Mistakes about balancers.

use super::{assert_messages, messages};

#[test]
fn a_maglev_table_has_a_prime_size() {
    assert_messages(
        "balancer = { policy = \"maglev\", table_size = 65_536 }\n",
        r#"
error: the size of a Maglev table is a prime, in the paper and in Envoy
  --> bad.toml:11:46
   |
11 | balancer = { policy = "maglev", table_size = 65_536 }
   |                                              ^^^^^^ this is no prime
   |
help: the next prime is 65537

bad.toml: 1 error
"#,
    );
}

#[test]
fn a_ring_of_envoy_is_no_smaller_than_its_minimum() {
    let more = "balancer = { policy = \"envoy_ring_hash\", maximum_ring_size = 512 }\n";
    let text = messages(more, &[]);
    assert!(text.contains("maximum size is below its minimum"), "{text}");
    assert!(text.contains("expected 1024 or more"), "{text}");
}

#[test]
fn weights_that_the_real_system_refuses_are_refused() {
    let refused = |policy: &str, weight: &str| {
        let more = format!("balancer = \"{policy}\"\n");
        messages(&more, &[&format!("service.web.weight={weight}")])
    };
    let text = refused("nginx_hash_consistent", "1.5");
    assert!(text.contains("nginx has no weight 1.5"), "{text}");
    assert!(
        text.contains("write whole weights up to 65535, or take `ring` or"),
        "{text}"
    );
    let text = refused("haproxy_map_based", "257");
    assert!(text.contains("HAProxy has no weight 257"), "{text}");
    let text = refused("maglev", "0.5");
    assert!(text.contains("Envoy has no weight 0.5"), "{text}");
    for (policy, weight) in [("ketama", "1.5"), ("haproxy_map_based", "256")] {
        let text = refused(policy, weight);
        assert!(!text.contains("has no weight"), "{text}");
    }
}
