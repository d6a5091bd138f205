//! Parts of a run: the timeline is cut at every start and end of a fault, and pieces that lie alike
//! to every fault share one class. Statistics are kept by class; any phase is a sum of classes.

use crate::model::observation::FaultWindow;
use crate::scenario::measure::Phase;
use crate::time::{SimDuration, SimTime};

/// Class of what lies outside the measured window.
pub const UNMEASURED: u16 = 0;

/// How a class lies to one fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Position {
    Before,
    During,
    After,
}

/// A run, cut into pieces by its faults.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Start of each piece, ascending from zero.
    starts: Vec<SimTime>,
    /// Class of each piece.
    classes: Vec<u16>,
    /// How each class lies to each fault. Class 0 is empty; so is the last one where there are too
    /// many classes, which pools the rest.
    positions: Vec<Vec<Position>>,
    /// Length of all pieces of each class.
    lengths: Vec<SimDuration>,
    /// Windows of each fault inside the run, joined where they overlap.
    windows: Vec<Vec<(SimTime, SimTime)>>,
    is_pooled: bool,
}

impl Timeline {
    /// Cuts the run. Only `[warmup, duration)` is measured. More than `class_count_max` classes
    /// are pooled; phases of faults are then undecided.
    pub fn new(
        warmup: SimDuration,
        duration: SimDuration,
        fault_count: usize,
        fault_windows: &[FaultWindow],
        class_count_max: usize,
    ) -> Self {
        let end = SimTime::START + duration;
        let start = (SimTime::START + warmup).min(end);
        let windows = joined_windows(fault_count, fault_windows, end);
        let mut cuts = vec![SimTime::START, start, end];
        cuts.extend(windows.iter().flatten().flat_map(|(from, to)| [*from, *to]));
        cuts.sort_unstable();
        cuts.dedup();
        let mut timeline = Timeline {
            windows,
            positions: vec![Vec::new()],
            lengths: vec![SimDuration::ZERO],
            ..Timeline::default()
        };
        let mut cursors = vec![0; fault_count];
        for (place, cut) in cuts.iter().enumerate() {
            let is_measured = start <= *cut && *cut < end;
            let positions = timeline.positions_at(*cut, &mut cursors);
            let class = if is_measured {
                timeline.intern(positions, class_count_max)
            } else {
                UNMEASURED
            };
            if let Some(next) = cuts.get(place + 1) {
                timeline.lengths[class as usize] += next.since(*cut);
            }
            timeline.starts.push(*cut);
            timeline.classes.push(class);
        }
        timeline
    }

    /// Classes, [`UNMEASURED`] included.
    pub fn class_count(&self) -> usize {
        self.lengths.len()
    }

    /// Pieces.
    pub fn piece_count(&self) -> usize {
        self.starts.len()
    }

    /// The piece that holds an instant.
    pub fn piece_at(&self, at: SimTime) -> usize {
        self.starts.partition_point(|start| *start <= at) - 1
    }

    /// The class of an instant.
    pub fn class_at(&self, at: SimTime) -> u16 {
        self.classes[self.piece_at(at)]
    }

    /// Start, end and class of a piece; the last one never ends.
    pub fn piece(&self, piece: usize) -> (SimTime, SimTime, u16) {
        let end = self.starts.get(piece + 1).copied();
        (
            self.starts[piece],
            end.unwrap_or(SimTime::NEVER),
            self.classes[piece],
        )
    }

    /// Whether all of `[start, end)` lies in these classes.
    pub fn is_inside(&self, start: SimTime, end: SimTime, classes: &[u16]) -> bool {
        let first = self.piece_at(start);
        let pieces = (first..).take_while(|place| *place == first || self.starts[*place] < end);
        pieces
            .take_while(|place| *place < self.piece_count())
            .all(|place| classes.contains(&self.classes[place]))
    }

    /// The windows of a fault inside the run, joined where they overlap.
    pub fn fault_windows(&self, fault: usize) -> &[(SimTime, SimTime)] {
        &self.windows[fault]
    }

    /// Whether an instant lies in a window of any fault.
    pub fn is_in_any_fault(&self, at: SimTime) -> bool {
        self.windows.iter().any(|windows| {
            let next = windows.partition_point(|(start, _)| *start <= at);
            0 < next && at < windows[next - 1].1
        })
    }

    /// The classes of a phase; an error says why they are not known. `Steady` depends on what
    /// happened and is not made of classes.
    pub fn classes_of(&self, phase: Phase) -> Result<Vec<u16>, String> {
        let fault = match phase {
            Phase::Whole => None,
            Phase::Steady => return Err("the steady phase is known by windows only".to_string()),
            Phase::Before(fault)
            | Phase::During(fault)
            | Phase::After(fault)
            | Phase::Outside(fault)
            | Phase::Of(fault) => Some(fault),
        };
        if fault.is_some() && self.is_pooled {
            return Err("too many combinations of faults to tell their phases apart".to_string());
        }
        let is_in = |positions: &Vec<Position>| {
            let Some(fault) = fault else { return true };
            let position = positions[fault.index()];
            match phase {
                Phase::Before(_) => position == Position::Before,
                Phase::During(_) | Phase::Of(_) => position == Position::During,
                Phase::After(_) => position == Position::After,
                Phase::Outside(_) => position != Position::During,
                Phase::Whole | Phase::Steady => true,
            }
        };
        Ok((1..self.class_count())
            .filter(|class| is_in(&self.positions[*class]))
            .map(|class| u16::try_from(class).expect("classes are few"))
            .collect())
    }

