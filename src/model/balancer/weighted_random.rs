use std::sync::Arc;

use super::weighted::alias::AliasTable;
use super::weighted::draw;
use super::{Balancer, Eligible, PickContext};
use crate::id::InstanceId;
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::weighted::DrawMethod;

/// Picks each candidate with a probability in proportion to its weight, independently of
/// everything before.
///
/// Source: textbook; by inversion of the cumulative weights or by the alias method, whose tables
/// callers with equal candidates share. Both give the same distribution from other numbers. A
/// retry draws from the weights of what was not tried. Cost per pick: O(log n), O(1) by alias.
#[derive(Debug)]
pub struct WeightedRandom {
    method: DrawMethod,
    view: Option<Arc<ViewSnapshot>>,
    /// Made from the weights of the view's members, looked up at the first pick.
    table: Option<Table>,
}

#[derive(Debug)]
enum Table {
    /// Running sums.
    Sums(Arc<[f64]>),
    Alias(Arc<AliasTable>),
}

impl WeightedRandom {
    /// Draws by this method.
    pub fn new(method: DrawMethod) -> Self {
        WeightedRandom {
            method,
            view: None,
            table: None,
        }
    }
}

impl Balancer for WeightedRandom {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
        self.table = None;
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = self.view.as_ref()?;
        let eligible = Eligible::new(view, ctx.tried);
        if eligible.count() == 0 {
            return None;
        }
        let method = self.method;
        let table = self.table.get_or_insert_with(|| match method {
            DrawMethod::Cumulative => Table::Sums(ctx.tables.weight_sums(view)),
            DrawMethod::Alias => Table::Alias(ctx.tables.weighted.alias(view)),
        });
        let place = match table {
            Table::Sums(sums) => draw::cumulative(&eligible, sums, &mut ctx.draw),
            Table::Alias(table) => draw::alias(&eligible, table, &mut ctx.draw),
        };
        Some(view.members[place].instance)
    }
}
