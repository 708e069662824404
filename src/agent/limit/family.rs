//! Which vendor's wordings count for an agent.

/// Whose wordings are tried first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Claude Code.
    Claude,
    /// Codex CLI.
    Codex,
    /// Gemini CLI and Antigravity.
    Gemini,
    /// `OpenCode`.
    Opencode,
    /// GitHub Copilot CLI.
    Copilot,
    /// Qwen Code.
    Qwen,
    /// Cursor's agent.
    Cursor,
    /// Amp.
    Amp,
    /// Any other agent: all wordings count alike.
    Any,
}

impl Family {
    /// All families with their own wordings.
    pub const KNOWN: [Self; 8] = [
        Self::Claude,
        Self::Codex,
        Self::Gemini,
        Self::Opencode,
        Self::Copilot,
        Self::Qwen,
        Self::Cursor,
        Self::Amp,
    ];

    /// The family's name in presets and programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Opencode => "opencode",
            Self::Copilot => "copilot",
            Self::Qwen => "qwen",
            Self::Cursor => "cursor",
            Self::Amp => "amp",
            Self::Any => "any",
        }
    }

    /// The family of the first name (a preset, a program, a backend's own name) that names a known one.
    #[must_use]
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().find_map(Self::named).unwrap_or(Self::Any)
    }

    fn named(name: &str) -> Option<Self> {
        let program = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        match program.as_str() {
            "agy" | "antigravity" => return Some(Self::Gemini),
            "cursor-agent" => return Some(Self::Cursor),
            _ => {}
        }
        Self::KNOWN.into_iter().find(|family| {
            program.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == family.name())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_known_by_preset_program_or_name() {
        for (names, family) in [
            (vec!["mine", "/opt/bin/claude"], Family::Claude),
            (vec!["codex-review"], Family::Codex),
            (vec!["agy"], Family::Gemini),
            (vec!["cursor-agent"], Family::Cursor),
            (vec!["example", "sh"], Family::Any),
            (vec![], Family::Any),
        ] {
            assert_eq!(Family::of(names.clone()), family, "{names:?}");
        }
    }
}
