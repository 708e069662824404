//! PURE. Sessions and windows of seqorch, and the options by which a later run finds them.

use std::path::PathBuf;

/// The option of a window of ours that says what it is for: a task's id, or [`MAIN_WINDOW`].
pub(super) const PURPOSE_OPTION: &str = "@seqorch";
/// The option of a window of ours that names its spec, because runs of several specs may share a session.
pub(super) const SPEC_OPTION: &str = "@seqorch_owner";
/// The option of a session of ours that names its project, because several projects may have a spec of the same name.
pub(super) const PROJECT_OPTION: &str = "@seqorch_project";

/// The purpose of the window with the progress.
pub const MAIN_WINDOW: &str = "main";

/// Whose sessions and windows these are, as short words without blanks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowOwner {
    /// The project, to which sessions belong.
    pub project: String,
    /// The spec of that project, to which windows belong.
    pub spec: String,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TmuxSession {
    /// Its id: `$1`.
    pub id: String,
    /// Its name, as tmux shows it.
    pub name: String,
}

/// A window, or one of its panes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TmuxWindow {
    /// The window's id: `@1`.
    pub id: String,
    /// The pane's id: `%1`.
    pub pane: String,
    /// The pane's terminal device.
    pub tty: PathBuf,
}
