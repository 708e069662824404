//! PURE. What a key is: its name, its meaning, what may be written there, and its default.
//!
//! The declarations in [`super::sections`] are made of these. All that is known about a key is in its [`ConfigKey`].

use super::tree::{TomlNode, TomlValue};

/// A key, as it is declared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConfigKey {
    pub(crate) name: &'static str,
    pub(crate) shape: KeyShape,
    /// Whether it must be given in every table of a list.
    pub(crate) required: bool,
    doc: &'static str,
    default: Option<&'static str>,
    like: Option<&'static str>,
    flag: Option<&'static str>,
    alias: Option<&'static str>,
    /// What its value may do; `None`: its declaration does not say.
    pub(crate) reach: Option<Reach>,
}

/// What the value of a key may do, which decides whether a person has to trust it. Each key declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It executes nothing, and does not lead out of the project.
    Inside,
    /// It is executed, decides how a program is started, or where words of the project are sent.
    Executes,
    /// It is a path or a list of globs, which may lead out of the project.
    Outside,
    /// This value of it, as TOML, takes away what protects the person.
    Loosens(&'static str),
    /// It protects the person, except with this value, which is also the default. So a person has to know where a project
    /// sets it, and where a project that set it does so no more.
    Guards(&'static str),
}

/// What is behind a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyShape {
    /// A value.
    Value(ValueFormat),
    /// A table with known keys.
    Table(TableKeys),
    /// A list of such tables.
    List(TableKeys),
    /// A table of such tables with free names.
    Named(TableKeys),
    /// A table of values with free names.
    Map(ValueFormat),
}

/// The keys of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableKeys {
    /// What the table is for.
    pub(crate) about: &'static str,
    pub(crate) keys: &'static [ConfigKey],
}

/// What a value may be, for the check of files, for editors and for people.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ValueFormat {
    /// What people call it: `duration`.
    pub(crate) name: &'static str,
    /// How it is written: `write it like "15s"`.
    pub(crate) hint: &'static str,
    /// The only texts that it may be, if it is one of a few.
    pub(crate) words: &'static [&'static str],
    /// Whether it names backends, which then must exist.
    pub(crate) names_backend: bool,
    /// Refuses what is wrong.
    pub(crate) check: fn(&TomlNode) -> Result<(), ValueError>,
    /// The value in the way in which `config show` prints it.
    pub(crate) tidy: fn(&TomlNode) -> TomlValue,
    /// The value as JSON Schema.
    pub(crate) schema: fn() -> serde_json::Value,
}

/// Why a value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ValueError {
    /// It is not written as [`ValueFormat::hint`] says.
    Form,
    /// In words, without a full stop.
    Because(String),
}

/// A type that a key can have. It says how the value is read, and what it looks like in a file.
pub(crate) trait ConfigType {
    /// What the rest of seqorch gets.
    type Value;
    /// What is behind a key of this type.
    const SHAPE: KeyShape;
    /// Makes the value where no source says any and no default is declared; `None`: such a key must declare a default.
    const ABSENT: Option<fn() -> Self::Value> = None;
    /// Reads what a source says.
    fn read(node: &TomlNode) -> Result<Self::Value, ValueError>;
}

/// A struct whose fields are the keys of a table; `keys!` declares it.
pub(crate) trait ConfigTable: Sized {
    /// Its keys.
    const TABLE: TableKeys;
    /// The struct with what `table` says, and defaults for the rest.
    fn from_table(table: &TomlNode) -> Self;
}

/// The clauses of a declaration: `, like = "app"` calls [`ConfigKey::like`]. A new clause is one more method here.
impl ConfigKey {
    pub(crate) const fn new(name: &'static str, doc: &'static str, shape: KeyShape) -> Self {
        Self {
            name,
            shape,
            required: false,
            doc,
            default: None,
            like: None,
            flag: None,
            alias: None,
            reach: None,
        }
    }

    /// The value where no source says any, as TOML.
    pub(crate) const fn default(self, toml: &'static str) -> Self {
        Self { default: Some(toml), ..self }
    }

    /// An example of a value, as TOML, for a key whose default shows too little or that has none.
    pub(crate) const fn like(self, toml: &'static str) -> Self {
        Self { like: Some(toml), ..self }
    }

    /// Must be given in every table of a list.
    pub(crate) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The flag of the command line that sets it, as a TOML text.
    pub(crate) const fn flag(self, toml: &'static str) -> Self {
        Self { flag: Some(toml), ..self }
    }

    /// Does not compile where a field could not be filled: a key needs a default, or a type that can be absent. In place
    /// of a required one, an example is enough: a configuration that lacks it is refused.
    pub(crate) const fn filled(self, can_be_absent: bool) -> Self {
        let example = self.required && self.like.is_some();
        assert!(can_be_absent || example || self.default.is_some(), "a key of this type needs a default");
        self
    }

    /// Executes nothing and stays in the project, whatever its value is.
    pub(crate) const fn inside(self) -> Self {
        Self { reach: Some(Reach::Inside), ..self }
    }

