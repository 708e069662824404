//! The wordings of limits, which are data: one file per agent in `patterns/*.toml`, and a user's `limit_patterns`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::kind::LimitKind;
use super::times::ResetForm;

const COMMON: &str = include_str!("patterns/common.toml");
const ERRORS: &str = include_str!("patterns/errors.toml");

/// The first rules of `strip`, which are about the marks of any error.
const MARKS: usize = 3;

/// The files in the order in which they count for other agents: narrow wordings first.
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

/// What a pattern says about the text that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PatternMeaning {
    /// The line is filler; the message is above it.
    Skip,
    /// The text is a limit of this kind.
    #[serde(untagged)]
    Kind(LimitKind),
}

impl PatternMeaning {
    pub(super) fn kind(self) -> LimitKind {
        match self {
            Self::Skip => LimitKind::None,
            Self::Kind(kind) => kind,
        }
    }
}

/// How the end of a limit is read from a text that a pattern matches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetRule {
    /// In the usual forms, anywhere in the text.
    #[default]
    Usual,
    /// Never, because the text's times are not credible.
    None,
    /// From the pattern's own groups.
    #[serde(untagged)]
    Own(ResetForm),
}

/// Which part of a text a pattern must match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MatchScope {
    /// The first line.
    #[default]
    Line,
    /// The whole text.
    Text,
}

/// One wording.
#[derive(Debug, Clone)]
pub struct WordingPattern {
    /// For [`super::LimitVerdict::source`]: `claude.limit`, `limit_patterns[0]`.
    pub(super) name: String,
    pub(super) meaning: PatternMeaning,
    pub(super) reset: ResetRule,
    on: MatchScope,
    /// Whether the wording counts only for its own family.
    own: bool,
    regex: Regex,
}

impl WordingPattern {
    /// A user's pattern: a matching text that may end an attempt is a limit of this kind.
    ///
    /// # Errors
    /// The regex is invalid, or lacks a group that `reset` needs.
    pub fn of_user(name: &str, regex: &str, kind: LimitKind, reset: ResetRule) -> Result<Self, String> {
        let meaning = PatternMeaning::Kind(kind);
        let regex = Regex::new(regex).map_err(|error| error.to_string())?;
        let pattern = Self { name: name.to_owned(), meaning, reset, on: MatchScope::Text, own: false, regex };
        pattern.check().map(|()| pattern)
    }

    fn check(&self) -> Result<(), String> {
        if let ResetRule::Own(form) = self.reset
            && !self.regex.capture_names().flatten().any(|name| name == form.needs())
        {
            return Err(format!("reset needs a group named {0}, like (?P<{0}>…)", form.needs()));
        }
        Ok(())
    }

    /// Whether the pattern counts for an agent of `family`.
    fn counts_for(&self, home: Option<Family>, family: Family) -> bool {
        !self.own || home == Some(family)
    }

    pub(super) fn find<'t>(&self, line: &'t str, text: &'t str) -> Option<Captures<'t>> {
        self.regex.captures(if self.on == MatchScope::Text { text } else { line })
    }

