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
