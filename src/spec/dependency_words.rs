//! The words around dependencies, in all spellings that real files use.

use std::sync::LazyLock;

use regex::Regex;

/// The words that announce a dependency.
pub(crate) static KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)
        d[eé]p[ea]nd(?:encies|ency|encias?|ências?|enze|ances?|ing|[se])?(?:[\ _-]?(?:on|upon|de|del)\b)?
        | \bdeps\b | blocked[\ _-]?by | \[D:
        | abhängig(?:keit(?:en)?|\ von) | зависимост[ьи] | зависит\ от
        | 依赖 | 依賴 | 依存 | 前置任务 | 의존
        | prerequisites? | 前提 | \((?:needs|requires|after)\b",
    )
    .ok()
});

/// Whether a line in a section about order begins with its subject: `[Task 4] depends on …`, `Task 4 depends on …`.
/// Other prose there repeats or refines what the tasks themselves say.
pub(crate) fn names_subject(before: &str) -> bool {
    let rest = ["task", "任务", "タスク"].iter().find(|w| starts_with(before, w)).map(|w| &before[w.len()..]);
    before.starts_with('[')
        || rest.is_some_and(|r| r.starts_with([' ', '#']) || r.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a text starts with a word, ignoring the case of ASCII letters.
pub(crate) fn starts_with(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// Where the text of a plain list item starts.
pub(crate) fn bulleted(text: &str) -> Option<usize> {
    let body = text.trim_start_matches([' ', '\t']);
    let rest = body.strip_prefix(['-', '*', '+', '•'])?;
    rest.starts_with([' ', '\t']).then(|| text.len() - rest.len())
}

/// Where the list starts if a colon follows the key word that ends at `end`.
pub(crate) fn after_colon(source: &str, end: usize, line_end: usize) -> Option<usize> {
    // "依存関係", "依赖项", "Dependencies (hard)" continue before the colon.
    let mut tail =
        source[end..line_end].trim_start_matches(|c: char| "关系項项関係任务タスク条件性성는*_ ".contains(c));
    // The limit keeps a line with many keys linear.
    if tail.starts_with('(')
        && let Some((at, _)) = tail.char_indices().take(80).find(|c| c.1 == ')')
    {
        tail = tail[at + 1..].trim_start_matches(['*', '_', ' ']);
    }
    let list = tail.strip_prefix([':', '：'])?;
    Some(line_end - list.len())
}

/// Whether "depends on" after this text begins a sentence or a clause, or speaks about "this task".
pub(crate) fn starts_sentence(before: &str) -> bool {
    let ahead = before.trim_end();
    let last = ahead.chars().last();
    last.is_none_or(|c| !c.is_alphanumeric() && !"`'\"/.".contains(c))
        || last == Some('.') && ahead.len() < before.len()
        || ahead.len() >= 9
            && ahead.is_char_boundary(ahead.len() - 9)
            && ahead[ahead.len() - 9..].eq_ignore_ascii_case("this task")
}
