//! What an agent in a sandbox tries.

use std::fs;

use super::{Attack, untrusted};
use crate::common::{Project, git};
use crate::sandbox::in_bwrap;

pub(super) const ATTACKS: &[Attack] = &[
    ("an agent reads a key of the person", "it is not there", || {
        assert!(!seen("cat ~/.ssh/id").contains("PRIVATE"));
    }),
    ("it reads the key through /proc of a process outside", "no such process", || {
        assert!(!seen("cat /proc/*/root$HOME/.ssh/id /proc/1/environ").contains("PRIVATE"));
    }),
    ("it reads the key through a link that it plants", "it leads nowhere", || {
        assert!(!seen("ln -s ~/.ssh/id planted; cat planted").contains("PRIVATE"));
    }),
    ("it reads variables of the person's shell", "they are not passed", || {
        assert!(!seen("env; cat /proc/self/environ | tr '\\0' '\\n'").contains("PRIVATE"));
    }),
    ("it reads the passwords of the system", "they are empty", || {
        let words = seen("cat /etc/shadow");
        assert!(!words.contains("root:"), "{words}");
    }),
    ("it reads another project", "it is not there", other_project),
    ("it writes the person's shell profile", "it is gone with the sandbox", || {
        let Some(project) = in_bwrap("") else { return };
        project.write(".home/.bashrc", "mine\n");
        let project = project.agent("echo evil >> ~/.bashrc; say_done");
        project.run(&["run"]).code(0);
        assert_eq!(project.read(".home/.bashrc"), "mine\n");
    }),
    ("it writes what the person trusts", "it is not there", || {
        let Some(project) = in_bwrap("") else { return };
        let project = project.agent(
            "mkdir -p ~/.local/state/seqorch/trust; echo x > ~/.local/state/seqorch/trust/x; say_done",
        );
        project.run(&["run"]).code(0);
        assert!(!project.path(".home/.local/state/seqorch/trust/x").exists());
    }),
    ("it mounts, or makes a device", "refused", || {
        let words = seen(
            "mount -o remount,rw /usr; mount --bind /usr /etc; mknod disk b 8 0; ls -l disk; touch /usr/x && echo BROKEN",
        );
        assert!(!words.contains("BROKEN") && !words.contains("brw"), "{words}");
    }),
    ("it signals a process outside", "no such process", || {
        let me = std::process::id();
        let words = seen(&format!("kill -0 {me} && echo REACHED"));
        assert!(!words.contains("REACHED"), "{words}");
    }),
    ("it starts a window in the person's tmux", "no socket", tmux_socket),
    ("it adds a hook of git", "git's hooks are not writable", || {
        let project = repository("echo evil > .git/hooks/post-commit; chmod +x .git/hooks/post-commit");
        assert!(project.is_none_or(|project| !project.path(".git/hooks/post-commit").exists()));
    }),
    ("it puts its own folder in the place of git's", "it is held in its place", || {
        let project = repository("mv .git .old && mkdir -p .git/hooks; rmdir .git; mv .git/hooks .git/x");
        assert!(
            project
                .is_none_or(|project| project.path(".git/HEAD").exists() && !project.path(".old").exists())
        );
    }),
    ("it forges its own result", "seqorch's folder is not writable", || {
        let project = repository("echo '{}' > \"$SEQORCH_DIR/result.json\" && echo FORGED");
        assert!(project.is_none_or(|project| !project.read("seen").contains("FORGED")));
    }),
    ("it names another program as its container's engine", "names are data, and only ours", forged_container),
    ("it drops the sandbox from seqorch.toml", "not used by this run; the next one ends with 78", dropped),
    ("a repository turns the person's sandbox off", "78", || {
        let project = mine();
        project.write("seqorch.local.toml", "[sandbox]\nmode = \"off\"\n");
        project.run(&["run"]).code(78).says(&["sandbox.mode = \"off\""]);
    }),
    ("a repository opens the network that the person closed", "78", || {
        let project = mine();
        project.write("seqorch.local.toml", "[sandbox]\nnetwork = \"host\"\n");
        project.run(&["run"]).code(78).says(&["sandbox.network = \"host\""]);
    }),
    ("a repository adds a folder of the person's to its sandbox", "78", || {
        let project = mine();
        project.write(
            "seqorch.local.toml",
            "[sandbox]\nread = [\"~/.ssh\"]\n[backend.fake]\nsandbox_home = [\".aws\"]\n",
        );
        project.run(&["run"]).code(78).says(&["sandbox.read", "backend.fake.sandbox_home"]);
    }),
    ("a sandbox that does not work here", "69, and no agent without it", || {
        let project = Project::new().spec("demo", "- [ ] 1. A\n").env("PATH", "/nonexistent");
        project.write("seqorch.local.toml", "[sandbox]\nmode = \"bwrap\"\n");
        let code = project.run(&["run"]).code;
        assert!(code == 69 && project.ledger().is_empty(), "{code}");
    }),
];

