//! Side panes of an agent's window, and what starts in them and in the user's own windows.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::{Keep, Layout, Pane, Side};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::handoff::Handoff;
use crate::sys::socket::{self, Listener};
use crate::tmux::CommandLine;

/// How long a new pane may take to ask for its program.
const PATIENCE: Duration = Duration::from_secs(30);

/// What `[tmux]` says about the windows of units.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Which windows stay open.
    pub keep: Keep,
    /// The layout of their panes.
    pub layout: Option<Layout>,
    /// The side panes.
    pub panes: Vec<Pane>,
}

/// What programs in side panes and own windows are started with.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// This program.
    pub exe: &'a Path,
    /// A private folder for a socket.
    pub folder: &'a Path,
    /// The environment of the shell that typed `seqorch`.
    pub env: &'a [(OsString, OsString)],
    /// Further variables for them.
    pub facts: &'a [(&'a str, String)],
}

/// How a side pane is split off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PaneSplit {
    /// The pane that it is split from, by its place in the list; `None` for the agent.
    pub(super) from: Option<usize>,
    /// To the right of that pane instead of below it.
    pub(super) right: bool,
    /// In tmux's notation.
    pub(super) size: String,
}

/// The split of each pane: the first pane of a side is split from the agent, the others from the pane before them.
pub(super) fn splits(panes: &[Pane]) -> Vec<PaneSplit> {
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
pub(super) fn arrange(layout: Layout, size: Option<&str>, window: &str) -> CommandLine {
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

/// Hands programs, with their environment, to the windows that ask for them at the returned path. A program's token is
/// its index.
pub(super) fn hand_out(programs: Vec<Vec<OsString>>, setting: Setting<'_>) -> Result<PathBuf> {
    let Setting { folder, env, facts, .. } = setting;
    let failed = |e| Error::new(ErrorKind::Internal, "opening a socket for panes").caused_by(e);
    let listener = Listener::bind(folder).map_err(failed)?;
    let path = listener.path().to_owned();
    let known = env.iter().filter(|(name, _)| facts.iter().all(|(fact, _)| name != *fact)).cloned();
    let facts = facts.iter().map(|(name, value)| (name.into(), value.into()));
    let env: Vec<(OsString, OsString)> = known.chain(facts).collect();
    let handoffs: Vec<_> = programs.into_iter().map(|argv| Handoff { argv, env: env.clone() }).collect();
    let thread = thread::Builder::new().name("panes".to_owned());
    thread.spawn(move || serve(&listener, &handoffs)).map_err(failed)?;
    Ok(path)
}

fn serve(listener: &Listener, handoffs: &[Handoff]) {
    let began = Instant::now();
    let mut left = handoffs.len();
    while left > 0 && began.elapsed() < PATIENCE {
        match socket::accept(listener.get(), PATIENCE.saturating_sub(began.elapsed())) {
            Ok(None) => {}
            Ok(Some(stream)) => {
                left -= 1;
                // a child that goes away, or does not read in time, does not matter to the others
                let _ = Handoff::answer(&stream, |token| handoffs.get(token.parse::<usize>().ok()?));
            }
            Err(_) => return,
        }
    }
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

    fn room(from: Option<usize>, right: bool, size: &str) -> PaneSplit {
        PaneSplit { from, right, size: size.to_owned() }
    }

    #[test]
    fn panes_of_one_side_share_its_room_evenly() {
        use Side::{Below, Right};
        let panes: Vec<_> = [Right, Below, Right, Right].map(|side| pane(side, None)).to_vec();
        assert_eq!(
            splits(&panes),
            [
                room(None, true, "35%"),
                room(None, false, "35%"),
                room(Some(0), false, "66%"),
                room(Some(2), false, "50%"),
            ]
        );
        assert_eq!(splits(&[pane(Below, Some("12")), pane(Below, None)])[1], room(Some(0), true, "50%"));
    }

    #[test]
    fn a_main_layout_gives_side_panes_their_size() {
        let words = |line: CommandLine| {
            let words: Vec<_> = line.into_words().into_iter().map(|w| w.into_string().unwrap()).collect();
            words.join(" ")
        };
        assert_eq!(words(arrange(Layout::Tiled, Some("30%"), "@1")), "select-layout -t @1 tiled");
        assert_eq!(
            words(arrange(Layout::MainVerticalMirrored, Some("30%"), "@1")),
            "set-option -q -w -t @1 other-pane-width 30% ; set-option -q -w -t @1 main-pane-width 1 ; \
             select-layout -t @1 main-vertical-mirrored"
        );
    }
}
