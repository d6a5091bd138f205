//! `profile = "kubernetes"`.

use super::super::super::context::Context;
use super::super::super::diagnostic::Diagnostic;
use super::super::super::section::Section;
use super::super::distribution::distribution_at;
use super::super::service::phase;
use super::system::{in_order, length};
use super::{etcd, refuse_heartbeats, system};
use crate::scenario::check::ProbePath;
use crate::scenario::distribution::Distribution;
use crate::scenario::registry::kubernetes::{
    ConsumerConfig, KubeletConfig, KubernetesConfig, ManagerConfig, ProbeSees, ReadinessProbe,
};
use crate::scenario::registry::system::{ProtocolConfig, QuorumConfig};
use crate::scenario::service::RegisteredConfig;
use crate::time::SimDuration;

/// client-go tries at most this many times later than its retry period.
const RETRY_JITTER_FACTOR: f64 = 1.2;

/// Reads the keys of Kubernetes.
pub fn kubernetes(ctx: &mut Context, section: &Section) -> ProtocolConfig {
    let (heartbeat_interval, election_timeout) = etcd::election_times(ctx, section);
    let config = KubernetesConfig {
        probe: probe(ctx, section),
        kubelet: KubeletConfig {
            relist_period: length(ctx, section, "relist_period"),
            lease_interval: length(ctx, section, "lease_renew_interval"),
            status_sync_period: length(ctx, section, "status_sync_period"),
            request_timeout: length(ctx, section, "request_timeout"),
        },
        manager: manager(ctx, section),
        consumer: consumer(ctx, section),
        heartbeat_interval,
        election_timeout,
        quorum: QuorumConfig {
            first_leader: system::first_leader(ctx, section),
            follower_patience: Distribution::Uniform {
                min: election_timeout,
                max: election_timeout.saturating_mul(2),
            },
            leader_patience: election_timeout,
            notices_death: false,
            election_time: distribution_at(ctx, section, "election_time"),
            vote_patience: Some(election_timeout),
            retry_min: election_timeout,
            retry_max: election_timeout.saturating_mul(2),
        },
    };
    in_order(
        ctx,
        section,
        ("lease_renew_interval", config.kubelet.lease_interval),
        (
            "node_monitor_grace_period",
            config.manager.monitor_grace_period,
        ),
    );
    ProtocolConfig::Kubernetes(Box::new(config))
}

fn probe(ctx: &mut Context, section: &Section) -> ReadinessProbe {
    let sees = match section.text(ctx, "probe_path").as_deref() {
        Some("bypass") => ProbeSees::Process,
        Some("accept") => ProbeSees::Socket,
        _ => ProbeSees::Worker,
    };
    let count = |ctx: &mut Context, key| section.count_u32(ctx, key).unwrap_or(1);
    let probe = ReadinessProbe {
        period: length(ctx, section, "period"),
        timeout: length(ctx, section, "timeout"),
        failure_threshold: count(ctx, "failure_threshold"),
        success_threshold: count(ctx, "success_threshold"),
        initial_delay: section.duration(ctx, "initial_delay").unwrap_or_default(),
        sees,
    };
    in_order(
        ctx,
        section,
        ("timeout", probe.timeout),
        ("period", probe.period),
    );
    probe
}

fn manager(ctx: &mut Context, section: &Section) -> ManagerConfig {
    let batch_period = section.duration(ctx, "endpointslice_batch_period");
    let config = ManagerConfig {
        monitor_period: length(ctx, section, "node_monitor_period"),
        monitor_grace_period: length(ctx, section, "node_monitor_grace_period"),
        batch_period: batch_period.unwrap_or_default(),
        lease_duration: length(ctx, section, "manager_lease_duration"),
        renew_deadline: length(ctx, section, "manager_renew_deadline"),
        retry_period: length(ctx, section, "manager_retry_period"),
    };
    refuse_election(ctx, section, &config);
    config
}

/// Reports times with which client-go elects nobody.
fn refuse_election(ctx: &mut Context, section: &Section, config: &ManagerConfig) {
    let lease = config.lease_duration;
    let deadline = config.renew_deadline;
    let tried_within = config.retry_period.scaled(RETRY_JITTER_FACTOR);
    let mut refuse = |key: &str, label: String, help: &str| {
        ctx.error(
            Diagnostic::new("times of an election that client-go refuses")
                .at(section.origin_of(key), label)
                .help(help),
        );
    };
    if lease <= deadline {
        refuse(
            "manager_lease_duration",
            format!("`manager_renew_deadline` is {deadline}"),
            "expected manager_renew_deadline < manager_lease_duration",
        );
    }
    if deadline <= tried_within {
        refuse(
            "manager_retry_period",
            format!("1.2 times it is {tried_within}, and `manager_renew_deadline` is {deadline}"),
            "expected 1.2 manager_retry_period < manager_renew_deadline",
        );
    }
}

fn consumer(ctx: &mut Context, section: &Section) -> ConsumerConfig {
    let is_proxy = section.text(ctx, "consumer").as_deref() != Some("watch");
    let min_sync_period = section.duration(ctx, "min_sync_period").unwrap_or_default();
    ConsumerConfig {
        min_sync_period: is_proxy.then_some(min_sync_period),
        reconnect_delay: length(ctx, section, "reconnect_delay"),
        request_timeout: length(ctx, section, "request_timeout"),
        idle_timeout: length(ctx, section, "read_idle_timeout"),
        ping_timeout: length(ctx, section, "ping_timeout"),
    }
}

/// How the instances of a service register: kubelets probe them.
pub fn registered(ctx: &mut Context, section: &Section, registry: &Section) -> RegisteredConfig {
    refuse_heartbeats(ctx, section, "kubelets probe instances: see `period`");
    RegisteredConfig {
        lease_duration: SimDuration::MAX,
        heartbeat_interval: length(ctx, registry, "period"),
        phase: match section.has("phase") {
            true => phase(ctx, section, "phase"),
            false => phase(ctx, registry, "phase"),
        },
        path: ProbePath::Bypass,
    }
}
