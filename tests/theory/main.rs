//! The simulator against results of queueing theory, of reliability theory and of real systems,
//! through scenario texts and the engine. The normal tests run a subset that covers every kind;
//! `cargo test --release --test theory -- --ignored` runs as long as the stated tolerances need.

#[path = "../support/mod.rs"]
mod support;

mod queues;
mod texts;

use support::cases::Pass;

/// A kind of results: the subset with at most this many samples for each set of parameters, and
/// the complete pass.
macro_rules! kinds {
    ($($kind:ident: $check:path, $count:expr, $time:literal;)*) => {$(
        mod $kind {
            #[test]
            fn agrees_in_short_runs() {
                $check(super::Pass::Subset($count));
            }

            #[test]
            #[ignore = $time]
            fn agrees_within_the_stated_tolerances() {
                $check(super::Pass::Complete);
            }
        }
    )*};
}

kinds! {
    mm1: crate::queues::mm1, 400_000, "complete pass: 1 minute";
    mmc: crate::queues::mmc, 400_000, "complete pass: 1 minute";
    erlang_b: crate::queues::erlang_b, 400_000, "complete pass: 1 minute";
    mmck: crate::queues::mmck, 400_000, "complete pass: 1 minute";
    md1: crate::queues::md1, 400_000, "complete pass: 1 minute";
    mg1_fifo: crate::queues::mg1_fifo, 400_000, "complete pass: 2 minutes";
    mg1_ps: crate::queues::mg1_ps, 400_000, "complete pass: 1 minute";
    gm1: crate::queues::gm1, 400_000, "complete pass: 1 minute";
    mm1_client_timeout: crate::queues::mm1_client_timeout, 400_000, "complete pass: 1 minute";
    tandem_net: crate::queues::tandem_net, 400_000, "complete pass: 1 minute";
    closed_loop: crate::queues::closed_loop, 400_000, "complete pass: 1 minute";
    mginf: crate::queues::mginf, 400_000, "complete pass: 1 minute";
}
