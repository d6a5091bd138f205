//! Mistakes about what sets off a fault, what follows it, and scaling.

use super::messages;

/// The rest of a crash of `service:web`, and parts of what is said about it.
const START_MISTAKES: [(&str, &str, &str); 15] = [
    (
        "",
        "missing key `at` in fault `x`",
        "write when it begins: `at = \"60s\"`, or `after` or `when`",
    ),
    (
        "at = \"1s\"\nwhen = \"in_flight > 3\"\n",
        "fault `x` begins in two ways",
        "keep one of `at`, `after` and `when`",
    ),
    (
        "when = \"load > 3\"\n",
        "unknown quantity `load`",
        "the quantities are queue_depth, in_flight and utilization",
    ),
    (
        "when = \"in_flight = 3\"\n",
        "`in_flight = 3` compares nothing",
        "expected something like \"queue_depth > 500 for 5s\"",
    ),
    (
        "when = \"in_flight > 3 for long\"\n",
        "`in_flight > 3 for long` does not say for how long",
        "expected something like",
    ),
    (
        "when = \"in_flight > many\"\n",
        "`many` is no limit",
        "expected something like",
    ),
    (
        "when = \"in_flight of client:shop > 3\"\n",
        "the condition is not one of instances",
        "say which instances: `queue_depth of service:web > 500 for 5s`",
    ),
    (
        "when = \"in_flight > 3\"\nagain = true\n",
        "fault `x` repeats and never ends",
        "write how long a window lasts, like `for = \"10s\"`",
    ),
    (
        "when = \"in_flight > 3\"\neach = true\n",
        "`each` needs `at`",
        "leave `each` out; `again = true` repeats `when`",
    ),
    (
        "at = \"1s\"\nagain = true\n",
        "`again` repeats a condition",
        "`when` is not set",
    ),
    (
        "after = \"x + 2s\"\n",
        "`x + 2s` names no window of a fault",
        "expected something like \"fault.x + 2s\" or \"fault.x.end + 2s\"",
    ),
    (
        "after = \"fault.y\"\n",
        "unknown fault `y`",
        "the only fault is `x`",
    ),
    (
        "after = \"fault.x.end\"\n",
        "fault `x` waits for itself",
        "let one of them begin by `at` or `when`",
    ),
    (
        "at = \"1s\"\nreplace = { after = \"1s\", zone = \"a\" }\n",
        "an instance in another zone is another instance",
        "write `identity = \"new\"`",
    ),
    (
        "at = \"1s\"\nfor = \"1s\"\nevery = \"1s\"\n\
         replace = { after = \"1s\", identity = \"new\" }\n",
        "new instances without number",
        "leave `every` out, or write `identity = \"keep\"`",
    ),
];

/// The rest of a rolling restart of `service:web` at 1 s.
const ROLLING_MISTAKES: [(&str, &str, &str); 9] = [
    (
        "for = \"1s\"\n",
        "`for` of a rolling restart",
        "leave it out; `after` begins another one",
    ),
    (
        "max_surge = 0\nmax_unavailable = \"0%\"\n",
        "a rolling restart that cannot begin",
        "let one of them be above 0",
    ),
    (
        "identity = \"keep\"\nmax_surge = 1\n",
        "a surge of instances that keep their names",
        "leave `max_surge` out, or write `identity = \"new\"`",
    ),
    (
        "identity = \"keep\"\nmax_unavailable = 0\n",
        "a rolling restart that cannot begin",
        "let one of them be above 0",
    ),
    (
        "batch = 0\n",
        "a batch of nobody",
        "leave `batch` out to restart without batches",
    ),
    (
        "max_surge = \"two\"\n",
        "a whole number, or a share like \"25%\"",
        "",
    ),
    ("max_surge = \"125%\"\n", "125%", ""),
    ("drain = { then = \"wait\" }\n", "wait", "goaway"),
    (
        "abort_when = \"in_flight of client:shop > 3\"\n",
        "the condition is not one of instances",
        "say which instances",
    ),
];

