//! git: the program, the repository, and what a commit for each step needs.

use std::collections::BTreeSet;

use super::subject::DoctorSubject;
use crate::config::{self, Commit, Dirty};
use crate::error::ErrorKind;
use crate::git::call::{GitError, Supervisor};
use crate::git::repository::{self, Repository};
use crate::plan::branch_names;
use crate::setup::findings::DoctorFinding;

const TOPIC: &str = "git";
/// How many uncommitted files are named.
const SHOWN_FILES: usize = 5;
/// The configuration of one user, which is not meant to be committed.
const LOCAL_CONFIG: &str = "seqorch.local.toml";

/// The oldest git that has all that seqorch calls: `worktree list -z` came last.
const OLDEST: (u32, u32) = (2, 36);

/// The finding about the version of git; `more` is what else is right.
fn of_version(version: &str, more: &str) -> DoctorFinding {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let number = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if number < OLDEST {
        let text = format!("git {version} is older than 2.36, the oldest that seqorch supports; {more}");
        return DoctorFinding::warning(TOPIC, text).fix("Update git.");
    }
    DoctorFinding::ok(TOPIC, format!("git {version}, {more}"))
}

pub(super) fn check(subject: &DoctorSubject<'_>) -> Vec<DoctorFinding> {
    let settings = subject.loaded.ok().map(|loaded| &loaded.config.git);
    let commits = settings.is_some_and(|git| git.commit == Commit::Step);
    let lacking = |kind: ErrorKind, text: &str| {
        if commits {
            DoctorFinding::problem(TOPIC, kind, format!("{text}, and git.commit is \"step\""))
        } else {
            DoctorFinding::warning(TOPIC, format!("{text}, so changes of tasks cannot be shown or undone"))
        }
    };
    let Ok(version) = repository::version(subject.root) else {
        return vec![lacking(ErrorKind::Unavailable, "git is not in PATH").fix("Install git.")];
    };
    let repository = match Repository::find(subject.root, &Supervisor::default()) {
        Ok(Some(repository)) => repository.only_to_look(),
        Ok(None) => {
            let fix = "Run `git init`, so that you can see and undo what agents change.";
            return vec![lacking(ErrorKind::Internal, "not a git repository").fix(fix)];
        }
        Err(error) => {
            let words = first_words(&error);
            return vec![lacking(ErrorKind::Internal, &words).fix("Run `git status` to see why.")];
        }
    };
    let top = repository.top.display();
    let mut found = vec![of_version(&version, &format!("repository {top}"))];
    found.push(match repository.status() {
        Ok(status) if status.uncommitted().is_empty() => DoctorFinding::ok(TOPIC, "no uncommitted changes"),
        Ok(status) => {
            let files: Vec<String> = status.uncommitted().into_iter().map(ToString::to_string).collect();
            uncommitted(subject, &files)
        }
        Err(error) => DoctorFinding::warning(TOPIC, format!("`git status` fails: {}", first_words(&error)))
            .fix("Run it to see why."),
    });
    if let Ok(Some(operation)) = repository.operation() {
        let is = format!("a {} is in progress", operation.name());
        let fix = format!("Finish it, or abort it: git {}", operation.abort());
        let finding = if commits {
            let text = format!("{is}, and commits of tasks would be mixed with it");
            DoctorFinding::problem(TOPIC, ErrorKind::Human, text)
        } else {
            DoctorFinding::warning(TOPIC, format!("{is}, and agents would work in the middle of it"))
        };
        found.push(finding.fix(fix));
    }
    if commits && repository.identity().is_err() {
        let text = "git has no name and address to commit with";
        found.push(
            DoctorFinding::problem(TOPIC, ErrorKind::Config, text)
                .fix("Run: git config user.name NAME; git config user.email ADDRESS"),
        );
    }
    if let Some(settings) = settings.filter(|_| commits) {
        found.extend(refused_branches(subject, settings, &repository));
        found.extend(missing_remote(settings, &repository));
    }
    let has_local = subject.root.join(LOCAL_CONFIG).exists();
    if has_local && repository.is_ignored(&subject.root.join(LOCAL_CONFIG)) == Ok(false) {
        let text = format!("{LOCAL_CONFIG} holds your own settings, but git does not ignore it");
        found.push(DoctorFinding::warning(TOPIC, text).fix(format!("Add {LOCAL_CONFIG} to .gitignore.")));
    }
    found
}

