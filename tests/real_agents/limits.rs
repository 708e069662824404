//! Real CLIs whose quota is used up: seqorch waits until it resets, and continues with the same task.
//!
//! The server refuses the first request, and names in the vendor's own fields a reset a few seconds later. After that it
//! serves.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::bench::Bench;
use super::clis::Cli;
use super::{Ground, Seen, ensure};
use crate::common::{Project, wait_long};

/// The least time from the first refusal to the reset; the reset is at a whole minute, since Codex names no seconds.
const CLOSED_S: i64 = 15;

/// The server, with a quota that is used up at first.
const SERVER: &str = r#"
import sys, time
PATH, CLOSED = sys.argv.pop(1), int(sys.argv.pop(1))
# in two parts, since the harness searches this text for the whole name
MAIN = "if __name__ == '__main__'" + ":"
head, main = open(PATH).read().split(MAIN, 1)
space = {'__name__': 'server', '__file__': PATH}
exec(compile(head, PATH, 'exec'), space)
known, opens = space['error_for'], []
def error_for(scenario, vendor, n):
    if not opens:
        opens.append((int(time.time()) + CLOSED + 59) // 60 * 60)
    left = opens[0] - time.time()
    if left <= 0:
        return None
    space['reset_epoch'] = lambda: opens[0]
    said = known('quota_sub', vendor, n)
    if 'retry-after' in said['headers']:
        said['headers']['retry-after'] = str(int(left) + 1)
    error = said['body'].get('error', {})
    if 'resets_in_seconds' in error:
        error['resets_in_seconds'] = int(left) + 1
    return said
space['error_for'] = error_for
space['__name__'] = '__main__'
exec(compile(MAIN + main, PATH, 'exec'), space)
"#;

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// The first attempt is refused and costs nothing, there is no request before the reset, and the second attempt does the
/// work in the session of the first.
pub(super) fn limit_with_a_reset(ground: &Ground, cli: Cli) -> Seen {
    if matches!(cli, Cli::Gemini | Cli::OpenCode) {
        return limit_of_three_hours(ground, cli);
    }
    let config =
        "[limit]\nmargin = \"2s\"\nunknown = [\"1h\"]\n[retry]\nattempts = 1\n[run]\nmax_iterations = 1\n";
    let folder = tempfile::tempdir().unwrap();
    let server = folder.path().join("server.py");
    // JSON is also a Python literal
    let known = Value::from(ground.mock.to_string_lossy());
    let start = format!("import sys\nsys.argv[1:1] = [{known}, '{CLOSED_S}']\n{SERVER}");
    std::fs::write(&server, start).unwrap();
    let mut bench = Bench::new(cli, &ground.bin, &server, config);
    if cli == Cli::Claude {
        // only a login with a plan gets the windows of the plan
        let project = std::mem::replace(&mut bench.project, Project::new());
        bench.project =
            project.env("ANTHROPIC_API_KEY", "").env("CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-dummy");
    }
    bench.serve("success");
    let output = bench.run(&["run", "demo"]).code(0);
    let (attempts, outcomes) = (bench.attempts(), bench.outcomes());
    ensure(
        outcomes == ["limited", "done"],
        &bench,
        &format!("not one refusal and one success: {outcomes:?}"),
    )?;
    let counted = attempts.iter().filter(|a| a["counts"] == true).count();
    ensure(counted == 1, &bench, &format!("{counted} attempts counted"))?;
    ensure(attempts[0]["outcome"]["limit"] == "quota_exhausted", &bench, "another kind of limit")?;
    ensure(output.stdout.contains("waited"), &bench, "the summary does not say that it waited")?;
    let until = time(&attempts[0]["outcome"]["until"]);
    let (refused, again) = (time(&attempts[0]["started_at"]), time(&attempts[1]["started_at"]));
    let (Some(until), Some(refused), Some(again)) = (until, refused, again) else {
        return ensure(false, &bench, "it does not say until when").map(|()| String::new());
    };
    let late = again.duration_since(until);
    let stated = until.duration_since(refused);
    ensure(stated >= SignedDuration::from_secs(CLOSED_S - 1), &bench, "it is not the stated time")?;
    ensure(again >= until, &bench, "it asked before the window opened")?;
    ensure(late < SignedDuration::from_secs(30), &bench, &format!("it slept {late:#} past the opening"))?;
    let session = &attempts[0]["session"];
    ensure(session.is_string(), &bench, "the session of the refused attempt is not known")?;
    ensure(attempts[1]["resumes"]["session"] == *session, &bench, "not in the session that was refused")?;
    ensure(attempts[1]["resumes"]["reason"] == "limit", &bench, "continues for another reason")?;
    Ok(format!(
        "refused, asked again {} s after the stated end, 1 attempt counted, {}",
        late.as_secs(),
        bench.took()
    ))
}

/// These would sleep until the reset themselves, or try it some times first. seqorch ends them and waits; once a person says
/// that the limit is over, the second attempt does the work in the session of the first.
fn limit_of_three_hours(ground: &Ground, cli: Cli) -> Seen {
    let mut bench = super::bench(ground, cli, "[retry]\nattempts = 1\n[run]\nmax_iterations = 1\n");
    bench.serve("quota_sub");
    let mut running = bench.project.start(&["run", "demo"]);
    let limited = |bench: &Bench| bench.outcomes() == ["limited"];
    wait_long("the limit", || limited(&bench) || running.is_over());
    ensure(limited(&bench) && !running.is_over(), &bench, "it does not wait")?;
    let took = bench.took();
    let first = bench.attempts()[0].clone();
    ensure(first["counts"] == false, &bench, "the refused attempt counts")?;
    let (until, began) = (time(&first["outcome"]["until"]), time(&first["started_at"]));
    let stated = until.zip(began).map(|(until, began)| until.duration_since(began));
    let three = SignedDuration::from_mins(175)..SignedDuration::from_mins(185);
    ensure(stated.is_some_and(|stated| three.contains(&stated)), &bench, &format!("its end is {stated:?}"))?;
    ensure(first["session"].is_string(), &bench, "the session of the refused attempt is not known")?;
    bench.serve("success");
    bench.project.run(&["resume", "demo", "--now"]).code(0);
    wait_long("the end of the run", || running.is_over());
    running.wait().code(0);
    let attempts = bench.attempts();
    ensure(bench.outcomes() == ["limited", "done"], &bench, "not one refusal and one success")?;
    ensure(
        attempts[1]["resumes"]["session"] == first["session"],
        &bench,
        "not in the session that was refused",
    )?;
    Ok(format!("refused for 3 h, which was known after {took}; continued in its session on request"))
}
