//! PURE. `SEQUENTIAL_STATE.json` as text: one entry per spec, so that specs of one folder never mix.
//!
//! An entry also has the keys of the Python tool (`halted`, `halted_at`, `halted_task`). They are derived when it is
//! written, and left out when it is read.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{python_state, schema1};
use crate::error::{Error, ErrorKind};
use crate::state::spec_state::SpecState;

/// Version of the state file that this program writes.
pub const SCHEMA: u32 = 2;
/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Keys of an entry that are derived from its other values.
const DERIVED: [&str; 3] = ["halted", "halted_at", "halted_task"];

/// The state file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StateFile {
    /// Entries by name of the spec.
    pub specs: BTreeMap<String, SpecState>,
    /// What other tools keep in the file.
    pub other: Map<String, Value>,
}

/// What the text of a state file turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum StateText {
    /// This program's.
    Ours(StateFile),
    /// The Python tool's: progress of one spec.
    Python {
        /// The entry.
        entry: Box<SpecState>,
        /// The spec, where the file names it.
        spec: Option<String>,
    },
}

/// Why a state file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// Not JSON, or not whole, or with values that make no sense.
    Broken(String),
    /// Written by a newer seqorch.
    Newer {
        /// Its schema.
        schema: u32,
        /// The version that wrote it, where the file says so.
        written_by: Option<String>,
    },
    /// JSON, but not a state file.
    Foreign,
    /// Not UTF-8.
    NoText,
}

impl Unreadable {
    /// The error, with the way out.
    pub(super) fn error(&self, path: &Path) -> Error {
        let path = path.display();
        let untouched = "  It was not touched, and nothing was started.";
        let restore = "Restore it from version control or a backup; or move it away to start afresh.";
        let (text, hint) = match self {
            Self::Broken(why) => (format!("{path} cannot be read as state: {why}"), restore.to_owned()),
            Self::Foreign => (format!("{path} is JSON, but not a state file of seqorch"), restore.to_owned()),
            Self::NoText => (format!("{path} is not text"), restore.to_owned()),
            Self::Newer { schema, written_by } => {
                let needs = written_by.as_ref().map_or_else(
                    || "the seqorch that wrote it".to_owned(),
                    |version| format!("seqorch {}", version.trim()),
                );
                let text = format!("{path} has schema {schema}, this seqorch knows up to {SCHEMA}");
                (text, format!("It needs {needs}; this is {VERSION}."))
            }
        };
        Error::new(ErrorKind::Internal, text).detail(untouched).hint(hint)
    }
}

impl StateText {
    /// Reads the text of a state file.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let value: Value = serde_json::from_str(text).map_err(|e| Unreadable::Broken(e.to_string()))?;
        let Value::Object(mut map) = value else { return Err(Unreadable::Foreign) };
        let Some(schema) = map.shift_remove("schema") else {
            if map.contains_key("completed") {
                let (entry, spec) = python_state::read(map);
                return Ok(Self::Python { entry: Box::new(entry), spec });
            }
            return Err(Unreadable::Foreign);
        };
        let schema = schema.as_u64().and_then(|s| u32::try_from(s).ok()).ok_or(Unreadable::Foreign)?;
        let written_by = map.shift_remove("written_by").and_then(|by| by.as_str().map(str::to_owned));
        let read_entry: fn(Value) -> Result<SpecState, serde_json::Error> = match schema {
            SCHEMA => read_entry,
            schema1::SCHEMA => schema1::read_entry,
            _ if schema > SCHEMA => return Err(Unreadable::Newer { schema, written_by }),
            _ => return Err(Unreadable::Foreign),
        };
        let specs = match map.shift_remove("specs") {
            Some(Value::Object(specs)) => specs,
            Some(_) => return Err(Unreadable::Broken("`specs` is not an object".to_owned())),
            None => return Err(Unreadable::Broken("it has no `specs`".to_owned())),
        };
        let entry = |(name, value)| match read_entry(value) {
            Ok(state) => Ok((name, state)),
            Err(e) => Err(Unreadable::Broken(format!("the spec {name:?}: {e}"))),
        };
        Ok(Self::Ours(StateFile {
            specs: specs.into_iter().map(entry).collect::<Result<_, _>>()?,
            other: map,
        }))
    }
}

fn read_entry(value: Value) -> Result<SpecState, serde_json::Error> {
    let mut state: SpecState = serde_json::from_value(value)?;
    for key in DERIVED {
        state.other.shift_remove(key);
    }
    Ok(state)
}

impl StateFile {
    /// The text of the file.
    pub fn text(&self) -> Result<Vec<u8>, serde_json::Error> {
        let specs = self.specs.iter().map(|(name, state)| (name.as_str(), Entry::of(state))).collect();
        let file = FileOut { schema: SCHEMA, written_by: VERSION, specs, other: &self.other };
        let mut bytes = serde_json::to_vec_pretty(&file)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

#[derive(Debug, Serialize)]
struct FileOut<'a> {
    schema: u32,
    /// What an older seqorch asks for when it cannot read the file.
    written_by: &'a str,
    specs: BTreeMap<&'a str, Entry<'a>>,
    #[serde(flatten)]
    other: &'a Map<String, Value>,
}

/// An entry with the keys of the Python tool.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    halted: bool,
    halted_at: Option<Timestamp>,
    halted_task: Option<&'a str>,
    #[serde(flatten)]
    state: &'a SpecState,
}

