//! What the tests share: a project in a temporary folder, agents that are small shell scripts, and the program.
//!
//! Nothing here sleeps for a fixed time: [`wait_until`] polls until a deadline, and agents block on a pipe that the test
//! opens with [`Project::release`]. Nothing touches the user: `HOME`, the configuration folder and the tmux server are
//! the test's own. Processes that a test leaves alive are found by a variable in their environment, and ended.

pub(crate) mod git;
pub(crate) mod kills;
pub(crate) mod large;
pub(crate) mod programs;
pub(crate) mod recipes;
pub(crate) mod windows;
pub(crate) mod wire;
pub(crate) mod yaml;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::ProptestConfig;
use rustix::fs::{Access, CWD, FileType, Mode, StatVfsMountFlags};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// How long a test waits for anything; generous, since other builds may share the machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(45);

/// The beginning of every agent's script. `gate` reads again if the pipe was opened but nothing was written.
const PREAMBLE: &str = r#"
say_done() { echo '<promise>TASK_DONE</promise>'; }
say_halt() { echo '<promise>HALT</promise>'; }
note() { echo "$*" >> "$ROOT/ledger"; }
gate() { until read -r _ < "$ROOT/gate"; do :; done; }
note "$SEQORCH_UNIT $SEQORCH_ATTEMPT"
"#;

/// The configuration of every project; a test adds its own on top.
const BASE: &str = r#"
[run]
backend = "fake"
delay = "0s"
keep_awake = false
[retry]
backoff = "20ms"
[timeout]
grace = "300ms"
[backend.fake]
command = "/bin/sh"
args = ["agent.sh"]
"#;

/// Reports that a test cannot run here, and why: also to the file that `SEQORCH_SKIPPED` names, since the output of a
/// passing test is not shown.
pub(crate) fn skipped(why: &str) {
    let line = format!("SKIPPED: {why}, so nothing was tested\n");
    print!("{line}");
    if let Some(path) = std::env::var_os("SEQORCH_SKIPPED") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, line.as_bytes()).unwrap();
    }
}

/// Where projects lie: in memory, where that is large enough and programs can be started from it. Runs wait until each of
/// their files is on the disk, which takes a third of the time of the tests.
fn temporary_folder() -> PathBuf {
    const ENOUGH: u64 = 1 << 30;
    let memory = Path::new("/dev/shm");
    let fits = rustix::fs::statvfs(memory).is_ok_and(|system| {
        !system.f_flag.contains(StatVfsMountFlags::NOEXEC) && system.f_bavail * system.f_frsize >= ENOUGH
    });
    let chosen = std::env::var_os("TMPDIR").is_some();
    if fits && !chosen && rustix::fs::access(memory, Access::WRITE_OK).is_ok() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

/// A few cases of a property, or as many as `PROPTEST_CASES` says, which `.ci/run` sets.
pub(crate) fn some_cases() -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config,
        None => ProptestConfig { cases: 48, ..config },
    }
}

/// A project in a temporary folder.
pub(crate) struct Project {
    root: PathBuf,
    env: Vec<(OsString, OsString)>,
    socket: Option<String>,
    /// For programs: `doctor` does not run those that are in the project.
    outside: TempDir,
    _dir: TempDir,
}

