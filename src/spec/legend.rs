//! What a file says its marks mean.

use std::collections::{HashMap, HashSet};

use super::dialect::Verdict;
use super::grammar;
use super::lines::{Kind, Lines};
use super::model::{TaskState, Why};
use super::words::{self, Section};

/// Two or more boxes in a row whose whole text is a state word.
pub(crate) fn runs(lines: &Lines<'_>) -> HashSet<usize> {
    let mut out = HashSet::new();
    let mut run: Vec<usize> = Vec::new();
    for index in 0..=lines.all.len() {
        let state = (index < lines.all.len())
            .then(|| lines.item(index))
            .flatten()
            .filter(|i| i.mark.is_some() && i.id.is_none())
            .and_then(|i| {
                words::state(lines.text(index)[i.text..].trim_start_matches([' ', '=', ':', '-', '`']))
            });
        if state.is_some() {
            run.push(index);
            continue;
        }
        if run.len() > 1 {
            out.extend(run.iter().copied());
        }
        run.clear();
    }
    out
}

/// What the file says its marks mean: in a legend section, in comments and quotes, in runs of boxes, in a line of boxes.
pub(crate) fn meanings(
    lines: &Lines<'_>,
    verdict: &Verdict,
    runs: &HashSet<usize>,
) -> HashMap<String, TaskState> {
    let mut out = HashMap::new();
    let mut read = |text: &str| {
        for (at, _) in text.match_indices('[').take(20) {
            if let Some((mark, word)) = grammar::legend(&text[at..])
                && let Some(state) = words::state(word)
                && !matches!(mark.trim(), "" | "x" | "X")
            {
                out.entry(mark.trim().to_owned()).or_insert(state);
            }
        }
    };
    for (index, line) in lines.all.iter().enumerate() {
        let opaque = matches!(line.kind, Kind::Opaque(Why::Comment | Why::Quote));
        if opaque || verdict.sections[index] == Section::Legend || !runs.is_empty() && runs.contains(&index) {
            read(lines.text(index));
        }
    }
    // "Status: `[ ]` planned · `[~]` in progress"
    let mut last = usize::MAX;
    for (at, _) in lines.source.match_indices("`[") {
        let index = lines.at(at);
        if index != last && lines.all[index].kind == Kind::Text && lines.text(index).matches("`[").count() > 1
        {
            read(lines.text(index));
        }
        last = index;
    }
    out
}
