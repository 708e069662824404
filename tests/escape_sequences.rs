//! Nothing that an agent prints can control the terminal: not in its window, not in the run, not in `logs`.

use crate::common::{Project, wait_until};

#[test]
fn escape_sequences_and_invalid_bytes_reach_no_terminal_or_log() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent(
        "printf '\\033]0;title\\007\\033[31mred\\377\\n\\033]52;c;Zm9v\\007\\033[?1049hx\\n'; say_done",
    );
    let run = project.run(&["run"]).code(0);
    let logs = project.run(&["logs"]).code(0);
    for text in [&run.stdout, &logs.stdout] {
        assert!(text.contains("red") && !text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    }
    assert!(project.run(&["logs", "--raw"]).stdout.contains('\u{1b}'));
}

/// Title, clipboard, alternate screen, mouse, device control with tmux's passthrough, and one string without an end.
const HOSTILE: &str = r"
printf 'A\033]0;evil-title\007B\033]2;evil-title\033\\C\n'
printf 'D\033]52;c;ZXZpbC1jbGlwYm9hcmQ=\007E\n'
printf 'F\033[?1049hG\033[?1000hH\033[2J\033[HI\033cJ\n'
printf 'K\033P+q544e\033\\L\033Ptmux;\033\033]52;c;ZXZpbC1jbGlwYm9hcmQ=\007\033\\M\n'
printf 'N\302\235 0;evil-title\302\234O\302\2335nP\033_evil\033\\Q\033^evil\033\\R\n'
printf 'S\033]0;evil-title without an end\n'
printf 'T\033'; note cut; gate; printf ']0;evil-title\007U\n'
";

fn hostile(more: &str) -> String {
    // stderr is shown on the screen, too
    format!("hostile() {{ {HOSTILE} }}\nhostile\nhostile >&2\n{more}")
}

/// Releases the agent each time it waits in the middle of a sequence.
fn release(project: &Project, times: usize) {
    for n in 1..=times {
        wait_until("the middle of a sequence", || {
            project.ledger().iter().filter(|l| *l == "cut").count() >= n
        });
        project.release();
    }
}

#[track_caller]
fn harmless(what: &str, text: &str) {
    let bad = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    assert!(!text.contains(bad), "{what}: {text:?}");
    assert!(!text.contains("evil"), "{what}: {text:?}");
    // the text between the sequences is still there
    for c in 'A'..='U' {
        assert!(text.contains(c), "{what}: {c} is missing in {text:?}");
    }
}

#[test]
fn no_escape_sequence_reaches_a_runs_output_or_logs() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent(&hostile("say_done"));
    let run = project.start(&["run"]);
    release(&project, 2);
    let run = run.wait().code(0);
    harmless("run", &run.stdout);
    harmless("logs", &project.run(&["logs"]).code(0).stdout);
    harmless("logs --stderr", &project.run(&["logs", "--stderr"]).code(0).stdout);
    assert!(project.run(&["logs", "--raw"]).stdout.contains("\u{1b}]0;evil-title\u{7}"), "as it was written");
}

#[test]
fn no_escape_sequence_reaches_a_question_a_status_or_a_prompt() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent(&hostile("[ $SEQORCH_ATTEMPT = 1 ] && exit 3; cat > \"$ROOT/prompt\"; hostile; say_halt"));
    let run = project.start(&["run"]);
    // twice in the first attempt, three times in the second
    release(&project, 5);
    let run = run.wait().code(2);
    harmless("run", &run.stdout);
    harmless("status", &project.run(&["status"]).code(0).stdout);
    harmless("a later run", &project.run(&["run"]).code(2).stdout);
    harmless("the prompt", &project.read("prompt"));
    harmless("the log of progress", &project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md"));
}

#[test]
fn no_escape_sequence_reaches_the_window() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", "- [ ] 1. A\n").agent(&hostile("say_done"));
    project.ask_tmux(&["new-session", "-d", "-s", "mine", "-x", "80", "-y", "24", "sleep 4751"]);
    for (option, value) in [("set-clipboard", "on"), ("allow-passthrough", "on")] {
        project.ask_tmux(&["set-option", "-g", option, value]);
    }
    let run = project.start(&["run"]);
    release(&project, 2);
    run.wait().code(0);
    let ask = |format: &str| {
        project
            .ask_tmux(&["display-message", "-p", "-t", "=sequential-login:task-1", format])
            .trim()
            .to_owned()
    };
    assert_eq!((ask("#{alternate_on}").as_str(), ask("#{mouse_any_flag}").as_str()), ("0", "0"));
    assert!(!ask("#{pane_title}").contains("evil"), "{}", ask("#{pane_title}"));
    assert!(!project.ask_tmux(&["show-buffer"]).contains("evil"));
    let shown = project.ask_tmux(&["capture-pane", "-p", "-S", "-", "-t", "=sequential-login:task-1"]);
    harmless("the window", &shown);
    // control: the same output straight into a window does all that, so the checks above can fail
    let script = HOSTILE.replace("note cut; gate;", "");
    project.ask_tmux(&["new-window", "-d", "-t", "=mine:", "-n", "bare", &format!("{script}\nsleep 4751")]);
    wait_until("the title", || {
        project.ask_tmux(&["display-message", "-p", "-t", "=mine:bare", "#{pane_title}"]).contains("evil")
    });
    wait_until("the clipboard", || project.ask_tmux(&["show-buffer"]).contains("evil-clipboard"));
}

#[test]
fn on_a_terminal_a_run_sends_only_colours_and_its_countdown() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n")
        .config("[run]\ndelay = \"20ms\"\n")
        .agent(&hostile("say_done").replace("note cut; gate;", ""));
    let exe = env!("CARGO_BIN_EXE_seqorch");
    let Ok(output) = project.command_of("script", &["-qec", &format!("'{exe}' run"), "/dev/null"]).output()
    else {
        crate::common::skipped("no `script` here");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("all complete"), "{text:?}");
    let ours = without_ours(&text);
    harmless("a terminal", &ours);
}

/// Removes what seqorch itself may send: colours (`ESC [ … m`), and the line that replaces itself (`CR ESC [ K`).
fn without_ours(text: &str) -> String {
    let mut rest = text.replace("\r\u{1b}[K", "").replace("\r\n", "\n");
    while let Some(at) = rest.find("\u{1b}[") {
        let end = rest[at + 2..].find(|c: char| !c.is_ascii_digit() && c != ';').unwrap() + at + 2;
        assert_eq!(&rest[end..=end], "m", "{:?}", &rest[at..]);
        rest.replace_range(at..=end, "");
    }
    rest
}
