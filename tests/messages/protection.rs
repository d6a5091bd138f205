//! Mistakes about budgets, breakers and limits.

use super::assert_messages;

#[test]
fn protection_says_which_forms_and_ranges_there_are() {
    assert_messages(
        "retry.budget = \"grcp\"\n\
         retry.on = [\"timeout\", \"errors\"]\n\
         breaker = { kind = \"hystrix\", failure_ratio = 0 }\n\
         concurrency_limit = { kind = \"aimd\", initial = 5 }\n",
        r#"
error: unknown kind `grcp` in budget
  --> bad.toml:11:16
   |
11 | retry.budget = "grcp"
   |                ^^^^^^ not a kind that is built
   |
help: did you mean `grpc`?

error: unknown value `errors`
  --> bad.toml:12:24
   |
12 | retry.on = ["timeout", "errors"]
   |                        ^^^^^^^^ expected one of refused, connect_timeout, reset_unsent, reset_sent, timeout, rejected, error
   |
help: did you mean `error`?

error: `failure_ratio` is zero
  --> bad.toml:13:47
   |
13 | breaker = { kind = "hystrix", failure_ratio = 0 }
   |                                               ^ the breaker would always open
   |
help: expected a ratio above 0, at most 100%

error: a limit that begins outside its range
  --> bad.toml:14:48
   |
14 | concurrency_limit = { kind = "aimd", initial = 5 }
   |                                                ^ `initial` is 5, the range 20 to 200
   |
help: expected min <= initial <= max

bad.toml: 4 errors
"#,
    );
}
