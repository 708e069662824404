//! PURE. What a form asks for, and the command line that does it.

use std::ffi::{OsStr, OsString};

use super::form::FormFields;

/// How long a pause may be chosen to last.
pub(super) const PAUSES: [(&str, &str); 4] =
    [("", "until resumed"), ("30m", "30 minutes"), ("2h", "2 hours"), ("8h", "8 hours")];

/// What a person asks for on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PageAct {
    /// Answer the question of a task. `asked` is the name of the question that the person saw.
    Answer { task: String, text: String, asked: String },
    /// Write a note for a task.
    Note { task: String, text: String },
    /// Leave a task out.
    Skip { task: String },
    /// Let no step start.
    Pause { time: &'static str },
    /// End a wait or a pause.
    ResumeNow,
    /// Stop the run after its step.
    Stop,
    /// Take that back.
    KeepRunning,
    /// Run again, with the options of the last run.
    Retry,
}

/// A start of this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageCommand {
    pub(super) argv: Vec<OsString>,
    pub(super) stdin: String,
    /// Whether it may begin a run, which outlives this server.
    pub(super) may_run: bool,
}

impl PageAct {
    /// Reads a form. The error says what is missing.
    pub(super) fn of(form: &FormFields) -> Result<Self, &'static str> {
        let text = |name: &str| form.get(name).unwrap_or_default().replace("\r\n", "\n");
        let task = || match text("task") {
            task if task.is_empty() => Err("the form names no task"),
            task => Ok(task),
        };
        let words = |missing| match text("text").trim() {
            "" => Err(missing),
            words => Ok(words.to_owned()),
        };
        Ok(match form.get("do").unwrap_or_default() {
            "answer" => Self::Answer {
                task: task()?,
                text: words("the answer is empty; write one")?,
                asked: text("asked"),
            },
            "note" => Self::Note { task: task()?, text: words("the note is empty; write one")? },
            "skip" => Self::Skip { task: task()? },
            "pause" => {
                let time = text("time");
                let known = PAUSES.iter().find(|(known, _)| *known == time);
                Self::Pause { time: known.ok_or("there is no such length of a pause")?.0 }
            }
            "resume" => Self::ResumeNow,
            "stop" => Self::Stop,
            "keep" => Self::KeepRunning,
            "retry" => Self::Retry,
            _ => return Err("the form asks for nothing that this page can do"),
        })
    }

    /// The task that it is about.
    pub(super) fn task(&self) -> Option<&str> {
        match self {
            Self::Answer { task, .. } | Self::Note { task, .. } | Self::Skip { task } => Some(task),
            _ => None,
        }
    }

    /// What a person is asked before it is done: it may cost work.
    pub(super) fn question(&self) -> Option<String> {
        match self {
            Self::Skip { task } => {
                Some(format!("Leave out task {task}? Tasks that need it are blocked then."))
            }
            Self::Stop => Some("Stop the run after its current step? No further task starts.".to_owned()),
            _ => None,
        }
    }

    /// The fields of a form that asks for it once more.
    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = match self {
            Self::Skip { .. } => vec![("do", "skip".to_owned())],
            Self::Stop => vec![("do", "stop".to_owned())],
            // these are done at once
            _ => Vec::new(),
        };
        fields.extend(self.task().map(|task| ("task", task.to_owned())));
        fields
    }

    /// The command line, as a person would type it. `globals`: the options of every verb; `detach`: a run gets windows of tmux.
    pub(super) fn command(&self, spec: &OsStr, globals: &[OsString], detach: bool) -> PageCommand {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let of_spec = |verb: &str, more: &[&str], task: &str| {
            let mut argv = words(&[verb, "--spec"]);
            argv.push(spec.to_owned());
            argv.extend(words(more));
            argv.extend(words(&["--", task]));
            argv
        };
        let with_spec = |before: &[&str], after: &[&str]| {
            let mut argv = words(before);
            argv.extend(detach_flag(before, detach));
            argv.push("--".into());
            argv.push(spec.to_owned());
            argv.extend(words(after));
            argv
        };
        let (argv, stdin, may_run) = match self {
            Self::Answer { task, text, asked } => {
                let words = ["resume", "--answer-file", "-", "--question", asked];
                (with_spec(&words, &[task]), text.clone(), true)
            }
            Self::Note { task, text } => (of_spec("note", &["--file", "-"], task), text.clone(), false),
            Self::Skip { task } => {
                let mut argv = of_spec("mark", &[], task);
                argv.push("skip".into());
                (argv, String::new(), false)
            }
            Self::Pause { time: "" } => (with_spec(&["pause"], &[]), String::new(), false),
            Self::Pause { time } => (with_spec(&["pause"], &[time]), String::new(), false),
            Self::ResumeNow => (with_spec(&["resume", "--now"], &[]), String::new(), true),
            Self::Stop => (with_spec(&["stop", "--no-wait"], &[]), String::new(), false),
            Self::KeepRunning => (with_spec(&["stop", "--cancel"], &[]), String::new(), false),
            Self::Retry => (with_spec(&["run", "--retry"], &[]), String::new(), true),
        };
        PageCommand { argv: [globals.to_vec(), argv].concat(), stdin, may_run }
    }
}

