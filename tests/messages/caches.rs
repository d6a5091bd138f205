//! Mistakes about caches, and about data that instances keep.

use super::messages;

#[test]
fn a_cache_says_what_a_miss_costs_and_what_needs_a_life() {
    let expected = r#"error: `stale_while_revalidate` of entries that live for ever
  --> bad.toml:11:50
   |
11 | cache = { capacity = 9, stale_while_revalidate = "1s" }
   |                                                  ^^^^ it has no effect without a `ttl`
   |
help: write `ttl = "60s"` beside it

bad.toml: 1 error
"#;
    let more = "cache = { capacity = 9, stale_while_revalidate = \"1s\" }\n";
    assert_eq!(messages(more, &[]), expected);
    let detached = "cache = { capacity = 9 }\n[service.web.call.db]\ndetached = true\n\
                    [service.db]\ncount = 1\nservice_time = \"1ms\"\n";
    let set = "service.web.cache={ capacity = 9, miss = { call = \"db\" } }";
    let text = messages(detached, &[set]);
    assert!(text.contains("a miss that loads by more"), "{text}");
    for (miss, title, help) in [
        ("{}", "a miss costs a time or a call", "miss = { time ="),
        (
            "{ call = \"db\" }",
            "no call of `db`",
            "ends in `.call.db]`",
        ),
    ] {
        let set = format!("service.web.cache={{ capacity = 9, miss = {miss} }}");
        let text = messages("", &[&set]);
        assert!(text.contains(title) && text.contains(help), "{text}");
    }
}

#[test]
fn copies_need_places() {
    let of = |more: &str| {
        let common = "keys = 9, bytes_per_key = \"1KiB\", rebuild_bandwidth = \"1MB/s\"";
        messages("", &[&format!("service.web.data={{ {common}, {more} }}")])
    };
    let text = of("replicas = 7");
    assert!(text.contains("more copies than places for them"), "{text}");
    assert!(text.contains("the service has 3 instances\n"), "{text}");
    assert!(text.contains("write `replicas = 3` or less"), "{text}");
    let text = of("replicas = 2, distinct_zones = true");
    assert!(text.contains("the service has 1 zone\n"), "{text}");
    let text = messages("", &["service.web.data={ keys = 9, replicas = 1 }"]);
    for key in ["bytes_per_key", "rebuild_bandwidth"] {
        assert!(text.contains(key), "{text}");
    }
}
