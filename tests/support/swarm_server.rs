//! Random settings of servers under load.

use crate::dice::Dice;

/// Further keys of a queue of this discipline, each after a comma.
pub fn queue_rules(dice: &mut Dice, discipline: &str, has_limit: bool) -> String {
    let mut keys = String::new();
    if discipline == "ps" || dice.flag() {
        return keys;
    }
    if discipline == "adaptive_lifo" && dice.flag() {
        keys += &format!(", lifo_above = {}", dice.between(0, 3));
    }
    if dice.flag() {
        let (target, interval) = (dice.ms(1, 10), dice.ms(10, 100));
        keys += &format!(", codel = {{ target = {target}, interval = {interval} }}");
    }
    if dice.flag() {
        keys += ", priority = true";
        if has_limit && dice.flag() {
            keys += &format!(", shed = \"{}%\"", dice.between(0, 100));
        }
    }
    keys
}

/// The service time of a service, in one part or in two.
pub fn service_time(dice: &mut Dice) -> String {
    match dice.between(0, 2) {
        0 => format!("{{ cpu = {}, wait = {} }}", dice.law(5), dice.law(5)),
        _ => dice.law(8),
    }
}

/// Lines of a service.
pub fn service_lines(dice: &mut Dice, discipline: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if discipline != "ps" && dice.flag() {
        if dice.flag() {
            lines.push(format!("cores = {}.5", dice.between(0, 3)));
        }
        if dice.flag() {
            let cores = dice.between(0, 2);
            let period = dice.ms(5, 100);
            lines.push(format!(
                "cpu_quota = {{ cores = {cores}.3, period = {period} }}"
            ));
        }
    }
    if dice.flag() {
        let shape = dice.pick(&["linear", "step"]);
        let (length, at_start) = (dice.ms(50, 2_000), dice.flag());
        lines.push(format!(
            "warmup = {{ factor = 4.5, for = {length}, shape = \"{shape}\", \
             at_start = {at_start} }}"
        ));
    }
    if dice.flag() {
        lines.push(format!(
            "pauses = {{ every = {}, for = {} }}",
            dice.law(300),
            dice.law(20)
        ));
    }
    lines
}

/// Further keys of a detector, each after a comma.
pub fn ping_keys(dice: &mut Dice) -> String {
    if dice.flag() {
        return String::new();
    }
    format!(", path = \"queued\", service_time = {}", dice.law(1))
}
