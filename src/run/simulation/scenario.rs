//! The scenarios of the systematic schedules, and the parts of the random ones.

use std::time::Duration;

use jiff::civil::time;

use super::acts::{Act, Does, Happening};
use super::git_model::{GitAct, GitModel};
use super::model::Model;
use crate::agent::limit::LimitKind;
use crate::config::{
    Config, Granularity, HaltOrSkip, OpenFindings, Override, PaceWindow, PartialDone, PartialRetry,
    PartialTimeouts, RefusedRule, ReviewWhen,
};
use crate::plan::testing::config;
use crate::state::Outcome;
use crate::state::outcome::{CancelledBy, TimedOut};
use crate::sys::dice::Dice;
use crate::sys::interrupt::Interrupt;

pub(super) const TASKS: &str = "\
# Implementation Plan

- [x] 1. Set up
- [ ] 2. Store
  - [ ] 2.1 Schema
  - [ ] 2.2 Queries
- [ ] 3. Server
  - Dependencies: 2
- [ ]* 4. Nice to have
- [ ] 5. Client
";

/// Snapshots and commits are on, with this git.
pub(super) fn committed(mut model: Model, git: GitModel) -> Model {
    model.config.git.snapshot = true;
    model.config.git.commit = crate::config::Commit::Step;
    model.git = Some(git);
    model
}

pub(super) fn settings(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = config();
    change(&mut config);
    config
}

/// Gives the last unit a model of its own.
pub(super) fn two_models(config: &mut Config) {
    if let Some(backend) = config.backends.get_mut("agent") {
        backend.model = Some("m".to_owned());
    }
    config.overrides.push(Override {
        tasks: vec!["5".to_owned()],
        backend: None,
        model: Some("n".to_owned()),
        title: None,
        review: None,
        human: None,
        timeout: PartialTimeouts::default(),
        retry: PartialRetry::default(),
        prompt: None,
        verify: None,
        done: PartialDone::default(),
    });
}

pub(super) fn halted() -> Outcome {
    Outcome::Halted { question: "A or B?".to_owned() }
}

pub(super) fn cancelled(by: CancelledBy) -> Outcome {
    Outcome::Cancelled { by }
}

/// Its check has no program any more.
pub(super) fn unchecked() -> Outcome {
    Outcome::Unchecked { command: "make test".to_owned(), why: "gone".to_owned() }
}

/// That many seconds after the start of the schedule.
fn later(seconds: u64) -> jiff::Timestamp {
    let start = jiff::Timestamp::from_second(super::model::EPOCH).unwrap();
    start.saturating_add(Duration::from_secs(seconds)).unwrap()
}

fn stated(after: Option<u64>) -> Outcome {
    let until = after.map(later);
    Outcome::Limited {
        limit: LimitKind::QuotaExhausted,
        why: "usage limit reached".to_owned(),
        until,
        model: None,
    }
}

/// The limit of one model.
fn of_model(model: &str, after: Option<u64>) -> Outcome {
    let until = after.map(later);
    let (limit, why) = (LimitKind::QuotaExhausted, format!("{model} limit reached"));
    Outcome::Limited { limit, why, until, model: Some(model.to_owned()) }
}

/// A random limit. Its end, if stated, is counted from the start of the schedule.
pub(super) fn limited(dice: &mut Dice) -> Outcome {
    let limit = dice.pick(&[
        LimitKind::RateLimited,
        LimitKind::RateLimited,
        LimitKind::QuotaExhausted,
        LimitKind::Overloaded,
        LimitKind::Billing,
        LimitKind::Auth,
    ]);
    let until = dice.pick(&[None, Some(30), Some(600), Some(18_000), Some(90_000)]);
    let until = until.map(later);
    let model = dice.pick(&[None, None, Some("m"), Some("n")]).map(str::to_owned);
    Outcome::Limited { limit, why: "usage limit reached".to_owned(), until, model }
}

fn done() -> Act {
    Act::ends(Outcome::Done)
}

fn failed() -> Act {
    Act::ends(Outcome::Failed { code: 1, why: None })
}

/// It reports success, and its verify commands fail.
fn fails_verify() -> Act {
    Act { passes: false, ..done() }
}

/// Adds a verify command.
pub(super) fn verified(mut model: Model) -> Model {
    model.config.verify.commands = vec![vec!["make".to_owned(), "test".to_owned()]];
    model
}

/// Adds a verify command that is tried before any agent works.
pub(super) fn checked_before(model: Model) -> Model {
    let mut model = verified(model);
    model.config.verify.baseline = true;
    model
}

