//! PURE. `[pace]`: rules that keep a run from using up what others need.

use std::time::Duration;

use jiff::civil::Time;
use serde_json::json;

use crate::config::declare::{keys, words};
use crate::config::duration;
use crate::config::formats::Count;
use crate::config::key::{ConfigType, KeyShape, ValueError, ValueFormat};
use crate::config::tree::{TomlNode, TomlValue};

keys! {
    /// Rules that keep a run from using up what others need. A rule that is not set does not apply.
    pub struct Pace {
        /// Time of day, in the local time zone, in which steps may start.
        window: Option<PaceWindow>, like = "22:00-07:00", inside;
        /// Steps that may start within any hour.
        tasks_per_hour: Option<u32> as Option<Count>, like = 6, inside;
        /// Tokens that agents may use within any span of the given length.
        tokens: Option<TokenBudget>, like = "2M per 5h", inside;
        /// US dollars that one run may cost, as the agents report it, or as the table of prices estimates it from tokens.
        max_cost_usd: Option<f64> as Option<Amount>, like = 20.0, inside;
        /// What follows where tokens or max_cost_usd is set and a backend does not say what it uses: the run does not begin
        /// (refuse), or it begins and that backend's use does not count (allow).
        unknown_usage: UnknownUsage = "refuse", loosens = "allow";
        /// Percent of a usage window of your plan, as the agent reports it. From there on, no step starts before that
        /// window ends.
        stop_at_utilization: Option<u32> as Option<Percent>, like = 90, inside;
    }
}

words! {
    /// What follows where a budget is set and a backend does not say what it uses.
    pub enum UnknownUsage {
        /// The run does not begin.
        Refuse = "refuse",
        /// That backend's use does not count.
        Allow = "allow",
    }
}

impl Pace {
    /// Whether any rule is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        let unknown_usage = self.unknown_usage;
        *self != Self { unknown_usage, ..Self::default() }
    }
}

/// A time of the day, in the local zone. It crosses midnight if `until` is not after `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaceWindow {
    /// Its first moment.
    pub from: Time,
    /// The first moment after it.
    pub until: Time,
}

impl PaceWindow {
    /// Reads `22:00-07:00`.
    fn parse(text: &str) -> Result<Self, ValueError> {
        let time = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
            let hour = Some(hour).filter(|hour| (1..=2).contains(&hour.len()) && digits(hour))?;
            let minute = Some(minute).filter(|minute| minute.len() == 2 && digits(minute))?;
            let (hour, minute): (i8, i8) = (hour.parse().ok()?, minute.parse().ok()?);
            Time::new(if (hour, minute) == (24, 0) { 0 } else { hour }, minute, 0, 0).ok()
        };
        let (from, until) = text.split_once(['-', '–']).ok_or(ValueError::Form)?;
        let (from, until) = (time(from).ok_or(ValueError::Form)?, time(until).ok_or(ValueError::Form)?);
        if from == until {
            let why = format!("{text:?} is empty; leave it out to start steps at any time");
            return Err(ValueError::Because(why));
        }
        Ok(Self { from, until })
    }
}

impl ConfigType for PaceWindow {
    type Value = Self;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "string", "pattern": "^\\s*[0-9]{1,2}:[0-9]{2}\\s*[-–]\\s*[0-9]{1,2}:[0-9]{2}\\s*$" }),
        ..ValueFormat::of::<Self>("time of day", "write it like \"22:00-07:00\"")
    });

    fn read(node: &TomlNode) -> Result<Self, ValueError> {
        Self::parse(node.text().ok_or(ValueError::Form)?)
    }
}

/// So many tokens within so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenBudget {
    /// Tokens, in and out.
    pub tokens: u64,
    /// Within any span of this length.
    pub per: Duration,
}

impl TokenBudget {
    /// Reads `2M per 5h`.
    fn parse(text: &str) -> Result<Self, ValueError> {
        let wrong = || ValueError::Form;
        let (amount, per) =
            text.split_once(" per ").or_else(|| text.split_once('/')).ok_or(ValueError::Form)?;
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
        let per =
            if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
        let per = duration::parse(&per).map_err(|_| wrong())?;
        if !(1.0..=1e15).contains(&tokens) || per.is_zero() {
            return Err(wrong());
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
        Ok(Self { tokens: tokens.round() as u64, per })
    }
}

impl ConfigType for TokenBudget {
    type Value = Self;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "string", "pattern": "^\\s*[0-9].*( per |/).*[a-z]\\s*$" }),
        ..ValueFormat::of::<Self>("budget", "write it like \"2M per 5h\"")
    });

    fn read(node: &TomlNode) -> Result<Self, ValueError> {
        Self::parse(node.text().ok_or(ValueError::Form)?)
    }
}

/// An amount of money above 0.
struct Amount;

impl ConfigType for Amount {
    type Value = f64;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "number", "exclusiveMinimum": 0 }),
        ..ValueFormat::of::<Self>("amount", "write a number above 0, without quotes")
    });

    fn read(node: &TomlNode) -> Result<f64, ValueError> {
        let number = match node.value {
            #[expect(clippy::cast_precision_loss, reason = "no sum of money is that large")]
            TomlValue::Int(number) => number as f64,
            TomlValue::Float(number) => number,
            _ => return Err(ValueError::Form),
        };
        Some(number).filter(|number| *number > 0.0 && number.is_finite()).ok_or(ValueError::Form)
    }
}

/// A whole number from 1 to 100.
struct Percent;

impl ConfigType for Percent {
    type Value = u32;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "integer", "minimum": 1, "maximum": 100 }),
        ..ValueFormat::of::<Self>("percentage", "write a whole number from 1 to 100, without quotes")
    });

    fn read(node: &TomlNode) -> Result<u32, ValueError> {
        let TomlValue::Int(number) = node.value else { return Err(ValueError::Form) };
        u32::try_from(number).ok().filter(|number| (1..=100).contains(number)).ok_or(ValueError::Form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_two_times_of_the_day() {
        let time = |hour, minute| Time::new(hour, minute, 0, 0).unwrap();
        let window = PaceWindow::parse;
        assert_eq!(window("22:00-07:00"), Ok(PaceWindow { from: time(22, 0), until: time(7, 0) }));
        assert_eq!(window(" 9:30 - 24:00 "), Ok(PaceWindow { from: time(9, 30), until: time(0, 0) }));
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
        let budget = TokenBudget::parse;
        assert_eq!(budget("2M per 5h"), Ok(TokenBudget { tokens: 2_000_000, per: hours(5) }));
        assert_eq!(budget("1.5k tokens per hour"), Ok(TokenBudget { tokens: 1500, per: hours(1) }));
        assert_eq!(budget("750_000 per 1day"), Ok(TokenBudget { tokens: 750_000, per: hours(24) }));
        assert_eq!(budget("2M/5h"), Ok(TokenBudget { tokens: 2_000_000, per: hours(5) }));
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
