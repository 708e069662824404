//! From text to lines: line ends, fences, comments, quotes, and a cheap look at each line that decides whether the
//! grammar has to be asked at all.

use super::grammar::{Heading, Item, heading};
use super::memo::Memo;
use super::model::Why;

/// What a line is, before anything is known of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Blank,
    Text,
    /// Inside a fence, a comment or a quote: nothing in it is a task.
    Opaque(Why),
    /// Index into [`Lines::items`].
    Item(u32),
    /// Index into [`Lines::headings`].
    Heading(u32),
    /// A table row.
    Row,
}

/// One line; offsets are bytes of the source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) start: usize,
    /// Without LF and one CR before it.
    pub(crate) end: usize,
    /// Columns of blank space before the text.
    pub(crate) indent: u32,
    pub(crate) kind: Kind,
}

/// A fenced block, by line index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fence {
    pub(crate) open: usize,
    pub(crate) close: usize,
}

/// A file as lines.
#[derive(Debug, Default)]
pub(crate) struct Lines<'a> {
    pub(crate) source: &'a str,
    pub(crate) all: Vec<Line>,
    pub(crate) items: Vec<Item>,
    pub(crate) headings: Vec<Heading>,
    pub(crate) fences: Vec<Fence>,
    /// Lines that open a fence or a comment which never closes; they are read as text.
    pub(crate) unclosed: Vec<(usize, Why)>,
}

impl<'a> Lines<'a> {
    /// The text of a line.
    pub(crate) fn text(&self, index: usize) -> &'a str {
        let line = &self.all[index];
        &self.source[line.start..line.end]
    }

    /// The item on a line.
    pub(crate) fn item(&self, index: usize) -> Option<&Item> {
        match self.all[index].kind {
            Kind::Item(i) => Some(&self.items[i as usize]),
            _ => None,
        }
    }

    /// The heading on a line.
    pub(crate) fn heading(&self, index: usize) -> Option<&Heading> {
        match self.all[index].kind {
            Kind::Heading(i) => Some(&self.headings[i as usize]),
            _ => None,
        }
    }

    /// The line that holds an offset.
    pub(crate) fn at(&self, offset: usize) -> usize {
        self.all.partition_point(|l| l.start <= offset).saturating_sub(1)
    }
}

/// An open region that hides what is in it.
enum Region {
    Fence { sign: u8, len: usize, line: usize },
    Comment { line: usize },
}

/// Splits and classifies. Linear: a fence that never closes costs one more pass over the rest, at most [`RETRIES`] times.
pub(crate) fn scan(source: &str) -> Lines<'_> {
    let mut lines = Lines { source, all: split(source), ..Lines::default() };
    let mut memo = Memo::default();
    let comments = source.contains("<!--");
    let mut from = 0;
    let mut retries = 0;
    // What is known never to close: a comment, and fences of this sign from this length on.
    let mut open_comment = false;
    let mut open_fence = [(b'`', usize::MAX), (b'~', usize::MAX)];
    loop {
        let mut region: Option<Region> = None;
        for index in from..lines.all.len() {
            let text = lines.text(index);
            let (kind, next) = match region.take() {
                Some(r) => inside(&r, text, &mut lines, index),
                None => outside(text, index, &mut lines, &mut memo, comments && !open_comment, &open_fence),
            };
            lines.all[index].kind = kind;
            region = next;
        }
        let (line, why) = match region {
            None => break,
            Some(Region::Comment { line }) => {
                open_comment = true;
                (line, Why::Comment)
            }
            Some(Region::Fence { sign, len, line }) => {
                for known in &mut open_fence {
                    if known.0 == sign {
                        known.1 = known.1.min(if retries < RETRIES { len } else { 0 });
                    }
                }
                (line, Why::Fence)
            }
        };
        retries += 1;
        lines.unclosed.push((line, why));
        from = line;
        lines.fences.retain(|f| f.open < line);
    }
    lines.unclosed.sort_unstable_by_key(|u| u.0);
    lines
}

const RETRIES: usize = 6;

/// Lines end at LF only; a CR, form feed or escape inside a title is text.
fn split(source: &str) -> Vec<Line> {
    let bom = if source.starts_with('\u{FEFF}') { 3 } else { 0 };
    let mut all = Vec::with_capacity(source.bytes().filter(|&b| b == b'\n').count() + 1);
    let mut start = bom;
    for part in source[bom..].split_inclusive('\n') {
        let next = start + part.len();
        let body = part.strip_suffix('\n').unwrap_or(part);
        let body = body.strip_suffix('\r').unwrap_or(body);
        let mut indent = 0;
        for b in body.bytes() {
            match b {
                b' ' => indent += 1,
                b'\t' => indent = indent / 4 * 4 + 4,
                _ => break,
            }
        }
        all.push(Line { start, end: start + body.len(), indent, kind: Kind::Text });
        start = next;
    }
    all
}

