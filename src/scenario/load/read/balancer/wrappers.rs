//! What stands around the strategy of a call.

use super::super::super::context::Context;
use super::super::super::diagnostic::Diagnostic;
use super::super::super::schema::{EJECTION, PRIORITY, SLOW_START, SUBSET, TableSpec, ZONE_AWARE};
use super::super::super::section::Section;
use super::super::super::source::Origin;
use super::super::super::value;
use super::super::Names;
use super::super::selector::selector;
use crate::id::{GroupId, ServiceId};
use crate::scenario::balancer::BalancerConfig;
use crate::scenario::balancer::wrappers::{
    ComposedConfig, EjectionConfig, EnvoyOutlierConfig, FailureAccrualConfig, GrpcOutlierConfig,
    MaxFailsConfig, PriorityConfig, RateConfig, SlowStartConfig, SubsetConfig, SweepConfig,
    ZoneAwareConfig,
};
use crate::scenario::selector::Target;
use crate::time::SimDuration;

/// Keys of wrappers.
const KEYS: [&str; 6] = [
    "subset",
    "priority",
    "zone_aware",
    "backup",
    "slow_start",
    "ejection",
];

/// The longest ejection where nothing else is said.
const DURATION_MAX: SimDuration = SimDuration::from_secs(300);

/// Most levels.
const LEVEL_COUNT_MAX: usize = 16;

/// The first wrapper that is set, if any is.
pub fn first_set(section: &Section) -> Option<&'static str> {
    KEYS.into_iter().find(|name| section.has(name))
}

/// The strategy with the wrappers that are set around it; all are read, whatever is wrong with
/// others. `to`: the service that is called.
pub fn wrapped(
    ctx: &mut Context,
    section: &Section,
    strategy: Option<BalancerConfig>,
    (names, to): (&Names, Option<ServiceId>),
) -> Option<BalancerConfig> {
    if first_set(section).is_none() {
        return strategy;
    }
    let backup = backup(ctx, section, (names, to));
    let subset = optional(ctx, section, "subset", &SUBSET, subset);
    let priority = optional(ctx, section, "priority", &PRIORITY, |ctx, table| {
        priority(ctx, table, (names, to))
    });
    let zone_aware = optional(ctx, section, "zone_aware", &ZONE_AWARE, zone_aware);
    let slow_start = optional(ctx, section, "slow_start", &SLOW_START, slow_start);
    let ejection = optional(ctx, section, "ejection", &EJECTION, ejection);
    let config = ComposedConfig {
        strategy: strategy?,
        subset: subset?,
        priority: priority?,
        zone_aware: zone_aware?,
        backup: backup?,
        slow_start: slow_start?,
        ejection: ejection?,
    };
    Some(BalancerConfig::Composed(Box::new(config)))
}

/// The groups that stand in for the others.
fn backup(
    ctx: &mut Context,
    section: &Section,
    (names, to): (&Names, Option<ServiceId>),
) -> Option<Vec<GroupId>> {
    let groups = groups_at(ctx, section, "backup", (names, to))?;
    if section.has("priority") && section.has("backup") {
        ctx.error(
            Diagnostic::new("both `priority` and `backup`")
                .at(
                    section.origin_of("backup"),
                    "two ways to say who takes over",
                )
                .help("write the backup as the last of the `levels`"),
        );
        return None;
    }
    let groups: Vec<GroupId> = groups.into_iter().flatten().collect();
    if let Some(to) = to
        && group_ids(names, to).all(|group| groups.contains(&group))
    {
        ctx.error(
            Diagnostic::new("every group of the service is a backup")
                .at(
                    section.origin_of("backup"),
                    "nothing is left to stand in for",
                )
                .help("name the groups that stand by, and leave out those that serve"),
        );
        return None;
    }
    Some(groups)
}

/// What the table at a key says. `Some(None)` where it is not set.
fn optional<T>(
    ctx: &mut Context,
    section: &Section,
    name: &str,
    spec: &'static TableSpec,
    read: impl FnOnce(&mut Context, &Section) -> Option<T>,
) -> Option<Option<T>> {
    let Some(tree) = section.set_tree(name) else {
        return Some(None);
    };
    let table = Section::open(ctx, tree, spec, name.to_string())?;
    read(ctx, &table).map(Some)
}

fn subset(ctx: &mut Context, table: &Section) -> Option<SubsetConfig> {
    let size = table.count_u32(ctx, "size")?;
    Some(match table.variant_name() {
        "deterministic_aperture" => SubsetConfig::DeterministicAperture { size },
        "deterministic" => SubsetConfig::Deterministic { size },
        _ => SubsetConfig::Random { size },
    })
}

