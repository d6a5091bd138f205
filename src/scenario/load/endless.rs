//! Calls that wait for ever for a message that is lost.

use super::context::Context;
use super::diagnostic::Diagnostic;
use super::read::Places;
use super::warning::WarningCode;
use crate::scenario::Scenario;
use crate::scenario::client::{EdgeConfig, EdgeOwner};
use crate::scenario::fault::{FaultConfig, FaultKind, FaultScope, FlapState, Traffic};
use crate::scenario::network::{LossConfig, NetworkConfig, Transport};
use crate::scenario::selector::Target;

/// Warns of calls without a time limit where messages can be lost.
pub fn warn_endless_calls(ctx: &mut Context, scenario: &Scenario, places: &Places) {
    let transport = scenario.network.transport;
    let by_fault = || {
        scenario
            .faults
            .iter()
            .find(|f| loses_messages(f, transport))
    };
    let cause = match network_loses(&scenario.network) {
        true => "the network loses messages".to_string(),
        false => match by_fault() {
            Some(fault) => format!("fault `{}` loses messages", fault.name),
            None => return,
        },
    };
    for (edge, at) in scenario.edges.iter().zip(&places.calls) {
        let is_bounded = edge.attempt_timeout.is_some()
            || edge.deadline.is_some()
            || edge.deadline_law().is_some();
        if !is_bounded && !has_class_deadlines(edge, scenario) {
            ctx.warn(
                WarningCode::EndlessCall,
                Diagnostic::new(format!("requests of `{}` may never end", edge.path))
                    .at(*at, &cause)
                    .help("set `attempt_timeout` or `deadline`"),
            );
        }
    }
}

/// Whether every request that makes this call has the deadline of its class.
fn has_class_deadlines(edge: &EdgeConfig, scenario: &Scenario) -> bool {
    let EdgeOwner::Client(client) = edge.owner else {
        return false;
    };
    let classes = &scenario.classes;
    let mut deadlines = classes
        .of(client)
        .map(|c| classes.get(c).deadline.is_some());
    deadlines
        .next()
        .is_some_and(|first| first && deadlines.all(|has| has))
}

/// Whether messages get lost without a fault. A stream sends them again.
fn network_loses(network: &NetworkConfig) -> bool {
    let by_link = network.links.iter().filter_map(|link| link.loss.as_ref());
    let mut laws = by_link.chain([&network.loss]);
    network.transport == Transport::Datagram && laws.any(is_lossy)
}

fn is_lossy(law: &LossConfig) -> bool {
    match law {
        LossConfig::Bernoulli { probability } => 0.0 < *probability,
        LossConfig::GilbertElliott {
            good_probability,
            bad_probability,
            ..
        } => 0.0 < good_probability.max(*bad_probability),
    }
}

/// Whether a fault can swallow the message that a call waits for.
fn loses_messages(fault: &FaultConfig, transport: Transport) -> bool {
    let is_registry = |target: &Target| target.is_of_registry();
    if fault.only == Some(Traffic::Heartbeats) {
        return false;
    }
    match (&fault.kind, &fault.scope) {
        // Nobody answers for a dead process, and calls do not go to the registry.
        (FaultKind::Crash, FaultScope::Nodes { target, .. }) => {
            transport == Transport::Datagram && !target.any_of.iter().all(is_registry)
        }
        (FaultKind::HostLoss, FaultScope::Nodes { target, .. }) => {
            !target.any_of.iter().all(is_registry)
        }
        (FaultKind::Flapping(config), FaultScope::Nodes { target, .. }) => {
            let is_silent = match config.state {
                FlapState::Crash => transport == Transport::Datagram,
                FlapState::HostLoss => true,
                FlapState::Pause => false,
            };
            is_silent && !target.any_of.iter().all(is_registry)
        }
        (FaultKind::Partition, _) => true,
        (FaultKind::Loss { loss }, _) => is_lossy(loss),
        (FaultKind::Clog, _) => fault.duration.is_none(),
        _ => false,
    }
}
