//! Scenario files through the front end of the library.

use std::path::{Path, PathBuf};

use stormglass::scenario::Scenario;
use stormglass::scenario::client::{ArrivalProcess, Workload};
use stormglass::scenario::detector_catalog;
use stormglass::scenario::distribution::Distribution;
use stormglass::scenario::fault::FaultScope;
use stormglass::scenario::load::explain::{effective_toml, explain};
use stormglass::scenario::load::json_schema::json_schema;
use stormglass::scenario::load::limits::Limits;
use stormglass::scenario::load::{LoadInput, LoadText, Loaded, load};
use stormglass::scenario::proxy_catalog;
use stormglass::scenario::registry_catalog;
use stormglass::scenario::selector::Target;
use stormglass::scenario::strategy_catalog;
use stormglass::time::{SimDuration, SimTime};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn load_with(path: PathBuf, sets: &[&str]) -> Loaded {
    load(&LoadInput {
        text: LoadText::File(path),
        sets: sets.iter().map(|set| set.to_string()).collect(),
        limits: Limits::STANDARD,
    })
}

/// The scenario of a file that draws no message at all.
fn scenario_of(loaded: Loaded) -> Scenario {
    let text = loaded.diagnostics.render(&loaded.sources, false);
    assert_eq!(text, "");
    loaded.scenario.expect("it has no errors")
}

#[test]
fn the_rack_loss_example_loads() {
    let scenario = scenario_of(load_with(data("rack-loss.toml"), &[]));
    assert_eq!(scenario.zones, ["a", "b", "c"]);
    assert_eq!(scenario.topology.node_count(), 12 + 40 + 3);
    assert_eq!(scenario.header.len(), 5);
    // The longest request lasts as long as its deadline.
    assert_eq!(scenario.drain, SimDuration::from_ms(500));
    let registered = scenario.services[0]
        .registered
        .expect("the registry has leases");
    assert_eq!(registered.heartbeat_interval.as_ns(), 3_333_333_333);
    let compare = scenario.compare.expect("it compares");
    assert_eq!(compare.reference, "ring");
    assert_eq!(compare.variants.len(), 3);
}

#[test]
fn a_scenario_of_everything_loads_as_written() {
    let scenario = scenario_of(load_with(data("everything.toml"), &[]));
    // api has 6 instances, 2 that scale out and 3 of its autoscaler, then db new 4 and old 3 with
    // one that replaces another, then files 2, shards 2 and trail 2.
    assert_eq!(scenario.topology.instance_count(), 11 + 4 + 4 + 2 + 2 + 2);
    // Work per second of db: 4 x 8 x 1.5 + 3 x 2 x 1 = 54 worker seconds; a request takes
    // 0.9 x 1 ms + 0.1 x 9 ms = 1.8 ms: 30,000 per second, a tenth of which is offered.
    let shop = scenario
        .clients
        .iter()
        .find(|c| c.name == "shop")
        .expect("it is there");
    let Workload::Open {
        process: ArrivalProcess::Poisson { rate },
    } = shop.workload
    else {
        panic!("the arrivals are Poisson");
    };
    assert!((rate - 3_000.0).abs() < 1e-6, "{rate}");
    let recorded = scenario
        .clients
        .iter()
        .find(|c| c.name == "recorded")
        .expect("it is there");
    let Workload::Trace(trace) = &recorded.workload else {
        panic!("its arrivals are recorded");
    };
    // The second row of the file is the first to arrive.
    assert_eq!(trace.rows.len(), 3);
    assert_eq!(trace.rows[0].arrives_at, SimTime::from_ns(250_000_000));
    assert_eq!(trace.rows[0].service_demand, Some(SimDuration::from_ms(1)));
    assert_eq!(trace.rows[0].key, Some(3));
    let files = scenario
        .services
        .iter()
        .find(|s| s.name == "files")
        .expect("it is there");
    let Distribution::Empirical(recorded) = &files.service_time else {
        panic!("its service times are recorded");
    };
    let kept = scenario.services.iter().find_map(|s| s.data);
    let kept = kept.expect("api keeps data");
    assert_eq!((kept.key_count, kept.replica_count), (2_000_000, 3));
    assert_eq!(
        (kept.bytes_per_key, kept.rebuild_bandwidth),
        (4_096.0, 125e6)
    );
    // Weights 3 and 1; a value of weight 0 is never drawn.
    assert_eq!(
        recorded.values,
        [SimDuration::from_ms(1), SimDuration::from_us(2_500)]
    );
    assert_eq!(recorded.cumulative, [0.75, 1.0]);
    let hosts = scenario.faults.iter().find_map(|fault| match &fault.scope {
        FaultScope::Links { to, .. } if to.text == "host:db/old/0" => Some(to.any_of.clone()),
        _ => None,
    });
    // api: 11 hosts; db new: 4 instances, 2 on each host; so the first host of db old is number 13.
    assert_eq!(hosts, Some(vec![Target::Host(stormglass::id::HostId(13))]));
}

