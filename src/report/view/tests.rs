//! Screens of every size, made from states and events, without a terminal and without waiting.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::draw::text_of;
use super::*;
use crate::agent::limit::LimitKind;
use crate::agent::{AgentEvent, Usage};
use crate::plan::testing::PlanCase;
use crate::plan::{self, Plan, UnitInfo};
use crate::report::counts as report_counts;
use crate::report::events::{EventKind, EventRecord};
use crate::report::needs;
use crate::report::notice::PauseKind;
use crate::state::{
    AttemptRecord, CommitRefused, Counts, End, EndKind, Learned, Limited, Outcome, SpecState, UnitState,
    UnitStatus, counts,
};

static UTC: TimeZone = TimeZone::UTC;

const HOSTILE: &str = "\u{1b}]0;evil\u{7}\u{1b}[2Jhi\u{9b}1m\u{202e}\r\n\tthere";

pub(super) fn at(seconds: i64) -> Timestamp {
    // 22:00:00 in UTC
    Timestamp::from_second(1_767_304_800 + seconds).unwrap()
}

/// A spec with a state, events and an agent at work, seen at a moment.
struct Scene {
    plan: Plan,
    units: Vec<UnitInfo>,
    state: SpecState,
    run: Option<LiveRun>,
    live: Option<LiveAttempt>,
    events: Vec<EventRecord>,
    summary: Option<String>,
    trouble: Option<&'static str>,
    has_bad_tasks: bool,
    now: i64,
}

impl Scene {
    /// Units `1`, `2`, … of which the first `done` are done, each in five minutes.
    fn new(count: usize, done: usize) -> Self {
        let text: Vec<String> = (1..=count).map(|n| n.to_string()).collect();
        Self::of(&text.join("\n"), done)
    }

    fn of(text: &str, done: usize) -> Self {
        let mut state = SpecState::default();
        for n in 1..=done {
            let id = n.to_string();
            let begin = i64::try_from(n).unwrap() * 300;
            let usage =
                Usage { input: Some(12_000), output: Some(300), cost_usd: Some(0.1), ..Usage::default() };
            let learned = Learned { usage: Some(usage), model: Some("opus".into()), ..Learned::default() };
            let attempt = AttemptRecord {
                ended_at: Some(at(begin)),
                outcome: Some(Outcome::Done),
                learned,
                ..attempt(1, begin - 300)
            };
            let unit =
                UnitState { status: UnitStatus::Done, attempts: vec![attempt], ..UnitState::default() };
            state.units.insert(id.clone(), unit);
            state.completed.push(id);
        }
        state.sum_up();
        let ids: Vec<&str> = state.completed.iter().map(String::as_str).collect();
        let case = PlanCase::new(text).completed(&ids);
        let units = plan::units(&case.tasks, case.config.run.granularity);
        let plan = case.plan();
        let now = i64::try_from(done).unwrap() * 300;
        Self {
            plan,
            units,
            state,
            run: None,
            live: None,
            events: Vec::new(),
            summary: None,
            trouble: None,
            has_bad_tasks: false,
            now,
        }
    }

    /// A run is active and has written its start to the log.
    fn held(mut self) -> Self {
        self.run = Some(LiveRun { pid: 4711, since: at(0) });
        let steps = self.plan.steps.iter().map(|s| s.unit.clone()).collect();
        self.event(0, EventKind::RunStarted { spec: "login".into(), pid: 4711, steps });
        self
    }

    /// An agent has worked on the next unit for this many seconds.
    fn working(mut self, seconds: i64) -> Self {
        let unit = self.plan.steps[0].unit.clone();
        let started = self.now;
        let state = UnitState {
            status: UnitStatus::Running,
            attempts: vec![attempt(1, started)],
            ..UnitState::default()
        };
        self.state.units.insert(unit.clone(), state);
        self.now += seconds;
        let mut live = LiveAttempt {
            alive: true,
            total: Some(Duration::from_secs(7200)),
            idle: Some(Duration::from_secs(1800)),
            first_output: Some(Duration::from_secs(600)),
            last_output: Some(at(self.now - 4)),
            output: RecentOutput::default(),
        };
        let words = "I add the route.\nThen I run its tests.";
        live.output.take(&AgentEvent::Session { id: "s".into(), model: Some("opus".into()) });
        live.output.take(&AgentEvent::Text { text: words.into(), continues: false });
        live.output.take(&AgentEvent::ToolCall {
            name: "Bash".into(),
            target: "cargo test".into(),
            subagent: false,
        });
        self.live = Some(live);
        let title = format!("Do {unit}");
        self.event(
            started,
            EventKind::StepStarted {
                role: crate::agent::AttemptRole::Work,
                tries: 1,
                unit,
                title,
                attempt: 1,
                backend: Some("claude".into()),
                resumes: None,
                iteration: 1,
                left: self.plan.steps.len(),
            },
        );
        self
    }

    /// The run has written its end to the log.
    fn ended(mut self, seconds: i64, why: EndKind, failed: Vec<String>, blocked: Vec<String>) -> Self {
        let end = EventKind::RunEnded {
            spec: "login".into(),
            why,
            exit_code: if failed.is_empty() { 0 } else { 2 },
            unit: failed.first().cloned(),
            reason: None,
            left: failed.len() + blocked.len(),
            failed,
            blocked,
            resume_at: None,
            not_pushed: None,
            took_ms: 1000 * u64::try_from(seconds).unwrap(),
            left_out: Vec::new(),
            changes: None,
            needs: Vec::new(),
        };
        self.event(seconds, end);
        self
    }

