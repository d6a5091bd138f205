//! The names of a scenario, resolved to ids.

use super::super::context::Context;
use super::super::diagnostic::Diagnostic;
use super::super::section::Section;
use super::super::source::Origin;
use super::super::suggest::did_you_mean;
use super::proxy::{self, OpenedProxy};
use super::service::OpenedGroup;
use super::{Opened, rollout, scaling, trigger};
use crate::id::{ClassId, ClientId, EdgeId, FaultId, GroupId, InstanceId, ServiceId, ZoneId};
use crate::scenario::selector::Target;

/// The names of a scenario. The place of a name is its id.
#[derive(Debug, Default)]
pub struct Names {
    /// Sorted.
    pub zones: Vec<String>,
    /// Sorted.
    pub services: Vec<String>,
    /// Services that are proxies, ascending.
    pub proxies: Vec<ServiceId>,
    /// In order of service and name.
    pub groups: Vec<GroupName>,
    /// Sorted.
    pub clients: Vec<ClientName>,
    /// `CLIENT.CLASS`; the first one is that of class 1.
    pub classes: Vec<String>,
    /// Sorted.
    pub faults: Vec<String>,
    /// `OWNER.SERVICE`, as the scope `call=` names them.
    pub edges: Vec<String>,
    /// Members of the registry.
    pub registry_member_count: u32,
    /// Profile of the registry.
    pub registry_profile: &'static str,
}

/// A group and what selectors need of it.
#[derive(Debug)]
pub struct GroupName {
    /// `web/a`.
    pub path: String,
    /// Instances from the start.
    pub count: u32,
    /// The place of its service.
    pub service: usize,
    /// Its zone.
    pub zone: ZoneId,
    /// Instances that are absent at first.
    pub count_spare: u32,
    /// Id of the first instance.
    pub first_instance: u64,
    /// Id of the first host.
    pub first_host: u64,
    pub instances_per_host: u32,
}

/// A client and what selectors need of it.
#[derive(Debug)]
pub struct ClientName {
    pub name: String,
    pub caller_count: u32,
}

/// Collects all names; zones are the union of those that anything names.
pub fn collect(
    ctx: &mut Context,
    (services, proxies): (&[Opened], &[OpenedProxy]),
    groups: &[OpenedGroup],
    clients: &[Opened],
    faults: &[Opened],
    registry: &Section,
) -> Names {
    let mut names = Names {
        zones: zones(ctx, services, groups, clients, registry),
        services: services.iter().map(|s| s.name.clone()).collect(),
        faults: faults.iter().map(|f| f.name.clone()).collect(),
        ..Names::default()
    };
    names.proxies = proxy::ids(proxies, &names);
    names.registry_profile = registry.variant_name();
    if registry.has_key("members") {
        names.registry_member_count = registry.count_u32(ctx, "members").unwrap_or(1);
    }
    for client in clients {
        names.clients.push(ClientName {
            name: client.name.clone(),
            caller_count: client.section.count_u32(ctx, "count").unwrap_or(1),
        });
    }
    for group in groups {
        let zone = group.text(ctx, services, "zone").unwrap_or_default();
        names.groups.push(GroupName {
            service: group.service,
            zone: names.zone_of(&zone),
            path: format!("{}/{}", services[group.service].name, group.name),
            count: group.count(ctx, services, "count").unwrap_or(1),
            count_spare: 0,
            first_instance: 0,
            first_host: 0,
            instances_per_host: group
                .count(ctx, services, "instances_per_host")
                .unwrap_or(1),
        });
    }
    names.add_spare(ctx, services, faults);
    names.number_instances();
    // Where replacements go is said by selectors, which need numbers.
    let (rolling, others): (Vec<&Opened>, Vec<&Opened>) = faults
        .iter()
        .partition(|fault| fault.section.variant_name() == "rolling_restart");
    for fault in others {
        let slots = trigger::replacement_slots(ctx, &fault.section, &names);
        names.add_slots(&slots);
    }
    let of_group = |group: &GroupName| group.count.saturating_add(group.count_spare);
    let sizes: Vec<u32> = names.groups.iter().map(of_group).collect();
    for fault in rolling {
        let slots = rollout::slots(ctx, &fault.section, &names, &sizes);
        names.add_slots(&slots);
    }
    names.number_instances();
    names
}

