//! The snapshot of the work tree after an attempt.

use std::fs::File;
use std::sync::Arc;

use crate::agent::shell::shell_word;
use crate::git::call::{GitError, Supervisor};
use crate::git::executing::GitPin;
use crate::git::history::HeadMovement;
use crate::git::repository::Repository;
use crate::git::snapshot::{Snapshot, Snapshots};
use crate::git::status::Head;
use crate::git::work_tree_lock::AgentAtWork;
use crate::state::work_tree::{AgentCommit, HistoryChange};
use crate::state::{LeftOutPath, TreeRecord};
use crate::store::attempt_file::{AttemptFile, SnapshotRequest};
use crate::store::busy_file::BusyFile;
use crate::sys::files;
use crate::sys::stop_flag::StopFlag;

/// What a snapshot says, as the state keeps it.
#[must_use]
pub fn record(snapshot: Snapshot) -> TreeRecord {
    let left_out = snapshot.left_out.into_iter().map(|one| LeftOutPath { path: one.path, why: one.why });
    TreeRecord {
        tree: snapshot.tree,
        commit: snapshot.head.commit,
        branch: snapshot.head.branch,
        left_out: left_out.collect(),
        history: None,
    }
}

/// Notes that the attempt is at work in its work tree: no run of another spec starts beside it, also where its own run is
/// killed. `None` where no run looks for that, or where git's folder cannot be written.
pub(super) fn enter(attempt: &AttemptFile) -> Option<File> {
    let request = attempt.snapshot.as_ref()?;
    let agent = AgentAtWork { pid: std::process::id(), spec: attempt.spec.clone(), key: request.key.clone() };
    let file = agent.enter(&request.git_dir).ok()?;
    files::share_with_children(&file);
    Some(file)
}

/// Takes the snapshot, and looks at how HEAD moved. `stop` ends it.
pub(super) fn take(
    request: &SnapshotRequest,
    busy: BusyFile,
    stop: Option<StopFlag>,
) -> Result<TreeRecord, GitError> {
    let settings = request.executing.clone().and_then(|settings| serde_json::from_value(settings).ok());
    let repository = Repository {
        top: request.top.clone(),
        git_dir: request.git_dir.clone(),
        common_dir: request.common_dir.clone(),
        index: request.index.clone(),
        objects: request.objects.clone(),
        supervisor: Supervisor { stop, watch: Some(Arc::new(busy)) },
        is_named: true,
        pin: settings.map(|settings| Arc::new(GitPin::new(settings, None))),
    };
    let before = Head { commit: request.commit.clone(), branch: request.branch.clone() };
    let mut snapshot = Snapshots::resume(&repository, &request.key, request.max_file)?.take_and_search()?;
    let history = history(&repository, &before, &snapshot.head)?;
    if !history.as_ref().is_some_and(HistoryChange::leaves_commits)
        && let Some(logs) = request.logs.clone().and_then(|logs| serde_json::from_value(logs).ok())
    {
        // what git cannot say here is no reason to lose the tree
        snapshot.left_out.extend(repository.aside(logs).unwrap_or_default());
    }
    Ok(TreeRecord { history, ..record(snapshot) })
}

/// How HEAD moved between two moments.
pub fn history(
    repository: &Repository,
    before: &Head,
    after: &Head,
) -> Result<Option<HistoryChange>, GitError> {
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    let way = || repository.way_back(before, after);
    Ok(match repository.movement(before, after)? {
        HeadMovement::None => None,
        HeadMovement::Ahead(commits) => {
            let commits = commits.into_iter().map(|c| AgentCommit { id: c.id, subject: c.subject }).collect();
            Some(HistoryChange::Commits { commits })
        }
        HeadMovement::Rewritten => {
            let back = Some(shown(way()?.commands.as_deref()));
            Some(HistoryChange::Rewritten { from: name(&before.commit), to: name(&after.commit), back })
        }
        HeadMovement::Elsewhere => {
            let way = way()?;
            Some(HistoryChange::Branch {
                from: name(&before.branch),
                to: name(&after.branch),
                commit: name(&before.commit),
                renamed: way.is_renamed,
                back: Some(shown(way.commands.as_deref())),
            })
        }
    })
}

/// Commands of git as a person types them; none: nothing leads back.
fn shown(commands: Option<&[Vec<String>]>) -> String {
    let typed = |args: &Vec<String>| {
        let words: Vec<String> = args.iter().map(|arg| shell_word(arg)).collect();
        format!("git {}", words.join(" "))
    };
    commands.unwrap_or_default().iter().map(typed).collect::<Vec<_>>().join("; ")
}
