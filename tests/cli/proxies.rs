//! `stormglass proxies`.

use super::support::Stormglass;

#[test]
fn proxies_are_listed_with_their_versions_and_evidence() {
    let said = Stormglass::new().say(&["proxies"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for part in ["nginx 1.22.1; recorded", "HAProxy 2.6.12", "Envoy 1.39.3"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    assert!(said.out.lines().all(|line| line.len() <= 120));
}

#[test]
fn a_proxy_is_explained_with_its_parameters_and_what_is_assumed() {
    let said = Stormglass::new().say(&["proxies", "nginx"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for part in [
        "nginx-fail-blackhole.json",
        "fail_timeout = \"10s\"",
        "processing_time = \"50us\"",
        "(assumed)",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    assert!(!said.out.contains("nbthread"), "{}", said.out);
}

#[test]
fn an_unknown_proxy_is_refused_with_the_nearest_one() {
    let said = Stormglass::new().say(&["proxies", "ngnix"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert_eq!(
        said.err,
        "error: no proxy is called `ngnix`; did you mean `nginx`?\n"
    );
}