    /// The run has written its summary, with these lines after the counts.
    fn summed_up(mut self, lines: &str) -> Self {
        let needs = needs::shown("login", &self.state);
        let (head, counts) = (needs::headline(&needs).unwrap(), counts(&self.plan, &self.state));
        let counts = report_counts::line(&counts);
        let mut text =
            format!("\n── login ── {head}\n  1  Do 1: done\n  {counts}, in 9m\n{lines}").into_bytes();
        needs::write(&mut text, &needs).unwrap();
        self.summary = Some(String::from_utf8(text).unwrap());
        self
    }

    fn event(&mut self, seconds: i64, what: EventKind) {
        self.events.push(EventRecord::new(at(seconds), what));
    }

    fn view(&self) -> View {
        view(&self.source())
    }

    fn source(&self) -> ViewSource<'_> {
        ViewSource {
            spec: "login",
            typed: "login",
            plan: &self.plan,
            units: &self.units,
            state: &self.state,
            run: self.run.as_ref(),
            live: self.live.as_ref(),
            events: &self.events,
            summary: self.summary.as_deref(),
            trouble: self.trouble,
            has_bad_tasks: self.has_bad_tasks,
            now: at(self.now),
            zone: &UTC,
        }
    }

    fn page(&self) -> SpecPage {
        spec_page(&self.source())
    }

    fn screen(&self, columns: u16, rows: u16) -> String {
        screen(&self.view(), &Ui::default(), columns, rows)
    }
}

pub(super) fn attempt(number: u32, started: i64) -> AttemptRecord {
    AttemptRecord {
        role: crate::agent::AttemptRole::Work,
        number,
        backend: "claude".into(),
        started_at: at(started),
        ended_at: None,
        outcome: None,
        completes: Vec::new(),
        counts: true,
        resumes: None,
        cwd: String::new(),
        before: None,
        asked_model: None,
        learned: Learned::default(),
    }
}

fn screen(view: &View, ui: &Ui, columns: u16, rows: u16) -> String {
    let area = Rect::new(0, 0, columns, rows);
    let mut buffer = Buffer::empty(area);
    draw(view, ui, area, &mut buffer);
    text_of(&buffer)
}

/// Compares a scene at three sizes with `tests/snapshots/view/NAME.snap`.
fn snapshot(name: &str, scene: &Scene) {
    let sizes = [(40, 12), (80, 24), (160, 50)];
    let screens = sizes.map(|(columns, rows)| {
        let line = "=".repeat(usize::from(columns));
        format!("{columns}x{rows}\n{line}\n{}{line}\n", scene.screen(columns, rows))
    });
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/view"));
    settings.bind(|| insta::assert_snapshot!(name, screens.join("\n")));
}

/// A limit that ends three hours later, on the next day.
fn limited() -> Scene {
    let mut scene = Scene::new(4, 1).held();
    let until = at(300 + 3 * 3600);
    scene.state.limits.insert("claude".into(), quota("You've hit your session limit", until));
    let reason = format!("claude: {}", LimitKind::QuotaExhausted.words());
    scene.event(300, EventKind::Waiting { why: PauseKind::Limit, reason, unit: None, until: Some(until) });
    scene
}

fn quota(why: &str, until: Timestamp) -> Limited {
    Limited {
        kind: LimitKind::QuotaExhausted,
        why: why.into(),
        since: at(300),
        until: Some(until),
        stated: true,
        tries: 1,
        asked: std::collections::BTreeSet::new(),
    }
}

fn halted() -> Scene {
    let mut scene = Scene::new(3, 1);
    scene.state.halt(at(300), "2", "Which database do you want?\nPostgres is there already.");
    scene
}

/// Task 2 has used up its three attempts, task 3 depends on it, and the run is over.
fn failed() -> Scene {
    let mut scene = Scene::of("1\n2\n3 <2\n4 *", 1);
    let attempts = (1..=3).map(|number| {
        let started = 200 + i64::from(number) * 100;
        let outcome = Some(Outcome::Failed { code: 1, why: None });
        AttemptRecord { ended_at: Some(at(started + 60)), outcome, ..attempt(number, started) }
    });
    let status = UnitStatus::Failed { at: at(560), reason: "failed with exit code 1".into() };
    let unit = UnitState { status, attempts: attempts.collect(), ..UnitState::default() };
    scene.state.units.insert("2".into(), unit);
    let (failed, blocked) = (vec!["2".to_owned()], vec!["3".to_owned()]);
    scene.state.end_run(at(560), End::Stuck { failed: failed.clone(), blocked: blocked.clone() }, true);
    scene.now = 600;
    scene.ended(560, EndKind::Stuck, failed, blocked)
}

fn complete() -> Scene {
    let mut scene = Scene::new(3, 3);
    let steps = ["1", "2", "3"].map(str::to_owned).to_vec();
    scene.event(0, EventKind::RunStarted { spec: "login".into(), pid: 4711, steps });
    scene.now = 960;
    scene.ended(900, EndKind::Complete, Vec::new(), Vec::new())
}

