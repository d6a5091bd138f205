//! The page of a sweep.

use super::super::format;
use super::super::html::{Block, Mark, ReportPage, Table};
use super::super::page::question;
use super::super::study_page::{as_sentence, footer, paragraphs, sections, table};
use super::super::summary::digest_text;
use super::tables::SweepView;
use super::text;
use crate::chart::picture::Picture;
use crate::experiment::sweep::execute::{Outcome, RunRecord};
use crate::experiment::sweep::summary::SweepSummary;
use crate::scenario::load::header;

/// Failed runs that stand on the page; all are in `failures.jsonl`.
const FAILURE_COUNT_MAX: usize = 20;

/// Everything that the page is made of.
pub struct SweepPageInput<'a> {
    /// What was swept.
    pub view: &'a SweepView<'a>,
    /// What came of it.
    pub summary: &'a SweepSummary,
    /// The pictures.
    pub pictures: Vec<Picture>,
    /// The first failed runs.
    pub failures: &'a [RunRecord],
    /// The command that makes the same results.
    pub command: &'a str,
}

/// Takes note of a failed run, as long as there is room for it on the page.
pub fn keep_failure(failures: &mut Vec<RunRecord>, record: &RunRecord) {
    let is_failed = matches!(record.outcome, Outcome::Failed(_));
    if is_failed && failures.len() < FAILURE_COUNT_MAX {
        failures.push(record.clone());
    }
}

/// Writes the page.
pub fn page(input: SweepPageInput) -> ReportPage {
    let (view, summary) = (input.view, input.summary);
    let contents = &view.file.plan;
    let points = text::table(view, summary);
    let mut table_blocks = vec![Block::Table(table("", &points.heading, &points))];
    if !points.note.is_empty() {
        table_blocks.push(Block::Note(points.note.clone()));
    }
    table_blocks.push(Block::Note(text::READING.to_string()));
    let (trade_off, measures): (Vec<Picture>, Vec<Picture>) = input
        .pictures
        .into_iter()
        .partition(|picture| picture.name == "trade-off");
    let pictures = |list: Vec<Picture>| list.into_iter().map(Block::Picture).collect();
    let listing = Block::Listing {
        name: "The scenario before points change it".to_string(),
        text: contents.scenario_toml.clone(),
    };
    ReportPage {
        title: format!("{}: a sweep", contents.scenario_name),
        facts: text::facts(view),
        question: question::blocks(&header(&contents.scenario_toml)),
        findings: findings(view, summary),
        variants: Vec::new(),
        replay: None,
        sections: sections(vec![
            ("Compromises", pictures(trade_off)),
            ("Points", table_blocks),
            ("Measures", pictures(measures)),
            ("Failed runs", failures(view, summary, input.failures)),
            ("Axes", vec![Block::Table(axes(view))]),
            ("Method", method()),
            ("Scenario", vec![listing]),
        ]),
        command: input.command.to_string(),
        footer: footer(
            &contents.scenario_name,
            &format!("seed {}", contents.seed),
            &digest_text(summary.digest),
        ),
    }
}

/// The answer: the compromises, and where every measure is best.
fn findings(view: &SweepView, summary: &SweepSummary) -> Vec<String> {
    let extremes = (0..view.asked.len()).map(|measure| text::extremes(view, summary, measure));
    let all = text::sentences(view, summary).into_iter().chain(extremes);
    all.map(|sentence| as_sentence(&sentence)).collect()
}

fn failures(view: &SweepView, summary: &SweepSummary, shown: &[RunRecord]) -> Vec<Block> {
    if shown.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new(
        "",
        ["point", "#seed", "why", "repeat in this directory with"],
    );
    for record in shown {
        let Outcome::Failed(reason) = &record.outcome else {
            continue;
        };
        let cells = vec![
            view.plan.label(view.plan.point_of(record.run)),
            record.seed.to_string(),
            reason.clone(),
            view.repeat_command(record),
        ];
        table.push(Mark::Bad, cells);
    }
    let count = format::counted(u64::from(summary.failed_count), "run");
    let note = format!("{count} failed; all are in failures.jsonl.");
    vec![Block::Table(table), Block::Note(note)]
}

fn axes(view: &SweepView) -> Table {
    let mut table = Table::new("", ["axis", "path", "values"]);
    for axis in &view.plan.axes {
        let values: Vec<&str> = axis.values.iter().map(|value| value.text()).collect();
        table.push(
            Mark::None,
            vec![axis.name.clone(), axis.path.clone(), values.join(", ")],
        );
    }
    table
}

fn method() -> Vec<Block> {
    paragraphs(&[
        "Every point is run on the same seeds: requests, service demands, delays and faults are \
         drawn by key, so that two points see the same world, and their difference is narrower \
         than their intervals say.",
        "A percentile is that of the samples of all replications of a point; its interval comes \
         from how they differ, and it is stated if at least ten samples lie above it; with fewer \
         than five replications, if ten of each lie above its own. All other numbers are means of \
         the replications with Student's interval. All intervals are of 95 %, each for itself. A \
         mistake that was seen in none or few replications has the exact interval of Poisson's \
         law: none seen is not none. What never came is counted and not averaged.",
        "A point is on the front of two measures if no other one is better in both by their \
         numbers. It is open whether another one belongs there if none surely beats it: if by the \
         95 % interval of their differences on equal seeds (of their ratios, where all numbers are \
         positive and no shares) none is at least as good in both measures and better in one. \
         Where a replication lacks the number, or where few mistakes are counted, the intervals \
         of both points must lie apart instead. The compromise that is ringed is the point of the \
         front nearest to the best of both, each measure counted from its best to its worst on \
         the front.",
    ])
}
