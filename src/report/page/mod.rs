//! What the page of a report says, from a scenario and its results.

pub mod basis;
mod edge_tables;
mod findings;
mod flow_tables;
pub mod question;
mod tables;

use super::format;
use super::html::{Block, Mark, ReportPage, Section, Table};
use super::members;
use super::pictures::RunView;
use crate::chart::picture::Picture;
use crate::metrics::evaluate::VerdictState;
use crate::scenario::Scenario;

/// Pictures of requests.
const OF_REQUESTS: [&str; 6] = [
    "latency",
    "requests",
    "percentiles",
    "nines",
    "budget",
    "pressure",
];

/// Pictures of faults and of what they move.
const OF_FAULTS: [&str; 5] = ["heartbeats", "detectors", "propagation", "ring", "moves"];

/// Pictures of instances and of what is sent to them.
const OF_SERVERS: [&str; 6] = [
    "instances",
    "load",
    "balance",
    "selection",
    "smoothness",
    "caches",
];

/// What must be known to read the percentiles.
const WITHHELD: &str = "A percentile is withheld (-) where fewer than 10 requests lie above it.";

/// Everything that a page is made of.
pub struct PageInput<'a> {
    /// The first replication; its numbers and pictures are shown.
    pub run: RunView<'a>,
    /// Its pictures, which tell what was found.
    pub pictures: Vec<Picture>,
    /// Whether they are shown as well.
    pub has_charts: bool,
    /// What its replay shows.
    pub replay: Option<String>,
    /// One line: seeds, length, size.
    pub facts: String,
    /// The expectations, each judged over all replications.
    pub expectations: Vec<JudgedLine>,
    /// Means over the replications; empty for one run.
    pub means: Vec<MeanLine>,
    /// What the scenario left open and what was taken.
    pub defaults: Vec<DefaultLine>,
    /// What a sensitivity study found, in sentences.
    pub sensitivity: Vec<String>,
    /// The effective scenario as TOML.
    pub scenario_text: String,
    /// The command that makes the same results.
    pub command: String,
    /// Fingerprint of all replications.
    pub digest: u64,
}

/// One expectation, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedLine {
    pub state: VerdictState,
    /// Its name in `[expect]`.
    pub name: String,
    /// The measure and the part of the run: `success_ratio during rack-b`.
    pub measure: String,
    /// The number that was judged, with its unit.
    pub value: String,
    /// `>= 98.5%`.
    pub limit: String,
    /// `close`, `held in 28 of 30`, or why it is undecided; often empty.
    pub remark: String,
}

/// The mean of one number over all replications.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanLine {
    /// `latency.p99 steady`.
    pub measure: String,
    /// With its unit.
    pub mean: String,
    /// `± 0.4 ms`: half of the 95 % interval.
    pub interval: String,
    /// `exists in 7 of 8`, `never in 1 of 8`; often empty.
    pub remark: String,
}

/// A value that the scenario did not set.
#[derive(Clone, Debug, PartialEq)]
pub struct DefaultLine {
    /// Where it would be set: `client.shop.call.web.deadline`.
    pub path: String,
    /// What was taken.
    pub value: String,
}

/// Writes the page.
pub fn page(input: PageInput) -> ReportPage {
    let (scenario, metrics) = (input.run.scenario, input.run.metrics);
    let (findings, footer) = (findings::findings(&input), footer(&input));
    let mut pictures = input.pictures;
    pictures.retain(|_| input.has_charts);
    let mut take = |prefixes: &[&str]| -> Vec<Block> {
        let is_meant = |p: &mut Picture| prefixes.iter().any(|prefix| p.name.starts_with(prefix));
        pictures
            .extract_if(.., is_meant)
            .map(Block::Picture)
            .collect()
    };

    let mut requests = vec![
        Block::Table(tables::requests(metrics)),
        Block::Table(tables::latency(metrics)),
        Block::Note(WITHHELD.into()),
    ];
    requests.extend(flow_tables::flow(metrics).into_iter().map(Block::Table));
    requests.extend(tables::classes(metrics).map(Block::Table));
    requests.extend(take(&OF_REQUESTS));
    let mut faults = tables::faults(metrics);
    faults.extend(tables::detectors(metrics).map(Block::Table));
    faults.extend(take(&OF_FAULTS));
    let mut servers = vec![Block::Table(tables::services(metrics))];
    servers.extend(tables::picks(metrics).map(Block::Table));
    servers.extend(take(&OF_SERVERS));
    servers.extend(edge_tables::edges(metrics).into_iter().map(Block::Table));
    servers.extend(tables::control(metrics).map(Block::Table));
    servers.extend(members::page_table(metrics).map(Block::Table));
    let timeline = basis::fault_timeline(metrics).map(Block::Table);
    let assumed = assumptions(scenario, &input.defaults, &input.sensitivity);
    let listing = Block::Listing {
        name: "The effective scenario".into(),
        text: input.scenario_text,
    };

    let sections = [
        ("Expectations", vec![expectations(&input.expectations)]),
        ("Replications", means(&input.means)),
        ("Requests", requests),
        ("Faults and detection", faults),
        ("Servers and balance", servers),
        ("Fault timeline", timeline.into_iter().collect()),
        ("Method", method()),
        ("Assumptions and limits", assumed),
        ("Scenario", vec![listing]),
    ];
    ReportPage {
        title: scenario.name.clone(),
        facts: input.facts,
        question: question::question(scenario),
        findings,
        variants: Vec::new(),
        replay: input.replay,
        sections: sections
            .into_iter()
            .filter(|(_, blocks)| !blocks.is_empty())
            .map(|(title, blocks)| Section {
                title: title.into(),
                blocks,
            })
            .collect(),
        command: input.command,
        footer,
    }
}

