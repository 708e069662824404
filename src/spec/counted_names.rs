//! Names that count: "Phase 2: Core", "Milestone 1 – Reader", "Шаг 3". They name tasks only where nothing else does, or where
//! a list of boxes repeats them.

use std::ops::Range;

/// A name that counts, in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CountedName {
    /// The word, in lower case.
    pub(crate) word: &'static str,
    /// The number, as a range of the text.
    pub(crate) number: Range<usize>,
    /// Where the title starts.
    pub(crate) title: usize,
    /// Bold was opened before the title and not closed.
    pub(crate) bold_open: bool,
}

/// The words, in the languages of real files.
const WORDS: [&str; 44] = [
    "milestone",
    "phase",
    "stage",
    "step",
    "iteration",
    "sprint",
    "increment",
    "slice",
    "wave",
    "part",
    "pr",
    "epic",
    "story",
    "workstream",
    "deliverable",
    "fase",
    "etapa",
    "hito",
    "paso",
    "marco",
    "passo",
    "iteración",
    "iteração",
    "meilenstein",
    "schritt",
    "étape",
    "jalon",
    "этап",
    "шаг",
    "фаза",
    "веха",
    "итерация",
    "阶段",
    "階段",
    "步骤",
    "步驟",
    "里程碑",
    "迭代",
    "フェーズ",
    "ステップ",
    "マイルストーン",
    "段階",
    "단계",
    "마일스톤",
];

/// The word of a plan whose units are worked on in a loop, with boxes as their steps.
pub(crate) fn is_iteration(word: &str) -> bool {
    matches!(word, "iteration" | "iteración" | "iteração" | "итерация" | "迭代")
}

/// Reads the name at the head of a text. A range like "Phases 3-7" is none.
pub(crate) fn counted_name(text: &str) -> Option<CountedName> {
    let start = text.find(char::is_alphanumeric)?;
    // a sign or bold may stand before it, but no sentence
    if start > 24 {
        return None;
    }
    let (word, len) = WORDS.iter().find_map(|word| Some((*word, starts_with(&text[start..], word)?)))?;
    let mut at = start + len;
    at += text[at..].len() - text[at..].trim_start_matches([' ', '#', '-', '\u{A0}']).len();
    let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > 4 {
        return None;
    }
    let mut end = at + digits;
    let mut tail = text[end..].bytes();
    if tail.next() == Some(b'.') && tail.next().is_some_and(|b| b.is_ascii_digit()) {
        end += 1 + text[end + 1..].bytes().take_while(u8::is_ascii_digit).count();
    } else if text[end..].starts_with(|c: char| c.is_ascii_lowercase())
        && !text[end + 1..].starts_with(char::is_alphanumeric)
    {
        end += 1;
    }
    let rest = &text[end..];
    let range = rest.trim_start_matches(' ').trim_start_matches(['-', '–', '—', '~', '&', '+', ',', '/']);
    let joined = range.len() < rest.trim_start_matches(' ').len()
        && range.trim_start().starts_with(|c: char| c.is_ascii_digit());
    if joined || rest.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let bold = text[..start].contains("**") && !text[start..end].contains("**");
    let title = rest.trim_start_matches([' ', ':', '：', '.', ')', '-', '–', '—', '|', '*']);
    let bold_open = bold && !rest[..rest.len() - title.len()].contains("**");
    Some(CountedName { word, number: at..end, title: text.len() - title.len(), bold_open })
}

/// How long the word at the start of a text is, if it is this one; the case does not matter.
fn starts_with(text: &str, word: &str) -> Option<usize> {
    let mut len = 0;
    let mut chars = text.chars();
    for wanted in word.chars() {
        let c = chars.next()?;
        if !c.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
        len += c.len_utf8();
    }
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(&'static str, &str, &str)> {
        counted_name(text).map(|name| (name.word, &text[name.number.clone()], &text[name.title..]))
    }

    #[test]
    fn names_that_count_are_read_in_many_spellings() {
        assert_eq!(read("Phase 1: Reader"), Some(("phase", "1", "Reader")));
        assert_eq!(read("**Phase 1: Reader** - opens"), Some(("phase", "1", "Reader** - opens")));
        assert_eq!(read("🔸 **FASE 2: Datos (Días 1-3)**"), Some(("fase", "2", "Datos (Días 1-3)**")));
        assert_eq!(read("Stage 3 – Sync"), Some(("stage", "3", "Sync")));
        assert_eq!(read("Phase 2.1: Hotfix"), Some(("phase", "2.1", "Hotfix")));
        assert_eq!(read("Шаг 4. Тест"), Some(("шаг", "4", "Тест")));
        assert_eq!(read("里程碑 1：读"), Some(("里程碑", "1", "读")));
        assert_eq!(read("Step 5"), Some(("step", "5", "")));
    }

    #[test]
    fn ranges_and_sentences_are_none() {
        for text in ["Phase 3-7", "Phase 3 – 7: rest", "Phases 3", "Stepping 1", "Step", "Step one", "", "工"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
