//! What seqorch costs, compared with a floor on the same machine in the same run: `cargo bench --bench steps`.
//!
//! - a step without snapshots, with them, and with a commit: how much longer a run takes for each more task, compared with a
//!   shell loop that opens a tmux window and waits for its end;
//! - snapshots in a large tree, compared with `git status` there;
//! - `plan`: the whole process, for a spec of 100 tasks;
//! - a stream: an agent that prints a gigabyte, and the memory of the process that reads it;
//! - records: reading, judging and rendering the JSON formats of the agents.
//!
//! `cargo bench --bench steps -- git` ends after the first two. It uses its own tmux server. `SEQORCH_BENCH_BYTES` sets the length of the stream.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use seqorch::agent::digest::Digest;
use seqorch::agent::{Format, Renderer, StreamReader};

const SEQORCH: &str = env!("CARGO_BIN_EXE_seqorch");
/// Windows opened by the floor, and steps that the long run has more than the short one.
const STEPS: u32 = 25;
/// Steps of the short run: it has the start and the end of a run, which are no part of a step.
const SHORT: u32 = 5;
/// Measured runs of each kind, in turns.
const ROUNDS: usize = 7;
/// Runs of `plan`.
const PLANS: u32 = 20;

fn main() {
    // cargo bench passes `--bench`; `cargo test --all-targets` does not, and must not take minutes
    if !std::env::args().any(|a| a == "--bench") {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    steps(dir.path());
    large_tree(dir.path());
    if std::env::args().any(|a| a == "git") {
        return;
    }
    plan(dir.path());
    stream(dir.path());
    records();
}

/// A project in its own folder, with one spec, and the shell script `agent` as its agent.
fn project(dir: &Path, tasks: u32, agent: &str, more: &str) {
    let spec = dir.join(".kiro/specs/bench");
    fs::create_dir_all(&spec).expect("a folder for the spec");
    let mut text = String::from("# Implementation Plan\n\n");
    for n in 1..=tasks {
        let _ = writeln!(text, "- [ ] {n}. Do the part number {n}\n  - _Requirements: 1.{n}_");
    }
    fs::write(spec.join("tasks.md"), text).expect("tasks.md");
    let script = dir.join("agent.sh");
    fs::write(&script, format!("#!/bin/sh\n{agent}\n")).expect("agent.sh");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("an executable agent");
    let config = format!(
        "[run]\nbackend = \"bench\"\ndelay = \"0s\"\nmax_iterations = {}\n{more}\n\
         [backend.bench]\ncommand = \"./agent.sh\"\n",
        tasks + 1
    );
    fs::write(dir.join("seqorch.toml"), config).expect("seqorch.toml");
}

fn seqorch(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(SEQORCH);
    command
        .arg("-C")
        .arg(dir)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .env("SEQORCH_TRUST", "1");
    command
}

fn timed(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.status().unwrap_or_else(|e| panic!("starting {command:?}: {e}"));
    assert!(status.success(), "{command:?}: {status}");
    start.elapsed()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn steps(dir: &Path) {
    if Command::new("tmux").arg("-V").stdout(Stdio::null()).status().is_err() {
        println!("step           not measured: tmux is not installed");
        return;
    }
    let socket = format!("seqorch-bench-{}", std::process::id());
    let tmux = format!("[tmux]\nmode = \"on\"\nsocket = \"{socket}\"\n");
    let work = "echo x > \"made-$SEQORCH_UNIT\"; echo '<promise>TASK_DONE</promise>'";
    let kinds = [
        ("without", "[git]\nsnapshot = false\n"),
        ("with", "[git]\nsnapshot = true\n"),
        ("commit", "[git]\ncommit = \"step\"\n"),
    ];
    let server = Server(socket);
    // the floor: a shell that only opens a window and waits for it
    timed(&mut server.tmux(&["-f", "/dev/null", "new-session", "-d", "-s", "floor"]));
    let open = format!("tmux -L {}", server.0);
    let script = format!(
        "i=0; while [ $i -lt {STEPS} ]; do {open} new-window -d -t floor: 'true; {open} wait-for -S c'; \
         {open} wait-for c; i=$((i+1)); done"
    );
    // in turns, so that what else the machine does hits all alike
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); kinds.len() + 1];
    let mut starts = Vec::new();
    for round in 0..ROUNDS {
        costs[0].push(server.cost(Command::new("sh").args(["-c", &script])) / STEPS);
        for (n, (name, git)) in kinds.iter().enumerate() {
            let [short, long] = [SHORT, SHORT + STEPS].map(|tasks| {
                let dir = dir.join(format!("{name}-{round}-{tasks}"));
                project(&dir, tasks, work, &format!("{git}{tmux}"));
                repository(&dir);
                server.cost(&mut seqorch(&dir, &["run"]))
            });
            costs[n + 1].push((long - short) / STEPS);
            starts.push(short - (long - short) / (STEPS / SHORT));
        }
    }
    let medians: Vec<Cost> = costs.iter().map(|all| Cost::median(all)).collect();
    let floor = medians[0];
    println!(
        "floor          {floor} per window (tmux new-window, wait-for; {STEPS} windows, median of {ROUNDS})"
    );
    println!("run            {} for its start and its end, which is in none of these", Cost::median(&starts));
    let names = ["without snapshots", "with snapshots", "with a commit per step"];
    for (name, cost) in names.iter().zip(&medians[1..]) {
        let (wall, cpu) = (cost.wall / floor.wall, cost.cpu / floor.cpu);
        println!("step           {cost} {name}: {wall:.2} x the floor, {cpu:.2} x its processor time");
    }
}

