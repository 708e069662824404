//! Runs of several machines on one remote: each machine is a clone of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::git::{WRITES, git, hook, repo};
use crate::common::programs::program;
use crate::common::{Project, wait_until};

/// The branch of the spec on the remote.
const BRANCH: &str = "seqorch/demo";

/// A bare repository with one spec, and the machine that pushed it there.
pub(crate) struct Fleet {
    pub(crate) first: Project,
    pub(crate) bare: PathBuf,
}

impl Fleet {
    pub(crate) fn new(agent: &str, more: &str) -> Self {
        let first = repo(agent, &format!("[remote]\nlease = \"3s\"\n{more}"));
        let bare = first.outside().join("remote.git");
        git(&first, &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
        git(&first, &["remote", "add", "origin", bare.to_str().unwrap()]);
        git(&first, &["push", "-q", "origin", "main"]);
        let fleet = Self { first, bare };
        let state = fleet.first.outside().join("state");
        Self { first: fleet.first.env("XDG_STATE_HOME", state), bare: fleet.bare }
    }

    /// Another machine, with a clone of its own.
    pub(crate) fn machine(&self) -> Project {
        let machine = Project::new();
        git(&machine, &["init", "-q", "-b", "main"]);
        machine.write(".git/info/exclude", "ledger\ngate\n.out/\n.home/\n");
        for (key, value) in [("user.name", "t"), ("user.email", "t@localhost")] {
            git(&machine, &["config", key, value]);
        }
        git(&machine, &["remote", "add", "origin", self.bare.to_str().unwrap()]);
        git(&machine, &["fetch", "-q", "origin"]);
        git(&machine, &["reset", "-q", "--hard", "origin/main"]);
        let state = machine.outside().join("state");
        machine.env("XDG_STATE_HOME", state)
    }

    /// What git says in the bare repository.
    fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git").args(args).current_dir(&self.bare).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(crate) fn subjects(&self) -> Vec<String> {
        self.git(&["log", "--reverse", "--format=%s", BRANCH]).lines().map(str::to_owned).collect()
    }

    /// The ref with the lease.
    fn run_ref(&self) -> String {
        self.git(&["for-each-ref", "--format=%(refname)", "refs/seqorch/run"])
    }

    fn file(&self, name: &str) -> Value {
        let text = self.git(&["cat-file", "blob", &format!("{}:{name}", self.run_ref())]);
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// A person pushes a commit with this file to the branch.
    pub(crate) fn person_pushes(&self, file: &str, text: &str) {
        let person = self.machine();
        git(&person, &["checkout", "-q", "-B", "work", &format!("origin/{BRANCH}")]);
        person.write(file, text);
        git(&person, &["add", file]);
        git(&person, &["commit", "-q", "-m", "by a person"]);
        git(&person, &["push", "-q", "origin", &format!("work:{BRANCH}")]);
    }
}

const RUN: [&str; 4] = ["run", "demo", "--remote", "origin"];

fn run_with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    RUN.iter().copied().chain(more.iter().copied()).collect()
}

#[test]
fn another_machine_continues_where_the_first_one_stopped() {
    let fleet = Fleet::new(WRITES, "");
    fleet.first.run(&run_with(&["--max-iterations=1"])).code(1);
    assert_eq!(fleet.subjects(), ["start", "1: First thing"]);
    assert_eq!(fleet.file("lease.json")["holder"], Value::Null);
    let state = fleet.file("state.json");
    assert_eq!(state["specs"]["demo"]["completed"], json!(["1"]));
    let second = fleet.machine();
    second.run(&RUN).code(0).says(&["continues where it stands on origin: 1 task done"]);
    assert_eq!(fleet.subjects(), ["start", "1: First thing", "2: Second thing"]);
    assert_eq!(fleet.first.ledger(), ["1 1", "2 1"], "each task was done once");
    let trailers = fleet.git(&["log", "-1", "--format=%(trailers:key=Seqorch-Task,valueonly)", BRANCH]);
    assert!(trailers.starts_with("demo-") && trailers.ends_with("/2"), "{trailers}");
    // the boxes came along, and nothing is left to do on any machine
    let boxes = fleet.git(&["show", &format!("{BRANCH}:.kiro/specs/demo/tasks.md")]);
    assert!(boxes.starts_with("- [x] 1. First thing"), "{boxes}");
    fleet.first.run(&RUN).code(0);
    assert_eq!(fleet.first.ledger().len(), 2);
}

#[test]
fn a_machine_that_finds_the_spec_taken_ends_with_75_and_names_the_holder() {
    let fleet = Fleet::new("gate; say_done", "");
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(1);
    let second = fleet.machine();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    second.run(&RUN).code(75).says(&[&format!("{host} (run "), "works on demo until", "--take-lease"]);
    let when = |machine: &Project, args: &[&str]| {
        let out = machine.run(args).code(0).says(&["works on demo now"]);
        out.stdout.trim().parse::<jiff::Timestamp>().unwrap()
    };
    let now = jiff::Timestamp::now() - jiff::Span::new().seconds(1);
    assert!(when(&second, &["when", "demo", "--remote"]) > now);
    assert!(when(&fleet.first, &["when", "demo"]) > now, "its clone knows the remote");
    let listed = second.run(&["specs", "--json", "--open", "--remote"]).code(0).stdout;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let (row, who) = (&listed["specs"][0], listed["specs"][0]["waits_for"].as_str().unwrap());
    assert!(row["start"] == "later" && row["resume_at"].is_string() && who.starts_with(&host), "{row}");
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let waits = second.start(&run_with(&["--wait"]));
        wait_until("a note of the wait", || waits.complaints().contains("waiting for "));
        waits.signal(signal);
        waits.wait().code(code).says(&["stopped before the spec was free"]);
    }
    // renewed while the agent works, for longer than the lease
    let seq = || fleet.file("lease.json")["seq"].as_u64().unwrap();
    let before = seq();
    wait_until("some renewals", || seq() >= before + 4);
    second.run(&RUN).code(75);
    fleet.first.release();
    fleet.first.wait_for_ledger(2);
    fleet.first.release();
    first.wait().code(0);
}

#[test]
fn a_lease_that_is_taken_over_ends_the_agent_of_the_machine_that_had_it() {
    let fleet =
        Fleet::new("[ -e \"$ROOT/free\" ] || gate; echo $SEQORCH_UNIT > made-$SEQORCH_UNIT; say_done", "");
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(1);
    fleet.first.write("free", "");
    let second = fleet.machine();
    second.run(&run_with(&["--take-lease"])).code(0);
    let first = first.wait().code(75);
    first.says(&["the lease of the spec is lost", "nothing more was pushed from here"]);
    assert_eq!(fleet.subjects(), ["start", "1: First thing", "2: Second thing"]);
}

