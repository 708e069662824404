//! The sections of a file: which lines they hold, and in which of them boxes are tasks.

use super::grammar::Heading;
use super::lines::{LineKind, SourceLines};
use super::section_names::{
    SectionKind, is_of_exec_plan, names_checks, names_no_work, names_work, section_kind,
};

/// A heading and what stands below it.
#[derive(Debug)]
pub(crate) struct Section {
    /// The line of its heading.
    pub(crate) line: usize,
    pub(crate) level: usize,
    /// What its own name says, or that of a section around it.
    pub(crate) kind: SectionKind,
    /// The section around it.
    pub(crate) parent: Option<usize>,
}

/// All sections of a file.
#[derive(Debug, Default)]
pub(crate) struct SectionMap {
    /// Sections in document order.
    pub(crate) all: Vec<Section>,
    /// Per line: the index of its section plus one; 0 is none.
    of: Vec<u32>,
    /// Per line: what its section, or a label above its list, says about boxes.
    pub(crate) kinds: Vec<SectionKind>,
    /// The line of the heading that is the title of the whole file.
    pub(crate) title: Option<usize>,
    /// Open boxes beside a list of tasks that are not taken, in sections whose names do not say what they hold.
    pub(crate) beside: Vec<usize>,
    /// Boxes are taken from sections of criteria or notes, since the file has no others.
    pub(crate) last_resort: bool,
}

impl SectionMap {
    /// The section of a line.
    pub(crate) fn of(&self, line: usize) -> Option<usize> {
        (*self.of.get(line)? as usize).checked_sub(1)
    }

    /// Whether the name of a section, or of one around it below the title, says something.
    pub(crate) fn says(&self, lines: &SourceLines<'_>, section: usize, what: fn(&str) -> bool) -> bool {
        self.upwards(section)
            .any(|s| self.title != Some(self.all[s].line) && what(name(lines, self.all[s].line)))
    }

    /// The section and those around it, from the inside out.
    pub(crate) fn upwards(&self, section: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(section), |&at| self.all[at].parent)
    }
}

/// Finds the sections of a file. `names_task` knows headings that are tasks: their boxes are never criteria.
pub(crate) fn find(lines: &SourceLines<'_>, names_task: impl Fn(&Heading, &str) -> bool) -> SectionMap {
    let mut map = SectionMap { title: title(lines), ..SectionMap::default() };
    let exec_plan = lines.heading_lines().any(|line| is_of_exec_plan(name(lines, line)));
    let mut stack: Vec<usize> = Vec::new();
    // A paragraph "**Acceptance criteria:**" makes the list right below it an aside.
    let mut label = SectionKind::Open;
    for index in 0..lines.all.len() {
        let line = &lines.all[index];
        if let Some(heading) = lines.heading(index) {
            while stack.last().is_some_and(|&s| map.all[s].level >= heading.level) {
                stack.pop();
            }
            let parent = stack.last().copied();
            let inherited = parent.map_or(SectionKind::Open, |p| map.all[p].kind);
            let text = lines.text(index);
            let own = if names_task(heading, text) || heading.mark.is_some() {
                if inherited == SectionKind::Tasks { SectionKind::Tasks } else { SectionKind::Column }
            } else if map.title == Some(index) {
                SectionKind::Open
            } else {
                match section_kind(&text[heading.title..], heading.id.is_some()) {
                    SectionKind::Side if exec_plan && text.contains("Progress") => SectionKind::Tasks,
                    kind => kind,
                }
            };
            let kind = if own == SectionKind::Open { inherited } else { own };
            map.all.push(Section { line: index, level: heading.level, kind, parent });
            stack.push(map.all.len() - 1);
            label = SectionKind::Open;
        } else if line.indent == 0 && line.kind == LineKind::Text {
            label = label_of(lines.text(index), label);
        }
        let section = stack.last().copied();
        map.of.push(section.map_or(0, |s| u32::try_from(s + 1).unwrap_or(0)));
        let kind = section.map_or(SectionKind::Open, |s| map.all[s].kind);
        map.kinds.push(if label == SectionKind::Open { kind } else { label });
    }
    resolve(lines, &mut map, exec_plan);
    map
}

/// What a line at the margin says about the list below it, where `label` was said before.
fn label_of(text: &str, label: SectionKind) -> SectionKind {
    let text = text.trim_end();
    let bare = text.trim_matches(['*', '_']);
    if text.starts_with(['-', '+']) || text.starts_with("* ") {
        // A plain bullet keeps the label above it.
        label
    } else if bare.len() < 80 && (text.ends_with("**") || bare.ends_with([':', '：'])) {
        match section_kind(bare, false) {
            kind @ (SectionKind::Aside | SectionKind::Side | SectionKind::Legend) => kind,
            SectionKind::Idea | SectionKind::Waiting => SectionKind::Aside,
            _ => SectionKind::Open,
        }
    } else {
        SectionKind::Open
    }
}

