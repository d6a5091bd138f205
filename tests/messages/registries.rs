//! Mistakes in registries.

use super::assert_messages;

#[test]
fn session_timeouts_that_exclude_each_other_are_refused() {
    assert_messages(
        "[registry]\nprofile = \"zookeeper\"\nmin_session_timeout = \"50s\"\n",
        r#"
error: no session timeout is possible
  --> bad.toml:11:1
   |
11 | [registry]
   | ^^^^^^^^^^ the least is 50s, the most 40s
   |
help: expected min_session_timeout <= max_session_timeout

bad.toml: 1 error
"#,
    );
}

#[test]
fn a_leader_that_is_no_member_and_heartbeats_that_the_protocol_decides_are_refused() {
    assert_messages(
        "[registry]\nprofile = \"etcd\"\nleader = 3\n[service.api]\ncount = 1\n\
         service_time = \"1ms\"\nregistered = { heartbeat_interval = \"1s\" }\n\
         [client.shop.call.api]\n",
        r#"
error: there is no member 3
  --> bad.toml:13:10
   |
13 | leader = 3
   |          ^ the registry has 3 members
   |
help: members are numbered from 0 to 2

error: heartbeats that the protocol decides
  --> bad.toml:17:37
   |
17 | registered = { heartbeat_interval = "1s" }
   |                                     ^^^^ etcd's client keeps alive after a third of the TTL
   |
help: leave `heartbeat_interval` out, and set `lease_duration`

bad.toml: 2 errors
"#,
    );
}

#[test]
fn an_election_timeout_that_etcd_refuses_is_refused() {
    assert_messages(
        "[registry]\nprofile = \"etcd\"\nheartbeat_interval = \"300ms\"\n\
         election_timeout = \"1s\"\ncapacity = { core = 1 }\n",
        r#"
error: an election timeout that etcd refuses
  --> bad.toml:14:20
   |
14 | election_timeout = "1s"
   |                    ^^^^ `heartbeat_interval` is 300ms
   |
help: expected at least five heartbeat intervals: 1.5s

error: unknown key `core` in capacity
  --> bad.toml:15:14
   |
15 | capacity = { core = 1 }
   |              ^^^^ not a key of this capacity
   |
help: did you mean `cores`?

bad.toml: 2 errors
"#,
    );
}

#[test]
fn times_of_nacos_in_the_wrong_order_are_refused() {
    assert_messages(
        "[registry]\nprofile = \"nacos\"\nbeat_timeout = \"40s\"\npull_max = \"500ms\"\n\
         protect_threshold = 1.5\n",
        r#"
error: `beat_timeout` above `delete_timeout`
  --> bad.toml:13:16
   |
13 | beat_timeout = "40s"
   |                ^^^^^ 40s is more than 30s
   |
help: expected beat_timeout <= delete_timeout

error: `pull_base` above `pull_max`
  --> bad.toml:14:12
   |
14 | pull_max = "500ms"
   |            ^^^^^^^ 1s is more than 500ms
   |
help: expected pull_base <= pull_max

error: a ratio lies between 0 and 1
  --> bad.toml:15:21
   |
15 | protect_threshold = 1.5
   |                     ^^^ expected a share like "0.1%" or 0.001

bad.toml: 3 errors
"#,
    );
}

#[test]
fn resolvers_without_a_name_server_and_checks_that_overlap_are_refused() {
    assert_messages(
        "[registry]\nprofile = \"dns\"\nmembers = 2\nshared_resolvers = 2\n\
         check_timeout = \"40s\"\n",
        r#"
error: no member is a name server
  --> bad.toml:14:20
   |
14 | shared_resolvers = 2
   |                    ^ the registry has 2 members
   |
help: expected shared_resolvers < members

error: checks that outlast their interval
  --> bad.toml:15:17
   |
15 | check_timeout = "40s"
   |                 ^^^^^ 40s is more than 30s
   |
help: expected check_timeout <= check_interval

bad.toml: 2 errors
"#,
    );
}