#[test]
fn the_next_run_of_the_same_clone_takes_a_killed_run_over_at_once() {
    let fleet = Fleet::new("gate; say_done", "");
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(1);
    first.signal(Signal::KILL);
    first.wait().code(137);
    let next = fleet.first.start(&RUN);
    next.wait_for("taking it over");
    fleet.first.release();
    fleet.first.wait_for_ledger(2);
    fleet.first.release();
    next.wait().code(0);
    assert_eq!(fleet.first.ledger(), ["1 1", "2 1"]);
}

#[test]
#[ignore = "slow"]
fn a_machine_takes_over_from_one_that_was_killed_once_its_lease_has_ended() {
    let fleet =
        Fleet::new("[ -e \"$ROOT/free\" ] || gate; echo $SEQORCH_UNIT > made-$SEQORCH_UNIT; say_done", "");
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(1);
    first.signal(Signal::KILL);
    first.wait().code(137);
    fleet.first.write("free", "");
    let second = fleet.machine();
    let began = std::time::Instant::now();
    second.run(&run_with(&["--wait"])).code(0);
    assert!(began.elapsed() > std::time::Duration::from_secs(1), "it took a living lease over");
    assert_eq!(fleet.subjects(), ["start", "1: First thing", "2: Second thing"]);
    assert_eq!(fleet.first.ledger(), ["1 1", "1 2", "2 1"]);
    // the agent of the killed run still works, and has no way to push
    fleet.first.run(&RUN).code(0);
    assert_eq!(fleet.subjects().len(), 3);
}

#[test]
fn term_pushes_what_is_done_and_frees_the_spec() {
    let fleet = Fleet::new(
        "[ \"$SEQORCH_UNIT $SEQORCH_ATTEMPT\" = '2 1' ] && gate; echo x > made-$SEQORCH_UNIT; say_done",
        "",
    );
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(2);
    first.signal(Signal::TERM);
    first.wait().code(143);
    assert_eq!(fleet.subjects(), ["start", "1: First thing"]);
    assert_eq!(fleet.file("lease.json")["holder"], Value::Null);
    fleet.machine().run(&RUN).code(0);
    assert_eq!(fleet.first.ledger(), ["1 1", "2 1", "2 2"]);
    assert_eq!(fleet.subjects().len(), 3);
}

#[test]
fn a_question_waits_on_the_remote_and_is_kept_by_every_machine() {
    let agent = "[ \"$SEQORCH_UNIT $SEQORCH_ATTEMPT\" = '2 1' ] && { echo 'Which database?'; say_halt; exit; }; say_done";
    let fleet = Fleet::new(agent, "");
    fleet.first.run(&RUN).code(2).says(&["Which database?"]);
    assert_eq!(fleet.file("lease.json")["holder"], Value::Null);
    let second = fleet.machine();
    second.run(&RUN).code(2).says(&["Which database?"]);
    // a machine that has never run it asks the remote when it can continue
    let third = fleet.machine();
    third.run(&["when", "demo"]).code(0).says(&["now"]);
    third.run(&["when", "demo", "--remote"]).code(2).says(&["never"]);
    third.env("SEQORCH_REMOTE__NAME", "origin").run(&["when", "demo"]).code(2).says(&["never"]);
    // anybody answers, without the lease and without a run
    let answer = ["resume", "demo", "--remote", "origin", "--answer", "Postgres"];
    fleet.machine().run(&answer).code(0).says(&["the answer is on origin"]);
    fleet.machine().run(&answer).code(64).says(&["is not halted"]);
    assert_eq!(fleet.first.ledger().len(), 2);
    second.run(&RUN).code(0).says(&["1 answer that people left on origin"]);
    assert_eq!(fleet.first.ledger(), ["1 1", "2 1", "2 2"]);
    assert_eq!(fleet.file("state.json")["specs"]["demo"]["decisions"][0]["answer"], "Postgres");
}

#[test]
fn a_retry_on_another_machine_has_the_options_of_the_last_run() {
    let agent = "[ \"$SEQORCH_UNIT $SEQORCH_ATTEMPT\" = '1 1' ] && { echo 'Which database?'; say_halt; exit; }; say_done";
    let fleet = Fleet::new(agent, "");
    fleet.first.run(&run_with(&["--only", "1", "--workdir", "."])).code(2);
    // an earlier run of this machine had others
    let second = fleet.machine();
    let out = second.run(&run_with(&["--retry"])).code(0);
    let out = out.says(&[
        "with the options of the earlier run: --remote=origin --only=1",
        "for its machine: --workdir=/",
    ]);
    assert!(out.stderr.matches("with the options").count() == 1, "{}", out.stderr);
    assert_eq!(fleet.first.ledger(), ["1 1", "1 2"]);
    // and the machine that had the spec first does not take its own for the last ones
    fleet.first.run(&run_with(&["--retry", "--all"])).code(0);
    assert_eq!(fleet.first.ledger(), ["1 1", "1 2", "2 1"]);
}

#[test]
fn a_detached_retry_has_the_options_that_the_remote_has() {
    let agent = "[ \"$SEQORCH_UNIT $SEQORCH_ATTEMPT\" = '1 1' ] && { echo 'Which database?'; say_halt; exit; }; say_done";
    let fleet = Fleet::new(agent, "");
    fleet.first.run(&run_with(&["--only", "1", "--no-tmux"])).code(2);
    let Some(second) = fleet.machine().tmux() else { return };
    second.run(&run_with(&["--retry", "--detach"])).code(0).says(&["detached · watch:"]);
    wait_until("the end of the run", || {
        fleet.file("lease.json")["holder"] == Value::Null && fleet.subjects().len() == 2
    });
    assert_eq!(fleet.first.ledger(), ["1 1", "1 2"]);
}

#[test]
fn a_run_that_cannot_begin_with_those_options_frees_the_spec() {
    let fleet = Fleet::new("echo 'Which database?'; say_halt", "");
    fleet.first.write(".home/config/seqorch/config.toml", "[profile.night]\n");
    fleet.first.run(&run_with(&["--profile", "night"])).code(2);
    // the other machine has no such profile
    fleet.machine().run(&run_with(&["--retry"])).code(78).says(&["--profile=night", "--all forgets them"]);
    assert_eq!(fleet.file("lease.json")["holder"], Value::Null);
}

