//! `junit.xml`: the expectations as tests, for continuous integration.

use std::io::{self, Write};

use super::html::escape;
use super::page::JudgedLine;
use crate::metrics::evaluate::VerdictState;

/// Writes one test case for each expectation. One that failed is a failure; one that could not be
/// decided is an error, because nothing is known.
pub fn write_junit(scenario: &str, lines: &[JudgedLine], out: &mut dyn Write) -> io::Result<()> {
    let count_of = |state| lines.iter().filter(|line| line.state == state).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        lines.len(),
        count_of(VerdictState::Failed),
        count_of(VerdictState::Undecided)
    );
    let scenario = escape(scenario);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"stormglass\" {counts}>")?;
    writeln!(out, "  <testsuite name=\"{scenario}\" {counts}>")?;
    for line in lines {
        let name = escape(&line.name);
        write!(
            out,
            "    <testcase classname=\"{scenario}\" name=\"{name}\""
        )?;
        let tag = match line.state {
            VerdictState::Held => {
                writeln!(out, "/>")?;
                continue;
            }
            VerdictState::Failed => "failure",
            VerdictState::Undecided => "error",
        };
        let mut message = format!(
            "{} is {}, expected {}",
            line.measure, line.value, line.limit
        );
        if !line.remark.is_empty() {
            message = format!("{message} ({})", line.remark);
        }
        let message = escape(&message);
        writeln!(
            out,
            ">\n      <{tag} message=\"{message}\"/>\n    </testcase>"
        )?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expectation_is_a_test_case() {
        let line = |state, name: &str, remark: &str| JudgedLine {
            state,
            name: name.into(),
            measure: "success_ratio during a".into(),
            value: "97.00 %".into(),
            limit: ">= 98.5%".into(),
            remark: remark.into(),
        };
        let lines = [
            line(VerdictState::Held, "fine", ""),
            line(VerdictState::Failed, "lost <&>", "close"),
            line(VerdictState::Undecided, "unknown", ""),
        ];
        let mut out = Vec::new();
        write_junit("a\"b", &lines, &mut out).expect("written");
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="stormglass" tests="3" failures="1" errors="1">
  <testsuite name="a&quot;b" tests="3" failures="1" errors="1">
    <testcase classname="a&quot;b" name="fine"/>
    <testcase classname="a&quot;b" name="lost &lt;&amp;&gt;">
      <failure message="success_ratio during a is 97.00 %, expected &gt;= 98.5% (close)"/>
    </testcase>
    <testcase classname="a&quot;b" name="unknown">
      <error message="success_ratio during a is 97.00 %, expected &gt;= 98.5%"/>
    </testcase>
  </testsuite>
</testsuites>
"#;
        assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
    }
}