fn priority(
    ctx: &mut Context,
    table: &Section,
    (names, to): (&Names, Option<ServiceId>),
) -> Option<PriorityConfig> {
    let levels = groups_at(ctx, table, "levels", (names, to))?;
    let origin = table.origin_of("levels");
    if let Some(to) = to
        && !levels.is_empty()
    {
        check_levels(ctx, names, to, (&levels, origin))?;
    }
    let factor = table.number(ctx, "overprovisioning_factor");
    let panic_threshold = percent(ctx, table, "panic_threshold");
    Some(PriorityConfig {
        levels,
        overprovisioning_percent: (factor? * 100.0).round() as u32,
        panic_threshold_percent: panic_threshold?,
        fails_on_panic: table.bool(ctx, "fails_on_panic")?,
    })
}

/// Every group of the service is in exactly one level.
fn check_levels(
    ctx: &mut Context,
    names: &Names,
    to: ServiceId,
    (levels, origin): (&[Vec<GroupId>], Origin),
) -> Option<()> {
    if LEVEL_COUNT_MAX < levels.len() {
        ctx.error(
            Diagnostic::new(format!("{} priority levels", levels.len()))
                .at(origin, format!("at most {LEVEL_COUNT_MAX} are possible")),
        );
        return None;
    }
    for group in group_ids(names, to) {
        let count = levels.iter().filter(|level| level.contains(&group)).count();
        if count != 1 {
            let path = &names.groups[group.index()].path;
            ctx.error(
                Diagnostic::new(format!("group `{path}` is in {count} priority levels"))
                    .at(origin, "every group of the service must be in one")
                    .help(format!("write \"group:{path}\" in one of the levels")),
            );
            return None;
        }
    }
    Some(())
}

fn group_ids(names: &Names, service: ServiceId) -> impl Iterator<Item = GroupId> {
    let groups = names.groups.iter().enumerate();
    groups
        .filter(move |(_, group)| group.service == service.index())
        .map(|(place, _)| GroupId::from_index(place))
}

/// The groups of the called service that each selector of a list names.
fn groups_at(
    ctx: &mut Context,
    table: &Section,
    key: &str,
    (names, to): (&Names, Option<ServiceId>),
) -> Option<Vec<Vec<GroupId>>> {
    let Some(tree) = table.set_tree(key) else {
        return Some(Vec::new());
    };
    let mut sets = Vec::new();
    for item in value::array(ctx, tree)? {
        let text = value::text(ctx, item)?;
        let chosen = selector(ctx, &text, item.origin, names)?;
        let mut groups = Vec::new();
        let mut is_whole = chosen.random.is_none();
        for target in chosen.any_of {
            match target {
                Target::Group(group) => groups.push(group),
                Target::Zone(zone) => {
                    let in_zone = |group: &GroupId| names.groups[group.index()].zone == zone;
                    groups.extend(
                        to.into_iter().flat_map(|to| {
                            group_ids(names, to).filter(in_zone).collect::<Vec<_>>()
                        }),
                    );
                }
                _ => is_whole = false,
            }
        }
        let is_called =
            |group: &GroupId| to.is_none_or(|to| names.groups[group.index()].service == to.index());
        if !is_whole || groups.is_empty() || !groups.iter().all(is_called) {
            ctx.error(
                Diagnostic::new(format!("`{text}` names no groups of the called service")).at(
                    item.origin,
                    "expected \"group:SERVICE/GROUP\" or \"zone:NAME\"",
                ),
            );
            return None;
        }
        sets.push(groups);
    }
    Some(sets)
}

fn zone_aware(ctx: &mut Context, table: &Section) -> Option<ZoneAwareConfig> {
    Some(ZoneAwareConfig {
        min_size: table.count_u32(ctx, "min_size")?,
        routing_enabled_percent: percent(ctx, table, "routing_enabled")?,
    })
}

fn slow_start(ctx: &mut Context, table: &Section) -> Option<SlowStartConfig> {
    Some(match table.variant_name() {
        "envoy" => SlowStartConfig::Envoy {
            window: table.duration(ctx, "window")?,
            aggression: table.number(ctx, "aggression")?,
            weight_ratio_min: weight_min(ctx, table)?,
        },
        "dubbo" => SlowStartConfig::Dubbo {
            warmup: table.duration(ctx, "warmup")?,
            nominal_weight: table.count_u32(ctx, "nominal_weight")?,
        },
        _ => SlowStartConfig::Haproxy {
            window: table.duration(ctx, "window")?,
        },
    })
}

/// Weights stay positive.
fn weight_min(ctx: &mut Context, table: &Section) -> Option<f64> {
    let ratio = table.number(ctx, "weight_min")?;
    if 0.0 < ratio {
        return Some(ratio);
    }
    ctx.error(
        Diagnostic::new("a newcomer without any weight")
            .at(table.origin_of("weight_min"), "expected more than 0")
            .help("Envoy's default is \"10%\""),
    );
    None
}

