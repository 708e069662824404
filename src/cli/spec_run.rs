//! A spec to run, with all options for its run: those given now, and those of the last run that it keeps.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Global;
use super::flags::{KeptOptions, Work};
use super::project::Project;
use super::trust::{TrustFlag, required};
use crate::config::FlagSetting;
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::Supervisor;
use crate::project::{SpecPlace, own_tree};
use crate::report::text::{command_line, sanitise_line};
use crate::run::detached::DetachedPaths;
use crate::run::inbox::Inbox;
use crate::run::own_tree as run_tree;
use crate::run::remote;
use crate::run::remote::outcome::RemoteRun;
use crate::run::remote::request::RemoteRequest;
use crate::run::tree_setup::TreeRequest;
use crate::run::trust::RunTrust;

/// How a run takes the lease of its spec on a remote.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LeaseFlags {
    /// Also from a process that has it.
    pub(super) takes_lease: bool,
    /// With the branch as it is, also where people took commits of tasks away.
    pub(super) accepts_branch: bool,
    /// Once the process ends that has it; also once another run has made the work tree.
    pub(super) waits: bool,
    /// Not in this process: the one in the main window takes it.
    pub(super) leaves_it: bool,
}

/// What a person typed for a run that keeps options of the last one.
#[derive(Clone)]
struct TypedOptions {
    global: Global,
    work: Work,
    spec: Option<PathBuf>,
    /// The run gets tmux windows, even if the last one had `--no-tmux`.
    in_windows: bool,
}

/// A spec to run.
pub(super) struct SpecRun {
    pub(super) global: Global,
    pub(super) work: Work,
    pub(super) project: Project,
    pub(super) place: SpecPlace,
    /// What it executes, once a person trusts it; `None` where nothing is run.
    pub(super) trust: Option<RunTrust>,
    /// The lease on a remote, while it is held.
    pub(super) remote: Option<RemoteRun>,
    flag: Option<TrustFlag>,
    /// What was typed, where options of the last run count.
    typed: Option<TypedOptions>,
    /// The options of the last run that still count.
    kept: Vec<String>,
    /// All options of the last run, where some of them may count.
    pub(super) last: Option<Vec<String>>,
    /// The remote that keeps the spec since an earlier run here, where none is named now.
    stays_on: Option<String>,
}

impl SpecRun {
    /// Finds the spec. With `keep_options`, the options of its last run count where none are given now. `in_windows`: the
    /// run gets tmux windows, even if the last one had `--no-tmux`.
    pub(super) fn find(
        global: &Global,
        work: &Work,
        spec: Option<&Path>,
        keep_options: bool,
        in_windows: bool,
        trust: Option<TrustFlag>,
    ) -> Result<Self> {
        let run = Self::open(global, work, work, spec, trust.filter(|_| !keep_options))?;
        if !keep_options {
            return Ok(run);
        }
        let state = run.place.store().load()?;
        let last = state.run.args();
        let (global, work, spec) = (global.clone(), work.clone(), spec.map(Path::to_owned));
        let typed = TypedOptions { global, work, spec, in_windows };
        if last.is_empty() {
            let flag = trust;
            let trust = trust.map(|flag| required(&run.project, &run.place.root, flag)).transpose()?;
            return Ok(Self { last: Some(Vec::new()), trust, flag, typed: Some(typed), ..run });
        }
        Self::with_options(typed, last, read_options(last)?, &run.project.cwd, trust)
    }

    /// Opens the project with what was typed, and with those of these options that are not typed. `last`: all of the last run.
    fn with_options(
        typed: TypedOptions,
        last: &[String],
        kept: KeptOptions,
        cwd: &Path,
        trust: Option<TrustFlag>,
    ) -> Result<Self> {
        let (global, mut work) = kept.below(&typed.global, &typed.work);
        if typed.in_windows {
            work.show_windows();
        }
        let now = KeptOptions::argv(&global, &work, cwd);
        let kept: Vec<_> = last.iter().filter(|arg| now.contains(arg)).cloned().collect();
        // a wrong option may be one that the user did not type now
        let opened = Self::open(&global, &work, &typed.work, typed.spec.as_deref(), trust).map_err(|e| {
            e.hint(format!("The last run had the options {}; --all forgets them.", command_line(&kept)))
        })?;
        Ok(Self { kept, last: Some(last.to_vec()), typed: Some(typed), ..opened })
    }

