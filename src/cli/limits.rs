//! `seqorch limits`: shows how a message of an agent is understood.

use std::io::{IsTerminal, Read, Write};

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::global::{Global, stdout};
use super::project::Project;
use super::values;
use crate::agent::event::Channel;
use crate::agent::limit::{self, Family, PrintedMessage, WordingPattern};
use crate::error::{Error, ErrorKind, Result};
use crate::report::text::sanitise_line;
use crate::run::limit_outcome;

#[derive(Debug, Args)]
pub(super) struct LimitsArgs {
    #[command(subcommand)]
    verb: LimitsVerb,
}

#[derive(Debug, Subcommand)]
enum LimitsVerb {
    /// Read a message from standard input and print which limit it is and when it ends.
    #[command(
        after_help = "Prints {\"kind\",\"until\",\"source\"}. kind is none, rate_limited, quota_exhausted, overloaded, billing or auth. \
until is null where the message gives no end or an ambiguous one. A service that failed or was not reached is no limit, but it \
is waited for, too; then there is \"trouble\": server_error or network. limit_patterns of the project are used, too. --backend \
takes a backend of the configuration, or one of claude, codex, gemini, opencode, copilot, qwen, cursor and amp."
    )]
    Test(TestArgs),
}

#[derive(Debug, Args)]
struct TestArgs {
    /// Backend that printed it [default: any].
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Where it was printed: a record of the JSON stream, stdout, stderr or the agent's own log.
    #[arg(long, value_name = "CHANNEL", default_value = "event")]
    channel: ChannelArg,
    /// Exit code of the agent [default: a failure].
    #[arg(long, value_name = "N", value_parser = values::exit_code, allow_negative_numbers = true)]
    exit: Option<i32>,
    /// When it was printed [default: now].
    #[arg(long, value_name = "RFC3339")]
    now: Option<String>,
    /// Time zone of times that name none, like Europe/Berlin [default: this machine's].
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ChannelArg {
    Event,
    Stdout,
    Stderr,
    Log,
}

/// The answer, with its keys in this order.
#[derive(serde::Serialize)]
struct LimitAnswer<'a> {
    kind: limit::LimitKind,
    until: Option<String>,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<limit::LimitKind>,
}

pub(super) fn limits(global: &Global, args: &LimitsArgs) -> Result<u8> {
    match &args.verb {
        LimitsVerb::Test(args) => test(global, args),
    }
}

fn test(global: &Global, args: &TestArgs) -> Result<u8> {
    let now = match &args.now {
        Some(text) => text.parse::<Timestamp>().map_err(|error| {
            Error::new(ErrorKind::Usage, format!("--now {text:?} is not a valid time"))
                .caused_by(error)
                .hint("Write it like 2026-03-01T10:00:00+01:00.")
        })?,
        None => Timestamp::now(),
    };
    let zone = match &args.tz {
        Some(name) => {
            let found = jiff::tz::db().get(name).or_else(|_| TimeZoneDatabase::bundled().get(name));
            found.map_err(|_| {
                Error::new(ErrorKind::Usage, format!("--tz {name:?} is not a known time zone"))
                    .hint("Write its IANA name, like Europe/Berlin or UTC.")
            })?
        }
        None => TimeZone::system(),
    };
    let config = Project::open(global, Vec::new(), None)?.loaded.config;
    let counts = |name: &String| args.backend.as_ref().is_none_or(|backend| backend == name);
    let patterns: Vec<WordingPattern> = config
        .backends
        .iter()
        .filter(|(name, _)| counts(name))
        .flat_map(|(name, backend)| limit_outcome::patterns(name, backend))
        .collect();
    let family = match &args.backend {
        Some(name) => config.backends.get(name).map_or_else(
            // messages of some backends are known without configuration
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
            "note: {name} is not a known backend; the messages of all backends are tried"
        );
    }
    if std::io::stdin().is_terminal() {
        let _ =
            writeln!(anstream::stderr(), "paste the message, and end it with Ctrl-D on a line of its own:");
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io("reading", std::path::Path::new("standard input"), error))?;
    let text = String::from_utf8_lossy(&bytes);
    if text.trim().is_empty() {
        return Err(Error::new(ErrorKind::Usage, "there is no message on standard input").hint(
            "Pipe what the agent printed into it: echo 'Try again in 5 minutes' | seqorch limits test",
        ));
    }
    let channel = match args.channel {
        ChannelArg::Event => Channel::Event,
        ChannelArg::Stdout => Channel::Stdout,
        ChannelArg::Stderr => Channel::Stderr,
        ChannelArg::Log => Channel::Log,
    };
    let message = PrintedMessage { family, channel, exit: args.exit, text: &text };
    let verdict = limit::classify(&message, &patterns, now, &zone);
    let trouble = Some(verdict.kind).filter(|kind| kind.is_trouble());
    let answer = LimitAnswer {
        trouble,
        kind: if trouble.is_some() { limit::LimitKind::None } else { verdict.kind },
        until: verdict.until.map(|at| at.display_with_offset(zone.to_offset(at)).to_string()),
        source: &verdict.source,
    };
    let line = serde_json::to_string(&answer)
        .map_err(|error| Error::new(ErrorKind::Internal, "writing the answer").caused_by(error))?;
    let _ = writeln!(stdout(), "{line}");
    Ok(0)
}
