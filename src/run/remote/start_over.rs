//! Makes the branch and its work tree as the remote has them. What was here is kept: commits in git, files beside the tree.

use std::fs;
use std::path::{Path, PathBuf};

use super::request::{RemoteRequest, note};
use super::spec_remote::SpecRemote;
use super::strayed::{kept_here, other_branch};
use crate::error::{Error, Result};
use crate::git::call::{GitError, Supervisor};
use crate::git::repository::Repository;
use crate::project::SpecPlace;
use crate::report::text::sanitise_line;
use crate::sys::files;

/// Has the branch lead to this commit, and its work tree have its files, where there is one. What was here stays in git.
/// `true`: files that were not committed are not in the work tree any more.
pub(super) fn check_out(
    request: &RemoteRequest<'_>,
    there: Option<&SpecPlace>,
    branch: &str,
    tip: &str,
    remote: &SpecRemote,
) -> Result<bool> {
    let keep = |repository: &Repository, old: Option<String>| -> Result<()> {
        if let Some(old) = old.filter(|old| old != tip)
            && !repository.is_ancestor(&old, tip)?
        {
            let name = kept_here(&remote.names.key, &old);
            repository.keep_under(&name, &old)?;
            note(&format!("commits that {branch} does not have on {} are kept here as {name}", remote.name));
        }
        Ok(())
    };
    let Some(place) = there else {
        keep(&remote.repository, remote.repository.commit_of_branch(branch)?)?;
        return remote.repository.set_branch(branch, tip).map(|()| false).map_err(|error| {
            Error::from(error)
                .hint(format!(
                    "Is {branch} checked out in this clone? Go to another branch there (`git switch`)."
                ))
                .hint("No agent was started.")
        });
    };
    let Some(repository) = Repository::find(&place.root, &Supervisor::default())? else { return Ok(false) };
    let repository = Repository { pin: request.trust.git.clone(), ..repository };
    keep(&repository, repository.commit_of_branch(branch)?)?;
    match repository.branch()? {
        Some(on) if on == branch => {}
        // that branch keeps its commits
        Some(on) => {
            note(&format!("the work tree goes from the branch {on}, which stays as it is, to {branch}"));
        }
        None => keep(&repository, repository.head()?)?,
    }
    let deadline = request.config.git.timeout;
    if let Some(operation) = repository.operation()? {
        repository.quit(operation)?;
    }
    let top = repository.top.display();
    let has_moved_files = match repository.stash_all(deadline) {
        Ok(false) => false,
        Ok(true) => {
            note(&format!("what was not committed in {top} is on git's stash"));
            true
        }
        Err(error @ GitError::Stopped { .. }) => return Err(error.into()),
        Err(error) if error.is_passing() => {
            let text = "If no git works there, remove the file that it names. No agent was started.";
            return Err(Error::from(error).hint(text));
        }
        Err(error) => {
            let aside = move_aside(&repository.top)?;
            note(&format!(
                "git's stash does not take the files of {top} ({}); they are in {} now",
                sanitise_line(&error.last_word()),
                aside.display()
            ));
            true
        }
    };
    repository.start_over_on(branch, tip, deadline).map(|()| has_moved_files).map_err(|error| {
        Error::from(error).hint("Or throw this clone away, and clone again. No agent was started.")
    })
}

/// Moves all files of a work tree to a new folder beside it.
fn move_aside(top: &Path) -> Result<PathBuf> {
    let name = top.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut names = (1..).map(|number| top.with_file_name(format!("{name}~left-{number}")));
    let aside = names.find(|path| fs::symlink_metadata(path).is_err());
    let aside = aside.unwrap_or_else(|| top.with_file_name(format!("{name}~left")));
    files::create_private_dir(&aside)?;
    let failed = |e| Error::io("moving away the files of", top, e);
    for entry in fs::read_dir(top).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name() != ".git" {
            fs::rename(entry.path(), aside.join(entry.file_name())).map_err(failed)?;
        }
    }
    Ok(aside)
}

/// Goes back to the branch, which the remote does not have yet, where something left it.
pub(super) fn go_back(
    request: &RemoteRequest<'_>,
    there: Option<&SpecPlace>,
    branch: &str,
    remote: &SpecRemote,
) -> Result<bool> {
    let Some(place) = there else { return Ok(false) };
    let Some(repository) = Repository::find(&place.root, &Supervisor::default())? else { return Ok(false) };
    match repository.commit_of_branch(branch)? {
        Some(tip) if other_branch(&repository, branch)?.is_some() => {
            check_out(request, there, branch, &tip, remote)
        }
        _ => Ok(false),
    }
}
