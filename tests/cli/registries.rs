//! `stormglass registries`.

use super::support::Stormglass;

#[test]
fn registries_are_listed_with_their_versions_and_evidence() {
    let said = Stormglass::new().say(&["registries"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for name in ["static", "lease", "zookeeper", "etcd"] {
        let start = format!("  {name} ");
        assert!(said.out.lines().any(|l| l.starts_with(&start)), "{name}");
    }
    assert!(said.out.contains("ZooKeeper 3.8"), "{}", said.out);
    assert!(said.out.lines().all(|line| line.len() <= 120));
}

#[test]
fn a_registry_is_explained_with_its_parameters_and_what_is_assumed() {
    let said = Stormglass::new().say(&["registries", "zookeeper"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for part in [
        "tick_time = \"2s\"",
        "max_session_timeout = ... (default: 20 x tick_time)",
        "recorded: ZooKeeper 3.8.0",
        "sync_time = \"5ms\"",
        "(assumed)",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    // The plain leases have no machines.
    let said = Stormglass::new().say(&["registries", "lease"]);
    assert!(!said.out.contains("sync_time"), "{}", said.out);
}

#[test]
fn an_unknown_registry_is_refused_with_the_nearest_one() {
    let said = Stormglass::new().say(&["registries", "zookeper"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert_eq!(
        said.err,
        "error: no registry is called `zookeper`; did you mean `zookeeper`?\n"
    );
}