/// Version, scenario, seed and digest.
fn footer(input: &PageInput) -> String {
    format!(
        "stormglass {} · scenario {} · seed {} · digest {:016x}",
        env!("CARGO_PKG_VERSION"),
        input.run.scenario.name,
        input.run.seed,
        input.digest
    )
}

fn assumptions(scenario: &Scenario, open: &[DefaultLine], sensitivity: &[String]) -> Vec<Block> {
    let tables = basis::models(&[scenario]).into_iter().chain(defaults(open));
    let mut blocks = basis::limits();
    blocks.extend(basis::uncertain(scenario, sensitivity));
    blocks.extend(tables.map(Block::Table));
    blocks
}

fn expectations(lines: &[JudgedLine]) -> Block {
    if lines.is_empty() {
        return Block::Paragraph("The scenario states none: nothing was judged.".into());
    }
    let mut table = Table::new("", ["", "name", "measure", "#value", "limit", "remark"]);
    for line in lines {
        let (mark, verdict) = match line.state {
            VerdictState::Held => (Mark::Good, "✓ held"),
            VerdictState::Failed => (Mark::Bad, "✗ failed"),
            VerdictState::Undecided => (Mark::Doubt, "? undecided"),
        };
        let cells = [
            verdict,
            &line.name,
            &line.measure,
            &line.value,
            &line.limit,
            &line.remark,
        ];
        table.push(mark, cells.map(String::from).to_vec());
    }
    Block::Table(table)
}

fn means(lines: &[MeanLine]) -> Vec<Block> {
    if lines.is_empty() {
        return Vec::new();
    }
    let caption = "Means over the replications, with 95 % intervals: exact of shares, else \
                   Student's";
    let mut table = Table::new(caption, ["measure", "#mean", "#interval", ""]);
    for line in lines {
        let cells = [&line.measure, &line.mean, &line.interval, &line.remark];
        table.push(Mark::None, cells.map(String::clone).to_vec());
    }
    let note = "All other tables and pictures show the first replication.";
    vec![Block::Table(table), Block::Note(note.into())]
}

fn defaults(lines: &[DefaultLine]) -> Option<Table> {
    let mut table = Table::new("What the scenario left open", ["key", "taken"]);
    for line in lines {
        table.push(Mark::None, vec![line.path.clone(), line.value.clone()]);
    }
    (!lines.is_empty()).then_some(table)
}

