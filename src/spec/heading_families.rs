//! Headings that may be tasks, in families of one form and level, and the lists of boxes that repeat their names.

use std::collections::HashMap;
use std::ops::Range;

use super::counted_names::{counted_name, is_iteration};
use super::grammar::{Heading, IdShape};
use super::heading_names::{names_task, numbered};
use super::lines::{LineKind, SourceLines};
use super::model::TaskState;
use super::section_names::SectionKind;
use super::sections::SectionMap;
use super::vocabulary;

/// A heading that may be a task.
#[derive(Debug, Clone)]
pub(crate) struct FamilyMember {
    pub(crate) line: usize,
    /// The range of its id in the line.
    pub(crate) id: Range<usize>,
    pub(crate) shape: IdShape,
    /// Where its title starts in the line.
    pub(crate) title: usize,
    pub(crate) bold_open: bool,
    /// Its text reports what was done, so it is no work.
    pub(crate) is_past: bool,
    /// The lines below it, up to the next heading that is as high.
    pub(crate) body: Range<usize>,
}

/// What the headings of a family have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum FamilyForm {
    /// `Task 1.1:`, `PRD-01:`; with the word or the letters in front.
    Named(String),
    /// `Phase 1:`
    Counted(&'static str),
    /// `1. Title`
    Numbered,
}

/// Headings of one form and level, in document order.
#[derive(Debug, Clone)]
pub(crate) struct HeadingFamily {
    pub(crate) form: FamilyForm,
    pub(crate) level: usize,
    pub(crate) members: Vec<FamilyMember>,
}

/// All families of a file. The title of the file is in none.
pub(crate) fn families(lines: &SourceLines<'_>, map: &SectionMap) -> Vec<HeadingFamily> {
    let mut found: Vec<HeadingFamily> = Vec::new();
    let mut known: HashMap<(FamilyForm, usize), usize> = HashMap::new();
    let has_boxes = (0..lines.all.len()).any(|i| lines.item(i).is_some_and(|item| item.mark.is_some()));
    for (at, section) in map.all.iter().enumerate() {
        // A ticket in the title of a file is no task beside its boxes.
        if map.title == Some(section.line) && (section.level == 1 && has_boxes || map.all.len() > 1) {
            continue;
        }
        let Some(heading) = lines.heading(section.line) else { continue };
        let Some((form, mut member)) = member(heading, lines.text(section.line), section.line) else {
            continue;
        };
        let end = map.all[at + 1..].iter().find(|next| next.level <= section.level);
        member.body = section.line + 1..end.map_or(lines.all.len(), |next| next.line);
        let family = *known.entry((form.clone(), section.level)).or_insert_with(|| {
            found.push(HeadingFamily { form, level: section.level, members: Vec::new() });
            found.len() - 1
        });
        found[family].members.push(member);
    }
    found
}

fn member(heading: &Heading, text: &str, line: usize) -> Option<(FamilyForm, FamilyMember)> {
    let plain = |id: &super::grammar::IdToken| FamilyMember {
        line,
        id: id.span.clone(),
        shape: id.shape,
        title: heading.title,
        bold_open: id.deco,
        is_past: false,
        body: 0..0,
    };
    if let Some(id) = &heading.id {
        if names_task(heading, text) {
            let name = &text[id.span.clone()];
            let letters = name.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
            let letters = letters.split(['-', '.']).next().unwrap_or(letters);
            let word = if id.word { "task".to_owned() } else { letters.to_owned() };
            return Some((FamilyForm::Named(word), plain(id)));
        }
        if numbered(heading) {
            return Some((FamilyForm::Numbered, plain(id)));
        }
    }
    let from = text.len() - text.trim_start_matches([' ', '#']).len();
    let name = counted_name(&text[from..])?;
    let member = FamilyMember {
        line,
        id: name.number.start + from..name.number.end + from,
        shape: IdShape::Number,
        title: name.title + from,
        bold_open: name.bold_open,
        is_past: false,
        body: 0..0,
    };
    Some((FamilyForm::Counted(name.word), member))
}

impl HeadingFamily {
    /// The family without headings that have nothing below them.
    pub(crate) fn with_text(&self, lines: &SourceLines<'_>) -> Self {
        let owns = |m: &&FamilyMember| m.body.clone().any(|i| is_text(lines, i));
        Self { members: self.members.iter().filter(owns).cloned().collect(), ..self.clone() }
    }

    pub(crate) fn holds(&self, line: usize) -> bool {
        let next = self.members.partition_point(|m| m.line < line);
        next > 0 && self.members[next - 1].body.contains(&line)
    }

