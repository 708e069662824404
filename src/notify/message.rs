//! PURE. What a message says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::agent::redact::Redactor;
use crate::agent::utf8::{first_bytes, last_bytes};
use crate::report::needs::ShownNeed;
use crate::report::text::{sanitise_line, sanitise_text};
use crate::report::web_path::spec_path;
use crate::state::needs::NeedKind;

/// Bytes of the text that a message may have; ntfy makes a file of more than 4096.
const TEXT_MAX: usize = 3000;

/// A message to a person. No text in it has escape sequences or known secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// When it was written.
    pub at: Timestamp,
    /// What it is about.
    pub event: MessageEvent,
    /// The folder of the project, without its parents.
    pub project: String,
    /// The spec; empty: the message is about none.
    pub spec: String,
    /// The kind of need.
    pub kind: Option<NeedKind>,
    /// The task.
    pub task: Option<String>,
    /// The title of the task; may be empty.
    pub title: String,
    /// What happened, in a few words: `task 2 asks`.
    pub what: String,
    /// The question, or the last lines of what went wrong; may be empty.
    pub reason: String,
    /// The command that resolves it.
    pub command: Option<String>,
    /// What the run used so far: `1234 tokens in, 78 out, $0.42`.
    pub spent: Option<String>,
    /// The page that shows it.
    pub link: Option<String>,
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageEvent {
    /// A person is needed.
    Need,
    /// The run is over.
    RunEnded,
    /// A person sends it, to see whether it arrives.
    Test,
}

/// What the messages of a run have in common.
#[derive(Debug, Clone)]
pub struct MessageFrame<'a> {
    /// Now.
    pub at: Timestamp,
    /// The folder of the project, without its parents.
    pub project: &'a str,
    /// The spec; empty: none.
    pub spec: &'a str,
    /// What a person types for it; empty: none.
    pub typed: &'a str,
    /// What the run used so far.
    pub spent: Option<String>,
    /// `notify.page`.
    pub page: Option<&'a str>,
    /// Masks secrets.
    pub redactor: &'a Redactor,
}

impl MessageFrame<'_> {
    /// A message about a need that came up.
    #[must_use]
    pub fn of_need(&self, need: &ShownNeed) -> Message {
        Message {
            kind: Some(need.kind),
            task: need.task.clone(),
            title: self.line(&need.title),
            reason: if need.kind == NeedKind::Question {
                self.question(&need.why)
            } else {
                self.text(&need.why)
            },
            command: Some(self.line(&need.command)),
            ..self.empty(MessageEvent::Need, &need.what)
        }
    }

    /// A message without a task.
    #[must_use]
    pub fn empty(&self, event: MessageEvent, what: &str) -> Message {
        Message {
            at: self.at,
            event,
            project: self.line(self.project),
            spec: self.line(self.spec),
            kind: None,
            task: None,
            title: String::new(),
            what: self.line(what),
            reason: String::new(),
            command: None,
            spent: self.spent.clone(),
            link: self.page.map(|page| page.trim_end_matches('/').to_owned() + &self.path()),
        }
    }

    fn path(&self) -> String {
        if self.typed.is_empty() { "/".to_owned() } else { spec_path(self.typed) }
    }

    fn line(&self, text: &str) -> String {
        self.redactor.redact(&sanitise_line(text))
    }

    fn text(&self, text: &str) -> String {
        let text = self.redactor.redact(&sanitise_text(text));
        let begin = first_bytes(&text, TEXT_MAX);
        if begin.len() < text.len() { format!("{begin} …") } else { text }
    }

    /// As [`Self::text`]; of a long one the end, in which the question stands.
    fn question(&self, text: &str) -> String {
        let text = self.redactor.redact(&sanitise_text(text));
        let end = last_bytes(&text, TEXT_MAX);
        if end.len() < text.len() { format!("… {end}") } else { text }
    }
}

impl Message {
    /// `shop · login: task 2 asks (Pay)`
    #[must_use]
    pub fn heading(&self) -> String {
        let about = if self.spec.is_empty() { String::new() } else { format!(" · {}", self.spec) };
        let title = if self.title.is_empty() { String::new() } else { format!(" ({})", self.title) };
        format!("{}{about}: {}{title}", self.project, self.what)
    }

