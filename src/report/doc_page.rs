//! PURE. A page of the documentation, as text for a terminal and as a manual page.
//!
//! The pages in `docs` are Markdown with headings, paragraphs, lists, tables and code; a test holds that they have no more.

use std::fmt::Write as _;

use anstyle::Style;
use comfy_table::{ContentArrangement, Table, presets};

use super::text::wrap;

/// A part of a page.
#[derive(Debug, PartialEq)]
enum PagePart {
    Heading(usize, String),
    Paragraph(String),
    /// An item of a list, with its sign.
    Item(String, String),
    Table(Vec<Vec<String>>),
    Code(Vec<String>),
}

/// The page for a terminal of so many columns.
#[must_use]
pub fn terminal_text(page: &str, columns: usize) -> String {
    let bold = Style::new().bold();
    let mut out = String::new();
    let mut in_list = false;
    for part in parts(page) {
        let is_item = matches!(part, PagePart::Item(..));
        if std::mem::replace(&mut in_list, is_item) && !is_item {
            out.push('\n');
        }
        match part {
            PagePart::Heading(_, text) => _ = writeln!(out, "{bold}{text}{bold:#}"),
            PagePart::Paragraph(text) => {
                for line in wrap(&text, columns) {
                    let _ = writeln!(out, "{line}");
                }
            }
            PagePart::Item(sign, text) => {
                let indent = " ".repeat(sign.chars().count() + 1);
                for (at, line) in wrap(&text, columns.saturating_sub(indent.len())).iter().enumerate() {
                    let before = if at == 0 { format!("{sign} ") } else { indent.clone() };
                    let _ = writeln!(out, "{before}{line}");
                }
                continue;
            }
            PagePart::Table(rows) => {
                let mut table = Table::new();
                table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
                table.set_width(u16::try_from(columns).unwrap_or(u16::MAX));
                table.add_rows(rows);
                let _ = writeln!(out, "{table}");
            }
            PagePart::Code(lines) => {
                for line in lines {
                    let _ = writeln!(out, "    {line}");
                }
            }
        }
        out.push('\n');
    }
    let end = out.trim_end().len();
    out.truncate(end);
    out.push('\n');
    out
}

/// The page as a manual page, in roff.
#[must_use]
pub fn manual_page(name: &str, section: u8, page: &str) -> String {
    let mut out =
        format!(".TH \"{}\" {section} \"\" \"seqorch {}\"\n", name.to_uppercase(), env!("CARGO_PKG_VERSION"));
    for part in parts(page) {
        match part {
            PagePart::Heading(1, text) => _ = write!(out, ".SH NAME\n{} \\- {}\n", roff(name), roff(&text)),
            PagePart::Heading(2, text) => _ = writeln!(out, ".SH {}", roff(&text)),
            PagePart::Heading(_, text) => _ = writeln!(out, ".SS {}", roff(&text)),
            PagePart::Paragraph(text) => _ = writeln!(out, ".PP\n{}", roff(&text)),
            PagePart::Item(sign, text) => _ = writeln!(out, ".IP \"{}\" 4\n{}", roff(&sign), roff(&text)),
            PagePart::Table(rows) => {
                for row in rows.iter().skip(1) {
                    let rest = row[1..].join(". ");
                    let _ = writeln!(out, ".TP\n{}\n{}", roff(&row[0]), roff(&rest));
                }
            }
            PagePart::Code(lines) => {
                let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
                let _ = writeln!(out, ".PP\n.RS 4\n.nf\n{}\n.fi\n.RE", lines.join("\n"));
            }
        }
    }
    out
}

/// A section of a manual page with lines that stay as they are.
#[must_use]
pub fn code_section<'a>(heading: &str, lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<String> = lines.map(escaped).collect();
    format!(".SH {heading}\n.nf\n{}\n.fi\n", lines.join("\n"))
}

/// A section of a manual page with paragraphs.
#[must_use]
pub fn text_section(heading: &str, text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|part| roff(&part.replace('\n', " "))).collect::<Vec<_>>();
    format!(".SH {heading}\n{}\n", paragraphs.join("\n.PP\n"))
}

/// A line of roff in which words between backticks are bold instead.
#[must_use]
pub fn marked_code(line: &str) -> String {
    if !line.contains('`') || line.matches('`').count() % 2 == 1 {
        return line.to_owned();
    }
    let marked = line.split('`').enumerate().map(|(at, part)| match at {
        0 => part.to_owned(),
        _ => format!("{}{part}", if at % 2 == 1 { "\\fB" } else { "\\fR" }),
    });
    marked.collect()
}