#[test]
fn what_a_person_pushes_stays_below_the_commit_of_a_task() {
    let fleet = Fleet::new("[ $SEQORCH_UNIT = 2 ] && gate; echo x > made-$SEQORCH_UNIT; say_done", "");
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(2);
    fleet.person_pushes("mine.txt", "mine\n");
    fleet.first.release();
    first.wait().code(0);
    assert_eq!(fleet.subjects(), ["start", "1: First thing", "by a person", "2: Second thing"]);
    // the state names the commit under its new name
    let commit = fleet.file("state.json")["specs"]["demo"]["units"]["2"]["changes"]["commit"].clone();
    assert_eq!(commit, fleet.git(&["rev-parse", BRANCH]));
    fleet.machine().run(&RUN).code(0);
}

/// A commit of seqorch leaves the index of git behind the times of the files, which is no reason to refuse.
#[test]
fn what_people_do_to_files_of_done_tasks_is_taken_in() {
    let asks = "[ \"$SEQORCH_UNIT $SEQORCH_ATTEMPT\" = '2 1' ] && { echo 'Which?'; say_halt; exit; }\n\
                echo x > made-$SEQORCH_UNIT; say_done";
    for is_removed in [false, true] {
        let fleet = Fleet::new(asks, "");
        fleet.first.run(&RUN).code(2);
        let person = fleet.machine();
        git(&person, &["checkout", "-q", "-B", "work", &format!("origin/{BRANCH}")]);
        if is_removed {
            git(&person, &["rm", "-q", "made-1"]);
        } else {
            person.write("made-1", "mine\n");
        }
        git(&person, &["commit", "-qam", "by a person"]);
        git(&person, &["push", "-q", "origin", &format!("work:{BRANCH}")]);
        fleet.first.run(&["resume", "demo", "--answer", "This.", "--remote", "origin"]).code(0);
        fleet.first.run(&RUN).code(0);
        assert_eq!(fleet.subjects(), ["start", "1: First thing", "by a person", "2: Second thing"]);
        let made = fleet.git(&["ls-tree", "--name-only", BRANCH, "made-1", "made-2"]);
        assert_eq!(made, if is_removed { "made-2" } else { "made-1\nmade-2" });
    }
}

#[test]
fn a_push_of_a_person_that_conflicts_needs_you_and_loses_nothing() {
    let fleet = Fleet::new(
        "[ \"$SEQORCH_UNIT $SEQORCH_ATTEMPT\" = '2 1' ] && gate; echo x > made-$SEQORCH_UNIT; say_done",
        "",
    );
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(2);
    fleet.person_pushes("made-2", "mine\n");
    fleet.first.release();
    let first = first.wait().code(2);
    let first = first.says(&["conflicts with a task", "refs/seqorch/kept/demo-"]);
    assert!(!first.stdout.contains("all complete"), "{}", first.stdout);
    assert_eq!(fleet.subjects(), ["start", "1: First thing", "by a person"]);
    let kept = fleet.git(&["for-each-ref", "--format=%(subject)", "refs/seqorch/kept"]);
    assert_eq!(kept, "2: Second thing");
    assert_eq!(fleet.file("lease.json")["holder"], Value::Null);
    fleet.first.run(&["when", "demo"]).code(2);
    // the branch is the truth from then on: the box of the task is open there
    fleet.machine().run(&run_with(&["--retry"])).code(0);
    assert_eq!(fleet.first.ledger(), ["1 1", "2 1", "2 2"]);
    assert_eq!(fleet.subjects(), ["start", "1: First thing", "by a person", "2: Second thing"]);
}

#[test]
fn a_push_of_a_person_that_cannot_be_taken_in_stays_on_the_branch() {
    // a file that is too large for a commit is in the way of the person's
    let agent = "[ $SEQORCH_UNIT = 2 ] && gate && head -c 2000000 /dev/zero > mine.txt\n\
                 echo x > made-$SEQORCH_UNIT; say_done";
    let Fleet { first, bare } = Fleet::new(agent, "");
    let fleet = Fleet { first: first.env("SEQORCH_GIT__MAX_FILE", "1"), bare };
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(2);
    fleet.person_pushes("mine.txt", "mine\n");
    fleet.first.release();
    first.wait().code(2).says(&["cannot be taken in", "refs/seqorch/kept/demo-"]);
    assert_eq!(fleet.subjects(), ["start", "1: First thing", "by a person"]);
    let kept = fleet.git(&["for-each-ref", "--format=%(subject)", "refs/seqorch/kept"]);
    assert_eq!(kept, "2: Second thing");
    assert_eq!(fleet.file("lease.json")["holder"], Value::Null);
}

#[test]
fn what_a_person_pushed_is_checked_together_with_the_commit_of_a_task() {
    let check = "echo x >> ../checks; test ! -e mine.txt || test ! -e made-2";
    let check = format!("[verify]\ncommands = [[\"sh\", \"-c\", \"{check}\"]]\n");
    let fleet = Fleet::new("[ $SEQORCH_UNIT = 2 ] && gate; echo x > made-$SEQORCH_UNIT; say_done", &check);
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(2);
    fleet.person_pushes("mine.txt", "mine\n");
    fleet.first.release();
    let words = [
        "with what people pushed to the branch, the last task of demo is not done",
        "refs/seqorch/kept/demo-",
    ];
    first.wait().code(2).says(&words);
    assert_eq!(fleet.subjects(), ["start", "1: First thing", "by a person"]);
    let trees = fs::read_dir(fleet.first.outside().join("state/seqorch/trees")).unwrap();
    let checks = trees.flatten().next().unwrap().path().join("checks");
    assert_eq!(fs::read_to_string(checks).unwrap(), "x\nx\nx\n", "one for each task, and the last one again");
}

/// Checks that count themselves, wait in the third one for the end of the run, and fail with both files.
const WAITING_CHECK: &str = "[verify]\ncommands = [[\"sh\", \"-c\", \"echo x >> ../checks; [ $(wc -l < ../checks) = 3 ] && read -r _ < $TEST_PROJECT/gate; test ! -e mine.txt || test ! -e made-2\"]]\n";

/// What the checks of a machine have counted.
fn checks(machine: &Project) -> usize {
    let trees = fs::read_dir(machine.outside().join("state/seqorch/trees")).into_iter().flatten().flatten();
    let files = trees.filter_map(|tree| fs::read_to_string(tree.path().join("checks")).ok());
    files.map(|text| text.lines().count()).sum()
}

