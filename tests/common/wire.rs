//! A server of git over TCP whose connections are cut, and whose answers get lost on the way.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use fastrand::Rng;

/// What went over the wire.
#[derive(Debug, Default)]
pub(crate) struct WireCounts {
    /// Connections that push, and the bytes that they sent.
    pub(crate) pushes: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) cut: AtomicU64,
    pub(crate) lost: AtomicU64,
    is_calm: AtomicBool,
    is_over: AtomicBool,
}

/// The server. It ends with this value.
pub(crate) struct Wire {
    port: u16,
    pub(crate) counts: Arc<WireCounts>,
}

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Whole,
    /// It is cut after so many bytes of the client.
    Cut(u64),
    /// What the server says after so many bytes of the client is lost.
    Mute(u64),
}

/// The bytes that a client sends before it has heard anything.
const GREETING: u64 = 250;

impl Wire {
    /// Serves the repositories in a folder; `None` where git has no daemon.
    pub(crate) fn serve(folder: &Path) -> Option<Self> {
        let found = Command::new("git").args(["daemon", "-h"]).output().ok()?;
        if String::from_utf8_lossy(&found.stderr).contains("is not a git command") {
            return None;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts = Arc::new(WireCounts::default());
        let (folder, of_server) = (folder.to_owned(), Arc::clone(&counts));
        thread::spawn(move || {
            let mut chance = Rng::with_seed(1234);
            for stream in listener.incoming().flatten() {
                if of_server.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let fate = if of_server.is_calm.load(Ordering::Relaxed) {
                    Fate::Whole
                } else {
                    match chance.u64(..24) {
                        0 => Fate::Cut(100 + chance.u64(..2500)),
                        1 => Fate::Mute(GREETING),
                        _ => Fate::Whole,
                    }
                };
                let (folder, counts) = (folder.clone(), Arc::clone(&of_server));
                thread::spawn(move || carry(&stream, folder, fate, &counts));
            }
        });
        Some(Self { port, counts })
    }

    pub(crate) fn address(&self, name: &str) -> String {
        format!("git://127.0.0.1:{}/{name}", self.port)
    }

    /// From now on nothing is cut or lost.
    pub(crate) fn calm(&self) {
        self.counts.is_calm.store(true, Ordering::Relaxed);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.counts.is_over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn daemon(folder: PathBuf) -> Child {
    let mut base = std::ffi::OsString::from("--base-path=");
    base.push(folder);
    Command::new("git")
        .args(["daemon", "--inetd", "--export-all", "--enable=receive-pack"])
        .arg(base)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Carries one connection to a git of its own.
fn carry(stream: &TcpStream, folder: PathBuf, fate: Fate, counts: &WireCounts) {
    let mut git = daemon(folder);
    let (mut to_git, mut from_git) = (git.stdin.take().unwrap(), git.stdout.take().unwrap());
    let sent = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut buffer = [0; 16 << 10];
            let (mut client, mut pushes) = (stream, false);
            while let Ok(length @ 1..) = client.read(&mut buffer) {
                let bytes = &buffer[..length];
                if sent.load(Ordering::Relaxed) == 0
                    && bytes.windows(16).any(|part| part == b"git-receive-pack")
                {
                    pushes = true;
                    counts.pushes.fetch_add(1, Ordering::Relaxed);
                }
                let so_far = sent.fetch_add(length as u64, Ordering::Relaxed) + length as u64;
                if pushes {
                    counts.bytes.fetch_add(length as u64, Ordering::Relaxed);
                }
                if matches!(fate, Fate::Cut(at) if so_far >= at) {
                    counts.cut.fetch_add(1, Ordering::Relaxed);
                    let _ = stream.shutdown(Shutdown::Both);
                    break;
                }
                if to_git.write_all(bytes).is_err() {
                    break;
                }
            }
            drop(to_git);
        });
        let mut buffer = [0; 16 << 10];
        let (mut client, mut is_mute) = (stream, false);
        while let Ok(length @ 1..) = from_git.read(&mut buffer) {
            if !is_mute && matches!(fate, Fate::Mute(after) if sent.load(Ordering::Relaxed) > after) {
                is_mute = true;
                counts.lost.fetch_add(1, Ordering::Relaxed);
            }
            if !is_mute && client.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
    });
    let _ = git.wait();
}