fn detach_flag(words: &[&str], detach: bool) -> Option<OsString> {
    let runs = matches!(words.first(), Some(&"resume" | &"run"));
    (detach && runs).then(|| "--detach".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(form: &str) -> Result<PageAct, &'static str> {
        PageAct::of(&FormFields::parse(form.as_bytes()))
    }

    fn typed(form: &str, detach: bool) -> String {
        let command =
            of(form).unwrap().command(OsStr::new("/p/s pec"), &["--color".into(), "never".into()], detach);
        command.argv.join(OsStr::new("|")).into_string().unwrap() + "<" + &command.stdin
    }

    #[test]
    fn each_form_is_one_command_line() {
        for (form, expected) in [
            (
                "do=answer&task=2&text=+A%0D%0Ab+&asked=x",
                "resume|--answer-file|-|--question|x|--detach|--|/p/s pec|2<A\nb",
            ),
            ("do=note&task=-x&text=t", "note|--spec|/p/s pec|--file|-|--|-x<t"),
            ("do=skip&task=1.1", "mark|--spec|/p/s pec|--|1.1|skip<"),
            ("do=pause&time=", "pause|--|/p/s pec<"),
            ("do=pause&time=2h", "pause|--|/p/s pec|2h<"),
            ("do=resume", "resume|--now|--detach|--|/p/s pec<"),
            ("do=stop", "stop|--no-wait|--|/p/s pec<"),
            ("do=keep", "stop|--cancel|--|/p/s pec<"),
            ("do=retry", "run|--retry|--detach|--|/p/s pec<"),
        ] {
            assert_eq!(typed(form, true), format!("--color|never|{expected}"));
        }
        assert_eq!(typed("do=retry", false), "--color|never|run|--retry|--|/p/s pec<");
    }

    #[test]
    fn a_form_that_lacks_something_says_what() {
        for (form, word) in [
            ("", "nothing"),
            ("do=rm", "nothing"),
            ("do=answer&task=2&text=+%0D%0A", "answer is empty"),
            ("do=note&text=x", "no task"),
            ("do=pause&time=1y", "length"),
        ] {
            assert!(of(form).unwrap_err().contains(word), "{form}");
        }
    }

    #[test]
    fn what_may_cost_work_is_asked_first() {
        let asks: Vec<bool> = ["do=skip&task=2", "do=stop", "do=retry", "do=pause&time="]
            .map(|form| of(form).unwrap().question().is_some())
            .to_vec();
        assert_eq!(asks, [true, true, false, false]);
        assert_eq!(
            of("do=skip&task=2").unwrap().fields(),
            [("do", "skip".to_owned()), ("task", "2".to_owned())]
        );
    }
}
