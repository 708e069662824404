//! Generated specs, and real specs with random damage. For every file: the parser ends, each task is at its stated line,
//! and a tick changes one mark and no other byte.
//!
//! The search runs for `SEQORCH_FUZZ_SECONDS` (20 by default) from the seed `SEQORCH_FUZZ_SEED`, which it prints.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use fastrand::Rng;
use proptest::prelude::*;
use seqorch::spec::{self, Task, TaskFile, TaskState};

use crate::common::some_cases;

/// More than the parser needs for a small file on any machine.
const HANGS: Duration = Duration::from_secs(10);

fn by_id(file: &TaskFile) -> BTreeMap<&str, Vec<&Task>> {
    let mut all: BTreeMap<&str, Vec<&Task>> = BTreeMap::new();
    for task in &file.tasks {
        all.entry(&task.id).or_default().push(task);
    }
    all
}

/// Checks what must hold for any text; ticks the tasks that `pick` chooses.
fn holds(source: &str, pick: impl Fn(usize) -> bool) {
    let start = Instant::now();
    let file = spec::parse(source);
    assert!(start.elapsed() < HANGS, "reading took {:?}", start.elapsed());
    let lines: Vec<&str> = source.split('\n').collect();
    for task in &file.tasks {
        let line = lines[task.line - 1];
        let line = line.strip_suffix('\r').unwrap_or(line).trim_start_matches('\u{FEFF}');
        assert_eq!(&source[task.span.clone()], line, "the span of {} is its line", task.id);
        if let Some(mark) = &task.mark {
            assert!(task.span.start < mark.start && mark.end < task.span.end, "{}", task.id);
            let (before, after) = (&source[..mark.start], &source[mark.end..]);
            assert!(before.ends_with('[') && after.starts_with(']'), "the mark of {}", task.id);
        }
    }
    assert!(file.tasks.iter().all(|t| file.ignored.iter().all(|g| g.line != t.line)), "a line is both");
    for (index, (id, tasks)) in by_id(&file).into_iter().enumerate() {
        if let [task] = tasks[..]
            && task.mark.is_some()
            && pick(index)
        {
            ticked(source, &file, task, id);
        }
    }
}

fn ticked(source: &str, file: &TaskFile, task: &Task, id: &str) {
    let mark = task.mark.clone().expect("a mark");
    let (text, missed) = spec::tick(source, &[id], 'x');
    assert_eq!(missed, [""; 0], "{id} has a box");
    assert_eq!(
        text,
        format!("{}x{}", &source[..mark.start], &source[mark.end..]),
        "one mark and no other byte"
    );
    assert_eq!(spec::tick(&text, &[id], 'x').0, text, "twice is once");
    let after = spec::parse(&text);
    assert_eq!(after.tasks.len(), file.tasks.len(), "ticking {id} makes or loses a task");
    for (old, new) in file.tasks.iter().zip(&after.tasks) {
        assert_eq!(
            (&old.id, &old.title, &old.parent, old.line, old.optional, &old.depends_on),
            (&new.id, &new.title, &new.parent, new.line, new.optional, &new.depends_on),
            "ticking {id}"
        );
        if old.line == task.line {
            assert_eq!(new.state, TaskState::Done, "{id} was ticked");
        } else if old.mark.is_some() {
            assert_eq!(new.state, old.state, "ticking {id} changes {}", old.id);
        }
    }
}

