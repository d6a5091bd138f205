//! Tables whose kind is misspelt or unknown: what else is wrong shows at once, and nothing that
//! only follows from it.

use super::{assert_messages, messages};

#[test]
fn a_misspelt_proxy_is_called_all_the_same_and_its_other_mistakes_show() {
    assert_messages(
        "[proxy.edge]\n\
         kind = \"ngnix\"\n\
         upstream = \"web\"\n\
         count = 0\n\
         max_fails = \"one\"\n\
         fail_timout = \"5s\"\n\
         [client.far]\n\
         arrivals = { process = \"poisson\", rate = \"1/s\" }\n\
         [client.far.call.edge]\n\
         attempt_timeout = 3\n\
         [fault.dies]\n\
         kind = \"crash\"\n\
         target = \"proxy:edge\"\n\
         at = \"1s\"\n",
        r#"
error: unknown kind `ngnix` in proxy `edge`
  --> bad.toml:12:8
   |
12 | kind = "ngnix"
   |        ^^^^^^^ not a kind that is built
   |
help: did you mean `nginx`?

error: a number out of range
  --> bad.toml:14:9
   |
14 | count = 0
   |         ^ expected a whole number from 1 to 67108864

error: wrong type: a string
  --> bad.toml:15:13
   |
15 | max_fails = "one"
   |             ^^^^^ expected a whole number from 0 to 1000000

error: unknown key `fail_timout` in proxy `edge`
  --> bad.toml:16:1
   |
16 | fail_timout = "5s"
   | ^^^^^^^^^^^ not a key of this proxy
   |
help: did you mean `fail_timeout`?

error: a time needs a unit
  --> bad.toml:20:19
   |
20 | attempt_timeout = 3
   |                   ^ write "3s" or "3ms"

bad.toml: 5 errors
"#,
    );
}

#[test]
fn of_a_proxy_of_no_known_kind_what_no_kind_takes_shows() {
    assert_messages(
        "[proxy.edge]\n\
         kind = \"squid\"\n\
         upstream = \"web\"\n\
         count = 0\n\
         max_fails = \"one\"\n\
         colour = \"red\"\n\
         [client.far]\n\
         arrivals = { process = \"poisson\", rate = \"1/s\" }\n\
         [client.far.call.edge]\n\
         [fault.dies]\n\
         kind = \"crash\"\n\
         target = \"proxy:edge\"\n\
         at = \"1s\"\n",
        r#"
error: unknown kind `squid` in proxy `edge`
  --> bad.toml:12:8
   |
12 | kind = "squid"
   |        ^^^^^^^ not a kind that is built
   |
help: expected one of nginx, haproxy, envoy

error: a number out of range
  --> bad.toml:14:9
   |
14 | count = 0
   |         ^ expected a whole number from 1 to 67108864

error: unknown key `colour` in proxy `edge`
  --> bad.toml:16:1
   |
16 | colour = "red"
   | ^^^^^^ not a key of this proxy

bad.toml: 3 errors
"#,
    );
}

#[test]
fn of_a_registry_of_no_known_profile_leases_and_members_are_no_mistakes() {
    assert_messages(
        "[registry]\n\
         profile = \"chubby\"\n\
         members = 5\n\
         [service.api]\n\
         count = 1\n\
         service_time = \"1ms\"\n\
         registered = { lease_duration = \"5s\" }\n\
         [client.shop.call.api]\n\
         [fault.dies]\n\
         kind = \"crash\"\n\
         target = \"registry:member/1\"\n\
         at = \"1s\"\n",
        r#"
error: unknown profile `chubby` in registry
  --> bad.toml:12:11
   |
12 | profile = "chubby"
   |           ^^^^^^^^ not a profile that is built
   |
help: expected one of static, lease, zookeeper, consul, etcd, eureka, nacos, dns, kubernetes

bad.toml: 1 error
"#,
    );
}

/// A table with a misspelt tag and another mistake: both show, and nothing else.
#[test]
fn every_misspelt_table_shows_its_other_mistakes() {
    let call = "client.shop.call.web";
    for (set, parts) in [
        (
            "registry={ profile = \"zookeper\", members = 5, tick_time = 2 }",
            ["did you mean `zookeeper`?", "write \"2s\" or \"2ms\""],
        ),
        (
            &format!("{call}.detector={{ kind = \"pnig\", interval = 1 }}"),
            ["did you mean `ping`?", "write \"1s\" or \"1ms\""],
        ),
        (
            &format!("{call}.balancer={{ policy = \"leest_in_flight\", chioce_count = 2 }}"),
            [
                "did you mean `least_in_flight`?",
                "unknown key `chioce_count`",
            ],
        ),
        (
            &format!(
                "{call}.balancer={{ policy = \"random\", \
                 ejection = {{ kind = \"nginx_max_fail\", fail_count_max = -1 }} }}"
            ),
            ["did you mean `nginx_max_fails`?", "a number out of range"],
        ),
        (
            &format!("{call}.breaker={{ kind = \"hystirx\", open_duration = 5 }}"),
            ["did you mean `hystrix`?", "write \"5s\" or \"5ms\""],
        ),
        (
            "fault.x={ kind = \"crahs\", target = \"service:wbe\", at = \"1s\" }",
            ["did you mean `crash`?", "did you mean `web`?"],
        ),
        (
            "client.shop.arrivals={ process = \"poison\", rate = \"5\" }",
            ["did you mean `poisson`?", "a rate needs a unit"],
        ),
        (
            "service.web.service_time={ dist = \"lognorml\", p50 = 5, p99 = \"9ms\" }",
            ["did you mean `lognormal`?", "write \"5s\" or \"5ms\""],
        ),
        (
            "service.web.gossip={ profile = \"swm\", probe_interval = 1 }",
            ["did you mean `swim`?", "write \"1s\" or \"1ms\""],
        ),
    ] {
        let text = messages("", &[set]);
        assert!(
            parts.iter().all(|part| text.contains(part)),
            "{set}\n{text}"
        );
        assert!(text.ends_with("bad.toml: 2 errors\n"), "{set}\n{text}");
    }
}
