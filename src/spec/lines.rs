//! Splits text into lines and finds fences, comments and quotes. A cheap look at each line decides whether the grammar
//! is needed.

use super::grammar::{Heading, ListItem, heading};
use super::grammar_memo::ItemMemo;
use super::model::IgnoredReason;

/// What a line is by itself, before the rest of the file is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineKind {
    Blank,
    Text,
    /// Inside a fence, a comment or a quote; it is never a task.
    Opaque(IgnoredReason),
    /// Index into [`Lines::items`].
    Item(u32),
    /// Index into [`Lines::headings`].
    Heading(u32),
    /// A table row.
    Row,
}

/// One line. Offsets are bytes of the source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceLine {
    pub(crate) start: usize,
    /// The end without LF and one CR before it.
    pub(crate) end: usize,
    /// Columns before the text; a tab counts to the next multiple of four.
    pub(crate) indent: u32,
    pub(crate) kind: LineKind,
}

/// The line indexes of a fenced block's first and last line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FencedBlock {
    pub(crate) open: usize,
    pub(crate) close: usize,
}

/// A file as lines.
#[derive(Debug, Default)]
pub(crate) struct SourceLines<'a> {
    pub(crate) source: &'a str,
    pub(crate) all: Vec<SourceLine>,
    pub(crate) items: Vec<ListItem>,
    pub(crate) headings: Vec<Heading>,
    pub(crate) fences: Vec<FencedBlock>,
    /// Lines that open a fence or a comment which never closes. They are read as text.
    pub(crate) unclosed: Vec<(usize, IgnoredReason)>,
}

impl<'a> SourceLines<'a> {
    /// The text of a line.
    pub(crate) fn text(&self, index: usize) -> &'a str {
        let line = &self.all[index];
        &self.source[line.start..line.end]
    }

    /// The item on a line.
    pub(crate) fn item(&self, index: usize) -> Option<&ListItem> {
        match self.all[index].kind {
            LineKind::Item(i) => Some(&self.items[i as usize]),
            _ => None,
        }
    }

    /// The heading on a line.
    pub(crate) fn heading(&self, index: usize) -> Option<&Heading> {
        match self.all[index].kind {
            LineKind::Heading(i) => Some(&self.headings[i as usize]),
            _ => None,
        }
    }

    /// The lines that are headings.
    pub(crate) fn heading_lines(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.all.len()).filter(|&index| matches!(self.all[index].kind, LineKind::Heading(_)))
    }

    /// The line that holds an offset.
    pub(crate) fn at(&self, offset: usize) -> usize {
        self.all.partition_point(|l| l.start <= offset).saturating_sub(1)
    }
}

/// An open region whose lines are not tasks.
enum HiddenRegion {
    Fence { sign: u8, len: usize, line: usize },
    Comment { line: usize },
}

/// Splits a text and classifies its lines. This takes linear time: a fence that never closes costs one more pass over the
/// rest, at most [`RETRIES`] times.
pub(crate) fn scan(source: &str) -> SourceLines<'_> {
    let mut lines = SourceLines { source, all: split(source), ..SourceLines::default() };
    let mut memo = ItemMemo::default();
    let comments = source.contains("<!--");
    let mut from = 0;
    let mut retries = 0;
    // What never closes: a comment, and per sign fences of this length or longer.
    let mut open_comment = false;
    let mut open_fence = [(b'`', usize::MAX), (b'~', usize::MAX)];
    loop {
        let mut region: Option<HiddenRegion> = None;
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
            Some(HiddenRegion::Comment { line }) => {
                open_comment = true;
                (line, IgnoredReason::Comment)
            }
            Some(HiddenRegion::Fence { sign, len, line }) => {
                for known in &mut open_fence {
                    if known.0 == sign {
                        known.1 = known.1.min(if retries < RETRIES { len } else { 0 });
                    }
                }
                (line, IgnoredReason::Fence)
            }
        };
        retries += 1;
        lines.unclosed.push((line, why));
        from = line;
        lines.fences.retain(|f| f.open < line);
    }
    lines.unclosed.sort_unstable_by_key(|u| u.0);
    drop_strange(&mut lines);
    lines
}

/// How far the neighbours of a box with an unknown mark may be.
const NEAR: usize = 40;

