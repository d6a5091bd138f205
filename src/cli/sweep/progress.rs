//! How many runs of a study are done: on standard error, for studies over a second, and never in
//! results.

use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::super::style::ProgressMode;
use crate::report::format;

/// Studies shorter than this are not talked about.
const SILENCE: Duration = Duration::from_secs(1);
/// Time between two updates of the bar.
const BAR_INTERVAL: Duration = Duration::from_millis(100);
/// Time between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Shows how many runs are done.
pub struct RunMeter {
    mode: ProgressMode,
    started: Instant,
    next_show: Duration,
    status: Status,
    bar: ProgressBar,
}

/// How many runs are done.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Status {
    /// Done before this process began.
    found_count: u32,
    done_count: u32,
    failed_count: u32,
    run_count: u32,
    elapsed: Duration,
}

impl RunMeter {
    /// Starts the clock of `run_count` runs, of which some were done before.
    pub fn start(mode: ProgressMode, run_count: u32, found_count: u32) -> Self {
        let hidden = ProgressDrawTarget::hidden();
        let bar = ProgressBar::with_draw_target(Some(u64::from(run_count)), hidden);
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}")
            .expect("the template is well-formed");
        bar.set_style(style);
        RunMeter {
            mode,
            started: Instant::now(),
            next_show: match mode {
                ProgressMode::Lines => LINE_INTERVAL,
                ProgressMode::Bar | ProgressMode::Silent => SILENCE,
            },
            status: Status {
                found_count,
                done_count: found_count,
                failed_count: 0,
                run_count,
                elapsed: Duration::ZERO,
            },
            bar,
        }
    }

    /// There are more runs to do than was known.
    pub fn plan_more(&mut self, run_count: u32) {
        self.status.run_count = self.status.run_count.saturating_add(run_count);
        self.bar.set_length(u64::from(self.status.run_count));
    }

    /// Does something while the bar is out of the way.
    pub fn aside(&self, act: impl FnOnce()) {
        self.bar.suspend(act);
    }

    /// Takes note of a run that is done.
    pub fn on_done(&mut self, is_failed: bool) {
        self.status.done_count += 1;
        self.status.failed_count += u32::from(is_failed);
        self.status.elapsed = self.started.elapsed();
        if self.status.elapsed < self.next_show {
            return;
        }
        match self.mode {
            ProgressMode::Silent => {}
            ProgressMode::Lines => {
                self.next_show = self.status.elapsed + LINE_INTERVAL;
                // Nobody can be told that standard error is gone.
                let _ = writeln!(std::io::stderr(), "{}", self.status);
            }
            ProgressMode::Bar => {
                self.next_show = self.status.elapsed + BAR_INTERVAL;
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
                self.bar.set_position(u64::from(self.status.done_count));
                self.bar.set_message(self.status.to_string());
            }
        }
    }

    /// Clears the bar. Returns what the runs took, if that is worth a line.
    pub fn finish(&mut self) -> Option<String> {
        self.bar.finish_and_clear();
        let elapsed = self.started.elapsed();
        let count = self.status.done_count - self.status.found_count;
        (SILENCE <= elapsed).then(|| {
            format!(
                "took {:.1} s, {}",
                elapsed.as_secs_f64(),
                format::counted(u64::from(count), "run")
            )
        })
    }
}

impl fmt::Display for Status {
    /// `120 of 400 runs done, 2 failed, 12 s left`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} runs done", self.done_count, self.run_count)?;
        if 0 < self.failed_count {
            write!(f, ", {} failed", self.failed_count)?;
        }
        match self.done_count - self.found_count {
            0 => Ok(()),
            count => {
                let left = f64::from(self.run_count.saturating_sub(self.done_count));
                let secs = self.elapsed.as_secs_f64() * left / f64::from(count);
                write!(f, ", {secs:.0} s left")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_done_does_not_count_as_fast() {
        let status = Status {
            found_count: 100,
            done_count: 120,
            failed_count: 2,
            run_count: 400,
            elapsed: Duration::from_secs(4),
        };
        // 20 runs took 4 s, so 280 take 56 s.
        assert_eq!(
            status.to_string(),
            "120 of 400 runs done, 2 failed, 56 s left"
        );
    }
}
