//! Which instance gave how many keys to which other one: as a matrix, and as a flow beside it.

use serde::{Deserialize, Serialize};

use super::frame;
use super::key_flow;
use super::number;
use super::rows::ROW_COUNT_MAX;
use super::scene::{Anchor, Area, Label, Scene};
use super::series::{self, Swatch};
use super::stored::StoredChart;
use super::theme::{
    AXIS, BLUE, Color, INK, LABEL_SIZE, MARGIN, MUTED, PAPER, TRACK, VERMILION, sequential,
};
use super::{Caption, Chart, DataTable, text};

/// An instance, or all that have no row of their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyOwner {
    pub label: String,
    /// Its share of the keys, from 0 to 1.
    pub before: f64,
    pub after: f64,
}

/// Keys that one owner took over from another, or from within the same one if that is many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OwnerMove {
    /// Places among the owners.
    pub from: usize,
    pub to: usize,
    /// Share of all keys.
    pub share: f64,
    /// How much of it no change of the weights asked for.
    pub needless: f64,
}

/// Keys that moved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyMoves {
    pub caption: Caption,
    /// At most 24.
    pub owners: Vec<KeyOwner>,
    pub moves: Vec<OwnerMove>,
}

/// What a change of the weights asked for, and what it did not.
pub(super) const NEEDED: Color = BLUE;
pub(super) const NEEDLESS: Color = VERMILION;
/// Cells are not narrower than this for the sake of long names.
const CELL_MIN: f64 = 9.0;
const CELL_MAX: f64 = 34.0;
/// Cells that are wider hold numbers.
const NUMBER_WIDTH: f64 = 26.0;
/// Text on colours, the same in every theme.
const DARK_TEXT: Color = Color(0x10, 0x12, 0x14);
const LIGHT_TEXT: Color = Color(0xFD, 0xFD, 0xFD);

impl Chart for KeyMoves {
    fn caption(&self) -> &Caption {
        &self.caption
    }

    fn scene(&self, width: f64) -> Scene {
        let (mut scene, top) = frame::open(&self.caption, width);
        let entries = [
            (Swatch::Fill(NEEDED), "moved, as the weights ask"),
            (
                Swatch::FallingHatch(PAPER, NEEDLESS),
                "moved, and no weight asks for it",
            ),
            (Swatch::Fill(TRACK), "stayed"),
        ];
        let top = series::legend_rows(&mut scene, top - 8.0, &entries) + 14.0;
        let is_narrow = frame::is_narrow(width);
        let inner = width - 2.0 * MARGIN;
        let matrix_width = if is_narrow { inner } else { inner * 0.48 };
        let matrix = Area {
            left: MARGIN,
            top,
            right: MARGIN + matrix_width,
            bottom: top,
        };
        if self.owners.is_empty() {
            let plot = Area {
                right: width - MARGIN,
                bottom: top + 80.0,
                ..matrix
            };
            frame::empty(&mut scene, plot, "no keys moved");
            return frame::close(scene, &self.caption, plot.bottom);
        }
        let matrix_bottom = self.draw_matrix(&mut scene, matrix);
        let flow = Area {
            left: if is_narrow {
                MARGIN
            } else {
                matrix.right + 24.0
            },
            top: if is_narrow { matrix_bottom + 30.0 } else { top },
            right: width - MARGIN,
            bottom: top,
        };
        let flow_bottom = key_flow::draw(&mut scene, flow, &self.owners, &self.moves);
        frame::close(scene, &self.caption, matrix_bottom.max(flow_bottom))
    }

    fn table(&self) -> DataTable {
        let mut table = DataTable::new(["from", "to", "share (%)", "needless (%)"]);
        for one in &self.moves {
            let name = |place: usize| self.owners[place].label.clone();
            let percent = |share: f64| format!("{:.4}", share * 100.0);
            table.push(vec![
                name(one.from),
                name(one.to),
                percent(one.share),
                percent(one.needless),
            ]);
        }
        table
    }

    fn stored(&self) -> StoredChart {
        StoredChart::KeyMoves(self.clone())
    }
}

impl KeyMoves {
    /// Draws the matrix from the top of `room` down; gives the height at which it ends.
    fn draw_matrix(&self, scene: &mut Scene, room: Area) -> f64 {
        let owners = &self.owners[..self.owners.len().min(ROW_COUNT_MAX)];
        let heading = text::fit("from row to column", LABEL_SIZE, true, room.width());
        scene.text(Label {
            at: (room.left, room.top + 4.0),
            text: heading,
            size: LABEL_SIZE,
            is_bold: true,
            anchor: Anchor::Start,
            color: INK,
        });
        let labels: Vec<String> = owners
            .iter()
            .enumerate()
            .map(|(place, owner)| format!("{} · {}", owner.label, place + 1))
            .collect();
        let widest = labels
            .iter()
            .map(|label| text::width(label, LABEL_SIZE, false))
            .fold(30.0, f64::max)
            .min(room.width() * 0.42)
            .min((room.width() - 8.0 - CELL_MIN * owners.len() as f64).max(50.0));
        let left = room.left + widest + 8.0;
        let cell = ((room.right - left) / owners.len() as f64).min(CELL_MAX);
        let top = room.top + 30.0;
        let area = |row: usize, column: usize| Area {
            left: left + column as f64 * cell,
            top: top + row as f64 * cell.max(13.0),
            right: left + (column + 1) as f64 * cell,
            bottom: top + (row + 1) as f64 * cell.max(13.0),
        };
        let (low, high) = self.ends();
        for (row, label) in labels.iter().enumerate() {
            let at = area(row, 0);
            let y = (at.top + at.bottom) / 2.0 + 4.0;
            let label = text::fit(label, LABEL_SIZE, false, widest);
            scene.label_in((left - 8.0, y), &label, Anchor::End, MUTED);
            for column in 0..owners.len() {
                self.draw_cell(scene, area(row, column), (row, column), (low, high));
            }
        }
        let every = (19.0 / cell).ceil() as usize;
        for column in (0..owners.len()).step_by(every) {
            let at = area(0, column);
            let place = ((at.left + at.right) / 2.0, top - 6.0);
            scene.label_in(place, &(column + 1).to_string(), Anchor::Middle, MUTED);
        }
        let bottom = area(owners.len() - 1, 0).bottom;
        let has_numbers = NUMBER_WIDTH <= cell;
        let place = (left, bottom + 14.0);
        draw_scale(scene, place, (low, high), room.right, has_numbers)
    }

