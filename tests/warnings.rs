//! Which warnings a scenario draws, and which it does not.

use stormglass::scenario::load::explain::explain;
use stormglass::scenario::load::limits::Limits;
use stormglass::scenario::load::{LoadInput, LoadText, Loaded, load};
use stormglass::scenario::resilience::BudgetConfig;

const EXPECT: &str = "[expect]\nx = \"success_ratio >= 99%\"\n";

/// Four instances and 10 requests per second for 100 s, of which 10 s are warm-up.
fn loaded(registry: &str, rest: &str) -> Loaded {
    let text = format!(
        r#"schema = 1
duration = "100s"
warmup = "10s"
[registry]
{registry}
[service.web]
count = 4
service_time = "1ms"
[client.shop]
arrivals = {{ process = "constant", rate = "10/s" }}
[client.shop.call.web]
{rest}
"#
    );
    load(&LoadInput {
        text: LoadText::Text {
            name: "a.toml".to_string(),
            text,
        },
        sets: Vec::new(),
        limits: Limits::STANDARD,
    })
}

fn assert_codes(registry: &str, rest: &str, expected: &[&str]) {
    let loaded = loaded(registry, rest);
    let code = |d: &stormglass::scenario::load::diagnostic::Diagnostic| {
        d.code.map_or("error", |code| code.name())
    };
    let codes: Vec<&str> = loaded.diagnostics.iter().map(code).collect();
    let messages = loaded.diagnostics.render(&loaded.sources, false);
    assert_eq!(codes, expected, "{registry}\n{rest}\n{messages}");
}

fn crash_at(at: &str) -> String {
    format!(
        "{EXPECT}[fault.x]\nkind = \"crash\"\ntarget = \"zone:a\"\nfor = \"5s\"\nat = \"{at}\"\n"
    )
}

fn expecting(text: &str) -> String {
    format!("[expect]\nx = \"{text}\"\n")
}

#[test]
fn a_plain_scenario_draws_none() {
    assert_codes("", EXPECT, &[]);
    assert_codes("profile = \"lease\"", EXPECT, &[]);
}

#[test]
fn leases_must_outlive_a_heartbeat_interval() {
    let lease = "profile = \"lease\"\nlease_duration = \"2s\"\nheartbeat_interval =";
    assert_codes(&format!("{lease} \"2s\""), EXPECT, &["W02"]);
    assert_codes(&format!("{lease} \"1999ms\""), EXPECT, &[]);
}

#[test]
fn faults_belong_into_the_measured_window() {
    assert_codes("", &crash_at("5s"), &["W03"]);
    assert_codes("", &crash_at("10s"), &[]);
    assert_codes("", &crash_at("95s"), &[]);
    assert_codes("", &crash_at("96s"), &["W03"]);
    assert_codes("", &crash_at("100s"), &["W03"]);
}

#[test]
fn numbers_that_are_probably_not_meant_are_asked_about() {
    let hedge = |percentile| format!("hedge = {{ percentile = {percentile} }}\n{EXPECT}");
    assert_codes("", &hedge("0.95"), &["W12"]);
    assert_codes("", &hedge("50"), &[]);
    let crash = |target| crash_at("20s").replace("zone:a", target);
    assert_codes("", &crash("9 random of service:web"), &["W12"]);
    assert_codes("", &crash("4 random of service:web"), &[]);
}

#[test]
fn percentiles_need_ten_samples_above_them() {
    // 90 s x 10 per second are 900 requests: 90 above p90, 9 above p99.
    assert_codes("", &expecting("latency.p90 <= 1s"), &[]);
    assert_codes("", &expecting("latency.p99 <= 1s"), &["W04"]);
    // Both sides of a comparison count.
    assert_codes("", &expecting("latency.p90 <= 2 * latency.p99"), &["W04"]);
}

#[test]
fn limits_that_cannot_be_missed_or_reached_are_named() {
    for text in [
        "success_ratio <= 100%",
        "success_ratio > 1",
        "latency.mean < 0s",
        "goodput >= 0/s",
        "query_accuracy >= 99%",
        "ownership.cv <= 1",
        "cache_hit_ratio >= 50%",
        "breaker_open_ratio <= 1%",
    ] {
        assert_codes("", &expecting(text), &["W05"]);
    }
    assert_codes("", &expecting("success_ratio >= 100%"), &[]);
    // Some ratios may be larger than one.
    for text in [
        "selection_error.max_relative <= 2",
        "hedge_ratio <= 100%",
        "retry_ratio < 200%",
        "cancelled_ratio{service=web} <= 100%",
    ] {
        assert_codes("", &expecting(text), &[]);
    }
    assert_codes(
        "profile = \"lease\"",
        &expecting("query_accuracy >= 99%"),
        &[],
    );
}