#[test]
fn the_effective_scenario_loads_to_the_same_scenario() {
    for (name, sets) in [
        (
            "rack-loss.toml",
            &["seed=9", "client.shop.call.web.balancer.hash_seed=3"][..],
        ),
        ("everything.toml", &["registry.propagation=watch"][..]),
        (
            "connections.toml",
            &["service.api.call.db.connection.pool_max=4"][..],
        ),
        ("../../scenarios/heartbeat-sweep.toml", &["seed=9"][..]),
    ] {
        let loaded = load_with(data(name), sets);
        let written = effective_toml(&loaded, &|_, written| written.to_string());
        let written = written.expect("it loads");
        let folder = tempfile::tempdir().expect("a folder can be made");
        for input in &loaded.inputs {
            let file_name = input.file_name().expect("it is a file");
            std::fs::copy(input, folder.path().join(file_name)).expect("it can be copied");
        }
        let path = folder.path().join("scenario.toml");
        std::fs::write(&path, &written).expect("it can be written");
        let again = load_with(path, &[]);
        let messages = again.diagnostics.render(&again.sources, false);
        assert_eq!(again.diagnostics.error_count(), 0, "{messages}");
        assert_eq!(again.scenario, loaded.scenario, "{written}");
    }
}

#[test]
fn explain_says_where_each_value_comes_from() {
    let explanation = explain(&load_with(data("rack-loss.toml"), &["seed=9"])).expect("it loads");
    let origin = |path: &str| {
        let value = explanation.values.iter().find(|value| value.path == path);
        let value = value.unwrap_or_else(|| panic!("{path} is not explained"));
        (
            value.value.clone(),
            value.origin.rsplit('/').next().unwrap_or("").to_string(),
        )
    };
    let pair = |value: &str, origin: &str| (value.to_string(), origin.to_string());
    assert_eq!(origin("seed"), pair("9", "--set seed=9"));
    assert_eq!(origin("duration"), pair("\"3m\"", "rack-loss.toml:10"));
    assert_eq!(origin("window"), pair("\"1s\"", "default"));
    assert_eq!(
        origin("client.shop.call.web.balancer.virtual_node_count"),
        pair("160", "rack-loss.toml:57")
    );
    assert_eq!(
        origin("registry.heartbeat_interval"),
        pair("lease_duration / 3", "computed")
    );
    let fault = &explanation.faults[0];
    assert_eq!((fault.start_secs, fault.end_secs), (60.0, 120.0));
    let (service, load) = &explanation.loads[0];
    assert_eq!((service.as_str(), load.visits_per_sec), ("web", 6_000.0));
}

/// A scenario that extends another one, both in one folder.
fn load_extended(base: &str, changes: &str) -> Loaded {
    let folder = tempfile::tempdir().expect("a folder can be made");
    std::fs::create_dir(folder.path().join("bases")).expect("a folder can be made");
    std::fs::write(folder.path().join("bases/base.toml"), base).expect("it can be written");
    let path = folder.path().join("a.toml");
    let text = format!("extends = \"bases/base.toml\"\n{changes}");
    std::fs::write(&path, text).expect("it can be written");
    load_with(path, &[])
}

const BASE: &str = r#"schema = 1
duration = "1m"
[expect]
users = "success_ratio >= 99%"
[service.web]
count = 2
service_time = { dist = "lognormal", p50 = "5ms", p99 = "40ms" }
[client.shop]
zones = ["a", "b"]
arrivals = { process = "poisson", rate = "100/s" }
[client.shop.call.web]
balancer = { policy = "ring", virtual_node_count = 3 }
"#;

#[test]
fn tables_merge_and_arrays_and_distributions_replace() {
    let changes = r#"
[service.web]
service_time = { dist = "constant", value = "5ms" }
[client.shop]
zones = ["c"]
[client.shop.call.web.balancer]
hash_seed = 8
"#;
    let scenario = scenario_of(load_extended(BASE, changes));
    let by_hand = BASE
        .replace(
            "{ dist = \"lognormal\", p50 = \"5ms\", p99 = \"40ms\" }",
            "\"5ms\"",
        )
        .replace("[\"a\", \"b\"]", "[\"c\"]")
        .replace(
            "virtual_node_count = 3",
            "virtual_node_count = 3, hash_seed = 8",
        )
        .replace("duration", "name = \"a\"\nduration");
    let loaded = load(&LoadInput {
        text: LoadText::Text {
            name: "by-hand.toml".to_string(),
            text: by_hand,
        },
        sets: Vec::new(),
        limits: Limits::STANDARD,
    });
    assert_eq!(scenario, scenario_of(loaded));
}

