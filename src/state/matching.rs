//! PURE. Which entry of tasks.md is which: those that were read last against those that are there now.
//!
//! The text decides; id, parent, section, neighbours and box are witnesses where a text occurs more than once or was
//! reworded. What has no witness is new work: to do a task again costs less than to leave one out.

use std::collections::{BTreeMap, HashMap};

use super::known_task::{IdentityDoubt, KnownTask};
use super::rewording;
use super::task_pairs::{TaskMatches, TaskPairs, TaskStanding};
use super::title_notes::{without_commits, without_notes};

/// Copies of one text beyond which witnesses are not weighed: they are taken in order.
const COPIES: usize = 300;
/// A candidate whose score is so much lower than the best one is none.
const DOUBTFUL: i32 = 4;
/// So many words are hardly written twice by chance.
const DISTINCT_WORDS: usize = 5;

/// Matches what is there now with what was there. `standing` says how the state calls the latter.
pub(super) fn match_tasks(
    old: &[KnownTask],
    new: &[KnownTask],
    standing: &dyn Fn(&KnownTask) -> TaskStanding,
) -> TaskMatches {
    let live = old.iter().take_while(|task| !task.gone).count();
    if live == new.len() && old.iter().zip(new).all(|(old, new)| old.is_identical(new)) {
        let old_of = (0..new.len()).map(Some).collect();
        return TaskMatches { old_of, ..TaskMatches::default() };
    }
    let mut pairs = TaskPairs::new(old, new, standing);
    let groups = same_texts(&pairs);
    let deepest = pairs.new.depth.iter().max().map_or(0, |deepest| deepest + 1);
    // what is above an entry is a witness, so that comes first
    for depth in 0..deepest {
        for group in &groups {
            match_texts(&mut pairs, group, Some(depth));
        }
    }
    for group in &groups {
        match_texts(&mut pairs, group, None);
    }
    for group in &groups {
        match_gone(&mut pairs, group);
    }
    match_noted(&mut pairs);
    let known = groups.iter().filter(|group| !group.old.is_empty()).flat_map(|g| g.new.clone()).collect();
    rewording::match_reworded(&mut pairs, &known);
    find_parts(&mut pairs);
    for group in &groups {
        doubt_copies(&mut pairs, group);
    }
    pairs.found
}

/// All entries with the same text.
#[derive(Default)]
struct SameText {
    old: Vec<usize>,
    gone: Vec<usize>,
    new: Vec<usize>,
}

fn same_texts(pairs: &TaskPairs<'_>) -> Vec<SameText> {
    let mut index: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<SameText> = Vec::new();
    for (at, text) in pairs.new.text.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
        let group = *index.entry(text).or_insert_with(|| {
            groups.push(SameText::default());
            groups.len() - 1
        });
        groups[group].new.push(at);
    }
    for (at, task) in pairs.old.tasks.iter().enumerate() {
        let Some(&group) = index.get(pairs.old.text[at].as_str()) else { continue };
        let group = &mut groups[group];
        if task.gone { group.gone.push(at) } else { group.old.push(at) }
    }
    groups
}

/// Matches entries with one text, those of one depth or all.
fn match_texts(pairs: &mut TaskPairs<'_>, group: &SameText, depth: Option<usize>) {
    let free_old = |at: &&usize| {
        pairs.new_of[**at].is_none() && depth.is_none_or(|depth| pairs.old.depth[**at] == depth)
    };
    let free_new = |at: &&usize| {
        pairs.found.old_of[**at].is_none() && depth.is_none_or(|depth| pairs.new.depth[**at] == depth)
    };
    let old: Vec<usize> = group.old.iter().filter(free_old).copied().collect();
    let new: Vec<usize> = group.new.iter().filter(free_new).copied().collect();
    match_best(pairs, &old, &new, |pairs, old, new| {
        pairs.has_witness(old, new) || is_distinct(pairs, group, old, new)
    });
}

/// Whether the text alone says that two entries are one: nothing else has it, its box is as it was, and it is long or
/// done by both accounts.
fn is_distinct(pairs: &TaskPairs<'_>, group: &SameText, old: usize, new: usize) -> bool {
    let is_done = || pairs.is_done(old) && pairs.new.tasks[new].ticked;
    group.old.len() == 1
        && group.new.len() == 1
        && pairs.same_box(old, new)
        && (is_done() || pairs.new.text[new].split(' ').count() >= DISTINCT_WORDS)
}

