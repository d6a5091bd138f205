//! What a member believes of the others: only where it differs from what all believe.
//!
//! A view of a large cluster in which nearly everybody is alive is nearly empty. What all views
//! have in common becomes the base from time to time, so that a member that was suspected once
//! does not stay in all of them.

use crate::time::SimTime;

/// No suspicion, no load.
pub const NIL: u32 = u32::MAX;

/// What a member believes of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belief {
    /// It is there.
    Alive,
    /// It may be dead.
    Suspect,
    /// It is dead.
    Dead,
    /// It said that it leaves.
    Left,
    /// It was dead for so long that it is no longer on the list; still taken for dead.
    Reclaimed,
    /// Never heard of, or it left long ago.
    Unknown,
}

impl Belief {
    /// Whether it has a place on the list.
    pub fn is_listed(self) -> bool {
        match self {
            Belief::Alive | Belief::Suspect | Belief::Dead | Belief::Left => true,
            Belief::Reclaimed | Belief::Unknown => false,
        }
    }

    /// Whether it is taken for dead.
    pub fn is_failed(self) -> bool {
        matches!(self, Belief::Dead | Belief::Reclaimed)
    }
}

/// What is believed of one member.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Who: its place in the cluster.
    pub subject: u32,
    /// Its last incarnation that was heard of; 0 for members without a place.
    pub incarnation: u32,
    /// The timer of the suspicion.
    pub suspicion: u32,
    /// What is believed.
    pub belief: Belief,
    /// Since when.
    pub changed_at: SimTime,
}

const _: () = assert!(size_of::<Entry>() == 24);

/// What all members believe of one of them unless their views say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// Alive, reclaimed or unknown.
    pub belief: Belief,
    /// The incarnation.
    pub incarnation: u32,
}

/// The view of one member.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Differences from the base, by subject.
    entries: Vec<Entry>,
    /// Members that count for the law of growth, itself included.
    pub member_count: u32,
}

impl View {
    /// A view that says what the base says, of so many members.
    pub fn new(member_count: u32) -> Self {
        View {
            entries: Vec::new(),
            member_count,
        }
    }

    /// What is believed of a member.
    #[inline]
    pub fn get(&self, base: &[Base], subject: u32) -> Entry {
        match self.place(subject) {
            Ok(place) => self.entries[place],
            Err(_) => Entry {
                subject,
                incarnation: base[subject as usize].incarnation,
                suspicion: NIL,
                belief: base[subject as usize].belief,
                changed_at: SimTime::START,
            },
        }
    }

    #[inline]
    fn place(&self, subject: u32) -> Result<usize, usize> {
        if self.entries.is_empty() {
            return Err(0);
        }
        self.entries
            .binary_search_by_key(&subject, |entry| entry.subject)
    }

    /// Changes what is believed; whether the view grew.
    pub fn set(&mut self, entry: Entry) -> bool {
        match self.place(entry.subject) {
            Ok(place) => {
                self.entries[place] = entry;
                false
            }
            Err(place) => {
                self.entries.insert(place, entry);
                true
            }
        }
    }

    /// The differences from the base.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether it says something about a member.
    pub fn has(&self, subject: u32) -> bool {
        self.place(subject).is_ok()
    }

    /// Forgets everything; returns what it said.
    pub fn clear(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// Drops entries; returns how many.
    pub fn drop_where(&mut self, is_meant: impl Fn(&Entry) -> bool) -> usize {
        let before = self.entries.len();
        self.entries.retain(|entry| !is_meant(entry));
        if self.entries.len() * 4 < self.entries.capacity() {
            self.entries.shrink_to_fit();
        }
        before - self.entries.len()
    }
}

/// Finds what all of some views have in common.
#[derive(Debug)]
pub struct Census {
    /// What the views say of each member, and how many; none where they differ.
    said: Vec<Option<(Base, u32)>>,
}

impl Census {
    /// Of a cluster of `count` members.
    pub fn new(count: u32) -> Self {
        let nobody = Base {
            belief: Belief::Unknown,
            incarnation: 0,
        };
        Census {
            said: vec![Some((nobody, 0)); count as usize],
        }
    }

    /// Takes in a view.
    pub fn add(&mut self, view: &View) {
        for entry in &view.entries {
            let is_settled = matches!(entry.belief, Belief::Alive | Belief::Reclaimed);
            let base = Base {
                belief: entry.belief,
                incarnation: entry.incarnation,
            };
            let said = &mut self.said[entry.subject as usize];
            *said = match *said {
                Some((_, 0)) if is_settled => Some((base, 1)),
                Some((other, count)) if is_settled && other == base => Some((base, count + 1)),
                _ => None,
            };
        }
    }

    /// What all `view_count` views say of a member; `has_view`: one of them is its own, and says
    /// nothing of itself.
    pub fn common(&self, subject: u32, view_count: u32, has_view: bool) -> Option<Base> {
        let (base, count) = self.said[subject as usize]?;
        (0 < count && count + u32::from(has_view) == view_count).then_some(base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(subject: u32, belief: Belief, incarnation: u32) -> Entry {
        Entry {
            subject,
            incarnation,
            suspicion: NIL,
            belief,
            changed_at: SimTime::START,
        }
    }

    #[test]
    fn a_view_says_what_the_base_says_until_it_learns_better() {
        let base = [Base {
            belief: Belief::Alive,
            incarnation: 7,
        }; 3];
        let mut view = View::default();
        assert_eq!(view.get(&base, 2).incarnation, 7);
        assert!(view.set(entry(2, Belief::Suspect, 7)));
        assert!(!view.set(entry(2, Belief::Dead, 8)));
        assert_eq!(view.get(&base, 2).belief, Belief::Dead);
        assert_eq!(view.get(&base, 1).belief, Belief::Alive);
        assert_eq!(view.drop_where(|entry| entry.subject == 2), 1);
        assert_eq!(view.get(&base, 2).belief, Belief::Alive);
    }

    #[test]
    fn only_what_all_views_settled_on_is_common() {
        let mut views = vec![View::default(); 3];
        for view in &mut views {
            view.set(entry(0, Belief::Alive, 2));
            view.set(entry(1, Belief::Reclaimed, 0));
            view.set(entry(2, Belief::Dead, 1));
        }
        views[2].set(entry(0, Belief::Alive, 3));
        let mut census = Census::new(4);
        views.iter().for_each(|view| census.add(view));
        let common = |subject| census.common(subject, 3, false).map(|base| base.belief);
        assert_eq!((common(0), common(2), common(3)), (None, None, None));
        assert_eq!(common(1), Some(Belief::Reclaimed));
        // The view of the member itself says nothing of it.
        assert_eq!(
            census.common(1, 4, true).map(|base| base.incarnation),
            Some(0)
        );
    }
}
