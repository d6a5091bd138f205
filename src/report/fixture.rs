//! A scenario and its numbers, for tests of pages and pictures.

use crate::id::{ClientId, EdgeId, GroupId, ServiceId, ZoneId};
use crate::metrics::data::detection::{DetectorMetrics, ExclusionStats, FaultDetection};
use crate::metrics::data::distribution::{CurvePoint, DurationStats, LevelStats, Percentile};
use crate::metrics::data::fault::{FaultMetrics, FaultSpan, ReturnTimes, RingChange, RingShare};
use crate::metrics::data::request::{PhaseKind, PhaseMetrics, RequestMetrics, RequestStats};
use crate::metrics::data::selection::{CallCounts, EdgeMetrics, InstanceShare, SelectionStats};
use crate::metrics::data::series::{InstanceRow, InstanceSeries, RequestWindow, Series};
use crate::metrics::data::service::{InstanceMetrics, LittlesLaw, ServiceMetrics};
use crate::metrics::data::timeline::{BelievedState, StateChange, TimelineRow, Timelines};
use crate::metrics::data::{Conservation, RunMetrics};
use crate::scenario::balancer::{BalancerConfig, weighted::DrawMethod::Cumulative};
use crate::scenario::client::{
    ArrivalProcess, ClientConfig, EdgeConfig, EdgeOwner, Jitter, KeyConfig, RetryConfig,
    WhenCallerDown, Workload,
};
use crate::scenario::network::{LossConfig, NetworkConfig, Transport};
use crate::scenario::registry::{ClockConfig, RegistryConfig, RegistryProfile};
use crate::scenario::service::{DemandPer, Discipline, GroupConfig, ServiceConfig};
use crate::scenario::topology::Topology;
use crate::scenario::{Scenario, distribution::Distribution};
use crate::time::SimDuration;

const CLOCK: ClockConfig = ClockConfig { drift_ratio: 0.0 };
/// One service with two groups of two instances, of weights 1 and 2; one client.
pub fn scenario() -> Scenario {
    let (services, groups) = (vec![web()], vec![group("a", 1.0), group("b", 2.0)]);
    let (clients, edges) = (vec![shop()], vec![call()]);
    let header = "Question: what is lost|when a rack goes?|Expected: little.||Once.".split('|');
    Scenario {
        asked: Vec::new(),
        clusters: Vec::new(),
        compare: None,
        sweep: None,
        sensitivity: None,
        name: "rack-loss".into(),
        header: header.map(String::from).collect(),
        seed: 7,
        duration: SimDuration::from_secs(60),
        warmup: SimDuration::from_secs(5),
        drain: SimDuration::from_secs(1),
        window: SimDuration::from_secs(1),
        availability_objective_ratio: 0.99,
        has_breakdown: false,
        is_warmup_open: false,
        zones: vec!["a".into()],
        network: NetworkConfig {
            transport: Transport::Stream,
            same_zone: constant(1),
            cross_zone: constant(1),
            same_zone_bandwidth: None,
            cross_zone_bandwidth: None,
            loss: LossConfig::Bernoulli { probability: 0.0 },
            duplication_probability: 0.0,
            retransmission_timeout: SimDuration::from_ms(200),
            links: vec![],
        },
        registry: RegistryConfig {
            profile: RegistryProfile::Static,
            member_zones: vec![],
        },
        topology: Topology::new(&services, &groups, &clients, &edges, 0),
        services,
        groups,
        clients,
        classes: Default::default(),
        edges,
        faults: vec![],
        expectations: vec![],
    }
}

/// Numbers of a run in which `rack-b` lost two instances from 20 s to 40 s.
pub fn metrics() -> RunMetrics {
    RunMetrics {
        digest: 0x3f9a_2c41_d07b_e855,
        measured_start_secs: 5.0,
        measured_end_secs: 60.0,
        ended_at_secs: 61.0,
        event_count: 1_000_000,
        conservation: Conservation::default(),
        requests: requests(),
        services: vec![service()],
        edges: vec![edge()],
        detectors: vec![detector()],
        faults: vec![fault()],
        memberships: Vec::new(),
        resilience: Vec::new(),
        control: vec![],
        registry_members: vec![],
        gossip_members: vec![],
        breakdowns: Vec::new(),
        fallbacks: Vec::new(),
        several: None,
        connections: vec![],
        caches: vec![],
        series: series(),
        timelines: timelines(),
        sample: Default::default(),
        tables: Default::default(),
    }
}

