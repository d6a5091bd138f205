//! What a person reads who made a typical mistake, in full.

#[path = "messages/attempts.rs"]
mod attempts;
#[path = "messages/balancers.rs"]
mod balancers;
#[path = "messages/bounds.rs"]
mod bounds;
#[path = "messages/caches.rs"]
mod caches;
#[path = "messages/classes.rs"]
mod classes;
#[path = "messages/detectors.rs"]
mod detectors;
#[path = "messages/faults.rs"]
mod faults;
#[path = "messages/feedback.rs"]
mod feedback;
#[path = "messages/gossip.rs"]
mod gossip;
#[path = "messages/misplaced.rs"]
mod misplaced;
#[path = "messages/misspelt.rs"]
mod misspelt;
#[path = "messages/protection.rs"]
mod protection;
#[path = "messages/proxies.rs"]
mod proxies;
#[path = "messages/registries.rs"]
mod registries;
#[path = "messages/wrappers.rs"]
mod wrappers;

use stormglass::scenario::load::limits::Limits;
use stormglass::scenario::load::{LoadInput, LoadText, load};

const WORLD: &str = r#"schema = 1
duration = "1m"
[expect]
users = "success_ratio >= 99%"
[service.web]
count = 3
service_time = "5ms"
[client.shop]
arrivals = { process = "poisson", rate = "100/s" }
[client.shop.call.web]
"#;

/// What is printed for the world with `more` at its end, after line 10.
fn messages(more: &str, sets: &[&str]) -> String {
    messages_of(format!("{WORLD}{more}"), sets)
}

fn messages_of(text: String, sets: &[&str]) -> String {
    let loaded = load(&LoadInput {
        text: LoadText::Text {
            name: "bad.toml".to_string(),
            text,
        },
        sets: sets.iter().map(|set| set.to_string()).collect(),
        limits: Limits::STANDARD,
    });
    let text = loaded.diagnostics.render(&loaded.sources, false);
    format!("{text}{}\n", loaded.diagnostics.summary("bad.toml"))
}

fn assert_messages(more: &str, expected: &str) {
    assert_eq!(messages(more, &[]), expected.trim_start_matches('\n'));
}

#[test]
fn an_unknown_key_names_the_nearest_one_and_a_time_needs_a_unit() {
    assert_messages(
        "[fault.loss]\nkind = \"error\"\ntarget = \"service:web\"\nratoi = 0.1\nat = 30\n",
        r#"
error: unknown key `ratoi` in fault `loss`
  --> bad.toml:14:1
   |
14 | ratoi = 0.1
   | ^^^^^ not a key of this fault
   |
help: did you mean `ratio`?

error: a time needs a unit
  --> bad.toml:15:6
   |
15 | at = 30
   |      ^^ write "30s" or "30ms"

bad.toml: 2 errors
"#,
    );
}

#[test]
fn a_key_of_another_kind_says_whose_it_is() {
    assert_messages(
        "[fault.x]\nkind = \"crash\"\ntarget = \"service:web\"\nat = \"1s\"\nfactor = 2\n",
        r#"
error: unknown key `factor` in fault `x`
  --> bad.toml:15:1
   |
15 | factor = 2
   | ^^^^^^ not a key of this fault
   |
help: `factor` belongs to `kind = "slow"`

bad.toml: 1 error
"#,
    );
}

#[test]
fn a_missing_key_says_what_it_means() {
    assert_messages(
        "[fault.x]\nkind = \"slow\"\ntarget = \"service:web\"\nat = \"1s\"\n",
        r#"
error: missing key `factor` in fault `x`
  --> bad.toml:11:1
   |
11 | [fault.x]
   | ^^^^^^^^^
   |
help: `factor`: How many times slower.

bad.toml: 1 error
"#,
    );
}

#[test]
fn a_name_that_is_not_built_is_an_error() {
    assert_messages(
        "balancer = \"rong\"\n[registry]\nprofile = \"chubby\"\n",
        r#"
error: unknown policy `rong` in balancer
  --> bad.toml:11:12
   |
11 | balancer = "rong"
   |            ^^^^^^ not a policy that is built
   |
help: did you mean `ring`?

error: unknown profile `chubby` in registry
  --> bad.toml:13:11
   |
13 | profile = "chubby"
   |           ^^^^^^^^ not a profile that is built
   |
help: expected one of static, lease, zookeeper, consul, etcd, eureka, nacos, dns, kubernetes

bad.toml: 2 errors
"#,
    );
}

#[test]
fn wrong_units_and_types_say_what_to_write() {
    assert_messages(
        "deadline = \"1 sec\"\nretry = 3\n[network]\nloss = \"5\"\ntransport = \"tcp\"\n",
        r#"
error: unknown unit `sec`; expected one of ns, us, ms, s, m, h, d
  --> bad.toml:11:12
   |
11 | deadline = "1 sec"
   |            ^^^^^^^ expected a time like "250ms"

error: retry is an integer
  --> bad.toml:12:9
   |
12 | retry = 3
   |         ^ expected a table, like `{ attempt_count_max = 3 }`

error: a ratio lies between 0 and 1
  --> bad.toml:14:8
   |
14 | loss = "5"
   |        ^^^ expected a share like "0.1%" or 0.001

error: unknown value `tcp`
  --> bad.toml:15:13
   |
15 | transport = "tcp"
   |             ^^^^^ expected one of stream, datagram

bad.toml: 4 errors
"#,
    );
}

