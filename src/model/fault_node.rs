//! Faults of nodes that do more than hold them in a state: those that flap, and clocks that drift.

use super::fault::DriftFault;
use super::fault_plan::PlannedWindow;
use super::observation::{LifeState, Observer};
use super::reaction::Step;
use super::sampler::Sampler;
use super::world::World;
use crate::engine::PendingSet;
use crate::rng::{Purpose, mix, path_hash};
use crate::scenario::fault::{FaultKind, FlapState, FlappingConfig};
use crate::time::SimDuration;

/// The step of a draw of the fault plan that a flip has; `fault_plan` uses those before it.
const FLIP_STEP: u32 = 3;

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    fn flapping_config(&self, index: usize) -> &FlappingConfig {
        let fault = self.faults.windows[index].fault;
        match &self.scenario.faults[fault.index()].kind {
            FaultKind::Flapping(config) => config,
            kind => unreachable!("{} does not flap", kind.name()),
        }
    }

    /// Nodes begin to flap: they go down.
    pub(super) fn start_flapping(&mut self, index: usize) {
        self.faults.flapping.insert(index, false);
        self.flip(index, 0);
    }

    /// Nodes that flapped stay up.
    pub(super) fn end_flapping(&mut self, index: usize) {
        let is_down = self.faults.flapping.remove(&index);
        if is_down == Some(true) {
            self.move_flapping(index, false);
        }
    }

    /// Flip `number` of a window is due, if it is not over.
    pub(super) fn on_flip(&mut self, index: u32, number: u32) {
        let index = index as usize;
        if self.faults.flapping.contains_key(&index) {
            let window = &self.faults.windows[index];
            let first = window.targets.first().copied();
            if let Some(node) = first {
                self.fold_step(node);
            }
            self.flip(index, number);
        }
    }

    fn flip(&mut self, index: usize, number: u32) {
        let is_down = number.is_multiple_of(2);
        self.faults.flapping.insert(index, is_down);
        self.move_flapping(index, is_down);
        let length = self.draw_flip(index, number);
        let step = Step::Flips {
            window: u32::try_from(index).expect("windows are bounded"),
            number: number.wrapping_add(1),
        };
        self.schedule_step(length, step);
    }

    /// How long the state of a flip lasts: drawn by the window and its number, or by the target
    /// where each has windows of its own.
    fn draw_flip(&self, index: usize, number: u32) -> SimDuration {
        let config = self.flapping_config(index);
        let law = match number.is_multiple_of(2) {
            true => &config.down,
            false => &config.up,
        };
        let window = &self.faults.windows[index];
        let fault = &self.scenario.faults[window.fault.index()];
        let path = path_hash(&format!("fault.{}", fault.name));
        let own = match (fault.is_each, window.targets.first()) {
            (true, Some(node)) => self.nodes[node.index()].path_hash,
            _ => 0,
        };
        let identity = mix(mix(path) ^ own ^ mix(u64::from(window.number)));
        let mut draw = self
            .streams
            .draw(Purpose::FaultPlan, identity, number, FLIP_STEP);
        let length = Sampler::new(law).sample(&mut draw);
        length.max(SimDuration::from_ns(1))
    }

    fn move_flapping(&mut self, index: usize, is_down: bool) {
        let state = match self.flapping_config(index).state {
            FlapState::Crash => LifeState::Crashed,
            FlapState::HostLoss => LifeState::HostLost,
            FlapState::Pause => LifeState::Paused,
        };
        let window = self.faults.windows[index].clone();
        self.hold_or_release(&window, state, is_down);
    }

    /// A window that changes clocks begins or ends; of several, the one that began last holds.
    pub(super) fn change_drift(
        &mut self,
        index: usize,
        window: &PlannedWindow,
        drift_ratio: f64,
        begins: bool,
    ) {
        // The clock is the host's, and its agent goes by it.
        let mut targets = window.targets.clone();
        self.targets().add_agents(&mut targets);
        if begins {
            self.faults.drifts.push(DriftFault {
                window: index,
                targets: targets.iter().copied().collect(),
                drift_ratio,
            });
        } else {
            self.faults.drifts.retain(|fault| fault.window != index);
        }
        let now = self.now();
        for target in &targets {
            let mut begun = self.faults.drifts.iter().rev();
            let latest = begun.find(|fault| fault.targets.has(*target));
            let own = super::node::drift_of(self.scenario, *target);
            let drift = latest.map_or(own, |fault| fault.drift_ratio);
            self.nodes[target.index()].set_drift(now, drift);
        }
    }
}