/// The protected branches that runs would commit to.
fn refused_branches(
    subject: &DoctorSubject<'_>,
    settings: &config::Git,
    repository: &Repository,
) -> Option<DoctorFinding> {
    let branches: BTreeSet<String> = match &settings.branch {
        Some(pattern) => {
            let specs = subject.specs.iter().flatten();
            specs.map(|(place, _)| branch_names::branch(pattern, &place.name)).collect()
        }
        None if settings.worktree => return None,
        None => repository.branch().ok().flatten().into_iter().collect(),
    };
    let is_refused = |branch: &String| branch_names::is_protected(&settings.protect, branch);
    let refused: Vec<String> = branches.into_iter().filter(is_refused).collect();
    let text = || format!("runs would commit to a protected branch (git.protect): {}", refused.join(", "));
    (!refused.is_empty()).then(|| {
        DoctorFinding::problem(TOPIC, ErrorKind::Config, text())
            .fix("Set git.branch = \"seqorch/{spec}\", or go to another branch with `git switch`.")
    })
}

/// The remote of `git.push`, where git does not know it.
fn missing_remote(settings: &config::Git, repository: &Repository) -> Option<DoctorFinding> {
    let remote = settings.push.as_ref()?;
    matches!(repository.push_addresses(remote), Ok(None)).then(|| {
        DoctorFinding::problem(TOPIC, ErrorKind::Config, format!("git has no remote {remote:?} (git.push)"))
            .fix("List the remotes with `git remote`, or add one with `git remote add`.")
    })
}

/// What git says first: the rest is advice.
fn first_words(error: &GitError) -> String {
    let words = error.words();
    words.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned()
}

fn uncommitted(subject: &DoctorSubject<'_>, files: &[String]) -> DoctorFinding {
    let mut names: Vec<&str> = files.iter().take(SHOWN_FILES).map(String::as_str).collect();
    if files.len() > SHOWN_FILES {
        names.push("…");
    }
    let s = if files.len() == 1 { "" } else { "s" };
    let text = format!("uncommitted changes in {} file{s}: {}", files.len(), names.join(", "));
    let settings = subject.loaded.ok().map(|loaded| &loaded.config.git);
    let commits = settings.is_some_and(|git| git.commit == Commit::Step);
    // a run does not refuse the changes of a done task, and a stash would hide them from the task's commit
    let has_pending_commit = subject
        .specs
        .iter()
        .flatten()
        .any(|(_, store)| store.load().is_ok_and(|state| state.refused_commit().is_some()));
    match settings.map(|git| git.dirty) {
        _ if commits && has_pending_commit => DoctorFinding::warning(TOPIC, text)
            .fix("A done task is not committed yet, see below. Do not stash its changes."),
        Some(Dirty::Refuse) if commits => DoctorFinding::problem(TOPIC, ErrorKind::Internal, text)
            .fix("Commit or stash them, or set git.dirty = \"allow\"."),
        _ => DoctorFinding::warning(TOPIC, text)
            .fix("Commit them first, so that an agent's changes can be kept apart from yours and undone."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_git_is_named_with_the_oldest_that_is_supported() {
        let words = |version| format!("{:?}", of_version(version, "repository /x"));
        for version in ["2.36.0", "2.47.3", "3.0.0.rc1", "2.39.5 (Apple Git-154)"] {
            assert!(!words(version).contains("older"), "{version}");
        }
        assert!(words("2.30.2").contains("git 2.30.2 is older than 2.36"), "{}", words("2.30.2"));
    }
}
