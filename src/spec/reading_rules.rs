//! Decides how a file is read. Many lines look like tasks; evidence from the whole file says which of them are.

use std::collections::HashSet;

use super::grammar::{Heading, IdShape, IdToken, ListItem};
use super::lines::{LineKind, SourceLines};
use super::model::Dialect;
use super::vocabulary::{self, SectionKind, section};

/// The form of the tasks in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskForm {
    /// Boxes with ids. Boxes without an id are tasks too.
    Boxes,
    /// Headings that carry a box, or an id like `Task 1.1:`.
    Headings,
    /// Headings with a bare number, which own boxes.
    NumberedHeadings,
    /// Boxes without ids.
    Anonymous,
    /// Rows of a table.
    Table,
    /// `1. Title` without boxes.
    Numbered,
    /// Nothing in the file is surely a task.
    Nothing,
}

/// Which of the doubtful ids count in a file.
#[derive(Debug, Default)]
pub(crate) struct AcceptedIds {
    /// `CORE-1`, `fix-this:` count, since most boxes carry such an id.
    letters: bool,
    /// `1 Title` without a dot counts, since the file numbers its tasks so.
    bare: bool,
    /// Whole numbers that have dotted children; filled only where the file writes them without a dot.
    parents: HashSet<String>,
    /// In `1. [ ] Title`, the number of the list is the id, since no box has an id of its own.
    pub(crate) lists: bool,
    /// The whole numbers before the dot of dotted ids.
    children: HashSet<String>,
}

impl AcceptedIds {
    /// Whether the id at the head of a box counts as one.
    pub(crate) fn accepts(&self, id: &IdToken, text: &str) -> bool {
        id.word
            || match id.shape {
                IdShape::Dotted | IdShape::LetterT => true,
                IdShape::Number => id.closed || self.bare || self.parents.contains(text),
                // In `**M29-prep follow-ups**` the bold text continues after the id, so it is a phrase.
                IdShape::Prefixed | IdShape::Slug => {
                    self.letters && (!id.deco || id.closed) || id.closed && task_hyphen(text)
                }
            }
    }
}

/// `Task-3` is an id, whatever the other ids of the file look like.
fn task_hyphen(id: &str) -> bool {
    id.get(..5).is_some_and(|w| w.eq_ignore_ascii_case("task-"))
        && id[5..].starts_with(|c: char| c.is_ascii_digit())
}

/// How a file is read.
#[derive(Debug)]
pub(crate) struct ReadingRules {
    pub(crate) form: TaskForm,
    pub(crate) ids: AcceptedIds,
    /// The section that each line is in.
    pub(crate) sections: Vec<SectionKind>,
    /// The heading level that holds tasks in [`TaskForm::NumberedHeadings`].
    pub(crate) level: usize,
}

/// The id of a boxed item, if it counts: from its text, or the number of its list.
pub(crate) fn box_id<'a>(item: &ListItem, text: &'a str, ids: &AcceptedIds) -> Option<(&'a str, IdShape)> {
    if let Some(id) = &item.id {
        let s = &text[id.span.clone()];
        if ids.accepts(id, s) {
            return Some((s, id.shape));
        }
    }
    let number = &text[item.list_number.clone()?];
    (ids.lists || ids.children.contains(number)).then_some((number, IdShape::Number))
}

/// Whether a heading without a box names a task: `Task 1.1:`, `T1:`, `G0.1`, `PR-3:`.
pub(crate) fn names_task(heading: &Heading, text: &str) -> bool {
    heading.id.as_ref().is_some_and(|id| {
        id.word
            || match id.shape {
                IdShape::LetterT => true,
                IdShape::Prefixed => {
                    let s = &text[id.span.clone()];
                    s.contains('.') || s.contains('-') && s.ends_with(|c: char| c.is_ascii_digit())
                }
                _ => false,
            }
    })
}

/// Whether a heading starts with a number.
pub(crate) fn numbered(heading: &Heading) -> bool {
    heading
        .id
        .as_ref()
        .is_some_and(|id| id.shape == IdShape::Dotted || id.shape == IdShape::Number && id.closed)
}

/// Reads the evidence of the whole file. A forced dialect beats it.
pub(crate) fn reading_rules(lines: &SourceLines<'_>, forced: Option<Dialect>) -> ReadingRules {
    let sections = sections(lines);
    let ids = accepted_ids(lines, &sections);
    let counts = LookalikeCounts::new(lines, &sections, &ids);
    // A numbered heading without boxes is a task where most of them have a field that people write for tasks.
    let fields = fields(lines, &sections);
    let with_fields = (1..7).rev().find(|&l| fields[l] > 1 && fields[l] * 2 >= counts.numbered_headings[l]);
    let (form, level) = form(&counts, with_fields);
    let form = match forced {
        None => form,
        Some(Dialect::Table) => TaskForm::Table,
        Some(Dialect::Numbered) => TaskForm::Numbered,
        Some(Dialect::Headings) if counts.heading_boxes + counts.heading_tasks > 0 => TaskForm::Headings,
        Some(Dialect::Headings) => TaskForm::NumberedHeadings,
        Some(_) if counts.id_boxes + counts.list_boxes > 0 => TaskForm::Boxes,
        Some(_) => TaskForm::Anonymous,
    };
    ReadingRules { form, ids, sections, level }
}

