//! `seqorch limits`: what a message of an agent means.

use std::io::{Read, Write};

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::Global;
use super::project::Project;
use crate::agent::event::Channel;
use crate::agent::limit::{self, Family, PrintedMessage, WordingPattern};
use crate::error::{Error, ErrorKind, Result};
use crate::report::text::sanitise_line;
use crate::run::limit_outcome;

#[derive(Debug, Args)]
pub(super) struct LimitsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Read one message from standard input and print, as JSON, what kind of limit it is and when it ends.
    ///
    /// Prints {"kind","until","source"}; kind is none, rate_limited, quota_exhausted, overloaded, billing or auth; until
    /// is null where nobody said or it cannot be read for certain. Uses the project's limit_patterns, if there is one.
    Test(TestArgs),
}

#[derive(Debug, Args)]
struct TestArgs {
    /// Whose message it is: a backend of the configuration, or one of claude, codex, gemini, opencode, copilot, qwen,
    /// cursor, amp. Without it, the wordings of all are tried alike.
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Where it was printed: a record of the JSON stream, standard output or error as text, or the agent's own log.
    #[arg(long, value_name = "CHANNEL", default_value = "event")]
    channel: From,
    /// How the agent ended; without it, it counts as failed.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    exit: Option<i32>,
    /// When it was printed; without it, now.
    #[arg(long, value_name = "RFC3339")]
    now: Option<String>,
    /// The zone of times that name none, like Europe/Berlin; without it, this machine's.
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum From {
    Event,
    Stdout,
    Stderr,
    Log,
}

/// What is printed, in this order.
#[derive(serde::Serialize)]
struct Printed<'a> {
    kind: limit::LimitKind,
    until: Option<String>,
    source: &'a str,
}

pub(super) fn limits(global: &Global, args: &LimitsArgs) -> Result<u8> {
    match &args.what {
        What::Test(args) => test(global, args),
    }
}

fn test(global: &Global, args: &TestArgs) -> Result<u8> {
    let now = match &args.now {
        Some(text) => text.parse::<Timestamp>().map_err(|error| {
            Error::new(ErrorKind::Usage, format!("--now {text:?} is no time"))
                .caused_by(error)
                .hint("Write it like 2026-03-01T10:00:00+01:00.")
        })?,
        None => Timestamp::now(),
    };
    let zone = match &args.tz {
        Some(name) => {
            let found = jiff::tz::db().get(name).or_else(|_| TimeZoneDatabase::bundled().get(name));
            found.map_err(|_| {
                Error::new(ErrorKind::Usage, format!("--tz {name:?} is no time zone"))
                    .hint("Write its IANA name, like Europe/Berlin or UTC.")
            })?
        }
        None => TimeZone::system(),
    };
    let config = Project::open(global, Vec::new(), None)?.loaded.config;
    let asked = |name: &String| args.backend.as_ref().is_none_or(|backend| backend == name);
    let own: Vec<WordingPattern> = config
        .backends
        .iter()
        .filter(|(name, _)| asked(name))
        .flat_map(|(name, backend)| limit_outcome::patterns(name, backend))
        .collect();
    let family = match &args.backend {
        Some(name) => config.backends.get(name).map_or_else(
            // not configured, but its words may be known
            || Family::of([name.as_str()]),
            |backend| limit_outcome::family(name, backend),
        ),
        None => Family::Any,
    };
    if let Some(name) = args.backend.as_ref().filter(|name| !config.backends.contains_key(*name))
        && family == Family::Any
    {
        let name = sanitise_line(name);
        let _ = writeln!(
            anstream::stderr(),
            "note: {name} is no known backend; the wordings of all are tried alike"
        );
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io("reading", std::path::Path::new("standard input"), error))?;
    let text = String::from_utf8_lossy(&bytes);
    let channel = match args.channel {
        From::Event => Channel::Event,
        From::Stdout => Channel::Stdout,
        From::Stderr => Channel::Stderr,
        From::Log => Channel::Log,
    };
    let message = PrintedMessage { family, channel, exit: args.exit, text: &text };
    let verdict = limit::classify(&message, &own, now, &zone);
    let printed = Printed {
        kind: verdict.kind,
        until: verdict.until.map(|at| at.display_with_offset(zone.to_offset(at)).to_string()),
        source: &verdict.source,
    };
    let line = serde_json::to_string(&printed)
        .map_err(|error| Error::new(ErrorKind::Internal, "writing the answer").caused_by(error))?;
    let _ = writeln!(anstream::stdout(), "{line}");
    Ok(0)
}
