//! How results are shown: pages, pictures and text. Computes nothing.

pub mod format;
pub mod html;
pub mod offered;
pub mod page;
pub mod pictures;

#[cfg(test)]
mod fixture;
