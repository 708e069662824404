//! What a scene needs: the server that stands in for the vendors, and a project with one real CLI.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Instant;

use serde_json::Value;

use super::clis::Cli;
use crate::common::{Output, Project, wait_long};

/// Runs the server with other answers of the model, or another command for its tool.
const OTHERWISE: &str = r#"
import json, sys
mock, otherwise, sys.argv = sys.argv[1], json.loads(sys.argv[2]), ["mock.py", *sys.argv[3:]]
before, main, after = open(mock).read().partition("if __name__ == '__main__':")
names = {"__name__": "__main__"}
exec(before, names)
class Answers(dict):
    def __getitem__(self, key):
        says = otherwise["says"]
        if key != "default" or not says:
            return super().__getitem__(key)
        return says.pop(0) if len(says) > 1 else says[0]
names["FINAL"] = Answers(names["FINAL"])
names["TOOL_CMD"] = otherwise["tool"] or names["TOOL_CMD"]
exec(main + after, names)
"#;

/// A project whose agent is a real CLI, and its server.
pub(crate) struct Bench {
    pub(crate) project: Project,
    port: u16,
    mock: PathBuf,
    mock_args: &'static [&'static str],
    server: Option<Child>,
    runs: u32,
    started: Instant,
}

impl Bench {
    /// A fresh home and a fresh project with one task; no server yet. `config` is added to the project's configuration.
    pub(crate) fn new(cli: Cli, bin: &Path, mock: &Path, config: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = format!("http://127.0.0.1:{port}");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut settings = format!(
            "[run]\nbackend = \"{}\"\ndelay = \"0s\"\n[retry]\nattempts = 2\nbackoff = \"10ms\"\n\
             [timeout]\ntask = \"3m\"\ngrace = \"2s\"\n[tmux]\nmode = \"off\"\n",
            cli.name()
        );
        if let Some(model) = cli.model() {
            let _ = write!(settings, "[backend.{}]\nmodel = \"{model}\"\n", cli.name());
        }
        let mut project = Project::new()
            .spec("demo", "- [ ] 1. Write the file out.txt\n  - _It says hi_\n")
            .file("seqorch.toml", settings)
            .config(config)
            .env("PATH", format!("{}:{path}", bin.display()));
        for (name, value) in cli.environment(&server) {
            project = project.env(name, value);
        }
        if let Some((file, text)) = cli.settings(&server) {
            project.write(format!(".home/{file}"), text);
        }
        Self {
            project,
            port,
            mock: mock.to_owned(),
            mock_args: cli.server_args(),
            server: None,
            runs: 0,
            started: Instant::now(),
        }
    }

    /// Uses windows in a tmux server of the test's own. `None`, with a note, if tmux is missing.
    pub(crate) fn with_windows(mut self) -> Option<Self> {
        let project = std::mem::replace(&mut self.project, Project::new());
        self.project = project.tmux()?;
        Some(self)
    }

    /// Starts the server with one of its scenarios, and ends the one before.
    pub(crate) fn serve(&mut self, scenario: &str) {
        self.serve_otherwise(scenario, &[], None);
    }

    /// As [`Bench::serve`], with these answers of the model in order (the last one repeats), and this command when the
    /// model uses the shell.
    pub(crate) fn serve_otherwise(&mut self, scenario: &str, says: &[&str], tool: Option<&str>) {
        self.silence();
        self.runs += 1;
        let out = |kind: &str| self.project.path(format!(".out/server-{}.{kind}", self.runs));
        let otherwise = serde_json::json!({"says": says, "tool": tool}).to_string();
        let mut command = self.project.command_of("python3", &["-c", OTHERWISE]);
        command.arg(&self.mock).arg(otherwise).args([
            "--scenario",
            scenario,
            "--port",
            &self.port.to_string(),
        ]);
        command.args(self.mock_args).arg("--log").arg(out("log")).arg("--dump").arg(out("body"));
        command.env_remove("TEST_PROJECT").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3 is there");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.server = Some(child);
        assert!(line.starts_with("mock: "), "the server does not start: {line:?}");
        self.started = Instant::now();
    }

    /// Ends the server, so that nothing answers.
    pub(crate) fn silence(&mut self) {
        if let Some(mut child) = self.server.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Runs seqorch to its end, without a deadline.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        let mut running = self.project.start(args);
        wait_long("seqorch to end", || running.is_over());
        running.wait()
    }

    /// Seconds since the last start of the server.
    pub(crate) fn took(&self) -> String {
        format!("{:.0} s", self.started.elapsed().as_secs_f32())
    }

    /// How many requests with tools the server got; only the loop of an agent sends tools.
    pub(crate) fn requests(&self) -> usize {
        self.project.read(format!(".out/server-{}.log", self.runs)).matches("\"main\": true").count()
    }

    /// The text of the first request to the server.
    pub(crate) fn first_request(&self) -> String {
        let prefix = format!("server-{}.body.", self.runs);
        let mut names: Vec<_> = fs::read_dir(self.project.path(".out"))
            .unwrap()
            .flatten()
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .filter(|n| n.starts_with(&prefix) && n.ends_with(".main.1.json"))
            .collect();
        names.sort();
        names.first().map(|n| self.project.read(format!(".out/{n}"))).unwrap_or_default()
    }

    /// The texts of the first requests to the server: some CLIs ask for a title first.
    pub(crate) fn all_requests(&self) -> String {
        let prefix = format!("server-{}.body.", self.runs);
        let names = fs::read_dir(self.project.path(".out")).unwrap().flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mine = names.filter(|name| name.starts_with(&prefix));
        mine.map(|name| self.project.read(format!(".out/{name}"))).collect::<Vec<_>>().join("\n")
    }

    /// The attempts of the only task.
    pub(crate) fn attempts(&self) -> Vec<Value> {
        self.project.state("demo")["units"]["1"]["attempts"].as_array().cloned().unwrap_or_default()
    }

    /// The outcomes of the attempts.
    pub(crate) fn outcomes(&self) -> Vec<String> {
        self.project.outcomes("demo", "1")
    }

    /// All living processes of the project except the server.
    pub(crate) fn alive(&self) -> Vec<(i32, String)> {
        let mut alive = self.project.alive();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()) else { continue };
            let here = fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == self.project.root());
            let server = self.server.as_ref().is_some_and(|s| s.id().cast_signed() == pid);
            if here && !server && alive.iter().all(|(known, _)| *known != pid) {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                if !line.is_empty() {
                    alive.push((pid, String::from_utf8_lossy(&line).replace('\0', " ")));
                }
            }
        }
        alive
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.silence();
    }
}