#[test]
fn checks_that_term_ended_are_what_the_next_run_begins_with() {
    let fleet =
        Fleet::new("[ $SEQORCH_UNIT = 2 ] && gate; echo x > made-$SEQORCH_UNIT; say_done", WAITING_CHECK);
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(2);
    fleet.person_pushes("mine.txt", "mine\n");
    fleet.first.release();
    wait_until("the checks on top of what a person pushed", || checks(&fleet.first) == 3);
    first.signal(Signal::TERM);
    first.wait().code(143);
    // what is done is pushed, and it is known that it was not checked there
    assert_eq!(fleet.subjects(), ["start", "1: First thing", "by a person", "2: Second thing"]);
    assert_eq!(fleet.file("state.json")["specs"]["demo"]["units"]["2"]["unchecked"], true);
    let second = fleet.machine();
    second.run(&["specs", "--json", "--open", "--remote"]).code(0).says(&["\"start\": \"now\""]);
    second.run(&RUN).code(2).says(&["with what people pushed to the branch, its last task is not done"]);
    assert_eq!((checks(&second), fleet.first.ledger().len()), (1, 2), "no agent worked again");
    // a person knows
    second.run(&run_with(&["--retry"])).code(0);
    assert_eq!(checks(&second), 1);
}

#[test]
fn a_commit_that_term_left_unpushed_is_checked_with_what_people_pushed() {
    let hook = "[ $SEQORCH_UNIT = 1 ] || { touch $TEST_PROJECT/ended; until read -r _ < $TEST_PROJECT/gate; do :; done; }";
    let hooks = format!("{WAITING_CHECK}[hooks]\nrequired = true\nstep_end = [\"sh\", \"-c\", \"{hook}\"]\n");
    let fleet = Fleet::new("echo x > made-$SEQORCH_UNIT; say_done", &hooks);
    let first = fleet.first.start(&RUN);
    wait_until("the end of the last task", || fleet.first.path("ended").exists());
    fleet.person_pushes("mine.txt", "mine\n");
    first.signal(Signal::TERM);
    fleet.first.release();
    first.wait().code(143);
    assert_eq!(fleet.subjects(), ["start", "1: First thing", "by a person", "2: Second thing"]);
    let second = fleet.machine();
    second.run(&RUN).code(2).says(&["with what people pushed to the branch, its last task is not done"]);
    assert_eq!((checks(&second), fleet.first.ledger().len()), (1, 2));
}

#[test]
fn a_detached_run_takes_the_lease_in_its_window() {
    let fleet = Fleet::new("gate; say_done", "");
    let Some(first) = fleet.first.tmux() else { return };
    let fleet = Fleet { first, ..fleet };
    fleet.first.run(&run_with(&["--detach"])).code(0).says(&["detached · watch:"]);
    fleet.first.wait_for_ledger(1);
    let Some(second) = fleet.machine().tmux() else { return };
    second.run(&run_with(&["--detach"])).code(75).says(&["works on demo until"]);
    for count in 2..=3 {
        fleet.first.release();
        wait_until("the next step", || fleet.subjects().len() == count);
    }
    wait_until("the end of the run", || fleet.file("lease.json")["holder"] == Value::Null);
}

#[test]
fn files_that_lfs_keeps_are_uploaded_before_the_commit_that_names_them() {
    let fleet = Fleet::new(WRITES, "");
    fleet.first.write(".gitattributes", "*.bin filter=lfs\n");
    git(&fleet.first, &["add", ".gitattributes"]);
    git(&fleet.first, &["commit", "-q", "-m", "large files"]);
    let path = |more: &Path| format!("{}:{}", more.display(), std::env::var("PATH").unwrap());
    let (bin, log) = (fleet.first.outside().join("bin"), fleet.first.outside().join("lfs.log"));
    let fails = fleet.first.outside().join("fails");
    program(&fleet.first, fails.join("git-lfs").to_str().unwrap(), "exit 1");
    program(
        &fleet.first,
        bin.join("git-lfs").to_str().unwrap(),
        &format!("echo \"$@\" >> {}", log.display()),
    );
    let without = Fleet { first: fleet.first.env("PATH", path(&fails)), bare: fleet.bare };
    without.first.run(&RUN).code(69).says(&["Git LFS", "Install git-lfs"]);
    let fleet = Fleet { first: without.first.env("PATH", path(&bin)), bare: without.bare };
    fleet.first.run(&RUN).code(0);
    let commits = fleet.git(&["log", "--reverse", "--format=%H", "-2", BRANCH]);
    let pushed: Vec<String> = commits.lines().map(|commit| format!("push origin {commit}")).collect();
    let log = fs::read_to_string(log).unwrap();
    let uploads: Vec<&str> = log.lines().filter(|line| line.starts_with("push")).collect();
    assert!(pushed.iter().all(|line| uploads.contains(&line.as_str())), "{pushed:?} {uploads:?}");
}

#[test]
fn a_branch_that_people_rewrote_needs_you() {
    let fleet = Fleet::new("[ $SEQORCH_UNIT = 2 ] && gate; echo x > made-$SEQORCH_UNIT; say_done", "");
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(2);
    fleet.git(&["update-ref", &format!("refs/heads/{BRANCH}"), "main"]);
    fleet.first.release();
    first.wait().code(2).says(&["people rewrote the branch", "refs/seqorch/kept/demo-"]);
    assert_eq!(fleet.subjects(), ["start"]);
    // until a person decides, no machine does the tasks again
    let needs = [
        "commits and the branch on the remote do not fit",
        "refs/seqorch/kept/",
        "run demo --remote origin --retry",
    ];
    for machine in [&fleet.first, &fleet.machine()] {
        machine.run(&RUN).code(2).says(&needs);
    }
    assert_eq!(fleet.first.ledger(), ["1 1", "2 1"]);
    let kept = fleet.git(&["for-each-ref", "--format=%(objectname)", "refs/seqorch/kept"]);
    fleet.git(&["update-ref", &format!("refs/heads/{BRANCH}"), &kept]);
    fleet.machine().run(&RUN).code(0);
    assert_eq!((fleet.first.ledger().len(), fleet.subjects().len()), (2, 3));
}

#[test]
fn a_deleted_branch_is_made_again_by_a_retry() {
    let fleet = Fleet::new(WRITES, "");
    fleet.first.run(&run_with(&["--max-iterations=1"])).code(1);
    let other = fleet.machine();
    other.run(&["status", "demo", "--remote"]).code(0);
    fleet.git(&["update-ref", "-d", &format!("refs/heads/{BRANCH}")]);
    other.run(&RUN).code(2).says(&["is not on origin any more", "with --retry"]);
    other.run(&run_with(&["--retry"])).code(0);
    let subjects = fleet.subjects();
    assert_eq!(subjects.last().map(String::as_str), Some("2: Second thing"), "{subjects:?}");
}

