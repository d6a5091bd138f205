//! What every instance was and what its observers believed, over time.

use serde::{Deserialize, Serialize};

use super::axis::{Quantity, Scale};
use super::frame;
use super::scene::{Anchor, Area, Label, Scene};
use super::series::{self, Swatch};
use super::span::{self, Span};
use super::stored::StoredChart;
use super::theme::{
    AXIS, BLUE, Color, INK, LABEL_SIZE, MARGIN, MISTAKE, MUTED, PAPER, TRACK, UNDETECTED, VERMILION,
};
use super::timeline::Timeline;
use super::{Caption, Chart, DataTable, text};

/// One instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ObservedInstance {
    pub label: String,
    /// When it was down, in seconds.
    pub down_spans: Vec<Span>,
    /// When it stood still but was not down, in seconds.
    pub paused_spans: Vec<Span>,
    /// When it was no part of its service, in seconds: left blank.
    pub absent_spans: Vec<Span>,
    pub observers: Vec<Observer>,
}

/// Who believed what about an instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observer {
    pub label: String,
    /// When it took the instance for down, or did not list it, in seconds.
    pub suspected_spans: Vec<Span>,
    /// When it listed the instance although that was no part of its service, in seconds.
    #[serde(default)]
    pub stale_spans: Vec<Span>,
}

/// True state against believed state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeartbeatTimeline {
    pub caption: Caption,
    pub timeline: Timeline,
    pub instances: Vec<ObservedInstance>,
}

/// Strips that fit; of every fault the instances with most time down or suspected come first.
const STRIP_COUNT_MAX: usize = 48;
const STRIP_HEIGHT: f64 = 14.0;
const BLOCK_GAP: f64 = 9.0;

const PAUSED: Color = AXIS;

/// Parts of the time of one observer.
struct Beliefs {
    detected: Vec<Span>,
    undetected: Vec<Span>,
    mistaken: Vec<Span>,
}

impl Chart for HeartbeatTimeline {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let (mut scene, legend_top) = frame::open(&self.caption, width);
        let shown = self.shown();
        let lanes_top = draw_legend(&mut scene, legend_top);
        let top = lanes_top + self.timeline.lanes_height() + 6.0;
        let (left, right) = self.sides(&shown, width);
        let strip_count: usize = shown
            .iter()
            .map(|instance| 1 + instance.observers.len())
            .sum();
        let height = strip_count as f64 * STRIP_HEIGHT + shown.len() as f64 * BLOCK_GAP;
        let plot = Area {
            left,
            top,
            right,
            bottom: top + height.max(80.0),
        };
        let time = self.timeline.scale(left, right);

        self.timeline.draw_lanes(&mut scene, &time, plot, lanes_top);
        self.timeline.shade(&mut scene, &time, plot);
        let mut y = top + BLOCK_GAP / 2.0;
        for instance in &shown {
            self.draw_instance(&mut scene, instance, &time, Area { top: y, ..plot });
            y += (1 + instance.observers.len()) as f64 * STRIP_HEIGHT + BLOCK_GAP;
        }
        if shown.is_empty() {
            frame::empty(&mut scene, plot, "nobody was observed");
        }
        self.timeline.mark(&mut scene, &time, plot);
        let name = "simulated time";
        let mut bottom = frame::base_axis(&mut scene, plot, &time, Quantity::Time, 8.0, name);
        if shown.len() < self.instances.len() {
            let note = format!(
                "{} of {} instances: of each fault those with most time down, paused or \
                 suspected",
                shown.len(),
                self.instances.len()
            );
            bottom = frame::remark(&mut scene, (left.min(width * 0.1), bottom), &note);
        }
        frame::close(scene, &self.caption, bottom)
    }

    fn table(&self) -> DataTable {
        let mut table = DataTable::new([
            "instance",
            "observer",
            "down (s)",
            "down and suspected (s)",
            "down or gone, not suspected (s)",
            "up, but suspected or not listed (s)",
            "first suspected (s)",
        ]);
        for instance in &self.instances {
            let down = self.tidy(&instance.down_spans);
            for observer in &instance.observers {
                let beliefs = self.beliefs(instance, observer);
                let secs = |spans: &[Span]| format!("{:.3}", span::total(spans));
                let first = self
                    .tidy(&observer.suspected_spans)
                    .first()
                    .map(|span| span.0);
                table.push(vec![
                    instance.label.clone(),
                    observer.label.clone(),
                    secs(&down),
                    secs(&beliefs.detected),
                    secs(&beliefs.undetected),
                    secs(&beliefs.mistaken),
                    first.map_or("–".into(), |at| format!("{at:.3}")),
                ]);
            }
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::Heartbeats(self.clone())
    }
}

