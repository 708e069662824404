//! PURE. The built-in backends, as data.

/// A built-in backend.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// Its settings.
    text: &'static str,
    /// The version of its CLI that was run with it. `None`: it was made from the CLI's help alone.
    pub tested: Option<&'static str>,
    /// What the CLI reports of its usage.
    pub usage: UsageReport,
}

/// What a CLI reports of its usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageReport {
    /// Tokens and money.
    Cost,
    /// Only tokens.
    Tokens,
    /// Nothing.
    Nothing,
}

macro_rules! presets {
    ($($name:literal $tested:expr, $usage:ident;)+) => {
        /// The built-in backends. The first ones are known best.
        const PRESETS: &[Preset] = &[$(Preset {
            name: $name,
            text: include_str!(concat!("presets/", $name, ".toml")),
            tested: $tested,
            usage: UsageReport::$usage,
        },)+];

        /// Names of the built-in backends.
        pub const NAMES: &[&str] = &[$($name,)+];
    };
}

presets! {
    "claude" Some("2.1.332"), Cost;
    "codex" Some("0.171.0"), Tokens;
    "gemini" Some("0.61.0"), Tokens;
    "opencode" Some("1.18.33"), Cost;
    "qwen" Some("0.24.4"), Tokens;
    "kilo" Some("7.7.9"), Cost;
    "copilot" Some("1.0.102"), Nothing;
    "pi" Some("1.6.0"), Cost;
    "cline" Some("3.0.65"), Nothing;
    "kimi" Some("2.1.0"), Nothing;
    "vibe" Some("3.0.2"), Nothing;
    "cn" Some("1.5.47"), Nothing;
    "aider" Some("0.86.2"), Nothing;
    "mini" Some("2.4.6"), Cost;
    "gptme" Some("0.35.1"), Tokens;
    "openhands" Some("1.16.0"), Nothing;
    "droid" None, Nothing;
    "amp" None, Nothing;
    "auggie" None, Nothing;
    "cursor-agent" None, Nothing;
    "kiro-cli" None, Nothing;
    "goose" None, Nothing;
    "crush" None, Nothing;
}

/// The built-in backend of that name.
#[must_use]
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// The settings of the built-in backend of that name.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    preset(name).map(|preset| preset.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_preset() {
        for name in NAMES {
            assert!(text(name).is_some_and(|text| text.contains("command = ")), "{name}");
        }
        assert!(text("unknown").is_none());
    }
}