/// What a program printed, and its exit code.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A program that is running.
pub(crate) struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Project {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("sq-").tempdir_in(temporary_folder()).unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let outside = tempfile::Builder::new().prefix("sq-").tempdir().unwrap();
        let project = Self { root, env: Vec::new(), socket: None, outside, _dir: dir };
        for folder in [".kiro/specs", ".home/config", ".out"] {
            fs::create_dir_all(project.path(folder)).unwrap();
        }
        fs::write(project.path("seqorch.toml"), format!("{BASE}[tmux]\nmode = \"off\"\n")).unwrap();
        rustix::fs::mknodat(CWD, project.path("gate"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        project.agent("say_done")
    }

    /// A spec under `.kiro/specs`.
    pub(crate) fn spec(self, name: &str, tasks: impl AsRef<[u8]>) -> Self {
        self.file(format!(".kiro/specs/{name}/tasks.md"), tasks)
    }

    /// Sets the script of the agent, which follows the preamble.
    pub(crate) fn agent(self, script: &str) -> Self {
        let text = format!("ROOT='{}'\n{PREAMBLE}\n{script}\n", self.root.display());
        self.file("agent.sh", text)
    }

    /// The configuration of the test, a layer above the base.
    pub(crate) fn config(self, toml: &str) -> Self {
        self.file("seqorch.local.toml", toml)
    }

    pub(crate) fn file(self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Self {
        self.write(path, bytes);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Uses windows in a tmux server of the test's own. `None`, with a note, if tmux is missing.
    pub(crate) fn tmux(mut self) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if Command::new("tmux").arg("-V").output().is_err() {
            skipped("tmux is not installed");
            return None;
        }
        let n = NUMBER.fetch_add(1, Ordering::Relaxed);
        let socket = format!("seqorch-test-{}-{n}", std::process::id());
        let text = format!("{BASE}[tmux]\nmode = \"on\"\nsocket = \"{socket}\"\n");
        self.write("seqorch.toml", text);
        self.socket = Some(socket);
        Some(self)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// A folder that is not in the project.
    pub(crate) fn outside(&self) -> PathBuf {
        fs::canonicalize(self.outside.path()).unwrap()
    }

    pub(crate) fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// The text of a file; empty if it is missing.
    pub(crate) fn read(&self, path: impl AsRef<Path>) -> String {
        fs::read(self.path(path)).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    }

    pub(crate) fn tasks(&self, spec: &str) -> String {
        self.read(format!(".kiro/specs/{spec}/tasks.md"))
    }

    /// The lines that agents wrote with `note`.
    pub(crate) fn ledger(&self) -> Vec<String> {
        self.read("ledger").lines().map(str::to_owned).collect()
    }

    /// The entry of the spec in the state file; null if there is none.
    pub(crate) fn state(&self, spec: &str) -> Value {
        let text = self.read(".kiro/specs/SEQUENTIAL_STATE.json");
        serde_json::from_str::<Value>(&text).map_or(Value::Null, |v| v["specs"][spec].clone())
    }

    /// The outcome of each attempt of a unit.
    pub(crate) fn outcomes(&self, spec: &str, unit: &str) -> Vec<String> {
        let state = self.state(spec);
        let attempts = state["units"][unit]["attempts"].as_array().cloned().unwrap_or_default();
        let kind = |a: Value| a["outcome"]["kind"].as_str().unwrap_or("none").to_owned();
        attempts.into_iter().map(kind).collect()
    }

    /// The process that runs the spec `login`, as its lock names it.
    pub(crate) fn run_pid(&self) -> i32 {
        let lock: Value = serde_json::from_str(&self.read(self.kept("login").join("run.lock"))).unwrap();
        i32::try_from(lock["pid"].as_i64().unwrap()).unwrap()
    }

    /// The text of a file in the folder of an attempt.
    pub(crate) fn of_attempt(&self, spec: &str, unit: &str, attempt: u32, name: &str) -> String {
        self.read(self.kept(spec).join(format!("{unit}/{attempt}/{name}")))
    }

    /// The folder of what is kept of a spec's runs.
    pub(crate) fn kept(&self, spec: &str) -> PathBuf {
        let in_git = self.path(".git/seqorch").join(spec);
        if in_git.exists() { in_git } else { self.path(".seqorch").join(spec) }
    }

    /// The program, in an environment without anything of the user's.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_seqorch"), args)
    }

    /// Any program, in the same environment.
    pub(crate) fn command_of(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.root);
        self.set_environment(&mut command);
        command
    }

    fn set_environment(&self, command: &mut Command) {
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.path(".home")).env("XDG_CONFIG_HOME", self.path(".home/config"));
        // else answers in a test have the name of the person who runs it
        command.env("USER", "someone");
        command.env("LANG", "C.UTF-8").env("TERM", "xterm").env("TEST_PROJECT", &self.root);
        command.env("TMUX_TMPDIR", &self.root);
        // what a run asks for before it executes something is the topic of tests of its own
        command.env("SEQORCH_TRUST", "1");
        command.envs(self.env.iter().map(|(n, v)| (n, v)));
    }

    /// Runs the program and waits for its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.start(args).wait()
    }

    /// Starts the program.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let n = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = |kind: &str| self.path(format!(".out/{n}.{kind}"));
        let mut command = self.command(args);
        command.stdin(Stdio::null());
        // files, not pipes: processes that a run leaves alive would hold a pipe open
        command.stdout(File::create(file("out")).unwrap()).stderr(File::create(file("err")).unwrap());
        Running { child: command.spawn().unwrap(), stdout: file("out"), stderr: file("err") }
    }

    /// Waits until the ledger has this many lines.
    pub(crate) fn wait_for_ledger(&self, lines: usize) {
        wait_until(&format!("{lines} lines in the ledger"), || self.ledger().len() >= lines);
    }

    /// Kills the run of this project while its agent waits at the gate.
    pub(crate) fn kill_a_run_at_the_gate(&self) {
        let run = self.start(&["run"]);
        self.wait_for_ledger(1);
        run.signal(rustix::process::Signal::KILL);
        run.wait().code(137);
    }

    /// A run is killed while its agent waits at the gate; the next one takes the agent over.
    pub(crate) fn next_run_takes_over(&self) {
        self.kill_a_run_at_the_gate();
        let next = self.start(&["run"]);
        next.wait_for("taking it over");
        self.release();
        next.wait().code(0);
    }

    /// Waits for an agent at its gate, and lets it continue.
    pub(crate) fn release(&self) {
        use rustix::fs::{OFlags, open};
        let mut pipe = None;
        wait_until("an agent at the gate", || {
            // a child of another test must not inherit it
            pipe =
                open(self.path("gate"), OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())
                    .ok();
            pipe.is_some()
        });
        File::from(pipe.unwrap()).write_all(b"go\n").unwrap();
    }

    /// Pids and command lines of all living processes of this test.
    pub(crate) fn alive(&self) -> Vec<(i32, String)> {
        let mark = format!("TEST_PROJECT={}", self.root.display()).into_bytes();
        let me = i32::try_from(std::process::id()).unwrap();
        let pids =
            fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse().ok());
        let ours = |pid: &i32| {
            fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|env| env.split(|b| *b == 0).any(|entry| entry == mark))
        };
        pids.filter(|pid| *pid != me)
            .filter(ours)
            .filter_map(|pid| {
                let line = fs::read(format!("/proc/{pid}/cmdline")).ok().filter(|l| !l.is_empty())?;
                Some((pid, String::from_utf8_lossy(&line).replace('\0', " ").trim().to_owned()))
            })
            .collect()
    }

    /// As [`Project::alive`], but without what may stay after a run: the tmux server, and the view in its main window
    /// until a person leaves it.
    pub(crate) fn left_alive(&self) -> Vec<(i32, String)> {
        let server = self.tmux_server();
        let stays =
            |pid: i32, line: &str| server.is_some_and(|server| pid == server || line.contains(" __view "));
        self.alive().into_iter().filter(|(pid, line)| !stays(*pid, line)).collect()
    }

    /// As [`Project::alive`], but only those with `part` in their command line.
    pub(crate) fn alive_with(&self, part: &str) -> Vec<(i32, String)> {
        self.alive().into_iter().filter(|(_, line)| line.contains(part)).collect()
    }

    /// A tmux command for the server of the test.
    pub(crate) fn tmux_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-L", self.socket.as_deref().expect("a project with tmux")]).args(args);
        self.set_environment(&mut command);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a tmux command and returns what it prints.
    pub(crate) fn ask_tmux(&self, args: &[&str]) -> String {
        let output = self.tmux_command(args).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// The pid of the test's tmux server, if it is alive.
    pub(crate) fn tmux_server(&self) -> Option<i32> {
        self.socket.as_ref()?;
        self.ask_tmux(&["display-message", "-p", "#{pid}"]).trim().parse().ok()
    }

    /// Names of a session's windows, in order.
    pub(crate) fn windows(&self, session: &str) -> Vec<String> {
        let list = self.ask_tmux(&["list-windows", "-t", &format!("={session}"), "-F", "#{window_name}"]);
        list.lines().map(str::to_owned).collect()
    }

    /// All files and folders with their bytes, without the test's own.
    pub(crate) fn tree(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let mut found = Vec::new();
        let mut open = vec![self.root.clone()];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(&dir).unwrap().flatten() {
                let path = entry.path();
                let kind = entry.file_type().unwrap();
                if kind.is_dir() && path != self.path(".out") {
                    open.push(path.clone());
                }
                found.push((path.clone(), kind.is_file().then(|| fs::read(&path).unwrap())));
            }
        }
        found.retain(|(path, _)| !path.starts_with(self.path(".out")));
        found.sort();
        found
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("the ledger: {:?}\nalive: {:?}", self.ledger(), self.alive());
        }
        if self.socket.is_some() {
            let _ = self.tmux_command(&["kill-server"]).output();
        }
        // ends what a failed test left alive; new processes may appear while old ones end
        for _ in 0..20 {
            let alive = self.alive();
            if alive.is_empty() {
                break;
            }
            for (pid, _) in alive {
                kill(pid, Signal::KILL);
            }
            thread::yield_now();
        }
    }
}