#[test]
fn a_running_task_at_three_sizes() {
    snapshot("running", &Scene::of("1\n2\n3\n4\n5 *\n", 2).held().working(192));
}

#[test]
fn a_review_says_that_it_is_one() {
    let mut scene = Scene::of("1\n2\n", 0).held().working(9);
    let unit = scene.state.units.values_mut().next().unwrap();
    unit.attempts[0].outcome = Some(Outcome::ForReview);
    unit.attempts[0].ended_at = Some(at(5));
    let mut review = attempt(2, 5);
    review.role = crate::agent::AttemptRole::Review;
    unit.attempts.push(review);
    let screen = scene.screen(80, 24);
    for part in ["(in review)", "▶ reviewing 1 ", "review of attempt 1"] {
        assert!(screen.contains(part), "{part:?} is not in\n{screen}");
    }
}

#[test]
fn a_question_that_is_parked_is_named_while_the_run_works() {
    let mut scene = Scene::of("1\n2\n3\n", 0).held().working(9);
    scene.state.halt(at(0), "2", "Which one?");
    let screen = scene.screen(80, 24);
    assert!(screen.lines().next().unwrap().contains("running, task 2 asks"), "{screen}");
}

#[test]
fn a_wait_for_a_limit_at_three_sizes() {
    snapshot("waiting", &limited());
}

#[test]
fn a_question_at_three_sizes() {
    snapshot("halted", &halted());
}

#[test]
fn a_failed_task_at_three_sizes() {
    snapshot("failed", &failed());
}

#[test]
fn a_complete_spec_at_three_sizes() {
    snapshot("complete", &complete());
}

/// The rows of the list by their marks, and the counts that `status` and the report print.
#[test]
fn the_rows_of_the_view_agree_with_the_counts() {
    let mut selected = Scene::of("1\n2\n  2.1 x\n  2.2\n  2.3 *\n3 <2\n4 *\n5\n10\n", 1).held();
    selected.event(0, EventKind::RunStarted { spec: "login".into(), pid: 4711, steps: vec!["2".into()] });
    let waits = Scene::of("1\n2 !\n3 <2\n4\n", 0);
    let scenes = [
        selected,
        waits,
        limited(),
        halted(),
        failed(),
        complete(),
        Scene::of("1\n2\n3\n4\n5 *\n", 2).held().working(192),
    ];
    for scene in &scenes {
        let view = scene.view();
        let rows = |marks: &[TaskMark]| view.rows.iter().filter(|row| marks.contains(&row.mark)).count();
        let of_rows = Counts {
            all: view.rows.len(),
            done: rows(&[TaskMark::Done]),
            failed: rows(&[TaskMark::Failed]),
            halted: rows(&[TaskMark::Halted]),
            todo: rows(&[
                TaskMark::Running,
                TaskMark::Waiting,
                TaskMark::Next,
                TaskMark::Todo,
                TaskMark::Deferred,
            ]),
            skipped: rows(&[TaskMark::Skipped]),
        };
        let counts = counts(&scene.plan, &scene.state);
        assert_eq!(of_rows, counts, "{}", scene.screen(80, 24));
        assert_eq!((view.done, view.total), (counts.done, counts.all));
    }
}

#[test]
fn a_wait_says_why_and_until_when_and_counts_down() {
    let mut scene = limited();
    scene.now += 59;
    assert!(scene.screen(80, 24).contains("in 2h 59m 1s"), "{}", scene.screen(80, 24));
    scene.now += 3 * 3600;
    assert!(!scene.screen(80, 24).contains("waiting"), "the wait is over");
}

#[test]
fn a_wait_shows_each_account_and_model_that_is_limited_now() {
    let mut scene = limited();
    let models = scene.state.model_limits.entry("claude".into()).or_default();
    models.insert("opus".into(), quota("You've hit your Opus limit", at(300 + 7200)));
    models.insert("haiku".into(), quota("an old one", at(299)));
    let text = scene.screen(220, 50);
    assert!(text.contains("claude is limited: quota used up: You've hit your session limit"), "{text}");
    assert!(text.contains("claude (opus) is limited: quota used up: You've hit your Opus limit"), "{text}");
    assert!(!text.contains("an old one"), "{text}");
}

#[test]
fn a_halt_shows_the_question_and_the_exact_command_at_every_size() {
    let scene = halted();
    for (columns, rows) in [(220, 50), (80, 24), (80, 12), (60, 10)] {
        let text = scene.screen(columns, rows);
        for part in ["seqorch resume login --answer \"…\"", "seqorch run login --retry"] {
            assert!(text.contains(part), "{columns}x{rows}:\n{text}");
        }
    }
    let mut long = halted();
    long.state.halt(at(300), "2", &"A line of it.\n".repeat(500));
    let text = long.screen(80, 24);
    assert!(text.contains("seqorch resume login") && text.contains('…') && text.contains("A line"), "{text}");
}