fn ejection(ctx: &mut Context, table: &Section) -> Option<EjectionConfig> {
    Some(match table.variant_name() {
        "envoy_outlier" => EjectionConfig::EnvoyOutlier(EnvoyOutlierConfig {
            sweep: sweep(ctx, table)?,
            consecutive_errors: table
                .limit(ctx, "consecutive_errors")
                .map(|count| u32::try_from(count).expect("the specification bounds it")),
            duration_jitter: table.duration(ctx, "duration_jitter")?,
            update_merge_window: table.duration(ctx, "update_merge_window")?,
            always_ejects_one: table.bool(ctx, "always_ejects_one")?,
            success_rate: success_rate(ctx, table)?,
            failure_ratio: failure_ratio(ctx, table)?,
        }),
        "grpc_outlier" => EjectionConfig::GrpcOutlier(GrpcOutlierConfig {
            sweep: sweep(ctx, table)?,
            success_rate: success_rate(ctx, table)?,
            failure_ratio: failure_ratio(ctx, table)?,
        }),
        "nginx_max_fails" => EjectionConfig::NginxMaxFails(MaxFailsConfig {
            fail_count_max: table.count_u32(ctx, "fail_count_max")?,
            fail_timeout_secs: whole_secs(ctx, table, "fail_timeout")?,
            counts_errors: table.bool(ctx, "counts_errors")?,
        }),
        _ => EjectionConfig::FinagleAccrual(FailureAccrualConfig {
            consecutive_failures: table.count_u32(ctx, "consecutive_failures")?,
            success_ratio_min: table.number(ctx, "success_ratio_min")?,
            window: table.duration(ctx, "window")?,
            request_count_min: table.count_u32(ctx, "request_count_min")?,
            duration_base: table.duration(ctx, "duration_base")?,
            duration_max: duration_max(ctx, table)?,
            counts_errors: table.bool(ctx, "counts_errors")?,
        }),
    })
}

fn sweep(ctx: &mut Context, table: &Section) -> Option<SweepConfig> {
    Some(SweepConfig {
        interval: table.duration(ctx, "interval")?,
        has_random_phase: table.text(ctx, "phase")? == "random",
        duration_base: table.duration(ctx, "duration_base")?,
        duration_max: duration_max(ctx, table)?,
        ejected_percent_max: percent(ctx, table, "ejected_ratio_max")?,
    })
}

/// The longest ejection, which is no shorter than the first.
fn duration_max(ctx: &mut Context, table: &Section) -> Option<SimDuration> {
    let base = table.duration(ctx, "duration_base")?;
    if !table.has("duration_max") {
        return Some(base.max(DURATION_MAX));
    }
    let longest = table.duration(ctx, "duration_max")?;
    if longest < base {
        ctx.error(
            Diagnostic::new("the longest ejection is shorter than the first")
                .at(
                    table.origin_of("duration_max"),
                    format!("`duration_base` is {base}"),
                )
                .help("expected duration_base <= duration_max"),
        );
        return None;
    }
    Some(longest)
}

fn success_rate(ctx: &mut Context, table: &Section) -> Option<RateConfig> {
    Some(RateConfig {
        threshold: table.number(ctx, "success_rate_stdev_factor")?,
        instance_count_min: table.count_u32(ctx, "success_rate_instance_count_min")?,
        request_count_min: table.count_u32(ctx, "success_rate_request_count_min")?,
        enforced_percent: percent(ctx, table, "success_rate_enforced_ratio")?,
    })
}

fn failure_ratio(ctx: &mut Context, table: &Section) -> Option<RateConfig> {
    Some(RateConfig {
        threshold: f64::from(percent(ctx, table, "failure_ratio_threshold")?),
        instance_count_min: table.count_u32(ctx, "failure_ratio_instance_count_min")?,
        request_count_min: table.count_u32(ctx, "failure_ratio_request_count_min")?,
        enforced_percent: percent(ctx, table, "failure_ratio_enforced_ratio")?,
    })
}

/// A share in whole per cent, as Envoy and gRPC take it.
fn percent(ctx: &mut Context, table: &Section, key: &str) -> Option<u32> {
    let ratio = table.number(ctx, key)?;
    let percent = (ratio * 100.0).round();
    if 1e-9 < (ratio * 100.0 - percent).abs() {
        ctx.error(
            Diagnostic::new(format!("`{key}` is no whole number of per cent"))
                .at(table.origin_of(key), "the real system takes whole per cent")
                .help(format!("write \"{percent}%\"")),
        );
        return None;
    }
    Some(percent as u32)
}

/// A length in whole seconds, as nginx takes it.
fn whole_secs(ctx: &mut Context, table: &Section, key: &str) -> Option<u32> {
    let length = table.duration(ctx, key)?;
    let secs = length.as_ns() / 1_000_000_000;
    if SimDuration::from_secs(secs) != length {
        ctx.error(
            Diagnostic::new(format!("`{key}` is {length}"))
                .at(table.origin_of(key), "nginx counts in whole seconds")
                .help(format!("write \"{}s\"", secs.max(1))),
        );
        return None;
    }
    Some(u32::try_from(secs).unwrap_or(u32::MAX))
}
