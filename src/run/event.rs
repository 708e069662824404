//! PURE. The events that the machine handles, and the effects that it returns.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::resume::ResumeRequest;
use crate::agent::PriceTable;
use crate::config::{
    Batch, Commit, Config, HaltOrSkip, HistoryRule, Limit, ModelPrice, Pace, RefusedRule, Review,
};
use crate::plan::BaselineChecks;
use crate::plan::assign::Assigned;
use crate::plan::{Plan, Step};
use crate::report::notice::{Notice, Pause};
use crate::state::{
    AccountLimits, AttemptRecord, Changes, CommitRefused, ConfigOutcome, End, FailedCheck, Learned,
    LeftOutCheck, Note, Outcome, PersonRequest, RunTimes, SeenTasks, SpecState, TreeRecord, WaitReason,
};
use crate::sys::interrupt::Interrupt;

/// The settings of a run, apart from those of each step.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Iterations of one run.
    pub max_iterations: u32,
    /// Whether the run ends when a unit has no attempts left.
    pub on_failure: HaltOrSkip,
    /// Whether the run ends when an agent asks a question.
    pub on_halt: HaltOrSkip,
    /// Whether an agent that works is ended when the time of the run is up.
    pub hard_stop: bool,
    /// A random share up to this is added to each delay.
    pub jitter: Duration,
    /// The backend whose agent assigns units.
    pub assigns: String,
    /// How many units one call assigns.
    pub batch: Batch,
    /// `[limit]`: whether to wait for the end of a limit, and who takes over.
    pub limit: Limit,
    /// The model of each backend that has one in the configuration.
    pub models: BTreeMap<String, String>,
    /// Backends that use one login.
    pub accounts: Vec<Vec<String>>,
    /// Whether each done unit is committed.
    pub commits: bool,
    /// What follows when an agent rewrites history.
    pub history: HistoryRule,
    /// What follows when a hook of git refuses a commit.
    pub on_refused: RefusedRule,
    /// When steps may start.
    pub pace: Pace,
    /// `[review]`: how often a review may ask for changes, and what follows then.
    pub review: Review,
    /// The machine may be taken away: an interrupt ends the agent at once.
    pub is_job: bool,
    /// Whether a person is asked before each task.
    pub ask: bool,
    /// What tokens cost, where an agent reports no cost.
    pub prices: PriceTable,
    /// The local time zone.
    pub zone: TimeZone,
}

impl Policy {
    /// The policy that a configuration describes.
    #[must_use]
    pub fn of(config: &Config, zone: TimeZone) -> Self {
        let models = config.backends.iter();
        Self {
            max_iterations: config.run.max_iterations,
            on_failure: config.run.on_failure,
            on_halt: config.run.on_halt,
            hard_stop: config.run.hard_stop,
            jitter: config.run.jitter,
            assigns: config.assign.backend.clone(),
            batch: config.assign.batch,
            limit: config.limit.clone(),
            models: models.filter_map(|(name, b)| Some((name.clone(), b.model.clone()?))).collect(),
            accounts: config.accounts.values().map(|account| account.backends.clone()).collect(),
            commits: config.git.commit == Commit::Step,
            history: config.git.history,
            on_refused: config.git.on_refused,
            pace: config.pace.clone(),
            review: config.review.clone(),
            is_job: config.is_job(),
            ask: false,
            prices: ModelPrice::table(&config.prices),
            zone,
        }
    }
}

/// What a run is given at its beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunStart {
    /// Where there is work: what it is given for that. `None`: it has what the run before had.
    pub work: Option<WorkStart>,
    /// Files with changes of others, over which no step may start.
    pub dirty: Vec<String>,
    /// Commits of tasks that are not in the history of HEAD, and that a person does without.
    pub given_up: Vec<String>,
    /// The tree of all files, where git keeps them.
    pub tree: Option<String>,
    /// The only tasks that it is asked for; empty: all.
    pub only: Vec<String>,
    /// The task that it is asked to begin with.
    pub from: Option<String>,
    /// Units that the selection leaves out. A question or a failure of theirs still waits for a person.
    pub left_out: BTreeSet<String>,
    /// How it resumes an earlier run. It was applied to a copy of the state before, so it fits.
    pub resume: Option<ResumeRequest>,
}

