//! Keys that flow from those who had them to those who have them.

use super::key_moves::{KeyOwner, NEEDED, NEEDLESS, OwnerMove, percent};
use super::scene::{Anchor, Area, Label, Point, Scene};
use super::text;
use super::theme::{Color, INK, LABEL_SIZE, MUTED, PAPER, TRACK};

const BLOCK_WIDTH: f64 = 11.0;
const GAP: f64 = 2.0;
/// Bands that are thinner are left out.
const BAND_HEIGHT_MIN: f64 = 0.35;
/// Pieces of each edge of a band.
const PIECE_COUNT: usize = 12;

/// A part of the keys that goes from one owner to one.
#[derive(Clone, Copy)]
struct Band {
    from: usize,
    to: usize,
    share: f64,
    /// None: it stays.
    is_needless: Option<bool>,
}

/// Both columns of blocks, and how high a whole is.
struct Columns<'a> {
    owners: &'a [KeyOwner],
    plot: Area,
    unit: f64,
}

/// Where less moved, only what moved is drawn.
const MOVED_MIN: f64 = 0.3;

/// Draws the flow from the top of `room` down; gives the height at which it ends.
pub fn draw(scene: &mut Scene, room: Area, owners: &[KeyOwner], moves: &[OwnerMove]) -> f64 {
    let moved: f64 = moves.iter().map(|one| one.share).sum();
    let is_part = moved < MOVED_MIN;
    let only_moved = if is_part {
        moved_only(owners, moves)
    } else {
        Vec::new()
    };
    let owners = if is_part { &only_moved } else { owners };
    let titles = match is_part {
        true => ["gave", "got"],
        false => ["before", "after"],
    };
    let both = |owner: &KeyOwner| [owner.before, owner.after].map(|share| label_of(owner, share));
    let labels = owners.iter().flat_map(both);
    let label_width = labels
        .map(|label| text::width(&label, LABEL_SIZE, false))
        .fold(40.0, f64::max)
        .min(room.width() * 0.33);
    let height = (owners.len() as f64 * 17.0).max(280.0);
    let plot = Area {
        left: room.left + label_width + 6.0,
        top: room.top + 14.0,
        right: room.right - label_width - 6.0,
        bottom: room.top + 14.0 + height,
    };
    for (x, words, anchor) in [
        (plot.left, titles[0], Anchor::Start),
        (plot.right, titles[1], Anchor::End),
    ] {
        scene.text(Label {
            at: (x, room.top + 4.0),
            text: words.to_string(),
            size: LABEL_SIZE,
            is_bold: true,
            anchor,
            color: INK,
        });
    }
    let columns = Columns {
        owners,
        plot,
        unit: (height - GAP * owners.len() as f64).max(1.0) / if is_part { moved } else { 1.0 },
    };
    let bands = bands(owners, moves);
    columns.draw_bands(scene, &bands);
    columns.draw_blocks(scene, plot.left, label_width, |owner| owner.before);
    columns.draw_blocks(scene, plot.right, label_width, |owner| owner.after);
    plot.bottom
}

/// Owners with what they gave in place of what they had, and what they got.
fn moved_only(owners: &[KeyOwner], moves: &[OwnerMove]) -> Vec<KeyOwner> {
    let sum = |is_meant: &dyn Fn(&OwnerMove) -> bool| -> f64 {
        let meant = moves.iter().filter(|one| is_meant(one));
        meant.map(|one| one.share).sum()
    };
    let owner = |(place, owner): (usize, &KeyOwner)| KeyOwner {
        label: owner.label.clone(),
        before: sum(&|one| one.from == place),
        after: sum(&|one| one.to == place),
    };
    owners.iter().enumerate().map(owner).collect()
}

/// What stayed and what moved, by who had it, then by who has it.
fn bands(owners: &[KeyOwner], moves: &[OwnerMove]) -> Vec<Band> {
    let mut bands = Vec::new();
    for (place, owner) in owners.iter().enumerate() {
        let of_it = moves.iter().filter(|one| one.from == place);
        let given: f64 = of_it.map(|one| one.share).sum();
        bands.push(Band {
            from: place,
            to: place,
            share: (owner.before - given).max(0.0),
            is_needless: None,
        });
    }
    for one in moves {
        let needless = one.needless.min(one.share);
        for (share, is_needless) in [(one.share - needless, false), (needless, true)] {
            bands.push(Band {
                from: one.from,
                to: one.to,
                share,
                is_needless: Some(is_needless),
            });
        }
    }
    let is_known = |band: &Band| band.from.max(band.to) < owners.len();
    bands.retain(is_known);
    // Rounding leaves nothing that stayed.
    bands.retain(|band| band.share.is_finite() && 1e-9 < band.share);
    bands.sort_by_key(|band| (band.from, band.to, band.is_needless));
    bands
}