#[test]
fn two_specs_do_not_share_a_branch() {
    let fleet = Fleet::new(WRITES, "");
    fleet.first.write(".kiro/specs/demo.lock/tasks.md", "- [ ] 1. Another thing\n");
    git(&fleet.first, &["add", "-A"]);
    git(&fleet.first, &["commit", "-q", "-m", "another spec"]);
    git(&fleet.first, &["push", "-q", "origin", "main"]);
    fleet.first.run(&RUN).code(0);
    let tip = fleet.git(&["rev-parse", BRANCH]);
    let other = fleet.machine();
    let run = ["run", "demo.lock", "--remote", "origin"];
    let words =
        ["the branch seqorch/demo on origin is that of another spec: .kiro/specs/demo", "remote.branch"];
    other.run(&run).code(78).says(&words);
    assert_eq!((fleet.git(&["rev-parse", BRANCH]), fleet.first.ledger().len()), (tip, 2));
    let other = other.env("SEQORCH_REMOTE__BRANCH", "second/{spec}");
    other.run(&run).code(0);
    assert_eq!(fleet.git(&["log", "-1", "--format=%s", "second/demo"]), "1: Another thing");
}

#[test]
fn a_tree_that_the_stash_does_not_take_is_moved_aside() {
    let agent = "[ $SEQORCH_UNIT$SEQORCH_ATTEMPT = 21 ] && { git init -q nested; touch nested/left; gate; }; \
                 echo x > made-$SEQORCH_UNIT; say_done";
    let fleet = Fleet::new(agent, "");
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(2);
    let trees = fleet.first.outside().join("state/seqorch/trees");
    let tree = fs::read_dir(trees).unwrap().flatten().next().unwrap().path();
    wait_until("what the agent leaves", || tree.join("demo/nested/left").exists());
    first.signal(Signal::KILL);
    first.wait().code(137);
    fleet.machine().run(&run_with(&["--take-lease"])).code(0);
    fleet.first.run(&RUN).code(0).says(&["git's stash does not take the files", "demo~left-1 now"]);
    assert!(tree.join("demo~left-1/nested/left").exists() && !tree.join("demo/nested").exists());
    assert_eq!(fleet.first.ledger(), ["1 1", "2 1", "2 2"]);
}

#[test]
#[ignore = "slow"]
fn term_is_quick_while_a_renewal_is_refused_or_hangs() {
    for (hook, words) in
        [("echo read-only today >&2; exit 1", "read-only today"), ("sleep 25", "not pushed to")]
    {
        let fleet = Fleet::new("[ $SEQORCH_UNIT = 2 ] && gate; echo x > made-$SEQORCH_UNIT; say_done", "");
        let fleet = Fleet { first: fleet.first.env("SEQORCH_REMOTE__LEASE", "24s"), ..fleet };
        let first = fleet.first.start(&RUN);
        fleet.first.wait_for_ledger(2);
        fs::create_dir_all(fleet.bare.join("hooks")).unwrap();
        let heard = fleet.bare.join("heard");
        let hook = format!("touch {}; {hook}", heard.display());
        program(&fleet.first, fleet.bare.join("hooks/pre-receive").to_str().unwrap(), &hook);
        wait_until("a renewal", || heard.exists());
        let began = std::time::Instant::now();
        first.signal(Signal::TERM);
        first.wait().code(143).says(&[words]);
        // the lease would hold for 16 s more
        assert!(began.elapsed() < std::time::Duration::from_secs(12), "{hook}: {:?}", began.elapsed());
        let next = fleet.first.run(&["status", "demo", "--remote"]);
        next.code(0).says(&["1 of 2 tasks done"]);
    }
}

/// An agent whose second task waits once, and then does this.
fn waits_and(does: &str) -> String {
    format!(
        "[ $SEQORCH_UNIT$SEQORCH_ATTEMPT = 21 ] && {{ gate; {does}; }}; echo x > made-$SEQORCH_UNIT; say_done"
    )
}

#[test]
fn an_agent_that_rewrites_history_takes_no_commit_off_the_branch() {
    for (does, history) in [
        ("git reset -q --hard HEAD~1", "halt"),
        ("git reset -q --hard HEAD~1", "warn"),
        ("git commit -q --amend --allow-empty -m other", "halt"),
        ("git checkout -q --detach HEAD~1", "warn"),
    ] {
        let fleet = Fleet::new(&waits_and(does), "");
        let fleet = Fleet { first: fleet.first.env("SEQORCH_GIT__HISTORY", history), ..fleet };
        let first = fleet.first.start(&RUN);
        fleet.first.wait_for_ledger(2);
        fleet.person_pushes("mine.txt", "mine\n");
        fleet.first.release();
        let first = first.wait().code(2);
        let subjects = fleet.subjects();
        assert!(subjects.starts_with(&["start".into(), "1: First thing".into()]), "{does} {subjects:?}");
        assert!(subjects.contains(&"by a person".into()), "{does} {subjects:?} {first:?}");
        assert_eq!(fleet.file("lease.json")["holder"], Value::Null);
        // the branch is the truth: task 2 is done again on top of it
        fleet.first.run(&run_with(&["--retry"])).code(0);
        assert_eq!(fleet.subjects(), ["start", "1: First thing", "by a person", "2: Second thing"], "{does}");
    }
}

#[test]
fn a_rewritten_commit_is_kept_on_the_remote_and_named() {
    let fleet = Fleet::new(&waits_and("git commit -q --amend --allow-empty -m other"), "");
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(2);
    fleet.first.release();
    first.wait().code(2).says(&["does not have commits of seqorch/demo any more", "refs/seqorch/kept/demo-"]);
    assert_eq!(fleet.git(&["for-each-ref", "--format=%(subject)", "refs/seqorch/kept"]), "other");
    fleet.machine().run(&["status", "demo", "--remote"]).says(&["refs/seqorch/kept/demo-"]);
}

