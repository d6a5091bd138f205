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
