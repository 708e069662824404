//! Reads the configuration files: the user's, the project's, and what they extend.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::check;
use super::git_address::GitAddress;
use super::loaded::{ExtendedFile, GitPreset};
use super::path::KeyPath;
use super::preset_lock::{LOCK_FILE, PresetLock};
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
    /// The folder of the user's own file.
    pub(crate) user_folder: Option<PathBuf>,
    /// What `~` stands for.
    home: Option<PathBuf>,
    /// Where presets from repositories of git are.
    cache: Option<PathBuf>,
    /// The lock files that were read, by their paths.
    locks: Vec<(PathBuf, PresetLock)>,
    pub(crate) sources: Vec<ConfigSource>,
    /// The profiles of all files, by name.
    pub(crate) profiles: Vec<(String, ConfigSource)>,
    pub(crate) paths: Vec<PathBuf>,
    /// What files of the project build on.
    pub(crate) extends: Vec<ExtendedFile>,
    /// The presets from repositories of git that were named so far.
    pub(crate) git_presets: Vec<GitPreset>,
    pub(crate) problems: Vec<Problem>,
    /// A file could not be read at all, so what refers to its content would only seem wrong.
    pub(crate) broken: bool,
}

impl<'a> Files<'a> {
    pub(crate) fn new(root: &'a Path, env: &[(String, String)]) -> Self {
        let home = absolute(env, "HOME");
        let cache = absolute(env, "XDG_CACHE_HOME").or_else(|| Some(home.as_ref()?.join(".cache")));
        Self {
            root,
            user_folder: user_folder(env),
            home,
            cache: cache.map(|folder| folder.join("seqorch/presets")),
            locks: Vec::new(),
            sources: Vec::new(),
            profiles: Vec::new(),
            paths: Vec::new(),
            extends: Vec::new(),
            git_presets: Vec::new(),
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
        let of_preset = self.git_presets.iter().find_map(|preset| {
            let inside = file.strip_prefix(preset.folder()?).ok()?;
            Some(GitAddress { path: inside.display().to_string(), ..preset.address.clone() }.to_string())
        });
        of_preset.unwrap_or_else(|| file.strip_prefix(self.root).unwrap_or(file).display().to_string())
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
        if self.is_of_preset(file) {
            templates_beside(&mut tree, file.parent().unwrap_or(self.root));
        }
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
            let at = place(&self.label(file), name.line);
            let text = name.text().unwrap_or_default();
            let found = match GitAddress::parse(text) {
                Some(Ok(address)) => self.of_repository(&address, layer),
                Some(Err(why)) => Err(why),
                None => self.path_of(text, file).map(|path| (name.to_string(), path)),
            };
            let who = format!("{at}: extends");
            let (written, path) = match found {
                Ok(found) => found,
                Err(why) => {
                    self.fail(who, format!("{name} {why}"));
                    continue;
                }
            };
            if layer != Layer::User {
                self.extends.push(ExtendedFile { written, place: at, path: path.clone() });
            }
            self.read_in_chain(&path, layer, IfMissing::Blame(who), chain);
        }
    }

    /// The path that a text of `extends` means in this file. The error says why it means none, to follow the text.
    fn path_of(&self, text: &str, file: &Path) -> Result<PathBuf, String> {
        let folder = file.parent().unwrap_or(self.root);
        if text.contains("://") {
            return Err("is an address, and only files and repositories of git are read; name one as \
                        git+https://HOST/REPOSITORY@TAG#FILE, or download it and name the file"
                .to_owned());
        }
        if text.trim().is_empty() {
            return Err("names no file".to_owned());
        }
        match (text.strip_prefix('~'), &self.home) {
            (None, _) => Ok(folder.join(text)),
            (Some(rest), Some(home)) if rest.starts_with('/') => Ok(home.join(rest.trim_start_matches('/'))),
            (Some(rest), None) if rest.starts_with('/') => Err("needs HOME, which is not set".to_owned()),
            _ => Err("begins with ~ and a name, which is not replaced; write the whole path".to_owned()),
        }
    }

