//! The one script of a page: what it gains where scripts run. The page is whole without it.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The replay, then everything else, which calls it.
const SCRIPT: &str = concat!(include_str!("replay.js"), include_str!("script.js"));

/// The element.
pub fn element() -> String {
    format!("<script>{SCRIPT}</script>\n")
}

/// What a content security policy calls it, so that no other script runs.
pub fn policy() -> String {
    format!("'sha256-{}'", base64(&Sha256::digest(SCRIPT.as_bytes())))
}

/// Base64 after RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let byte = |place: usize| u32::from(group.get(place).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            match place <= group.len() {
                true => {
                    let digit = DIGITS[(word >> (18 - 6 * place) & 63) as usize];
                    let _ = write!(text, "{}", char::from(digit));
                }
                false => text.push('='),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        // The test vectors of RFC 4648, section 10.
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

    #[test]
    fn the_script_is_small_and_ends_its_element_itself() {
        assert!(SCRIPT.len() < 20_000, "{} bytes", SCRIPT.len());
        assert!(!SCRIPT.contains("</script") && !SCRIPT.contains("<!--"));
    }
}
