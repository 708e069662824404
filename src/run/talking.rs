//! A person talks to the agent of a task in its session, in a terminal. A run starts no step meanwhile.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::active_run::ActiveRun;
use super::notes::{units, write_notes};
use super::requests::{ask, request};
use super::run_repository::RunRepository;
use super::work_tree;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::Supervisor;
use crate::git::work_tree_lock::WorkTreeLock;
use crate::plan::argv::talk_argv;
use crate::project::SpecPlace;
use crate::report::text::{sanitise_line, shell_word};
use crate::state::{
    AskedChange, AskedTask, AttemptRecord, Note, SpecState, TalkRecord, TreeRecord, UnitState, WaitReason,
};
use crate::store::attempt_folder;
use crate::store::lock::{Holder, RunLock};
use crate::store::spec_store::Store;
use crate::store::talk_lock::{TalkLock, Talker};

use crate::sys::{person, programs};

/// Pause between two looks at the run.
const LOOK_AGAIN: Duration = Duration::from_millis(300);
/// What the next prompt of the task says.
const NOTE: &str = "I talked to you in this session after your last turn. What we said there holds.";

/// The answer to a question of the agent.
const ANSWER: &str = "I answered in this session. What we said there holds.";

/// The session of a task, and how a person opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TalkSession {
    /// The unit.
    pub unit: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The folder that the session belongs to.
    pub cwd: PathBuf,
    /// Variables that the program gets.
    pub env: Vec<(String, String)>,
    /// Variables that it does not get.
    pub env_remove: Vec<String>,
    /// Its attempts ran in a sandbox, and a person's do not.
    pub was_sandboxed: bool,
}

impl TalkSession {
    /// The session of the task that `named` names.
    pub fn find(place: &SpecPlace, config: &Config, state: &SpecState, named: &str) -> Result<Self> {
        let (_, tasks) = place.good_tasks()?;
        let units = units(config, &tasks, named)?;
        let [unit] = units.as_slice() else {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("{named} names {} tasks; name one", units.len()),
            ));
        };
        let shown = sanitise_line(unit);
        let other = |error: Error| {
            let (unit, spec) = (shell_word(unit), shell_word(&place.typed));
            error.hint(format!(
                "`seqorch note {unit} \"…\" --spec {spec}` puts words into its next prompt; `seqorch logs {unit} --spec {spec}` \
                 shows what it did."
            ))
        };
        let attempts = state.units.get(unit).map(|known| known.work().rev().collect::<Vec<_>>());
        let session = |attempt: &&AttemptRecord| {
            let saved =
                || attempt_folder::session(&place.store().attempt_dir(state.folder(unit), attempt.number));
            let id = attempt.learned.session.clone().or_else(saved)?;
            // an id must not become an option
            Some((attempt.backend.clone(), attempt.asked_model.clone(), attempt.cwd.clone(), id))
                .filter(|(.., id)| !id.starts_with('-'))
        };
        let found = attempts.iter().flatten().find_map(session);
        let Some((name, model, cwd, id)) = found else {
            let last = attempts.iter().flatten().next();
            let text = match last {
                None => format!("task {shown} has no session yet"),
                Some(last) => format!("{} named no session of task {shown}", sanitise_line(&last.backend)),
            };
            return Err(other(Error::new(ErrorKind::Usage, text)));
        };
        let backend = config.backends.get(&name);
        let argv = backend.and_then(|backend| talk_argv(backend, model.as_deref(), &place.root, &id));
        let (Some(backend), Some(argv)) = (backend, argv) else {
            let text = format!(
                "{name} cannot open the session of task {shown} for a person (backend.{name}.talk_args)"
            );
            return Err(other(Error::new(ErrorKind::Usage, text)));
        };
        Ok(Self {
            unit: unit.clone(),
            argv,
            cwd: PathBuf::from(cwd),
            env: backend.env.clone().into_iter().collect(),
            env_remove: backend.env_remove.clone(),
            was_sandboxed: config.sandbox.is_on(),
        })
    }

    /// Takes the lock of a talk and waits until no agent of the spec works. `waits`: called once if there is something to wait
    /// for.
    pub fn hold(&self, store: &Store, waits: &dyn Fn(&str)) -> Result<TalkLock> {
        store.prepare()?;
        let talker = Talker { unit: self.unit.clone(), by: Some(person::name()) };
        let lock = TalkLock::take(&store.talk_lock(), &talker)?;
        let mut said = false;
        while let Some(run) = ActiveRun::find(store, "talk")? {
            let state = store.load()?;
            if matches!(state.run.wait().map(|wait| &wait.reason), Some(WaitReason::Talk { .. })) {
                return Ok(lock);
            }
            if !said {
                said = true;
                waits(state.running().map_or("", |(unit, _)| unit));
            }
            // it may be in another wait
            run.look()?;
            thread::sleep(LOOK_AGAIN);
        }
        let state = store.load()?;
        let alive = state.running().filter(|(unit, attempt)| {
            attempt_folder::alive(&store.attempt_dir(state.folder(unit), attempt.number))
        });
        if let Some((unit, _)) = alive {
            let text =
                format!("the agent of task {} still works, and no run watches it", sanitise_line(unit));
            return Err(Error::new(ErrorKind::Locked, text)
                .hint("`seqorch run` takes it over; `seqorch stop --now` ends it. Then talk to it."));
        }
        Ok(lock)
    }

    /// Says in the next prompt of the task that a person talked to its agent, unless the task is done. It is written before the
    /// talk, so that no kill loses it.
    pub fn note(&self, place: &SpecPlace, config: &Config) -> Result<()> {
        let state = place.store().load()?;
        let is_done = state.units.get(&self.unit).is_some_and(UnitState::is_done);
        let is_noted = state.notes_for(&self.unit).any(|note| note.is_pending() && note.text == NOTE);
        if is_done || is_noted {
            return Ok(());
        }
        write_notes(place, config, &self.unit, NOTE).map(drop)
    }

    /// Takes that note back: the session did not open.
    pub fn withdraw_note(&self, place: &SpecPlace) -> Result<()> {
        let store = place.store();
        let waiting = store.note_box().entries();
        let mine = |note: &&Note| note.unit == self.unit && note.text == NOTE;
        store.note_box().remove(waiting.iter().filter(mine).map(|note| note.id.as_str()));
        let taken = RunLock::take(&store.run_lock(), &Holder::me(&place.path(), Timestamp::now()));
        let _lock = match taken {
            // the run has the note, and its agent reads of a talk that was none
            Err(error) if error.kind() == ErrorKind::Locked => return Ok(()),
            lock => lock?,
        };
        let mut state = store.load()?;
        state.notes.retain(|note| !(note.is_pending() && mine(&note)));
        store.save(&state)
    }

    /// Whether the task waits for an answer.
    pub fn asks(&self, place: &SpecPlace) -> Result<bool> {
        Ok(place.store().load()?.units.get(&self.unit).is_some_and(UnitState::is_halted))
    }

    /// Opens the session in this terminal until the person leaves it.
    pub fn open(&self, lock: &TalkLock) -> io::Result<ExitStatus> {
        lock.share_with_children();
        let mut command = Command::new(&self.argv[0]);
        if let Some(found) = programs::find_in_path(&self.argv[0], &self.cwd) {
            command = Command::new(found);
        }
        command.args(&self.argv[1..]).current_dir(&self.cwd).env_remove("SEQORCH_TRUST");
        for name in &self.env_remove {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))));
        command.status()
    }

    /// The person has left the session: what changed in it is the task's, and its question may be `answered`. Returns whether
    /// a run continues.
    pub fn leave(&self, place: &SpecPlace, lock: TalkLock, trees: TalkTrees, answered: bool) -> Result<bool> {
        let store = place.store();
        let (record, files) = trees.after();
        let state = store.load()?;
        let known = state.units.get(&self.unit);
        if known.is_some_and(UnitState::is_committed) && !files.is_empty() {
            let _ = writeln!(
                io::stderr(),
                "note: the task is committed, so what changed in this talk is for you to commit: {}",
                sanitise_line(&files.join(", "))
            );
        }
        if record.is_some() || answered {
            let title = known.map(|unit| unit.title.clone()).unwrap_or_default();
            let task = AskedTask { id: self.unit.clone(), title, named: true };
            let record = record.map(Box::new);
            // a run takes it before its next step: it starts none before the lock is free
            let answer = answered.then(|| ANSWER.to_owned());
            ask(place, &request(AskedChange::Answered { task, record, question: None, answer })?)?;
        }
        drop(lock);
        let run = ActiveRun::find(&store, "talk")?;
        run.as_ref().map_or(Ok(()), ActiveRun::look)?;
        Ok(run.is_some())
    }
}

