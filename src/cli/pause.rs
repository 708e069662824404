//! `seqorch pause`: no step starts until the pause is over.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Global;
use super::global::print_line;
use super::overview::{Unnamed, spec_for};
use super::project::{Project, refuse_lost_tree};
use super::time_flags::length;
use crate::error::Result;
use crate::plan::Selection;
use crate::report::text::{sanitise_line, shell_word};
use crate::report::wait_text::moment;
use crate::run::requests::{self, RequestStanding};

#[derive(Debug, Args)]
#[command(
    after_help = "An agent that works finishes its task; no further step starts. A pause lasts over the end of a run: a run \
that continues after a kill, and a new run, wait until it is over. `seqorch resume --now` ends it."
)]
pub(super) struct PauseArgs {
    /// Spec: its name, its folder or its file [default: the only spec, or the one that runs]; or the TIME.
    spec: Option<PathBuf>,
    /// How long, like 1h or 90m [default: until `seqorch resume --now`].
    #[arg(value_name = "TIME", value_parser = length)]
    time: Option<Duration>,
}

pub(super) fn pause(global: &Global, args: &PauseArgs) -> Result<u8> {
    let mut project = Project::open(global, Vec::new(), None)?;
    let (mut named, mut time) = (args.spec.as_deref(), args.time);
    // `seqorch pause 1h`, unless a spec has that name
    if let (Some(word), None) = (named, time)
        && let Some(length) = word.to_str().and_then(|word| length(word).ok())
        && project.spec(Some(word)).is_err()
    {
        (named, time) = (None, Some(length));
    }
    if named.is_some() {
        project = Project::open(global, Vec::new(), named)?;
    }
    let spec = spec_for(&project, named, Unnamed::Stops)?;
    let place = project.place(&spec, Selection::default())?;
    refuse_lost_tree(&place)?;
    let until = time.map(|time| Timestamp::now().saturating_add(time).unwrap_or(Timestamp::MAX));
    let standing = requests::pause(&place, until)?;
    let name = sanitise_line(&place.name);
    let end = match until {
        Some(until) => format!("until {}", moment(until, &TimeZone::system())),
        None => format!("until `seqorch resume {} --now`", shell_word(&place.typed)),
    };
    let what = match standing {
        RequestStanding::Taken(_) => format!("paused {end}; no run is active, and the next one waits"),
        RequestStanding::Pending(Some(unit)) => {
            format!("the run pauses after task {}, {end}", sanitise_line(&unit))
        }
        RequestStanding::Pending(None) => format!("the run pauses, {end}"),
    };
    print_line(&format!("{name}: {what}"));
    Ok(0)
}
