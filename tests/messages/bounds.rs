//! Keys of registries out of their bounds, and keys that have no effect.

use super::assert_messages;

#[test]
fn times_of_kubernetes_in_the_wrong_order_are_refused() {
    assert_messages(
        "[registry]\nprofile = \"kubernetes\"\nperiod = \"1s\"\ntimeout = \"2s\"\n\
         lease_renew_interval = \"1m\"\nmanager_lease_duration = \"10s\"\n\
         manager_retry_period = \"9s\"\nelection_timeout = \"100ms\"\n",
        r#"
error: `timeout` above `period`
  --> bad.toml:13:10
   |
13 | period = "1s"
   |          ^^^^ 2s is more than 1s
   |
help: expected timeout <= period

error: `lease_renew_interval` above `node_monitor_grace_period`
  --> bad.toml:15:24
   |
15 | lease_renew_interval = "1m"
   |                        ^^^^ 1m is more than 40s
   |
help: expected lease_renew_interval <= node_monitor_grace_period

error: times of an election that client-go refuses
  --> bad.toml:16:26
   |
16 | manager_lease_duration = "10s"
   |                          ^^^^^ `manager_renew_deadline` is 10s
   |
help: expected manager_renew_deadline < manager_lease_duration

error: times of an election that client-go refuses
  --> bad.toml:17:24
   |
17 | manager_retry_period = "9s"
   |                        ^^^^ 1.2 times it is 10.8s, and `manager_renew_deadline` is 10s
   |
help: expected 1.2 manager_retry_period < manager_renew_deadline

error: an election timeout that etcd refuses
  --> bad.toml:18:20
   |
18 | election_timeout = "100ms"
   |                    ^^^^^^^ `heartbeat_interval` is 100ms
   |
help: expected at least five heartbeat intervals: 500ms

bad.toml: 5 errors
"#,
    );
}

#[test]
fn bounds_of_kubernetes_are_told_and_what_has_no_effect() {
    assert_messages(
        "[registry]\nprofile = \"kubernetes\"\nmembers = 3\nleader = 3\nperiod = 10\n\
         failure_threshold = 0\ninitial_delay = \"-1s\"\nprobe_path = \"http\"\n\
         consumer = \"watch\"\nmin_sync_period = \"2s\"\n[service.api]\ncount = 1\n\
         service_time = \"1ms\"\nregistered = { lease_duration = \"5s\" }\n\
         [client.shop.call.api]\n",
        r#"
error: there is no member 3
  --> bad.toml:14:10
   |
14 | leader = 3
   |          ^ the registry has 3 members
   |
help: members are numbered from 0 to 2

error: a time needs a unit
  --> bad.toml:15:10
   |
15 | period = 10
   |          ^^ write "10s" or "10ms"

error: a number out of range
  --> bad.toml:16:21
   |
16 | failure_threshold = 0
   |                     ^ expected a whole number from 1 to 1000

error: a time cannot be negative
  --> bad.toml:17:17
   |
17 | initial_delay = "-1s"
   |                 ^^^^^ expected a time like "250ms"

error: unknown value `http`
  --> bad.toml:18:14
   |
18 | probe_path = "http"
   |              ^^^^^^ expected one of queued, bypass, accept

warning[W10]: `min_sync_period` has no effect
  --> bad.toml:20:19
   |
20 | min_sync_period = "2s"
   |                   ^^^^ only with `consumer = "kube_proxy"`

error: no instance sends heartbeats
  --> bad.toml:24:33
   |
24 | registered = { lease_duration = "5s" }
   |                                 ^^^^ kubelets probe instances: see `period`
   |
help: leave `lease_duration` out

bad.toml: 6 errors, 1 warning
"#,
    );
}

