//! Messages between nodes in a short window: a line for each node, time from left to right.

use serde::{Deserialize, Serialize};

use super::axis::{Quantity, Scale};
use super::frame;
use super::marks;
use super::rows;
use super::scene::{Anchor, Area, Scene};
use super::series::{self, LineStyle, Swatch};
use super::span::{self, Span};
use super::stored::StoredChart;
use super::theme::{AMBER, BLUE, Color, GREEN, GRID, INK, LABEL_SIZE, MUTED, SKY, VERMILION};
use super::timeline::Timeline;
use super::{Caption, Chart, DataTable, text};

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    pub label: String,
    /// When it was down or stood still, in seconds.
    pub down_spans: Vec<Span>,
}

/// What a message says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    #[default]
    Request,
    /// A good reply.
    Reply,
    /// A refusal, a reset, an error.
    Failure,
}

/// One message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub kind: MessageKind,
    /// Places among the lanes.
    pub from: usize,
    pub to: usize,
    pub sent_secs: f64,
    /// None: it never did, or nobody waited for it any more.
    pub arrived_secs: Option<f64>,
}

/// One attempt at an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    pub lane: usize,
    pub reached_secs: f64,
    /// When a worker took it up.
    pub started_secs: Option<f64>,
    /// When the instance was done with it.
    pub left_secs: Option<f64>,
}

/// What happened at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// A caller gave up waiting.
    GaveUp,
    /// Somebody suspects the node, or leaves it out.
    Doubted,
    /// Somebody trusts it again.
    Trusted,
}

/// Something that happened at a node.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub kind: NoteKind,
    pub lane: usize,
    pub at_secs: f64,
}

/// The messages of a window. Times are counted from its start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MessageDiagram {
    pub caption: Caption,
    /// From zero on.
    pub timeline: Timeline,
    /// What zero is: `12 s`.
    pub start: String,
    pub lanes: Vec<Lane>,
    pub messages: Vec<Message>,
    pub works: Vec<Work>,
    pub notes: Vec<Note>,
}

const LANE_HEIGHT: f64 = 30.0;
/// Works of one instance that are drawn beside each other.
const LEVEL_COUNT: usize = 3;
const LEVEL_HEIGHT: f64 = 6.0;
/// A lost message is drawn over this share of the width and of the way.
const LOST_WIDTH: f64 = 0.02;
const LOST_WAY: f64 = 0.55;

impl Chart for MessageDiagram {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let (mut scene, top) = frame::open(&self.caption, width);
        let lanes_top = series::legend_rows(&mut scene, top - 8.0, &legend()) + 6.0;
        let top = lanes_top + self.timeline.lanes_height() + 6.0;
        let labels = self.lanes.iter().map(|lane| lane.label.clone());
        let plot = Area {
            left: rows::left_of(labels, width),
            top,
            right: width - 36.0,
            bottom: top + (self.lanes.len() as f64 * LANE_HEIGHT).max(80.0),
        };
        let time = self.timeline.scale(plot.left, plot.right);
        self.timeline.shade(&mut scene, &time, plot);
        self.draw_lanes(&mut scene, plot, &time);
        self.timeline.draw_lanes(&mut scene, &time, plot, lanes_top);
        self.draw_works(&mut scene, plot, &time);
        for message in &self.messages {
            self.draw_message(&mut scene, plot, &time, message);
        }
        for note in &self.notes {
            self.draw_note(&mut scene, plot, &time, note);
        }
        self.timeline.mark(&mut scene, &time, plot);
        if self.messages.is_empty() {
            frame::empty(&mut scene, plot, "no message was under way");
        }
        let name = format!("time after {}", self.start);
        let bottom = frame::base_axis(&mut scene, plot, &time, Quantity::Time, 8.0, &name);
        frame::close(scene, &self.caption, bottom)
    }

    fn table(&self) -> DataTable {
        let mut table = DataTable::new(["message", "from", "to", "sent (ms)", "arrived (ms)"]);
        let name = |lane: usize| {
            self.lanes
                .get(lane)
                .map_or("–".into(), |it| it.label.clone())
        };
        let ms = |secs: f64| format!("{:.6}", secs * 1e3);
        for message in &self.messages {
            let kind = match message.kind {
                MessageKind::Request => "request",
                MessageKind::Reply => "reply",
                MessageKind::Failure => "failure",
            };
            table.push(vec![
                kind.to_string(),
                name(message.from),
                name(message.to),
                ms(message.sent_secs),
                message.arrived_secs.map_or("–".into(), ms),
            ]);
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::Messages(self.clone())
    }
}

