//! The lines that are tasks, and why the other lookalikes are not.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::dialect::{Mode, Verdict, box_id, names_task, numbered};
use super::grammar::{Heading, Item, Shape};
use super::lines::{Kind, Lines, may_be_item};
use super::model::{TaskState, Why};
use super::words::Section;
use super::{grammar, legend, table, unboxed};

/// A line that is a task.
#[derive(Debug, Clone)]
pub(crate) struct Found<'a> {
    pub(crate) line: usize,
    pub(crate) id: Cow<'a, str>,
    pub(crate) shape: Option<Shape>,
    /// Offset of the title in the line; for a table row the cell.
    pub(crate) title: Range<usize>,
    /// Bold was opened before the title.
    pub(crate) open: bool,
    /// Relative to the line.
    pub(crate) mark: Option<Range<usize>>,
    pub(crate) star: bool,
    /// A check sign says it is done.
    pub(crate) checked: bool,
    /// The id was written with a trailing dot.
    pub(crate) dot: bool,
    /// Columns before the bullet.
    pub(crate) indent: u32,
    /// Level of the heading, 0 for a list item.
    pub(crate) level: usize,
    /// A box without bullet, two boxes, or a slip in the indentation.
    pub(crate) odd: Option<Odd>,
    /// What the columns of a table row say.
    pub(crate) row: Option<Box<table::Cells>>,
}

/// What is odd about a task line that was taken all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Odd {
    NoBullet,
    TwoBoxes,
    Slip,
}

/// All tasks, and the rest.
#[derive(Debug, Default)]
pub(crate) struct Collected<'a> {
    pub(crate) found: Vec<Found<'a>>,
    pub(crate) ignored: Vec<(usize, Why)>,
    pub(crate) legend: HashMap<String, TaskState>,
}

/// Walks the file once the mode is known.
pub(crate) fn collect<'a>(lines: &Lines<'a>, verdict: &Verdict) -> Collected<'a> {
    let mut walk = Walk::new(lines, verdict);
    let mut out =
        Collected { legend: legend::meanings(lines, verdict, &walk.legends), ..Collected::default() };
    out.found.reserve(lines.all.iter().filter(|l| matches!(l.kind, Kind::Item(_))).count());
    for index in 0..lines.all.len() {
        match lines.all[index].kind {
            Kind::Heading(h) => {
                let heading = &lines.headings[h as usize];
                let text = lines.text(index);
                let takes = match verdict.mode {
                    _ if heading.mark.is_some() => true,
                    Mode::Headings => names_task(heading, text),
                    Mode::NumberedHeadings => {
                        numbered(heading)
                            && heading.level >= verdict.level
                            && verdict.sections[index] == Section::Open
                    }
                    _ => false,
                };
                walk.heading(heading.level);
                if verdict.mode == Mode::Boxes && !takes {
                    walk.passed(index, heading, &mut out);
                }
                if takes {
                    let id = heading.id.as_ref();
                    let found = Found {
                        line: index,
                        id: Cow::Borrowed(id.map_or("", |i| &text[i.span.clone()])),
                        shape: id.map(|i| i.shape),
                        title: heading.title..text.len(),
                        open: id.is_some_and(|i| i.deco),
                        mark: heading.mark.clone(),
                        star: heading.star,
                        checked: id.is_some_and(|i| i.checked),
                        dot: id.is_some_and(|i| i.dot),
                        indent: 0,
                        level: heading.level,
                        odd: None,
                        row: None,
                    };
                    walk.took(&found);
                    out.found.push(found);
                }
            }
            Kind::Item(i) => match walk.item(index, &lines.items[i as usize]) {
                Ok(found) => {
                    walk.passed.clear();
                    out.found.push(found);
                }
                Err(why) => out.ignored.push((index, why)),
            },
            Kind::Opaque(why) => {
                let text = lines.text(index).trim_start_matches([' ', '\t', '>', '<', '!']);
                if text.contains('[')
                    && may_be_item(text)
                    && grammar::item(text).is_some_and(|i| i.mark.is_some())
                {
                    out.ignored.push((index, why));
                }
            }
            _ => {}
        }
    }
    out.ignored.extend(walk.passed.drain(..).map(|(line, _)| (line, Why::Other)));
    out.ignored.sort_unstable_by_key(|i| i.0);
    match verdict.mode {
        Mode::Table => {
            out.found = table::rows(lines);
            if out.found.is_empty() {
                unboxed::numbered(lines, verdict, &mut out);
            }
        }
        Mode::Numbered => unboxed::numbered(lines, verdict, &mut out),
        Mode::Boxes => unboxed::parents(lines, &mut out),
        _ => {}
    }
    walk.drop_asides(&mut out);
    if verdict.accept.lists {
        walk.drop_restarts(&mut out.found);
    }
    name_anonymous(&mut out.found);
    out
}

