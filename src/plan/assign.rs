//! Asks an agent which owner works on which unit: the prompt, and how its answer is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::argv::ArgvValues;
use super::prompt;
use super::request::SpecInfo;
use super::step::{Plan, Step, StepSettings};
use super::step_settings::work_dir;
use super::tmux_names;
use crate::config::{Backend, Config, Done, DoneSignal, Timeouts, UnchangedRule};
use crate::error::Result;

/// The id of this step among the units. No task has it, since ids begin with a letter or a digit.
pub const CALL: &str = "@assign";

/// The assignment of one unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// What kind of work it is: `code`, `ui` or `review`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The owner, a key of `[assign.owners]`.
    pub owner_agent: String,
}

/// What an agent's answer says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssignmentReading {
    /// The valid assignments, by unit.
    pub found: BTreeMap<String, Assignment>,
    /// What is wrong with the rest, in words for the agent and for users.
    pub complaints: Vec<String>,
}

const KINDS: [&str; 3] = ["code", "ui", "review"];

/// The prompt that asks about these units of a plan. `complaints` are those about the agent's last answer.
pub fn question(
    spec: SpecInfo<'_>,
    plan: &Plan,
    units: &[String],
    owners: &[&str],
    complaints: &[String],
) -> Result<String> {
    #[derive(Serialize)]
    struct QuestionUnit<'a> {
        id: &'a str,
        title: &'a str,
    }
    let open = plan.steps.iter().filter(|step| units.contains(&step.unit));
    let open: Vec<_> = open.map(|step| QuestionUnit { id: &step.unit, title: &step.title }).collect();
    let values = serde_json::json!({
        "spec": spec.name, "tasks_file": spec.tasks_path.to_string_lossy(), "units": open, "owners": owners,
        "complaints": complaints,
    });
    prompt::render_values(&values, include_str!("assign.md.j2"))
}

/// The call as a step, so that it runs like any other step: in a window and with deadlines.
#[must_use]
pub fn step(config: &Config, spec: SpecInfo<'_>, backend: &Backend) -> Step {
    let assign = &config.assign;
    let cwd = work_dir(config, spec.root);
    let agent = assign.agent.as_deref().or(backend.agent.as_deref());
    let mut settings = StepSettings::of_config(config, cwd.clone());
    settings.backend.clone_from(&assign.backend);
    settings.use_backend(backend, ArgvValues { model: backend.model.as_deref(), agent, cwd: &cwd, spec });
    let settings = StepSettings {
        // each call is a new question
        resume_argv: None,
        timeout: Timeouts { task: assign.timeout, ..config.timeout },
        done: Done { signal: DoneSignal::Optional, nudges: 0, unchanged: UnchangedRule::Accept },
        verify: Vec::new(),
        review: None,
        ..settings
    };
    let window = tmux_names::window(&config.tmux.window, "assign");
    Step::without_task(CALL, "who does which task", settings, window)
}

/// Reads an agent's answer: the last JSON object in it that names one of the units.
#[must_use]
pub fn read(answer: &str, units: &[String], owners: &[&str]) -> AssignmentReading {
    let mut reading = AssignmentReading::default();
    let Some(entries) = objects(answer).into_iter().rev().find_map(|object| entries(&object, units)) else {
        reading.complaints.push("it has no JSON object with assignments for the ids".to_owned());
        return reading;
    };
    for (id, value) in entries {
        if !units.contains(&id) {
            reading.complaints.push(format!("{id:?} is not one of the ids in the question"));
            continue;
        }
        let text = |keys: [&str; 2]| keys.iter().find_map(|key| value.get(key)?.as_str()).map(str::trim);
        let (kind, owner) = (text(["type", "kind"]), text(["owner_agent", "owner"]));
        match (kind, owner) {
            (Some(kind), _) if !KINDS.contains(&kind) => {
                let known = KINDS.join(", ");
                reading.complaints.push(format!("{id}: the type {kind:?} is not one of {known}"));
            }
            (_, Some(owner)) if !owners.contains(&owner) => {
                let known = owners.join(", ");
                reading.complaints.push(format!("{id}: the owner {owner:?} is not one of {known}"));
            }
            (Some(kind), Some(owner)) => {
                let one = Assignment { kind: kind.to_owned(), owner_agent: owner.to_owned() };
                reading.found.insert(id, one);
            }
            _ => reading.complaints.push(format!("{id}: `type` or `owner_agent` is missing")),
        }
    }
    let named = |id: &&String| reading.complaints.iter().any(|c| c.starts_with(&format!("{id}:")));
    let missing: Vec<_> =
        units.iter().filter(|id| !reading.found.contains_key(*id) && !named(id)).cloned().collect();
    if !missing.is_empty() {
        reading.complaints.push(format!("there is no assignment for {}", missing.join(", ")));
    }
    reading
}

