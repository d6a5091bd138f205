//! Which instances a caller leaves out because of how attempts at them ended.

use super::envoy_outlier::EnvoyOutlier;
use super::failure_accrual::FailureAccrual;
use super::grpc_outlier::GrpcOutlier;
use super::max_fails::MaxFails;
use crate::id::InstanceId;
use crate::model::balancer::AttemptEnd;
use crate::model::view::ViewSnapshot;
use crate::rng::Draw;
use crate::scenario::balancer::wrappers::EjectionConfig;
use crate::time::SimTime;

/// An instance is left out, or used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The instance.
    pub instance: InstanceId,
    /// Whether it is left out from now on. While it is only probed, it is.
    pub is_ejected: bool,
}

/// The machine of one caller.
#[derive(Debug)]
pub enum Health {
    /// Nothing is left out.
    None,
    /// Envoy.
    Envoy(Box<EnvoyOutlier>),
    /// gRPC.
    Grpc(Box<GrpcOutlier>),
    /// nginx.
    MaxFails(MaxFails),
    /// Finagle.
    Accrual(Box<FailureAccrual>),
}

impl Health {
    /// Nothing has failed. `has_backup`: other instances stand by. `draw` holds the machine's own
    /// random numbers.
    pub fn new(config: Option<EjectionConfig>, has_backup: bool, draw: Draw) -> Self {
        match config {
            None => Health::None,
            Some(EjectionConfig::EnvoyOutlier(config)) => {
                Health::Envoy(Box::new(EnvoyOutlier::new(config, draw)))
            }
            Some(EjectionConfig::GrpcOutlier(config)) => {
                Health::Grpc(Box::new(GrpcOutlier::new(config, draw)))
            }
            Some(EjectionConfig::NginxMaxFails(config)) => {
                Health::MaxFails(MaxFails::new(config, has_backup))
            }
            Some(EjectionConfig::FinagleAccrual(config)) => {
                Health::Accrual(Box::new(FailureAccrual::new(config, draw)))
            }
        }
    }

    /// Takes over a list. What is known of instances that stay is kept.
    pub fn on_view(&mut self, now: SimTime, view: &ViewSnapshot, changes: &mut Vec<Change>) {
        match self {
            Health::None => {}
            Health::Envoy(outlier) => outlier.on_view(now, view, changes),
            Health::Grpc(outlier) => outlier.on_view(now, view),
            Health::MaxFails(fails) => fails.on_view(view),
            Health::Accrual(accrual) => accrual.on_view(now, view),
        }
    }

    /// Does what has come due by itself.
    pub fn advance(&mut self, now: SimTime, changes: &mut Vec<Change>) {
        match self {
            Health::None | Health::MaxFails(_) | Health::Accrual(_) => {}
            Health::Envoy(outlier) => outlier.advance(now, changes),
            Health::Grpc(outlier) => outlier.advance(now, changes),
        }
    }

    /// When something comes due by itself.
    pub fn due_at(&self) -> Option<SimTime> {
        match self {
            Health::None | Health::MaxFails(_) | Health::Accrual(_) => None,
            Health::Envoy(outlier) => outlier.due_at(),
            Health::Grpc(outlier) => outlier.due_at(),
        }
    }

    /// Whether picks may take an instance.
    pub fn is_usable(&self, now: SimTime, instance: InstanceId) -> bool {
        match self {
            Health::None => true,
            Health::Envoy(outlier) => !outlier.is_ejected(instance),
            Health::Grpc(outlier) => !outlier.is_ejected(instance),
            Health::MaxFails(fails) => fails.is_usable(now, instance),
            Health::Accrual(accrual) => accrual.is_usable(now, instance),
        }
    }

    /// Whether an instance that is left out is passed over by the strategy, which goes on knowing
    /// it, and not taken from its list.
    pub fn is_passed_over(&self) -> bool {
        matches!(self, Health::MaxFails(_) | Health::Accrual(_))
    }

    /// Whether any instance may not be usable. False positives are allowed.
    pub fn has_unusable(&self) -> bool {
        match self {
            Health::None => false,
            Health::Envoy(outlier) => outlier.has_ejected(),
            Health::Grpc(outlier) => outlier.ejected_count() > 0,
            Health::MaxFails(fails) => fails.has_marked(),
            Health::Accrual(accrual) => accrual.has_unusable(),
        }
    }

    /// A pick took an instance.
    pub fn on_picked(&mut self, now: SimTime, instance: InstanceId) {
        match self {
            Health::None | Health::Envoy(_) | Health::Grpc(_) => {}
            Health::MaxFails(fails) => fails.on_picked(now, instance),
            Health::Accrual(accrual) => accrual.on_picked(now, instance),
        }
    }

    /// An attempt ended.
    pub fn on_outcome(&mut self, end: &AttemptEnd, changes: &mut Vec<Change>) {
        match self {
            Health::None => {}
            Health::Envoy(outlier) => outlier.on_outcome(end, changes),
            Health::Grpc(outlier) => outlier.on_outcome(end),
            Health::MaxFails(fails) => fails.on_outcome(end, changes),
            Health::Accrual(accrual) => accrual.on_outcome(end, changes),
        }
    }
}