#[test]
fn a_refused_commit_shows_its_reason_and_command_at_every_size() {
    let mut scene = Scene::new(2, 2);
    let why = format!("error: git commit failed\n  {HOSTILE}\n  the linter says no");
    scene.state.settle_commit(at(0), "2", Err(CommitRefused { why, ..CommitRefused::default() }));
    for (columns, rows) in [(220, 50), (80, 24), (80, 12), (60, 10)] {
        let text = scene.screen(columns, rows);
        assert!(text.starts_with("seqorch · login · not committed"), "{text}");
        for part in ["✗ needs you: task 2 is done, but not committed", "seqorch run login"] {
            assert!(text.contains(part), "{part} at {columns}x{rows}:\n{text}");
        }
        assert!(!text.contains("complete") && !text.contains("evil"), "{text}");
    }
    let text = scene.screen(80, 24);
    assert!(text.contains("the linter says no") && text.contains("(not committed)"), "{text}");
    scene.run = Some(LiveRun { pid: 1, since: at(0) });
    assert!(scene.screen(80, 24).starts_with("seqorch · login · running"), "a run may be about to commit it");
}

#[test]
fn an_error_that_ended_the_run_shows_its_command_at_every_size() {
    let mut scene = Scene::new(2, 2);
    let reason = format!("tasks.md can't be run\n{HOSTILE}");
    scene.state.end_run(at(0), End::Error { reason, exit_code: 65 }, true);
    for (columns, rows) in [(220, 50), (80, 24), (80, 12), (60, 10)] {
        let text = scene.screen(columns, rows);
        assert!(text.starts_with("seqorch · login · needs you"), "{text}");
        for part in ["✗ needs you: the last run ended with an error", "seqorch run login --retry"] {
            assert!(text.contains(part), "{part} at {columns}x{rows}:\n{text}");
        }
        assert!(!text.contains("evil"), "{text}");
    }
    assert!(scene.screen(80, 24).contains("can't be run"));
    scene.run = Some(LiveRun { pid: 1, since: at(0) });
    assert!(scene.screen(80, 24).starts_with("seqorch · login · running"));
}

#[test]
fn an_orphaned_agent_is_shown_with_the_command_that_takes_it_over() {
    let mut scene = Scene::new(3, 1).held().working(60);
    scene.run = None;
    let text = scene.screen(80, 24);
    assert!(text.starts_with("seqorch · login · orphaned"), "{text}");
    assert!(text.contains("no run watches it") && text.contains("seqorch run login"), "{text}");
    if let Some(live) = &mut scene.live {
        live.alive = false;
    }
    let text = scene.screen(80, 24);
    assert!(text.starts_with("seqorch · login · idle") && text.contains("its process is over"), "{text}");
}

#[test]
fn a_run_that_was_asked_to_stop_says_so() {
    let mut scene = Scene::new(3, 1).held().working(60);
    scene.event(310, EventKind::Stopping);
    assert!(scene.screen(80, 24).starts_with("seqorch · login · running, stopping after this step"));
    scene.event(311, EventKind::Ending);
    assert!(scene.screen(80, 24).starts_with("seqorch · login · running, ending the agent"));
}

#[test]
fn an_estimate_needs_a_done_task() {
    let unknown = Scene::new(4, 0).held().working(60).screen(80, 24);
    assert!(unknown.contains("0 of 4 done\n"), "{unknown}");
    let known = Scene::new(4, 1).held().working(60).screen(100, 24);
    assert!(known.contains("1 of 4 done · about 15m left (median of 1 task)"), "{known}");
}

#[test]
fn a_long_list_scrolls_to_the_running_task() {
    let scene = Scene::new(200, 120).held().working(60);
    let view = scene.view();
    let text = scene.screen(80, 24);
    assert!(text.contains("▶ 121  Do 121") && text.contains("✓ 120  Do 120"), "{text}");
    assert!(text.contains("⋯ ✓ 117 done") && text.contains("⋯ · 74 to do"), "{text}");
    let mut ui = Ui::default();
    let area = Rect::new(0, 0, 80, 24);
    let look = |ui: &Ui| {
        let mut buffer = Buffer::empty(area);
        let drawn = draw(&view, ui, area, &mut buffer);
        (drawn, text_of(&buffer))
    };
    let (drawn, _) = look(&ui);
    ui.on(Key::First, &view, drawn);
    let (drawn, text) = look(&ui);
    assert!(text.contains("❯✓ 1    Do 1 ") && !text.contains("▶ 121  Do 121    "), "{text}");
    ui.on(Key::Last, &view, drawn);
    let (drawn, text) = look(&ui);
    assert!(text.contains("❯· 200  Do 200"), "{text}");
    ui.on(Key::Up, &view, drawn);
    let (_, text) = look(&ui);
    assert!(text.contains("❯· 199  Do 199"), "{text}");
    ui.on(Key::Char('f'), &view, drawn);
    assert!(look(&ui).1.contains("✓ 120  Do 120"));
}