impl MessageDiagram {
    fn span(&self) -> Span {
        let (start, end) = (self.timeline.start_secs, self.timeline.end_secs);
        (start, end.max(start))
    }

    fn draw_lanes(&self, scene: &mut Scene, plot: Area, time: &Scale) {
        for (index, lane) in self.lanes.iter().enumerate() {
            let y = lane_y(plot, index);
            scene.line(vec![(plot.left, y), (plot.right, y)], GRID, 1.0);
            let room = rows::left_of_max(scene.width);
            let label = text::fit(&lane.label, LABEL_SIZE, false, room);
            scene.label_in((plot.left - 10.0, y + 4.0), &label, Anchor::End, MUTED);
            for span in span::tidy(lane.down_spans.iter().copied(), self.span()) {
                let area = Area {
                    left: time.px(span.0),
                    right: time.px(span.1),
                    top: y - 9.0,
                    bottom: y + 9.0,
                };
                scene.hatch(area, INK, 5.0);
            }
        }
    }

    /// Bars at the lanes of instances: thin while an attempt waits, thick while it is served.
    fn draw_works(&self, scene: &mut Scene, plot: Area, time: &Scale) {
        let (start, end) = self.span();
        // By lane: until when each level is taken.
        let mut taken = vec![[f64::NEG_INFINITY; LEVEL_COUNT]; self.lanes.len()];
        for work in &self.works {
            let until = work.left_secs.unwrap_or(end);
            let Some(levels) = taken.get_mut(work.lane) else {
                continue;
            };
            if until < start || end < work.reached_secs {
                continue;
            }
            let free = levels.iter().position(|taken| *taken <= work.reached_secs);
            let level = free.unwrap_or(LEVEL_COUNT - 1);
            levels[level] = levels[level].max(until);
            let middle = lane_y(plot, work.lane) + (level as f64 - 1.0) * LEVEL_HEIGHT;
            let bar = |from: f64, to: f64, half: f64| Area {
                left: time.px(from),
                right: time.px(to).max(time.px(from) + 0.75),
                top: middle - half,
                bottom: middle + half,
            };
            let started = work.started_secs.unwrap_or(until).min(until);
            if work.reached_secs < started {
                scene.rect(bar(work.reached_secs, started, 1.0), AMBER);
            }
            if work.started_secs.is_some() && start <= until && started <= end {
                scene.rect(bar(started, until, LEVEL_HEIGHT / 2.0 - 0.5), SKY);
            }
        }
    }

    fn draw_message(&self, scene: &mut Scene, plot: Area, time: &Scale, message: &Message) {
        if self.lanes.len() <= message.from.max(message.to) {
            return;
        }
        let (start, end) = self.span();
        let (from, to) = (lane_y(plot, message.from), lane_y(plot, message.to));
        let width = (end - start) * LOST_WIDTH;
        let (arrived, to) = match message.arrived_secs {
            Some(arrived) => (arrived.max(message.sent_secs), to),
            None => (message.sent_secs + width, from + (to - from) * LOST_WAY),
        };
        if arrived < start || end < message.sent_secs {
            return;
        }
        // What lies outside the window is cut off.
        let y_at = |secs: f64| match message.sent_secs < arrived {
            true => from + (to - from) * (secs - message.sent_secs) / (arrived - message.sent_secs),
            false => to,
        };
        let (first, last) = (message.sent_secs.max(start), arrived.min(end));
        let begin = match message.sent_secs < first {
            true => y_at(first),
            false => from,
        };
        let ends = [(time.px(first), begin), (time.px(last), y_at(last))];
        let style = style_of(message);
        match style.dash {
            None => scene.line(ends.to_vec(), style.color, style.width),
            Some(dash) => scene.dashes(&ends, style.color, style.width, dash),
        }
        if end < arrived {
            return;
        }
        match message.arrived_secs {
            Some(_) => scene.dot(ends[1], 2.0, style.color),
            None => marks::cross(scene, ends[1], VERMILION),
        }
    }

