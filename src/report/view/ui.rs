//! PURE. What keys do: they move the selection, open texts, and ask for commands.

use super::keys::Key;
use super::model::{Standing, TaskMark, View, ViewRow, VisibleRows};
use super::text_page::TextPage;
use crate::report::text::wrap;

/// How the view is shown, and what its keys mean now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ui {
    /// The selected task; `None`: the running one, which stays visible.
    pub selected: Option<String>,
    /// The first row that was shown when the selection moved.
    pub(super) top: usize,
    /// What is shown, and what keys mean.
    pub mode: UiMode,
    /// Whether to use colours.
    pub color: bool,
    /// Whether it is the window of a run: then Ctrl-C stops the run.
    pub of_run: bool,
    /// Whether a command of a key has not ended yet.
    pub busy: bool,
    /// Whether this command opens a text.
    pub opens: bool,
    /// A message about the last key.
    pub note: Option<String>,
    /// Whether the message stands where a text was to open: the key that closes a text closes it.
    pub instead_of_text: bool,
    /// Whether a person at this terminal has an editor.
    pub has_editor: bool,
    /// What was searched for last.
    pub(super) found: String,
}

/// What is shown, and what keys mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum UiMode {
    /// The list of tasks.
    #[default]
    List,
    /// The keys.
    Help,
    /// A question that `y` answers.
    Confirm(ViewCommand),
    /// A line to type.
    Input(InputLine, String),
    /// A long text.
    Text(TextPage),
}

/// What a typed line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputLine {
    /// A part of an id or a title to find.
    Find,
    /// The answer for a task.
    Answer(String),
    /// A note for the agent of a task.
    Note(String),
}

/// What a key asks of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UiRequest {
    /// Leave the view.
    Leave,
    /// Redraw the screen.
    Redraw,
    /// Do not open the text that was asked for.
    Forget,
    /// Ctrl-C in the window of a run: stop it, or end its agent.
    Interrupt,
    /// Do this.
    Do(ViewCommand),
}

/// A command for the selected task or the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewCommand {
    /// Show its log.
    Log(String),
    /// Show what it changed.
    Diff(String),
    /// Answer its question in an editor.
    Answer(String),
    /// Answer its question with this text.
    AnswerWith(String, String),
    /// Give its next prompt this note.
    Note(String, String),
    /// Skip it.
    Skip(String),
    /// Pause before the next step.
    Pause,
    /// End the pause, and every wait that a person may end.
    Resume,
    /// Stop after this step.
    Stop,
    /// Do not stop after this step.
    KeepRunning,
}

impl Ui {
    /// The list, with the running task in view.
    #[must_use]
    pub fn new(color: bool, of_run: bool, has_editor: bool) -> Self {
        Self { color, of_run, has_editor, ..Self::default() }
    }

