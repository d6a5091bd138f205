//! How the calls of a random scenario follow one another.

use super::dice::Dice;

/// The stage of a call: one of two, so that some calls of one owner are parallel.
pub fn stage(dice: &mut Dice, has_stages: bool) -> Option<u64> {
    has_stages.then(|| dice.between(1, 2))
}

/// How a call takes part in the work of its owner.
pub fn lines(dice: &mut Dice, owner: &str, stage: Option<u64>) -> String {
    let is_of_service = owner.starts_with("service");
    let mut lines = Vec::new();
    lines.extend(stage.map(|stage| format!("stage = {stage}")));
    let is_detached = dice.between(0, 7) == 0;
    if dice.between(0, 3) == 0 {
        let count = dice.between(1, 5);
        // Clients have laws of keys of their own, and lead to the same services.
        let keys = match is_of_service {
            true => "same",
            false => dice.pick(&["same", "each"]),
        };
        let required = match is_detached || dice.flag() {
            true => String::new(),
            false => format!(", required_count = {}", dice.between(1, count)),
        };
        lines.push(format!(
            "fanout = {{ count = {count}, keys = \"{keys}\"{required} }}"
        ));
    }
    if is_detached {
        lines.push("detached = true".to_string());
        return lines.join("\n");
    }
    if dice.between(0, 2) == 0 {
        lines.push("optional = true".to_string());
        lines.push(format!("fallback_time = {}", dice.ms(0, 30)));
    }
    // The calls of one stage are all asynchronous, or none is.
    if is_of_service && (stage == Some(2) || stage.is_none() && dice.flag()) {
        lines.push("async = true".to_string());
    }
    lines.join("\n")
}
