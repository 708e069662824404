//! Words of agents and of files are shown, and nothing more.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::Attack;
use crate::common::{Project, git, tasks};

pub(super) const ATTACKS: &[Attack] = &[
    ("\"done\", and then fifty lines that it fails", "not done", || {
        let project = one("say_done; for i in $(seq 50); do echo but it fails; done");
        project.run(&["run"]).code(2);
        assert!(
            project.outcomes("demo", "1").iter().all(|kind| kind != "done"),
            "{:?}",
            project.outcomes("demo", "1")
        );
    }),
    ("\"done\" in a stream, taken back by a later block", "not done", taken_back),
    ("\"done\", and then only how many tokens were used", "done", || {
        drop(one("say_done; echo 'Tokens used: 1,234'").run(&["run"]).code(0));
    }),
    ("PASSWORD=… in an agent's words", "masked in state, result, summary and report", || {
        leak("PASSWORD=swordfish12");
    }),
    ("password: … in an agent's words", "masked", || leak("password: swordfish12")),
    ("sk_live_… in an agent's words", "masked", || leak("sk_live_4eC39HqLyjWDarjtT1zdp7dc")),
    ("npm_… in an agent's words", "masked", || leak("npm_abcdefghijklmnopqrstuvwxyz0123456789")),
    ("a private key in an agent's words", "masked with its body", || {
        leak(
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----",
        );
    }),
    ("a key in backend.args", "masked in plan, config show and -v", arguments),
    ("a secret in a task's title, committed", "masked in the message", message),
    ("C1 and bidi controls in tasks.md", "stripped from plan, prompt, JSON and errors", controls),
    ("C1 controls in a wrong configuration", "stripped from the error", || {
        let project = one("say_done").config("[run]\nbackend = \"\u{9b}2J\u{202e}x\"\n");
        let out = project.run(&["plan", "--dry-run"]).code(78);
        assert!(!out.stderr.contains(['\u{9b}', '\u{202e}', '\u{1b}']), "{:?}", out.stderr);
    }),
    ("umask 077", "state, progress and report are private", umask),
    ("an invalid TZ under [pace] window", "said", time_zone),
];

fn one(agent: &str) -> Project {
    Project::new().spec("demo", tasks(1)).agent(agent).config("[retry]\nattempts = 1\n[done]\nnudges = 0\n")
}

fn taken_back() {
    let said = |text: &str| {
        format!(
            "{{\"type\":\"assistant\",\"message\":{{\"role\":\"assistant\",\"content\":[{{\"type\":\"text\",\"text\":{}}}]}}}}",
            serde_json::Value::from(text)
        )
    };
    let stream = [
        "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"0f6a2c4e-0000-4000-8000-000000000000\"}".to_owned(),
        said("<promise>TASK_DONE</promise>"),
        said("I looked again: it fails."),
        "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"I looked again: it fails.\"}".to_owned(),
    ];
    let project = one("cat stream").file("stream", stream.join("\n") + "\n");
    project.write(
        "seqorch.local.toml",
        "[retry]\nattempts = 1\n[done]\nnudges = 0\n[backend.fake]\noutput = \"claude\"\n",
    );
    project.run(&["run"]).code(2);
    assert_ne!(project.outcomes("demo", "1"), ["done"]);
}

/// An agent prints a secret and asks a question with it; it must be only in the private log.
fn leak(secret: &str) {
    let project = one("cat words; say_halt").file("words", format!("Is this right?\n{secret}\n"));
    let needle = secret.lines().nth(1).unwrap_or(secret);
    let needle = needle.trim_start_matches("PASSWORD=").trim_start_matches("password: ").to_owned();
    let mut shown = project.run(&["run"]).code(2).stdout;
    for args in [&["status"][..], &["status", "--json"], &["report"], &["logs", "1"], &["specs"]] {
        let out = project.run(args);
        shown += &(out.stdout + &out.stderr);
    }
    assert!(!shown.contains(&needle), "{shown}");
    assert!(shown.contains("[redacted]"), "{shown}");
    for (path, bytes) in project.tree() {
        let holds = String::from_utf8_lossy(&bytes.unwrap_or_default()).contains(&needle);
        let is_private_log = path.ends_with("output.jsonl") || path.ends_with("words");
        assert!(!holds || is_private_log, "{} has it", path.display());
        if is_private_log && !path.ends_with("words") {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

fn arguments() {
    let project = one("say_done");
    let project = project.config(
        "[backend.fake]\nargs = [\"agent.sh\", \"--api-key\", \"zebracrossing\", \"--token=abcd1234efgh\"]\n",
    );
    let mut shown = String::new();
    for args in [
        &["plan", "--dry-run"][..],
        &["plan", "--dry-run", "--json"],
        &["config", "show"],
        &["config", "explain", "backend.fake.args"],
        &["trust", "--show"],
        &["run", "-v"],
    ] {
        let out = project.run(args);
        shown += &(out.stdout + &out.stderr);
    }
    assert!(shown.contains("[redacted]"), "{shown}");
    assert!(!shown.contains("zebracrossing") && !shown.contains("abcd1234efgh"), "{shown}");
}

fn message() {
    let project = git::repo("echo x > made; say_done", "");
    project.write(".kiro/specs/demo/tasks.md", "- [ ] 1. Set PASSWORD=swordfish12\n");
    git::git(&project, &["commit", "-qam", "tasks"]);
    project.run(&["run"]).code(0);
    let log = git::git(&project, &["log", "-1", "--format=%B"]);
    assert!(log.contains("PASSWORD=[redacted]"), "{log}");
}

fn controls() {
    let hostile = "\u{9b}2J\u{202e}evil\u{2066}\u{85}";
    let project =
        Project::new().spec("demo", format!("- [ ] 1. One {hostile}\n  - detail {hostile}\n- [ ] 2. Two\n"));
    project.run(&["run", "--only", "1"]);
    for args in [
        &["plan", "--dry-run"][..],
        &["plan", "--dry-run", "--json"],
        &["plan", "--prompt", "2"],
        &["status"],
        &["status", "--json"],
        &["specs", "--json"],
        &["report"],
        &["run", "--json"],
        &["doctor"],
    ] {
        let out = project.run(args);
        let text = out.stdout + &out.stderr;
        let hostile = text
            .chars()
            .find(|c| (c.is_control() && !"\n\t".contains(*c)) || ('\u{202a}'..='\u{2069}').contains(c));
        assert_eq!(hostile, None, "{args:?}: {text:?}");
    }
}

fn umask() {
    let project = one("say_done");
    let exe = env!("CARGO_BIN_EXE_seqorch");
    let script = format!("umask 077; '{exe}' run >/dev/null && '{exe}' report --html report.html");
    let status = project.command_of("sh", &["-c", &script]).status().unwrap();
    assert!(status.success());
    for name in [".kiro/specs/SEQUENTIAL_STATE.json", ".kiro/specs/SEQUENTIAL_PROGRESS.md", "report.html"] {
        let mode = fs::metadata(project.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
}

fn time_zone() {
    let project = one("say_done").env("TZ", "Nowhere/Atlantis").config("[pace]\nwindow = \"00:00-23:59\"\n");
    let out = project.run(&["plan", "--dry-run"]);
    assert!((out.stdout + &out.stderr).contains("Nowhere/Atlantis"), "an unknown time zone is silent");
}
