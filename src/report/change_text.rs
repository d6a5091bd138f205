//! How one change travelled, as text.

use std::fmt::Write;

use super::format;
use crate::trace::change::{Change, InstanceChange, Passage, Spread};

/// Tells how a change travelled. Lengths are counted from its beginning in truth.
pub fn change_text(change: &Change) -> String {
    let mut text = format!(
        "CHANGE fault.{}, window {}: {} to {}\n",
        change.fault,
        change.window,
        format::instant(change.began_secs),
        match change.ended_secs {
            Some(ended) => format::instant(ended),
            None => "the end of the run".to_string(),
        }
    );
    if change.instances.is_empty() {
        text.push_str("  no instance was hit, suspected or left out\n");
    }
    for instance in &change.instances {
        tell(&mut text, change, instance);
    }
    if 0 < change.more_instance_count {
        let count = format::counted(change.more_instance_count as u64, "instance");
        let _ = writeln!(text, "  and {count} more");
    }
    text
}

fn tell(text: &mut String, change: &Change, it: &InstanceChange) {
    let (since, what) = match it.gone.truth {
        Some((at, state)) => (at, format!("{state} at {}", format::instant(at))),
        None => (
            change.began_secs,
            "its process ran all the time".to_string(),
        ),
    };
    let _ = writeln!(text, "  {} · {what}", it.instance);
    let words = [
        "the registry suspects it",
        "members of its cluster suspect it",
        "detectors of callers suspect it for good",
        "the list that holds is without it",
        "callers leave it out for good",
    ];
    passage(text, (&it.gone, since), words, it.caller_count);
    if let Some((at, by)) = &it.gone.attempt
        && since <= *at
    {
        line(
            text,
            since,
            *at,
            &format!("last attempt sent to it, by {by}"),
        );
    }
    if 0 < it.wasted_attempt_count {
        let count = format::counted(it.wasted_attempt_count, "attempt");
        let _ = writeln!(
            text,
            "    {:>11}  {count} sent that it could not answer",
            ""
        );
    }
    let since = match it.back.truth {
        Some((at, _)) => at,
        None => change.ended_secs.unwrap_or(change.began_secs),
    };
    if it.back == Passage::default() {
        return;
    }
    let _ = writeln!(text, "    back at {}", format::instant(since));
    let words = [
        "the registry trusts it",
        "members of its cluster trust it",
        "detectors of callers trust it",
        "the list that holds is with it",
        "callers take it back",
    ];
    passage(text, (&it.back, since), words, it.caller_count);
    if let Some((at, by)) = &it.back.attempt {
        line(
            text,
            since,
            *at,
            &format!("first attempt sent to it, by {by}"),
        );
    }
}

/// What is known of one direction, in the order in which it happened.
fn passage(text: &mut String, (it, since): (&Passage, f64), words: [&str; 5], callers: usize) {
    let at = |secs: Option<f64>, what: &str| secs.map(|secs| (secs, what.to_string()));
    let of = |spread: &Option<Spread>, what: &str, whole: Option<usize>| {
        spread
            .as_ref()
            .map(|spread| (spread.first_secs, all(spread, since, what, whole)))
    };
    let lines = [
        at(it.registry_secs, words[0]),
        of(&it.members, words[1], None),
        of(&it.detectors, words[2], None),
        at(it.committed_secs, words[3]),
        of(&it.callers, words[4], Some(callers)),
    ];
    let mut lines: Vec<(f64, String)> = lines.into_iter().flatten().collect();
    lines.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (secs, what) in lines {
        line(text, since, secs, &what);
    }
}

fn all(spread: &Spread, since: f64, what: &str, whole: Option<usize>) -> String {
    let count = match whole {
        Some(whole) => format!("{} of {whole}", spread.count),
        None => format!("{}", spread.count),
    };
    let after = |secs: f64| offset_text(secs - since, "");
    match spread.count {
        1 => format!("{what} ({count}: {})", spread.last_by),
        _ => format!(
            "{what} ({count}): the first; the middle one {}, the last one {}, {}",
            after(spread.median_secs),
            after(spread.last_secs),
            spread.last_by
        ),
    }
}

fn line(text: &mut String, since: f64, at: f64, what: &str) {
    let _ = writeln!(text, "    {:>11}  {what}", offset_text(at - since, "+"));
}

/// `+8.10 s`, with `sign` before what came later, or `30.0 s before`.
fn offset_text(secs: f64, sign: &str) -> String {
    match secs < 0.0 {
        true => format!("{} before", format::secs(-secs)),
        false => format!("{sign}{}", format::secs(secs)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_the_change_is_said_to() {
        let mut text = String::new();
        line(&mut text, 100.0, 108.1, "later");
        line(&mut text, 100.0, 70.0, "earlier");
        let expected = "        +8.10 s  later\n    30.0 s before  earlier\n";
        assert_eq!(text, expected);
        let spread = Spread {
            count: 2,
            first_secs: 70.0,
            median_secs: 70.0,
            last_secs: 103.0,
            last_by: "shop/1".into(),
        };
        assert_eq!(
            all(&spread, 100.0, "callers leave it out", Some(10)),
            "callers leave it out (2 of 10): the first; the middle one 30.0 s before, the last \
             one 3.00 s, shop/1"
        );
    }
}