/// The form that the counts speak for, and the level of its numbered headings. `with_fields` is the deepest level whose
/// numbered headings have fields.
fn form(counts: &LookalikeCounts, with_fields: Option<usize>) -> (TaskForm, usize) {
    let owned: usize = counts.boxes_below[1..].iter().sum();
    let level =
        (1..7).max_by_key(|&l| (counts.boxes_below[l], counts.numbered_headings[l], 7 - l)).unwrap_or(2);
    let boxed = counts.heading_boxes > 0 && counts.heading_boxes >= counts.id_boxes;
    let form = if boxed || counts.heading_tasks > counts.id_boxes {
        TaskForm::Headings
    } else if counts.id_boxes > 0 {
        TaskForm::Boxes
    } else if owned > 0 && owned * 2 >= counts.plain_boxes + counts.boxes_below[0] {
        TaskForm::NumberedHeadings
    } else if let Some(level) = with_fields
        && counts.plain_boxes == 0
    {
        return (TaskForm::NumberedHeadings, level);
    } else if counts.list_boxes > 0 {
        TaskForm::Boxes
    } else if counts.plain_boxes > 0 {
        TaskForm::Anonymous
    } else if counts.rows > 2 {
        TaskForm::Table
    } else if counts.numbered > 0 {
        TaskForm::Numbered
    } else {
        TaskForm::Nothing
    };
    (form, level)
}

/// How many lines of a file look like a task of each form.
#[derive(Default)]
struct LookalikeCounts {
    heading_boxes: usize,
    heading_tasks: usize,
    id_boxes: usize,
    list_boxes: usize,
    plain_boxes: usize,
    numbered: usize,
    /// By level.
    numbered_headings: [usize; 7],
    /// Boxes without an id of their own, by the level of the numbered heading above them; 0 is none.
    boxes_below: [usize; 7],
    rows: usize,
}

impl LookalikeCounts {
    fn new(lines: &SourceLines<'_>, sections: &[SectionKind], ids: &AcceptedIds) -> Self {
        let mut counts = Self::default();
        // Level of the numbered heading above the line.
        let mut above: Option<usize> = None;
        for (index, line) in lines.all.iter().enumerate() {
            match line.kind {
                LineKind::Heading(h) => {
                    let heading = &lines.headings[h as usize];
                    counts.heading(heading, lines.text(index), sections[index], &mut above);
                }
                LineKind::Item(i) => {
                    counts.item(
                        &lines.items[i as usize],
                        lines.text(index),
                        line.indent,
                        sections[index],
                        ids,
                        above,
                    );
                }
                LineKind::Row => counts.rows += 1,
                _ => {}
            }
        }
        counts
    }

    fn heading(&mut self, heading: &Heading, text: &str, section: SectionKind, above: &mut Option<usize>) {
        if heading.mark.is_some() {
            self.heading_boxes += 1;
        } else if names_task(heading, text) {
            self.heading_tasks += 1;
        } else if numbered(heading) && section == SectionKind::Open {
            *above = Some(heading.level);
            self.numbered_headings[heading.level] += 1;
        } else if above.is_some_and(|level| heading.level <= level) {
            *above = None;
        }
    }

    fn item(
        &mut self,
        item: &ListItem,
        text: &str,
        indent: u32,
        section: SectionKind,
        ids: &AcceptedIds,
        above: Option<usize>,
    ) {
        let at_the_margin = indent == 0 && section == SectionKind::Open;
        if item.mark.is_none() {
            self.numbered += usize::from(at_the_margin && !item.paren);
        } else if let Some((id, _)) = box_id(item, text, ids) {
            // The number of a list is a weak id: headings that name tasks beat it.
            if item.list_number.as_ref().is_some_and(|n| text[n.clone()] == *id) {
                self.list_boxes += usize::from(at_the_margin);
                self.boxes_below[above.unwrap_or(0)] += 1;
            } else {
                self.id_boxes += 1;
            }
        } else if item.bullet && section == SectionKind::Open {
            self.plain_boxes += 1;
            if let Some(level) = above {
                self.boxes_below[level] += 1;
            }
        }
    }
}

