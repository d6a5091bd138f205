//! What strategies make of the weights of a view, once for all callers that hold it.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use super::alias::AliasTable;
use super::classes::{Rounding, WeightClasses};
use super::haproxy_static_rr::static_map;
use crate::model::view::ViewSnapshot;

/// The tables that are in use, by the content of the view.
#[derive(Debug, Default)]
pub struct WeightTables {
    classes: BTreeMap<(u64, Rounding), Weak<WeightClasses>>,
    aliases: BTreeMap<u64, Weak<AliasTable>>,
    static_maps: BTreeMap<u64, Weak<[u32]>>,
}

impl WeightTables {
    /// The members of a view by weight.
    pub fn classes(&mut self, view: &ViewSnapshot, rounding: Rounding) -> Arc<WeightClasses> {
        let key = (view.content_id, rounding);
        shared(&mut self.classes, key, || {
            Arc::new(WeightClasses::new(view, rounding))
        })
    }

    /// The alias table of a view.
    pub fn alias(&mut self, view: &ViewSnapshot) -> Arc<AliasTable> {
        shared(&mut self.aliases, view.content_id, || {
            let weights: Vec<f64> = view.members.iter().map(|member| member.weight).collect();
            Arc::new(AliasTable::new(&weights))
        })
    }

    /// The map of HAProxy's `static-rr` over the members of a view.
    pub fn static_map(&mut self, view: &ViewSnapshot) -> Arc<[u32]> {
        shared(&mut self.static_maps, view.content_id, || {
            static_map(view).into()
        })
    }
}

/// The table of `key`, made if nobody holds it.
fn shared<K: Ord, T: ?Sized>(
    tables: &mut BTreeMap<K, Weak<T>>,
    key: K,
    make: impl FnOnce() -> Arc<T>,
) -> Arc<T> {
    if let Some(table) = tables.get(&key).and_then(Weak::upgrade) {
        return table;
    }
    tables.retain(|_, table| 0 < table.strong_count());
    let table = make();
    tables.insert(key, Arc::downgrade(&table));
    table
}
