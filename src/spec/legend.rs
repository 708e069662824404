//! What a file says its marks mean.

use std::collections::{HashMap, HashSet};

use super::grammar;
use super::lines::{LineKind, SourceLines};
use super::model::{IgnoredReason, TaskState};
use super::reading_rules::{ReadingRules, TaskForm};
use super::section_names::SectionKind;
use super::vocabulary;

/// The lines of legends made of boxes: two or more in a row whose whole text is a state word, and those among them that
/// explain an unusual mark in other words. A common mark with other words is not part of it: ticking a box must not make
/// a legend.
pub(crate) fn runs(lines: &SourceLines<'_>) -> HashSet<usize> {
    let mut out = HashSet::new();
    let mut run: Vec<usize> = Vec::new();
    let mut known = 0;
    for index in 0..=lines.all.len() {
        let item = (index < lines.all.len()).then(|| lines.item(index)).flatten();
        if let Some((item, mark)) = item.filter(|i| i.id.is_none()).and_then(|i| Some((i, i.mark.clone()?))) {
            let text = lines.text(index);
            let says = text[item.text..].trim_start_matches([' ', '=', ':', '-', '`']);
            let state = vocabulary::state(says).is_some();
            if state || !matches!(text[mark].trim(), "" | "x" | "X") {
                run.push(index);
                known += usize::from(state);
                continue;
            }
        }
        if known > 1 {
            out.extend(run.iter().copied());
        }
        run.clear();
        known = 0;
    }
    out
}

/// What the file says its marks mean: in legend sections, comments, quotes and tables, in runs of boxes, and in lines that
/// name several boxes.
pub(crate) fn meanings(
    lines: &SourceLines<'_>,
    rules: &ReadingRules,
    runs: &HashSet<usize>,
) -> HashMap<String, TaskState> {
    let mut out = HashMap::new();
    let mut read = |text: &str| {
        for (at, _) in text.match_indices('[').take(20) {
            if let Some((mark, word)) = grammar::legend(&text[at..])
                && let Some(state) = vocabulary::state(meaning(word))
                && !matches!(mark.trim(), "" | "x" | "X")
            {
                out.entry(mark.trim().to_owned()).or_insert(state);
            }
        }
    };
    for (index, line) in lines.all.iter().enumerate() {
        let opaque = matches!(line.kind, LineKind::Opaque(IgnoredReason::Comment | IgnoredReason::Quote))
            || line.kind == LineKind::Row && rules.form != TaskForm::Table;
        if opaque || rules.sections[index] == SectionKind::Legend || !runs.is_empty() && runs.contains(&index)
        {
            read(lines.text(index));
        }
    }
    // "`[~]` dropped", "[-] = cancelled"
    for index in (0..lines.all.len()).filter(|&index| lines.all[index].kind == LineKind::Text) {
        let text = lines.text(index);
        let explains = |(at, _): (usize, &str)| {
            let rest = &text[at..];
            let end = rest.bytes().take(6).position(|b| b == b']')?;
            let quoted = text[..at].ends_with('`');
            let tail = rest[end + 1..].trim_start_matches(['`', '*', ' ']);
            (quoted || tail.starts_with(['=', ':', '→'])).then_some(at)
        };
        if text.match_indices('[').take(4).any(|found| explains(found).is_some()) {
            read(text);
        }
    }
    // "Status: `[ ]` planned · `[~]` in progress"
    let mut last = usize::MAX;
    for (at, _) in lines.source.match_indices("`[") {
        let index = lines.at(at);
        if index != last
            && lines.all[index].kind == LineKind::Text
            && lines.text(index).matches("`[").count() > 1
        {
            read(lines.text(index));
        }
        last = index;
    }
    out
}

/// What follows "means" or "is".
fn meaning(word: &str) -> &str {
    let lead = ["means ", "is ", "are ", "stands for ", "= "];
    lead.iter().find_map(|lead| word.strip_prefix(lead)).unwrap_or(word).trim()
}