#[test]
fn keys_of_connections_have_no_effect_on_clients_of_nacos_that_beat() {
    assert_messages(
        "[registry]\nprofile = \"nacos\"\nkeep_alive_interval = \"4s\"\n\
         detection_timeout = \"5\"\nsynced_client_timeout = \"3m\"\n",
        r#"
warning[W10]: `keep_alive_interval` has no effect
  --> bad.toml:13:23
   |
13 | keep_alive_interval = "4s"
   |                       ^^^^ only with `client = "grpc"`

warning[W10]: `detection_timeout` has no effect
  --> bad.toml:14:21
   |
14 | detection_timeout = "5"
   |                     ^^^ only with `client = "grpc"`

error: a time needs a unit
  --> bad.toml:14:21
   |
14 | detection_timeout = "5"
   |                     ^^^ write "5s" or "5ms"

warning[W10]: `synced_client_timeout` has no effect
  --> bad.toml:15:25
   |
15 | synced_client_timeout = "3m"
   |                         ^^^^ only with `client = "grpc"`

bad.toml: 1 error, 3 warnings
"#,
    );
    assert_messages(
        "[registry]\nprofile = \"nacos\"\nclient = \"grpc\"\nkeep_alive_interval = \"0s\"\n\
         connection_idle_timout = \"9s\"\ndetection_timeout = \"5\"\nredo_interval = true\n",
        r#"
error: a time that cannot be zero
  --> bad.toml:14:23
   |
14 | keep_alive_interval = "0s"
   |                       ^^^^ expected a time above zero

error: unknown key `connection_idle_timout` in registry
  --> bad.toml:15:1
   |
15 | connection_idle_timout = "9s"
   | ^^^^^^^^^^^^^^^^^^^^^^ not a key of this registry
   |
help: did you mean `connection_idle_timeout`?

error: a time needs a unit
  --> bad.toml:16:21
   |
16 | detection_timeout = "5"
   |                     ^^^ write "5s" or "5ms"

error: wrong type: a boolean
  --> bad.toml:17:17
   |
17 | redo_interval = true
   |                 ^^^^ expected a time like "250ms"

bad.toml: 4 errors
"#,
    );
}

#[test]
fn bounds_of_dns_are_told_and_what_has_no_effect() {
    assert_messages(
        "[registry]\nprofile = \"dns\"\nttl = \"0s\"\nhealth_check = false\n\
         failure_threshold = 2\nclient_ttl = \"10s\"\nquery_tries = 0\n\
         all_unhealthy = \"some\"\n",
        r#"
error: a time that cannot be zero
  --> bad.toml:13:7
   |
13 | ttl = "0s"
   |       ^^^^ expected a time above zero

warning[W10]: `failure_threshold` has no effect
  --> bad.toml:15:21
   |
15 | failure_threshold = 2
   |                     ^ only with `health_check = true`

warning[W10]: `client_ttl` has no effect
  --> bad.toml:16:14
   |
16 | client_ttl = "10s"
   |              ^^^^^ only with `client_cache = "fixed"`

error: a number out of range
  --> bad.toml:17:15
   |
17 | query_tries = 0
   |               ^ expected a whole number from 1 to 100

error: unknown value `some`
  --> bad.toml:18:17
   |
18 | all_unhealthy = "some"
   |                 ^^^^^^ expected one of all, none

bad.toml: 3 errors, 2 warnings
"#,
    );
}

#[test]
fn bounds_of_consul_are_told_and_what_has_no_effect() {
    assert_messages(
        "[registry]\nprofile = \"consul\"\nleader = 5\nttl = \"5s\"\npass_interval = 1\n\
         failures_before_critical = -1\nconsistency = \"strong\"\nwait = \"0s\"\n\
         gossip = { profile = \"memberlist_lan\", probe_intervall = 3 }\n[service.api]\ncount = 1\n\
         service_time = \"1ms\"\nregistered = { heartbeat_interval = \"10ms\" }\n\
         [client.shop.call.api]\n",
        r#"
error: there is no member 5
  --> bad.toml:13:10
   |
13 | leader = 5
   |          ^ the registry has 3 members
   |
help: members are numbered from 0 to 2

warning[W10]: `ttl` has no effect
  --> bad.toml:14:7
   |
14 | ttl = "5s"
   |       ^^^^ only with `check = "ttl"`

warning[W10]: `pass_interval` has no effect
  --> bad.toml:15:17
   |
15 | pass_interval = 1
   |                 ^ only with `check = "ttl"`

error: a number out of range
  --> bad.toml:16:28
   |
16 | failures_before_critical = -1
   |                            ^^ expected a whole number from 0 to 1000000

error: unknown value `strong`
  --> bad.toml:17:15
   |
17 | consistency = "strong"
   |               ^^^^^^^^ expected one of default, stale, consistent

error: a time that cannot be zero
  --> bad.toml:18:8
   |
18 | wait = "0s"
   |        ^^^^ expected a time above zero

error: unknown key `probe_intervall` in gossip
  --> bad.toml:19:40
   |
19 | gossip = { profile = "memberlist_lan", probe_intervall = 3 }
   |                                        ^^^^^^^^^^^^^^^ not a key of this gossip
   |
help: did you mean `probe_interval`?

error: `heartbeat_interval` is shorter than Consul takes
  --> bad.toml:23:37
   |
23 | registered = { heartbeat_interval = "10ms" }
   |                                     ^^^^^^ it is 10ms
   |
help: expected at least 1s

bad.toml: 6 errors, 2 warnings
"#,
    );
}
