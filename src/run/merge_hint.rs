//! How a person takes over what runs did on a branch of their own.

use crate::config::Config;
use crate::git::call::{GitError, Supervisor};
use crate::git::repository::Repository;
use crate::plan::branch_names;
use crate::project::{SpecPlace, own_tree};
use crate::report::text::{plural, sanitise_line, shell_word};

/// What to say about it after a run; nothing where the run worked on the branch of the checkout, or where git does not answer.
#[must_use]
pub fn merge_lines(place: &SpecPlace, config: &Config) -> Vec<String> {
    let found = match &place.checkout {
        Some(checkout) => of_own_tree(place, &checkout.root),
        None => Ok(of_branch(place, config)),
    };
    found.unwrap_or_default().iter().map(|line| sanitise_line(line)).collect()
}

fn of_own_tree(place: &SpecPlace, checkout: &std::path::Path) -> Result<Vec<String>, GitError> {
    let supervisor = Supervisor::default();
    let find =
        |folder| Ok::<_, GitError>(Repository::find(folder, &supervisor)?.map(Repository::only_to_look));
    let (Some(there), Some(here)) = (find(&place.root)?, find(checkout)?) else { return Ok(Vec::new()) };
    let status = there.status()?;
    // where an agent left it, nothing is to be merged from there
    let own = own_tree::tree_of(place).map(|tree| tree.branch);
    let is_own = |branch: &String| own.as_ref().is_none_or(|own| own == branch);
    let Some(branch) = status.head.branch.clone().filter(is_own) else { return Ok(Vec::new()) };
    let word = shell_word(&branch);
    let mut lines = Vec::new();
    let files = status.uncommitted().len();
    if files > 0 {
        let tree = shell_word(&there.top.display().to_string());
        lines.push(format!(
            "{} not committed in {tree}; to merge them, commit them there first",
            plural(files, "file")
        ));
    }
    let ahead = here.commits_ahead(&branch)?;
    if ahead > 0 {
        lines.push(format!(
            "{} on {branch} that your checkout lacks; merge with: git merge {word}",
            plural(ahead, "commit")
        ));
    }
    Ok(lines)
}

fn of_branch(place: &SpecPlace, config: &Config) -> Vec<String> {
    let Some(pattern) = &config.git.branch else { return Vec::new() };
    let branch = branch_names::branch(pattern, &place.name);
    let word = shell_word(&branch);
    vec![format!("the run worked on {branch}; merge it from the branch that is to have it: git merge {word}")]
}
