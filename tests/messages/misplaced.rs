//! What stands where something else is taken.

use super::{assert_messages, messages};

/// The title, the label and the help of the first message, in one line each.
fn first(more: &str) -> Vec<String> {
    let text = messages(more, &[]);
    let lines = text.lines().map(str::trim);
    let kept = lines.filter(|line| {
        let label = line.strip_prefix('|').unwrap_or("").trim_start();
        line.starts_with("error") || line.starts_with("help") || label.starts_with('^')
    });
    let shown = |line: &str| line.trim_start_matches(['|', ' ', '^']).to_string();
    kept.map(shown).collect()
}

#[test]
fn an_array_says_how_its_tables_are_named() {
    let group = "[service.db]\nservice_time = \"1ms\"\n[[service.db.group]]\ncount = 1\n";
    let said = first(group);
    assert!(
        said.contains(&"write [service.db.group.NAME]".to_string()),
        "{said:?}"
    );
    assert_eq!(
        first("[sweep]\naxis = [1]\n"),
        ["error: `axis` is an array", "write [sweep.axis.NAME]"]
    );
    assert_eq!(
        first("[[fault]]\nkind = \"crash\"\n"),
        ["error: `fault` is an array", "write [fault.NAME]"]
    );
    assert_eq!(
        first("[[client.shop.call.db]]\nstage = 1\n")[1],
        "write [client.shop.call.db]"
    );
}

#[test]
fn a_value_in_place_of_a_table_stands_in_an_example() {
    assert_messages(
        "retry = 2\n",
        r#"
error: retry is an integer
  --> bad.toml:11:9
   |
11 | retry = 2
   |         ^ expected a table, like `{ attempt_count_max = 2 }`

bad.toml: 1 error
"#,
    );
    assert_eq!(
        first("retries = 3\n").last().expect("help"),
        "help: did you mean `retry`?"
    );
}

#[test]
fn a_name_without_a_kind_is_completed_by_what_exists() {
    let fault = "[fault.x]\nkind = \"crash\"\nat = \"10s\"\ntarget = ";
    assert_eq!(
        first(&format!("{fault}\"web/main/0\"\n")),
        [
            "error: `web/main/0` is no selector",
            "expected a kind, a colon and a name",
            "help: write the kind before it: `instance:web/main/0` or `host:web/main/0`"
        ]
    );
    assert_eq!(
        first(&format!("{fault}instance:web/main/0\n")),
        [
            "error: a string needs quotes",
            "write \"instance:web/main/0\""
        ]
    );
}

#[test]
fn a_variant_under_another_key_names_the_tag() {
    assert_eq!(
        first("[registry]\nkind = \"lease\"\n")
            .last()
            .expect("help"),
        "help: `profile` says which registry it is: write `profile = \"lease\"`"
    );
}

#[test]
fn a_misspelt_law_is_one_mistake() {
    let service = "[client.shop.call.db]\n[service.db]\ncount = 1\n";
    let said = first(&format!(
        "{service}service_time = {{ dist = \"normal\", mean = \"5ms\" }}\n"
    ));
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(said[0], "error: unknown dist `normal` in `service_time`");
}

#[test]
fn a_sweep_is_wrong_where_it_is_written() {
    let sweep = |path: &str, wheres: &str| {
        let axis = format!("[sweep.axis.n]\npath = \"{path}\"\nvalues = [10, 20]\n");
        messages(&format!("[sweep]\nwhere = [{wheres}]\n{axis}"), &[])
    };
    // The scenario ends with line 10.
    let impossible = sweep("client.shop.count", "\"n > 100\"");
    assert!(
        impossible.starts_with("error: no point fulfills every constraint\n  --> bad.toml:12:9")
    );
    let misspelt = sweep("client.shop.cuont", "");
    assert!(misspelt.contains("--> bad.toml:14:21"), "{misspelt}");
}
