//! Services and their groups.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::schema::{self, GROUP};
use super::super::section::Section;
use super::super::value;
use super::distribution::distribution_if;
use super::{Names, Opened, open_named, scaling, server};
use crate::id::{GroupId, ServiceId};
use crate::scenario::registry::{ClockConfig, Phase};
use crate::scenario::server::QueueRules;
use crate::scenario::service::{DemandPer, Discipline, GroupConfig, ServiceConfig};

/// The group of a service that has no `group` tables.
const ONLY_GROUP: &str = "main";

/// A group, opened. Keys that it does not set are those of its service.
pub struct OpenedGroup<'t> {
    /// The place of its service.
    pub service: usize,
    /// Its name.
    pub name: String,
    /// What it holds; None for the one group of a service without groups.
    pub section: Option<Section<'t>>,
}

impl OpenedGroup<'_> {
    /// The section that says what `key` is for this group.
    fn speaker<'a>(&'a self, services: &'a [Opened], key: &str) -> &'a Section<'a> {
        match &self.section {
            Some(section) if section.has(key) => section,
            _ => &services[self.service].section,
        }
    }

    /// A whole number.
    pub fn count(&self, ctx: &mut Context, services: &[Opened], key: &str) -> Option<u32> {
        self.speaker(services, key).count_u32(ctx, key)
    }

    /// A text.
    pub fn text(&self, ctx: &mut Context, services: &[Opened], key: &str) -> Option<String> {
        self.speaker(services, key).text(ctx, key)
    }

    fn number(&self, ctx: &mut Context, services: &[Opened], key: &str) -> Option<f64> {
        self.speaker(services, key).number(ctx, key)
    }

    /// The section that says what `key` is for this group, if it is said.
    pub fn section_with<'a>(
        &'a self,
        services: &'a [Opened],
        key: &str,
    ) -> Option<&'a Section<'a>> {
        Some(self.speaker(services, key)).filter(|section| section.has(key))
    }
}

/// Opens the groups of all services, in order of service and name.
pub fn open_groups<'s>(ctx: &mut Context, services: &'s [Opened]) -> Vec<OpenedGroup<'s>> {
    let mut list = Vec::new();
    for (place, service) in services.iter().enumerate() {
        let section = &service.section;
        let what = format!("{}: group", section.title);
        let kind = section.title.split(' ').next().unwrap_or_default();
        let opened = open_named(ctx, section, "group", &GROUP, &what, true);
        let has_groups = section.set_tree("group").is_some();
        match (section.has("count"), has_groups) {
            (true, true) => ctx.error(
                Diagnostic::new(format!("{} has groups and a count", section.title))
                    .at(section.origin_of("count"), "write it in the groups"),
            ),
            (false, false) => ctx.error(
                Diagnostic::new(format!("{} has no instances", section.title))
                    .at(service.name_origin, "no `count` and no group")
                    .help(format!(
                        "write `count = 3`, or a table like `[{kind}.NAME.group.a]`"
                    )),
            ),
            (false, true) if opened.is_empty() => ctx.error(
                Diagnostic::new(format!("{} has no instances", section.title))
                    .at(section.origin_of("group"), "no group"),
            ),
            _ => {}
        }
        if !has_groups {
            list.push(OpenedGroup {
                service: place,
                name: ONLY_GROUP.to_string(),
                section: None,
            });
        }
        list.extend(opened.into_iter().map(|group| OpenedGroup {
            service: place,
            name: group.name,
            section: Some(group.section),
        }));
    }
    list
}

