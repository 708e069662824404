//! PURE. The built-in backends, as data.

/// Names of the built-in backends.
pub const NAMES: &[&str] = &["claude", "codex", "gemini", "opencode"];

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
        assert!(text("unknown").is_none());
    }
}
