//! A chart with a name, drawn when it is asked for.

use plotters::backend::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, RGBAColor, RGBColor, ShapeStyle, TextStyle};

use super::scene::{Anchor, Area, Label, Point, Scene, Shape, Stroke, TimePlot};
use super::theme::{Color, Theme, WIDTH};
use super::{Chart, DataTable, png, stored, svg, text};

/// Units of a drawing for one logical pixel.
pub const SCALE: f64 = 4.0;

/// How a picture looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Its width in logical pixels.
    pub width: f64,
    /// Its colours.
    pub theme: Theme,
}

impl Default for Look {
    fn default() -> Self {
        Look {
            width: WIDTH,
            theme: Theme::Light,
        }
    }
}

/// A chart with a name.
pub struct Picture {
    /// The name of its files, without extension.
    pub name: String,
    chart: Box<dyn Chart>,
}

impl Picture {
    /// Names a chart.
    pub fn new(name: &str, chart: impl Chart + 'static) -> Self {
        Self::from_box(name, Box::new(chart))
    }

    /// Names a chart of any kind.
    pub fn from_box(name: &str, chart: Box<dyn Chart>) -> Self {
        Picture {
            name: name.to_string(),
            chart,
        }
    }

    /// The sentence above it.
    pub fn title(&self) -> &str {
        &self.chart.caption().title
    }

    /// The numbers behind it.
    pub fn table(&self) -> DataTable {
        self.chart.table()
    }

    /// A standalone SVG document: the same bytes on every machine.
    pub fn svg(&self) -> String {
        self.svg_in(Look::default())
    }

    /// A standalone SVG document with a look of its own.
    pub fn svg_in(&self, look: Look) -> String {
        let caption = self.chart.caption();
        let description = format!("{} {}", caption.subtitle, caption.footer);
        let scene = self.chart.scene(look.width).dressed(look.theme);
        svg::document(&scene, &caption.title, description.trim())
    }

    /// The SVG document, and where time runs in it, in the units of its view box.
    pub fn svg_with_time(&self) -> (String, Vec<TimePlot>) {
        let caption = self.chart.caption();
        let description = format!("{} {}", caption.subtitle, caption.footer);
        let scene = self.chart.scene(WIDTH);
        let scaled = |plot: &TimePlot| TimePlot {
            area: Area {
                left: plot.area.left * SCALE,
                top: plot.area.top * SCALE,
                right: plot.area.right * SCALE,
                bottom: plot.area.bottom * SCALE,
            },
            ..*plot
        };
        let plots = scene.time_plots.iter().map(scaled).collect();
        let svg = svg::document(&scene, &caption.title, description.trim());
        (svg, plots)
    }

    /// A PNG of two pixels to a logical pixel.
    pub fn png(&self) -> Vec<u8> {
        self.png_in(Look::default())
    }

    /// A PNG of two pixels to a logical pixel, with a look of its own.
    pub fn png_in(&self, look: Look) -> Vec<u8> {
        png::document(&self.chart.scene(look.width).dressed(look.theme))
    }

    /// What is kept of the chart, as JSON.
    pub fn stored(&self) -> String {
        stored::write(self.chart.stored())
    }
}

/// What draws: the two differ in how text is placed and how lines are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pen {
    Vector,
    Raster,
}

/// Draws `scene` on its opaque paper.
pub fn play<B: DrawingBackend>(scene: &Scene, mut backend: B, pen: Pen) {
    text::register();
    let all = Area {
        left: 0.0,
        top: 0.0,
        right: scene.width,
        bottom: scene.height,
    };
    rect(&mut backend, all, scene.paper, 1.0);
    for shape in &scene.shapes {
        match shape {
            Shape::Rect {
                area,
                color,
                opacity,
            } => rect(&mut backend, *area, *color, *opacity),
            Shape::Line { points, stroke } => line(&mut backend, points, *stroke, pen),
            Shape::Polygon { points, color } => polygon(&mut backend, points, *color),
            Shape::Dot {
                center,
                radius,
                color,
            } => dot(&mut backend, *center, *radius, *color),
            Shape::Text(label) => write_label(&mut backend, label, pen),
        }
    }
    drawn(backend.present());
}

