//! A balancer of the user's own: its timers, its messages and the reports that it gets.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use stormglass::id::InstanceId;
use stormglass::model::balancer::control::{ControlContext, Message, Needs};
use stormglass::model::balancer::{Balancer, PickContext};
use stormglass::model::observation::NoObserver;
use stormglass::model::view::ViewSnapshot;
use stormglass::model::{SimOptions, simulate_with};
use stormglass::scenario::client::EdgeConfig;
use stormglass::scenario::load::{LoadInput, load};
use stormglass::time::{SimDuration, SimTime};

/// What a prober saw, in microseconds.
#[derive(Clone, Debug, PartialEq)]
enum Saw {
    Start(u64),
    Timer(u64),
    Answer(u64, u32, u32),
    Report(u64, u32),
}

type Log = Rc<RefCell<Vec<Saw>>>;

/// Picks the first candidate; probes them all every second.
struct Prober {
    needs: Needs,
    log: Log,
    view: Option<Arc<ViewSnapshot>>,
}

impl Prober {
    fn say(&self, saw: Saw) {
        self.log.borrow_mut().push(saw);
    }

    fn ask_again(ctx: &mut ControlContext<'_>) {
        // The earlier one holds.
        ctx.orders.wake_at(ctx.now + SimDuration::from_ms(1_500));
        ctx.orders.wake_at(ctx.now + SimDuration::from_secs(1));
        ctx.orders.wake_at(ctx.now + SimDuration::from_ms(1_200));
    }
}

fn us(at: SimTime) -> u64 {
    at.as_ns() / 1_000
}

impl Balancer for Prober {
    fn needs(&self) -> Needs {
        self.needs
    }

    fn on_view(&mut self, view: &Arc<ViewSnapshot>) {
        self.view = Some(Arc::clone(view));
    }

    fn pick(&mut self, _: &mut PickContext<'_>) -> Option<InstanceId> {
        self.view.as_ref()?.members.first().map(|m| m.instance)
    }

    fn on_start(&mut self, ctx: &mut ControlContext<'_>) {
        self.say(Saw::Start(us(ctx.now)));
        if self.needs.orders {
            Self::ask_again(ctx);
        }
    }

    fn on_timer(&mut self, ctx: &mut ControlContext<'_>) {
        self.say(Saw::Timer(us(ctx.now)));
        Self::ask_again(ctx);
        let view = self.view.as_ref().expect("it has a view");
        for member in &view.members {
            ctx.orders.send(member.instance, Message::Probe);
        }
    }

    fn on_message(&mut self, ctx: &mut ControlContext<'_>, from: InstanceId, message: &Message) {
        match message {
            Message::ProbeReply(load) => {
                self.say(Saw::Answer(us(ctx.now), from.0, load.in_flight));
            }
            Message::Report(report) => {
                assert!(report.load.is_none(), "nobody asked for windows");
                let served = report.service_time.expect("a worker had it");
                self.say(Saw::Report(us(ctx.now), served.as_ns() as u32 / 1_000));
            }
            other => panic!("{other:?}"),
        }
    }
}

fn saw(needs: Needs, text: &str) -> Vec<Saw> {
    let loaded = load(&LoadInput::text("probed", text));
    let scenario = loaded.scenario.expect("a valid text");
    let log = Log::default();
    let options = SimOptions {
        seed: 1,
        event_count_max: 1_000_000,
    };
    let make = |call: &EdgeConfig| {
        assert_eq!(call.path, "client.c.call.s");
        let prober = Prober {
            needs,
            log: Rc::clone(&log),
            view: None,
        };
        Some(Box::new(prober) as Box<dyn Balancer>)
    };
    simulate_with(&scenario, options, &mut NoObserver, &make).expect("a short run");
    log.take()
}

