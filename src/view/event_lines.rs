//! Prints a line per event if no screen can be drawn: in a pipe, in CI, on a terminal that cannot move its cursor.

use std::io::{self, Write};

use jiff::tz::TimeZone;

use super::gather::Gatherer;
use super::input::{TerminalInput, WakeReason};
use super::watch::{LOOK, Watch, WatchEnd};
use crate::error::{Error, ErrorKind, Result};
use crate::report::event_text;
use crate::report::events::EventRecord;
use crate::report::text::{sanitise_line, sanitise_text};
use crate::report::theme;

/// Prints the events of the last run and follows them until it ends, as text or as the lines of `events.jsonl`.
pub fn lines(watch: Watch<'_>, json: bool) -> Result<WatchEnd> {
    let failed = |e| Error::new(ErrorKind::Internal, "waiting").caused_by(e);
    let mut gatherer = Gatherer::new(watch);
    let mut input = TerminalInput::signals_only().map_err(failed)?;
    let zone = TimeZone::system();
    let most = watch.config.run.max_iterations;
    let (mut run, mut printed) = (0, 0);
    loop {
        gatherer.look(watch.clock.now());
        let log = gatherer.log();
        if log.runs != run {
            (run, printed) = (log.runs, 0);
        }
        for record in &log.records()[printed.min(log.records().len())..] {
            if print(record, json, most, &zone).is_err() {
                // the reader has closed the pipe, which is a normal end
                return Ok(WatchEnd::Over);
            }
        }
        printed = log.records().len();
        let over = if watch.of_run.is_some() { gatherer.is_over() } else { !gatherer.is_held() };
        if over {
            if printed == 0 && !json {
                let name = sanitise_line(&watch.place.name);
                let _ = writeln!(io::stdout(), "{name}: no run is active, and none ran before");
            }
            if let Some(summary) = gatherer.summary().filter(|_| !json) {
                let _ = writeln!(io::stdout(), "{}", sanitise_text(summary).trim_end());
            }
            return Ok(WatchEnd::Over);
        }
        match input.wait(LOOK).map_err(failed)? {
            WakeReason::Leave => return Ok(WatchEnd::Over),
            WakeReason::Gone => return Ok(WatchEnd::Gone),
            _ => {}
        }
    }
}

fn print(record: &EventRecord, json: bool, most: u32, zone: &TimeZone) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    if json {
        out.write_all(record.line().as_bytes())?;
    } else {
        let time = record.at.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S");
        let line = event_text::line(&record.kind, Some(most), zone);
        writeln!(out, "{time} {}", theme::text(&line))?;
    }
    out.flush()
}
