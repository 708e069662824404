//! The remote of the simulation: refs, objects and commits, and what must hold when they move.

use std::collections::BTreeMap;

use crate::fleet::lease::Lease;
use crate::fleet::push::{Push, RefQuestion, RunTip, SeenRefs};

/// A commit of the branch.
#[derive(Debug, Clone)]
pub(super) struct ModelCommit {
    pub(super) parent: Option<usize>,
    /// The task that it does; `None`: it is a person's.
    pub(super) task: Option<u32>,
    /// Which take made it.
    pub(super) by: String,
}

/// Which of the refs of a push the server moves before it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moves {
    pub(super) run: bool,
    pub(super) branch: bool,
    pub(super) kept: bool,
}

impl Moves {
    /// It is not killed.
    pub(super) const ALL: Self = Self { run: true, branch: true, kept: true };
}

/// The remote.
#[derive(Debug, Default)]
pub(super) struct Remote {
    pub(super) commits: Vec<ModelCommit>,
    pub(super) branch: Option<usize>,
    /// What was pushed to the ref with the lease, in the order of the objects' numbers.
    pub(super) objects: Vec<Push>,
    pub(super) run: Option<usize>,
    /// Commits that are kept under a ref for a person, by the numbers in its name.
    pub(super) kept: BTreeMap<(u64, u64), usize>,
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
    pub(super) fn seen(&self, question: &RefQuestion) -> SeenRefs {
        let run = self.run.map(|at| RunTip { object: name(at), lease: self.objects[at].lease.clone() });
        let kept = question.kept.and_then(|numbers| self.kept.get(&numbers)).copied().map(commit_name);
        let has_object = question.objects.iter().any(|object| self.has_object(number(object)));
        let has_commit = question.commit.as_deref().is_none_or(|commit| self.has_commit(number(commit)));
        SeenRefs { run, branch: self.branch.map(commit_name), kept, has_object, has_commit }
    }

    /// Whether the chain of the ref with the lease has an object.
    pub(super) fn has_object(&self, object: usize) -> bool {
        let parent = |at: &usize| self.objects[*at].parent.as_deref().map(number);
        std::iter::successors(self.run, parent).any(|at| at == object)
    }

    /// Whether the branch has a commit.
    pub(super) fn has_commit(&self, commit: usize) -> bool {
        self.history(self.branch).contains(&commit)
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
        let branch_fits = push.branch.as_ref().is_none_or(|moved| self.branch.map(commit_name) == moved.from);
        let kept = push.kept.as_ref().map(|(number, _)| (push.lease.epoch, *number));
        run_fits && branch_fits && kept.is_none_or(|numbers| !self.kept.contains_key(&numbers))
    }

    /// Performs a push; `true`: all of it, or what the server moved before it was killed, is there.
    pub(super) fn land(&mut self, push: &Push, object: usize, moves: Moves) -> bool {
        if !self.fits(push, object) || self.run == Some(object) {
            return false;
        }
        self.log.push(format!("lands ({moves:?}): {object} {push:?}"));
        if moves.run {
            let before = self.run.map(|at| take_of(&self.objects[at].lease));
            self.run = Some(object);
            self.landed += 1;
            self.takes += u64::from(before.as_ref() != Some(&take_of(&push.lease)));
        }
        if let Some((numbers, commit)) = push.kept.as_ref().filter(|_| moves.kept) {
            self.kept.insert((push.lease.epoch, *numbers), number(commit));
        }
        if let Some(moved) = push.branch.as_ref().filter(|_| moves.branch) {
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
        self.kept.values().filter_map(|at| self.commits[*at].task)
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
