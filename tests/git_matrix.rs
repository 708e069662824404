//! One task in a repository of each kind: it ends in the right commit or in the right words.
//!
//! `docs/repositories.md` has the table; `SEQORCH_UPDATE_DOCS=1` writes it again.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use crate::common::Project;
use crate::common::git::git;

/// A kind of repository, and what a run of one task that writes `made` ends in.
struct Row {
    /// What is special.
    repository: &'static str,
    /// Makes it so, in `sh`, after the first commit. `$G` is git's folder.
    setup: &'static str,
    /// What the agent does besides writing `made`.
    agent: &'static str,
    /// Settings of `[git]`.
    config: &'static str,
    /// The exit code, and the files of the new commit besides tasks.md; `-`: no commit.
    result: (i32, &'static str),
    /// What the run says.
    words: &'static str,
}

const ROW: Row = Row { repository: "", setup: "", agent: "", config: "", result: (0, "made"), words: "" };

const HANGS: &str = "took longer than 3s and was ended";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { repository: "a plain one", ..ROW },
    Row { repository: "detached HEAD", setup: "git checkout -q --detach", ..ROW },
    Row { repository: "no commit yet (`dirty = \"allow\"`)", setup: "rm -rf .git/refs/heads/main .git/index",
        config: "dirty = \"allow\"", ..ROW },
    Row { repository: "SHA-256 objects", setup: "rm -rf .git/HEAD .git/objects .git/refs .git/index .git/config; git init -q -b main --object-format=sha256; \
        git config user.name t; git config user.email t@localhost; git add -A; git commit -qm start", ..ROW },
    Row { repository: "refs in a reftable", setup: "rm -rf .git/HEAD .git/refs .git/index .git/config .git/objects .git/logs; \
        git init -q -b main --ref-format=reftable; git config user.name t; git config user.email t@localhost; git add -A; git commit -qm start", ..ROW },
    Row { repository: "split index", setup: "git update-index --split-index", ..ROW },
    Row { repository: "git's folder elsewhere", setup: "git init -q --separate-git-dir .out/elsewhere", ..ROW },
    Row { repository: "a shallow clone", setup: "git commit -q --allow-empty -m more; git rev-parse HEAD > .git/shallow", ..ROW },
    Row { repository: "submodule that the agent moves", setup: SUBMODULE, agent: "git -C lib commit -q --allow-empty -m more",
        result: (0, "lib made"), ..ROW },
    Row { repository: "submodule with edits inside", setup: SUBMODULE, agent: "echo x > lib/inside",
        words: "! left out: lib (edits inside a submodule; commit inside it)", ..ROW },
    Row { repository: "submodule that the agent removes", setup: SUBMODULE, agent: "git rm -qf lib",
        result: (0, ".gitmodules lib made"), ..ROW },
    Row { repository: "submodule that the agent removes in a commit of its own", setup: SUBMODULE, agent: "git rm -qf lib; git commit -qm drop", ..ROW },
    Row { repository: "submodule that the agent renames", setup: SUBMODULE, agent: "git mv lib lib2",
        result: (0, ".gitmodules lib lib2 made"), ..ROW },
    Row { repository: "submodule whose folder the agent removes", setup: SUBMODULE, agent: "rm -rf lib", result: (0, "lib made"), ..ROW },
    Row { repository: "submodule that becomes a file", setup: SUBMODULE, agent: "rm -rf lib; echo x > lib", result: (0, "lib made"), ..ROW },
    Row { repository: "submodule that is not checked out, with a new file in its folder", setup: UNFILLED, agent: "echo x > lib/new",
        words: "! left out: lib (files in the folder of a submodule that is not checked out)", ..ROW },
    Row { repository: "sparse checkout", setup: "mkdir a b; echo a > a/x; echo b > b/x; git add .; git commit -qm dirs; git sparse-checkout set --cone a .kiro",
        agent: "echo x > a/made", result: (0, "a/made made"), ..ROW },
    Row { repository: "nested repository without commits", agent: "git init -q app; echo x > app/f",
        words: "! left out: app (a git repository of its own; commit inside it, or add it as a submodule)", ..ROW },
    Row { repository: "nested repository with commits", agent: "git init -q app; git -C app -c user.name=t -c user.email=t@x commit -q --allow-empty -m x",
        words: "! left out: app (a git repository of its own; commit inside it, or add it as a submodule)", ..ROW },
    Row { repository: "FIFO and socket", agent: "mkfifo pipe; perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => q(sock), Listen => 1)'",
        words: "! left out: pipe (a FIFO, which git cannot hold)", ..ROW },
    Row { repository: "edits in a repository that was nested before", setup: "git init -q app; echo x > app/f", agent: "echo y > app/f",
        words: "note: neither in snapshots nor in commits: app (a git repository of its own; commit inside it, or add it as a submodule)", ..ROW },
    Row { repository: "submodule without `.gitmodules`, with edits inside", setup: "git init -q app; echo x > app/f; git -C app add f; \
        git -C app -c user.name=t -c user.email=t@x commit -qm x; git add app; git commit -qm app", agent: "echo y > app/f",
        words: "! left out: app (edits inside a submodule; commit inside it)", ..ROW },
    Row { repository: "clean filter whose program is missing", setup: "echo '*.bin filter=lfs' > .gitattributes; git add .; git commit -qm a; \
        git config filter.lfs.clean git-lfs-missing; git config filter.lfs.required true", agent: "echo x > x.bin",
        words: "! left out: x.bin (x.bin: clean filter 'lfs' failed)", ..ROW },
    Row { repository: "`core.safecrlf`", setup: "git config core.safecrlf true; git config core.autocrlf input",
        agent: "printf 'a\\r\\nb\\n' > mixed", result: (0, "made mixed"), ..ROW },
    Row { repository: "`core.autocrlf`", setup: "git config core.autocrlf true", agent: "printf 'a\\r\\n' > crlf", result: (0, "crlf made"), ..ROW },
    Row { repository: "name that is not UTF-8", agent: "echo x > \"$(printf 'caf\\351')\"", result: (0, "\"caf\\351\" made"), ..ROW },
    Row { repository: "case-only rename", setup: "echo x > readme; git add .; git commit -qm r", agent: "git mv -f readme README",
        result: (0, "README made readme"), ..ROW },
    Row { repository: "link in the place of a folder", setup: "mkdir d e; echo x > d/x; echo y > e/x; git add .; git commit -qm d",
        agent: "rm -r d; ln -s e d", result: (0, "d d/x made"), ..ROW },
    Row { repository: "link that leads outside in the place of a folder", setup: "mkdir -p d/e; echo x > d/x; echo y > d/e/y; git add .; git commit -qm d",
        agent: "rm -r d; ln -s /nonexistent d", result: (0, "d d/e/y d/x made"), ..ROW },
    Row { repository: "file in the place of a folder", setup: "mkdir d; echo x > d/x; git add .; git commit -qm d",
        agent: "rm -r d; echo x > d", result: (0, "d d/x made"), ..ROW },
    Row { repository: "mode change", setup: "echo x > tool; git add .; git commit -qm t", agent: "chmod +x tool", result: (0, "made tool"), ..ROW },
    Row { repository: "new file of 60 MB", agent: "head -c 60000000 /dev/zero > big", words: "! left out: big (60 MB, above git.max_file)", ..ROW },
    Row { repository: "tracked file that became a pipe", setup: "echo x > p; git add .; git commit -qm p", agent: "rm p; mkfifo p",
        words: "! left out: p (", ..ROW },
    Row { repository: "ignored file that the agent adds by force", setup: "echo '*.log' > .gitignore; git add .; git commit -qm i",
        agent: "echo x > a.log; echo y > b.log; git add -f a.log", result: (0, "a.log made"), ..ROW },
    Row { repository: "files that a person has staged (`dirty = \"allow\"`)", setup: "echo x > mine; git add mine", config: "dirty = \"allow\"", ..ROW },
    Row { repository: "assume-unchanged and skip-worktree files", setup: "echo x > a; echo x > s; git add .; git commit -qm as; \
        git update-index --assume-unchanged a; git update-index --skip-worktree s; echo y > a; echo y > s", ..ROW },
    Row { repository: "signer that asks", setup: "printf '#!/bin/sh\\necho passphrase? >&2; sleep 1000\\n' > $G/ask; chmod +x $G/ask; \
        git config gpg.program $PWD/$G/ask; git config commit.gpgsign true", config: "timeout = \"3s\"", result: (2, "-"), words: HANGS, ..ROW },
    Row { repository: "hook that hangs", setup: "hook pre-commit 'sleep 1000'", config: "timeout = \"3s\"", result: (2, "-"), words: HANGS, ..ROW },
    Row { repository: "hook that refuses", setup: "hook pre-commit 'echo no, never; exit 1'", result: (2, "-"), words: "no, never", ..ROW },
    Row { repository: "hook that formats and refuses", setup: "hook pre-commit 'grep -q formatted made && exit 0; echo formatted > made; exit 1'", ..ROW },
    Row { repository: "hook that formats and adds", setup: "hook pre-commit 'echo formatted > made; git add made'", ..ROW },
    Row { repository: "hook that formats and does not add", setup: "hook pre-commit 'echo formatted > made'",
        words: "! not committed, because a hook of git took them out or changed them after the commit: made", ..ROW },
    Row { repository: "hook that changes files after the commit", setup: "hook post-commit 'echo more >> made'",
        words: "! not committed, because a hook of git took them out or changed them after the commit: made", ..ROW },
    Row { repository: "hook that takes a file out", setup: "hook pre-commit 'git rm -q --cached second'", agent: "echo x > second",
        words: "! not committed, because a hook of git took them out or changed them after the commit: second", ..ROW },
    Row { repository: "hook that adds another file", setup: "hook pre-commit 'echo x > generated; git add generated'", result: (0, "generated made"),
        words: "! a hook of git put more into the commit: generated", ..ROW },
    Row { repository: "hook that looks with a pathspec", setup: "hook pre-commit 'test \"$(git diff --cached --name-only -- \"ma*\")\" = made'", ..ROW },
    Row { repository: "hook that fails after the commit", setup: "hook post-commit 'exit 1'", ..ROW },
    Row { repository: "`core.hooksPath`", setup: "mkdir .out/hooks; hook pre-commit 'echo elsewhere; exit 1'; mv $G/hooks/pre-commit .out/hooks; \
        git config core.hooksPath .out/hooks", result: (2, "-"), words: "elsewhere", ..ROW },
    Row { repository: "`commit.template`, `commit.verbose`, `commit.cleanup`", setup: "echo template > $G/t; git config commit.template $G/t; \
        git config commit.verbose true; git config commit.cleanup scissors", ..ROW },
    Row { repository: "rebase in progress", setup: CONFLICT, agent: "git rebase -q other >/dev/null 2>&1", result: (2, "-"),
        config: "history = \"off\"", words: "a rebase is in progress, and a commit would end it" },
    Row { repository: "rebase in progress at the start (`dirty = \"allow\"`)", setup: REBASING, config: "dirty = \"allow\"", result: (2, "-"),
        words: "a rebase is in progress, and commits of tasks would be mixed with it", ..ROW },
    Row { repository: "merge in progress at the start", setup: MERGING, result: (2, "-"),
        words: "a merge is in progress, and commits of tasks would be mixed with it", ..ROW },
    Row { repository: "cherry-pick in progress at the start", setup: PICKING, result: (2, "-"),
        words: "a cherry-pick is in progress, and commits of tasks would be mixed with it", ..ROW },
    Row { repository: "revert in progress at the start", setup: REVERTING, result: (2, "-"),
        words: "a revert is in progress, and commits of tasks would be mixed with it", ..ROW },
    Row { repository: "`git am` in progress at the start", setup: APPLYING, result: (2, "-"),
        words: "a series of patches (git am) is in progress, and commits of tasks would be mixed with it", ..ROW },
    Row { repository: "bisect in progress at the start", setup: "git commit -q --allow-empty -m more; git bisect start -q HEAD HEAD~1", result: (2, "-"),
        words: "a bisect is in progress, and commits of tasks would be mixed with it", ..ROW },
    Row { repository: "merge in progress", setup: CONFLICT, agent: "git merge -q other >/dev/null 2>&1", result: (2, "-"),
        words: "a merge is in progress, and a commit would end it", ..ROW },
    Row { repository: "`index.lock` of another git", setup: "touch $G/index.lock; (until test -e made; do sleep 0.02; done; sleep 0.3; rm -f $G/index.lock) >/dev/null 2>&1 &", ..ROW },
    Row { repository: "`index.lock` that comes with the commit", setup: "hook post-commit 'touch .git/index.lock; (sleep 0.3; rm -f .git/index.lock) >/dev/null 2>&1 &'", ..ROW },
    Row { repository: "busy branch", setup: "touch $G/refs/heads/main.lock; hook pre-commit '(sleep 0.3; rm -f .git/refs/heads/main.lock) >/dev/null 2>&1 &'", ..ROW },
    Row { repository: "the agent commits by itself", agent: "git add made; git commit -qm own", result: (0, ""), words: "its own commit: ", ..ROW },
    Row { repository: "the agent resets the branch", setup: "git commit -q --allow-empty -m more", agent: "git reset -q --hard HEAD~1; echo x > made",
        result: (2, "-"), words: "the agent moved the branch from", ..ROW },
    Row { repository: "the agent amends", agent: "git commit -q --amend -m amended", result: (2, "-"), words: "the agent moved the branch from", ..ROW },
    Row { repository: "the agent rebases", agent: "git stash -qu; git -c user.name=other rebase -q -f --root; git stash pop -q",
        result: (2, "-"), words: "the agent moved the branch from", ..ROW },
    Row { repository: "the agent switches the branch", agent: "git switch -q -c other", result: (2, "-"),
        words: "the agent went from branch main to branch other (back: git switch main)", ..ROW },
    Row { repository: "the agent renames the branch", agent: "git branch -m other", result: (2, "-"),
        words: "the agent renamed branch main to other (back: git branch -m other main)", ..ROW },
    Row { repository: "the agent deletes the branch", agent: "git switch -q -c other; git branch -q -D main", result: (2, "-"),
        words: "the agent went from branch main to branch other (back: git switch -c main ", ..ROW },
    Row { repository: "the agent deletes the ref of the branch", agent: "git update-ref -d refs/heads/main", result: (2, "-"),
        words: "(back: git update-ref HEAD ", ..ROW },
    Row { repository: "the agent runs `git clean -fdx`", agent: "git clean -qfdx -e .out -e .home -e ledger; echo x > made", ..ROW },
    Row { repository: "the agent removes `.git/seqorch`", agent: "rm -rf .git/seqorch", ..ROW },
    Row { repository: "owned by somebody else", setup: "mkdir \"$OUTSIDE/stranger\"; printf '#!/bin/sh\\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec %s \"$@\"\\n' \"$(command -v git)\" > \"$OUTSIDE/stranger/git\"; \
        chmod +x \"$OUTSIDE/stranger/git\"", result: (2, "-"), words: "detected dubious ownership in repository at", ..ROW },
];