#[test]
fn a_branch_of_a_person_is_neither_pushed_nor_moved() {
    let fleet = Fleet::new(&waits_and("git checkout -q feature"), "");
    git(&fleet.first, &["checkout", "-q", "-b", "feature"]);
    // made before the run began
    let status = Command::new("git")
        .args(["commit", "-q", "--allow-empty", "-m", "mine, not pushed"])
        .current_dir(fleet.first.root())
        .env("GIT_COMMITTER_DATE", "2020-01-01T00:00:00Z")
        .status()
        .unwrap();
    assert!(status.success());
    let mine = git(&fleet.first, &["rev-parse", "feature"]);
    git(&fleet.first, &["checkout", "-q", "main"]);
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(2);
    fleet.first.release();
    first.wait().code(2).says(&["the work tree is on the branch feature and not on seqorch/demo"]);
    assert_eq!(fleet.subjects(), ["start", "1: First thing"]);
    let published = fleet.git(&["cat-file", "-t", &mine]);
    assert_eq!(published, "", "what a person did not push stays in the clone");
    let next = fleet.first.run(&run_with(&["--retry"])).code(0);
    next.says(&["goes from the branch feature, which stays as it is, to seqorch/demo"]);
    assert_eq!(git(&fleet.first, &["rev-parse", "feature"]), mine);
    assert_eq!(fleet.subjects(), ["start", "1: First thing", "2: Second thing"]);
}

#[test]
fn a_killed_run_whose_agent_left_the_branch_moves_no_other_one() {
    let agent = "[ $SEQORCH_UNIT$SEQORCH_ATTEMPT = 21 ] && { git checkout -q feature; gate; }; \
                 echo x > made-$SEQORCH_UNIT; say_done";
    let fleet = Fleet::new(agent, "");
    git(&fleet.first, &["checkout", "-q", "-b", "feature"]);
    git(&fleet.first, &["commit", "-q", "--allow-empty", "-m", "mine, not pushed"]);
    let mine = git(&fleet.first, &["rev-parse", "feature"]);
    git(&fleet.first, &["checkout", "-q", "main"]);
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(2);
    let trees = || git(&fleet.first, &["worktree", "list"]);
    wait_until("the agent to go", || trees().contains("[feature]"));
    first.signal(Signal::KILL);
    first.wait().code(137);
    let second = fleet.machine();
    second.run(&run_with(&["--take-lease"])).code(0);
    let next = fleet.first.run(&RUN).code(0);
    next.says(&["goes from the branch feature, which stays as it is, to seqorch/demo"]);
    assert_eq!(git(&fleet.first, &["rev-parse", "feature"]), mine);
    assert_eq!(fleet.subjects(), ["start", "1: First thing", "2: Second thing"]);
}

#[test]
#[ignore = "slow"]
fn a_remote_that_refuses_the_branch_needs_you_and_keeps_the_commit() {
    let fleet = Fleet::new(WRITES, "");
    let hook = "while read -r old new name; do case $name in refs/heads/*) git log -1 --format=%s $new | grep -q 1: && { echo no such branch here >&2; exit 1; } ;; esac; done; exit 0";
    fs::create_dir_all(fleet.bare.join("hooks")).unwrap();
    program(&fleet.first, fleet.bare.join("hooks/pre-receive").to_str().unwrap(), hook);
    fleet.first.run(&RUN).code(2).says(&["refuses the push", "refs/seqorch/kept/demo-"]);
    assert_eq!(fleet.git(&["for-each-ref", "--format=%(subject)", "refs/seqorch/kept"]), "1: First thing");
}

#[test]
fn a_remote_run_refuses_what_does_not_go_with_it() {
    let fleet = Fleet::new(WRITES, "");
    fleet.first.run(&["run", "demo", "--take-lease"]).code(64).says(&["--take-lease goes with --remote"]);
    fleet.first.run(&["run", "demo", "--remote", "nowhere"]).code(78).says(&["git has no remote"]);
    fleet.git(&["config", "receive.advertiseAtomic", "false"]);
    fleet.first.run(&RUN).code(78).says(&["does not move several refs at once", "No agent was started"]);
    let off = Fleet::new(WRITES, "");
    off.first.write("seqorch.local.toml", "");
    off.first.run(&RUN).code(78).says(&["git.commit = \"step\""]);
    git(&fleet.first, &["remote", "set-url", "origin", "/nowhere/remote.git"]);
    fleet.first.run(&RUN).code(75).says(&["origin does not answer"]);
}

#[test]
fn status_report_and_specs_show_what_a_remote_has_without_a_checkout() {
    let fleet = Fleet::new(WRITES, "");
    let viewer = fleet.machine();
    viewer.run(&["status", "demo", "--remote"]).code(66).says(&["no run of demo was ever on origin"]);
    let open = || {
        let out = viewer.run(&["specs", "--json", "--open", "--remote"]).code(0);
        serde_json::from_str::<Value>(&out.stdout).unwrap()["specs"].clone()
    };
    assert_eq!((&open()[0]["name"], &open()[0]["start"]), (&json!("demo"), &json!("now")));
    fleet.first.run(&run_with(&["--max-iterations=1"])).code(1);
    viewer
        .run(&["status", "demo", "--remote"])
        .code(0)
        .says(&["lease: free, last run on", "1 of 2 tasks done"]);
    let out = viewer.run(&["status", "demo", "--remote=origin", "--json"]).code(0);
    let status: Value = serde_json::from_str(&out.stdout).unwrap();
    assert_eq!((&status["completed"], &status["lease"]["holder"]), (&json!(["1"]), &Value::Null));
    viewer.run(&["report", "demo", "--remote"]).code(0).says(&["First thing"]);
    assert_eq!(open().as_array().unwrap().len(), 1);
    fleet.first.run(&RUN).code(0);
    assert_eq!(open(), json!([]));
    assert!(!viewer.path(".seqorch").exists() && git(&viewer, &["worktree", "list"]).lines().count() == 1);
}

#[test]
fn forget_removes_what_a_remote_keeps_and_leaves_the_branch() {
    let fleet = Fleet::new("[ $SEQORCH_UNIT = 2 ] && gate; say_done", "");
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(2);
    let forget = ["forget", "demo", "--remote", "--yes"];
    fleet.machine().run(&forget).code(75).says(&["works on demo"]);
    fleet.first.release();
    first.wait().code(0);
    fleet.machine().run(&["forget", "demo", "--remote"]).code(64).says(&["--yes"]);
    fleet.machine().run(&forget).code(0).says(&["removed 1 ref from origin"]);
    assert_eq!(fleet.git(&["for-each-ref", "refs/seqorch"]), "");
    assert_eq!(fleet.subjects().len(), 3);
    fleet.machine().run(&forget).code(0).says(&["has nothing of it"]);
}