#[test]
fn a_ratio_above_one_is_taken_for_a_percentage() {
    for (text, help) in [
        ("success_ratio >= 99", "write `99%`"),
        ("success_ratio >= 99.5 during fault.x", "write `99.5%`"),
        (
            "success_ratio >= 101%",
            "choose a limit that the run could miss",
        ),
    ] {
        let rest = crash_at("10s").replace("success_ratio >= 99%", text);
        let loaded = loaded("", &rest);
        let helps: Vec<_> = loaded
            .diagnostics
            .iter()
            .map(|d| d.help.as_deref())
            .collect();
        assert_eq!(helps, [Some(help)], "{text}");
    }
}

#[test]
fn calls_that_may_never_end_are_named() {
    let network = |transport: &str, loss: &str| {
        format!("{EXPECT}[network]\ntransport = \"{transport}\"\nloss = {loss}\n")
    };
    assert_codes("", &network("datagram", "0.1"), &["W11"]);
    assert_codes("", &network("datagram", "0"), &[]);
    // A stream sends again what was lost, and a dead process resets its connections.
    assert_codes("", &network("stream", "0.1"), &[]);
    let crash = crash_at("10s");
    assert_codes(
        "",
        &format!("{crash}[network]\ntransport = \"datagram\"\n"),
        &["W11"],
    );
    let host_loss = crash.replace("\"crash\"", "\"host_loss\"");
    assert_codes("", &host_loss, &["W11"]);
    for limit in ["attempt_timeout", "deadline"] {
        assert_codes("", &format!("{limit} = \"1s\"\n{host_loss}"), &[]);
    }
    let ends = "from = \"client:shop\"\nto = \"service:web\"";
    let partition = crash.replace("\"crash\"\ntarget = \"zone:a\"", "\"partition\"\nENDS");
    assert_codes("", &partition.replace("ENDS", ends), &["W11"]);
}

#[test]
fn faults_at_multiples_of_an_aligned_period_are_named() {
    let lease = |phase: &str| {
        format!("profile = \"lease\"\nheartbeat_interval = \"3s\"\nphase = \"{phase}\"")
    };
    assert_codes(&lease("aligned"), &crash_at("60s"), &["W06"]);
    assert_codes(&lease("aligned"), &crash_at("61s"), &[]);
    assert_codes(&lease("1s"), &crash_at("61s"), &["W06"]);
    assert_codes(&lease("random"), &crash_at("60s"), &[]);
}

#[test]
fn what_is_not_expected_used_or_effective_is_named() {
    assert_codes("", "", &["W08"]);
    let budget = format!("retry.budget = \"sre\"\n{EXPECT}");
    assert_codes("", &budget, &["W10"]);
    assert_codes("", &format!("retry.attempt_count_max = 2\n{budget}"), &[]);
    let unused = format!("{EXPECT}[service.db]\ncount = 1\nservice_time = \"1ms\"\n");
    assert_codes("", &unused, &["W09"]);
    assert_codes(
        "profile = \"lease\"\npoll_interval = \"2s\"",
        EXPECT,
        &["W10"],
    );
}

#[test]
fn attempts_that_do_nothing_are_named() {
    let call = |lines: &str| format!("{lines}\n{EXPECT}");
    let late = "deadline = \"1s\"\nhedge = { delay = \"1s\" }";
    assert_codes("", &call(late), &["W10"]);
    assert_codes("", &call(&late.replace("\"1s\" }", "\"9ms\" }")), &[]);
    let fork = "cluster = \"forking\"\nfork_count = ";
    assert_codes("", &call(&format!("{fork}4")), &[]);
    for count in [1, 5] {
        assert_codes("", &call(&format!("{fork}{count}")), &["W10"]);
    }
    let travels = "deadline_propagation = \"drop_at_dequeue\"";
    assert_codes("", &call(travels), &["W10"]);
    assert_codes("", &call(&format!("{travels}\ndeadline = \"1s\"")), &[]);
}

#[test]
fn what_no_queue_and_no_restart_goes_by_is_named() {
    let class = format!("{EXPECT}[client.shop.class.buy]\nshare = 1.0\n");
    assert_codes("", &class, &[]);
    let first = format!("{class}priority = 1\n");
    assert_codes("", &first, &["W10"]);
    let queue = "[service.web.queue]\nlimit = 9\n";
    assert_codes("", &format!("{first}{queue}codel = {{}}\n"), &["W10"]);
    assert_codes("", &format!("{first}{queue}priority = true\n"), &[]);
    let restart = |call: &str, keys: &str| {
        format!(
            "{call}{EXPECT}[fault.x]\nkind = \"rolling_restart\"\ntarget = \"service:web\"\n\
             at = \"10s\"\n{keys}\n"
        )
    };
    // Nothing is reset where there are no connections.
    let reset = "drain.then = \"reset\"";
    assert_codes("", &restart("", reset), &["W10"]);
    assert_codes("", &restart("connection = {}\n", reset), &[]);
    // One at a time, no batch is waited for.
    let batch = "identity = \"keep\"\nbatch = 2";
    assert_codes("", &restart("", batch), &["W10"]);
    let two = format!("{batch}\nmax_unavailable = 2");
    assert_codes("", &restart("", &two), &[]);
}

