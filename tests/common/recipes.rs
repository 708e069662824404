//! Recipes of the documentation, run as people type them.

use std::path::Path;
use std::process::Stdio;

use crate::common::{Output, Project};

/// The lines of the first block of commands below a heading of a page.
pub(crate) fn commands_below<'a>(page: &'a str, heading: &str) -> Vec<&'a str> {
    block_below(page, heading, "```sh")
}

/// The first block of settings below a heading of a page.
pub(crate) fn settings_below(page: &str, heading: &str) -> String {
    block_below(page, heading, "```toml").join("\n") + "\n"
}

fn block_below<'a>(page: &'a str, heading: &str, kind: &str) -> Vec<&'a str> {
    let mut lines = page.lines().skip_while(|line| line.trim_start_matches('#') != format!(" {heading}"));
    assert!(lines.next().is_some(), "the page has no heading {heading:?}");
    let is_heading = |line: &&str| line.starts_with('#') && line.trim_start_matches('#').starts_with(' ');
    let mut in_block = false;
    let below = lines.take_while(|line| {
        in_block ^= line.starts_with("```");
        in_block || !is_heading(line)
    });
    let found: Vec<&str> =
        below.skip_while(|line| *line != kind).skip(1).take_while(|line| *line != "```").collect();
    assert!(!found.is_empty(), "there is no block {kind} below {heading:?}");
    found
}

/// Runs the commands below a heading in the project, one after another, and returns what each printed.
pub(crate) fn recipe(project: &Project, page: &str, heading: &str) -> Vec<Output> {
    let program = Path::new(env!("CARGO_BIN_EXE_seqorch")).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let run = |line: &str| {
        let mut command = project.command_of("/bin/sh", &["-c", line]);
        // that of the test wins over that of its environment
        let own = command.get_envs().find_map(|(name, value)| value.filter(|_| name == "PATH"));
        let path = own.map_or_else(|| path.clone(), |own| own.to_string_lossy().into_owned());
        command.env("PATH", format!("{}:{path}", program.display())).stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        println!("{line}: {code}");
        Output { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    };
    commands_below(page, heading).into_iter().map(run).collect()
}
