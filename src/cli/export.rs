//! `seqorch export`: packs state, logs and report of a spec for a bug report.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::global::{Global, check_output_file, stdout};
use super::overview::{Unnamed, spec_for};
use super::project::{Project, warn_of_lost_tree};
use super::report::spec_report;
use crate::agent::redact::Redactor;
use crate::agent::redact_stream::StreamRedactor;
use crate::config::explain;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Selection;
use crate::project::SpecPlace;
use crate::report::page;
use crate::report::text::{plural, readable_bytes, sanitise_line, shell_word};
use crate::store::spec_folder::ignored_folder;
use crate::sys::archive::Archive;
use crate::sys::nofollow;
use crate::sys::paths;
use crate::sys::variables::text_variables;

/// Characters of a line in the report of an archive.
const COLUMNS: usize = 120;

#[derive(Debug, Args)]
#[command(
    after_help = "The archive has the task list, the state, the events, prompts, outputs and results of all attempts that \
are kept, the configuration with its sources, and the report. What looks like a secret, and the \
values of the secret variables that this shell has, are masked. A value that only the shell of a run had, the words of prompts \
and agents, and paths are not. Look through it before you send it."
)]
pub(super) struct ExportArgs {
    /// Spec: its name, its folder or its file [default: the only spec, or the one that runs or waits].
    spec: Option<PathBuf>,
    /// Write the archive to this file; - writes it to standard output [default: seqorch-SPEC.tar.gz in .seqorch].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn export(global: &Global, args: &ExportArgs) -> Result<u8> {
    let project = Project::open_to_look(global, args.spec.as_deref())?;
    let spec = spec_for(&project, args.spec.as_deref(), Unnamed::Shows)?;
    let place = project.place(&spec, Selection::default())?;
    warn_of_lost_tree(&place);
    let top = format!("seqorch-{}", file_name_of(&place.name));
    let to_stdout = args.output.as_ref().is_some_and(|path| path.as_os_str() == "-");
    let path = match &args.output {
        _ if to_stdout => std::env::temp_dir().join(&top),
        // the person named it, and may mean what a link leads to
        Some(path) => paths::real(&project.cwd.join(path)),
        // git ignores this folder: no agent's commit takes the archive in, and it makes no work tree dirty
        None => ignored_folder(&place.root)?.join(format!("{top}.tar.gz")),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    check_output_file(&path, "--output")?;
    let mut temp = tempfile::Builder::new()
        .prefix(".seqorch-export-")
        .tempfile_in(folder)
        .map_err(|e| Error::io("creating a file in", folder, e))?;
    let mut pack = Pack::new(temp.as_file(), &top);
    let Packed { files, missing } =
        pack.add_all(&project, &place).and_then(|()| pack.finish()).map_err(|e| writing(&path, e))?;
    for missing in &missing {
        let _ = writeln!(anstream::stderr(), "warning: not in the archive: {}", sanitise_line(missing));
    }
    if to_stdout {
        temp.rewind().and_then(|()| io::copy(&mut temp, &mut io::stdout())).map_err(|e| writing(&path, e))?;
        return Ok(0);
    }
    let bytes = temp.as_file().metadata().map_or(0, |data| data.len());
    temp.persist(&path).map_err(|e| writing(&path, e.error))?;
    let (shown, files) = (path.display(), plural(files, "file"));
    let mut out = stdout();
    let _ = writeln!(out, "wrote {shown} ({files}, {})", readable_bytes(bytes));
    let _ = writeln!(
        out,
        "The secrets that this shell knows are masked. Look through it before you send it: tar xzf {}",
        shell_word(&path.to_string_lossy())
    );
    Ok(0)
}

/// The archive in the making.
struct Pack<'a> {
    archive: Archive<&'a File>,
    /// The folder of all its files.
    top: PathBuf,
    redactor: Redactor,
    packed: Packed,
}

/// What an archive has.
#[derive(Default)]
struct Packed {
    files: usize,
    /// What could not be packed, and why.
    missing: Vec<String>,
}

impl<'a> Pack<'a> {
    fn new(out: &'a File, top: &str) -> Self {
        let redactor = Redactor::new(text_variables());
        let now = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
        Self { archive: Archive::new(out, now), top: top.into(), redactor, packed: Packed::default() }
    }

    /// Adds everything. What cannot be read is named, since a report of what is broken may be all that a person can send.
    fn add_all(&mut self, project: &Project, place: &SpecPlace) -> io::Result<()> {
        let store = place.store();
        self.text("about.txt", Ok(about(&place.name)))?;
        self.text("configuration.txt", explain::show(&project.loaded, None))?;
        if store.state_path().exists() {
            self.text("SEQUENTIAL_STATE.json", store.own_state_text())?;
        }
        match spec_report(project, (place, None), true, true) {
            Ok(None) => {}
            Ok(Some(report)) => {
                self.text("report.md", Ok(page::markdown(&report, COLUMNS)))?;
                let html = page::html(&report);
                self.text("report.html", html.map_err(|e| Error::new(ErrorKind::Internal, e.to_string())))?;
            }
            Err(e) => self.text("report.md", Err(e))?,
        }
        let tasks = place.tasks_path();
        let name = Path::new("tasks").join(tasks.file_name().unwrap_or_default());
        self.file(&name, nofollow::open_regular(&tasks))?;
        for file in store.run_files() {
            self.file(&file.name, nofollow::open(&file.path))?;
        }
        Ok(())
    }

    fn finish(self) -> io::Result<Packed> {
        self.archive.finish()?;
        Ok(self.packed)
    }

    fn text(&mut self, name: &str, text: Result<String>) -> io::Result<()> {
        match text {
            Ok(text) => {
                self.packed.files += 1;
                self.archive.text(&self.top.join(name), &self.redactor.redact(&text))
            }
            Err(e) => {
                self.packed.missing.push(format!("{name}: {e}"));
                Ok(())
            }
        }
    }

    fn file(&mut self, name: &Path, file: io::Result<File>) -> io::Result<()> {
        match file {
            Ok(file) => {
                self.packed.files += 1;
                let mut redactor = StreamRedactor::new(self.redactor.clone());
                self.archive.changed_file(&self.top.join(name), file, |piece| {
                    let mut out = String::new();
                    match piece {
                        Some(piece) => redactor.feed(&String::from_utf8_lossy(piece), &mut out),
                        None => redactor.finish(&mut out),
                    }
                    out
                })
            }
            Err(e) => {
                self.packed.missing.push(format!("{}: {e}", name.display()));
                Ok(())
            }
        }
    }
}

/// What wrote the archive, and where.
fn about(spec: &str) -> String {
    let system = rustix::system::uname();
    let (kernel, release) = (system.sysname().to_string_lossy(), system.release().to_string_lossy());
    format!(
        "seqorch {}\nspec {spec}\nsystem {kernel} {release} {}\ntime {}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        Timestamp::now()
    )
}

fn writing(path: &Path, error: io::Error) -> Error {
    Error::io("writing", path, error)
}

/// A name that is one part of a path.
fn file_name_of(spec: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    spec.chars().map(plain).collect()
}
