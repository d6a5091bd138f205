use std::sync::Arc;

use crate::id::InstanceId;
use crate::model::balancer::per_member::PerMember;
use crate::model::balancer::weighted::effective::{EffectiveWeight, is_failure, whole};
use crate::model::balancer::{AttemptEnd, Balancer, Eligible, PickContext};
use crate::model::view::ViewSnapshot;
use crate::scenario::balancer::weighted::NginxFailures;

/// `least_conn` of nginx: the fewest attempts in flight in proportion to the weight, of this
/// caller.
///
/// Source: nginx 1.22, `ngx_http_upstream_least_conn_module.c`. Ties are broken by smooth weighted
/// round robin among the tied alone, whose effective weights fall on failure and recover by the
/// picks they are tied in. So idle candidates are picked like [`super::super::weighted::smooth`]
/// does. Cost per pick: O(n), as in nginx.
#[derive(Debug)]
pub struct NginxLeastConn {
    failures: NginxFailures,
    peers: PerMember<Peer>,
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    effective: EffectiveWeight,
    current: i64,
}

impl NginxLeastConn {
    /// With all weights in full.
    pub fn new(failures: NginxFailures) -> Self {
        NginxLeastConn {
            failures,
            peers: PerMember::default(),
        }
    }
}

impl Balancer for NginxLeastConn {
    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.peers.on_view(view, |member, kept: Option<Peer>| {
            let weight = whole(member.weight);
            let effective = EffectiveWeight::full(weight);
            match kept {
                Some(peer) if peer.effective.weight == weight => peer,
                Some(peer) => Peer { effective, ..peer },
                None => Peer {
                    effective,
                    current: 0,
                },
            }
        });
    }

    fn pick(&mut self, ctx: &mut PickContext<'_>) -> Option<InstanceId> {
        let view = Arc::clone(self.peers.view()?);
        let peers = self.peers.values();
        let eligible = Eligible::new(&view, ctx.tried);
        let conns = |place: usize| u64::from(ctx.in_flight.count(view.members[place].instance));
        let places = || (0..eligible.count()).map(|rank| eligible.place(rank));
        let weight = |peers: &[Peer], place: usize| u64::from(peers[place].effective.weight);
        // The first of the best, as connections and weight.
        let mut best: Option<(usize, u64, u64)> = None;
        let mut has_ties = false;
        for place in places() {
            let (own, own_weight) = (conns(place), weight(peers, place));
            match best {
                Some((_, least, of)) if own * of == least * own_weight => has_ties = true,
                Some((_, least, of)) if least * own_weight < own * of => {}
                _ => {
                    best = Some((place, own, own_weight));
                    has_ties = false;
                }
            }
        }
        let (mut picked, least, of) = best?;
        let mut total = 0;
        let first = picked;
        let tied = places().skip_while(|place| *place < first);
        for place in tied.filter(|_| has_ties) {
            if conns(place) * of != least * weight(peers, place) {
                continue;
            }
            let grown = i64::from(peers[place].effective.left);
            peers[place].current += grown;
            peers[place].effective.recover();
            total += grown;
            if peers[picked].current < peers[place].current {
                picked = place;
            }
        }
        peers[picked].current -= total;
        Some(view.members[picked].instance)
    }

    fn on_outcome(&mut self, end: &AttemptEnd) {
        if is_failure(end, self.failures)
            && let Some((_, peer)) = self.peers.find(end.instance)
        {
            peer.effective.fall(self.failures.max_fails);
        }
    }
}
