//! The real program under `kill -9` at random moments: of the run, an attempt, an agent, or the tmux server.
//!
//! `SEQORCH_CHAOS_SEED` repeats a series, as far as the timing of the machine allows; `SEQORCH_CHAOS_KILLS` sets its length.

use std::collections::{BTreeMap, HashSet};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::{DEADLINE, Project, Running, kill};

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
    /// How often runs ended with each exit code.
    codes: BTreeMap<i32, u32>,
    kills: BTreeMap<&'static str, u32>,
    /// What was done and when, for the message of a failure.
    log: Vec<String>,
    began: Instant,
}

impl Round {
    fn new(way: Way) -> Option<Self> {
        let tasks: Vec<_> = (1..=UNITS).map(|n| format!("- [ ] {n}. Task {n}\n")).collect();
        let project = Project::new();
        let project = if way == Way::Plain { project } else { project.tmux()? };
        let project = project.spec("login", tasks.concat()).agent(AGENT).config(
            "[run]\nmax_iterations = 10000\n[retry]\nattempts = 1000\nbackoff = \"1ms\"\nmax_backoff = \"5ms\"\n[timeout]\ngrace = \"50ms\"\n",
        );
        let (run, codes, kills, log) = (None, BTreeMap::new(), BTreeMap::new(), Vec::new());
        Some(Self { project, way, run, codes, kills, log, began: Instant::now() })
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
            // killed by this test; complete; a detached run holds the lock; the tmux server was killed
            assert!(
                [137, 0, 75, 69].contains(&output.code),
                "{}\n{}\n{:?}\n{}",
                self.log.join("\n"),
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
            self.note("a run starts");
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

    fn victim(&self, dice: &mut Dice) -> Option<(&'static str, i32)> {
        let of = |part: &str| self.project.alive_with(part).first().map(|(pid, _)| *pid);
        match dice.roll(10) {
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

    fn strike(&mut self, dice: &mut Dice) {
        let Some((what, pid)) = self.victim(dice) else { return };
        kill(pid, Signal::KILL);
        self.note(&format!("kill -9 {what} {pid}"));
        *self.kills.entry(what).or_default() += 1;
    }

    /// What must hold when a spec is complete, whatever was killed before.
    fn check(&self) {
        let project = &self.project;
        let ledger = project.ledger();
        let story = || format!("{}\nledger:\n{}", self.log.join("\n"), ledger.join("\n"));
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
        // only the server with its dead panes may be left
        let left = || -> Vec<_> {
            let server = project.tmux_server();
            project.alive().into_iter().filter(|(pid, _)| Some(*pid) != server).collect()
        };
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
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    let seed = number("SEQORCH_CHAOS_SEED").unwrap_or_else(|| u64::from(now()) | 1);
    let wanted = number("SEQORCH_CHAOS_KILLS").unwrap_or(100);
    println!("SEQORCH_CHAOS_SEED={seed}");
    let mut dice = Dice(seed.max(1));
    let (mut kills, mut codes) = (BTreeMap::<&str, u32>::new(), BTreeMap::<i32, u32>::new());
    let (began, mut rounds) = (Instant::now(), 0);
    while u64::from(kills.values().sum::<u32>()) < wanted {
        let way = [Way::Windows, Way::Plain, Way::Windows, Way::Detached][rounds % 4];
        let Some(mut round) = Round::new(way) else { return };
        rounds += 1;
        // after so many kills the run may complete
        let strikes = 6 + dice.roll(10);
        let mut struck = 0;
        while !round.keep_running() {
            assert!(round.began.elapsed() < DEADLINE * 4, "it never ends\n{}", round.log.join("\n"));
            let longest = [3, 30, 120, 400][usize::try_from(dice.roll(4)).unwrap()];
            thread::sleep(Duration::from_micros(1 + dice.roll(longest * 1000)));
            if struck < strikes {
                round.strike(&mut dice);
                struck += 1;
            }
        }
        round.check();
        if round.began.elapsed() > Duration::from_secs(8) {
            println!("a slow round, {way:?}:\n{}", round.log.join("\n"));
        }
        for (what, n) in &round.kills {
            *kills.entry(what).or_default() += n;
        }
        for (code, n) in &round.codes {
            *codes.entry(*code).or_default() += n;
        }
    }
    println!(
        "{} kills in {rounds} specs of {UNITS} units, {:?}: {kills:?}; ends of runs by code: {codes:?}",
        kills.values().sum::<u32>(),
        began.elapsed()
    );
}
