//! Rust sources as tokens: as much of the language as the rules of the layout need.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TokenKind {
    Word,
    /// A string literal, with its quotes.
    Text,
    Comment,
    /// One character, or `::`.
    Punctuation,
    /// Numbers, characters, lifetimes.
    Other,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub kind: TokenKind,
    pub text: &'a str,
    /// From 1.
    pub line: usize,
}

impl Token<'_> {
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text && matches!(self.kind, TokenKind::Word | TokenKind::Punctuation)
    }
}

pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = next(rest, first);
        let (text, after) = rest.split_at(length);
        if let Some(kind) = kind {
            found.push(Token { kind, text, line });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    found
}

/// What stands at the start of `rest`, and how many bytes it takes. White space is of no kind.
fn next(rest: &str, first: char) -> (Option<TokenKind>, usize) {
    if first.is_whitespace() {
        return (None, first.len_utf8());
    }
    if rest.starts_with("//") {
        return (Some(TokenKind::Comment), rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Some(TokenKind::Comment), block_comment(rest));
    }
    if let Some(length) = string(rest) {
        return (Some(TokenKind::Text), length);
    }
    if first == '\'' {
        return (Some(TokenKind::Other), character_or_lifetime(rest));
    }
    if first.is_ascii_digit() {
        return (Some(TokenKind::Other), word_length(rest));
    }
    if first.is_alphabetic() || first == '_' {
        let raw = if rest.starts_with("r#") { 2 } else { 0 };
        return (Some(TokenKind::Word), raw + word_length(&rest[raw..]));
    }
    let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
    (Some(TokenKind::Punctuation), length)
}

fn word_length(rest: &str) -> usize {
    rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// `"…"`, `b"…"`, `c"…"`, `r#"…"#` and their kin.
fn string(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|p| {
        rest.strip_prefix(p).is_some_and(|after| {
            after.starts_with('"') || (p.ends_with('r') && after.trim_start_matches('#').starts_with('"'))
        })
    })?;
    let after = &rest[prefix.len()..];
    let hashes = after.len() - after.trim_start_matches('#').len();
    let start = prefix.len() + hashes + 1;
    if prefix.ends_with('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len()));
    }
    let mut escaped = false;
    let end = rest[start..].find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    Some(end.map_or(rest.len(), |at| start + at + 1))
}

fn character_or_lifetime(rest: &str) -> usize {
    let mut inside = rest[1..].chars();
    match inside.next() {
        Some('\\') => {
            // the character after the backslash may be a quote
            let from = 2 + inside.next().map_or(0, char::len_utf8);
            rest[from..].find('\'').map_or(rest.len(), |at| from + at + 1)
        }
        Some(c) if inside.next() == Some('\'') => 2 + c.len_utf8(),
        _ => 1 + word_length(&rest[1..]),
    }
}

#[test]
fn tokens_of_a_source_are_found() {
    let source = "let a: &'static str = r#\"x \"y\" // no\"#; // yes\nb'\\'' '\"' \"a\\\"b\" /* c /* d */ */ r#fn x::y 1.5";
    let found: Vec<_> = tokens(source).iter().map(|t| t.text).collect();
    let expected = [
        "let",
        "a",
        ":",
        "&",
        "'static",
        "str",
        "=",
        "r#\"x \"y\" // no\"#",
        ";",
        "// yes",
        "b",
        "'\\''",
        "'\"'",
        "\"a\\\"b\"",
        "/* c /* d */ */",
        "r#fn",
        "x",
        "::",
        "y",
        "1",
        ".",
        "5",
    ];
    assert_eq!(found, expected);
}