/// Agents have sessions and can resume them.
pub(super) fn in_sessions(mut model: Model) -> Model {
    model.sessions = true;
    for backend in model.config.backends.values_mut() {
        backend.resume = vec!["--resume".to_owned(), "{session}".to_owned()];
    }
    model
}

/// What is done is reviewed, and each review does what the next of these acts says.
pub(super) fn reviewed(mut model: Model, reviews: &[Act]) -> Model {
    let mut backend = model.config.backends["agent"].clone();
    backend.model = None;
    model.config.backends.insert("reviewer".to_owned(), backend.clone());
    // who takes over is reviewed, and may review, too
    for name in ["other", "third"] {
        model.config.backends.insert(name.to_owned(), backend.clone());
    }
    model.config.review.backend = Some("reviewer".to_owned());
    model.reviews.extend(reviews.iter().cloned());
    model
}

/// A review that wants changes. Its findings differ, because three equal failures would be a question to the user.
pub(super) fn wants(what: u32) -> Outcome {
    Outcome::ChangesWanted { findings: format!("finding {what}") }
}

/// The changes of each done unit are counted and committed.
pub(super) fn kept(mut model: Model) -> Model {
    model.config.git.snapshot = true;
    model
}

fn never() -> Act {
    Act::of(Does::Ends(Outcome::TimedOut { which: TimedOut::Total }), 7200)
}

