//! Cuts a stream into lines, in bounded memory.

/// Bytes of the longest line that is read. A vendor's record may hold a prompt, a file or a whole command's output;
/// beyond this it is passed over, and the next line is read again.
pub(super) const LONGEST: usize = 8 << 20;
/// A buffer that grew beyond this is given back.
const USUAL: usize = 1 << 20;

/// What a line turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line without its end.
    Whole(&'a [u8]),
    /// A line of so many bytes, more than [`LONGEST`].
    TooLong(u64),
}

/// Collects what has come of a line.
#[derive(Debug, Default)]
pub(super) struct Lines {
    part: Vec<u8>,
    /// Bytes of a line that is too long, so far.
    passed: u64,
}

impl Lines {
    pub(super) fn feed(&mut self, mut piece: &[u8], on: &mut dyn FnMut(Line<'_>)) {
        while let Some(end) = memchr::memchr(b'\n', piece) {
            let (line, rest) = (&piece[..end], &piece[end + 1..]);
            if self.part.is_empty() && self.passed == 0 && line.len() <= LONGEST {
                on(Line::Whole(line));
            } else {
                self.extend(line);
                self.end(on);
            }
            piece = rest;
        }
        self.extend(piece);
    }

    /// The end of the stream also ends its last line.
    pub(super) fn finish(&mut self, on: &mut dyn FnMut(Line<'_>)) {
        if self.passed > 0 || !self.part.is_empty() {
            self.end(on);
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        if self.passed > 0 {
            self.passed += bytes.len() as u64;
        } else if self.part.len() + bytes.len() > LONGEST {
            self.passed = (self.part.len() + bytes.len()) as u64;
            self.part = Vec::new();
        } else {
            self.part.extend_from_slice(bytes);
        }
    }

    fn end(&mut self, on: &mut dyn FnMut(Line<'_>)) {
        match std::mem::take(&mut self.passed) {
            0 => on(Line::Whole(&self.part)),
            bytes => on(Line::TooLong(bytes)),
        }
        self.part.clear();
        if self.part.capacity() > USUAL {
            self.part = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Result<Vec<u8>, u64>> {
        let mut all = Vec::new();
        let mut take = |line: Line<'_>| {
            all.push(match line {
                Line::Whole(bytes) => Ok(bytes.to_vec()),
                Line::TooLong(bytes) => Err(bytes),
            });
        };
        let mut lines = Lines::default();
        for piece in pieces {
            lines.feed(piece, &mut take);
        }
        lines.finish(&mut take);
        all
    }

    #[test]
    fn lines_are_whole_however_they_come() {
        let want = vec![Ok(b"ab".to_vec()), Ok(Vec::new()), Ok(b"cd".to_vec())];
        assert_eq!(lines(&[b"ab\n\ncd"]), want);
        assert_eq!(lines(&[b"a", b"b\n", b"\nc", b"d", b"\n"]), want);
    }

    #[test]
    fn a_line_without_end_costs_itself_alone_and_no_memory() {
        let piece = vec![b'x'; 1 << 20];
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for _ in 0..1024 {
            lines.feed(&piece, &mut |_| unreachable!("no line has ended"));
            assert!(lines.part.capacity() <= 2 * LONGEST);
        }
        lines.feed(b"\n{}\n", &mut |line| seen.push(format!("{line:?}")));
        assert_eq!(seen, [format!("TooLong({})", 1 << 30), "Whole([123, 125])".to_owned()]);
    }
}
