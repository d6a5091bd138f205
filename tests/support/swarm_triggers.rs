//! Random faults that something sets off, that spread or whose victims are replaced, and services
//! that crash under load or scale with it.

#[path = "swarm_noise.rs"]
mod noise;

use std::fmt::Write;

use super::Dice;

/// Tables that follow everything else. `services`: their names, each with the number of instances
/// of its groups.
pub fn tables(dice: &mut Dice, services: &[(&str, Vec<u64>)]) -> String {
    let mut text = String::new();
    for (service, groups) in services {
        if dice.flag() && dice.flag() {
            line(&mut text, &format!("[service.{service}.crash_above]"));
            line(&mut text, &format!("in_flight = {}", dice.between(1, 8)));
        }
        if groups.len() == 1 && dice.flag() && dice.flag() {
            autoscale(dice, &mut text, service, groups[0]);
        }
    }
    let place = dice.between(0, services.len() as u64 - 1) as usize;
    let service = services[place].0;
    if dice.flag() {
        triggered(dice, &mut text, service);
    }
    if dice.flag() {
        replaced(dice, &mut text, service);
    }
    if dice.flag() {
        rolling(dice, &mut text, service);
    }
    noise::tables(dice, &mut text, service);
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes what is written");
}

fn autoscale(dice: &mut Dice, text: &mut String, service: &str, count: u64) {
    line(text, &format!("[service.{service}.autoscale]"));
    let target = dice.between(1, 10) as f64 / 10.0;
    line(text, &format!("target_utilization = {target:?}"));
    line(text, &format!("min = {}", dice.between(1, count)));
    line(text, &format!("max = {}", dice.between(count, count + 4)));
    line(text, &format!("interval = {}", dice.ms(50, 400)));
    line(text, &format!("delay = {}", dice.ms(0, 300)));
    line(text, &format!("cooldown = {}", dice.ms(0, 500)));
    line(text, &format!("grace = {}", dice.ms(0, 200)));
}

/// A fault with a condition, and one that follows it.
fn triggered(dice: &mut Dice, text: &mut String, service: &str) {
    let kind = dice
        .pick(&["crash", "host_loss", "pause", "slow"])
        .to_string();
    line(text, "[fault.when]");
    line(text, &format!("kind = \"{kind}\""));
    line(text, &format!("target = \"1 random of service:{service}\""));
    if kind == "slow" {
        line(text, "factor = 3.0");
    }
    let condition = match dice.between(0, 2) {
        0 => "queue_depth > 0",
        1 => "in_flight > 1",
        _ => "utilization < 80%",
    };
    let hold = dice.ms(0, 100).replace('"', "");
    line(text, &format!("when = \"{condition} for {hold}\""));
    line(text, &format!("for = {}", dice.law(150)));
    if dice.flag() {
        line(text, "again = true");
    }
    match dice.between(0, 2) {
        0 => {
            let among = dice.pick(&["host", "group", "zone"]);
            let delay = dice.law(30);
            let spread = format!("ratio = 0.5, delay = {delay}, among = \"{among}\"");
            line(text, &format!("spread = {{ {spread} }}"));
        }
        1 if kind == "crash" || kind == "host_loss" => {
            line(
                text,
                &format!("replace = {{ after = {} }}", dice.ms(0, 100)),
            );
        }
        _ => {}
    }
    let edge = dice.pick(&["", ".end"]);
    let delay = dice.ms(0, 100).replace('"', "");
    line(text, "[fault.after]");
    line(text, "kind = \"pause\"");
    line(text, &format!("target = \"service:{service}\""));
    line(text, &format!("after = \"fault.when{edge} + {delay}\""));
    line(text, "for = \"50ms\"");
}

fn rolling(dice: &mut Dice, text: &mut String, service: &str) {
    let identity = dice.pick(&["keep", "new"]);
    line(text, "[fault.rolling]");
    line(text, "kind = \"rolling_restart\"");
    line(text, &format!("target = \"service:{service}\""));
    line(text, &format!("at = {}", dice.law(300)));
    line(text, &format!("identity = \"{identity}\""));
    line(
        text,
        &format!("max_unavailable = {}", dice.pick(&["1", "\"60%\""])),
    );
    let order = dice.pick(&["random", "ascending", "descending"]);
    line(text, &format!("order = \"{order}\""));
    line(text, &format!("ready_after = {}", dice.ms(0, 100)));
    if dice.flag() {
        line(text, &format!("batch = {}", dice.between(1, 3)));
    }
    if dice.flag() {
        line(text, "abort_when = \"in_flight > 4 for 20ms\"");
    }
    let (wait, grace) = (dice.ms(0, 100), dice.ms(0, 300));
    let deregister = dice.flag();
    let then = dice.pick(&["goaway", "reset"]);
    let drain = format!("deregister = {deregister}, wait = {wait}, grace = {grace}");
    line(text, &format!("drain = {{ {drain}, then = \"{then}\" }}"));
}

fn replaced(dice: &mut Dice, text: &mut String, service: &str) {
    line(text, "[fault.replaced]");
    let kind = dice.pick(&["crash", "host_loss"]);
    line(text, &format!("kind = \"{kind}\""));
    line(text, &format!("target = \"2 random of service:{service}\""));
    line(text, &format!("at = {}", dice.law(400)));
    if dice.flag() {
        line(text, "for = \"500ms\"");
    }
    let identity = dice.pick(&["keep", "new"]);
    let after = dice.ms(0, 600);
    line(
        text,
        &format!("replace = {{ after = {after}, identity = \"{identity}\" }}"),
    );
}
