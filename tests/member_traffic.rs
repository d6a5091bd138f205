//! What members of registries and clusters send and are sent: against arithmetic, and so that no
//! message is lost or counted twice.

#[path = "support/run.rs"]
mod run;
#[path = "support/text.rs"]
mod text;

use stormglass::id::NodeId;
use stormglass::metrics::data::RunMetrics;
use stormglass::metrics::data::member::MessageRates;
use stormglass::metrics::evaluate::{Reading, evaluate};
use stormglass::metrics::recorder::Recorder;
use stormglass::model::observation::{ControlKind, NoObserver, Observation, Observer};
use stormglass::scenario::Scenario;
use stormglass::scenario::topology::NodeKind;
use stormglass::time::SimTime;

/// From the end of warm-up to the end: what is measured.
const MEASURED_SECS: f64 = 90.0;

/// A world in which `more` says what is watched how. Messages take a millisecond.
fn world(more: &str) -> Scenario {
    let text = format!(
        "schema = 1\nduration = \"100s\"\nwarmup = \"10s\"\ndrain = \"5s\"\n\
         [network]\nsame_zone = \"1ms\"\n[expect]\nusers = \"success_ratio >= 0%\"\n\
         [client.shop]\ncount = 4\narrivals = {{ process = \"constant\", rate = \"1/s\" }}\n\
         [client.shop.call.web]\nattempt_timeout = \"500ms\"\n{more}"
    );
    text::scenario(&text, &[])
}

/// Messages in the measured window, counted by who is at their ends.
#[derive(Debug, Default)]
struct Tally {
    sent_count: u64,
    to_nobody_count: u64,
    gossip_count: u64,
    by_others_count: u64,
    to_others_count: u64,
}

/// The recorder, and a count of its own beside it.
struct Both<'a> {
    recorder: Recorder<'a>,
    scenario: &'a Scenario,
    tally: Tally,
}

impl Both<'_> {
    fn is_member(&self, node: NodeId) -> bool {
        let kind = self.scenario.topology.node_kind(node);
        matches!(kind, NodeKind::RegistryMember(_))
    }

    fn count(&mut self, kind: ControlKind, from: NodeId, to: Option<NodeId>) {
        assert_ne!(Some(from), to, "{kind:?}: nobody writes to itself");
        let (by_member, to_member) = (
            self.is_member(from),
            to.is_some_and(|it| self.is_member(it)),
        );
        let tally = &mut self.tally;
        tally.sent_count += 1;
        tally.to_nobody_count += u64::from(to.is_none());
        tally.gossip_count += u64::from(kind.is_gossip());
        tally.by_others_count += u64::from(!by_member);
        tally.to_others_count += u64::from(to.is_some() && !to_member);
    }
}

impl Observer for Both<'_> {
    fn observe(&mut self, at: SimTime, observation: &Observation<'_>) {
        self.recorder.observe(at, observation);
        if !(10.0..100.0).contains(&at.as_secs_f64()) {
            return;
        }
        match *observation {
            Observation::ControlSent { kind, from, to, .. } => self.count(kind, from, to),
            Observation::ControlSized { kind, from, to, .. } => self.count(kind, from, Some(to)),
            _ => {}
        }
    }
}

fn recorded(scenario: &Scenario, seed: u64) -> (RunMetrics, Tally) {
    let mut both = Both {
        recorder: Recorder::new(scenario, &[]),
        scenario,
        tally: Tally::default(),
    };
    let end = run::run(scenario, seed, &mut both);
    let end_with_heap = run::run_with_heap(scenario, seed, &mut NoObserver);
    assert_eq!(end, end_with_heap, "the product's queue and the plain heap");
    (both.recorder.finish(end), both.tally)
}

fn metrics(scenario: &Scenario, seed: u64) -> RunMetrics {
    recorded(scenario, seed).0
}

/// The number of messages, or of bytes, behind a rate.
fn counted(rate: f64) -> u64 {
    let count = rate * MEASURED_SECS;
    assert!((count - count.round()).abs() < 1e-6, "{count} of something");
    count.round() as u64
}

