//! The panes beside an agent in the window of its unit: checks, and the user's side panes.

use std::ffi::OsString;
use std::path::Path;

use super::window_programs::{ProgramContext, hand_out};
use super::windows::{RunWindows, verify_purpose};
use crate::attempt::window::{AttemptProcess, WindowProgram};
use crate::config::{Layout, Pane, Side};
use crate::error::Result;
use crate::tmux::{CommandLine, NewPane, TmuxWindow};

impl RunWindows {
    /// Runs a check in a pane below the agent, the same pane each time, or in a window of its own if there is no room.
    pub fn open_check(
        &mut self,
        name: &str,
        purpose: &str,
        cwd: &Path,
        argv: &[OsString],
    ) -> Result<TmuxWindow> {
        self.pending = None;
        if let Some(pane) = self.verifying.get(purpose) {
            match self.tmux.reuse_pane(&pane.pane, cwd, argv) {
                Ok(pane) => return Ok(pane),
                Err(error) if error.is_final() => return Err(error.into()),
                Err(_) => {}
            }
        }
        if let Some(window) = self.windows.get(purpose).cloned() {
            let new = NewPane { from: &window.pane, right: false, size: None, cwd, argv };
            match self.tmux.new_pane(new) {
                Ok(pane) => {
                    self.verifying.insert(purpose.to_owned(), pane.clone());
                    self.arrange(&window);
                    return Ok(pane);
                }
                Err(error) if error.is_final() => return Err(error.into()),
                // there is no room for it
                Err(_) => {}
            }
        }
        self.open(&format!("{name}-verify"), &verify_purpose(purpose), cwd, argv, None)
    }

    /// Opens the side panes of the window for `purpose`. They end with the attempt of that process id and start time. Returns a
    /// line for the user at the first failure only.
    pub fn open_side_panes(
        &mut self,
        purpose: &str,
        attempt: (i32, u64),
        context: ProgramContext<'_>,
    ) -> Option<String> {
        let panes = self.settings.panes.clone();
        let window = self.windows.get(purpose).filter(|_| !panes.is_empty())?.clone();
        self.pending = None;
        let mut opened: Vec<String> = Vec::new();
        let mut open = || -> Result<()> {
            let programs = panes.iter().map(|pane| pane.command.iter().map(OsString::from).collect());
            let socket = hand_out(programs.collect(), context)?;
            for (index, (pane, split)) in panes.iter().zip(splits(&panes)).enumerate() {
                let program = WindowProgram {
                    socket: socket.clone(),
                    token: index.to_string(),
                    cwd: pane.cwd.clone(),
                    attempt: Some(AttemptProcess { pid: attempt.0, started: attempt.1 }),
                    every: pane.every,
                };
                let argv = program.argv(context.exe);
                let from = split.from.and_then(|at| opened.get(at)).unwrap_or(&window.pane);
                let new = NewPane {
                    from,
                    right: split.right,
                    size: Some(&split.size),
                    cwd: &pane.cwd,
                    argv: &argv,
                };
                opened.push(self.tmux.new_pane(new)?.pane);
            }
            Ok(())
        };
        let done = open();
        self.arrange(&window);
        let error = done.err().filter(|_| !std::mem::replace(&mut self.complained, true))?;
        Some(format!("! a side pane could not be opened: {}", error.render().trim_end()))
    }

    fn arrange(&mut self, window: &TmuxWindow) {
        let first = self.settings.panes.first();
        if let Some((first, layout)) = first.zip(self.settings.layout) {
            self.later(arrangement(layout, first.size.as_deref(), &window.id));
        }
    }
}

/// How a side pane is split off.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PaneSplit {
    /// The pane that it is split from, by its place in the list; `None` for the agent.
    from: Option<usize>,
    /// To the right of that pane instead of below it.
    right: bool,
    /// In tmux's notation.
    size: String,
}

/// The split of each pane: the first pane of a side is split from the agent, the others from the pane before them.
fn splits(panes: &[Pane]) -> Vec<PaneSplit> {
    let mut splits = Vec::new();
    for (index, pane) in panes.iter().enumerate() {
        let same_side = |pane_: &&Pane| pane_.side == pane.side;
        let before = panes[..index].iter().rposition(|p| p.side == pane.side);
        let after = panes[index..].iter().filter(same_side).count();
        let right = (pane.side == Side::Right) == before.is_none();
        // the pane before has the room for all panes that follow it
        let even = if before.is_some() { 100 * after / (after + 1) } else { 35 };
        let size = pane.size.clone().unwrap_or_else(|| format!("{even}%"));
        splits.push(PaneSplit { from: before, right, size });
    }
    splits
}

/// The tmux command that arranges a window's panes.
fn arrangement(layout: Layout, size: Option<&str>, window: &str) -> CommandLine {
    let mut line = CommandLine::default();
    let others = match layout.known_everywhere() {
        Layout::MainVertical => Some(("other-pane-width", "main-pane-width")),
        Layout::MainHorizontal => Some(("other-pane-height", "main-pane-height")),
        _ => None,
    };
    if let Some(((others, main), size)) = others.zip(size) {
        line.window_option(window, others, size);
        // the main pane grows to the rest of the window, but never shrinks
        line.window_option(window, main, "1");
    }
    line.then(["select-layout", "-t", window, layout.name()]);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pane(side: Side, share: Option<&str>) -> Pane {
        Pane {
            command: vec!["true".into()],
            size: share.map(str::to_owned),
            every: None,
            cwd: "/".into(),
            side,
        }
    }

    fn split(from: Option<usize>, right: bool, size: &str) -> PaneSplit {
        PaneSplit { from, right, size: size.to_owned() }
    }

    #[test]
    fn panes_of_one_side_share_its_room_evenly() {
        use Side::{Below, Right};
        let panes: Vec<_> = [Right, Below, Right, Right].map(|side| pane(side, None)).to_vec();
        assert_eq!(
            splits(&panes),
            [
                split(None, true, "35%"),
                split(None, false, "35%"),
                split(Some(0), false, "66%"),
                split(Some(2), false, "50%"),
            ]
        );
        assert_eq!(splits(&[pane(Below, Some("12")), pane(Below, None)])[1], split(Some(0), true, "50%"));
    }

    #[test]
    fn a_main_layout_gives_side_panes_their_size() {
        let words = |line: CommandLine| {
            let words: Vec<_> = line.into_words().into_iter().map(|w| w.into_string().unwrap()).collect();
            words.join(" ")
        };
        assert_eq!(words(arrangement(Layout::Tiled, Some("30%"), "@1")), "select-layout -t @1 tiled");
        assert_eq!(
            words(arrangement(Layout::MainVerticalMirrored, Some("30%"), "@1")),
            "set-option -q -w -t @1 other-pane-width 30% ; set-option -q -w -t @1 main-pane-width 1 ; \
             select-layout -t @1 main-vertical-mirrored"
        );
    }
}
