//! What a person reads who made a mistake about connections.

use stormglass::scenario::load::limits::Limits;
use stormglass::scenario::load::{LoadInput, LoadText, Loaded, load};

fn loaded(call: &str, more: &str) -> Loaded {
    let text = format!(
        "schema = 1\nduration = \"1m\"\n[expect]\nusers = \"success_ratio >= 99%\"\n\
         [service.web]\ncount = 3\nservice_time = \"5ms\"\n\
         [client.shop]\narrivals = {{ process = \"poisson\", rate = \"100/s\" }}\n\
         [client.shop.call.web]\n{call}\n{more}"
    );
    load(&LoadInput {
        text: LoadText::Text {
            name: "bad.toml".to_string(),
            text,
        },
        sets: Vec::new(),
        limits: Limits::STANDARD,
    })
}

#[test]
fn connections_that_cannot_be_say_why() {
    let loaded = loaded(
        "[client.shop.call.web.connection]\nmultiplex = false\nper = \"connection\"",
        "reconnect = { max = \"100ms\" }\n[network]\ntransport = \"datagram\"\n",
    );
    let expected = r#"
error: connections over datagrams
  --> bad.toml:11:1
   |
11 | [client.shop.call.web.connection]
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `transport` is "datagram"
   |
help: write `transport = "stream"` in [network]

error: a pick per connection without multiplexing
  --> bad.toml:13:7
   |
13 | per = "connection"
   |       ^^^^^^^^^^^^ `multiplex` is false
   |
help: write `per = "attempt"`, or multiplex: attempts share open connections

error: back-off towards an instance that is not fixed
  --> bad.toml:14:13
   |
14 | reconnect = { max = "100ms" }
   |             ^^^^^^^^^^^^^^^^^ with `per = "connection"` every new connection is picked anew
   |
help: drop `reconnect`, or write `per = "attempt"`

error: an empty range
  --> bad.toml:14:21
   |
14 | reconnect = { max = "100ms" }
   |                     ^^^^^^^ `initial` is 1s, `max` is 100ms
   |
help: expected initial <= max

"#;
    let text = loaded.diagnostics.render(&loaded.sources, false);
    assert_eq!(text, expected.trim_start_matches('\n'));
}

#[test]
fn connections_that_nobody_makes_or_waits_for_are_told() {
    let codes = |call: &str, more: &str| {
        let loaded = loaded(&format!("attempt_timeout = \"2s\"\n{call}"), more);
        let code = |d: &stormglass::scenario::load::diagnostic::Diagnostic| {
            d.code.map_or("error", |code| code.name())
        };
        loaded.diagnostics.iter().map(code).collect::<Vec<_>>()
    };
    assert!(codes("connection = {}", "").is_empty());
    assert_eq!(
        codes("connection = { connect_timeout = \"3s\" }", ""),
        ["W10"]
    );
    let accept = "[client.shop.call.other]\nattempt_timeout = \"2s\"\n\
                  [service.other]\ncount = 1\nservice_time = \"1ms\"\n\
                  connection = { age_max = \"1s\" }\n";
    assert_eq!(codes("", accept), ["W10"]);
}
