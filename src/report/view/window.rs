//! PURE. Which rows of a long list are shown: those around the selected one. The others are collapsed into a line above and
//! a line below, which say how many tasks they are and how these stand.

use super::model::{TaskMark, ViewRow};

/// The shown rows of a list: from `top` to before `end`. A line stands for those before, and one for those after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListWindow {
    pub(super) top: usize,
    pub(super) end: usize,
}

impl ListWindow {
    /// The window of this height in which row `focus` is visible. `before` is the first row of the last one, if the reader
    /// moves through the list: then it moves no further than it must.
    pub(super) fn around(rows: usize, focus: usize, height: usize, before: Option<usize>) -> Self {
        if rows <= height {
            return Self { top: 0, end: rows };
        }
        if height < 3 {
            // no room for lines about the others
            let top = focus.min(rows - height);
            return Self { top, end: top + height };
        }
        let inner = height - 2;
        // two thirds of the shown rows come after the running one
        let wanted = before.unwrap_or_else(|| focus.saturating_sub(inner / 3));
        let top = wanted.clamp((focus + 1).saturating_sub(inner), focus);
        if top <= 1 && focus < height - 1 {
            return Self { top: 0, end: height - 1 };
        }
        let last = rows - (height - 1);
        if top >= last || rows - top < height {
            return Self { top: last, end: rows };
        }
        Self { top, end: top + inner }
    }
}

/// `✓ 24 done · ✗ 1 failed`: what rows that are not shown are, and whether one of them needs a look.
pub(super) fn collapsed(rows: &[ViewRow]) -> (String, bool) {
    let kinds: [(&str, &[TaskMark], &str); 6] = [
        ("✗", &[TaskMark::Failed], "failed"),
        ("‖", &[TaskMark::Halted], "halted"),
        ("✓", &[TaskMark::Done], "done"),
        ("▶", &[TaskMark::Running, TaskMark::Waiting], "running"),
        ("·", &[TaskMark::Next, TaskMark::Todo, TaskMark::Deferred], "to do"),
        ("–", &[TaskMark::Skipped], "skipped"),
    ];
    let mut parts = Vec::new();
    let mut bad = false;
    for (sign, marks, word) in kinds {
        let count = rows.iter().filter(|row| marks.contains(&row.mark)).count();
        if count > 0 {
            bad |= matches!(marks[0], TaskMark::Failed | TaskMark::Halted);
            parts.push(format!("{sign} {count} {word}"));
        }
    }
    (parts.join(" · "), bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_row_is_visible_and_the_height_is_kept() {
        for rows in 0..40 {
            for height in 1..20 {
                for focus in 0..rows {
                    for before in [None, Some(0), Some(5), Some(39)] {
                        let window = ListWindow::around(rows, focus, height, before);
                        let case = format!("{rows} {focus} {height} {before:?}: {window:?}");
                        assert!(window.top <= focus && focus < window.end && window.end <= rows, "{case}");
                        let lines = if height < 3 {
                            0
                        } else {
                            usize::from(window.top > 0) + usize::from(window.end < rows)
                        };
                        let shown = window.end - window.top + lines;
                        assert!(shown == height.min(rows), "{case}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_step_moves_the_list_only_at_its_edge() {
        let at = |focus, before| ListWindow::around(100, focus, 12, Some(before)).top;
        assert_eq!((at(40, 38), at(47, 38), at(48, 38), at(37, 38)), (38, 38, 39, 37));
        assert_eq!(ListWindow::around(100, 40, 12, None).top, 37);
    }
}
