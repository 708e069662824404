//! The real program under `kill -9` at random moments, with commits: of the run, an attempt, and of git itself.

use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::common::git::{git, hook, init, subjects};
use crate::common::kills::{KillLog, pause, series};
use crate::common::{DEADLINE, Project, Running, tasks};

const UNITS: usize = 4;
/// How long a strike waits for a git that it wants to kill.
const AMBUSH: Duration = Duration::from_millis(400);

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
const HOOK: &str = "
for file in $(git diff --cached --name-only --diff-filter=AM -- '*.txt'); do echo formatted > \"$file\"; git add \"$file\"; done
sleep 0.0$(( $$ % 9 ))
";

struct Round {
    project: Project,
    run: Option<Running>,
    log: KillLog,
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
        hook(&project, "pre-commit", HOOK);
        Self { project, run: None, log: KillLog::new() }
    }

    /// Collects a run that has ended, and starts one if none is running. Returns whether the spec is complete.
    fn keep_running(&mut self) -> bool {
        if let Some(run) = self.run.take_if(Running::is_over) {
            let output = run.wait();
            self.log.ended(output.code, &output.stderr);
            assert!([137, 0].contains(&output.code), "{}\n{}", self.log.text(), output.stdout);
            if output.code == 0 {
                return true;
            }
        }
        if self.run.is_none() {
            self.log.note("a run starts");
            self.run = Some(self.project.start(&["run", "--retry"]));
        }
        false
    }

    /// A git of seqorch that works now, with this in its arguments.
    fn git(&self, wanted: &str) -> Option<i32> {
        let alive = self.project.alive().into_iter();
        let mut own =
            alive.filter(|(_, line)| line.contains("core.fsmonitor=false") && line.contains(wanted));
        own.next().map(|(pid, _)| pid)
    }

    /// As [`Self::git`]; waits for it for a moment, because most of them take milliseconds.
    fn next_git(&self, wanted: &str) -> Option<i32> {
        let start = Instant::now();
        while start.elapsed() < AMBUSH {
            if let Some(pid) = self.git(wanted) {
                return Some(pid);
            }
        }
        None
    }

    fn strike(&mut self, dice: &mut Rng) {
        let of = |part: &str| self.project.alive_with(part).first().map(|(pid, _)| *pid);
        let (what, pid) = match dice.u64(..10) {
            0..=1 => ("run", self.run.as_ref().map(Running::pid)),
            2 => ("attempt", of("__attempt")),
            3..=6 => {
                let found = self.next_git(" commit ");
                // at its beginning, in its hook, or at its end
                pause(dice, [1, 20, 60, 90]);
                ("git commit", found.filter(|pid| self.git(" commit ") == Some(*pid)))
            }
            7 => ("git update-index", self.next_git("update-index")),
            8 => ("git status", self.next_git("status")),
            _ => ("git", self.next_git("")),
        };
        if let Some(pid) = pid {
            self.log.kill(what, pid);
        }
    }

    /// What must hold when a spec is complete, whatever was killed before.
    fn check(&self) {
        let project = &self.project;
        let story = || {
            let history =
                git(project, &["log", "--reverse", "--name-status", "--format=%h %cd %s", "--date=iso"]);
            format!("{}\n{history}\n{:#}", self.log.text(), project.state("login")["units"])
        };
        let tasks = (1..=UNITS).map(|n| format!("{n}: Task {n}"));
        let wanted: Vec<String> = ["start".to_owned()].into_iter().chain(tasks).collect();
        assert_eq!(subjects(project), wanted, "{}", story());
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
                let is_ours =
                    ["work-tree.lock", "agent.lock", "run.lock", "commit.lock"].contains(&name.as_str());
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
    series(&format!("{UNITS} commits"), |_, dice| {
        let mut round = Round::new();
        // after so many kills the run may complete
        let strikes = 6 + u32::try_from(dice.u64(..10)).unwrap();
        while !round.keep_running() {
            assert!(round.log.began.elapsed() < DEADLINE * 4, "it never ends\n{}", round.log.text());
            pause(dice, [3, 10, 30, 120]);
            if round.log.counts.total() < strikes {
                round.strike(dice);
            }
        }
        round.check();
        Some(round.log.counts)
    });
}
