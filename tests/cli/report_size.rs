//! What a report holds of a large run.

use std::fs;

use super::support::{Stormglass, names_in};

/// 500 instances on a ring, 40 callers and six faults.
fn large() -> String {
    let mut text = String::from(
        r#"# Does a large run fit on a page?
schema = 1
name = "large"
seed = 1
duration = "40s"
warmup = "2s"

[registry]
profile = "lease"
lease_duration = "2s"

[service.web]
workers = 2
service_time = { dist = "exponential", mean = "5ms" }

[service.web.group.a]
count = 500

[client.shop]
count = 40
arrivals = { process = "poisson", rate = "1500/s" }

[client.shop.call.web]
balancer = "ring"
attempt_timeout = "300ms"
deadline = "1s"
retry = { attempt_count_max = 2 }
"#,
    );
    for fault in 0..6 {
        text += &format!(
            "\n[fault.crash-{fault}]\nkind = \"crash\"\ntarget = \"10 random of service:web\"\n\
             at = \"{}s\"\nfor = \"4s\"\n",
            4 + 6 * fault
        );
    }
    text
}

#[test]
fn a_report_of_500_instances_and_six_faults_is_whole_and_within_its_size() {
    let command = Stormglass::with("large.toml", &large());
    let said = command.say(&["run", "large.toml", "--out", "run"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let html = fs::read_to_string(command.path("run/report.html")).expect("written");
    assert!(html.len() <= 2_000_000, "{} bytes", html.len());
    assert!(!html.contains("this page is full"), "a chart is left out");
    let files = names_in(&command.path("run/charts"));
    let charts: Vec<&str> = files
        .iter()
        .filter_map(|name| name.strip_suffix(".svg"))
        .collect();
    assert!(16 <= charts.len(), "{charts:?}");
    for chart in &charts {
        assert!(
            html.contains(&format!("<figure id=\"{chart}\"")),
            "{chart} is not on the page"
        );
        for ending in ["png", "csv", "json"] {
            let name = format!("{chart}.{ending}");
            assert!(files.contains(&name), "{name} is missing");
        }
    }
}