    /// Opens the project with all options in `work`, of which a person has just typed those in `typed`.
    fn open(
        global: &Global,
        work: &Work,
        typed: &Work,
        spec: Option<&Path>,
        trust: Option<TrustFlag>,
    ) -> Result<Self> {
        let now = typed.settings()?;
        let mut flags = work.settings()?;
        for flag in &mut flags {
            flag.kept = !now.contains(flag);
        }
        let mut work = work.clone();
        let mut project = Project::open(global, flags.clone(), spec)?;
        let mut place = project.spec(spec).and_then(|path| project.place(&path, work.selection(&project)));
        let keeps = place.as_ref().ok().and_then(own_tree::remote_of);
        let stays_on = keeps.filter(|_| project.loaded.config.remote.name.is_none());
        if let Some(remote) = &stays_on {
            // without the lease, it would do the tasks beside the machine that has it
            work.stay_on_remote(remote);
            flags.push(FlagSetting::new("--remote", remote.clone()));
            project = Project::open(global, flags, spec)?;
            place = project.spec(spec).and_then(|path| project.place(&path, work.selection(&project)));
        }
        let ground = place.as_ref().map_or(&project.root, |place| &place.root).clone();
        // before anything else of a run
        let flag = trust;
        let trust = trust.map(|flag| required(&project, &ground, flag)).transpose()?;
        let mut place = place?;
        project.follow(&place);
        place.select(&project.loaded.config)?;
        let global = global.clone();
        // a later run is given the ids: a range or a title may mean other tasks by then
        work.set_selection(&place.selection);
        work.fix_times(Timestamp::now(), &TimeZone::system())?;
        Ok(Self {
            global,
            work,
            project,
            place,
            trust,
            remote: None,
            flag,
            typed: None,
            kept: Vec::new(),
            last: None,
            stays_on,
        })
    }

    /// Whether a remote keeps the spec's lease and state.
    pub(super) fn is_shared(&self) -> bool {
        self.project.loaded.config.remote.name.is_some()
    }

    /// Whether the spec has a work tree of its own, also one that somebody removed; or is to get one.
    pub(super) fn has_own_tree(&self) -> bool {
        let config = &self.project.loaded.config;
        let is_wanted = config.git.worktree || config.remote.name.is_some();
        is_wanted || self.place.checkout.is_some() || own_tree::lost(&self.place).is_some()
    }

    /// Makes the spec's own work tree, as far as it is not there, and goes to it.
    pub(super) fn enter_own_tree(&mut self, inbox: &Inbox, lease: LeaseFlags) -> Result<()> {
        let Some((trust, flag)) = self.trust.as_ref().zip(self.flag) else { return Ok(()) };
        let supervisor = Supervisor { stop: Some(inbox.request_flag()), watch: None };
        let config = &self.project.loaded.config;
        let place = if config.remote.name.is_some() {
            let LeaseFlags { takes_lease, accepts_branch, waits, .. } = lease;
            let place = &self.place;
            let request = RemoteRequest { place, config, trust, inbox, takes_lease, accepts_branch, waits };
            let (place, remote) = remote::enter::enter(&request)?;
            let ended = self.take_options(&place, flag).and_then(|()| self.go_to(place.clone(), flag));
            if let Err(error) = ended {
                // no machine has to wait for a run that does not begin
                let _ = remote.release(&place, &self.project.loaded.config, error.kind().exit_code());
                return Err(error);
            }
            self.remote = Some(remote);
            self.note_options();
            return Ok(());
        } else {
            let request = TreeRequest {
                place: &self.place,
                config,
                trust,
                supervisor: &supervisor,
                waits: lease.waits.then_some(inbox),
            };
            run_tree::make(&request)?
        };
        self.go_to(place, flag)
    }