#[test]
fn a_name_that_means_nothing_names_the_nearest_one() {
    assert_messages(
        "[fault.x]\nkind = \"crash\"\ntarget = \"servce:web\"\nat = \"1s\"\n\
         [fault.y]\nkind = \"crash\"\ntarget = \"zone:eu\"\nat = \"1s\"\n\
         [client.shop.call.wbe]\n",
        r#"
error: unknown kind `servce` of a selector
  --> bad.toml:13:10
   |
13 | target = "servce:web"
   |          ^^^^^^^^^^^^ not defined in this scenario
   |
help: did you mean `service`?

error: unknown zone `eu`
  --> bad.toml:17:10
   |
17 | target = "zone:eu"
   |          ^^^^^^^^^ not defined in this scenario
   |
help: the only zone is `a`

error: unknown service `wbe`
  --> bad.toml:19:19
   |
19 | [client.shop.call.wbe]
   |                   ^^^ not defined in this scenario
   |
help: did you mean `web`?

bad.toml: 3 errors
"#,
    );
}

#[test]
fn what_the_model_does_not_do_is_refused() {
    let bursts = r#"client.shop.arrivals={ process = "bursts", rate = "1/s", burst_rate = "2/s",
        period = "2ns", burst_duration = "1ns" }"#;
    let said = messages("", &[bursts]);
    assert!(
        said.starts_with("error: a period of bursts shorter than 1us\n"),
        "{said}"
    );
    assert!(said.ends_with("\nbad.toml: 1 error\n"), "{said}");
}

#[test]
fn a_value_that_failed_is_compared_with_nothing() {
    let said = messages("", &["duration=5", "warmup=2s"]);
    assert!(said.starts_with("error: a time needs a unit\n"), "{said}");
    assert!(said.ends_with("\nbad.toml: 1 error\n"), "{said}");
}

#[test]
fn where_there_is_no_text_none_is_shown() {
    let said = messages_of(String::new(), &[]);
    assert!(said.contains("error: missing key `duration` in the scenario\nhelp: `duration`: "));
    assert!(!said.contains(" |"), "{said}");
    let without = WORLD.replace("users = \"success_ratio >= 99%\"\n", "");
    assert_eq!(
        messages_of(without, &[]),
        "warning[W08]: nothing is expected, so no run can fail\n\
         help: write [expect] with something like `users = \"success_ratio >= 99.5%\"`\n\n\
         bad.toml: 1 warning\n"
    );
}

#[test]
fn the_members_of_the_registry_can_be_named() {
    let outage = |target: &str| {
        let registry = "[registry]\nprofile = \"lease\"\nmembers = 1\n";
        let fault = "kind = \"registry_outage\"\nat = \"1s\"\nfor = \"1s\"";
        let more = format!("{registry}[fault.x]\n{fault}\ntarget = \"registry:{target}\"\n");
        messages(&more, &[])
    };
    assert_eq!(outage("*"), "bad.toml: ok\n");
    assert_eq!(outage("member/*"), "bad.toml: ok\n");
    let unknown = outage("member/1");
    assert!(
        unknown.contains("\nhelp: the only member is member/0\n"),
        "{unknown}"
    );
}

#[test]
fn a_group_shrinks_once_at_a_time() {
    let fault = |name: &str, times: &str| {
        format!("[fault.{name}]\nkind = \"scale_in\"\ngroup = \"web/main\"\ncount = 1\n{times}\n")
    };
    let pair = |a: &str, b: &str| messages(&(fault("a", a) + &fault("b", b)), &[]);
    assert_eq!(
        pair("at = \"5s\"\nfor = \"10s\"", "at = \"14s\""),
        r#"error: two faults that may shrink one group at once
  --> bad.toml:21:6
   |
21 | at = "14s"
   |      ^^^^^ fault `a` may not have ended
   |
help: both take the last instances: let one end before the other begins

bad.toml: 1 error
"#
    );
    let random = "{ dist = \"exponential\", mean = \"1s\" }";
    for (a, b, is_refused) in [
        ("at = \"5s\"\nfor = \"10s\"", "at = \"15s\"", false),
        ("at = \"15s\"", "at = \"5s\"\nfor = \"10s\"", false),
        ("at = \"5s\"", "at = \"15s\"", true),
        (
            "at = \"5s\"\nfor = \"1s\"\nevery = \"9s\"",
            "at = \"7s\"",
            true,
        ),
        (
            &format!("at = {random}\nfor = \"1s\""),
            "at = \"50s\"",
            true,
        ),
        (
            &format!("at = \"1s\"\nfor = {random}"),
            "at = \"50s\"",
            true,
        ),
    ] {
        let said = pair(a, b);
        assert_eq!(
            said.contains("shrink one group at once"),
            is_refused,
            "{said}"
        );
    }
}

