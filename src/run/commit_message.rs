//! The message of a unit's commit.

use super::world::RealWorld;
use crate::agent::sanitise::sanitise;
use crate::state::{Answer, UnitState};

impl RealWorld<'_> {
    /// The title from the last plan, from tasks.md if the plan does not have the unit, or from its last start.
    fn title(&self, unit: &str, known: &UnitState) -> String {
        let planned = self.plan.iter().flat_map(|plan| &plan.steps).find(|step| step.unit == unit);
        if let Some(step) = planned {
            return step.title.clone();
        }
        let tasks = self.place.good_tasks().map(|(_, file)| file.tasks).unwrap_or_default();
        let task = tasks.into_iter().find(|task| task.id == unit);
        task.map_or_else(|| known.title.clone(), |task| task.title)
    }

    /// The message of the commit of a unit, with what people decided for it.
    pub(super) fn commit_message(&self, unit: &str, known: &UnitState, decided: &[&Answer]) -> String {
        let title = self.title(unit, known);
        let last = known.work().next_back();
        let agent = last.map_or("", |a| &a.backend);
        let attempts = known.work().filter(|a| a.reached_agent()).count();
        let subject = self
            .config
            .git
            .message
            .replace("{spec}", &self.place.name)
            .replace("{id}", unit)
            .replace("{agent}", agent)
            .replace("{attempts}", &attempts.to_string())
            .replace("{title}", &title);
        let clean = |text: &str| self.redactor().redact(&sanitise(text.as_bytes()));
        let subject = clean(&subject);
        let decided: String = decided.iter().map(|one| clean(&decision_paragraph(one))).collect();
        let trailers = self.remote.map_or_else(String::new, |remote| remote.trailers(unit));
        format!(
            "{}\n\n{decided}Spec: {}\nTask: {unit}\nAgent: {agent}\nAttempts: {attempts}\n{trailers}",
            subject.trim(),
            self.place.name
        )
    }
}

/// A decision in the body of a commit. No line of it can be taken for one of git's trailers.
fn decision_paragraph(one: &Answer) -> String {
    let quoted = |text: &str| {
        let lines = text.trim().lines().map(|line| format!("> {line}").trim_end().to_owned());
        lines.collect::<Vec<_>>().join("\n")
    };
    let by = one.by.as_deref().map_or_else(String::new, |by| format!(" by {by}"));
    let at = one.at.map_or_else(String::new, |at| format!(" at {at:.0}"));
    format!("Asked:\n{}\nDecided{by}{at}:\n{}\n\n", quoted(&one.question), quoted(&one.answer))
}
