//! Which instances each inner strategy may pick from, as things stand.

use std::sync::Arc;

use super::health::Health;
use super::priority::{LevelCount, LevelLoads};
use super::site::Site;
use super::zone::{ZoneCount, ZoneRouting};
use crate::id::ZoneId;
use crate::model::registry::views::Views;
use crate::model::view::{Member, ViewSnapshot};
use crate::time::SimTime;

/// What a caller knows, narrowed to its subset and with the weights that hold.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The list.
    pub listed: Arc<ViewSnapshot>,
    /// The list without what the caller's own detector suspects.
    pub candidates: Arc<ViewSnapshot>,
}

/// The instances of one level.
#[derive(Clone, Debug)]
pub struct Level {
    /// All of them.
    pub all: Arc<ViewSnapshot>,
    /// Those that are neither suspected nor ejected; where the strategy passes over what fails,
    /// those that are not suspected.
    pub usable: Arc<ViewSnapshot>,
}

/// Levels and zones, as things stand.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The levels.
    pub levels: Vec<Level>,
    /// What each takes, by Envoy's rules.
    pub loads: LevelLoads,
    /// How picks of the first level spread over zones.
    pub routing: ZoneRouting,
    /// The usable instances of the first level in each zone, where zones count.
    pub zones: Vec<(ZoneId, Arc<ViewSnapshot>)>,
}

impl Layout {
    /// Works it out from what the caller knows.
    pub fn new(
        site: &Site,
        own_zone: ZoneId,
        seen: &Seen,
        (now, health): (SimTime, &Health),
        views: &mut Views,
    ) -> Self {
        let service = seen.listed.service;
        let is_healthy = |member: &Member| {
            seen.candidates.position(member.instance).is_some()
                && health.is_usable(now, member.instance)
        };
        let of_level = |view: &ViewSnapshot, level: u8| -> Vec<Member> {
            let members = view.members.iter();
            let chosen = members.filter(|member| site.level(member.instance) == level);
            chosen.copied().collect()
        };
        let mut levels = Vec::new();
        let mut counts = Vec::new();
        for level in 0..site.level_count {
            let all = match site.level_count {
                1 => Arc::clone(&seen.listed),
                _ => views.intern(service, of_level(&seen.listed, level)),
            };
            let healthy = all.members.iter().filter(|member| is_healthy(member));
            counts.push(LevelCount {
                healthy: count(healthy.clone().count()),
                total: count(all.members.len()),
            });
            let usable = match health.is_passed_over() {
                true => of_level(&seen.candidates, level),
                false => healthy.copied().collect(),
            };
            let usable = views.intern(service, usable);
            levels.push(Level { all, usable });
        }
        let mut layout = Layout {
            levels,
            loads: LevelLoads::default(),
            routing: ZoneRouting::Off,
            zones: Vec::new(),
        };
        if let Some(priority) = site.priority() {
            let threshold = priority.panic_threshold_percent;
            layout.loads = LevelLoads::new(&counts, priority.overprovisioning_percent, threshold);
        }
        if let Some(zone_aware) = site.config.zone_aware {
            layout.route(site, own_zone, zone_aware.min_size, views);
        }
        layout
    }

    fn route(&mut self, site: &Site, own: ZoneId, min_size: u32, views: &mut Views) {
        let Level { all, usable } = &self.levels[0];
        let of_zone = |view: &ViewSnapshot, zone: ZoneId| -> Vec<Member> {
            let members = view.members.iter();
            members.filter(|m| m.zone == zone).copied().collect()
        };
        let mut zones: Vec<ZoneId> = all.members.iter().map(|member| member.zone).collect();
        zones.sort_unstable();
        zones.dedup();
        let members: Vec<(ZoneId, Vec<Member>)> = zones
            .into_iter()
            .map(|zone| (zone, of_zone(usable, zone)))
            .collect();
        let healthy: Vec<ZoneCount> = members
            .iter()
            .map(|(zone, members)| (*zone, count(members.len())))
            .collect();
        self.routing = ZoneRouting::new(own, &site.callers, &healthy, min_size);
        if self.routing != ZoneRouting::Off {
            let service = all.service;
            let view = |(zone, members)| (zone, views.intern(service, members));
            self.zones = members.into_iter().map(view).collect();
        }
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("instances fit in 32 bits")
}