    /// How a preset of a repository is written, with its commit, and its file in the cache.
    fn of_repository(&mut self, address: &GitAddress, layer: Layer) -> Result<(String, PathBuf), String> {
        let lock_path = match &self.user_folder {
            Some(folder) if layer == Layer::User => folder.join(LOCK_FILE),
            _ => self.root.join(LOCK_FILE),
        };
        let commit = self.lock(&lock_path)?.commit(&address.to_string()).map(str::to_owned);
        let cache = self.cache.as_ref().ok_or("needs a cache: neither HOME nor XDG_CACHE_HOME is set")?;
        let repository = cache.join(address.cache_name());
        let preset = GitPreset { address: address.clone(), repository, lock: lock_path, commit };
        let found = preset.folder().zip(preset.commit.clone());
        if !self.git_presets.contains(&preset) {
            self.git_presets.push(preset);
        }
        let Some((folder, commit)) = found else {
            return Err(format!("has no commit in {LOCK_FILE} yet; fetch it with `seqorch config fetch`"));
        };
        if !folder.is_dir() {
            return Err("is not on this machine yet; fetch it with `seqorch config fetch`".to_owned());
        }
        let path = folder.join(&address.path);
        if !path.is_file() {
            return Err(format!(
                "has no file {} in commit {}",
                address.path,
                &commit[..12.min(commit.len())]
            ));
        }
        Ok((format!("{address} at commit {commit}"), path))
    }

    /// The lock file, which is read once. No such file: nothing is pinned.
    fn lock(&mut self, path: &Path) -> Result<&PresetLock, String> {
        if let Some(known) = self.locks.iter().position(|(known, _)| known == path) {
            return Ok(&self.locks[known].1);
        }
        let lock = match read(path) {
            Ok(text) => PresetLock::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(PresetLock::default()),
            Err(error) => Err(error.to_string()),
        };
        let lock = lock.map_err(|why| {
            let name = self.label(path);
            format!(
                "is pinned by {name}, which cannot be read: {why}; restore that file with git, or remove it and run \
                 `seqorch config fetch`"
            )
        })?;
        self.locks.push((path.to_owned(), lock));
        Ok(&self.locks[self.locks.len() - 1].1)
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

    /// Whether a file came with a preset from a repository.
    fn is_of_preset(&self, file: &Path) -> bool {
        self.git_presets.iter().filter_map(GitPreset::folder).any(|folder| file.starts_with(folder))
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

/// Makes the templates absolute that lie beside a preset. Those that do not are files of the project.
fn templates_beside(tree: &mut TomlNode, folder: &Path) {
    for key in ["prompt.template", "review.template"] {
        let Some(node) = tree.get_mut(&KeyPath::parse(key)) else { continue };
        let Some(name) = node.text().map(PathBuf::from) else { continue };
        let stays_inside = name.components().all(|part| matches!(part, Component::Normal(_)));
        let file = folder.join(name);
        if stays_inside && file.is_file() {
            node.value = TomlValue::Text(file.to_string_lossy().into_owned());
        }
    }
    if let Some(TomlValue::Table(profiles)) =
        tree.get_mut(&KeyPath::parse(PROFILE.name)).map(|profiles| &mut profiles.value)
    {
        for profile in profiles.values_mut() {
            templates_beside(profile, folder);
        }
    }
}

/// The user's own configuration file, whether it is there or not.
#[must_use]
pub fn user_file(env: &[(String, String)]) -> Option<PathBuf> {
    user_folder(env).map(|folder| folder.join("config.toml"))
}

/// The folder of the user's own file.
fn user_folder(env: &[(String, String)]) -> Option<PathBuf> {
    let base = absolute(env, "XDG_CONFIG_HOME").or_else(|| Some(absolute(env, "HOME")?.join(".config")))?;
    Some(base.join("seqorch"))
}

/// The absolute path that a variable holds.
fn absolute(env: &[(String, String)], wanted: &str) -> Option<PathBuf> {
    let value = env.iter().find(|(name, _)| name == wanted).map(|(_, value)| PathBuf::from(value));
    value.filter(|path| path.is_absolute())
}
