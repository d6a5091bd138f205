//! The lists of services as one member has them.

use std::sync::Arc;

use super::Port;
use crate::id::{InstanceId, ServiceId};
use crate::model::view::ViewSnapshot;

/// The version of the lists that everybody has at the start.
const FIRST_VERSION: u64 = 1;

/// The list of one service.
#[derive(Clone, Debug)]
struct List {
    /// The change that made it what it is.
    version: u64,
    /// Changes so far.
    change_count: u64,
    /// The list itself, once somebody has read it, and how many instances are on it.
    view: Option<(Arc<ViewSnapshot>, usize)>,
}

/// The lists of all services as one member has them. Copies share them.
#[derive(Clone, Debug)]
pub struct Lists(Vec<List>);

impl Lists {
    /// Nobody has read anything.
    pub fn new(service_count: usize) -> Self {
        let list = List {
            version: FIRST_VERSION,
            change_count: 0,
            view: None,
        };
        Lists(vec![list; service_count])
    }

    /// A service changed.
    pub fn note_change(&mut self, service: ServiceId, version: u64) {
        let list = &mut self.0[service.index()];
        list.version = version;
        list.change_count += 1;
        list.view = None;
    }

    /// The version of the list of a service.
    pub fn version(&self, service: ServiceId) -> u64 {
        self.0[service.index()].version
    }

    /// How often it changed.
    pub fn change_count(&self, service: ServiceId) -> u64 {
        self.0[service.index()].change_count
    }

    /// The list of a service and how many instances are on it, those without weight among them, if
    /// somebody has read it since it changed.
    pub fn known(&self, service: ServiceId) -> Option<(Arc<ViewSnapshot>, usize)> {
        self.0[service.index()].view.clone()
    }

    /// The list of a service; `instances` names those on it, ascending.
    pub fn view(
        &mut self,
        port: &mut dyn Port,
        service: ServiceId,
        instances: impl FnOnce() -> Vec<InstanceId>,
    ) -> Arc<ViewSnapshot> {
        let known = &mut self.0[service.index()].view;
        let (view, _) = known.get_or_insert_with(|| {
            let instances = instances();
            (port.view(service, &instances), instances.len())
        });
        Arc::clone(view)
    }
}
