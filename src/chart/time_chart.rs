//! A plot of one measure over time, as several charts have it.

use super::Caption;
use super::axis::{Quantity, Scale};
use super::frame;
use super::scene::{Area, Scene};
use super::series::{self, Swatch};
use super::theme::MARGIN;
use super::timeline::Timeline;

/// Room above the highest value, in which the shading of faults is seen.
pub const HEADROOM: f64 = 1.06;
/// Room for the name of the axis, to the left of a legend.
const NAME_WIDTH: f64 = 150.0;

/// What surrounds the data.
pub struct TimeChart<'a> {
    pub caption: &'a Caption,
    pub timeline: &'a Timeline,
    /// Above the plot, or in rows of its own where there is no room.
    pub legend: &'a [(Swatch, &'a str)],
    pub height: f64,
    /// Ticks of the vertical axis, about.
    pub tick_count: f64,
    /// The name of the vertical axis.
    pub name: &'a str,
    /// Why there is nothing to see, if that is so.
    pub why_empty: Option<&'a str>,
}

impl TimeChart<'_> {
    /// Lays it out: `scale` gives the vertical scale between two pixels, bottom first, `draw` draws
    /// the data with the scales of time and of the values.
    pub fn scene(
        &self,
        width: f64,
        scale: impl FnOnce(f64, f64) -> Scale,
        draw: impl FnOnce(&mut Scene, (&Scale, &Scale)),
    ) -> Scene {
        let (mut scene, mut lanes_top) = frame::open(self.caption, width);
        let is_narrow = frame::is_narrow(width);
        if is_narrow {
            lanes_top = series::legend_rows(&mut scene, lanes_top, self.legend);
        }
        let top = lanes_top + self.timeline.lanes_height() + 22.0;
        let values = scale(top + self.height, top);
        let ticks = values.ticks(Quantity::Number, self.tick_count);
        let plot = Area {
            left: MARGIN + frame::tick_width(&ticks) + 10.0,
            top,
            right: width - 36.0,
            bottom: top + self.height,
        };
        let time = self.timeline.scale(plot.left, plot.right);
        let axis = (Quantity::Number, self.tick_count);
        frame::value_axis(&mut scene, plot, &values, axis.0, axis.1, self.name);
        self.timeline.shade(&mut scene, &time, plot);
        draw(&mut scene, (&time, &values));
        if !is_narrow {
            let ends = (plot.left + NAME_WIDTH, plot.right);
            series::legend(&mut scene, ends, plot.top - 9.0, self.legend);
        }
        self.timeline.hatch_warmup(&mut scene, &time, plot);
        self.timeline.mark(&mut scene, &time, plot);
        self.timeline.draw_lanes(&mut scene, &time, plot, lanes_top);
        if let Some(why) = self.why_empty {
            frame::empty(&mut scene, plot, why);
        }
        let name = self.timeline.axis_name();
        let bottom = frame::base_axis(&mut scene, plot, &time, Quantity::Time, 8.0, name);
        frame::close(scene, self.caption, bottom)
    }
}
