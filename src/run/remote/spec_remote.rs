//! The refs of one spec on one remote, as the lease reads and pushes them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::answers;
use super::record::CloneRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::fleet::lease::{Lease, LeaseTiming};
use crate::fleet::push::{Push, RefQuestion, RunTip, SeenRefs};
use crate::fleet::ref_names::RefNames;
use crate::fleet::saved::{SavedSpec, Standpoint};
use crate::git::call::{GitError, Supervisor};
use crate::git::repository::Repository;
use crate::git::spec_refs::{FetchNames, RefUpdate};
use crate::report::text::sanitise_line;
use crate::run::resume::GivenAnswer;
use crate::sys::clock::boot_time;
use crate::sys::stop_flag::StopFlag;

/// The files of the objects on the ref with the lease.
const LEASE: &str = "lease.json";
const STANDPOINT: &str = "standpoint.json";
const STATE: &str = "state.json";
const PROGRESS: &str = "progress.md";

/// How long a call may take while the run ends its agent, since the process is to end.
const CALL_AT_END: Duration = Duration::from_secs(1);

/// How long a call may take also where the time is over in which all must be over.
const SHORTEST_CALL: Duration = Duration::from_millis(200);

/// The name of an object that could not be made.
const UNMADE: &str = "unmade";

/// One spec on one remote.
#[derive(Debug)]
pub(super) struct SpecRemote {
    pub(super) repository: Repository,
    /// The name of the remote, for people.
    pub(super) name: String,
    /// Where it is.
    pub(super) address: String,
    pub(super) names: RefNames,
    /// How long one call of git may take.
    pub(super) deadline: Duration,
    /// When all calls must be over, by the clock of the machine.
    end: Option<Duration>,
    /// Raised where the process is to end: a call to the remote that is at work ends at once.
    ends: Option<StopFlag>,
    pub(super) record: CloneRecord,
    /// Where what is fetched is noted. A new one after a git that was killed and left a lock there.
    into: String,
    killed: u32,
    /// Contents that were written, by their bytes' digest: most do not change from push to push.
    written: BTreeMap<String, String>,
    /// Leases that were read.
    leases: BTreeMap<String, Lease>,
    /// What git said last where something failed.
    pub(super) words: String,
    /// Why the lease that the last look found cannot be read.
    pub(super) unreadable: Option<String>,
}

/// Why a lease is not read.
#[derive(Debug)]
pub(super) enum UnreadLease {
    /// Git did not give it.
    Git(GitError),
    /// It is no lease, or one of another version.
    Unreadable(String),
}

impl From<GitError> for UnreadLease {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}

impl SpecRemote {
    pub(super) fn new(
        repository: Repository,
        (name, address): (String, String),
        names: RefNames,
        timing: LeaseTiming,
        record: CloneRecord,
        process: &str,
    ) -> Self {
        let home = format!("refs/seqorch/seen/{}", names.key);
        // what earlier processes of this clone noted
        repository.remove_own_refs(&home);
        let into = format!("{home}/{process}");
        let (written, leases, words) = (BTreeMap::new(), BTreeMap::new(), String::new());
        let deadline = timing.call();
        Self {
            repository,
            name,
            address,
            names,
            deadline,
            end: None,
            ends: None,
            record,
            into,
            killed: 0,
            written,
            leases,
            words,
            unreadable: None,
        }
    }

    /// From now on calls to the remote end where the process is to end.
    pub(super) fn end_calls_with(&mut self, ends: StopFlag) {
        self.ends = Some(ends);
    }

    /// Raised where the process is to end, and only what is published in a hurry is waited for.
    pub(super) fn ends(&self) -> Option<StopFlag> {
        self.ends.clone()
    }

    /// The last calls follow: all of them together take no longer than this.
    pub(super) fn hurry(&mut self, longest: Duration) {
        self.ends = None;
        self.end = Some(boot_time() + longest);
    }

    /// No call takes longer than this.
    pub(super) fn limit_calls(&mut self, longest: Duration) {
        self.ends = None;
        self.deadline = self.deadline.min(longest);
    }

    /// The repository for a call to the remote, and how long that may take.
    pub(super) fn caller(&self) -> (Repository, Duration) {
        let is_to_end = self.ends.as_ref().is_some_and(StopFlag::is_raised);
        let supervisor = Supervisor { stop: self.ends.clone().filter(|_| !is_to_end), watch: None };
        let left = match self.end {
            Some(end) => end.saturating_sub(boot_time()).max(SHORTEST_CALL),
            None if is_to_end => CALL_AT_END,
            None => self.deadline,
        };
        (Repository { supervisor, ..self.repository.clone() }, self.deadline.min(left))
    }

