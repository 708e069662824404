//! PURE. Commands as a person would type them in a shell.

use super::sanitise::sanitise_line;

/// An argument as a person would type it.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,{}".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A command as a person would type it, free of escape sequences.
#[must_use]
pub fn command_line(argv: &[String]) -> String {
    argv.iter().map(|word| shell_word(&sanitise_line(word))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_only_where_a_shell_needs_it() {
        assert_eq!(shell_word("--model=gpt-5"), "--model=gpt-5");
        assert_eq!(shell_word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(shell_word(""), "''");
    }
}
