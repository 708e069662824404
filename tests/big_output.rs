//! Agents that flood their output: memory stays flat and the end of the log is kept.
//!
//! `SEQORCH_FLOOD_MB` sets how much each of them prints (default 1000).

use std::fs;
use std::time::Instant;

use crate::common::{Project, wait_long, wait_until};

#[test]
#[ignore = "slow"]
fn an_agent_that_prints_50_mb_is_read_to_its_signal() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .config("[log]\nmax_mb = 8\n")
        .agent("yes 'a line that says nothing of interest' | head -c 50000000; echo; say_done");
    project.run(&["run"]).code(0);
    let kept: u64 = ["output.jsonl", "output.jsonl.1", "output.jsonl.2"]
        .iter()
        .filter_map(|n| Some(fs::metadata(project.path(format!(".seqorch/login/1/1/{n}"))).ok()?.len()))
        .sum();
    assert!(kept <= 8_000_000, "{kept}");
    let logs = project.run(&["logs", "1"]).code(0);
    assert!(logs.stdout.trim_end().ends_with("<promise>TASK_DONE</promise>"));
    assert!(logs.stderr.contains("are not kept"), "{}", logs.stderr);
}

/// The most resident memory, in kB, that reading an agent may take; most of it is the program itself.
const FLAT: u64 = 40_000;

const MAX_MB: u64 = 8;

/// How many bytes each agent prints.
fn flood_size() -> u64 {
    let megabytes = std::env::var("SEQORCH_FLOOD_MB").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    megabytes * 1_000_000
}

/// Peak resident memory of a process in kB.
fn peak(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

/// Runs an agent that floods, waits at its gate, and then ends. Asserts that memory stayed flat and that the end of the
/// log is kept; prints the measured numbers.
fn flood(name: &str, project: Project, script: &str, bytes: u64, stream: &str) {
    let project = project
        .spec("login", "- [ ] 1. A\n")
        .config(&format!("[log]\nmax_mb = {MAX_MB}\n"))
        .agent(&format!("{script}\nnote flooded; gate; echo; echo 'the very end'; say_done"));
    let start = Instant::now();
    let run = project.start(&["run"]);
    // what the reader has not read yet is at most what fits in the pipe
    wait_long("the flood", || project.ledger().len() >= 2);
    let took = start.elapsed();
    let (attempt, _) = project.alive_with("__attempt")[0].clone();
    let (inside, outside) = (peak(attempt), peak(run.pid()));
    project.release();
    run.wait().code(0);
    #[expect(clippy::cast_precision_loss, reason = "a number for people")]
    let rate = bytes as f64 / 1e6 / took.as_secs_f64();
    println!(
        "{name}: {} MB in {:.1} s ({rate:.0} MB/s), peak memory {inside} kB in __attempt, {outside} kB in run",
        bytes / 1_000_000,
        took.as_secs_f64()
    );
    assert!(inside < FLAT && outside < FLAT, "{inside} kB, {outside} kB");
    let facts: serde_json::Value =
        serde_json::from_str(&project.of_attempt("login", "1", 1, "result.json")).unwrap();
    let counted = facts[format!("{stream}_bytes")].as_u64().unwrap();
    // and the few lines that the agent prints at its end
    assert!((bytes..bytes + 100).contains(&counted), "{counted} of {bytes}");
    assert!(facts["log_error"].is_null(), "{facts}");
    let file = if stream == "stdout" { "output.jsonl" } else { "stderr.log" };
    let kept: u64 = ["", ".1", ".2"]
        .iter()
        .filter_map(|n| Some(fs::metadata(project.path(format!(".seqorch/login/1/1/{file}{n}"))).ok()?.len()))
        .sum();
    assert!((MAX_MB * 400_000..=MAX_MB * 1_000_000).contains(&kept), "{kept} bytes are kept");
    if stream == "stdout" {
        let logs = project.run(&["logs"]).code(0);
        assert!(logs.stdout.trim_end().ends_with("the very end\n<promise>TASK_DONE</promise>"));
    }
}

#[test]
#[ignore = "a gigabyte takes a while"]
fn a_flood_of_lines_takes_flat_memory_and_keeps_its_end() {
    let bytes = flood_size();
    let script = format!("yes 'a line that says nothing of interest to anybody' | head -c {bytes}");
    flood("lines", Project::new(), &script, bytes, "stdout");
}

#[test]
#[ignore = "a gigabyte takes a while"]
fn a_flood_into_a_window_takes_flat_memory() {
    let Some(project) = Project::new().tmux() else { return };
    let bytes = flood_size();
    let script = format!("yes 'a line that says nothing of interest to anybody' | head -c {bytes}");
    flood("lines in a window", project, &script, bytes, "stdout");
}

#[test]
#[ignore = "a gigabyte takes a while"]
fn an_endless_line_takes_flat_memory() {
    let bytes = flood_size();
    flood("one line", Project::new(), &format!("head -c {bytes} /dev/zero | tr '\\0' x"), bytes, "stdout");
}

#[test]
#[ignore = "a gigabyte takes a while"]
fn a_flood_of_nul_bytes_takes_flat_memory() {
    let bytes = flood_size();
    flood("NUL bytes", Project::new(), &format!("head -c {bytes} /dev/zero"), bytes, "stdout");
}

#[test]
#[ignore = "a gigabyte takes a while"]
fn a_flood_of_unfinished_escapes_takes_flat_memory() {
    let bytes = flood_size();
    let script = format!("yes \"$(printf '\\033]52;c;')\" | tr -d '\\n' | head -c {bytes}");
    flood("escapes", Project::new(), &script, bytes, "stdout");
}

#[test]
#[ignore = "a gigabyte takes a while"]
fn a_flood_on_stderr_takes_flat_memory() {
    let bytes = flood_size();
    let script = format!("yes 'a warning without a reader' | head -c {bytes} >&2");
    flood("stderr", Project::new(), &script, bytes, "stderr");
}

#[test]
#[ignore = "a gigabyte takes a while"]
fn a_line_without_an_end_is_cut_by_the_deadline() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .config(&format!("[log]\nmax_mb = {MAX_MB}\n[retry]\nattempts = 1\n[timeout]\ntask = \"3s\"\n"))
        .agent("yes | tr -d '\\n'");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    let (attempt, _) = project.alive_with("__attempt")[0].clone();
    let mut most = 0;
    wait_until("its end", || {
        if let Ok(status) = fs::read_to_string(format!("/proc/{attempt}/status"))
            && status.contains("VmHWM")
        {
            most = most.max(peak(attempt));
        }
        !project.of_attempt("login", "1", 1, "result.json").is_empty()
    });
    run.wait().code(2);
    assert_eq!(project.outcomes("login", "1"), ["timed_out"]);
    println!("a line without an end: peak memory {most} kB in __attempt");
    assert!(most < FLAT, "{most} kB");
    assert_eq!(project.alive(), []);
}