impl HeartbeatTimeline {
    fn tidy(&self, spans: &[Span]) -> Vec<Span> {
        let start = self.timeline.start_secs;
        span::tidy(
            spans.iter().copied(),
            (start, self.timeline.end_secs.max(start)),
        )
    }

    fn beliefs(&self, instance: &ObservedInstance, observer: &Observer) -> Beliefs {
        let down = self.tidy(&instance.down_spans);
        let suspected = self.tidy(&observer.suspected_spans);
        let absent = self.tidy(&instance.absent_spans);
        let stale = self.tidy(&observer.stale_spans);
        Beliefs {
            detected: span::intersection(&down, &suspected),
            undetected: self.tidy(&[span::difference(&down, &suspected), stale].concat()),
            mistaken: span::difference(&span::difference(&suspected, &down), &absent),
        }
    }

    /// The instances that are drawn, in their given order.
    fn shown(&self) -> Vec<&ObservedInstance> {
        let troubled_secs = |instance: &ObservedInstance| {
            let suspected = instance
                .observers
                .iter()
                .map(|o| self.tidy(&o.suspected_spans));
            span::total(&self.tidy(&instance.down_spans))
                + span::total(&self.tidy(&instance.paused_spans))
                + suspected
                    .map(|spans| span::total(&spans))
                    .fold(0.0, f64::max)
        };
        // Those with the same story tell nothing new: the first of each stand before all others.
        let mut told: Vec<(&[Span], &[Span], u32)> = Vec::new();
        let mut order: Vec<(u32, f64, usize)> = Vec::new();
        for (index, it) in self.instances.iter().enumerate() {
            let is_same = |story: &&mut (&[Span], &[Span], u32)| {
                story.0 == it.down_spans && story.1 == it.paused_spans
            };
            let rank = match told.iter_mut().find(is_same) {
                Some(story) => {
                    story.2 += 1;
                    story.2
                }
                None => {
                    told.push((&it.down_spans, &it.paused_spans, 0));
                    0
                }
            };
            order.push((rank, troubled_secs(it), index));
        }
        order.sort_by(|a, b| {
            let by_trouble = a.0.cmp(&b.0).then(b.1.total_cmp(&a.1));
            by_trouble.then(a.2.cmp(&b.2))
        });
        let mut strip_count = 0;
        let mut kept: Vec<usize> = order
            .into_iter()
            .map(|(_, _, index)| index)
            .take_while(|&index| {
                strip_count += 1 + self.instances[index].observers.len();
                strip_count <= STRIP_COUNT_MAX
            })
            .collect();
        kept.sort_unstable();
        kept.into_iter()
            .map(|index| &self.instances[index])
            .collect()
    }

    /// Left and right side of the strips: room for instances, then for observers.
    fn sides(&self, shown: &[&ObservedInstance], width: f64) -> (f64, f64) {
        let names = shown
            .iter()
            .map(|it| text::width(&it.label, LABEL_SIZE, true));
        let names = names.fold(40.0, f64::max);
        let observers = shown
            .iter()
            .flat_map(|it| &it.observers)
            .map(|o| o.label.as_str());
        let observers = observers.chain(["true state"]);
        let observers = observers.map(|label| text::width(label, LABEL_SIZE, false));
        let observers = observers.fold(40.0, f64::max);
        let share = if frame::is_narrow(width) { 0.28 } else { 0.2 };
        (
            MARGIN + names.min(180.0).min(width * 0.2) + 10.0,
            width - MARGIN - observers.min(160.0).min(width * share) - 8.0,
        )
    }