#[test]
fn a_view_of_any_size_stays_inside_its_area() {
    let scenes =
        [Scene::new(0, 0), Scene::new(30, 4).held().working(60), limited(), halted(), Scene::new(2, 2)];
    for scene in &scenes {
        let view = scene.view();
        for columns in (0..=26).chain([35, 36, 39, 40, 49, 50, 79, 80, 89, 90, 149, 150, 220]) {
            for rows in (0..=18).chain([24, 50]) {
                let mode = match (columns + rows) % 4 {
                    0 => UiMode::List,
                    1 => UiMode::Help,
                    2 => UiMode::Input(InputLine::Find, "日本👩‍👩‍👧".into()),
                    _ => UiMode::Text(TextPage::new("log".into(), &"日本 a\tb\n".repeat(40), false)),
                };
                let ui = Ui { mode, color: true, of_run: rows % 2 == 0, ..Ui::default() };
                // a frame of one cell around the area, which must stay blank
                let whole = Rect::new(0, 0, columns + 2, rows + 2);
                let area = Rect::new(1, 1, columns, rows);
                let mut buffer = Buffer::empty(whole);
                draw(&view, &ui, area, &mut buffer);
                for (x, y) in (0..whole.width).flat_map(|x| (0..whole.height).map(move |y| (x, y))) {
                    let outside = x == 0 || y == 0 || x > columns || y > rows;
                    assert!(!outside || buffer[(x, y)].symbol() == " ", "{columns}x{rows} at {x},{y}");
                }
            }
        }
    }
    let tiny = scenes[1].screen(20, 5);
    assert!(
        tiny.starts_with("login · running\n") && tiny.contains("4 of 30 done") && tiny.contains("▶ 5"),
        "{tiny}"
    );
}

#[test]
fn without_colour_no_cell_has_a_style_and_with_it_the_text_is_the_same() {
    let view = Scene::of("1\n2\n3 *\n", 1).held().working(60).view();
    let area = Rect::new(0, 0, 80, 24);
    let drawn = |color| {
        let mut buffer = Buffer::empty(area);
        draw(&view, &Ui { color, ..Ui::default() }, area, &mut buffer);
        buffer
    };
    let (plain, colored) = (drawn(false), drawn(true));
    let blank = Buffer::empty(area)[(0, 0)].style();
    assert!(plain.content().iter().all(|cell| cell.style() == blank || cell.style() == Style::reset()));
    assert!(colored.content().iter().any(|cell| cell.style() != blank));
    assert_eq!(text_of(&plain), text_of(&colored));
}

#[test]
fn text_of_agents_and_tasks_sends_no_escape_sequence() {
    let mut scene = halted();
    scene.state.halt(at(300), "2", HOSTILE);
    let mut working = Scene::new(3, 1).held().working(60);
    for scene in [&mut scene, &mut working] {
        for unit in &mut scene.units {
            unit.title = HOSTILE.into();
        }
        for step in &mut scene.plan.steps {
            step.title = HOSTILE.into();
            step.settings.backend = HOSTILE.into();
            step.settings.model = Some(HOSTILE.into());
        }
        for skipped in &mut scene.plan.skipped {
            skipped.title = HOSTILE.into();
        }
        let (unit, question) = (HOSTILE.into(), HOSTILE.into());
        scene.event(300, EventKind::Halted { unit, question, needs: Vec::new() });
    }
    if let Some(live) = &mut working.live {
        live.output.take(&AgentEvent::Session { id: "s".into(), model: Some(HOSTILE.into()) });
        live.output.take(&AgentEvent::Text { text: HOSTILE.into(), continues: false });
        live.output.take(&AgentEvent::ToolCall {
            name: HOSTILE.into(),
            target: HOSTILE.into(),
            subagent: false,
        });
    }
    working.trouble = Some(HOSTILE);
    for scene in [&scene, &working] {
        for (columns, rows) in [(80, 24), (220, 50)] {
            let text = scene.screen(columns, rows);
            assert!(text.contains("hi"), "{text}");
            assert!(!text.contains("evil"), "{text}");
            let steers = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
            assert!(!text.contains(steers), "{text:?}");
        }
        let closing = head_lines(&scene.view(), 80) + &closing(&scene.view());
        assert!(!closing.contains("evil") && !closing.contains('\u{1b}'), "{closing:?}");
    }
}

