//! Keys of tables that stand in several places: distributions, loss.

use super::{
    Default, Key, Kind, LENGTH, POSITIVE, Shorthand, TableSpec, Tag, Variant, key, optional,
    required,
};

/// A law of lengths of time.
pub static DISTRIBUTION: TableSpec = TableSpec {
    what: "distribution",
    doc: "A law of random lengths of time; a plain time is a constant.",
    tag: Some(Tag {
        key: "dist",
        default: None,
        doc: "The kind of law.",
    }),
    keys: &[],
    variants: &[
        Variant {
            name: "constant",
            doc: "Always the same value.",
            keys: &[required("value", LENGTH, "The value.")],
        },
        Variant {
            name: "uniform",
            doc: "Uniform between two values.",
            keys: &[
                required("min", LENGTH, "Smallest value."),
                required("max", POSITIVE, "Largest value."),
            ],
        },
        Variant {
            name: "exponential",
            doc: "Exponential.",
            keys: &[required("mean", POSITIVE, "Mean.")],
        },
        Variant {
            name: "erlang",
            doc: "The sum of equal exponentials.",
            keys: &[
                required(
                    "stages",
                    Kind::Count { min: 1, max: 1_000 },
                    "How many exponentials.",
                ),
                required("mean", POSITIVE, "Mean of the sum."),
            ],
        },
        Variant {
            name: "hyperexponential",
            doc: "One of several exponentials, chosen at random.",
            keys: &[required(
                "branches",
                Kind::List(&Kind::Table(&BRANCH)),
                "The exponentials with their probabilities, which sum to 1.",
            )],
        },
        Variant {
            name: "lognormal",
            doc: "Lognormal, by median and 99th percentile, or by mean and cv.",
            keys: &[
                optional("p50", POSITIVE, "Median; with `p99`."),
                optional("p99", POSITIVE, "99th percentile; with `p50`."),
                optional("mean", POSITIVE, "Mean; with `cv`."),
                optional(
                    "cv",
                    Kind::Number {
                        min: 0.0,
                        above: true,
                        max: 1_000.0,
                    },
                    "Standard deviation over mean; with `mean`.",
                ),
            ],
        },
        Variant {
            name: "bounded_pareto",
            doc: "Pareto, cut off at both ends.",
            keys: &[
                required("min", POSITIVE, "Smallest value."),
                required("max", POSITIVE, "Largest value."),
                required("shape", SHAPE, "Tail index; smaller is heavier."),
            ],
        },
        Variant {
            name: "weibull",
            doc: "Weibull.",
            keys: &[
                required("scale", POSITIVE, "The 63rd percentile."),
                required("shape", SHAPE, "1 is exponential, below 1 heavier."),
            ],
        },
        Variant {
            name: "empirical",
            doc: "Values from a CSV file with a column `value` and, if wanted, `weight`.",
            keys: &[required("file", Kind::File, "The CSV file."), UNIT_KEY],
        },
    ],
    shorthand: Some(Shorthand::Key {
        variant: "constant",
        key: "value",
    }),
};

const SHAPE: Kind = Kind::Number {
    min: 0.01,
    above: false,
    max: 1_000.0,
};

/// The unit of the times in a CSV file.
pub const UNIT_KEY: Key = key(
    "unit",
    Kind::Choice(&["s", "ms", "us", "ns"]),
    Default::Toml("\"s\""),
    "Unit of the times in the file.",
);

/// One branch of a hyperexponential law.
pub static BRANCH: TableSpec = TableSpec {
    what: "branch",
    doc: "One branch of a hyperexponential law.",
    tag: None,
    keys: &[
        required("probability", Kind::Ratio, "Probability of this branch."),
        required("mean", POSITIVE, "Mean of this branch."),
    ],
    variants: &[],
    shorthand: None,
};

/// A law of message loss.
pub static LOSS: TableSpec = TableSpec {
    what: "loss",
    doc: "A law of message loss; a plain ratio is independent loss.",
    tag: Some(Tag {
        key: "model",
        default: None,
        doc: "The kind of law.",
    }),
    keys: &[],
    variants: &[
        Variant {
            name: "bernoulli",
            doc: "Every message alike, independently.",
            keys: &[required("ratio", Kind::Ratio, "Share that is lost.")],
        },
        Variant {
            name: "gilbert_elliott",
            doc: "Two states, good and bad, that alternate in time.",
            keys: &[
                required("good_mean", POSITIVE, "Mean time in the good state."),
                required("bad_mean", POSITIVE, "Mean time in the bad state."),
                key(
                    "good_loss",
                    Kind::Ratio,
                    Default::Toml("0.0"),
                    "Share lost in the good state.",
                ),
                key(
                    "bad_loss",
                    Kind::Ratio,
                    Default::Toml("1.0"),
                    "Share lost in the bad state.",
                ),
                key(
                    "per_link",
                    Kind::Bool,
                    Default::Toml("false"),
                    "A state for each pair of nodes instead of one for all links alike.",
                ),
            ],
        },
    ],
    shorthand: Some(Shorthand::Key {
        variant: "bernoulli",
        key: "ratio",
    }),
};
