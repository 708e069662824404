//! `seqorch plan`.

use crate::common::Project;

use super::{check, project};

/// Six tasks: one is done, one is optional, one has an open and a done subtask, one depends on a later one.
const SIX: &str = "\
# Implementation Plan

- [x] 1. Set up the schema of accounts and sessions
- [ ] 2. Hash passwords with argon2
  - [x] 2.1 Choose the parameters
  - [ ] 2.2 Write the module
  - [ ]* 2.3 Measure it
- [ ] 3. Log in with an e-mail address and a password
  - _Depends: 4_
- [ ] 4. Lock an account after five failures
- [ ]* 5. Log in with a passkey
- [ ] 6. Write the documentation
";

pub(super) fn six() -> Project {
    project().spec("login", SIX)
}

#[test]
fn a_plan_of_six_tasks() {
    check(&six(), "plan", "six_tasks", &[&["plan"]]);
}

#[test]
fn a_plan_of_selected_tasks() {
    let project = six();
    check(&project, "plan", "selected_tasks", &[&["plan", "--only", "5,6"], &["plan", "--from", "3"]]);
}

#[test]
fn a_plan_of_twelve_tasks() {
    let tasks: Vec<_> = (1..=12).map(|n| format!("- [ ] {n}. Write the part number {n}\n")).collect();
    check(&project().spec("login", tasks.concat()), "plan", "twelve_tasks", &[&["plan"]]);
}

#[test]
fn a_plan_with_settings_that_differ_between_tasks() {
    let project = six().config(
        "[verify]\ncommands = [[\"cargo\", \"test\"]]\n[pace]\ntasks_per_hour = 2\n\
         [backend.other]\ncommand = \"/bin/sh\"\nargs = [\"agent.sh\"]\n\
         [[override]]\ntasks = [\"4\"]\nbackend = \"other\"\nverify = []\n",
    );
    check(&project, "plan", "different_settings", &[&["plan", "--dry-run"]]);
}

#[test]
fn a_plan_of_a_complete_spec() {
    check(&project().spec("login", "- [x] 1. A\n- [x] 2. B\n"), "plan", "complete", &[&["plan"]]);
}

#[test]
fn a_plan_with_every_detail() {
    check(&six(), "plan", "verbose", &[&["plan", "-v"]]);
}

#[test]
fn a_prompt() {
    check(&six(), "plan", "prompt", &[&["plan", "--prompt", "2"]]);
}

#[test]
fn a_plan_as_json() {
    check(&six(), "plan", "json", &[&["plan", "--json"]]);
}
