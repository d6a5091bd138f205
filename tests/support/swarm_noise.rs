//! Random faults that repeat by themselves, or that hit only some messages.

use super::{Dice, line};

/// Tables of faults: pauses of each process, nodes that flap, clocks that drift, and links that
/// lose heartbeats or requests alone.
pub fn tables(dice: &mut Dice, text: &mut String, service: &str) {
    let target = format!("target = \"service:{service}\"");
    if dice.flag() && dice.flag() {
        line(text, "[fault.gc]\nkind = \"gc_pause\"");
        line(text, &target);
        line(text, &format!("every = {}", dice.law(300)));
        line(text, &format!("for = {}", dice.law(60)));
        if dice.flag() {
            line(text, &format!("at = {}", dice.law(200)));
        }
    }
    if dice.flag() && dice.flag() {
        let state = dice.pick(&["crash", "host_loss", "pause"]);
        line(text, "[fault.flap]\nkind = \"flapping\"");
        line(text, &target);
        line(text, &format!("state = \"{state}\""));
        line(text, &format!("at = {}", dice.law(300)));
        line(text, &format!("down = {}", dice.ms(20, 300)));
        line(text, &format!("up = {}", dice.law(200)));
        if dice.flag() {
            line(text, "for = \"900ms\"\nevery = \"200ms\"");
        }
    }
    if dice.flag() && dice.flag() {
        line(text, "[fault.drift]\nkind = \"clock_drift\"");
        line(text, &target);
        let drift = dice.pick(&["-40%", "2%", "50%"]);
        line(text, &format!("drift = \"{drift}\""));
        line(text, &format!("at = {}", dice.law(300)));
        line(text, "for = \"700ms\"");
    }
    if dice.flag() && dice.flag() {
        partial(dice, text);
    }
}

fn partial(dice: &mut Dice, text: &mut String) {
    let kind = dice.pick(&["loss", "delay", "partition", "clog"]);
    let only = dice.pick(&["heartbeats", "requests"]);
    line(text, &format!("[fault.partial]\nkind = \"{kind}\""));
    line(text, &format!("only = \"{only}\""));
    let from = dice.pick(&["service:*", "client:*"]);
    let to = dice.pick(&["zone:*", "service:*"]);
    line(text, &format!("from = \"{from}\"\nto = \"{to}\""));
    match kind {
        "loss" => line(text, &format!("loss = {}", dice.loss())),
        "delay" => line(text, &format!("delay = {}", dice.law(50))),
        _ => {}
    }
    line(text, &format!("at = {}", dice.law(300)));
    line(text, &format!("for = {}", dice.law(300)));
    if dice.flag() {
        line(text, &format!("every = {}", dice.law(300)));
    }
}
