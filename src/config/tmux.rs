//! PURE. `[tmux]`: where agents can be watched, and what stands beside them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error as _};

use super::raw::{Size, Span};
use super::resolve::{Mistake, program};
use super::schema::{Entry, Kind, Node, entry, leaf, must};
use super::tree::{Item, KeyPath, Value};

/// `[tmux] mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TmuxMode {
    /// Use tmux where it is installed.
    Auto,
    /// Refuse to run without it.
    On,
    /// Plain child processes.
    Off,
}

/// `[tmux] keep`: which task windows stay open once their step is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Every one.
    #[default]
    All,
    /// Those of tasks that are not done.
    Failed,
    /// None, once the run has gone on.
    None,
}

/// `[tmux] layout`: tmux's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Beside each other, of one width.
    EvenHorizontal,
    /// Below each other, of one height.
    EvenVertical,
    /// The agent above, the others beside each other below it.
    MainHorizontal,
    /// The agent below (tmux 3.5).
    MainHorizontalMirrored,
    /// The agent on the left, the others below each other beside it.
    MainVertical,
    /// The agent on the right (tmux 3.5).
    MainVerticalMirrored,
    /// Rows and columns of one size.
    Tiled,
}

impl Layout {
    /// As tmux calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EvenHorizontal => "even-horizontal",
            Self::EvenVertical => "even-vertical",
            Self::MainHorizontal => "main-horizontal",
            Self::MainHorizontalMirrored => "main-horizontal-mirrored",
            Self::MainVertical => "main-vertical",
            Self::MainVerticalMirrored => "main-vertical-mirrored",
            Self::Tiled => "tiled",
        }
    }

    /// The same as every tmux knows it.
    #[must_use]
    pub fn known_everywhere(self) -> Self {
        match self {
            Self::MainHorizontalMirrored => Self::MainHorizontal,
            Self::MainVerticalMirrored => Self::MainVertical,
            other => other,
        }
    }
}

/// `[tmux]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tmux {
    /// Whether to use it.
    pub mode: TmuxMode,
    /// Session name; `{spec}` stands for the spec's name.
    pub session: String,
    /// Window name; `{id}` stands for the unit's id.
    pub window: String,
    /// Name of a private server (`tmux -L`); `None`: the user's own.
    pub socket: Option<String>,
    /// Columns and rows of a session that nobody looks at.
    pub size: (u16, u16),
    /// Whether the session has a window `main` with the progress.
    pub main: bool,
    /// Which task windows stay open.
    pub keep: Keep,
    /// How the panes of a task window share it; `None`: as each pane says.
    pub layout: Option<Layout>,
    /// Side panes of every task window.
    pub panes: Vec<Pane>,
    /// Further windows of the session.
    pub windows: Vec<ExtraWindow>,
}

/// `[[tmux.pane]]`: what runs beside the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pane {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Its share: `30%`, or rows (columns beside the agent).
    pub size: Option<String>,
    /// Run again and again, after so long a pause; `None`: once.
    pub every: Option<Duration>,
    /// Where, absolute.
    pub cwd: PathBuf,
    /// On which side of the agent.
    pub side: Side,
}

/// `tmux.pane[].side`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Beside it; further ones below each other there.
    #[default]
    Right,
    /// Below it; further ones beside each other there.
    Below,
}

/// `[[tmux.window]]`: a further window of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraWindow {
    /// Its name.
    pub name: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Where, absolute.
    pub cwd: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTmux {
    mode: TmuxMode,
    session: String,
    window: String,
    socket: Option<String>,
    size: Size,
    main: bool,
    keep: Keep,
    layout: Option<Layout>,
    #[serde(default)]
    pane: Vec<RawPane>,
    #[serde(default)]
    windows: Vec<RawWindow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPane {
    command: Vec<String>,
    size: Option<Share>,
    every: Option<Span>,
    cwd: Option<PathBuf>,
    #[serde(default)]
    side: Side,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWindow {
    name: String,
    command: Vec<String>,
    cwd: Option<PathBuf>,
}

#[derive(Debug)]
struct Share(String);

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        share(&String::deserialize(from)?).map(Self).map_err(D::Error::custom)
    }
}

/// Reads `30%` or a number of rows.
pub(super) fn share(text: &str) -> Result<String, String> {
    let bare = text.trim();
    let (digits, most) = bare.strip_suffix('%').map_or((bare, 1000), |percent| (percent.trim_end(), 99));
    let number = digits.parse::<u32>().ok().filter(|number| (1..=most).contains(number));
    let unit = if most == 99 { "%" } else { "" };
    number
        .map(|number| format!("{number}{unit}"))
        .ok_or_else(|| format!("{text:?} is no size of a pane; write a share like \"30%\", or rows like 12"))
}

/// The window with the progress has this name.
const MAIN: &str = "main";