/// Files of the large tree.
const FILES: u32 = 40_000;
/// Steps of a run in it.
const FEW_STEPS: u32 = 10;

/// What a step with snapshots costs in a large tree, compared with `git status` there.
fn large_tree(dir: &Path) {
    let dir = dir.join("large");
    for folder in 0..FILES / 100 {
        let folder = dir.join(format!("src/{}/{folder}", folder % 20));
        fs::create_dir_all(&folder).expect("a folder");
        for file in 0..100 {
            fs::write(folder.join(format!("{file}.txt")), "some text\n").expect("a file");
        }
    }
    let config = |snapshot: bool| format!("[git]\nsnapshot = {snapshot}\n[tmux]\nmode = \"off\"\n");
    let work = "echo x >> \"src/1/1/$SEQORCH_UNIT.txt\"; echo '<promise>TASK_DONE</promise>'";
    project(&dir, FEW_STEPS, work, &config(false));
    repository(&dir);
    let mut status = Command::new("git");
    status.args(["status", "--porcelain"]).current_dir(&dir).stdout(Stdio::null());
    timed(&mut status);
    let (mut looks, mut with, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        looks.push(Cost::of(timed_with_cpu(&mut status)));
        for (costs, snapshot) in [(&mut without, false), (&mut with, true)] {
            let _ = fs::remove_dir_all(dir.join(".seqorch"));
            let _ = fs::remove_file(dir.join(".kiro/specs/SEQUENTIAL_STATE.json"));
            project(&dir, FEW_STEPS, work, &config(snapshot));
            costs.push(Cost::of(timed_with_cpu(&mut seqorch(&dir, &["run"]))) / FEW_STEPS);
        }
    }
    let [look, with, without] = [looks, with, without].map(|all| Cost::median(&all));
    let step = with - without;
    println!("git status     {look} in a tree of {FILES} files");
    println!(
        "step there     {step} for the snapshots of a step: {:.2} x git status, {:.2} x its processor time",
        step.wall / look.wall,
        step.cpu / look.cpu
    );
}

/// Makes a project a repository with everything committed.
fn repository(dir: &Path) {
    for args in [
        &["init", "-q"][..],
        &["config", "user.name", "bench"],
        &["config", "user.email", "bench@localhost"],
        &["config", "commit.gpgsign", "false"],
        &["add", "-A"],
        &["commit", "-q", "-m", "start"],
    ] {
        timed(Command::new("git").args(args).current_dir(dir));
    }
}

/// Milliseconds of wall time, and of processor time.
#[derive(Debug, Clone, Copy)]
struct Cost {
    wall: f64,
    cpu: f64,
}

impl Cost {
    fn of((wall, cpu): (Duration, f64)) -> Self {
        Self { wall: millis(wall), cpu }
    }

    fn median(all: &[Self]) -> Self {
        let middle = |part: fn(&Self) -> f64| {
            let mut values: Vec<f64> = all.iter().map(part).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        Self { wall: middle(|c| c.wall), cpu: middle(|c| c.cpu) }
    }
}

impl std::ops::Sub for Cost {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { wall: self.wall - other.wall, cpu: self.cpu - other.cpu }
    }
}

impl std::ops::Div<u32> for Cost {
    type Output = Self;
    fn div(self, by: u32) -> Self {
        Self { wall: self.wall / f64::from(by), cpu: self.cpu / f64::from(by) }
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:8.2} ms ({:.2} ms processor)", self.wall, self.cpu)
    }
}

/// Runs a command; its time, and the processor time of all that it waited for.
fn timed_with_cpu(command: &mut Command) -> (Duration, f64) {
    let before = cpu_of_process("self");
    let took = timed(command);
    (took, cpu_of_process("self") - before)
}

/// Milliseconds of processor time that a process and its ended children took; 0 without `/proc`.
fn cpu_of_process(pid: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // the name in brackets may hold spaces
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    // utime, stime, cutime and cstime, in hundredths of a second
    fields.skip(11).take(4).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 10.0
}

/// A tmux server that ends when it is dropped.
struct Server(String);