fn messages(rates: MessageRates) -> u64 {
    counted(rates.message_rate_per_sec)
}

/// What an expectation on `measure` would be judged by.
fn read(scenario: &str, measure: &str, seed: u64) -> Reading {
    let more = format!("{scenario}\n[expect]\nasked = \"{measure} >= 0/s\"\n");
    let text = format!(
        "schema = 1\nduration = \"100s\"\nwarmup = \"10s\"\ndrain = \"5s\"\n\
         [network]\nsame_zone = \"1ms\"\n\
         [client.shop]\ncount = 4\narrivals = {{ process = \"constant\", rate = \"1/s\" }}\n\
         [client.shop.call.web]\nattempt_timeout = \"500ms\"\n{more}"
    );
    let scenario = text::scenario(&text, &[]);
    let metrics = metrics(&scenario, seed);
    evaluate(&metrics, &scenario, &scenario.expectations[0].measure)
}

const LEASES: &str = "[registry]\nprofile = \"lease\"\nmembers = 3\nlease_duration = \"5s\"\n\
                      heartbeat_interval = \"1s\"\n\
                      [service.web]\ncount = 7\nservice_time = \"1ms\"\n";

/// Whatever their phases, seven instances send seven heartbeats a second, of 128 bytes each, to the
/// member that everybody talks to. Nothing changes, so it has nothing to tell.
#[test]
fn a_member_hears_a_heartbeat_a_second_of_every_lease() {
    for seed in 0..5 {
        let members = metrics(&world(LEASES), seed).registry_members;
        let heard: Vec<u64> = members.iter().map(|it| messages(it.received)).collect();
        assert_eq!(heard, [7 * 90, 0, 0]);
        assert_eq!(counted(members[0].received.byte_rate_per_sec), 7 * 90 * 128);
        assert!(members.iter().all(|it| messages(it.sent) == 0));
        assert_eq!(members[2].member, "registry/2");
    }
    // Of three members the mean is a third of the largest: the others hear nothing.
    let known = |value| Reading::Known(value);
    assert_eq!(read(LEASES, "member_message_rate.max", 1), known(7.0));
    assert_eq!(
        read(LEASES, "member_message_rate.mean", 1),
        known(7.0 / 3.0)
    );
    assert_eq!(read(LEASES, "member_message_rate.min", 1), known(0.0));
    assert_eq!(read(LEASES, "member_byte_rate.max", 1), known(7.0 * 128.0));
}

/// Four callers that ask every two seconds are answered every two seconds, with lists of 1,024
/// bytes.
#[test]
fn a_member_that_is_asked_answers() {
    let polls = LEASES.replace(
        "[service.web]",
        "propagation = \"poll\"\npoll_interval = \"2s\"\n[service.web]",
    );
    for seed in 0..5 {
        let members = metrics(&world(&polls), seed).registry_members;
        assert_eq!(messages(members[0].received), 7 * 90 + 4 * 45);
        // An answer follows a millisecond after its question: some may lie across an edge.
        let answered = messages(members[0].sent).abs_diff(4 * 45);
        assert!(answered <= 4, "{answered} too many or too few");
        let bytes = counted(members[0].sent.byte_rate_per_sec);
        assert_eq!(bytes, messages(members[0].sent) * 1_024);
    }
}

/// A member that is lost hears nothing more, and the next one hears it all. While all are lost
/// nobody does, but heartbeats are sent as before.
#[test]
fn heartbeats_go_to_the_member_that_is_up() {
    let crash = |target: &str, at: u32| {
        format!(
            "{LEASES}[fault.x]\nkind = \"crash\"\ntarget = \"{target}\"\nat = \"{at}s\"\n\
             for = \"30s\"\n"
        )
    };
    let (metrics, tally) = recorded(&world(&crash("registry:member/0", 40)), 1);
    let heard = |metrics: &RunMetrics| -> Vec<u64> {
        let members = metrics.registry_members.iter();
        members.map(|it| messages(it.received)).collect()
    };
    assert_eq!(heard(&metrics), [7 * 60, 7 * 30, 0]);
    assert_eq!(tally.to_nobody_count, 0);
    let (metrics, tally) = recorded(&world(&crash("registry:member/*", 40)), 1);
    assert_eq!(heard(&metrics), [7 * 60, 0, 0]);
    assert_eq!(tally.to_nobody_count, 7 * 30);
}