fn rect<B: DrawingBackend>(backend: &mut B, area: Area, color: Color, opacity: f64) {
    let from = place((area.left, area.top));
    let to = place((area.right, area.bottom));
    // A thing that is there is seen, however short it is.
    let to = (to.0.max(from.0 + 1), to.1.max(from.1 + 1));
    drawn(backend.draw_rect(from, to, &ink(color, opacity, 0), true));
}

fn line<B: DrawingBackend>(backend: &mut B, points: &[Point], stroke: Stroke, pen: Pen) {
    let width = (stroke.width * SCALE + 0.5) as u32;
    let ink = ink(stroke.color, 1.0, width);
    if pen == Pen::Vector {
        drawn(backend.draw_path(points.iter().map(|&point| place(point)), &ink));
        return;
    }
    // A bitmap has no joins: segments are filled one by one, with a disc at each corner.
    let half = stroke.width / 2.0;
    for pair in points.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = (dx * dx + dy * dy).sqrt();
        if length == 0.0 {
            continue;
        }
        let (nx, ny) = (-dy / length * half, dx / length * half);
        let corners = [
            (from.0 + nx, from.1 + ny),
            (to.0 + nx, to.1 + ny),
            (to.0 - nx, to.1 - ny),
            (from.0 - nx, from.1 - ny),
        ];
        polygon(backend, &corners, stroke.color);
    }
    for &corner in &points[1..points.len() - 1] {
        dot(backend, corner, half, stroke.color);
    }
}

fn polygon<B: DrawingBackend>(backend: &mut B, points: &[Point], color: Color) {
    let ink = ink(color, 1.0, 0);
    drawn(backend.fill_polygon(points.iter().map(|&point| place(point)), &ink));
}

fn dot<B: DrawingBackend>(backend: &mut B, center: Point, radius: f64, color: Color) {
    let ink = ink(color, 1.0, 0);
    drawn(backend.draw_circle(place(center), (radius * SCALE + 0.5) as u32, &ink, true));
}

fn write_label<B: DrawingBackend>(backend: &mut B, label: &Label, pen: Pen) {
    // `plotters` takes the height of the font: 1.24 em for its SVG, what the font says for bitmaps.
    // It places the top of the text: 0.76 em above the baseline in SVG, half a height in bitmaps.
    let (height_per_em, rise_per_em) = match pen {
        Pen::Vector => (1.24, 0.76),
        Pen::Raster => (text::HEIGHT_PER_EM, text::HEIGHT_PER_EM / 2.0),
    };
    let size = label.size * SCALE;
    let font = FontDesc::new(
        FontFamily::SansSerif,
        size * height_per_em,
        text::style(label.is_bold),
    );
    let side = match label.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let Color(r, g, b) = label.color;
    let color = RGBColor(r, g, b);
    let style = TextStyle::from(font)
        .color(&color)
        .pos(Pos::new(side, VPos::Top));
    let at = place((label.at.0, label.at.1 - rise_per_em * label.size));
    drawn(backend.draw_text(&label.text, &style, at));
}

fn ink(color: Color, opacity: f64, stroke_width: u32) -> ShapeStyle {
    let Color(r, g, b) = color;
    ShapeStyle {
        color: RGBAColor(r, g, b, opacity),
        filled: true,
        stroke_width,
    }
}

fn place(point: Point) -> (i32, i32) {
    (
        (point.0 * SCALE + 0.5).floor() as i32,
        (point.1 * SCALE + 0.5).floor() as i32,
    )
}

/// Drawing into memory with a registered font cannot fail.
fn drawn<E: std::fmt::Debug>(result: Result<(), E>) {
    result.expect("drawing into memory cannot fail");
}
