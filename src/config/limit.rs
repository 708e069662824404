//! PURE. `[limit]`, `[pace]` and `backend.NAME.limit_patterns`: what to do about closed windows, and how to keep from
//! running into them.

use std::time::Duration;

use jiff::civil::Time;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::check;
use super::raw::Span;
use super::schema::{Entry, Kind, Node, entry, leaf, must};
use super::tree::KeyPath;

/// `[limit]`: what follows when an agent says: later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Whether to wait at all; if not, a limit is a reason to take the next backend or to stop.
    pub wait: bool,
    /// The longest wait, where no other backend can take over.
    pub max_wait: Duration,
    /// Added to every stated end, since clocks differ.
    pub margin: Duration,
    /// Pauses before the tries where nobody says when it ends; the last repeats. Never empty.
    pub unknown: Vec<Duration>,
    /// Backends that take over, in this order.
    pub fallback: Vec<String>,
}

impl Default for Limit {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Self {
            wait: true,
            max_wait: minutes(24 * 60),
            margin: minutes(1),
            unknown: [5, 15, 30, 60].map(minutes).to_vec(),
            fallback: Vec::new(),
        }
    }
}

/// `[pace]`: rules that keep a run from using up what others need; `None` sets no rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pace {
    /// Steps start only inside this time of the day.
    pub window: Option<Window>,
    /// Steps that may start within any hour.
    pub tasks_per_hour: Option<u32>,
    /// Tokens that may be used within any such span.
    pub tokens: Option<Budget>,
    /// What one run may cost, in US dollars as the agents report it.
    pub max_cost_usd: Option<f64>,
    /// Percent of a plan's window (as the agent reports it) at which no step is started before it ends.
    pub stop_at_utilization: Option<u32>,
}

impl Pace {
    /// Whether there is any rule.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self != Self::default()
    }
}

/// A time of the day, in the local zone; across midnight where `until` is not after `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its first moment.
    pub from: Time,
    /// The first moment after it.
    pub until: Time,
}

/// So many tokens within so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Tokens, in and out.
    pub tokens: u64,
    /// Within any span of this length.
    pub per: Duration,
}

/// `[[backend.NAME.limit_patterns]]`: a wording that the built-in ones do not know.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitPattern {
    /// A regular expression on an error's text.
    pub r#match: String,
    /// What it means: `none`, `rate_limited`, `quota_exhausted`, `overloaded`, `billing` or `auth`.
    pub kind: String,
    /// How the regex' groups say when it ends: `epoch`, `iso`, `clock`, `duration`, `day`; `usual`: the built-in ways;
    /// `none`: not at all.
    #[serde(default = "usual")]
    pub reset: String,
}

fn usual() -> String {
    "usual".to_owned()
}

pub(super) const LIMIT: Entry = entry(
    "limit",
    Node::Table(&[
        leaf("wait", Kind::Bool, "Whether to wait until a rate limit or a used-up quota ends."),
        leaf(
            "max_wait",
            Kind::Duration,
            "The longest wait, where no other backend can take over; a limit that lasts longer stops the run.",
        ),
        leaf("margin", Kind::Duration, "Added to every end that a vendor states."),
        leaf(
            "unknown",
            Kind::Durations,
            "Pauses before each new try where the vendor states no end; the last one repeats.",
        ),
        leaf("fallback", Kind::Texts, "Backends that take over while one is limited, in this order."),
    ]),
    "What follows when an agent says that it is limited.",
);

pub(super) const PACE: Entry = entry(
    "pace",
    Node::Table(&[
        leaf("window", Kind::Window, "Start steps only between these times of the day, in the local zone."),
        leaf("tasks_per_hour", Kind::Count, "Steps that may start within any hour."),
        leaf("tokens", Kind::Budget, "Tokens that may be used within any such span of time."),
        leaf("max_cost_usd", Kind::Amount, "US dollars that one run may cost."),
        leaf(
            "stop_at_utilization",
            Kind::Percent,
            "Percent of a plan's window, as the agent reports it, at which to wait for its end.",
        ),
    ]),
    "Rules that keep a run from using up what others need.",
);

pub(super) const LIMIT_PATTERNS: Entry = entry(
    "limit_patterns",
    Node::List(&[
        must(leaf(
            "match",
            Kind::Regex,
            "A regular expression on the text of an error that ends an attempt.",
        )),
        must(leaf(
            "kind",
            Kind::Choice(&["none", "rate_limited", "quota_exhausted", "overloaded", "billing", "auth"]),
            "What such an error means.",
        )),
        leaf(
            "reset",
            Kind::Choice(&["usual", "none", "epoch", "iso", "clock", "duration", "day"]),
            "How the end is read: the usual ways, not at all, or from groups of the expression, like (?P<dur>…).",
        ),
    ]),
    "Wordings of limits beside the built-in ones; try them with seqorch limits test.",
);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLimit {
    wait: bool,
    max_wait: Span,
    margin: Span,
    unknown: Vec<Span>,
    pub(super) fallback: Vec<String>,
}