/// One mistake in an expectation: the text, the title, the part that the caret underlines, what
/// stands there, and the help.
const MISTAKES: [(&str, &str, &str, &str, &str); 10] = [
    (
        "latency.p99 during x <= 1s of fault.x",
        "two phases",
        "of",
        "the measure has a phase already",
        "write one phase, after the measure or at the end",
    ),
    (
        "success_ratio{zone=a, client=shop,client=shop} >= 1",
        "scope `client` twice",
        "client",
        "named before",
        "a scope names each key once; write one expectation for each",
    ),
    (
        "sucess_ratio >= 99%",
        "unknown measure `sucess_ratio`",
        "sucess_ratio",
        "not a measure",
        "did you mean `success_ratio`?",
    ),
    (
        "latency <= 1s",
        "which number of `latency`?",
        "latency",
        "expected one of mean, min, max, sd, p50, p90, p99, p99.9",
        "write `latency.p99`",
    ),
    (
        "latency.p99 <= 30",
        "a time needs a unit",
        "30",
        "expected a time like \"250ms\"",
        "",
    ),
    (
        "goodput >= 1 during fault.z",
        "a rate needs a unit",
        "1",
        "write \"1/s\"",
        "",
    ),
    (
        "goodput >= 1/s durign x",
        "unknown phase `durign`",
        "durign",
        "expected one of during, outside, before, after, of, steady",
        "did you mean `during`?",
    ),
    (
        "detection_time.max <= 1s",
        "`detection_time` of which fault?",
        "detection_time.max",
        "this is a measure of one fault",
        "write `of fault.NAME` at the end",
    ),
    (
        "latency.p99{clinet=shop} <= 1s",
        "unknown scope `clinet` of `latency`",
        "clinet",
        "expected one of client, zone, call, class",
        "did you mean `client`?",
    ),
    (
        "latency.p99 <= 2 * success_ratio steady",
        "two measures of different units",
        "success_ratio",
        "this is a ratio",
        "the other one is a time",
    ),
];

#[test]
fn the_caret_stands_inside_the_expectation() {
    let fault = "[fault.x]\nkind = \"crash\"\ntarget = \"service:web\"\nat = \"1s\"\n";
    for (text, title, marked, label, help) in MISTAKES {
        let argument = format!("expect.e=\"{text}\"");
        let column = argument.rfind(marked).expect("the part is marked");
        let mut expected = format!(
            "error: {title}\n --> --set:1:{}\n  |\n1 | {argument}\n  | {}{} {label}\n",
            column + 1,
            " ".repeat(column),
            "^".repeat(marked.len()),
        );
        if !help.is_empty() {
            expected.push_str(&format!("  |\nhelp: {help}\n"));
        }
        expected.push_str("\nbad.toml: 1 error\n");
        assert_eq!(messages(fault, &[&argument]), expected, "{text}");
    }
}

#[test]
fn a_mistake_in_a_variant_names_the_variant() {
    assert_messages(
        "[compare]\nreference = \"as-is\"\n[compare.variant]\nas-is = {}\n\
         v = { \"client.shop.call.web.balancer\" = { policy = \"ring\", hsah_seed = 2 } }\n",
        r#"
error: variant `v`: unknown key `hsah_seed` in balancer
  --> bad.toml:15:60
   |
15 | v = { "client.shop.call.web.balancer" = { policy = "ring", hsah_seed = 2 } }
   |                                                            ^^^^^^^^^ not a key of this balancer
   |
help: did you mean `hash_seed`?

bad.toml: 1 error
"#,
    );
}

#[test]
fn all_syntax_errors_are_shown_at_once() {
    assert_messages(
        "deadline = \nretry == 2\n",
        r#"
error: string values must be quoted, expected literal string
  --> bad.toml:11:12
   |
11 | deadline = 
   |            ^ not valid TOML

error: extra `=`, expected nothing
  --> bad.toml:12:8
   |
12 | retry == 2
   |        ^ not valid TOML

bad.toml: 2 errors
"#,
    );
}

#[test]
fn warnings_have_codes_and_say_what_to_do() {
    let more = "[fault.x]\nkind = \"crash\"\ntarget = \"service:web\"\nat = \"2m\"\ncrews = 2\n";
    assert_eq!(
        messages(more, &["client.shop.arrivals.rate=1200/s"]),
        r#"warning[W01]: service `web` is offered 2.00 times what it can do
 --> bad.toml:5:10
  |
5 | [service.web]
  |          ^^^ 1200/s arrive, 600/s can be served
  |
help: queues grow until they are full; add instances or workers, or lower the rate

warning[W03]: fault `x` begins after the run
  --> bad.toml:14:6
   |
14 | at = "2m"
   |      ^^^^ the run ends at 1m
   |
help: change `at` or `for`, or the `duration` or `warmup` of the run

warning[W10]: `crews` has no effect
  --> bad.toml:15:9
   |
15 | crews = 2
   |         ^ only with `each = true`

bad.toml: 3 warnings
"#
    );
}
