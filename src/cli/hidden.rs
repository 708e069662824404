//! The verbs that seqorch calls itself.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::attempt;
use crate::error::{Error, ErrorKind, Result};
use crate::store::record::unpack_env;

/// `__attempt DIR`, `__session PARENT DIR -- ARGS…` and `__pane …` as seqorch itself writes them.
pub(super) fn fast_path() -> Option<u8> {
    let mut args = std::env::args_os().skip(1);
    let verb = args.next()?;
    let done = if verb == "__attempt" {
        attempt(Path::new(&args.next()?))
    } else if verb == "__session" {
        let parent = args.next()?.to_str()?.parse().ok()?;
        let dir = args.next()?;
        // skips the `--`
        let program: Vec<OsString> = args.skip(1).collect();
        Ok(session(parent, Path::new(&dir), &program))
    } else if verb == "__pane" {
        Ok(attempt::pane::run(&attempt::pane::Errand::parse(args)?))
    } else {
        return None;
    };
    Some(done.unwrap_or_else(|error| {
        let _ = std::io::stderr().write_all(error.render().as_bytes());
        error.kind().exit_code()
    }))
}

pub(super) fn attempt(dir: &Path) -> Result<u8> {
    attempt::run(dir, &super::project::own_program()?)?;
    Ok(0)
}

pub(super) fn session(parent: i32, dir: &Path, argv: &[OsString]) -> u8 {
    match attempt::exec_in_session(parent, dir, argv) {
        Ok(never) => match never {},
        Err(error) => {
            let _ = std::io::stderr().write_all(error.render().as_bytes());
            // the exit code of shells for a program that cannot be started
            127
        }
    }
}

/// Becomes `seqorch …` with the arguments and the environment that come over the socket: the view of a run. The view of
/// a detached run starts that run first.
pub(super) fn detached(socket: &Path) -> Result<u8> {
    let failed = |e| Error::io("reading", socket, e);
    let mut stream = crate::sys::socket::connect(socket).map_err(failed)?;
    let mut parts = Vec::new();
    stream.read_to_end(&mut parts).map_err(failed)?;
    let broken = || Error::new(ErrorKind::Internal, "the message of the starting shell is incomplete");
    let at = parts.windows(2).position(|w| w == [0, 0]).ok_or_else(broken)?;
    let args: Vec<OsString> =
        parts[..at].split(|b| *b == 0).map(|a| OsString::from_vec(a.to_vec())).collect();
    let env = unpack_env(&parts[at + 2..]);
    let env = env.into_iter().map(|(n, v)| (OsString::from_vec(n.to_vec()), OsString::from_vec(v.to_vec())));
    // these describe the terminal, which is the pane
    let own = ["TERM", "TMUX", "TMUX_PANE", "COLORTERM"];
    let own = own.into_iter().filter_map(|n| Some((OsString::from(n), std::env::var_os(n)?)));
    let error =
        Command::new(super::project::own_program()?).args(args).env_clear().envs(env).envs(own).exec();
    Err(Error::new(ErrorKind::Internal, "starting the run").caused_by(error))
}
