//! PURE. What is built in, as data: the defaults and the known agent CLIs.

/// Name and text of the file that holds the defaults.
pub(crate) const DEFAULTS: &str = include_str!("defaults.toml");

/// What every backend starts from.
pub(crate) const BASE: &str = include_str!("presets/base.toml");

/// Names of the built-in backends.
pub(crate) const NAMES: &[&str] = &["claude", "codex", "gemini", "opencode"];

/// The built-in backend of that name.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    Some(match name {
        "claude" => include_str!("presets/claude.toml"),
        "codex" => include_str!("presets/codex.toml"),
        "gemini" => include_str!("presets/gemini.toml"),
        "opencode" => include_str!("presets/opencode.toml"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_preset() {
        for name in NAMES {
            assert!(text(name).is_some(), "{name}");
        }
        assert!(text("nobody").is_none());
    }
}
