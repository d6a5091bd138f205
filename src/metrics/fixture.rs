//! A small scenario for tests: clients `shop` with one call to service `web`, in zones `a`, `b`.

use crate::id::{ClientId, EdgeId, GroupId, ServiceId, ZoneId};
use crate::scenario::Scenario;
use crate::scenario::balancer::{BalancerConfig, RingHash};
use crate::scenario::check::{CheckConfig, CheckRule, ProbePath};
use crate::scenario::client::{
    ArrivalProcess, ClientConfig, EdgeConfig, EdgeOwner, Jitter, KeyConfig, RetryConfig,
    WhenCallerDown, Workload,
};
use crate::scenario::detector::DetectorConfig;
use crate::scenario::distribution::Distribution;
use crate::scenario::fault::{FaultConfig, FaultKind, FaultScope};
use crate::scenario::network::{LossConfig, NetworkConfig, Transport};
use crate::scenario::registry::{
    ClockConfig, LeaseConfig, Phase, Propagation, RegistryConfig, RegistryProfile,
};
use crate::scenario::selector::{Selector, Target};
use crate::scenario::service::{
    DemandPer, Discipline, GroupConfig, RegisteredConfig, ServiceConfig,
};
use crate::scenario::topology::Topology;
use crate::time::SimDuration;

/// What the tests choose.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub instance_count: u32,
    pub caller_count: u32,
    pub duration_secs: u64,
    pub warmup_secs: u64,
    pub faults: &'static [&'static str],
}

/// Two instances, two callers (one in each zone), 100 s without warm-up, no faults.
pub const SMALL: Shape = Shape {
    instance_count: 2,
    caller_count: 2,
    duration_secs: 100,
    warmup_secs: 0,
    faults: &[],
};

const EXACT_CLOCK: ClockConfig = ClockConfig { drift_ratio: 0.0 };

/// The scenario of a shape: leases, pings on the edge, a ring, windows of one second.
pub fn scenario(shape: Shape) -> Scenario {
    let services = vec![service()];
    let groups = vec![GroupConfig {
        service: ServiceId(0),
        name: "a".to_string(),
        count: shape.instance_count,
        count_spare: 0,
        zone: ZoneId(0),
        weight: 1.0,
        workers: 1,
        speed: 1.0,
        instances_per_host: 1,
        clock: EXACT_CLOCK,
        cpu: None,
    }];
    let clients = vec![client(shape.caller_count)];
    let edges = vec![edge()];
    let topology = Topology::new(&services, &groups, &clients, &edges, 1);
    Scenario {
        asked: Vec::new(),
        clusters: Vec::new(),
        compare: None,
        sweep: None,
        sensitivity: None,
        name: "small".to_string(),
        header: Vec::new(),
        seed: 1,
        duration: SimDuration::from_secs(shape.duration_secs),
        warmup: SimDuration::from_secs(shape.warmup_secs),
        drain: SimDuration::from_secs(1),
        window: SimDuration::from_secs(1),
        availability_objective_ratio: 0.9,
        has_breakdown: false,
        is_warmup_open: false,
        zones: vec!["a".to_string(), "b".to_string()],
        network: network(),
        registry: registry(),
        services,
        groups,
        clients,
        classes: Default::default(),
        edges,
        faults: shape.faults.iter().map(|name| fault(name)).collect(),
        expectations: Vec::new(),
        topology,
    }
}

fn constant(ms: u64) -> Distribution {
    Distribution::Constant {
        value: SimDuration::from_ms(ms),
    }
}

fn service() -> ServiceConfig {
    ServiceConfig {
        restart_time: None,
        name: "web".to_string(),
        discipline: Discipline::Fifo,
        queue_limit: None,
        queue_rules: None,
        wait_time: None,
        warmup: None,
        pauses: None,
        service_time: constant(10),
        demand_per: DemandPer::Attempt,
        registered: Some(RegisteredConfig {
            lease_duration: SimDuration::from_secs(10),
            heartbeat_interval: SimDuration::from_secs(3),
            phase: Phase::Random,
            path: ProbePath::Bypass,
        }),
        is_cancellable: false,
        crash_above: None,
        autoscale: None,
        groups: vec![GroupId(0)],
        calls: Vec::new(),
        limit: None,
        accept: Default::default(),
        cache: None,
        data: None,
        proxy: None,
    }
}

fn client(count: u32) -> ClientConfig {
    ClientConfig {
        name: "shop".to_string(),
        count,
        zones: vec![ZoneId(0), ZoneId(1)],
        workload: Workload::Open {
            process: ArrivalProcess::Poisson { rate: 1.0 },
        },
        keys: KeyConfig::Uniform { count: 1_000 },
        when_caller_down: WhenCallerDown::Redistribute,
        calls: vec![EdgeId(0)],
        clock: EXACT_CLOCK,
    }
}

fn edge() -> EdgeConfig {
    EdgeConfig {
        owner: EdgeOwner::Client(ClientId(0)),
        to: ServiceId(0),
        path: "client.shop.call.web".to_string(),
        balancer: BalancerConfig::Ring {
            virtual_node_count: 100,
            hash: RingHash::Xxh64,
            hash_seed: 0,
        },
        attempt_timeout: None,
        deadline: None,
        retry: RetryConfig {
            attempt_count_max: 2,
            backoff_min: SimDuration::ZERO,
            backoff_max: SimDuration::ZERO,
            backoff_factor: 2.0,
            jitter: Jitter::None,
            failover: true,
            on: crate::scenario::resilience::RetryOn::ALL,
        },
        ping_time: None,
        attempts: None,
        resilience: None,
        connection: None,
        cache: None,
        forward: None,
        detector: Some(DetectorConfig::Check(CheckConfig {
            interval: SimDuration::from_secs(1),
            timeout: SimDuration::from_ms(500),
            phase: Phase::Random,
            path: ProbePath::Bypass,
            rule: CheckRule::Ping {
                misses_max: 3,
                rises_min: 1,
            },
        })),
        flow: Default::default(),
    }
}

fn network() -> NetworkConfig {
    NetworkConfig {
        transport: Transport::Stream,
        same_zone: constant(1),
        cross_zone: constant(1),
        same_zone_bandwidth: None,
        cross_zone_bandwidth: None,
        loss: LossConfig::Bernoulli { probability: 0.0 },
        duplication_probability: 0.0,
        retransmission_timeout: SimDuration::from_ms(200),
        links: Vec::new(),
    }
}

fn registry() -> RegistryConfig {
    RegistryConfig {
        profile: RegistryProfile::Lease(LeaseConfig {
            propagation: Propagation::Watch,
            publish_interval: SimDuration::ZERO,
            sweep_interval: SimDuration::ZERO,
            sweep_phase: Phase::Random,
        }),
        member_zones: vec![ZoneId(0)],
    }
}

fn fault(name: &str) -> FaultConfig {
    FaultConfig {
        name: name.to_string(),
        kind: FaultKind::Crash,
        scope: FaultScope::Nodes {
            target: Selector {
                text: "service:web".to_string(),
                random: None,
                any_of: vec![Target::Service(ServiceId(0))],
            },
            include_callers: false,
            include_registry: false,
        },
        at: constant(10_000),
        trigger: None,
        duration: Some(constant(10_000)),
        every: None,
        is_each: false,
        crew_count: None,
        class: None,
        only: None,
        spread: None,
        replace: None,
    }
}
