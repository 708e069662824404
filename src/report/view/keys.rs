//! PURE. Keys in the bytes of a terminal.

/// A key of the live view. What a letter does depends on what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The arrow up.
    Up,
    /// The arrow down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// Home.
    First,
    /// End.
    Last,
    /// Return.
    Enter,
    /// Escape.
    Escape,
    /// Deletes the character before the cursor.
    Backspace,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-L: redraw the screen.
    Redraw,
    /// A character.
    Char(char),
}

/// The keys in the bytes of a terminal, and how many bytes were used. An incomplete sequence at the end is not used: more of
/// it may come.
#[must_use]
pub fn keys(bytes: &[u8]) -> (Vec<Key>, usize) {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at + 1..];
        let mut length = 1;
        let key = match byte {
            b'\r' | b'\n' => Some(Key::Enter),
            0x7f | 0x08 => Some(Key::Backspace),
            0x06 => Some(Key::PageDown),
            0x02 => Some(Key::PageUp),
            0x03 => Some(Key::Interrupt),
            0x0c => Some(Key::Redraw),
            // the rest of a sequence may come
            0x1b if rest.is_empty() => return (found, at),
            0x1b if matches!(rest.first(), Some(b'[' | b'O')) => {
                let Some(end) = rest[1..].iter().position(|b| (0x40..=0x7e).contains(b)) else {
                    // a sequence is not that long
                    return (found, if rest.len() > 32 { bytes.len() } else { at });
                };
                length = end + 3;
                sequence(&rest[1..=end], rest[end + 1])
            }
            0x1b => Some(Key::Escape),
            0..0x20 => None,
            _ => {
                let all = &bytes[at..(at + 4).min(bytes.len())];
                match all.utf8_chunks().next() {
                    Some(chunk) if !chunk.valid().is_empty() => {
                        let c = chunk.valid().chars().next();
                        length = c.map_or(1, char::len_utf8);
                        c.map(Key::Char)
                    }
                    // its other bytes may come
                    _ if all.len() < 4
                        && std::str::from_utf8(all).is_err_and(|e| e.error_len().is_none()) =>
                    {
                        return (found, at);
                    }
                    _ => None,
                }
            }
        };
        found.extend(key);
        at += length;
    }
    (found, at)
}

fn sequence(parameters: &[u8], last: u8) -> Option<Key> {
    Some(match (parameters, last) {
        (_, b'A') => Key::Up,
        (_, b'B') => Key::Down,
        (_, b'H') | (b"1" | b"7", b'~') => Key::First,
        (_, b'F') | (b"4" | b"8", b'~') => Key::Last,
        (b"5", b'~') => Key::PageUp,
        (b"6", b'~') => Key::PageDown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_recognised_wherever_the_input_is_cut() {
        let all = b"jk\x1b[A\x1bOB\x1b[5~\x1b[6~gG\x1b[H\x1b[1;5F\x1b[200~?\r\x7f\x03\xc3\xa9\xff\x1bx";
        let wanted = [
            Key::Char('j'),
            Key::Char('k'),
            Key::Up,
            Key::Down,
            Key::PageUp,
            Key::PageDown,
            Key::Char('g'),
            Key::Char('G'),
            Key::First,
            Key::Last,
            Key::Char('?'),
            Key::Enter,
            Key::Backspace,
            Key::Interrupt,
            Key::Char('é'),
            Key::Escape,
            Key::Char('x'),
        ];
        for cut in 0..=all.len() {
            let (mut found, read) = keys(&all[..cut]);
            let (more, end) = keys(&all[read..]);
            found.extend(more);
            assert_eq!((found.as_slice(), read + end), (&wanted[..], all.len()), "cut at {cut}");
        }
        assert_eq!(keys(&[b"\x1b[".as_slice(), &[b'1'; 100]].concat()), (Vec::new(), 102), "no end in sight");
    }
}