    /// Whether the headings count up, each once, and at least two have text of their own below them.
    fn owns_content(&self, lines: &SourceLines<'_>) -> bool {
        let own = self.members.iter().filter(|m| m.body.clone().any(|i| is_text(lines, i))).count();
        own >= 2 && own * 2 >= self.members.len()
    }
}

/// Whether a line has text of its own: no rule, and no place-holder like "[... unchanged ...]".
fn is_text(lines: &SourceLines<'_>, line: usize) -> bool {
    let text = lines.text(line).trim();
    let placeholder = text.starts_with("[...") || text.starts_with("[…") || text == "TBD" || text == "...";
    !matches!(lines.all[line].kind, LineKind::Blank | LineKind::Heading(_))
        && !matches!(text, "---" | "***" | "___")
        && !placeholder
}

/// Words of headings whose steps explain how something works, or report what was done.
const EXPLAINS: &[&str] = &[
    "flow",
    "how it works",
    "how to",
    "architecture",
    "usage",
    "guide",
    "tutorial",
    "install",
    "demo",
    "example",
    "algorithm",
    "background",
    "pipeline",
    "appendix",
    "reference",
    "quickstart",
    "quick start",
    "getting started",
    "walkthrough",
    "lessons",
    "manual test",
    "reproduc",
    "troubleshoot",
    "test scenario",
    "verification",
    "validation",
];

/// Words of titles of files that report what was done.
const ARCHIVES: &[&str] = &[
    "retrospective",
    "changelog",
    "history",
    "archive",
    "completed",
    "журнал",
    "архив",
    "archiv",
    "historique",
    "historial",
];

/// Words at the start of a line that reports what was done.
const PAST_WORDS: &[&str] = &[
    "accomplish",
    "what was done",
    "what was built",
    "what we did",
    "completed",
    "archived",
    "result:",
    "outcome",
];

/// The family of counting headings that is the work of a file without boxes: two or more with text of their own, of which
/// the highest level counts. Explanations are none; what a log or an archive reports is done.
pub(crate) fn counted_work(
    lines: &SourceLines<'_>,
    map: &SectionMap,
    sections: &[SectionKind],
    families: &[HeadingFamily],
) -> Option<HeadingFamily> {
    let explains = |line: usize| {
        let name = lines.text(line).to_lowercase();
        EXPLAINS.iter().any(|word| name.contains(word))
    };
    if map.title.is_some_and(explains) {
        return None;
    }
    let archive = map.title.is_some_and(|line| {
        let name = lines.text(line).to_lowercase();
        ARCHIVES.iter().any(|word| name.contains(word))
    });
    let work = |member: &FamilyMember| {
        let above = map.of(member.line).and_then(|s| map.all[s].parent);
        let explained = above.is_some_and(|s| map.upwards(s).any(|s| explains(map.all[s].line)));
        sections[member.line].is_work() && !explained
    };
    let mut best: Option<HeadingFamily> = None;
    for family in families.iter().filter(|f| matches!(f.form, FamilyForm::Counted(_))) {
        let mut members: Vec<_> = family.members.iter().filter(|m| work(m)).cloned().collect();
        for member in &mut members {
            member.is_past = archive || reports_past(lines, member);
        }
        let distinct: std::collections::HashSet<&str> =
            members.iter().map(|m| &lines.text(m.line)[m.id.clone()]).collect();
        let kept = HeadingFamily { members: members.clone(), ..family.clone() };
        let good = members.len() * 2 > family.members.len()
            && distinct.len() == members.len()
            && kept.owns_content(lines);
        if good && best.as_ref().is_none_or(|b| kept.level < b.level) {
            best = Some(kept);
        }
    }
    best
}

/// Whether the lines of a heading report what was done there: one of them says so, or most of them begin with what somebody
/// did.
fn reports_past(lines: &SourceLines<'_>, member: &FamilyMember) -> bool {
    let (mut all, mut past) = (0, 0);
    for i in member.body.clone().filter(|&i| is_text(lines, i)).take(200) {
        let text = lines.text(i).trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        if lines.all[i].kind == LineKind::Text && PAST_WORDS.iter().any(|word| text.starts_with(word)) {
            return true;
        }
        let state = text.strip_prefix("status").map(|rest| rest.trim_start_matches([':', '*', ' ', '：']));
        if state.and_then(vocabulary::state) == Some(TaskState::Done) {
            return true;
        }
        let text = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ')' | ' '));
        all += usize::from(!text.is_empty() && !text.ends_with(':'));
        past += usize::from(begins_in_the_past(text));
    }
    past > 0 && past * 2 >= all
}

