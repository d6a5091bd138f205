//! Mistakes about the data that instances keep.

use super::messages;

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
