//! PURE. The settings that a person has to trust, and how they changed, as text.

use std::fmt::Write as _;

use super::text::{cut, sanitise_text};
use crate::config::trust::{ReachingSetting, TrustedSetting};

/// Columns of a shown line.
const COLUMNS: usize = 240;

/// All settings, one below another; `mark` says what stands before each.
#[must_use]
pub fn list(settings: &[ReachingSetting], mark: impl Fn(&ReachingSetting) -> &'static str) -> String {
    let mut text = String::new();
    for setting in settings {
        write_value(&mut text, mark(setting), setting);
    }
    text
}

/// What is new, beside what it replaces: lines with `-` were trusted, lines with `+` are not yet.
#[must_use]
pub fn difference(new: &[&ReachingSetting], trusted: &[TrustedSetting]) -> String {
    let mut text = String::new();
    for setting in new {
        let old = trusted.iter().find(|old| old.key == setting.key);
        match old {
            // a value that is not shown is not shown in an older form either
            Some(old) if setting.shown == setting.value && !setting.value.contains('\n') => {
                line(&mut text, "-", &format!("{} = {}", old.key, old.value));
                write_value(&mut text, "+", setting);
            }
            Some(old) if setting.value.contains('\n') || old.value.contains('\n') => {
                line(&mut text, " ", &format!("{}  ({})", setting.key, setting.place));
                write_lines(&mut text, &old.value, &setting.value);
            }
            Some(_) => {
                line(&mut text, "-", &format!("{} = (another value)", setting.key));
                write_value(&mut text, "+", setting);
            }
            None => write_value(&mut text, "+", setting),
        }
    }
    text
}

fn write_value(text: &mut String, mark: &str, setting: &ReachingSetting) {
    let ReachingSetting { key, shown, place, .. } = setting;
    if shown.contains('\n') {
        line(text, mark, &format!("{key}  ({place})"));
        shown.lines().for_each(|one| line(text, mark, &format!("    {one}")));
    } else {
        line(text, mark, &format!("{key} = {shown}  ({place})"));
    }
}

/// The lines between the common beginning and the common end.
fn write_lines(text: &mut String, old: &str, new: &str) {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = (old.len() - head).min(new.len() - head);
    let tail = (1..=rest).take_while(|back| old[old.len() - back] == new[new.len() - back]).count();
    old[head..old.len() - tail].iter().for_each(|one| line(text, "-", &format!("    {one}")));
    new[head..new.len() - tail].iter().for_each(|one| line(text, "+", &format!("    {one}")));
}

fn line(text: &mut String, mark: &str, what: &str) {
    let clean = sanitise_text(what).replace('\n', " ");
    let _ = writeln!(text, "  {mark} {}", cut(&clean, COLUMNS));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(key: &str, value: &str) -> ReachingSetting {
        let place = "seqorch.toml:4".to_owned();
        ReachingSetting { key: key.into(), value: value.into(), shown: value.into(), place }
    }

    fn trusted(key: &str, value: &str) -> TrustedSetting {
        TrustedSetting { key: key.into(), value: value.into() }
    }

    #[test]
    fn a_change_is_shown_with_the_value_that_it_replaces() {
        let new = setting("hooks.halt", "[\"b\"]");
        let text = difference(&[&new], &[trusted("hooks.halt", "[\"a\"]"), trusted("x", "y")]);
        assert_eq!(text, "  - hooks.halt = [\"a\"]\n  + hooks.halt = [\"b\"]  (seqorch.toml:4)\n");
    }

    #[test]
    fn of_a_hook_the_lines_that_changed_are_shown() {
        let new = setting("git hook pre-commit", "#!/bin/sh\nnew\nexit 0\n");
        let text = difference(&[&new], &[trusted("git hook pre-commit", "#!/bin/sh\nold\nexit 0\n")]);
        assert_eq!(text, "    git hook pre-commit  (seqorch.toml:4)\n  -     old\n  +     new\n");
    }

    #[test]
    fn escape_sequences_in_a_setting_are_removed() {
        let text = list(&[setting("verify.commands", "a\u{1b}[2K\u{202e}b\u{9b}c")], |_| "+");
        assert_eq!(text, "  + verify.commands = ab  (seqorch.toml:4)\n");
    }

    #[test]
    fn a_secret_is_not_shown_in_its_older_form() {
        let hidden = ReachingSetting { shown: "\"***\"".into(), ..setting("backend.a.env.KEY", "\"new\"") };
        let text = difference(&[&hidden], &[trusted("backend.a.env.KEY", "\"older\"")]);
        assert!(!text.contains("older") && !text.contains("new\""), "{text}");
    }
}
