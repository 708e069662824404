//! The programs that deliver messages, and the messages that did not arrive.

use super::subject::{DoctorSubject, typed};
use crate::error::ErrorKind;
use crate::notify::address::{Addresses, MessageChannel};
use crate::notify::delivery::desktop_program;
use crate::notify::outbox::Outbox;
use crate::report::text::plural;
use crate::setup::findings::DoctorFinding;
use crate::sys::programs;

const TOPIC: &str = "messages";

pub(super) fn check(subject: &DoctorSubject<'_>) -> Vec<DoctorFinding> {
    let Ok(loaded) = subject.loaded else { return Vec::new() };
    let channels = Addresses::from(&loaded.config.notify).channels();
    let path = std::env::var_os("PATH");
    let mut found: Vec<DoctorFinding> = Vec::new();
    for channel in &channels {
        let program = if *channel == MessageChannel::Desktop { desktop_program() } else { "curl" };
        let name = channel.name();
        found.push(match programs::find_tool(program, path.as_deref(), subject.root) {
            Some(_) => DoctorFinding::ok(TOPIC, format!("notify.{name} is set; `seqorch notify` tries it")),
            None => DoctorFinding::problem(
                TOPIC,
                ErrorKind::Unavailable,
                format!("notify.{name} is set, but {program}, which delivers it, is not installed"),
            )
            .fix(format!("Install {program}.")),
        });
    }
    for (place, store) in subject.specs.iter().flatten() {
        let left = Outbox::of_spec(&store.folder()).messages();
        let Some(first) = left.first() else { continue };
        let why = first.failure.as_deref().unwrap_or("not tried yet");
        let count = plural(left.len(), "message");
        let text = format!("{}: {count} not delivered, notify.{}: {why}", typed(place), first.channel.name());
        found.push(DoctorFinding::warning(TOPIC, text).fix("Try `seqorch notify`. The next run sends them."));
    }
    found
}