/// An instance that leaves says so: one message more to the member, one list to each caller.
#[test]
fn who_leaves_tells_the_member_and_the_member_all_callers() {
    let leave = format!(
        "{LEASES}[fault.x]\nkind = \"scale_in\"\ngroup = \"web/main\"\ncount = 1\nat = \"55s\"\n\
         for = \"1h\"\n"
    );
    let members = metrics(&world(&leave), 1).registry_members;
    // Whoever leaves renewed its lease 45 times by then, and six others 90 times.
    assert_eq!(messages(members[0].received), 6 * 90 + 45 + 1);
    assert_eq!(messages(members[0].sent), 4);
}

const GOSSIP: &str = "[service.web]\ncount = 10\nservice_time = \"1ms\"\n\
                      gossip = { profile = \"swim\", probe_interval = \"1s\", phase = \"aligned\"";

/// SWIM without failures and loss, and so without updates: in every period each member sends a ping
/// and is sent an ACK, and on average it is pinged once and sends an ACK. In a pass over the nine
/// others, and so in ten of them from 10 s to 99 s, every member is pinged by each other one
/// exactly once; by random choice they are not alike.
#[test]
fn a_member_of_swim_sends_a_ping_and_an_ack_each_period() {
    for seed in 0..5 {
        let [even] = &metrics(&world(&format!("{GOSSIP} }}\n")), seed).gossip_members[..] else {
            panic!("one cluster")
        };
        assert_eq!((even.cluster.as_str(), even.member_count), ("web", 10));
        let random = format!("{GOSSIP}, probe_order = \"random\" }}\n");
        let [random] = &metrics(&world(&random), seed).gossip_members[..] else {
            panic!("one cluster")
        };
        for flow in [even.sent, even.received] {
            assert_eq!(flow.message_rate_per_sec_mean, 2.0);
            assert_eq!(flow.message_rate_per_sec_max, 2.0);
        }
        for flow in [random.sent, random.received] {
            assert_eq!(flow.message_rate_per_sec_mean, 2.0);
            assert!(2.0 < flow.message_rate_per_sec_max);
        }
    }
    let of_web = |number| format!("member_message_rate.{number}{{service=web}}");
    let even = format!("{GOSSIP} }}\n");
    for number in ["mean", "min", "max"] {
        let reading = read(&even, &of_web(number), 1);
        assert_eq!(reading, Reading::Known(4.0), "{number}");
    }
}

/// Memberlist sends updates and whole lists besides; a cluster where nothing happens has no
/// updates, and without `push_pull_interval` no lists either.
#[test]
fn a_quiet_member_of_memberlist_sends_a_ping_and_an_ack_each_second() {
    let quiet = GOSSIP.replace("swim", "memberlist_lan");
    let quiet = format!("{quiet}, push_pull_interval = \"0s\" }}\n");
    let [cluster] = &metrics(&world(&quiet), 1).gossip_members[..] else {
        panic!("one cluster")
    };
    assert_eq!(cluster.sent.message_rate_per_sec_mean, 2.0);
    assert_eq!(cluster.received.message_rate_per_sec_mean, 2.0);
}

/// Spare instances that never come are no members: they would lower the mean.
#[test]
fn who_never_came_is_not_averaged() {
    let spare = format!(
        "{GOSSIP} }}\n[fault.late]\nkind = \"scale_out\"\ngroup = \"web/main\"\ncount = 5\n\
         at = \"101s\"\nfor = \"1h\"\n"
    );
    let [cluster] = &metrics(&world(&spare), 1).gossip_members[..] else {
        panic!("one cluster")
    };
    assert_eq!(cluster.member_count, 10);
    assert_eq!(cluster.sent.message_rate_per_sec_mean, 2.0);
}

