//! What a scenario may inject.

use super::distribution::Distribution;
use super::network::LossConfig;
use super::rollout::RolloutConfig;
use super::selector::Selector;
use super::trigger::{ReplaceConfig, SpreadConfig, Trigger};
use crate::id::{ClassId, GroupId};
use crate::time::SimDuration;

/// `[fault.rack-b]`: a cause that is injected in windows on the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultConfig {
    /// The name; its path is `fault.NAME`.
    pub name: String,
    /// What happens in the window.
    pub kind: FaultKind,
    /// What it happens to.
    pub scope: FaultScope,
    /// Start of the first window, counted from the start of the run; of no meaning with a trigger.
    pub at: Distribution,
    /// What begins its windows in place of `at`.
    pub trigger: Option<Trigger>,
    /// Length of a window. None: to the end of the run.
    pub duration: Option<Distribution>,
    /// Gap from the end of one window to the start of the next. None: one window only.
    pub every: Option<Distribution>,
    /// Every target has its own sequence of windows.
    pub is_each: bool,
    /// How many targets can be repaired at once; the length of a window then starts when a crew
    /// is free. None: as many as there are. Only with `each`.
    pub crew_count: Option<u32>,
    /// The class whose requests it hits; None: all. Only for errors, slowness, delay and loss.
    pub class: Option<ClassId>,
    /// The only messages that it hits; None: all. Only of links.
    pub only: Option<Traffic>,
    /// Other instances that follow the targets. Only of faults of nodes.
    pub spread: Option<SpreadConfig>,
    /// What comes in place of the targets before a window ends. Only of crashes and host losses.
    pub replace: Option<ReplaceConfig>,
}

/// What a fault acts on.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultScope {
    /// Nodes. A zone or host means its instances, unless widened.
    Nodes {
        /// Which.
        target: Selector,
        /// `include = ["callers"]`: a zone also means its callers.
        include_callers: bool,
        /// `include = ["registry"]`: a zone also means its registry members.
        include_registry: bool,
    },
    /// The links from one set of nodes to another.
    Links {
        /// The sending side.
        from: Selector,
        /// The receiving side; the same nodes on both sides are not cut off from themselves.
        to: Selector,
        /// Both directions.
        is_symmetric: bool,
    },
    /// A group that grows or shrinks.
    Group {
        /// Which.
        group: GroupId,
        /// By how many instances.
        count: u32,
    },
}

/// What messages are for, as far as a fault can tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Attempts of requests, their replies and cancellations.
    Requests,
    /// What says or asks whether somebody lives: heartbeats, pings and their answers, those of
    /// registries and of connections too.
    Heartbeats,
}

/// How nodes go and come in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct FlappingConfig {
    /// What they do while they are down.
    pub state: FlapState,
    /// How long they are down.
    pub down: Distribution,
    /// How long they are up.
    pub up: Distribution,
}

/// What a node that flaps does while it is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlapState {
    /// As in a `Crash`.
    Crash,
    /// As in a `HostLoss`.
    HostLoss,
    /// As in a `Pause`.
    Pause,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// The process ends: its work is lost, its host answers with resets; it restarts at the end.
    Crash,
    /// The host goes silent: its work is lost, packets disappear; it restarts at the end.
    HostLoss,
    /// The process stands still: the kernel keeps connections and accepts packets; it goes on at
    /// the end and handles what is due.
    Pause,
    /// Processes stand still now and then, each by laws of its own draws.
    GcPause,
    /// Nodes go and come again and again while the window lasts.
    Flapping(Box<FlappingConfig>),
    /// Local clocks run at another rate.
    ClockDrift { drift_ratio: f64 },
    /// Work is done at `1 / factor` of the speed.
    Slow { factor: f64 },
    /// A share of the replies are errors, made in their own service time.
    Error {
        ratio: f64,
        service_time: Option<Distribution>,
    },
    /// Messages are lost on links.
    Loss { loss: LossConfig },
    /// Messages take longer on links, by a draw of this law.
    Delay { delay: Distribution },
    /// Nothing passes on links.
    Partition,
    /// Messages on links are held until the end of the window.
    Clog,
    /// The registry does nothing.
    RegistryOutage,
    /// The instances have another weight.
    WeightChange { weight: f64 },
    /// Instances join the group; at the end they leave as those of a `ScaleIn` do.
    ScaleOut { grace: SimDuration },
    /// The last instances leave the group: they deregister, serve for `grace` what still comes,
    /// and exit; they come back at the end.
    ScaleIn { grace: SimDuration },
    /// The instances are replaced a few at a time; its window ends when all are, or when it was
    /// aborted and what it had begun is over.
    RollingRestart(Box<RolloutConfig>),
}

impl FaultKind {
    /// Whether only a run decides when its windows end.
    pub fn ends_by_itself(&self) -> bool {
        matches!(self, FaultKind::RollingRestart(_))
    }

    /// Whether processes stand still in its windows.
    pub fn pauses(&self) -> bool {
        match self {
            FaultKind::Pause | FaultKind::GcPause => true,
            FaultKind::Flapping(config) => config.state == FlapState::Pause,
            _ => false,
        }
    }

    /// How it restarts instances, if it does so one after the other.
    pub fn rollout(&self) -> Option<&RolloutConfig> {
        match self {
            FaultKind::RollingRestart(config) => Some(config),
            _ => None,
        }
    }

    /// The name in a scenario.
    pub fn name(&self) -> &'static str {
        match self {
            FaultKind::Crash => "crash",
            FaultKind::HostLoss => "host_loss",
            FaultKind::Pause => "pause",
            FaultKind::GcPause => "gc_pause",
            FaultKind::Flapping(_) => "flapping",
            FaultKind::ClockDrift { .. } => "clock_drift",
            FaultKind::Slow { .. } => "slow",
            FaultKind::Error { .. } => "error",
            FaultKind::Loss { .. } => "loss",
            FaultKind::Delay { .. } => "delay",
            FaultKind::Partition => "partition",
            FaultKind::Clog => "clog",
            FaultKind::RegistryOutage => "registry_outage",
            FaultKind::WeightChange { .. } => "weight_change",
            FaultKind::ScaleOut { .. } => "scale_out",
            FaultKind::ScaleIn { .. } => "scale_in",
            FaultKind::RollingRestart(_) => "rolling_restart",
        }
    }
}
