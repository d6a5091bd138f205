//! What a run takes stays below what is estimated for it, also when many members of a cluster fail.
//! Linux tells the most that a process took.
#![cfg(target_os = "linux")]

#[path = "support/run.rs"]
#[allow(dead_code, reason = "it runs on one queue")]
mod run;
#[path = "support/text.rs"]
mod text;

use stormglass::model::observation::NoObserver;
use stormglass::scenario::load::limits::estimate;

const MEMBER_COUNT: u32 = 800;

/// A line of `/proc/self/status`, in bytes.
fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = text.lines().find(|line| line.starts_with(key));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    number.expect("a number of kB") * 1024
}

fn world(gossip: &str, fault: &str) -> String {
    format!(
        "schema = 1\nduration = \"60s\"\ndrain = \"1s\"\n\
         [network]\nsame_zone = \"1ms\"\n\
         [service.s]\nservice_time = \"1ms\"\n{gossip}\
         [service.s.group.a]\ncount = {half}\nzone = \"a\"\n\
         [service.s.group.b]\ncount = {half}\nzone = \"b\"\n\
         [client.c]\narrivals = {{ process = \"constant\", rate = \"1/s\" }}\n\
         [client.c.call.s]\nattempt_timeout = \"1s\"\n\
         [fault.x]\nat = \"15s\"\n{fault}",
        half = MEMBER_COUNT / 2,
    )
}

#[test]
fn mass_failures_take_no_more_than_is_estimated() {
    let gossips = [
        "gossip = { profile = \"swim\" }\n",
        "gossip = { profile = \"memberlist_lan\" }\n",
    ];
    let consul = "[registry]\nprofile = \"consul\"\npath = \"bypass\"\n";
    let lost = "kind = \"host_loss\"\ntarget = \"300 random of service:s\"\n";
    let split = "kind = \"partition\"\nfrom = \"zone:a\"\nto = \"zone:b\"\nfor = \"30s\"\n";
    let worlds = gossips.iter().flat_map(|gossip| {
        let faults = [lost, split].into_iter();
        faults.map(move |fault| world(gossip, fault))
    });
    for text in worlds.chain([format!("{}{consul}", world("", lost))]) {
        let scenario = text::scenario(&text, &[]);
        let estimated = estimate(&scenario).memory_bytes;
        // From here on the most that is taken counts anew.
        std::fs::write("/proc/self/clear_refs", "5").expect("it is our own");
        let before = status("VmRSS");
        run::run(&scenario, 1, &mut NoObserver);
        let taken = status("VmHWM").saturating_sub(before);
        assert!(taken < estimated, "{taken} of {estimated}: {text}");
        // What is far too much would refuse scenarios that fit.
        assert!(
            estimated < 12 * taken.max(8 << 20),
            "{estimated} for {taken}: {text}"
        );
    }
}