/// What a run is given for its work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkStart {
    /// The options that it was given: what to do and how.
    pub args: Vec<String>,
    /// When its steps may start.
    pub times: RunTimes,
}

/// What came of the checks on the untouched tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaselineResult {
    /// Those that failed.
    pub failed: Vec<FailedCheck>,
    /// Those that were ended from outside, and why.
    pub left_out: Vec<LeftOutCheck>,
    /// Files that the checks changed, and that were put back.
    pub undone: Vec<String>,
    /// The rest of them was called off.
    pub cancelled: bool,
    /// It could not be looked for what the checks changed, because git was asked to stop, too.
    pub unknown_changes: bool,
}

/// What happened.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Event {
    /// The run begins, or one that was killed continues.
    Begin {
        /// What tasks.md says now.
        seen: SeenTasks,
        /// What it is given.
        start: RunStart,
    },
    /// The plan was made, as [`Effect::Replan`] wants.
    Planned {
        /// The plan.
        plan: Box<Plan>,
        /// What tasks.md says now. The ids of the plan are those of this reading.
        seen: SeenTasks,
        /// A snapshot of all files, if the configuration asks for one.
        tree: Option<TreeRecord>,
        /// Commits of tasks that are not in the history of HEAD any more, if nothing is left to do.
        lost: Vec<String>,
        /// What the user's index does not have yet of commits that are made, and what to do.
        behind: Option<String>,
        /// The talk of a person with an agent, which holds back all steps.
        talk: Option<WaitReason>,
        /// A random number between 0 and 1, for the jitter.
        share: f64,
        /// Notes that people wrote; those that are known already are passed over.
        notes: Vec<Note>,
    },
    /// A request to end the run ended the look at the work tree that a plan needs.
    LookStopped,
    /// The attempt of an earlier run was looked for. If it is over, [`Event::Ended`] follows.
    Recovered {
        /// Its step, if the plan still has it.
        step: Option<Box<Step>>,
    },
    /// The attempt that was started or recovered is over.
    Ended {
        /// How.
        outcome: Outcome,
        /// What else is known of it.
        learned: Learned,
        /// What tasks.md says at that moment; `None` if it cannot be read.
        seen: Option<SeenTasks>,
    },
    /// The call for an assignment is over, with or without an answer.
    Assigned {
        /// The answer.
        assigned: Assigned,
        /// The calls that agents answered for it, as the state keeps them.
        calls: Vec<AttemptRecord>,
    },
    /// The checks on the untouched tree are over.
    Baselined(BaselineResult),
    /// The verify commands are over.
    Verified {
        /// `None`: all succeeded.
        failure: Option<Outcome>,
        /// The work tree after them; `None` if it is that after the attempt.
        after: Option<TreeRecord>,
    },
    /// The boxes of these ids were ticked in tasks.md, or need no further try.
    Ticked(Vec<String>),
    /// The boxes of a unit whose commit was refused are open.
    Unticked {
        /// The unit.
        unit: String,
        /// What git, or a hook of it, said.
        words: String,
    },
    /// The changes of a done unit were counted, and committed if the configuration says so.
    Kept {
        /// The unit.
        unit: String,
        /// What it changed; `None` if that is not known.
        kept: Result<Option<Changes>, CommitRefused>,
    },
    /// This notice could not be reported. The run ends with that error after the effects of this event.
    ReportFailed(Notice),
    /// The run cannot begin before a person does something.
    Refused {
        /// The end that says what.
        end: End,
        /// The options that it was given.
        args: Vec<String>,
        /// How it resumes an earlier one.
        unsaved: Option<ResumeRequest>,
    },
    /// An error ends the run.
    Failed {
        /// The end that the error means.
        end: End,
        /// The state as it was saved last; `None` if it cannot be read.
        saved: Option<Box<SpecState>>,
        /// How the run resumes an earlier one, if no save has that yet.
        unsaved: Option<ResumeRequest>,
    },
    /// A hook that must succeed failed after the run had ended.
    EndRefused {
        /// The end that the hook's error means.
        end: End,
    },
    /// Configuration files changed since the last look.
    Configured {
        /// The settings of the run from now on, where they are taken.
        policy: Option<Box<Policy>>,
        /// What became of it.
        became: ConfigOutcome,
    },
    /// A person wants this unit run (`run --ask`).
    Confirmed {
        /// The unit.
        unit: String,
    },
    /// People pushed to the branch of the spec, and these commits were made again on top of that.
    Renamed {
        /// Their old and new names.
        names: Vec<(String, String)>,
        /// The step of the last one and its attempt, whose checks are to run again.
        again: Option<(Box<Step>, u32)>,
    },
    /// An earlier run had no time for the checks of a task whose commit was made again on top of what people pushed. Its step
    /// and its last attempt; `None`: it has no step any more.
    Unchecked(Option<(Box<Step>, u32)>),
    /// What people pushed to the branch of the spec, or that the remote refuses a push, needs a person.
    Diverged {
        /// What happened, and where the commits of the run are.
        reason: String,
    },
    /// What other runs saw of the limits of accounts: the backends with one login, and what is known of it.
    LimitsSeen(Vec<(Vec<String>, AccountLimits)>),
    /// A pause is over.
    Woke,
    /// People asked something of the run: before its next step, or in a pause.
    Requested(Vec<PersonRequest>),
    /// The time of [`Effect::Alarm`] has come.
    TimeUp,
    /// A signal asks the run to stop, or to retry now.
    Asked(Interrupt),
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Save the state. If that fails, the run ends with the error and no further effect.
    Save,
    /// Read tasks.md again, make the plan, and come back with [`Event::Planned`].
    Replan,
    /// Start an attempt of a step; its end comes back as [`Event::Ended`].
    Start {
        /// The step.
        step: Box<Step>,
        /// Number of the attempt.
        attempt: u32,
    },
    /// Look for the attempt that an earlier run left; comes back as [`Event::Recovered`] and, at its end, [`Event::Ended`].
    Recover {
        /// The unit.
        unit: String,
        /// Number of the attempt.
        attempt: u32,
    },
    /// Run the checks on the untouched tree; comes back as [`Event::Baselined`].
    Baseline(Box<BaselineChecks>),
    /// Have an agent assign these units; the answer comes back as [`Event::Assigned`].
    Assign(Vec<String>),
    /// Count what a done unit changed and commit it if the configuration says so; comes back as [`Event::Kept`].
    Keep(String),
    /// Run the verify commands; their end comes back as [`Event::Verified`].
    Verify {
        /// The step.
        step: Box<Step>,
        /// Number of the attempt that said it is done.
        attempt: u32,
    },
    /// End the agent now.
    Cancel,
    /// Tick these ids in tasks.md; comes back as [`Event::Ticked`].
    Tick(Vec<String>),
    /// Open the boxes of a unit whose commit was refused in tasks.md again; comes back as [`Event::Unticked`].
    Untick {
        /// The unit.
        unit: String,
        /// The ids of its boxes.
        ids: Vec<String>,
        /// What git, or a hook of it, said.
        words: String,
    },
    /// Pause, and come back with [`Event::Woke`].
    Sleep {
        /// Wall-clock time of its end; `None`: a person ends it.
        until: Option<Timestamp>,
        /// Why.
        why: Pause,
    },
    /// Come back with [`Event::TimeUp`] at this wall-clock time, whatever the run does then.
    Alarm(Timestamp),
    /// The state has these requests of people: forget them.
    Taken(Vec<String>),
    /// Print this notice and write it to the logs.
    Report(Notice),
    /// The run is over.
    Finish(End),
}