#[test]
fn another_policy_drops_the_keys_of_the_old_one_and_says_so() {
    let loaded = load_extended(
        BASE,
        "[client.shop.call]\nweb.balancer.policy = \"random\"\n",
    );
    let titles: Vec<&str> = loaded
        .diagnostics
        .iter()
        .map(|d| d.title.as_str())
        .collect();
    assert_eq!(titles, ["`virtual_node_count` of `ring` dropped"]);
    assert!(loaded.scenario.is_some());
}

#[test]
fn the_json_schema_names_every_table_and_refuses_other_keys() {
    let schema = json_schema();
    let definitions = schema["definitions"]
        .as_object()
        .expect("it has definitions");
    for name in [
        "service",
        "group",
        "client",
        "call",
        "fault",
        "balancer",
        "distribution",
    ] {
        assert!(definitions.contains_key(name), "{name}");
    }
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["properties"]["duration"]["type"], "string");
}

#[test]
fn the_json_schema_requires_keys_only_where_nothing_is_extended() {
    let schema = json_schema();
    let is_required = |table: &serde_json::Value| table.get("required").is_some();
    assert_eq!(schema["if"], serde_json::json!({ "required": ["extends"] }));
    assert_eq!(schema["else"]["required"][1], "duration");
    let definitions = schema["definitions"].as_object().expect("some");
    for name in ["service", "call", "retry"] {
        assert!(!is_required(&definitions[name]), "{name}");
        assert!(
            is_required(&definitions[&format!("whole {name}")]),
            "{name}"
        );
    }
}

#[test]
fn the_schema_beside_the_scenarios_is_the_one_that_is_printed() {
    let kept = include_str!("../scenarios/scenario.schema.json");
    let printed = format!("{:#}\n", json_schema());
    assert!(
        kept == printed,
        "run: stormglass schema > scenarios/scenario.schema.json"
    );
}

fn load_text(text: &str) -> Loaded {
    load(&LoadInput {
        text: LoadText::Text {
            name: "a.toml".to_string(),
            text: text.to_string(),
        },
        sets: Vec::new(),
        limits: Limits::STANDARD,
    })
}

#[test]
fn offered_load_counts_the_visits_of_every_path() {
    let text = r#"
schema = 1
duration = "1m"
[service.left]
count = 1
service_time = "1ms"
[service.left.call.end]
[service.right]
count = 1
service_time = "1ms"
[service.right.call.end]
[service.end]
count = 2
workers = 3
speed = 0.5
service_time = "2ms"
[client.shop]
arrivals = { process = "constant", rate = "300/s" }
[client.shop.call.left]
[client.shop.call.right]
"#;
    let loads = explain(&load_text(text)).expect("it loads").loads;
    // In order of name: end, left, right. Every request comes to end twice: 600 per second; its
    // workers do 2 x 3 x 0.5 = 3 s of work per second, so 3 / 2 ms = 1,500 requests per second.
    let (name, end) = &loads[0];
    assert_eq!((name.as_str(), end.visits_per_sec), ("end", 600.0));
    assert!((end.capacity_per_sec - 1_500.0).abs() < 1e-9);
    assert!((end.offered_load - 0.4).abs() < 1e-12);
    let visits: Vec<f64> = loads.iter().map(|(_, load)| load.visits_per_sec).collect();
    assert_eq!(visits, [600.0, 300.0, 300.0]);
    // Workers of left and right wait for end, which their capacity leaves out.
    let waiting: Vec<bool> = loads.iter().map(|(_, load)| load.waits_for_calls).collect();
    assert_eq!(waiting, [false, true, true]);
}

#[test]
fn offered_load_counts_the_attempts_of_forks_and_broadcasts_and_the_work_of_classes() {
    let world = |call: &str, class: &str| {
        let text = format!(
            "schema = 1\nduration = \"1m\"\n[service.s]\ncount = 6\nservice_time = \"10ms\"\n\
             [client.c]\narrivals = {{ process = \"constant\", rate = \"150/s\" }}\n\
             [client.c.call.s]\n{call}\n{class}"
        );
        let load = explain(&load_text(&text)).expect("it loads").loads[0].1;
        [
            load.visits_per_sec,
            load.capacity_per_sec,
            load.offered_load,
        ]
    };
    // Six workers of 10 ms do 600 per second.
    assert_eq!(world("", ""), [150.0, 600.0, 0.25]);
    let fork = "cluster = \"forking\"\nfork_count = 2";
    assert_eq!(world(fork, ""), [300.0, 600.0, 0.5]);
    let all = "cluster = \"broadcast\"";
    assert_eq!(world(all, ""), [900.0, 600.0, 1.5]);
    // Half of the requests take 10 ms and half 30 ms, 20 ms in the mean: 300 per second.
    let class = "[client.c.class.small]\nshare = \"50%\"\n\
                 [client.c.class.large]\nshare = \"50%\"\nservice_time = \"30ms\"\n";
    assert_eq!(world("", class), [150.0, 300.0, 0.5]);
}

