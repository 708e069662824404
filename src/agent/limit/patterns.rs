//! The wordings, which are data: `patterns/*.toml`, one file per agent, and what a user adds in `limit_patterns`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde::Deserialize;

use super::when::Form;
use super::{Family, LimitKind};

const COMMON: &str = include_str!("patterns/common.toml");

/// The files in the order in which they are asked where they are not the agent's own: what is narrow comes first.
const FILES: &[(Family, &str)] = &[
    (Family::Claude, include_str!("patterns/claude.toml")),
    (Family::Codex, include_str!("patterns/codex.toml")),
    (Family::Copilot, include_str!("patterns/copilot.toml")),
    (Family::Qwen, include_str!("patterns/qwen.toml")),
    (Family::Opencode, include_str!("patterns/opencode.toml")),
    (Family::Gemini, include_str!("patterns/gemini.toml")),
    (Family::Cursor, include_str!("patterns/cursor.toml")),
    (Family::Amp, include_str!("patterns/amp.toml")),
];

/// What a pattern says of the text it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Meaning {
    None,
    RateLimited,
    QuotaExhausted,
    Overloaded,
    Billing,
    Auth,
    /// Nothing of its own: what stands above counts.
    Skip,
}

impl Meaning {
    pub(super) fn kind(self) -> LimitKind {
        match self {
            Self::None | Self::Skip => LimitKind::None,
            Self::RateLimited => LimitKind::RateLimited,
            Self::QuotaExhausted => LimitKind::QuotaExhausted,
            Self::Overloaded => LimitKind::Overloaded,
            Self::Billing => LimitKind::Billing,
            Self::Auth => LimitKind::Auth,
        }
    }
}

/// How a pattern's reset is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// In the usual ways anywhere in the text.
    #[default]
    Usual,
    /// Never: what the text says of a time is not to be believed.
    None,
    /// In the pattern's own groups.
    #[serde(untagged)]
    Own(Form),
}

/// Which part of an authoritative text a pattern is held against.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum On {
    /// Its first line.
    #[default]
    Line,
    /// All of it.
    Text,
}

/// One wording.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// `claude.limit`, `limit_patterns[0]`.
    pub(super) name: String,
    pub(super) meaning: Meaning,
    pub(super) reset: Reset,
    on: On,
    own: bool,
    regex: Regex,
}

impl Pattern {
    /// A pattern of a user's: any text of the agent's that may end an attempt and matches is of that kind.
    ///
    /// # Errors
    /// The regex is none, or lacks the groups that `reset` reads.
    pub fn of_user(name: &str, regex: &str, kind: LimitKind, reset: Reset) -> Result<Self, String> {
        let meaning = match kind {
            LimitKind::None => Meaning::None,
            LimitKind::RateLimited => Meaning::RateLimited,
            LimitKind::QuotaExhausted => Meaning::QuotaExhausted,
            LimitKind::Overloaded => Meaning::Overloaded,
            LimitKind::Billing => Meaning::Billing,
            LimitKind::Auth => Meaning::Auth,
        };
        let regex = Regex::new(regex).map_err(|error| error.to_string())?;
        let pattern = Self { name: name.to_owned(), meaning, reset, on: On::Text, own: false, regex };
        pattern.check().map(|()| pattern)
    }

    fn check(&self) -> Result<(), String> {
        if let Reset::Own(form) = self.reset
            && !self.regex.capture_names().flatten().any(|name| name == form.needs())
        {
            return Err(format!("reset needs a group named {0:?}, like (?P<{0}>…)", form.needs()));
        }
        Ok(())
    }

    /// Whether it is a wording of this agent's, or one that counts for any.
    fn counts_for(&self, home: Option<Family>, family: Family) -> bool {
        !self.own || home == Some(family)
    }

    pub(super) fn find<'t>(&self, line: &'t str, text: &'t str) -> Option<Captures<'t>> {
        self.regex.captures(if self.on == On::Text { text } else { line })
    }

