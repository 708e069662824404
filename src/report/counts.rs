//! PURE. The counts of tasks as one line, the same in every output.

use super::text::plural;
use crate::state::Counts;

/// `3 of 6 tasks done · 1 failed · 1 to do · 1 skipped`, without those that are zero.
#[must_use]
pub fn line(counts: &Counts) -> String {
    let mut parts = vec![format!("{} of {} done", counts.done, plural(counts.all, "task"))];
    for (count, what) in [
        (counts.failed, "failed"),
        (counts.halted, "halted"),
        (counts.todo, "to do"),
        (counts.skipped, "skipped"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.join(" · ")
}

/// Whether a line of ours begins with counts.
pub(super) fn is_line(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().take(4).collect();
    matches!(words[..], [done, "of", all, "task" | "tasks"] if [done, all].iter().all(|word| word.parse::<usize>().is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_counts_are_left_out() {
        let counts = Counts { all: 6, done: 3, failed: 1, halted: 0, todo: 1, skipped: 1 };
        assert_eq!(line(&counts), "3 of 6 tasks done · 1 failed · 1 to do · 1 skipped");
        let one = line(&Counts { all: 1, done: 1, ..Counts::default() });
        assert_eq!(one, "1 of 1 task done");
        assert!(is_line(&one) && !is_line("  1  Two of 3 tasks: done"));
    }
}
