//! Mistakes about classes of requests, sizes and bandwidths.

use super::{assert_messages, messages};

const TWO_CLASSES: &str = "[client.shop.class.browse]\nshare = 0.7\n\
                           [client.shop.class.checkout]\nshare = \"20%\"\n";

#[test]
fn shares_of_classes_that_do_not_sum_to_one_say_their_sum() {
    assert_messages(
        TWO_CLASSES,
        r#"
error: the shares of the classes of client `shop` do not sum to 1
  --> bad.toml:14:9
   |
14 | share = "20%"
   |         ^^^^^ their sum is 0.9
   |
help: write shares that sum to 1, like 0.2 and 0.8

bad.toml: 1 error
"#,
    );
}

#[test]
fn a_measure_that_does_not_split_by_class_says_why() {
    for (measure, why) in [
        (
            "connections_open.mean",
            "attempts of all classes share connections",
        ),
        (
            "half_open_time.mean",
            "attempts of all classes share connections",
        ),
        ("throttled_ratio", "stops the work of all classes at once"),
        ("pause_ratio", "pauses or dies as a whole"),
    ] {
        let text = messages(
            TWO_CLASSES,
            &[&format!("expect.users={measure}{{class=shop.browse}} > 0")],
        );
        assert!(
            text.contains("does not split by class"),
            "{measure}: {text}"
        );
        assert!(text.contains(why), "{measure}: {text}");
    }
}

#[test]
fn a_class_needs_one_service_and_sizes_have_units() {
    assert_messages(
        "[client.shop.call.db]\n[service.db]\ncount = 1\nservice_time = \"1ms\"\n\
         [client.shop.class.all]\nshare = 1\nservice_time = \"2ms\"\nrequest_size = 4\n\
         reply_size = \"4Kb\"\n[network]\nsame_zone_bandwidth = \"1Gb/s\"\n",
        r#"
error: a service time at which service?
  --> bad.toml:17:16
   |
17 | service_time = "2ms"
   |                ^^^^^ the client calls several services
   |
help: let the client call one service, which calls the others

error: a size needs a unit
  --> bad.toml:18:16
   |
18 | request_size = 4
   |                ^ write "4B"

error: unknown unit `Kb` of a size
  --> bad.toml:19:14
   |
19 | reply_size = "4Kb"
   |              ^^^^^ expected one of B, KB, MB, GB, TB, KiB, MiB, GiB, TiB

error: unknown unit `Gb/s` of a bandwidth
  --> bad.toml:21:23
   |
21 | same_zone_bandwidth = "1Gb/s"
   |                       ^^^^^^^ expected one of bit/s, kbit/s, Mbit/s, Gbit/s, Tbit/s, or a size like MB/s

bad.toml: 4 errors
"#,
    );
}

#[test]
fn a_fault_says_which_classes_it_can_hit() {
    let classes = TWO_CLASSES.replace("0.7", "0.8");
    let fault = |name: &str, kind: &str, class: &str| {
        format!(
            "[fault.{name}]\nkind = \"{kind}\"\nclass = \"{class}\"\ntarget = \"service:web\"\n\
             at = \"1s\"\n"
        )
    };
    let pause = fault("a", "pause", "checkout");
    let unknown = fault("b", "error", "shop.chekout");
    assert_messages(
        &format!("{classes}{pause}{unknown}"),
        r#"
error: the fault `pause` hits all requests
  --> bad.toml:17:9
   |
17 | class = "checkout"
   |         ^^^^^^^^^^ it cannot hit one class
   |
help: only error, slow, loss and delay can: leave `class` out

error: unknown class `shop.chekout`
  --> bad.toml:22:9
   |
22 | class = "shop.chekout"
   |         ^^^^^^^^^^^^^^ not defined in this scenario
   |
help: did you mean `shop.checkout`?

bad.toml: 2 errors
"#,
    );
}

#[test]
fn a_class_of_several_clients_must_be_named_with_its_client() {
    let other = "[client.kiosk]\narrivals = { process = \"poisson\", rate = \"1/s\" }\n\
                 [client.kiosk.call.web]\n[client.kiosk.class.checkout]\nshare = 1\n";
    let classes = TWO_CLASSES.replace("0.7", "0.8");
    let set = "expect.e=\"success_ratio{class=checkout} >= 1%\"";
    assert_eq!(
        messages(&format!("{other}{classes}"), &[set]),
        r#"
error: several clients have a class `checkout`
 --> --set:1:31
  |
1 | expect.e="success_ratio{class=checkout} >= 1%"
  |                               ^^^^^^^^ not defined in this scenario
  |
help: write `kiosk.checkout` or `shop.checkout`

bad.toml: 1 error
"#
        .trim_start_matches('\n')
    );
}

#[test]
fn at_most_255_classes_fit_in_a_byte() {
    let class = |i| format!("[client.shop.class.c{i:03}]\nshare = {}\n", 1.0 / 256.0);
    let classes: String = (0..256).map(class).collect();
    let text = messages(&classes, &[]);
    assert!(
        text.starts_with("error: 256 classes of requests\n"),
        "{text}"
    );
    assert!(text.contains("at most 255 are possible, all clients together"));
}

#[test]
fn a_bandwidth_without_sizes_draws_a_warning() {
    let text = messages("[network]\nsame_zone_bandwidth = \"1Gbit/s\"\n", &[]);
    assert!(
        text.contains("[W10]") && text.contains("no message has a size"),
        "{text}"
    );
}
