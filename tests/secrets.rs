//! A secret of the calling shell reaches the agent and nothing else: no command line, no tmux, no file of another user.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::common::{Project, tasks, wait_until};

#[test]
fn files_of_an_attempt_are_readable_by_the_user_alone() {
    let project = Project::new().spec("login", "- [ ] 1. A\n");
    project.run(&["run"]).code(0);
    let mode = |path: &str| fs::metadata(project.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(".seqorch"), mode(".seqorch/login/1/1")), (0o700, 0o700));
    for name in ["attempt.json", "prompt.md", "output.jsonl", "stderr.log", "result.json", "lock"] {
        assert_eq!(mode(&format!(".seqorch/login/1/1/{name}")), 0o600, "{name}");
    }
}

/// Joined from two halves, so that no file of the test contains it.
fn secret() -> String {
    ["zebra7", "-crossing-9"].concat()
}

/// A project whose shell has the secret in three variables, and whose `tmux` logs how it is called.
fn project() -> Option<Project> {
    let project = Project::new().tmux()?;
    let tmux = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join("tmux"))
        .find(|path| path.exists())
        .unwrap();
    let log = project.path("tmux.log");
    let script = format!(
        // `show-environment` is called by the test itself, with the secret in its environment
        "#!/bin/sh\ncase $3 in show-environment) ;; *) {{ printf '%s ' \"$@\"; echo; env; }} >> '{}' ;; esac\n\
         exec '{}' \"$@\"\n",
        log.display(),
        tmux.display()
    );
    // outside of the project: a tmux that a repository brings is not run
    let bin = project.outside();
    project.write(bin.join("tmux"), script);
    fs::set_permissions(bin.join("tmux"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let secret = secret();
    Some(
        project
            .spec("login", "- [ ] 1. A\n")
            .agent("[ \"$FAKE_API_KEY\" = \"$(printf 'zebra7%s' -crossing-9)\" ] && [ \"$DATABASE_URL\" ] && note got it; note $LATE; gate; say_done")
            .env("PATH", path)
            .env("FAKE_API_KEY", &secret)
            .env("HARMLESS", format!("it repeats {secret}"))
            .env("DATABASE_URL", format!("postgres://me:{secret}@db.example/x")),
    )
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|w| w == secret.as_bytes())
}

/// Looks for the secret in command lines, in tmux, and in all files.
fn nothing_else_has_it(project: &Project, session: &str) {
    let secret = secret();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        assert!(!holds(&line, &secret), "{}", String::from_utf8_lossy(&line));
    }
    for args in [&["show-environment", "-g"][..], &["show-environment", "-t", session]] {
        let shown = project.ask_tmux(args);
        assert!(!shown.trim().is_empty(), "nothing is shown of {args:?}");
        assert!(!shown.contains(&secret), "{shown}");
    }
    for (path, bytes) in project.tree() {
        assert!(!holds(&bytes.unwrap_or_default(), &secret), "{} holds it", path.display());
    }
}

#[test]
fn a_secret_is_on_no_command_line_in_no_tmux_and_in_no_file() {
    for detach in [false, true] {
        let Some(project) = project() else { return };
        let run = project.start(if detach { &["run", "--detach"] } else { &["run"] });
        project.wait_for_ledger(2);
        assert_eq!(project.ledger()[..2], ["1 1", "got it"]);
        nothing_else_has_it(&project, "=sequential-login");
        assert!(!project.read("tmux.log").is_empty(), "the tmux of the test was not used");
        project.release();
        run.wait().code(0);
        wait_until("the end", || project.state("login")["completed_at"].is_string());
        nothing_else_has_it(&project, "=sequential-login");
    }
}

#[test]
fn a_variable_newer_than_the_tmux_server_reaches_the_agent() {
    let Some(project) = project() else { return };
    project.ask_tmux(&["new-session", "-d", "-s", "old", "sleep 4781"]);
    let project = project.env("LATE", "exported later");
    let run = project.start(&["run"]);
    project.wait_for_ledger(3);
    assert_eq!(project.ledger(), ["1 1", "got it", "exported later"]);
    project.release();
    run.wait().code(0);
}

#[test]
fn a_secret_that_an_agent_prints_stays_in_its_private_log() {
    let secret = secret();
    let project = Project::new().env("FAKE_API_KEY", &secret).spec("login", "- [ ] 1. A\n").agent(
        "[ $SEQORCH_ATTEMPT = 1 ] && { echo out $FAKE_API_KEY; echo err $FAKE_API_KEY >&2; exit 3; }; \
         echo \"Is $FAKE_API_KEY right?\"; say_halt",
    );
    project.run(&["run"]).code(2).says(&["Is [redacted] right?"]);
    let kept: Vec<_> = project
        .tree()
        .into_iter()
        .filter(|(_, bytes)| holds(bytes.as_deref().unwrap_or_default(), &secret))
        .map(|(path, _)| path.strip_prefix(project.path(".seqorch/login/1")).unwrap().to_owned())
        .collect();
    assert_eq!(kept, [Path::new("1/output.jsonl"), Path::new("1/stderr.log"), Path::new("2/output.jsonl")]);
}

#[test]
fn seqorchs_folder_is_readable_by_the_user_alone_for_any_umask() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("gate; say_done");
    let exe = env!("CARGO_BIN_EXE_seqorch");
    let mut child =
        project.command_of("sh", &["-c", &format!("umask 000; exec '{exe}' run > out.txt")]).spawn().unwrap();
    project.wait_for_ledger(1);
    let look = || {
        let mut seen = 0;
        for (path, bytes) in project.tree() {
            if !path.starts_with(project.path(".seqorch")) || path.ends_with(".gitignore") {
                continue;
            }
            seen += 1;
            let meta = fs::symlink_metadata(&path).unwrap();
            let mode = meta.permissions().mode() & 0o777;
            let wanted = if meta.is_dir() { 0o700 } else { 0o600 };
            // a socket may have any mode, since its folder is private
            assert!(mode == wanted || (bytes.is_none() && !meta.is_dir()), "{} has {mode:o}", path.display());
        }
        assert!(seen >= 8, "{seen}");
    };
    look();
    project.release();
    assert!(child.wait().unwrap().success());
    look();
}

#[test]
fn a_secret_reaches_the_agent_and_nothing_else() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project
        .spec("login", tasks(1))
        .env("FAKE_API_KEY", "zebra-zebra-zebra")
        .agent("[ \"$FAKE_API_KEY\" = zebra-zebra-zebra ] && note got it; echo the key is $FAKE_API_KEY >&2; say_done");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "got it"]);
    let shown = project.ask_tmux(&["show-environment", "-g"]);
    assert!(!shown.contains("zebra"), "{shown}");
    for name in ["attempt.json", "result.json", "prompt.md", "lock"] {
        let text = project.of_attempt("login", "1", 1, name);
        assert!(!text.contains("zebra"), "{name}: {text}");
    }
    assert!(project.of_attempt("login", "1", 1, "result.json").contains("the key is [redacted]"));
}
