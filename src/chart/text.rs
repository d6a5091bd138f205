//! Measuring, cutting and wrapping text with the embedded font.

use std::sync::Once;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

static REGULAR: &[u8] = include_bytes!("assets/DejaVuSans-subset.ttf");
static BOLD: &[u8] = include_bytes!("assets/DejaVuSans-Bold-subset.ttf");

/// The family under which the embedded fonts are known to `plotters`.
pub const FAMILY: &str = "sans-serif";

/// Height of the font over its em: `plotters` wants the former.
pub const HEIGHT_PER_EM: f64 = 1.164;

/// Makes the embedded fonts known. Must come before anything is measured or drawn.
pub fn register() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        for (style, bytes) in [(FontStyle::Normal, REGULAR), (FontStyle::Bold, BOLD)] {
            assert!(
                register_font(FAMILY, style, bytes).is_ok(),
                "the embedded font is valid"
            );
        }
    });
}

/// The embedded font in a style that `plotters` understands.
pub fn style(is_bold: bool) -> FontStyle {
    if is_bold {
        FontStyle::Bold
    } else {
        FontStyle::Normal
    }
}

/// Width of `text` in logical pixels.
pub fn width(text: &str, size: f64, is_bold: bool) -> f64 {
    // Measured large, because plotters cuts to whole pixels.
    const FINE: f64 = 16.0;
    register();
    let font = FontDesc::new(
        FontFamily::SansSerif,
        size * FINE * HEIGHT_PER_EM,
        style(is_bold),
    );
    let (width, _) = font
        .box_size(text)
        .expect("the embedded font is registered");
    f64::from(width) / FINE
}

/// Replaces what no picture can hold: control characters and direction marks.
pub fn clean(text: &str) -> String {
    let is_bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
            || matches!(
                c,
                '\u{2066}'..='\u{2069}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}'
            )
    };
    text.chars()
        .map(|c| if is_bad(c) { '\u{FFFD}' } else { c })
        .collect()
}

/// Shortens `text` in its middle until it fits into `width_max`: the end of a name tells most.
pub fn fit(text: &str, size: f64, is_bold: bool, width_max: f64) -> String {
    cut(text, (size, is_bold), width_max, |kept| kept.div_ceil(2))
}

/// Shortens `text` at its start until it fits into `width_max`: for words that end with what they
/// mean.
pub fn fit_end(text: &str, size: f64, is_bold: bool, width_max: f64) -> String {
    cut(text, (size, is_bold), width_max, |_| 0)
}

