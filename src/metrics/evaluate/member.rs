//! Messages of single members of registries and clusters.

use super::estimate::{Estimated, undecided};
use super::{Ask, exact};
use crate::metrics::member::MemberCell;
use crate::scenario::measure::{Measure, Phase, Statistic};

impl Ask<'_> {
    /// What members send and are sent, per second.
    pub(super) fn member_rate(&self) -> Estimated {
        if self.measure.phase != Phase::Whole {
            return undecided("messages of members are known of the whole run only");
        }
        let tables = &self.run.tables;
        let counts: Vec<u64> = match self.measure.scope.service {
            None => {
                let members = tables.members.of_registry();
                members.iter().map(|cell| self.of_member(cell)).collect()
            }
            Some(service) => match tables.members.of_cluster(service) {
                None => return undecided("the service has no `gossip` cluster of its own"),
                Some(members) => members.map(|cell| self.of_member(cell)).collect(),
            },
        };
        if counts.is_empty() {
            return undecided(
                "there is no member; of those of a `gossip` cluster write {service=NAME}",
            );
        }
        let (classes, _) = self.classes()?;
        let secs = tables.timeline.length_secs(&classes);
        let count = match self.measure.statistic {
            Statistic::Min => counts.iter().min().map(|count| *count as f64),
            Statistic::Max => counts.iter().max().map(|count| *count as f64),
            _ => Some(counts.iter().sum::<u64>() as f64 / counts.len() as f64),
        };
        let rate = count.filter(|_| 0.0 < secs).map(|count| count / secs);
        exact(rate, "the phase has no length")
    }

    fn of_member(&self, cell: &MemberCell) -> u64 {
        let flow = cell.both();
        match self.measure.measure {
            Measure::MemberByteRate => flow.byte_count,
            _ => flow.message_count,
        }
    }
}
