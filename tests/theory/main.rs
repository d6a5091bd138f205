//! The simulator against results of queueing theory, of reliability theory and of real systems,
//! through scenario texts and the engine. The normal tests run a subset that covers every kind;
//! `cargo test --profile checks --test theory -- --ignored` runs as long as the stated tolerances
//! need.

#[path = "../support/mod.rs"]
mod support;

mod availability;
mod balancing;
mod budgets;
mod caches;
mod class_effects;
mod class_load;
mod class_shares;
mod classes;
mod comparisons;
mod composed;
mod connections;
mod detection;
mod failover;
mod fan_out;
mod feedback;
mod flow_ends;
mod gossip;
mod grpc;
mod keyed;
mod measures;
mod modes;
mod overflow;
mod picks;
mod protection;
mod queues;
mod rebuild;
mod recorded;
mod redundancy;
mod registries;
mod retries;
mod returned_hosts;
mod texts;
mod ties;

use support::cases::Pass;

/// A kind of results: the subset with at most this many samples for each set of parameters, and
/// the complete pass.
macro_rules! kinds {
    ($($kind:ident: $check:path, $count:expr, $time:literal;)*) => {$(
        mod $kind {
            #[test]
            fn agrees_in_short_runs() {
                $check(super::Pass::Subset($count));
            }

            #[test]
            #[ignore = $time]
            fn agrees_within_the_stated_tolerances() {
                $check(super::Pass::Complete);
            }
        }
    )*};
}

