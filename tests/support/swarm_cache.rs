//! Random caches for the swarm: so small and short-lived that short runs meet every answer.

use super::dice::Dice;

/// What every cache has.
fn keys(dice: &mut Dice) -> Vec<String> {
    let (capacity, coalesce) = (dice.between(1, 40), dice.flag());
    let mut keys = vec![
        format!("capacity = {capacity}"),
        format!("coalesce = {coalesce}"),
    ];
    if dice.flag() {
        keys.push(format!("hit_time = {}", dice.law(3)));
    }
    if dice.flag() {
        keys.push(format!("ttl = {}", dice.ms(20, 800)));
        if dice.flag() {
            keys.push("ttl_jitter = 0.5".to_string());
        }
        if dice.flag() {
            keys.push(format!("stale_while_revalidate = {}", dice.ms(10, 300)));
        }
    }
    keys
}

/// The cache of a call.
pub fn of_call(dice: &mut Dice) -> String {
    let per = dice.pick(&["caller", "zone"]);
    format!("cache = {{ {}, per = \"{per}\" }}", keys(dice).join(", "))
}

/// Lines of the cache of a service that calls these services.
pub fn of_service(dice: &mut Dice, callees: &[&str]) -> String {
    let keys = keys(dice);
    let miss = match callees {
        [] => format!("time = {}", dice.law(20)),
        _ if dice.flag() => format!("time = {}", dice.law(20)),
        _ => format!("call = \"{}\"", dice.pick(callees)),
    };
    format!("{}\nmiss = {{ {miss} }}", keys.join("\n"))
}
