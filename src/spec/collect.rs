//! Takes the lines that are tasks, and notes why the other lookalikes are not.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::accepted_ids::box_id;
use super::box_ids::{drop_restarted_numbers, is_struck, name_anonymous};
use super::grammar::{Heading, IdShape, ListItem};
use super::heading_names::{names_task, numbered};
use super::lines::{LineKind, SourceLines, may_be_item};
use super::model::IgnoredReason;
use super::reading_rules::{ReadingRules, TaskForm};
use super::section_names::SectionKind;
use super::task_line::{CollectedLines, Oddity, TaskLine};
use super::{grammar, legend, numbered_lines, table, task_elements, trailing_boxes};

/// Collects the tasks of a file by its reading rules.
pub(crate) fn collect<'a>(lines: &SourceLines<'a>, rules: &ReadingRules) -> CollectedLines<'a> {
    let mut collector = TaskCollector::new(lines, rules);
    let mut out = CollectedLines {
        legend: legend::meanings(lines, rules, &collector.legends),
        ..CollectedLines::default()
    };
    out.tasks.reserve(lines.all.iter().filter(|l| matches!(l.kind, LineKind::Item(_))).count());
    for index in 0..lines.all.len() {
        match lines.all[index].kind {
            LineKind::Heading(h) => collector.heading(index, &lines.headings[h as usize], &mut out),
            LineKind::Item(i) => match collector.item(index, &lines.items[i as usize]) {
                Ok(task) => {
                    collector.unused_headings.clear();
                    out.tasks.push(task);
                }
                Err(why) => out.ignored.push((index, why)),
            },
            LineKind::Opaque(why) => {
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
    out.ignored.extend(collector.unused_headings.drain(..).map(|(line, _)| (line, IgnoredReason::Other)));
    out.ignored.sort_unstable_by_key(|i| i.0);
    match rules.form {
        TaskForm::Elements | TaskForm::Todos => {
            // the todos are no lines
            out.tasks = if rules.form == TaskForm::Todos { Vec::new() } else { task_elements::tasks(lines) };
        }
        TaskForm::Table => {
            out.tasks = table::rows(lines);
            if out.tasks.is_empty() {
                numbered_lines::tasks(lines, rules, &mut out);
            }
        }
        TaskForm::Numbered => numbered_lines::tasks(lines, rules, &mut out),
        TaskForm::Boxes => numbered_lines::parents(lines, &mut out),
        TaskForm::Trailing => {
            out.tasks = trailing_boxes::tasks(lines);
            let taken: HashSet<usize> = out.tasks.iter().map(|t| t.line).collect();
            out.ignored.retain(|i| !taken.contains(&i.0));
        }
        TaskForm::Listed => track(lines, rules, &mut out),
        _ => {}
    }
    collector.drop_repeated(&mut out);
    if rules.ids.lists {
        drop_restarted_numbers(lines, &mut out.tasks);
    }
    name_anonymous(&mut out.tasks);
    out
}

/// Gives tasks the boxes of the list that repeats them. The first box of a task counts.
fn track(lines: &SourceLines<'_>, rules: &ReadingRules, out: &mut CollectedLines<'_>) {
    let mut boxes: HashMap<usize, usize> = HashMap::new();
    for (&line, &heading) in &rules.trackers {
        let first = boxes.entry(heading).or_insert(line);
        *first = line.min(*first);
    }
    let mut used = HashSet::new();
    for task in &mut out.tasks {
        if task.mark.is_none()
            && let Some(&line) = boxes.get(&task.line)
            && let Some(mark) = lines.item(line).and_then(|item| item.mark.clone())
        {
            (task.mark, task.mark_line) = (Some(mark), line);
            used.insert(line);
        }
    }
    out.ignored.retain(|i| !used.contains(&i.0));
}

struct TaskCollector<'l, 'a> {
    lines: &'l SourceLines<'a>,
    rules: &'l ReadingRules,
    /// The last whole number at the top, and its indentation.
    whole: Option<(u32, u32)>,
    /// The task whose lines come now: its indentation and its heading level.
    inside: Option<(u32, usize)>,
    heading_id: Option<Cow<'a, str>>,
    min_indent: u32,
    /// Boxes whose ids are the numbers of lists, from the outside in: their indentation and their ids.
    listed: Vec<(u32, String)>,
    legends: HashSet<usize>,
    /// Headings that would be tasks in another file and hold no task of this one so far; with their levels.
    unused_headings: Vec<(usize, usize)>,
}

impl<'l, 'a> TaskCollector<'l, 'a> {
    fn new(lines: &'l SourceLines<'a>, rules: &'l ReadingRules) -> Self {
        let boxes = || {
            (0..lines.all.len()).filter(|&i| {
                rules.sections[i].is_work()
                    && lines.item(i).is_some_and(|item| item.mark.is_some() && item.bullet)
            })
        };
        TaskCollector {
            lines,
            rules,
            whole: None,
            inside: None,
            heading_id: None,
            min_indent: boxes().map(|i| lines.all[i].indent).min().unwrap_or(0),
            listed: Vec::new(),
            legends: legend::runs(lines),
            unused_headings: Vec::new(),
        }
    }

    /// Takes a heading as a task, or closes the tasks that it ends.
    fn heading(&mut self, index: usize, heading: &Heading, out: &mut CollectedLines<'a>) {
        let is_task = match self.rules.form {
            _ if heading.mark.is_some() => true,
            TaskForm::Listed => self.rules.headings.contains_key(&index),
            TaskForm::Headings if !self.rules.headings.is_empty() => self.rules.headings.contains_key(&index),
            TaskForm::Headings => names_task(heading, self.lines.text(index)),
            TaskForm::NumberedHeadings => {
                numbered(heading)
                    && heading.level >= self.rules.level
                    && self.rules.sections[index] == SectionKind::Open
            }
            _ => false,
        };
        self.listed.clear();
        if self.inside.is_none_or(|(_, level)| level == 0 || heading.level <= level) {
            self.inside = None;
            self.heading_id = None;
        }
        if is_task {
            let task = self.heading_task(index, heading);
            self.inside = Some((task.indent, task.level));
            self.heading_id = Some(task.id.clone());
            out.tasks.push(task);
        } else if self.rules.form == TaskForm::Boxes {
            self.note_heading(index, heading, out);
        }
    }

    fn heading_task(&self, index: usize, heading: &Heading) -> TaskLine<'a> {
        let text = self.lines.text(index);
        if let Some(member) = self.rules.headings.get(&index) {
            return TaskLine {
                id: Cow::Borrowed(&text[member.id.clone()]),
                shape: Some(member.shape),
                title: member.title..text.len(),
                bold_open: member.bold_open,
                mark: heading.mark.clone(),
                star: heading.star,
                checked: member.is_past || heading.id.as_ref().is_some_and(|i| i.checked),
                level: heading.level,
                ..TaskLine::at(index)
            };
        }
        let id = heading.id.as_ref();
        TaskLine {
            line: index,
            id: Cow::Borrowed(id.map_or("", |i| &text[i.span.clone()])),
            shape: id.map(|i| i.shape),
            title: heading.title..text.len(),
            bold_open: id.is_some_and(|i| i.deco),
            mark: heading.mark.clone(),
            star: heading.star,
            checked: id.is_some_and(|i| i.checked),
            dot: id.is_some_and(|i| i.dot),
            indent: 0,
            level: heading.level,
            oddity: None,
            ..TaskLine::at(index)
        }
    }

    /// `## Task 2: …` in a file whose tasks are boxes: a group if boxes follow, else an ignored line.
    fn note_heading(&mut self, index: usize, heading: &Heading, out: &mut CollectedLines<'a>) {
        while let Some((line, _)) = self.unused_headings.pop_if(|h| h.1 >= heading.level) {
            out.ignored.push((line, IgnoredReason::Other));
        }
        if names_task(heading, self.lines.text(index)) {
            self.unused_headings.push((index, heading.level));
        }
    }

    /// Decides on one list item.
    fn item(&mut self, index: usize, item: &ListItem) -> Result<TaskLine<'a>, IgnoredReason> {
        let indent = self.lines.all[index].indent;
        let text = self.lines.text(index);
        let Some(mark) = item.mark.clone() else { return Err(IgnoredReason::Numbered) };
        if self.is_code(index) {
            return Err(IgnoredReason::Fence);
        }
        if self.rules.trackers.contains_key(&index) {
            return Err(IgnoredReason::Tracker);
        }
        let section = self.rules.sections[index];
        if matches!(section, SectionKind::Idea | SectionKind::Waiting) {
            return Err(IgnoredReason::Section);
        }
        let id = box_id(item, text, &self.rules.ids);
        if id.is_none() && (section == SectionKind::Legend || self.legends.contains(&index)) {
            return Err(IgnoredReason::Legend);
        }
        let mut oddity = item.two_boxes.then_some(Oddity::TwoBoxes);
        if !item.bullet {
            if indent > 0 || id.is_none() {
                return Err(self.step_or_other());
            }
            oddity = Some(Oddity::NoBullet);
        }
        self.fits_form(indent, id, section)?;
        if let Some((number, IdShape::Number)) = id
            && item.list_number.as_ref().is_some_and(|n| text[n.clone()] == *number)
            && let Some(id) = self.nested_number(number, indent)
        {
            self.inside = Some((indent, 0));
            return Ok(TaskLine {
                id: Cow::Owned(id),
                shape: Some(IdShape::Dotted),
                title: item.text..text.len(),
                mark: Some(mark),
                struck: is_struck(&text[item.text..]),
                indent,
                ..TaskLine::at(index)
            });
        }
        let sure = item.id.as_ref().is_some_and(|id| id.closed || id.deco || id.word);
        match id {
            // `3 reviewers agree` in a checklist is not task 3.
            Some((_, IdShape::Number)) if !section.is_work() && !sure && item.list_number.is_none() => {
                return Err(IgnoredReason::Section);
            }
            Some((id, IdShape::Number)) => oddity = self.whole_number(id, indent)?.or(oddity),
            // `E2E tests pass` in a checklist is not a task, even where the ids are letters and digits. `T-HF01` is surely
            // an id.
            Some((id, IdShape::Prefixed)) if !section.is_work() && !id.contains(['-', '.', '_']) && !sure => {
                return Err(IgnoredReason::Section);
            }
            None if !section.is_work() && self.rules.form == TaskForm::Boxes => {
                return Err(IgnoredReason::Section);
            }
            None if self.rules.form == TaskForm::Boxes && indent > 0 => return Err(self.step_or_other()),
            Some(_) | None => {}
        }
        let token = item
            .id
            .as_ref()
            .filter(|i| id.is_some_and(|(s, _)| s.len() == i.span.len() && text[i.span.clone()] == *s));
        self.inside = Some((indent, 0));
        Ok(TaskLine {
            line: index,
            id: Cow::Borrowed(id.map_or("", |i| i.0)),
            shape: id.map(|i| i.1),
            title: if token.is_some() { item.title } else { item.text }..text.len(),
            bold_open: token.is_some_and(|t| t.deco),
            mark: Some(mark),
            star: item.star,
            struck: is_struck(&text[item.text..]),
            dot: token.is_some_and(|t| t.dot),
            indent,
            level: 0,
            oddity,
            ..TaskLine::at(index)
        })
    }

    /// Why a box that is not a task is not one, where neither its section nor its text says more.
    fn step_or_other(&self) -> IgnoredReason {
        if self.inside.is_some() { IgnoredReason::Step } else { IgnoredReason::Other }
    }

    /// Whether a box can be a task in a file of this form.
    fn fits_form(
        &self,
        indent: u32,
        id: Option<(&str, IdShape)>,
        section: SectionKind,
    ) -> Result<(), IgnoredReason> {
        match self.rules.form {
            TaskForm::Boxes => Ok(()),
            TaskForm::Anonymous | TaskForm::Listed if !section.is_work() => Err(IgnoredReason::Section),
            TaskForm::Anonymous => {
                let nested = indent > self.min_indent && self.inside.is_some_and(|(i, _)| indent > i);
                if nested { Err(IgnoredReason::Step) } else { Ok(()) }
            }
            TaskForm::Listed if self.heading_id.is_none() => {
                let nested = indent > self.min_indent && self.inside.is_some_and(|(i, _)| indent > i);
                if nested && id.is_none() { Err(IgnoredReason::Step) } else { Ok(()) }
            }
            TaskForm::Trailing | TaskForm::Elements | TaskForm::Todos => Err(IgnoredReason::Other),
            _ => {
                // Below a heading task, only a box that continues its number is a task.
                let continues = self.heading_id.as_deref().is_some_and(|h| {
                    id.is_some_and(|(id, shape)| {
                        shape == IdShape::Dotted && id.strip_prefix(h).is_some_and(|r| r.starts_with('.'))
                    })
                });
                if continues { Ok(()) } else { Err(self.step_or_other()) }
            }
        }
    }

    /// Whether Markdown shows the line as code: indented by four or more, after a blank line that ends a heading or a
    /// paragraph. Below a list item such a line belongs to the list, and a file may indent all its tasks.
    fn is_code(&self, index: usize) -> bool {
        let all = &self.lines.all;
        if all[index].indent < 4 || self.min_indent >= 4 || self.inside.is_some_and(|(_, level)| level == 0) {
            return false;
        }
        let above = (0..index).rev().find(|&i| all[i].indent < 4 && all[i].kind != LineKind::Blank);
        above.is_some_and(|i| {
            let bullet = self.lines.text(i).trim_start().starts_with(['-', '*', '+', '•']);
            let blank = || (i + 1..index).any(|i| all[i].kind == LineKind::Blank);
            match all[i].kind {
                LineKind::Heading(_) | LineKind::Opaque(_) => true,
                LineKind::Text => !bullet && blank(),
                _ => false,
            }
        })
    }

    /// The id of a numbered box inside another numbered one: `1.2` for the second in the first.
    fn nested_number(&mut self, number: &str, indent: u32) -> Option<String> {
        while self.listed.pop_if(|(outer, _)| *outer >= indent).is_some() {}
        let id = self.listed.last().map(|(_, outer)| format!("{outer}.{number}"));
        self.listed.push((indent, id.clone().unwrap_or_else(|| number.to_owned())));
        id
    }

    /// A whole number below a task is wrongly indented if it continues the count, else it is a step.
    fn whole_number(&mut self, id: &str, indent: u32) -> Result<Option<Oddity>, IgnoredReason> {
        let value: u32 = id.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0);
        let nested =
            self.inside.is_some_and(|(i, _)| indent > i) || self.whole.is_some_and(|(_, i)| indent > i);
        if nested {
            return match self.whole {
                Some((last, at)) if value == last + 1 => {
                    self.whole = Some((value, at));
                    Ok(Some(Oddity::Indentation))
                }
                _ => Err(IgnoredReason::Step),
            };
        }
        self.whole = Some((value, indent));
        Ok(None)
    }

    /// Drops boxes in sections of criteria or progress notes that repeat the id of a task.
    fn drop_repeated(&self, out: &mut CollectedLines<'a>) {
        let aside = |t: &TaskLine<'_>| {
            t.level == 0 && t.row.is_none() && self.rules.sections[t.line] == SectionKind::Aside
        };
        if !out.tasks.iter().any(aside) {
            return;
        }
        let ids: HashSet<Cow<'a, str>> =
            out.tasks.iter().filter(|t| !aside(t)).map(|t| t.id.clone()).collect();
        let mut dropped = Vec::new();
        out.tasks.retain(|t| {
            let drop = aside(t) && ids.contains(&t.id);
            if drop {
                dropped.push((t.line, IgnoredReason::Section));
            }
            !drop
        });
        out.ignored.extend(dropped);
        out.ignored.sort_unstable_by_key(|i| i.0);
    }
}