#[test]
fn a_run_without_the_flag_stays_on_the_remote_that_keeps_the_spec() {
    let fleet = Fleet::new("[ $SEQORCH_UNIT = 2 ] && gate; echo x > made-$SEQORCH_UNIT; say_done", "");
    let out = fleet.first.run(&run_with(&["--max-iterations=1"])).code(1);
    out.says(&["Run again to continue (seqorch run demo --remote origin)"]);
    let second = fleet.machine();
    let at_work = second.start(&RUN);
    fleet.first.wait_for_ledger(2);
    let plain = ["run", "demo"];
    fleet
        .first
        .run(&plain)
        .code(75)
        .says(&["note: with --remote origin, which keeps demo", "works on demo until"]);
    fleet.first.run(&["run", "demo", "--retry", "--all"]).code(75);
    fleet.first.release();
    at_work.wait().code(0);
    assert_eq!(fleet.first.ledger(), ["1 1", "2 1"], "each task was done once");
    fleet.first.run(&plain).code(0);
    // the remote has nothing of it any more, so the clone works alone
    fleet.first.run(&["forget", "demo", "--remote", "--yes"]).code(0);
    let out = fleet.first.run(&plain).code(0);
    assert!(!out.stderr.contains("--remote"), "{}", out.stderr);
    assert_eq!(fleet.run_ref(), "");
}

#[test]
fn what_a_person_types_next_names_the_remote_that_another_clone_needs() {
    let agent =
        "[ \"$SEQORCH_UNIT $SEQORCH_ATTEMPT\" = '1 1' ] && { echo 'Which?'; say_halt; exit; }; say_done";
    let fleet = Fleet::new(agent, "");
    let answer = "seqorch resume demo --remote origin --answer \"…\"";
    let retry = "seqorch run demo --remote origin --retry";
    fleet.first.run(&RUN).code(2).says(&[answer, retry]);
    fleet.machine().run(&["status", "demo", "--remote"]).says(&[answer]);
}

/// A fleet whose spec comes with a file that a task and a person change.
fn with_a_file_of_both(agent: &str, more: &str) -> Fleet {
    let fleet = Fleet::new(agent, more);
    fleet.first.write("both.txt", "a\nb\nc\n");
    git(&fleet.first, &["add", "both.txt"]);
    git(&fleet.first, &["commit", "-qm", "a file"]);
    git(&fleet.first, &["push", "-q", "origin", "main"]);
    fleet
}

/// Ends a run with this signal while a hook of git holds its first commit up.
fn end_in_a_hook(fleet: &Fleet, signal: Signal) {
    let (hung, ended) = (fleet.first.path(".out/hung"), fleet.first.path(".out/ended"));
    fs::create_dir_all(hung.parent().unwrap()).unwrap();
    let script = format!(
        "touch {}; read -r _ < $TEST_PROJECT/gate; touch {}; exit 1",
        hung.display(),
        ended.display()
    );
    hook(&fleet.first, "pre-commit", &script);
    let first = fleet.first.start(&RUN);
    wait_until("the hook", || hung.exists());
    first.signal(signal);
    first.wait().code(if signal == Signal::KILL { 137 } else { 143 });
    if signal == Signal::KILL {
        // git is still at work there
        fleet.first.release();
        wait_until("the end of the hook", || ended.exists());
    }
    fs::remove_file(fleet.first.path(".git/hooks/pre-commit")).unwrap();
}

#[test]
fn a_commit_that_was_cut_off_comes_on_top_of_what_people_pushed() {
    for signal in [Signal::TERM, Signal::KILL] {
        let fleet = with_a_file_of_both("[ $SEQORCH_UNIT = 1 ] && echo mine >> both.txt; say_done", "");
        end_in_a_hook(&fleet, signal);
        fleet.person_pushes("both.txt", "top\na\nb\nc\n");
        fleet.first.run(&RUN).code(0);
        let all = ["start", "a file", "by a person", "1: First thing", "2: Second thing"];
        assert_eq!(fleet.subjects(), all, "{signal:?}");
        assert_eq!(fleet.git(&["show", &format!("{BRANCH}:both.txt")]), "top\na\nb\nc\nmine");
        let ledger = fleet.first.ledger();
        assert!(ledger.len() == 2 && ledger[0] == "1 1", "no task is done again: {ledger:?}");
    }
}

#[test]
fn a_commit_that_was_cut_off_is_checked_with_what_people_pushed() {
    let check =
        "[verify]\ncommands = [[\"sh\", \"-c\", \"! grep -q mine both.txt || ! grep -q top both.txt\"]]\n";
    let fleet = with_a_file_of_both("[ $SEQORCH_UNIT = 1 ] && echo mine >> both.txt; say_done", check);
    end_in_a_hook(&fleet, Signal::TERM);
    fleet.person_pushes("both.txt", "top\na\nb\nc\n");
    fleet.first.run(&RUN).code(2).says(&["with what people pushed to the branch, the last task of demo is"]);
    assert_eq!(fleet.subjects(), ["start", "a file", "by a person"]);
    fleet.first.run(&["status", "demo"]).says(&["commits and the branch on the remote do not fit"]);
}

#[test]
fn a_commit_that_was_cut_off_and_conflicts_needs_you() {
    let fleet = with_a_file_of_both("[ $SEQORCH_UNIT = 1 ] && echo mine >> both.txt; say_done", "");
    end_in_a_hook(&fleet, Signal::TERM);
    fleet.person_pushes("both.txt", "a\nb\nc\nother\n");
    fleet.first.run(&RUN).code(2).says(&["conflicts with a task of demo", "refs/seqorch/kept/demo-"]);
    fleet.first.run(&["status", "demo"]).says(&["run demo --remote origin --retry"]);
    fleet.first.run(&run_with(&["--retry"])).code(0);
    assert_eq!(fleet.git(&["show", &format!("{BRANCH}:both.txt")]), "a\nb\nc\nother\nmine");
}

#[test]
fn what_an_agent_had_no_time_to_end_is_put_aside_for_what_people_pushed() {
    let agent = "[ $SEQORCH_UNIT = 1 ] && echo mine >> both.txt\n\
                 [ $SEQORCH_UNIT$SEQORCH_ATTEMPT = 11 ] && { touch \"$ROOT/.out/wrote\"; gate; }; say_done";
    for signal in [Signal::TERM, Signal::KILL] {
        let fleet = with_a_file_of_both(agent, "");
        fs::create_dir_all(fleet.first.path(".out")).unwrap();
        let first = fleet.first.start(&RUN);
        wait_until("what the agent writes", || fleet.first.path(".out/wrote").exists());
        first.signal(signal);
        first.wait().code(if signal == Signal::KILL { 137 } else { 143 });
        fleet.person_pushes("both.txt", "top\na\nb\nc\n");
        fleet.first.run(&RUN).code(0).says(&["is on git's stash"]);
        let all = ["start", "a file", "by a person", "1: First thing", "2: Second thing"];
        assert_eq!(fleet.subjects(), all, "{signal:?}");
        assert_eq!(fleet.git(&["show", &format!("{BRANCH}:both.txt")]), "top\na\nb\nc\nmine");
        let changes = fleet.file("state.json")["specs"]["demo"]["units"]["1"]["changes"].clone();
        assert_eq!(changes["insertions"], 2, "what the person changed is not the task's: {changes}");
    }
}