/// A box with an unknown mark is one only beside a box with a known mark, in one list: `- [P] marks parallel tasks` and
/// `- [1] Knuth` are text.
fn drop_strange(lines: &mut SourceLines<'_>) {
    let strange = |index: usize| lines.item(index).is_some_and(|item| item.strange);
    let found: Vec<usize> = (0..lines.all.len()).filter(|&index| strange(index)).collect();
    let beside = |index: usize, other: usize| {
        lines.all[other].indent <= lines.all[index].indent && lines.all[other].kind != LineKind::Blank
    };
    let boxed = |index: usize, other: Option<usize>| {
        other.is_some_and(|other| {
            lines.all[other].indent == lines.all[index].indent
                && lines.item(other).is_some_and(|item| item.mark.is_some() && item.bullet && !item.strange)
        })
    };
    let dropped: Vec<usize> = found
        .into_iter()
        .filter(|&index| {
            let Some(item) = lines.item(index) else { return false };
            let mark = item.mark.clone().map_or("", |mark| &lines.text(index)[mark]);
            // `[P]` and `[US1]` are markers, so a blank line before them ends their list.
            let marker = mark.contains(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit());
            // Others of its kind in between are part of the list.
            let ends = |&other: &usize| {
                let blank = marker && lines.all[other].kind == LineKind::Blank;
                let alike = strange(other) && lines.all[other].indent == lines.all[index].indent;
                blank || beside(index, other) && !alike
            };
            let before = (0..index).rev().take(NEAR).find(ends);
            let after = (index + 1..lines.all.len()).take(NEAR).find(ends);
            !item.bullet || !(boxed(index, before) || boxed(index, after))
        })
        .collect();
    for index in dropped {
        lines.all[index].kind = LineKind::Text;
    }
}

const RETRIES: usize = 6;

/// Splits at LF only: a CR, a form feed or an escape inside a title is text.
fn split(source: &str) -> Vec<SourceLine> {
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
        all.push(SourceLine { start, end: start + body.len(), indent, kind: LineKind::Text });
        start = next;
    }
    all
}

/// Classifies a line inside a region; returns the region if it stays open.
fn inside(
    region: &HiddenRegion,
    text: &str,
    lines: &mut SourceLines<'_>,
    index: usize,
) -> (LineKind, Option<HiddenRegion>) {
    match *region {
        HiddenRegion::Comment { line } => {
            let open = !text.contains("-->");
            (LineKind::Opaque(IgnoredReason::Comment), open.then_some(HiddenRegion::Comment { line }))
        }
        HiddenRegion::Fence { sign, len, line } => {
            let closes = fence(text).is_some_and(|(s, l, info)| s == sign && l >= len && info.is_empty());
            if closes {
                lines.fences.push(FencedBlock { open: line, close: index });
            }
            (
                LineKind::Opaque(IgnoredReason::Fence),
                (!closes).then_some(HiddenRegion::Fence { sign, len, line }),
            )
        }
    }
}

/// Classifies a line outside of all regions; returns the region that it opens.
fn outside(
    text: &str,
    index: usize,
    lines: &mut SourceLines<'_>,
    memo: &mut ItemMemo,
    comments: bool,
    open_fence: &[(u8, usize); 2],
) -> (LineKind, Option<HiddenRegion>) {
    let trimmed = unindent(text);
    let Some(&first) = trimmed.as_bytes().first() else { return (LineKind::Blank, None) };
    // A fence may open right after a bullet.
    let after_bullet = match first {
        b'-' | b'*' | b'+' => unindent(&trimmed[1..]),
        _ => trimmed,
    };
    if matches!(after_bullet.as_bytes().first(), Some(b'`' | b'~'))
        && let Some((sign, len, _)) = fence(after_bullet)
        && open_fence.iter().all(|k| k.0 != sign || len < k.1)
    {
        return (
            LineKind::Opaque(IgnoredReason::Fence),
            Some(HiddenRegion::Fence { sign, len, line: index }),
        );
    }
    if first == b'>' {
        return (LineKind::Opaque(IgnoredReason::Quote), None);
    }
    let mut region = None;
    if comments && let Some(open) = comment_start(text) {
        let closes = text[open..].contains("-->");
        if !closes {
            region = Some(HiddenRegion::Comment { line: index });
        }
        if text[..open].trim().is_empty() {
            return (LineKind::Opaque(IgnoredReason::Comment), region);
        }
    }
    let kind = match first {
        b'#' => heading(text).and_then(|h| {
            let at = u32::try_from(lines.headings.len()).ok()?;
            lines.headings.push(h);
            Some(LineKind::Heading(at))
        }),
        b'|' => Some(LineKind::Row),
        _ if may_be_item(trimmed) => memo.item(text, &mut lines.items).map(LineKind::Item),
        _ => None,
    };
    (kind.unwrap_or(LineKind::Text), region)
}

/// The text without leading blanks. It works on bytes, since it runs for every line.
pub(crate) fn unindent(text: &str) -> &str {
    let blanks = text.bytes().take_while(|b| matches!(b, b' ' | b'\t')).count();
    &text[blanks..]
}

/// Whether the grammar is needed: a bullet or a number with a bracket, or a number alone.
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

/// The sign, the length and the info text of a fence line.
fn fence(text: &str) -> Option<(u8, usize, &str)> {
    let text = unindent(text);
    let sign = *text.as_bytes().first().filter(|b| matches!(b, b'`' | b'~'))?;
    let len = text.bytes().take_while(|&b| b == sign).count();
    let info = text[len..].trim();
    (len >= 3 && !(sign == b'`' && info.contains('`')) && !(sign == b'~' && info.contains('~')))
        .then_some((sign, len, info))
}

/// Where a comment opens outside of inline code.
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
