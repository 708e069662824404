//! Several machines, each a process with a clone of its own, over one bare repository: kills, stops that are longer than the
//! lease, answers that are lost, pushes that are refused, and people who push.
//!
//! `SEQORCH_FLEET=machines,specs,seconds` makes it larger.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::Project;
use crate::common::git::git;
use crate::common::programs::program;

const TASKS: usize = 3;

/// What happened.
#[derive(Debug, Default)]
struct Happened {
    runs: AtomicU64,
    busy: AtomicU64,
    kills: AtomicU64,
    git_kills: AtomicU64,
    stops: AtomicU64,
    people: AtomicU64,
    needs: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A pseudo-random source.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n
    }
}

fn bare_git(bare: &Path, args: &[&str]) -> String {
    let output = Command::new("git").args(args).current_dir(bare).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn numbers() -> (usize, usize, u64) {
    let text = std::env::var("SEQORCH_FLEET").unwrap_or_else(|_| "5,6,75".to_owned());
    let all: Vec<u64> = text.split(',').map(|n| n.parse().unwrap()).collect();
    (usize::try_from(all[0]).unwrap(), usize::try_from(all[1]).unwrap(), all[2])
}

fn spec_name(at: usize) -> String {
    format!("spec{at}")
}

/// The first clone, and the bare repository. The remote refuses a push in twenty, and kills itself after one in twenty.
fn ground(specs: usize) -> (Project, PathBuf) {
    let agent = "sleep 0.$((RANDOM % 9)) 2>/dev/null; echo $SEQORCH_UNIT > \"made-$SEQORCH_SPEC-$SEQORCH_UNIT\"; say_done";
    let config = "[git]\ncommit = \"step\"\n[remote]\nlease = \"4s\"\n[timeout]\ngrace = \"200ms\"\n[retry]\nattempts = 9\n";
    let mut project = Project::new().agent(agent).config(config);
    for at in 0..specs {
        let tasks = (1..=TASKS).map(|n| format!("- [ ] {n}. Thing {n}\n")).collect::<Vec<_>>().concat();
        project = project.spec(&spec_name(at), tasks);
    }
    crate::common::git::init(&project);
    let bare = project.outside().join("remote.git");
    git(&project, &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
    git(&project, &["remote", "add", "origin", bare.to_str().unwrap()]);
    git(&project, &["push", "-q", "origin", "main"]);
    fs::create_dir_all(bare.join("hooks")).unwrap();
    let often = "n=$(od -An -N1 -tu1 /dev/urandom | tr -d ' ')\n[ \"$n\" -lt 12 ] || exit 0\n";
    let refuses = format!("{often}echo refused by chance >&2; exit 1");
    program(&project, bare.join("hooks/pre-receive").to_str().unwrap(), &refuses);
    // what is pushed has landed, and its answer is lost
    let dies = format!("{often}kill -9 $PPID");
    program(&project, bare.join("hooks/post-receive").to_str().unwrap(), &dies);
    (project, bare)
}

fn clone_of(bare: &Path) -> Project {
    let machine = Project::new();
    git(&machine, &["init", "-q", "-b", "main"]);
    machine.write(".git/info/exclude", "ledger\ngate\n.out/\n.home/\n");
    for (key, value) in [("user.name", "t"), ("user.email", "t@localhost")] {
        git(&machine, &["config", key, value]);
    }
    git(&machine, &["remote", "add", "origin", bare.to_str().unwrap()]);
    git(&machine, &["fetch", "-q", "origin"]);
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
fn work(machine: &Project, specs: usize, seed: u64, until: Instant, happened: &Happened) {
    let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut done = BTreeSet::new();
    while done.len() < specs && Instant::now() < until {
        let at = usize::try_from(chance.below(specs as u64)).unwrap();
        if done.contains(&at) {
            continue;
        }
        count(&happened.runs);
        let name = spec_name(at);
        let mut command = machine.command(&["run", &name, "--remote", "origin", "--retry"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let trouble = Instant::now() + Duration::from_millis(200 + chance.below(4000));
        let mut is_due = chance.below(2) == 0;
        let code = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.code();
            }
            if is_due && Instant::now() > trouble {
                is_due = false;
                match chance.below(4) {
                    0 => {
                        count(&happened.stops);
                        signal(&child, Signal::STOP);
                        thread::sleep(Duration::from_millis(4500));
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

/// A person who pushes to branches.
fn push_as_a_person(person: &Project, specs: usize, until: Instant, happened: &Happened) {
    let mut chance = Chance(77);
    let mut number = 0;
    while Instant::now() < until {
        thread::sleep(Duration::from_millis(1500 + chance.below(2000)));
        let branch = format!("seqorch/{}", spec_name(usize::try_from(chance.below(specs as u64)).unwrap()));
        git(person, &["fetch", "-q", "origin"]);
        if git(person, &["rev-parse", "--verify", "-q", &format!("origin/{branch}")]).is_empty() {
            continue;
        }
        git(person, &["checkout", "-q", "-f", "--detach", &format!("origin/{branch}")]);
        number += 1;
        let file = format!("by-a-person-{number}");
        person.write(&file, "x\n");
        git(person, &["add", &file]);
        git(person, &["commit", "-q", "-m", &file]);
        let before = git(person, &["rev-parse", "HEAD"]);
        git(person, &["push", "-q", "origin", &format!("HEAD:refs/heads/{branch}")]);
        git(person, &["fetch", "-q", "origin"]);
        if git(person, &["rev-parse", &format!("origin/{branch}")]) == before {
            count(&happened.people);
        }
    }
}

#[test]
#[ignore = "takes more than a minute"]
fn many_machines_do_each_task_once_whatever_happens() {
    let (machines, specs, seconds) = numbers();
    let (first, bare) = ground(specs);
    let happened = Happened::default();
    let began = Instant::now();
    let until = began + Duration::from_secs(seconds);
    let clones: Vec<Project> = (0..machines).map(|_| clone_of(&bare)).collect();
    let person = clone_of(&bare);
    thread::scope(|scope| {
        let (happened, person) = (&happened, &person);
        let workers: Vec<_> = clones
            .iter()
            .enumerate()
            .map(|(at, machine)| scope.spawn(move || work(machine, specs, at as u64 + 1, until, happened)))
            .collect();
        let trouble_until = began + Duration::from_secs(seconds / 2);
        scope.spawn(move || push_as_a_person(person, specs, trouble_until, happened));
        for worker in workers {
            worker.join().unwrap();
        }
    });
    let took = began.elapsed();
    // without trouble, one machine does what is left
    fs::remove_file(bare.join("hooks/pre-receive")).unwrap();
    fs::remove_file(bare.join("hooks/post-receive")).unwrap();
    for at in 0..specs {
        let name = spec_name(at);
        let out = clones[0].run(&["run", &name, "--remote", "origin", "--retry", "--wait"]);
        assert_eq!(out.code, 0, "{name}: {out:?}");
    }
    let (mut pushes, mut takes) = (0, 0);
    for at in 0..specs {
        let found = audit(&bare, &spec_name(at));
        pushes += found.0;
        takes += found.1;
    }
    let lines = first.ledger().len();
    println!(
        "{machines} machines, {specs} specs of {TASKS} tasks, {took:.0?}: {happened:?}, {takes} takes, {pushes} pushes, \
         {lines} attempts, {:.1} pushes per task",
        f64::from(u32::try_from(pushes).unwrap()) / f64::from(u32::try_from(specs * TASKS).unwrap())
    );
    for pid in clones.iter().chain([&first]).flat_map(Project::alive) {
        let _ = kill_process(Pid::from_raw(pid.0).unwrap(), Signal::KILL);
    }
}

/// Each task has one commit on the branch, made by a run that had the lease. Returns the pushes and the takes.
fn audit(bare: &Path, name: &str) -> (usize, usize) {
    let branch = format!("seqorch/{name}");
    let trailers = "--format=%(trailers:key=Seqorch-Task,valueonly,separator=%x20)|%(trailers:key=Seqorch-Run,valueonly,separator=%x20)";
    let log = bare_git(bare, &["log", trailers, &branch]);
    let mut tasks: BTreeMap<String, usize> = BTreeMap::new();
    let mut runs = BTreeSet::new();
    for (task, run) in
        log.lines().filter_map(|line| line.split_once('|')).filter(|(task, _)| !task.is_empty())
    {
        *tasks.entry(task.rsplit('/').next().unwrap().to_owned()).or_default() += 1;
        runs.insert(run.trim().to_owned());
    }
    // a commit that could not be put on top of what a person pushed is kept for the person
    let refs = bare_git(bare, &["for-each-ref", "--format=%(refname)", "refs/seqorch"]);
    let of_spec = |kind: &str| {
        let prefix = format!("refs/seqorch/{kind}/{name}-");
        refs.lines().filter(|line| line.starts_with(&prefix)).map(str::to_owned).collect::<Vec<_>>()
    };
    let kept: BTreeSet<String> = of_spec("kept")
        .iter()
        .map(|kept| bare_git(bare, &["log", "-1", "--format=%(trailers:key=Seqorch-Task,valueonly)", kept]))
        .map(|task| task.rsplit('/').next().unwrap().to_owned())
        .collect();
    for number in 1..=TASKS {
        let times = tasks.get(&number.to_string()).copied().unwrap_or(0);
        assert!(
            times == 1 || times == 0 && kept.contains(&number.to_string()),
            "{name}: task {number} has {times} commits:\n{log}"
        );
    }
    let chain = bare_git(bare, &["rev-list", "--first-parent", &of_spec("run")[0]]);
    let mut holders = BTreeSet::new();
    let mut last = (u64::MAX, u64::MAX);
    for object in chain.lines() {
        let lease: Value =
            serde_json::from_str(&bare_git(bare, &["cat-file", "blob", &format!("{object}:lease.json")]))
                .unwrap();
        let (epoch, seq) = (lease["epoch"].as_u64().unwrap(), lease["seq"].as_u64().unwrap());
        assert!((epoch, seq) < last, "{name}: the chain does not count up");
        last = (epoch, seq);
        let nonce = lease["nonce"].as_str().unwrap();
        holders.insert(format!("{}/{epoch}", nonce.rsplit_once('-').unwrap().0));
    }
    let strangers: Vec<_> = runs.difference(&holders).collect();
    assert!(strangers.is_empty(), "{name}: commits of runs without lease: {strangers:?}");
    (chain.lines().count(), holders.len())
}
