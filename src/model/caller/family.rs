//! Which members belong to which owner, by slots of both: lists through the slots, newest first,
//! that cost twelve bytes for each slot and nothing for a move.

use crate::model::request::NIL;

/// Lists of members, one for each owner.
#[derive(Debug, Default)]
pub struct Family {
    /// First member of each owner.
    firsts: Vec<u32>,
    /// Neighbours of each member.
    links: Vec<Link>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    prev: u32,
    next: u32,
}

const UNLINKED: Link = Link {
    prev: NIL,
    next: NIL,
};

impl Family {
    /// Adds a member that belongs to nobody.
    pub fn add(&mut self, owner: u32, member: u32) {
        let next = self.first(owner);
        if self.firsts.len() <= owner as usize {
            self.firsts.resize(owner as usize + 1, NIL);
        }
        self.firsts[owner as usize] = member;
        if self.links.len() <= member as usize {
            self.links.resize(member as usize + 1, UNLINKED);
        }
        self.links[member as usize] = Link { prev: NIL, next };
        if next != NIL {
            self.links[next as usize].prev = member;
        }
    }

    /// Takes out a member of this owner.
    pub fn remove(&mut self, owner: u32, member: u32) {
        let Link { prev, next } = std::mem::replace(&mut self.links[member as usize], UNLINKED);
        if next != NIL {
            self.links[next as usize].prev = prev;
        }
        if prev != NIL {
            self.links[prev as usize].next = next;
        } else {
            assert!(self.first(owner) == member, "{member} is not of {owner}");
            self.firsts[owner as usize] = next;
        }
    }

    /// The newest member; NIL for none.
    pub fn first(&self, owner: u32) -> u32 {
        self.firsts.get(owner as usize).copied().unwrap_or(NIL)
    }

    /// The member after this one; NIL for none.
    pub fn next(&self, member: u32) -> u32 {
        self.links[member as usize].next
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
