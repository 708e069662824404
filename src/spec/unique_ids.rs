//! Makes ids unique. Where numbers start again in each section, a section's name stands before them (`scenario-1/2`); an id
//! that comes again in one section gets a count (`5.3~2`). Two open tasks of one section with one id stay as they are:
//! only the author can distinguish them, so that is an error.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::counted_names::counted_name;
use super::lines::SourceLines;
use super::sections::SectionMap;
use super::task_line::TaskLine;

/// A task that got a count behind its id, and the first task with this id.
pub(crate) struct CountedId {
    pub(crate) task: usize,
    pub(crate) first: usize,
}

/// Renames tasks that share an id, and returns those that got a count. `done` says which tasks are done.
pub(crate) fn qualify(
    lines: &SourceLines<'_>,
    map: &SectionMap,
    tasks: &mut [TaskLine<'_>],
    done: &[bool],
) -> Vec<CountedId> {
    let mut counted = Vec::new();
    let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
    for (i, task) in tasks.iter().enumerate() {
        by_id.entry(task.id.to_string()).or_default().push(i);
    }
    let home: Vec<Option<usize>> = tasks.iter().map(|task| home(map, task)).collect();
    let apart = |all: &Vec<usize>| all.iter().map(|&i| home[i]).collect::<HashSet<_>>().len() == all.len();
    by_id.retain(|_, all| all.len() > 1);
    if by_id.is_empty() {
        return counted;
    }
    let several: HashSet<Option<usize>> =
        by_id.values().filter(|all| apart(all)).flatten().map(|&i| home[i]).collect();
    let names = names(lines, map, &several);
    let mut taken: HashSet<String> = tasks.iter().map(|task| task.id.to_string()).collect();
    let repeated: Vec<(String, Vec<usize>)> = {
        let mut all: Vec<_> = by_id.into_iter().collect();
        all.sort_by_key(|(_, tasks)| tasks[0]);
        all
    };
    let mut apart_tasks: Vec<usize> =
        repeated.iter().filter(|(_, all)| apart(all)).flat_map(|(_, all)| all.iter().copied()).collect();
    apart_tasks.sort_unstable();
    apart_tasks.dedup();
    for i in apart_tasks {
        let Some(name) = home[i].and_then(|section| names.get(&section)) else { continue };
        let id = format!("{name}/{}", tasks[i].id);
        if taken.insert(id.clone()) {
            tasks[i].id = Cow::Owned(id);
        }
    }
    for (id, all) in repeated.iter().filter(|(_, all)| !apart(all)) {
        let mut open: HashMap<Option<usize>, usize> = HashMap::new();
        for &i in all.iter().filter(|&&i| !done[i]) {
            *open.entry(home[i]).or_default() += 1;
        }
        if open.values().any(|&count| count > 1) {
            continue;
        }
        let mut count = 1;
        // The first keeps the id, whichever are done: a tick changes no id.
        for &i in &all[1..] {
            if *tasks[i].id != **id {
                continue;
            }
            let fresh = loop {
                count += 1;
                let id = format!("{id}~{count}");
                if taken.insert(id.clone()) {
                    break id;
                }
            };
            tasks[i].id = Cow::Owned(fresh);
            counted.push(CountedId { task: i, first: all[0] });
        }
    }
    counted
}

/// The section that a task is counted in; for a heading, the section around it.
fn home(map: &SectionMap, task: &TaskLine<'_>) -> Option<usize> {
    let own = map.of(task.line);
    if task.level > 0 { own.and_then(|section| map.all[section].parent) } else { own }
}

/// A short name for each of these sections, with those around it where two would have the same.
fn names(
    lines: &SourceLines<'_>,
    map: &SectionMap,
    sections: &HashSet<Option<usize>>,
) -> HashMap<usize, String> {
    let mut names: HashMap<usize, String> = HashMap::new();
    let mut sections: Vec<usize> = sections.iter().flatten().copied().collect();
    sections.sort_unstable();
    let mut used: HashMap<String, usize> = HashMap::new();
    for &section in &sections {
        *used.entry(slug(lines, map, section)).or_default() += 1;
    }
    let mut taken: HashSet<String> = HashSet::new();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for section in sections {
        let mut name = slug(lines, map, section);
        if used.get(&name).is_some_and(|&count| count > 1)
            && let Some(parent) = map.all[section].parent.filter(|&p| map.title != Some(map.all[p].line))
        {
            name = format!("{}-{name}", slug(lines, map, parent));
        }
        let plain = name.clone();
        while !taken.insert(name.clone()) {
            let count = counts.entry(plain.clone()).or_insert(1);
            *count += 1;
            name = format!("{plain}-{count}");
        }
        names.insert(section, name);
    }
    names
}

/// `scenario-1` for "Scenario 1: first", `1` for "1. Setup", else the first words of the heading.
fn slug(lines: &SourceLines<'_>, map: &SectionMap, section: usize) -> String {
    const MOST_WORDS: usize = 3;
    let line = map.all[section].line;
    let (text, Some(heading)) = (lines.text(line), lines.heading(line)) else { return "top".to_owned() };
    if let Some(id) = &heading.id
        && !id.word
    {
        return text[id.span.clone()].replace(['.', '/'], "-").to_lowercase();
    }
    let body = &text[heading.text..];
    if let Some(name) = counted_name(body) {
        return format!("{}-{}", name.word, body[name.number].replace('.', "-"));
    }
    let lower = body.to_lowercase();
    let mut words: Vec<&str> = Vec::new();
    for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        words.push(word);
        if words.len() == MOST_WORDS || word.bytes().all(|b| b.is_ascii_digit()) {
            break;
        }
    }
    let name: String = words.join("-").chars().take(40).collect();
    if name.is_empty() { format!("line-{}", line + 1) } else { name }
}