impl Server {
    fn tmux(&self, args: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-L", &self.0]).args(args).env_remove("TMUX");
        command
    }
}

impl Server {
    /// What a command costs that opens windows in this server: their processes are the server's children.
    fn cost(&self, command: &mut Command) -> Cost {
        let asked = self.tmux(&["display-message", "-p", "#{pid}"]).output().expect("the server's pid");
        let pid = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
        let before = cpu_of_process(&pid);
        let (wall, own) = timed_with_cpu(command);
        Cost { wall: millis(wall), cpu: own + cpu_of_process(&pid) - before }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]).status();
    }
}

fn plan(dir: &Path) {
    let dir = dir.join("plan");
    project(&dir, 100, "true", "");
    let mut command = seqorch(&dir, &["plan", "--dry-run"]);
    timed(&mut command);
    let total: Duration = (0..PLANS).map(|_| timed(&mut command)).sum();
    println!(
        "plan           {:8.2} ms as a whole process (100 tasks, mean of {PLANS})",
        millis(total / PLANS)
    );
}

fn stream(dir: &Path) {
    let bytes: u64 =
        std::env::var("SEQORCH_BENCH_BYTES").ok().and_then(|n| n.parse().ok()).unwrap_or(1 << 30);
    let dir = dir.join("stream");
    // the agent's parent reads the stream; /proc has its memory while it lives
    let agent = "cat stream.txt
        if [ -r /proc/$PPID/status ]; then sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$PPID/status >peak; fi
        echo '<promise>TASK_DONE</promise>'";
    project(&dir, 1, agent, "");
    write_lines(&dir.join("stream.txt"), bytes).expect("room for the stream");
    // the same copy by `cat`, to compare with
    let copy = timed(
        Command::new("sh").args(["-c", "cat stream.txt | cat >copy.txt && rm copy.txt"]).current_dir(&dir),
    );
    let took = timed(&mut seqorch(&dir, &["run", "--no-tmux"]));
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = |took: Duration| bytes as f64 / 1e6 / took.as_secs_f64();
    println!("stream floor   {:8.0} MB/s (cat | cat > file, {} MB)", rate(copy), bytes / 1_000_000);
    println!("stream         {:8.0} MB/s through an attempt, whole run", rate(took));
    match fs::read_to_string(dir.join("peak")).ok().and_then(|p| p.trim().parse::<u64>().ok()) {
        Some(kib) => println!("memory         {:8} MiB at most in the reading process", kib / 1024),
        None => println!("memory         not measured: there is no /proc"),
    }
}

/// Repeats recorded records, which are small, and then the same with a large tool output in each.
fn records() {
    let formats = [
        ("claude-tool", Format::Claude),
        ("codex-tool", Format::Codex),
        ("gemini-tool", Format::Gemini),
        ("opencode-tool", Format::Opencode),
    ];
    for (name, format) in formats {
        let path = format!("{}/tests/fixtures/streams/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
        let small = fs::read_to_string(path).expect("a recording");
        let output = "some line of a tool's output, \\\"quoted\\\" here and there\\n".repeat(2000);
        let mut large = small.clone();
        for empty in ["(Bash completed with no output)", "(no output)"] {
            large = large.replace(empty, &output);
        }
        for empty in ["\"aggregated_output\":\"\"", "\"output\":\"\""] {
            large = large.replace(empty, &format!("{}{output}\"", &empty[..empty.len() - 1]));
        }
        println!(
            "{name:<15}{:8.0} MB/s, {:.0} MB/s with large results",
            read(format, &small),
            read(format, &large)
        );
    }
}

/// Megabytes per second.
fn read(format: Format, text: &str) -> f64 {
    const BYTES: usize = 100_000_000;
    let piece = text.repeat((64 << 10) / text.len() + 1);
    let (mut reader, mut digest, mut renderer) =
        (StreamReader::new(format), Digest::new(format, "a prompt"), Renderer::new(120, true));
    let mut screen = String::new();
    let start = Instant::now();
    let times = BYTES / piece.len();
    for _ in 0..times {
        screen.clear();
        for part in piece.as_bytes().chunks(64 << 10) {
            reader.feed(part, &mut |event| {
                digest.take(&event);
                renderer.render(&event, &mut screen);
            });
        }
    }
    assert!(digest.finish().signals.done && screen.contains("TASK_DONE"));
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = (times * piece.len()) as f64 / 1e6 / start.elapsed().as_secs_f64();
    rate
}

fn write_lines(path: &Path, bytes: u64) -> std::io::Result<()> {
    let piece = format!("{}\n", "x".repeat(99)).repeat(10_000);
    let mut file = fs::File::create(path)?;
    let mut left = bytes;
    while left > 0 {
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        file.write_all(&piece.as_bytes()[..n])?;
        left -= n as u64;
    }
    if !bytes.is_multiple_of(100) {
        file.write_all(b"\n")?;
    }
    Ok(())
}
