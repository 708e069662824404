//! From bytes to text, with a clear error where a file is not text.

use std::fmt;

/// A file that is not text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Offset of the first wrong byte.
    pub offset: usize,
    /// Line of that byte, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: NotTextReason,
}

/// Why bytes are not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTextReason {
    /// Not UTF-8.
    InvalidUtf8,
    /// A NUL byte, as binary files and UTF-16 have.
    Nul,
    /// It starts like UTF-16.
    Utf16,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.reason {
            NotTextReason::InvalidUtf8 => "invalid UTF-8",
            NotTextReason::Nul => "NUL byte",
            NotTextReason::Utf16 => "UTF-16, save it as UTF-8;",
        };
        write!(f, "not text: {what} at line {}, byte {}", self.line, self.offset)
    }
}

impl std::error::Error for DecodeError {}

/// The text of a file. It keeps a byte order mark, so that offsets stay those of the file; the parser skips the mark.
pub fn decode(bytes: &[u8]) -> Result<&str, DecodeError> {
    let fail = |offset: usize, reason| {
        let line = bytes[..offset].split(|&b| b == b'\n').count();
        Err(DecodeError { offset, line, reason })
    };
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return fail(0, NotTextReason::Utf16);
    }
    let nul = bytes.iter().position(|&b| b == 0);
    match std::str::from_utf8(bytes) {
        Ok(text) => match nul {
            Some(at) => fail(at, NotTextReason::Nul),
            None => Ok(text),
        },
        Err(e) => match nul {
            Some(at) if at < e.valid_up_to() => fail(at, NotTextReason::Nul),
            _ => fail(e.valid_up_to(), NotTextReason::InvalidUtf8),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_its_byte_order_mark() {
        assert_eq!(decode("\u{FEFF}- [ ] 1. Ä\r\n".as_bytes()), Ok("\u{FEFF}- [ ] 1. Ä\r\n"));
        assert_eq!(decode(b""), Ok(""));
    }

    #[test]
    fn an_error_names_line_and_byte() {
        let error = decode(b"one\ntwo\nth\xFFree").unwrap_err();
        assert_eq!(error.to_string(), "not text: invalid UTF-8 at line 3, byte 10");
        assert_eq!(decode(b"a\n\0b").unwrap_err().to_string(), "not text: NUL byte at line 2, byte 2");
        assert_eq!(decode(b"\xFF\xFEa\0").unwrap_err().reason, NotTextReason::Utf16);
    }

    #[test]
    fn the_first_wrong_byte_is_named() {
        assert_eq!(decode(b"\0\xFF").unwrap_err().reason, NotTextReason::Nul);
        assert_eq!(decode(b"\xFF\0").unwrap_err().reason, NotTextReason::InvalidUtf8);
    }
}
