//! `stormglass strategies`.

use super::support::Stormglass;

#[test]
fn strategies_are_listed_by_family_with_the_advice_of_the_textbook() {
    let said = Stormglass::new().say(&["strategies"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for line in ["plain", "told by the instances"] {
        assert!(said.out.lines().any(|l| l == line), "{}", said.out);
    }
    let random = said.out.lines().find(|l| l.starts_with("  random "));
    let random = random.expect("a line for random");
    assert!(random.ends_with("uniform over the candidates, each pick for itself"));
    let words: Vec<&str> = said.out.split_whitespace().collect();
    let text = words.join(" ");
    assert!(
        text.contains(
            "random or round_robin for idempotent requests on equal servers, weighted_random for \
             unequal servers, sticky for stateful ones, and failover (retry) by business need"
        ),
        "{text}"
    );
    assert!(said.out.lines().all(|line| line.len() <= 120));
}

#[test]
fn a_strategy_is_explained_with_parameters_source_and_evidence() {
    let said = Stormglass::new().say(&["strategies", "grpc_weighted_round_robin"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for start in [
        "use when    ",
        "not when    ",
        "guarantee   ",
        "cost        ",
        "source      gRPC: gRFC A58",
        "evidence    source reading: ",
        "  blackout = \"10s\"",
        "  expiration = \"180s\"",
        "  reports = \"reply\" (one of reply, out_of_band)",
        "  report_interval = \"10s\" (only if reports = \"out_of_band\")",
    ] {
        assert!(said.out.lines().any(|l| l.starts_with(start)), "{start}");
    }
    let said = Stormglass::new().say(&["strategies", "random"]);
    assert!(
        said.out.ends_with("\nIt has no parameters.\n"),
        "{}",
        said.out
    );
}

#[test]
fn an_unknown_strategy_is_refused_with_the_nearest_one() {
    let said = Stormglass::new().say(&["strategies", "prequel"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert_eq!(
        said.err,
        "error: no strategy is called `prequel`; did you mean `prequal`?\n"
    );
    let said = Stormglass::new().say(&["strategies", "zzz"]);
    assert!(said.err.ends_with("`stormglass strategies` lists them\n"));
}
