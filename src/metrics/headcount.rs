//! How many instances each service has over time, and when single ones were away. What never
//! changed has no row.

use std::collections::BTreeMap;

use super::data::series::{HeadcountSeries, InstanceAway};
use super::life::is_down;
use super::window_level::{LevelWindows, WindowLevel};
use crate::id::{InstanceId, ServiceId};
use crate::model::observation::LifeState;
use crate::scenario::Scenario;
use crate::scenario::series::WINDOW_COUNT_MAX;
use crate::time::SimTime;

/// Windows of all services together, at most.
const SERVICE_WINDOW_COUNT_MAX: u64 = 200_000;

/// A number of instances.
#[derive(Clone, Debug)]
struct Count {
    now: u32,
    least: u32,
    most: u32,
    /// None where it has not changed yet.
    over_time: Option<WindowLevel>,
}

/// The instances of one service.
#[derive(Clone, Debug)]
struct Headcount {
    name: String,
    /// Part of the service: starting, paused and crashed ones too.
    present: Count,
    /// Of these, up.
    up: Count,
}

/// How long one instance was away.
#[derive(Clone, Debug, Default)]
struct Away {
    absent: Option<WindowLevel>,
    down: Option<WindowLevel>,
}

/// All services and instances of one run.
#[derive(Clone, Debug, Default)]
pub struct HeadcountTable {
    services: Vec<Headcount>,
    windows: LevelWindows,
    /// By instance.
    aways: BTreeMap<u32, Away>,
    /// Those of single instances; none where they are not followed.
    away_windows: LevelWindows,
}

impl Count {
    fn new(count: u32) -> Self {
        Count {
            now: count,
            least: count,
            most: count,
            over_time: None,
        }
    }

    fn change(&mut self, at: SimTime, windows: LevelWindows, is_more: bool) {
        let before = self.now;
        self.now = match is_more {
            true => before + 1,
            false => before - 1,
        };
        (self.least, self.most) = (self.least.min(self.now), self.most.max(self.now));
        let level = &mut self.over_time;
        let level = level.get_or_insert_with(|| WindowLevel::new(f64::from(before), windows));
        level.set(at, windows, f64::from(self.now));
    }

    fn means(&self, windows: LevelWindows) -> Vec<f64> {
        match &self.over_time {
            Some(level) => level.means(windows),
            None => vec![f64::from(self.now); windows.count],
        }
    }
}

impl HeadcountTable {
    /// Every configured instance is up. Single instances are followed in windows of their own, at
    /// most `away_window_count_max` of them.
    pub fn new(scenario: &Scenario, away_window_count_max: u64) -> Self {
        let of_service = |(index, service): (usize, &crate::scenario::service::ServiceConfig)| {
            let groups = scenario.groups.iter();
            let its = groups.filter(|group| group.service == ServiceId::from_index(index));
            let count = its.map(|group| group.count).sum();
            Headcount {
                name: service.name.clone(),
                present: Count::new(count),
                up: Count::new(count),
            }
        };
        let services = scenario.services.iter().enumerate();
        let services: Vec<Headcount> = services.map(of_service).collect();
        let count_max = SERVICE_WINDOW_COUNT_MAX / services.len().max(1) as u64;
        let away_windows = match away_window_count_max {
            0 => LevelWindows::default(),
            count_max => LevelWindows::new(scenario, count_max),
        };
        HeadcountTable {
            services,
            windows: LevelWindows::new(scenario, count_max.clamp(1, WINDOW_COUNT_MAX)),
            aways: BTreeMap::new(),
            away_windows,
        }
    }

    /// An instance is in another state.
    pub fn change(
        &mut self,
        at: SimTime,
        (service, instance): (ServiceId, InstanceId),
        before: LifeState,
        after: LifeState,
    ) {
        let (windows, of_service) = (self.windows, &mut self.services[service.index()]);
        let is_present = |state| state != LifeState::Absent;
        if is_present(before) != is_present(after) {
            of_service.present.change(at, windows, is_present(after));
        }
        if before.is_up() != after.is_up() {
            of_service.up.change(at, windows, after.is_up());
        }
        let windows = self.away_windows;
        if windows.count == 0 {
            return;
        }
        let away = self.aways.entry(instance.0).or_default();
        let set = |level: &mut Option<WindowLevel>, was: bool, is: bool| {
            if was != is {
                let level = level
                    .get_or_insert_with(|| WindowLevel::new(f64::from(u8::from(was)), windows));
                level.set(at, windows, f64::from(u8::from(is)));
            }
        };
        set(&mut away.absent, !is_present(before), !is_present(after));
        set(&mut away.down, is_down(before), is_down(after));
    }

