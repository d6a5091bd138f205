//! Keys of `profile = "kubernetes"`. Defaults are those of Kubernetes 1.31 with a control plane
//! whose members each run an API server, etcd 3.5 and the controllers, unless they are marked
//! assumed.

use super::super::{Default, Key, Kind, LENGTH, POSITIVE, key, only_if, shared};
use super::system::{CAPACITY_KEY, ENTRY_SIZE, MESSAGE_SIZE};
use super::{MEMBERS, ZONES};

const fn length(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    key(name, POSITIVE, Default::Toml(default), doc)
}

const fn count(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    let kind = Kind::Count { min: 1, max: 1_000 };
    key(name, kind, Default::Toml(default), doc)
}

pub(super) const KEYS: &[Key] = &[
    MEMBERS,
    ZONES,
    key(
        "leader",
        Kind::Count { min: 0, max: 999 },
        Default::Toml("0"),
        "The member whose etcd leads at the start, and where the controllers run.",
    ),
    length(
        "period",
        "\"10s\"",
        "periodSeconds of the readiness probe of every instance.",
    ),
    length(
        "timeout",
        "\"1s\"",
        "timeoutSeconds: how long the answer to a probe may take.",
    ),
    count(
        "failure_threshold",
        "3",
        "failureThreshold: probes in a row that must fail before an instance is not ready.",
    ),
    count(
        "success_threshold",
        "1",
        "successThreshold: probes in a row that must pass before it is ready.",
    ),
    key(
        "initial_delay",
        LENGTH,
        Default::Toml("\"0s\""),
        "initialDelaySeconds: a container is not probed so soon after its start.",
    ),
    key(
        "probe_path",
        Kind::Choice(&["queued", "bypass", "accept"]),
        Default::Toml("\"queued\""),
        "What a probe sees: httpGet waits for a worker (`queued`), or a thread of its own answers \
         (`bypass`); tcpSocket sees that the kernel accepts (`accept`).",
    ),
    key(
        "phase",
        Kind::Phase,
        Default::Toml("\"random\""),
        "Where in its period the probe of each instance starts.",
    ),
    length(
        "relist_period",
        "\"1s\"",
        "How often a kubelet looks which containers run.",
    ),
    length(
        "lease_renew_interval",
        "\"10s\"",
        "How often a kubelet renews the lease of its node: a quarter of nodeLeaseDurationSeconds, \
         and up to 4 % more.",
    ),
    length(
        "status_sync_period",
        "\"10s\"",
        "How often a kubelet repeats a status that no API server has taken.",
    ),
    length(
        "request_timeout",
        "\"10s\"",
        "How long a kubelet, or one that watches, waits for an answer before it asks another API \
         server (assumed).",
    ),
    length(
        "node_monitor_period",
        "\"5s\"",
        "--node-monitor-period: how often the node controller looks at all nodes.",
    ),
    length(
        "node_monitor_grace_period",
        "\"40s\"",
        "--node-monitor-grace-period: a node whose lease does not change for so long is not \
         ready; 50s since Kubernetes 1.32.",
    ),
    key(
        "endpointslice_batch_period",
        LENGTH,
        Default::Toml("\"0s\""),
        "--endpointslice-updates-batch-period: changes within this time are written together.",
    ),
    length(
        "manager_lease_duration",
        "\"15s\"",
        "--leader-elect-lease-duration: how long the controllers of a dead member are missed.",
    ),
    length(
        "manager_renew_deadline",
        "\"10s\"",
        "--leader-elect-renew-deadline: controllers that cannot write for so long start over.",
    ),
    length(
        "manager_retry_period",
        "\"2s\"",
        "--leader-elect-retry-period: how often those of the others try.",
    ),
    key(
        "consumer",
        Kind::Choice(&["kube_proxy", "watch"]),
        Default::Toml("\"kube_proxy\""),
        "Who takes endpoints for a process: kube-proxy of its host, or, of a headless service, \
         itself.",
    ),
    only_if(
        "consumer",
        "\"kube_proxy\"",
        key(
            "min_sync_period",
            LENGTH,
            Default::Toml("\"1s\""),
            "minSyncPeriod of kube-proxy: two syncs may follow at once, further ones this far \
             apart.",
        ),
    ),
    length(
        "reconnect_delay",
        "\"800ms\"",
        "From the end of a watch to the next one: the first back-off of a reflector.",
    ),
    length(
        "read_idle_timeout",
        "\"30s\"",
        "HTTP2_READ_IDLE_TIMEOUT_SECONDS: silence after which an API server is pinged.",
    ),
    length(
        "ping_timeout",
        "\"15s\"",
        "HTTP2_PING_TIMEOUT_SECONDS: how long its answer may take.",
    ),
    length(
        "heartbeat_interval",
        "\"100ms\"",
        "--heartbeat-interval of etcd.",
    ),
    length("election_timeout", "\"1s\"", "--election-timeout of etcd."),
    key(
        "election_time",
        Kind::Table(&shared::DISTRIBUTION),
        Default::Toml("\"20ms\""),
        "From the moment that a candidate asks for votes until a leader serves (assumed).",
    ),
    CAPACITY_KEY,
    MESSAGE_SIZE,
    ENTRY_SIZE,
];
