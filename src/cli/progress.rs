//! How far the runs are: on standard error, for runs over a second, and never in results.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::interrupt::Interrupt;
use super::style::ProgressMode;
use crate::experiment::plan::Monitor;
use crate::report::format;
use crate::time::{SimDuration, SimTime};

/// Runs shorter than this are not talked about.
const SILENCE: Duration = Duration::from_secs(1);
/// Time between two updates of the bar.
const BAR_INTERVAL: Duration = Duration::from_millis(100);
/// Time between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// Steps of the bar.
const BAR_STEPS: u64 = 1_000;

/// Shows how far all replications are, and passes on the user's wish to stop.
pub struct Meter {
    mode: ProgressMode,
    interrupt: Interrupt,
    started: Instant,
    /// Simulated length of one replication.
    duration: SimDuration,
    seen: Vec<Seen>,
    next_show_ms: AtomicU64,
    is_bar_shown: AtomicBool,
    bar: ProgressBar,
}

/// How far one replication is.
#[derive(Debug, Default)]
struct Seen {
    simulated_ns: AtomicU64,
    event_count: AtomicU64,
}

/// How far all replications are together.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Status {
    simulated_secs: f64,
    total_secs: f64,
    event_count: u64,
    elapsed: Duration,
}

impl Meter {
    /// Starts the clock of runs that last `duration` of simulated time each.
    pub fn start(
        mode: ProgressMode,
        interrupt: Interrupt,
        duration: SimDuration,
        replication_count: u32,
    ) -> Self {
        let bar = ProgressBar::with_draw_target(Some(BAR_STEPS), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}")
            .expect("the template is well-formed");
        bar.set_style(style);
        let first_show = match mode {
            ProgressMode::Lines => LINE_INTERVAL,
            ProgressMode::Bar | ProgressMode::Silent => SILENCE,
        };
        Meter {
            mode,
            interrupt,
            started: Instant::now(),
            duration,
            seen: (0..replication_count).map(|_| Seen::default()).collect(),
            next_show_ms: AtomicU64::new(millis(first_show)),
            is_bar_shown: AtomicBool::new(false),
            bar,
        }
    }

    /// Clears the bar. Returns what the runs took, if that is worth a line; without a count of
    /// their events, those that were seen so far count.
    pub fn finish(&self, event_count: Option<u64>) -> Option<String> {
        self.bar.finish_and_clear();
        let seen = self.status();
        let status = Status {
            event_count: event_count.unwrap_or(seen.event_count),
            ..seen
        };
        (SILENCE <= status.elapsed).then(|| {
            format!(
                "took {:.1} s, {} events, {} events/s",
                status.elapsed.as_secs_f64(),
                format::count(status.event_count),
                format::number(status.event_rate())
            )
        })
    }

    fn status(&self) -> Status {
        let sum = |part: fn(&Seen) -> &AtomicU64| -> u64 {
            self.seen
                .iter()
                .map(|s| part(s).load(Ordering::Relaxed))
                .fold(0, u64::saturating_add)
        };
        Status {
            simulated_secs: SimDuration::from_ns(sum(|s| &s.simulated_ns)).as_secs_f64(),
            total_secs: self.duration.as_secs_f64() * self.seen.len() as f64,
            event_count: sum(|s| &s.event_count),
            elapsed: self.started.elapsed(),
        }
    }

    /// Shows the status if it is time to. Of several threads, one does.
    fn show_if_due(&self) {
        let elapsed_ms = millis(self.started.elapsed());
        let due_ms = self.next_show_ms.load(Ordering::Relaxed);
        let interval = match self.mode {
            ProgressMode::Silent => return,
            ProgressMode::Bar => BAR_INTERVAL,
            ProgressMode::Lines => LINE_INTERVAL,
        };
        if elapsed_ms < due_ms {
            return;
        }
        let next_ms = elapsed_ms + millis(interval);
        let claimed = self.next_show_ms.compare_exchange(
            due_ms,
            next_ms,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if claimed.is_ok() {
            self.show(self.status());
        }
    }

    fn show(&self, status: Status) {
        if self.mode == ProgressMode::Lines {
            use std::io::Write;
            // Nobody can be told that standard error is gone.
            let _ = writeln!(std::io::stderr(), "{status}");
            return;
        }
        if !self.is_bar_shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar
            .set_position((status.done_ratio() * BAR_STEPS as f64) as u64);
        self.bar.set_message(status.to_string());
    }
}

impl Monitor for Meter {
    fn on_progress(&self, replication: u32, now: SimTime, event_count: u64) -> ControlFlow<()> {
        let seen = &self.seen[replication as usize];
        let simulated_ns = now.as_ns().min(self.duration.as_ns());
        seen.simulated_ns.store(simulated_ns, Ordering::Relaxed);
        seen.event_count.store(event_count, Ordering::Relaxed);
        self.show_if_due();
        match self.interrupt.is_raised() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn on_done(&self, replication: u32) {
        let seen = &self.seen[replication as usize];
        seen.simulated_ns
            .store(self.duration.as_ns(), Ordering::Relaxed);
    }
}

impl Status {
    fn done_ratio(&self) -> f64 {
        (self.simulated_secs / self.total_secs).clamp(0.0, 1.0)
    }

    fn event_rate(&self) -> f64 {
        self.event_count as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Wall-clock seconds that the rest takes if it goes on like this.
    fn left_secs(&self) -> Option<f64> {
        let done = self.done_ratio();
        (0.0 < done).then(|| self.elapsed.as_secs_f64() * (1.0 - done) / done)
    }
}

impl fmt::Display for Status {
    /// `62 s of 180 s simulated, 3,210,000 events/s, 12 s left`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} s of {:.0} s simulated, {} events/s",
            self.simulated_secs,
            self.total_secs,
            format::number(self.event_rate())
        )?;
        match self.left_secs() {
            Some(secs) => write!(f, ", {secs:.0} s left"),
            None => Ok(()),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_simulated_time_speed_and_time_left() {
        let status = Status {
            simulated_secs: 45.0,
            total_secs: 180.0,
            event_count: 8_000_000,
            elapsed: Duration::from_secs(4),
        };
        // A quarter took 4 s, so the rest takes 12 s.
        assert_eq!(
            status.to_string(),
            "45 s of 180 s simulated, 2,000,000 events/s, 12 s left"
        );
    }
}
