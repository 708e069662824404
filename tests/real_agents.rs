//! seqorch with every real CLI that npm and `PyPI` have, in the versions that `.ci/agents` installs, against a server on
//! this machine that answers like their vendors: `../shared/agents`, or that folder of what `SEQORCH_SHARED` names.
//!
//! All of it runs in a network namespace with only loopback, with a fresh home folder and invalid keys, so no CLI can
//! reach its vendor. The CLIs are installed into `SEQORCH_AGENTS_DIR`, or into a folder under `target`. What is missing
//! here is said, and does not run.
//!
//! `SEQORCH_AGENTS=codex,gemini` and `SEQORCH_SCENES=halt-answer` select agents and scenes. The first four CLIs always run
//! in all scenes; the others run in those of `every.rs`, for as long as `SEQORCH_AGENTS_MINUTES` allows.
//! `SEQORCH_UPDATE_TABLE=1` writes what was seen into `docs/agents.md`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bench::Bench;
use clis::Cli;
use table::SeenTable;

use crate::common::shared;

mod bench;
mod clis;
mod every;
mod limits;
mod sandboxed;
mod scenes;
mod table;

/// Set in the process that runs inside the namespace.
const INSIDE: &str = "SEQORCH_TEST_LOOPBACK_ONLY";

/// What a scene saw, for the table; or what went wrong.
type Seen = Result<String, String>;

/// What every scene needs.
struct Ground {
    bin: PathBuf,
    mock: PathBuf,
    /// It speaks the API that all others ask.
    mock_of_all: PathBuf,
}

impl Ground {
    /// The server that speaks to a CLI.
    fn server_for(&self, cli: Cli) -> &Path {
        if cli.is_of_the_first() { &self.mock } else { &self.mock_of_all }
    }
}

type Scene = (&'static str, fn(&Ground, Cli) -> Seen);

/// What only the first four CLIs are seen in.
const SCENES: &[Scene] = &[
    ("success", success),
    ("doctor", scenes::doctor),
    ("300 KB prompt", scenes::long_prompt),
    ("tool-auto", tool_in_auto),
    ("tool-bypass", scenes::tool_in_a_window),
    ("assign", scenes::assign),
    ("nudge", scenes::nudge),
    ("halt-answer", halt_and_answer),
    ("retry-resumes", retry_in_the_same_session),
    ("unknown-session", unknown_session),
    ("limit-reset", limits::limit_with_a_reset),
    ("401", bad_key),
    ("endless-tool", endless_tool),
    ("review", scenes::review),
    ("say", scenes::say),
    ("bwrap", sandboxed::works_on_its_work_tree_alone),
    ("bwrap-resume", sandboxed::answers_in_its_session),
    ("bwrap-timeout", sandboxed::leaves_nothing_after_a_timeout),
];

/// What every CLI is seen in: the columns of the table in docs/agents.md.
const EVERY: &[Scene] = &[
    ("a file", every::writes),
    ("HALT answer", every::asks),
    ("second attempt", every::again),
    ("300 KB", every::long_prompt),
    ("401", every::refused),
    ("429 then well", every::limited_once),
    ("long 429", every::limited_long),
    ("quota", every::quota),
    ("500", every::server_error),
    ("no network", every::no_network),
    ("hangs", every::hangs),
    ("TERM", every::term),
];

#[test]
#[ignore = "installs the real CLIs from npm, and reads ../shared"]
fn each_real_agent_works_and_fails_as_promised() {
    if std::env::var_os(INSIDE).is_some() {
        return play();
    }
    if let Err(why) = prepare().and_then(|bin| in_a_namespace(&bin)) {
        println!("DID NOT RUN: the suite of the real agents: {why}");
    }
}

/// Installs missing CLIs, of which only the chosen ones are wanted; returns the folder with the programs.
fn prepare() -> Result<PathBuf, String> {
    if !shared().join("agents/mock.py").is_file() {
        return Err(format!("there is no server in {}", shared().join("agents").display()));
    }
    if Command::new("python3").arg("--version").output().is_err() {
        return Err("python3, which the server is written in, is not installed".to_owned());
    }
    let folder = std::env::var_os("SEQORCH_AGENTS_DIR")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("agents"), PathBuf::from);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/agents");
    let chosen = std::env::var("SEQORCH_AGENTS").unwrap_or_default();
    let names = chosen.split(',').filter(|name| !name.is_empty());
    let mut command = Command::new(script);
    let output = command.arg(&folder).args(names).stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("the CLIs cannot be installed: {why}"));
    }
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some((name, why)) = line.split_once(" missing ") {
            println!("DID NOT RUN: {name} as a real agent: it cannot be installed here: {why}");
        }
    }
    Ok(folder.join("bin"))
}

