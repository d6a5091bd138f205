//! What a member has to pass on, and how often it still does.
//!
//! Source: hashicorp/memberlist `queue.go`. What was passed on least goes first, among equals the
//! longest, among those the newest. An update takes the place of an older one about the same
//! member.

use super::message::{Update, UpdateKind};

/// One update in the queue.
#[derive(Clone, Copy, Debug)]
struct Broadcast {
    update: Update,
    transmit_count: u32,
    serial: u32,
}

/// The queue of one member.
#[derive(Clone, Debug, Default)]
pub struct Broadcasts {
    items: Vec<Broadcast>,
    serial_last: u32,
}

/// What it costs to put one more update into a packet: its length.
pub const UPDATE_OVERHEAD_BYTES: u32 = 2;

impl Broadcasts {
    /// Nothing to pass on.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.items = Vec::new();
    }

    /// Takes up an update.
    pub fn push(&mut self, update: Update) {
        self.items
            .retain(|item| item.update.subject != update.subject);
        self.serial_last = self.serial_last.wrapping_add(1);
        self.items.push(Broadcast {
            update,
            transmit_count: 0,
            serial: self.serial_last,
        });
    }

    /// Adds to `load` what goes into one packet with room for `byte_count_max` bytes. An update
    /// that was passed on `transmit_limit` times is dropped.
    pub fn take(&mut self, byte_count_max: u32, transmit_limit: u32, load: &mut Vec<Update>) {
        if self.items.is_empty() {
            return;
        }
        self.items.sort_unstable_by_key(|item| {
            let length = UpdateKind::byte_count(item.update.kind);
            (
                item.transmit_count,
                u32::MAX - length,
                u32::MAX - item.serial,
            )
        });
        let mut free = byte_count_max;
        for item in &mut self.items {
            let needed = UpdateKind::byte_count(item.update.kind) + UPDATE_OVERHEAD_BYTES;
            if needed <= free {
                free -= needed;
                item.transmit_count += 1;
                load.push(item.update);
            }
        }
        self.items
            .retain(|item| item.transmit_count < transmit_limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(subject: u32, kind: UpdateKind) -> Update {
        Update {
            subject,
            incarnation: 1,
            accuser: 0,
            kind,
        }
    }

    fn taken(queue: &mut Broadcasts, byte_count_max: u32) -> Vec<u32> {
        let mut load = Vec::new();
        queue.take(byte_count_max, 3, &mut load);
        load.iter().map(|update| update.subject).collect()
    }

    #[test]
    fn the_least_sent_goes_first_then_the_longest_then_the_newest() {
        let mut queue = Broadcasts::default();
        for subject in [1, 2] {
            queue.push(update(subject, UpdateKind::Dead));
        }
        queue.push(update(3, UpdateKind::Alive));
        queue.push(update(4, UpdateKind::Dead));
        let one = UpdateKind::byte_count(UpdateKind::Alive) + UPDATE_OVERHEAD_BYTES;
        assert_eq!(taken(&mut queue, one), [3]);
        let two = 2 * (UpdateKind::byte_count(UpdateKind::Dead) + UPDATE_OVERHEAD_BYTES);
        assert_eq!(taken(&mut queue, two), [4, 2]);
        assert_eq!(taken(&mut queue, 10_000), [1, 3, 4, 2]);
    }

    #[test]
    fn an_update_is_sent_as_often_as_the_limit_says_and_replaces_older_ones() {
        let mut queue = Broadcasts::default();
        queue.push(update(1, UpdateKind::Suspect));
        assert_eq!(taken(&mut queue, 1_000), [1]);
        queue.push(update(1, UpdateKind::Dead));
        for _ in 0..3 {
            assert_eq!(taken(&mut queue, 1_000), [1]);
        }
        assert!(queue.is_empty());
        assert_eq!(taken(&mut queue, 1_000), [0_u32; 0]);
    }
}