/// One request at 2.25 s that takes 1 s, so that the probe of 3 s finds it there.
const WORLD: &str = "schema = 1\nduration = \"4s\"\n[network]\nsame_zone = \"10ms\"\n\
    [service.s]\nservice_time = \"1s\"\ncount = 2\n\
    [client.c]\narrivals = { process = \"renewal\", gap = \"2250ms\" }\n\
    [client.c.call.s]\ndeadline = \"3s\"\n";

const ORDERS: Needs = Needs {
    orders: true,
    reply_reports: false,
    report_window: None,
    latency_sample_count: 4,
    idle_notices: false,
};

fn quiet(faults: &str) -> String {
    WORLD
        .replace("gap = \"2250ms\"", "gap = \"100s\"")
        .replace("4s", "5s")
        + faults
}

#[test]
fn timers_come_in_time_and_messages_take_the_time_of_the_network() {
    let answers = |second: u64| {
        let at = second * 1_000_000;
        [
            Saw::Timer(at),
            Saw::Answer(at + 20_000, 0, 0),
            Saw::Answer(at + 20_000, 1, 0),
        ]
    };
    let expected = (1..5).flat_map(answers);
    let expected: Vec<Saw> = [Saw::Start(0)].into_iter().chain(expected).collect();
    let got = saw(ORDERS, &quiet(""));
    assert_eq!(got[..expected.len()], expected);
}

/// Dead from 1.5 to 2.5 s: the probe of 2 s is lost. Standing still from 3.005 to 3.505 s: the
/// probe of 3 s arrives meanwhile, and is answered 10 ms after it goes on.
#[test]
fn the_dead_do_not_answer_and_who_stands_still_answers_late() {
    let faults = "[fault.crash]\nkind = \"crash\"\ntarget = \"instance:s/main/0\"\n\
        at = \"1500ms\"\nfor = \"1s\"\n\
        [fault.pause]\nkind = \"pause\"\ntarget = \"instance:s/main/0\"\n\
        at = \"3005ms\"\nfor = \"500ms\"\n";
    let got = saw(ORDERS, &quiet(faults));
    let of_first = got.iter().filter_map(|saw| match saw {
        Saw::Answer(at, 0, _) => Some(*at),
        _ => None,
    });
    let expected = [1_020_000, 3_515_000, 4_020_000];
    assert_eq!(of_first.collect::<Vec<u64>>()[..3], expected);
}

/// The caller is dead from 2.015 to 2.7 s: the answers on their way to it are lost, its timer is
/// gone, and a new balancer starts when it does.
#[test]
fn a_dead_caller_loses_its_timer_and_its_messages() {
    let faults = "[fault.crash]\nkind = \"crash\"\ntarget = \"caller:c/0\"\n\
        at = \"2015ms\"\nfor = \"685ms\"\n";
    let got = saw(ORDERS, &quiet(faults));
    let after: Vec<&Saw> = got.iter().skip(4).take(5).collect();
    assert_eq!(
        after,
        [
            &Saw::Timer(2_000_000),
            &Saw::Start(2_700_000),
            &Saw::Timer(3_700_000),
            &Saw::Answer(3_720_000, 0, 0),
            &Saw::Answer(3_720_000, 1, 0),
        ]
    );
}

#[test]
fn an_instance_counts_what_it_has_in_flight() {
    let got = saw(ORDERS, WORLD);
    let answers: Vec<&Saw> = got
        .iter()
        .filter(|saw| matches!(saw, Saw::Answer(_, 0, _)))
        .take(3)
        .collect();
    assert_eq!(
        answers,
        [
            &Saw::Answer(1_020_000, 0, 0),
            &Saw::Answer(2_020_000, 0, 0),
            &Saw::Answer(3_020_000, 0, 1),
        ]
    );
}

#[test]
fn a_report_comes_with_the_reply() {
    let needs = Needs {
        reply_reports: true,
        ..Needs::default()
    };
    let got = saw(needs, WORLD);
    assert_eq!(got, [Saw::Start(0), Saw::Report(3_270_000, 1_000_000)]);
}
