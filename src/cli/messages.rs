//! `stormglass chart RUN_DIR messages`.

use super::CliError;
use super::again::Again;
use super::interrupt::Interrupt;
use super::look_args::ChartArgs;
use super::style::Console;
use crate::chart::picture::Picture;
use crate::report::format;
use crate::report::pictures::messages::{MessageView, messages};
use crate::time::{SimDuration, SimTime};
use crate::trace::messages::{Chosen, Messages, WindowOfMessages};

/// The name of the chart.
pub const MESSAGES: &str = "messages";

/// The length of a window for which none is named.
const LENGTH: SimDuration = SimDuration::from_ms(50);
/// Attempts and nodes that a picture has room for.
const ATTEMPT_COUNT_MAX: usize = 400;
const NODE_COUNT_MAX: usize = 24;

/// Runs the scenario of a run directory again and draws the messages of the chosen window.
pub fn picture(args: &ChartArgs, console: &mut Console) -> Result<Picture, CliError> {
    if args.from.is_none() && args.request.is_none() {
        let help = "`messages` needs a window, like --from 12s --for 50ms, or a request, like \
                    --request 3f9a2c41d07be855";
        return Err(CliError::Usage(help.to_string()));
    }
    let again = Again::open(&args.run_dir, args.replication, &args.limits, console)?;
    let scenario = &again.loaded.scenario;
    let mut span = (SimTime::START, SimTime::NEVER);
    if let Some(from) = args.from {
        if scenario.duration <= from {
            return Err(CliError::Usage(format!(
                "--from {}: the run ends at {}",
                format::instant(from.as_secs_f64()),
                format::instant(scenario.duration.as_secs_f64())
            )));
        }
        span.0 = SimTime::START + from;
        span.1 = span.0 + args.length.unwrap_or(LENGTH);
    }
    let chosen = Chosen {
        span,
        request: args.request,
        attempt_count_max: ATTEMPT_COUNT_MAX,
        node_count_max: NODE_COUNT_MAX,
    };
    let mut collected = Messages::new(scenario, chosen);
    again.run(&Interrupt::listen()?, &mut collected, console)?;
    let window = collected.finish(scenario);
    if args.from.is_none() {
        let Some(whole) = span_of(&window) else {
            return Err(CliError::Usage(format!(
                "no attempt of request {:016x} was sent in the run with seed {}; `stormglass why \
                 {} --slowest` names some",
                args.request.unwrap_or_default(),
                again.record.seed,
                args.run_dir.display()
            )));
        };
        span = whole;
    }
    let chart = messages(&MessageView {
        scenario,
        seed: again.record.seed,
        digest: &again.record.digest,
        span,
        window: &window,
    });
    Ok(Picture::new(MESSAGES, chart))
}

/// From the first to the last step of the attempts, with a little room at both ends.
fn span_of(window: &WindowOfMessages) -> Option<(SimTime, SimTime)> {
    let first = window.attempts.iter().map(|story| story.sent_at).min()?;
    let ends = window.attempts.iter().flat_map(|story| {
        let ends = [story.reached_at, story.turned_away_at, story.started_at];
        let last = [story.left.map(|it| it.0), story.ended.map(|it| it.0)];
        ends.into_iter().chain(last).flatten()
    });
    let last = ends.max().unwrap_or(first);
    let room = SimDuration::from_ns((last.since(first).as_ns() / 25).max(1_000));
    let start = SimTime::from_ns(first.as_ns().saturating_sub(room.as_ns()));
    Some((start, last + room))
}
