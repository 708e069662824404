//! Reads and merges the layers; the only file of this module that touches the disk.
//!
//! Lowest first: built-in defaults, built-in backends, the user's file, what `seqorch.toml` extends, `seqorch.toml`,
//! `seqorch.local.toml`, the chosen profile, the environment, flags. A file that extends others wins over them; what
//! the user's or the local file extends stays on that file's level. figment merges: tables key by key, lists (also
//! `[[override]]`) as a whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use figment::Figment;

use super::check::{self, Problem};
use super::presets;
use super::raw::Raw;
use super::resolve::resolve;
use super::schema;
use super::source::{Layer, Provenance, Source, place};
use super::tree::{Item, KeyPath, Value};
use super::types::Config;
use super::vars::{self, Flag};
use crate::error::{Error, ErrorKind};

/// What to load.
#[derive(Debug, Clone, Default)]
pub struct LoadRequest {
    /// The project root, absolute.
    pub root: PathBuf,
    /// Read instead of `seqorch.toml`; then it must exist.
    pub config_file: Option<PathBuf>,
    /// The chosen profile.
    pub profile: Option<String>,
    /// The environment; `XDG_CONFIG_HOME` and `HOME` in it lead to the user's file.
    pub env: Vec<(String, String)>,
    /// Settings from the command line.
    pub flags: Vec<Flag>,
}

/// The configuration of one call.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it means.
    pub config: Config,
    /// Who said what.
    pub provenance: Provenance,
    /// The files that were read, lowest first.
    pub files: Vec<PathBuf>,
}

/// Reads, merges and checks all layers. Every problem of every layer is in the error, one detail each.
pub fn load(ask: &LoadRequest) -> Result<Loaded, Error> {
    let mut reader = Reader::new(&ask.root);
    reader.built_in(presets::DEFAULTS, &KeyPath::default(), Layer::Default, "default");
    if let Some(file) = user_file(&ask.env) {
        reader.file(&file, Layer::User, Wanted::IfThere, &mut Vec::new());
    }
    match &ask.config_file {
        Some(file) => reader.file(file, Layer::Repo, Wanted::By("--config".to_owned()), &mut Vec::new()),
        None => reader.file(&ask.root.join("seqorch.toml"), Layer::Repo, Wanted::IfThere, &mut Vec::new()),
    }
    reader.file(&ask.root.join("seqorch.local.toml"), Layer::Local, Wanted::IfThere, &mut Vec::new());
    if let Some(name) = &ask.profile {
        reader.choose(name);
    }
    let backends = reader.backends();
    let more = vars::from_env(&ask.env, &backends, &mut reader.problems);
    reader.sources.extend(more);
    let more = vars::from_flags(&ask.flags, &mut reader.problems);
    reader.sources.extend(more);
    reader.presets();
    reader.finish()
}

/// The user's file, as the XDG rules say.
fn user_file(env: &[(String, String)]) -> Option<PathBuf> {
    let var = |wanted: &str| {
        let value = env.iter().find(|(name, _)| name == wanted).map(|(_, value)| PathBuf::from(value));
        value.filter(|path| path.is_absolute())
    };
    let folder = var("XDG_CONFIG_HOME").or_else(|| Some(var("HOME")?.join(".config")))?;
    Some(folder.join("seqorch/config.toml"))
}

enum Wanted {
    /// No error if it is not there.
    IfThere,
    /// Somebody asked for it: `seqorch.toml:1: extends`, `--config`.
    By(String),
}

struct Reader<'a> {
    root: &'a Path,
    sources: Vec<Source>,
    profiles: Vec<(String, Source)>,
    files: Vec<PathBuf>,
    problems: Vec<Problem>,
    /// A source could not be read at all: what refers to it would only seem wrong.
    broken: bool,
}

impl<'a> Reader<'a> {
    fn new(root: &'a Path) -> Self {
        Self {
            root,
            sources: Vec::new(),
            profiles: Vec::new(),
            files: Vec::new(),
            problems: Vec::new(),
            broken: false,
        }
    }

    fn fail(&mut self, place: String, key: &str, text: String) {
        self.broken = true;
        self.problems.push(Problem { place, key: KeyPath::parse(key), text });
    }

    /// The file as a user would call it.
    fn label(&self, file: &Path) -> String {
        file.strip_prefix(self.root).unwrap_or(file).display().to_string()
    }

    fn built_in(&mut self, text: &str, at: &KeyPath, layer: Layer, label: &str) {
        match Item::parse(text) {
            Ok(tree) => {
                let say = |line| place(label, line);
                let tree = check::check(&tree.at(at), schema::SETTINGS, &say, &mut self.problems);
                self.sources.push(Source { layer, label: label.to_owned(), file: None, tree });
            }
            Err(error) => self.fail(place(label, Some(error.line)), "", error.message),
        }
    }