fn name<'a>(lines: &SourceLines<'a>, line: usize) -> &'a str {
    let text = lines.text(line);
    lines.heading(line).map_or("", |heading| &text[heading.title..])
}

/// The first heading, if no other is as high and no box stands before it.
fn title(lines: &SourceLines<'_>) -> Option<usize> {
    let mut headings = lines.heading_lines().map(|line| (line, lines.heading(line).map_or(7, |h| h.level)));
    let (first, level) = headings.next()?;
    let boxed = (0..first).any(|line| lines.item(line).is_some_and(|item| item.mark.is_some()));
    (!boxed && headings.all(|(_, other)| other > level)).then_some(first)
}

/// Decides in which sections boxes are tasks: the kinds of lines become [`SectionKind::Open`] there.
fn resolve(lines: &SourceLines<'_>, map: &mut SectionMap, exec_plan: bool) {
    let boxed = |index: usize| lines.item(index).is_some_and(|item| item.mark.is_some() && item.bullet);
    let has =
        |wanted: &[SectionKind]| (0..lines.all.len()).any(|i| wanted.contains(&map.kinds[i]) && boxed(i));
    if has(&[SectionKind::Tasks]) {
        leave_out_neighbours(lines, map, exec_plan);
    } else if !has(&[SectionKind::Open, SectionKind::Column, SectionKind::Order]) {
        if has(&[SectionKind::Side]) {
            replace(map, SectionKind::Side, SectionKind::Open);
        } else if has(&[SectionKind::Aside, SectionKind::Idea]) {
            map.last_resort = true;
        }
    }
    replace(map, SectionKind::Side, SectionKind::Aside);
    replace(map, SectionKind::Column, SectionKind::Open);
    replace(map, SectionKind::Tasks, SectionKind::Open);
}

fn replace(map: &mut SectionMap, from: SectionKind, to: SectionKind) {
    for kind in map.kinds.iter_mut().filter(|kind| **kind == from) {
        *kind = to;
    }
}

/// Beside a list of tasks, sections whose names say so hold validation, logs and files to watch. Beside one whose tasks have
/// numbers, so do all that name no work: what is work has a number there. Neither has an `ExecPlan` work elsewhere.
fn leave_out_neighbours(lines: &SourceLines<'_>, map: &mut SectionMap, exec_plan: bool) {
    let listed = (0..lines.all.len()).filter(|&line| map.kinds[line] == SectionKind::Tasks);
    let boxes = listed.filter(|&line| lines.all[line].indent == 0).filter_map(|line| lines.item(line));
    let (mut all, mut with_number) = (0, 0);
    for item in boxes.filter(|item| item.mark.is_some()) {
        all += 1;
        with_number += usize::from(item.id.is_some() || item.list_number.is_some());
    }
    let wins = exec_plan || with_number * 2 > all;
    // The sections around lists of tasks: what else is in them is beside such a list.
    let mut around = vec![false; map.all.len()];
    let mut at_the_top = false;
    for index in 0..map.all.len() {
        let parent = map.all[index].parent;
        let is_list = map.all[index].kind == SectionKind::Tasks;
        if is_list && parent.is_none_or(|p| map.all[p].kind != SectionKind::Tasks) {
            match parent {
                Some(parent) => around[parent] = true,
                None => at_the_top = true,
            }
        }
    }
    let left_out: Vec<bool> = (0..map.all.len())
        .map(|section| {
            let beside = at_the_top || map.upwards(section).any(|s| around[s]);
            let says = |of: fn(&str) -> bool| map.says(lines, section, of);
            beside && (wins || says(names_no_work)) && !says(names_work)
        })
        .collect();
    for line in 0..map.kinds.len() {
        let Some(section) = map.of(line) else { continue };
        let out = left_out[section]
            && map.all[section].kind == SectionKind::Open
            && map.kinds[line] == SectionKind::Open
            && map.title != Some(line);
        // "Success validation" among numbered tasks
        let checks = with_number * 2 > all
            && map.kinds[line] == SectionKind::Tasks
            && lines.heading(map.all[section].line).is_some_and(|heading| heading.id.is_none())
            && names_checks(name(lines, map.all[section].line));
        if out || checks {
            map.kinds[line] = SectionKind::Aside;
        }
        let text = lines.text(line);
        let is_open = |mark: &std::ops::Range<usize>| text[mark.clone()].trim().is_empty();
        if out
            && !map.says(lines, section, names_no_work)
            && lines.item(line).is_some_and(|item| item.bullet && item.mark.as_ref().is_some_and(is_open))
        {
            map.beside.push(line);
        }
    }
}
