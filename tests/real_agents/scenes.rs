//! Scenes about finding a CLI, long prompts, windows, and questions to the agent.

use std::fs;

use serde_json::Value;

use super::bench::Bench;
use super::clis::{Cli, version};
use super::{Ground, Seen, bench, bypass, ensure};
use crate::common::{git, wait_long};

/// What a command prints that asks the CLIs for their versions; repeated if a busy machine let one miss the deadline.
fn patiently(bench: &Bench, args: &[&str]) -> String {
    let printed = || bench.run(args).code(0).stdout;
    let missed = |printed: &str| printed.contains("no answer within") || printed.contains("\"hung\"");
    let mut last = printed();
    for _ in 0..10 {
        if !missed(&last) {
            break;
        }
        last = printed();
    }
    last
}

/// Whether `seqorch backends` finds each CLI and its version.
pub(super) fn listed(ground: &Ground, clis: &[Cli]) -> Result<(), String> {
    let Some(first) = clis.first() else { return Ok(()) };
    let printed = patiently(&bench(ground, *first, ""), &["backends", "--json"]);
    let list: Value = serde_json::from_str(&printed).map_err(|e| e.to_string())?;
    let list = list["backends"].as_array().cloned().unwrap_or_default();
    for cli in clis {
        let one = list.iter().find(|one| one["name"] == cli.name()).unwrap_or(&Value::Null);
        let path = ground.bin.join(cli.name()).display().to_string();
        if one["version"]["version"] != version(*cli, &ground.bin) || one["path"] != path {
            return Err(format!("`seqorch backends` says of {}: {one}", cli.name()));
        }
    }
    Ok(())
}

/// What `seqorch doctor` finds out about the CLI.
pub(super) fn doctor(ground: &Ground, cli: Cli) -> Seen {
    let bench = bench(ground, cli, "");
    let printed = patiently(&bench, &["doctor"]);
    let program = ground.bin.join(cli.name());
    let line = format!("{} {}, {}", cli.name(), version(cli, &ground.bin), program.display());
    ensure(printed.contains(&line), &bench, &format!("no {line:?} in\n{printed}"))?;
    ensure(printed.contains("login: "), &bench, &format!("its login is not found:\n{printed}"))?;
    ensure(!printed.contains("sk-dummy"), &bench, "the key is shown")?;
    let lacks =
        printed.lines().find_map(|line| line.split_once("its sandbox needs ")?.1.split([';', ',']).next());
    let lacks = lacks.map_or(String::new(), |what| format!(", its sandbox lacks {what}"));
    Ok(format!("version and login found{lacks}"))
}

/// The text between two marks.
fn marked(text: &str) -> Option<&str> {
    text.split_once("PROMPT_BEGIN")?.1.split_once("PROMPT_END").map(|(inside, _)| inside)
}

/// Every text inside a JSON value.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(all) => all.iter().for_each(|one| texts(one, found)),
        Value::Object(all) => all.values().for_each(|one| texts(one, found)),
        _ => {}
    }
}

pub(super) fn long_prompt(ground: &Ground, cli: Cli) -> Seen {
    let line = "--flag 'single' \"double\" \\ $HOME `tick` grüße \u{1F600} {\"type\": \"result\"}\n";
    let text = format!("PROMPT_BEGIN\n{}PROMPT_END", line.repeat(300_000 / line.len() + 1));
    let config = format!("[[override]]\ntasks = [\"1\"]\nprompt = {}\n", toml::Value::from(text.as_str()));
    let mut bench = bench(ground, cli, &config);
    bench.serve("success");
    bench.run(&["run", "demo"]).code(0);
    let prompt = bench.project.of_attempt("demo", "1", 1, "prompt.md");
    ensure(bench.outcomes() == ["done"], &bench, "it is not done")?;
    ensure(prompt.len() > 300_000 && marked(&prompt) == marked(&text), &bench, "the prompt is not the one")?;
    let request: Value = serde_json::from_str(&bench.first_request()).map_err(|e| e.to_string())?;
    let mut all = Vec::new();
    texts(&request, &mut all);
    let arrived = all.iter().find_map(|text| marked(text));
    ensure(arrived == marked(&text), &bench, "the model got another text")?;
    Ok(format!("{} KB arrived byte for byte, {}", prompt.len() / 1000, bench.took()))
}

