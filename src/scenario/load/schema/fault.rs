//! Keys of faults.

use super::trigger::{REPLACE_KEY, SPREAD_KEY};
use super::{
    Default, Key, Kind, LENGTH, MANY, TableSpec, Tag, Variant, key, only_if, optional, required,
    rollout, shared, trigger,
};

pub(super) const TARGET: Key = required(
    "target",
    Kind::Selector,
    "The nodes that it happens to; `registry:leader` is the member that leads when a window \
     begins, `agent:instance:web/a/3` the agent of Consul on the host of an instance.",
);
const INCLUDE: Key = key(
    "include",
    Kind::List(&Kind::Choice(&["callers", "registry"])),
    Default::Toml("[]"),
    "What a zone means besides its instances. Callers and members of the registry there stay as \
     they are otherwise; `check` and `explain` count both.",
);
const EACH: Key = key(
    "each",
    Kind::Bool,
    Default::Toml("false"),
    "Every target has windows of its own.",
);
const CREWS: Key = only_if(
    "each",
    "true",
    key(
        "crews",
        Kind::Count {
            min: 1,
            max: 1 << 20,
        },
        Default::Computed("as many as there are targets"),
        "Targets that can be repaired at once.",
    ),
);
const FROM: Key = required("from", Kind::Selector, "The sending side.");
const TO: Key = required("to", Kind::Selector, "The receiving side.");
const SYMMETRIC: Key = key(
    "symmetric",
    Kind::Bool,
    Default::Toml("true"),
    "Whether it holds in both directions.",
);
const ONLY: Key = optional(
    "only",
    Kind::Choice(&["heartbeats", "requests"]),
    "The only messages that it hits: heartbeats are those to and between members of registries, \
     pushed ones, pings of detectors, gossip and connections, and their answers; requests are \
     attempts, their replies and cancellations. Lists, registrations and handshakes are neither.",
);
const GROUP: Key = required("group", Kind::Text, "The group, as `SERVICE/GROUP`.");
const GRACE: Key = key(
    "grace",
    LENGTH,
    Default::Toml("\"5s\""),
    "Time from the deregistration of those that leave to their exit; what they have then is lost.",
);
const COUNT: Key = required("count", MANY, "By how many instances.");

