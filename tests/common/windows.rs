//! What the windows of the session `sequential-login` show.

use crate::common::Project;

pub(crate) const SESSION: &str = "=sequential-login:";

/// `NAME STATE` of each window.
pub(crate) fn states(project: &Project) -> Vec<String> {
    let list = project.ask_tmux(&["list-windows", "-t", SESSION, "-F", "#{window_name} #{@seqorch_mark}"]);
    list.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// A format, expanded for each pane of a window.
pub(crate) fn panes(project: &Project, window: &str, format: &str) -> Vec<String> {
    let target = format!("{SESSION}{window}");
    project.ask_tmux(&["list-panes", "-t", &target, "-F", format]).lines().map(str::to_owned).collect()
}

pub(crate) fn shown(project: &Project, window: &str, pane: usize) -> String {
    let id = panes(project, window, "#{pane_id}").get(pane).cloned().unwrap_or_default();
    project.ask_tmux(&["capture-pane", "-p", "-t", &id])
}
