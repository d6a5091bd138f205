//! Keys of servers under load: service time in two parts, overload rules of queues, CPU, warm-up
//! and pauses.

use super::{
    Default, Key, Kind, POSITIVE, POSITIVE_NUMBER, Shorthand, TableSpec, Tag, Variant, key,
    only_if, optional, required, shared,
};

/// The variant of a service time with a CPU part.
pub const SPLIT: &str = "split";

const SPLIT_VARIANT: Variant = Variant {
    name: SPLIT,
    doc: "A part that needs a core, then a part that only waits; both hold the worker.",
    keys: &[
        required(
            "cpu",
            Kind::Table(&shared::DISTRIBUTION),
            "Time on a core of speed 1.",
        ),
        key(
            "wait",
            Kind::Table(&shared::DISTRIBUTION),
            Default::Toml("\"0s\""),
            "Time after it that needs no core, as for a disk.",
        ),
    ],
};

const LAW_COUNT: usize = shared::DISTRIBUTION.variants.len();

static SERVICE_TIME_VARIANTS: [Variant; LAW_COUNT + 1] = {
    let mut all = [SPLIT_VARIANT; LAW_COUNT + 1];
    let mut place = 0;
    while place < LAW_COUNT {
        all[place] = shared::DISTRIBUTION.variants[place];
        place += 1;
    }
    all
};

/// `[service.NAME] service_time`: a law, or one for each part.
pub static SERVICE_TIME: TableSpec = TableSpec {
    what: "service_time",
    doc: "A law of random lengths of time, or `cpu` and `wait` with a law each.",
    tag: Some(Tag {
        key: "dist",
        default: Some(SPLIT),
        doc: "The kind of law.",
    }),
    keys: &[],
    variants: &SERVICE_TIME_VARIANTS,
    shorthand: Some(Shorthand::Key {
        variant: "constant",
        key: "value",
    }),
};

/// `[service.NAME.queue.codel]`.
pub static CODEL: TableSpec = TableSpec {
    what: "codel",
    doc: "Controlled delay (folly, wangle): work that waited for more than twice the target is \
          dropped while the least delay of the last interval was above the target.",
    tag: None,
    keys: &[
        key(
            "target",
            POSITIVE,
            Default::Toml("\"5ms\""),
            "Delay that is still good.",
        ),
        key(
            "interval",
            POSITIVE,
            Default::Toml("\"100ms\""),
            "How long the least delay is observed.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `[service.NAME.queue.shed]`.
pub static SHED: TableSpec = TableSpec {
    what: "shed",
    doc: "Which requests a queue that fills refuses, by priority.",
    tag: None,
    keys: &[required(
        "above",
        Kind::Ratio,
        "Share of `limit` from which on the lowest priority is refused; of several priorities, \
         each higher one at an equal step later, and the highest when the queue is full.",
    )],
    variants: &[],
    shorthand: Some(Shorthand::Key {
        variant: "",
        key: "above",
    }),
};

/// Further keys of `[service.NAME.queue]`.
pub const QUEUE_CODEL: Key = optional(
    "codel",
    Kind::Table(&CODEL),
    "Drops work that waited too long, as a rejection.",
);
/// Whether classes are served by priority.
pub const QUEUE_PRIORITY: Key = optional(
    "priority",
    Kind::Bool,
    "Whether lower priority numbers are served first, which they are not without it; running work \
     is not interrupted.",
);
/// Priority shedding.
pub const QUEUE_SHED: Key = optional(
    "shed",
    Kind::Table(&SHED),
    "Refuses low priorities before the queue is full.",
);
/// The switch of an adaptive queue.
pub const QUEUE_LIFO_ABOVE: Key = only_if(
    "discipline",
    "\"adaptive_lifo\"",
    key(
        "lifo_above",
        Kind::Count {
            min: 0,
            max: u32::MAX as u64,
        },
        Default::Computed("as many as there are workers"),
        "Newest first while more than this many wait (HHVM: lifoSwitchThreshold).",
    ),
);

/// `[service.NAME.warmup]`.
pub static WARMUP: TableSpec = TableSpec {
    what: "warmup",
    doc: "How a process is slower after its start: both parts of its service times are longer.",
    tag: None,
    keys: &[
        required(
            "factor",
            Kind::Number {
                min: 1.0,
                above: false,
                max: 1e6,
            },
            "How many times longer they are at first.",
        ),
        required("for", POSITIVE, "How long that lasts."),
        key(
            "shape",
            Kind::Choice(&["linear", "step"]),
            Default::Toml("\"linear\""),
            "Whether the factor falls in proportion to time, or at once at the end.",
        ),
        key(
            "at_start",
            Kind::Bool,
            Default::Toml("false"),
            "Whether instances that are there from the start are cold, too.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `[service.NAME.pauses]`.
pub static PAUSES: TableSpec = TableSpec {
    what: "pauses",
    doc: "Pauses of every instance by itself, as for garbage collection.",
    tag: None,
    keys: &[
        required(
            "every",
            Kind::Table(&shared::DISTRIBUTION),
            "Time from the end of a pause to the next.",
        ),
        required(
            "for",
            Kind::Table(&shared::DISTRIBUTION),
            "Length of a pause.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `cpu_quota`.
pub static CPU_QUOTA: TableSpec = TableSpec {
    what: "cpu_quota",
    doc: "CPU time per period (Linux CFS bandwidth control): when it is used up, all CPU work of \
          the instance stands still until the next period.",
    tag: None,
    keys: &[
        required(
            "cores",
            POSITIVE_NUMBER,
            "The quota over the period: with 2, a period of 100 ms has 200 ms of CPU time.",
        ),
        key(
            "period",
            POSITIVE,
            Default::Toml("\"100ms\""),
            "The period.",
        ),
    ],
    variants: &[],
    shorthand: None,
};

/// `[service.NAME] warmup`.
pub const SERVICE_WARMUP: Key = optional("warmup", Kind::Table(&WARMUP), WARMUP.doc);
/// `[service.NAME] pauses`.
pub const SERVICE_PAUSES: Key = optional("pauses", Kind::Table(&PAUSES), PAUSES.doc);

const CORES_DOC: &str = "Cores of an instance, which the CPU part of its running work shares, \
                         also fractions of one; without it every worker has its own.";

/// `[service.NAME] cores`.
pub const SERVICE_CORES: Key = optional("cores", POSITIVE_NUMBER, CORES_DOC);
/// `[service.NAME] cpu_quota`.
pub const SERVICE_CPU_QUOTA: Key = optional("cpu_quota", Kind::Table(&CPU_QUOTA), CPU_QUOTA.doc);

/// `[service.NAME.group.NAME] cores`.
pub const GROUP_CORES: Key = optional("cores", POSITIVE_NUMBER, CORES_DOC);
/// `[service.NAME.group.NAME] cpu_quota`.
pub const GROUP_CPU_QUOTA: Key = optional("cpu_quota", Kind::Table(&CPU_QUOTA), CPU_QUOTA.doc);