/// `[fault.NAME]`.
pub static FAULT: TableSpec = TableSpec {
    what: "fault",
    doc: "A cause that is injected in windows on the timeline.",
    tag: Some(Tag {
        key: "kind",
        default: None,
        doc: "What happens in a window.",
    }),
    keys: &[
        optional(
            "at",
            Kind::Table(&shared::DISTRIBUTION),
            "Start of the first window, from the start of the run.",
        ),
        trigger::AFTER,
        trigger::WHEN,
        trigger::AGAIN,
        key(
            "for",
            Kind::Table(&shared::DISTRIBUTION),
            Default::Computed("to the end of the run"),
            "Length of a window.",
        ),
        key(
            "every",
            Kind::Table(&shared::DISTRIBUTION),
            Default::Computed("one window only"),
            "Gap from the end of a window to the start of the next.",
        ),
        optional(
            "class",
            Kind::Text,
            "The class that it hits, `CLIENT.CLASS`; of error, slow, loss and delay only.",
        ),
    ],
    variants: &[
        Variant {
            name: "crash",
            doc: "The process ends; its host answers with resets.",
            keys: &[TARGET, INCLUDE, EACH, CREWS, SPREAD_KEY, REPLACE_KEY],
        },
        Variant {
            name: "host_loss",
            doc: "The host goes silent; packets disappear.",
            keys: &[TARGET, INCLUDE, EACH, CREWS, SPREAD_KEY, REPLACE_KEY],
        },
        Variant {
            name: "pause",
            doc: "The process stands still; its kernel keeps connections.",
            keys: &[TARGET, INCLUDE, EACH, CREWS, SPREAD_KEY],
        },
        Variant {
            name: "gc_pause",
            doc: "Processes stand still again and again, each by draws of its own: a pause each \
                  `every`, of length `for`; without `at` the first comes like the others.",
            keys: &[TARGET, INCLUDE],
        },
        Variant {
            name: "flapping",
            doc: "Nodes go down and come up, again and again, from the start of a window to its \
                  end.",
            keys: &[
                TARGET,
                INCLUDE,
                key(
                    "state",
                    Kind::Choice(&["crash", "host_loss", "pause"]),
                    Default::Toml("\"crash\""),
                    "What they do while they are down, as in the fault of that name.",
                ),
                required(
                    "down",
                    Kind::Table(&shared::DISTRIBUTION),
                    "How long they are down; they begin with it.",
                ),
                required(
                    "up",
                    Kind::Table(&shared::DISTRIBUTION),
                    "How long they are up, any `restart_time` included.",
                ),
                EACH,
                CREWS,
            ],
        },
        Variant {
            name: "clock_drift",
            doc: "Local clocks run at another rate: every timer that is set in the window. Of \
                  several the one that began last holds.",
            keys: &[
                TARGET,
                required(
                    "drift",
                    Kind::Drift,
                    "Local seconds per true second, minus one: \"-50ppm\", \"2%\".",
                ),
                EACH,
                CREWS,
            ],
        },
        Variant {
            name: "slow",
            doc: "Work is done at 1 / factor of the speed, by members of a registry that of their \
                  disks, too; what such a member has begun goes on as it began. Callers of clients \
                  do none; `delay` and `pause` make them late.",
            keys: &[
                TARGET,
                required(
                    "factor",
                    Kind::Number {
                        min: 1.0,
                        above: false,
                        max: 1e9,
                    },
                    "How many times slower.",
                ),
                EACH,
                CREWS,
                SPREAD_KEY,
            ],
        },
        Variant {
            name: "error",
            doc: "A share of the replies are errors.",
            keys: &[
                TARGET,
                key(
                    "ratio",
                    Kind::Ratio,
                    Default::Toml("1.0"),
                    "Share of replies that are errors.",
                ),
                key(
                    "service_time",
                    Kind::Table(&shared::DISTRIBUTION),
                    Default::Computed("that of the service"),
                    "Time that a worker of speed 1 needs for an error.",
                ),
                EACH,
                CREWS,
            ],
        },
        Variant {
            name: "loss",
            doc: "Messages are lost on links.",
            keys: &[
                FROM,
                TO,
                SYMMETRIC,
                ONLY,
                required(
                    "loss",
                    Kind::Table(&shared::LOSS),
                    "Share of messages that are lost, or a table of two states.",
                ),
            ],
        },
        Variant {
            name: "delay",
            doc: "Messages take longer on links.",
            keys: &[
                FROM,
                TO,
                SYMMETRIC,
                ONLY,
                required(
                    "delay",
                    Kind::Table(&shared::DISTRIBUTION),
                    "Additional one-way delay.",
                ),
            ],
        },
        Variant {
            name: "partition",
            doc: "Nothing passes on links.",
            keys: &[FROM, TO, SYMMETRIC, ONLY],
        },
        Variant {
            name: "clog",
            doc: "Messages on links are held until the end of the window.",
            keys: &[FROM, TO, SYMMETRIC, ONLY],
        },
        Variant {
            name: "registry_outage",
            doc: "The registry does nothing; callers keep their views.",
            keys: &[key(
                "target",
                Kind::Selector,
                Default::Toml("\"registry:member/*\""),
                "The members that it happens to.",
            )],
        },
        Variant {
            name: "weight_change",
            doc: "The instances have another weight.",
            keys: &[
                TARGET,
                required(
                    "weight",
                    Kind::Number {
                        min: 0.0,
                        above: false,
                        max: 1e6,
                    },
                    "Their weight in the window.",
                ),
            ],
        },
        Variant {
            name: "scale_out",
            doc: "Instances join a group; they leave again at the end.",
            keys: &[GROUP, COUNT, GRACE],
        },
        Variant {
            name: "scale_in",
            doc: "The last instances leave a group; they come back at the end.",
            keys: &[GROUP, COUNT, GRACE],
        },
        rollout::ROLLING_RESTART,
    ],
    shorthand: None,
};
