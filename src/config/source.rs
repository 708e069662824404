//! PURE. One source of settings, as figment takes it: a file, a profile of a file, a variable, a flag, what is built in.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use figment::value::{Dict, Map, Num, Tag, Value as MergedValue};
use figment::{Metadata, Profile, Provider};

use super::path::KeyPath;
use super::tree::{TomlNode, TomlValue};

/// Where a setting comes from; a later one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    /// Built in.
    Default,
    /// A built-in backend.
    Preset,
    /// The user's own file, and what it extends.
    User,
    /// A file that the project's file extends.
    Extends,
    /// The project's `seqorch.toml`.
    Repo,
    /// `seqorch.local.toml`, and what it extends.
    Local,
    /// The chosen profile.
    Profile,
    /// A variable of the environment.
    Environment,
    /// A flag on the command line.
    Flag,
}

impl Layer {
    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Default => "built-in default",
            Self::Preset => "built-in backend",
            Self::User => "user file",
            Self::Extends => "extended file",
            Self::Repo => "project file",
            Self::Local => "local file",
            Self::Profile => "profile",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }

    /// The profile of figment that puts this layer in its place: figment merges its default profile, the selected one,
    /// and its global one, in this order.
    fn figment_profile(self) -> Profile {
        match self {
            Self::Profile => CHOSEN_PROFILE,
            Self::Environment | Self::Flag => Profile::Global,
            _ => Profile::Default,
        }
    }
}

/// The profile that figment selects. Only the chosen `[profile.NAME]` is given to figment, so the name does not matter.
pub(crate) const CHOSEN_PROFILE: Profile = Profile::const_new("chosen");

/// One source, checked.
#[derive(Debug, Clone)]
pub(crate) struct ConfigSource {
    pub(crate) layer: Layer,
    /// Whether the person wrote it: it is not a file of the project.
    pub(crate) own: bool,
    /// The file as a user would call it, the variable, the flag.
    pub(crate) label: String,
    /// The file, if it is one.
    pub(crate) file: Option<PathBuf>,
    pub(crate) tree: Arc<TomlNode>,
}

/// The one provider of ours: figment's own for TOML files does not keep lines, and its own for variables cannot know
/// which type a key has. It adds lines to figment's metadata: `interpolate` gives the place of a key, `seqorch.toml:4`.
impl Provider for ConfigSource {
    fn metadata(&self) -> Metadata {
        let metadata = Metadata::named(self.layer.name());
        let metadata = match &self.file {
            Some(file) => metadata.source(file.as_path()),
            None => metadata.source(self.label.clone()),
        };
        let (label, tree) = (self.label.clone(), self.file.as_ref().map(|_| Arc::clone(&self.tree)));
        metadata.interpolater(move |_: &Profile, keys: &[&str]| {
            let path = KeyPath::from(keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
            place(&label, tree.as_ref().and_then(|tree| tree.get(&path)?.line))
        })
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let dict = to_figment(&self.tree).into_dict().unwrap_or_default();
        Ok(self.layer.figment_profile().collect(dict))
    }
}

/// Who set a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The layer: `project file`.
    pub layer: String,
    /// `seqorch.toml:4`, `SEQORCH_RUN__DELAY`, `--delay`, `default`.
    pub place: String,
}

impl Origin {
    /// What the metadata of a source says of the value at `path`.
    pub(crate) fn of(metadata: &Metadata, path: &KeyPath) -> Self {
        let place = metadata.interpolate(&Profile::Default, path.parts());
        Self { layer: metadata.name.clone().into_owned(), place }
    }
}

/// `project file (seqorch.toml:4)`
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.layer, self.place)
    }
}

/// `seqorch.toml:4`; the name of a profile goes behind the line.
pub(crate) fn place(label: &str, line: Option<usize>) -> String {
    match (label.split_once(' '), line) {
        (Some((file, profile)), Some(line)) if profile.starts_with('[') => format!("{file}:{line} {profile}"),
        (_, Some(line)) => format!("{label}:{line}"),
        (_, None) => label.to_owned(),
    }
}

fn to_figment(node: &TomlNode) -> MergedValue {
    match &node.value {
        TomlValue::Text(text) | TomlValue::Date(text) => MergedValue::from(text.as_str()),
        TomlValue::Int(number) => MergedValue::from(*number),
        TomlValue::Float(number) => MergedValue::from(*number),
        TomlValue::Bool(yes) => MergedValue::from(*yes),
        TomlValue::List(items) => MergedValue::Array(Tag::Default, items.iter().map(to_figment).collect()),
        TomlValue::Table(table) => MergedValue::Dict(
            Tag::Default,
            table.iter().map(|(name, inner)| (name.clone(), to_figment(inner))).collect(),
        ),
    }
}

/// What figment merged, as a tree without lines.
pub(crate) fn from_figment(value: &MergedValue) -> TomlNode {
    TomlNode::from(match value {
        MergedValue::String(_, text) => TomlValue::Text(text.clone()),
        MergedValue::Char(_, c) => TomlValue::Text(c.to_string()),
        MergedValue::Bool(_, yes) => TomlValue::Bool(*yes),
        MergedValue::Num(_, Num::F64(number)) => TomlValue::Float(*number),
        MergedValue::Num(_, number) => {
            TomlValue::Int(number.to_i128().and_then(|number| i64::try_from(number).ok()).unwrap_or(i64::MAX))
        }
        MergedValue::Empty(..) => TomlValue::Text(String::new()),
        MergedValue::Dict(_, dict) => {
            TomlValue::Table(dict.iter().map(|(name, inner)| (name.clone(), from_figment(inner))).collect())
        }
        MergedValue::Array(_, items) => TomlValue::List(items.iter().map(from_figment).collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_ordered_by_precedence() {
        use Layer::{Default, Environment, Extends, Flag, Local, Preset, Profile, Repo, User};
        let order = [Default, Preset, User, Extends, Repo, Local, Profile, Environment, Flag];
        assert!(order.is_sorted());
    }

    #[test]
    fn figment_gives_back_what_it_was_given() {
        let tree = TomlNode::parse("a = 1\nb = -1.5\nc = [true, \"x\"]\n[d]\ne = \"\"\n").unwrap();
        assert_eq!(from_figment(&to_figment(&tree)).to_json(), tree.to_json());
    }

    #[test]
    fn the_metadata_of_a_file_knows_the_line_of_a_key() {
        let tree = TomlNode::parse("[run]\ndelay = 1\n").unwrap();
        let source = |label: &str| ConfigSource {
            layer: Layer::Repo,
            own: false,
            label: label.to_owned(),
            file: Some("/project/a.toml".into()),
            tree: Arc::new(tree.clone()),
        };
        let origin = |label| Origin::of(&source(label).metadata(), &KeyPath::parse("run.delay")).to_string();
        assert_eq!(origin("a.toml"), "project file (a.toml:2)");
        assert_eq!(origin("a.toml [profile.night]"), "project file (a.toml:2 [profile.night])");
    }
}
