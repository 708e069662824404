//! PURE. Who does which unit: what agents and people said of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::spec_state::SpecState;

/// `by` of an assignment that a person made.
const HAND: &str = "hand";
/// `by` of an assignment that replaces the answer of an agent.
const DEFAULT: &str = "default";

/// What a person may choose for a unit; the keys of an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssignmentKey {
    /// `owner_agent`
    Owner,
    /// `backend`
    Backend,
}

impl AssignmentKey {
    fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner_agent",
            Self::Backend => "backend",
        }
    }
}

fn made_by(assignment: &Value) -> Option<&str> {
    assignment.get("by").and_then(Value::as_str)
}

impl SpecState {
    /// Owners that an agent named, by unit.
    #[must_use]
    pub fn owners(&self) -> BTreeMap<String, String> {
        self.chosen(AssignmentKey::Owner, |by| by != Some(DEFAULT) && by != Some(HAND))
    }

    /// What a person chose, by unit.
    #[must_use]
    pub fn by_hand(&self, key: AssignmentKey) -> BTreeMap<String, String> {
        self.chosen(key, |by| by == Some(HAND))
    }

    fn chosen(&self, key: AssignmentKey, wanted: fn(Option<&str>) -> bool) -> BTreeMap<String, String> {
        let chosen = |value: &Value| value.get(key.name())?.as_str().map(str::to_owned);
        let wanted = self.assignments.iter().filter(|(_, value)| wanted(made_by(value)));
        wanted.filter_map(|(unit, value)| Some((unit.clone(), chosen(value)?))).collect()
    }

    /// Keeps a person's choice for a unit; no agent is asked about it any more.
    pub fn assign_by_hand(&mut self, now: Timestamp, unit: &str, owner: Option<&str>, backend: Option<&str>) {
        let kind = self.assignments.get(unit).and_then(|old| old.get("type")).cloned();
        let mut value = json!({ "type": kind, "owner_agent": owner, "by": HAND, "at": now.to_string() });
        if let Some(backend) = backend {
            value["backend"] = backend.into();
        }
        self.assignments.insert(unit.to_owned(), value);
    }

    /// Forgets a unit's assignment; whether there was one.
    pub fn unassign(&mut self, unit: &str) -> bool {
        self.assignments.shift_remove(unit).is_some()
    }

    /// Keeps what an agent said of units (`{type, owner_agent}` each), and which go to the default backend for now.
    pub fn assign(
        &mut self,
        now: Timestamp,
        by: &str,
        found: impl IntoIterator<Item = (String, Value)>,
        missing: &[String],
    ) {
        for (unit, mut value) in found {
            value["by"] = by.into();
            value["at"] = now.to_string().into();
            self.assignments.insert(unit, value);
        }
        for unit in missing {
            let value = json!({ "type": null, "owner_agent": null, "by": DEFAULT, "at": now.to_string() });
            self.assignments.insert(unit.clone(), value);
        }
    }
}
