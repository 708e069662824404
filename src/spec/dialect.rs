//! Which of the lookalikes are tasks: decided once per file, by evidence in it.

use std::collections::HashSet;

use super::grammar::{Heading, IdToken, Item, Shape};
use super::lines::{Kind, Lines};
use super::model::Dialect;
use super::words::{self, Section, section};

/// Where the tasks of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Boxes with ids (boxes without are taken beside them).
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
    /// Nothing that is surely a task.
    Nothing,
}

/// Which doubtful ids count.
#[derive(Debug, Default)]
pub(crate) struct Accept {
    /// `CORE-1`, `fix-this:`; most boxes carry such an id.
    letters: bool,
    /// `1 Title` without a dot; the file counts with them.
    bare: bool,
    /// Whole numbers which have dotted children; kept only where the file writes them bare.
    parents: HashSet<String>,
    /// The number of the list counts in `1. [ ] Title`: no box has an id of its own, or this one has dotted children.
    pub(crate) lists: bool,
    children: HashSet<String>,
}

impl Accept {
    /// Whether the id at the head of a box counts as one.
    pub(crate) fn takes(&self, id: &IdToken, text: &str) -> bool {
        id.word
            || match id.shape {
                Shape::Dotted | Shape::LetterT => true,
                Shape::Number => id.closed || self.bare || self.parents.contains(text),
                // `**M29-prep follow-ups**`: bold that goes on behind it makes it a phrase.
                Shape::Prefixed | Shape::Slug => {
                    self.letters && (!id.deco || id.closed) || id.closed && task_hyphen(text)
                }
            }
    }
}

/// `Task-3`: the word makes it an id however the others look.
fn task_hyphen(id: &str) -> bool {
    id.get(..5).is_some_and(|w| w.eq_ignore_ascii_case("task-"))
        && id[5..].starts_with(|c: char| c.is_ascii_digit())
}

/// The verdict on a file.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) mode: Mode,
    pub(crate) accept: Accept,
    /// The section kind of each line.
    pub(crate) sections: Vec<Section>,
    /// Heading levels that hold tasks in [`Mode::NumberedHeadings`].
    pub(crate) level: usize,
}

/// The id of a boxed item, if it counts: from its text, or the number of its list.
pub(crate) fn box_id<'a>(item: &Item, text: &'a str, accept: &Accept) -> Option<(&'a str, Shape)> {
    if let Some(id) = &item.id {
        let s = &text[id.span.clone()];
        if accept.takes(id, s) {
            return Some((s, id.shape));
        }
    }
    let number = &text[item.list_number.clone()?];
    (accept.lists || accept.children.contains(number)).then_some((number, Shape::Number))
}

/// Whether a heading without box names a task: `Task 1.1:`, `T1:`, `G0.1`, `PR-3:`.
pub(crate) fn names_task(heading: &Heading, text: &str) -> bool {
    heading.id.as_ref().is_some_and(|id| {
        id.word
            || match id.shape {
                Shape::LetterT => true,
                Shape::Prefixed => {
                    let s = &text[id.span.clone()];
                    s.contains('.') || s.contains('-') && s.ends_with(|c: char| c.is_ascii_digit())
                }
                _ => false,
            }
    })
}

/// Whether a heading starts with a number.
pub(crate) fn numbered(heading: &Heading) -> bool {
    heading.id.as_ref().is_some_and(|id| id.shape == Shape::Dotted || id.shape == Shape::Number && id.closed)
}