#[test]
fn an_agent_that_ends_without_a_run_and_below_a_push_is_asked_again() {
    let agent = "echo mine >> both.txt; [ $SEQORCH_UNIT$SEQORCH_ATTEMPT = 11 ] && { touch \"$ROOT/.out/wrote\"; \
                 until [ -e \"$ROOT/.out/free\" ]; do sleep 0.05; done; }; say_done";
    let fleet = with_a_file_of_both(agent, "");
    fs::create_dir_all(fleet.first.path(".out")).unwrap();
    let first = fleet.first.start(&RUN);
    wait_until("what the agent writes", || fleet.first.path(".out/wrote").exists());
    first.signal(Signal::KILL);
    first.wait().code(137);
    fleet.first.write(".out/free", "");
    wait_until("the end of the attempt", || fleet.first.alive_with("__attempt").is_empty());
    fleet.person_pushes("by-a-person", "mine\n");
    fleet.first.run(&RUN).code(0);
    let all = ["start", "a file", "by a person", "1: First thing", "2: Second thing"];
    assert_eq!(fleet.subjects(), all);
    assert!(fleet.git(&["show", "--stat", &format!("{BRANCH}~1")]).contains("both.txt"));
}

#[test]
fn a_machine_that_slept_says_who_took_the_spec_over_and_is_done() {
    let fleet = Fleet::new("[ -e \"$ROOT/free\" ] || gate; say_done", "");
    let first = fleet.first.start(&RUN);
    fleet.first.wait_for_ledger(1);
    first.signal(Signal::STOP);
    fleet.first.write("free", "");
    fleet.machine().run(&run_with(&["--take-lease"])).code(0);
    first.signal(Signal::CONT);
    let first = first.wait().code(75);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    first.says(&[&format!("{host} took the spec over and has released it")]);
    assert_eq!(fleet.subjects().len(), 3);
}

/// Replaces the lease on the remote by this text. Returns the object of the ref before.
fn write_lease(fleet: &Fleet, text: &str) -> String {
    let (run, file) = (fleet.run_ref(), fleet.bare.join("lease.txt"));
    fs::write(&file, text).unwrap();
    let lease = fleet.git(&["hash-object", "-w", file.to_str().unwrap()]);
    let before = fleet.git(&["rev-parse", &run]);
    let tree = fleet.git(&["ls-tree", "--object-only", &before, "--", "state.json"]);
    let list = format!("100644 blob {lease}\tlease.json\n100644 blob {tree}\tstate.json\n");
    fs::write(&file, list).unwrap();
    let list = fs::File::open(&file).unwrap();
    let made = Command::new("git").arg("mktree").stdin(list).current_dir(&fleet.bare).output().unwrap();
    let tree = String::from_utf8(made.stdout).unwrap();
    let who = ["-c", "user.name=x", "-c", "user.email=x@localhost"];
    let commit = fleet.git(&[&who[..], &["commit-tree", tree.trim(), "-p", &before, "-m", "x"]].concat());
    fleet.git(&["update-ref", &run, &commit]);
    before
}

#[test]
fn a_lease_that_cannot_be_read_is_no_silence_and_holds_up_no_other_spec() {
    let fleet = Fleet::new(WRITES, "");
    fleet.first.write(".kiro/specs/other/tasks.md", "- [ ] 1. Another thing\n");
    git(&fleet.first, &["add", "-A"]);
    git(&fleet.first, &["commit", "-q", "-m", "another spec"]);
    git(&fleet.first, &["push", "-q", "origin", "main"]);
    fleet.first.run(&run_with(&["--max-iterations=1"])).code(1);
    let second = fleet.machine();
    let cannot = "the lease on origin cannot be read";
    let good = write_lease(&fleet, "{\"schema\":2,\"lease\":{}}");
    for args in [
        &RUN[..],
        &run_with(&["--take-lease"]),
        &["status", "demo", "--remote"],
        &["when", "demo", "--remote"],
    ] {
        second.run(args).code(2).says(&[
            cannot,
            "it has schema 2",
            "Then update this one",
            "seqorch forget SPEC --remote",
        ]);
    }
    let specs: Value =
        serde_json::from_str(&second.run(&["specs", "--json", "--remote"]).code(0).stdout).unwrap();
    let error = specs["specs"][0]["errors"][0].as_str().unwrap();
    assert!(error.contains(cannot) && specs["specs"][1]["start"] == "now", "{specs}");
    let open =
        second.run(&["specs", "--json", "--open", "--remote"]).code(0).says(&["warning: demo: ", cannot]);
    let open: Value = serde_json::from_str(&open.stdout).unwrap();
    assert_eq!((open["specs"].as_array().unwrap().len(), &open["specs"][0]["name"]), (1, &json!("other")));
    for text in ["", "{}", "[]", "garbage"] {
        write_lease(&fleet, text);
        second.run(&RUN).code(2).says(&[cannot]);
    }
    let largest = fleet
        .git(&["show", &format!("{good}:lease.json")])
        .replace("\"epoch\": 1", &format!("\"epoch\": {}", u64::MAX));
    write_lease(&fleet, &largest);
    second.run(&RUN).code(2).says(&[cannot]);
    let longest = fleet.git(&["show", &format!("{good}:lease.json")]);
    let longest = longest.replace("\"holder\": null", "\"holder\": \"gone\"");
    let longest = longest.replace("\"lease_ms\": 3000", &format!("\"lease_ms\": {}", u64::MAX));
    let longest = longest.replace("\"renew_ms\": 1000", &format!("\"renew_ms\": {}", u64::MAX));
    let mut longest: Value = serde_json::from_str(&longest).unwrap();
    longest["expires"] = "2001-01-01T00:00:00Z".into();
    write_lease(&fleet, &longest.to_string());
    second.run(&RUN).code(75).says(&["only 12h without a sign free it", "--take-lease"]);
    assert_eq!(fleet.first.ledger().len(), 1, "no agent was started");
    second.run(&["forget", "demo", "--remote", "--yes"]).code(0).says(&["removed 1 ref from origin"]);
    second.run(&RUN).code(0);
}