const SUBMODULE: &str = "git init -q .out/library; git -C .out/library -c user.name=t -c user.email=t@x commit -q --allow-empty -m x; \
    git -c protocol.file.allow=always submodule --quiet add ./.out/library lib; git -C lib config user.name t; \
    git -C lib config user.email t@x; git commit -qam lib";
const UNFILLED: &str = "git init -q .out/library; git -C .out/library -c user.name=t -c user.email=t@x commit -q --allow-empty -m x; \
    git -c protocol.file.allow=always submodule --quiet add ./.out/library lib; git commit -qam lib; git submodule --quiet deinit -f lib";
const CONFLICT: &str = "git checkout -q -b other; echo theirs > both; git add both; git commit -qm theirs; \
    git checkout -q main; echo ours > both; git add both; git commit -qm ours";

const REBASING: &str = "git checkout -q -b other; echo theirs > both; git add both; git commit -qm theirs; \
    git checkout -q main; echo ours > both; git add both; git commit -qm ours; git rebase -q other >/dev/null 2>&1 || true";

const MERGING: &str = "git checkout -q -b other; echo theirs > both; git add both; git commit -qm theirs; \
    git checkout -q main; echo ours > both; git add both; git commit -qm ours; git merge -q other >/dev/null 2>&1 || true";