#[test]
fn after_a_run_the_view_shows_why_it_ended_and_what_to_type() {
    // a person settled what it needed
    let scene = Scene::new(3, 1).ended(400, EndKind::Stuck, vec!["2".into()], vec!["3".into()]);
    let text = scene.screen(80, 24);
    for part in ["the last run ended at", "stuck", "seqorch run login"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert!(!text.contains("no attempts left") && !text.contains("--retry"), "{text}");
    let done = Scene::new(2, 2).screen(80, 24);
    assert!(done.starts_with("seqorch · login · complete") && done.contains("2 of 2 done"), "{done}");
}

/// What keys ask for in this scene, one after the other, and what the last line says in the end.
fn typed(scene: &Scene, of_run: bool, keys: &str) -> (Vec<UiRequest>, String) {
    let (view, area) = (scene.view(), Rect::new(0, 0, 100, 24));
    let mut ui = Ui::new(false, of_run, true);
    let mut asked = Vec::new();
    let look = |ui: &Ui| {
        let mut buffer = Buffer::empty(area);
        (draw(&view, ui, area, &mut buffer), text_of(&buffer).lines().last().unwrap().to_owned())
    };
    for key in super::keys(keys.as_bytes()).0 {
        let drawn = look(&ui).0;
        asked.extend(ui.on(key, &view, drawn));
    }
    (asked, look(&ui).1)
}

#[test]
fn keys_act_on_the_selected_task() {
    use ViewCommand as C;
    let does = |command| vec![UiRequest::Do(command)];
    let scene = Scene::new(60, 3).held().working(60);
    for (keys, asked, line) in [
        ("\r", does(C::Log("4".into())), "? keys"),
        ("k\r", does(C::Log("3".into())), "? keys"),
        ("gd", does(C::Diff("1".into())), "? keys"),
        ("Gd", vec![], "task 60 has not run yet"),
        ("a", vec![], "task 4 asks nothing"),
        ("js", vec![], "skip task 5? y n   (Do 5)"),
        ("jsn", vec![], "nothing was changed"),
        ("js y", does(C::Skip("5".into())), "? keys"),
        // the skipped one goes to the end of the list, and the selection stays
        ("jsy\r", vec![UiRequest::Do(C::Skip("5".into()))], "task 6 has not run yet"),
        ("gs", vec![], "task 1 is done"),
        ("x", vec![], "stop after this step? y n"),
        ("xy", does(C::Stop), "? keys"),
        ("/do 5", vec![], "/do 5▏"),
        ("/do 50\rs", vec![], "skip task 50? y n   (Do 50)"),
        ("/9\r/\rs", vec![], "skip task 19? y n   (Do 19)"),
        ("/zz\r", vec![], "no task has \"zz\" in its id or title"),
        ("?", vec![], "? keys"),
    ] {
        let (requests, last) = typed(&scene, true, keys);
        assert_eq!(requests, asked, "{keys:?}: {last}");
        assert!(last.starts_with(line), "{keys:?}: {last}");
    }
    let mut stopping = Scene::new(3, 1).held().working(60);
    stopping.event(310, EventKind::Stopping);
    assert_eq!(typed(&stopping, true, "x").0, does(C::KeepRunning), "x again takes it back");
    stopping.event(311, EventKind::KeepsRunning);
    assert!(stopping.screen(80, 24).starts_with("seqorch · login · running  "));
    assert_eq!(typed(&halted(), false, "a").0, does(C::Answer("2".into())), "the task that asks is selected");
    assert_eq!(typed(&halted(), false, "x"), (vec![], "no run is active".into()));
}

#[test]
fn in_the_window_of_a_run_q_stays_also_after_its_end() {
    let running = Scene::new(3, 1).held().working(60);
    assert_eq!(typed(&running, false, "q").0, [UiRequest::Leave]);
    assert_eq!(typed(&running, false, "\x03").0, [UiRequest::Leave]);
    let (asked, line) = typed(&running, true, "q");
    assert!(asked.is_empty() && line.starts_with("this window stays with the run"), "{line}");
    assert_eq!(typed(&running, true, "\x03").0, [UiRequest::Interrupt]);
    // a dead window would show nothing
    for keys in ["q", "\x03"] {
        let (asked, line) = typed(&complete(), true, keys);
        assert!(asked.is_empty() && line.starts_with("this window stays with the run"), "{line}");
        assert_eq!(typed(&complete(), false, keys).0, [UiRequest::Leave]);
    }
}

#[test]
fn the_words_about_a_login_stand_once() {
    let mut scene = Scene::new(3, 1);
    let outcome =
        Outcome::Limited { limit: LimitKind::Auth, why: "Invalid API key".into(), until: None, model: None };
    let ended = AttemptRecord { ended_at: Some(at(360)), outcome: Some(outcome.clone()), ..attempt(1, 300) };
    scene.state.units.insert("2".into(), UnitState { attempts: vec![ended], ..UnitState::default() });
    let end = End::Limited {
        unit: "2".into(),
        who: "mine".into(),
        reason: "Invalid API key; log in, then run again".into(),
        remedy: crate::state::Remedy::Login,
    };
    scene.state.end_run(at(361), end, true);
    let says = outcome.to_string();
    scene.event(
        360,
        EventKind::StepEnded {
            unit: "2".into(),
            title: "Do 2".into(),
            attempt: 1,
            backend: None,
            model: None,
            usage: None,
            outcome,
            says,
            took_ms: 1000,
            next: crate::report::notice::NextKind::Plain,
            attempts_left: None,
            own_commits: Vec::new(),
        },
    );
    let text = scene.screen(80, 24);
    assert_eq!(text.matches("Invalid API key").count(), 1, "{text}");
    assert!(text.contains("‖ task 2 needs a login (ran 1s)"), "{text}");
}

#[test]
fn of_a_long_summary_the_files_go_first() {
    let scene = failed().summed_up(
        "  this run: 4 attempts, worked 5m\n  3 files changed: +3 -1 lines\n    a.rs  +1 -1\n    b.rs  +1 -0\n    c.rs  +1 -0\n",
    );
    let text = scene.screen(80, 24);
    assert!(text.contains("1 skipped, in 9m") && text.contains("3 files changed"), "{text}");
    let shown = |part: &str| text.contains(part);
    assert!(shown("c.rs") == shown("a.rs"), "{text}");
    for rows in 14..24 {
        let text = scene.screen(80, rows);
        assert!(!text.contains("a.rs") || text.contains("1 of 4 tasks done"), "{rows}: {text}");
    }
}

#[test]
fn after_a_run_the_window_shows_needs_summary_and_keys() {
    let scene = failed().summed_up("");
    for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
        let text = scene.screen(columns, rows);
        for part in
            ["✗ needs you: task 2", "seqorch run login --retry", "1 skipped, in 9m", "? keys", "q leave"]
        {
            assert!(text.contains(part), "{part} at {columns}x{rows}:\n{text}");
        }
    }
}

