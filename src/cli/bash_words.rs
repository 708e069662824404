//! Completion in bash, which hands over words as they are typed and takes words as they are to be typed: with quotes.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap_complete::engine::complete;
use clap_complete::env::{Bash, EnvCompleter};

/// clap's completer for bash, with quotes around what a shell would split.
pub(super) struct BashWords;

impl EnvCompleter for BashWords {
    fn name(&self) -> &'static str {
        Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        Bash.is(name)
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        Bash.write_registration(var, name, bin, completer, out)
    }

    fn write_complete(
        &self,
        command: &mut clap::Command,
        words: Vec<OsString>,
        folder: Option<&Path>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let variable = |name| std::env::var(name).ok();
        let index = variable("_CLAP_COMPLETE_INDEX").and_then(|at| at.parse().ok()).unwrap_or_default();
        let between = variable("_CLAP_IFS").unwrap_or_else(|| "\n".to_owned());
        let words = words.into_iter().map(|word| unquoted(&word)).collect();
        let found = complete(command, words, index, folder)?;
        let shown = found.iter().map(|one| escaped(&one.get_value().to_string_lossy()));
        write!(out, "{}", shown.collect::<Vec<_>>().join(&between))
    }
}

/// The word that bash makes of a text. A quote without its end is one that is still typed.
fn unquoted(word: &OsString) -> OsString {
    let Some(text) = word.to_str().filter(|text| text.contains(['\\', '\'', '"'])) else {
        return word.clone();
    };
    let closed = ["", "'", "\""].iter().find_map(|end| shlex::split(&format!("{text}{end}")));
    closed.and_then(|mut words| words.pop()).map_or_else(|| word.clone(), OsString::from)
}

/// The text as it is typed.
fn escaped(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,:=@%+~".contains(c) || !c.is_ascii();
    text.chars().flat_map(|c| (!plain(c)).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_their_quotes_and_get_them_again() {
        for (typed, meant) in
            [("login", "login"), (r"my\ sp", "my sp"), ("'my sp", "my sp"), ("\"my sp\"", "my sp"), ("", "")]
        {
            assert_eq!(unquoted(&OsString::from(typed)), OsString::from(meant), "{typed}");
        }
        assert_eq!(escaped("my spec's"), r"my\ spec\'s");
        assert_eq!(escaped(".kiro/specs/a-b_1"), ".kiro/specs/a-b_1");
    }
}
