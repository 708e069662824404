//! The real program under `kill -9` at random moments, with commits: of the run, an attempt, and of git itself.
//!
//! `SEQORCH_CHAOS_SEED` repeats a series, as far as the timing of the machine allows; `SEQORCH_CHAOS_KILLS` sets its length.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::Signal;

use crate::common::git::{git, init};
use crate::common::{DEADLINE, Project, Running, kill, tasks};

const UNITS: usize = 4;

/// Changes files in all ways: new, edited, moved and removed ones, and one that a hook formats.
const AGENT: &str = r#"
echo "$SEQORCH_UNIT $SEQORCH_ATTEMPT" > "made-$SEQORCH_UNIT"
mkdir -p "dir-$SEQORCH_UNIT"; echo raw > "dir-$SEQORCH_UNIT/formatted.txt"
echo "$SEQORCH_UNIT" >> shared
[ -e "was-$SEQORCH_UNIT" ] && git mv "was-$SEQORCH_UNIT" "new-$SEQORCH_UNIT"
sleep 0.0$(( $$ % 7 ))
say_done
"#;

/// Formats, stages what it formatted, and takes its time.
const HOOK: &str = "#!/bin/sh
for file in $(git diff --cached --name-only --diff-filter=AM -- '*.txt'); do echo formatted > \"$file\"; git add \"$file\"; done
sleep 0.0$(( $$ % 9 ))
";

/// A small random generator (xorshift), so that a seed repeats a series.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

struct Round {
    project: Project,
    run: Option<Running>,
    kills: BTreeMap<&'static str, u32>,
    codes: BTreeMap<i32, u32>,
    log: Vec<String>,
    began: Instant,
}

impl Round {
    fn new() -> Self {
        let project = Project::new().spec("login", tasks(UNITS)).agent(AGENT).config(
            "[run]\nmax_iterations = 10000\n[retry]\nattempts = 1000\nbackoff = \"1ms\"\nmax_backoff = \"5ms\"\n\
             [timeout]\ngrace = \"50ms\"\n[git]\ncommit = \"step\"\n\
             [verify]\ncommands = [[\"test\", \"-e\", \"made-1\"]]\n",
        );
        for n in 1..=UNITS {
            project.write(format!("was-{n}"), format!("{n}\n"));
        }
        project.write("shared", "start\n");
        project.write("human.txt", "committed\n");
        init(&project);
        project.write(".git/hooks/pre-commit", HOOK);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(project.path(".git/hooks/pre-commit"), mode).unwrap();
        let (kills, codes) = (BTreeMap::new(), BTreeMap::new());
        Self { project, run: None, kills, codes, log: Vec::new(), began: Instant::now() }
    }

    fn note(&mut self, text: &str) {
        self.log.push(format!("{:>7} ms  {text}", self.began.elapsed().as_millis()));
    }

    /// Collects a run that has ended, and starts one if none is running. Returns whether the spec is complete.
    fn keep_running(&mut self) -> bool {
        if let Some(run) = self.run.take_if(Running::is_over) {
            let output = run.wait();
            *self.codes.entry(output.code).or_default() += 1;
            self.note(&format!("run ended with {}: {}", output.code, output.stderr.trim()));
            assert!([137, 0].contains(&output.code), "{}\n{}", self.log.join("\n"), output.stdout);
            if output.code == 0 {
                return true;
            }
        }
        if self.run.is_none() {
            self.note("a run starts");
            self.run = Some(self.project.start(&["run", "--retry"]));
        }
        false
    }

    fn strike(&mut self, dice: &mut Dice) {
        let of = |part: &str| self.project.alive_with(part).first().map(|(pid, _)| *pid);
        let git = |wanted: &str| {
            let alive = self.project.alive().into_iter();
            let mut own =
                alive.filter(|(_, line)| line.contains("core.fsmonitor=false") && line.contains(wanted));
            own.next().map(|(pid, _)| pid)
        };
        let (what, pid) = match dice.roll(10) {
            0..=2 => ("run", self.run.as_ref().map(Running::pid)),
            3 => ("attempt", of("__attempt")),
            4..=6 => ("git commit", git(" commit ")),
            7 => ("git update-index", git("update-index")),
            8 => ("git status", git("status")),
            _ => ("git", git("")),
        };
        let Some(pid) = pid else { return };
        kill(pid, Signal::KILL);
        self.note(&format!("kill -9 {what} {pid}"));
        *self.kills.entry(what).or_default() += 1;
    }

