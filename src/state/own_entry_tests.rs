//! What stays known of the task that an agent works on when the agent edits its entry.

use super::known_task::SeenTasks;
use super::spec_state::SpecState;
use super::task_moves::TaskMoves;
use super::testing::{at, attempt};
use super::unit::{UnitState, UnitStatus};
use crate::spec::parse;

fn seen(text: &str) -> SeenTasks {
    SeenTasks::of(&parse(text), true)
}

/// An agent works on the task with this title, and leaves the file like this. Gives what the state then calls done, by
/// titles, and what became of the file.
fn worked(before: &str, title: &str, after: &str) -> (Vec<String>, TaskMoves) {
    let mut state = SpecState::default();
    state.follow(&seen(before), false);
    let id = state.entries.iter().find(|task| task.title == title).unwrap().id.clone();
    let mut record = attempt(1, None);
    record.completes = vec![id.clone()];
    let unit = UnitState { status: UnitStatus::Running, attempts: vec![record], ..UnitState::default() };
    state.units.insert(id.clone(), unit);
    let moves = state.follow(&seen(after), true);
    let (unit, completes) = state.running().map(|(unit, a)| (unit.to_owned(), a.completes.clone())).unwrap();
    state.units.get_mut(&unit).unwrap().attempts[0].outcome = Some(super::Outcome::Done);
    state.done(at(1), &unit, &completes);
    let here = state.entries.iter().filter(|task| !task.gone && state.completed.contains(&task.id));
    (here.map(|task| task.title.clone()).collect(), moves)
}

const BOARD: &str =
    "# Board\n## In work\n- [ ] Sort it\n## Up next\n- [ ] Add a test\n## Done\n- [x] Choose\n";

#[test]
fn a_card_that_its_agent_moves_stays_itself() {
    for card in [
        "- [x] Sort it",
        "- [ ] Sort it",
        "- [x] ~~Sort it~~ ✅",
        "- [x] Sort it — done 2026-02-01 (0f326fb)",
        "- [x] (2026-02-01 10:00Z) Sort it",
        "- [x] Sort it by date, with a test",
    ] {
        for column in ["## Done", "## Erledigt am Montag"] {
            let rest = "# Board\n## In work\n## Up next\n- [ ] Add a test\n## Done\n- [x] Choose\n";
            let after = if column == "## Done" {
                format!("{rest}{card}\n")
            } else {
                format!("{rest}{column}\n{card}\n")
            };
            let (done, moves) = worked(BOARD, "Sort it", &after);
            assert_eq!(done.len(), 1, "{after}{done:?}");
            assert!(done[0].contains("Sort it"), "{after}{done:?}");
            assert!(moves.removed.is_empty(), "{moves:?}");
        }
    }
}

#[test]
fn a_note_behind_a_short_title_changes_no_task() {
    let before = "## Phase 1\n- [ ] Task: Find\n- [ ] Task: Draw\n## Phase 2\n- [ ] Task: Ship\n";
    for note in
        ["0f326fb", "[0f326fb]", "(done)", "✅ 2026-02-01", "- merged in #12", "(see src/draw.rs, 14 tests)"]
    {
        let after = before.replace("[ ] Task: Draw", &format!("[x] Task: Draw {note}"));
        let (done, _) = worked(before, "Task: Draw", &after);
        assert_eq!(done.len(), 1, "{after}");
    }
    // a person amends the commit later
    let mut state = SpecState::default();
    let noted = |commit: &str| seen(&before.replace("[ ] Task: Draw", &format!("[x] Task: Draw {commit}")));
    state.follow(&noted("0f326fb"), false);
    state.complete(&["2".to_owned()]);
    state.follow(&noted("a1b2c3d"), false);
    assert_eq!(state.completed, ["2"]);
}

#[test]
fn a_text_in_other_words_is_its_own_where_its_agent_ticked_it() {
    let before = "- [ ] 1. Write the reader\n- [ ] 2. Draw\n- [ ] 3. Ship\n";
    let (done, _) = worked(before, "Draw", &before.replace("[ ] 2. Draw", "[x] 2. Icons are painted"));
    assert_eq!(done, ["Icons are painted"]);
    // open, it is new work under the number
    let (done, moves) = worked(before, "Draw", &before.replace("2. Draw", "2. Measure the mailer"));
    assert!(done.is_empty() && moves.reused.contains_key("2"), "{done:?}");
}

#[test]
fn parts_of_a_task_that_its_agent_split_are_work_unless_they_are_ticked() {
    let before = "- [ ] 1. Write the login and the logout\n- [ ] 2. Ship\n";
    let split = |one: char, two: char| {
        format!("- [{one}] 1. Write the login\n- [{two}] 2. Write the logout\n- [ ] 3. Ship\n")
    };
    for (one, two, expected) in [
        (' ', ' ', &[][..]),
        ('x', ' ', &["Write the login"]),
        (' ', 'x', &["Write the logout"]),
        ('x', 'x', &["Write the login", "Write the logout"]),
    ] {
        let (done, moves) = worked(before, "Write the login and the logout", &split(one, two));
        assert_eq!(done, expected, "{one}{two}");
        assert!(moves.removed.is_empty(), "{moves:?}");
    }
    // parts below the entry: its text is still there, and they are new
    let below =
        "- [ ] 1. Write the login and the logout\n  - [x] 1.1 Login\n  - [ ] 1.2 Logout\n- [ ] 2. Ship\n";
    let (done, _) = worked(before, "Write the login and the logout", below);
    assert_eq!(done, ["Write the login and the logout", "Login"]);
}

#[test]
fn an_entry_into_which_its_agent_puts_other_open_work_is_new() {
    let before = "- [ ] 1. Write the login\n- [ ] 2. Write the logout\n- [ ] 3. Ship\n";
    let after = "- [ ] 1. Write the login and the logout\n- [ ] 2. Ship\n";
    let (done, moves) = worked(before, "Write the login", after);
    assert!(done.is_empty(), "{done:?}");
    // the other task is in it, in other words
    assert!(moves.removed.is_empty() && moves.was.get("1").is_some_and(|was| was == "2"), "{moves:?}");
}

#[test]
fn open_work_of_others_that_an_agent_removes_or_strikes_out_is_reported() {
    let before = "- [ ] 1. Write\n- [ ] 2. Draw\n- [ ] 3. Ship\n- [x] 4. Plan\n";
    for after in [
        "- [x] 1. Write\n- [ ] 2. Ship\n",
        "- [x] 1. Write\n- [ ] ~~2. Draw~~\n- [ ] 3. Ship\n- [x] 4. Plan\n",
        "- [x] 1. Write\n- [ ] 2. Draw the icons of the gateway, twice\n- [ ] 3. Ship\n- [x] 4. Plan\n",
    ] {
        let (done, moves) = worked(before, "Write", after);
        assert_eq!(done, ["Write"]);
        let wanted: &[(String, String)] =
            if after.contains("icons") { &[] } else { &[("2".to_owned(), "Draw".to_owned())] };
        assert_eq!(moves.removed, wanted, "{after}");
    }
}