    /// Its value is executed, or decides how a program is started.
    pub(crate) const fn executes(self) -> Self {
        Self { reach: Some(Reach::Executes), ..self }
    }

    /// Its value is a path, relative to the project or the work dir, that may lead out of the project.
    pub(crate) const fn outside(self) -> Self {
        Self { reach: Some(Reach::Outside), ..self }
    }

    /// This value of it takes away what protects the person.
    pub(crate) const fn loosens(self, toml: &'static str) -> Self {
        Self { reach: Some(Reach::Loosens(toml)), ..self }
    }

    /// It protects the person, except with this value, its default.
    pub(crate) const fn guards(self, toml: &'static str) -> Self {
        Self { reach: Some(Reach::Guards(toml)), ..self }
    }

    /// Another name, as a TOML text, under which a list for this key may be written.
    pub(crate) const fn also(self, toml: &'static str) -> Self {
        Self { alias: Some(toml), ..self }
    }
}

impl ConfigKey {
    /// What it means; of a section, what the section is for.
    pub(crate) fn doc(&self) -> &'static str {
        match self.shape {
            KeyShape::Table(table) | KeyShape::List(table) | KeyShape::Named(table)
                if self.doc.is_empty() =>
            {
                table.about.trim()
            }
            _ => self.doc.trim(),
        }
    }

    /// The declared default.
    pub(crate) fn default_value(&self) -> Option<TomlNode> {
        TomlNode::parse_value(self.default?)
    }

    /// A value to show: the declared example, or else the default.
    pub(crate) fn example(&self) -> Option<TomlNode> {
        TomlNode::parse_value(self.like.or(self.default)?)
    }

    /// The flag that sets it: `--delay`.
    pub(crate) fn flag_name(&self) -> Option<&'static str> {
        self.flag.map(|flag| flag.trim_matches('"'))
    }

    /// The other name under which a list for it may be written.
    pub(crate) fn alias(&self) -> Option<&'static str> {
        self.alias.map(|alias| alias.trim_matches('"'))
    }

    /// The key that a value under this name is meant for: a list may be for a key that has the name as its other one.
    pub(crate) fn meant<'a>(keys: &'a [Self], name: &str, node: &TomlNode) -> Option<&'a Self> {
        let also = keys.iter().find(|key| node.list().is_some() && key.alias() == Some(name));
        also.or_else(|| keys.iter().find(|key| key.name == name))
    }
}

impl KeyShape {
    /// The keys of the tables in it.
    pub(crate) fn keys(&self) -> &'static [ConfigKey] {
        match self {
            Self::Table(table) | Self::List(table) | Self::Named(table) => table.keys,
            Self::Value(_) | Self::Map(_) => &[],
        }
    }
}

impl ValueFormat {
    /// The format of `T`, with nothing but its check.
    pub(crate) const fn of<T: ConfigType>(name: &'static str, hint: &'static str) -> Self {
        Self {
            name,
            hint,
            words: &[],
            names_backend: false,
            check: |node| T::read(node).map(drop),
            tidy: |node| node.value.clone(),
            schema: || serde_json::json!({ "type": "string" }),
        }
    }

    /// The sentence about a value that cannot be read.
    pub(crate) fn complaint(&self, node: &TomlNode, error: ValueError) -> String {
        match error {
            ValueError::Form => format!("{node} is not a valid {}; {}", self.name, self.hint),
            ValueError::Because(text) => text,
        }
    }
}

/// Reads an element of a list; a mistake is reported for the element, not for the whole list.
pub(crate) fn read_element<T: ConfigType>(node: &TomlNode) -> Result<T::Value, ValueError> {
    T::read(node).map_err(|error| match T::SHAPE {
        KeyShape::Value(format) => ValueError::Because(format.complaint(node, error)),
        _ => error,
    })
}

/// Fills the fields of a struct, in the order of its keys.
pub(crate) struct TableReader<'a> {
    table: &'a TomlNode,
    keys: std::slice::Iter<'static, ConfigKey>,
}

impl<'a> TableReader<'a> {
    pub(crate) fn new(table: &'a TomlNode, keys: &'static [ConfigKey]) -> Self {
        Self { table, keys: keys.iter() }
    }

    /// The value of the next key, which has the type `T`.
    ///
    /// # Panics
    /// If the declared default is wrong; a test reads them all.
    pub(crate) fn next<T: ConfigType>(&mut self) -> T::Value {
        let key = self.keys.next().expect("a field for each key");
        let read = |node: &TomlNode| T::read(node).ok();
        let written = self.table.key(key.name).and_then(read);
        written
            .or_else(|| key.default_value().as_ref().and_then(read))
            .or_else(|| T::ABSENT.map(|absent| absent()))
            .or_else(|| key.example().as_ref().and_then(read))
            .unwrap_or_else(|| panic!("the default of the key {:?} is wrong", key.name))
    }
}