    /// The run is over.
    pub fn close(&mut self, at: SimTime) {
        for service in &mut self.services {
            for count in [&mut service.present, &mut service.up] {
                let level = count.over_time.iter_mut();
                level.for_each(|level| level.close(at, self.windows));
            }
        }
        for away in self.aways.values_mut() {
            let levels = away.absent.iter_mut().chain(&mut away.down);
            levels.for_each(|level| level.close(at, self.away_windows));
        }
    }

    /// Services whose number of instances changed, over time.
    pub fn series(&self) -> Vec<HeadcountSeries> {
        let has_changed = |it: &&Headcount| {
            let counts = [&it.present, &it.up];
            counts.iter().any(|count| count.over_time.is_some())
        };
        let of_service = |it: &Headcount| HeadcountSeries {
            service: it.name.clone(),
            window_secs: self.windows.width.as_secs_f64(),
            present_range: (it.present.least, it.present.most),
            up_count_min: it.up.least,
            present_means: it.present.means(self.windows),
            up_means: it.up.means(self.windows),
        };
        let changed = self.services.iter().filter(has_changed);
        changed.map(of_service).collect()
    }

    /// Which part of each window an instance was away. `is_spare`: it begins so.
    pub fn away(&self, instance: InstanceId, is_spare: bool) -> InstanceAway {
        let away = self.aways.get(&instance.0);
        let ratios = |level: &Option<WindowLevel>| {
            let means = level.iter().flat_map(|it| it.means(self.away_windows));
            means.map(|mean| mean as f32).collect()
        };
        match away {
            None if is_spare => InstanceAway {
                absent_ratios: vec![1.0; self.away_windows.count],
                down_ratios: Vec::new(),
            },
            None => InstanceAway::default(),
            Some(away) => InstanceAway {
                absent_ratios: ratios(&away.absent),
                down_ratios: ratios(&away.down),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::facts::{node, record};
    use crate::metrics::fixture::{SMALL, Shape, scenario};

    #[test]
    fn instances_are_counted_by_window() {
        let mut scenario = scenario(Shape {
            duration_secs: 4,
            faults: &["crash"],
            ..SMALL
        });
        scenario.groups[0].count = 1;
        scenario.groups[0].count_spare = 1;
        // The spare one joins at 0.5 s and is ready half a second later; the other one crashes at
        // 2 s for half a second, and leaves at 3 s.
        let facts = [
            (0, node(1, LifeState::Absent)),
            (500, node(1, LifeState::Restarting)),
            (1_000, node(1, LifeState::Up)),
            (2_000, node(0, LifeState::Crashed)),
            (2_500, node(0, LifeState::Up)),
            (3_000, node(0, LifeState::Absent)),
        ];
        let metrics = record(&scenario, &[], &facts, 4_000, 0);
        let [web] = &metrics.series.headcounts[..] else {
            panic!("one service changed")
        };
        assert_eq!((web.service.as_str(), web.window_secs), ("web", 1.0));
        assert_eq!(web.present_means, [1.5, 2.0, 2.0, 1.0]);
        assert_eq!(web.up_means, [1.0, 2.0, 1.5, 1.0]);
        assert_eq!((web.present_range, web.up_count_min), ((1, 2), 1));
        let aways = metrics.series.instances.rows.iter().map(|row| &row.away);
        let aways: Vec<&InstanceAway> = aways.collect();
        assert_eq!(aways[0].absent_ratios, [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(aways[0].down_ratios, [0.0, 0.0, 0.5, 0.0]);
        assert_eq!(aways[1].absent_ratios, [0.5, 0.0, 0.0, 0.0]);
        assert_eq!(aways[1].down_ratios, [0.5, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn who_never_changed_has_no_row() {
        let metrics = record(&scenario(SMALL), &[], &[], 100_000, 0);
        assert!(metrics.series.headcounts.is_empty());
        let rows = &metrics.series.instances.rows;
        assert!(rows.iter().all(|row| row.away == InstanceAway::default()));
    }
}