    /// An error where the remote says that it cannot move several refs at once.
    pub(super) fn check_atomic_pushes(&self) -> std::result::Result<(), GitError> {
        self.repository.check_atomic_pushes(&self.address, self.deadline)
    }

    /// What the remote has; `None`: no answer.
    pub(super) fn read(&mut self, question: &RefQuestion) -> Option<SeenRefs> {
        self.unreadable = None;
        match self.try_read(question) {
            Ok(seen) => Some(seen),
            Err(UnreadLease::Unreadable(why)) => {
                self.words = format!("the lease cannot be read: {why}");
                self.unreadable = Some(why);
                None
            }
            Err(UnreadLease::Git(error)) => {
                if error.is_passing() || error.was_killed() || matches!(error, GitError::Stopped { .. }) {
                    self.killed += 1;
                }
                self.note_words(&error);
                None
            }
        }
    }

    /// Remembers what git said, unless it was ended since the process is to end.
    fn note_words(&mut self, error: &GitError) {
        if !matches!(error, GitError::Stopped { .. }) {
            self.words = error.words();
        }
    }

    fn try_read(&mut self, question: &RefQuestion) -> std::result::Result<SeenRefs, UnreadLease> {
        let into = format!("{}-{}", self.into, self.killed);
        let kept = question.kept.map(|(epoch, number)| self.names.kept(epoch, number));
        let refs = FetchNames { run: &self.names.run, branch: &self.names.branch, kept: kept.as_deref() };
        let (caller, deadline) = self.caller();
        let found = caller.fetch_spec_refs(&self.address, refs, &into, deadline)?;
        let mut has_object = false;
        for object in question.objects.iter().filter(|object| *object != UNMADE) {
            let of_chain = found.run.as_deref().map(|run| self.repository.is_ancestor(object, run));
            has_object |= of_chain.transpose()?.unwrap_or(false);
        }
        let has_commit = match (&question.commit, &found.branch) {
            (Some(commit), Some(branch)) => self.repository.is_ancestor(commit, branch)?,
            (commit, _) => commit.is_none(),
        };
        let run = match found.run {
            None => None,
            Some(object) => Some(RunTip { lease: self.lease_of(&object)?, object }),
        };
        Ok(SeenRefs { run, branch: found.branch, kept: found.kept, has_object, has_commit })
    }

    fn lease_of(&mut self, object: &str) -> std::result::Result<Lease, UnreadLease> {
        if let Some(lease) = self.leases.get(object) {
            return Ok(lease.clone());
        }
        let lease = read_lease(&self.repository, object)?;
        self.leases = BTreeMap::from([(object.to_owned(), lease.clone())]);
        Ok(lease)
    }

    /// What an object has beside the lease.
    pub(super) fn saved_in(&self, object: &str) -> Result<SavedSpec> {
        read_saved(&self.repository, object)
    }

    /// Pushes; the object's name, and whether git says that it landed.
    pub(super) fn push(&mut self, push: &Push) -> (String, bool) {
        match self.try_push(push) {
            Ok(object) => (object, true),
            Err((object, error)) => {
                self.note_words(&error);
                (object, false)
            }
        }
    }

    fn try_push(&mut self, push: &Push) -> std::result::Result<String, (String, GitError)> {
        let unmade = |error| (UNMADE.to_owned(), error);
        let object = match push.object.as_deref().filter(|object| *object != UNMADE) {
            Some(object) => object.to_owned(),
            None => self.make(push).map_err(unmade)?,
        };
        let failed = |why: String| GitError::Unusable { why };
        self.record.add(&object).map_err(|e| (object.clone(), failed(e.brief())))?;
        let run =
            RefUpdate { name: self.names.run.clone(), from: push.parent.clone(), to: Some(object.clone()) };
        for commit in push.branch.iter().map(|moved| &moved.to).chain(push.kept.iter().map(|(_, to)| to)) {
            // pushes run no hooks, and one of them would upload these
            let uploaded = match self.repository.uses_lfs(commit) {
                Ok(true) => {
                    let (caller, deadline) = self.caller();
                    caller.push_lfs(&self.name, commit, deadline)
                }
                other => other.map(drop),
            };
            uploaded.map_err(|error| (object.clone(), error))?;
        }
        let branch = push.branch.as_ref().map(|moved| RefUpdate {
            name: self.names.branch.clone(),
            from: moved.from.clone(),
            to: Some(moved.to.clone()),
        });
        let kept = push.kept.as_ref().map(|(number, commit)| RefUpdate {
            name: self.names.kept(push.lease.epoch, *number),
            from: None,
            to: Some(commit.clone()),
        });
        let updates: Vec<RefUpdate> = [Some(run), branch, kept].into_iter().flatten().collect();
        let (caller, deadline) = self.caller();
        match caller.push_refs(&self.address, &updates, deadline) {
            Ok(()) => Ok(object),
            Err(error) => Err((object, error)),
        }
    }

