//! From bytes to text, with a clear word on what is no text.

use std::fmt;

/// A file that is not text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Offset of the first byte that is wrong.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: NotText,
}

/// Why bytes are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotText {
    /// Not UTF-8.
    InvalidUtf8,
    /// A NUL byte, as in binary files and UTF-16.
    Nul,
    /// It starts like UTF-16.
    Utf16,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            NotText::InvalidUtf8 => "invalid UTF-8",
            NotText::Nul => "NUL byte",
            NotText::Utf16 => "UTF-16, save it as UTF-8;",
        };
        write!(f, "not text: {what} at line {}, byte {}", self.line, self.offset)
    }
}

impl std::error::Error for DecodeError {}

/// The text of a file. A byte order mark stays in it, so that offsets are those of the file; the parser skips it.
pub fn decode(bytes: &[u8]) -> Result<&str, DecodeError> {
    let fail = |offset: usize, kind| {
        let line = bytes[..offset].split(|&b| b == b'\n').count();
        Err(DecodeError { offset, line, kind })
    };
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return fail(0, NotText::Utf16);
    }
    let nul = bytes.iter().position(|&b| b == 0);
    match std::str::from_utf8(bytes) {
        Ok(text) => match nul {
            Some(at) => fail(at, NotText::Nul),
            None => Ok(text),
        },
        Err(e) => match nul {
            Some(at) if at < e.valid_up_to() => fail(at, NotText::Nul),
            _ => fail(e.valid_up_to(), NotText::InvalidUtf8),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_with_its_mark() {
        assert_eq!(decode("\u{FEFF}- [ ] 1. Ä\r\n".as_bytes()), Ok("\u{FEFF}- [ ] 1. Ä\r\n"));
        assert_eq!(decode(b""), Ok(""));
    }

    #[test]
    fn binary_names_line_and_byte() {
        let error = decode(b"one\ntwo\nth\xFFree").unwrap_err();
        assert_eq!(error.to_string(), "not text: invalid UTF-8 at line 3, byte 10");
        assert_eq!(decode(b"a\n\0b").unwrap_err().to_string(), "not text: NUL byte at line 2, byte 2");
        assert_eq!(decode(b"\xFF\xFEa\0").unwrap_err().kind, NotText::Utf16);
    }

    #[test]
    fn the_first_fault_is_named() {
        assert_eq!(decode(b"\0\xFF").unwrap_err().kind, NotText::Nul);
        assert_eq!(decode(b"\xFF\0").unwrap_err().kind, NotText::InvalidUtf8);
    }
}