struct Walk<'l, 'a> {
    lines: &'l Lines<'a>,
    verdict: &'l Verdict,
    /// The last whole number at the top, and its indentation.
    whole: Option<(u32, u32)>,
    /// A task whose lines we are in: its indentation, and its heading level.
    inside: Option<(u32, usize)>,
    heading_id: Option<Cow<'a, str>>,
    min_indent: u32,
    legends: HashSet<usize>,
    /// Headings that would name a task in another file, and hold none of this one so far; with their levels.
    passed: Vec<(usize, usize)>,
}

impl<'l, 'a> Walk<'l, 'a> {
    fn new(lines: &'l Lines<'a>, verdict: &'l Verdict) -> Self {
        let boxes = || {
            (0..lines.all.len()).filter(|&i| {
                verdict.sections[i] == Section::Open
                    && lines.item(i).is_some_and(|item| item.mark.is_some() && item.bullet)
            })
        };
        Walk {
            lines,
            verdict,
            whole: None,
            inside: None,
            heading_id: None,
            min_indent: boxes().map(|i| lines.all[i].indent).min().unwrap_or(0),
            legends: legend::runs(lines),
            passed: Vec::new(),
        }
    }

    fn heading(&mut self, level: usize) {
        if self.inside.is_none_or(|(_, l)| l == 0 || level <= l) {
            self.inside = None;
            self.heading_id = None;
        }
    }

    fn took(&mut self, found: &Found<'a>) {
        self.inside = Some((found.indent, found.level));
        if found.level > 0 {
            self.heading_id = Some(found.id.clone());
        }
    }

    /// `## Task 2: …` in a file whose tasks are boxes: a group if boxes follow, else told as a line that was not taken.
    fn passed(&mut self, index: usize, heading: &Heading, out: &mut Collected<'a>) {
        while let Some((line, _)) = self.passed.pop_if(|p| p.1 >= heading.level) {
            out.ignored.push((line, Why::Other));
        }
        if names_task(heading, self.lines.text(index)) {
            self.passed.push((index, heading.level));
        }
    }

    /// Numbers of lists that start anew are the lists' own: such boxes have no id.
    fn drop_restarts(&self, found: &mut [Found<'a>]) {
        let listed = |f: &Found<'_>| {
            let item = self.lines.item(f.line).filter(|i| i.bullet && i.id.is_none());
            item.is_some_and(|i| i.list_number.is_some())
        };
        let mut seen = HashSet::new();
        if found.iter().filter(|f| listed(f)).all(|f| seen.insert(f.id.clone())) {
            return;
        }
        for f in found.iter_mut().filter(|f| listed(f)) {
            f.id = Cow::Borrowed("");
            f.shape = None;
        }
    }