#[test]
fn a_rolling_restart_that_makes_no_sense_is_refused() {
    let fault = "[fault.x]\nkind = \"rolling_restart\"\ntarget = \"service:web\"\nat = \"1s\"\n";
    for (rest, title, help) in ROLLING_MISTAKES {
        let text = messages(&format!("{fault}{rest}"), &[]);
        let is_said = text.contains(title) && text.contains(help);
        assert!(is_said, "{rest}: {text}");
    }
    let again = fault.replace("at = \"1s\"", "when = \"in_flight > 3\"\nagain = true");
    assert!(messages(&again, &[]).contains("new instances without number"));
    let registry = fault.replace("service:web", "client:shop");
    assert!(messages(&registry, &[]).contains("cannot have the fault `rolling_restart`"));
}

#[test]
fn faults_of_nodes_that_make_no_sense_are_refused() {
    let fault = |kind: &str, rest: &str| {
        let text = format!("[fault.x]\nkind = \"{kind}\"\ntarget = \"service:web\"\n{rest}");
        messages(&text, &[])
    };
    let gc = "for = \"1s\"\n";
    for (text, parts) in [
        (
            fault("gc_pause", gc),
            ["missing key `every`", "write both laws"],
        ),
        (
            fault(
                "gc_pause",
                "every = \"1s\"\nfor = \"1s\"\nwhen = \"in_flight > 3\"\n",
            ),
            [
                "`when` of pauses of each process",
                "write `kind = \"pause\"`",
            ],
        ),
        (
            fault("flapping", "at = \"1s\"\nup = \"0s\"\ndown = \"0s\"\n"),
            [
                "flaps without end at one instant",
                "let one of them be above zero",
            ],
        ),
        (
            fault("clock_drift", "at = \"1s\"\ndrift = \"3\"\n"),
            ["a clock drift out of range", "from -0.5 to 0.5"],
        ),
    ] {
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
    let of_registry = "[registry]\nprofile = \"lease\"\n[fault.x]\nkind = \"clock_drift\"\n\
                       target = \"registry:*\"\nat = \"1s\"\ndrift = \"1%\"\n";
    let text = messages(of_registry, &[]);
    assert!(text.contains("only instances and callers can"), "{text}");
}

#[test]
fn a_share_of_nodes_says_how_it_is_written() {
    let crash = "[fault.x]\nkind = \"crash\"\ntarget = \"2 of service:web\"\nat = \"1s\"\n";
    let text = messages(crash, &[]);
    assert!(text.contains("`2` is no number of nodes"), "{text}");
    assert!(
        text.contains("a share is written \"20% of service:web\""),
        "{text}"
    );
    assert_eq!(
        messages(&crash.replace("2 of", "50% of"), &[]),
        "bad.toml: ok\n"
    );
    // The same faults of links, which have no targets of their own to be told apart.
    let cut = "[fault.x]\nkind = \"partition\"\nfrom = \"20% of service:web\"\n\
               to = \"client:shop\"\n\
               when = \"in_flight of 10% of service:web > 3\"\n";
    assert!(messages(cut, &[]).contains("bad.toml: 1 warning"));
}

#[test]
fn what_sets_off_a_fault_says_what_to_write() {
    let fault =
        |rest: &str| format!("[fault.x]\nkind = \"crash\"\ntarget = \"service:web\"\n{rest}");
    for (rest, title, help) in START_MISTAKES {
        let text = messages(&fault(rest), &[]);
        assert!(
            text.contains(title) && text.contains(help),
            "{rest}: {text}"
        );
    }
    let of_caller = "[fault.x]\nkind = \"crash\"\ntarget = \"client:shop\"\nat = \"1s\"\n\
                     replace.after = \"1s\"\n";
    assert!(messages(of_caller, &[]).contains("`replace` of what is no instance"));
    let spread = of_caller.replace("replace.after = \"1s\"", "spread.ratio = 1.0");
    assert!(messages(&spread, &[]).contains("`spread` of what is no instance"));
}

#[test]
fn a_caller_cannot_be_slow_and_hears_what_would_make_it_late() {
    let slow = "[fault.x]\nkind = \"slow\"\nfactor = 2\ntarget = \"client:shop\"\nat = \"1s\"\n";
    let said = messages(slow, &[]);
    assert!(
        said.contains("`client:shop` cannot have the fault `slow`"),
        "{said}"
    );
    assert!(
        said.contains("`delay` from and to it makes its messages late"),
        "{said}"
    );
    assert!(said.contains("is slowed as `service:NAME`"), "{said}");
    let of_service = slow.replace("client:shop", "service:web");
    assert!(!messages(&of_service, &[]).contains("error"), "{slow}");
}

#[test]
fn scaling_and_crash_bounds_that_make_no_sense_are_refused() {
    for (set, title, help) in [
        (
            "service.web.crash_above={}",
            "a crash bound without a bound",
            "write `crash_above = { queue = 1000 }`",
        ),
        (
            "service.web.crash_above.queue=1000",
            "a crash bound that no queue reaches",
            "raise `queue.limit`, or write \"unlimited\"",
        ),
        (
            "service.web.autoscale={ target_utilization = 0.5, max = 2 }",
            "an autoscaler whose bounds leave out the start",
            "expected min <= count <= max",
        ),
        (
            "service.web.autoscale={ target_utilization = 0.5, min = 4, max = 5 }",
            "an autoscaler whose bounds leave out the start",
            "the service starts with 3",
        ),
    ] {
        let text = messages("", &[set]);
        assert!(text.contains(title) && text.contains(help), "{set}: {text}");
    }
}

#[test]
fn what_only_some_messages_suffer_is_named() {
    let links = "from = \"service:web\"\nto = \"client:shop\"\nat = \"1s\"\n";
    let loss = format!("[fault.x]\nkind = \"loss\"\nloss = 0.1\n{links}");
    let of = |only: &str| messages(&format!("{loss}only = \"{only}\"\n"), &[]);
    assert_eq!(
        of("heartbeats"),
        "bad.toml: ok\n",
        "no request waits for one"
    );
    assert!(of("requests").contains("requests of `client.shop.call.web` may never end"));
    let text = messages(&format!("{loss}only = \"heartbeat\"\n"), &[]);
    assert!(text.contains("did you mean `heartbeats`"), "{text}");
    let class = "only = \"heartbeats\"\nclass = \"shop.x\"\n";
    let text = messages(&format!("{loss}{class}"), &["client.shop.class.x.share=1"]);
    assert!(text.contains("no heartbeat has a class"), "{text}");
    assert!(text.contains("write `only = \"requests\"`"), "{text}");
    let crash = "[fault.x]\nkind = \"crash\"\ntarget = \"service:web\"\nat = \"1s\"\n";
    let text = messages(&format!("{crash}only = \"requests\"\n"), &[]);
    assert!(text.contains("unknown key `only`"), "{text}");
}

#[test]
fn what_a_member_of_a_registry_cannot_suffer_is_refused() {
    let fault = |profile: &str, kind: &str, rest: &str| {
        let text = format!(
            "[registry]\nprofile = \"{profile}\"\n[fault.x]\nkind = \"{kind}\"\nat = \"1s\"\n{rest}"
        );
        messages(&text, &[])
    };
    let leader = "target = \"registry:leader\"\n";
    for (text, title, help) in [
        (
            fault("lease", "slow", "target = \"registry:*\"\nfactor = 2\n"),
            "the members of a `lease` registry do no work",
            "choose the profile of a real system",
        ),
        (
            fault("lease", "crash", leader),
            "a registry of the profile `lease` has no leader",
            "profiles with one: zookeeper, consul, etcd",
        ),
        (
            fault("static", "crash", leader),
            "the registry is static and has no members",
            "",
        ),
        (
            fault("etcd", "crash", &format!("{leader}each = true\n")),
            "who leads is not known before the run",
            "leave `each` and lots out",
        ),
        (
            fault(
                "etcd",
                "slow",
                &format!("{leader}factor = 2\nclass = \"shop.x\"\n"),
            ),
            "no request reaches a member of the registry",
            "leave `class` out",
        ),
        (
            fault("etcd", "error", leader),
            "cannot have the fault `error`",
            "",
        ),
    ] {
        assert!(text.contains(title) && text.contains(help), "{text}");
    }
    let link = "[registry]\nprofile = \"etcd\"\n[network.link.x]\nfrom = \"registry:leader\"\n\
                to = \"service:web\"\ndelay = \"1s\"\n";
    let text = messages(link, &[]);
    assert!(
        text.contains("who leads changes, and a link stays as it is"),
        "{text}"
    );
    let ok = fault("etcd", "slow", &format!("{leader}factor = 2\n"));
    assert_eq!(ok, "bad.toml: ok\n");
}