#[test]
fn the_cause_of_a_failed_check_stays_on_the_screen_at_every_size() {
    let mut scene = failed();
    let frames: Vec<String> =
        (0..60).map(|n| format!("   at frame {n} of the stack in some/long/file.js")).collect();
    let outcome = Outcome::VerifyFailed {
        command: "./check.sh".into(),
        tail: format!("failed with exit code 1\n{}", frames.join("\n")),
        cause: Some("FAIL two notes".into()),
    };
    let unit = scene.state.units.get_mut("2").unwrap();
    unit.status = UnitStatus::Failed { at: at(560), reason: outcome.to_string() };
    unit.attempts.last_mut().unwrap().outcome = Some(outcome);
    for (columns, rows) in [(80, 24), (60, 20), (120, 40), (220, 50)] {
        let text = scene.screen(columns, rows);
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("FAIL two notes")).collect();
        assert!(
            lines.iter().any(|line| line.contains("not done: FAIL two notes")),
            "{columns}x{rows}:\n{text}"
        );
        assert!(columns < 80 || lines.iter().any(|line| line.contains("✗ 2")), "{columns}x{rows}:\n{text}");
    }
}

#[test]
fn an_ended_run_shows_its_need_once() {
    let text = failed().summed_up("").screen(220, 50);
    assert!(text.contains("1 of 4 tasks done") && text.contains("1 skipped, in 9m"), "{text}");
    assert_eq!(text.matches("seqorch run login --retry").count(), 1, "{text}");
}

#[test]
fn a_summary_loses_what_a_person_has_changed_since() {
    let mut scene = failed();
    scene.state.halt(at(300), "3", "Which one?");
    let mut scene = scene.summed_up("  this run: 4 attempts, worked 5m\n");
    let shows = |scene: &Scene, old: bool| {
        let text = scene.screen(220, 50);
        assert_eq!(text.contains("tasks done") || text.contains("── login ──"), old, "{text}");
        assert!(text.contains("this run: 4 attempts") && text.contains("Do 1: done"), "{text}");
    };
    shows(&scene, true);
    // one of two needs is settled
    scene.state.units.get_mut("2").unwrap().status = UnitStatus::Done;
    scene.state.completed.push("2".into());
    shows(&scene, false);
    assert!(scene.screen(220, 50).contains("needs you: task 3 asks"));
    // and then the other
    scene.state.units.remove("3");
    shows(&scene, false);
}

#[test]
fn a_long_question_shows_its_end_and_the_event_the_question() {
    let mut scene = halted();
    let long: Vec<String> = (0..40).map(|n| format!("I looked at file {n}.")).collect();
    let question = format!("{}\n\nWhich database do you want?", long.join("\n"));
    scene.state.halt(at(300), "2", &question);
    scene.event(301, EventKind::Halted { unit: "2".into(), question, needs: Vec::new() });
    let text = scene.screen(80, 24);
    assert!(text.contains("  Which database do you want?\n"), "{text}");
    assert!(text.contains("‖ task 2 asks: Which database do you want?"), "{text}");
    assert!(text.contains("  …\n"), "{text}");
}

#[test]
fn a_message_is_shown_whole_and_q_closes_what_stands_for_a_text() {
    let scene = complete();
    let (view, area) = (scene.view(), Rect::new(0, 0, 60, 24));
    let mut ui = Ui::new(false, false, true);
    let note =
        "task 2: the note is pending; an agent works on the task now, and only a further attempt has it";
    ui.note = Some(note.into());
    let mut buffer = Buffer::empty(area);
    let drawn = draw(&view, &ui, area, &mut buffer);
    let words = text_of(&buffer).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(note), "{words}");
    // `d` of a task without changes
    ui.instead_of_text = true;
    assert_eq!(ui.on(Key::Char('q'), &view, drawn), None);
    assert_eq!(ui.on(Key::Char('q'), &view, drawn), Some(UiRequest::Leave));
    ui.opens = true;
    assert_eq!(ui.on(Key::Char('q'), &view, drawn), Some(UiRequest::Forget));
}

#[test]
fn a_run_that_stops_names_ctrl_c_only_where_that_ends_the_agent() {
    let mut stopping = Scene::new(3, 1).held().working(60);
    stopping.event(310, EventKind::Stopping);
    assert!(typed(&stopping, true, "").1.contains("Ctrl-C end the agent now"));
    let watched = stopping.screen(120, 40);
    assert!(watched.contains("stopping after this step") && !watched.contains("Ctrl-C"), "{watched}");
}

#[test]
fn done_and_far_tasks_collapse_and_the_agent_gets_the_room() {
    for count in [60, 500] {
        let mut scene = Scene::new(count, 30).held().working(60);
        if let Some(live) = &mut scene.live {
            live.output.take(&AgentEvent::Text { text: "a line\n".repeat(100), continues: false });
        }
        for (columns, rows, list, agent) in [(80, 24, 7, 8), (120, 40, 12, 14), (200, 60, 60, 30)] {
            let text = scene.screen(columns, rows);
            let lines = |part: &str| text.lines().filter(|line| line.contains(part)).count();
            assert!(lines("  Do ") <= list, "{text}");
            assert!(lines("a line") >= agent, "{} lines at {columns}x{rows}:\n{text}", lines("a line"));
            assert!(text.contains("▶ 31 ") && text.contains("what happened"), "{text}");
            assert!(text.contains("running for 2h 31m · ") && text.contains("$3.00 in all"), "{text}");
        }
    }
}