/// Runs this test again in a network namespace with only loopback; in a user namespace if that needs no root.
fn in_a_namespace(bin: &Path) -> Result<(), String> {
    const UP: &str = r#"ip link set lo up && exec "$@""#;
    let works = |flags: &str| {
        let probe = Command::new("unshare").args([flags, "sh", "-c", UP, "sh", "true"]).output();
        probe.is_ok_and(|o| o.status.success())
    };
    let flags = ["-n", "-rn"].into_iter().find(|flags| works(flags));
    let flags =
        flags.ok_or("a network namespace is not permitted here (`unshare -n`, `ip link set lo up`)")?;
    let name = thread::current().name().unwrap_or_default().to_owned();
    let status = Command::new("unshare")
        .args([flags, "sh", "-c", UP, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", &name, "--nocapture"])
        .env(INSIDE, bin)
        .stdin(Stdio::null())
        .status()
        .map_err(|e| e.to_string())?;
    assert!(status.success(), "the suite of the real agents failed; the table says where");
    Ok(())
}

/// How many scenes run at once: a CLI mostly starts or waits.
const LANES: usize = 4;

/// Runs all scenes with all CLIs, several at once, since each has its own home, project and server.
fn play() {
    let ground = Ground {
        bin: std::env::var_os(INSIDE).map(PathBuf::from).unwrap_or_default(),
        mock: shared().join("agents/mock.py"),
        mock_of_all: shared().join("agents/more/mock.py"),
    };
    let chosen = |variable: &str, name: &str| {
        std::env::var(variable).map_or(true, |list| list.split(',').any(|one| one == name))
    };
    let there = |cli: &Cli| ground.bin.join(cli.name()).exists();
    let clis: Vec<Cli> =
        Cli::ALL.into_iter().filter(there).filter(|cli| chosen("SEQORCH_AGENTS", cli.name())).collect();
    let (first, rest): (Vec<Cli>, Vec<Cli>) = clis.iter().partition(|cli| cli.is_of_the_first());
    let chosen = |scene: &&Scene| chosen("SEQORCH_SCENES", scene.0);
    let own: Vec<&Scene> = SCENES.iter().filter(chosen).collect();
    let all: Vec<&Scene> = EVERY.iter().filter(chosen).collect();
    assert_ne!(own.len() + all.len(), 0, "no scene was chosen");
    assert_ne!(clis.len(), 0, "no CLI was chosen, or none is installed");
    let minutes = std::env::var("SEQORCH_AGENTS_MINUTES").ok().and_then(|text| text.parse::<u64>().ok());
    let until = minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));

    let of = |scenes: &[&'static Scene], clis: &[Cli]| -> Vec<(&'static Scene, Cli)> {
        scenes.iter().flat_map(|scene| clis.iter().map(move |cli| (*scene, *cli))).collect()
    };
    let mut table = SeenTable::default();
    let (measure, others) = own.split_at(own.len().min(1));
    for scenes in [measure, others] {
        table.add(in_lanes(&ground, &of(scenes, &first), None));
    }
    println!("{}", table.of_scenes(&own, &first, &ground));
    let listed = scenes::listed(&ground, &clis);
    let mut every = SeenTable::default();
    // the first scene measures how long each CLI takes, which later ones use for their deadlines
    let (measure, others) = all.split_at(all.len().min(1));
    for scenes in [measure, others] {
        every.add(in_lanes(&ground, &of(scenes, &first), None));
    }
    for scenes in [measure, others] {
        every.add(in_lanes(&ground, &of(scenes, &rest), until));
    }
    let rows = every.of_clis(&all, &clis, &ground);
    println!("{rows}");
    for left in every.not_run(&all, &clis) {
        println!("DID NOT RUN: {left}: the time for the real agents was over");
    }
    table::compare_with_docs(&every, &all, &clis, &ground);
    let wrong = table.wrong() + every.wrong();
    assert_eq!(wrong, 0, "{wrong} of the scenes above went wrong");
    assert_eq!(listed, Ok(()));
}

/// Runs scenes, several at once; none begins after `until`.
fn in_lanes(
    ground: &Ground,
    all: &[(&'static Scene, Cli)],
    until: Option<Instant>,
) -> Vec<(&'static str, Cli, Seen)> {
    let next = AtomicUsize::new(0);
    let lane = || {
        let mut seen = Vec::new();
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some((scene, cli)) = all.get(at)
            && until.is_none_or(|until| Instant::now() < until)
        {
            seen.push((scene.0, *cli, one(ground, scene, *cli)));
        }
        seen
    };
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
        lanes.into_iter().flat_map(|lane| lane.join().expect("scenes do not panic")).collect()
    })
}

