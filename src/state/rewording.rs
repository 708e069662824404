//! PURE. Entries whose texts were changed: which of those that are gone is which of those that are new.

use std::collections::HashSet;

use super::gap_slots::GapSlots;
use super::known_task::IdentityDoubt;
use super::task_pairs::{Places, TaskPairs, TaskStanding};
use super::title_text::{SIMILAR, SharedWords, TitleWords};

/// Old entries that one new entry is compared with.
const COMPARED: usize = 40;
/// A similarity that is so much lower than the best one is none.
const ALIKE: f64 = 0.25;
/// A text that shares so much with that of another task may be a part of it.
const PART: f64 = 0.3;
/// What is enough for texts in the same place.
const IN_PLACE: f64 = 0.45;
/// So many more words may say a short title more precisely.
const MORE_WORDS: usize = 2;

/// Entries whose texts were changed and that are in the same place. `known`: entries now with a text that was there.
pub(super) fn match_reworded(pairs: &mut TaskPairs<'_>, known: &HashSet<usize>) {
    let (old, new) = left(pairs, known);
    if old.is_empty() || new.is_empty() {
        return;
    }
    let words = TitleWords::of(pairs.old.text.iter().chain(&pairs.new.text).map(String::as_str));
    for own in old {
        if pairs.standing(own) == TaskStanding::AtWork {
            match_own(pairs, &words, own, known);
        }
    }
    let (mut old, mut new) = left(pairs, known);
    old.retain(|&old| pairs.standing(old) != TaskStanding::AtWork);
    new.retain(|now| !pairs.found.parts.contains(now));
    let slots = GapSlots::new(&pairs.new_of, &pairs.found.old_of);
    let mut all: Vec<(f64, usize, usize)> = Vec::new();
    for &now in &new {
        let near = |&at: &usize| pairs.same_id(at, now) || slots.witnesses(at, now) > 0;
        for before in old.iter().copied().filter(near).take(COMPARED) {
            all.extend(alike(pairs, &words, &slots, before, now).map(|alike| (alike, before, now)));
        }
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
    for &(alike, before, now) in &all {
        if pairs.new_of[before].is_some() || pairs.found.old_of[now].is_some() {
            continue;
        }
        pairs.take(before, now);
        pairs.found.reworded.insert(now);
        if !pairs.is_done(before) {
            continue;
        }
        let close = all.iter().filter(|(other, ..)| alike - other < ALIKE);
        let split = new.iter().copied().filter(|&other| other != now && slots.witnesses(before, other) > 0);
        let split = split.map(|other| (words.shared(&pairs.old.text[before], &pairs.new.text[other]), other));
        let split = split
            .filter(|(shared, _)| shared.is_whole() || shared.both >= PART)
            .map(|(_, other)| other)
            .next();
        let merged =
            close.clone().find(|(_, old, new)| *new == now && *old != before && !pairs.is_done(*old));
        let taken = pairs.taken(before, now);
        let doubt = match (split, merged) {
            (Some(other), _) => {
                let other = &pairs.new.tasks[other];
                format!("that task may also be `{} {}`", other.id, other.title)
            }
            (_, Some((_, other, _))) => format!("it may also be {}", pairs.old_line(*other)),
            (None, None) => continue,
        };
        pairs.found.doubts.insert(now, IdentityDoubt { taken, other: doubt });
    }
}

/// The entries without a counterpart whose texts are on their own side only.
fn left(pairs: &TaskPairs<'_>, known: &HashSet<usize>) -> (Vec<usize>, Vec<usize>) {
    let here: HashSet<&str> = pairs.new.text.iter().map(String::as_str).collect();
    let is_left = |at: &usize| {
        let is_here = here.contains(pairs.old.text[*at].as_str());
        pairs.new_of[*at].is_none() && !pairs.old.tasks[*at].gone && !is_here
    };
    let free = |at: &usize| pairs.found.old_of[*at].is_none() && !known.contains(at);
    let old = (0..pairs.old.tasks.len()).filter(is_left).collect();
    (old, (0..pairs.new.tasks.len()).filter(free).collect())
}

/// How alike two titles are, if that is enough for their places. A task that is done needs more than one that is not:
/// a mistake would leave out work.
fn alike(pairs: &TaskPairs<'_>, words: &TitleWords, slots: &GapSlots, old: usize, new: usize) -> Option<f64> {
    let (same_id, witnesses) = (pairs.same_id(old, new), slots.witnesses(old, new));
    let shared = words.shared(&pairs.old.text[old], &pairs.new.text[new]);
    if is_more_precise(pairs, &shared, witnesses, old, new) {
        return Some(SIMILAR + 0.1 + shared.both / 10.0);
    }
    let needed = match (same_id, witnesses) {
        (true, 0) => 0.7,
        (true, _) => IN_PLACE,
        (false, 2) => SIMILAR,
        (false, _) => 0.75,
    };
    let done = pairs.is_done(old);
    let needed = if done { f64::max(needed, SIMILAR) } else { needed };
    // a part of a done task may be what is left to do of it
    if done && shared.both < 0.5 {
        return None;
    }
    let place = f64::from(witnesses) * 0.05 + if same_id { 0.1 } else { 0.0 };
    let alike = shared.similarity();
    (alike >= needed).then_some(alike + place)
}

/// Whether a title says what the other one says with a word more, and number, place and neighbours are the same.
fn is_more_precise(
    pairs: &TaskPairs<'_>,
    shared: &SharedWords,
    witnesses: u32,
    old: usize,
    new: usize,
) -> bool {
    let placed = pairs.old.tasks[old].placed_id && pairs.new.tasks[new].placed_id;
    (pairs.same_id(old, new) || placed)
        && witnesses == 2
        && pairs.places(old, new) == Places::Same
        && shared.has_all_of_first
        && shared.only_in_second <= MORE_WORDS
}

/// The entry of the task that an agent works on, changed by the agent: moved, with a note, in other words. What the agent
/// may have split off from it, or added to it, was not given to anybody: that is new work, unless it is ticked.
fn match_own(pairs: &mut TaskPairs<'_>, words: &TitleWords, own: usize, known: &HashSet<usize>) {
    let (lost, new) = left(pairs, known);
    let slots = GapSlots::new(&pairs.new_of, &pairs.found.old_of);
    let ticked = |now: usize| pairs.new.tasks[now].ticked;
    let text = &pairs.old.text[own];
    let like = |now: usize| -> Option<(usize, SharedWords)> {
        let mut shared = words.shared(text, &pairs.new.text[now]);
        let longer = pairs.new.text[now].strip_prefix(text.as_str());
        shared.has_all_of_first |= longer.is_some_and(|rest| rest.starts_with(' '));
        let in_place = pairs.same_id(own, now) || slots.witnesses(own, now) == 2;
        let near = in_place || slots.witnesses(own, now) > 0 || pairs.places(own, now) == Places::Same;
        let is_like = shared.is_whole() || shared.both >= IN_PLACE || in_place && shared.both >= PART;
        let from_afar = ticked(now) || shared.has_all_of_first && text.contains(' ');
        (is_like && (near || from_afar)).then_some((now, shared))
    };
    let like: Vec<(usize, SharedWords)> =
        new.iter().copied().filter(|now| !pairs.found.parts.contains(now)).filter_map(like).collect();
    let by_both = |a: &&(usize, SharedWords), b: &&(usize, SharedWords)| a.1.both.total_cmp(&b.1.both);
    let best = like.iter().filter(|(now, _)| ticked(*now)).max_by(by_both).map(|(now, _)| *now);
    let mut whole = like.iter().filter(|(_, shared)| shared.has_all_of_first);
    let open = match (whole.next(), whole.next(), like.as_slice()) {
        (Some((now, _)), None, _) | (None, _, [(now, _)]) => Some(*now),
        _ => None,
    };
    // the text of another open task is in it, too
    let takes_in = |now: usize, other: usize| {
        let shared = words.shared(&pairs.old.text[other], &pairs.new.text[now]);
        shared.is_whole() || shared.both >= IN_PLACE
    };
    let is_other = |&other: &usize| other != own && pairs.standing(other) == TaskStanding::Open;
    let is_alone = |now: usize| !lost.iter().copied().filter(is_other).any(|other| takes_in(now, other));
    let taken = best.or_else(|| open.filter(|&now| is_alone(now)));
    // in quite other words, but ticked, and nothing else is in its place
    let mut here = new.iter().copied().filter(|&now| slots.witnesses(own, now) == 2);
    let alone = match (here.next(), here.next()) {
        (Some(now), None) if like.is_empty() && ticked(now) => Some(now),
        _ => None,
    };
    let Some(taken) = taken.or(alone) else { return };
    let parts: Vec<usize> =
        like.iter().map(|(now, _)| *now).filter(|&now| now != taken && ticked(now)).collect();
    pairs.take(own, taken);
    pairs.found.reworded.insert(taken);
    pairs.found.parts.extend(parts);
}
