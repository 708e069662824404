//! PURE. `[tmux]`: how tmux shows the agents at work, and what else it shows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use crate::config::declare::{keys, words};
use crate::config::duration::NonZeroDuration;
use crate::config::formats::Command;
use crate::config::key::{ConfigType, KeyShape, ValueError, ValueFormat};
use crate::config::path::KeyPath;
use crate::config::problem::Problem;
use crate::config::tree::{TomlNode, TomlValue};

/// The window that shows the progress has this name.
const MAIN: &str = "main";

keys! {
    /// How tmux shows the agents at work.
    #[derive(Eq)]
    pub struct Tmux {
        /// Whether to use tmux: if it is installed (auto), always, so that a run without it does not start (on), or
        /// never (off).
        mode: TmuxMode = "auto", flag = "--no-tmux", inside;
        /// Name of the tmux session. {spec} stands for the name of the spec.
        session: String = "sequential-{spec}", flag = "--tmux-session", inside;
        /// Name of the window of a step. {id} stands for the id of the unit.
        window: String = "task-{id}", inside;
        /// Name of a tmux server that only seqorch uses (`tmux -L`). Unset: the tmux server that you use.
        socket: Option<String>, like = "seqorch", inside;
        /// Columns and rows of the session while no terminal is attached to it.
        size: (u16, u16) as WindowSize = "220x50", inside;
        /// Whether the session has a window "main" that shows the progress.
        main: bool = true, inside;
        /// Which task windows stay open after their step: all, only those of tasks that are not done (failed), or none.
        /// The window of a failed step stays in any case until the run continues.
        keep: Keep = "all", inside;
        /// The layout of tmux for task windows with side panes. Unset: side and size of each pane decide.
        layout: Option<Layout>, like = "main-vertical", inside;
        /// A pane next to the agent in every task window. It ends with the attempt, and its output stays visible.
        panes as "pane": Vec<Pane>;
        /// A further window, which opens once per session. `[[tmux.window]]` means the same where tmux.window is not
        /// also set to a name.
        windows: Vec<ExtraWindow>, also = "window";
    }
}

keys! {
    /// A pane next to the agent.
    #[derive(Eq)]
    pub struct Pane {
        /// Program and arguments of the pane, run without a shell. A relative path starts at the project root.
        command: Vec<String> as Command, required, like = ["git", "diff", "--stat"], executes;
        /// Pause after which the pane runs its command again, on a cleared screen. Unset: it runs once.
        every: Option<Duration> as Option<NonZeroDuration>, like = "5s", inside;
        /// Side of the agent on which the pane opens. Further panes of this side share it.
        side: Side = "right", inside;
        /// Size of the pane: a share of the window, or a number of rows (columns for a pane on the right). A main-*
        /// layout gives all panes the size of the first one. The other layouts give all panes the same size.
        size: Option<String> as Option<PaneSize>, like = "30%", inside;
        /// Folder in which the command runs, relative to the work dir. Unset: the work dir.
        cwd: PathBuf, like = "app", outside;
    }
}

keys! {
    /// A further window of the session.
    #[derive(Eq)]
    pub struct ExtraWindow {
        /// Name of the window.
        name: String, required, like = "log", inside;
        /// Program and arguments of the window, run without a shell. A relative path starts at the project root.
        command: Vec<String> as Command, required, like = ["tail", "-F", "app.log"], executes;
        /// Folder in which the command runs, relative to the work dir. Unset: the work dir.
        cwd: PathBuf, like = "app", outside;
    }
}

words! {
    /// Whether to use tmux.
    pub enum TmuxMode {
        /// Where it is installed.
        Auto = "auto",
        /// Always; a run without it does not start.
        On = "on",
        /// Never: agents are plain child processes.
        Off = "off",
    }
}

words! {
    /// Which task windows stay open after their step.
    pub enum Keep {
        /// Every one.
        All = "all",
        /// Those of tasks that are not done.
        Failed = "failed",
        /// None, once the run has continued.
        None = "none",
    }
}

/// The declared default of `tmux.keep`.
impl Default for Keep {
    fn default() -> Self {
        Tmux::default().keep
    }
}

words! {
    /// A layout of tmux.
    pub enum Layout {
        /// Next to each other, of one width.
        EvenHorizontal = "even-horizontal",
        /// Below each other, of one height.
        EvenVertical = "even-vertical",
        /// The agent above, the others next to each other below it.
        MainHorizontal = "main-horizontal",
        /// The agent below (tmux 3.5).
        MainHorizontalMirrored = "main-horizontal-mirrored",
        /// The agent on the left, the others below each other on its right.
        MainVertical = "main-vertical",
        /// The agent on the right (tmux 3.5).
        MainVerticalMirrored = "main-vertical-mirrored",
        /// Rows and columns of one size.
        Tiled = "tiled",
    }
}

