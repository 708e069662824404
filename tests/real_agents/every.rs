//! The scenes for every CLI: a success, a question, a second attempt, and what a vendor and the network do.
//!
//! What a CLI cannot do is seen here, too, and said in the table: what counts is that seqorch makes the best of it.

use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use super::bench::Bench;
use super::clis::Cli;
use super::{FAILS_ONCE, Ground, Seen, ensure, fail_once};
use crate::common::wait_long;

/// A bench on the server that speaks to every CLI, whose agent may do all it can.
fn bench(ground: &Ground, cli: Cli, config: &str) -> Bench {
    bench_for(ground, cli, 4 * cli.patience_with_a_service(), config)
}

/// The same, with this time for an attempt.
fn bench_for(ground: &Ground, cli: Cli, seconds: u64, config: &str) -> Bench {
    let patience = cli.patience_with_a_service();
    let config = format!(
        "[backend.{}]\npermission = \"bypass\"\n[timeout]\nfirst_output = {patience}\nidle = {patience}\ntask = {seconds}\n{config}",
        cli.name(),
    );
    Bench::new(cli, &ground.bin, ground.server_for(cli), &config)
}

/// A file is written, by a tool where the CLI has one.
pub(super) fn writes(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = Bench::new(
        cli,
        &ground.bin,
        ground.server_for(cli),
        &format!("[backend.{}]\npermission = \"bypass\"\n", cli.name()),
    );
    bench.serve("tool");
    let start = Instant::now();
    let output = bench.run(&["run", "demo"]);
    ensure(
        output.code == 0,
        &bench,
        &format!("exit code {}\n{}{}", output.code, output.stdout, output.stderr),
    )?;
    cli.remember(start.elapsed());
    let usage = &bench.attempts()[0]["usage"];
    ensure(bench.outcomes() == ["done"], &bench, "it is not done")?;
    ensure(bench.project.read("out.txt").trim() == "hi", &bench, "the file is not written")?;
    ensure(bench.alive().is_empty(), &bench, &format!("left alive: {:?}", bench.alive()))?;
    let tokens = usage["input"].as_u64().zip(usage["output"].as_u64()).is_some_and(|(_, output)| output > 0);
    let cost = usage["cost_usd"].as_f64().is_some_and(|cost| cost > 0.0);
    Ok(match (tokens, cost) {
        (_, true) => "done; tokens, cost",
        (true, _) => "done; tokens",
        _ => "done; no usage",
    }
    .to_owned())
}

pub(super) fn asks(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = bench(ground, cli, "");
    bench.serve("halt");
    let output = bench.run(&["run", "demo"]);
    ensure(output.code == 2, &bench, &format!("exit code {}\n{}", output.code, output.stdout))?;
    ensure(output.stdout.contains("the spec file is missing"), &bench, "its question is not shown")?;
    bench.serve("resume");
    bench.run(&["resume", "demo", "--answer", "It is in the other FOLDER-MARK"]).code(0);
    let (attempts, request) = (bench.attempts(), bench.all_requests());
    ensure(bench.outcomes() == ["halted", "done"], &bench, "it did not continue to the end")?;
    ensure(request.contains("FOLDER-MARK"), &bench, "the answer never reached the model")?;
    let resumed = attempts[1]["resumes"].is_object();
    ensure(resumed == cli.resumes(), &bench, &format!("resumed its session: {resumed}"))?;
    ensure(
        !resumed || request.contains("I cannot go on"),
        &bench,
        "the model did not get its own earlier words",
    )?;
    ensure(
        resumed || request.contains("Write the file out.txt"),
        &bench,
        "the new session did not get the task",
    )?;
    Ok(if resumed { "in its session" } else { "new session" }.to_owned())
}

/// A check fails once, and the second attempt gets to know that.
pub(super) fn again(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = bench(ground, cli, FAILS_ONCE);
    fail_once(&mut bench)?;
    let attempts = bench.attempts();
    let resumed = attempts[1]["resumes"].is_object();
    ensure(resumed == cli.resumes(), &bench, &format!("resumed its session: {resumed}"))?;
    Ok(if resumed { "in its session" } else { "new session" }.to_owned())
}

pub(super) fn long_prompt(ground: &Ground, cli: Cli) -> Seen {
    let line = "--flag 'single' \"double\" \\ $HOME grüße {\"type\": \"result\"}\n";
    let text = format!("PROMPT_BEGIN\n{}PROMPT_END", line.repeat(300_000 / line.len() + 1));
    let config = format!("[[override]]\ntasks = [\"1\"]\nprompt = {}\n", toml::Value::from(text.as_str()));
    let mut bench = bench(ground, cli, &config);
    bench.serve("success");
    let output = bench.run(&["run", "demo"]);
    if cli.takes_an_argument() {
        let said = format!("{}{}", output.stdout, output.stderr);
        ensure(
            output.code != 0 && bench.requests() == 0,
            &bench,
            "it was started with a prompt that is cut",
        )?;
        ensure(
            said.contains("128 KiB") || said.contains("too long"),
            &bench,
            &format!("the reason is missing:\n{said}"),
        )?;
        return Ok("refused, over 128 KiB".to_owned());
    }
    ensure(output.code == 0, &bench, &format!("exit code {}\n{}", output.code, output.stdout))?;
    let request = bench.first_request();
    ensure(request.contains("PROMPT_END"), &bench, "the model did not get the end of it")?;
    ensure(request.len() > 300_000, &bench, "the model did not get all of it")?;
    Ok("arrives".to_owned())
}

