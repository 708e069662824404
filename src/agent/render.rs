//! Renders an agent's events for people: its words in full, each action in a line.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::columns::{cut, cut_beginning, width};
use super::event::AgentEvent;
use super::sanitise::{Sanitiser, sanitise};
use super::usage::Usage;

/// Lines shown of a tool's output.
const RESULT: usize = 4;
/// Lines shown of a thought or of other words that are not the agent's answer.
const ASIDE: usize = 3;
/// The narrowest layout, in columns.
const NARROW: usize = 20;

/// Turns events into text for a terminal.
///
/// The agent's own words keep their lines, so that the terminal can wrap them again when its size changes. All other
/// lines are cut to the width.
#[derive(Debug)]
pub struct Renderer {
    width: usize,
    palette: Palette,
    /// The agent's folder with a `/` at its end. Paths below it are shown relative to it.
    root: Option<String>,
    words: Sanitiser,
    speaking: bool,
    /// How many line ends the output ends with, at most 2. `None` before the first output.
    ends: Option<usize>,
    session: Option<String>,
    /// The last error and the last aside, because some CLIs print them twice.
    error: Option<String>,
    aside: Option<String>,
    usage: Option<Usage>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Palette {
    dim: Style,
    tool: Style,
    bad: Style,
    warn: Style,
}

impl Renderer {
    /// A renderer for a terminal of this width, with or without colour.
    #[must_use]
    pub fn new(width: usize, color: bool) -> Self {
        let palette = if color {
            Palette {
                dim: Style::new().dimmed(),
                tool: Style::new().bold(),
                bad: AnsiColor::Red.on_default(),
                warn: AnsiColor::Yellow.on_default(),
            }
        } else {
            Palette::default()
        };
        Self {
            width: width.max(NARROW),
            palette,
            root: None,
            words: Sanitiser::default(),
            speaking: false,
            ends: None,
            session: None,
            error: None,
            aside: None,
            usage: None,
        }
    }

    /// Sets the folder where the agent works. It shortens the paths.
    #[must_use]
    pub fn root(mut self, folder: &str) -> Self {
        let folder = folder.trim_end_matches('/');
        self.root = (!folder.is_empty()).then(|| format!("{folder}/"));
        self
    }

    /// Sets a new width.
    pub fn resize(&mut self, width: usize) {
        self.width = width.max(NARROW);
    }

    /// Appends the text of the next event.
    pub fn render(&mut self, event: &AgentEvent, out: &mut String) {
        let from = out.len();
        if let AgentEvent::Text { text, continues } = event {
            self.words_of_agent(text, *continues, out);
        } else {
            self.action(event, out);
        }
        let shown = &out[from..];
        if !shown.is_empty() {
            let ends = shown.bytes().rev().take_while(|b| *b == b'\n').count();
            let before = if ends == shown.len() { self.ends.unwrap_or(0) } else { 0 };
            self.ends = Some((before + ends).min(2));
        }
    }

    /// Ends the last line, if it is open.
    pub fn finish(&mut self, out: &mut String) {
        if self.ends == Some(0) {
            out.push('\n');
            self.ends = Some(1);
        }
    }

    fn words_of_agent(&mut self, text: &str, continues: bool, out: &mut String) {
        if !continues || !self.speaking {
            self.words = Sanitiser::default();
            if !continues {
                self.gap(out, 2);
            }
        }
        self.speaking = true;
        self.error = None;
        self.words.feed(text.as_bytes(), out);
    }

    /// Adds line ends until there are `wanted`, but none at the very beginning.
    fn gap(&self, out: &mut String, wanted: usize) {
        if let Some(ends) = self.ends {
            out.extend(std::iter::repeat_n('\n', wanted.saturating_sub(ends)));
        }
    }

