//! Which members belong to which owner, by slots of both: lists through the slots, newest first,
//! that cost four bytes for each slot of an owner and of a member, and nothing for a move.

use crate::model::request::NIL;

/// Lists of members, one for each owner.
#[derive(Debug, Default)]
pub struct Family {
    /// First member of each owner.
    firsts: Vec<u32>,
    /// The member after each one.
    nexts: Vec<u32>,
}

/// What it takes for an owner.
pub const OWNER_BYTES: usize = size_of::<u32>();
/// What it takes for a member.
pub const MEMBER_BYTES: usize = size_of::<u32>();

impl Family {
    /// Adds a member that belongs to nobody.
    pub fn add(&mut self, owner: u32, member: u32) {
        let next = self.first(owner);
        if self.firsts.len() <= owner as usize {
            self.firsts.resize(owner as usize + 1, NIL);
        }
        self.firsts[owner as usize] = member;
        if self.nexts.len() <= member as usize {
            self.nexts.resize(member as usize + 1, NIL);
        }
        self.nexts[member as usize] = next;
    }

    /// Takes out a member of this owner. Owners have few members at a time: those before it are
    /// passed.
    pub fn remove(&mut self, owner: u32, member: u32) {
        let after = self.nexts[member as usize];
        let mut at = self.first(owner);
        if at == member {
            self.firsts[owner as usize] = after;
            return;
        }
        while at != NIL && self.nexts[at as usize] != member {
            at = self.nexts[at as usize];
        }
        assert!(at != NIL, "{member} is not of {owner}");
        self.nexts[at as usize] = after;
    }

    /// The newest member; NIL for none.
    pub fn first(&self, owner: u32) -> u32 {
        self.firsts.get(owner as usize).copied().unwrap_or(NIL)
    }

    /// The member after this one; NIL for none.
    pub fn next(&self, member: u32) -> u32 {
        self.nexts[member as usize]
    }

    /// Whether the owner has no member.
    pub fn is_empty(&self, owner: u32) -> bool {
        self.first(owner) == NIL
    }

    /// The members, the newest first.
    pub fn members(&self, owner: u32) -> Vec<u32> {
        let mut list = Vec::new();
        let mut member = self.first(owner);
        while member != NIL {
            list.push(member);
            member = self.next(member);
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_leave_in_any_order() {
        let mut family = Family::default();
        assert!(family.is_empty(3));
        for member in [5, 7, 2] {
            family.add(3, member);
        }
        family.add(0, 9);
        assert_eq!(family.members(3), [2, 7, 5]);
        family.remove(3, 7);
        assert_eq!(family.members(3), [2, 5]);
        family.remove(3, 2);
        family.add(3, 7);
        assert_eq!(family.members(3), [7, 5]);
        family.remove(3, 5);
        family.remove(3, 7);
        assert!(family.is_empty(3));
        assert_eq!(family.members(0), [9]);
    }

    #[test]
    #[should_panic(expected = "is not of")]
    fn a_stranger_is_a_bug() {
        let mut family = Family::default();
        family.add(0, 1);
        family.add(4, 2);
        family.remove(0, 2);
    }
}
