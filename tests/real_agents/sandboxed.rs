//! The CLIs in bubblewrap.

use std::fs;
use std::process::Command;

use super::bench::Bench;
use super::clis::Cli;
use super::{Ground, Seen, bench, bypass, ensure};

/// A bench whose agent runs in bubblewrap with all permissions. An error where bubblewrap does not work here.
fn in_bwrap(ground: &Ground, cli: Cli, more: &str) -> Result<Bench, String> {
    let works = Command::new("bwrap").args(["--ro-bind", "/", "/", "--unshare-pid", "true"]).output();
    if !works.is_ok_and(|output| output.status.success()) {
        return Err("DID NOT RUN: bwrap is not installed or does not work here".to_owned());
    }
    let agents = ground.bin.parent().unwrap_or(&ground.bin).display().to_string();
    let config = format!(
        "{}[sandbox]\nmode = \"bwrap\"\nread = [\"{agents}\"]\nenv = [\"MOCK_KEY\", \"TEST_PROJECT\"]\n{more}",
        bypass(cli)
    );
    Ok(bench(ground, cli, &config))
}

/// It writes a file inside, none outside, and reads no key of the person.
pub(super) fn works_on_its_work_tree_alone(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = in_bwrap(ground, cli, "")?;
    bench.project.write(".home/.ssh/id", "PRIVATE-MARK");
    let outside = bench.project.outside().join("planted");
    let tool = format!(
        "echo hi > out.txt; echo x > '{0}'; cat $HOME/.ssh/id > seen.txt 2>&1; test -e '{0}' || echo kept >> seen.txt",
        outside.display()
    );
    bench.serve_otherwise("tool", &[], Some(&tool));
    bench.run(&["run", "demo"]).code(0);
    let seen = bench.project.read("seen.txt");
    ensure(bench.outcomes() == ["done"], &bench, "it is not done")?;
    ensure(bench.project.read("out.txt") == "hi\n", &bench, "the file inside was not written")?;
    ensure(!fs::exists(&outside).unwrap_or(true), &bench, "the file outside was written")?;
    ensure(!seen.is_empty() && !seen.contains("PRIVATE-MARK"), &bench, &format!("it saw {seen:?}"))?;
    ensure(bench.attempts()[0]["session"].is_string(), &bench, "its session is not known")?;
    ensure(bench.alive().is_empty(), &bench, &format!("left alive: {:?}", bench.alive()))?;
    Ok(format!("inside written, outside refused, {}", bench.took()))
}

/// Its session is still there in a second sandbox.
pub(super) fn answers_in_its_session(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = in_bwrap(ground, cli, "")?;
    bench.serve("halt");
    bench.run(&["run", "demo"]).code(2);
    bench.serve("resume");
    bench.run(&["resume", "demo", "--answer", "It is in the other FOLDER-MARK"]).code(0);
    let request = bench.first_request();
    ensure(bench.outcomes() == ["halted", "done"], &bench, "it did not continue to the end")?;
    ensure(request.contains("I cannot go on"), &bench, "the model did not get its own earlier words")?;
    Ok(format!("answered in its session, {}", bench.took()))
}

/// A tool that never ends is gone after the deadline.
pub(super) fn leaves_nothing_after_a_timeout(ground: &Ground, cli: Cli) -> Seen {
    let limit = if cli == Cli::Codex { 7 } else { cli.patience() };
    let config = format!("[timeout]\ntask = {limit}\n[retry]\nattempts = 1\n");
    let mut bench = in_bwrap(ground, cli, &config)?;
    bench.serve("sleeptool");
    bench.run(&["run", "demo"]).code(2).says(&["time limit"]);
    ensure(bench.outcomes() == ["timed_out"], &bench, "it did not time out")?;
    ensure(bench.alive().is_empty(), &bench, &format!("left alive: {:?}", bench.alive()))?;
    Ok(format!("timed out, nothing left, {}", bench.took()))
}
