//! Reads the configuration files: the user's, the project's, and what they extend.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check;
use super::loaded::ExtendedFile;
use super::path::KeyPath;
use super::problem::Problem;
use super::sections::root::{EXTENDS, PROFILE, ROOT};
use super::source::{ConfigSource, Layer, place};
use super::tree::{TomlNode, TomlValue};

/// What to do about a file that does not exist.
pub(crate) enum IfMissing {
    /// Nothing.
    Ignore,
    /// It is a mistake of the one who named it: `seqorch.toml:1: extends`, `--config`.
    Blame(String),
}

/// Bytes that a configuration file may have.
const BYTES_MAX: u64 = 4_000_000;

/// The text of a file. A pipe or a device in its place is an error at once, and so is a file that is too large.
fn read(file: &Path) -> io::Result<String> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(file)?;
    if !opened.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    opened.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(io::Error::other(format!("it is larger than {} MB", BYTES_MAX / 1_000_000)));
    }
    Ok(text)
}

/// What was read so far, lowest first.
pub(crate) struct Files<'a> {
    root: &'a Path,
    pub(crate) sources: Vec<ConfigSource>,
    /// The profiles of all files, by name.
    pub(crate) profiles: Vec<(String, ConfigSource)>,
    pub(crate) paths: Vec<PathBuf>,
    /// What files of the project build on.
    pub(crate) extends: Vec<ExtendedFile>,
    pub(crate) problems: Vec<Problem>,
    /// A file could not be read at all, so what refers to its content would only seem wrong.
    pub(crate) broken: bool,
}

impl<'a> Files<'a> {
    pub(crate) fn new(root: &'a Path) -> Self {
        Self {
            root,
            sources: Vec::new(),
            profiles: Vec::new(),
            paths: Vec::new(),
            extends: Vec::new(),
            problems: Vec::new(),
            broken: false,
        }
    }

    /// The project root.
    pub(crate) fn root(&self) -> &Path {
        self.root
    }

    /// The file as a user would call it.
    pub(crate) fn label(&self, file: &Path) -> String {
        file.strip_prefix(self.root).unwrap_or(file).display().to_string()
    }

    /// Reads a file, after all that it extends.
    pub(crate) fn read(&mut self, file: &Path, layer: Layer, if_missing: IfMissing) {
        self.read_in_chain(file, layer, if_missing, &mut Vec::new());
    }

    /// Something that no setting can be read from.
    pub(crate) fn fail(&mut self, place: String, text: String) {
        self.broken = true;
        self.problems.push(Problem { place, key: KeyPath::default(), text });
    }

    /// `chain` holds the files that are being read: each extends the next one.
    fn read_in_chain(&mut self, file: &Path, layer: Layer, if_missing: IfMissing, chain: &mut Vec<PathBuf>) {
        let label = self.label(file);
        let text = match read(file) {
            Ok(text) => text,
            Err(error) => return self.unreadable(label, &error, if_missing),
        };
        let same = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        if let Some(start) = chain.iter().position(|known| *known == same) {
            let names: Vec<String> =
                chain[start..].iter().chain([&same]).map(|file| self.real_label(file)).collect();
            if let IfMissing::Blame(who) = if_missing {
                self.fail(who, format!("files extend each other in a circle: {}", names.join(" -> ")));
            }
            return;
        }
        let tree = match TomlNode::parse(&text) {
            Ok(tree) => tree,
            Err(error) => {
                // what the project leads to outside of it may be anything, and is not to be printed
                let shown = if layer == Layer::User || self.is_inside(&same) {
                    error.message
                } else {
                    error.message.lines().next().unwrap_or_default().to_owned()
                };
                return self.fail(format!("{label}:{}:{}", error.line, error.column), shown);
            }
        };
        let mut tree = check::check(&tree, ROOT, &|line| place(&label, line), &mut self.problems);
        chain.push(same);
        self.extended(&mut tree, file, layer, chain);
        chain.pop();
        let own = layer == Layer::User;
        self.profiles(&mut tree, file, own);
        self.paths.push(file.to_owned());
        let (file, tree) = (Some(file.to_owned()), Arc::new(tree));
        self.sources.push(ConfigSource { layer, own, label, file, tree });
    }

    fn unreadable(&mut self, label: String, error: &io::Error, if_missing: IfMissing) {
        match (error.kind(), if_missing) {
            (io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, IfMissing::Ignore) => {}
            (io::ErrorKind::NotFound, IfMissing::Blame(who)) => {
                self.fail(who, format!("{label} does not exist"));
            }
            (_, IfMissing::Blame(who)) => self.fail(who, format!("{label} cannot be read: {error}")),
            (_, IfMissing::Ignore) => self.fail(label, format!("cannot be read: {error}")),
        }
    }

    /// Takes `extends` out of the file, and reads what it names.
    fn extended(&mut self, tree: &mut TomlNode, file: &Path, layer: Layer, chain: &mut Vec<PathBuf>) {
        let layer = if layer == Layer::Repo { Layer::Extends } else { layer };
        let names = tree.take(EXTENDS.name);
        for name in names.as_ref().and_then(TomlNode::list).unwrap_or_default() {
            let other = file.parent().unwrap_or(self.root).join(name.text().unwrap_or_default());
            let at = place(&self.label(file), name.line);
            let who = format!("{at}: extends");
            if let Some(why) = name.text().and_then(no_path) {
                self.fail(who, format!("{name} {why}"));
                continue;
            }
            if layer != Layer::User {
                let (written, path) = (name.to_string(), other.clone());
                self.extends.push(ExtendedFile { written, place: at, path });
            }
            self.read_in_chain(&other, layer, IfMissing::Blame(who), chain);
        }
    }

    /// Takes the profiles out of the file.
    fn profiles(&mut self, tree: &mut TomlNode, file: &Path, own: bool) {
        let Some(TomlNode { value: TomlValue::Table(profiles), .. }) = tree.take(PROFILE.name) else {
            return;
        };
        for (name, tree) in profiles {
            let label = format!("{} [profile.{name}]", self.label(file));
            let file = Some(file.to_owned());
            let source = ConfigSource { layer: Layer::Profile, own, label, file, tree: Arc::new(tree) };
            self.profiles.push((name, source));
        }
    }

    /// Whether a canonical path is in the project.
    fn is_inside(&self, file: &Path) -> bool {
        file.starts_with(fs::canonicalize(self.root).unwrap_or_else(|_| self.root.to_owned()))
    }

    /// The label of a file whose path is canonical.
    fn real_label(&self, file: &Path) -> String {
        let root = fs::canonicalize(self.root).unwrap_or_else(|_| self.root.to_owned());
        file.strip_prefix(root).unwrap_or(file).display().to_string()
    }
}

/// Why a text that names a file to extend is none; `None`: it may be one.
fn no_path(text: &str) -> Option<&'static str> {
    if text.contains("://") {
        Some("is an address, and only files are read; download it and name the file")
    } else if text.starts_with('~') {
        Some("begins with ~, which is not replaced; write the whole path of your home folder")
    } else if text.trim().is_empty() {
        Some("names no file")
    } else {
        None
    }
}