const PICKING: &str = "git checkout -q -b other; echo theirs > both; git add both; git commit -qm theirs; \
    git checkout -q main; echo ours > both; git add both; git commit -qm ours; git cherry-pick other >/dev/null 2>&1 || true";
const REVERTING: &str = "echo one > both; git add both; git commit -qm one; echo two > both; git commit -qam two; \
    git revert --no-edit HEAD~1 >/dev/null 2>&1 || true";
const APPLYING: &str = "git checkout -q -b other; echo theirs > both; git add both; git commit -qm theirs; git format-patch -q -1 -o .git/patches; \
    git checkout -q main; echo ours > both; git add both; git commit -qm ours; git am -q .git/patches/* >/dev/null 2>&1 || true";

const TASKS: &str = ".kiro/specs/demo/tasks.md";

/// Runs `sh` in the project as its owner's shell would.
fn sh(project: &Project, script: &str) {
    let hook = "hook() { mkdir -p .git/hooks; printf '#!/bin/sh\\n%s\\n' \"$2\" > .git/hooks/$1; chmod +x .git/hooks/$1; }; G=.git; set -e;";
    let mut command = project.command_of("/bin/sh", &["-c", &format!("{hook} {script}")]);
    let out = command.env("OUTSIDE", project.outside()).output().unwrap();
    assert!(out.status.success(), "{script}: {out:?}");
}