    /// Time in these classes, in seconds.
    pub fn length_secs(&self, classes: &[u16]) -> f64 {
        let length = classes.iter().fold(SimDuration::ZERO, |sum, class| {
            sum + self.lengths[*class as usize]
        });
        length.as_secs_f64()
    }

    /// `cursors` hold, for each fault, how many of its windows have started.
    fn positions_at(&self, at: SimTime, cursors: &mut [usize]) -> Vec<Position> {
        let position = |(windows, cursor): (&Vec<(SimTime, SimTime)>, &mut usize)| {
            while *cursor < windows.len() && windows[*cursor].0 <= at {
                *cursor += 1;
            }
            match *cursor {
                0 => Position::Before,
                started if at < windows[started - 1].1 => Position::During,
                _ => Position::After,
            }
        };
        self.windows.iter().zip(cursors).map(position).collect()
    }

    fn intern(&mut self, positions: Vec<Position>, class_count_max: usize) -> u16 {
        let known = self.positions.iter().skip(1).position(|p| *p == positions);
        let class = match known {
            Some(place) => place + 1,
            None if self.is_pooled => self.positions.len() - 1,
            None => {
                self.is_pooled = class_count_max <= self.positions.len();
                let positions = if self.is_pooled {
                    Vec::new()
                } else {
                    positions
                };
                self.positions.push(positions);
                self.lengths.push(SimDuration::ZERO);
                self.positions.len() - 1
            }
        };
        u16::try_from(class).expect("classes are few")
    }
}

/// The windows of each fault, cut at the end of the run and joined where they touch.
fn joined_windows(
    fault_count: usize,
    fault_windows: &[FaultWindow],
    end: SimTime,
) -> Vec<Vec<(SimTime, SimTime)>> {
    let mut windows = vec![Vec::new(); fault_count];
    for window in fault_windows {
        if window.start < end && window.start < window.end {
            windows[window.fault.index()].push((window.start, window.end.min(end)));
        }
    }
    for of_fault in &mut windows {
        of_fault.sort_unstable();
        of_fault.dedup_by(|next, kept: &mut (SimTime, SimTime)| {
            let touches = next.0 <= kept.1;
            if touches {
                kept.1 = kept.1.max(next.1);
            }
            touches
        });
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::FaultId;

    fn at(secs: u64) -> SimTime {
        SimTime::START + SimDuration::from_secs(secs)
    }

    fn window(fault: u32, start: u64, end: u64) -> FaultWindow {
        FaultWindow {
            fault: FaultId(fault),
            start: at(start),
            end: at(end),
        }
    }

    fn timeline(windows: &[FaultWindow], class_count_max: usize) -> Timeline {
        let (warmup, duration) = (SimDuration::from_secs(10), SimDuration::from_secs(100));
        Timeline::new(warmup, duration, 2, windows, class_count_max)
    }

    /// Seconds of a phase.
    fn length(timeline: &Timeline, phase: Phase) -> f64 {
        timeline.length_secs(&timeline.classes_of(phase).expect("the phase is known"))
    }

    #[test]
    fn phases_of_overlapping_faults_add_up() {
        // Fault 0: 20..50 (two windows that overlap) and 70..80; fault 1: 40..60.
        let windows = [
            window(0, 20, 40),
            window(0, 30, 50),
            window(0, 70, 80),
            window(1, 40, 60),
        ];
        let timeline = timeline(&windows, 64);
        let (first, second) = (FaultId(0), FaultId(1));
        assert_eq!(timeline.fault_windows(0).len(), 2);
        for (phase, secs) in [
            (Phase::Whole, 90.0),
            (Phase::Before(first), 10.0),
            (Phase::During(first), 40.0),
            (Phase::After(first), 40.0),
            (Phase::Outside(first), 50.0),
            (Phase::Before(second), 30.0),
            (Phase::During(second), 20.0),
            (Phase::After(second), 40.0),
        ] {
            assert_eq!(length(&timeline, phase), secs, "{phase:?}");
        }
        // before/before, during/before, during/during, after/during, after/after, during/after,
        // and the unmeasured rest: 55..60 and 50..60 are one class, 60..70 and 80..100 another.
        assert_eq!(timeline.class_count(), 7);
        assert_eq!(timeline.class_at(at(65)), timeline.class_at(at(90)));
        assert_ne!(timeline.class_at(at(45)), timeline.class_at(at(55)));
        assert_eq!(timeline.class_at(at(5)), UNMEASURED);
        assert_eq!(timeline.class_at(at(100)), UNMEASURED);
        assert!(timeline.is_in_any_fault(at(59)) && !timeline.is_in_any_fault(at(60)));
    }

    #[test]
    fn a_fault_in_warm_up_has_no_before() {
        let timeline = timeline(&[window(0, 5, 15)], 64);
        assert_eq!(length(&timeline, Phase::Before(FaultId(0))), 0.0);
        assert_eq!(length(&timeline, Phase::During(FaultId(0))), 5.0);
        // Fault 1 never begins: the whole run is before it.
        assert_eq!(length(&timeline, Phase::Before(FaultId(1))), 90.0);
    }

    #[test]
    fn too_many_classes_are_pooled_and_said_to_be() {
        let timeline = timeline(&[window(0, 20, 30), window(1, 40, 50)], 3);
        assert_eq!(timeline.class_count(), 4);
        assert!(timeline.classes_of(Phase::During(FaultId(0))).is_err());
        assert_eq!(length(&timeline, Phase::Whole), 90.0);
    }
}