/// "Added the tables", "we built it", "Wrote the help", "All tests pass"
fn begins_in_the_past(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let verb =
        if matches!(first, "we" | "i" | "then" | "also") { words.next().unwrap_or_default() } else { first };
    let next = words.next().unwrap_or_default();
    // "Shared types", "Need tests"
    let irregular = [
        "built", "wrote", "made", "did", "ran", "found", "took", "set", "put", "began", "got", "went",
        "kept", "broke", "split", "rewrote", "chose", "drew", "was", "were",
    ];
    let is_past = verb.len() > 4 && verb.ends_with("ed") && !verb.ends_with("eed")
        || irregular.contains(&verb) && !matches!(verb, "set" | "put" | "split")
        || first == "we" && irregular.contains(&verb);
    let of_things = ["types", "state", "components", "data", "code", "files", "library"].contains(&next);
    is_past && !of_things || text.starts_with("all tests pass") || text.starts_with("tests pass")
}

/// The family of `### Iteration N` whose headings hold boxes as their steps.
pub(crate) fn iterations(lines: &SourceLines<'_>, families: &[HeadingFamily]) -> Option<HeadingFamily> {
    let boxed =
        |m: &&FamilyMember| m.body.clone().any(|i| lines.item(i).is_some_and(|item| item.mark.is_some()));
    families
        .iter()
        .filter(|f| matches!(f.form, FamilyForm::Counted(word) if is_iteration(word)))
        .find(|f| f.members.len() >= 2 && f.members.iter().filter(boxed).count() * 2 > f.members.len())
        .cloned()
}

/// A family, and the boxes elsewhere that repeat its names and say which are done.
#[derive(Debug)]
pub(crate) struct TrackedFamily {
    pub(crate) family: HeadingFamily,
    /// Per line of such a box: the line of its heading.
    pub(crate) boxes: HashMap<usize, usize>,
}

/// How many families are compared with the boxes. No real file has as many.
const MOST_FAMILIES: usize = 16;

/// The family that a list of boxes repeats: at least two of its names, and most of them.
pub(crate) fn tracked(lines: &SourceLines<'_>, families: &[HeadingFamily]) -> Option<TrackedFamily> {
    let boxes: Vec<usize> = (0..lines.all.len())
        .filter(|&i| lines.item(i).is_some_and(|item| item.mark.is_some() && item.bullet))
        .collect();
    let mut best: Option<TrackedFamily> = None;
    let mut largest: Vec<&HeadingFamily> = families.iter().filter(|f| f.members.len() >= 2).collect();
    largest.sort_by_key(|f| std::cmp::Reverse(f.members.len()));
    for family in largest.into_iter().take(MOST_FAMILIES) {
        let mut by_id: HashMap<&str, &FamilyMember> = HashMap::new();
        for member in &family.members {
            by_id.entry(&lines.text(member.line)[member.id.clone()]).or_insert(member);
        }
        let mut matched = HashMap::new();
        for &index in boxes.iter().filter(|&&index| !family.holds(index)) {
            let Some((id, title)) = box_name(lines, index, &family.form) else { continue };
            if let Some(member) = by_id.get(id)
                && alike(title, &lines.text(member.line)[member.title..])
            {
                matched.insert(index, member.line);
            }
        }
        let headings: std::collections::HashSet<usize> = matched.values().copied().collect();
        let most = headings.len() >= 2 && headings.len() * 2 >= by_id.len();
        if most && best.as_ref().is_none_or(|b| b.boxes.len() < matched.len()) {
            best = Some(TrackedFamily { family: family.clone(), boxes: matched });
        }
    }
    best
}

/// The id and the title of a box that may repeat a heading of this form.
fn box_name<'a>(lines: &SourceLines<'a>, index: usize, form: &FamilyForm) -> Option<(&'a str, &'a str)> {
    let item = lines.item(index)?;
    let text = lines.text(index);
    match form {
        FamilyForm::Counted(word) => {
            let name = counted_name(&text[item.text..]).filter(|name| name.word == *word)?;
            Some((&text[item.text..][name.number], &text[item.text + name.title..]))
        }
        FamilyForm::Named(_) | FamilyForm::Numbered => {
            let (id, title) = match (&item.id, &item.list_number) {
                (Some(id), _) => (id.span.clone(), item.title),
                (None, Some(number)) => (number.clone(), item.text),
                (None, None) => return None,
            };
            Some((&text[id], &text[title..]))
        }
    }
}

/// Whether two titles name one thing: they share most of the words of the shorter one, or are written alike.
fn alike(one: &str, other: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let lower = text.to_lowercase();
        let all = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
        all.take(40).map(str::to_owned).collect()
    };
    let (one, other) = (words(one), words(other));
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    if short.is_empty() {
        return true;
    }
    let shared = short.iter().filter(|word| long.contains(word)).count();
    shared * 2 >= short.len() || strsim::normalized_levenshtein(&one.concat(), &other.concat()) > 0.5
}