/// Reads the groups.
pub fn groups(
    ctx: &mut Context,
    services: &[Opened],
    groups: &[OpenedGroup],
    names: &Names,
) -> Vec<GroupConfig> {
    let mut list = Vec::new();
    for (group, named) in groups.iter().zip(&names.groups) {
        let zone = group.text(ctx, services, "zone").unwrap_or_default();
        list.push(GroupConfig {
            service: ServiceId::from_index(group.service),
            name: group.name.clone(),
            count: named.count,
            count_spare: named.count_spare,
            zone: names.zone_of(&zone),
            weight: group.number(ctx, services, "weight").unwrap_or(1.0),
            workers: group.count(ctx, services, "workers").unwrap_or(1),
            speed: group.number(ctx, services, "speed").unwrap_or(1.0),
            instances_per_host: named.instances_per_host,
            clock: ClockConfig {
                drift_ratio: group.number(ctx, services, "clock_drift").unwrap_or(0.0),
            },
            cpu: server::cpu(ctx, group, services),
        });
    }
    refuse_zero_weights(ctx, services, &list);
    list
}

fn refuse_zero_weights(ctx: &mut Context, services: &[Opened], groups: &[GroupConfig]) {
    let mut has_weight = vec![false; services.len()];
    for group in groups {
        has_weight[group.service.index()] |= 0.0 < group.weight;
    }
    for (service, _) in services.iter().zip(has_weight).filter(|(_, has)| !has) {
        // A service without groups is reported already.
        if groups
            .iter()
            .any(|group| services[group.service.index()].name == service.name)
        {
            ctx.error(
                Diagnostic::new(format!(
                    "all weights of service `{}` are zero",
                    service.name
                ))
                .at(service.name_origin, "nothing could be picked")
                .help("give at least one group a weight above 0"),
            );
        }
    }
}

/// Reads the services; their calls are attached later.
pub fn services(
    ctx: &mut Context,
    services: &[Opened],
    groups: &[GroupConfig],
    registry: &Section,
) -> Vec<ServiceConfig> {
    let mut groups_of: Vec<Vec<GroupId>> = vec![Vec::new(); services.len()];
    for (place, group) in groups.iter().enumerate() {
        groups_of[group.service.index()].push(GroupId::from_index(place));
    }
    let mut list = Vec::new();
    for (opened, own_groups) in services.iter().zip(groups_of) {
        let section = &opened.section;
        let (discipline, queue_limit, queue_rules) = queue(ctx, section);
        let demand_per = match section.text(ctx, "demand_per").as_deref() {
            Some("request") => DemandPer::Request,
            _ => DemandPer::Attempt,
        };
        let (service_time, wait_time) = server::service_time(ctx, section);
        list.push(ServiceConfig {
            name: opened.name.clone(),
            discipline,
            queue_limit,
            queue_rules,
            service_time,
            wait_time,
            warmup: server::warmup(ctx, section),
            pauses: server::pauses(ctx, section),
            demand_per,
            restart_time: distribution_if(ctx, section, "restart_time"),
            registered: super::registry::registered(ctx, section, registry),
            is_cancellable: section.bool(ctx, "cancellable").unwrap_or(false),
            crash_above: scaling::crash_above(ctx, section),
            autoscale: scaling::autoscale(ctx, section, groups, &own_groups),
            data: super::data::data(ctx, section, groups, &own_groups),
            groups: own_groups,
            calls: Vec::new(),
            limit: super::resilience::concurrency_limit(ctx, section),
            accept: super::connection::accept(ctx, section),
            cache: None,
            proxy: None,
        });
    }
    list
}

fn queue(ctx: &mut Context, service: &Section) -> (Discipline, Option<u32>, Option<QueueRules>) {
    let section = super::open_table(ctx, service, "queue", &schema::QUEUE);
    let discipline = match section.text(ctx, "discipline").as_deref() {
        Some("lifo") => Discipline::Lifo,
        Some("ps") => Discipline::ProcessorSharing,
        _ => Discipline::Fifo,
    };
    let limit = section.limit(ctx, "limit");
    let limit = limit.map(|limit| u32::try_from(limit).expect("the specification bounds it"));
    let rules = server::queue_rules(ctx, &section, limit);
    (discipline, limit, rules)
}

/// Where a periodic process starts.
pub fn phase(ctx: &mut Context, section: &Section, key: &str) -> Phase {
    section
        .tree(key)
        .and_then(|tree| value::phase(ctx, &tree))
        .unwrap_or(Phase::Random)
}