#[test]
fn wide_signs_keep_the_columns() {
    let mut scene = Scene::new(8, 0).held();
    let titles = [
        "日本語の題名",
        "👩‍👩‍👧‍👦 family",
        "שלום עולם",
        "❤️ heart 👍🏽",
        "e\u{301}te\u{301}",
        "🇩🇪 flag",
        "لا إله",
        "1️⃣ key",
    ];
    for (step, title) in scene.plan.steps.iter_mut().zip(titles) {
        step.title = title.repeat(9);
    }
    for columns in [50, 80, 120] {
        let screen = scene.screen(columns, 24);
        for line in screen.lines().skip(3).take(8) {
            let of_chars: usize = line.chars().map(|c| crate::report::text::width(&c.to_string())).sum();
            assert!(of_chars <= usize::from(columns), "{of_chars} columns: {line}");
            assert!(!line.contains(['\u{200d}', '\u{fe0f}']), "{line}");
        }
    }
}

#[test]
fn a_long_text_is_read_page_by_page() {
    let scene = complete();
    let (view, area) = (scene.view(), Rect::new(0, 0, 60, 20));
    let log = (1..=100).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
    let mut ui =
        Ui { mode: UiMode::Text(TextPage::new("log of task 1".into(), &log, false)), ..Ui::default() };
    let mut press = |key: Option<Key>| {
        let mut buffer = Buffer::empty(area);
        let drawn = draw(&view, &ui, area, &mut buffer);
        if let Some(key) = key {
            ui.on(key, &view, drawn);
            draw(&view, &ui, area, &mut Buffer::empty(area));
        }
        let mut buffer = Buffer::empty(area);
        draw(&view, &ui, area, &mut buffer);
        text_of(&buffer)
    };
    let first = press(None);
    assert!(
        first.contains("── log of task 1 ──") && first.contains("line 100\n") && first.contains("line 84\n"),
        "{first}"
    );
    assert_eq!(press(Some(Key::Down)), first, "it ends there");
    assert!(press(Some(Key::Char('b'))).contains("line 84\n"));
    assert!(press(Some(Key::First)).contains("line 1\n"));
    assert!(press(Some(Key::Char(' '))).contains("line 17\n"));
    assert!(press(Some(Key::Char('q'))).contains("✓ all complete"));
}

#[test]
fn the_page_has_moments_where_the_view_has_times_that_pass() {
    let mut scene = Scene::new(3, 1).held().working(65);
    let page = scene.page();
    let now = page.now.clone().unwrap();
    assert_eq!((now.task.as_deref(), now.title.as_str()), (Some("2"), "▶ 2 Do 2"));
    let timers: Vec<_> =
        now.timers.iter().map(|t| (t.label.as_str(), t.text.as_str(), t.after.as_str())).collect();
    assert_eq!(timers, [("for", "1m 5s", "(limit 2h)"), ("quiet", "4s", "(limit 30m)")]);
    assert_eq!(now.timers[0].at_ms, at(300).as_millisecond());
    assert_eq!(now.output, ["I add the route.", "Then I run its tests.", "▸ Bash cargo test"]);
    assert_eq!((page.is_held, page.can_retry, page.tone), (true, false, "running"));
    // a second later nothing is another but what a browser counts by itself
    scene.now += 1;
    let mut later = scene.page();
    for (timer, before) in later.now.iter_mut().flat_map(|card| &mut card.timers).zip(&now.timers) {
        assert_ne!(*timer, *before);
        timer.text.clone_from(&before.text);
    }
    later.runs = page.runs.clone();
    assert_eq!(later, page);
}

#[test]
fn the_page_counts_a_wait_down() {
    let mut scene = Scene::new(2, 1).held();
    let until = at(420);
    let reason = "claude is limited (rate limit)".to_owned();
    scene.event(300, EventKind::Waiting { why: PauseKind::Limit, reason, unit: None, until: Some(until) });
    let page = scene.page();
    let now = page.now.unwrap();
    assert!(page.waits && now.title.contains("rate limit"), "{now:?}");
    let [timer] = now.timers.as_slice() else { panic!("{now:?}") };
    assert_eq!((timer.down, timer.at_ms, timer.text.as_str()), (true, until.as_millisecond(), "2m"));
    assert_eq!(timer.after, "(22:07:00)");
    assert_eq!(now.lines, ["then: 2 Do 2"]);
}

#[test]
fn the_page_asks_each_question_by_its_name() {
    let mut scene = Scene::new(3, 0);
    scene.state.halt(at(1), "2", &format!("Which{HOSTILE}?"));
    scene.trouble = Some(HOSTILE);
    let page = scene.page();
    let [need] = page.needs.as_slice() else { panic!("{page:?}") };
    assert_eq!(
        (need.asked.as_deref(), need.id.as_deref(), need.need.title.as_str()),
        (Some(scene.state.questions()[0].id().as_str()), Some("2"), "Do 2")
    );
    assert!(page.now.is_none() && !page.can_retry && page.tone == "halted");
    let all = serde_json::to_string(&page).unwrap();
    assert!(!all.contains("\\u001b") && !all.contains('\u{202e}') && !all.contains('\u{9b}'), "{all}");
}