impl Columns<'_> {
    /// The top of every block of a column.
    fn tops(&self, of: fn(&KeyOwner) -> f64) -> Vec<f64> {
        let mut y = self.plot.top;
        let top = |owner: &KeyOwner| {
            let top = y;
            let share = if of(owner).is_finite() {
                of(owner)
            } else {
                0.0
            };
            y += share.clamp(0.0, 1.0) * self.unit + if 0.0 < share { GAP } else { 0.0 };
            top.min(self.plot.bottom)
        };
        self.owners.iter().map(top).collect()
    }

    fn draw_bands(&self, scene: &mut Scene, bands: &[Band]) {
        let mut left_free = self.tops(|owner| owner.before);
        let mut right_free = self.tops(|owner| owner.after);
        // Who has them, then who had them: bands cross as little as they can on the right.
        let mut by_end: Vec<usize> = (0..bands.len()).collect();
        by_end.sort_by_key(|place| (bands[*place].to, bands[*place].from));
        let mut ends = vec![0.0; bands.len()];
        for place in by_end {
            let band = bands[place];
            ends[place] = right_free[band.to];
            right_free[band.to] += band.share * self.unit;
        }
        let mut drawn: Vec<(Color, Vec<Point>)> = Vec::new();
        for (band, end) in bands.iter().zip(ends) {
            let start = left_free[band.from];
            let height = band.share * self.unit;
            left_free[band.from] += height;
            if height < BAND_HEIGHT_MIN {
                continue;
            }
            let color = match band.is_needless {
                None => TRACK,
                Some(false) => NEEDED,
                Some(true) => NEEDLESS,
            };
            drawn.push((color, self.outline(start, end, height)));
        }
        let is_moved = |one: &&(Color, Vec<Point>)| one.0 != TRACK;
        for (color, outline) in drawn.iter().filter(|one| !is_moved(one)) {
            scene.polygon(outline.clone(), *color);
        }
        for (color, outline) in drawn.iter().filter(is_moved) {
            scene.polygon(outline.clone(), *color);
            // Needless bands carry a pale seam, so that colour is not alone.
            let middle: Vec<Point> = (0..=PIECE_COUNT)
                .map(|piece| {
                    let (a, b) = (outline[piece], outline[2 * PIECE_COUNT + 1 - piece]);
                    (a.0, (a.1 + b.1) / 2.0)
                })
                .collect();
            let height = outline[2 * PIECE_COUNT + 1].1 - outline[0].1;
            if *color == NEEDLESS && 3.0 <= height {
                scene.dashes(&middle, PAPER, 1.0, (4.0, 4.0));
            }
            if 3.0 <= height {
                scene.line(outline[..=PIECE_COUNT].to_vec(), PAPER, 0.6);
            }
        }
    }

    /// A band that leaves and arrives level.
    fn outline(&self, start: f64, end: f64, height: f64) -> Vec<Point> {
        let (left, right) = (self.plot.left + BLOCK_WIDTH, self.plot.right - BLOCK_WIDTH);
        let limit = self.plot.bottom;
        let edge = |piece: usize, down: f64| {
            let part = piece as f64 / PIECE_COUNT as f64;
            let eased = part * part * (3.0 - 2.0 * part);
            let y = start + (end - start) * eased + down;
            (left + (right - left) * part, y.min(limit))
        };
        let upper = (0..=PIECE_COUNT).map(|piece| edge(piece, 0.0));
        let lower = (0..=PIECE_COUNT).rev().map(|piece| edge(piece, height));
        upper.chain(lower).collect()
    }

    /// Draws the blocks at the left or the right side of the plot, with their labels outside.
    fn draw_blocks(
        &self,
        scene: &mut Scene,
        side: f64,
        label_width: f64,
        of: fn(&KeyOwner) -> f64,
    ) {
        let is_left = side == self.plot.left;
        let (left, right) = match is_left {
            true => (side, side + BLOCK_WIDTH),
            false => (side - BLOCK_WIDTH, side),
        };
        let (at, anchor) = match is_left {
            true => (side - 6.0, Anchor::End),
            false => (side + 6.0, Anchor::Start),
        };
        let mut free_from = self.plot.top - 6.0;
        for (owner, top) in self.owners.iter().zip(self.tops(of)) {
            let share = of(owner);
            if !share.is_finite() || share <= 0.0 {
                continue;
            }
            let bottom = (top + share * self.unit).min(self.plot.bottom);
            let block = Area {
                left,
                top,
                right,
                bottom,
            };
            scene.rect(block, MUTED);
            let y = (top + bottom) / 2.0 + 4.0;
            if y - LABEL_SIZE < free_from {
                continue;
            }
            let words = text::fit(&label_of(owner, share), LABEL_SIZE, false, label_width);
            scene.label_in((at, y), &words, anchor, INK);
            free_from = y + 2.0;
        }
    }
}

fn label_of(owner: &KeyOwner, share: f64) -> String {
    format!("{} {}", owner.label, percent(share))
}
