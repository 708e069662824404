//! Prints more about a run with `-v`.

use super::event_log::Chronicle;
use super::machine::Effect;
use super::world::RealWorld;
use crate::plan::Step;
use crate::report::text::{plural, shown_command};
use crate::store::attempt_dir::AttemptDir;

impl RealWorld<'_> {
    /// The unit that an agent works on now.
    #[must_use]
    pub fn working_on(&self) -> Option<&str> {
        self.child.as_ref().map(|child| child.unit.as_str())
    }

    /// Sets how much to print: 0 the events, 1 also commands and folders, 2 also each effect.
    pub fn set_verbosity(&mut self, verbosity: u8) {
        self.verbosity = verbosity;
    }

    /// Prints a text from this verbosity on.
    pub fn say_more(&mut self, verbosity: u8, text: impl FnOnce() -> String) {
        if self.verbosity >= verbosity {
            self.say(&text());
        }
    }

    /// Waits for the end of the hooks and prints their failures.
    pub fn finish_hooks(&mut self) {
        if let Some(text) = self.chronicle.as_mut().and_then(Chronicle::waits_for) {
            self.say(&text);
        }
        for complaint in self.chronicle.as_mut().map_or_else(Vec::new, Chronicle::finish) {
            self.say(&complaint);
        }
    }

    pub(super) fn explain_start(&mut self, step: &Step, dir: &AttemptDir) {
        self.say_more(1, || {
            let command = shown_command(&step.settings.argv);
            format!("  {command}\n  in {}, output in {}", step.settings.cwd.display(), dir.path().display())
        });
    }

    pub(super) fn explain_effect(&mut self, effect: &Effect) {
        let what = match effect {
            // the report itself is printed
            Effect::Report(_) => return,
            Effect::Save => "save the state".to_owned(),
            Effect::Replan => "read tasks.md, make the plan".to_owned(),
            Effect::Start { step, attempt } => format!("start attempt {attempt} of {}", step.unit),
            Effect::Recover { unit, attempt } => format!("look for attempt {attempt} of {unit}"),
            Effect::Assign(units) => format!("let an agent assign {}", units.join(", ")),
            Effect::Keep(unit) => format!("count and commit the changes of {unit}"),
            Effect::Verify { step, attempt } => format!("verify attempt {attempt} of {}", step.unit),
            Effect::Baseline(checks) => {
                format!("try {} before any agent works", plural(checks.checks.len(), "command"))
            }
            Effect::Cancel => "end the agent".to_owned(),
            Effect::Tick(ids) => format!("tick {}", ids.join(", ")),
            Effect::Untick { ids, .. } => format!("open {} again", ids.join(", ")),
            Effect::Sleep { until: Some(until), .. } => format!("sleep until {until}"),
            Effect::Sleep { until: None, .. } => "sleep until a person ends the pause".to_owned(),
            Effect::Alarm(at) => format!("let no step start after {at}"),
            Effect::Taken(ids) => {
                format!("forget {} of people, which the state has", plural(ids.len(), "request"))
            }
            Effect::Finish(_) => "end the run".to_owned(),
        };
        let now = self.clock.now();
        self.say_more(2, || format!("  · {now} {what}"));
    }
}