    fn make(&mut self, push: &Push) -> std::result::Result<String, GitError> {
        let json = |value: serde_json::Result<String>| {
            value.map_err(|e| GitError::Unusable { why: format!("writing the lease: {e}") })
        };
        let lease = json(serde_json::to_string_pretty(&push.lease))?;
        let standpoint = json(serde_json::to_string_pretty(&push.saved.at))?;
        let mut files = Vec::new();
        for (name, text) in [
            (LEASE, &lease),
            (PROGRESS, &push.saved.progress),
            (STANDPOINT, &standpoint),
            (STATE, &push.saved.state),
        ] {
            files.push((name, self.content(name, text)?));
        }
        let list: Vec<(&str, &str)> = files.iter().map(|(name, object)| (*name, object.as_str())).collect();
        let message = match &push.lease.holder {
            Some(_) => format!("{} works", push.lease.host),
            None => format!("{} is done here", push.lease.host),
        };
        self.repository.write_record(push.parent.as_deref(), &list, &message)
    }

    /// The object of a content. What a file had in the last push is not written again.
    fn content(&mut self, file: &str, text: &str) -> std::result::Result<String, GitError> {
        let key = |object: &str| format!("{file} {object}");
        let same = self.written.iter().find(|(known, last)| known.starts_with(&key("")) && *last == text);
        if let Some((known, _)) = same {
            return Ok(known[file.len() + 1..].to_owned());
        }
        let object = self.repository.write_content(text.as_bytes())?;
        self.written.retain(|known, _| !known.starts_with(&key("")));
        self.written.insert(key(&object), text.to_owned());
        Ok(object)
    }

    /// The answers that people left, and no run has taken.
    pub(super) fn answers(&self) -> std::result::Result<Vec<GivenAnswer>, GitError> {
        let into = format!("{}-answers", self.into);
        answers::fetch(&self.repository, &self.address, &self.names.key, &into, self.deadline)
    }

    /// A folder for a work tree that is needed for a moment.
    pub(super) fn short_tree(&self) -> std::path::PathBuf {
        let name = format!("pick-{}", self.names.key);
        let folder: &Path = &self.repository.common_dir;
        folder.join("seqorch").join(".remote").join(name)
    }

    /// Forgets where what was fetched was noted.
    pub(super) fn leave(&self) {
        self.repository.remove_own_refs(&format!("refs/seqorch/seen/{}", self.names.key));
    }
}

/// The lease in an object.
pub(super) fn read_lease(repository: &Repository, object: &str) -> std::result::Result<Lease, UnreadLease> {
    let bytes = match repository.read_record(object, LEASE) {
        Ok(bytes) => bytes.ok_or_else(|| UnreadLease::Unreadable(format!("{object} has no {LEASE}")))?,
        // it is fetched, so it is there, and no commit
        Err(GitError::Failed { words, .. }) => return Err(UnreadLease::Unreadable(words)),
        Err(error) => return Err(error.into()),
    };
    Lease::read(&bytes).map_err(UnreadLease::Unreadable)
}

/// The error for a lease that cannot be read.
pub(super) fn unreadable_lease(remote: &str, why: &str) -> Error {
    Error::new(ErrorKind::Human, format!("the lease on {remote} cannot be read: {}", sanitise_line(why)))
        .hint("Was it written by a newer seqorch? Then update this one.")
        .hint("`seqorch forget SPEC --remote` removes lease and state; the branch stays.")
}

/// What an object has beside the lease.
pub(super) fn read_saved(repository: &Repository, object: &str) -> Result<SavedSpec> {
    let text = |file: &str| -> Result<String> {
        let bytes = repository.read_record(object, file)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let at: Standpoint = serde_json::from_str(&text(STANDPOINT)?).unwrap_or_default();
    Ok(SavedSpec { at, state: text(STATE)?, progress: text(PROGRESS)? })
}
