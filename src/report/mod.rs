//! Results as people read them: pictures, pages and the way numbers are written.

pub mod html;
pub mod text;
