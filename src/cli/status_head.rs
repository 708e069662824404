//! The first lines of `seqorch status`: where a spec stands, and what keeps its tasks.md from running.

use std::io::Write;

use crate::project::SpecPlace;
use crate::report::needs::{self, ShownNeed};
use crate::report::text::{sanitise_line, shell_word};
use crate::report::theme::{BAD, BOLD, paint, style_of};
use crate::report::view::Standing;
use crate::report::work_tree::ShownTree;
use crate::store::lock::Holder;

/// Where a spec stands.
pub(super) struct StatusHead<'a> {
    name: &'a str,
    standing: Standing,
    /// Its tasks.md leaves open whether something is to be done.
    is_unclear: bool,
    /// Why its tasks.md can't be run.
    trouble: Option<&'a str>,
    typed: &'a str,
}

impl<'a> StatusHead<'a> {
    /// That of a spec.
    pub(super) fn new(
        place: &'a SpecPlace,
        standing: Standing,
        is_unclear: bool,
        trouble: Option<&'a str>,
    ) -> Self {
        Self { name: &place.name, standing, is_unclear, trouble, typed: &place.typed }
    }
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
