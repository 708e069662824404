//! Decides how a file is read. Many lines look like tasks; evidence from the whole file says which of them are.

use std::collections::HashMap;

use super::accepted_ids::{AcceptedIds, accepted_ids};
use super::boxes_aside::BoxesAside;
use super::heading_families::{self, FamilyForm, FamilyMember, HeadingFamily};
use super::heading_names::names_task;
use super::lines::SourceLines;
use super::lookalike_counts::{LookalikeCounts, fields};
use super::model::Dialect;
use super::section_names::SectionKind;
use super::sections::{self, SectionMap};
use super::{boxes_aside, front_matter, table, task_elements, trailing_boxes};

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
    /// They are those with a field that people write for tasks, and do not count the work.
    pub(crate) by_fields: bool,
    /// Boxes that are not taken beside headings that are, in sections whose names do not say what they hold.
    pub(crate) left_out: Vec<usize>,
    /// Numbered headings with text that are not taken beside boxes in sections of checks.
    pub(crate) passed_over: Vec<usize>,
}

/// Reads the evidence of the whole file. A forced dialect beats it where it names a form. The form that the evidence gives stays
/// where it is one of those of the dialect, so that forcing what was found changes nothing.
pub(crate) fn reading_rules(lines: &SourceLines<'_>, forced: Option<Dialect>) -> ReadingRules {
    let forced = forced.filter(|dialect| dialect.names_form());
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
        by_fields: false,
        left_out: Vec::new(),
        passed_over: Vec::new(),
    };
    let mut counts = LookalikeCounts::new(lines, &sections, &rules.ids, &families, &map);
    let no_boxes = counts.id_boxes + counts.list_boxes + counts.plain_boxes == 0;
    let wants_headings =
        forced.is_none_or(|dialect| matches!(dialect, Dialect::Headings | Dialect::Milestones));
    let counts_only = forced == Some(Dialect::Milestones);
    let listed = if !wants_headings {
        None
    } else if let Some(tracked) = heading_families::tracked(lines, &families) {
        rules.trackers = tracked.boxes;
        Some(tracked.family)
    } else if let Some(family) = heading_families::iterations(lines, &families) {
        Some(family)
    } else if counts_only
        || counts.heading_boxes + counts.heading_tasks + counts.id_boxes + counts.list_boxes == 0
            && table::rows(lines).len() < 3
    {
        let work = heading_families::counted_work(lines, &map, &sections, &families);
        let aside = if no_boxes { None } else { boxes_aside::find(lines, &map, &sections) };
        let aside = aside.filter(|aside| work.as_ref().is_some_and(|family| aside.is_beside(family)));
        let is_work = no_boxes || aside.is_some() || counts_only;
        if let Some(aside) = aside {
            aside.boxes.iter().for_each(|&line| sections[line] = SectionKind::Aside);
            rules.left_out = aside.unknown();
        }
        work.filter(|_| is_work)
    } else {
        None
    };
    if front_matter::todos(lines).is_some() {
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
            sections
                .iter_mut()
                .filter(|kind| matches!(kind, SectionKind::Aside | SectionKind::Idea))
                .for_each(|k| *k = SectionKind::Open);
            rules.ids = accepted_ids(lines, &sections);
            counts = LookalikeCounts::new(lines, &sections, &rules.ids, &families, &map);
        } else {
            map.last_resort = false;
        }
        rules.decide(lines, &sections, &counts, &families, forced);
        if rules.form == TaskForm::Anonymous && forced.is_none() {
            rules.passed_over = passed_over(lines, &map, &sections, &families);
        }
    }
    ReadingRules { sections, map, ..rules }
}

/// The numbered headings with text that stand beside boxes which only check something.
fn passed_over(
    lines: &SourceLines<'_>,
    map: &SectionMap,
    sections: &[SectionKind],
    families: &[HeadingFamily],
) -> Vec<usize> {
    let Some(aside) = boxes_aside::find(lines, map, sections).filter(BoxesAside::are_checks) else {
        return Vec::new();
    };
    let numbered = families.iter().filter(|family| !matches!(family.form, FamilyForm::Named(_)));
    let with_text = numbered.map(|family| family.with_text(lines));
    let beside = with_text.filter(|family| family.members.len() > 1 && aside.is_beside(family));
    let most = beside.max_by_key(|family| family.members.len());
    most.map_or_else(Vec::new, |family| family.members.iter().map(|member| member.line).collect())
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
        let lone = counts.id_boxes + counts.list_boxes + counts.plain_boxes;
        let inside: usize = counts.boxes_below[1..].iter().sum();
        if let Some(level) = with_fields
            && self.form != TaskForm::NumberedHeadings
            && lone * 2 <= fields[level]
            && inside == 0
            && counts.heading_tasks == 0
            && forced.is_none_or(|dialect| dialect == Dialect::Headings)
            && let Some(family) = families.iter().find(|f| f.form == FamilyForm::Numbered && f.level == level)
        {
            // One box with an id decides nothing beside many headings.
            self.list(family.with_text(lines));
            self.by_fields = true;
        } else if trailing_boxes::count(lines) > 1.max(lone) {
            self.form = TaskForm::Trailing;
        } else if self.form == TaskForm::Numbered {
            // Numbered prose is no plan, unless somebody says so.
            self.form = TaskForm::Nothing;
        }
        if let Some(dialect) = forced
            && !forms_of(dialect).contains(&self.form)
        {
            self.form = match dialect {
                Dialect::Table => TaskForm::Table,
                Dialect::Numbered => TaskForm::Numbered,
                Dialect::Headings if counts.heading_boxes + counts.heading_tasks > 0 => TaskForm::Headings,
                Dialect::Headings => TaskForm::NumberedHeadings,
                _ if counts.id_boxes + counts.list_boxes > 0 => TaskForm::Boxes,
                _ => TaskForm::Anonymous,
            };
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

/// The forms that a dialect which names a form may have.
fn forms_of(dialect: Dialect) -> &'static [TaskForm] {
    use TaskForm as F;
    match dialect {
        Dialect::Table => &[F::Table],
        Dialect::Numbered => &[F::Numbered],
        Dialect::Headings => &[F::Headings, F::NumberedHeadings, F::Listed],
        Dialect::Plain => &[F::Boxes, F::Anonymous, F::Trailing, F::Nothing],
        _ => &[F::Boxes],
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
