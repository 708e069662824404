//! What people see: the output of each command, kept in `tests/snapshots/` and compared with insta.
//!
//! After a change of the output, look at the new screens with `cargo insta review`, or at the `.snap.new` files that a
//! failed test leaves, and accept them with `INSTA_UPDATE=always cargo test --test integration screens::`. In CI nothing
//! is written.

mod doctor;
mod errors;
mod help;
mod plan;
mod redaction;
mod report;
mod run;
mod status;

use std::fmt::Write as _;

use crate::common::{Output, Project};

/// A project whose output does not depend on the time zone.
fn project() -> Project {
    Project::new().env("TZ", "UTC")
}

/// Compares the screens of some commands, one below the other, with `tests/snapshots/GROUP/NAME.snap`.
fn check(project: &Project, group: &str, name: &str, commands: &[&[&str]]) {
    let screens: Vec<String> = commands.iter().map(|args| screen(project, args)).collect();
    compare(group, name, &screens.join("\n"));
}

/// Compares a text, which must be redacted, with `tests/snapshots/GROUP/NAME.snap`.
fn compare(group: &str, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("snapshots/{group}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// A command and all that it prints, as on a terminal that keeps the two streams apart.
fn screen(project: &Project, args: &[&str]) -> String {
    transcript(project, args, &project.run(args))
}

fn transcript(project: &Project, args: &[&str], output: &Output) -> String {
    let typed: Vec<_> =
        args.iter().map(|a| if a.contains(' ') { format!("'{a}'") } else { (*a).to_owned() }).collect();
    let mut text = format!("$ seqorch {}\n{}", typed.join(" "), output.stdout);
    if !output.stderr.is_empty() {
        let _ = write!(text, "--- stderr\n{}", output.stderr);
    }
    if output.code != 0 {
        let _ = writeln!(text, "--- exit code {}", output.code);
    }
    redaction::redact(project, &text)
}
