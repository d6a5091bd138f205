//! Colours and sizes of all charts.

/// An opaque colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

/// A set of colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark on white, for paper and most pages.
    #[default]
    Light,
    /// Light on black.
    Dark,
}

impl Theme {
    /// What stands for `color` in this theme.
    pub fn of(self, color: Color) -> Color {
        match self {
            Theme::Light => color,
            Theme::Dark => {
                let pair = DARK.iter().find(|pair| pair.0 == color);
                pair.map_or(color, |pair| pair.1)
            }
        }
    }
}

/// Width of a chart in logical pixels unless another one is asked for.
pub const WIDTH: f64 = 900.0;
/// The least width in which every chart can be laid out.
pub const WIDTH_MIN: f64 = 320.0;
/// The largest width that may be asked for.
pub const WIDTH_MAX: f64 = 4_000.0;
/// Space around everything.
pub const MARGIN: f64 = 20.0;

/// Size of a title.
pub const TITLE_SIZE: f64 = 17.0;
/// Size of a subtitle.
pub const SUBTITLE_SIZE: f64 = 13.0;
/// Size of labels, ticks and footers.
pub const LABEL_SIZE: f64 = 12.0;

/// Background of a chart.
pub const PAPER: Color = Color(0xFF, 0xFF, 0xFF);
/// Titles and labels.
pub const INK: Color = Color(0x1B, 0x1F, 0x24);
/// Ticks, subtitles, footers: 5.9 to 1 on paper.
pub const MUTED: Color = Color(0x57, 0x60, 0x6A);
/// Axis lines.
pub const AXIS: Color = Color(0x8C, 0x95, 0x9F);
/// Grid lines.
pub const GRID: Color = Color(0xE1, 0xE4, 0xE8);
/// Bands and tracks behind data.
pub const TRACK: Color = Color(0xEE, 0xF0, 0xF2);
/// Faults: lines and labels.
pub const FAULT: Color = Color(0x9A, 0x2A, 0x2A);
/// Faults: bars on which text stands.
pub const FAULT_BAR: Color = Color(0xF3, 0xD9, 0xD6);

/// Blue of Okabe and Ito: what went well, first series.
pub const BLUE: Color = Color(0x00, 0x72, 0xB2);
/// Vermilion of Okabe and Ito: failures.
pub const VERMILION: Color = Color(0xD5, 0x5E, 0x00);
/// Green of Okabe and Ito.
pub const GREEN: Color = Color(0x00, 0x9E, 0x73);
/// Purple of Okabe and Ito.
pub const PURPLE: Color = Color(0xCC, 0x79, 0xA7);
/// Orange of Okabe and Ito: 2.2 to 1 on paper, for filled areas only.
pub const ORANGE: Color = Color(0xE6, 0x9F, 0x00);
/// Sky of Okabe and Ito: 2.3 to 1 on paper, for filled areas only.
pub const SKY: Color = Color(0x56, 0xB4, 0xE9);

/// Yellow of Okabe and Ito: 1.3 to 1 on paper, for filled areas only.
pub const YELLOW: Color = Color(0xF0, 0xE4, 0x42);

/// Edge of areas in [`ORANGE`]; 5.3 to 1 on paper.
pub const AMBER: Color = Color(0x8A, 0x60, 0x00);
/// Edge of areas in [`PURPLE`]; 4.9 to 1 on paper.
pub const PLUM: Color = Color(0xB0, 0x52, 0x86);

/// Wine of Paul Tol: the slow tail, beside lines and marks in all of the above.
pub const WINE: Color = Color(0x88, 0x22, 0x55);

/// Ground of hatching where something down is not suspected.
pub const UNDETECTED: Color = Color(0xFB, 0xE0, 0xD2);
/// Ground of hatching where something up is suspected.
pub const MISTAKE: Color = Color(0xD6, 0xE6, 0xF4);

/// What stands in for a colour on a dark page; all others serve on both.
pub const DARK: [(Color, Color); 16] = [
    (PAPER, Color(0x16, 0x1A, 0x20)),
    (INK, Color(0xE6, 0xE9, 0xED)),
    (MUTED, Color(0xA6, 0xAE, 0xB8)),
    (AXIS, Color(0x77, 0x80, 0x8B)),
    (GRID, Color(0x2E, 0x34, 0x3C)),
    (TRACK, Color(0x2A, 0x2F, 0x37)),
    (FAULT, Color(0xF0, 0x9A, 0x92)),
    (FAULT_BAR, Color(0x4A, 0x26, 0x26)),
    (BLUE, Color(0x4F, 0xA8, 0xDE)),
    (VERMILION, Color(0xF0, 0x8A, 0x3C)),
    (GREEN, Color(0x2F, 0xC7, 0x9A)),
    (PLUM, Color(0xDE, 0x92, 0xBE)),
    (AMBER, Color(0xD9, 0xA4, 0x41)),
    (WINE, Color(0xE0, 0x68, 0x94)),
    (UNDETECTED, Color(0x4A, 0x28, 0x14)),
    (MISTAKE, Color(0x22, 0x38, 0x50)),
];

