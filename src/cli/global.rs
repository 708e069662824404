//! The options of every verb, and what follows from them for the output.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;

use anstream::AutoStream;
use clap::{Args, ValueEnum};

use crate::report::text::wrap_lines;
use crate::report::theme;

/// The options of every verb.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// Run as if started in this folder.
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(super) directory: Option<PathBuf>,
    /// Use this file instead of seqorch.toml.
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
    /// Use [profile.NAME] of the configuration.
    #[arg(long, value_name = "NAME", global = true)]
    pub(super) profile: Option<String>,
    /// When to use colours.
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub(super) color: ColorChoice,
    /// Print more: configuration files, commands, folders; -vv: internal steps, too.
    #[arg(short, action = clap::ArgAction::Count, global = true)]
    pub(super) verbose: u8,
}

impl Global {
    /// The same flags for another start of this program in the same folder.
    pub(super) fn argv(&self) -> Vec<OsString> {
        let mut argv: Vec<OsString> = Vec::new();
        if let Some(dir) = &self.directory {
            argv.extend(["-C".into(), dir.into()]);
        }
        if let Some(file) = &self.config {
            argv.extend(["--config".into(), file.into()]);
        }
        if let Some(name) = &self.profile {
            argv.extend(["--profile".into(), name.into()]);
        }
        let color = match self.color {
            ColorChoice::Auto => "auto",
            ColorChoice::Always => "always",
            ColorChoice::Never => "never",
        };
        argv.extend(["--color".into(), color.into()]);
        argv
    }
}

/// The values of `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// Whether output to `stream` is coloured: as `--color` says, or NO_COLOR, CLICOLOR_FORCE and CLICOLOR, or the terminal.
pub(super) fn colored(global: &Global, stream: &impl anstream::stream::RawStream) -> bool {
    match global.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => AutoStream::choice(stream) != anstream::ColorChoice::Never,
    }
}

/// Standard output, on which no word is broken by the edge of a terminal. A line is written at once.
pub(super) struct Fitting<W>(pub(super) W);

impl<W: std::io::Write> std::io::Write for Fitting<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write_all(bytes)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
    fn write_fmt(&mut self, words: std::fmt::Arguments<'_>) -> std::io::Result<()> {
        let text = words.to_string();
        let fitting = terminal_width().map(|columns| wrap_lines(&text, columns));
        self.0.write_all(fitting.as_deref().unwrap_or(&text).as_bytes())
    }
}

/// Standard output for the words of a verb.
pub(super) fn output() -> Fitting<AutoStream<std::io::Stdout>> {
    Fitting(anstream::stdout())
}

/// Prints a line of a verb on standard output. A reader that is gone is a normal end.
pub(super) fn print_line(line: &str) {
    let _ = writeln!(output(), "{line}");
}

/// Asks on the terminal. Anything but a yes is a no.
pub(super) fn said_yes(question: &str) -> std::io::Result<bool> {
    complain(&format!("{question} [y/N]"));
    eprint!(" ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Prints an error, a warning or a question on standard error, in colours; on a terminal no word is broken by its edge.
pub(super) fn complain(text: &str) {
    let columns = terminal_size::terminal_size_of(std::io::stderr()).map(|(width, _)| usize::from(width.0));
    let fitting = columns.map(|columns| wrap_lines(text, columns));
    let _ = write!(anstream::stderr(), "{}", theme::text(fitting.as_deref().unwrap_or(text)));
}

/// Columns of the terminal; `None` where standard output is not one.
pub(super) fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0))
}