kinds! {
    mm1: crate::queues::mm1, 300_000, "complete pass: 1 minute";
    mmc: crate::queues::mmc, 300_000, "complete pass: 1 minute";
    erlang_b: crate::queues::erlang_b, 300_000, "complete pass: a few seconds";
    mmck: crate::queues::mmck, 300_000, "complete pass: a few seconds";
    md1: crate::queues::md1, 300_000, "complete pass: 1 minute";
    mg1_fifo: crate::queues::mg1_fifo, 300_000, "complete pass: 2 minutes";
    mg1_ps: crate::queues::mg1_ps, 300_000, "complete pass: a few seconds";
    gm1: crate::queues::gm1, 300_000, "complete pass: 1 minute";
    mm1_client_timeout: crate::queues::mm1_client_timeout, 300_000, "complete pass: 1 minute";
    tandem_net: crate::queues::tandem_net, 300_000, "complete pass: 1 minute";
    closed_loop: crate::queues::closed_loop, 100_000, "complete pass: 1 minute";
    random_split: crate::balancing::random_split, 300_000, "complete pass: 1 minute";
    round_robin: crate::balancing::round_robin, 300_000, "complete pass: 1 minute";
    split2: crate::balancing::split2, 300_000, "complete pass: a few seconds";
    jsq: crate::balancing::jsq, 300_000, "complete pass: 1 minute";
    jsq_global: crate::balancing::jsq_global, 300_000, "complete pass: 1 minute";
    swim_first_detection: crate::gossip::swim_first_detection, 1_000,
        "complete pass: 10 minutes";
    swim_false_positive: crate::gossip::swim_false_positive, 200_000, "complete pass: 1 minute";
    push_gossip: crate::gossip::push_gossip, 500, "complete pass: 5 minutes";
    memberlist_suspicion_timeout: crate::gossip::memberlist_suspicion_timeout, 1,
        "complete pass: a few seconds";
    lifeguard_remaining: crate::gossip::lifeguard_remaining, 1, "complete pass: a few seconds";
    consul_gossip_kill: crate::gossip::consul_gossip_kill, 1, "complete pass: a few seconds";
    consul_gossip_stop: crate::gossip::consul_gossip_stop, 1, "complete pass: a few seconds";
    jiq: crate::balancing::jiq, 300_000, "complete pass: 1 minute";
    jsq2_repl: crate::balancing::jsq2_repl, 300_000, "complete pass: 1 minute";
    jsq2_norepl: crate::balancing::jsq2_norepl, 300_000, "complete pass: a few seconds";
    jsq_d_published_sim: crate::balancing::jsq_d_published_sim, 300_000, "complete pass: 1 minute";
    jsq_d_refined: crate::balancing::jsq_d_refined, 300_000, "complete pass: a few seconds";
    jsq_d_n100_sim: crate::balancing::jsq_d_n100_sim, 300_000, "complete pass: 3 minutes";
    jsq_d_meanfield: crate::balancing::jsq_d_meanfield, 1_000_000, "complete pass: 3 minutes";
    least_conn_hetero2: crate::balancing::least_conn_hetero2, 300_000,
        "complete pass: a few seconds";
    weighted_random: crate::picks::weighted_random, 70_000, "complete pass: a few seconds";
    swrr_sequence: crate::picks::swrr_sequence, 32, "complete pass: a few seconds";
    nginx_sequences: crate::picks::nginx_sequences, 200, "complete pass: a few seconds";
    consecutive_misses: crate::detection::consecutive_misses, 2_000_000, "complete pass: 2 minutes";
    probe_detection: crate::detection::probe_detection, 20_000, "complete pass: a few seconds";
    dns_ttl_drain: crate::registries::dns::ttl_drain, 20_000, "complete pass: 1 minute";
    dns_check_detection: crate::registries::dns::check_detection, 5_000,
        "complete pass: a few minutes";
    kubernetes_probe_detection: crate::registries::kubernetes::probe_detection, 10_000,
        "complete pass: a few minutes";
    heartbeat_timeout_detection: crate::detection::heartbeat_timeout_detection, 20_000,
        "complete pass: a few seconds";
    nfd_s: crate::detection::nfd_s_quality, 300_000, "complete pass: 5 minutes";
    phi_timeout: crate::detection::phi_timeout, 5_000, "complete pass: a few seconds";
    phi_normal: crate::detection::phi_normal, 5_000, "complete pass: a few seconds";
    phi_akka: crate::detection::phi_akka, 5_000, "complete pass: a few seconds";
    lease_expiry: crate::detection::lease_expiry, 20_000, "complete pass: a few seconds";
    retries_iid: crate::retries::retries_iid, 200_000, "complete pass: a few seconds";
    retry_amplification: crate::retries::retry_amplification, 100_000, "complete pass: 2 minutes";
    retry_budget_bound: crate::budgets::retry_budget_bound, 10_000, "complete pass: a few seconds";
    grpc_retry_throttle: crate::budgets::grpc_retry_throttle, 400_000,
        "complete pass: a few seconds";
    metastable_threshold: crate::budgets::metastable_threshold, 40_000,
        "complete pass: a few seconds";
    k_of_n: crate::availability::k_of_n, 100_000, "complete pass: a few seconds";
    failover_composition: crate::failover::failover_composition, 500,
        "complete pass: a few minutes";
    nginx_queueing: crate::recorded::nginx_queueing, 3_000, "complete pass: a few seconds";
    fork_join_2: crate::fan_out::fork_join_2, 300_000, "complete pass: a few seconds";
    fanout: crate::fan_out::fanout, 20_000, "complete pass: 5 minutes";
    central_queue: crate::fan_out::central_queue, 300_000, "complete pass: a few seconds";
    classes_share_a_queue: crate::classes::classes_share_a_queue, 300_000,
        "complete pass: a few seconds";
    mg1_priority_np: crate::classes::mg1_priority_np, 300_000, "complete pass: a few seconds";
    classes_mix_laws: crate::classes::classes_mix_laws, 300_000, "complete pass: a few seconds";
    transmitter: crate::classes::transmitter, 300_000, "complete pass: 1 minute";
    mginf: crate::queues::mginf, 300_000, "complete pass: 1 minute";
    redundancy_d: crate::redundancy::redundancy_d, 300_000, "complete pass: 1 minute";
    redundancy_d_inf: crate::redundancy::redundancy_d_inf, 300_000, "complete pass: 1 minute";
    hedge_exp: crate::redundancy::hedge_exp, 300_000, "complete pass: a few seconds";
    hedge_lognormal: crate::redundancy::hedge_lognormal, 300_000, "complete pass: a few seconds";
    mm1_deadline_drop: crate::redundancy::mm1_deadline_drop, 300_000,
        "complete pass: a few seconds";
    erlang_a: crate::redundancy::erlang_a, 300_000, "complete pass: a few seconds";
}