/// Runs one scene. A failed assertion is its result, so that the other scenes still run.
fn one(ground: &Ground, (name, scene): &Scene, cli: Cli) -> Seen {
    let seen = catch_unwind(AssertUnwindSafe(|| scene(ground, cli))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default())
    });
    match &seen {
        Ok(seen) => println!("{} {name}: {seen}", cli.name()),
        Err(wrong) => println!("{} {name}: WRONG: {wrong}", cli.name()),
    }
    seen
}

fn bench(ground: &Ground, cli: Cli, config: &str) -> Bench {
    Bench::new(cli, &ground.bin, &ground.mock, config)
}

fn bypass(cli: Cli) -> String {
    format!("[backend.{}]\npermission = \"bypass\"\n", cli.name())
}

/// Unless `so`: an error that says `what`, with attempts and output.
fn ensure(so: bool, bench: &Bench, what: &str) -> Result<(), String> {
    if so {
        return Ok(());
    }
    let last = bench.attempts().len();
    let of = |name: &str| {
        let text = bench.project.read(format!(".seqorch/demo/1/{last}/{name}"));
        text.chars().rev().take(1500).collect::<Vec<_>>().into_iter().rev().collect::<String>()
    };
    let attempts = serde_json::to_string(&bench.attempts()).unwrap_or_default();
    Err(format!("{what}\n{attempts}\n--- output\n{}\n--- stderr\n{}", of("output.jsonl"), of("stderr.log")))
}

fn success(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = bench(ground, cli, "");
    bench.serve("success");
    let start = Instant::now();
    let output = bench.run(&["run", "demo"]).code(0);
    cli.remember(start.elapsed());
    let attempts = bench.attempts();
    ensure(bench.outcomes() == ["done"], &bench, "it is not done")?;
    ensure(attempts[0]["session"].is_string(), &bench, "its session is not known")?;
    let (usage, request) = (&attempts[0]["usage"], bench.first_request());
    ensure(usage["input"].as_u64() > Some(0) && usage["output"].as_u64() > Some(0), &bench, "no tokens")?;
    ensure(request.contains("Write the file out.txt"), &bench, "the prompt never reached the model")?;
    ensure(bench.project.tasks("demo").contains("[x] 1."), &bench, "the box is not ticked")?;
    ensure(bench.alive().is_empty(), &bench, &format!("left alive: {:?}", bench.alive()))?;
    let cost = usage["cost_usd"].as_f64().map_or("cost unknown".to_owned(), |cost| format!("${cost:.4}"));
    ensure(!output.stdout.contains("$0.0000"), &bench, "a cost of nothing is shown")?;
    Ok(format!("done, {} in / {} out, {cost}, {}", usage["input"], usage["output"], bench.took()))
}

/// A command that is more than an edit. A CLI in its careful mode may refuse it; it asks no one, and continues.
fn tool_in_auto(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = bench(ground, cli, "");
    bench.serve_otherwise("tool", &[], Some("python3 -c \"open('out.txt', 'w').write('hi')\""));
    bench.run(&["run", "demo"]).code(0);
    ensure(bench.outcomes() == ["done"], &bench, "it is not done")?;
    let wrote = bench.project.read("out.txt") == "hi";
    let seen = if wrote { "the shell ran" } else { "the shell was refused" };
    Ok(format!("{seen}, {} requests, {}", bench.requests(), bench.took()))
}

fn halt_and_answer(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = bench(ground, cli, "");
    bench.serve("halt");
    bench.run(&["run", "demo"]).code(2).says(&["the spec file is missing"]);
    let asked = bench.attempts()[0]["session"].clone();
    bench.serve("resume");
    bench.run(&["resume", "demo", "--answer", "It is in the other FOLDER-MARK"]).code(0);
    let (attempts, request) = (bench.attempts(), bench.first_request());
    ensure(bench.outcomes() == ["halted", "done"], &bench, "it did not continue to the end")?;
    ensure(attempts[1]["resumes"]["session"] == asked, &bench, "not in the session that asked")?;
    ensure(attempts[1]["session"] == asked, &bench, "the session has another id now")?;
    ensure(request.contains("FOLDER-MARK"), &bench, "the answer never reached the model")?;
    ensure(request.contains("I cannot go on"), &bench, "the model did not get its own earlier words")?;
    Ok(format!("asked, answered in its session, {}", bench.took()))
}

/// A check that fails once.
const FAILS_ONCE: &str = r#"[verify]
commands = [["sh", "-c", "test -e .out/once || { touch .out/once; echo VERIFY-MARK; exit 1; }"]]"#;

