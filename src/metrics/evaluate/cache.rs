//! Measures of caches.

use super::estimate::{Estimate, Estimated, share, undecided};
use super::{Ask, exact};
use crate::metrics::cache::CacheOf;
use crate::scenario::client::EdgeOwner;
use crate::scenario::measure::{Measure, Statistic};

const NO_CACHE: &str = "nothing in scope has a cache";
const NO_QUESTIONS: &str = "no cache was asked in this phase and scope";

impl Ask<'_> {
    pub(super) fn cache(&self) -> Estimated {
        let (classes, _) = self.classes()?;
        let (tables, caches) = (&self.run.tables, &self.run.tables.caches);
        self.check_client_of_class(self.measure.scope.client)?;
        let is_in_scope = |place| self.is_cache_in_scope(place);
        let class = self.measure.scope.class;
        let cell = caches.pooled(is_in_scope, class, &classes);
        let cell = cell.ok_or(NO_CACHE)?;
        match self.measure.measure {
            Measure::CacheHitRatio => share(cell.hit_count(), cell.asked_count, NO_QUESTIONS),
            Measure::CacheStaleRatio => share(cell.stale_count, cell.asked_count, NO_QUESTIONS),
            Measure::CacheLoadRate | Measure::CacheLoadPeak => {
                let rates = caches.load_rates(is_in_scope, class, &tables.timeline, &classes);
                self.load_rate(
                    cell.load_count,
                    tables.timeline.length_secs(&classes),
                    &rates,
                )
            }
            _ => unreachable!("only measures of caches come here"),
        }
    }

    fn load_rate(&self, load_count: u64, secs: f64, rates: &[f64]) -> Estimated {
        if secs == 0.0 {
            return undecided("the phase has no length");
        }
        let mean = load_count as f64 / secs;
        let most = rates.iter().copied().reduce(f64::max);
        let no_window = "no window lies wholly in this phase";
        if self.measure.measure == Measure::CacheLoadPeak {
            let peak = most.filter(|_| 0.0 < mean).map(|most| most / mean);
            return exact(peak, "nothing was loaded in a whole window of this phase");
        }
        match self.measure.statistic {
            Statistic::Value | Statistic::Mean => Ok(Estimate::exact(mean)),
            Statistic::Max => exact(most, no_window),
            Statistic::Min => exact(rates.iter().copied().reduce(f64::min), no_window),
            _ => undecided("a rate has no such number"),
        }
    }

    fn is_cache_in_scope(&self, place: CacheOf) -> bool {
        let scope = self.measure.scope;
        match place {
            CacheOf::Call(edge) => {
                let owner = self.scenario.edges[edge.index()].owner;
                let is_client = |client| owner == EdgeOwner::Client(client);
                scope.service.is_none()
                    && scope.edge.is_none_or(|e| e == edge)
                    && scope.client.is_none_or(is_client)
            }
            CacheOf::Service(service) => {
                scope.edge.is_none()
                    && scope.client.is_none()
                    && scope.service.is_none_or(|s| s == service)
            }
        }
    }
}