    fn action(&mut self, event: &AgentEvent, out: &mut String) {
        let Palette { dim, bad, warn, .. } = self.palette;
        match event {
            AgentEvent::Session { id, model } => {
                if self.session.as_ref() != Some(id) {
                    self.session = Some(id.clone());
                    let model = model.as_deref().map(|m| format!("{m}, ")).unwrap_or_default();
                    self.line(dim, &format!("── {model}session {id} ──"), out);
                }
            }
            AgentEvent::Aside { text } => {
                if self.aside.as_ref() != Some(text) {
                    self.block(dim, "", text, count(text), ASIDE, out);
                    self.aside = Some(text.clone());
                }
            }
            AgentEvent::ToolCall { name, target, subagent } => {
                self.error = None;
                self.call(name, target, *subagent, out);
            }
            AgentEvent::ToolResult { ok: true, head, lines } => {
                self.block(dim, "", head, *lines, RESULT, out);
            }
            AgentEvent::ToolResult { ok: false, head, lines } => {
                let head = if head.is_empty() { "failed" } else { head };
                self.block(bad, "✗ ", head, *lines, RESULT, out);
            }
            AgentEvent::Retry { text, .. } => self.line(warn, &format!("↻ {text}"), out),
            AgentEvent::Notice { text } => self.line(dim, &format!("· {text}"), out),
            AgentEvent::Stray { text, .. } => self.line(dim, text, out),
            AgentEvent::Error { text } => self.fail(text, out),
            AgentEvent::Usage(usage) => self.usage.get_or_insert_default().add(usage),
            AgentEvent::End { ok, error, .. } => {
                if !ok {
                    self.fail(error.as_deref().unwrap_or("failed"), out);
                }
                if let Some(text) = self.usage.as_ref().and_then(spent) {
                    self.begin(out);
                    let _ = writeln!(out, "{dim}── {text} ──{dim:#}");
                }
            }
            AgentEvent::Text { .. }
            | AgentEvent::Denied { .. }
            | AgentEvent::Step
            | AgentEvent::Summary
            | AgentEvent::Record { .. } => {}
        }
    }

    /// Begins a line that does not hold the agent's words.
    fn begin(&mut self, out: &mut String) {
        let wanted = if std::mem::take(&mut self.speaking) { 2 } else { 1 };
        self.gap(out, wanted);
        self.ends = self.ends.map(|_| wanted);
    }

    fn line(&mut self, style: Style, text: &str, out: &mut String) {
        self.begin(out);
        let text = cut(&one_line(text), self.width);
        let _ = writeln!(out, "{style}{text}{style:#}");
    }

    fn call(&mut self, name: &str, target: &str, subagent: bool, out: &mut String) {
        self.begin(out);
        let indent = if subagent { "  " } else { "" };
        let name = one_line(name);
        let mut target = one_line(target);
        if let Some(root) = &self.root {
            target = target.replace(root.as_str(), "");
        }
        let room = self.width.saturating_sub(indent.len() + 3 + width(&name));
        let is_path = target.contains('/') && !target.contains(' ');
        let target = if is_path { cut_beginning(&target, room) } else { cut(&target, room) };
        let tool = self.palette.tool;
        let text = format!("{indent}▸ {tool}{name}{tool:#} {target}");
        let _ = writeln!(out, "{}", text.trim_end());
    }

    /// The first lines of a text of `all` lines, indented.
    fn block(&mut self, style: Style, mark: &str, text: &str, all: usize, most: usize, out: &mut String) {
        let clean = sanitise(text.as_bytes());
        let lines: Vec<_> = clean.lines().filter(|line| !line.trim().is_empty()).take(most).collect();
        if lines.is_empty() {
            return;
        }
        self.begin(out);
        let room = self.width.saturating_sub(2 + width(mark));
        for (at, line) in lines.iter().enumerate() {
            let mark = if at == 0 { mark } else { "" };
            let line = cut(&line.replace('\t', "    "), room);
            let _ = writeln!(out, "  {style}{mark}{line}{style:#}");
        }
        let shown = clean.lines().position(|line| std::ptr::eq(line, lines[lines.len() - 1]));
        let more = all.saturating_sub(shown.map_or(lines.len(), |at| at + 1));
        if more > 0 {
            let dim = self.palette.dim;
            let noun = if more == 1 { "line" } else { "lines" };
            let _ = writeln!(out, "  {dim}… {more} more {noun}{dim:#}");
        }
    }

