//! The real program under `kill -9` at random moments: of the run, an attempt, an agent, or the tmux server.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};

use crate::common::kills::{KillLog, pause, series};
use crate::common::{DEADLINE, Project, Running};

const UNITS: usize = 5;

/// Notes `OVERLAP` if any process of another agent is alive: all that an agent starts inherits the lock. The process that
/// it leaves in a session of its own lives on unless seqorch ends it.
const AGENT: &str = r#"
exec 9>>"$ROOT/exclusive"
flock -n 9 || note "OVERLAP $SEQORCH_UNIT $SEQORCH_ATTEMPT"
note "start $SEQORCH_UNIT $SEQORCH_ATTEMPT"
setsid sleep 4741 &
(sleep 4741 & sleep 4741) &
sleep 0.$(( $$ % 3 ))$(( $$ % 7 ))
note "end $SEQORCH_UNIT $SEQORCH_ATTEMPT"
say_done
"#;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    Windows,
    Detached,
}

struct Round {
    project: Project,
    way: Way,
    run: Option<Running>,
    log: KillLog,
}

impl Round {
    fn new(way: Way) -> Option<Self> {
        let tasks: Vec<_> = (1..=UNITS).map(|n| format!("- [ ] {n}. Task {n}\n")).collect();
        let project = Project::new();
        let project = if way == Way::Plain { project } else { project.tmux()? };
        let project = project.spec("login", tasks.concat()).agent(AGENT).config(
            "[run]\nmax_iterations = 10000\n[retry]\nattempts = 1000\nbackoff = \"1ms\"\nmax_backoff = \"5ms\"\n[timeout]\ngrace = \"50ms\"\n",
        );
        Some(Self { project, way, run: None, log: KillLog::new() })
    }

    /// Collects a run that has ended, and starts one if none is running. Returns whether the spec is complete.
    fn keep_running(&mut self) -> bool {
        if let Some(run) = self.run.take_if(Running::is_over) {
            let output = run.wait();
            self.log.ended(output.code, &output.stderr);
            // killed by this test; complete; a detached run holds the lock; the tmux server was killed
            assert!(
                [137, 0, 75, 69].contains(&output.code),
                "{}\n{}\n{:?}\n{}",
                self.log.text(),
                self.project.ledger().join("\n"),
                self.project.alive(),
                output.stdout
            );
            if output.code == 0 && (self.way != Way::Detached || self.complete()) {
                return true;
            }
        }
        if self.run.is_none() && !(self.way == Way::Detached && self.holder().is_some()) {
            if self.way == Way::Detached && self.complete() {
                return true;
            }
            self.log.note("a run starts");
            let args: &[&str] = if self.way == Way::Detached { &["run", "--detach"] } else { &["run"] };
            self.run = Some(self.project.start(args));
        }
        false
    }

    fn complete(&self) -> bool {
        self.project.state("login")["completed_at"].is_string()
    }

    /// The detached run, if one is alive.
    fn holder(&self) -> Option<i32> {
        // the window that starts it, and the tmux server, have the same arguments behind those of their own
        let runs = self.project.alive_with("--in-main").into_iter();
        runs.filter(|(_, line)| !line.contains("__view")).map(|(pid, _)| pid).next()
    }

    fn victim(&self, dice: &mut Rng) -> Option<(&'static str, i32)> {
        let of = |part: &str| self.project.alive_with(part).first().map(|(pid, _)| *pid);
        match dice.u64(..10) {
            0..=3 => {
                let run = self.run.as_ref().map(Running::pid).or_else(|| self.holder());
                Some(("run", run?))
            }
            4..=5 => Some(("attempt", of("__attempt")?)),
            6..=8 => Some(("agent", of("agent.sh")?)),
            _ if self.way == Way::Plain => None,
            _ => {
                let pid = self.project.tmux_server();
                Some(("tmux", pid?))
            }
        }
    }

    fn strike(&mut self, dice: &mut Rng) {
        let Some((what, pid)) = self.victim(dice) else { return };
        self.log.kill(what, pid);
    }

    /// What must hold when a spec is complete, whatever was killed before.
    fn check(&self) {
        let project = &self.project;
        let ledger = project.ledger();
        let story = || format!("{}\nledger:\n{}", self.log.text(), ledger.join("\n"));
        let file: Value = serde_json::from_str(&project.read(".kiro/specs/SEQUENTIAL_STATE.json"))
            .unwrap_or_else(|e| {
                panic!("the state is not valid: {e}\n{}", story());
            });
        let state = &file["specs"]["login"];
        let units: Vec<String> = (1..=UNITS).map(|n| n.to_string()).collect();
        assert_eq!(state["completed"], json!(units), "{}", story());
        assert_eq!(state["run"]["state"], "over", "{state:#}\n{}", story());
        assert_eq!(project.tasks("login").matches("- [x]").count(), UNITS, "{}", story());
        assert!(!ledger.iter().any(|l| l.starts_with("OVERLAP")), "two agents at once\n{}", story());
        let starts: Vec<&str> = ledger.iter().filter_map(|l| l.strip_prefix("start ")).collect();
        assert_eq!(
            starts.iter().collect::<HashSet<_>>().len(),
            starts.len(),
            "an attempt twice\n{}",
            story()
        );
        for unit in &units {
            let outcomes = project.outcomes("login", unit);
            let done = outcomes.iter().filter(|o| *o == "done").count();
            assert!(
                done == 1 && outcomes.last().is_some_and(|o| o == "done"),
                "{unit}: {outcomes:?}\n{}",
                story()
            );
            let finished = format!("end {unit} {}", outcomes.len());
            assert!(ledger.contains(&finished), "{finished} is missing\n{}", story());
        }
        let left = || project.left_alive();
        let start = Instant::now();
        while !left().is_empty() {
            assert!(start.elapsed() < DEADLINE, "left alive: {:?}\n{}", left(), story());
            thread::sleep(Duration::from_millis(10));
        }
        // a last run finds nothing to do, and removes temporary files
        project.run(&["run"]).code(0);
        assert_eq!(project.ledger(), ledger, "{}", story());
        let litter: Vec<_> = project
            .tree()
            .into_iter()
            .map(|(path, _)| path)
            .filter(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let kind = path.extension().and_then(|e| e.to_str());
                matches!(kind, Some("tmp" | "sock")) || name.starts_with(".seqorch-")
            })
            .collect();
        assert!(litter.is_empty(), "left on disk: {litter:?}\n{}", story());
    }
}

#[test]
#[ignore = "a hundred kills take a minute"]
fn a_hundred_kills_lose_nothing_and_repeat_nothing() {
    series(&format!("{UNITS} units"), |number, dice| {
        let way = [Way::Windows, Way::Plain, Way::Windows, Way::Detached][number % 4];
        let mut round = Round::new(way)?;
        // after so many kills the run may complete
        let strikes = 6 + dice.u64(..10);
        let mut struck = 0;
        while !round.keep_running() {
            assert!(round.log.began.elapsed() < DEADLINE * 4, "it never ends\n{}", round.log.text());
            pause(dice, [3, 30, 120, 400]);
            if struck < strikes {
                round.strike(dice);
                struck += 1;
            }
        }
        round.check();
        if round.log.began.elapsed() > Duration::from_secs(8) {
            println!("a slow round, {way:?}:\n{}", round.log.text());
        }
        Some(round.log.counts)
    });
}
