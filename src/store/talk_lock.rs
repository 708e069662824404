//! The lock of a person who talks to an agent in its session: held by `seqorch talk` and by the agent's program, so that it
//! ends with the last of them, whatever kills the other.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::sys::nofollow::WHOLE_MAX;
use crate::sys::{files, nofollow};

/// Who talks to which agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talker {
    /// The unit.
    pub unit: String,
    /// The person, if the system says who they are.
    pub by: Option<String>,
}

/// The lock. While it is held, a run starts no step.
#[derive(Debug)]
pub struct TalkLock(File);

impl TalkLock {
    /// Takes the lock; an error where another person talks.
    pub fn take(path: &Path, talker: &Talker) -> Result<Self> {
        let mut file = files::open_private_file(path)?;
        // who looks at it holds it for an instant
        for _ in 0..20 {
            if file.try_lock().is_ok() {
                let text = serde_json::to_vec(talker).unwrap_or_default();
                let written =
                    file.rewind().and_then(|()| file.set_len(0)).and_then(|()| file.write_all(&text));
                return written.map(|()| Self(file)).map_err(|e| Error::io("writing", path, e));
            }
            thread::sleep(Duration::from_millis(10));
        }
        let other = talker_at(path);
        let who = other.as_ref().and_then(|other| other.by.clone()).unwrap_or_else(|| "someone".to_owned());
        let task = other.map_or_else(String::new, |other| format!(" about task {}", other.unit));
        Err(Error::new(ErrorKind::Locked, format!("{who} already talks to an agent of this spec{task}")))
    }

    /// Lets the program of the agent inherit it.
    pub fn share_with_children(&self) {
        files::share_with_children(&self.0);
    }
}

/// Who talks now, if a person does.
#[must_use]
pub fn talker(path: &Path) -> Option<Talker> {
    let file = nofollow::open(path).ok()?;
    if file.try_lock_shared().is_ok() {
        let _ = file.unlock();
        return None;
    }
    Some(talker_at(path).unwrap_or(Talker { unit: String::new(), by: None }))
}

fn talker_at(path: &Path) -> Option<Talker> {
    serde_json::from_slice(&nofollow::read(path, WHOLE_MAX).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_says_who_talks_and_ends_with_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("talk.lock");
        assert_eq!(talker(&path), None);
        let ann = Talker { unit: "2".into(), by: Some("ann".into()) };
        let lock = TalkLock::take(&path, &ann).unwrap();
        assert_eq!(talker(&path), Some(ann.clone()));
        let error = TalkLock::take(&path, &ann).unwrap_err();
        assert_eq!(error.brief(), "ann already talks to an agent of this spec about task 2");
        drop(lock);
        // a program that another test starts has the file until it is executed
        while talker(&path).is_some() {
            std::thread::yield_now();
        }
        drop(TalkLock::take(&path, &ann).unwrap());
    }
}
