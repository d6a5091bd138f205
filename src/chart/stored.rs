//! Charts as they are kept beside their pictures, to be drawn again in another size or theme.

use serde::{Deserialize, Serialize};

use super::Chart;
use super::balance_timeline::BalanceTimeline;
use super::heartbeat_timeline::HeartbeatTimeline;
use super::intervals::Intervals;
use super::key_moves::KeyMoves;
use super::latency_timeline::LatencyTimeline;
use super::load_heatmap::LoadHeatmap;
use super::message_diagram::MessageDiagram;
use super::nines::Nines;
use super::panels::Panels;
use super::percentile_curve::PercentileCurve;
use super::rate_timeline::RateTimeline;
use super::ring_ownership::RingOwnership;
use super::selection_share::SelectionShare;
use super::stages::Stages;
use super::sweep_lines::SweepLines;
use super::sweep_map::SweepMap;
use super::tornado::Tornado;
use super::trade_off::TradeOff;

/// The version of the format.
pub const STORED_SCHEMA: u32 = 1;

/// Any chart, with its kind in `chart`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "chart", rename_all = "snake_case")]
pub enum StoredChart {
    Balance(BalanceTimeline),
    Heartbeats(HeartbeatTimeline),
    Intervals(Intervals),
    KeyMoves(KeyMoves),
    Latency(LatencyTimeline),
    Load(LoadHeatmap),
    Messages(MessageDiagram),
    Percentiles(PercentileCurve),
    Rates(RateTimeline),
    Ring(RingOwnership),
    Selection(SelectionShare),
    Panels(Panels),
    Nines(Nines),
    Stages(Stages),
    SweepLines(SweepLines),
    SweepMap(SweepMap),
    Tornado(Tornado),
    TradeOff(TradeOff),
}

impl StoredChart {
    /// The chart, to be drawn.
    pub fn into_chart(self) -> Box<dyn Chart> {
        match self {
            StoredChart::Balance(chart) => Box::new(chart),
            StoredChart::Heartbeats(chart) => Box::new(chart),
            StoredChart::Intervals(chart) => Box::new(chart),
            StoredChart::KeyMoves(chart) => Box::new(chart),
            StoredChart::Latency(chart) => Box::new(chart),
            StoredChart::Load(chart) => Box::new(chart),
            StoredChart::Messages(chart) => Box::new(chart),
            StoredChart::Percentiles(chart) => Box::new(chart),
            StoredChart::Rates(chart) => Box::new(chart),
            StoredChart::Ring(chart) => Box::new(chart),
            StoredChart::Selection(chart) => Box::new(chart),
            StoredChart::Panels(chart) => Box::new(chart),
            StoredChart::Nines(chart) => Box::new(chart),
            StoredChart::Stages(chart) => Box::new(chart),
            StoredChart::SweepLines(chart) => Box::new(chart),
            StoredChart::SweepMap(chart) => Box::new(chart),
            StoredChart::Tornado(chart) => Box::new(chart),
            StoredChart::TradeOff(chart) => Box::new(chart),
        }
    }
}

/// What a file holds: the version of the format and the chart.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredFile {
    schema: u32,
    #[serde(flatten)]
    chart: StoredChart,
}

/// Why a file gives no chart.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// It is no chart.
    #[error("is no chart of this program: {0}")]
    Parse(#[from] serde_json::Error),
    /// It was made by a newer program.
    #[error("has schema {0}; this version reads schema {known}", known = STORED_SCHEMA)]
    Schema(u32),
}

/// The chart as JSON. A number that is not finite becomes `null`, and is read as "none" or zero.
pub fn write(chart: StoredChart) -> String {
    let file = StoredFile {
        schema: STORED_SCHEMA,
        chart,
    };
    serde_json::to_string(&file).expect("charts hold nothing that JSON cannot") + "\n"
}

/// Reads what [`write`] wrote.
pub fn read(text: &str) -> Result<StoredChart, StoredError> {
    let file: StoredFile = serde_json::from_str(text)?;
    match file.schema {
        STORED_SCHEMA => Ok(file.chart),
        other => Err(StoredError::Schema(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::picture::Picture;
    use crate::chart::samples;

    #[test]
    fn a_stored_chart_is_drawn_with_the_same_bytes() {
        for (name, chart) in samples::all() {
            let text = write(chart.stored());
            let again = read(&text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"));
            let drawn = Picture::from_box(&name, chart).svg();
            assert_eq!(
                drawn,
                Picture::from_box(&name, again.into_chart()).svg(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_chart_of_a_newer_program_is_refused() {
        let chart = StoredChart::Ring(RingOwnership::default());
        let text = write(chart).replace("\"schema\":1", "\"schema\":2");
        let error = read(&text).expect_err("too new");
        assert_eq!(
            error.to_string(),
            "has schema 2; this version reads schema 1"
        );
    }
}