/// By level: how many numbered headings have a field like `_Requirements: 1.1_` or `**Status**: open` in their own text.
fn fields(lines: &SourceLines<'_>, sections: &[SectionKind]) -> [usize; 7] {
    let mut out = [0; 7];
    let mut level = 0;
    for (index, line) in lines.all.iter().enumerate() {
        match line.kind {
            LineKind::Heading(h) => {
                let heading = &lines.headings[h as usize];
                let counts = numbered(heading) && sections[index] == SectionKind::Open;
                level = if counts { heading.level } else { 0 };
            }
            LineKind::Text if level > 0 && vocabulary::field(lines.text(index)) => {
                out[level] += 1;
                level = 0;
            }
            _ => {}
        }
    }
    out
}

/// The section of each line: that of its own heading, or of a heading above that says more.
fn sections(lines: &SourceLines<'_>) -> Vec<SectionKind> {
    let mut out = Vec::with_capacity(lines.all.len());
    let mut stack: Vec<(usize, SectionKind)> = Vec::new();
    // A paragraph "**Acceptance criteria:**" makes the list right below it an aside.
    let mut label = SectionKind::Open;
    for index in 0..lines.all.len() {
        let line = &lines.all[index];
        if let Some(heading) = lines.heading(index) {
            let text = lines.text(index);
            let names = names_task(heading, text) || heading.mark.is_some();
            let own =
                if names { SectionKind::Open } else { section(&text[heading.title..], heading.id.is_some()) };
            while stack.last().is_some_and(|s| s.0 >= heading.level) {
                stack.pop();
            }
            let inherited =
                if names { SectionKind::Open } else { stack.last().map_or(SectionKind::Open, |s| s.1) };
            stack.push((heading.level, if own == SectionKind::Open { inherited } else { own }));
            label = SectionKind::Open;
        } else if line.indent == 0 && line.kind == LineKind::Text {
            let text = lines.text(index).trim_end();
            let bare = text.trim_matches(['*', '_']);
            if text.starts_with(['-', '+']) || text.starts_with("* ") {
                // A plain bullet keeps the label above it.
            } else if bare.len() < 80 && (text.ends_with("**") || bare.ends_with([':', '：'])) {
                label = match section(bare, false) {
                    SectionKind::Order => SectionKind::Open,
                    other => other,
                };
            } else {
                label = SectionKind::Open;
            }
        }
        let heading = stack.last().map_or(SectionKind::Open, |s| s.1);
        out.push(if label == SectionKind::Open { heading } else { label });
    }
    out
}

/// Finds out which doubtful ids the file really uses.
fn accepted_ids(lines: &SourceLines<'_>, sections: &[SectionKind]) -> AcceptedIds {
    let mut bare: Vec<u32> = Vec::new();
    let mut closed = 0;
    // Index 0 counts boxes at the margin, index 1 nested ones.
    let mut letters = [0usize; 2];
    let mut boxes = [0usize; 2];
    let mut children = HashSet::new();
    // Bare numbers right above their first child.
    let mut parents = HashSet::new();
    let mut above = "";
    for (index, line) in lines.all.iter().enumerate() {
        let Some(item) = lines.item(index).filter(|i| i.mark.is_some()) else { continue };
        let nested = usize::from(line.indent > 0);
        if sections[index] == SectionKind::Open {
            boxes[nested] += 1;
        }
        let Some(id) = &item.id else { continue };
        let text = &lines.text(index)[id.span.clone()];
        match id.shape {
            IdShape::Dotted => {
                if let Some((head, _)) = text.split_once('.') {
                    if !children.contains(head) {
                        children.insert(head.to_owned());
                    }
                    if head == above {
                        parents.insert(head.to_owned());
                    }
                    above = "";
                }
            }
            IdShape::Number if id.closed || id.word => closed += 1,
            // `3 reviewers agree` in a checklist is not task 3.
            IdShape::Number if line.indent == 0 && sections[index] == SectionKind::Open => {
                bare.extend(text.parse::<u32>());
                above = text;
            }
            IdShape::Number => {}
            IdShape::LetterT | IdShape::Prefixed | IdShape::Slug => letters[nested] += 1,
        }
    }
    let counts_up = bare.first().is_some_and(|&f| f <= 1)
        && (bare.len() > 1 || boxes[0] == 1)
        && bare.windows(2).filter(|w| w[1] == w[0] + 1).count() * 5 >= (bare.len() - 1) * 4;
    if closed > bare.len() || bare.is_empty() {
        parents.clear();
    }
    let mut ids = AcceptedIds {
        letters: letters[0] * 2 > boxes[0] || boxes[0] == 0 && letters[1] * 2 > boxes[1],
        bare: counts_up && closed <= bare.len(),
        parents,
        lists: false,
        children,
    };
    // Own ids beat the numbers of lists: `1. [ ] check` at the end of a file of `T001` is not task 1.
    ids.lists = !(0..lines.all.len()).any(|i| {
        lines.item(i).is_some_and(|item| item.mark.is_some() && box_id(item, lines.text(i), &ids).is_some())
    });
    ids
}