impl RawTmux {
    /// `workdir` is where agents work, `root` the project.
    pub(super) fn resolve(self, root: &Path, workdir: &Path, mistakes: &mut Vec<Mistake>) -> Tmux {
        let at = KeyPath::parse("tmux");
        let folder = |cwd: Option<PathBuf>| cwd.map_or_else(|| workdir.to_owned(), |cwd| workdir.join(cwd));
        let argv = |mut command: Vec<String>| {
            if let Some(first) = command.first_mut() {
                *first = program(std::mem::take(first), root);
            }
            command
        };
        let mut panes = Vec::new();
        for (index, raw) in self.pane.into_iter().enumerate() {
            let every = raw.every.map(|every| every.0);
            if every == Some(Duration::ZERO) {
                let key = at.join("pane").join(index.to_string()).join("every");
                mistakes.push((key, "must be more than no time at all".to_owned()));
            }
            let size = raw.size.map(|share| share.0);
            panes.push(Pane {
                command: argv(raw.command),
                size,
                every,
                cwd: folder(raw.cwd),
                side: raw.side,
            });
        }
        let mut windows: Vec<ExtraWindow> = Vec::new();
        for (index, raw) in self.windows.into_iter().enumerate() {
            if raw.name == MAIN || windows.iter().any(|known| known.name == raw.name) {
                let key = at.join("windows").join(index.to_string()).join("name");
                mistakes.push((key, format!("there is a window {:?} already", raw.name)));
            }
            windows.push(ExtraWindow { name: raw.name, command: argv(raw.command), cwd: folder(raw.cwd) });
        }
        Tmux {
            mode: self.mode,
            session: self.session,
            window: self.window,
            socket: self.socket,
            size: self.size.0,
            main: self.main,
            keep: self.keep,
            layout: self.layout,
            panes,
            windows,
        }
    }
}

const COMMAND: Entry = must(leaf(
    "command",
    Kind::Command,
    "Program and arguments, no shell; a relative path starts at the project root.",
));
const CWD: Entry = leaf("cwd", Kind::Name, "Where it runs, relative to the work dir, which is the default.");

pub(super) const TMUX: Entry = entry(
    "tmux",
    Node::Table(&[
        leaf(
            "mode",
            Kind::Choice(&["auto", "on", "off"]),
            "Use tmux where it is installed (auto), refuse to run without it (on), or do without (off).",
        ),
        leaf("session", Kind::Name, "Name of the session; {spec} is the spec's name."),
        leaf("window", Kind::Name, "Name of a step's window; {id} is the unit's id."),
        leaf("socket", Kind::Name, "Name of a tmux server of its own (tmux -L); unset: the user's."),
        leaf("size", Kind::Size, "Columns and rows while nobody looks."),
        leaf("main", Kind::Bool, "Whether the session has a window \"main\" with the progress."),
        leaf(
            "keep",
            Kind::Choice(&["all", "failed", "none"]),
            "Which task windows stay open once their step is over: all, those of tasks that are not done (failed), or \
             none; a failed one waits until the run has gone on.",
        ),
        leaf(
            "layout",
            Kind::Choice(&[
                "even-horizontal",
                "even-vertical",
                "main-horizontal",
                "main-horizontal-mirrored",
                "main-vertical",
                "main-vertical-mirrored",
                "tiled",
            ]),
            "tmux's layout for task windows with side panes; unset: as side and size of each pane say.",
        ),
        entry(
            "pane",
            Node::List(&[
                COMMAND,
                leaf(
                    "every",
                    Kind::Duration,
                    "Run it again and again in a cleared pane, after this pause; unset: once.",
                ),
                leaf(
                    "side",
                    Kind::Choice(&["right", "below"]),
                    "On which side of the agent; further ones share that side.",
                ),
                leaf(
                    "size",
                    Kind::Share,
                    "Its share of the room, or rows (columns on the right); a main-* layout gives the size of the \
                     first pane to all of them, the other layouts share evenly.",
                ),
                CWD,
            ]),
            "A pane beside the agent in every task window; it ends with the attempt and keeps what it shows.",
        ),
        entry(
            "windows",
            Node::List(&[must(leaf("name", Kind::Name, "Name of the window.")), COMMAND, CWD]),
            "A further window, opened once per session; [[tmux.window]] says the same where no name is set for task windows.",
        ),
    ]),
    "Where agents can be watched.",
);

/// `[[tmux.window]]` is `tmux.windows`: the name was taken by a text.
pub(super) fn is_list_of_windows(at: &KeyPath, name: &str, item: &Item) -> bool {
    name == "window"
        && at.parts().last().is_some_and(|last| last == "tmux")
        && matches!(item.value, Value::List(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_or_a_number_of_rows() {
        for (text, read) in [("30%", "30%"), (" 5 % ", "5%"), ("12", "12"), ("099%", "99%")] {
            assert_eq!(share(text).as_deref(), Ok(read));
        }
        for text in ["", "%", "0", "0%", "100%", "-3", "1.5", "30 percent", "99999999999"] {
            assert!(share(text).unwrap_err().contains("is no size of a pane"), "{text}");
        }
    }

    #[test]
    fn a_layout_that_only_newer_ones_know_has_a_plain_one() {
        assert_eq!(Layout::MainVerticalMirrored.known_everywhere().name(), "main-vertical");
        assert_eq!(Layout::Tiled.known_everywhere().name(), "tiled");
    }
}