    /// Decides on one list item.
    fn item(&mut self, index: usize, item: &Item) -> Result<Found<'a>, Why> {
        let line = &self.lines.all[index];
        let text = self.lines.text(index);
        let Some(mark) = item.mark.clone() else { return Err(Why::Numbered) };
        if self.is_code(index) {
            return Err(Why::Fence);
        }
        let section = self.verdict.sections[index];
        let id = box_id(item, text, &self.verdict.accept);
        if id.is_none() && (section == Section::Legend || self.legends.contains(&index)) {
            return Err(Why::Legend);
        }
        let mut odd = item.two_boxes.then_some(Odd::TwoBoxes);
        if !item.bullet {
            if line.indent > 0 || id.is_none() {
                return Err(if self.inside.is_some() { Why::Step } else { Why::Other });
            }
            odd = Some(Odd::NoBullet);
        }
        match self.verdict.mode {
            Mode::Boxes => {}
            Mode::Anonymous if section != Section::Open => return Err(Why::Section),
            Mode::Anonymous => {
                if line.indent > self.min_indent && self.inside.is_some_and(|(i, _)| line.indent > i) {
                    return Err(Why::Step);
                }
            }
            _ => {
                // Below a heading task only what continues its number is a task.
                let below = self.heading_id.as_deref().is_some_and(|h| {
                    id.is_some_and(|(id, shape)| {
                        shape == Shape::Dotted && id.strip_prefix(h).is_some_and(|r| r.starts_with('.'))
                    })
                });
                if !below {
                    return Err(if self.inside.is_some() { Why::Step } else { Why::Other });
                }
            }
        }
        let sure = item.id.as_ref().is_some_and(|id| id.closed || id.deco || id.word);
        match id {
            // `3 reviewers agree` in a checklist is no task 3
            Some((_, Shape::Number)) if section != Section::Open && !sure && item.list_number.is_none() => {
                return Err(Why::Section);
            }
            Some((id, Shape::Number)) => odd = self.whole_number(id, line.indent)?.or(odd),
            // `E2E tests pass` in a checklist, in a file whose ids are letters and digits too; `T-HF01` is surely an id
            Some((id, Shape::Prefixed))
                if section != Section::Open && !id.contains(['-', '.', '_']) && !sure =>
            {
                return Err(Why::Section);
            }
            None if section != Section::Open && self.verdict.mode == Mode::Boxes => return Err(Why::Section),
            None if self.verdict.mode == Mode::Boxes && line.indent > 0 => {
                return Err(if self.inside.is_some() { Why::Step } else { Why::Other });
            }
            Some(_) | None => {}
        }
        let token = item
            .id
            .as_ref()
            .filter(|i| id.is_some_and(|(s, _)| s.len() == i.span.len() && text[i.span.clone()] == *s));
        let found = Found {
            line: index,
            id: Cow::Borrowed(id.map_or("", |i| i.0)),
            shape: id.map(|i| i.1),
            title: if token.is_some() { item.title } else { item.text }..text.len(),
            open: token.is_some_and(|t| t.deco),
            mark: Some(mark),
            star: item.star,
            checked: false,
            dot: token.is_some_and(|t| t.dot),
            indent: line.indent,
            level: 0,
            odd,
            row: None,
        };
        self.inside = Some((line.indent, 0));
        Ok(found)
    }

    /// Markdown's other code block: indented by four or more behind a blank line that ends a heading or a paragraph. Below
    /// a list item it is a part of the list, and a file may indent all its tasks.
    fn is_code(&self, index: usize) -> bool {
        let all = &self.lines.all;
        if all[index].indent < 4 || self.min_indent >= 4 || self.inside.is_some_and(|(_, level)| level == 0) {
            return false;
        }
        let above = (0..index).rev().find(|&i| all[i].indent < 4 && all[i].kind != Kind::Blank);
        above.is_some_and(|i| {
            let bullet = self.lines.text(i).trim_start().starts_with(['-', '*', '+', '•']);
            let blank = || (i + 1..index).any(|i| all[i].kind == Kind::Blank);
            match all[i].kind {
                Kind::Heading(_) | Kind::Opaque(_) => true,
                Kind::Text => !bullet && blank(),
                _ => false,
            }
        })
    }

    /// A whole number below a task is a slip of the indentation if it counts on, else a step.
    fn whole_number(&mut self, id: &str, indent: u32) -> Result<Option<Odd>, Why> {
        let value: u32 = id.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0);
        let nested =
            self.inside.is_some_and(|(i, _)| indent > i) || self.whole.is_some_and(|(_, i)| indent > i);
        if nested {
            return match self.whole {
                Some((last, _)) if value == last + 1 => {
                    self.whole = Some((value, self.whole.map_or(indent, |w| w.1)));
                    Ok(Some(Odd::Slip))
                }
                _ => Err(Why::Step),
            };
        }
        self.whole = Some((value, indent));
        Ok(None)
    }

    /// A box with an id in a section of criteria or progress notes repeats a task of that id.
    fn drop_asides(&self, out: &mut Collected<'a>) {
        let aside = |f: &Found<'_>| {
            f.level == 0 && f.row.is_none() && self.verdict.sections[f.line] == Section::Aside
        };
        if !out.found.iter().any(aside) {
            return;
        }
        let ids: HashSet<Cow<'a, str>> =
            out.found.iter().filter(|f| !aside(f)).map(|f| f.id.clone()).collect();
        let mut dropped = Vec::new();
        out.found.retain(|f| {
            let drop = aside(f) && ids.contains(&f.id);
            if drop {
                dropped.push((f.line, Why::Section));
            }
            !drop
        });
        out.ignored.extend(dropped);
        out.ignored.sort_unstable_by_key(|i| i.0);
    }
}

/// Tasks without id are counted: `1`, `2` where no task has one, else `box-1`.
fn name_anonymous(found: &mut [Found<'_>]) {
    if found.iter().all(|f| !f.id.is_empty()) {
        return;
    }
    let plain = found.iter().all(|f| f.id.is_empty());
    let taken: HashSet<String> =
        if plain { HashSet::new() } else { found.iter().map(|f| f.id.to_string()).collect() };
    let mut n = 0;
    for f in found.iter_mut().filter(|f| f.id.is_empty()) {
        f.id = loop {
            n += 1;
            let id = if plain { n.to_string() } else { format!("box-{n}") };
            if !taken.contains(&id) {
                break Cow::Owned(id);
            }
        };
    }
}