/// Looks at the whole file; what it finds is overruled by a dialect given by hand.
pub(crate) fn judge(lines: &Lines<'_>, forced: Option<Dialect>) -> Verdict {
    let sections = sections(lines);
    let accept = accept(lines, &sections);
    let mut count = Count::default();
    let mut section: Option<usize> = None;
    let mut levels = [0usize; 7];
    for (index, line) in lines.all.iter().enumerate() {
        let text = lines.text(index);
        match line.kind {
            Kind::Heading(h) => {
                let heading = &lines.headings[h as usize];
                if heading.mark.is_some() {
                    count.heading_boxes += 1;
                } else if names_task(heading, text) {
                    count.heading_tasks += 1;
                } else if numbered(heading) && sections[index] == Section::Open {
                    section = Some(heading.level);
                    count.numbered_headings[heading.level] += 1;
                } else if section.is_some_and(|s| heading.level <= s) {
                    section = None;
                }
            }
            Kind::Item(i) => {
                let item = &lines.items[i as usize];
                if item.mark.is_none() {
                    count.numbered +=
                        usize::from(line.indent == 0 && !item.paren && sections[index] == Section::Open);
                } else if let Some((id, _)) = box_id(item, text, &accept) {
                    // The number of a list is a weak id: headings that name tasks beat it.
                    if item.list_number.as_ref().is_some_and(|n| text[n.clone()] == *id) {
                        count.list_boxes += usize::from(line.indent == 0 && sections[index] == Section::Open);
                        levels[section.unwrap_or(0)] += 1;
                    } else {
                        count.id_boxes += 1;
                    }
                } else if item.bullet && sections[index] == Section::Open {
                    count.plain_boxes += 1;
                    if let Some(level) = section {
                        levels[level] += 1;
                    }
                }
            }
            Kind::Row => count.rows += 1,
            _ => {}
        }
    }
    // Without boxes a numbered heading is a task where the file says of most of them what one says of tasks.
    let fields = fields(lines, &sections);
    let fielded = (1..7).rev().find(|&l| fields[l] > 1 && fields[l] * 2 >= count.numbered_headings[l]);
    let owned: usize = levels[1..].iter().sum();
    let mut level = (1..7).max_by_key(|&l| (levels[l], count.numbered_headings[l], 7 - l)).unwrap_or(2);
    let boxed = count.heading_boxes > 0 && count.heading_boxes >= count.id_boxes;
    let mode = if boxed || count.heading_tasks > count.id_boxes {
        Mode::Headings
    } else if count.id_boxes > 0 {
        Mode::Boxes
    } else if owned > 0 && owned * 2 >= count.plain_boxes + levels[0] {
        Mode::NumberedHeadings
    } else if let Some(fielded) = fielded
        && count.plain_boxes == 0
    {
        level = fielded;
        Mode::NumberedHeadings
    } else if count.list_boxes > 0 {
        Mode::Boxes
    } else if count.plain_boxes > 0 {
        Mode::Anonymous
    } else if count.rows > 2 {
        Mode::Table
    } else if count.numbered > 0 {
        Mode::Numbered
    } else {
        Mode::Nothing
    };
    let mode = match forced {
        None => mode,
        Some(Dialect::Table) => Mode::Table,
        Some(Dialect::Numbered) => Mode::Numbered,
        Some(Dialect::Headings) if count.heading_boxes + count.heading_tasks > 0 => Mode::Headings,
        Some(Dialect::Headings) => Mode::NumberedHeadings,
        Some(_) if count.id_boxes + count.list_boxes > 0 => Mode::Boxes,
        Some(_) => Mode::Anonymous,
    };
    Verdict { mode, accept, sections, level }
}

/// How many numbered headings of each level have a field like `_Requirements: 1.1_` or `**Status**: open` in their own text.
fn fields(lines: &Lines<'_>, sections: &[Section]) -> [usize; 7] {
    let mut out = [0; 7];
    let mut level = 0;
    for (index, line) in lines.all.iter().enumerate() {
        match line.kind {
            Kind::Heading(h) => {
                let heading = &lines.headings[h as usize];
                level = if numbered(heading) && sections[index] == Section::Open { heading.level } else { 0 };
            }
            Kind::Text if level > 0 && words::field(lines.text(index)) => {
                out[level] += 1;
                level = 0;
            }
            _ => {}
        }
    }
    out
}

#[derive(Default)]
struct Count {
    heading_boxes: usize,
    heading_tasks: usize,
    id_boxes: usize,
    list_boxes: usize,
    plain_boxes: usize,
    numbered: usize,
    /// By level.
    numbered_headings: [usize; 7],
    rows: usize,
}

/// The section of each line: its own heading's, or that of a heading above it which says more.
fn sections(lines: &Lines<'_>) -> Vec<Section> {
    let mut out = Vec::with_capacity(lines.all.len());
    let mut stack: Vec<(usize, Section)> = Vec::new();
    // A paragraph "**Acceptance criteria:**" makes an aside of the list right below it.
    let mut label = Section::Open;
    for index in 0..lines.all.len() {
        let line = &lines.all[index];
        if let Some(heading) = lines.heading(index) {
            let text = lines.text(index);
            let names = names_task(heading, text) || heading.mark.is_some();
            let own =
                if names { Section::Open } else { section(&text[heading.title..], heading.id.is_some()) };
            while stack.last().is_some_and(|s| s.0 >= heading.level) {
                stack.pop();
            }
            let inherited = if names { Section::Open } else { stack.last().map_or(Section::Open, |s| s.1) };
            stack.push((heading.level, if own == Section::Open { inherited } else { own }));
            label = Section::Open;
        } else if line.indent == 0 && line.kind == Kind::Text {
            let text = lines.text(index).trim_end();
            let bare = text.trim_matches(['*', '_']);
            if text.starts_with(['-', '+']) || text.starts_with("* ") {
                // A plain bullet keeps the label above it.
            } else if bare.len() < 80 && (text.ends_with("**") || bare.ends_with([':', '：'])) {
                label = match section(bare, false) {
                    Section::Order => Section::Open,
                    other => other,
                };
            } else {
                label = Section::Open;
            }
        }
        let heading = stack.last().map_or(Section::Open, |s| s.1);
        out.push(if label == Section::Open { heading } else { label });
    }
    out
}

