//! Whole runs with their metrics, in events per second. A run must handle the events that its
//! digest says before it is measured.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use stormglass::metrics::recorder::Recorder;
use stormglass::model::fault_plan::fault_windows;
use stormglass::model::observation::RunEnd;
use stormglass::model::{SimOptions, fault_plan, simulate};
use stormglass::scenario::Scenario;
use stormglass::scenario::load::limits::Limits;
use stormglass::scenario::load::{LoadInput, LoadText, load};

/// Scenarios, how long they run here, and the digests of these runs.
const RUNS: [(&str, &str, u64); 2] = [
    ("limit", "1s", 5_923_324_749_322_241_578),
    ("peer-rpc", "60s", 2_333_380_761_712_655_129),
];

fn scenario(name: &str, duration: &str) -> Scenario {
    let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let loaded = load(&LoadInput {
        text: LoadText::File(path.into()),
        sets: vec![format!("duration={duration}")],
        limits: Limits::STANDARD,
    });
    loaded.scenario.expect("the scenarios of the project load")
}

fn run(scenario: &Scenario) -> RunEnd {
    let plan = fault_plan(scenario, scenario.seed).expect("no faults");
    let mut recorder = Recorder::new(scenario, &fault_windows(&plan));
    let options = SimOptions {
        seed: scenario.seed,
        event_count_max: u64::MAX,
    };
    let mut progress = |_| ControlFlow::Continue(());
    let end = simulate(scenario, options, &mut recorder, &mut progress).expect("nothing stops it");
    black_box(recorder.finish(end));
    end
}

fn bench_run(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    group.measurement_time(Duration::from_secs(5));
    group.sample_size(20);
    for (name, duration, digest) in RUNS {
        let scenario = scenario(name, duration);
        let end = run(&scenario);
        assert_eq!(end.digest, digest, "{name} handles other events");
        group.throughput(Throughput::Elements(end.event_count));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| run(&scenario));
        });
    }
    group.finish();
}

criterion_group!(benches, bench_run);
criterion_main!(benches);