    /// Goes to the spec's place in its own work tree.
    fn go_to(&mut self, place: SpecPlace, flag: TrustFlag) -> Result<()> {
        if place.root == self.place.root {
            return Ok(());
        }
        self.place = place;
        self.project.follow(&self.place);
        // hooks and settings of git may be other ones there
        self.trust = Some(required(&self.project, &self.place.root, flag)?);
        self.place.select(&self.project.loaded.config)
    }

    /// Takes the options of the last run as the remote has them, where another machine ran it.
    fn take_options(&mut self, place: &SpecPlace, flag: TrustFlag) -> Result<()> {
        let Some(mut typed) = self.typed.clone() else { return Ok(()) };
        let state = place.store().load()?;
        let last = state.run.args();
        if self.last.as_deref() == Some(last) {
            return Ok(());
        }
        typed.work.stay_on_remote_of(&self.work);
        let (kept, others) = read_options(last)?.on_another_machine(&self.project.cwd);
        *self = Self::with_options(typed, last, kept, &self.project.cwd, Some(flag))?;
        if !others.is_empty() {
            let others = command_line(&others);
            let _ = writeln!(
                io::stderr(),
                "note: without the options of the earlier run for its machine: {others}"
            );
        }
        Ok(())
    }

    /// Prints which options of the last run count. What those are of a run on a remote is known once it has the lease.
    pub(super) fn note_kept_options(&self) {
        if let Some(remote) = &self.stays_on {
            let (remote, name) = (sanitise_line(remote), sanitise_line(&self.place.name));
            let command =
                command_line(&["seqorch", "forget", &self.place.typed, "--remote"].map(str::to_owned));
            let _ = writeln!(
                io::stderr(),
                "note: with --remote {remote}, which keeps {name} since an earlier run here (`{command}` ends that)"
            );
        }
        if !self.is_shared() {
            self.note_options();
        }
    }

    fn note_options(&self) {
        if !self.kept.is_empty() {
            let kept = command_line(&self.kept);
            let _ = writeln!(
                io::stderr(),
                "note: with the options of the earlier run: {kept} (--all forgets them)"
            );
        }
    }

    /// The options of this run, as a later run gets them.
    pub(super) fn options(&self) -> Vec<String> {
        KeptOptions::argv(&self.global, &self.work, &self.project.cwd)
    }

    /// The arguments of the same run in the main window of its tmux session.
    pub(super) fn detached_argv(&self, paths: &DetachedPaths) -> Vec<OsString> {
        // of a run on a remote, the process with the lease knows which options of the last one count
        let typed = self.typed.clone().filter(|_| self.is_shared()).map(|mut typed| {
            typed.work.stay_on_remote_of(&self.work);
            typed
        });
        let (global, work) =
            typed.as_ref().map_or((&self.global, &self.work), |typed| (&typed.global, &typed.work));
        let mut argv = global.argv();
        argv.extend((0..global.verbose).map(|_| "-v".into()));
        argv.push("run".into());
        argv.extend(work.argv());
        argv.extend(work.tmux_argv());
        if typed.is_none() {
            // the options of the last run are among the arguments by now
            argv.push("--all".into());
        }
        argv.extend(paths.resume_file.iter().flat_map(|path| ["--resume-file".into(), path.into()]));
        argv.extend(["--in-main".into(), "--ready".into(), paths.ready.clone().into(), "--".into()]);
        argv.push(self.place.named_path().into_os_string());
        argv
    }
}

/// Reads the options of the last run.
fn read_options(last: &[String]) -> Result<KeptOptions> {
    KeptOptions::parse(last).map_err(|e| {
        let what = e.to_string();
        Error::new(ErrorKind::Usage, "this version does not know the options of the last run")
            .detail(format!("  {}\n  {}", command_line(last), what.lines().next().unwrap_or_default()))
            .hint("Give the options that you want, and --all, which forgets those of the last run.")
    })
}