/// The scenarios that are killed at every point. A failure names its scenario.
#[expect(clippy::too_many_lines, reason = "a list of scenarios")]
pub(super) fn base() -> Vec<(&'static str, Model)> {
    let plain = || Model::new(config(), TASKS);
    let with = |acts: &[Act]| {
        let mut model = plain();
        model.script.extend(acts.iter().cloned());
        model
    };
    let people = |mut model: Model, happenings: &[(i64, Happening)]| {
        model.happenings.extend(happenings.iter().cloned());
        model
    };
    let skip = |acts: &[Act]| {
        let mut model = with(acts);
        model.config.run.on_failure = HaltOrSkip::Skip;
        model
    };
    let signal = |what| Happening::Signal(what);
    let mut own = done();
    own.ticks_own = true;
    let mut own_halt = Act::ends(halted()).ticking(&["5"]);
    own_halt.ticks_own = true;
    let mut polite = never();
    polite.finishes = true;
    let int = Interrupt::Interrupt;
    vec![
        ("all is done", plain()),
        ("by task", Model::new(settings(|c| c.run.granularity = Granularity::Task), TASKS)),
        ("failures and retries", with(&[failed(), Act::ends(Outcome::NoSignal), done(), failed(), done()])),
        ("nudges and retries in sessions", {
            let nothing = || Act::ends(Outcome::NoSignal);
            in_sessions(with(&[nothing(), done(), failed(), nothing(), nothing(), done()]))
        }),
        (
            "a person talks to an agent, twice",
            people(with(&[failed(), done()]), &[(30, Happening::Talk(200)), (240, Happening::Talk(30))]),
        ),
        ("a person is asked before each task", {
            let nothing = || Act::ends(Outcome::NoSignal);
            let mut model = in_sessions(with(&[nothing(), done(), failed(), Act::ends(halted()), done()]));
            model.asks = true;
            model
        }),
        ("sessions that are never found again", {
            let nothing = || Act::ends(Outcome::NoSignal);
            let acts = [nothing(), failed().mute(), nothing(), nothing().mute(), failed(), failed().mute()];
            in_sessions(with(&acts))
        }),
        ("a nudge that a limit cuts off", {
            let nothing = || Act::ends(Outcome::NoSignal);
            in_sessions(with(&[nothing(), Act::ends(stated(Some(600))), nothing(), nothing(), nothing()]))
        }),
        ("a nudge that another backend would get", {
            let nothing = Act::of(Does::Ends(Outcome::NoSignal), 700);
            let mut model = with(&[Act::ends(stated(Some(600))), nothing, done()]);
            model.config.limit.fallback = vec!["other".to_owned()];
            model.config.retry.attempts = 1;
            in_sessions(model)
        }),
        (
            "an answer for a session that is gone",
            in_sessions(with(&[Act::ends(halted()), failed().mute(), done()])),
        ),
        ("reviews that approve and want changes", {
            let (no, yes) = (Act::ends(wants(1)), Act::ends(Outcome::Approved));
            reviewed(kept(verified(with(&[done(), failed(), done()]))), &[no, yes.clone(), yes])
        }),
        ("reviews in sessions, without a verdict, limited and lost", {
            let ends = |outcome| Act::ends(outcome);
            let reviews = [
                ends(Outcome::NoVerdict),
                ends(stated(Some(600))),
                ends(wants(1)),
                ends(Outcome::NoVerdict).mute(),
                ends(Outcome::Lost),
                ends(Outcome::Failed { code: 1, why: None }),
            ];
            reviewed(in_sessions(with(&[done(), failed(), Act::ends(halted())])), &reviews)
        }),
        ("failed by its review, and the run continues", {
            let reviews = [1, 2, 3, 4].map(|n| Act::ends(wants(n)));
            reviewed(skip(&[]), &reviews)
        }),
        ("findings that are kept, and the whole spec is reviewed", {
            let mut model = reviewed(kept(plain()), &[1, 2, 3, 4].map(|n| Act::ends(wants(n))));
            model.config.review.rounds = 1;
            model.config.review.open = OpenFindings::Report;
            model.config.review.when = ReviewWhen::Both;
            model
        }),
        ("ctrl-c in a review", people(reviewed(plain(), &[]), &[(70, signal(int)), (80, signal(int))])),
        ("starts that a hook refuses", {
            let mut model = with(&[failed(), done(), done()]);
            model.hook_fails.extend([1, 2, 4, 6]);
            model
        }),
        ("one question after another", {
            with(&[Act::ends(halted()), Act::ends(halted()), failed(), Act::ends(halted())])
        }),
        ("one question after another in a session", in_sessions(with(&vec![Act::ends(halted()); 3]))),
        ("failed, no attempts left", with(&[failed(), failed(), failed()])),
        ("failed, no attempts left, and the run continues", skip(&[failed(), failed(), failed()])),
        (
            "foreign ticks, failed, no attempts left",
            with(&[failed(), failed(), failed().ticking(&["3", "5"])]),
        ),
        ("foreign ticks after a failure of their unit", {
            let mut model = skip(&[failed(), done(), done().ticking(&["3", "5"])]);
            model.config.retry.attempts = 1;
            model
        }),
        ("halt", with(&[own_halt, own.clone()])),
        ("halt at the second", with(&[done(), Act::ends(halted()), done().ticking(&["5"])])),
        ("killed agents", with(&[Act::ends(Outcome::Lost), done(), Act::ends(Outcome::Lost)])),
        ("own ticks, then lost", with(&[Act { ticks_own: true, ..Act::ends(Outcome::Lost) }, own])),
        ("session of tmux ended", with(&[Act::ends(cancelled(CancelledBy::SessionEnd)), done()])),
        ("check without its program", with(&[Act::ends(unchecked()), done()])),
        ("window closed", with(&[Act::ends(cancelled(CancelledBy::HangUp)), done()])),
        (
            "limits",
            with(&[
                Act::ends(stated(Some(600))),
                Act::ends(stated(Some(600))),
                Act::ends(stated(None)),
                done(),
                Act::ends(stated(Some(18_000))),
            ]),
        ),
        ("a limit, another backend takes over, and the first comes back", {
            let mut model = with(&[Act::ends(stated(Some(600))), done()]);
            model.config.limit.fallback = vec!["other".to_owned()];
            model
        }),
        ("a limit, and limit.wait is false", {
            let mut model = with(&[Act::ends(stated(Some(600)))]);
            model.config.limit.wait = false;
            model
        }),
        ("ctrl-c in the wait for a limit", people(with(&[Act::ends(stated(None))]), &[(200, signal(int))])),
        (
            "try now, twice",
            people(
                with(&[Act::ends(stated(Some(90_000))), Act::ends(stated(None)), done()]),
                &[(200, signal(Interrupt::TryNow)), (300, signal(Interrupt::TryNow))],
            ),
        ),
        ("a limit of one model, and another model continues", {
            let mut model =
                with(&[Act::ends(of_model("m", Some(600))), done(), Act::ends(of_model("n", None))]);
            two_models(&mut model.config);
            model.config.limit.fallback = vec!["other".to_owned()];
            model
        }),
        ("a window and so many an hour", {
            let mut model = with(&[failed(), Act::ends(stated(Some(40_000)))]);
            model.config.pace.window = Some(PaceWindow { from: time(22, 0, 0, 0), until: time(7, 0, 0, 0) });
            model.config.pace.tasks_per_hour = Some(2);
            model
        }),
        ("paused and resumed", {
            let night = [(30, Happening::Pause(None)), (5000, Happening::Resume)];
            people(kept(verified(with(&[failed()]))), &night)
        }),
        ("a pause with a time, another one, and one in a limit", {
            let times =
                [(10, 300), (20, 500), (700, 900)].map(|(at, lasts)| (at, Happening::Pause(Some(lasts))));
            people(with(&[done(), Act::ends(stated(Some(1200))), done()]), &times)
        }),
        ("a pause that is ended at once, and one in a delay", {
            let all =
                [(10, Happening::Pause(None)), (20, Happening::Resume), (65, Happening::Pause(Some(60)))];
            people(plain(), &all)
        }),
        ("tasks are skipped while another works, and in a pause", {
            let skip = |id: &str| Happening::Skip(id.into());
            let all = [(30, skip("5")), (40, skip("2")), (50, Happening::Pause(Some(600))), (200, skip("3"))];
            people(with(&[failed(), Act::ends(halted())]), &all)
        }),
        ("a run with a time to begin and an end", {
            let mut model = with(&[failed(), Act::ends(stated(Some(600)))]);
            model.people.hours = Some((100, 130));
            model
        }),
        ("the time to begin is not waited for", {
            let mut model = people(plain(), &[(30, signal(Interrupt::TryNow))]);
            model.people.hours = Some((4000, 100));
            model
        }),
        ("a hard stop ends agents and their checks", {
            let mut model = verified(with(&[done(), polite.clone(), never(), never()]));
            model.config.run.hard_stop = true;
            model.people.hours = Some((0, 95));
            model
        }),
        ("no program", with(&[Act::of(Does::NotThere, 0), done(), Act::of(Does::NotThere, 0)])),
        ("no handshake", with(&[Act::of(Does::NoHandshake, 0), done(), Act::of(Does::LateHandshake, 200)])),
        ("attempts that never start", with(&vec![Act::of(Does::LateHandshake, 0); 4])),
        ("one iteration a run", Model::new(settings(|c| c.run.max_iterations = 1), TASKS)),
        ("two iterations a run, failures", {
            let mut model = with(&[failed(), done(), failed(), failed(), done()]);
            model.config.run.max_iterations = 2;
            model
        }),
        ("ctrl-c once", people(plain(), &[(10, signal(int)), (200, signal(int))])),
        ("ctrl-c twice", people(with(&[never()]), &[(10, signal(int)), (20, signal(int))])),
        ("ctrl-c twice, and it succeeds", people(with(&[polite]), &[(10, signal(int)), (20, signal(int))])),
        ("ctrl-c in a backoff", people(with(&[failed()]), &[(70, signal(int))])),
        ("ctrl-c in a delay", people(plain(), &[(70, signal(int))])),
        (
            "asked to stop, again and again",
            people(plain(), &[(10, signal(Interrupt::AfterStep)), (12, signal(Interrupt::AfterStep))]),
        ),
        (
            "asked to stop, and then not to",
            people(plain(), &[(10, signal(Interrupt::AfterStep)), (12, signal(Interrupt::KeepRunning))]),
        ),
        (
            "ctrl-c, taken back, and ctrl-c",
            people(plain(), &[(10, signal(int)), (12, signal(Interrupt::KeepRunning)), (14, signal(int))]),
        ),
        (
            "asked to stop, and then ctrl-c",
            people(with(&[never()]), &[(10, signal(Interrupt::AfterStep)), (12, signal(int))]),
        ),
        ("term", people(with(&[never()]), &[(10, signal(Interrupt::Terminate))])),
        ("term in a delay", people(plain(), &[(65, signal(Interrupt::Terminate))])),
        ("hang-up", people(plain(), &[(10, signal(Interrupt::HangUp)), (70, signal(Interrupt::HangUp))])),
        (
            "term and hang-up",
            people(with(&[never()]), &[(10, signal(Interrupt::Terminate)), (11, signal(Interrupt::HangUp))]),
        ),
        ("unit removed while it runs", people(plain(), &[(30, Happening::Remove("2".into()))])),
        (
            "unit removed while it fails",
            people(with(&[failed(), failed()]), &[(30, Happening::Remove("2".into()))]),
        ),
        ("unit removed in its backoff", people(with(&[failed()]), &[(70, Happening::Remove("2".into()))])),
        ("new leaves while it runs", {
            let below = |a: &str, b: &str| Happening::AddBelow(a.into(), b.into());
            people(plain(), &[(30, below("2", "2.3")), (80, below("3", "3.1")), (200, below("5", "5.1"))])
        }),
        (
            "a human opens and ticks",
            people(
                plain(),
                &[
                    (30, Happening::Untick("1".into())),
                    (31, Happening::Tick("5".into())),
                    (100, Happening::Untick("2.1".into())),
                    (110, Happening::Untick("5".into())),
                ],
            ),
        ),
        ("an opened box, ticked by an agent", {
            let acts = [done(), failed().ticking(&["1"]), done()];
            people(with(&acts), &[(30, Happening::Untick("1".into()))])
        }),
        ("an opened box, a hang-up, and a tick by the agent that was left", {
            let acts = [Act::of(Does::Ends(Outcome::Done), 600).ticking(&["1"])];
            people(with(&acts), &[(30, Happening::Untick("1".into())), (40, signal(Interrupt::HangUp))])
        }),
        ("the plan becomes empty", {
            let gone = |id: &str| Happening::Remove(id.into());
            people(plain(), &[(30, gone("2")), (31, gone("3")), (32, gone("5"))])
        }),
        ("the clock jumps", {
            let acts = [failed(), done(), done()];
            people(with(&acts), &[(65, Happening::Jump(7200)), (150, Happening::Jump(-3600))])
        }),
        ("verify commands", verified(with(&[fails_verify(), done(), fails_verify(), fails_verify()]))),
        ("checks before any agent", checked_before(with(&[fails_verify(), done(), failed()]))),
        ("checks before any agent, and another run", {
            let mut model = checked_before(with(&[done(), Act::ends(halted())]));
            model.config.run.max_iterations = 1;
            model
        }),
        (
            "ctrl-c, term and hang-up during checks before any agent",
            people(
                checked_before(plain()),
                &[
                    (10, signal(int)),
                    (90, signal(Interrupt::HangUp)),
                    (200, signal(Interrupt::Terminate)),
                    (210, Happening::Pause(Some(100))),
                ],
            ),
        ),
        ("the time is up during checks before any agent", {
            let mut model = checked_before(plain());
            model.people.hours = Some((0, 20));
            model
        }),
        ("verify commands that always fail", verified(with(&vec![fails_verify(); 3]))),
        (
            "ctrl-c once and twice during verify commands",
            people(verified(plain()), &[(70, signal(int)), (160, signal(int)), (163, signal(int))]),
        ),
        ("term during verify commands", people(verified(plain()), &[(70, signal(Interrupt::Terminate))])),
        ("hang-up during verify commands", people(verified(plain()), &[(70, signal(Interrupt::HangUp))])),
        (
            "unit removed during verify commands",
            people(verified(with(&[fails_verify()])), &[(70, Happening::Remove("2".into()))]),
        ),
        ("changes are kept", kept(plain())),
        (
            "changes are kept, failures and a halt between",
            kept(with(&[failed(), done(), Act::ends(halted())])),
        ),
        ("changes cannot be committed", {
            let mut model = kept(plain());
            model.keep_fails.extend([1, 3, 4]);
            model
        }),
        ("commits are made, late, and by a git that is killed", {
            use GitAct as A;
            let acts = [A::IsLocked(5), A::IsKilled, A::Commits].into();
            committed(plain(), GitModel { acts, ..GitModel::default() })
        }),
        ("commits are refused, hang, fail and meet a lock", {
            use GitAct as A;
            let acts = [A::Refuses, A::Hangs, A::Fails, A::Commits, A::IsLocked(90)].into();
            committed(
                with(&[failed(), done(), Act::ends(halted())]),
                GitModel { acts, ..GitModel::default() },
            )
        }),
        ("a hook of git refuses a commit, and its agent gets its words", {
            use GitAct as A;
            let acts = [A::SendsBack, A::Commits, A::SendsBack, A::SendsBack, A::SendsBack].into();
            committed(with(&[done(), failed()]), GitModel { acts, ..GitModel::default() })
        }),
        ("a hook of git refuses a commit, and a person is to halt for it", {
            let mut model =
                committed(plain(), GitModel { acts: [GitAct::SendsBack].into(), ..GitModel::default() });
            model.config.git.on_refused = RefusedRule::Halt;
            model
        }),
        ("git fails to look", {
            committed(plain(), GitModel { look_fails: [1, 3, 4, 7].into(), ..GitModel::default() })
        }),
        (
            "agents move HEAD",
            committed(with(&[done().moving_head(), failed().moving_head()]), GitModel::default()),
        ),
        ("changes are kept after verify commands", kept(verified(with(&[fails_verify()])))),
        ("disk full", {
            let mut model = with(&[failed(), done().ticking(&["5"]), done()]);
            model.full.extend([1, 3, 5, 8, 9]);
            model
        }),
        ("tasks.md is nonsense for a while", {
            let acts = [Act::ends(halted()).ticking(&["5"])];
            people(with(&acts), &[(30, Happening::Break), (500, Happening::Fix)])
        }),
    ]
}
