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
