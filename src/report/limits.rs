//! PURE. The limits of now as text.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::text::sanitise_line;
use crate::agent::limit::LimitKind;
use crate::state::{Limited, NeedKind, Outcome, SpecState, needs, who};

/// A line for each account or model that is limited now, without those that a need of the spec has. `fix` gives what
/// you must do about a limit that does not end by itself.
#[must_use]
pub fn lines(
    state: &SpecState,
    now: Timestamp,
    zone: &TimeZone,
    fix: impl Fn(LimitKind, &str) -> Option<String>,
) -> Vec<String> {
    let needs = needs(state);
    let is_need = |limited: &Limited| {
        let kind = match limited.kind {
            LimitKind::Auth => NeedKind::Login,
            LimitKind::Billing => NeedKind::Payment,
            _ => return false,
        };
        needs.iter().any(|need| need.kind == kind)
    };
    let held = state.all_limits().filter(|(.., limited)| limited.holds(now) && !is_need(limited));
    let line = |(backend, model, limited): (&str, Option<&str>, &Limited)| {
        let until = match (limited.until, limited.stated) {
            (None, _) => fix(limited.kind, backend).unwrap_or_else(|| "until you fix it".to_owned()),
            (Some(at), stated) => {
                let clock = at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z");
                if stated { format!("until {clock}") } else { format!("end unknown; next try {clock}") }
            }
        };
        format!("{} ({until})", limited_words(&who(backend, model), limited))
    };
    held.map(line).collect()
}

/// Who is limited and why, in the vendor's words: `claude is limited: quota used up: …`, `claude needs a login: …`.
pub(super) fn limited_words(who: &str, limited: &Limited) -> String {
    let what = match limited.kind.need() {
        Some(need) => need.to_owned(),
        None => format!("is limited: {}", limited.kind.words()),
    };
    sanitise_line(&format!("{who} {what}: {}", limited.why))
}

/// How an attempt ended, without the vendor's words where a need has them.
pub(super) fn brief_outcome(outcome: &Outcome) -> String {
    let need = match outcome {
        Outcome::Limited { limit, .. } => limit.need(),
        _ => None,
    };
    need.map_or_else(|| sanitise_line(&outcome.to_string()), str::to_owned)
}

/// How a task stands whose last attempt ended so. What a review approved is done, as `status` says.
pub(super) fn task_outcome(outcome: &Outcome) -> String {
    let outcome = if *outcome == Outcome::Approved { &Outcome::Done } else { outcome };
    brief_outcome(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::at;
    use crate::state::{End, Remedy};

    #[test]
    fn a_login_that_a_need_asks_for_has_no_line_of_its_own() {
        let limited = |kind, until| Limited {
            kind,
            why: "Invalid API key".into(),
            since: at(0),
            until,
            stated: false,
            tries: 1,
            asked: std::collections::BTreeSet::new(),
        };
        let mut state = SpecState::default();
        state.limits.insert("mine".into(), limited(LimitKind::Auth, None));
        state.limits.insert("other".into(), limited(LimitKind::QuotaExhausted, Some(at(60))));
        let of = |state: &SpecState| lines(state, at(0), &TimeZone::UTC, |_, _| Some("log in".into()));
        assert_eq!(of(&state)[0], "mine needs a login: Invalid API key (log in)");
        let end = End::Limited {
            unit: "1".into(),
            who: "mine".into(),
            reason: "Invalid API key".into(),
            remedy: Remedy::Login,
        };
        state.end_run(at(1), end, true);
        let left = of(&state);
        assert!(left.len() == 1 && left[0].starts_with("other is limited: quota used up: "), "{left:?}");
    }
}
