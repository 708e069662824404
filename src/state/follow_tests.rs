//! What stays known of a task when tasks.md changes.

use std::collections::BTreeSet;

use super::known_task::SeenTasks;
use super::spec_state::SpecState;
use super::task_moves::TaskMoves;
use super::testing::{at, attempt};
use super::unit::UnitState;
use crate::spec::{Dialect, parse, parse_as};

fn seen(text: &str) -> SeenTasks {
    SeenTasks::of(&parse(text), true)
}

/// A list without boxes.
fn numbered(text: &str) -> SeenTasks {
    SeenTasks::of(&parse_as(text, Some(Dialect::Numbered)), true)
}

/// The state after these tasks of a file were done, each as a unit; their boxes are ticked where `ticked` is the file then.
fn after(before: &str, done: &[&str], ticked: &str) -> SpecState {
    let mut state = SpecState::default();
    state.follow(&seen(before), false);
    finish(&mut state, done);
    state.follow(&seen(ticked), true);
    state
}

fn finish(state: &mut SpecState, done: &[&str]) {
    for id in done {
        let title = state.entries.iter().find(|task| task.id == *id).unwrap().title.clone();
        let mut unit = UnitState { title, ..UnitState::default() };
        unit.attempts.push(attempt(1, Some(super::Outcome::Done)));
        state.units.insert((*id).to_owned(), unit);
        state.done(at(0), id, &[(*id).to_owned()]);
        state.ticked(&[(*id).to_owned()]);
    }
}

fn completed(state: &SpecState) -> Vec<&str> {
    state.completed.iter().map(String::as_str).collect()
}

fn follow(state: &mut SpecState, text: &str) -> TaskMoves {
    state.follow(&seen(text), false)
}

const THREE: &str = "- [ ] 1. Build the store\n- [ ] 2. Draw the icons\n- [ ] 3. Ship\n";

#[test]
fn a_new_text_under_the_number_of_a_done_task_is_work() {
    let mut state = after(THREE, &["1", "2"], &THREE.replacen("[ ]", "[x]", 2));
    let moves = follow(&mut state, "- [x] 1. Draw the icons\n- [ ] 2. Write the login\n- [ ] 3. Ship\n");
    assert_eq!(completed(&state), ["1~1", "1"]);
    assert_eq!(moves.was.get("1").map(String::as_str), Some("2"));
    assert_eq!(moves.reused.get("2"), Some(&("Draw the icons".to_owned(), Some("1".to_owned()))));
    assert_eq!(state.folder("1"), "2", "its logs stay where they are");
    assert_eq!(state.new_folder("2").as_deref(), Some("2~2"));
}

#[test]
fn swapped_and_renumbered_tasks_keep_their_state() {
    let done = THREE.replacen("[ ]", "[x]", 1);
    let mut state = after(THREE, &["1"], &done);
    state.assign_by_hand(at(0), "2", None, Some("codex"));
    follow(&mut state, "- [ ] 1. Draw the icons\n- [x] 2. Build the store\n- [ ] 3. Ship\n");
    assert_eq!(completed(&state), ["2"]);
    assert!(state.assignments.contains_key("1") && !state.assignments.contains_key("2"));
    follow(&mut state, "- [ ] T5. Draw the icons\n- [ ] T7. Ship\n- [x] T9. Build the store\n");
    assert_eq!(completed(&state), ["T9"]);
    assert_eq!(state.units.keys().map(String::as_str).collect::<Vec<_>>(), ["T9"]);
    assert_eq!(state.folder("T9"), "1");
}

#[test]
fn case_markdown_and_punctuation_change_nothing() {
    let mut state = after(THREE, &["1"], &THREE.replacen("[ ]", "[x]", 1));
    let text = "- [x] 1. **Build** the `store`.\r\n- [ ] 2. Draw the icons\r\n- [ ] 3. Ship\r\n";
    let moves = follow(&mut state, text);
    assert_eq!((completed(&state), moves.was.len(), moves.reworded.len()), (vec!["1"], 0, 0));
}

