//! JSON as bytes, fast enough for hundreds of millions of them: no number is formatted by the
//! general machinery.

use std::io::{self, Write};
use std::ops::{Deref, DerefMut};

/// Bytes that are collected before they are written.
const BUFFER_BYTES: usize = 1 << 18;

/// The digits of 00 to 99.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Bytes that are collected.
#[derive(Debug, Default)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// Adds bytes as they are.
    #[inline]
    pub fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Adds the first `length` of some bytes. A copy of a fixed length is the fastest one.
    #[inline]
    pub fn padded<const N: usize>(&mut self, bytes: &[u8; N], length: usize) {
        let end = self.0.len() + length;
        self.0.extend_from_slice(bytes);
        self.0.truncate(end);
    }

    /// Adds a text of the scenario.
    #[inline]
    pub fn piece(&mut self, piece: &Piece) {
        match piece {
            Piece::Short { length, bytes } => self.padded(bytes, usize::from(*length)),
            Piece::Long(text) => self.raw(text),
        }
    }

    /// Adds a whole number.
    #[inline]
    pub fn number(&mut self, number: u64) {
        let digits = Digits::of(number);
        self.padded(&digits.bytes, digits.length);
    }

    /// Adds nanoseconds as microseconds with three decimals.
    #[inline]
    pub fn micros(&mut self, ns: u64) {
        let digits = micros(ns);
        self.padded(&digits.bytes, digits.length);
    }

    /// Adds an identity: 16 hexadecimal digits.
    #[inline]
    pub fn identity(&mut self, identity: u64) {
        let halves = [(identity >> 32) as u32, identity as u32];
        for half in halves {
            self.0.extend_from_slice(&hexadecimal(half));
        }
    }

    /// Adds what others hold, and empties them.
    #[inline]
    pub fn take(&mut self, others: &mut Bytes) {
        self.0.extend_from_slice(&others.0);
        others.0.clear();
    }

    /// What they say.
    #[cfg(test)]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.0).expect("they are made of texts")
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Collects bytes and writes them in large pieces. The first error is kept, and nothing is written
/// after it.
pub struct JsonWriter<'w> {
    out: &'w mut (dyn Write + Send),
    bytes: Bytes,
    error: Option<io::Error>,
}

impl<'w> JsonWriter<'w> {
    /// Writes to `out`.
    pub fn new(out: &'w mut (dyn Write + Send)) -> Self {
        JsonWriter {
            out,
            bytes: Bytes(Vec::with_capacity(BUFFER_BYTES + 4096)),
            error: None,
        }
    }

    /// Writes what was collected, if it is much.
    #[inline]
    pub fn end_record(&mut self) {
        if BUFFER_BYTES <= self.bytes.0.len() {
            self.flush();
        }
    }

    /// Writes everything.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush();
        match self.error {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }

    fn flush(&mut self) {
        if self.error.is_none()
            && let Err(error) = self.out.write_all(&self.bytes.0)
        {
            self.error = Some(error);
        }
        self.bytes.0.clear();
    }
}

impl Deref for JsonWriter<'_> {
    type Target = Bytes;

    #[inline]
    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}

impl DerefMut for JsonWriter<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Bytes {
        &mut self.bytes
    }
}

/// Eight hexadecimal digits, computed side by side.
fn hexadecimal(word: u32) -> [u8; 8] {
    // One digit to a byte, the first one in the highest.
    let spread = u64::from(word);
    let spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF;
    let spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF;
    let spread = (spread | spread << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    // One in every byte whose digit is above nine.
    let is_letter = ((spread + 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
    let to_letter = u64::from(b'a' - b'0' - 10);
    (spread + 0x3030_3030_3030_3030 + is_letter * to_letter).to_be_bytes()
}

/// The digits of a number, with anything behind them.
#[derive(Clone, Copy, Debug)]
pub struct Digits {
    /// Padded.
    pub bytes: [u8; 24],
    /// How many of them count.
    pub length: usize,
}

impl Digits {
    /// Those of a whole number.
    #[inline]
    pub fn of(number: u64) -> Self {
        // Written from the end of the first 20 bytes.
        let mut all = [b'0'; 44];
        let mut from = 20;
        let mut rest = number;
        while 100 <= rest {
            from -= 2;
            all[from..from + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
            rest /= 100;
        }
        if 10 <= rest {
            from -= 2;
            all[from..from + 2].copy_from_slice(&PAIRS[rest as usize]);
        } else {
            from -= 1;
            all[from] = b'0' + rest as u8;
        }
        let mut bytes = [0; 24];
        bytes.copy_from_slice(&all[from..from + 24]);
        Digits {
            bytes,
            length: 20 - from,
        }
    }
}

/// Nanoseconds as microseconds with three decimals.
#[inline]
pub fn micros(ns: u64) -> Digits {
    let mut digits = Digits::of(ns / 1_000);
    let rest = (ns % 1_000) as usize;
    let [tens, ones] = PAIRS[rest % 100];
    let decimals = [b'.', b'0' + (rest / 100) as u8, tens, ones];
    let end = digits.length + decimals.len();
    digits.bytes[digits.length..end].copy_from_slice(&decimals);
    digits.length = end;
    digits
}

/// A text that is written often.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Padded.
    Short {
        length: u8,
        bytes: [u8; 31],
    },
    Long(Box<str>),
}

impl Piece {
    /// A text as it is.
    pub fn new(text: &str) -> Self {
        let mut bytes = [0; 31];
        match bytes.get_mut(..text.len()) {
            Some(room) => {
                room.copy_from_slice(text.as_bytes());
                let length = text.len() as u8;
                Piece::Short { length, bytes }
            }
            None => Piece::Long(text.into()),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match self {
            Piece::Short { length, bytes } => {
                let text = std::str::from_utf8(&bytes[..usize::from(*length)]);
                text.expect("it is made of a text")
            }
            Piece::Long(text) => text,
        }
    }
}

/// A text as a JSON string, with its quotes.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(fill: impl Fn(&mut JsonWriter)) -> String {
        let mut out = Vec::new();
        let mut writer = JsonWriter::new(&mut out);
        fill(&mut writer);
        writer.finish().expect("memory takes everything");
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        for number in [0, 7, 10, 99, 100, 101, 999, 1_000, 123_456_789, u64::MAX] {
            assert_eq!(written(|w| w.number(number)), number.to_string());
            assert_eq!(written(|w| w.identity(number)), format!("{number:016x}"));
        }
    }

    #[test]
    fn nanoseconds_become_microseconds_with_three_decimals() {
        for (ns, text) in [
            (0, "0.000"),
            (5, "0.005"),
            (1_234_567, "1234.567"),
            (60, "0.060"),
        ] {
            assert_eq!(written(|w| w.micros(ns)), text);
        }
    }

    #[test]
    fn short_and_long_texts_are_written_whole() {
        for text in [
            "",
            "web/a/3",
            "of thirty-one bytes, exactly so",
            "of many bytes, so many \
                      that they do not fit",
        ] {
            let piece = Piece::new(text);
            assert_eq!(piece.as_str(), text);
            assert_eq!(written(|w| w.piece(&piece)), text);
        }
    }

    #[test]
    fn the_first_error_is_kept() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut out = Full;
        let mut writer = JsonWriter::new(&mut out);
        writer.raw("x");
        assert!(writer.finish().is_err());
    }
}
