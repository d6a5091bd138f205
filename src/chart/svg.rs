//! A scene as a standalone SVG document.

use std::fmt::Write;

use plotters::backend::SVGBackend;

use super::picture::{Pen, SCALE, play};
use super::scene::Scene;

/// Names fonts of the same width first, so that labels fit as they were laid out.
const FONTS: &str = "DejaVu Sans,Verdana,sans-serif";

/// The document, with `title` and `description` for those who cannot see it.
///
/// `plotters` knows whole pixels only: the scene is drawn [`SCALE`] times larger and the header
/// scales it back.
pub fn document(scene: &Scene, title: &str, description: &str) -> String {
    let size = ((scene.width * SCALE) as u32, (scene.height * SCALE) as u32);
    let mut drawing = String::new();
    play(
        scene,
        SVGBackend::with_string(&mut drawing, size),
        Pen::Vector,
    );

    let (_, shapes) = drawing
        .split_once(">\n")
        .expect("plotters opens with the svg tag");
    let mut document = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{}\" height=\"{}\" \
         viewBox=\"0 0 {} {}\" font-family=\"{FONTS}\">\n<title>",
        scene.width, scene.height, size.0, size.1
    );
    escape_into(&mut document, title);
    document.push_str("</title>\n<desc>");
    escape_into(&mut document, description);
    document.push_str("</desc>\n");
    let (mut line_style, mut dot_style) = (String::new(), String::new());
    for tag in shapes.lines() {
        if let Some((style, points)) = polyline(tag) {
            if style != line_style {
                end_path(&mut document, &mut line_style);
                end_path(&mut document, &mut dot_style);
                write!(document, "<path fill=\"none\"{} d=\"", shorten(style))
                    .expect("writing to a string cannot fail");
                line_style = style.to_string();
            }
            document.push('M');
            document.push_str(points);
            continue;
        }
        if let Some((style, center)) = dot(tag) {
            if style != dot_style {
                end_path(&mut document, &mut line_style);
                end_path(&mut document, &mut dot_style);
                document.push_str(&style);
                dot_style.clone_from(&style);
            }
            write!(document, "M{center}h0").expect("writing to a string cannot fail");
            continue;
        }
        end_path(&mut document, &mut line_style);
        end_path(&mut document, &mut dot_style);
        document.push_str(&shorten(tag));
        // A text stands between its tags without white space.
        if tag.starts_with('<') && !tag.starts_with("<text") {
            document.push('\n');
        }
    }
    document
}

/// Style and points of a line. Lines of one style that follow each other become one path: dashes
/// and hatching are many.
fn polyline(tag: &str) -> Option<(&str, &str)> {
    let (style, points) = tag
        .strip_prefix("<polyline fill=\"none\"")?
        .split_once(" points=\"")?;
    Some((style, points.trim_end_matches([' ', '"', '/', '>'])))
}

/// The opening of a path that draws dots like this circle, and its centre. Many dots of one kind
/// become one path of points with round ends.
fn dot(tag: &str) -> Option<(String, String)> {
    let tag = tag.strip_prefix("<circle ")?;
    let value = |key: &str| -> Option<&str> {
        let (_, rest) = tag.split_once(&format!("{key}=\""))?;
        Some(rest.split_once('"')?.0)
    };
    let (x, y, fill) = (value("cx")?, value("cy")?, value("fill")?);
    let width = 2 * value(" r")?.parse::<u32>().ok()?;
    let style = format!(
        "<path fill=\"none\" stroke=\"{fill}\" stroke-width=\"{width}\" \
         stroke-linecap=\"round\" d=\""
    );
    Some((style, format!("{x} {y}")))
}

fn end_path(document: &mut String, style: &mut String) {
    if !style.is_empty() {
        document.push_str("\"/>\n");
        style.clear();
    }
}

/// Drops attributes that say nothing.
fn shorten(tag: &str) -> String {
    tag.replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
        .replace(" font-family=\"sans-serif\"", "")
        .replace(" text-anchor=\"start\"", "")
        .replace(" \"/>", "\"/>")
}

/// Escapes text for XML.
fn escape_into(document: &mut String, text: &str) {
    for c in super::text::clean(text).chars() {
        match c {
            '&' => document.push_str("&amp;"),
            '<' => document.push_str("&lt;"),
            '>' => document.push_str("&gt;"),
            _ => write!(document, "{c}").expect("writing to a string cannot fail"),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Tags nest, attributes are quoted, nothing but known entities follows an ampersand.
    pub fn assert_wellformed(document: &str) {
        let mut open: Vec<&str> = Vec::new();
        let mut rest = document;
        while let Some(start) = rest.find('<') {
            assert_text(&rest[..start]);
            let end = start + rest[start..].find('>').expect("a tag is closed");
            let tag = &rest[start + 1..end];
            assert!(!tag.contains('<'), "`{tag}` holds a tag");
            assert_eq!(
                tag.matches('"').count() % 2,
                0,
                "`{tag}`: a quote is missing"
            );
            let name = tag
                .trim_start_matches('/')
                .split([' ', '/'])
                .next()
                .unwrap_or_default();
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(name);
            }
            rest = &rest[end + 1..];
        }
        assert!(
            open.is_empty() && rest.trim().is_empty(),
            "{open:?} stay open"
        );
    }

    fn assert_text(text: &str) {
        for part in text.split('&').skip(1) {
            let is_known = ["amp;", "lt;", "gt;", "quot;", "apos;"]
                .iter()
                .any(|e| part.starts_with(e));
            assert!(is_known, "`&{part}` is no entity");
        }
        assert!(
            text.chars().all(|c| c == '\n' || !c.is_control()),
            "`{text}` holds controls"
        );
    }

    #[test]
    fn the_header_scales_the_drawing_back() {
        let scene = Scene {
            width: 100.0,
            height: 50.0,
            ..Scene::default()
        };
        let document = document(&scene, "a < b", "x & y");
        assert!(document.contains("width=\"100\" height=\"50\" viewBox=\"0 0 400 200\""));
        assert!(document.contains("<title>a &lt; b</title>\n<desc>x &amp; y</desc>"));
        assert_wellformed(&document);
    }
}