    pub(super) fn is_match(&self, line: &str) -> bool {
        self.regex.is_match(line)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPattern {
    name: String,
    kind: Meaning,
    r#match: String,
    #[serde(default)]
    reset: Reset,
    #[serde(default)]
    on: On,
    #[serde(default)]
    own: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReset {
    form: Form,
    r#match: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCommon {
    strip: Vec<String>,
    retrying: Vec<String>,
    windows: String,
    session: String,
    macros: BTreeMap<String, String>,
    reset: Vec<RawReset>,
    pattern: Vec<RawPattern>,
    codes: BTreeMap<String, Meaning>,
    hints: BTreeMap<String, Meaning>,
    statuses: BTreeMap<String, Meaning>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFamily {
    #[serde(default)]
    pattern: Vec<RawPattern>,
    #[serde(default)]
    codes: BTreeMap<String, Meaning>,
}

struct FamilyPatterns {
    family: Family,
    patterns: Vec<Pattern>,
    codes: BTreeMap<String, Meaning>,
}

/// All that is built in.
pub(super) struct Library {
    pub(super) strip: Vec<Regex>,
    pub(super) retrying: Vec<Regex>,
    /// Words beside "limit" that are no model.
    pub(super) windows: Regex,
    pub(super) session: Regex,
    pub(super) resets: Vec<(Form, Regex)>,
    patterns: Vec<Pattern>,
    codes: BTreeMap<String, Meaning>,
    hints: BTreeMap<String, Meaning>,
    statuses: BTreeMap<String, Meaning>,
    families: Vec<FamilyPatterns>,
}

impl Library {
    fn parse() -> Result<Self, String> {
        let raw: RawCommon = toml::from_str(COMMON).map_err(|e| e.to_string())?;
        let regex = |text: &String| expand(text, &raw.macros);
        let patterns = |name: &str, raws: Vec<RawPattern>| -> Result<Vec<Pattern>, String> {
            raws.into_iter()
                .map(|p| {
                    let name = format!("{name}.{}", p.name);
                    let regex = regex(&p.r#match)?;
                    let pattern =
                        Pattern { name, meaning: p.kind, reset: p.reset, on: p.on, own: p.own, regex };
                    pattern.check().map(|()| pattern)
                })
                .collect()
        };
        let families = FILES
            .iter()
            .map(|(family, text)| {
                let raw: RawFamily = toml::from_str(text).map_err(|e| e.to_string())?;
                let patterns = patterns(family.name(), raw.pattern)?;
                Ok(FamilyPatterns { family: *family, patterns, codes: raw.codes })
            })
            .collect::<Result<_, String>>()?;
        Ok(Self {
            strip: raw.strip.iter().map(regex).collect::<Result<_, _>>()?,
            retrying: raw.retrying.iter().map(regex).collect::<Result<_, _>>()?,
            windows: regex(&raw.windows)?,
            session: regex(&raw.session)?,
            resets: raw
                .reset
                .iter()
                .map(|r| Ok((r.form, regex(&r.r#match)?)))
                .collect::<Result<_, String>>()?,
            patterns: patterns("common", raw.pattern)?,
            codes: raw.codes,
            hints: raw.hints,
            statuses: raw.statuses,
            families,
        })
    }

    /// The built-in wordings in the order in which they count for an agent: its own, the common ones, all others.
    ///
    /// Others count because agents pass on the words of whatever service they are pointed at.
    pub(super) fn patterns_for(&self, family: Family) -> impl Iterator<Item = &Pattern> {
        let own = self.families.iter().filter(move |f| f.family == family);
        let others = self.families.iter().filter(move |f| f.family != family);
        own.flat_map(move |f| f.patterns.iter().filter(move |p| p.counts_for(Some(f.family), family)))
            .chain(&self.patterns)
            .chain(
                others.flat_map(move |f| {
                    f.patterns.iter().filter(move |p| p.counts_for(Some(f.family), family))
                }),
            )
    }

    /// What a code of an error record says for certain.
    pub(super) fn code(&self, family: Family, code: &str) -> Option<LimitKind> {
        let own = self.families.iter().find(|f| f.family == family).and_then(|f| f.codes.get(code));
        own.or_else(|| self.codes.get(code)).map(|meaning| meaning.kind())
    }

    /// What a code says where words do not.
    pub(super) fn hint(&self, code: &str) -> Option<LimitKind> {
        self.hints.get(code).map(|meaning| meaning.kind())
    }

    /// What an HTTP status says where nothing else does.
    pub(super) fn status(&self, status: u16) -> Option<LimitKind> {
        self.statuses.get(&status.to_string()).map(|meaning| meaning.kind())
    }

    /// The text without what may stand before the message.
    pub(super) fn stripped<'t>(&self, text: &'t str) -> &'t str {
        let mut text = text;
        // each round takes something off; a text that needs more is none of an agent's
        for _ in 0..8 {
            let before = text.len();
            for regex in &self.strip {
                if let Some(found) = regex.find(text) {
                    text = &text[found.end()..];
                }
            }
            if text.len() == before {
                break;
            }
        }
        text
    }
}

fn expand(text: &str, macros: &BTreeMap<String, String>) -> Result<Regex, String> {
    let text = macros
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value));
    Regex::new(&text).map_err(|error| error.to_string())
}

/// The built-in wordings; empty only if a test of this module fails.
pub(super) static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    Library::parse().unwrap_or_else(|error| unreachable!("the built-in patterns do not parse: {error}"))
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_built_in_patterns_parse() {
        let library = Library::parse().unwrap_or_else(|error| panic!("{error}"));
        assert!(FILES.len() == library.families.len() && library.patterns.len() > 5);
        for family in &library.families {
            assert!(!family.patterns.is_empty(), "{}", family.family.name());
        }
    }

    #[test]
    fn the_agents_own_wordings_count_before_the_common_and_the_others() {
        let names: Vec<&str> =
            LIBRARY.patterns_for(Family::Gemini).map(|p| p.name.split('.').next().unwrap()).collect();
        let first = |name: &str| names.iter().position(|n| *n == name).unwrap();
        assert!(first("gemini") < first("common") && first("common") < first("claude"), "{names:?}");
        assert!(LIBRARY.patterns_for(Family::Qwen).any(|p| p.name == "qwen.own-plan"));
        assert!(LIBRARY.patterns_for(Family::Opencode).all(|p| p.name != "qwen.own-plan"));
    }

    #[test]
    fn a_pattern_of_a_user_must_be_a_regex_with_the_groups_it_needs() {
        let new =
            |regex: &str, reset| Pattern::of_user("x", regex, LimitKind::RateLimited, reset).map(|_| ());
        assert_eq!(new("^busy", Reset::Usual), Ok(()));
        assert_eq!(new(r"^back in (?P<dur>\d+s)", Reset::Own(Form::Duration)), Ok(()));
        assert!(new("^busy(", Reset::Usual).is_err());
        assert!(new("^back", Reset::Own(Form::Clock)).unwrap_err().contains("\"hour\""));
    }
}