/// What the task's window shows, and `seqorch logs` afterwards.
pub(super) fn tool_in_a_window(ground: &Ground, cli: Cli) -> Seen {
    const TOOL: &str =
        "for n in one two three four five six seven; do printf '%s \\033[31m\\n' $n; done; echo hi > out.txt";
    let config = format!(
        "[run]\nbackend = \"{}\"\n[retry]\nattempts = 1\n[timeout]\ntask = \"3m\"\n[tmux]\nsize = \"60x40\"\n{}",
        cli.name(),
        bypass(cli)
    );
    let windowed = bench(ground, cli, &config).with_windows();
    let Some(mut bench) = windowed else {
        return Ok("DID NOT RUN: tmux is not installed".to_owned());
    };
    bench.serve_otherwise("tool", &[], Some(TOOL));
    bench.run(&["run", "demo"]).code(0);
    ensure(bench.project.read("out.txt") == "hi\n", &bench, "the tool wrote no file")?;
    ensure(bench.requests() == 2, &bench, "not two requests")?;
    let pane = ["capture-pane", "-p", "-S", "-", "-t", "=sequential-demo:task-1"];
    let screen = bench.project.ask_tmux(&pane);
    println!("{} in its window of 60 columns:\n{screen}", cli.name());
    let raw = bench.project.run(&["logs", "--raw"]).code(0).stdout;
    ensure(raw == bench.project.of_attempt("demo", "1", 1, "output.jsonl"), &bench, "--raw is not raw")?;
    looks_well(&bench, &screen)?;
    looks_well(&bench, &bench.project.run(&["logs", "--color", "always"]).code(0).stdout)?;
    Ok(format!("the shell wrote the file, its window was looked at, {}", bench.took()))
}

/// Checks for the agent's words, the tool on one line, the start of its output, and the usage; no raw records, and no
/// colours of the tool.
fn looks_well(bench: &Bench, screen: &str) -> Result<(), String> {
    let shown = |what: &str| ensure(screen.contains(what), bench, &format!("no {what:?} in\n{screen}"));
    for what in ["I will write the file now.", "All done, nothing else is needed.", "▸ ", "one", " out"] {
        shown(what)?;
    }
    let tool = screen.lines().find(|line| line.contains("▸ ")).unwrap_or_default();
    ensure(tool.contains(" for n in one"), bench, &format!("the tool's command is not shown: {tool:?}"))?;
    for what in ["{\"type\"", "\"session_id\"", "\u{1b}[31m"] {
        ensure(!screen.contains(what), bench, &format!("{what:?} is shown in\n{screen}"))?;
    }
    Ok(())
}

/// The first answer is unusable, the second is requested with what was wrong, and the task goes to its owner.
pub(super) fn assign(ground: &Ground, cli: Cli) -> Seen {
    let name = cli.name();
    let owners = format!("owners = {{ codex = \"{name}\", gemini = \"other\", codex-review = \"{name}\" }}");
    let config = format!(
        "[assign]\nmode = \"agent\"\nbackend = \"{name}\"\n{owners}\n\
         [backend.other]\npreset = \"{name}\"\ncommand = \"{}\"\n",
        ground.bin.join(name).display()
    );
    let mut bench = bench(ground, cli, &config);
    let answer = r#"{"assignments": {"1": {"type": "ui", "owner_agent": "gemini"}}}"#;
    let done = "All done, nothing else is needed.\n\n<promise>TASK_DONE</promise>";
    bench.serve_otherwise("success", &["Gemini, I would say.", answer, done], None);
    bench.run(&["run", "demo"]).code(0).says(&["asking once more", "has no JSON object"]);
    let state = bench.project.state("demo");
    let assigned = &state["assignments"]["1"];
    ensure(assigned["owner_agent"] == "gemini" && assigned["by"] == name, &bench, &assigned.to_string())?;
    ensure(bench.attempts()[0]["backend"] == "other", &bench, "another backend did it")?;
    let folders = fs::read_dir(bench.project.path(".seqorch/demo")).map_err(|e| e.to_string())?;
    let mut names = folders.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let call = names.find(|name| name.contains("assign")).unwrap_or_default();
    let second = bench.project.of_attempt("demo", &call, 2, "prompt.md");
    ensure(second.contains("has no JSON object"), &bench, "the request does not say what was wrong")?;
    ensure(bench.requests() == 3, &bench, "not three requests")?;
    Ok(format!("asked twice, done by whom it named, {}", bench.took()))
}