impl<'a> Entry<'a> {
    fn of(state: &'a SpecState) -> Self {
        let question = state.questions().into_iter().next();
        Self {
            halted: question.is_some(),
            halted_at: question.map(|question| question.since),
            halted_task: question.map(|question| question.unit),
            state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{End, UnitStatus};

    fn ours(text: &str) -> StateFile {
        match StateText::read(text).unwrap() {
            StateText::Ours(file) => file,
            StateText::Python { .. } => panic!("not ours"),
        }
    }

    fn written(file: &StateFile) -> Value {
        let text = String::from_utf8(file.text().unwrap()).unwrap();
        assert_eq!(ours(&text), *file);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_file_survives_a_round_trip_with_what_others_keep_in_it() {
        let text = r#"{"schema":2,"specs":{"a":{"completed":["1"],"note":"kept"}},"tool":{"x":1}}"#;
        let file = ours(text);
        let again = written(&file);
        assert_eq!((&again["specs"]["a"]["note"], &again["tool"]["x"]), (&"kept".into(), &1.into()));
        assert_eq!((&again["schema"], &again["written_by"]), (&2.into(), &VERSION.into()));
        assert_eq!(file.specs["a"].completed, ["1"]);
    }

    #[test]
    fn an_entry_has_the_keys_of_the_python_tool() {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let mut state = SpecState::default();
        state.begin_run(at, ["1".to_owned()].into());
        state.done(at, "1", &["1".to_owned()]);
        state.halt(at, "2", "Which?");
        state.end_run(at, End::Halted { unit: "2".into() }, true);
        let mut file = StateFile::default();
        file.specs.insert("a".into(), state);
        let entry = written(&file)["specs"]["a"].clone();
        for key in
            ["completed", "halted", "halted_at", "halted_task", "started_at", "completed_at", "assignments"]
        {
            assert!(entry.get(key).is_some(), "{key} is missing in {entry}");
        }
        assert_eq!((&entry["halted"], &entry["halted_task"]), (&true.into(), &"2".into()));
        assert_eq!(entry["halted_at"], "2026-01-02T03:04:05Z");
        file.specs.get_mut("a").unwrap().reopen_all_but(&[].into());
        let entry = written(&file)["specs"]["a"].clone();
        assert_eq!((&entry["halted"], &entry["halted_task"]), (&false.into(), &Value::Null));
    }

    #[test]
    fn a_file_of_the_python_tool_keeps_all_it_knows() {
        let text = r#"{"completed":["1","1.1",2,"1"],"halted":true,"halted_at":"2026-01-02T03:04:05.678901+00:00",
            "halted_task":"3","started_at":"2026-01-01T00:00:00","completed_at":null,
            "assignments":{"1":{"type":"code","owner_agent":"codex"}},"spec_path":"/x/.kiro/specs/login/"}"#;
        let StateText::Python { entry, spec } = StateText::read(text).unwrap() else {
            panic!("not Python's")
        };
        assert_eq!(spec.as_deref(), Some("login"));
        assert_eq!(entry.completed, ["1", "1.1", "2"]);
        let asked = entry.questions();
        assert_eq!((asked.len(), asked[0].unit), (1, "3"));
        assert!(asked[0].text.contains("did not keep what was asked"));
        assert!(entry.started_at.is_some() && entry.completed_at.is_none());
        assert_eq!(entry.assignments["1"]["owner_agent"], "codex");
    }

    #[test]
    fn a_halt_of_the_python_tool_without_a_task_is_an_error_for_a_human() {
        let text = r#"{"completed":[],"halted":true,"halted_at":null,"halted_task":null}"#;
        let StateText::Python { entry, .. } = StateText::read(text).unwrap() else { panic!("not Python's") };
        assert!(!entry.is_halted());
        assert!(matches!(entry.run.over().unwrap().end, End::Error { .. }));
    }

    #[test]
    fn a_broken_foreign_or_newer_file_is_refused() {
        let read = |text: &str| StateText::read(text).unwrap_err();
        for broken in [
            r#"{"schema":2,"specs":{"#,
            "",
            r#"{"schema":2,"specs":[]}"#,
            r#"{"schema":2,"specs":{"a":{"units":{"1":{"status":"halted"}}}}}"#,
        ] {
            assert!(matches!(read(broken), Unreadable::Broken(_)), "{broken}");
        }
        assert_eq!(read(r#"{"schema":3,"specs":{}}"#), Unreadable::Newer { schema: 3, written_by: None });
        let by = r#"{"schema":3,"written_by":"9.1.0","specs":[]}"#;
        assert_eq!(read(by), Unreadable::Newer { schema: 3, written_by: Some("9.1.0".to_owned()) });
        for foreign in [r#"{"name":"package"}"#, "[]", r#"{"schema":0,"specs":{}}"#] {
            assert_eq!(read(foreign), Unreadable::Foreign, "{foreign}");
        }
    }

    #[test]
    fn a_unit_that_failed_comes_back_with_its_reason() {
        let mut state = SpecState::default();
        let status = UnitStatus::Failed { at: Timestamp::UNIX_EPOCH, reason: "exit code 3".into() };
        state.units.entry("1".into()).or_default().status = status;
        let mut file = StateFile::default();
        file.specs.insert("a".into(), state);
        assert_eq!(written(&file)["specs"]["a"]["units"]["1"]["status"], "failed");
    }
}
