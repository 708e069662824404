//! Decides how a file is read. Many lines look like tasks; evidence from the whole file says which of them are.

use std::collections::{HashMap, HashSet};

use super::grammar::{Heading, IdShape, IdToken, ListItem};
use super::heading_families::{self, FamilyForm, FamilyMember, HeadingFamily};
use super::lines::{LineKind, SourceLines};
use super::model::Dialect;
use super::section_names::SectionKind;
use super::sections::{self, SectionMap};
use super::{front_matter, table, task_elements, trailing_boxes, vocabulary};

/// The form of the tasks in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskForm {
    /// Boxes with ids. Boxes without an id are tasks too.
    Boxes,
    /// Headings that carry a box, or an id like `Task 1.1:`.
    Headings,
    /// Headings with a bare number, which own boxes.
    NumberedHeadings,
    /// The headings of one family; boxes outside of them, too.
    Listed,
    /// Lines with a box behind the title.
    Trailing,
    /// `<task>` elements.
    Elements,
    /// `todos:` in the head of the file.
    Todos,
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
                IdShape::Hash => self.letters,
                IdShape::Prefixed if is_label(text) => false,
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
    /// What the section of each line says about boxes.
    pub(crate) sections: Vec<SectionKind>,
    pub(crate) map: SectionMap,
    /// The heading level that holds tasks in [`TaskForm::NumberedHeadings`].
    pub(crate) level: usize,
    /// The headings that are tasks, by their lines, where the form says that they are listed.
    pub(crate) headings: HashMap<usize, FamilyMember>,
    /// Boxes that repeat a heading and say whether it is done: per line, the line of the heading.
    pub(crate) trackers: HashMap<usize, usize>,
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
                    !is_label(s)
                        && !is_range(s)
                        && (s.contains('.') || s.contains('-') && s.ends_with(|c: char| c.is_ascii_digit()))
                }
                _ => false,
            }
    })
}

/// Whether an id is the label of a criterion, a requirement or a decision: `AC1`, `FR-003`.
pub(crate) fn is_label(id: &str) -> bool {
    let letters = id.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | '_'));
    ["AC", "FR", "NFR", "REQ", "SC", "ADR"].contains(&letters)
}

