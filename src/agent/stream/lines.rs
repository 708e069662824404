//! Splits a stream into lines, in bounded memory.

/// The longest line that is read, in bytes. A vendor's record may hold a prompt, a file or a command's whole output.
/// A longer line is skipped.
pub(super) const LONGEST: usize = 8 << 20;
/// A larger buffer is freed after its line.
const KEPT_BUFFER: usize = 1 << 20;

/// A line of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum StreamLine<'a> {
    /// The line without its line end.
    Whole(&'a [u8]),
    /// The length of a line that is longer than [`LONGEST`] and so was skipped.
    TooLong(u64),
}

/// Collects pieces until a line is whole.
#[derive(Debug, Default)]
pub(super) struct LineSplitter {
    part: Vec<u8>,
    /// Bytes so far of a line that is too long.
    skipped: u64,
}

impl LineSplitter {
    pub(super) fn feed(&mut self, mut piece: &[u8], on: &mut dyn FnMut(StreamLine<'_>)) {
        while let Some(end) = memchr::memchr(b'\n', piece) {
            let (line, rest) = (&piece[..end], &piece[end + 1..]);
            if self.part.is_empty() && self.skipped == 0 && line.len() <= LONGEST {
                on(StreamLine::Whole(line));
            } else {
                self.extend(line);
                self.end(on);
            }
            piece = rest;
        }
        self.extend(piece);
    }

    /// The end of the stream also ends its last line.
    pub(super) fn finish(&mut self, on: &mut dyn FnMut(StreamLine<'_>)) {
        if self.skipped > 0 || !self.part.is_empty() {
            self.end(on);
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        if self.skipped > 0 {
            self.skipped += bytes.len() as u64;
        } else if self.part.len() + bytes.len() > LONGEST {
            self.skipped = (self.part.len() + bytes.len()) as u64;
            self.part = Vec::new();
        } else {
            self.part.extend_from_slice(bytes);
        }
    }

    fn end(&mut self, on: &mut dyn FnMut(StreamLine<'_>)) {
        match std::mem::take(&mut self.skipped) {
            0 => on(StreamLine::Whole(&self.part)),
            bytes => on(StreamLine::TooLong(bytes)),
        }
        self.part.clear();
        if self.part.capacity() > KEPT_BUFFER {
            self.part = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Result<Vec<u8>, u64>> {
        let mut all = Vec::new();
        let mut take = |line: StreamLine<'_>| {
            all.push(match line {
                StreamLine::Whole(bytes) => Ok(bytes.to_vec()),
                StreamLine::TooLong(bytes) => Err(bytes),
            });
        };
        let mut lines = LineSplitter::default();
        for piece in pieces {
            lines.feed(piece, &mut take);
        }
        lines.finish(&mut take);
        all
    }

    #[test]
    fn lines_are_whole_however_the_stream_is_cut() {
        let want = vec![Ok(b"ab".to_vec()), Ok(Vec::new()), Ok(b"cd".to_vec())];
        assert_eq!(lines(&[b"ab\n\ncd"]), want);
        assert_eq!(lines(&[b"a", b"b\n", b"\nc", b"d", b"\n"]), want);
    }

    #[test]
    fn an_endless_line_costs_no_memory_and_spares_the_next_line() {
        let piece = vec![b'x'; 1 << 20];
        let mut lines = LineSplitter::default();
        let mut seen = Vec::new();
        for _ in 0..1024 {
            lines.feed(&piece, &mut |_| unreachable!("no line has ended"));
            assert!(lines.part.capacity() <= 2 * LONGEST);
        }
        lines.feed(b"\n{}\n", &mut |line| seen.push(format!("{line:?}")));
        assert_eq!(seen, [format!("TooLong({})", 1 << 30), "Whole([123, 125])".to_owned()]);
    }
}