/// A line while a region is open.
fn inside(region: &Region, text: &str, lines: &mut Lines<'_>, index: usize) -> (Kind, Option<Region>) {
    match *region {
        Region::Comment { line } => {
            let open = !text.contains("-->");
            (Kind::Opaque(Why::Comment), open.then_some(Region::Comment { line }))
        }
        Region::Fence { sign, len, line } => {
            let closes = fence(text).is_some_and(|(s, l, info)| s == sign && l >= len && info.is_empty());
            if closes {
                lines.fences.push(Fence { open: line, close: index });
            }
            (Kind::Opaque(Why::Fence), (!closes).then_some(Region::Fence { sign, len, line }))
        }
    }
}

/// A line in the open.
fn outside(
    text: &str,
    index: usize,
    lines: &mut Lines<'_>,
    memo: &mut Memo,
    comments: bool,
    open_fence: &[(u8, usize); 2],
) -> (Kind, Option<Region>) {
    let trimmed = unindent(text);
    let Some(&first) = trimmed.as_bytes().first() else { return (Kind::Blank, None) };
    // A fence may open right after a bullet.
    let after_bullet = match first {
        b'-' | b'*' | b'+' => unindent(&trimmed[1..]),
        _ => trimmed,
    };
    if matches!(after_bullet.as_bytes().first(), Some(b'`' | b'~'))
        && let Some((sign, len, _)) = fence(after_bullet)
        && open_fence.iter().all(|k| k.0 != sign || len < k.1)
    {
        return (Kind::Opaque(Why::Fence), Some(Region::Fence { sign, len, line: index }));
    }
    if first == b'>' {
        return (Kind::Opaque(Why::Quote), None);
    }
    let mut region = None;
    if comments && let Some(open) = comment_start(text) {
        let closes = text[open..].contains("-->");
        if !closes {
            region = Some(Region::Comment { line: index });
        }
        if text[..open].trim().is_empty() {
            return (Kind::Opaque(Why::Comment), region);
        }
    }
    let kind = match first {
        b'#' => heading(text).and_then(|h| {
            let at = u32::try_from(lines.headings.len()).ok()?;
            lines.headings.push(h);
            Some(Kind::Heading(at))
        }),
        b'|' => Some(Kind::Row),
        _ if may_be_item(trimmed) => memo.item(text, &mut lines.items).map(Kind::Item),
        _ => None,
    };
    (kind.unwrap_or(Kind::Text), region)
}

/// The text without the blanks before it. Bytes, since this is asked of every line.
pub(crate) fn unindent(text: &str) -> &str {
    let blanks = text.bytes().take_while(|b| matches!(b, b' ' | b'\t')).count();
    &text[blanks..]
}

/// Whether the grammar has to be asked: a bullet or number and a bracket, or a number alone.
pub(crate) fn may_be_item(trimmed: &str) -> bool {
    let bytes = trimmed.as_bytes();
    let boxed = |rest: &[u8]| rest.iter().find(|b| !matches!(b, b' ' | b'\t')) == Some(&b'[');
    match bytes.first() {
        Some(b'-' | b'*' | b'+') => {
            bytes.len() > 1 && boxed(&bytes[1..])
                || trimmed.starts_with("**") && bytes.get(2).is_some_and(u8::is_ascii_digit)
        }
        Some(b'[') => true,
        Some(b) if b.is_ascii_digit() => {
            let after = bytes.iter().position(|b| !b.is_ascii_digit()).unwrap_or(bytes.len());
            matches!(bytes.get(after), Some(b'.' | b')'))
                || bytes.get(after).is_some_and(u8::is_ascii_alphabetic)
        }
        Some(0xE2) => trimmed.strip_prefix(['•', '–']).is_some_and(|r| boxed(r.as_bytes())),
        _ => false,
    }
}

/// Sign, length and info of a fence line.
fn fence(text: &str) -> Option<(u8, usize, &str)> {
    let text = unindent(text);
    let sign = *text.as_bytes().first().filter(|b| matches!(b, b'`' | b'~'))?;
    let len = text.bytes().take_while(|&b| b == sign).count();
    let info = text[len..].trim();
    (len >= 3 && !(sign == b'`' && info.contains('`')) && !(sign == b'~' && info.contains('~')))
        .then_some((sign, len, info))
}

/// Where a comment opens, outside of inline code.
fn comment_start(text: &str) -> Option<usize> {
    let mut from = 0;
    let mut ticks = 0;
    while let Some(found) = text[from..].find("<!--") {
        let at = from + found;
        ticks += text[from..at].bytes().filter(|&b| b == b'`').count();
        if ticks % 2 == 0 {
            return Some(at);
        }
        from = at + 4;
    }
    None
}