/// All JSON objects in a text that are not inside another one.
fn objects(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find('{').map(|n| at + n) {
        let mut stream = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        if let Some(Ok(value)) = stream.next() {
            at = start + stream.byte_offset();
            found.push(value);
        } else {
            at = start + 1;
        }
    }
    found
}

/// The entries of an object that names units: `{"assignments": …}` or the entries themselves, as a map or a list.
fn entries(object: &Value, units: &[String]) -> Option<Vec<(String, Value)>> {
    let inner = object.get("assignments").unwrap_or(object);
    let entries: Vec<(String, Value)> = match inner {
        Value::Object(map) => map.iter().map(|(id, value)| (id.clone(), value.clone())).collect(),
        Value::Array(list) => list
            .iter()
            .filter_map(|value| {
                let id = ["id", "unit", "task_id", "task"].iter().find_map(|key| value.get(key))?;
                Some((id.as_str().map_or_else(|| id.to_string(), str::to_owned), value.clone()))
            })
            .collect(),
        _ => return None,
    };
    let names_units = object.get("assignments").is_some() || entries.iter().any(|(id, _)| units.contains(id));
    names_units.then_some(entries)
}

/// The assignments that an agent made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assigned {
    /// The backend whose agent was asked.
    pub by: String,
    /// The valid assignments, by unit.
    pub found: BTreeMap<String, Assignment>,
    /// Units without a valid assignment. They go to the default backend.
    pub missing: Vec<String>,
    /// Why assignments are missing.
    pub complaints: Vec<String>,
}

impl Assigned {
    /// The valid assignments, as the state keeps them.
    pub fn entries(&self) -> impl Iterator<Item = (String, serde_json::Value)> {
        let value = |one| serde_json::to_value(one).unwrap_or_default();
        self.found.iter().map(move |(unit, one)| (unit.clone(), value(one)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNERS: [&str; 3] = ["codex", "gemini", "codex-review"];

    fn units(ids: &[&str]) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_strict_answer_is_read_completely() {
        let answer = r#"{"assignments": {"1": {"type": "code", "owner_agent": "codex"},
            "2": {"type": "ui", "owner_agent": "gemini"}}}"#;
        let reading = read(answer, &units(&["1", "2"]), &OWNERS);
        assert_eq!(reading.complaints, [""; 0]);
        assert_eq!(reading.found["2"], Assignment { kind: "ui".into(), owner_agent: "gemini".into() });
    }

    #[test]
    fn prose_fences_and_drafts_before_the_answer_are_ignored() {
        let answer = "Let me see {not json}. First {\"assignments\": {\"1\": {\"type\": \"ui\", \"owner_agent\": \"x\"}}}\n\
            ```json\n[{\"id\": 1, \"type\": \"review\", \"owner\": \"codex-review\"}]\n```\nAfter all:\n\
            {\"assignments\": [{\"id\": 1, \"type\": \"review\", \"owner\": \"codex-review\"}]}";
        let reading = read(answer, &units(&["1"]), &OWNERS);
        assert_eq!(reading.found["1"].owner_agent, "codex-review");
        assert!(reading.complaints.is_empty());
    }

    #[test]
    fn each_mistake_is_named_and_the_rest_counts() {
        let answer = r#"{"1": {"type": "code", "owner_agent": "claude"}, "2": {"type": "art", "owner_agent": "gemini"},
            "3": {"type": "code", "owner_agent": "codex"}, "9": {}, "4": {"type": "code"}}"#;
        let reading = read(answer, &units(&["1", "2", "3", "4", "5"]), &OWNERS);
        assert_eq!(reading.found.keys().collect::<Vec<_>>(), ["3"]);
        let all = reading.complaints.join("\n");
        for words in [
            "1: the owner \"claude\" is not one of codex",
            "2: the type \"art\"",
            "\"9\" is not one of the ids",
            "4: `type` or `owner_agent` is missing",
            "there is no assignment for 5",
        ] {
            assert!(all.contains(words), "{all}");
        }
    }

    #[test]
    fn an_answer_without_json_is_a_complaint() {
        for answer in ["", "no", "{", "{\"a\":", "{}", "[1]", "\u{1F600}{\u{1F600}"] {
            let reading = read(answer, &units(&["1"]), &OWNERS);
            assert!(reading.found.is_empty() && !reading.complaints.is_empty(), "{answer}");
        }
    }
}
