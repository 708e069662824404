//! `seqorch __deliver FOLDER`: delivers the messages of a folder, and tries again where that fails. A process of its own,
//! so that neither a slow server nor the end of a run stands in the way.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::address::{Addresses, MessageChannel, Post, Tried, pause_after};
use super::message::Message;
use super::outbox::{Outbox, Posted};
use crate::agent::utf8::first_bytes;
use crate::report::text::sanitise_line;
use crate::sys::command::{Finished, OutputLimit, Supervised, Unfinished, run};
use crate::sys::{process, programs, random};

/// The hidden verb.
pub const VERB: &str = "__deliver";
/// How long a message is tried: news of the night are none in the evening.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a process that waits looks whether there is a newer one.
const LOOK: Duration = Duration::from_secs(1);
/// Bytes of a server's answer that are shown.
const ANSWER: usize = 300;

/// Starts the process that delivers the messages of `outbox`.
pub fn start(exe: &Path, outbox: &Outbox, addresses: &Addresses) -> io::Result<()> {
    let mut command = Command::new(exe);
    command.arg(VERB).arg(outbox.folder()).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let text = serde_json::to_vec(addresses)?;
    if let Some(mut stdin) = child.stdin.take() {
        // fits into the pipe; a process that died at once is found below
        let _ = stdin.write_all(&text);
    }
    // it outlives this process; until then somebody has to reap it
    thread::Builder::new().name("messages".to_owned()).spawn(move || child.wait())?;
    Ok(())
}

/// Is that process: the arguments behind the verb. `false` if they are not ours.
pub fn be_deliverer(mut args: impl Iterator<Item = OsString>) -> bool {
    let Some(folder) = args.next().map(PathBuf::from) else { return false };
    let _ = rustix::process::setsid();
    let mut text = Vec::new();
    let read = io::stdin().read_to_end(&mut text);
    let Some(addresses) = read.ok().and_then(|_| serde_json::from_slice(&text).ok()) else { return false };
    deliver(&Outbox::new(folder), &addresses);
    true
}

/// Delivers until nothing is left, a newer process takes over, or the folder is gone.
fn deliver(outbox: &Outbox, addresses: &Addresses) {
    let bits = random::bits().unwrap_or_default();
    let me = format!("{}-{bits:x}", process::own_pid());
    let Some(_lock) = outbox.take_over(&me) else { return };
    let channels: BTreeSet<MessageChannel> = outbox.waiting().iter().map(|posted| posted.channel).collect();
    thread::scope(|scope| {
        for channel in channels {
            let me = &me;
            // a server that stands still holds up no other channel
            scope.spawn(move || deliver_by(channel, outbox, addresses, me));
        }
    });
}

/// As [`deliver`], by one channel: the oldest message first.
fn deliver_by(channel: MessageChannel, outbox: &Outbox, addresses: &Addresses, me: &str) {
    while outbox.is_newest(me) {
        let Some(posted) = outbox.waiting().into_iter().find(|posted| posted.channel == channel) else {
            return;
        };
        if let Some(pause) = try_one(outbox, addresses, posted) {
            let until = Instant::now() + pause;
            while Instant::now() < until && outbox.is_newest(me) {
                thread::sleep(LOOK.min(until.saturating_duration_since(Instant::now())));
            }
        }
    }
}

/// Tries a message, and returns how long its channel rests then.
fn try_one(outbox: &Outbox, addresses: &Addresses, mut posted: Posted) -> Option<Duration> {
    let (why, is_final) = match send(addresses, posted.channel, &posted.message, outbox.folder()) {
        Tried::Delivered => {
            outbox.remove(&posted.id);
            return None;
        }
        Tried::Failed(why) => (why, false),
        Tried::Refused(why) => (why, true),
    };
    posted.tries += 1;
    let age = Timestamp::now().duration_since(posted.message.at);
    posted.given_up = is_final || age.unsigned_abs() > LONGEST;
    posted.failure = Some(sanitise_line(&why));
    if outbox.note(&posted).is_err() && posted.given_up {
        // else it would be sent again and again
        outbox.remove(&posted.id);
    }
    Some(pause_after(posted.tries))
}

/// Sends a message by one channel, now. No program is used that the repository around `dir` brings.
#[must_use]
pub fn send(addresses: &Addresses, channel: MessageChannel, message: &Message, dir: &Path) -> Tried {
    match addresses.post(channel, message) {
        Some(post) => by_curl(&post, dir),
        None if channel == MessageChannel::Desktop => on_desktop(message, dir),
        None => Tried::Refused(format!("notify.{} is not set any more", channel.name())),
    }
}

/// The program that shows a message on the desktop of this machine.
#[must_use]
pub fn desktop_program() -> &'static str {
    if cfg!(target_os = "macos") { "osascript" } else { "notify-send" }
}

fn on_desktop(message: &Message, dir: &Path) -> Tried {
    let (heading, body) = (message.heading(), message.body());
    let args: Vec<String> = if cfg!(target_os = "macos") {
        let script =
            "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run";
        ["-e", script, heading.as_str(), body.as_str()].map(str::to_owned).to_vec()
    } else {
        // the body is markup
        let body = body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        ["--app-name=seqorch", "--", heading.as_str(), body.as_str()].map(str::to_owned).to_vec()
    };
    match call(desktop_program(), &args, &[], dir) {
        Ok(done) if done.status.success() => Tried::Delivered,
        Ok(done) => Tried::Failed(last_words(desktop_program(), &done)),
        Err(why) => Tried::Failed(why),
    }
}

fn by_curl(post: &Post, dir: &Path) -> Tried {
    let args = [
        "--silent",
        "--globoff",
        "--show-error",
        "--connect-timeout",
        "10",
        "--max-time",
        "20",
        "--proto",
        "=http,https",
        "--write-out",
        "\n%{http_code}",
        "--config",
        "-",
    ];
    let done = match call("curl", &args.map(str::to_owned), post.for_curl().as_bytes(), dir) {
        Ok(done) => done,
        Err(why) => return Tried::Failed(why),
    };
    let text = String::from_utf8_lossy(&done.stdout);
    let (answer, status) = text.rsplit_once('\n').unwrap_or((&text, ""));
    match status.trim().parse() {
        Ok(status) if status > 0 => Tried::of_answer(status, first_bytes(answer, ANSWER)),
        _ => Tried::Failed(last_words("curl", &done)),
    }
}

fn call(program: &str, args: &[String], stdin: &[u8], dir: &Path) -> Result<Finished, String> {
    let path = std::env::var_os("PATH");
    let found = programs::find_tool(program, path.as_deref(), dir)
        .ok_or_else(|| format!("{program} is not installed"))?;
    let mut command = Command::new(found);
    command.args(args).current_dir("/");
    let call = Supervised {
        command,
        stdin,
        holds: None,
        deadline: PATIENCE,
        keep: OutputLimit::End(4096),
        shown: program,
    };
    run(call, None, None).map_err(|error| match error {
        Unfinished::NotStarted(e) | Unfinished::Broken(e) => format!("{program}: {e}"),
        Unfinished::TimedOut(_) | Unfinished::Stopped => {
            format!("{program} did not end within {} s", PATIENCE.as_secs())
        }
    })
}

fn last_words(program: &str, done: &Finished) -> String {
    let said = String::from_utf8_lossy(&done.stderr);
    let line = said.lines().rev().find(|line| !line.trim().is_empty());
    line.map_or_else(|| format!("{program} ended with {}", done.status), |line| line.trim().to_owned())
}
