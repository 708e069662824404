//! Fields that mean the same in the records of several vendors, wherever each of them puts the value.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::lax::{LaxStr, LaxValue, lax};
use crate::agent::event::{AgentEvent, KEPT};
use crate::agent::utf8::first_bytes;

/// The first [`KEPT`] bytes of a text.
pub(super) fn excerpt(text: &str) -> &str {
    first_bytes(text, KEPT)
}

/// A vendor's error message: a string, or `message` in an error object or in what that object holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ErrorMessage(pub(super) Option<String>);

impl<'de> LaxValue<'de> for ErrorMessage {
    fn from_text(text: &str) -> Self {
        Self((!text.trim().is_empty()).then(|| text.to_owned()))
    }

    fn from_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let (mut message, mut inner, mut name) = (None, None, None);
        while let Some(key) = object.next_key::<LaxStr<'de>>()? {
            match key.get() {
                Some("message") => message = object.next_value::<Self>()?.0,
                Some("error" | "data") => inner = object.next_value::<Self>()?.0.or(inner),
                Some("name" | "type") => name = object.next_value::<LaxStr<'de>>()?.owned().or(name),
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Self(message.or(inner).or(name)))
    }
}
lax!(ErrorMessage);

/// A tool's output: a string, or a list of `{"type":"text","text":…}`. Only its beginning is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ToolOutput {
    /// The first [`KEPT`] bytes.
    pub(super) head: String,
    /// Lines of the whole output.
    pub(super) lines: usize,
}

impl ToolOutput {
    pub(super) fn new(text: &str) -> Self {
        let text = text.trim_end();
        let lines = if text.is_empty() { 0 } else { memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1 };
        Self { head: excerpt(text).to_owned(), lines }
    }
}

impl<'de> LaxValue<'de> for ToolOutput {
    fn from_text(text: &str) -> Self {
        Self::new(text)
    }

    fn from_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut output = Self::default();
        while let Some(key) = object.next_key::<LaxStr<'de>>()? {
            if key.is("text") {
                output = object.next_value()?;
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(output)
    }

    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut all = Self::default();
        while let Some(part) = list.next_element::<Self>()? {
            all.lines += part.lines;
            if !all.head.is_empty() && !part.head.is_empty() && all.head.len() < KEPT {
                all.head.push('\n');
            }
            let room = KEPT.saturating_sub(all.head.len());
            all.head.push_str(first_bytes(&part.head, room));
        }
        Ok(all)
    }
}
lax!(ToolOutput);

/// The result of a tool. A command that failed and printed nothing shows its exit code.
pub(super) fn tool_result(ok: bool, head: String, lines: usize, exit: f64) -> AgentEvent {
    let (head, lines) = if !ok && head.trim().is_empty() && exit != 0.0 {
        (format!("exit code {exit}"), 1)
    } else {
        (head, lines)
    };
    AgentEvent::ToolResult { ok, head, lines }
}

/// The exit code that CLIs write into the output of their shell tool: `Exit Code: 1`. 0 if there is none.
pub(super) fn written_exit_code(output: &str) -> f64 {
    let code = output.lines().find_map(|line| {
        let rest =
            line.trim().strip_prefix("Exit Code: ").or_else(|| line.trim().strip_prefix("Exit code: "))?;
        rest.split_whitespace().next()?.parse::<f64>().ok()
    });
    code.unwrap_or(0.0)
}

/// What a tool works on: the most useful value of its input, at most [`KEPT`] bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ToolTarget(pub(super) String);

/// Input keys that name what a tool works on, the most useful first.
const TARGET_KEYS: &[&str] = &[
    "command",
    "cmd",
    "file_path",
    "filePath",
    "absolute_path",
    "notebook_path",
    "path",
    "dir_path",
    "url",
    "pattern",
    "query",
    "description",
    "subject",
    "title",
    "prompt",
    "name",
];

/// Words that are read of a command that is a list.
const COMMAND_WORDS: usize = 64;

impl<'de> LaxValue<'de> for ToolTarget {
    fn from_text(text: &str) -> Self {
        Self(excerpt(text).to_owned())
    }

    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut words = Vec::new();
        while let Some(word) = list.next_element::<LaxStr<'de>>()? {
            words.extend(word.0.filter(|_| words.len() < COMMAND_WORDS));
        }
        Ok(Self::from_text(&words.join(" ")))
    }

    fn from_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut best: Option<(usize, Self)> = None;
        while let Some(key) = object.next_key::<LaxStr<'de>>()? {
            let rank = key.get().and_then(|key| TARGET_KEYS.iter().position(|known| *known == key));
            match rank.filter(|rank| best.as_ref().is_none_or(|(best, _)| rank < best)) {
                Some(rank) => {
                    let target: Self = object.next_value()?;
                    if !target.0.is_empty() {
                        best = Some((rank, target));
                    }
                }
                None => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(best.map(|(_, target)| target).unwrap_or_default())
    }
}
lax!(ToolTarget);

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a, T: serde::Deserialize<'a>>(json: &'a str) -> T {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_error_message_is_found_wherever_vendors_put_it() {
        for json in [
            r#""m""#,
            r#"{"type":"t","message":"m"}"#,
            r#"{"error":{"message":"m"}}"#,
            r#"{"name":"APIError","data":{"message":"m","statusCode":429}}"#,
        ] {
            assert_eq!(read::<ErrorMessage>(json).0.as_deref(), Some("m"), "{json}");
        }
        assert_eq!(read::<ErrorMessage>(r#"{"type":"t"}"#).0.as_deref(), Some("t"));
        for json in ["7", "null", "[]", "\" \"", "true"] {
            assert_eq!(read::<ErrorMessage>(json).0, None, "{json}");
        }
    }

    #[test]
    fn a_tools_target_is_the_most_useful_value_of_its_input() {
        assert_eq!(
            read::<ToolTarget>(r#"{"description":"d","content":"long","file_path":"/a/b"}"#).0,
            "/a/b"
        );
        assert_eq!(read::<ToolTarget>(r#"{"command":["ls","-l"]}"#).0, "ls -l");
        assert_eq!(read::<ToolTarget>(r#"{"x":1}"#).0, "");
    }

    #[test]
    fn of_a_tools_output_the_head_and_the_line_count_are_kept() {
        let long = serde_json::to_string(&"line\n".repeat(10_000)).unwrap();
        let output = read::<ToolOutput>(&long);
        assert_eq!((output.lines, output.head.len()), (10_000, KEPT));
        let parts = read::<ToolOutput>(
            r#"[{"type":"text","text":"a\nb"},{"type":"image"},{"type":"text","text":"c"}]"#,
        );
        assert_eq!((parts.lines, parts.head.as_str()), (3, "a\nb\nc"));
    }
}
