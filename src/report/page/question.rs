//! The comment that opens a scenario, as the blocks of a page: prose flows, lists stay lists, and
//! what stands in columns keeps them.

use crate::report::html::Block;
use crate::scenario::Scenario;

/// The header of a scenario.
pub fn question(scenario: &Scenario) -> Vec<Block> {
    blocks(&scenario.header)
}

/// The lines of a header, as blocks.
///
/// - A paragraph ends at an empty line, before `Word:`, and where something else begins.
/// - `- ` opens an item of a list; what is indented below it belongs to it.
/// - Indented lines are a list if they hang: each item begins where the first line does, and goes
///   on further in. They stay as they are if any has a gap of two spaces, or if none hangs.
pub fn blocks(header: &[String]) -> Vec<Block> {
    let header: Vec<String> = header.iter().map(|it| it.replace('\t', "    ")).collect();
    let mut blocks = Vec::new();
    let mut rest = header.as_slice();
    while let Some(first) = rest.first() {
        let length = match Kind::of(first) {
            Kind::Empty => 1,
            Kind::Item => run(rest, |line| matches!(line, Kind::Item | Kind::Indented)),
            Kind::Indented => run(rest, |line| line == Kind::Indented),
            Kind::Prose => 1 + run(&rest[1..], |line| line == Kind::Prose),
        };
        let (lines, after) = rest.split_at(length);
        match Kind::of(first) {
            Kind::Empty => {}
            Kind::Item => blocks.push(Block::List(items(lines, 0, "- "))),
            Kind::Indented => blocks.push(indented(lines)),
            Kind::Prose => blocks.push(Block::Paragraph(joined(lines))),
        }
        rest = after;
    }
    blocks
}

/// What a line is by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Empty,
    Item,
    Indented,
    Prose,
}

impl Kind {
    fn of(line: &str) -> Self {
        match line {
            "" => Kind::Empty,
            _ if line.starts_with(' ') => Kind::Indented,
            _ if line.starts_with("- ") => Kind::Item,
            _ => Kind::Prose,
        }
    }
}

/// How many lines at the start are of this kind, and open no paragraph of their own.
fn run(lines: &[String], is_meant: impl Fn(Kind) -> bool) -> usize {
    let goes_on = |line: &&String| is_meant(Kind::of(line)) && !opens(line);
    lines.iter().take_while(goes_on).count()
}

/// Whether a line opens a paragraph: `Expected: ...`.
fn opens(line: &str) -> bool {
    let first = line.split(' ').next().unwrap_or_default();
    first.len() > 1 && first.ends_with(':') && first.starts_with(char::is_uppercase)
}

fn indented(lines: &[String]) -> Block {
    let left = lines.iter().map(|line| indent(line)).min().unwrap_or(0);
    let has_columns = lines.iter().any(|line| line.trim().contains("  "));
    let hangs = indent(&lines[0]) == left && lines.iter().any(|line| left < indent(line));
    match hangs && !has_columns {
        true => Block::List(items(lines, left, "")),
        false => {
            let kept: Vec<&str> = lines.iter().map(|line| &line[left..]).collect();
            Block::Columns(kept.join("\n"))
        }
    }
}

/// Items that begin `left` spaces in with `mark`; everything else goes on with the last one.
fn items(lines: &[String], left: usize, mark: &str) -> Vec<String> {
    let is_new = |line: &String| indent(line) == left && line[left..].starts_with(mark);
    lines
        .chunk_by(|_, next| !is_new(next))
        .map(|item| joined(item)[mark.len()..].to_string())
        .collect()
}

fn joined(lines: &[String]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}

/// How many spaces a line begins with.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load;

    /// One letter for each kind of block, and its text.
    fn shape(text: &str) -> Vec<String> {
        let header = load::header(text);
        let told = |block: &Block| match block {
            Block::Paragraph(text) => format!("p {text}"),
            Block::List(items) => format!("l {}", items.join(" | ")),
            Block::Columns(text) => format!("c {text}"),
            _ => panic!("a header has no other blocks"),
        };
        blocks(&header).iter().map(told).collect()
    }

    #[test]
    fn prose_flows_and_opens_anew_where_a_word_with_a_colon_begins_a_line() {
        let text = "# Question: what is\n# lost?\n# Expected: little.\n#\n# Once.\nschema = 1\n";
        let expected = [
            "p Question: what is lost?",
            "p Expected: little.",
            "p Once.",
        ];
        assert_eq!(shape(text), expected);
    }

    #[test]
    fn a_table_keeps_its_columns() {
        let text =
            "# Expected: the shares\n#   strategy   share\n#   random      0.10\n# so far.\n";
        let expected = [
            "p Expected: the shares",
            "c strategy   share\nrandom      0.10",
            "p so far.",
        ];
        assert_eq!(shape(text), expected);
    }

    #[test]
    fn what_is_aligned_further_in_keeps_its_place() {
        let text = "#   before:  1 %\n#   during:  97 %, even\n#            without a queue\n";
        let expected = ["c before:  1 %\nduring:  97 %, even\n         without a queue"];
        assert_eq!(shape(text), expected);
    }

    #[test]
    fn items_hang_with_a_dash_or_without() {
        let dashes = "# Expected: of\n# - one: first\n#   and on\n# - two\n# End.\n";
        let expected = ["p Expected: of", "l one: first and on | two", "p End."];
        assert_eq!(shape(dashes), expected);
        let words = "#   late: nothing\n#     is lost.\n#   soon: some are.\n";
        assert_eq!(shape(words), ["l late: nothing is lost. | soon: some are."]);
    }

    #[test]
    fn a_formula_on_a_line_of_its_own_stays_there() {
        assert_eq!(shape("# As\n#   a = b + c\n"), ["p As", "c a = b + c"]);
    }

    #[test]
    fn hostile_lines_are_taken_as_they_are() {
        let text = "#\n#  \n# \u{a0}x\n# -\n# - \n#    \u{2003}y\n#    :\n#\tz\n";
        assert_eq!(shape(text), ["p x - -", "l y | : z"]);
    }
}
