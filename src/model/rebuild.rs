//! Copies that services make of their data, where links have a bandwidth: they are sent in pieces
//! through the transmitters of the hosts that have the keys, and take turns with messages there.
//!
//! A piece leaves when the one before it is out, and no sooner than `rebuild_bandwidth` allows. A
//! copy is complete when its last piece is out: its delay does not count, and what is lost on the
//! way, or cut off, is not sent again. Without a bandwidth nothing of this happens in the run.

use super::observation::{LifeState, Observation, Observer};
use super::reaction::Step;
use super::world::World;
use crate::engine::{PendingSet, Timer};
use crate::hash::copies::Copies;
use crate::id::{InstanceId, ServiceId};
use crate::scenario::Scenario;
use crate::scenario::data::{DataConfig, PIECE_BYTES};
use crate::time::SimDuration;

/// The copies of the data of all services, by service.
#[derive(Debug)]
pub(super) struct Rebuilds(Vec<Option<Rebuild>>);

/// The copies of one service.
#[derive(Debug)]
struct Rebuild {
    config: DataConfig,
    /// The first instance of the service; its place is 0.
    first: InstanceId,
    copies: Copies,
    /// Bytes of the copy under way that are out, and of the piece that is being sent.
    sent_bytes: f64,
    piece_bytes: f64,
    timer: Timer,
}

impl Rebuilds {
    /// The copies of a scenario; None where no data is kept or no link has a bandwidth.
    pub fn new(scenario: &Scenario) -> Option<Box<Self>> {
        if !scenario.rebuilds_on_links() {
            return None;
        }
        let of = |index| {
            let service = ServiceId::from_index(index);
            let (config, copies) = scenario.copies(service)?;
            Some(Rebuild {
                config,
                first: InstanceId(scenario.topology.service_instances(service).start),
                copies,
                sent_bytes: 0.0,
                piece_bytes: 0.0,
                timer: Timer::UNSET,
            })
        };
        Some(Box::new(Rebuilds(
            (0..scenario.services.len()).map(of).collect(),
        )))
    }
}

impl Rebuild {
    /// Bytes of the copy under way, who sends it and who gets it.
    fn under_way(&self) -> Option<(f64, InstanceId, InstanceId)> {
        let copying = self.copies.next()?;
        let instance = |place: u32| InstanceId(self.first.0 + place);
        let source = instance(self.copies.source_of(copying));
        let bytes = self.config.bytes_of(self.copies.ratio_of(copying));
        Some((bytes, source, instance(copying.target)))
    }
}

impl<O: Observer, S: PendingSet> World<'_, O, S> {
    fn rebuild(&mut self, service: ServiceId) -> Option<&mut Rebuild> {
        self.rebuilds.as_mut()?.0[service.index()].as_mut()
    }

    /// An instance changed its state: its copies may be lost, or others made.
    pub(super) fn note_copies(&mut self, instance: InstanceId, state: LifeState) {
        let service = self.instances[instance.index()].service;
        let Some(rebuild) = self.rebuild(service) else {
            return;
        };
        let place = instance.0 - rebuild.first.0;
        if rebuild.copies.is_up(place) == state.is_up() {
            return;
        }
        if rebuild.copies.set_up(place, state.is_up()).restarts {
            rebuild.sent_bytes = 0.0;
            rebuild.timer.cancel();
            self.send_piece(service);
        }
    }

    /// A piece is out, and the next one may leave.
    pub(super) fn on_piece_sent(&mut self, service: ServiceId, sequence: u64) {
        let Some(rebuild) = self.rebuild(service) else {
            return;
        };
        if !rebuild.timer.fire(sequence) {
            return;
        }
        let (bytes, source, _) = rebuild.under_way().expect("a copy is under way");
        rebuild.sent_bytes += rebuild.piece_bytes;
        let is_complete = bytes <= rebuild.sent_bytes;
        if is_complete {
            rebuild.copies.finish();
            rebuild.sent_bytes = 0.0;
        }
        self.fold_step(self.instance_node(source));
        if is_complete {
            self.observe(Observation::CopyMade { service });
        }
        self.send_piece(service);
    }

    fn send_piece(&mut self, service: ServiceId) {
        let Some(rebuild) = self.rebuild(service) else {
            return;
        };
        let Some((bytes, source, target)) = rebuild.under_way() else {
            return;
        };
        let bytes = (bytes - rebuild.sent_bytes).min(PIECE_BYTES);
        rebuild.piece_bytes = bytes;
        let pace = SimDuration::from_secs_f64(bytes / rebuild.config.rebuild_bandwidth);
        let link = (self.instance_node(source), self.instance_node(target));
        let now = self.now();
        let network = &mut self.network;
        let until_out = network.transmit(now, &self.nodes, link, bytes.ceil() as u64);
        let sequence = self.schedule_step(until_out.max(pace), Step::Copies(service));
        if let Some(rebuild) = self.rebuild(service) {
            rebuild.timer.set(sequence);
        }
    }
}