/// A small scenario with one of these parts.
fn with_part(registry: &str, service: &str, call: &str, more: &str, target: &str) -> String {
    format!(
        "schema = 1\nname = \"part\"\nduration = \"60s\"\n{registry}\n[service.web]\ncount = 3\n\
         service_time = \"1ms\"\n{service}\n[client.shop]\n\
         arrivals = {{ process = \"poisson\", rate = \"10/s\" }}\n[client.shop.call.{target}]\n\
         {call}\n{more}\n[expect]\nusers = \"success_ratio >= 10%\"\n"
    )
}

/// Every part with nothing but its kind, as far as it needs no more.
fn parts() -> Vec<String> {
    let of_call = |call: &str| with_part("", "", call, "", "web");
    let strategies =
        strategy_catalog::all().map(|info| of_call(&format!("balancer = \"{}\"", info.name)));
    let registries = registry_catalog::REGISTRIES.iter().map(|info| {
        with_part(
            &format!("[registry]\nprofile = \"{}\"", info.info.name),
            "",
            "",
            "",
            "web",
        )
    });
    let detectors = detector_catalog::DETECTORS
        .iter()
        .map(|info| of_call(&format!("detector = {{ kind = \"{}\" }}", info.info.name)));
    let proxies = proxy_catalog::PROXIES.iter().map(|info| {
        let proxy = format!(
            "[proxy.edge]\nupstream = \"web\"\ncount = 1\nkind = \"{}\"",
            info.name
        );
        with_part("", "", "", &proxy, "edge")
    });
    let calls = [
        "cache = { capacity = 10 }",
        "cache = { capacity = 10, ttl = \"1s\" }",
        "hedge = { delay = \"10ms\" }",
        "hedge = { percentile = 95 }",
        "breaker = \"hystrix\"",
        "breaker = \"resilience4j\"",
        "breaker = \"envoy\"",
        "bulkhead = {}",
        "throttle = {}",
        "connection = {}",
        "connection = { reconnect = {} }",
        "retry = { budget = \"grpc\" }",
        "retry = { budget = \"finagle\" }",
        "retry = { budget = \"envoy\" }",
        "retry = { budget = \"sre\" }",
        "concurrency_limit = \"aimd\"",
        "concurrency_limit = \"vegas\"",
        "concurrency_limit = \"gradient2\"",
        "cluster = \"failback\"",
        "cluster = \"forking\"",
    ];
    let services = [
        "cache = { capacity = 10, miss = { time = \"1ms\" } }",
        "queue = { discipline = \"ps\" }",
        "queue = { codel = {} }",
        "pauses = {}",
        "warmup = {}",
        "connection = {}",
    ];
    let services = services.map(|service| with_part("", service, "", "", "web"));
    let faults = ["rolling_restart", "crash", "slow", "pause", "error"].map(|kind| {
        let fault =
            format!("[fault.x]\nkind = \"{kind}\"\ntarget = \"service:web\"\nat = \"20500ms\"");
        with_part("", "", "", &fault, "web")
    });
    let all = strategies.chain(registries).chain(detectors).chain(proxies);
    all.chain(calls.map(of_call))
        .chain(services)
        .chain(faults)
        .collect()
}

/// `verify` and `why` load what `run` wrote.
#[test]
fn what_a_run_writes_down_of_any_part_loads_again() {
    let read = |text: &str| {
        load(&LoadInput {
            text: LoadText::Text {
                name: "part.toml".to_string(),
                text: text.to_string(),
            },
            sets: Vec::new(),
            limits: Limits::STANDARD,
        })
    };
    let name = |_: &Path, written: &str| written.to_string();
    let mut count = 0;
    for text in parts() {
        let first = read(&text);
        // Some parts need more than their kind.
        let Some(toml) = effective_toml(&first, &name) else {
            continue;
        };
        count += 1;
        let again = read(&toml);
        let messages = again.diagnostics.render(&again.sources, false);
        assert!(again.scenario.is_some(), "{text}\n{messages}");
    }
    assert!(80 <= count, "{count}");
}