#[test]
fn a_reworded_task_stays_itself_and_a_rewritten_one_does_not() {
    let three = "1. Build the store\n2. Draw the icons\n3. Ship\n";
    let mut state = SpecState::default();
    state.follow(&numbered(three), false);
    finish(&mut state, &["1", "2"]);
    let text = "1. Build the store on disk\n2. Zeichne die Symbole\n3. Ship\n";
    let moves = state.follow(&numbered(text), false);
    assert_eq!(completed(&state), ["1", "2~1"]);
    assert_eq!(moves.reworded.get("1").map(String::as_str), Some("Build the store"));
    assert_eq!(moves.reused.get("2"), Some(&("Draw the icons".to_owned(), None)));
}

#[test]
fn equal_texts_in_two_sections_are_two_tasks() {
    let text = "## Api\n- [ ] Write tests\n- [ ] Ship\n## Ui\n- [ ] Write tests\n- [ ] Draw\n";
    let mut state = after(text, &["1"], &text.replacen("[ ]", "[x]", 1));
    // the sections change places, and a box is added before all
    let turned = "## Ui\n- [ ] New\n- [ ] Write tests\n- [ ] Draw\n## Api\n- [x] Write tests\n- [ ] Ship\n";
    follow(&mut state, turned);
    assert_eq!(completed(&state), ["4"]);
    // one of them is removed
    follow(&mut state, "## Ui\n- [ ] Write tests\n- [ ] Draw\n## Api\n- [ ] Ship\n");
    assert!(!state.completed.contains(&"1".to_owned()), "{:?}", state.completed);
}

#[test]
fn a_short_title_in_other_words_stays_itself_in_its_place() {
    let list = "- [x] 1. Write the writer\n- [x] 2. Write the reader\n- [ ] 3. Write tests\n- [ ] 4. Ship\n";
    for (from, to) in [
        ("Write the reader", "Write the CSV reader"),
        ("Write the reader", "Implement the reader"),
        ("Write the reader", "Write a reader for XML"),
        ("Write tests", "Write unit tests"),
        ("Ship", "Ship it"),
    ] {
        let after_all = list.replace("[ ]", "[x]");
        for bare in [false, true] {
            let form = |text: &str| {
                if bare {
                    text.replace("1. ", "").replace("2. ", "").replace("3. ", "").replace("4. ", "")
                } else {
                    text.to_owned()
                }
            };
            let mut state = after(&form(list), &["1", "2", "3", "4"], &form(&after_all));
            let moves = follow(&mut state, &form(&after_all.replace(from, to)));
            assert_eq!(completed(&state), ["1", "2", "3", "4"], "{from} {to} {bare}");
            assert_eq!(moves.reworded.len(), 1);
        }
    }
    // another noun, or much more work, is another task
    for to in ["Write the parser", "Test the mailer", "Migrate all users to the reader of the new archive"] {
        let mut state = after(list, &["2"], list);
        follow(&mut state, &list.replace("Write the reader", to));
        assert_eq!(completed(&state), ["2~1"], "{to}");
    }
}

#[test]
fn a_long_text_is_its_own_witness_while_its_box_stays() {
    let long = "Check the index of the gateway against the archive";
    let before = format!("## First\n- [ ] Write tests\n\n## Second\n- [ ] Draw the icons\n- [ ] {long}\n");
    let elsewhere = |mark: char, title: &str| format!("## Third\n- [ ] Paint\n- [{mark}] {title}\n");
    // done, and not ticked yet
    let mut state = after(&before, &["3"], &before);
    follow(&mut state, &elsewhere(' ', long));
    assert_eq!(completed(&state), ["2"]);
    // it was ticked, and a new list has it open
    let mut state = after(&before, &["3"], &before.replace(&format!("[ ] {long}"), &format!("[x] {long}")));
    follow(&mut state, &elsewhere(' ', long));
    assert_eq!(completed(&state), ["3"]);
    // few words are written twice by chance, but not ticked twice
    let mut state = after(&before, &["2"], &before);
    follow(&mut state, &elsewhere(' ', "Draw the icons"));
    assert_eq!(completed(&state), ["2~1"]);
    let mut state = after(&before, &["2"], &before);
    follow(&mut state, "## Third\n- [x] Draw the icons\n- [ ] Paint\n");
    assert_eq!(completed(&state), ["1"]);
}