/// A run in which nothing happened.
pub fn empty_metrics() -> RunMetrics {
    RunMetrics {
        requests: RequestMetrics::default(),
        services: vec![],
        edges: vec![],
        detectors: vec![],
        faults: vec![],
        series: Series::default(),
        timelines: Timelines::default(),
        ..metrics()
    }
}

fn known(secs: f64) -> Percentile {
    Percentile {
        value_secs: Some(secs),
        sample_count: 20_000,
        above_count: 200,
    }
}

fn requests() -> RequestMetrics {
    let phase = |kind, label: &str, p99_secs: f64, succeeded_count: u64, duration_secs: f64| {
        let arrived_count = (duration_secs * 1_000.0) as u64;
        let stats = RequestStats {
            duration_secs,
            arrived_count,
            succeeded_count,
            timed_out_count: arrived_count - succeeded_count,
            attempt_count: arrived_count,
            success_ratio: Some(succeeded_count as f64 / arrived_count as f64),
            request_rate_rps: Some(1_000.0),
            goodput_rps: Some(succeeded_count as f64 / duration_secs),
            amplification_ratio: Some(1.0),
            latency: DurationStats {
                sample_count: succeeded_count,
                p50: known(0.0071),
                p99: known(p99_secs),
                ..DurationStats::default()
            },
            ..RequestStats::default()
        };
        let curve = [(0.0, 0.002), (50.0, 0.0071), (90.0, 0.02), (99.0, p99_secs)];
        let point = |(percentile, value_secs)| CurvePoint {
            percentile,
            value_secs,
        };
        PhaseMetrics {
            kind,
            fault: (kind == PhaseKind::During).then(|| "rack-b".to_string()),
            label: label.into(),
            stats,
            latency_curve: curve.map(point).to_vec(),
        }
    };
    RequestMetrics {
        phases: vec![
            phase(PhaseKind::Whole, "whole run", 0.0601, 54_400, 55.0),
            phase(PhaseKind::Steady, "steady", 0.0482, 30_000, 30.0),
            phase(PhaseKind::During, "during rack-b", 0.1214, 19_400, 20.0),
        ],
        window_availability_ratio: Some(0.95),
        ..RequestMetrics::default()
    }
}

fn service() -> ServiceMetrics {
    let instance = |(instance, name, share): (u32, &str, f64)| InstanceMetrics {
        instance,
        name: name.into(),
        attempt_count: 10_000,
        share_ratio: Some(share),
        weight_share_ratio: Some(0.25),
        utilization_ratio: Some(0.5),
        in_flight_mean: 1.0,
        in_flight_max: 4,
        in_system_mean: 1.0,
        waiting_secs_mean: None,
    };
    let instances = [
        (0, "web/a/0", 0.21),
        (1, "web/a/1", 0.22),
        (2, "web/b/0", 0.25),
        (3, "web/b/1", 0.32),
    ];
    ServiceMetrics {
        service: "web".into(),
        arrived_count: 55_000,
        served_count: 55_000,
        lost_count: 0,
        rejected_count: 0,
        waiting: DurationStats::default(),
        wait_ratio: None,
        sojourn: DurationStats::default(),
        service_time: DurationStats::default(),
        in_system: LevelStats::default(),
        in_system_per_instance: LevelStats::default(),
        up: LevelStats::default(),
        up_fall_counts: vec![],
        utilization_ratio: Some(0.6),
        zombie_ratio: None,
        server: None,
        data: None,
        littles_law: LittlesLaw::default(),
        instances: instances.map(instance).to_vec(),
    }
}