pub(super) fn nudge(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = bench(ground, cli, "");
    let done = "So it is.\n\n<promise>TASK_DONE</promise>";
    bench.serve_otherwise("success", &["I wrote the file out.txt.", done], None);
    bench.run(&["run", "demo"]).code(0);
    let attempts = bench.attempts();
    ensure(bench.outcomes() == ["no_signal", "done"], &bench, "not asked for its signal")?;
    let resumes = &attempts[1]["resumes"];
    ensure(resumes["session"] == attempts[0]["session"], &bench, "not in its session")?;
    ensure(resumes["reason"] == "nudge", &bench, &format!("gone on for another reason: {resumes}"))?;
    let prompts = [1, 2].map(|n| bench.project.of_attempt("demo", "1", n, "prompt.md").len());
    ensure(prompts[1] < prompts[0], &bench, &format!("the nudge is not short: {prompts:?}"))?;
    Ok(format!("asked for its signal in its session, {}", bench.took()))
}

/// Words of a person begin another turn of an agent that listens; for others they are a note.
pub(super) fn say(ground: &Ground, cli: Cli) -> Seen {
    let listens = cli == Cli::Claude;
    let mut bench = bench(ground, cli, if listens { "[backend.claude]\nlive_input = true\n" } else { "" });
    bench.serve("slow");
    let mut run = bench.project.start(&["run"]);
    let begun = || {
        let file = |name| bench.project.of_attempt("demo", "1", 1, name);
        !file(if listens { "output.jsonl" } else { "lock" }).is_empty()
    };
    wait_long("the agent", begun);
    let said = bench.project.run(&["say", "1", "Use the red buttons."]).code(0).stdout;
    wait_long("seqorch to end", || run.is_over());
    run.wait().code(0);
    if !listens {
        ensure(said.contains("so this is a note"), &bench, &said)?;
        return Ok("a note".to_owned());
    }
    ensure(said.contains("its agent has it"), &bench, &said)?;
    ensure(bench.requests() == 2, &bench, &format!("{} requests, not 2", bench.requests()))?;
    let output = bench.project.of_attempt("demo", "1", 1, "output.jsonl");
    ensure(output.matches("\"type\":\"result\"").count() == 2, &bench, "it has not two results")?;
    Ok("a second turn".to_owned())
}

/// A second session of the CLI looks at what the first one did, with the arguments that only let it read. What it writes in
/// spite of them is put back. Returns the price of a review, too.
pub(super) fn review(ground: &Ground, cli: Cli) -> Seen {
    let config = format!(
        "[git]\ncommit = \"step\"\n[backend.worker]\npreset = \"{0}\"\npermission = \"bypass\"\n[review]\nbackend = \"{0}\"\n",
        cli.name()
    );
    let mut bench = bench(ground, cli, &config);
    let settings = bench.project.read("seqorch.toml");
    let chosen = format!("backend = \"{}\"\ndelay", cli.name());
    bench.project.write("seqorch.toml", settings.replacen(&chosen, "backend = \"worker\"\ndelay", 1));
    git::init(&bench.project);
    let done = "All done.\n\n<promise>TASK_DONE</promise>";
    let approved = "It is as it should be.\n\n<promise>APPROVED</promise>";
    // an answer for each request, of which the first of each session calls the shell
    bench.serve_otherwise("tool", &[done, done, approved, approved], Some("echo $SEQORCH_ROLE >> out.txt"));
    let output = bench.run(&["run", "demo"]);
    ensure(output.code == 0, &bench, &format!("exit code {}\n{}", output.code, output.stdout))?;
    let attempts = bench.attempts();
    ensure(bench.outcomes() == ["done", "approved"], &bench, "not a task and its approval")?;
    ensure(bench.project.read("out.txt") == "work\n", &bench, "what the reviewer wrote is there")?;
    let wrote = attempts[1]["undone"].as_array().is_some_and(|undone| !undone.is_empty());
    let tokens = |n: usize| {
        let usage = &attempts[n]["usage"];
        usage["input"].as_u64().unwrap_or_default() + usage["output"].as_u64().unwrap_or_default()
    };
    let seen = if wrote { "what it wrote was put back" } else { "it wrote nothing" };
    let prompt = bench.project.of_attempt("demo", "1", 2, "prompt.md").len();
    Ok(format!(
        "approved, {seen}; {} tokens after {} of the task, a prompt of {prompt} bytes",
        tokens(1),
        tokens(0)
    ))
}
