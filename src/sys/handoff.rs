//! Hands a program to a child of ours: its arguments and its environment, over a private socket.
//!
//! A tmux server starts windows with its own old environment, and every user of the machine can read an argument list. So
//! a child gets only the path of a socket and a token. It connects, sends its token, and reads one message. This message
//! has one writer and one reader, and both are here.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::socket;

/// Variables that describe a terminal. A child keeps its own, because its terminal is not that of the shell.
const TERMINAL: [&str; 6] = ["TERM", "TMUX", "TMUX_PANE", "COLORTERM", "COLUMNS", "LINES"];
/// How long a child waits for the message.
const CHILD_PATIENCE: Duration = Duration::from_secs(60);
/// How long the parent waits for a child that has connected.
const PARENT_PATIENCE: Duration = Duration::from_secs(5);
/// Bytes that a child's greeting may have.
const GREETING_BYTES: u64 = 4096;

/// Names and values of environment variables.
pub type Environment = Vec<(OsString, OsString)>;

/// What a child is to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handoff {
    /// Program and arguments. Empty for a child that finds them elsewhere.
    pub argv: Vec<OsString>,
    /// The environment of the shell in which the user typed `seqorch`.
    pub env: Environment,
}

impl Handoff {
    /// Asks the parent at `socket` for the message, as the child to which it gave `token`.
    ///
    /// The connection comes back, too: as long as the child keeps it open, the parent knows that the child is alive.
    pub fn ask(socket: &Path, token: &str) -> io::Result<(Self, UnixStream)> {
        let mut stream = socket::connect(socket)?;
        stream.set_read_timeout(Some(CHILD_PATIENCE))?;
        stream.write_all(format!("{} {token}\n", std::process::id()).as_bytes())?;
        let handoff = Self::read(&mut stream)?;
        Ok((handoff, stream))
    }

    /// Answers a child that connected, with the message that belongs to its token. Returns the child's process id, or
    /// `None` if there is no such message.
    pub fn answer<'a>(
        stream: &UnixStream,
        find: impl FnOnce(&str) -> Option<&'a Self>,
    ) -> io::Result<Option<i32>> {
        stream.set_read_timeout(Some(PARENT_PATIENCE))?;
        stream.set_write_timeout(Some(PARENT_PATIENCE))?;
        let mut greeting = String::new();
        BufReader::new(stream).take(GREETING_BYTES).read_line(&mut greeting)?;
        let Some((pid, token)) = greeting.trim_end().split_once(' ') else { return Ok(None) };
        let (Ok(pid), Some(handoff)) = (pid.parse(), find(token)) else { return Ok(None) };
        handoff.write(&mut &*stream)?;
        stream.set_read_timeout(None)?;
        Ok(Some(pid))
    }

    /// The environment for a program on this process's terminal.
    #[must_use]
    pub fn env_on_this_terminal(self) -> Environment {
        let is_terminal = |(name, _): &(OsString, OsString)| TERMINAL.iter().any(|known| name == known);
        let own = std::env::vars_os().filter(is_terminal);
        self.env.into_iter().filter(|variable| !is_terminal(variable)).chain(own).collect()
    }

    fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let mut body = Vec::new();
        put_length(&mut body, self.argv.len())?;
        for arg in &self.argv {
            put_text(&mut body, arg)?;
        }
        for (name, value) in &self.env {
            put_text(&mut body, name)?;
            put_text(&mut body, value)?;
        }
        let mut message = Vec::with_capacity(body.len() + 4);
        put_length(&mut message, body.len())?;
        message.append(&mut body);
        to.write_all(&message)
    }

    fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        let mut body = Vec::new();
        from.take(u64::from(length)).read_to_end(&mut body)?;
        if body.len() != length as usize {
            return Err(cut());
        }
        let mut rest = body.as_slice();
        let argv = (0..take_length(&mut rest)?).map(|_| take_text(&mut rest)).collect::<io::Result<_>>()?;
        let mut env = Environment::new();
        while !rest.is_empty() {
            env.push((take_text(&mut rest)?, take_text(&mut rest)?));
        }
        Ok(Self { argv, env })
    }
}

fn put_length(to: &mut Vec<u8>, length: usize) -> io::Result<()> {
    to.extend(u32::try_from(length).map_err(io::Error::other)?.to_le_bytes());
    Ok(())
}

fn put_text(to: &mut Vec<u8>, text: &std::ffi::OsStr) -> io::Result<()> {
    put_length(to, text.len())?;
    to.extend(text.as_bytes());
    Ok(())
}

fn take_length(from: &mut &[u8]) -> io::Result<u32> {
    let (length, rest) = from.split_first_chunk().ok_or_else(cut)?;
    *from = rest;
    Ok(u32::from_le_bytes(*length))
}

fn take_text(from: &mut &[u8]) -> io::Result<OsString> {
    let length = take_length(from)? as usize;
    let (text, rest) = from.split_at_checked(length).ok_or_else(cut)?;
    *from = rest;
    Ok(OsString::from_vec(text.to_vec()))
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the message from the starting shell is not complete")
}

#[cfg(test)]
mod tests {
    use super::super::socket::Listener;
    use super::*;

    fn awkward() -> Handoff {
        let raw = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        Handoff {
            argv: vec!["/bin/x".into(), "".into(), raw(b"\xff\n"), "--".into(), "".into()],
            env: vec![
                ("A".into(), "x=y".into()),
                ("EMPTY".into(), "".into()),
                ("RAW".into(), raw(b"\xfe\n")),
            ],
        }
    }

    #[test]
    fn a_handoff_arrives_byte_for_byte_at_the_child_with_its_token() {
        let dir = tempfile::tempdir().unwrap();
        let listener = Listener::bind(dir.path()).unwrap();
        let path = listener.path().to_owned();
        let child = std::thread::spawn(move || {
            let refused = Handoff::ask(&path, "stranger").map(|_| ());
            (refused, Handoff::ask(&path, "mine").map(|(handoff, _)| handoff))
        });
        let wait = Duration::from_secs(30);
        let handoff = awkward();
        for expected in [None, Some(std::process::id().cast_signed())] {
            let stream = socket::accept(listener.get(), wait).unwrap().unwrap();
            let pid = Handoff::answer(&stream, |token| (token == "mine").then_some(&handoff)).unwrap();
            assert_eq!(pid, expected);
        }
        let (refused, given) = child.join().unwrap();
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(given.unwrap(), handoff);
    }

    #[test]
    fn a_message_that_is_cut_anywhere_is_an_error() {
        let mut message = Vec::new();
        awkward().write(&mut message).unwrap();
        assert_eq!(Handoff::read(&mut message.as_slice()).unwrap(), awkward());
        for end in 0..message.len() {
            assert!(Handoff::read(&mut &message[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_child_keeps_the_variables_of_its_own_terminal() {
        let shell = [("TMUX_PANE", "%99999"), ("EDITOR", "vi")].map(|(n, v)| (n.into(), v.into()));
        let env = Handoff { argv: Vec::new(), env: shell.to_vec() }.env_on_this_terminal();
        let pane = |(name, _): &&(OsString, OsString)| name == "TMUX_PANE";
        assert_eq!(env.iter().find(pane).map(|(_, value)| value.clone()), std::env::var_os("TMUX_PANE"));
        assert!(env.contains(&("EDITOR".into(), "vi".into())));
    }
}
