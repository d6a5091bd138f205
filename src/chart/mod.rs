//! Pictures: plain data in, SVG and PNG out.
//!
//! Every chart is a plain struct with what it shows, in seconds, shares and labels. It lays itself
//! out as a [`scene::Scene`] in logical pixels; [`picture::Picture`] plays the scene to `plotters`.
//! Nothing here computes but geometry.

pub mod axis;
pub mod balance_timeline;
pub mod frame;
pub mod heartbeat_timeline;
pub mod intervals;
pub mod key_moves;
pub mod latency_timeline;
pub mod load_heatmap;
pub mod message_diagram;
pub mod nines;
pub mod number;
pub mod panels;
pub mod percentile_curve;
pub mod picture;
pub mod rate_timeline;
pub mod ring_circle;
pub mod ring_ownership;
pub mod scene;
pub mod selection_share;
pub mod span;
pub mod stages;
pub mod stored;
pub mod sweep_lines;
pub mod sweep_map;
pub mod text;
pub mod theme;
pub mod timeline;
pub mod tornado;
pub mod trade_off;

mod key_flow;
mod marks;
mod png;
mod point_labels;
mod rows;
mod series;
mod svg;
mod time_chart;

use serde::{Deserialize, Serialize};

use scene::Scene;
use stored::StoredChart;

/// The words around a chart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Caption {
    /// One sentence that states the finding.
    pub title: String,
    /// What is shown, over what, with which units. May be empty.
    pub subtitle: String,
    /// Scenario, seed, version and digest.
    pub footer: String,
}

/// A chart that can be drawn and read as a table.
pub trait Chart {
    /// The words around it.
    fn caption(&self) -> &Caption;

    /// Lays it out in `width` logical pixels, from [`theme::WIDTH_MIN`] on.
    fn scene(&self, width: f64) -> Scene;

    /// The numbers behind it.
    fn table(&self) -> DataTable;

    /// What is kept of it, so that it can be drawn again.
    fn stored(&self) -> StoredChart;
}

/// The numbers behind a chart, as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataTable {
    /// Column titles, with units.
    pub columns: Vec<String>,
    /// Rows, as wide as `columns`.
    pub rows: Vec<Vec<String>>,
}

impl DataTable {
    /// A table without rows.
    pub fn new<const N: usize>(columns: [&str; N]) -> Self {
        DataTable {
            columns: columns.map(String::from).to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Panics
    ///
    /// If the row is not as wide as the table.
    pub fn push(&mut self, row: Vec<String>) {
        assert_eq!(
            row.len(),
            self.columns.len(),
            "a row must be as wide as its table"
        );
        self.rows.push(row);
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod samples_more;

#[cfg(test)]
mod tests {
    use super::picture::Picture;
    use super::*;

    #[test]
    fn every_chart_is_legible_for_every_kind_of_input() {
        for (name, chart) in samples::all() {
            for width in [theme::WIDTH, theme::WIDTH_MIN, 400.0, 1_600.0] {
                let scene = chart.scene(width);
                assert!(
                    0.0 < scene.height && scene.height < 1_500.0,
                    "{name} at {width}: {}",
                    scene.height
                );
                scene::tests::assert_legible(&scene, &format!("{name} at {width}"));
            }
            let table = chart.table();
            assert!(
                table
                    .rows
                    .iter()
                    .all(|row| row.len() == table.columns.len()),
                "{name}"
            );
        }
    }

    #[test]
    fn every_chart_is_a_small_wellformed_document() {
        for (name, chart) in samples::all() {
            let svg = Picture::from_box(&name, chart).svg();
            assert!(svg.len() < 700_000, "{name}: {} bytes", svg.len());
            svg::tests::assert_wellformed(&svg);
        }
    }

    #[test]
    fn drawing_twice_gives_the_same_bytes() {
        let (once, twice) = (samples::all(), samples::all());
        for ((name, a), (_, b)) in once.into_iter().zip(twice) {
            let (a, b) = (Picture::from_box(&name, a), Picture::from_box(&name, b));
            assert_eq!(a.svg(), b.svg(), "{name}");
            if name.ends_with("ordinary") {
                assert_eq!(a.png(), b.png(), "{name}");
            }
        }
    }

    #[test]
    fn hostile_names_stay_text() {
        for (name, chart) in samples::all() {
            let svg = Picture::from_box(&name, chart).svg();
            assert!(!svg.contains("<script"), "{name}");
        }
    }
}