    fn draw_cell(&self, scene: &mut Scene, area: Area, place: (usize, usize), ends: (f64, f64)) {
        let inner = Area {
            right: area.right - 1.0,
            bottom: area.bottom - 1.0,
            ..area
        };
        let is_here = |one: &&OwnerMove| (one.from, one.to) == place;
        let Some(one) = self.moves.iter().find(is_here) else {
            if place.0 == place.1 {
                scene.rect(inner, TRACK);
            } else {
                let ends = [(inner.left, inner.bottom), (inner.right, inner.bottom)];
                scene.line(ends.to_vec(), TRACK, 1.0);
            }
            return;
        };
        let level = level(one.share, ends);
        scene.rect(inner, sequential(level));
        let is_needless = one.share < 2.0 * one.needless;
        let ink = if level < 0.55 { LIGHT_TEXT } else { DARK_TEXT };
        if is_needless {
            scene.hatch_falling(inner, ink, 6.0);
        }
        let words = cell_text(one.share);
        let is_wide = text::width(&words, LABEL_SIZE, false) + 4.0 <= inner.width();
        if is_wide && !is_needless && LABEL_SIZE + 2.0 <= inner.height() {
            let at = (
                (inner.left + inner.right) / 2.0,
                (inner.top + inner.bottom) / 2.0 + 4.0,
            );
            scene.label_in(at, &words, Anchor::Middle, ink);
        }
    }

    /// The least and the largest share that moved.
    fn ends(&self) -> (f64, f64) {
        let shares = self.moves.iter().map(|one| one.share);
        let shares = shares.filter(|share| share.is_finite() && 0.0 < *share);
        let low = shares.clone().fold(f64::INFINITY, f64::min);
        let high = shares.fold(0.0, f64::max);
        if high == 0.0 {
            (0.001, 1.0)
        } else {
            (low, high)
        }
    }
}

/// Where a share lies between the ends, by its logarithm.
fn level(share: f64, (low, high): (f64, f64)) -> f64 {
    let share = if share.is_finite() {
        share.clamp(low, high)
    } else {
        low
    };
    match low * 1.001 < high {
        true => libm::log(share / low) / libm::log(high / low),
        false => 1.0,
    }
}

/// `8.3 %`.
pub(super) fn percent(share: f64) -> String {
    let step = match share * 100.0 {
        value if value < 0.095 => 0.001,
        value if value < 0.95 => 0.01,
        value if value < 99.5 => 0.1,
        _ => 1.0,
    };
    format!("{} %", number::plain(share * 100.0, step))
}

/// A share in per cent, in as many digits as a cell has room for.
fn cell_text(share: f64) -> String {
    match share * 100.0 {
        value if value < 0.095 => "<.1".to_string(),
        value if value < 9.95 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

/// The bar of colours with its ends; gives the height at which it ends.
fn draw_scale(
    scene: &mut Scene,
    (left, top): (f64, f64),
    (low, high): (f64, f64),
    right: f64,
    has_numbers: bool,
) -> f64 {
    let words = [percent(low), percent(high)];
    let widths = words
        .each_ref()
        .map(|words| text::width(words, LABEL_SIZE, false));
    let length = (right - left - widths[0] - widths[1] - 16.0).clamp(30.0, 120.0);
    let from = left + widths[0] + 8.0;
    let steps = super::theme::LEVEL_COUNT;
    for step in 0..steps {
        let edge = |part: u32| from + length * f64::from(part) / f64::from(steps);
        let area = Area {
            left: edge(step),
            right: edge(step + 1),
            top,
            bottom: top + 10.0,
        };
        let share = f64::from(step) / f64::from(steps - 1);
        scene.rect(area, sequential(share));
    }
    scene.label_in((left, top + 9.0), &words[0], Anchor::Start, MUTED);
    let at = (from + length + 8.0, top + 9.0);
    scene.label_in(at, &words[1], Anchor::Start, MUTED);
    let ends = vec![(from, top + 10.0), (from + length, top + 10.0)];
    scene.line(ends, AXIS, 1.0);
    let note = match has_numbers {
        true => "of all keys (log scale); numbers in per cent",
        false => "of all keys (log scale)",
    };
    let note = text::fit(note, LABEL_SIZE, false, scene.width - MARGIN - left);
    scene.label_in((left, top + 25.0), &note, Anchor::Start, MUTED);
    top + 29.0
}