    /// Reads a file after all that it extends. `chain` holds the files that are being read.
    fn file(&mut self, file: &Path, layer: Layer, wanted: Wanted, chain: &mut Vec<PathBuf>) {
        let label = self.label(file);
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                match (error.kind(), wanted) {
                    (io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, Wanted::IfThere) => {}
                    (io::ErrorKind::NotFound, Wanted::By(who)) => {
                        self.fail(who, "", format!("{label} does not exist"));
                    }
                    (_, Wanted::By(who)) => self.fail(who, "", format!("{label} cannot be read: {error}")),
                    (_, Wanted::IfThere) => self.fail(label, "", format!("cannot be read: {error}")),
                }
                return;
            }
        };
        let same = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        if let Some(start) = chain.iter().position(|known| *known == same) {
            let names: Vec<String> =
                chain[start..].iter().chain([&same]).map(|file| self.chain_name(file)).collect();
            let Wanted::By(who) = wanted else { return };
            self.fail(who, "", format!("files extend each other in a circle: {}", names.join(" -> ")));
            return;
        }
        let tree = match Item::parse(&text) {
            Ok(tree) => tree,
            Err(error) => {
                self.fail(format!("{label}:{}:{}", error.line, error.column), "", error.message);
                return;
            }
        };
        let mut tree = check::check(&tree, schema::ROOT, &|line| place(&label, line), &mut self.problems);
        let base = if layer == Layer::Repo { Layer::Extends } else { layer };
        chain.push(same);
        if let Some(Item { value: Value::List(items), .. }) = tree.take("extends") {
            for item in &items {
                let other = file.parent().unwrap_or(self.root).join(item.text().unwrap_or_default());
                let who = format!("{}: extends", place(&label, item.line));
                self.file(&other, base, Wanted::By(who), chain);
            }
        }
        chain.pop();
        if let Some(Item { value: Value::Table(profiles), .. }) = tree.take("profile") {
            for (name, tree) in profiles {
                let label = format!("{label} [profile.{name}]");
                let source = Source { layer: Layer::Profile, label, file: Some(file.to_owned()), tree };
                self.profiles.push((name, source));
            }
        }
        self.files.push(file.to_owned());
        self.sources.push(Source { layer, label, file: Some(file.to_owned()), tree });
    }

    fn chain_name(&self, file: &Path) -> String {
        let root = fs::canonicalize(self.root).unwrap_or_else(|_| self.root.to_owned());
        file.strip_prefix(root).unwrap_or(file).display().to_string()
    }

    /// Puts the settings of a profile over those of the files.
    fn choose(&mut self, wanted: &str) {
        let chosen: Vec<Source> = self
            .profiles
            .iter()
            .filter(|(name, _)| name == wanted)
            .map(|(_, source)| source.clone())
            .collect();
        if chosen.is_empty() && !self.broken {
            let mut known: Vec<&str> = self.profiles.iter().map(|(name, _)| name.as_str()).collect();
            known.sort_unstable();
            known.dedup();
            let near = schema::nearest(wanted, known.iter().copied());
            let near = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let text = format!("there is no profile {wanted:?}{near} (known: {known})");
            self.fail("--profile".to_owned(), "", text);
        }
        self.sources.extend(chosen);
    }

    /// All backends that are named so far, and the built-in ones.
    fn backends(&self) -> Vec<String> {
        let key = KeyPath::parse("backend");
        let said = self.sources.iter().filter_map(|source| source.tree.get(&key));
        let mut names: Vec<String> = said.flat_map(|item| item.names().cloned()).collect();
        names.extend(presets::NAMES.iter().map(|name| (*name).to_owned()));
        names.sort();
        names.dedup();
        names
    }

    /// Puts below everything a user said about a backend what it starts from.
    fn presets(&mut self) {
        let said = self.sources.split_off(1);
        for name in self.backends_of(&said) {
            let at = KeyPath::parse("backend").join(&name);
            let key = at.join("preset");
            let wanted = said.iter().rev().find_map(|source| source.tree.get(&key)?.text());
            self.built_in(presets::BASE, &at, Layer::Default, "default");
            let preset = wanted.unwrap_or(&name);
            if let Some(text) = presets::text(preset) {
                self.built_in(text, &at, Layer::Preset, &format!("preset {preset}"));
            }
        }
        self.sources.extend(said);
    }

    fn backends_of(&mut self, said: &[Source]) -> Vec<String> {
        let own = self.sources.len();
        self.sources.extend_from_slice(said);
        let names = self.backends();
        self.sources.truncate(own);
        names
    }

    fn finish(mut self) -> Result<Loaded, Error> {
        let provenance = Provenance { sources: std::mem::take(&mut self.sources) };
        let merged = if self.broken { None } else { Some(merge(&provenance)?) };
        let config = merged.map(|raw| {
            let (config, mistakes) = resolve(raw, self.root);
            for (key, text) in mistakes {
                self.report(&provenance, key, text);
            }
            if let Some(template) = config.prompt.template.as_ref().filter(|file| !file.is_file()) {
                let text = format!("there is no file {}", self.label(template));
                self.report(&provenance, KeyPath::parse("prompt.template"), text);
            }
            config
        });
        match config {
            Some(config) if self.problems.is_empty() => Ok(Loaded { config, provenance, files: self.files }),
            _ => Err(self.error()),
        }
    }

    /// Reports a mistake that shows in the merged settings, unless the key was reported already.
    fn report(&mut self, provenance: &Provenance, key: KeyPath, text: String) {
        if self.problems.iter().any(|problem| problem.key == key) {
            return;
        }
        let parent = KeyPath::from(key.parts()[..key.parts().len().saturating_sub(1)].to_vec());
        let origin = provenance.current(&key).or_else(|| provenance.current(&parent));
        let place = origin.map(|(origin, _)| origin.to_string()).unwrap_or_default();
        self.problems.push(Problem { place, key, text });
    }

    fn error(self) -> Error {
        let message = match self.problems.len() {
            1 => "the configuration has a problem".to_owned(),
            count => format!("the configuration has {count} problems"),
        };
        self.problems
            .iter()
            .fold(Error::new(ErrorKind::Config, message), |error, problem| error.detail(problem.render()))
    }
}

fn merge(provenance: &Provenance) -> Result<Raw, Error> {
    let figment = provenance.sources.iter().fold(Figment::new(), Figment::merge);
    figment.extract().map_err(|errors| {
        let error = Error::new(ErrorKind::Config, "the merged configuration does not fit together");
        errors.into_iter().fold(error, |error, one| error.detail(one.to_string()))
    })
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