    /// Whether the wording is in a line.
    #[must_use]
    pub fn is_in(&self, line: &str) -> bool {
        self.regex.is_match(line)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPattern {
    name: String,
    kind: PatternMeaning,
    r#match: String,
    #[serde(default)]
    reset: ResetRule,
    #[serde(default)]
    on: MatchScope,
    #[serde(default)]
    own: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReset {
    form: ResetForm,
    r#match: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCommon {
    strip: Vec<String>,
    named_status: Vec<String>,
    quoted_class: String,
    retrying: Vec<String>,
    windows: String,
    session: String,
    service: String,
    macros: BTreeMap<String, String>,
    reset: Vec<RawReset>,
    pattern: Vec<RawPattern>,
    codes: BTreeMap<String, LimitKind>,
    hints: BTreeMap<String, LimitKind>,
    statuses: BTreeMap<String, LimitKind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFamily {
    #[serde(default)]
    pattern: Vec<RawPattern>,
    #[serde(default)]
    codes: BTreeMap<String, LimitKind>,
    #[serde(default)]
    exits: BTreeMap<String, LimitKind>,
}

struct FamilyPatterns {
    family: Family,
    patterns: Vec<WordingPattern>,
    codes: BTreeMap<String, LimitKind>,
    exits: BTreeMap<String, LimitKind>,
}

/// The built-in wordings.
pub(super) struct PatternLibrary {
    pub(super) strip: Vec<Regex>,
    /// How an error names its HTTP status.
    pub(super) named_status: Vec<Regex>,
    /// The name of a library's error, at the beginning of a text.
    pub(super) class: Regex,
    /// A class that an error names in its words.
    pub(super) quoted_class: Regex,
    /// A failed request, as Go names it.
    pub(super) request: Regex,
    pub(super) retrying: Vec<Regex>,
    /// Words next to "limit" that do not name a model.
    pub(super) windows: Regex,
    /// The window of five hours.
    pub(super) session: Regex,
    /// What a text about a service says.
    pub(super) service: Regex,
    pub(super) resets: Vec<(ResetForm, Regex)>,
    patterns: Vec<WordingPattern>,
    /// What counts anywhere in an error.
    errors: Vec<WordingPattern>,
    codes: BTreeMap<String, LimitKind>,
    hints: BTreeMap<String, LimitKind>,
    statuses: BTreeMap<String, LimitKind>,
    families: Vec<FamilyPatterns>,
}

impl PatternLibrary {
    fn parse() -> Result<Self, String> {
        let raw: RawCommon = toml::from_str(COMMON).map_err(|e| e.to_string())?;
        let regex = |text: &String| expand(text, &raw.macros);
        let patterns = |name: &str, raws: Vec<RawPattern>| -> Result<Vec<WordingPattern>, String> {
            raws.into_iter()
                .map(|p| {
                    let name = format!("{name}.{}", p.name);
                    let regex = regex(&p.r#match)?;
                    let pattern =
                        WordingPattern { name, meaning: p.kind, reset: p.reset, on: p.on, own: p.own, regex };
                    pattern.check().map(|()| pattern)
                })
                .collect()
        };
        let families = FILES
            .iter()
            .map(|(family, text)| {
                let raw: RawFamily = toml::from_str(text).map_err(|e| e.to_string())?;
                let patterns = patterns(family.name(), raw.pattern)?;
                Ok(FamilyPatterns { family: *family, patterns, codes: raw.codes, exits: raw.exits })
            })
            .collect::<Result<_, String>>()?;
        let errors: RawFamily = toml::from_str(ERRORS).map_err(|e| e.to_string())?;
        Ok(Self {
            strip: raw.strip.iter().map(regex).collect::<Result<_, _>>()?,
            named_status: raw.named_status.iter().map(regex).collect::<Result<_, _>>()?,
            class: regex(&r"^{library}(?: \(\d+\))?(?::\s+|:?(?:$|\n)| - )".to_owned())?,
            quoted_class: regex(&raw.quoted_class)?,
            request: regex(&"^{request}".to_owned())?,
            retrying: raw.retrying.iter().map(regex).collect::<Result<_, _>>()?,
            windows: regex(&raw.windows)?,
            session: regex(&raw.session)?,
            service: regex(&raw.service)?,
            resets: raw
                .reset
                .iter()
                .map(|r| Ok((r.form, regex(&r.r#match)?)))
                .collect::<Result<_, String>>()?,
            patterns: patterns("common", raw.pattern)?,
            errors: patterns("errors", errors.pattern)?,
            codes: raw.codes,
            hints: raw.hints,
            statuses: raw.statuses,
            families,
        })
    }

    /// The wordings in the order in which they count for an agent: its own, the common ones, all others.
    ///
    /// The others count because an agent passes on the words of whatever service it uses.
    pub(super) fn patterns_for(&self, family: Family) -> impl Iterator<Item = &WordingPattern> {
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

    /// The wordings that count anywhere in a text that is an error.
    pub(super) fn patterns_for_errors(&self) -> impl Iterator<Item = &WordingPattern> {
        self.errors.iter()
    }

    /// The kind that a code of an error record proves.
    pub(super) fn code(&self, family: Family, code: &str) -> Option<LimitKind> {
        let own = self.families.iter().find(|f| f.family == family).and_then(|f| f.codes.get(code));
        own.or_else(|| self.codes.get(code)).copied()
    }

    /// The kind that an agent's own exit code says.
    pub(super) fn exit(&self, family: Family, code: i32) -> Option<LimitKind> {
        self.families.iter().find(|f| f.family == family)?.exits.get(&code.to_string()).copied()
    }

    /// The kind that a code suggests if the words are unknown.
    pub(super) fn hint(&self, code: &str) -> Option<LimitKind> {
        self.hints.get(code).copied()
    }

    /// The kind that an HTTP status suggests if nothing else does.
    pub(super) fn status(&self, status: u16) -> Option<LimitKind> {
        self.statuses.get(&status.to_string()).copied()
    }

    /// The text without the marks and words by which programs begin an error.
    pub(super) fn without_marks<'t>(&self, text: &'t str) -> &'t str {
        let mut rest = text;
        while let Some(found) = self.strip[..MARKS].iter().find_map(|regex| regex.find(rest)) {
            rest = &rest[found.end()..];
        }
        rest
    }

    /// The text without prefixes of the message.
    pub(super) fn stripped<'t>(&self, text: &'t str) -> &'t str {
        let mut text = text;
        // each round removes something; no agent's text needs more rounds
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

/// The built-in wordings.
pub(super) static LIBRARY: LazyLock<PatternLibrary> = LazyLock::new(|| {
    PatternLibrary::parse()
        .unwrap_or_else(|error| unreachable!("the built-in patterns do not parse: {error}"))
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_built_in_patterns_parse() {
        let library = PatternLibrary::parse().unwrap_or_else(|error| panic!("{error}"));
        assert!(FILES.len() == library.families.len() && library.patterns.len() > 5);
        for family in &library.families {
            assert!(!family.patterns.is_empty(), "{}", family.family.name());
        }
    }

    #[test]
    fn an_agents_own_wordings_come_first_then_common_ones_then_others() {
        let names: Vec<&str> =
            LIBRARY.patterns_for(Family::Gemini).map(|p| p.name.split('.').next().unwrap()).collect();
        let first = |name: &str| names.iter().position(|n| *n == name).unwrap();
        assert!(first("gemini") < first("common") && first("common") < first("claude"), "{names:?}");
        assert!(LIBRARY.patterns_for(Family::Qwen).any(|p| p.name == "qwen.own-plan"));
        assert!(LIBRARY.patterns_for(Family::Opencode).all(|p| p.name != "qwen.own-plan"));
    }

    #[test]
    fn a_users_pattern_must_be_a_regex_with_the_groups_it_needs() {
        let new = |regex: &str, reset| {
            WordingPattern::of_user("x", regex, LimitKind::RateLimited, reset).map(|_| ())
        };
        assert_eq!(new("^busy", ResetRule::Usual), Ok(()));
        assert_eq!(new(r"^back in (?P<dur>\d+s)", ResetRule::Own(ResetForm::Duration)), Ok(()));
        assert!(new("^busy(", ResetRule::Usual).is_err());
        assert!(new("^back", ResetRule::Own(ResetForm::Clock)).unwrap_err().contains("a group named hour"));
    }
}
