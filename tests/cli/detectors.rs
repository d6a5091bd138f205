//! `stormglass detectors`.

use super::support::Stormglass;

#[test]
fn detectors_are_listed_with_a_line_each() {
    let said = Stormglass::new().say(&["detectors"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for name in [
        "ping",
        "haproxy_check",
        "envoy_health_check",
        "timeout",
        "chen_nfd_s",
        "bertier",
        "phi_akka",
    ] {
        let start = format!("  {name} ");
        assert!(said.out.lines().any(|l| l.starts_with(&start)), "{name}");
    }
    // Passive ones are strategies as well, and are explained there.
    for name in ["nginx_max_fails", "envoy_outlier", "grpc_outlier"] {
        assert!(said.out.contains(name), "{name}");
    }
    assert!(said.out.lines().all(|line| line.len() <= 120));
}

#[test]
fn a_detector_is_explained_with_the_parameters_of_its_form() {
    let said = Stormglass::new().say(&["detectors", "phi_akka"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for part in ["acceptable_heartbeat_pause = \"3s\"", "threshold = 8.0"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    assert!(!said.out.contains("max_local_pause ="), "{}", said.out);
    // The name of a kind explains all its forms.
    let said = Stormglass::new().say(&["detectors", "phi_accrual"]);
    for name in ["phi_paper  ", "phi_akka  ", "phi_cassandra  "] {
        assert!(said.out.lines().any(|l| l.starts_with(name)), "{name}");
    }
}

#[test]
fn an_unknown_detector_is_refused_with_the_nearest_one() {
    let said = Stormglass::new().say(&["detectors", "bertie"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert_eq!(
        said.err,
        "error: no detector is called `bertie`; did you mean `bertier`?\n"
    );
}