/// A file as a tool writes it, with the mixed line ends of a file that several editors changed.
fn written() -> impl Strategy<Value = String> {
    let title = prop::sample::select(vec![
        "Make it",
        "Ünï 工作 ✅ done?",
        "with `code` and **bold**",
        "bare\rreturn",
        "a [link](x) (optional)",
        "[P] next to others",
        "ends in spaces  ",
        "tab\tinside",
    ]);
    let mark = prop::sample::select(vec![" ", "x", "X", "-"]);
    let detail = prop::sample::select(vec![
        "",
        "  - a step\n",
        "  - [ ] a box without id\n",
        "  ```sh\n  - [ ] 9. inside\n  ```\n",
        "  - _Requirements: 1.1, 2.3_\n",
        "  > - [ ] 8. quoted\n",
        "\n  A paragraph.\n\n",
        "  <!-- - [ ] 7. hidden -->\n",
    ]);
    let end = prop::sample::select(vec!["\n", "\r\n"]);
    let tasks = prop::collection::vec((title, mark, detail, any::<bool>()), 1..12);
    let ends = prop::collection::vec(end, 1..6);
    (0..4u8, tasks, ends, any::<bool>(), any::<bool>()).prop_map(|(tool, tasks, ends, bom, last)| {
        let mut text = String::from("# Plan\n\n");
        let (mut top, mut sub) = (0, 0);
        for (index, (title, mark, detail, below)) in tasks.into_iter().enumerate() {
            if below && top > 0 {
                sub += 1;
            } else {
                top += 1;
                sub = 0;
            }
            let written = match (tool, sub) {
                (0, 0) => format!("- [{mark}] {top}. {title}\n{detail}"),
                (0, _) => format!("  - [{mark}] {top}.{sub} {title}\n{}", detail.replace("  ", "    ")),
                (1, _) => format!("- [{mark}] T{:03} {title}\n{detail}", index + 1),
                (2, 0) => format!("\n## {top}. {}\n\n", title.replace('\r', " ")),
                (2, _) => format!("- [{mark}] {top}.{sub} {title}\n{detail}"),
                (_, _) => format!("### [{mark}] Task {}: {title}\n\n{}", index + 1, detail.replace("  ", "")),
            };
            text.push_str(&written);
        }
        if !last {
            text.truncate(text.trim_end().len());
        }
        let mut out = String::from(if bom { "\u{FEFF}" } else { "" });
        for (index, line) in text.split_inclusive('\n').enumerate() {
            match line.strip_suffix('\n') {
                Some(line) => out.extend([line, ends[index % ends.len()]]),
                None => out.push_str(line),
            }
        }
        out
    })
}

const TOKENS: [&str; 40] = [
    "- [ ] ",
    "- [x] ",
    "[",
    "]",
    "[x]",
    "[~]",
    "[-]",
    "[]",
    "[ ]*",
    "\\*",
    "1. ",
    "2.1 ",
    "T001 ",
    "Task 3: ",
    "# ",
    "## 2. ",
    "### Task 1.1: ",
    "```",
    "~~~",
    "`",
    "<!--",
    "-->",
    "> ",
    "| ",
    "|---|\n",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "  ",
    "    ",
    "**",
    "_Depends: 1_",
    "depends on ",
    "(P)",
    "\u{FEFF}",
    "工",
    "\u{0}",
    "\u{2028}",
    "<<<<<<< a\n",
];

