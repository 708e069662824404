//! Keeps the machine awake while something works.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::programs;

/// The programs that can, with the arguments before the command that they guard. The first one that is installed is used.
const GUARDS: [(&str, &[&str]); 2] = [
    (
        "systemd-inhibit",
        &["--what=idle:sleep", "--who=seqorch", "--why=agents are at work", "--mode=block", "cat"],
    ),
    ("caffeinate", &["-i", "cat"]),
];

/// The program here that keeps the machine awake, for work in `dir`.
#[must_use]
pub fn guard(dir: &Path) -> Option<(PathBuf, &'static [&'static str])> {
    let path = std::env::var_os("PATH");
    GUARDS.iter().find_map(|(name, args)| Some((programs::find_tool(name, path.as_deref(), dir)?, *args)))
}

/// Whether the guard works here: it may be installed, and the service that it asks may be missing. The error has its words.
pub fn try_guard(program: &Path, args: &[&str]) -> Result<(), String> {
    // with its input at its end, it ends at once
    let tried = Command::new(program).args(args).current_dir("/").stdin(Stdio::null()).output();
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let words = String::from_utf8_lossy(&output.stderr);
            Err(words.lines().next().map_or_else(|| output.status.to_string(), |line| line.trim().to_owned()))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// As long as this lives, the machine does not fall asleep by itself.
#[derive(Debug)]
pub struct Awake(Child);

impl Awake {
    /// Keeps the machine awake, if something here can. The guard waits for the end of its input, so it ends with this
    /// process, however that ends.
    #[must_use]
    pub fn begin(dir: &Path) -> Option<Self> {
        let (program, args) = guard(dir)?;
        let mut command = Command::new(program);
        command.args(args).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C in the terminal is for the run, which may take a while to end
        command.process_group(0);
        command.spawn().ok().map(Self)
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // one that hangs must not hold up the end of a run
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
