//! PURE. The totals of a spec: how long the run takes, what all attempts used, and what all tasks share.

use std::time::Duration;

use super::model::ViewRow;
use super::source::{ViewSource, since};
use crate::agent::render;
use crate::report::events::EventKind;
use crate::report::spent;
use crate::report::times::span;
use crate::state::Spent;

/// `running for 1h 2m · 410k tokens, $12.30 in all · claude · opus`
pub(super) fn totals(source: &ViewSource<'_>, shared: &str) -> String {
    let calls = Spent::of(&source.state.calls);
    let spent = Spent::sum(source.state.units.values().map(|unit| &unit.usage).chain([&calls]));
    let mut usage = spent;
    let live = source.live.and_then(|live| live.output.usage);
    // the total of a session includes earlier attempts
    if let Some(more) = live.filter(|more| !more.cumulative) {
        usage.usage.add(&more);
    }
    let tokens = usage.usage.tokens().map(|_| format!("{} tokens", spent::tokens(&usage)));
    let cost = render::cost(&usage.usage).map(|_| spent::cost(&usage));
    let used: Vec<String> = tokens.into_iter().chain(cost).collect();
    let used = (!used.is_empty()).then(|| format!("{} in all", used.join(", ")));
    let shared = (!shared.is_empty()).then(|| shared.to_owned());
    elapsed(source).into_iter().chain(used).chain(shared).collect::<Vec<_>>().join(" · ")
}

/// How long the active run has run, or how long the last one took.
fn elapsed(source: &ViewSource<'_>) -> Option<String> {
    if let Some(run) = source.run {
        let whole = Duration::from_secs(since(run.since, source.now).as_secs());
        return Some(format!("running for {}", span(whole)));
    }
    match source.events.last().map(|record| &record.kind) {
        Some(EventKind::RunEnded { took_ms, .. }) => {
            Some(format!("ran for {}", span(Duration::from_millis(*took_ms))))
        }
        _ => None,
    }
}

/// Takes backend and model out of the rows if all that name one name the same, and returns them.
pub(super) fn take_shared(rows: &mut [ViewRow]) -> String {
    let mut named = rows.iter().filter(|row| !row.who.is_empty()).map(|row| row.who.as_str());
    let Some(first) = named.next().map(str::to_owned) else { return String::new() };
    // a model is known once an agent has named it, so a row without one says nothing else
    let all = rows.iter().filter(|row| !row.who.is_empty()).map(|row| row.who.as_str());
    let longest = all.clone().max_by_key(|who| who.len()).map_or(first, str::to_owned);
    let is_part =
        |who: &str| longest.strip_prefix(who).is_some_and(|rest| rest.is_empty() || rest.starts_with(" · "));
    if !all.clone().all(is_part) {
        return String::new();
    }
    for row in rows {
        row.who.clear();
    }
    longest
}
