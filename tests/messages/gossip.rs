//! Mistakes in clusters whose members watch each other.

use super::assert_messages;

#[test]
fn a_probe_that_outlasts_its_interval_and_an_unknown_partner_are_refused() {
    assert_messages(
        "[service.a]\ncount = 2\nservice_time = \"1ms\"\n\
         gossip = { probe_timeout = \"2s\", with = [\"wb\"] }\n",
        r#"
error: a probe that may take longer than its interval
  --> bad.toml:14:28
   |
14 | gossip = { probe_timeout = "2s", with = ["wb"] }
   |                            ^^^^ `probe_interval` is 1s
   |
help: expected probe_timeout <= probe_interval: others are asked in what is left

error: unknown service `wb`
  --> bad.toml:14:42
   |
14 | gossip = { probe_timeout = "2s", with = ["wb"] }
   |                                          ^^^^ not defined in this scenario
   |
help: did you mean `web`?

bad.toml: 2 errors
"#,
    );
}

#[test]
fn a_caller_that_is_no_member_or_calls_no_member_is_refused() {
    assert_messages(
        "[client.shop.call.a]\ndetector = { kind = \"gossip\" }\n[service.a]\ncount = 2\n\
         service_time = \"1ms\"\n[service.a.call.web]\ndetector = { kind = \"gossip\" }\n",
        r#"
error: a client is no member of a cluster
  --> bad.toml:11:19
   |
11 | [client.shop.call.a]
   |                   ^ `kind = "gossip"` asks the caller's own member
   |
help: expected a call of a service; let the client ping, or hear heartbeats

error: caller and called are not members of one cluster
  --> bad.toml:16:17
   |
16 | [service.a.call.web]
   |                 ^^^ `kind = "gossip"` asks the caller's own member
   |
help: write `gossip = { with = ["OTHER"] }` in one of the two services

bad.toml: 2 errors
"#,
    );
}
