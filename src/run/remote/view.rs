//! What a remote has of a spec, for verbs that look or answer without the lease.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::spec_remote::{UnreadLease, read_lease, read_saved, unreadable_lease};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::fleet::lease::{Lease, LeaseTiming};
use crate::fleet::ref_names::RefNames;
use crate::fleet::saved::{SavedSpec, Standpoint};
use crate::git::call::Supervisor;
use crate::git::repository::Repository;
use crate::git::spec_refs::{FetchNames, FetchedRefs, RefUpdate};
use crate::project::{SpecPlace, own_tree};
use crate::report::text::sanitise_line;
use crate::run::branch;
use crate::run::own_tree::in_checkout;
use crate::run::remote::answers;
use crate::run::resume::{GivenAnswer, ResumeRequest};
use crate::state::SpecState;
use crate::store::state_file::StateText;

/// The remote where none is named.
const USUAL: &str = "origin";

/// A spec on a remote, without its lease.
#[derive(Debug)]
pub struct RemoteSpec {
    repository: Repository,
    /// The name of the remote.
    pub name: String,
    address: String,
    /// The names of the spec's refs.
    pub names: RefNames,
    deadline: Duration,
    /// The spec's task list, from the top of the repository.
    tasks: PathBuf,
}

/// What a remote has of a spec, as far as it can be read.
#[derive(Debug)]
pub struct RemoteTip {
    /// The object of the ref with the lease.
    pub object: String,
    /// Who works on it.
    pub lease: Option<Lease>,
    /// How many tasks are done.
    pub done: Option<usize>,
}

/// What a remote has of a spec.
#[derive(Debug)]
pub struct RemoteView {
    /// Who works on it.
    pub lease: Lease,
    /// Where it stands.
    pub at: Standpoint,
    /// Its state, with the answers that no run has taken yet.
    pub state: SpecState,
    /// The progress log.
    pub progress: String,
    /// Its task list on the branch; `None` where that does not have it.
    pub tasks: Option<Vec<u8>>,
}

impl RemoteSpec {
    /// The spec on this remote; where none is named, on that of the configuration, or on `origin`.
    pub fn find(place: &SpecPlace, config: &Config, remote: Option<&str>) -> Result<Self> {
        let here = in_checkout(place);
        let record = own_tree::record(&here).ok_or_else(no_repository)?;
        let found = Repository::find(&here.root, &Supervisor::default())?.ok_or_else(no_repository)?;
        let repository = found.only_to_look();
        let name = remote.or(config.remote.name.as_deref()).unwrap_or(USUAL).to_owned();
        let addresses = repository.push_addresses(&name)?.unwrap_or_default();
        let [address] = addresses.as_slice() else {
            return Err(Error::new(
                ErrorKind::Config,
                format!("git has no remote {name:?} with one address"),
            )
            .hint("List the remotes with `git remote -v`."));
        };
        let branch = branch::checked_name(&repository, &config.remote.branch, &here.name)?;
        let names = RefNames::of(&record.spec.to_string_lossy(), &branch);
        let deadline = LeaseTiming::of(config.remote.lease).call().max(Duration::from_secs(20));
        let tasks = here.tasks_path();
        let tasks = tasks.strip_prefix(&record.here).unwrap_or(&tasks).to_owned();
        let address = repository.address_from_anywhere(address);
        Ok(Self { repository, name, address, names, deadline, tasks })
    }

    /// What the remote has of it now; `None`: no run was ever there.
    pub fn look(&self) -> Result<Option<RemoteView>> {
        self.look_if_readable()?.transpose()
    }

    /// The same. The inner error: the remote answers, and what it has cannot be read.
    pub fn look_if_readable(&self) -> Result<Option<Result<RemoteView>>> {
        self.fetched(&|found, into| {
            let Some(object) = &found.run else { return Ok(None) };
            let lease = match read_lease(&self.repository, object) {
                Ok(lease) => lease,
                Err(UnreadLease::Unreadable(why)) => {
                    return Ok(Some(Err(unreadable_lease(&self.name, &why))));
                }
                Err(UnreadLease::Git(error)) => return Err(error.into()),
            };
            let saved = read_saved(&self.repository, object)?;
            let Some(state) = state_in(&saved) else {
                let text = format!("the state on {} cannot be read", self.name);
                let error = Error::new(ErrorKind::Human, text)
                    .hint("Was it written by a newer seqorch? Then update this one.");
                return Ok(Some(Err(error)));
            };
            self.view(found, into, (lease, saved, state)).map(|view| Some(Ok(view)))
        })
    }

