//! PURE. `[sandbox]`: what agents may write, read and reach.

use serde_json::json;

use crate::config::declare::{keys, words};
use crate::config::formats::{Count, because};
use crate::config::key::{ConfigType, KeyShape, ValueError, ValueFormat};
use crate::config::path::KeyPath;
use crate::config::problem::Problem;
use crate::config::tree::{TomlNode, TomlValue};

/// The element of `sandbox.command` that stands for the command line of the agent.
pub const ARGV: &str = "{argv}";

keys! {
    /// What agents may write, read and reach. `seqorch help sandbox` says what each mode does, and what it does not.
    #[derive(Eq)]
    pub struct Sandbox {
        /// In what agents run: in bubblewrap (bwrap), in a container (podman, docker), behind a command of your own
        /// (command), or with all your rights (off). A run does not start where the mode does not work.
        mode: SandboxMode = "off", guards = "off";
        /// Whether the commands of verify.commands run in it, too. The work of an agent is executed there.
        verify: bool = false, guards = false;
        /// Network of the agents: that of this machine (host), or none. Without one, an agent reaches no vendor.
        network: SandboxNetwork = "host", guards = "host";
        /// What agents may do with git's folder: read it and commit (rw), or only read it (ro). Its config and its hooks
        /// are never writable.
        git: GitAccess = "rw", guards = "rw";
        /// Environment variables that agents get beside those of backend.NAME.sandbox_env and backend.NAME.env. A * at the
        /// end stands for any rest of a name.
        env: Vec<String> = [], like = ["NPM_TOKEN"], executes;
        /// Further files and folders that agents may read: absolute, or below your home folder.
        read: Vec<String> = [], like = ["~/.rustup"], executes;
        /// Further files and folders that agents may write: absolute, or below your home folder.
        write: Vec<String> = [], like = ["~/.cargo/registry"], executes;
        /// Memory that an agent and its programs may take together. Unset: no limit. With bwrap it needs systemd.
        memory: Option<u64> as Option<MemorySize>, like = "4g", executes;
        /// Processes that an agent may have at a time. Unset: no limit. With bwrap it needs systemd.
        processes: Option<u32> as Option<Count>, like = 500, executes;
        /// Image of the container, which has the agent's program in it. It is never fetched.
        image: Option<String>, like = "localhost/agents", executes;
        /// Further arguments of `podman run` or `docker run`, before the image.
        args: Vec<String> = [], like = ["--cgroup-manager=cgroupfs"], executes;
        /// Arguments of podman or docker themselves, before `run`.
        engine_args: Vec<String> = [], like = ["--log-level=error"], executes;
        /// Program and arguments that run the agent with mode = "command". The element {argv} becomes the command line of the
        /// agent, and {workdir} stands for the folder where it works.
        command: Vec<String> = [], like = ["my-sandbox", "--", "{argv}"], executes;
    }
}

words! {
    /// In what agents run.
    #[derive(serde::Serialize)]
    #[serde(rename_all = "lowercase")]
    pub enum SandboxMode {
        /// In nothing: with all rights of the person.
        Off = "off",
        /// In bubblewrap.
        Bwrap = "bwrap",
        /// In a container of podman.
        Podman = "podman",
        /// In a container of docker.
        Docker = "docker",
        /// Behind a command of the person.
        Command = "command",
    }
}

words! {
    /// The network of an agent.
    pub enum SandboxNetwork {
        /// That of this machine.
        Host = "host",
        /// None.
        None = "none",
    }
}

words! {
    /// What an agent may do with git's folder.
    pub enum GitAccess {
        /// Read it and commit.
        ReadWrite = "rw",
        /// Read it.
        ReadOnly = "ro",
    }
}

/// An amount of memory in bytes.
struct MemorySize;

impl ConfigType for MemorySize {
    type Value = u64;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "string", "pattern": "^\\s*[1-9][0-9]{0,6}\\s*[kmgKMG]\\s*$" }),
        ..ValueFormat::of::<Self>("amount of memory", "write it like \"512m\" or \"4g\"")
    });

    fn read(node: &TomlNode) -> Result<u64, ValueError> {
        let TomlValue::Text(text) = &node.value else { return Err(ValueError::Form) };
        let text = text.trim().to_ascii_lowercase();
        let scale = match text.chars().next_back() {
            Some('k') => 1 << 10,
            Some('m') => 1 << 20,
            Some('g') => 1 << 30,
            _ => return Err(ValueError::Form),
        };
        let number: u64 = text[..text.len() - 1].trim().parse().map_err(|_| ValueError::Form)?;
        match number.checked_mul(scale) {
            Some(bytes) if (LEAST_MEMORY..=MOST_MEMORY).contains(&bytes) => Ok(bytes),
            _ => Err(because(format!("{node} is out of range; it must be between \"4m\" and \"1000000g\""))),
        }
    }
}

/// No program starts with less.
const LEAST_MEMORY: u64 = 4 << 20;
const MOST_MEMORY: u64 = 1_000_000 << 30;

impl SandboxMode {
    /// Whether it is a container of an engine.
    #[must_use]
    pub fn is_container(self) -> bool {
        matches!(self, Self::Podman | Self::Docker)
    }
}

impl Sandbox {
    /// Whether agents run in one.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.mode != SandboxMode::Off
    }

    /// Whether the programs that it runs are those of this machine. Those of an image are others.
    #[must_use]
    pub fn has_programs_of_this_machine(&self) -> bool {
        matches!(self.mode, SandboxMode::Off | SandboxMode::Bwrap)
    }

    /// What does not fit together: a key that its mode needs or cannot follow.
    pub(crate) fn problems(&self, at: &KeyPath) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut report = |key: &str, text: String| found.push(Problem::of_key(at.join(key), text));
        let mode = self.mode.name();
        if self.mode == SandboxMode::Command {
            let place = self.command.iter().filter(|part| *part == ARGV).count();
            if place != 1 || self.command.first().is_some_and(|first| first == ARGV) {
                report(
                    "command",
                    format!("needs a program, and {ARGV} once behind it, with mode = \"command\""),
                );
            }
            // nothing that a person asks for may be dropped without a word
            for (key, is_set) in [
                ("network", self.network != SandboxNetwork::Host),
                ("git", self.git != GitAccess::ReadWrite),
                ("memory", self.memory.is_some()),
                ("processes", self.processes.is_some()),
                ("read", !self.read.is_empty()),
                ("write", !self.write.is_empty()),
            ] {
                if is_set {
                    report(
                        key,
                        "has no effect with mode = \"command\"; say it in sandbox.command".to_owned(),
                    );
                }
            }
        }
        if self.mode.is_container() && self.image.is_none() {
            report("image", format!("is missing: mode = \"{mode}\" needs the name of an image"));
        }
        if self.verify && !self.is_on() {
            report("verify", "has no effect with mode = \"off\"".to_owned());
        }
        for (key, paths) in [("read", &self.read), ("write", &self.write)] {
            for path in paths {
                let inner = path.strip_prefix("~/").unwrap_or(path);
                let is_plain = path.starts_with('/') || path.starts_with("~/");
                if !is_plain
                    || inner.split('/').any(|part| part == "..")
                    || inner.trim_matches('/').is_empty()
                {
                    let text = format!("{path:?} is neither an absolute path nor one like \"~/.cache/tool\"");
                    report(key, text);
                }
            }
        }
        found
    }
}