#[test]
fn a_copy_that_is_added_is_not_taken_for_the_task_that_was_just_ticked() {
    let before = "- [ ] 1. Draw\n- [ ] 2. Write tests\n";
    let mut state = after(before, &["2"], before);
    follow(&mut state, "- [ ] 1. Draw\n- [x] 2. Write tests\n- [ ] 3. Write tests\n");
    assert_eq!(completed(&state), ["2"]);
}

#[test]
fn a_copy_elsewhere_is_not_the_part_that_was_removed() {
    let before = "- [ ] 1. Api\n  - [ ] 1.1 Tests\n- [ ] 2. Ship\n";
    let mut state = after(before, &["1", "1.1"], &before.replacen("[ ]", "[x]", 2));
    follow(&mut state, "- [ ] 2. Ship\n");
    follow(&mut state, "- [ ] 2. Ship\n- [ ] 3. Tests\n");
    assert_eq!(completed(&state), ["1", "1.1"]);
}

#[test]
fn parts_with_equal_texts_follow_their_tasks() {
    let text = "- [ ] 1. Api\n  - [ ] 1.1 Code\n  - [ ] 1.2 Tests\n- [ ] 2. Ui\n  - [ ] 2.1 Code\n  - [ ] 2.2 Tests\n";
    let ticked = text.replacen("[ ]", "[x]", 3);
    let mut state = after(text, &["1", "1.1", "1.2"], &ticked);
    let swapped = "- [ ] 1. Ui\n  - [ ] 1.1 Code\n  - [ ] 1.2 Tests\n- [x] 2. Api\n  - [x] 2.1 Code\n  - [x] 2.2 Tests\n";
    follow(&mut state, swapped);
    assert_eq!(completed(&state), ["2", "2.1", "2.2"]);
}

#[test]
fn one_of_two_equal_tasks_is_removed_and_a_person_decides() {
    let mut state = SpecState::default();
    state.follow(&numbered("1. Write tests\n2. Write tests\n3. Ship\n"), false);
    finish(&mut state, &["1"]);
    let text = numbered("1. Write tests\n2. Ship\n");
    state.follow(&text, false);
    let doubtful: Vec<&str> = state.doubtful().iter().map(|task| task.id.as_str()).collect();
    assert_eq!(doubtful, ["1"]);
    let doubt = state.doubtful()[0].doubt.clone().unwrap();
    assert!(doubt.taken.contains("`1 Write tests`, which is done (the same number"), "{doubt:?}");
    assert!(doubt.other.contains("`2 Write tests`, which is not done"), "{doubt:?}");
    // it is not forgotten by another look
    state.follow(&text, false);
    assert_eq!(state.doubtful().len(), 1);
    assert_eq!(state.places_of(&text, &["1".to_owned()]), [], "no box is ticked");
    state.decided(&["1".to_owned()], None);
    state.follow(&text, false);
    assert_eq!(state.doubtful().len(), 0);
}

#[test]
fn a_done_task_that_is_split_without_boxes_is_in_doubt() {
    let mut state = SpecState::default();
    state.follow(&numbered("1. Write the login and the logout\n2. Ship\n"), false);
    finish(&mut state, &["1"]);
    state.follow(&numbered("1. Write the login\n2. Write the logout\n3. Ship\n"), false);
    assert_eq!(state.doubtful().len(), 1, "{:?}", state.entries);
    assert!(!state.completed.contains(&"2".to_owned()));
}