    /// What must hold when a spec is complete, whatever was killed before.
    fn check(&self) {
        let project = &self.project;
        let story =
            || format!("{}\n{:#}", self.log.join("\n"), project.state("login")["units"]["1"]["attempts"]);
        let subjects = git(project, &["log", "--reverse", "--format=%s"]);
        let wanted: Vec<String> = (1..=UNITS).map(|n| format!("{n}: Task {n}")).collect();
        assert_eq!(subjects, format!("start\n{}", wanted.join("\n")), "{}", story());
        for n in 1..=UNITS {
            let commit = format!("HEAD~{}", UNITS - n);
            let changed = git(project, &["show", "--no-renames", "--name-status", "--format=", &commit]);
            let files = format!(
                "M\t.kiro/specs/login/tasks.md\nA\tdir-{n}/formatted.txt\nA\tmade-{n}\nA\tnew-{n}\nM\tshared\nD\twas-{n}"
            );
            assert_eq!(changed, files, "{commit}\n{}", story());
            let formatted = git(project, &["show", &format!("{commit}:dir-{n}/formatted.txt")]);
            assert_eq!(formatted, "formatted", "{}", story());
        }
        let status = git(project, &["status", "--porcelain", "--untracked-files=all"]);
        let dirty: Vec<&str> = status.lines().filter(|line| !line.contains("SEQUENTIAL_")).collect();
        assert!(dirty.is_empty(), "the tree is not clean: {dirty:?}\n{}", story());
        assert_eq!(project.tasks("login").matches("- [x]").count(), UNITS, "{}", story());
        assert_eq!(git(project, &["fsck", "--full", "--no-dangling"]), "", "{}", story());
        // no git of ours is left, and neither are its locks and its temporary index
        let start = Instant::now();
        while !project.alive().is_empty() {
            assert!(start.elapsed() < DEADLINE, "left alive: {:?}\n{}", project.alive(), story());
            thread::sleep(Duration::from_millis(10));
        }
        let litter: Vec<_> = project
            .tree()
            .into_iter()
            .map(|(path, _)| path)
            .filter(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let is_ours = ["work-tree.lock", "run.lock", "commit.lock"].contains(&name.as_str());
                let is_lock = path.extension().is_some_and(|kind| kind == "lock") && !is_ours;
                let in_git = path.starts_with(project.path(".git"));
                in_git
                    && (is_lock
                        || name.starts_with("commit-index")
                        || name == "commit-message"
                        || name == "ticked")
            })
            .filter(|path| {
                !path.ends_with(".git/logs/commit-msg") && !path.starts_with(project.path(".git/hooks"))
            })
            .collect();
        assert!(litter.is_empty(), "left on disk: {litter:?}\n{}", story());
    }
}

#[test]
#[ignore = "a hundred kills take a minute"]
fn a_hundred_kills_of_seqorch_and_git_lose_no_commit() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    let seed = number("SEQORCH_CHAOS_SEED").unwrap_or_else(|| u64::from(now()) | 1);
    let wanted = number("SEQORCH_CHAOS_KILLS").unwrap_or(100);
    println!("SEQORCH_CHAOS_SEED={seed}");
    let mut dice = Dice(seed.max(1));
    let (mut kills, mut codes) = (BTreeMap::<&str, u32>::new(), BTreeMap::<i32, u32>::new());
    let (began, mut rounds) = (Instant::now(), 0);
    while u64::from(kills.values().sum::<u32>()) < wanted {
        let mut round = Round::new();
        rounds += 1;
        // after so many kills the run may complete
        let strikes = 6 + u32::try_from(dice.roll(10)).unwrap();
        while !round.keep_running() {
            assert!(round.began.elapsed() < DEADLINE * 4, "it never ends\n{}", round.log.join("\n"));
            let longest = [3, 10, 30, 120][usize::try_from(dice.roll(4)).unwrap()];
            thread::sleep(Duration::from_micros(1 + dice.roll(longest * 1000)));
            if round.kills.values().sum::<u32>() < strikes {
                round.strike(&mut dice);
            }
        }
        round.check();
        for (what, n) in &round.kills {
            *kills.entry(what).or_default() += n;
        }
        for (code, n) in &round.codes {
            *codes.entry(*code).or_default() += n;
        }
    }
    println!(
        "{} kills in {rounds} specs of {UNITS} commits, {:?}: {kills:?}; ends of runs by code: {codes:?}",
        kills.values().sum::<u32>(),
        began.elapsed()
    );
}
