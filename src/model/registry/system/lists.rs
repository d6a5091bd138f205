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
    /// The list itself, once somebody has read it.
    view: Option<Arc<ViewSnapshot>>,
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

    /// The list of a service; `instances` names those on it, ascending.
    pub fn view(
        &mut self,
        port: &mut dyn Port,
        service: ServiceId,
        instances: impl FnOnce() -> Vec<InstanceId>,
    ) -> Arc<ViewSnapshot> {
        let list = &mut self.0[service.index()];
        let view = list.view.take();
        let view = view.unwrap_or_else(|| port.view(service, &instances()));
        list.view = Some(Arc::clone(&view));
        view
    }
}
