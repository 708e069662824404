//! Starts `git`. Nothing else in seqorch does.

use std::ffi::OsString;
use std::path::Path;

/// How many paths one call gets: a command line has a maximum length.
pub(super) const PATHS_PER_CALL: usize = 400;

/// Runs git in `dir` and returns its standard output without the final line ends. The error is what git printed.
pub(super) fn run<A: Into<OsString> + Clone>(dir: &Path, args: &[A]) -> Result<String, String> {
    output(dir, None, args).map(|bytes| text(&bytes))
}

/// Runs git like [`run`], with `index` in place of the user's index.
pub(super) fn run_with_index<A: Into<OsString> + Clone>(
    dir: &Path,
    index: &Path,
    args: &[A],
) -> Result<String, String> {
    output(dir, Some(index), args).map(|bytes| text(&bytes))
}

/// Runs git like [`run`] and returns its standard output byte for byte.
pub(super) fn run_for_bytes<A: Into<OsString> + Clone>(dir: &Path, args: &[A]) -> Result<Vec<u8>, String> {
    output(dir, None, args)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned()
}

fn output<A: Into<OsString> + Clone>(
    dir: &Path,
    index: Option<&Path>,
    args: &[A],
) -> Result<Vec<u8>, String> {
    let mut command = duct::cmd("git", args.iter().cloned())
        .dir(dir)
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin_null()
        .stdout_capture()
        .stderr_capture()
        .unchecked();
    if let Some(index) = index {
        command = command.env("GIT_INDEX_FILE", index);
    }
    let output = command.run().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    // some hooks print their reason on standard output
    Err(text(&[output.stderr, output.stdout].concat()))
}
