//! The options of every verb, and what follows from them for the output.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anstream::AutoStream;
use clap::{Args, ValueEnum};

use crate::error::{Error, ErrorKind, Result};
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

/// Why standard output could not be written.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Standard output that remembers its first error. A reader that is gone is a normal end.
#[derive(Debug)]
pub(super) struct Remembering<W>(W);

impl<W: Write> Write for Remembering<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        remember(self.0.write(bytes))
    }
    fn flush(&mut self) -> io::Result<()> {
        remember(self.0.flush())
    }
}

/// Remembers the error of a write to standard output.
pub(super) fn remember<T>(written: io::Result<T>) -> io::Result<T> {
    written.inspect_err(|e| {
        if !matches!(e.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::Interrupted) {
            // only the first one counts
            let _ = LOST.set(e.raw_os_error().map_or_else(|| e.kind().into(), io::Error::from_raw_os_error));
        }
    })
}

/// The error of a verb whose words did not reach standard output; `None`: they did, or their reader is gone.
pub(super) fn lost_output() -> Option<Error> {
    let _ = remember(io::stdout().flush());
    let why = LOST.get()?.to_string();
    let error = Error::new(ErrorKind::Internal, "writing to standard output").caused_by(why);
    Some(error.hint("Only what the command prints is lost."))
}

/// Standard output, with the colours that its reader can show.
pub(super) fn stdout() -> Remembering<AutoStream<io::Stdout>> {
    Remembering(anstream::stdout())
}

/// Standard output for bytes as they are.
pub(super) fn raw_stdout() -> Remembering<io::StdoutLock<'static>> {
    Remembering(io::stdout().lock())
}

/// Standard output, on which no word is broken by the edge of a terminal. A line is written at once.
pub(super) struct Fitting<W>(pub(super) W);

impl<W: Write> Write for Fitting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
    fn write_fmt(&mut self, words: std::fmt::Arguments<'_>) -> io::Result<()> {
        let text = words.to_string();
        let fitting = terminal_width().map(|columns| wrap_lines(&text, columns));
        self.0.write_all(fitting.as_deref().unwrap_or(&text).as_bytes())
    }
}

/// Standard output for the words of a verb.
pub(super) fn output() -> Fitting<Remembering<AutoStream<io::Stdout>>> {
    Fitting(stdout())
}

/// Prints a line of a verb on standard output. A reader that is gone is a normal end.
pub(super) fn print_line(line: &str) {
    let _ = writeln!(output(), "{line}");
}

/// Asks on the terminal. Anything but a yes is a no.
pub(super) fn said_yes(question: &str) -> io::Result<bool> {
    complain(&format!("{question} [y/N]"));
    eprint!(" ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Prints an error, a warning or a question on standard error, in colours; on a terminal no word is broken by its edge.
pub(super) fn complain(text: &str) {
    let columns = terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| usize::from(width.0));
    let fitting = columns.map(|columns| wrap_lines(text, columns));
    let _ = write!(anstream::stderr(), "{}", theme::text(fitting.as_deref().unwrap_or(text)));
}

/// Columns of the terminal; `None` where standard output is not one.
pub(super) fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
}

/// Refuses a file that cannot be written, because its folder is not there or it is a folder itself. `flag` names another one.
pub(super) fn check_output_file(path: &Path, flag: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let (text, hint) = if path.is_dir() {
        (format!("{} is a folder", path.display()), format!("Name a file in it with {flag}."))
    } else if !folder.is_dir() {
        let text = format!("there is no folder {}", folder.display());
        (text, format!("Make it, or name another file with {flag}."))
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Usage, text).hint(hint))
}
