//! Which agent does which unit, where an agent is asked for it: the question, and what counts as an answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::names;
use super::prompt;
use super::request::SpecInfo;
use super::resolve::{Given, argv};
use super::step::{Plan, Step};
use crate::config::{Backend, Config, Done, DoneSignal, Timeouts};
use crate::error::Result;

/// The id under which the call is kept beside the units; no task can have it, since ids begin with a letter or digit.
pub const CALL: &str = "@assign";

/// What a unit was found to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// `code`, `ui` or `review`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The owner, a key of `[assign.owners]`.
    pub owner_agent: String,
}

/// What was made of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// What can be used.
    pub found: BTreeMap<String, Assignment>,
    /// What cannot, in words for the agent and for people.
    pub complaints: Vec<String>,
}

const KINDS: [&str; 3] = ["code", "ui", "review"];

/// The question about these units of a plan.
pub fn question(
    spec: SpecInfo<'_>,
    plan: &Plan,
    units: &[String],
    owners: &[&str],
    complaints: &[String],
) -> Result<String> {
    #[derive(Serialize)]
    struct Unit<'a> {
        id: &'a str,
        title: &'a str,
    }
    let open = plan.steps.iter().filter(|step| units.contains(&step.unit));
    let open: Vec<_> = open.map(|step| Unit { id: &step.unit, title: &step.title }).collect();
    let tasks_file = spec.dir.join("tasks.md");
    let values = serde_json::json!({
        "spec": spec.name, "tasks_file": tasks_file.to_string_lossy(), "units": open, "owners": owners,
        "complaints": complaints,
    });
    prompt::render_values(&values, include_str!("assign.md.j2"))
}

/// The call as a step, so that it is dispatched like any other: in a window, with deadlines, watched and ended whole.
#[must_use]
pub fn step(config: &Config, spec: SpecInfo<'_>, backend: &Backend) -> Step {
    let assign = &config.assign;
    let cwd = config.run.workdir.as_ref().map_or_else(|| spec.root.to_owned(), |dir| spec.root.join(dir));
    let agent = assign.agent.as_deref().or(backend.agent.as_deref());
    let given = Given { model: backend.model.as_deref(), agent, cwd: &cwd, spec };
    Step {
        unit: CALL.to_owned(),
        title: "who does which task".to_owned(),
        task: None,
        above: Vec::new(),
        waves: Vec::new(),
        open: Vec::new(),
        completes: Vec::new(),
        after: Vec::new(),
        backend: assign.backend.clone(),
        argv: argv(backend, given, false),
        resume_argv: None,
        model: backend.model.clone(),
        unassigned: false,
        prompt_by: backend.prompt,
        output: backend.output,
        env: backend.env.clone().into_iter().collect(),
        env_remove: backend.env_remove.clone(),
        window: names::window(&config.tmux.window, "assign"),
        timeout: Timeouts { task: assign.timeout, ..config.timeout },
        retry: config.retry,
        done: Done { signal: DoneSignal::Optional, nudges: 0 },
        verify: Vec::new(),
        delay: config.run.delay,
        extra_prompt: None,
        reasons: Vec::new(),
        line: 0,
        cwd,
    }
}

/// Reads an agent's answer: the last JSON object in it that speaks of a unit that was asked for.
#[must_use]
pub fn read(answer: &str, units: &[String], owners: &[&str]) -> Reading {
    let mut reading = Reading::default();
    let Some(entries) = objects(answer).into_iter().rev().find_map(|object| entries(&object, units)) else {
        reading.complaints.push("it holds no JSON object with assignments for the ids".to_owned());
        return reading;
    };
    for (id, value) in entries {
        if !units.contains(&id) {
            reading.complaints.push(format!("{id:?} is none of the ids that were asked for"));
            continue;
        }
        let text = |keys: [&str; 2]| keys.iter().find_map(|key| value.get(key)?.as_str()).map(str::trim);
        let (kind, owner) = (text(["type", "kind"]), text(["owner_agent", "owner"]));
        match (kind, owner) {
            (Some(kind), _) if !KINDS.contains(&kind) => {
                reading.complaints.push(format!("{id}: the type {kind:?} is none of {}", KINDS.join(", ")));
            }
            (_, Some(owner)) if !owners.contains(&owner) => {
                let known = owners.join(", ");
                reading.complaints.push(format!("{id}: the owner {owner:?} is none of {known}"));
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
        reading.complaints.push(format!("nothing is said of {}", missing.join(", ")));
    }
    reading
}

/// Every JSON object of a text that is not inside another.
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

/// The entries of an object that speaks of the units: `{"assignments": …}` or the map itself, a map or a list.
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
    let spoken = object.get("assignments").is_some() || entries.iter().any(|(id, _)| units.contains(id));
    spoken.then_some(entries)
}

/// Who does what, as an agent was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assigned {
    /// Who was asked.
    pub by: String,
    /// What can be used.
    pub found: BTreeMap<String, Assignment>,
    /// Units that go to the default backend, since nothing usable was said of them.
    pub missing: Vec<String>,
    /// Why they do.
    pub complaints: Vec<String>,
}

impl Assigned {
    /// What was found, as the state keeps it.
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
    fn a_strict_answer_is_taken_whole() {
        let answer = r#"{"assignments": {"1": {"type": "code", "owner_agent": "codex"},
            "2": {"type": "ui", "owner_agent": "gemini"}}}"#;
        let reading = read(answer, &units(&["1", "2"]), &OWNERS);
        assert_eq!(reading.complaints, [""; 0]);
        assert_eq!(reading.found["2"], Assignment { kind: "ui".into(), owner_agent: "gemini".into() });
    }

    #[test]
    fn prose_fences_lists_and_a_thought_before_the_answer_do_no_harm() {
        let answer = "Let me see {not json}. First {\"assignments\": {\"1\": {\"type\": \"ui\", \"owner_agent\": \"x\"}}}\n\
            ```json\n[{\"id\": 1, \"type\": \"review\", \"owner\": \"codex-review\"}]\n```\nAfter all:\n\
            {\"assignments\": [{\"id\": 1, \"type\": \"review\", \"owner\": \"codex-review\"}]}";
        let reading = read(answer, &units(&["1"]), &OWNERS);
        assert_eq!(reading.found["1"].owner_agent, "codex-review");
        assert!(reading.complaints.is_empty());
    }

    #[test]
    fn each_mistake_is_named_and_the_rest_is_kept() {
        let answer = r#"{"1": {"type": "code", "owner_agent": "claude"}, "2": {"type": "art", "owner_agent": "gemini"},
            "3": {"type": "code", "owner_agent": "codex"}, "9": {}, "4": {"type": "code"}}"#;
        let reading = read(answer, &units(&["1", "2", "3", "4", "5"]), &OWNERS);
        assert_eq!(reading.found.keys().collect::<Vec<_>>(), ["3"]);
        let all = reading.complaints.join("\n");
        for words in [
            "1: the owner \"claude\" is none of codex",
            "2: the type \"art\"",
            "\"9\" is none of the ids",
            "4: `type` or `owner_agent` is missing",
            "nothing is said of 5",
        ] {
            assert!(all.contains(words), "{all}");
        }
    }

    #[test]
    fn an_answer_without_json_is_a_complaint_and_never_a_panic() {
        for answer in ["", "no", "{", "{\"a\":", "{}", "[1]", "\u{1F600}{\u{1F600}"] {
            let reading = read(answer, &units(&["1"]), &OWNERS);
            assert!(reading.found.is_empty() && !reading.complaints.is_empty(), "{answer}");
        }
    }
}