fn method() -> Vec<Block> {
    let paragraphs = [
        "A deterministic discrete-event simulation: the same scenario, seed and version give the \
         same events, which the digest proves, and the same bytes in every file but the manifest.",
        "A request belongs to the window of its arrival. Latency is the time from the intended \
         arrival at the caller to the outcome, all attempts and all waiting at the caller \
         included, of successful requests; it is shown beside the share of requests that \
         succeeded, because a server that fails fast must not look like an improvement.",
        "Steady is what was measured after warm-up, outside every fault and its recovery. \
         Detection time runs from a failure to the detector's final suspicion; what was never \
         detected is counted, not dropped. A mistake is a suspicion of an instance that was not \
         down; a paused or unreachable one is not down. The mistake rate is per pair of observer \
         and instance and second of time up. Wasted attempts were sent to instances that were \
         down or had left. Amplification is attempts sent over calls that began.",
        "Mitigation and recovery time run from the start and the end of a fault to the first of \
         five windows in a row with a success ratio of at least the steady one minus 0.1 points \
         and a p99 of at most 1.25 times the steady one, or with no more failed and slow \
         requests than one of a hundred steady windows has by chance. A fault may bite late: \
         where windows left this band, by more than chance explains in so many, before the end of \
         the fault or the last attempt to an instance that it took down or had leave, the five \
         follow the first of those. A service that never left the band was back after 0 s.",
        "Requests that a rolling restart cost did not succeed and were under way between its \
         start and its end, or the last attempt to an instance that it had stopped, whichever is \
         later. The share of the attempts that those have that a fault hit is as before from the \
         first of five windows in a row on in which it is, less four binomial standard errors and \
         one attempt.",
    ];
    paragraphs
        .into_iter()
        .map(|text| Block::Paragraph(text.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::data::RunMetrics;
    use crate::report::fixture;
    use crate::report::html::render;
    use crate::report::pictures::{balance, pictures};

    fn line(state: VerdictState, name: &str) -> JudgedLine {
        JudgedLine {
            state,
            name: name.into(),
            measure: "success_ratio during rack-b".into(),
            value: "97.00 %".into(),
            limit: ">= 98.5%".into(),
            remark: String::new(),
        }
    }

    fn page_of(metrics: &RunMetrics, expectations: Vec<JudgedLine>) -> ReportPage {
        let scenario = fixture::scenario();
        let run = RunView {
            scenario: &scenario,
            metrics,
            seed: 7,
        };
        page(PageInput {
            has_charts: true,
            run,
            pictures: pictures(run),
            replay: None,
            facts: "seed 7 · 1 min simulated".into(),
            expectations,
            means: vec![],
            defaults: vec![DefaultLine {
                path: "network.loss".into(),
                value: "0 %".into(),
            }],
            sensitivity: vec!["Sensitivity: network.loss moves users most.".into()],
            scenario_text: "schema = 1\n".into(),
            command: "stormglass run rack-loss.toml --seed 7".into(),
            digest: metrics.digest,
        })
    }

    #[test]
    fn the_first_finding_is_the_verdict() {
        let lines = vec![
            line(VerdictState::Held, "moved"),
            line(VerdictState::Failed, "users"),
        ];
        let page = page_of(&fixture::metrics(), lines);
        assert_eq!(page.findings[0], "1 of 2 expectations held; failed: users.");
        assert_eq!(
            page.findings[1],
            "p99 rose from 48.2 ms to 121 ms during rack-b; 97.00 % of 20,000 requests succeeded."
        );
    }

    #[test]
    fn the_answer_says_once_that_all_requests_succeeded() {
        let mut metrics = fixture::metrics();
        metrics.requests.phases.truncate(2);
        for phase in &mut metrics.requests.phases {
            let stats = &mut phase.stats;
            (stats.succeeded_count, stats.timed_out_count) = (stats.arrived_count, 0);
            stats.success_ratio = Some(1.0);
        }
        let page = page_of(&metrics, vec![]);
        let said = page
            .findings
            .iter()
            .filter(|it| it.contains("requests succeeded"));
        assert_eq!(said.count(), 1, "{:?}", page.findings);
    }

    #[test]
    fn a_page_holds_every_picture_once() {
        let mut metrics = fixture::metrics();
        metrics.series.balance = vec![balance::sample()];
        let html = render(&page_of(&metrics, vec![]));
        for name in [
            "latency",
            "requests",
            "percentiles",
            "heartbeats",
            "load-web",
            "balance-web",
        ] {
            assert_eq!(
                html.matches(&format!("<figure id=\"{name}\"")).count(),
                1,
                "{name}"
            );
        }
        assert_eq!(html.matches("<figure ").count(), 10);
    }

    #[test]
    fn a_page_can_be_repeated_and_says_so() {
        let html = render(&page_of(&fixture::metrics(), vec![]));
        let pre = "<pre tabindex=\"0\">";
        let command = format!("{pre}stormglass run rack-loss.toml --seed 7</pre>");
        assert!(html.contains(&command));
        assert!(html.contains("digest 3f9a2c41d07be855"));
        assert!(html.contains("<td>network.loss</td><td>0 %</td>"));
        assert!(html.contains("<p>Sensitivity: network.loss moves users most.</p>"));
        assert!(html.contains(&format!("{pre}schema = 1\n</pre>")));
    }

    #[test]
    fn an_empty_run_has_a_page() {
        let html = render(&page_of(&fixture::empty_metrics(), vec![]));
        assert!(html.contains("The scenario states no expectation."));
    }
}