    /// What it has now, as far as it can be read; `None`: no run was ever there.
    pub fn tip(&self) -> Result<Option<RemoteTip>> {
        self.fetched(&|found, _| {
            let Some(object) = &found.run else { return Ok(None) };
            let lease = match read_lease(&self.repository, object) {
                Ok(lease) => Some(lease),
                Err(UnreadLease::Unreadable(_)) => None,
                Err(UnreadLease::Git(error)) => return Err(error.into()),
            };
            let saved = read_saved(&self.repository, object).ok();
            let done = saved.and_then(|saved| state_in(&saved)).map(|state| state.completed.len());
            Ok(Some(RemoteTip { object: object.clone(), lease, done }))
        })
    }

    /// Calls `look` with what the remote has, and with the name of a ref below which more can be fetched.
    fn fetched<T>(&self, look: &dyn Fn(&FetchedRefs, &str) -> Result<T>) -> Result<T> {
        let into = format!("refs/seqorch/look/{}-{}", self.names.key, std::process::id());
        let refs = FetchNames { run: &self.names.run, branch: &self.names.branch, kept: None };
        let found = self.repository.fetch_spec_refs(&self.address, refs, &into, self.deadline);
        let seen = found.map_err(Error::from).and_then(|found| look(&found, &into));
        self.repository.remove_own_refs(&into);
        seen
    }

    fn view(
        &self,
        found: &FetchedRefs,
        into: &str,
        (lease, saved, mut state): (Lease, SavedSpec, SpecState),
    ) -> Result<RemoteView> {
        let left = answers::fetch(&self.repository, &self.address, &self.names.key, into, self.deadline)?;
        answers::apply(&left, &mut state);
        let tasks = match &found.branch {
            Some(tip) => self.repository.read_record(tip, &self.tasks.to_string_lossy())?,
            None => None,
        };
        Ok(RemoteView { lease, at: saved.at, state, progress: saved.progress, tasks })
    }

    /// Leaves answers for the next run that takes the lease. The first answer to a question wins.
    pub fn answer(&self, view: &RemoteView, given: &[GivenAnswer]) -> Result<()> {
        let mut updates = Vec::new();
        for one in given {
            let asked = view.state.questions().into_iter().find(|question| question.unit == one.unit);
            let Some(question) = asked else { continue };
            let name = answers::ref_of(&self.names.key, &question.id());
            let left = GivenAnswer { question: Some(question.id()), ..one.clone() };
            let text = serde_json::to_vec_pretty(&left)
                .map_err(|e| Error::new(ErrorKind::Internal, "writing the answer").caused_by(e))?;
            let content = self.repository.write_content(&text)?;
            let object = self.repository.write_record(None, &[(answers::FILE, &content)], "answer")?;
            updates.push(RefUpdate { name, from: None, to: Some(object) });
        }
        self.repository.push_refs(&self.address, &updates, self.deadline).map_err(|error| {
            let text = format!("{} did not take the answer", self.name);
            Error::new(ErrorKind::Human, text).detail(format!("  {}", sanitise_line(&error.words()))).hint(
                format!("If somebody was faster, `seqorch status --remote={}` shows the answer.", self.name),
            )
        })
    }

    /// Removes all that the remote has of the spec, except its branch. `tip`: what was seen before; if it is another one by
    /// now, nothing is removed. Returns how many refs were removed.
    pub fn forget(&self, tip: &RemoteTip) -> Result<usize> {
        let into = format!("refs/seqorch/look/{}-{}", self.names.key, std::process::id());
        let mut updates =
            vec![RefUpdate { name: self.names.run.clone(), from: Some(tip.object.clone()), to: None }];
        for pattern in self.names.below() {
            let prefix = pattern.trim_end_matches('*');
            let all = self.repository.fetch_below(&self.address, prefix, &into, self.deadline);
            self.repository.remove_own_refs(&into);
            updates.extend(all?.into_iter().map(|(name, object)| RefUpdate {
                name: format!("{prefix}{name}"),
                from: Some(object),
                to: None,
            }));
        }
        self.repository.push_refs(&self.address, &updates, self.deadline)?;
        Ok(updates.len())
    }
}

impl RemoteView {
    /// The state with this answer, as the next run has it; `false`: nothing asks for it.
    #[must_use]
    pub fn takes(&self, given: &[GivenAnswer]) -> bool {
        ResumeRequest::Answers(given.to_vec()).apply(&mut self.state.clone(), &BTreeSet::new())
    }
}

/// The state that a remote keeps; `None`: it cannot be read.
fn state_in(saved: &SavedSpec) -> Option<SpecState> {
    match StateText::read(&saved.state) {
        Ok(StateText::Ours(mut file)) => {
            Some(file.specs.pop_first().map(|(_, state)| state).unwrap_or_default())
        }
        _ => saved.state.is_empty().then(SpecState::default),
    }
}

fn no_repository() -> Error {
    Error::new(ErrorKind::Config, "the spec is in no git repository, so no remote has it")
}
