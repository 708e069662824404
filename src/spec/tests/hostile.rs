//! Files meant to break the parser: it does not panic, and it stays fast.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::*;

#[test]
fn hostile_files_are_read_at_once() {
    are_read_at_once(20_000);
}

#[test]
#[ignore = "takes seconds"]
fn hostile_files_take_linear_time() {
    // at this length quadratic time is far more
    are_read_at_once(100_000);
}

fn are_read_at_once(n: usize) {
    for source in [
        "```\n".repeat(n),
        "<!--\n".repeat(n),
        "`<!--".repeat(n),
        "- [".repeat(n),
        "- [ ] ".repeat(n),
        "  ".repeat(n) + "- [ ] 1. a",
        (0..n / 50).fold(String::new(), |all, i| all + &" ".repeat(i) + "- [ ] 1. a\n"),
        "depends on ".repeat(n),
        "- [ ] 1. a\n".repeat(n),
        "# 1. a\n".repeat(n),
        "| a ".repeat(n),
        format!("- [ ] 1. a\n  - depends on: {}", "1, ".repeat(n)),
        "- [ ] 1".to_owned() + &".1".repeat(n),
        "_a: ".repeat(n),
        "> ".repeat(n),
        "(".repeat(n),
        (1..n / 33).map(|i| "`".repeat(i % 100) + "\n").collect(),
        "<<<<<<< \n".repeat(n),
        "- [ ] a-".to_owned() + &"a-".repeat(n),
        "`[".repeat(n),
        "[D:".repeat(n),
        "**".repeat(n),
        "- [ ] ".to_owned() + &"[P]".repeat(n),
    ] {
        let start = Instant::now();
        let file = parse(&source);
        let shown = render_diagnostics("t.md", &source, &file.diagnostics, false, 80);
        assert!(shown.len() < 1_000_000);
        assert!(start.elapsed() < Duration::from_secs(20), "{:?} took {:?}", &source[..20], start.elapsed());
    }
}

fn soup() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("- [ ] "),
        Just("- [x]* "),
        Just("[x] "),
        Just("1. "),
        Just("1.2 "),
        Just("T001 "),
        Just("**"),
        Just("~~"),
        Just("`"),
        Just("```"),
        Just("<!--"),
        Just("-->"),
        Just("> "),
        Just("\n"),
        Just("\r\n"),
        Just("\r"),
        Just("\n  "),
        Just("\t"),
        Just("# "),
        Just("### Task 2: "),
        Just("### Iteration 1: "),
        Just("### Milestone 2: "),
        Just("#### Task Group 1: "),
        Just("## In Progress\n"),
        Just("## Tasks\n"),
        Just("## Progress\n"),
        Just("## Ideas\n"),
        Just("- [ ] Task: "),
        Just("- [ ] Step 1: "),
        Just("- [ ] **Step 2: "),
        Just("  - [ ] Subtask 1.1: "),
        Just("- [~] "),
        Just("- [?] "),
        Just("1) [ ] "),
        Just(" - [ ]\n"),
        Just("1.0 "),
        Just("(AC: 1)"),
        Just("[Review][Patch] "),
        Just("(human)"),
        Just("<task type=\"auto\">\n"),
        Just("<name>"),
        Just("</name>\n"),
        Just("</task>\n"),
        Just("---\n"),
        Just("todos:\n"),
        Just("  - id: a\n"),
        Just("    content: "),
        Just("    status: pending\n"),
        Just("{\"tasks\": ["),
        Just("{\"title\": \"a\", \"passes\": false}"),
        Just("| "),
        Just("depends on "),
        Just("**Dependencies:** "),
        Just("Task 1-3"),
        Just("_Requirements: 1_"),
        Just("["),
        Just("]"),
        Just("(P)"),
        Just("工"),
        Just("："),
        Just("\u{FEFF}"),
        Just("\u{1b}"),
        Just("\u{0}"),
        Just("é"),
        Just("✅"),
        Just("<<<<<<< a"),
        Just(">>>>>>> b"),
    ];
    proptest::collection::vec(token, 0..60).prop_map(|v| v.concat())
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(source in ".{0,200}") {
        prop_assert!(parse(&source).tasks.len() <= source.len());
    }

    #[test]
    fn spans_marks_and_lines_match_the_text(source in soup()) {
        for dialect in [
            None,
            Some(Dialect::Kiro),
            Some(Dialect::SpecKit),
            Some(Dialect::Headings),
            Some(Dialect::Table),
            Some(Dialect::Numbered),
            Some(Dialect::Plain),
        ] {
            let file = parse_as(&source, dialect);
            for task in &file.tasks {
                let line = source.trim_start_matches('\u{FEFF}').split('\n').nth(task.line - 1).unwrap();
                let got = &source[task.span.clone()];
                prop_assert!(line.ends_with(got) || line.strip_suffix('\r').unwrap_or(line).ends_with(got));
                let is_box = !matches!(file.dialect, Dialect::Todos | Dialect::PrdJson | Dialect::Taskmaster);
                if let Some(mark) = task.mark.as_ref().filter(|_| is_box) {
                    prop_assert_eq!(&source[mark.start - 1..mark.start], "[");
                    prop_assert_eq!(&source[mark.end..=mark.end], "]");
                }
                if let Some(parent) = &task.parent { prop_assert!(file.task(parent).is_some()); }
                for other in &task.depends_on { prop_assert!(file.task(other).is_some()); }
            }
            let refused = |d: &Diagnostic| ["no tasks found", "this is not valid JSON", "the head of this file"].iter().any(|why| d.message.starts_with(why));
            prop_assert_eq!(file.tasks.is_empty(), file.diagnostics.iter().any(refused));
            for d in &file.diagnostics {
                prop_assert!(source.get(d.span.clone()).is_some());
                prop_assert_eq!(d.line, 1 + source[..d.span.start].matches('\n').count());
            }
            // No line is both a task and ignored.
            for g in &file.ignored { prop_assert!(file.tasks.iter().all(|t| t.line != g.line)); }
        }
    }

    #[test]
    fn a_task_is_never_its_own_ancestor(source in soup()) {
        let file = parse(&source);
        if file.diagnostics.iter().any(|d| d.message.contains("used twice")) { return Ok(()); }
        for task in &file.tasks {
            let mut up = task.parent.as_deref();
            let mut steps = 0;
            while let Some(id) = up {
                up = file.task(id).and_then(|t| t.parent.as_deref());
                steps += 1;
                prop_assert!(steps <= file.tasks.len());
            }
        }
    }
}