/// Damages a text at one place.
fn mutate(text: &str, dice: &mut Rng) -> String {
    let place = |dice: &mut Rng, text: &str| {
        let mut at = dice.usize(..=text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let n = lines.len();
    match dice.usize(..10) {
        0 if n > 0 => {
            lines.remove(dice.usize(..n));
        }
        1 if n > 0 => {
            let line = lines[dice.usize(..n)].clone();
            lines.insert(dice.usize(..=n), line);
        }
        2 if n > 0 => lines.swap(dice.usize(..n), dice.usize(..n)),
        3 if n > 0 => lines[dice.usize(..n)].insert_str(0, ["  ", "\t", "    ", "> "][dice.usize(..4)]),
        4 if n > 0 => {
            let line = &mut lines[dice.usize(..n)];
            *line = line.trim_start().to_owned();
        }
        5 => return text.replace("\r\n", "\n").replace('\n', ["\r\n", "\n\n", "\n", "\r"][dice.usize(..4)]),
        6 => return text[..place(dice, text)].to_owned(),
        7 => {
            let (a, b) = (place(dice, text), place(dice, text));
            let to = (a.min(b) + 40).min(a.max(b));
            let to = (to..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
            return text[..a.min(b)].to_owned() + &text[to..];
        }
        _ => {
            let at = place(dice, text);
            return text[..at].to_owned() + TOKENS[dice.usize(..TOKENS.len())] + &text[at..];
        }
    }
    lines.concat()
}

fn broken() -> impl Strategy<Value = String> {
    (written(), 1..u64::MAX, 1..12usize).prop_map(|(source, seed, times)| {
        let mut dice = Rng::with_seed(seed);
        (0..times).fold(source, |text, _| mutate(&text, &mut dice))
    })
}

proptest! {
    #![proptest_config(some_cases())]

    #[test]
    fn ticking_a_well_formed_file_changes_one_task_and_one_mark(source in written()) {
        let file = spec::parse(&source);
        holds(&source, |_| true);
        // every checkbox of these files is a task, so exactly one more task is done
        let done = |f: &TaskFile| f.tasks.iter().filter(|t| t.state == TaskState::Done).count();
        for task in file.tasks.iter().filter(|t| t.mark.is_some() && t.state != TaskState::Done) {
            let (text, _) = spec::tick(&source, &[&task.id], 'x');
            prop_assert_eq!(done(&spec::parse(&text)), done(&file) + 1);
        }
    }

    #[test]
    fn broken_files_keep_the_promises_of_well_formed_ones(source in broken()) {
        holds(&source, |index| index % 3 == 0);
    }
}

/// The files to damage: those of this repository, and the corpus if it is there.
fn originals() -> Vec<String> {
    let mut all = vec![
        include_str!("../examples/hello/.kiro/specs/hello/tasks.md").to_owned(),
        "# Tasks\n\n## Phase 1\n\n- [ ] T001 [P] A\n- [x] T002 B (depends on T001)\n".to_owned(),
        "## 1. A\n\n- [ ] 1.1 a\n- [ ]* 1.2 b\n\n## 2. B\n\n- [ ] 2.1 c\n".to_owned(),
        "### Task 1: A\n\n- [ ] a\n- [x] b\n\n### Task 2: B\n**Dependencies:** Task 1\n".to_owned(),
        "| ID | Task | Depends |\n|---|---|---|\n| T1 | A | - |\n| T2 | B | T1 |\n".to_owned(),
        "- [ ] a\n- [~] b\n  - [ ] c\n\nLegend: [~] = dropped\n".to_owned(),
        "## Task Dependency Graph\n\n```json\n{\"waves\":[[1],[2]]}\n```\n\n- [ ] 1. A\n- [ ] 2. B\n"
            .to_owned(),
    ];
    if crate::corpus::folder().is_dir() {
        let files =
            crate::corpus::files().into_iter().filter_map(|(_, _, bytes)| String::from_utf8(bytes).ok());
        all.extend(files.filter(|text| text.len() < 40_000));
    }
    all
}

#[test]
#[ignore = "takes twenty seconds"]
fn no_broken_file_breaks_the_parser() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let seed = number("SEQORCH_FUZZ_SEED")
        .unwrap_or_else(|| u64::try_from(now.as_nanos() % (1 << 62)).expect("fits"))
        .max(1);
    let seconds = Duration::from_secs(number("SEQORCH_FUZZ_SECONDS").unwrap_or(20));
    println!("fuzz: SEQORCH_FUZZ_SEED={seed} for {seconds:?}");
    let originals = originals();
    let mut dice = Rng::with_seed(seed);
    let (start, mut files, mut bytes) = (Instant::now(), 0u64, 0);
    while start.elapsed() < seconds {
        let mut text = originals[dice.usize(..originals.len())].clone();
        for _ in 0..=dice.usize(..12) {
            text = mutate(&text, &mut dice);
        }
        let chosen = dice.usize(..50);
        let checked = catch_unwind(AssertUnwindSafe(|| holds(&text, |index| index % 50 == chosen)));
        assert!(checked.is_ok(), "file {files} of seed {seed} does not hold:\n{text:?}");
        files += 1;
        bytes += text.len();
    }
    println!("fuzz: {files} files, {bytes} bytes, in {:?}", start.elapsed());
    assert!(files > 0);
}
