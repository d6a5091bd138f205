//! What is wrong with a text that is no TOML, each mistake once.

use std::ops::Range;

/// Mistakes that are looked up; nobody reads more, and each takes a walk through the text.
const LOOKED_UP_COUNT_MAX: usize = 100;

/// What is wrong at a place of a text.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What is wrong.
    pub title: String,
    /// What stands under the caret.
    pub label: String,
}

/// What is wrong, given what the parser says and where, in order of place.
pub fn mistakes<'e>(
    text: &str,
    errors: impl Iterator<Item = (Range<usize>, &'e str)>,
) -> Vec<Mistake> {
    let mut list = Vec::new();
    // Errors before these bytes, of any kind or of keys that stand twice, only echo one before.
    let (mut heard_end, mut repeated_end) = (0, 0);
    for (span, message) in errors {
        if 0 < span.start && span.start < heard_end {
            continue;
        }
        heard_end = span.start + line_at(text, span.start).len();
        let is_repeated = message == "duplicate key";
        if is_repeated && span.start < repeated_end {
            continue;
        }
        let written = unquoted(text, span.start, message);
        let (title, label) = match (is_repeated, written) {
            (true, _) => {
                let line_start = line_start(text, span.start);
                if text[line_start..].starts_with('[') {
                    repeated_end = table_end(text, span.start);
                }
                let is_looked_up = list.len() < LOOKED_UP_COUNT_MAX;
                let known = is_looked_up.then(|| defined_before(text, line_start));
                let title = known.flatten().unwrap_or_else(|| message.to_string());
                (title, "defined again here".to_string())
            }
            (false, Some(written)) => (
                "a string needs quotes".to_string(),
                format!("write \"{written}\""),
            ),
            (false, None) => (message.to_string(), "not valid TOML".to_string()),
        };
        list.push(Mistake { span, title, label });
    }
    list
}

/// The value that was meant as a string, where the parser takes it for something else.
fn unquoted<'t>(text: &'t str, start: usize, message: &str) -> Option<&'t str> {
    let is_string = message.starts_with("string values must be quoted");
    let is_word = ["invalid float", "invalid boolean"]
        .iter()
        .any(|other| message.starts_with(other));
    let rest = line_at(text, start);
    let end = rest.find(['#', ',', ']', '}', '"']).unwrap_or(rest.len());
    let value = rest[..end].trim_end();
    let starts_as_word = value.starts_with(|c: char| c.is_alphabetic());
    (!value.is_empty() && (is_string || is_word && starts_as_word)).then_some(value)
}

/// The rest of a line.
fn line_at(text: &str, start: usize) -> &str {
    let rest = text.get(start..).unwrap_or("");
    rest.split('\n').next().unwrap_or("")
}

fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or("");
    before.rfind('\n').map_or(0, |found| found + 1)
}

/// Where the keys of the table end whose header stands at `start`.
fn table_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or("");
    rest.find("\n[").map_or(text.len(), |at| start + at)
}

/// Which line before this one defines the same table, or the same key of the same table.
fn defined_before(text: &str, line_start: usize) -> Option<String> {
    let name = name_of(line_at(text, line_start));
    // What is repeated in it stands further on in the line.
    if name.starts_with('{') {
        return None;
    }
    let is_header = name.starts_with('[');
    let mut known = None;
    for (place, line) in text[..line_start].lines().enumerate() {
        let other = name_of(line);
        if other == name {
            known = Some(place + 1);
        } else if !is_header && other.starts_with('[') {
            known = None;
        }
        if is_header && known.is_some() {
            break;
        }
    }
    let shown = name.trim_matches(['[', ']']);
    let shown: String = shown.chars().take(80).collect();
    known.map(|line| format!("`{shown}` is defined in line {line} already"))
}

/// The header or the key of a line, without spaces.
fn name_of(line: &str) -> String {
    let line = line.trim_start();
    let end = match line.starts_with('[') {
        true => line.rfind(']').map_or(line.len(), |at| at + 1),
        false => line.find('=').unwrap_or(0),
    };
    line[..end].split_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the parser would say of each of these words, in order.
    fn titles(text: &str, errors: &[(&str, &'static str)]) -> Vec<String> {
        let mut at = 0;
        let errors = errors.iter().map(|(word, message)| {
            at += text[at..].find(word).expect("the word stands there");
            let span = at..at + word.len();
            at += 1;
            (span, *message)
        });
        let found = mistakes(text, errors);
        found.into_iter().map(|mistake| mistake.title).collect()
    }

    #[test]
    fn a_table_that_stands_twice_is_one_mistake() {
        let text = "[a]\nx = 1\n[b]\nx = 1\n[ a ]\nx = 2\n[c]\nx = 1\nx = 2\n";
        let second = text.find("a ]").expect("it stands there");
        let at = |after: usize| after + text[after..].find('x').expect("it stands there");
        let keys = [at(second), text.rfind('x').expect("it stands there")];
        let spans = [
            second..second + 1,
            keys[0]..keys[0] + 1,
            keys[1]..keys[1] + 1,
        ];
        let found = mistakes(text, spans.into_iter().map(|span| (span, "duplicate key")));
        let titles: Vec<&str> = found.iter().map(|mistake| mistake.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "`a` is defined in line 1 already",
                "`x` is defined in line 8 already"
            ]
        );
    }

    #[test]
    fn a_word_without_quotes_is_a_string() {
        let text = "a = instance:web/a/0 # one\nb = [5s, 6]\n";
        let errors = [
            ("instance", "invalid float, expected `inf`"),
            (
                "5s",
                "string values must be quoted, expected literal string",
            ),
        ];
        assert_eq!(titles(text, &errors), ["a string needs quotes"; 2]);
        assert_eq!(unquoted(text, 4, errors[0].1), Some("instance:web/a/0"));
        assert_eq!(
            unquoted(text, text.find("5s").expect("it"), errors[1].1),
            Some("5s")
        );
        assert_eq!(
            titles("a = 1.x", &[("1.x", "invalid float, expected digits")]),
            ["invalid float, expected digits"]
        );
    }
}