fn zones(
    ctx: &mut Context,
    services: &[Opened],
    groups: &[OpenedGroup],
    clients: &[Opened],
    registry: &Section,
) -> Vec<String> {
    let mut zones: Vec<String> = Vec::new();
    for group in groups {
        zones.extend(group.text(ctx, services, "zone"));
    }
    let mut add_list = |section: &Section| {
        let texts = section.texts(ctx, "zones").unwrap_or_default();
        zones.extend(texts.into_iter().map(|(zone, _)| zone));
    };
    for client in clients {
        add_list(&client.section);
    }
    if registry.has_key("members") {
        add_list(registry);
    }
    if zones.is_empty() {
        zones.push("a".to_string());
    }
    zones.sort();
    zones.dedup();
    zones
}

impl Names {
    /// Counts instances that replace others.
    fn add_slots(&mut self, slots: &[(GroupId, u32)]) {
        for (group, count) in slots {
            let spare = &mut self.groups[group.index()].count_spare;
            *spare = spare.saturating_add(*count);
        }
    }

    /// Counts instances that join through a `scale_out` or an autoscaler.
    fn add_spare(&mut self, ctx: &mut Context, services: &[Opened], faults: &[Opened]) {
        for fault in faults.iter().map(|fault| &fault.section) {
            if fault.variant_name() == "scale_out"
                && let Some(path) = fault.text(ctx, "group")
                && let Ok(group) = self.group(&path)
            {
                let count = fault.count_u32(ctx, "count").unwrap_or(0);
                let spare = &mut self.groups[group.index()].count_spare;
                *spare = spare.saturating_add(count);
            }
        }
        for group in &mut self.groups {
            let most = scaling::instance_count_max(ctx, &services[group.service].section);
            let more = most.unwrap_or(0).saturating_sub(group.count);
            group.count_spare = group.count_spare.saturating_add(more);
        }
    }

    /// Numbers instances and hosts, absent ones included.
    fn number_instances(&mut self) {
        let (mut instances, mut hosts) = (0, 0);
        for group in &mut self.groups {
            let count = u64::from(group.count) + u64::from(group.count_spare);
            (group.first_instance, group.first_host) = (instances, hosts);
            instances += count;
            hosts += count.div_ceil(u64::from(group.instances_per_host));
        }
    }

    /// The first group of a group's service in a zone.
    pub fn group_in(&self, group: GroupId, zone: ZoneId) -> Option<GroupId> {
        let service = self.groups[group.index()].service;
        let is_it = |group: &GroupName| group.service == service && group.zone == zone;
        self.groups.iter().position(is_it).map(GroupId::from_index)
    }

    /// Nodes of a set at most, those that join included; None where that depends on who asks.
    pub fn node_count(&self, target: Target) -> Option<u64> {
        let of_group = |group: &GroupName| u64::from(group.count) + u64::from(group.count_spare);
        let groups = self.groups.iter();
        Some(match target {
            Target::Service(service) => {
                let of_service = groups.filter(|group| group.service == service.index());
                of_service.map(of_group).sum()
            }
            Target::Group(group) => of_group(&self.groups[group.index()]),
            Target::Client(client) => u64::from(self.clients[client.index()].caller_count),
            Target::Registry => u64::from(self.registry_member_count),
            Target::Instance(_)
            | Target::Caller(..)
            | Target::RegistryMember(_)
            | Target::RegistryLeader => 1,
            Target::Zone(_) | Target::Host(_) | Target::Agents(_) => return None,
        })
    }

    /// A zone by name, which is known because the union of all zones was collected.
    pub fn zone_of(&self, name: &str) -> ZoneId {
        let place = self.zones.iter().position(|zone| zone == name);
        ZoneId::from_index(place.unwrap_or(0))
    }

    /// A zone, or the reason why there is none.
    pub fn zone(&self, name: &str) -> Result<ZoneId, Unknown> {
        find("zone", name, self.zones.iter().map(String::as_str)).map(ZoneId::from_index)
    }

    /// A service, or the reason why there is none.
    pub fn service(&self, name: &str) -> Result<ServiceId, Unknown> {
        let names = self.services.iter().map(String::as_str);
        find("service", name, names).map(ServiceId::from_index)
    }

    /// A proxy, or the reason why there is none.
    pub fn proxy(&self, name: &str) -> Result<ServiceId, Unknown> {
        let names = self.proxies.iter();
        let names = names.map(|id| self.services[id.index()].as_str());
        find("proxy", name, names).map(|place| self.proxies[place])
    }