/// Whether this git can make such a repository at all.
fn is_possible(row: &Row) -> bool {
    let (flag, why) = ("--ref-format=reftable", "this git has no reftable");
    if !row.setup.contains(flag) {
        return true;
    }
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("git").args(["init", "-q", flag, "."]).current_dir(&folder).output().unwrap();
    if !made.status.success() {
        crate::common::skipped(why);
    }
    made.status.success()
}

/// What is wrong with the end of a run in this repository, if anything is.
fn check(row: &Row) -> Result<(), String> {
    let agent = format!("echo x > made; {}\nsay_done", row.agent);
    let project = Project::new().spec("demo", "- [ ] 1. Thing\n").agent(&agent);
    let project =
        project.config(&format!("[git]\ncommit = \"step\"\n{}\n[retry]\nattempts = 1\n", row.config));
    crate::common::git::init(&project);
    sh(&project, row.setup);
    let before = git(&project, &["rev-parse", "HEAD"]);
    let staged = git(&project, &["diff", "--cached", "--name-only"]);
    let path = std::env::var("PATH").unwrap();
    // a git of the project itself is not run
    let stranger = project.outside().join("stranger");
    let project = project.env("PATH", format!("{}:{path}", stranger.display()));
    let out = project.run(&["run"]);
    let story = || format!("{}\nstdout:\n{}\nstderr:\n{}", row.repository, out.stdout, out.stderr);
    if out.code != row.result.0 {
        return Err(format!("ends with {}: {}", out.code, story()));
    }
    if !out.stdout.contains(row.words) && !out.stderr.contains(row.words) {
        return Err(format!("does not say {:?}: {}", row.words, story()));
    }
    if row.repository == "owned by somebody else" {
        // git reads nothing of it
        return Ok(());
    }
    let subject = git(&project, &["log", "-1", "--format=%s"]);
    let made = subject == "1: Thing";
    let mut files = git(&project, &["show", "--root", "--no-renames", "--name-only", "--format=", "HEAD"]);
    files = files.lines().filter(|line| *line != TASKS).collect::<Vec<_>>().join(" ");
    let files = if made { files } else { "-".to_owned() };
    if files != row.result.1 {
        return Err(format!("commits {files:?} (HEAD was {before}): {}", story()));
    }
    if !made {
        return Ok(());
    }
    if git(&project, &["log", "-1", "--format=%b"]).lines().next() != Some("Spec: demo") {
        return Err(format!("another message: {}", story()));
    }
    // what it committed is clean, and what a person had staged is still so
    let dirty: Vec<&str> = files.split(' ').collect();
    let status = git(&project, &[&["status", "--porcelain", "--"], &dirty[..]].concat());
    let still = git(&project, &["diff", "--cached", "--name-only"]);
    let is_said = row.words.contains("changed them after the commit");
    if !status.is_empty() && !is_said || still != staged {
        return Err(format!("is not clean: {status:?}, staged: {still:?}: {}", story()));
    }
    let fsck = git(&project, &["fsck", "--full", "--no-dangling"]);
    if fsck.is_empty() { Ok(()) } else { Err(format!("fsck says {fsck}: {}", story())) }
}