/// Text that roff takes as text, with words between backticks in bold.
fn roff(text: &str) -> String {
    marked_code(&escaped(text))
}

/// Text that roff takes as it is.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

fn parts(page: &str) -> Vec<PagePart> {
    let mut lines = page.lines().peekable();
    let mut parts: Vec<PagePart> = Vec::new();
    // whether the next line of text continues the part before it
    let mut open = false;
    while let Some(line) = lines.next() {
        let text = line.trim();
        if text.starts_with("```") {
            let indent = line.len() - line.trim_start().len();
            let code = lines.by_ref().take_while(|line| line.trim() != "```");
            let code = code.map(|line| line.get(indent..).unwrap_or_default().to_owned()).collect();
            parts.push(PagePart::Code(code));
            open = false;
        } else if text.is_empty() {
            open = false;
        } else if text.starts_with("<!--") || text.starts_with("![") {
            // pictures and notes for other programs
        } else if let Some(heading) = text.strip_prefix('#') {
            let more = heading.chars().take_while(|c| *c == '#').count();
            parts.push(PagePart::Heading(1 + more, plain(heading[more..].trim())));
            open = false;
        } else if text.starts_with('|') {
            let cells = |line: &str| -> Vec<String> {
                let row = line.trim().trim_matches('|').replace("\\|", "\u{0}");
                row.split('|').map(|cell| plain(&cell.replace('\u{0}', "|"))).collect()
            };
            let mut rows = vec![cells(text)];
            while let Some(row) = lines.next_if(|line| line.trim_start().starts_with('|')) {
                if !row.contains("|---") {
                    rows.push(cells(row));
                }
            }
            parts.push(PagePart::Table(rows));
            open = false;
        } else if let Some((sign, text)) = item(text) {
            parts.push(PagePart::Item(sign.to_owned(), text.to_owned()));
            open = true;
        } else if let (true, Some(PagePart::Paragraph(before) | PagePart::Item(_, before))) =
            (open, parts.last_mut())
        {
            before.push(' ');
            before.push_str(text);
        } else {
            parts.push(PagePart::Paragraph(text.to_owned()));
            open = true;
        }
    }
    for part in &mut parts {
        // a link may go over the end of a line
        if let PagePart::Paragraph(text) | PagePart::Item(_, text) = part {
            *text = plain(text);
        }
    }
    parts
}

/// The sign and the text of an item of a list.
fn item(text: &str) -> Option<(&str, &str)> {
    if let Some(text) = text.strip_prefix("- ") {
        return Some(("•", text));
    }
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let rest = text[digits..].strip_prefix(". ").filter(|_| digits > 0)?;
    Some((&text[..=digits], rest))
}

/// A text without the signs of Markdown: `[text](address)` is its text, and so is `**text**`.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some(at) = rest.find("](") {
        let (before, after) = rest.split_at(at);
        let (Some(open), Some(end)) = (before.rfind('['), after.find(')')) else { break };
        out.push_str(&before[..open]);
        out.push_str(&before[open + 1..]);
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    out.replace("**", "").replace("<code>", "").replace("</code>", "").replace("&#124;", "|")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Limits\n\nA limit of [one\nagent](agents.md) is `waited` out,\nas **all** are.\n\n## How\n\n\
        - first\n  continues\n- second\n\n1. one\n\n```sh\nseqorch run\n```\n\n| a | b |\n|---|---|\n| `x` | y |\n";

    #[test]
    fn a_page_for_a_terminal_has_no_links() {
        let text = anstream::adapter::strip_str(&terminal_text(PAGE, 30)).to_string();
        assert!(text.starts_with("Limits\n\nA limit of one agent is\n`waited` out, as all are.\n\nHow\n\n• first continues\n• second\n1. one\n\n    seqorch run\n"), "{text}");
    }

    #[test]
    fn a_manual_page_has_the_same_parts() {
        let page = manual_page("seqorch-limits", 7, PAGE);
        assert!(page.contains(".SH NAME\nseqorch\\-limits \\- Limits\n"), "{page}");
        assert!(
            page.contains(".IP \"•\" 4\nfirst continues\n") && page.contains(".TP\n\\fBx\\fR\ny\n"),
            "{page}"
        );
    }
}