impl RawLimit {
    pub(super) fn resolve(self) -> Limit {
        Limit {
            wait: self.wait,
            max_wait: self.max_wait.0,
            margin: self.margin.0,
            unknown: self.unknown.into_iter().map(|span| span.0).collect(),
            fallback: self.fallback,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPace {
    #[serde(default, deserialize_with = "parsed_window")]
    window: Option<Window>,
    tasks_per_hour: Option<u32>,
    #[serde(default, deserialize_with = "parsed_budget")]
    tokens: Option<Budget>,
    max_cost_usd: Option<f64>,
    stop_at_utilization: Option<u32>,
}

impl RawPace {
    pub(super) fn resolve(self) -> Pace {
        Pace {
            window: self.window,
            tasks_per_hour: self.tasks_per_hour,
            tokens: self.tokens,
            max_cost_usd: self.max_cost_usd,
            stop_at_utilization: self.stop_at_utilization,
        }
    }
}

fn parsed_window<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Window>, D::Error> {
    window(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

fn parsed_budget<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Budget>, D::Error> {
    budget(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

/// What is wrong with a pattern once its parts are together.
pub(super) fn check_pattern(pattern: &LimitPattern, key: &KeyPath) -> Option<(KeyPath, String)> {
    let needed = match pattern.reset.as_str() {
        "epoch" => "epoch",
        "iso" => "iso",
        "clock" => "hour",
        "duration" => "dur",
        "day" => "m",
        _ => return None,
    };
    let regex = regex::Regex::new(&pattern.r#match).ok()?;
    let has = regex.capture_names().flatten().any(|name| name == needed);
    (!has).then(|| {
        let text =
            format!("with reset = {:?} it needs a group named {needed}, like (?P<{needed}>…)", pattern.reset);
        (key.join("match"), text)
    })
}

/// Reads `22:00-07:00`.
pub(super) fn window(text: &str) -> Result<Window, String> {
    let wrong = || format!("{text:?} is no time of the day; write it like \"22:00-07:00\"");
    let time = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let plain = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        let hour = Some(hour).filter(|h| plain(h) || (h.len() == 1 && plain(&format!("0{h}"))))?;
        let (hour, minute): (i8, i8) = (hour.parse().ok()?, Some(minute).filter(|m| plain(m))?.parse().ok()?);
        Time::new(if (hour, minute) == (24, 0) { 0 } else { hour }, minute, 0, 0).ok()
    };
    let (from, until) = text.split_once(['-', '–']).ok_or_else(wrong)?;
    let (from, until) = (time(from).ok_or_else(wrong)?, time(until).ok_or_else(wrong)?);
    if from == until {
        return Err(format!("{text:?} is empty; leave it out to start steps at any time"));
    }
    Ok(Window { from, until })
}

/// Reads `2M per 5h`.
pub(super) fn budget(text: &str) -> Result<Budget, String> {
    let wrong = || format!("{text:?} is no budget; write it like \"2M per 5h\"");
    let (amount, per) = text.split_once(" per ").or_else(|| text.split_once('/')).ok_or_else(wrong)?;
    let amount = amount.trim().trim_end_matches("tokens").trim().replace('_', "");
    let factor = match amount.chars().last() {
        Some('k' | 'K') => 1e3,
        Some('m' | 'M') => 1e6,
        Some('g' | 'G' | 'b' | 'B') => 1e9,
        _ => 1.0,
    };
    let number = if factor > 1.0 { &amount[..amount.len() - 1] } else { &amount };
    let tokens = number.trim().parse::<f64>().map_err(|_| wrong())? * factor;
    let per = per.trim();
    let per = if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
    let per = check::duration(&per).map_err(|_| wrong())?;
    if !(1.0..=1e15).contains(&tokens) || per.is_zero() {
        return Err(wrong());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
    Ok(Budget { tokens: tokens.round() as u64, per })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_two_times_of_the_day() {
        let time = |hour, minute| Time::new(hour, minute, 0, 0).unwrap();
        assert_eq!(window("22:00-07:00"), Ok(Window { from: time(22, 0), until: time(7, 0) }));
        assert_eq!(window(" 9:30 - 24:00 "), Ok(Window { from: time(9, 30), until: time(0, 0) }));
        for wrong in [
            "",
            "22:00",
            "22-7",
            "25:00-07:00",
            "22:00-07:60",
            "8:00-08:00",
            "22:0-7:0",
            "+2:00-07:00",
            "a:b-c:d",
        ] {
            assert!(window(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_budget_is_a_number_of_tokens_per_duration() {
        let hours = |n: u64| Duration::from_secs(n * 3600);
        assert_eq!(budget("2M per 5h"), Ok(Budget { tokens: 2_000_000, per: hours(5) }));
        assert_eq!(budget("1.5k tokens per hour"), Ok(Budget { tokens: 1500, per: hours(1) }));
        assert_eq!(budget("750_000 per 1day"), Ok(Budget { tokens: 750_000, per: hours(24) }));
        assert_eq!(budget("2M/5h"), Ok(Budget { tokens: 2_000_000, per: hours(5) }));
        for wrong in [
            "",
            "2M",
            "per 5h",
            "2M per",
            "0 per 5h",
            "-2M per 5h",
            "2M per 0s",
            "2X per 5h",
            "inf per 1h",
            "M per 1h",
        ] {
            assert!(budget(wrong).is_err(), "{wrong}");
        }
    }
}
