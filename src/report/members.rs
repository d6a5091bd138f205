//! What the report and the summary say about control messages of single members.

use super::format;
use super::html;
use super::terminal;
use crate::metrics::data::RunMetrics;
use crate::metrics::data::member::{GossipMetrics, MemberMetrics, MessageRates, RatesOverMembers};

/// The table of the report; None where nobody is a member of anything.
pub fn page_table(metrics: &RunMetrics) -> Option<html::Table> {
    let mut table = html::Table::new(
        "Control traffic by member",
        [
            "member",
            "#sent",
            "#received",
            "#bytes sent",
            "#bytes received",
        ],
    );
    let rows = rows(metrics);
    for row in &rows {
        table.push(html::Mark::None, row.clone());
    }
    (!rows.is_empty()).then_some(table)
}

/// The table of the summary; None where nobody is a member of anything.
pub fn terminal_table(metrics: &RunMetrics) -> Option<terminal::Table> {
    let rows = rows(metrics);
    (!rows.is_empty()).then(|| terminal::Table {
        heading: "MEMBERS".into(),
        columns: terminal::texts(["sent", "received", "bytes sent", "bytes received"]),
        rows,
        note: String::new(),
    })
}

/// One for each member of the registry, those that nobody spoke with together; two for each
/// cluster.
fn rows(metrics: &RunMetrics) -> Vec<Vec<String>> {
    let nothing = MessageRates::default();
    let is_idle = |it: &&MemberMetrics| (it.sent, it.received) == (nothing, nothing);
    let (idle, busy): (Vec<_>, Vec<_>) = metrics.registry_members.iter().partition(is_idle);
    let of_busy = busy.iter();
    let of_busy = of_busy.map(|it| row(it.member.clone(), it.sent, it.received));
    let idle_name = match &idle[..] {
        [] => None,
        [only] => Some(only.member.clone()),
        _ => Some(format!("{} idle members", format::count(idle.len() as u64))),
    };
    let of_idle = idle_name.map(|name| row(name, nothing, nothing));
    let of_clusters = metrics.gossip_members.iter().flat_map(cluster_rows);
    of_busy.chain(of_idle).chain(of_clusters).collect()
}

fn cluster_rows(cluster: &GossipMetrics) -> [Vec<String>; 2] {
    let name = |what| {
        let members = format::counted(cluster.member_count, "member");
        format!("gossip of {}, {what} of {members}", cluster.cluster)
    };
    let (sent, received) = (&cluster.sent, &cluster.received);
    [
        row(name("mean"), mean(sent), mean(received)),
        row(name("max"), max(sent), max(received)),
    ]
}

fn mean(rates: &RatesOverMembers) -> MessageRates {
    MessageRates {
        message_rate_per_sec: rates.message_rate_per_sec_mean,
        byte_rate_per_sec: rates.byte_rate_per_sec_mean,
    }
}

fn max(rates: &RatesOverMembers) -> MessageRates {
    MessageRates {
        message_rate_per_sec: rates.message_rate_per_sec_max,
        byte_rate_per_sec: rates.byte_rate_per_sec_max,
    }
}

fn row(name: String, sent: MessageRates, received: MessageRates) -> Vec<String> {
    vec![
        name,
        format::rate(sent.message_rate_per_sec),
        format::rate(received.message_rate_per_sec),
        format::rate(sent.byte_rate_per_sec),
        format::rate(received.byte_rate_per_sec),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn rates(message_rate_per_sec: f64, byte_rate_per_sec: f64) -> MessageRates {
        MessageRates {
            message_rate_per_sec,
            byte_rate_per_sec,
        }
    }

    #[test]
    fn a_cluster_of_any_size_takes_two_lines_and_idle_members_one() {
        let mut metrics = fixture::metrics();
        assert!(page_table(&metrics).is_none() && terminal_table(&metrics).is_none());
        let member = |index: u32, sent, received| MemberMetrics {
            member: format!("registry/{index}"),
            sent,
            received,
        };
        let nothing = rates(0.0, 0.0);
        metrics.registry_members = vec![
            member(0, nothing, nothing),
            member(1, rates(0.5, 512.0), rates(1_200.0, 153_600.0)),
            member(2, nothing, nothing),
        ];
        let of_members = RatesOverMembers {
            message_rate_per_sec_mean: 2.0,
            message_rate_per_sec_max: 3.25,
            byte_rate_per_sec_mean: 160.0,
            byte_rate_per_sec_max: 260.0,
        };
        metrics.gossip_members = vec![GossipMetrics {
            cluster: "web".into(),
            member_count: 10_000,
            sent: of_members,
            received: of_members,
        }];
        let expected = [
            ["registry/1", "0.50 /s", "1,200 /s", "512 /s", "153,600 /s"],
            ["2 idle members", "0 /s", "0 /s", "0 /s", "0 /s"],
            [
                "gossip of web, mean of 10,000 members",
                "2.00 /s",
                "2.00 /s",
                "160 /s",
                "160 /s",
            ],
            [
                "gossip of web, max of 10,000 members",
                "3.25 /s",
                "3.25 /s",
                "260 /s",
                "260 /s",
            ],
        ];
        let shown = terminal_table(&metrics).expect("it has rows").rows;
        assert_eq!(shown, expected);
        let page = page_table(&metrics).expect("it has rows").rows;
        let page: Vec<&Vec<String>> = page.iter().map(|row| &row.cells).collect();
        assert_eq!(page, shown.iter().collect::<Vec<_>>());
    }
}
