//! The only place that makes screens comparable: it replaces what differs from one machine or run to the next.

use regex::{Captures, Regex};

use crate::common::Project;

/// Pattern and replacement, applied in this order.
const RULES: &[(&str, &str)] = &[
    // times in JSON, weekdays, dates, and times of day; but not the offset `+00:00`
    // a time of tomorrow has its day, so that a plan near midnight would look different
    (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d (\d\d:\d\d)", "$2"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "2026-01-01T12:00:00Z"),
    (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\d)", "Thu $2"),
    (r"\b\d{4}-\d\d-\d\d\b", "2026-01-01"),
    (r"(^|[^\d:+-])\d\d:\d\d:\d\d\b", "${1}12:00:00"),
    (r"(^|[^\d:+-])\d\d:\d\d\b", "${1}12:00"),
    // a column of a table is as wide as its longest duration
    (r" {2,}\|", " |"),
    (r"-{4,}\|", "---|"),
    // on a slow machine, an answer comes more than a second after its question
    (r"; waited \d+s: \d+s for you\b", ""),
    (r#""waited_in_all_runs_s": \{[^}]*\}"#, r#""waited_in_all_runs_s": {}"#),
    (r#"("(waited|worked|verified|took|lasted)_(s|ms)": ?)\d+(\.\d+)?"#, "${1}0"),
    // processes, sockets and commits
    (r"\b(process|pid) \d+", "$1 4711"),
    (r#"("(pid|listens)": ?)\d+"#, "${1}4711"),
    (r"\b([0-9a-f]{40}|[0-9a-f]{9})\b", "c0ffee000"),
    // this machine
    (r"\bgit \d+(\.\d+)+", "git 2.50.0"),
    (r"\d+(\.\d+)? [KMGT]B free in \S+", "100 GB free in /tmp"),
    // one line for each of its disks
    (r"(  ok       100 GB free in /tmp\n){2,}", "  ok       100 GB free in /tmp\n"),
];

/// Replaces paths, host, version, times, measured durations, processes and commits by fixed ones.
pub(super) fn redact(project: &Project, text: &str) -> String {
    let host = rustix::system::uname();
    let mut text = text
        .replace(env!("CARGO_BIN_EXE_seqorch"), "seqorch")
        .replace(&project.root().display().to_string(), "/project")
        .replace(&project.outside().display().to_string(), "/project")
        .replace(&*host.nodename().to_string_lossy(), "host")
        .replace(env!("CARGO_PKG_VERSION"), "0.0.0");
    for (pattern, replacement) in RULES {
        text = Regex::new(pattern).unwrap().replace_all(&text, *replacement).into_owned();
    }
    // what is in quotes, or `5s at most`, is a fixed value
    let duration = Regex::new(r#"("[^"\n]*"|\d+s at most)|\b(\d+[hm] )*\d+(\.\d+)? ?(s|ms|µs)\b"#).unwrap();
    let measured = |found: &Captures| found.get(1).map_or("0s".to_owned(), |fixed| fixed.as_str().to_owned());
    duration.replace_all(&text, measured).into_owned()
}