#[test]
fn heartbeats_to_a_registry_that_hears_none_are_refused() {
    assert_messages(
        "[registry]\nprofile = \"dns\"\n[service.api]\ncount = 1\nservice_time = \"1ms\"\n\
         [service.api.registered]\nlease_duration = \"3s\"\nheartbeat_interval = \"1s\"\n\
         [client.shop.call.api]\n",
        r#"
error: no instance sends heartbeats
  --> bad.toml:17:18
   |
17 | lease_duration = "3s"
   |                  ^^^^ name servers check instances: see `check_interval`
   |
help: leave `lease_duration` out

error: no instance sends heartbeats
  --> bad.toml:18:22
   |
18 | heartbeat_interval = "1s"
   |                      ^^^^ name servers check instances: see `check_interval`
   |
help: leave `heartbeat_interval` out

bad.toml: 2 errors
"#,
    );
}

#[test]
fn what_consul_refuses_is_refused() {
    assert_messages(
        "[registry]\nprofile = \"consul\"\ninterval = \"500ms\"\nwait = \"11m\"\n\
         deregister_critical_service_after = \"30s\"\nfailures_before_critical = 1\n\
         failures_before_warning = 2\nraft_multiplier = 11\n",
        r#"
error: `interval` is shorter than Consul takes
  --> bad.toml:13:12
   |
13 | interval = "500ms"
   |            ^^^^^^^ it is 500ms
   |
help: expected at least 1s

error: a query that waits longer than Consul lets it
  --> bad.toml:14:8
   |
14 | wait = "11m"
   |        ^^^^^ it is 11m
   |
help: expected at most 10m

error: `deregister_critical_service_after` is shorter than Consul takes
  --> bad.toml:15:37
   |
15 | deregister_critical_service_after = "30s"
   |                                     ^^^^^ it is 30s
   |
help: expected at least 1m

error: a warning that would come after the critical status
  --> bad.toml:17:27
   |
17 | failures_before_warning = 2
   |                           ^ `failures_before_critical` is 1
   |
help: expected failures_before_warning <= failures_before_critical

error: a number out of range
  --> bad.toml:18:19
   |
18 | raft_multiplier = 11
   |                   ^^ expected a whole number from 1 to 10

bad.toml: 5 errors
"#,
    );
}

#[test]
fn keys_of_another_check_are_refused() {
    assert_messages(
        "[registry]\nprofile = \"consul\"\ncheck = \"tcp\"\npath = \"queued\"\n\
         check_service_time = \"1ms\"\n[service.api]\ncount = 1\nservice_time = \"1ms\"\n\
         registered = { lease_duration = \"5s\" }\n[client.shop.call.api]\n",
        r#"
error: `path` is what an HTTP check sees
  --> bad.toml:14:8
   |
14 | path = "queued"
   |        ^^^^^^^^ the check is another one
   |
help: leave `path` out, or write `check = "http"`

error: `check_service_time` has no effect
  --> bad.toml:15:22
   |
15 | check_service_time = "1ms"
   |                      ^^^^^ by path accept no worker answers a check
   |
help: write `check = "http"` and `path = "queued"`

error: a lease where the agent asks
  --> bad.toml:19:33
   |
19 | registered = { lease_duration = "5s" }
   |                                 ^^^^ only a check of the kind "ttl" runs out
   |
help: set `heartbeat_interval` (of the check), or write `check = "ttl"`

bad.toml: 3 errors
"#,
    );
}

#[test]
fn a_gossip_that_a_registry_does_not_have_is_refused() {
    assert_messages(
        "[registry]\nprofile = \"consul\"\n\
         gossip = { profile = \"swim\" }\n",
        r#"
error: unknown profile `swim` in gossip
  --> bad.toml:13:22
   |
13 | gossip = { profile = "swim" }
   |                      ^^^^^^ not a profile that is built
   |
help: expected one of memberlist_lan, memberlist_wan

bad.toml: 1 error
"#,
    );
}
