//! What became of the data that instances keep.

use super::estimate::{Estimate, Estimated, undecided};
use super::{Ask, exact};
use crate::id::ServiceId;
use crate::metrics::data::replication::DataMetrics;
use crate::scenario::measure::{Measure, Phase, Statistic};

impl Ask<'_> {
    /// Keys and bytes of a service that keeps data.
    pub(super) fn data(&self) -> Estimated {
        let phases = match self.measure.phase {
            // The warm-up counts.
            Phase::Whole => None,
            _ => Some(self.classes()?.0),
        };
        let services = (0..self.scenario.services.len()).map(ServiceId::from_index);
        let in_scope = services.filter(|id| self.measure.scope.service.is_none_or(|s| s == *id));
        let tables = &self.run.tables;
        let kept: Vec<DataMetrics> = in_scope
            .filter_map(|id| tables.replication.metrics(id, phases.as_deref()))
            .collect();
        let [data] = &kept[..] else {
            return undecided(match kept.is_empty() {
                true => "no service in scope keeps data",
                false => "name one service: `{service=NAME}`",
            });
        };
        match self.measure.measure {
            Measure::UnderReplicatedKeySecs => Ok(Estimate::exact(data.under_replicated_key_secs)),
            Measure::MovedBytes => Ok(Estimate::exact(data.moved_bytes)),
            Measure::LostKeyCount => Ok(Estimate::exact(data.lost_key_count)),
            _ => full_replication(data, self.measure.statistic),
        }
    }
}

fn full_replication(data: &DataMetrics, statistic: Statistic) -> Estimated {
    let mut times = data.full_replication_secs.clone();
    if data.is_under_replicated {
        times.push(f64::INFINITY);
    }
    let value = match statistic {
        Statistic::Value => times.first().copied(),
        Statistic::Mean if times.is_empty() => None,
        Statistic::Mean => Some(times.iter().sum::<f64>() / times.len() as f64),
        Statistic::Min => times.iter().copied().reduce(f64::min),
        Statistic::Max => times.iter().copied().reduce(f64::max),
        _ => return undecided("times to full replication have a mean, min and max"),
    };
    exact(value, "no key ever had too few copies")
}
