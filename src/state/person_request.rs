//! PURE. What people ask of a run that is at work: it takes such a request before its next step.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::run_pause::RunPause;
use super::spec_state::SpecState;
use super::unit::UnitStatus;
use super::work_tree::TalkRecord;

/// A request of a person to a run that is at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRequest {
    /// A name of its own.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What is asked.
    #[serde(flatten)]
    pub asks: AskedChange,
}

/// What a person asks of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "asks", rename_all = "snake_case")]
pub enum AskedChange {
    /// No step is to start until then; `None`: until a person ends the pause.
    Pause {
        /// The end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// A person has answered the question of a task, or talked to its agent in its session.
    Answered {
        /// The task, and its title then.
        task: AskedTask,
        /// What changed while they talked; `None`: nothing, or it is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<Box<TalkRecord>>,
        /// The name of the question; `None`: whatever it asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        question: Option<String>,
        /// The answer to its question; `None`: there is none yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<String>,
    },
    /// These tasks are not to be done.
    Skip {
        /// The tasks, and all tasks below them.
        tasks: Vec<AskedTask>,
    },
}

/// A task as a person named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedTask {
    /// Its id when the person asked.
    pub id: String,
    /// Its title then: a task is its text, and its number may change meanwhile.
    pub title: String,
    /// The person named it; else it is below one that was named.
    pub named: bool,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenRequest {
    /// The run is paused.
    Paused(RunPause),
    /// These tasks are skipped.
    Skipped(Vec<String>),
    /// These tasks are not skipped: they are done, or not there any more.
    NotSkipped(Vec<String>),
    /// The question of this task is not open any more: the answer came too late.
    NotAnswered(String),
}

impl PersonRequest {
    /// Whether it answers the question of this unit.
    #[must_use]
    pub fn answers(&self, unit: &str) -> bool {
        matches!(&self.asks, AskedChange::Answered { task, answer: Some(_), .. } if task.id == unit)
    }
}

impl SpecState {
    /// Forgets a pause whose time is over.
    pub fn end_pause_that_is_over(&mut self, now: Timestamp) {
        self.pause = self.pause.take().filter(|pause| pause.holds(now));
    }

    /// Does what a person asked, and says what came of it; an answer is the last one of `answers`. A request that was taken
    /// before changes nothing.
    pub fn take_request(&mut self, request: &PersonRequest) -> Vec<TakenRequest> {
        match &request.asks {
            AskedChange::Pause { until } => {
                let pause = RunPause { since: request.at, until: *until, by: request.by.clone() };
                if self.pause.as_ref() == Some(&pause) {
                    return Vec::new();
                }
                self.pause = Some(pause.clone());
                vec![TakenRequest::Paused(pause)]
            }
            AskedChange::Skip { tasks } => self.skip(tasks),
            AskedChange::Answered { task, record, question, answer } => {
                let id = self.id_of_title(&task.id, &task.title).to_owned();
                if let Some(record) = record {
                    self.talked(&id, record);
                }
                let Some(text) = answer else { return Vec::new() };
                if self.asks(&id, question.as_deref()) && self.reopen(&id, Some(text.clone())) {
                    if let Some(answer) = self.answers.last_mut() {
                        (answer.by, answer.at) = (request.by.clone(), Some(request.at));
                    }
                    return Vec::new();
                }
                if self.has_answer(request) { Vec::new() } else { vec![TakenRequest::NotAnswered(id)] }
            }
        }
    }

    /// Whether people decided what this request says.
    #[must_use]
    pub fn has_answer(&self, request: &PersonRequest) -> bool {
        self.all_decisions().any(|answer| answer.at == Some(request.at) && answer.by == request.by)
    }

    /// What changed in a talk belongs to the unit's next commit. Where that is made already, the change is a person's.
    fn talked(&mut self, id: &str, record: &TalkRecord) {
        let Some(unit) = self.units.get_mut(id) else { return };
        if !unit.is_committed() && !unit.talks.contains(record) {
            unit.talks.push(record.clone());
        }
    }