    fn draw_note(&self, scene: &mut Scene, plot: Area, time: &Scale, note: &Note) {
        let (start, end) = self.span();
        if note.at_secs < start || end < note.at_secs || self.lanes.len() <= note.lane {
            return;
        }
        let (x, y) = (time.px(note.at_secs), lane_y(plot, note.lane));
        match note.kind {
            NoteKind::GaveUp => marks::square(scene, (x, y), VERMILION),
            NoteKind::Doubted => marks::falling_triangle(scene, (x, y - 12.0), INK),
            NoteKind::Trusted => marks::triangle(scene, (x, y + 12.0), GREEN),
        }
    }
}

fn lane_y(plot: Area, lane: usize) -> f64 {
    plot.top + (lane as f64 + 0.5) * LANE_HEIGHT
}

fn style_of(message: &Message) -> LineStyle {
    let (color, dash): (Color, _) = match (message.kind, message.arrived_secs) {
        (_, None) => (VERMILION, None),
        (MessageKind::Request, _) => (BLUE, None),
        (MessageKind::Reply, _) => (GREEN, Some((5.0, 2.0))),
        (MessageKind::Failure, _) => (VERMILION, Some((2.0, 2.0))),
    };
    LineStyle {
        color,
        width: 1.1,
        dash,
    }
}

fn legend() -> [(Swatch, &'static str); 10] {
    let line = |kind: MessageKind| {
        Swatch::Line(style_of(&Message {
            kind,
            arrived_secs: Some(0.0),
            ..Message::default()
        }))
    };
    [
        (line(MessageKind::Request), "request"),
        (line(MessageKind::Reply), "good reply"),
        (line(MessageKind::Failure), "refusal or error"),
        (Swatch::Mark(marks::cross, VERMILION), "lost, or too late"),
        (Swatch::Mark(marks::square, VERMILION), "caller gives up"),
        (Swatch::Fill(SKY), "is served"),
        (Swatch::Interval(AMBER), "waits"),
        (
            Swatch::Mark(marks::falling_triangle, INK),
            "suspected or left out",
        ),
        (Swatch::Mark(marks::triangle, GREEN), "trusted again"),
        (Swatch::RisingHatch(super::theme::PAPER, INK), "down"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::scene::{Point, Shape};

    fn chart(messages: Vec<Message>) -> MessageDiagram {
        let lane = |label: &str| Lane {
            label: label.to_string(),
            ..Lane::default()
        };
        MessageDiagram {
            timeline: Timeline {
                end_secs: 1.0,
                ..Timeline::default()
            },
            lanes: vec![lane("shop/0"), lane("web/a/0")],
            messages,
            ..MessageDiagram::default()
        }
    }

    fn lines(chart: &MessageDiagram, color: Color) -> Vec<Vec<Point>> {
        let shapes = chart.scene(900.0).shapes.into_iter();
        let of_color = shapes.filter_map(|shape| match shape {
            Shape::Line { points, stroke } if stroke.color == color && stroke.width == 1.1 => {
                Some(points)
            }
            _ => None,
        });
        of_color.collect()
    }

    #[test]
    fn a_message_that_leaves_the_window_is_cut_at_its_edge() {
        let half = Message {
            from: 0,
            to: 1,
            sent_secs: 0.5,
            arrived_secs: Some(1.5),
            ..Message::default()
        };
        let found = lines(&chart(vec![half]), BLUE);
        // One in the legend, one in the plot, which covers half of the way between the lanes.
        let rise: Vec<f64> = found.iter().map(|line| line[1].1 - line[0].1).collect();
        assert_eq!(rise, [0.0, LANE_HEIGHT / 2.0]);
    }

    #[test]
    fn a_lost_message_ends_on_its_way() {
        let lost = Message {
            from: 0,
            to: 1,
            sent_secs: 0.5,
            arrived_secs: None,
            ..Message::default()
        };
        let found = lines(&chart(vec![lost]), VERMILION);
        let whole: Vec<&Vec<Point>> = found.iter().filter(|line| line[0].1 != line[1].1).collect();
        assert_eq!(whole.len(), 1);
        assert!((whole[0][1].1 - whole[0][0].1 - LANE_HEIGHT * LOST_WAY).abs() < 1e-9);
    }
}