    /// Draws the strips of one instance from the top of `area` down.
    fn draw_instance(
        &self,
        scene: &mut Scene,
        instance: &ObservedInstance,
        time: &Scale,
        area: Area,
    ) {
        let strip = |index: usize| {
            let top = area.top + index as f64 * STRIP_HEIGHT;
            Area {
                top,
                bottom: top + STRIP_HEIGHT - 1.5,
                ..area
            }
        };
        let part = |row: Area, span: &Span| Area {
            left: time.px(span.0),
            right: time.px(span.1).max(time.px(span.0) + 0.75),
            ..row
        };
        let absent = self.tidy(&instance.absent_spans);
        let track = |scene: &mut Scene, row: Area| {
            scene.rect(row, TRACK);
            for span in &absent {
                scene.rect(part(row, span), PAPER);
            }
        };
        let truth = strip(0);
        track(scene, truth);
        for span in &self.tidy(&instance.paused_spans) {
            scene.rect(part(truth, span), PAUSED);
        }
        for span in &self.tidy(&instance.down_spans) {
            scene.rect(part(truth, span), INK);
        }
        let name = text::fit(&instance.label, LABEL_SIZE, true, area.left - MARGIN - 10.0);
        scene.text(Label {
            at: (area.left - 8.0, truth.bottom - 2.0),
            text: name,
            size: LABEL_SIZE,
            is_bold: true,
            anchor: Anchor::End,
            color: INK,
        });
        side_label(scene, truth, "true state");
        for (index, observer) in instance.observers.iter().enumerate() {
            let row = strip(index + 1);
            let beliefs = self.beliefs(instance, observer);
            track(scene, row);
            for span in &beliefs.detected {
                scene.rect(part(row, span), BLUE);
            }
            for span in &beliefs.undetected {
                draw_undetected(scene, part(row, span));
            }
            for span in &beliefs.mistaken {
                draw_mistake(scene, part(row, span));
            }
            side_label(scene, row, &observer.label);
        }
    }
}

fn side_label(scene: &mut Scene, row: Area, label: &str) {
    let at = (row.right + 8.0, row.bottom - 2.0);
    let room = scene.width - MARGIN - at.0 + 4.0;
    let label = text::fit(label, LABEL_SIZE, false, room);
    scene.label_in(at, &label, Anchor::Start, MUTED);
}

fn draw_undetected(scene: &mut Scene, area: Area) {
    scene.rect(area, UNDETECTED);
    scene.hatch(area, VERMILION, 5.0);
}

fn draw_mistake(scene: &mut Scene, area: Area) {
    scene.rect(area, MISTAKE);
    scene.hatch_falling(area, INK, 5.0);
}

/// Gives the height at which it ends.
fn draw_legend(scene: &mut Scene, top: f64) -> f64 {
    let entries = [
        (Swatch::Fill(TRACK), "up"),
        (Swatch::Fill(INK), "down"),
        (Swatch::Fill(PAUSED), "paused"),
        (Swatch::Fill(BLUE), "down, suspected"),
        (
            Swatch::RisingHatch(UNDETECTED, VERMILION),
            "down or gone, still used",
        ),
        (
            Swatch::FallingHatch(MISTAKE, INK),
            "up, suspected or not listed",
        ),
    ];
    if frame::is_narrow(scene.width) {
        return series::legend_rows(scene, top, &entries);
    }
    let ends = (MARGIN, scene.width - MARGIN);
    series::legend(scene, ends, top + LABEL_SIZE, &entries);
    top + LABEL_SIZE + 14.0
}