    fn skip(&mut self, tasks: &[AskedTask]) -> Vec<TakenRequest> {
        let (mut skipped, mut left) = (Vec::new(), Vec::new());
        for task in tasks {
            let id = self.id_of_title(&task.id, &task.title).to_owned();
            if self.completed.contains(&id) || self.is_at_work_or_done(&id) {
                left.extend(task.named.then_some(id));
                continue;
            }
            if task.named && self.skipped.insert(id.clone()) {
                skipped.push(id.clone());
            }
            // a box that an agent ticked is still not believed: the task may be wanted again
            if let Some(unit) = self.units.get_mut(&id) {
                unit.status = UnitStatus::Todo;
                unit.to_tick.clear();
            }
        }
        let skipped = (!skipped.is_empty()).then_some(TakenRequest::Skipped(skipped));
        let left = (!left.is_empty()).then_some(TakenRequest::NotSkipped(left));
        skipped.into_iter().chain(left).collect()
    }

    /// Whether an agent works on a unit, or did it: then it is too late to skip it.
    fn is_at_work_or_done(&self, id: &str) -> bool {
        let late = |status: &UnitStatus| matches!(status, UnitStatus::Running | UnitStatus::Done);
        self.units.get(id).is_some_and(|unit| late(&unit.status) || unit.awaits_review())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::at;
    use super::*;

    fn request(asks: AskedChange) -> PersonRequest {
        PersonRequest { id: "a".into(), at: at(1), by: Some("ann".into()), asks }
    }

    fn skip(tasks: &[(&str, bool)]) -> PersonRequest {
        let target =
            |(id, named): &(&str, bool)| AskedTask { id: (*id).into(), title: String::new(), named: *named };
        request(AskedChange::Skip { tasks: tasks.iter().map(target).collect() })
    }

    #[test]
    fn a_request_that_was_taken_before_changes_nothing() {
        let mut state = SpecState::default();
        for asked in [request(AskedChange::Pause { until: None }), skip(&[("2", true), ("2.1", false)])] {
            assert_eq!(state.take_request(&asked).len(), 1, "{asked:?}");
            let before = state.clone();
            assert_eq!(state.take_request(&asked), [], "{asked:?}");
            assert_eq!(state, before);
            let text = serde_json::to_string(&asked).unwrap();
            assert_eq!(serde_json::from_str::<PersonRequest>(&text).unwrap(), asked, "{text}");
        }
        assert!(state.skipped.contains("2") && !state.skipped.contains("2.1"));
        assert_eq!(state.pause.unwrap().by.as_deref(), Some("ann"));
    }

    #[test]
    fn a_pause_without_a_time_does_not_end_by_itself() {
        let pause = |until| Some(RunPause { since: at(0), until, by: None });
        let mut state = SpecState { pause: pause(None), ..SpecState::default() };
        state.end_pause_that_is_over(Timestamp::MAX);
        assert!(state.pause.is_some());
        state.pause = pause(Some(at(5)));
        state.end_pause_that_is_over(at(4));
        assert!(state.pause.is_some());
        state.end_pause_that_is_over(at(5));
        assert_eq!(state.pause, None);
    }

    #[test]
    fn a_task_that_is_done_or_at_work_is_not_skipped() {
        let mut state = SpecState::default();
        state.done(at(0), "1", &["1".to_owned()]);
        state.units.entry("2".into()).or_default().status = UnitStatus::Running;
        state.halt(at(0), "3", "A or B?");
        let taken = state.take_request(&skip(&[("1", true), ("2", true), ("3", true)]));
        let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let expected = [TakenRequest::Skipped(ids(&["3"])), TakenRequest::NotSkipped(ids(&["1", "2"]))];
        assert_eq!(taken, expected);
        assert_eq!(state.completed, ["1"]);
        assert!(!state.is_halted(), "its question is of no use any more");
    }

    #[test]
    fn a_second_answer_is_said_to_be_late_and_the_first_one_stays() {
        let mut state = SpecState::default();
        state.halt(at(0), "3", "A or B?");
        let answer = |id: &str, second: i64, text: &str| PersonRequest {
            id: id.into(),
            at: at(second),
            by: Some("ada".into()),
            asks: AskedChange::Answered {
                task: AskedTask { id: "3".into(), title: String::new(), named: true },
                record: None,
                question: None,
                answer: Some(text.into()),
            },
        };
        let (first, second) = (answer("a", 1, "A"), answer("b", 2, "B"));
        assert!(first.answers("3") && !first.answers("4"));
        assert_eq!(state.take_request(&first), []);
        assert_eq!(state.take_request(&second), [TakenRequest::NotAnswered("3".into())]);
        // a run that was killed takes it once more
        assert_eq!(state.take_request(&first), []);
        assert!(state.has_answer(&first) && !state.has_answer(&second));
        assert_eq!(state.answers_for("3").map(|answer| answer.answer.as_str()).collect::<Vec<_>>(), ["A"]);
    }
}