#[test]
fn a_box_that_a_person_opens_again_is_work_again() {
    let text = "- [ ] 1. Api\n  - [ ] 1.1 Code\n  - [ ] 1.2 Tests\n- [ ] 2. Ui\n";
    let all = text.replace("[ ]", "[x]");
    let mut state = after(text, &["1", "1.1", "1.2", "2"], &all);
    let opened = all.replacen("[x] 1.2", "[ ] 1.2", 1);
    let mut in_run = state.clone();
    let moves = in_run.follow(&seen(&opened), true);
    assert_eq!((moves.opened, completed(&in_run).len()), (vec!["1.2".to_owned()], 4));
    assert!(in_run.follow(&seen(&opened), false).reopened.is_empty(), "it was reported");
    let moves = follow(&mut state, &opened);
    assert_eq!(moves.reopened, ["1.2"]);
    assert_eq!(completed(&state), ["1.1", "2"]);
    assert_eq!(state.reopened, BTreeSet::from(["1.2".to_owned()]));
    state.done(at(1), "1", &["1".to_owned(), "1.2".to_owned()]);
    assert!(state.reopened.is_empty());
}

#[test]
fn who_opens_only_the_box_of_a_whole_wants_all_parts_again() {
    let text = "- [ ] 1. Api\n  - [ ] 1.1 Code\n  - [ ] 1.2 Tests\n";
    let all = text.replace("[ ]", "[x]");
    let mut state = after(text, &["1", "1.1", "1.2"], &all);
    follow(&mut state, &all.replacen("[x] 1.", "[ ] 1.", 1));
    assert!(completed(&state).is_empty());
    assert_eq!(state.reopened.len(), 2);
    assert!(state.trusted_ticks(&seen(&all).ticked()).iter().all(|id| id == "1"));
}

#[test]
fn boxes_that_are_not_there_or_not_trusted_were_not_opened() {
    let all = THREE.replace("[ ]", "[x]");
    let mut state = after(THREE, &["1", "2", "3"], &all);
    let untrusted = SeenTasks::of(&parse(&all), false);
    state.follow(&untrusted, false);
    state.follow(&numbered(&THREE.replace("- [ ] ", "")), false);
    assert_eq!(completed(&state).len(), 3);
}

#[test]
fn a_task_that_comes_back_is_the_task_that_it_was() {
    let ticked = THREE.replacen("[ ]", "[x]", 1);
    let mut state = after(THREE, &["1"], &ticked);
    follow(&mut state, "- [ ] 1. Draw the icons\n- [ ] 2. Ship\n");
    assert_eq!(completed(&state), ["1~1"]);
    follow(&mut state, &ticked);
    assert_eq!(completed(&state), ["1"]);
    assert_eq!((state.units.len(), state.folder("1")), (1, "1"));
}

#[test]
fn an_older_state_gets_its_titles_where_that_is_safe() {
    let ticked = THREE.replacen("[ ]", "[x]", 2);
    let mut state = SpecState { completed: vec!["1".into(), "2".into()], ..SpecState::default() };
    follow(&mut state, &ticked);
    assert_eq!((completed(&state), state.entries.len()), (vec!["1", "2"], 3));
    // a unit knows its title, so a renumbered file shows
    let mut state = SpecState { completed: vec!["1".into(), "2".into()], ..SpecState::default() };
    for (id, title) in [("1", "Build the store"), ("2", "Draw the icons")] {
        state.units.insert(id.into(), UnitState { title: title.into(), ..UnitState::default() });
    }
    follow(&mut state, "- [ ] 1. Draw the icons\n- [ ] 2. Write the login\n");
    assert_eq!(completed(&state), ["1~1", "1"]);
}

#[test]
fn the_box_of_the_task_itself_is_found_wherever_it_is() {
    let mut state = SpecState::default();
    state.follow(&seen(THREE), false);
    let place = |text: &str| {
        let seen = seen(text);
        let ids = ["2".to_owned()];
        state.places_of(&seen, &ids).first().map(|(_, at)| seen.tasks[*at].title.clone())
    };
    let icons = Some("Draw the icons".to_owned());
    assert_eq!(place("- [ ] 1. Draw the icons\n- [ ] 2. Ship\n"), icons);
    assert_eq!(
        place("- [ ] 1. Build the store\n- [ ] 2. New\n- [ ] 3. Draw the icons\n- [ ] 4. Ship\n"),
        icons
    );
    assert_eq!(place("- [ ] 1. Build the store\n- [ ] 2. Something else\n- [ ] 3. Ship\n"), None);
}