/// Finds which doubtful ids the file really uses.
fn accept(lines: &Lines<'_>, sections: &[Section]) -> Accept {
    let mut bare: Vec<u32> = Vec::new();
    let mut closed = 0;
    let mut letters = [0usize; 2];
    let mut boxes = [0usize; 2];
    let mut children = HashSet::new();
    // Bare numbers right above what continues them.
    let mut parents = HashSet::new();
    let mut above = "";
    for (index, line) in lines.all.iter().enumerate() {
        let Some(item) = lines.item(index).filter(|i| i.mark.is_some()) else { continue };
        let nested = usize::from(line.indent > 0);
        if sections[index] == Section::Open {
            boxes[nested] += 1;
        }
        let Some(id) = &item.id else { continue };
        let text = &lines.text(index)[id.span.clone()];
        match id.shape {
            Shape::Dotted => {
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
            Shape::Number if id.closed || id.word => closed += 1,
            // `3 reviewers agree` in a checklist is no task 3.
            Shape::Number if line.indent == 0 && sections[index] == Section::Open => {
                bare.extend(text.parse::<u32>());
                above = text;
            }
            Shape::Number => {}
            Shape::LetterT | Shape::Prefixed | Shape::Slug => letters[nested] += 1,
        }
    }
    let counts = bare.first().is_some_and(|&f| f <= 1)
        && (bare.len() > 1 || boxes[0] == 1)
        && bare.windows(2).filter(|w| w[1] == w[0] + 1).count() * 5 >= (bare.len() - 1) * 4;
    if closed > bare.len() || bare.is_empty() {
        parents.clear();
    }
    let mut accept = Accept {
        letters: letters[0] * 2 > boxes[0] || boxes[0] == 0 && letters[1] * 2 > boxes[1],
        bare: counts && closed <= bare.len(),
        parents,
        lists: false,
        children,
    };
    // Own ids beat the numbers of lists: `1. [ ] check` at the end of a file of `T001` is no task 1.
    accept.lists = !(0..lines.all.len()).any(|i| {
        lines
            .item(i)
            .is_some_and(|item| item.mark.is_some() && box_id(item, lines.text(i), &accept).is_some())
    });
    accept
}

/// What names the dialect, once the tasks are known.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    pub(crate) tasks: usize,
    /// `T001`: three digits or more.
    pub(crate) speckit_ids: usize,
    /// Whole-number ids.
    pub(crate) whole: usize,
    /// Dotted ids below a heading with their number.
    pub(crate) grouped: usize,
    /// Kiro's stars.
    pub(crate) stars: usize,
    /// Italic pairs named requirements or the like.
    pub(crate) requirements: usize,
    /// `_Boundary:_`, `_Depends:_`, `(P)`.
    pub(crate) ccsdd: usize,
}

/// The dialect and what told it.
pub(crate) fn name(mode: Mode, signs: &Signs) -> (Dialect, String) {
    let s = signs;
    match mode {
        Mode::Headings | Mode::NumberedHeadings => {
            (Dialect::Headings, format!("{} headings name a task", s.tasks))
        }
        Mode::Table => (Dialect::Table, format!("{} rows of a table carry an id", s.tasks)),
        Mode::Numbered => (Dialect::Numbered, format!("no boxes, {} numbered lines", s.tasks)),
        Mode::Nothing => (Dialect::Plain, "nothing that looks like a task".to_owned()),
        Mode::Anonymous => (Dialect::Plain, format!("{} boxes, none with an id", s.tasks)),
        Mode::Boxes if s.speckit_ids * 2 > s.tasks => {
            (Dialect::SpecKit, format!("{} of {} ids are like T001", s.speckit_ids, s.tasks))
        }
        Mode::Boxes if s.ccsdd > 0 => {
            (Dialect::CcSdd, format!("{} signs of cc-sdd: (P), _Boundary:_, _Depends:_", s.ccsdd))
        }
        Mode::Boxes if s.requirements > 0 || s.stars > 0 => {
            (Dialect::Kiro, format!("{} requirement notes, {} starred tasks", s.requirements, s.stars))
        }
        Mode::Boxes if s.grouped > 0 && s.grouped >= s.whole => {
            (Dialect::OpenSpec, format!("{} ids are numbered below a heading of that number", s.grouped))
        }
        Mode::Boxes if s.whole > 0 => {
            (Dialect::Kiro, format!("{} tasks numbered with whole numbers", s.whole))
        }
        Mode::Boxes => (Dialect::Plain, format!("{} boxes with ids of their own form", s.tasks)),
    }
}
