//! The remote of the simulation: refs, objects and commits, and what must hold when they move.

use std::collections::BTreeSet;

use crate::fleet::lease::Lease;
use crate::fleet::push::{Push, RunTip, SeenRefs};

/// A commit of the branch.
#[derive(Debug, Clone)]
pub(super) struct ModelCommit {
    pub(super) parent: Option<usize>,
    /// The task that it does; `None`: it is a person's.
    pub(super) task: Option<u32>,
    /// Which take made it.
    pub(super) by: String,
}

/// The remote.
#[derive(Debug, Default)]
pub(super) struct Remote {
    pub(super) commits: Vec<ModelCommit>,
    pub(super) branch: Option<usize>,
    /// What was pushed to the ref with the lease, in the order of the objects' numbers.
    pub(super) objects: Vec<Push>,
    pub(super) run: Option<usize>,
    /// Commits that are kept under a ref for a person.
    pub(super) kept: BTreeSet<usize>,
    pub(super) landed: u64,
    pub(super) takes: u64,
    pub(super) log: Vec<String>,
    pub(super) wrong: Vec<String>,
}

/// A number as an object's name.
pub(super) fn name(number: usize) -> String {
    format!("o{number}")
}

/// The number of an object or a commit.
pub(super) fn number(name: &str) -> usize {
    name[1..].parse().unwrap()
}

pub(super) fn commit_name(number: usize) -> String {
    format!("c{number}")
}

/// The take that a lease belongs to.
pub(super) fn take_of(lease: &Lease) -> String {
    let holder = lease.nonce.rsplit_once('-').map_or("", |(holder, _)| holder);
    format!("{holder}/{}", lease.epoch)
}

impl Remote {
    pub(super) fn seen(&self) -> SeenRefs {
        let run = self.run.map(|at| RunTip { object: name(at), lease: self.objects[at].lease.clone() });
        SeenRefs { run, branch: self.branch.map(commit_name) }
    }

    /// Makes an object, or finds the one that an identical push made.
    pub(super) fn object(&mut self, push: &Push) -> usize {
        push.object.as_deref().map_or_else(
            || {
                self.objects.push(push.clone());
                self.objects.len() - 1
            },
            number,
        )
    }

    /// Whether the server takes the push now: all expected values are right.
    fn fits(&self, push: &Push, object: usize) -> bool {
        let run_fits = self.run.map(name) == push.parent || self.run == Some(object);
        run_fits && push.branch.as_ref().is_none_or(|moved| self.branch.map(commit_name) == moved.from)
    }

    /// Performs a push. `torn`: the server is killed before it moves the branch.
    pub(super) fn land(&mut self, push: &Push, object: usize, torn: bool) -> bool {
        if !self.fits(push, object) || self.run == Some(object) {
            return false;
        }
        self.log.push(format!("lands{}: {object} {push:?}", if torn { " in part" } else { "" }));
        let before = self.run.map(|at| take_of(&self.objects[at].lease));
        self.run = Some(object);
        self.landed += 1;
        self.takes += u64::from(before.as_ref() != Some(&take_of(&push.lease)));
        if torn {
            return true;
        }
        if let Some((_, commit)) = &push.kept {
            self.kept.insert(number(commit));
        }
        if let Some(moved) = &push.branch {
            let to = number(&moved.to);
            let new = self.history(Some(to)).into_iter().take_while(|at| Some(*at) != self.branch);
            for at in new.collect::<Vec<_>>() {
                if self.commits[at].task.is_some() && self.commits[at].by != take_of(&push.lease) {
                    self.wrong.push(format!(
                        "{} pushes a commit of {}",
                        take_of(&push.lease),
                        self.commits[at].by
                    ));
                }
            }
            if !self.history(Some(to)).iter().any(|at| Some(*at) == self.branch) && self.branch.is_some() {
                self.wrong.push(format!("{} rewrites the branch", take_of(&push.lease)));
            }
            self.branch = Some(to);
            self.check_tasks();
        }
        true
    }

    /// The commits from this one back to the first.
    pub(super) fn history(&self, from: Option<usize>) -> Vec<usize> {
        std::iter::successors(from, |at| self.commits[*at].parent).collect()
    }

    /// The tasks on the branch.
    pub(super) fn tasks(&self) -> Vec<u32> {
        self.history(self.branch).into_iter().filter_map(|at| self.commits[at].task).collect()
    }

    /// The tasks that are kept for a person.
    pub(super) fn kept_tasks(&self) -> impl Iterator<Item = u32> {
        self.kept.iter().filter_map(|at| self.commits[*at].task)
    }

    fn check_tasks(&mut self) {
        let mut tasks = self.tasks();
        tasks.sort_unstable();
        let before = tasks.len();
        tasks.dedup();
        if tasks.len() != before {
            self.wrong.push(format!("a task has two commits: {:?}", self.tasks()));
        }
    }

    /// A person pushes a commit of their own on top of the branch.
    pub(super) fn person_pushes(&mut self) -> bool {
        let Some(tip) = self.branch else { return false };
        self.commits.push(ModelCommit { parent: Some(tip), task: None, by: "a person".to_owned() });
        self.branch = Some(self.commits.len() - 1);
        self.log.push(format!("a person makes the branch {:?} {:?}", self.branch, self.commits.last()));
        true
    }

    /// A person takes the last commit of the branch away, if it is a person's.
    pub(super) fn person_rewrites(&mut self) -> bool {
        let Some(tip) = self.branch.filter(|tip| self.commits[*tip].task.is_none()) else { return false };
        let Some(parent) = self.commits[tip].parent else { return false };
        self.commits.push(ModelCommit { parent: Some(parent), task: None, by: "a person".to_owned() });
        self.branch = Some(self.commits.len() - 1);
        self.log.push(format!("a person makes the branch {:?} {:?}", self.branch, self.commits.last()));
        true
    }
}