impl Layout {
    /// The layout that comes closest to it among those of every version of tmux.
    #[must_use]
    pub fn known_everywhere(self) -> Self {
        match self {
            Self::MainHorizontalMirrored => Self::MainHorizontal,
            Self::MainVerticalMirrored => Self::MainVertical,
            other => other,
        }
    }
}

words! {
    /// The side of the agent on which a pane opens.
    pub enum Side {
        /// Right of it; further panes below each other there.
        Right = "right",
        /// Below it; further panes next to each other there.
        Below = "below",
    }
}

/// Columns and rows, at least one of each.
struct WindowSize;

impl ConfigType for WindowSize {
    type Value = (u16, u16);
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "string", "pattern": "^\\s*0*[1-9][0-9]{0,4}\\s*x\\s*0*[1-9][0-9]{0,4}\\s*$" }),
        ..ValueFormat::of::<Self>("size", "write columns and rows like \"220x50\"")
    });

    fn read(node: &TomlNode) -> Result<(u16, u16), ValueError> {
        let read = |number: &str| number.trim().parse::<u16>().ok().filter(|number| *number > 0);
        let (columns, rows) = node.text().and_then(|text| text.split_once('x')).ok_or(ValueError::Form)?;
        read(columns).zip(read(rows)).ok_or(ValueError::Form)
    }
}

/// A share of a window in percent, or a number of rows or columns.
struct PaneSize;

impl PaneSize {
    fn parse(text: &str) -> Result<String, ValueError> {
        let bare = text.trim();
        let (digits, most) = bare.strip_suffix('%').map_or((bare, 1000), |percent| (percent.trim_end(), 99));
        let number = digits.parse::<u32>().ok().filter(|number| (1..=most).contains(number));
        let unit = if most == 99 { "%" } else { "" };
        number.map(|number| format!("{number}{unit}")).ok_or(ValueError::Form)
    }
}

impl ConfigType for PaneSize {
    type Value = String;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        tidy: |node| Self::read(node).map_or_else(|_| node.value.clone(), TomlValue::Text),
        schema: || {
            json!({ "anyOf": [
                { "type": "string", "pattern": "^\\s*0*([1-9][0-9]?\\s*%|[1-9][0-9]{0,2}|1000)\\s*$" },
                { "type": "integer", "minimum": 1, "maximum": 1000 },
            ] })
        },
        ..ValueFormat::of::<Self>("pane size", "write a share like \"30%\", or rows like 12")
    });

    fn read(node: &TomlNode) -> Result<String, ValueError> {
        match &node.value {
            TomlValue::Text(text) => Self::parse(text),
            TomlValue::Int(rows) => Self::parse(&rows.to_string()),
            _ => Err(ValueError::Form),
        }
    }
}

impl Tmux {
    /// Makes the folders of panes and windows absolute, below `workdir`.
    pub(crate) fn resolve(&mut self, workdir: &Path) {
        for cwd in self.folders() {
            *cwd = if cwd.as_os_str().is_empty() { workdir.to_owned() } else { workdir.join(&cwd) };
        }
    }

    /// The folders in which panes and windows run their programs.
    pub(crate) fn folders(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let panes = self.panes.iter_mut().map(|pane| &mut pane.cwd);
        panes.chain(self.windows.iter_mut().map(|window| &mut window.cwd))
    }

    /// The programs of panes and windows.
    pub(crate) fn programs(&mut self) -> impl Iterator<Item = &mut String> {
        let panes = self.panes.iter_mut().map(|pane| &mut pane.command);
        panes
            .chain(self.windows.iter_mut().map(|window| &mut window.command))
            .filter_map(|argv| argv.first_mut())
    }

    /// What does not fit together: two windows of one name.
    pub(crate) fn problems(&self, at: &KeyPath) -> Vec<Problem> {
        let mut names = vec![MAIN];
        let mut found = Vec::new();
        for (index, window) in self.windows.iter().enumerate() {
            if names.contains(&window.name.as_str()) {
                let key = at.join("windows").element(index).join("name");
                found.push(Problem::of_key(key, format!("there is already a window {:?}", window.name)));
            }
            names.push(&window.name);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pane_size_is_a_percentage_or_a_number_of_rows() {
        for (text, read) in [("30%", "30%"), (" 5 % ", "5%"), ("12", "12"), ("099%", "99%")] {
            assert_eq!(PaneSize::parse(text).as_deref(), Ok(read));
        }
        for text in ["", "%", "0", "0%", "100%", "-3", "1.5", "30 percent", "99999999999"] {
            assert_eq!(PaneSize::parse(text), Err(ValueError::Form), "{text}");
        }
    }

    #[test]
    fn a_layout_of_newer_tmux_has_one_that_older_tmux_knows() {
        assert_eq!(Layout::MainVerticalMirrored.known_everywhere().name(), "main-vertical");
        assert_eq!(Layout::Tiled.known_everywhere().name(), "tiled");
    }
}