/// Takes the pairs of which most says that they are one.
fn match_best(
    pairs: &mut TaskPairs<'_>,
    old: &[usize],
    new: &[usize],
    is_one: impl Fn(&TaskPairs<'_>, usize, usize) -> bool,
) {
    if old.is_empty() || new.is_empty() {
        return;
    }
    if old.len() * new.len() > COPIES * COPIES {
        return old.iter().zip(new).for_each(|(old, new)| pairs.take(*old, *new));
    }
    let mut found = Vec::new();
    for (rank, &new) in new.iter().enumerate() {
        for (before, &old) in old.iter().enumerate() {
            if is_one(pairs, old, new) {
                let done = pairs.is_done(old);
                found.push((-pairs.score(old, new), rank.abs_diff(before), done, old, new));
            }
        }
    }
    found.sort_unstable();
    for (.., old, new) in found {
        if pairs.new_of[old].is_none() && pairs.found.old_of[new].is_none() {
            pairs.take(old, new);
        }
    }
}

/// An entry that was removed and is there again.
fn match_gone(pairs: &mut TaskPairs<'_>, group: &SameText) {
    for &new in &group.new {
        if pairs.found.old_of[new].is_some() {
            continue;
        }
        let free = group.gone.iter().copied().filter(|&old| pairs.new_of[old].is_none());
        let back = free.filter(|&old| pairs.same_id(old, new) || pairs.same_place(old, new));
        let best = back.max_by_key(|&old| (pairs.same_id(old, new), pairs.same_place(old, new)));
        if let Some(old) = best {
            pairs.take(old, new);
        }
    }
}

/// Entries whose texts differ only by what people note on a task when it is done: a commit, a date, "done".
fn match_noted(pairs: &mut TaskPairs<'_>) {
    let is_left = |at: &usize| pairs.new_of[*at].is_none() && !pairs.old.tasks[*at].gone;
    let old: Vec<usize> = (0..pairs.old.tasks.len()).filter(is_left).collect();
    let is_free = |at: &usize| pairs.found.old_of[*at].is_none();
    let new: Vec<usize> = (0..pairs.new.tasks.len()).filter(is_free).collect();
    if old.is_empty() || new.is_empty() {
        return;
    }
    let mut groups: BTreeMap<String, SameText> = BTreeMap::new();
    for &at in &new {
        groups.entry(without_notes(&pairs.new.tasks[at].title)).or_default().new.push(at);
    }
    for &at in &old {
        if let Some(group) = groups.get_mut(&without_notes(&pairs.old.tasks[at].title)) {
            group.old.push(at);
        }
    }
    groups.retain(|text, group| !text.is_empty() && !group.old.is_empty());
    for (text, group) in groups {
        let old_text = texts(&group.old, pairs.old.tasks, &pairs.old.text);
        let new_text = texts(&group.new, pairs.new.tasks, &pairs.new.text);
        // two dates may be two tasks, so one of the two has none; another commit is the same task
        match_best(pairs, &group.old, &group.new, |pairs, old, new| {
            let ((before, before_bare), (now, now_bare)) = (&old_text[&old], &new_text[&new]);
            let same = *before == text || *now == text || before_bare == now_bare;
            same && pairs.has_witness(old, new)
        });
    }
}

/// Per entry: its text, and that without commits.
fn texts(entries: &[usize], tasks: &[KnownTask], text: &[String]) -> HashMap<usize, (String, String)> {
    entries.iter().map(|&at| (at, (text[at].clone(), without_commits(&tasks[at].title)))).collect()
}

/// What stands new and ticked below an entry that an agent works on is a part of it that is done.
fn find_parts(pairs: &mut TaskPairs<'_>) {
    for new in 0..pairs.new.tasks.len() {
        let Some(above) = pairs.new.parent[new] else { continue };
        let is_own = pairs.found.old_of[above].is_some_and(|old| pairs.standing(old) == TaskStanding::AtWork);
        let is_new = pairs.found.old_of[new].is_none() && !pairs.found.parts.contains(&new);
        if is_new && pairs.new.tasks[new].ticked && (is_own || pairs.found.parts.contains(&above)) {
            pairs.found.parts.push(new);
        }
    }
}

/// Where copies of one text became fewer, the one that is left may be the one that is not done.
fn doubt_copies(pairs: &mut TaskPairs<'_>, group: &SameText) {
    let lost: Vec<usize> = group.old.iter().copied().filter(|&old| pairs.new_of[old].is_none()).collect();
    for &new in &group.new {
        let Some(old) = pairs.found.old_of[new] else { continue };
        let done = pairs.is_done(old);
        let others = lost.iter().copied().filter(|&lost| pairs.is_done(lost) != done);
        let near = others.filter(|&lost| pairs.score(lost, new) + DOUBTFUL >= pairs.score(old, new));
        let Some(other) = near.max_by_key(|&lost| pairs.score(lost, new)) else { continue };
        let other = format!("it may also be {}", pairs.old_line(other));
        let doubt = IdentityDoubt { taken: pairs.taken(old, new), other };
        let found = &mut pairs.found;
        if done { &mut found.doubts } else { &mut found.choices }.insert(new, doubt);
    }
}
