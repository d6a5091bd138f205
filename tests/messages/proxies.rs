//! Proxies.

use super::assert_messages;

#[test]
fn a_proxy_of_no_known_kind_and_one_named_like_a_service() {
    assert_messages(
        "[proxy.edge]\n\
         kind = \"ngnix\"\n\
         upstream = \"web\"\n\
         count = 1\n\
         [proxy.web]\n\
         kind = \"nginx\"\n\
         upstream = \"web\"\n\
         count = 2\n\
         timeout_connect = \"1s\"\n",
        r#"
error: unknown kind `ngnix` in proxy `edge`
  --> bad.toml:12:8
   |
12 | kind = "ngnix"
   |        ^^^^^^^ not a kind that is built
   |
help: did you mean `nginx`?

error: both a service and a proxy are called `web`
  --> bad.toml:15:8
   |
15 | [proxy.web]
   |        ^^^ the second one
   |
help: calls name both alike, so give the proxy a name of its own

error: unknown key `timeout_connect` in proxy `web`
  --> bad.toml:19:1
   |
19 | timeout_connect = "1s"
   | ^^^^^^^^^^^^^^^ not a key of this proxy
   |
help: `timeout_connect` belongs to `kind = "haproxy"`

bad.toml: 3 errors
"#,
    );
}

#[test]
fn a_proxy_before_nothing_or_before_itself() {
    assert_messages(
        "[proxy.edge]\n\
         kind = \"nginx\"\n\
         upstream = \"wbe\"\n\
         count = 1\n\
         [proxy.out]\n\
         kind = \"envoy\"\n\
         upstream = \"out\"\n\
         count = 1\n\
         [proxy.none]\n\
         kind = \"envoy\"\n\
         count = 1\n",
        r#"
error: unknown service `wbe`
  --> bad.toml:13:12
   |
13 | upstream = "wbe"
   |            ^^^^^ not defined in this scenario
   |
help: did you mean `web`?

error: services call in a circle: out -> out
  --> bad.toml:17:12
   |
17 | upstream = "out"
   |            ^^^^^ this call closes the circle

error: missing key `upstream` in proxy `none`
  --> bad.toml:19:1
   |
19 | [proxy.none]
   | ^^^^^^^^^^^^
   |
help: `upstream`: The service, or the proxy, that it forwards to.

bad.toml: 3 errors
"#,
    );
}

#[test]
fn what_would_have_no_effect_is_refused() {
    assert_messages(
        "[proxy.edge]\n\
         kind = \"nginx\"\n\
         upstream = \"web\"\n\
         count = 1\n\
         max_fails = 2\n\
         balancer = { policy = \"random\", ejection = \"envoy_outlier\" }\n\
         [proxy.out]\n\
         kind = \"haproxy\"\n\
         upstream = \"web\"\n\
         check = false\n\
         detector = {}\n\
         timeout_queue = \"1s\"\n\
         group.a = { count = 2, workers = 3 }\n",
        r#"
error: `max_fails` beside an ejection
  --> bad.toml:15:13
   |
15 | max_fails = 2
   |             ^ `balancer.ejection` says it already
   |
help: write it in one place only

error: a detector that checks nothing
  --> bad.toml:21:12
   |
21 | detector = {}
   |            ^^ `check` is false
   |
help: drop `check` or `detector`

error: a queue where nobody waits
  --> bad.toml:22:17
   |
22 | timeout_queue = "1s"
   |                 ^^^^ `maxconn` is 0, no bound
   |
help: write `maxconn = 100` or drop `timeout_queue`

error: `workers` in a group of a proxy
  --> bad.toml:23:24
   |
23 | group.a = { count = 2, workers = 3 }
   |                        ^^^^^^^ all replicas have the workers of the proxy
   |
help: drop it; two proxies can differ

bad.toml: 4 errors
"#,
    );
}

#[test]
fn a_selector_names_a_proxy_that_there_is() {
    assert_messages(
        "[proxy.lan]\n\
         kind = \"envoy\"\n\
         upstream = \"web\"\n\
         count = 2\n\
         [fault.a]\n\
         kind = \"crash\"\n\
         target = \"proxy:lam\"\n\
         at = \"1s\"\n\
         for = \"1s\"\n\
         [fault.b]\n\
         kind = \"crash\"\n\
         target = \"proxy:lan[2]\"\n\
         at = \"1s\"\n\
         for = \"1s\"\n\
         [fault.c]\n\
         kind = \"crash\"\n\
         target = \"proxy:web\"\n\
         at = \"1s\"\n\
         for = \"1s\"\n",
        r#"
error: unknown proxy `lam`
  --> bad.toml:17:10
   |
17 | target = "proxy:lam"
   |          ^^^^^^^^^^^ not defined in this scenario
   |
help: did you mean `lan`?

error: unknown replica `lan[2]`
  --> bad.toml:22:10
   |
22 | target = "proxy:lan[2]"
   |          ^^^^^^^^^^^^^^ not defined in this scenario
   |
help: the replicas are lan[0] to lan[1]

error: unknown proxy `web`
  --> bad.toml:27:10
   |
27 | target = "proxy:web"
   |          ^^^^^^^^^^^ not defined in this scenario
   |
help: the only proxy is `lan`

bad.toml: 3 errors
"#,
    );
}

#[test]
fn a_proxy_needs_replicas_and_connections() {
    assert_messages(
        "[network]\n\
         transport = \"datagram\"\n\
         [proxy.edge]\n\
         kind = \"nginx\"\n\
         upstream = \"web\"\n",
        r#"
error: connections over datagrams
  --> bad.toml:13:1
   |
13 | [proxy.edge]
   | ^^^^^^^^^^^^ `transport` is "datagram"
   |
help: write `transport = "stream"` in [network]

error: proxy `edge` has no instances
  --> bad.toml:13:8
   |
13 | [proxy.edge]
   |        ^^^^ no `count` and no group
   |
help: write `count = 3`, or a table like `[proxy.NAME.group.a]`

bad.toml: 2 errors
"#,
    );
}