/// Runs the task of a bench with that check.
fn fail_once(bench: &mut Bench) -> Result<(), String> {
    bench.serve("success");
    bench.run(&["run", "demo"]).code(0);
    ensure(bench.outcomes() == ["verify_failed", "done"], bench, "not a failure and a success")
}

fn retry_in_the_same_session(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = bench(ground, cli, FAILS_ONCE);
    fail_once(&mut bench)?;
    let attempts = bench.attempts();
    ensure(attempts[0]["session"].is_string(), &bench, "no session")?;
    ensure(attempts[1]["resumes"]["session"] == attempts[0]["session"], &bench, "not in its session")?;
    ensure(attempts[1]["session"] == attempts[0]["session"], &bench, "the session has another id now")?;
    let (one, two) = (&attempts[0]["usage"], &attempts[1]["usage"]);
    // the server reports the same usage each time, so a running total would be twice as much
    ensure(one["input"] == two["input"], &bench, &format!("used {one} and then {two}"))?;
    ensure(bench.requests() == 2, &bench, "not one request for each attempt")?;
    Ok(format!("got the failure in its session, {}", bench.took()))
}

fn unknown_session(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = bench(ground, cli, "");
    bench.serve("halt");
    bench.run(&["run", "demo"]).code(2);
    let asked = bench.attempts()[0]["session"].as_str().unwrap_or_default().to_owned();
    ensure(!asked.is_empty(), &bench, "no session")?;
    let file = ".kiro/specs/SEQUENTIAL_STATE.json";
    bench.project.write(file, bench.project.read(file).replace(&asked, cli.unknown_session()));
    bench.serve("resume");
    bench.run(&["resume", "demo", "--answer", "It is in the other FOLDER-MARK"]).code(0);
    let (attempts, request) = (bench.attempts(), bench.first_request());
    ensure(attempts.last().is_some_and(|a| a["outcome"]["kind"] == "done"), &bench, "it is not done")?;
    ensure(attempts.len() == 3, &bench, "not one failed attempt and one new session")?;
    ensure(attempts[2]["resumes"].is_null(), &bench, "not a new session")?;
    ensure(attempts[1]["counts"] == true, &bench, "the attempt in vain does not count")?;
    ensure(request.contains("Write the file out.txt"), &bench, "not with the full prompt")?;
    ensure(request.contains("FOLDER-MARK"), &bench, "without the answer")?;
    Ok(format!("failed (exit code {}), then a new session, {}", attempts[1]["outcome"]["code"], bench.took()))
}

fn bad_key(ground: &Ground, cli: Cli) -> Seen {
    // a CLI may get an answer to a smaller question before its key is refused, so its login would be waited for
    let mut bench = bench(ground, cli, "[limit]\nlogin_wait = \"0s\"\n");
    bench.serve("auth401");
    let output = bench.run(&["run", "demo"]);
    let (attempts, outcomes) = (bench.attempts(), bench.outcomes());
    ensure(output.code == 2 || output.code == 69, &bench, &format!("exit code {}", output.code))?;
    ensure(!outcomes.iter().any(|o| o == "done" || o == "no_signal"), &bench, "not seen as a failure")?;
    let why = attempts[0]["outcome"]["why"].as_str().unwrap_or_default().to_owned();
    ensure(why.to_lowercase().contains("key"), &bench, "the key is not named as the reason")?;
    ensure(output.stdout.contains(why.lines().next().unwrap_or("-")), &bench, "the reason is not shown")?;
    Ok(format!("exit {}: {} attempts, {}: {why:.60}", output.code, attempts.len(), outcomes[0]))
}

/// A tool that a CLI started in a session of its own must end with it.
fn endless_tool(ground: &Ground, cli: Cli) -> Seen {
    // after ten seconds codex puts a tool into the background and asks the model what to do
    let limit = if cli == Cli::Codex { 7 } else { cli.patience() };
    let config = format!("[timeout]\ntask = {limit}\n[retry]\nattempts = 1\n{}", bypass(cli));
    let mut bench = bench(ground, cli, &config);
    bench.serve("sleeptool");
    let mut running = bench.project.start(&["run", "demo"]);
    let mut saw_tool = false;
    crate::common::wait_long("the end of it", || {
        saw_tool |= bench.alive().iter().any(|(_, line)| line.starts_with("sleep 1"));
        running.is_over()
    });
    running.wait().code(2).says(&["time limit"]);
    ensure(saw_tool, &bench, "its tool never ran")?;
    ensure(bench.outcomes() == ["timed_out"], &bench, "it did not time out")?;
    ensure(bench.alive().is_empty(), &bench, &format!("left alive: {:?}", bench.alive()))?;
    Ok(format!("timed out, its tool too, {}", bench.took()))
}