    /// Prints an error in full, but only once.
    fn fail(&mut self, text: &str, out: &mut String) {
        let clean = sanitise(text.trim().as_bytes());
        if clean.is_empty() || self.error.as_ref() == Some(&clean) {
            return;
        }
        self.begin(out);
        let bad = self.palette.bad;
        for (at, line) in clean.lines().enumerate() {
            let mark = if at == 0 { "✗ " } else { "  " };
            let _ = writeln!(out, "{bad}{mark}{line}{bad:#}");
        }
        self.error = Some(clean);
    }
}

fn one_line(text: &str) -> String {
    sanitise(text.as_bytes()).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn count(text: &str) -> usize {
    text.trim_end().lines().count()
}

/// `12.3k tokens in (4.1k cached), 950 out, $0.42`. `None` if nothing is known.
#[must_use]
pub fn spent(usage: &Usage) -> Option<String> {
    let part = |n: Option<u64>, word: &str| {
        n.filter(|n| *n > 0).map(|n| format!(" ({} {word})", tokens(n))).unwrap_or_default()
    };
    let parts = [
        usage.input.map(|n| format!("{} tokens in{}", tokens(n), part(usage.cached_input, "cached"))),
        usage.output.map(|n| format!("{} out{}", tokens(n), part(usage.reasoning, "thought"))),
        cost(usage),
        usage.cumulative.then(|| "in this session".to_owned()),
    ];
    let known = parts[..3].iter().any(Option::is_some);
    known.then(|| parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// The cost: `$0.42`, or `≈$0.42` where it is estimated.
#[must_use]
pub fn cost(usage: &Usage) -> Option<String> {
    let about = if usage.cost_estimated { "≈" } else { "" };
    usage.cost_usd.map(|cost| format!("{about}{}", dollars(cost)))
}

/// `$0.42`, `$0.0042`
#[must_use]
pub fn dollars(n: f64) -> String {
    if n < 0.1 { format!("${n:.4}") } else { format!("${n:.2}") }
}

/// `950`, `12.3k`, `4.5M`
#[must_use]
pub fn tokens(n: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one digit behind the point")]
    let of = |unit: u64| n as f64 / unit as f64;
    match n {
        0..10_000 => n.to_string(),
        10_000..1_000_000 => format!("{:.1}k", of(1000)),
        _ => format!("{:.1}M", of(1_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(width: usize, color: bool, events: &[AgentEvent]) -> String {
        let mut renderer = Renderer::new(width, color).root("/p/x/");
        let mut out = String::new();
        for event in events {
            renderer.render(event, &mut out);
        }
        renderer.finish(&mut out);
        out
    }

    fn call(target: &str) -> AgentEvent {
        AgentEvent::ToolCall { name: "Edit".into(), target: target.into(), subagent: false }
    }

    #[test]
    fn a_tool_call_is_one_line_and_a_long_path_keeps_its_end() {
        assert_eq!(screen(40, false, &[call("/p/x/src/main.rs")]), "▸ Edit src/main.rs\n");
        assert_eq!(screen(20, false, &[call("a/long/way/to/main.rs")]), "▸ Edit …y/to/main.rs\n");
        assert_eq!(screen(20, false, &[call("cat <<E\nsome text\nE")]), "▸ Edit cat <<E some…\n");
    }

    #[test]
    fn a_long_result_is_shortened_and_says_by_how_much() {
        let head = "1\n2\n\n3\n4\n5\n6".to_owned();
        let shown = screen(40, false, &[AgentEvent::ToolResult { ok: true, head, lines: 50 }]);
        assert_eq!(shown, "  1\n  2\n  3\n  4\n  … 45 more lines\n");
    }

    #[test]
    fn plain_text_passes_through_line_by_line() {
        let text = |t: &str| AgentEvent::Text { text: t.into(), continues: true };
        assert_eq!(
            screen(20, false, &[text("a\n\n\nb"), text("c \u{1b}[3"), text("1md\n")]),
            "a\n\n\nbc d\n"
        );
    }

    #[test]
    fn no_foreign_text_controls_the_terminal() {
        let evil = "x\u{1b}]0;t\u{7}\u{1b}[2J\u{9b}1m\u{202e}y".to_owned();
        let shown = screen(
            80,
            false,
            &[
                AgentEvent::Session { id: evil.clone(), model: Some(evil.clone()) },
                AgentEvent::Text { text: evil.clone(), continues: false },
                AgentEvent::Aside { text: evil.clone() },
                AgentEvent::ToolCall { name: evil.clone(), target: evil.clone(), subagent: true },
                AgentEvent::ToolResult { ok: false, head: evil.clone(), lines: 1 },
                AgentEvent::Retry { text: evil.clone(), wait_s: None },
                AgentEvent::Notice { text: evil.clone() },
                AgentEvent::Stray { text: evil.clone(), verbatim: true },
                AgentEvent::Error { text: evil.clone() },
                AgentEvent::End { ok: false, text: None, error: Some(evil) },
            ],
        );
        assert!(!shown.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{shown:?}");
    }

    #[test]
    fn a_colour_ends_on_the_line_where_it_begins() {
        let error = AgentEvent::Error { text: "one\ntwo".into() };
        for line in screen(40, true, &[error, call("x")]).lines() {
            assert_eq!(line.matches("\u{1b}[0m").count(), 1, "{line:?}");
        }
    }

    #[test]
    fn unknown_parts_of_the_usage_are_not_shown() {
        assert_eq!(spent(&Usage::default()), None);
        let some = Usage { output: Some(12_345), cost_usd: Some(1.5), ..Usage::default() };
        assert_eq!(spent(&some).as_deref(), Some("12.3k out, $1.50"));
    }
}
