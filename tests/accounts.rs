//! `[account.NAME]`: what one run hears of a limit holds back the others with the same login.

use crate::common::Project;
use crate::common::git::{git, repo};
use crate::common::programs::program;
use crate::limit_waits::TWO;

/// An agent that is limited for an hour in the first task of the spec `login`, and one that writes down that it works.
const LIMITED: &str = "if [ \"$SEQORCH_SPEC $SEQORCH_UNIT\" = 'login 1' ]; then \
     echo \"quota exceeded, retry at $(( $(date +%s) + 3600 ))\" >&2; exit 1; fi; echo \"$SEQORCH_UNIT\" > made-$SEQORCH_SPEC-$SEQORCH_UNIT; say_done";
const PATTERN: &str = "limit_patterns = [{ match = \"^quota exceeded, retry at (?P<epoch>[0-9]+)\", kind = \"quota_exhausted\", reset = \"epoch\" }]\n";

fn config(account: &str) -> String {
    format!(
        "[limit]\nwait = false\n[account.team]\nbackends = [\"fake\", \"twin\"]\n{account}\n[backend.fake]\n{PATTERN}[backend.twin]\ncommand = \"/bin/sh\"\nargs = [\"agent.sh\"]\n"
    )
}

fn project(account: &str) -> Project {
    let project =
        Project::new().spec("login", TWO).spec("logout", TWO).agent(LIMITED).config(&config(account));
    let state = project.outside().join("state");
    project.env("XDG_STATE_HOME", state)
}

#[test]
fn a_limit_holds_back_other_specs_and_backends_with_the_same_login() {
    let project = project("");
    project.run(&["run", "login"]).code(75).says(&["quota exceeded"]);
    assert_eq!(project.ledger(), ["1 1"]);
    let out = project.run(&["run", "logout"]).code(75);
    out.says(&["quota exceeded", "(seen on "]);
    project.run(&["run", "login", "--backend", "twin"]).code(75);
    project.run(&["run", "logout", "--backend", "twin"]).code(75);
    assert_eq!(project.ledger(), ["1 1"], "no agent was started");
    let record = project.outside().join("state/seqorch/accounts/team.json");
    let before = std::fs::read_to_string(&record).unwrap();
    assert!(before.contains("quota_exhausted"), "{before}");
    // a person knows better
    project.write("agent.sh", "say_done() { echo '<promise>TASK_DONE</promise>'; }; say_done");
    project.run(&["resume", "logout", "--now"]).code(0);
    let after = std::fs::read_to_string(&record).unwrap();
    assert!(!after.contains("quota_exhausted"), "{after}");
}

#[test]
fn machines_of_one_file_system_share_a_file() {
    let shared = tempfile::tempdir().unwrap();
    let file = format!("file = \"{}\"", shared.path().join("team.json").display());
    project(&file).run(&["run", "login"]).code(75);
    let other = project(&file);
    other.run(&["run", "logout"]).code(75).says(&["(seen on "]);
    assert_eq!(other.ledger(), [""; 0]);
}

#[test]
fn machines_that_share_a_remote_share_its_accounts() {
    let first = repo(LIMITED, &config("").replace("[limit]", "[remote]\nname = \"origin\"\n[limit]"));
    for spec in ["login", "logout"] {
        first.write(format!(".kiro/specs/{spec}/tasks.md"), TWO);
    }
    git(&first, &["add", "-A"]);
    git(&first, &["commit", "-q", "-m", "specs"]);
    let bare = first.outside().join("remote.git");
    git(&first, &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
    git(&first, &["remote", "add", "origin", bare.to_str().unwrap()]);
    git(&first, &["push", "-q", "origin", "main"]);
    let state = first.outside().join("state");
    let first = first.env("XDG_STATE_HOME", state);
    first.run(&["run", "login"]).code(75).says(&["quota exceeded"]);
    let second = Project::new();
    git(&second, &["init", "-q", "-b", "main"]);
    second.write(".git/info/exclude", "ledger\ngate\n.out/\n.home/\n");
    for (key, value) in [("user.name", "t"), ("user.email", "t@localhost")] {
        git(&second, &["config", key, value]);
    }
    git(&second, &["remote", "add", "origin", bare.to_str().unwrap()]);
    git(&second, &["fetch", "-q", "origin"]);
    git(&second, &["reset", "-q", "--hard", "origin/main"]);
    let state = second.outside().join("state");
    let second = second.env("XDG_STATE_HOME", state);
    second.run(&["run", "logout"]).code(75).says(&["(seen on "]);
    assert_eq!(first.ledger(), ["1 1"], "the second machine started no agent");
    let refs = git(&second, &["ls-remote", "origin", "refs/seqorch/account/*"]);
    assert_eq!(refs.lines().count(), 1, "{refs}");
}

#[test]
fn limits_that_cannot_be_shared_are_said_once() {
    let shared = tempfile::tempdir().unwrap();
    let out = project(&format!("file = \"{}\"", shared.path().display())).run(&["run", "login"]).code(75);
    let said = "! what is known of the limits of account team is not shared: ";
    assert_eq!(out.stdout.matches(said).count(), 1, "{out:?}");
}

#[test]
fn limits_that_a_remote_refuses_are_said_once() {
    let first = repo(LIMITED, &config("").replace("[limit]", "[remote]\nname = \"origin\"\n[limit]"));
    first.write(".kiro/specs/login/tasks.md", TWO);
    git(&first, &["add", "-A"]);
    git(&first, &["commit", "-qm", "a spec"]);
    let bare = first.outside().join("remote.git");
    git(&first, &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
    git(&first, &["remote", "add", "origin", bare.to_str().unwrap()]);
    git(&first, &["push", "-q", "origin", "main"]);
    let hook = "while read -r old new name; do case $name in refs/seqorch/account/*) echo no accounts >&2; exit 1 ;; esac; done";
    program(&first, bare.join("hooks/pre-receive").to_str().unwrap(), hook);
    let state = first.outside().join("state");
    let out = first.env("XDG_STATE_HOME", state).run(&["run", "login"]).code(75).says(&["no accounts"]);
    assert_eq!(out.stdout.matches("account team is not shared").count(), 1, "{out:?}");
}