#[test]
#[ignore = "slow"]
fn each_kind_of_repository_ends_in_the_right_commit_or_words() {
    let only = std::env::var("SEQORCH_ROW").ok();
    let rows: Vec<&Row> = ROWS
        .iter()
        .filter(|row| is_possible(row))
        .filter(|r| only.as_ref().is_none_or(|o| r.repository.contains(o)))
        .collect();
    let (next, wrong) = (Mutex::new(rows.iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let row = next.lock().unwrap().next();
                    let Some(row) = row else { break };
                    if let Err(why) = check(row) {
                        wrong.lock().unwrap().push(why);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n\n{}", wrong.len(), ROWS.len(), wrong.join("\n\n"));
}

#[test]
fn the_table_in_the_docs_is_that_of_these_tests() {
    let mut table = String::from("| repository | result | words |\n|---|---|---|\n");
    for row in ROWS {
        let result = match row.result {
            (2, _) => "exit 2, no commit".to_owned(),
            (_, "") => "done; the task's commit has the box only".to_owned(),
            (_, files) => format!(
                "a commit of {}",
                files.split(' ').map(|f| format!("`{f}`")).collect::<Vec<_>>().join(", ")
            ),
        };
        let words = row.words.replace('|', "\\|");
        let words = if words.is_empty() { String::new() } else { format!("`{words}`") };
        writeln!(table, "| {} | {result} | {words} |", row.repository).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/repositories.md");
    let text = fs::read_to_string(&path).unwrap();
    let (head, _) = text.split_once("| repository |").unwrap();
    let wanted = format!("{head}{table}");
    if std::env::var_os("SEQORCH_UPDATE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        return;
    }
    assert_eq!(text, wanted, "write it again with SEQORCH_UPDATE_DOCS=1");
}