/// What a script of an agent prints in bubblewrap, errors too.
fn seen(script: &str) -> String {
    let Some(project) = in_bwrap("") else { return String::new() };
    project.write(".home/.ssh/id", "PRIVATE");
    let project =
        project.env("MY_SECRET", "PRIVATE").agent(&format!("{{ {script}; }} > seen 2>&1; say_done"));
    project.run(&["run"]).code(0);
    assert!(project.path("seen").exists());
    project.read("seen")
}

fn repository(script: &str) -> Option<Project> {
    let project = in_bwrap("")?.agent(&format!("{{ {script}; }} > seen 2>&1; say_done"));
    git::init(&project);
    project.run(&["run"]).code(0);
    Some(project)
}

fn other_project() {
    let Some(project) = in_bwrap("") else { return };
    let other = project.outside().join("secret");
    fs::write(&other, "PRIVATE").unwrap();
    let project = project.agent(&format!("cat '{}' > seen; say_done", other.display()));
    project.run(&["run"]).code(0);
    assert_eq!(project.read("seen"), "");
}

fn tmux_socket() {
    let Some(project) = in_bwrap("").and_then(Project::tmux) else { return };
    let project = project.agent("ls /tmp/tmux-* > seen 2>/dev/null; echo ${TMUX:-none} >> seen; say_done");
    project.run(&["run"]).code(0);
    assert_eq!(project.read("seen"), "none\n");
}

/// Its folder is in the work tree where there is no git. What it names there is never a program.
fn forged_container() {
    let Some(project) = in_bwrap("") else { return };
    let project = project.agent("if [ $SEQORCH_ATTEMPT = 1 ]; then gate; fi; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    let file = project.kept("login").join("1/1/attempt.json");
    let text = project.read(&file);
    let sprung = project.path("sprung");
    let forged = format!(
        "{{\"mode\": \"container\", \"engine\": \"podman\", \"name\": \"x; touch {}\"}}",
        sprung.display()
    );
    let (before, after) = text.split_once("\"sandbox\": {").unwrap();
    let (_, after) = after.split_once('}').unwrap();
    project.write(&file, format!("{before}\"sandbox\": {forged}{after}"));
    for (pid, _) in project.alive_with("__attempt") {
        crate::common::kill(pid, rustix::process::Signal::KILL);
    }
    run.wait().code(0);
    assert!(!sprung.exists());
}

/// A project of a person whose own settings have a sandbox.
fn mine() -> Project {
    let project = untrusted();
    project.write(".home/config/seqorch/config.toml", "[sandbox]\nmode = \"bwrap\"\nnetwork = \"none\"\n");
    project.run(&["trust"]).code(0);
    project
}

fn dropped() {
    let Some(project) = in_bwrap("") else { return };
    let project =
        project.env("SEQORCH_TRUST", "").agent("sed -i /sandbox/,\\$d seqorch.local.toml; say_done");
    project.run(&["trust"]).code(0);
    project.run(&["run"]).says(&["sandbox.mode = \"off\""]);
    project.write(".kiro/specs/login/tasks.md", "- [x] 1. A\n- [ ] 2. B\n");
    project.run(&["run", "--retry"]).code(78).says(&["sandbox.mode = \"off\""]);
}