fn edge() -> EdgeMetrics {
    let share = |(instance, name, share_ratio): (u32, &str, f64)| InstanceShare {
        instance,
        name: name.into(),
        pick_count: 10_000,
        share_ratio,
        expected_ratio: if instance < 2 { 1.0 / 6.0 } else { 1.0 / 3.0 },
        prefix_deviation_max: f64::from(instance) * 0.5,
        burst_max: 2,
    };
    let shares = [
        (0, "web/a/0", 0.165),
        (1, "web/a/1", 0.168),
        (2, "web/b/0", 0.335),
        (3, "web/b/1", 0.332),
    ];
    EdgeMetrics {
        edge: "client.shop.call.web".into(),
        service: "web".into(),
        attempt_count: 55_000,
        retry_count: 0,
        wasted_attempt_count: 100,
        calls: CallCounts::default(),
        selection: SelectionStats {
            pick_count: 55_000,
            deviation_absolute_max: Some(0.0017),
            chi_squared_p: Some(0.41),
            ..SelectionStats::default()
        },
        shares: shares.map(share).to_vec(),
    }
}

fn detection_time() -> DurationStats {
    DurationStats {
        sample_count: 2,
        mean_secs: Some(9.0),
        min_secs: Some(8.1),
        max_secs: Some(9.9),
        ..DurationStats::default()
    }
}

fn detector() -> DetectorMetrics {
    DetectorMetrics {
        detector: "registry".into(),
        service: "web".into(),
        detection_time: detection_time(),
        undetected_count: 0,
        mistake_count: 1,
        mistake_rate_per_sec: Some(0.004),
        query_accuracy_ratio: Some(0.999),
        observed_pair_secs: 220.0,
        ..DetectorMetrics::default()
    }
}

fn fault() -> FaultMetrics {
    let detection = FaultDetection {
        detector: "registry".into(),
        detection_time: detection_time(),
        undetected_count: 0,
    };
    let share = |(instance, name, before_ratio, after_ratio): (u32, &str, f64, f64)| RingShare {
        instance,
        name: name.into(),
        before_ratio,
        after_ratio,
    };
    let shares = [
        (0, "web/a/0", 0.2, 0.6),
        (1, "web/a/1", 0.15, 0.4),
        (2, "web/b/0", 0.3, 0.0),
    ];
    let returned = |secs| ReturnTimes {
        reached_secs: vec![secs],
        mean_secs: Some(secs),
        max_secs: Some(secs),
        window_secs: 1.0,
        ..ReturnTimes::default()
    };
    FaultMetrics {
        fault: "rack-b".into(),
        kind: "host_loss",
        windows: vec![FaultSpan {
            start_secs: 20.0,
            end_secs: 40.0,
        }],
        window_count: 1,
        is_each: false,
        target_count: 2,
        is_of_instances: true,
        target_count_max: 2,
        down_count: 2,
        detection: vec![detection],
        exclusion: ExclusionStats::default(),
        wasted_attempt_count: 600,
        last_wasted_attempt_secs: Some(30.1),
        mitigation: returned(11.0),
        recovery: returned(2.0),
        rings: vec![RingChange {
            edge: "client.shop.call.web".into(),
            moved_key_ratio: 0.65,
            moved_key_ratio_ideal: 0.6667,
            ownership_max_over_mean_before: Some(1.2),
            ownership_cv_before: Some(0.1),
            ownership_max_over_mean_after: Some(1.21),
            ownership_cv_after: Some(0.1),
            instances: shares.map(share).to_vec(),
            ..RingChange::default()
        }],
        ..FaultMetrics::default()
    }
}

fn series() -> Series {
    let window = |second: u32| {
        let lost = if (20..30).contains(&second) { 60 } else { 0 };
        RequestWindow {
            start_secs: f64::from(second),
            arrived_count: 1_000,
            succeeded_count: 1_000 - lost,
            timed_out_count: lost,
            attempt_count: 1_000,
            latency_ms_p50: Some(7.1),
            latency_ms_p99: Some(if 0 < lost { 121.4 } else { 48.2 }),
            ..RequestWindow::default()
        }
    };
    let row = |(instance, name): (u32, &str)| InstanceRow {
        instance: Some(instance),
        name: name.into(),
        attempt_counts: (0..61)
            .map(|second| match (20..40).contains(&second) {
                true if 2 <= instance => 0,
                true => 500,
                false if 2 <= instance => 333,
                false => 167,
            })
            .collect(),
        in_flight_means: vec![],
        queue_depth_means: vec![],
        busy_ratios: vec![],
        away: Default::default(),
    };
    let rows = [
        (0, "web/a/0"),
        (1, "web/a/1"),
        (2, "web/b/0"),
        (3, "web/b/1"),
    ];
    Series {
        window_secs: 1.0,
        total: (0..61).map(window).collect(),
        instances: InstanceSeries {
            window_secs: 1.0,
            instance_count: 4,
            note: None,
            rows: rows.map(row).to_vec(),
            aggregate: None,
        },
        ..Series::default()
    }
}