/// Whether it names several: `M3-M7`.
fn is_range(id: &str) -> bool {
    let letters = |part: &str| part.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    id.split_once('-').is_some_and(|(first, last)| {
        let (a, b) = (letters(first), letters(last));
        a > 0 && a < first.len() && b > 0 && b < last.len() && first[..a] == last[..b]
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
    let mut map = sections::find(lines, names_task);
    let mut sections = std::mem::take(&mut map.kinds);
    let families = heading_families::families(lines, &map);
    let mut rules = ReadingRules {
        form: TaskForm::Nothing,
        ids: accepted_ids(lines, &sections),
        sections: Vec::new(),
        map: SectionMap::default(),
        level: 2,
        headings: HashMap::new(),
        trackers: HashMap::new(),
    };
    let mut counts = LookalikeCounts::new(lines, &sections, &rules.ids, &families, &map);
    let no_boxes = counts.id_boxes + counts.list_boxes + counts.plain_boxes == 0;
    let listed = if forced.is_some_and(|dialect| dialect != Dialect::Headings) {
        None
    } else if let Some(tracked) = heading_families::tracked(lines, &families) {
        rules.trackers = tracked.boxes;
        Some(tracked.family)
    } else if let Some(family) = heading_families::iterations(lines, &families) {
        Some(family)
    } else if no_boxes && counts.heading_boxes + counts.heading_tasks == 0 && table::rows(lines).len() < 3 {
        heading_families::counted_work(lines, &map, &sections, &families)
    } else {
        None
    };
    if !front_matter::tasks(lines).is_empty() {
        rules.form = TaskForm::Todos;
        map.last_resort = false;
    } else if !task_elements::tasks(lines).is_empty() {
        rules.form = TaskForm::Elements;
        map.last_resort = false;
    } else if let Some(family) = listed {
        rules.list(family);
        map.last_resort = false;
    } else {
        if map.last_resort && counts.heading_boxes + counts.heading_tasks == 0 {
            sections.iter_mut().filter(|kind| **kind == SectionKind::Aside).for_each(|k| *k = SectionKind::Open);
            rules.ids = accepted_ids(lines, &sections);
            counts = LookalikeCounts::new(lines, &sections, &rules.ids, &families, &map);
        } else {
            map.last_resort = false;
        }
        rules.decide(lines, &sections, &counts, &families, forced);
    }
    ReadingRules { sections, map, ..rules }
}

impl ReadingRules {
    /// Takes the headings of a family as tasks.
    fn list(&mut self, family: HeadingFamily) {
        self.form = TaskForm::Listed;
        self.headings = family.members.into_iter().map(|member| (member.line, member)).collect();
    }

    /// Decides on the form from counts.
    fn decide(
        &mut self,
        lines: &SourceLines<'_>,
        sections: &[SectionKind],
        counts: &LookalikeCounts,
        families: &[HeadingFamily],
        forced: Option<Dialect>,
    ) {
        // A numbered heading without boxes is a task where most of them have a field that people write for tasks.
        let fields = fields(lines, sections);
        let mut numbered = counts.numbered_headings;
        for family in families.iter().filter(|f| f.form == FamilyForm::Numbered) {
            let empty = family.members.len() - family.with_text(lines).members.len();
            numbered[family.level] = numbered[family.level].saturating_sub(empty);
        }
        let with_fields = (1..7).rev().find(|&l| fields[l] > 1 && fields[l] * 2 >= numbered[l]);
        (self.form, self.level) = form(counts, with_fields);
        match forced {
            None => {
                let lone = counts.id_boxes + counts.list_boxes + counts.plain_boxes;
                let inside: usize = counts.boxes_below[1..].iter().sum();
                if let Some(level) = with_fields
                    && self.form != TaskForm::NumberedHeadings
                    && lone * 2 <= fields[level]
                    && inside == 0
                    && counts.heading_tasks == 0
                    && let Some(family) =
                        families.iter().find(|f| f.form == FamilyForm::Numbered && f.level == level)
                {
                    // One box with an id decides nothing beside many headings.
                    self.list(family.with_text(lines));
                } else if trailing_boxes::count(lines) > 1.max(lone) {
                    self.form = TaskForm::Trailing;
                } else if self.form == TaskForm::Numbered {
                    // Numbered prose is no plan, unless somebody says so.
                    self.form = TaskForm::Nothing;
                }
            }
            Some(Dialect::Table) => self.form = TaskForm::Table,
            Some(Dialect::Numbered) => self.form = TaskForm::Numbered,
            Some(Dialect::Headings) if counts.heading_boxes + counts.heading_tasks > 0 => {
                self.form = TaskForm::Headings;
            }
            Some(Dialect::Headings) => self.form = TaskForm::NumberedHeadings,
            Some(_) if counts.id_boxes + counts.list_boxes > 0 => self.form = TaskForm::Boxes,
            Some(_) => self.form = TaskForm::Anonymous,
        }
        if self.form == TaskForm::Headings && counts.heading_boxes == 0 {
            let named: Vec<FamilyMember> = families
                .iter()
                .filter(|f| matches!(f.form, FamilyForm::Named(_)))
                .flat_map(|f| f.members.iter().cloned())
                .collect();
            self.headings = named.into_iter().map(|member| (member.line, member)).collect();
        }
    }
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
    fn new(
        lines: &SourceLines<'_>,
        sections: &[SectionKind],
        ids: &AcceptedIds,
        families: &[HeadingFamily],
        map: &SectionMap,
    ) -> Self {
        let mut counts = Self { heading_tasks: named_headings(lines, sections, families), ..Self::default() };
        // Level of the numbered heading above the line.
        let mut above: Option<usize> = None;
        for (index, line) in lines.all.iter().enumerate() {
            match line.kind {
                // The title of the file is no task.
                LineKind::Heading(_) if map.title == Some(index) => {}
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
            // counted by families
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
        } else if let Some((id, _)) = box_id(item, text, ids).filter(|_| section.is_work()) {
            // The number of a list is a weak id: headings that name tasks beat it.
            if item.list_number.as_ref().is_some_and(|n| text[n.clone()] == *id) {
                self.list_boxes += usize::from(at_the_margin);
                self.boxes_below[above.unwrap_or(0)] += 1;
            } else {
                self.id_boxes += 1;
            }
        } else if item.bullet && section.is_work() {
            self.plain_boxes += 1;
            if let Some(level) = above {
                self.boxes_below[level] += 1;
            }
        }
    }
}

/// How many headings name a task: at least two of one form at one level, or one where no box stands outside of it.
fn named_headings(lines: &SourceLines<'_>, sections: &[SectionKind], families: &[HeadingFamily]) -> usize {
    let named = families.iter().filter(|f| matches!(f.form, FamilyForm::Named(_)));
    named
        .map(|family| match family.members.as_slice() {
            [only] => {
                let outside = |i: usize| {
                    !only.body.contains(&i)
                        && sections[i].is_work()
                        && lines.item(i).is_some_and(|item| item.mark.is_some() && item.bullet)
                };
                usize::from(!(0..lines.all.len()).any(outside))
            }
            all => all.len(),
        })
        .sum()
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
        if is_label(text) {
            continue;
        }
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
            IdShape::LetterT | IdShape::Prefixed | IdShape::Slug | IdShape::Hash => letters[nested] += 1,
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
