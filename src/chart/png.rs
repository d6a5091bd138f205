//! A scene as a PNG, two pixels to a logical pixel.

use plotters::backend::BitMapBackend;

use super::picture::{Pen, SCALE, play};
use super::scene::Scene;

/// Pixels drawn for one pixel of the file, along each side: the mean of them smooths edges.
const OVERSAMPLING: usize = 2;

/// The encoded file.
pub fn document(scene: &Scene) -> Vec<u8> {
    let size = ((scene.width * SCALE) as u32, (scene.height * SCALE) as u32);
    let paper = scene.paper;
    let mut pixels = [paper.0, paper.1, paper.2].repeat(size.0 as usize * size.1 as usize);
    play(
        scene,
        BitMapBackend::with_buffer(&mut pixels, size),
        Pen::Raster,
    );
    let pixels = shrink(&pixels, size.0 as usize);

    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(
        &mut file,
        size.0 / OVERSAMPLING as u32,
        size.1 / OVERSAMPLING as u32,
    );
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Default);
    encoder.set_filter(png::FilterType::Up);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .expect("writing to memory cannot fail");
    file
}

/// Means over squares of [`OVERSAMPLING`] pixels.
fn shrink(pixels: &[u8], width: usize) -> Vec<u8> {
    let mut small = Vec::with_capacity(pixels.len() / (OVERSAMPLING * OVERSAMPLING));
    for rows in pixels.chunks_exact(width * 3 * OVERSAMPLING) {
        let (upper, lower) = rows.split_at(width * 3);
        for x in (0..width).step_by(OVERSAMPLING) {
            for channel in 0..3 {
                let at = |row: &[u8], x: usize| u32::from(row[x * 3 + channel]);
                let sum = at(upper, x) + at(upper, x + 1) + at(lower, x) + at(lower, x + 1);
                small.push(((sum + 2) / 4) as u8);
            }
        }
    }
    small
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinking_takes_the_mean_of_four() {
        let pixels = [0, 0, 0, 4, 4, 4, 8, 8, 8, 12, 12, 12];
        assert_eq!(shrink(&pixels, 2), [6, 6, 6]);
    }
}