fn timelines() -> Timelines {
    let row = |instance: u32, observer: &str, changes: &[(f64, BelievedState)]| TimelineRow {
        instance,
        name: format!("web/b/{}", instance - 2),
        observer: observer.into(),
        changes: changes
            .iter()
            .map(|&(at_secs, state)| StateChange { at_secs, state })
            .collect(),
    };
    use BelievedState::{Excluded, HostLost, Suspected, Up};
    let truth = [(20.0, HostLost), (40.0, Up)];
    let mistaken = [(10.0, Suspected), (11.0, Up), (29.9, Suspected), (41.5, Up)];
    let rows = vec![
        row(2, "truth", &truth),
        row(2, "registry", &[(28.1, Suspected), (41.0, Up)]),
        row(2, "view shop/0", &[(28.2, Excluded), (41.1, Up)]),
        row(3, "truth", &truth),
        row(3, "registry", &mistaken),
        row(3, "view shop/0", &[(30.0, Excluded)]),
    ];
    Timelines {
        rows,
        dropped_count: 0,
    }
}

fn constant(ms: u64) -> Distribution {
    Distribution::Constant {
        value: SimDuration::from_ms(ms),
    }
}

fn web() -> ServiceConfig {
    ServiceConfig {
        restart_time: None,
        name: "web".into(),
        discipline: Discipline::Fifo,
        queue_limit: None,
        queue_rules: None,
        wait_time: None,
        warmup: None,
        pauses: None,
        service_time: constant(5),
        demand_per: DemandPer::Attempt,
        registered: None,
        is_cancellable: false,
        crash_above: None,
        autoscale: None,
        groups: vec![GroupId(0), GroupId(1)],
        calls: vec![],
        limit: None,
        accept: Default::default(),
        cache: None,
        data: None,
        proxy: None,
    }
}

fn group(name: &str, weight: f64) -> GroupConfig {
    GroupConfig {
        service: ServiceId(0),
        name: name.into(),
        count: 2,
        count_spare: 0,
        zone: ZoneId(0),
        weight,
        workers: 4,
        speed: 1.0,
        instances_per_host: 1,
        clock: CLOCK,
        cpu: None,
    }
}

fn shop() -> ClientConfig {
    ClientConfig {
        name: "shop".into(),
        count: 3,
        zones: vec![ZoneId(0)],
        workload: Workload::Open {
            process: ArrivalProcess::Poisson { rate: 1_000.0 },
        },
        keys: KeyConfig::Uniform { count: 100 },
        when_caller_down: WhenCallerDown::Redistribute,
        calls: vec![EdgeId(0)],
        clock: CLOCK,
    }
}

fn call() -> EdgeConfig {
    EdgeConfig {
        owner: EdgeOwner::Client(ClientId(0)),
        to: ServiceId(0),
        path: "client.shop.call.web".into(),
        balancer: BalancerConfig::WeightedRandom { method: Cumulative },
        attempt_timeout: None,
        deadline: None,
        retry: RetryConfig {
            attempt_count_max: 1,
            backoff_min: SimDuration::ZERO,
            backoff_max: SimDuration::ZERO,
            backoff_factor: 2.0,
            jitter: Jitter::None,
            failover: true,
            on: crate::scenario::resilience::RetryOn::ALL,
        },
        detector: None,
        ping_time: None,
        flow: Default::default(),
        attempts: None,
        resilience: None,
        connection: None,
        cache: None,
        forward: None,
    }
}
