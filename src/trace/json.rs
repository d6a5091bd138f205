//! JSON as bytes, fast enough for hundreds of millions of them: no number is formatted by the
//! general machinery.

use std::io::{self, Write};

/// Bytes that are collected before they are written.
const BUFFER_BYTES: usize = 1 << 20;

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

/// Collects bytes and writes them in large pieces. The first error is kept, and nothing is written
/// after it.
pub struct JsonWriter<'w> {
    out: &'w mut dyn Write,
    buffer: Vec<u8>,
    error: Option<io::Error>,
}

impl<'w> JsonWriter<'w> {
    /// Writes to `out`.
    pub fn new(out: &'w mut dyn Write) -> Self {
        JsonWriter {
            out,
            buffer: Vec::with_capacity(BUFFER_BYTES + 4096),
            error: None,
        }
    }

    /// Adds bytes as they are.
    #[inline]
    pub fn raw(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    /// Adds a whole number.
    #[inline]
    pub fn number(&mut self, number: u64) {
        let mut digits = [0; 20];
        let mut from = digits.len();
        let mut rest = number;
        while 100 <= rest {
            from -= 2;
            digits[from..from + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
            rest /= 100;
        }
        if 10 <= rest {
            from -= 2;
            digits[from..from + 2].copy_from_slice(&PAIRS[rest as usize]);
        } else {
            from -= 1;
            digits[from] = b'0' + rest as u8;
        }
        self.buffer.extend_from_slice(&digits[from..]);
    }

    /// Adds nanoseconds as microseconds with three decimals.
    #[inline]
    pub fn micros(&mut self, ns: u64) {
        self.number(ns / 1_000);
        let rest = (ns % 1_000) as usize;
        let [tens, ones] = PAIRS[rest % 100];
        let decimals = [b'.', b'0' + (rest / 100) as u8, tens, ones];
        self.buffer.extend_from_slice(&decimals);
    }

    /// Adds an identity: 16 hexadecimal digits.
    #[inline]
    pub fn identity(&mut self, identity: u64) {
        let mut digits = [0; 16];
        for (place, digit) in digits.iter_mut().enumerate() {
            let nibble = identity >> (60 - 4 * place) & 15;
            *digit = b"0123456789abcdef"[nibble as usize];
        }
        self.buffer.extend_from_slice(&digits);
    }

    /// Writes what was collected, if it is much.
    #[inline]
    pub fn end_record(&mut self) {
        if BUFFER_BYTES <= self.buffer.len() {
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
            && let Err(error) = self.out.write_all(&self.buffer)
        {
            self.error = Some(error);
        }
        self.buffer.clear();
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