/// Of the characters that are kept `head_of` them stand before the ellipsis.
fn cut(
    text: &str,
    (size, is_bold): (f64, bool),
    width_max: f64,
    head_of: fn(usize) -> usize,
) -> String {
    let text = clean(text);
    // No glyph is narrower than a fifth of an em: longer texts need not be measured in full.
    let char_count_max = (width_max / size * 5.0).max(1.0) as usize;
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= char_count_max && width(&text, size, is_bold) <= width_max {
        return text;
    }
    let shortened = |kept: usize| -> String {
        let head = head_of(kept);
        let tail = chars.len() - (kept - head);
        chars[..head]
            .iter()
            .chain(&['…'])
            .chain(&chars[tail..])
            .collect()
    };
    let (mut fits, mut too_long) = (0, chars.len().min(char_count_max + 1));
    while fits + 1 < too_long {
        let middle = usize::midpoint(fits, too_long);
        if width(&shortened(middle), size, is_bold) <= width_max {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    shortened(fits)
}

/// Breaks `text` at spaces into at most `line_count_max` lines. Where they do not suffice, long
/// names are shortened in their middle; the last line only where that is not enough.
pub fn wrap(
    text: &str,
    size: f64,
    is_bold: bool,
    width_max: f64,
    line_count_max: usize,
) -> Vec<String> {
    let words = unbroken(&clean(text));
    let break_up = |words: &[String]| {
        let mut lines: Vec<String> = Vec::new();
        for word in words {
            match lines.last_mut() {
                Some(line) if width(&format!("{line} {word}"), size, is_bold) <= width_max => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.clone()),
            }
            // More of a text that is far too long tells nothing.
            if 4 * line_count_max < lines.len() {
                break;
            }
        }
        lines
    };
    let shortened = NAME_LENGTHS.into_iter().map(|length| {
        let words: Vec<String> = words.iter().map(|word| elided(word, length)).collect();
        break_up(&words)
    });
    let mut all = std::iter::once(break_up(&words)).chain(shortened);
    let fits = |lines: &Vec<String>| {
        let widths = lines.iter().map(|line| width(line, size, is_bold));
        lines.len() <= line_count_max && widths.fold(0.0, f64::max) <= width_max
    };
    let mut lines = match all.find(fits) {
        Some(lines) => lines,
        None => break_up(&words),
    };
    if line_count_max < lines.len() {
        let rest = lines.split_off(line_count_max);
        if let Some(last) = lines.last_mut() {
            *last = format!("{last} {}", rest.join(" "));
        }
    }
    lines
        .iter()
        .map(|line| fit(line, size, is_bold, width_max))
        .collect()
}

/// Characters that names keep, the first that suffices. No other word of a sentence is as long.
const NAME_LENGTHS: [usize; 4] = [40, 30, 24, 18];

/// A word of at most `length` characters, with an ellipsis in its middle where some are left out.
fn elided(word: &str, length: usize) -> String {
    // What ends a part of the sentence is no part of the name.
    let name = word.trim_end_matches([',', ';', ':', '.', ')']);
    let chars: Vec<char> = name.chars().collect();
    if chars.len() <= length || name.contains(' ') {
        return word.to_string();
    }
    let head: String = chars[..length / 2].iter().collect();
    let tail: String = chars[chars.len() - (length - length / 2 - 1)..]
        .iter()
        .collect();
    format!("{head}…{tail}{}", &word[name.len()..])
}

/// Units that stay with their number.
const UNITS: [&str; 9] = ["%", "s", "ms", "µs", "ns", "min", "h", "/s", "points"];

/// The words of a text; a number and its unit are one.
fn unbroken(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let is_unit = UNITS.contains(&word.trim_end_matches(['.', ',', ';', ':', ')']));
        match words.last_mut() {
            Some(last) if is_unit && last.ends_with(|c: char| c.is_ascii_digit()) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_string()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortened_text_keeps_both_ends_and_fits() {
        let text = fit(
            &format!("start-{}-end", "x".repeat(500)),
            12.0,
            false,
            100.0,
        );
        assert!(
            text.starts_with("star") && text.ends_with("end") && text.contains('…'),
            "{text}"
        );
        assert!(width(&text, 12.0, false) <= 100.0);
    }

    #[test]
    fn a_text_that_is_cut_at_its_start_keeps_its_end() {
        let words = "1.002 ± 0.002 times higher: no evidence";
        let text = fit_end(words, 12.0, false, 150.0);
        assert!(
            text.starts_with('…') && text.ends_with("higher: no evidence"),
            "{text}"
        );
        assert!(width(&text, 12.0, false) <= 150.0);
    }

    #[test]
    fn a_short_text_stays_as_it_is() {
        assert_eq!(fit("web/a/3", 12.0, false, 100.0), "web/a/3");
    }

    #[test]
    fn no_width_leaves_an_ellipsis() {
        assert_eq!(fit("anything", 12.0, false, 0.0), "…");
    }

    #[test]
    fn wrapping_stops_at_the_last_line() {
        let lines = wrap(&"word ".repeat(100), 12.0, false, 120.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].contains('…'));
    }

    #[test]
    fn names_are_shortened_before_the_sentence_is() {
        let name = format!("start{}end", "x".repeat(52));
        let sentence = format!("Callers of {name} waited 4.30 s, and {name}, too, took 12 ms");
        let lines = wrap(&sentence, 12.0, false, 400.0, 2);
        let text = lines.join(" ");
        assert_eq!(lines.len(), 2);
        assert!(text.starts_with("Callers of start"), "{text}");
        assert!(text.contains("end waited 4.30 s, and start"), "{text}");
        assert!(text.ends_with("end, too, took 12 ms"), "{text}");
        // With room, nothing is.
        assert_eq!(wrap(&sentence, 12.0, false, 900.0, 2).join(" "), sentence);
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(clean("a\u{0}b\u{202E}c"), "a\u{FFFD}b\u{FFFD}c");
    }

    #[test]
    fn ten_digits_are_as_wide_as_the_font_says() {
        // A digit of DejaVu Sans is 1303 of 2048 units wide.
        let expected = 10.0 * 12.0 * 1303.0 / 2048.0;
        assert!((width("0123456789", 12.0, false) - expected).abs() < 0.5);
    }
}