/// Whatever the registry: what members and all others sent is what was sent, and what is addressed
/// to members, to all others and to nobody is the same.
#[test]
fn every_message_has_one_sender_and_at_most_one_receiver() {
    let mut gossip_count = 0;
    for profile in [
        "lease",
        "zookeeper",
        "etcd",
        "consul",
        "eureka",
        "nacos",
        "kubernetes",
        "dns",
    ] {
        let scenario = world(&format!(
            "[registry]\nprofile = \"{profile}\"\n[service.web]\ncount = 6\n\
             service_time = \"1ms\"\n\
             [fault.crash]\nkind = \"crash\"\ntarget = \"2 random of service:web\"\nat = \"30s\"\n\
             for = \"20s\"\n\
             [fault.loss]\nkind = \"loss\"\nloss = \"5%\"\n\
             from = \"service:*\"\nto = \"registry:*\"\nat = \"60s\"\nfor = \"10s\"\n"
        ));
        let (metrics, tally) = recorded(&scenario, 3);
        let control: u64 = metrics.control.iter().map(|it| it.message_count).sum();
        assert_eq!(control, tally.sent_count, "{profile}");
        assert!(0 < control, "{profile}");
        let sum = |of: fn(&stormglass::metrics::data::member::MemberMetrics) -> MessageRates| {
            let members = metrics.registry_members.iter();
            members.map(|it| messages(of(it))).sum::<u64>()
        };
        let (sent, received) = (sum(|it| it.sent), sum(|it| it.received));
        assert_eq!(sent + tally.by_others_count, control, "{profile}");
        let arrived = received + tally.to_others_count + tally.to_nobody_count;
        assert_eq!(arrived, control, "{profile}");
        // All who gossip are members of one cluster: each message counts once at both ends.
        for cluster in &metrics.gossip_members {
            let count = cluster.member_count as f64;
            let sent = counted(cluster.sent.message_rate_per_sec_mean * count);
            let received = counted(cluster.received.message_rate_per_sec_mean * count);
            assert_eq!([sent, received], [tally.gossip_count; 2], "{profile}");
        }
        gossip_count += tally.gossip_count;
    }
    assert!(0 < gossip_count, "Consul gossips");
}

/// Without members there is nothing to say, and what is asked in vain says what to write.
#[test]
fn a_world_without_members_has_no_rows() {
    let plain = "[service.web]\ncount = 2\nservice_time = \"1ms\"\n";
    let metrics = metrics(&world(plain), 1);
    assert!(metrics.registry_members.is_empty() && metrics.gossip_members.is_empty());
    let why = |measure| match read(plain, measure, 1) {
        Reading::Undecided(reason) => reason,
        Reading::Known(value) => panic!("{value}"),
    };
    assert!(why("member_byte_rate.max").contains("write {service=NAME}"));
    assert!(why("member_byte_rate.max{service=web}").contains("no `gossip` cluster"));
}

/// They, and mistakes, are kept of the whole run only, which is said when a scenario is read.
#[test]
fn members_have_no_phases() {
    let text = format!(
        "schema = 1\nduration = \"100s\"\n{LEASES}\
         [client.shop]\narrivals = {{ process = \"constant\", rate = \"1/s\" }}\n\
         [client.shop.call.web]\nattempt_timeout = \"500ms\"\n\
         [expect]\nasked = \"member_message_rate.max >= 0/s steady\"\n\
         wrong = \"mistake_count <= 3 steady\"\n"
    );
    let loaded = text::load_text(&text, &[]);
    assert!(loaded.scenario.is_none());
    let messages = loaded.diagnostics.render(&loaded.sources, false);
    for name in ["member_message_rate", "mistake_count"] {
        let expected = format!("`{name}` is known of the whole run only");
        assert!(messages.contains(&expected), "{messages}");
    }
}