/// Colours of lines, in order of the series. Each has 3 to 1 on paper.
pub const LINES: [Color; 6] = [BLUE, VERMILION, GREEN, PLUM, INK, AMBER];

const CIVIDIS: [Color; 9] = [
    Color(0x00, 0x22, 0x4E),
    Color(0x12, 0x35, 0x70),
    Color(0x3B, 0x49, 0x6C),
    Color(0x57, 0x5D, 0x6D),
    Color(0x70, 0x71, 0x73),
    Color(0x8A, 0x86, 0x78),
    Color(0xA5, 0x9C, 0x74),
    Color(0xE1, 0xCC, 0x55),
    Color(0xFE, 0xE8, 0x38),
];

const BLUE_TO_ORANGE: [Color; 7] = [
    Color(0x08, 0x51, 0x9C),
    Color(0x4A, 0x90, 0xC8),
    Color(0xB5, 0xD4, 0xEA),
    Color(0xF7, 0xF7, 0xF5),
    Color(0xF9, 0xC9, 0x95),
    Color(0xE0, 0x7F, 0x2A),
    Color(0x9C, 0x42, 0x00),
];

/// Number of distinct colours in a scale of colours: neighbours that look alike are drawn as one.
pub const LEVEL_COUNT: u32 = 25;

/// The colour of `share` (0 to 1) in a scale of one direction.
pub fn sequential(share: f64) -> Color {
    along(&CIVIDIS, share)
}

/// The colour of `share` (0 to 1) in a scale with a neutral middle at 0.5.
pub fn diverging(share: f64) -> Color {
    along(&BLUE_TO_ORANGE, share)
}

/// Interpolates between stops, in [`LEVEL_COUNT`] steps.
fn along(stops: &[Color], share: f64) -> Color {
    let level = (share.clamp(0.0, 1.0) * f64::from(LEVEL_COUNT - 1) + 0.5).floor();
    let place = level / f64::from(LEVEL_COUNT - 1) * (stops.len() - 1) as f64;
    let below = (place as usize).min(stops.len() - 2);
    mixed(stops[below], stops[below + 1], place - below as f64)
}

/// `a` with `part` (0 to 1) of `b`.
pub fn mixed(a: Color, b: Color, part: f64) -> Color {
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * part + 0.5) as u8;
    Color(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance after WCAG 2.
    fn luminance(color: Color) -> f64 {
        let channel = |byte: u8| {
            let c = f64::from(byte) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                libm::pow((c + 0.055) / 1.055, 2.4)
            }
        };
        0.2126 * channel(color.0) + 0.7152 * channel(color.1) + 0.0722 * channel(color.2)
    }

    fn contrast(a: Color, b: Color) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_has_the_contrast_that_wcag_asks() {
        for (text, ground) in [
            (INK, PAPER),
            (MUTED, PAPER),
            (FAULT, PAPER),
            (FAULT, FAULT_BAR),
            (MUTED, TRACK),
        ] {
            assert!(4.5 <= contrast(text, ground), "{text:?} on {ground:?}");
        }
    }

    #[test]
    fn lines_have_the_contrast_that_wcag_asks() {
        for line in LINES.into_iter().chain([WINE]) {
            assert!(3.0 <= contrast(line, PAPER), "{line:?}");
        }
    }

    #[test]
    fn dark_stand_ins_have_the_same_contrast() {
        let dark = |color| {
            DARK.iter()
                .find(|pair| pair.0 == color)
                .map_or(color, |pair| pair.1)
        };
        for (text, ground) in [
            (INK, PAPER),
            (MUTED, PAPER),
            (FAULT, PAPER),
            (FAULT, FAULT_BAR),
        ] {
            assert!(
                4.5 <= contrast(dark(text), dark(ground)),
                "{text:?} on {ground:?}"
            );
        }
        for line in LINES.into_iter().chain([WINE]) {
            assert!(4.5 <= contrast(dark(line), dark(PAPER)), "{line:?}");
        }
    }

    #[test]
    fn scales_of_colour_end_at_their_stops() {
        assert_eq!(sequential(0.0), CIVIDIS[0]);
        assert_eq!(sequential(9.0), CIVIDIS[8]);
        assert_eq!(diverging(0.5), BLUE_TO_ORANGE[3]);
    }
}
