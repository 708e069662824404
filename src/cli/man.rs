//! `seqorch man`: manual pages, made from the command line's definition and from the documentation.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;

use super::global::raw_stdout;
use super::help::{HelpTopic, TOPICS};
use crate::error::{Error, ErrorKind, Result};
use crate::report::doc_page::{code_section, marked_code, text_section};

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The folder to write the pages to, in man1, man5 and man7: one per verb, seqorch.toml(5), and one per topic of the
    /// documentation. Without it the main page goes to standard output.
    dir: Option<PathBuf>,
}

pub(super) fn man(command: &Command, args: &ManArgs) -> Result<u8> {
    let mut command = for_people(command);
    command.build();
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        let _ = write_page(&mut page, &command);
        let _ = raw_stdout().write_all(&page);
        return Ok(0);
    };
    if dir.exists() && !dir.is_dir() {
        return Err(Error::new(ErrorKind::Usage, format!("{} is a file", dir.display()))
            .hint("Name a folder; it is made where it is missing."));
    }
    write_verb(dir, &command)
        .and_then(|()| {
            TOPICS
                .iter()
                .map(HelpTopic::manual_page)
                .try_for_each(|(file, page)| write(dir, &file, page.as_bytes()))
        })
        .map_err(|e| Error::io("writing man pages to", dir, e))?;
    Ok(0)
}

/// Writes the pages of a verb and of those below it.
fn write_verb(dir: &Path, command: &Command) -> io::Result<()> {
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        write_verb(dir, verb)?;
    }
    let mut page = Vec::new();
    write_page(&mut page, command)?;
    write(dir, &Man::new(command.clone()).get_filename(), &page)
}

/// Writes a page to the folder of its section, where `man` looks for it.
fn write(dir: &Path, file: &str, page: &[u8]) -> io::Result<()> {
    let section = file.rsplit('.').next().unwrap_or_default();
    let dir = dir.join(format!("man{section}"));
    fs::create_dir_all(&dir)?;
    fs::write(dir.join(file), page)
}

/// The page of a verb: what its help has, with the examples.
fn write_page(out: &mut dyn Write, command: &Command) -> io::Result<()> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.get_subcommands().any(|verb| !verb.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    let page = String::from_utf8_lossy(&page);
    for line in page.lines() {
        writeln!(out, "{}", marked_code(line))?;
    }
    if let Some(examples) = command.get_before_help() {
        let examples = examples.to_string();
        let lines = examples.lines().filter_map(|line| line.strip_prefix("  "));
        out.write_all(code_section("EXAMPLES", lines).as_bytes())?;
    }
    if let Some(notes) = command.get_after_help() {
        out.write_all(text_section("NOTES", &notes.to_string()).as_bytes())?;
    }
    if command.get_version().is_some() {
        man.render_version_section(out)?;
    }
    Ok(())
}

/// The command line without the hidden verbs.
fn for_people(command: &Command) -> Command {
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    let text = |text: Option<&clap::builder::StyledStr>| text.cloned().unwrap_or_default();
    Command::new("seqorch")
        .version(env!("CARGO_PKG_VERSION"))
        .about(text(command.get_about()))
        .before_help(text(command.get_before_help()))
        .after_help(text(command.get_after_help()))
        .disable_help_subcommand(true)
        .args(command.get_arguments().cloned())
        .subcommands(verbs)
}

#[cfg(test)]
mod tests {
    use super::super::command_line;
    use super::*;

    #[test]
    fn every_page_lies_where_man_looks_and_has_the_parts_of_its_help() {
        let dir = tempfile::tempdir().unwrap();
        man(&command_line::command(), &ManArgs { dir: Some(dir.path().to_owned()) }).unwrap();
        let read = |page: &str| fs::read_to_string(dir.path().join(page)).unwrap();
        let page = read("man1/seqorch-note.1");
        for part in [
            ".SH EXAMPLES\n",
            "seqorch note 4\\-6 \\-\\-file hints.md \\-\\-spec login",
            ".SH NOTES\n",
            "\\fBseqorch status\\fR says",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(read("man1/seqorch.1").contains("seqorch plan login \\-\\-dry\\-run"));
        assert!(read("man5/seqorch.toml.5").contains("\\fBmargin\\fR"));
        read("man7/seqorch-limits.7");
        let pages = ["man1", "man5", "man7"].map(|section| fs::read_dir(dir.path().join(section)).unwrap());
        for page in pages.into_iter().flatten() {
            let path = page.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let mut code = false;
            for line in text.lines() {
                code = match line {
                    ".nf" => true,
                    ".fi" => false,
                    _ => code,
                };
                assert!(code || !line.contains('`'), "{}: {line}", path.display());
            }
            assert!(!text.contains(".SH EXTRA"), "{}", path.display());
        }
    }
}