    /// The selected row: the one that a person chose, or the one that stays visible.
    #[must_use]
    pub fn row<'v>(&self, view: &'v View) -> Option<&'v ViewRow> {
        view.rows.get(self.index(view))
    }

    pub(super) fn index(&self, view: &View) -> usize {
        let chosen = self.selected.as_ref().and_then(|id| view.rows.iter().position(|row| row.id == *id));
        chosen.unwrap_or(view.focus)
    }

    /// How many rows the last line takes: a message is shown whole.
    pub(super) fn footer_rows(&self, columns: u16) -> u16 {
        const MOST: usize = 4;
        let is_note = !matches!(self.mode, UiMode::Confirm(_) | UiMode::Input(..));
        let note = self.note.as_ref().filter(|_| is_note);
        let rows = note.map_or(1, |note| wrap(note, usize::from(columns)).len().min(MOST));
        u16::try_from(rows).unwrap_or(1)
    }

    /// Whether the view may be left. The window of a run stays, also after its end: a dead one shows nothing.
    fn may_leave(&self) -> bool {
        !self.of_run
    }

    fn note_that_it_stays(&mut self) {
        self.note = Some("this window stays with the run; leave tmux with its prefix and d".to_owned());
    }

    /// Handles a key. `drawn` are the rows that were on the screen.
    pub fn on(&mut self, key: Key, view: &View, drawn: VisibleRows) -> Option<UiRequest> {
        self.note = None;
        let closes = matches!(key, Key::Char('q') | Key::Escape) && self.mode == UiMode::List;
        if std::mem::take(&mut self.instead_of_text) && closes {
            return None;
        }
        if self.opens && closes {
            return Some(UiRequest::Forget);
        }
        match key {
            Key::Redraw => return Some(UiRequest::Redraw),
            Key::Interrupt if !matches!(self.mode, UiMode::List) => {
                self.mode = UiMode::List;
                return None;
            }
            Key::Interrupt if self.may_leave() => return Some(UiRequest::Leave),
            Key::Interrupt if view.standing != Standing::Running => {
                self.note_that_it_stays();
                return None;
            }
            Key::Interrupt => return Some(UiRequest::Interrupt),
            _ => {}
        }
        match std::mem::take(&mut self.mode) {
            UiMode::List => self.in_list(key, view, drawn),
            UiMode::Help => {
                if !matches!(key, Key::Char('?' | 'h' | 'q') | Key::Escape | Key::Enter) {
                    self.mode = UiMode::Help;
                }
                None
            }
            UiMode::Confirm(command) => match key {
                Key::Char('y' | 'Y') => {
                    if let ViewCommand::Skip(unit) = &command {
                        self.select_after(unit, view, drawn);
                    }
                    Some(UiRequest::Do(command))
                }
                Key::Char('n' | 'N' | 'q') | Key::Escape => {
                    self.note = Some("nothing was changed".to_owned());
                    None
                }
                _ => {
                    self.mode = UiMode::Confirm(command);
                    None
                }
            },
            UiMode::Input(line, text) => self.in_input(key, line, text, view),
            UiMode::Text(page) => {
                self.in_text(key, page, drawn);
                None
            }
        }
    }

    fn in_list(&mut self, key: Key, view: &View, drawn: VisibleRows) -> Option<UiRequest> {
        let last = view.rows.len().saturating_sub(1);
        let page = drawn.shown.saturating_sub(1).max(1);
        let at = self.index(view);
        match key {
            Key::Down | Key::Char('j') => self.select(view, drawn, at.saturating_add(1).min(last)),
            Key::Up | Key::Char('k') => self.select(view, drawn, at.saturating_sub(1)),
            Key::PageDown | Key::Char(' ') => self.select(view, drawn, at.saturating_add(page).min(last)),
            Key::PageUp | Key::Char('b') => self.select(view, drawn, at.saturating_sub(page)),
            Key::First | Key::Char('g') => self.select(view, drawn, 0),
            Key::Last | Key::Char('G') => self.select(view, drawn, last),
            Key::Char('f') | Key::Escape => self.selected = None,
            Key::Char('?' | 'h') => self.mode = UiMode::Help,
            Key::Char('/') => self.mode = UiMode::Input(InputLine::Find, String::new()),
            Key::Char('q') if self.may_leave() => return Some(UiRequest::Leave),
            Key::Char('q') => self.note_that_it_stays(),
            Key::Char('x' | 'p') if view.standing != Standing::Running => {
                self.note = Some("no run is active".to_owned());
            }
            Key::Char('x') if view.stopping => return Some(UiRequest::Do(ViewCommand::KeepRunning)),
            Key::Char('x') => self.mode = UiMode::Confirm(ViewCommand::Stop),
            Key::Char('p') if view.paused => return Some(UiRequest::Do(ViewCommand::Resume)),
            Key::Char('p') => return Some(UiRequest::Do(ViewCommand::Pause)),
            Key::Enter | Key::Char('d' | 'a' | 'n' | 's') => return self.of_task(view, key),
            _ => {}
        }
        None
    }

    fn select(&mut self, view: &View, drawn: VisibleRows, index: usize) {
        self.top = drawn.top;
        self.selected = view.rows.get(index).map(|row| row.id.clone());
    }

    /// Selects the task after this one, which goes to the end of the list.
    fn select_after(&mut self, unit: &str, view: &View, drawn: VisibleRows) {
        let at = view.rows.iter().position(|row| row.id == unit).filter(|_| self.selected.is_some());
        if let Some(at) = at {
            let next = if at + 1 < view.rows.len() { at + 1 } else { at.saturating_sub(1) };
            self.select(view, drawn, next);
        }
    }

    /// A key that acts on the selected task.
    fn of_task(&mut self, view: &View, key: Key) -> Option<UiRequest> {
        let row = self.row(view)?;
        let unit = row.id.clone();
        let (log, diff) = (key == Key::Enter, key == Key::Char('d'));
        if (log || diff) && !row.ran {
            self.note = Some(format!("task {unit} has not run yet"));
            self.instead_of_text = true;
            return None;
        }
        match key {
            Key::Enter => return Some(UiRequest::Do(ViewCommand::Log(unit))),
            Key::Char('d') if row.mark == TaskMark::Running => {
                self.note =
                    Some(format!("task {unit} is at work; its changes are known when its attempt ends"));
                self.instead_of_text = true;
            }
            Key::Char('d') => return Some(UiRequest::Do(ViewCommand::Diff(unit))),
            Key::Char('a') if row.mark != TaskMark::Halted => {
                let asks = view.rows.iter().find(|row| row.mark == TaskMark::Halted);
                self.note = Some(match asks {
                    Some(other) => format!("task {unit} asks nothing; task {} does", other.id),
                    None => format!("task {unit} asks nothing"),
                });
            }
            Key::Char('a') if self.has_editor => return Some(UiRequest::Do(ViewCommand::Answer(unit))),
            Key::Char('a') => self.mode = UiMode::Input(InputLine::Answer(unit), String::new()),
            Key::Char('n' | 's') if matches!(row.mark, TaskMark::Done | TaskMark::Skipped) => {
                self.note = Some(format!("task {unit} is {}", row.mark.word()));
            }
            Key::Char('s') if row.mark == TaskMark::Running => {
                self.note =
                    Some(format!("an agent works on task {unit}; skip it when its attempt has ended"));
            }
            Key::Char('n') => self.mode = UiMode::Input(InputLine::Note(unit), String::new()),
            Key::Char('s') => self.mode = UiMode::Confirm(ViewCommand::Skip(unit)),
            _ => {}
        }
        None
    }

    fn in_input(&mut self, key: Key, line: InputLine, mut text: String, view: &View) -> Option<UiRequest> {
        match key {
            Key::Escape => return None,
            Key::Backspace => {
                text.pop();
            }
            Key::Char(c) => text.push(c),
            Key::Enter => return self.typed(line, text, view),
            _ => {}
        }
        if line == InputLine::Find {
            self.find(view, &text, 0);
        }
        self.mode = UiMode::Input(line, text);
        None
    }

    fn typed(&mut self, line: InputLine, text: String, view: &View) -> Option<UiRequest> {
        match line {
            InputLine::Find => {
                // an empty search finds the next one
                let (wanted, from) = if text.is_empty() { (self.found.clone(), 1) } else { (text, 0) };
                if !wanted.is_empty() && !self.find(view, &wanted, from) {
                    self.note = Some(format!("no task has {wanted:?} in its id or title"));
                }
                self.found = wanted;
                None
            }
            _ if text.trim().is_empty() => {
                self.note = Some("nothing was written".to_owned());
                None
            }
            InputLine::Answer(unit) => Some(UiRequest::Do(ViewCommand::AnswerWith(unit, text))),
            InputLine::Note(unit) => Some(UiRequest::Do(ViewCommand::Note(unit, text))),
        }
    }

    /// Selects the next row that has the text, from `skip` rows after the selected one on. `false`: no row has it.
    fn find(&mut self, view: &View, text: &str, skip: usize) -> bool {
        let (text, from, count) = (text.to_lowercase(), self.index(view) + skip, view.rows.len());
        let has = |row: &ViewRow| row.id.to_lowercase() == text || row.title.to_lowercase().contains(&text);
        let starts = |row: &ViewRow| row.id.to_lowercase().starts_with(&text);
        let next = |of: &dyn Fn(&ViewRow) -> bool| {
            (0..count).map(|n| (from + n) % count).find(|at| of(&view.rows[*at]))
        };
        let found = next(&has).or_else(|| next(&starts)).filter(|_| !text.is_empty());
        if let Some(at) = found {
            self.selected = Some(view.rows[at].id.clone());
        }
        found.is_some()
    }

    fn in_text(&mut self, key: Key, mut page: TextPage, drawn: VisibleRows) {
        let whole = drawn.shown.saturating_sub(1).max(1);
        let is_at_end = drawn.top + drawn.shown >= drawn.rows;
        let down = |by: usize| if is_at_end { drawn.top } else { drawn.top + by };
        page.top = match key {
            Key::Char('q') | Key::Escape => return,
            Key::Down | Key::Enter | Key::Char('j') => down(1),
            Key::Up | Key::Char('k') => drawn.top.saturating_sub(1),
            Key::PageDown | Key::Char(' ') => down(whole),
            Key::PageUp | Key::Char('b') => drawn.top.saturating_sub(whole),
            Key::First | Key::Char('g') => 0,
            Key::Last | Key::Char('G') => usize::MAX,
            _ => drawn.top,
        };
        self.mode = UiMode::Text(page);
    }
}