#[test]
fn weights_that_never_count_are_named() {
    let weights = |keys: &str| {
        format!("balancer = {{ policy = \"grpc_weighted_round_robin\"{keys} }}\n{EXPECT}")
    };
    assert_codes("", &weights(""), &[]);
    assert_codes("", &weights(", blackout = \"98s\""), &[]);
    assert_codes("", &weights(", blackout = \"99s\""), &["W10"]);
    assert_codes("", &weights(", expiration = \"10s\""), &["W10"]);
}

#[test]
fn errors_that_nginx_never_counts_are_named() {
    let call = |retry: &str| {
        format!(
            "balancer = {{ policy = \"nginx_round_robin\", \
             ejection = {{ kind = \"nginx_max_fails\", counts_errors = true }} }}\n\
             {retry}\n{EXPECT}"
        )
    };
    assert_codes("", &call(""), &["W10"]);
    assert_codes("", &call("retry.attempt_count_max = 2"), &[]);
    let on = "retry = { attempt_count_max = 2, on = [\"refused\"] }";
    assert_codes("", &call(on), &["W10"]);
    assert_codes("", &call(&on.replace("refused", "rejected")), &[]);
}

#[test]
fn a_window_that_is_doubled_draws_one() {
    // 100 s have at most 2,000 windows, so those of 50 ms stay as they are.
    let with = |window: &str| {
        let text = format!(
            "schema = 1\nduration = \"100s\"\n{window}[expect]\nx = \"success_ratio >= 99%\"\n\
             [service.web]\ncount = 1\nservice_time = \"1ms\"\n\
             [client.shop]\narrivals = {{ process = \"constant\", rate = \"10/s\" }}\n\
             [client.shop.call.web]\n"
        );
        let loaded = load(&LoadInput::text("a.toml", &text));
        loaded.diagnostics.render(&loaded.sources, false)
    };
    assert_eq!(with(""), "");
    assert_eq!(with("window = \"50ms\"\n"), "");
    assert!(
        with("window = \"30ms\"\n").contains("windows are 60ms wide, not 30ms"),
        "{}",
        with("window = \"30ms\"\n")
    );
}

#[test]
fn a_budget_of_finagle_is_a_share_that_may_exceed_one() {
    let ratio = |text: &str| {
        let budget = format!("budget = {{ kind = \"finagle\", ratio = {text} }}");
        let rest = format!("retry = {{ attempt_count_max = 2, {budget} }}");
        let resilience = loaded("", &rest).scenario?.edges[0].resilience.clone()?;
        match resilience.budget {
            Some(BudgetConfig::Finagle { ratio, .. }) => Some(ratio),
            _ => None,
        }
    };
    assert_eq!(ratio("0.2"), Some(0.2));
    assert_eq!(ratio("\"20%\""), Some(0.2));
    assert_eq!(ratio("\"150%\""), Some(1.5));
    for wrong in ["\"0%\"", "-1", "1001", "\"much\"", "true"] {
        assert_eq!(ratio(wrong), None, "{wrong}");
    }
}

#[test]
fn a_load_is_offered_to_a_service_and_a_rate_to_none() {
    let read = |arrivals: &str| {
        let text = format!(
            "schema = 1\nduration = \"100s\"\n[service.web]\ncount = 1\nservice_time = \"1ms\"\n\
             [client.shop]\narrivals = {{ process = \"constant\", {arrivals} }}\n\
             [client.shop.call.web]\n{EXPECT}"
        );
        load(&LoadInput::text("a.toml", &text))
    };
    let is_explained = |arrivals: &str| {
        let explanation = explain(&read(arrivals)).expect("it loads");
        let mut values = explanation.values.iter();
        values.any(|value| value.path == "client.shop.arrivals.of")
    };
    assert!(is_explained("offered_load = 0.5"));
    assert!(!is_explained("rate = \"100/s\""));
    let loaded = read("rate = \"100/s\", of = \"web\"");
    let text = loaded.diagnostics.render(&loaded.sources, false);
    assert!(text.contains("`of` has no effect"), "{text}");
    assert!(text.contains("only with `offered_load`"), "{text}");
}
