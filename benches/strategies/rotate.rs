//! Strategies by weight and by load.

use stormglass::scenario::balancer::BalancerConfig;
use stormglass::scenario::balancer::load::LoadConfig;
use stormglass::scenario::balancer::weighted::{
    DrawMethod, DubboWeight, NginxFailures, WeightedConfig,
};
use stormglass::time::SimDuration;

/// A strategy, how many different weights there are, and the digest of its picks.
pub type Entry = (&'static str, BalancerConfig, u32, u64);

const NGINX: NginxFailures = NginxFailures {
    max_fails: 1,
    has_error_replies: false,
};
const DUBBO: DubboWeight = DubboWeight {
    unit: 100,
    warmup: SimDuration::from_secs(600),
};

const LEAST_REQUEST: LoadConfig = LoadConfig::EnvoyLeastRequest {
    choice_count: 2,
    active_request_bias: 1.0,
};
const PEAK_EWMA: LoadConfig = LoadConfig::PeakEwma {
    decay: SimDuration::from_secs(10),
    default_rtt: None,
    full_scan: false,
};
const LEAST_ACTIVE: LoadConfig = LoadConfig::DubboLeastActive {
    weight: DUBBO,
    has_actives: true,
};
const SHORTEST_RESPONSE: LoadConfig = LoadConfig::DubboShortestResponse {
    weight: DUBBO,
    window: SimDuration::from_secs(30),
};
const ADAPTIVE: LoadConfig = LoadConfig::DubboAdaptive {
    weight: DUBBO,
    timeout: SimDuration::from_secs(1),
    cpu_load: Some(1.0),
};
const LOCALITY_AWARE: LoadConfig = LoadConfig::BrpcLocalityAware {
    timeout: SimDuration::from_ms(500),
    max_retry: 3,
};

/// The strategies of both families.
pub fn strategies() -> Vec<Entry> {
    let mut entries = by_weight();
    entries.extend(by_load());
    entries
}

fn by_weight() -> Vec<Entry> {
    let weighted = BalancerConfig::Weighted;
    let alias = BalancerConfig::WeightedRandom {
        method: DrawMethod::Alias,
    };
    let nginx = weighted(WeightedConfig::NginxRoundRobin(NGINX));
    let smooth = BalancerConfig::SmoothWeightedRoundRobin;
    let edf = |is_exact| weighted(WeightedConfig::Edf { is_exact });
    let [envoy, haproxy, haproxy_static, lvs, naive] = [
        WeightedConfig::EnvoyRoundRobin,
        WeightedConfig::HaproxyRoundRobin,
        WeightedConfig::HaproxyStaticRr,
        WeightedConfig::LvsRoundRobin,
        WeightedConfig::NaiveWeightedRandom,
    ]
    .map(weighted);
    let dubbo = weighted(WeightedConfig::DubboRoundRobin(DUBBO));
    let dubbo_random = weighted(WeightedConfig::DubboRandom(DUBBO));
    vec![
        (
            "weighted_random_alias",
            alias,
            3,
            14_140_225_727_979_547_242,
        ),
        (
            "smooth_64_weights",
            smooth.clone(),
            64,
            16_531_345_236_368_582_714,
        ),
        (
            "smooth_1000_weights",
            smooth,
            1_000,
            4_992_827_282_528_975_977,
        ),
        ("nginx_round_robin", nginx, 3, 4_490_199_250_230_796_208),
        ("edf", edf(false), 3, 12_061_793_609_746_403_748),
        ("edf_exact", edf(true), 3, 6_730_337_875_578_463_394),
        ("envoy_round_robin", envoy, 3, 7_453_913_375_416_293_651),
        ("haproxy_round_robin", haproxy, 3, 1_856_706_496_064_118_043),
        (
            "haproxy_static_rr",
            haproxy_static,
            3,
            6_262_983_876_247_830_929,
        ),
        ("lvs_round_robin", lvs, 3, 13_206_628_212_858_650_451),
        ("dubbo_round_robin", dubbo, 3, 4_490_199_250_230_796_208),
        ("dubbo_random", dubbo_random, 3, 15_097_935_736_692_949_051),
        (
            "naive_weighted_random",
            naive,
            3,
            12_189_171_470_273_264_752,
        ),
    ]
}

fn by_load() -> Vec<Entry> {
    let named = [
        (
            "nginx_least_conn",
            LoadConfig::NginxLeastConn(NGINX),
            16_305_311_108_937_709_998,
        ),
        (
            "nginx_random_two",
            LoadConfig::NginxRandomTwo(NGINX),
            12_680_632_135_843_597_732,
        ),
        (
            "haproxy_least_conn",
            LoadConfig::HaproxyLeastConn,
            7_941_138_185_349_098_612,
        ),
        (
            "haproxy_random",
            LoadConfig::HaproxyRandom { draw_count: 2 },
            17_473_245_569_575_414_694,
        ),
        (
            "envoy_least_request",
            LEAST_REQUEST,
            7_453_913_375_416_293_651,
        ),
        ("peak_ewma", PEAK_EWMA, 6_893_696_254_823_540_270),
        ("dubbo_least_active", LEAST_ACTIVE, 197_035_568_506_540_217),
        (
            "dubbo_shortest_response",
            SHORTEST_RESPONSE,
            15_097_935_736_692_949_051,
        ),
        ("dubbo_adaptive", ADAPTIVE, 11_144_924_227_706_598_803),
        (
            "brpc_locality_aware",
            LOCALITY_AWARE,
            261_402_399_607_128_222,
        ),
    ];
    let entry = |(name, config, digest)| (name, BalancerConfig::Load(config), 3, digest);
    named.into_iter().map(entry).collect()
}