/// How the only attempt ended, where the run does not wait for limits.
fn limited(ground: &Ground, cli: Cli, scenario: Option<&str>) -> Result<(Bench, i32, Value), String> {
    let mut bench = bench(ground, cli, "[limit]\nwait = false\nlogin_wait = \"0s\"\n");
    match scenario {
        Some(scenario) => bench.serve(scenario),
        None => bench.silence(),
    }
    let output = bench.run(&["run", "demo"]);
    let attempts = bench.attempts();
    let first = attempts.first().map(|attempt| attempt["outcome"].clone()).unwrap_or_default();
    let kind = first["kind"].as_str().unwrap_or_default();
    ensure(kind != "done" && kind != "no_signal", &bench, &format!("taken for {kind}"))?;
    ensure(bench.alive().is_empty(), &bench, &format!("left alive: {:?}", bench.alive()))?;
    Ok((bench, output.code, first))
}

/// It was seen that the service is limited, and that costs no attempt; or the CLI says nothing, and is ended.
fn waited_out(cli: Cli, bench: &Bench, code: i32, first: &Value) -> Seen {
    if first["kind"] == "timed_out" && cli.is_silent() {
        return Ok("silent; the timeout ends it".to_owned());
    }
    let attempts = bench.attempts();
    ensure(first["kind"] == "limited", bench, &format!("not seen as trouble of the service: {first}"))?;
    ensure(attempts.iter().all(|attempt| attempt["counts"] == false), bench, "it costs an attempt")?;
    ensure(attempts.len() == 1, bench, "asked again, though the run does not wait")?;
    ensure(code == 75 || code == 2, bench, &format!("exit code {code}"))?;
    Ok(match (first["limit"].as_str(), first["until"].is_string()) {
        (Some("billing"), _) => "needs a payment",
        (_, true) => "waits till its end",
        (_, false) => "waits",
    }
    .to_owned())
}

pub(super) fn refused(ground: &Ground, cli: Cli) -> Seen {
    let (bench, code, first) = limited(ground, cli, Some("auth401"))?;
    ensure(first["limit"] == "auth", &bench, &format!("not seen as a login that is refused: {first}"))?;
    ensure(code == 2, &bench, &format!("exit code {code}"))?;
    let calls = bench.attempts().len();
    ensure(calls == 1, &bench, &format!("{calls} attempts"))?;
    Ok("needs a login".to_owned())
}

pub(super) fn limited_once(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = bench(ground, cli, "[limit]\nunknown = [\"1s\"]\nmargin = \"0s\"\n");
    bench.serve("rate429_once");
    let output = bench.run(&["run", "demo"]);
    ensure(output.code == 0, &bench, &format!("exit code {}\n{}", output.code, output.stdout))?;
    let attempts = bench.attempts();
    let outcomes = bench.outcomes();
    ensure(outcomes.last().is_some_and(|last| last == "done"), &bench, "it is not done")?;
    let counted = attempts.iter().filter(|attempt| attempt["counts"] == true).count();
    ensure(counted == 1, &bench, &format!("{counted} attempts counted"))?;
    Ok(if attempts.len() == 1 { "the CLI waits" } else { "seqorch waits" }.to_owned())
}

pub(super) fn limited_long(ground: &Ground, cli: Cli) -> Seen {
    let (bench, code, first) = limited(ground, cli, Some("rate429_long"))?;
    waited_out(cli, &bench, code, &first)
}

pub(super) fn quota(ground: &Ground, cli: Cli) -> Seen {
    let (bench, code, first) = limited(ground, cli, Some("quota"))?;
    waited_out(cli, &bench, code, &first)
}

pub(super) fn server_error(ground: &Ground, cli: Cli) -> Seen {
    let (bench, code, first) = limited(ground, cli, Some("err500"))?;
    waited_out(cli, &bench, code, &first)
}

pub(super) fn no_network(ground: &Ground, cli: Cli) -> Seen {
    let (bench, code, first) = limited(ground, cli, None)?;
    waited_out(cli, &bench, code, &first)
}

pub(super) fn hangs(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = bench_for(ground, cli, cli.patience(), "[retry]\nattempts = 1\n");
    bench.serve("hang");
    let output = bench.run(&["run", "demo"]);
    ensure(output.code == 2, &bench, &format!("exit code {}\n{}", output.code, output.stdout))?;
    ensure(bench.outcomes() == ["timed_out"], &bench, "it did not time out")?;
    ensure(bench.requests() > 0, &bench, "it was ended before it asked the model")?;
    ensure(bench.alive().is_empty(), &bench, &format!("left alive: {:?}", bench.alive()))?;
    Ok("is ended".to_owned())
}

/// TERM to seqorch while the agent works; the next run does the task.
pub(super) fn term(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = bench(ground, cli, "");
    bench.serve("hang");
    let mut running = bench.project.start(&["run", "demo"]);
    wait_long("the first request", || bench.requests() > 0 || running.is_over());
    running.signal(Signal::TERM);
    wait_long("the end of it", || running.is_over());
    running.wait().code(143);
    ensure(bench.alive().is_empty(), &bench, &format!("left alive: {:?}", bench.alive()))?;
    bench.serve("success");
    let output = bench.run(&["run", "demo"]);
    ensure(output.code == 0, &bench, &format!("then exit code {}\n{}", output.code, output.stdout))?;
    ensure(bench.outcomes().last().is_some_and(|last| last == "done"), &bench, "the next run did not do it")?;
    Ok("is ended".to_owned())
}