    /// The replicas of a proxy from the start, those of its groups one after the other.
    pub fn replicas(&self, proxy: ServiceId) -> impl Iterator<Item = InstanceId> {
        let groups = self.groups.iter();
        let groups = groups.filter(move |group| group.service == proxy.index());
        // Totals past 32 bits are refused, so a wrong id is never used.
        groups.flat_map(|group| {
            (0..u64::from(group.count)).map(|i| InstanceId((group.first_instance + i) as u32))
        })
    }

    /// A group by its path `web/a`.
    pub fn group(&self, path: &str) -> Result<GroupId, Unknown> {
        let paths = self.groups.iter().map(|group| group.path.as_str());
        find("group", path, paths).map(GroupId::from_index)
    }

    /// A client.
    pub fn client(&self, name: &str) -> Result<ClientId, Unknown> {
        let names = self.clients.iter().map(|client| client.name.as_str());
        find("client", name, names).map(ClientId::from_index)
    }

    /// A call by its short path `shop.web`.
    pub fn edge(&self, path: &str) -> Result<EdgeId, Unknown> {
        find("call", path, self.edges.iter().map(String::as_str)).map(EdgeId::from_index)
    }

    /// A class by its path `shop.checkout`, or by its name where one client only has it.
    pub fn class(&self, path: &str) -> Result<ClassId, Unknown> {
        let paths = self.classes.iter().map(String::as_str);
        let is_meant = |known: &&str| known.split_once('.').is_some_and(|(_, name)| name == path);
        let mut named = paths.clone().filter(is_meant);
        let path = match (named.next(), named.next()) {
            (Some(only), None) => only,
            (Some(first), Some(second)) => {
                return Err(Unknown {
                    title: format!("several clients have a class `{path}`"),
                    help: format!("write `{first}` or `{second}`"),
                });
            }
            (None, _) => path,
        };
        let place = find("class", path, paths)?;
        Ok(ClassId(u8::try_from(place + 1).expect("classes are few")))
    }

    /// A fault.
    pub fn fault(&self, name: &str) -> Result<FaultId, Unknown> {
        find("fault", name, self.faults.iter().map(String::as_str)).map(FaultId::from_index)
    }

    /// An instance by its path `web/a/3`; instances that join by scaling cannot be named.
    pub fn instance(&self, path: &str) -> Result<InstanceId, Unknown> {
        let (group_path, index) = path.rsplit_once('/').unwrap_or((path, ""));
        let group = self.group(group_path)?;
        let count = self.groups[group.index()].count;
        match index.parse::<u32>() {
            Ok(index) if index < count => {
                let first = self.groups[group.index()].first_instance;
                // Totals past 32 bits are refused, so a wrong id is never used.
                Ok(InstanceId((first + u64::from(index)) as u32))
            }
            _ => Err(Unknown {
                title: format!("unknown instance `{path}`"),
                help: numbered("instance", group_path, count),
            }),
        }
    }
}

/// Why a name means nothing.
#[derive(Debug)]
pub struct Unknown {
    /// What is wrong.
    pub title: String,
    /// What to write instead.
    pub help: String,
}

impl Unknown {
    /// Reports it.
    pub fn report(self, ctx: &mut Context, origin: Origin) {
        self.report_as(ctx, origin, "not defined in this scenario");
    }

    /// Reports it, with what stands under the caret.
    pub fn report_as(self, ctx: &mut Context, origin: Origin, label: &str) {
        ctx.error(
            Diagnostic::new(self.title)
                .at(origin, label)
                .help(self.help),
        );
    }
}

/// Which members of a numbered set there are.
pub fn numbered(what: &str, path: &str, count: u32) -> String {
    match count {
        0 | 1 => format!("the only {what} is {path}/0"),
        _ => format!("the {what}s are {path}/0 to {path}/{}", count - 1),
    }
}

fn find<'a>(
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<usize, Unknown> {
    known
        .clone()
        .position(|k| k == name)
        .ok_or_else(|| Unknown {
            title: format!("unknown {what} `{name}`"),
            help: did_you_mean(name, known.clone()).unwrap_or_else(|| known_names(what, known)),
        })
}

/// Most names that a message lists.
const NAMES_SHOWN_MAX: usize = 20;

fn known_names<'a>(what: &str, known: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = known.collect();
    match names.len() {
        0 => format!("the scenario has no {what}"),
        1 => format!("the only {what} is `{}`", names[0]),
        count if NAMES_SHOWN_MAX < count => {
            format!(
                "the {what}s are {}, ...",
                names[..NAMES_SHOWN_MAX].join(", ")
            )
        }
        _ => format!("the {what}s are {}", names.join(", ")),
    }
}
