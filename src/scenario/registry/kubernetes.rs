//! What a scenario may say about Kubernetes.

use super::system::QuorumConfig;
use crate::time::SimDuration;

/// Kubernetes: endpoints of services, which kubelets, two controllers and watches make.
#[derive(Clone, Debug, PartialEq)]
pub struct KubernetesConfig {
    /// The readiness probe of every container.
    pub probe: ReadinessProbe,
    /// The kubelet.
    pub kubelet: KubeletConfig,
    /// The controllers.
    pub manager: ManagerConfig,
    /// Those who watch endpoints.
    pub consumer: ConsumerConfig,
    /// `--heartbeat-interval` of etcd.
    pub heartbeat_interval: SimDuration,
    /// `--election-timeout` of etcd.
    pub election_timeout: SimDuration,
    /// Elections of etcd.
    pub quorum: QuorumConfig,
}

/// `readinessProbe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadinessProbe {
    /// `periodSeconds`.
    pub period: SimDuration,
    /// `timeoutSeconds`.
    pub timeout: SimDuration,
    /// `failureThreshold`.
    pub failure_threshold: u32,
    /// `successThreshold`.
    pub success_threshold: u32,
    /// `initialDelaySeconds`.
    pub initial_delay: SimDuration,
    /// What it sees of its container.
    pub sees: ProbeSees,
}

/// What a probe sees of its container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeSees {
    /// A thread of its own answers, while the process runs.
    Process,
    /// A worker answers.
    Worker,
    /// The kernel accepts a connection, also for a process that stands still.
    Socket,
}

/// The agent of every host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KubeletConfig {
    /// How often it looks which containers run.
    pub relist_period: SimDuration,
    /// How often it renews the lease of its node.
    pub lease_interval: SimDuration,
    /// How often it repeats what the API server has not taken.
    pub status_sync_period: SimDuration,
    /// How long it waits for an answer before it asks another API server.
    pub request_timeout: SimDuration,
}

/// `kube-controller-manager`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManagerConfig {
    /// `--node-monitor-period`.
    pub monitor_period: SimDuration,
    /// `--node-monitor-grace-period`.
    pub monitor_grace_period: SimDuration,
    /// `--endpointslice-updates-batch-period`.
    pub batch_period: SimDuration,
    /// `--leader-elect-lease-duration`.
    pub lease_duration: SimDuration,
    /// `--leader-elect-renew-deadline`.
    pub renew_deadline: SimDuration,
    /// `--leader-elect-retry-period`.
    pub retry_period: SimDuration,
}

/// Those who watch endpoints: kube-proxy on every host, or the process itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerConfig {
    /// `minSyncPeriod` of kube-proxy; None: the process watches by itself.
    pub min_sync_period: Option<SimDuration>,
    /// How long it waits until it watches again.
    pub reconnect_delay: SimDuration,
    /// How long it waits for the answer of an API server.
    pub request_timeout: SimDuration,
    /// Silence after which it pings its API server.
    pub idle_timeout: SimDuration,
    /// How long it waits for the answer to that.
    pub ping_timeout: SimDuration,
}
