//! Several machines, each a process with a clone of its own, over one bare repository: kills, stops that are longer than the
//! lease, connections that are cut, answers that are lost, pushes that are refused, and people who push, rewrite and answer.
//!
//! `SEQORCH_FLEET=machines,specs,seconds,agent_ms` makes it larger; `SEQORCH_FLEET_CALM` leaves the trouble out, to measure.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::Project;
use crate::common::git::{git, init};
use crate::common::programs::program;
use crate::common::skipped;
use crate::common::wire::Wire;

const TASKS: usize = 3;
const LEASE: Duration = Duration::from_secs(4);
const QUESTION: &str = "Which colour?";
const ANSWER: &str = "the blue one";

/// What happened.
#[derive(Debug, Default)]
struct Happened {
    runs: AtomicU64,
    /// Runs that found another machine at work, or lost their lease.
    busy: AtomicU64,
    kills: AtomicU64,
    git_kills: AtomicU64,
    stops: AtomicU64,
    needs: AtomicU64,
    people: AtomicU64,
    conflicts: AtomicU64,
    rewrites: AtomicU64,
    answers: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
struct Scale {
    machines: usize,
    specs: usize,
    seconds: u64,
    agent_ms: u64,
    is_calm: bool,
}

impl Scale {
    fn wanted() -> Self {
        let text = std::env::var("SEQORCH_FLEET").unwrap_or_else(|_| "5,6,60,300".to_owned());
        let all: Vec<u64> = text.split(',').map(|n| n.parse().unwrap()).collect();
        let size = |at: usize| usize::try_from(all[at]).unwrap();
        let is_calm = std::env::var_os("SEQORCH_FLEET_CALM").is_some();
        Self { machines: size(0), specs: size(1), seconds: all[2], agent_ms: all[3], is_calm }
    }
}

fn bare_git(bare: &Path, args: &[&str]) -> String {
    let output = Command::new("git").args(args).current_dir(bare).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn spec_name(at: usize) -> String {
    format!("spec{at}")
}

/// Whether the second task of a spec asks.
fn asks(at: usize) -> bool {
    at % 4 == 3
}

/// The first clone, and the bare repository. The remote refuses a push in twenty, and kills itself after one in twenty.
fn ground(scale: Scale) -> (Project, PathBuf) {
    let agent = format!(
        "prompt=$(cat); sleep {}; n=${{SEQORCH_SPEC#spec}}\n\
         if [ $((n % 4)) = 3 ] && [ $SEQORCH_UNIT = 2 ]; then case $prompt in *'{ANSWER}'*) ;; *) echo '{QUESTION}'; say_halt; exit;; esac; fi\n\
         echo $SEQORCH_UNIT > \"made-$SEQORCH_SPEC-$SEQORCH_UNIT\"; say_done",
        Duration::from_millis(scale.agent_ms).as_secs_f64()
    );
    let config = format!(
        "[git]\ncommit = \"step\"\n[remote]\nlease = \"{}s\"\n[timeout]\ngrace = \"200ms\"\n[retry]\nattempts = 9\n",
        LEASE.as_secs()
    );
    let mut project = Project::new().agent(&agent).config(&config);
    for at in 0..scale.specs {
        let tasks = (1..=TASKS).map(|n| format!("- [ ] {n}. Thing {n}\n")).collect::<Vec<_>>().concat();
        project = project.spec(&spec_name(at), tasks);
    }
    init(&project);
    let bare = project.outside().join("remote.git");
    git(&project, &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
    git(&project, &["remote", "add", "origin", bare.to_str().unwrap()]);
    git(&project, &["push", "-q", "origin", "main"]);
    fs::create_dir_all(bare.join("hooks")).unwrap();
    if !scale.is_calm {
        let often = "n=$(od -An -N1 -tu1 /dev/urandom | tr -d ' ')\n[ \"$n\" -lt 12 ] || exit 0\n";
        let refuses = format!("{often}echo refused by chance >&2; exit 1");
        program(&project, bare.join("hooks/pre-receive").to_str().unwrap(), &refuses);
        // what is pushed has landed, and its answer is lost
        let dies = format!("{often}kill -9 $PPID");
        program(&project, bare.join("hooks/post-receive").to_str().unwrap(), &dies);
    }
    (project, bare)
}

/// Another machine, with a clone of its own.
fn clone_of(address: &str) -> Project {
    let machine = Project::new();
    git(&machine, &["init", "-q", "-b", "main"]);
    machine.write(".git/info/exclude", "ledger\ngate\n.out/\n.home/\n");
    for (key, value) in [("user.name", "t"), ("user.email", "t@localhost")] {
        git(&machine, &["config", key, value]);
    }
    git(&machine, &["remote", "add", "origin", address]);
    let fetched = || !git(&machine, &["rev-parse", "-q", "--verify", "origin/main"]).is_empty();
    while !fetched() {
        git(&machine, &["fetch", "-q", "origin"]);
    }
    git(&machine, &["reset", "-q", "--hard", "origin/main"]);
    let state = machine.outside().join("state");
    machine.env("XDG_STATE_HOME", state)
}

fn signal(child: &Child, what: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let _ = kill_process(pid, what);
}

/// Kills a git that the process started.
fn kill_git(child: &Child) -> bool {
    let parent = child.id().to_string();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    for entry in entries {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((head, rest)) = stat.rsplit_once(") ") else { continue };
        let is_git = head.contains("(git");
        if is_git && rest.split(' ').nth(1) == Some(parent.as_str()) {
            let pid = entry.file_name().to_string_lossy().parse().unwrap();
            let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
            return true;
        }
    }
    false
}

/// Runs of one machine: spec by spec, until all are done or the time is up.
fn work(machine: &Project, scale: Scale, seed: u64, until: Instant, happened: &Happened) {
    let mut chance = Rng::with_seed(seed);
    let mut done = BTreeSet::new();
    while done.len() < scale.specs && Instant::now() < until {
        let at = usize::try_from(chance.u64(..scale.specs as u64)).unwrap();
        if done.contains(&at) {
            continue;
        }
        count(&happened.runs);
        let name = spec_name(at);
        let mut args = vec!["run", &name, "--remote", "origin"];
        if !scale.is_calm && (!asks(at) || chance.u64(..4) == 0) {
            args.push("--retry");
        }
        if chance.u64(..4) == 0 {
            args.push("--wait");
        }
        let mut command = machine.command(&args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let trouble = Instant::now() + Duration::from_millis(200 + chance.u64(..4000));
        let mut is_due = !scale.is_calm && chance.u64(..2) == 0;
        let code = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.code();
            }
            if is_due && Instant::now() > trouble {
                is_due = false;
                match chance.u64(..4) {
                    0 => {
                        count(&happened.stops);
                        signal(&child, Signal::STOP);
                        thread::sleep(LEASE + Duration::from_millis(500));
                        signal(&child, Signal::CONT);
                    }
                    1 if kill_git(&child) => count(&happened.git_kills),
                    _ => {
                        count(&happened.kills);
                        signal(&child, Signal::KILL);
                    }
                }
            }
            thread::sleep(Duration::from_millis(10));
        };
        match code {
            Some(0) => _ = done.insert(at),
            Some(75) => count(&happened.busy),
            Some(2) => count(&happened.needs),
            _ => {}
        }
    }
}

/// A person who answers questions, and who, for half of the time, pushes to branches, also what conflicts, and takes commits
/// away.
fn meddle(person: &Project, scale: Scale, (half, until): (Instant, Instant), happened: &Happened) {
    let mut chance = Rng::with_seed(77);
    let mut number = 0;
    while Instant::now() < until {
        thread::sleep(Duration::from_millis(300 + chance.u64(..1200)));
        let at = usize::try_from(chance.u64(..scale.specs as u64)).unwrap();
        let (name, what) = (spec_name(at), chance.u64(..8));
        if asks(at) && what < 5 || scale.is_calm || Instant::now() > half {
            let answer = ["resume", &name, "--remote", "origin", "--answer", ANSWER];
            if asks(at) && person.run(&answer).code == 0 {
                count(&happened.answers);
            }
            continue;
        }
        let branch = format!("seqorch/{name}");
        git(person, &["fetch", "-q", "origin"]);
        let tip = git(person, &["rev-parse", "--verify", "-q", &format!("origin/{branch}")]);
        if tip.is_empty() {
            continue;
        }
        git(person, &["checkout", "-q", "-f", "--detach", &tip]);
        number += 1;
        let (file, counter) = match what {
            0 => (format!("made-{name}-{}", 1 + chance.u64(..TASKS as u64)), &happened.conflicts),
            1 if git(person, &["log", "-1", "--format=%b"]).contains("Seqorch-Task") => {
                git(person, &["reset", "-q", "--hard", "HEAD~1"]);
                (String::new(), &happened.rewrites)
            }
            _ => (format!("by-a-person-{number}"), &happened.people),
        };
        if !file.is_empty() {
            person.write(&file, "mine\n");
            git(person, &["add", &file]);
            git(person, &["commit", "-q", "-m", &file]);
        }
        let mine = git(person, &["rev-parse", "HEAD"]);
        let expected = format!("--force-with-lease=refs/heads/{branch}:{tip}");
        git(person, &["push", "-q", &expected, "origin", &format!("{mine}:refs/heads/{branch}")]);
        git(person, &["fetch", "-q", "origin"]);
        if git(person, &["rev-parse", &format!("origin/{branch}")]) == mine {
            count(counter);
        }
    }
}

/// Brings a spec to its end, without trouble.
fn finish(machine: &Project, at: usize) {
    let name = spec_name(at);
    for round in 0.. {
        let out = machine.run(&["run", &name, "--remote", "origin", "--retry", "--wait"]);
        if out.code == 0 {
            return;
        }
        assert!(asks(at) && out.code == 2 && round < 3, "{name}: {out:?}");
        machine.run(&["resume", &name, "--remote", "origin", "--answer", ANSWER]);
        let out = machine.run(&["run", &name, "--remote", "origin", "--wait"]);
        assert!(matches!(out.code, 0 | 2), "{name}: {out:?}");
    }
}

#[test]
#[ignore = "takes more than a minute"]
fn many_machines_do_each_task_once_whatever_happens() {
    let scale = Scale::wanted();
    let (first, bare) = ground(scale);
    let Some(wire) = Wire::serve(bare.parent().unwrap()) else { return skipped("git has no daemon") };
    if scale.is_calm {
        wire.calm();
    }
    let happened = Happened::default();
    let clones: Vec<Project> = (0..scale.machines).map(|_| clone_of(&wire.address("remote.git"))).collect();
    let person = clone_of(bare.to_str().unwrap());
    let began = Instant::now();
    let until = began + Duration::from_secs(scale.seconds);
    let took = thread::scope(|scope| {
        let (happened, person) = (&happened, &person);
        let workers: Vec<_> = (1..)
            .zip(&clones)
            .map(|(seed, machine)| scope.spawn(move || work(machine, scale, seed, until, happened)))
            .collect();
        let half = began + Duration::from_secs(scale.seconds / 2);
        let people = scope.spawn(move || meddle(person, scale, (half, until), happened));
        for worker in workers {
            worker.join().unwrap();
        }
        let took = began.elapsed();
        people.join().unwrap();
        took
    });
    // without trouble, one machine does what is left
    wire.calm();
    for hook in ["pre-receive", "post-receive"] {
        let _ = fs::remove_file(bare.join("hooks").join(hook));
    }
    let done_before: usize = (0..scale.specs).map(|at| commits(&bare, &spec_name(at)).len()).sum();
    for at in 0..scale.specs {
        finish(&clones[0], at);
    }
    let all: Vec<SpecAudit> = (0..scale.specs).map(|at| audit(&bare, at)).collect();
    print_numbers(scale, took, done_before, &happened, &all, &wire);
    println!("{} attempts", first.ledger().len());
    for pid in clones.iter().chain([&first]).flat_map(Project::alive) {
        let _ = kill_process(Pid::from_raw(pid.0).unwrap(), Signal::KILL);
    }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers, for people")]
fn print_numbers(
    scale: Scale,
    took: Duration,
    done: usize,
    happened: &Happened,
    all: &[SpecAudit],
    wire: &Wire,
) {
    let tasks = (scale.specs * TASKS) as f64;
    let pushes: usize = all.iter().map(|one| one.pushes).sum();
    let takes: usize = all.iter().map(|one| one.takes).sum();
    let mut waits: Vec<f64> = all.iter().flat_map(|one| &one.takeovers).copied().collect();
    waits.sort_by(f64::total_cmp);
    let (sent, bytes) =
        (wire.counts.pushes.load(Ordering::Relaxed) as f64, wire.counts.bytes.load(Ordering::Relaxed) as f64);
    let (cut, lost) = (wire.counts.cut.load(Ordering::Relaxed), wire.counts.lost.load(Ordering::Relaxed));
    println!("{scale:?}\n{happened:?}, {cut} connections cut, {lost} answers lost");
    println!(
        "{done} of {tasks} tasks in {took:.0?}: {:.0} an hour",
        done as f64 / took.as_secs_f64() * 3600.0
    );
    println!(
        "{takes} takes, {pushes} pushes ({:.1} a task), {:.0} bytes a push, {:.0} bytes a task",
        pushes as f64 / tasks,
        bytes / sent,
        bytes / tasks
    );
    if let Some(last) = waits.last() {
        let middle = waits[waits.len() / 2];
        println!("{} takeovers after the last sign: median {middle:.1} s, longest {last:.1} s", waits.len());
    }
}

/// What the remote has of a spec at the end.
struct SpecAudit {
    pushes: usize,
    takes: usize,
    /// Seconds between the last sign of a machine that had the lease, and the take of the next one.
    takeovers: Vec<f64>,
}

/// The tasks of the commits on the branch, and the runs that made them.
fn commits(bare: &Path, name: &str) -> Vec<(String, String)> {
    let trailers = "--format=%(trailers:key=Seqorch-Task,valueonly,separator=%x20)|%(trailers:key=Seqorch-Run,valueonly,separator=%x20)";
    let log = bare_git(bare, &["log", trailers, &format!("seqorch/{name}")]);
    let pairs = log.lines().filter_map(|line| line.split_once('|')).filter(|(task, _)| !task.is_empty());
    pairs.map(|(task, run)| (task.rsplit('/').next().unwrap().to_owned(), run.trim().to_owned())).collect()
}

/// Each task has one commit on the branch, made by a run that had the lease, and each question its answer.
fn audit(bare: &Path, at: usize) -> SpecAudit {
    let name = spec_name(at);
    let mut tasks: BTreeMap<String, usize> = BTreeMap::new();
    let mut runs = BTreeSet::new();
    for (task, run) in commits(bare, &name) {
        *tasks.entry(task).or_default() += 1;
        runs.insert(run);
    }
    let once: BTreeMap<String, usize> = (1..=TASKS).map(|number| (number.to_string(), 1)).collect();
    assert_eq!(tasks, once, "{name}: the commits of each task");
    let refs = bare_git(bare, &["for-each-ref", "--format=%(refname)", "refs/seqorch/run"]);
    let run_ref = refs.lines().find(|line| line.starts_with(&format!("refs/seqorch/run/{name}-"))).unwrap();
    let read = |object: &str, file: &str| -> Value {
        serde_json::from_str(&bare_git(bare, &["cat-file", "blob", &format!("{object}:{file}")])).unwrap()
    };
    if asks(at) {
        let decided = read(run_ref, "state.json")["specs"][&name]["decisions"].clone();
        let fits = |one: &Value| {
            one["question"].as_str() == Some(QUESTION) && one["answer"].as_str() == Some(ANSWER)
        };
        assert!(decided.as_array().is_some_and(|all| all.iter().any(fits)), "{name}: {decided}");
    }
    let chain = bare_git(bare, &["rev-list", "--first-parent", "--reverse", run_ref]);
    let mut takes = BTreeSet::new();
    let mut takeovers = Vec::new();
    let mut last: Option<(u64, u64, bool, Timestamp)> = None;
    for object in chain.lines() {
        let lease = read(object, "lease.json");
        let number = |key: &str| lease[key].as_u64().unwrap();
        let (epoch, seq, is_held) = (number("epoch"), number("seq"), !lease["holder"].is_null());
        let ends: Timestamp = lease["expires"].as_str().unwrap().parse().unwrap();
        if let Some((old, old_seq, was_held, sign)) = last {
            assert!((epoch, seq) > (old, old_seq), "{name}: the chain does not count up");
            if epoch > old && was_held {
                takeovers.push(ends.duration_since(sign).as_secs_f64());
            }
        }
        last = Some((epoch, seq, is_held, ends));
        let nonce = lease["nonce"].as_str().unwrap();
        takes.insert(format!("{}/{epoch}", nonce.rsplit_once('-').unwrap().0));
    }
    let strangers: Vec<_> = runs.difference(&takes).collect();
    assert!(strangers.is_empty(), "{name}: commits of runs without lease: {strangers:?}");
    SpecAudit { pushes: chain.lines().count(), takes: takes.len(), takeovers }
}