    /// The question, the command that answers it, and the cost so far. Never empty.
    #[must_use]
    pub fn body(&self) -> String {
        let spent = self.spent.as_ref().map(|spent| format!("So far: {spent}"));
        let parts = [Some(self.reason.clone()), self.command.clone(), spent];
        let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() { self.what.clone() } else { parts.join("\n\n") }
    }

    /// What a server of ntfy gets for this topic.
    #[must_use]
    pub fn for_ntfy(&self, topic: &str) -> Value {
        let (priority, tag) = match self.event {
            MessageEvent::Need => (4, "raising_hand"),
            MessageEvent::RunEnded => (3, "checkered_flag"),
            MessageEvent::Test => (3, "wave"),
        };
        let mut value = json!({
            "topic": topic,
            "title": self.heading(),
            "message": self.body(),
            "priority": priority,
            "tags": [tag],
        });
        if let Some(link) = &self.link {
            value["click"] = json!(link);
        }
        value
    }

    /// What a webhook gets: the fields of the message, and its text where chats look for it.
    #[must_use]
    pub fn for_webhook(&self) -> Value {
        let link = self.link.as_ref().map_or_else(String::new, |link| format!("\n{link}"));
        let text = format!("{}\n{}{link}", self.heading(), self.body());
        let mut value = json!(self);
        value["v"] = json!(1);
        value["text"] = json!(text);
        // Discord refuses a longer one
        value["content"] = json!(text.chars().take(1900).collect::<String>());
        value
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::needs::shown;
    use crate::state::SpecState;
    use crate::state::testing::at;

    pub(in crate::notify) fn question(text: &str) -> Message {
        let mut state = SpecState::default();
        state.units.entry("2".into()).or_default().title = "Pay".into();
        state.halt(at(0), "2", text);
        let frame = MessageFrame {
            at: at(60),
            project: "shop",
            spec: "login",
            typed: "login",
            spent: Some("$0.42".to_owned()),
            page: Some("https://laptop.example/"),
            redactor: &Redactor::new([("MY_TOKEN", "hunter2hunter2")]),
        };
        frame.of_need(&shown("login", &state)[0])
    }

    #[test]
    fn a_message_names_event_task_question_and_cost() {
        let message = question("Which one?");
        assert_eq!(message.heading(), "shop · login: task 2 asks (Pay)");
        assert_eq!(message.body(), "Which one?\n\nseqorch resume login --answer \"…\"\n\nSo far: $0.42");
        let ntfy = message.for_ntfy("mine");
        assert_eq!(
            (&ntfy["topic"], &ntfy["click"]),
            (&json!("mine"), &json!("https://laptop.example/spec/login"))
        );
        let hook = message.for_webhook();
        assert_eq!(
            (&hook["v"], &hook["event"], &hook["kind"]),
            (&json!(1), &json!("need"), &json!("question"))
        );
        assert_eq!(hook["task"], "2");
        assert!(hook["text"].as_str().unwrap().ends_with("So far: $0.42\nhttps://laptop.example/spec/login"));
    }

    #[test]
    fn of_a_book_with_a_question_at_its_end_the_end_is_sent() {
        let book = format!("{}Which one?", "I read é and more. ".repeat(1000));
        let reason = question(&book).reason;
        assert!(reason.starts_with("… ") && reason.ends_with("more. Which one?"), "{reason}");
        assert!(reason.len() <= TEXT_MAX + "… ".len());
    }

    #[test]
    fn an_agents_words_bring_no_secret_no_escape_and_no_book() {
        let message = question("\u{1b}[31mUse hunter2hunter2?\u{1b}[0m");
        assert_eq!(message.reason.lines().next().unwrap(), "Use [redacted]?");
        let long = question(&"ä".repeat(9000));
        assert!(long.reason.len() < 3100 && long.reason.starts_with("… "));
        assert!(long.for_webhook()["content"].as_str().unwrap().chars().count() <= 1900);
    }
}