impl Running {
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal);
    }

    /// What it has printed so far.
    pub(crate) fn printed(&self) -> String {
        fs::read(&self.stdout).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    }

    /// What it has printed to standard error so far.
    pub(crate) fn complaints(&self) -> String {
        fs::read(&self.stderr).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until it has printed `text`.
    pub(crate) fn wait_for(&self, text: &str) {
        let start = Instant::now();
        while !self.printed().contains(text) {
            assert!(start.elapsed() < DEADLINE, "{text:?} was never printed, but:\n{}", self.printed());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Output {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < DEADLINE, "the program hangs; it printed:\n{}", self.printed());
            thread::sleep(Duration::from_millis(2));
        };
        let text = |path: &Path| {
            let mut bytes = Vec::new();
            File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        // 128 and the number of the signal that ended it, as in a shell
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Output { code, stdout: text(&self.stdout), stderr: text(&self.stderr) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if thread::panicking() {
            let err = fs::read_to_string(&self.stderr).unwrap_or_default();
            println!("a program that was started said:\n{}\n{err}", self.printed());
        }
        if self.child.try_wait().is_ok_and(|s| s.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Output {
    /// Asserts the exit code; shows all output if it is another.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "wrong exit code\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// Asserts that stdout or stderr has each of `parts`.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(
                self.stdout.contains(part) || self.stderr.contains(part),
                "{part:?} was not printed\n--- stdout\n{}\n--- stderr\n{}",
                self.stdout,
                self.stderr
            );
        }
        self
    }
}

/// A tasks.md with this many tasks.
pub(crate) fn tasks(count: usize) -> String {
    let lines: Vec<_> = (1..=count).map(|n| format!("- [ ] {n}. Task {n}\n")).collect();
    lines.concat()
}

/// The shared test data that is not part of this repository: `../shared`, or the folder in `SEQORCH_SHARED`.
pub(crate) fn shared() -> PathBuf {
    std::env::var_os("SEQORCH_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from)
}

pub(crate) fn kill(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// Polls until it is so.
#[track_caller]
pub(crate) fn wait_until(what: &str, so: impl FnMut() -> bool) {
    wait_within(DEADLINE, what, so);
}

/// As [`wait_until`], for work on gigabytes.
#[track_caller]
pub(crate) fn wait_long(what: &str, so: impl FnMut() -> bool) {
    wait_within(DEADLINE * 20, what, so);
}

#[track_caller]
fn wait_within(limit: Duration, what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < limit, "timed out waiting for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