/// The work tree before a talk.
#[derive(Debug)]
pub struct TalkTrees {
    seen: Option<(RunRepository, TreeRecord)>,
    /// So that no run of another spec changes files meanwhile; a run of this spec has it itself.
    _work_tree: Option<WorkTreeLock>,
}

impl TalkTrees {
    /// Looks at the work tree, where snapshots or commits are wanted.
    pub fn before(place: &SpecPlace, config: &Config) -> Result<Self> {
        let unknown = Self { seen: None, _work_tree: None };
        let Some(repository) = RunRepository::of_run(place, config, &Supervisor::default())? else {
            return Ok(unknown);
        };
        let mut held = None;
        if ActiveRun::find(&place.store(), "talk")?.is_none() {
            match work_tree::lock_for_talk(&place.typed, &repository) {
                Ok(lock) => held = Some(lock),
                Err(error) if error.kind() == ErrorKind::Locked => {
                    let _ = writeln!(
                        io::stderr(),
                        "note: another run works in this work tree, so what changes in this talk is not counted for a task"
                    );
                    return Ok(unknown);
                }
                Err(error) => return Err(error),
            }
        }
        let boxes = repository.trees().path_of(&place.tasks_path());
        let before = repository.look(boxes.as_ref())?;
        Ok(Self { seen: Some((repository, before)), _work_tree: held })
    }

    /// What changed since, if anything did, and its files.
    fn after(self) -> (Option<TalkRecord>, Vec<String>) {
        let Some((repository, before)) = self.seen else { return (None, Vec::new()) };
        // if git fails now, the next run says why
        let Ok(after) = repository.look(None) else { return (None, Vec::new()) };
        let changes = repository.trees().changes(&before.tree, &after.tree).unwrap_or_default();
        if changes.is_empty() {
            return (None, Vec::new());
        }
        let files = changes.into_iter().map(|change| change.path.to_string()).collect();
        (Some(TalkRecord { at: Timestamp::now(), before, after }), files)
    }
}
