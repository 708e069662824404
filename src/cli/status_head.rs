//! The first lines of `seqorch status`: where a spec stands, and what keeps its tasks.md from running.

use std::io::Write;

use crate::report::needs::{self, ShownNeed};
use crate::report::text::{sanitise_line, shell_word};
use crate::report::theme::{BAD, BOLD, paint, style_of};
use crate::report::view::Standing;
use crate::report::work_tree::ShownTree;
use crate::store::lock::Holder;

/// Where a spec stands.
pub(super) struct StatusHead<'a> {
    pub(super) name: &'a str,
    pub(super) standing: Standing,
    /// Its tasks.md leaves open whether something is to be done.
    pub(super) is_unclear: bool,
    /// Why its tasks.md can't be run.
    pub(super) trouble: Option<&'a str>,
    pub(super) typed: &'a str,
}

/// Writes where the spec stands, its work tree, and its run.
pub(super) fn write_head(
    out: &mut impl Write,
    of: &StatusHead<'_>,
    needs: &[ShownNeed],
    (tree, holder): (Option<&ShownTree>, Option<&Holder>),
) {
    let word = if of.is_unclear { "can't be run" } else { of.standing.word() };
    let head = match needs::headline(needs) {
        None => word.to_owned(),
        Some(needed) if of.standing.needs_human() => needed,
        Some(needed) => format!("{word}, {needed}"),
    };
    let style = if of.is_unclear { BAD } else { style_of(of.standing) };
    let _ = writeln!(out, "{}: {}", paint(BOLD, &sanitise_line(of.name)), paint(style, &head));
    if let Some(trouble) = of.trouble {
        let plan = sanitise_line(&format!("seqorch plan {}", shell_word(of.typed)));
        let _ = writeln!(out, "  {}", sanitise_line(trouble));
        let _ = writeln!(out, "  fix the file; `{plan}` shows all that is wrong with it");
    }
    if let Some(tree) = tree {
        let _ = writeln!(out, "  {tree}");
    }
    if let Some(holder) = holder {
        let session = holder.session.as_deref().map_or_else(String::new, |s| format!(", tmux session {s}"));
        let _ = writeln!(out, "  run: process {} on {}{session}", holder.pid, holder.host);
    }
}
