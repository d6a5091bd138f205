//! Random hedges, cluster modes, deadlines that travel, and cancellations.

use std::fmt::Write;

use super::dice::Dice;
use super::protection;

/// Lines of a call: what follows a failed attempt, and what it does beyond one attempt after the
/// other.
pub fn call_lines(dice: &mut Dice) -> String {
    let mut text = String::new();
    let mut line = |line: String| writeln!(text, "{line}").expect("a string takes it");
    if dice.flag() {
        let deadline = match dice.flag() {
            true => dice.ms(100, 800),
            false => dice.law(100),
        };
        // A law may give a deadline of no length, which no constant may be.
        line(format!(
            "deadline = {}",
            deadline.replace("\"0us\"", "\"1us\"")
        ));
    }
    let is_plain = dice.flag();
    match if is_plain { 0 } else { dice.between(1, 6) } {
        0 | 1 => {
            if dice.flag() {
                line(retry(dice));
            }
            if !is_plain && dice.flag() {
                line(hedge(dice));
            }
        }
        2 => line("cluster = \"failfast\"".to_string()),
        3 => line("cluster = \"failsafe\"".to_string()),
        4 => {
            let (count, interval) = (dice.between(1, 3), dice.ms(10, 300));
            let tasks = dice.between(1, 5);
            line("cluster = \"failback\"".to_string());
            line(format!(
                "failback = {{ retry_count_max = {count}, interval = {interval}, \
                 task_count_max = {tasks} }}"
            ));
        }
        5 => {
            line("cluster = \"forking\"".to_string());
            line(format!("fork_count = {}", dice.between(1, 4)));
        }
        _ => {
            line("cluster = \"broadcast\"".to_string());
            line(format!("failed_ratio_max = \"{}%\"", dice.between(0, 100)));
        }
    }
    if !is_plain {
        let propagation = dice.pick(&["none", "drop_at_dequeue", "cancel", "cancel"]);
        line(format!("deadline_propagation = \"{propagation}\""));
        if propagation != "none" && dice.flag() {
            line(format!("deadline_margin = {}", dice.ms(0, 10)));
        }
    }
    text
}

fn retry(dice: &mut Dice) -> String {
    let jitter = dice.pick(&[
        "none",
        "full",
        "equal",
        "decorrelated",
        "grpc",
        "envoy",
        "finagle_equal",
    ]);
    let (min, max) = (dice.ms(0, 20), dice.ms(20, 200));
    let (count, failover) = (dice.between(1, 4), dice.flag());
    let budget = match dice.flag() {
        true => String::new(),
        false => format!("budget = {}, ", protection::budget(dice)),
    };
    let ends = match dice.flag() {
        true => String::new(),
        false => format!("on = {}, ", protection::retry_ends(dice)),
    };
    format!(
        "retry = {{ attempt_count_max = {count}, failover = {failover}, {budget}{ends}\
         backoff = {{ min = {min}, max = {max}, jitter = \"{jitter}\" }} }}"
    )
}

fn hedge(dice: &mut Dice) -> String {
    let count = dice.between(2, 4);
    let mut text = format!("hedge = {{ attempt_count_max = {count}");
    if dice.flag() {
        let (percent, refresh) = (dice.between(1, 99), dice.ms(0, 900));
        let window = dice.between(10, 50);
        text += &format!(", percentile = {percent}, refresh = {refresh}, window = {window}");
        if dice.flag() {
            text += &format!(", delay = {}", dice.ms(0, 30));
        }
    } else {
        text += &format!(", delay = {}", dice.ms(0, 30));
    }
    if dice.flag() {
        text += &format!(", budget_ratio = \"{}%\"", dice.between(0, 100));
    }
    text + " }"
}
