//! The title of a task: the text of its line without comments, bold signs and markers.

use super::vocabulary;

/// A title and what its markers said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CleanTitle {
    pub(crate) text: String,
    pub(crate) parallel: bool,
}

/// Removes comments, bold, strike and markers. `bold_open` says that bold or strike was opened before the text. In
/// spec-kit files all text in brackets right after the id is a marker.
pub(crate) fn clean(raw: &str, bold_open: bool, speckit: bool) -> CleanTitle {
    let raw = raw.trim();
    if !raw.bytes().any(|b| matches!(b, b'*' | b'~' | b'<' | b'[' | b'(' | b'#')) {
        return CleanTitle { text: raw.to_owned(), parallel: false };
    }
    let text = unbold(&uncomment(raw), bold_open);
    let mut rest = text.trim();
    let mut parallel = false;
    while let Some((marker, after)) = marker(rest, speckit) {
        parallel |= marker.trim_end_matches('?').eq_ignore_ascii_case("P");
        // `T001 [P]: Title`, `T001 [P] - Title`
        let after = after.trim_start();
        let bare = after.trim_start_matches([':', '：']);
        let bare = ["- ", "– ", "— "].iter().find_map(|d| bare.strip_prefix(d)).unwrap_or(bare);
        rest = bare.trim_start();
    }
    for tail in ["(P)", "[P]"] {
        if let Some(before) = rest.strip_suffix(tail) {
            parallel = true;
            rest = before.trim_end();
        }
    }
    CleanTitle { text: rest.to_owned(), parallel }
}

/// The text of an XML element or a quoted value, as its author means it.
pub(crate) fn unescaped(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&"), ("\\\"", "\""), ("''", "'")];
    pairs.iter().fold(text.to_owned(), |text, (written, meant)| text.replace(written, meant))
}

/// A marker at the start: `[P]`, `(P)`, `[US1]`, `[US3, US4]`, `[ALL]`, `[MVP]`.
fn marker(text: &str, speckit: bool) -> Option<(&str, &str)> {
    if let Some(after) = text.strip_prefix("(P)") {
        return Some(("P", after));
    }
    let body = text.strip_prefix('[')?;
    let end = body.find(']')?;
    let (inner, after) = (&body[..end], &body[end + 1..]);
    let known = matches!(inner, "P" | "ALL" | "MVP")
        || inner.starts_with("US") && inner[2..].starts_with(|c: char| c.is_ascii_digit());
    // `[x]` is a misplaced box, `[name](url)` a link, and `[optional]` belongs to the title.
    let run = speckit
        && inner.len() <= 40
        && inner.trim().len() > usize::from(inner.trim().eq_ignore_ascii_case("x"))
        && !after.starts_with('(')
        && !vocabulary::optional(&text[..inner.len() + 2]);
    (known || run).then_some((inner, after))
}

/// Removes `<!-- … -->` outside of inline code.
fn uncomment(text: &str) -> String {
    if !text.contains("<!--") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut ticks = 0;
    while let Some(at) = rest.find("<!--") {
        ticks += rest[..at].bytes().filter(|&b| b == b'`').count();
        if ticks % 2 == 1 {
            out.push_str(&rest[..at + 4]);
            rest = &rest[at + 4..];
            continue;
        }
        out.push_str(&rest[..at]);
        match rest[at..].find("-->") {
            Some(end) => rest = &rest[at + end + 3..],
            None => rest = "",
        }
    }
    out.push_str(rest);
    out.trim().to_owned()
}

/// Removes pairs of `**` and `~~` outside of inline code; a single one (`src/**`) stays.
fn unbold(text: &str, bold_open: bool) -> String {
    if !text.contains("**") && !text.contains("~~") {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    // Positions of the signs outside of code.
    let mut signs: [Vec<usize>; 2] = [Vec::new(), Vec::new()];
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'`' => {
                let run = bytes[i..].iter().take_while(|&&b| b == b'`').count();
                i = code_end(bytes, i + run, run).unwrap_or(i + run);
            }
            b'*' | b'~' if bytes.get(i + 1) == Some(&bytes[i]) => {
                signs[usize::from(bytes[i] == b'~')].push(i);
                i += 2;
            }
            _ => i += 1,
        }
    }
    let mut cut: Vec<usize> = Vec::new();
    for list in &signs {
        let list = if bold_open && list.len() % 2 == 1 {
            cut.push(list[0]);
            &list[1..]
        } else {
            &list[..]
        };
        cut.extend(&list[..list.len() / 2 * 2]);
    }
    cut.sort_unstable();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for at in cut {
        out.push_str(&text[from..at]);
        from = at + 2;
    }
    out.push_str(&text[from..]);
    out
}

/// The offset after the run of backticks that closes inline code, if there is one.
fn code_end(bytes: &[u8], from: usize, run: usize) -> Option<usize> {
    // The limit keeps a long line without a closing run linear.
    let limit = bytes.len().min(from + 4096);
    let mut i = from;
    while i < limit {
        if bytes[i] == b'`' {
            let len = bytes[i..].iter().take_while(|&&b| b == b'`').count();
            if len == run {
                return Some(i + len);
            }
            i += len;
        } else {
            i += 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> String {
        clean(raw, false, false).text
    }

    #[test]
    fn bold_and_comments_are_removed_and_code_stays() {
        assert_eq!(
            text("**Create** the `src/**` and `b/**` <!-- b881895 -->"),
            "Create the `src/**` and `b/**`"
        );
        assert_eq!(text("glob src/** only"), "glob src/** only");
        assert_eq!(text("~~old~~ new"), "old new");
        assert_eq!(text("say `<!--` here"), "say `<!--` here");
    }

    #[test]
    fn bold_opened_before_the_id_is_closed_in_the_title() {
        assert_eq!(clean("Title**: more", true, false).text, "Title: more");
    }

    #[test]
    fn markers_are_removed_and_can_say_parallel() {
        assert_eq!(
            clean("[P] [US1] Create model (P)", false, true),
            CleanTitle { text: "Create model".into(), parallel: true }
        );
        assert_eq!(text("[VERIFY] all [P] x"), "[VERIFY] all [P] x");
        assert_eq!(text("[US3, US4, US5] wire"), "wire");
        assert_eq!(text("[link](url) t"), "[link](url) t");
    }

    #[test]
    fn a_long_line_of_signs_takes_linear_time() {
        let long = "`".repeat(200_000) + &"**a".repeat(100_000);
        assert!(!text(&long).is_empty());
    }
}
