//! State of each candidate that survives a change of the candidates.

use std::sync::Arc;

use crate::id::InstanceId;
use crate::model::view::{Member, ViewSnapshot};

/// One value for each member of a view, in the same order.
#[derive(Debug)]
pub struct PerMember<T> {
    view: Option<Arc<ViewSnapshot>>,
    values: Vec<T>,
}

impl<T> Default for PerMember<T> {
    fn default() -> Self {
        PerMember {
            view: None,
            values: Vec::new(),
        }
    }
}

impl<T> PerMember<T> {
    /// Takes over a new view: `make` is given each member, and its value if it had one.
    pub fn on_view(
        &mut self,
        view: &Arc<ViewSnapshot>,
        mut make: impl FnMut(&Member, Option<T>) -> T,
    ) {
        let old = self.view.replace(Arc::clone(view));
        let members = old.iter().flat_map(|old| &old.members);
        let values = std::mem::take(&mut self.values);
        let mut olds = members.zip(values).peekable();
        let value_of = |member: &Member| {
            let is_gone = |old: &(&Member, T)| old.0.instance < member.instance;
            while olds.next_if(is_gone).is_some() {}
            let kept = olds.next_if(|old| old.0.instance == member.instance);
            make(member, kept.map(|(_, value)| value))
        };
        self.values = view.members.iter().map(value_of).collect();
    }

    /// The view.
    pub fn view(&self) -> Option<&Arc<ViewSnapshot>> {
        self.view.as_ref()
    }

    /// The values.
    pub fn values(&mut self) -> &mut [T] {
        &mut self.values
    }

    /// The place and the value of an instance.
    pub fn find(&mut self, instance: InstanceId) -> Option<(usize, &mut T)> {
        let place = self.view.as_ref()?.position(instance)?;
        Some((place, &mut self.values[place]))
    }
}
