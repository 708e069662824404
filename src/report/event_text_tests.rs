use super::super::notice::{NamedTask, PauseKind, TaskEdits};
use super::*;
use crate::state::ConfigOutcome;

#[test]
fn a_hostile_title_stays_on_its_line_and_sends_no_escape_sequence() {
    let what = EventKind::StepStarted {
        role: crate::agent::AttemptRole::Work,
        tries: 2,
        resumes: Some(ResumeReason::Retry),
        unit: "1".into(),
        title: "a\x1b]0;x\x07\nb".into(),
        attempt: 2,
        backend: None,
        iteration: 3,
        left: 4,
    };
    assert_eq!(
        line(&what, Some(50), &TimeZone::UTC),
        "▶ 1 a b  (iteration 3/50, 4 tasks left, attempt 2, resumes its session)"
    );
}

#[test]
fn a_line_about_a_long_question_has_the_question() {
    let long = format!("{}Which of both do you want?", "I compared their fees and their terms. ".repeat(20));
    let parked = EventKind::StepEnded {
        unit: "2".into(),
        title: "Pay".into(),
        attempt: 1,
        backend: None,
        model: None,
        usage: None,
        outcome: Outcome::Halted { question: long.clone() },
        says: "halted with a question".into(),
        took_ms: 1000,
        next: NextKind::Parked,
        attempts_left: None,
        own_commits: Vec::new(),
    };
    let need = NeedRecord {
        kind: NeedKind::Question,
        task: Some("2".into()),
        title: "Pay".into(),
        reason: long.clone(),
        since: Timestamp::UNIX_EPOCH,
        command: "seqorch resume shop --answer".into(),
    };
    let needs = EventKind::NeedsHuman {
        unit: Some("2".into()),
        why: EndKind::Halted,
        reason: long.clone(),
        needs: vec![need],
    };
    let halted = EventKind::Halted { unit: "2".into(), question: long, needs: Vec::new() };
    for (what, says) in [
        (parked, "‖ task 2 asks, parked until you answer (ran 1s): Which of both do you want?"),
        (needs, "✗ task 2 asks: Which of both do you want?"),
        (halted, "‖ task 2 asks: Which of both do you want?"),
    ] {
        assert_eq!(line(&what, None, &TimeZone::UTC), says);
    }
}

#[test]
fn every_event_has_a_line_without_escape_sequences() {
    let evil = "x\x1b]0;evil\x07\x1b[2J\u{9b}1m";
    let hostile = evil.to_owned();
    let all = [
        EventKind::Waiting {
            why: PauseKind::Limit,
            reason: hostile.clone(),
            unit: None,
            until: Some(Timestamp::UNIX_EPOCH),
        },
        EventKind::Paused { until: None, by: Some(hostile.clone()) },
        EventKind::Skipped { ids: vec![hostile.clone()] },
        EventKind::Assigning { units: 2, backend: hostile.clone() },
        EventKind::Assigned {
            by: hostile.clone(),
            found: serde_json::json!({ evil: { "owner_agent": evil } }),
            missing: vec![hostile.clone()],
            complaints: vec![hostile.clone()],
        },
        EventKind::ForeignTicks { ids: vec![hostile.clone()] },
        EventKind::OpenedBoxes { ids: vec![hostile.clone()] },
        EventKind::RemovedTasks { tasks: vec![NamedTask { id: hostile.clone(), title: hostile.clone() }] },
        EventKind::ConfigChanged { became: ConfigOutcome::Broken { problems: vec![hostile.clone()] } },
        EventKind::ConfigChanged {
            became: ConfigOutcome::NotTrusted { settings: vec![hostile.clone()], command: hostile.clone() },
        },
        EventKind::TasksChanged {
            edits: TaskEdits {
                added: vec![NamedTask { id: hostile.clone(), title: hostile.clone() }],
                ..TaskEdits::default()
            },
        },
        EventKind::Unconfirmed { ids: vec![hostile.clone()] },
        EventKind::Halted { unit: hostile.clone(), question: hostile.clone(), needs: Vec::new() },
        EventKind::NeedsHuman {
            unit: Some(hostile.clone()),
            why: EndKind::Stuck,
            reason: hostile.clone(),
            needs: Vec::new(),
        },
        EventKind::Committed {
            unit: hostile.clone(),
            commit: Some(hostile.clone()),
            files: 1,
            insertions: 1,
            deletions: 0,
        },
        EventKind::RunEnded {
            spec: hostile.clone(),
            why: EndKind::Stuck,
            exit_code: 2,
            unit: None,
            reason: None,
            failed: vec![hostile.clone()],
            blocked: Vec::new(),
            left: 1,
            resume_at: None,
            not_pushed: None,
            took_ms: 1,
            left_out: Vec::new(),
            changes: None,
            needs: Vec::new(),
        },
        EventKind::StepEnded {
            unit: hostile.clone(),
            title: hostile.clone(),
            attempt: 1,
            backend: None,
            model: None,
            usage: None,
            outcome: Outcome::Lost,
            says: hostile,
            took_ms: 1,
            next: NextKind::Plain,
            attempts_left: None,
            own_commits: Vec::new(),
        },
    ];
    for what in all {
        let line = line(&what, None, &TimeZone::UTC);
        assert!(line.contains('x') && !line.contains("evil"), "{line:?}");
        assert!(!line.contains(|c: char| c.is_control() && c != '\n'), "{line:?}");
    }
}
