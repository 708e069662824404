//! The totals that people see are the sums of the parts that they see, also after a spec was resumed in every way.

use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use serde_json::Value;

use crate::common::git::init;
use crate::common::{Project, kill, wait_until};

/// Each attempt uses 100 tokens per number of its task, 10 for its answer, and a cent for its number. Task 2 asks, task 3
/// waits at its gate and fails, task 10 uses up its attempts; further attempts succeed.
const AGENT: &str = r#"
case $SEQORCH_UNIT-$SEQORCH_ATTEMPT in
    2-1) says='<promise>HALT</promise>' ;;
    3-1) gate; says='I failed.' code=1 ;;
    10-1 | 10-2) says='I failed.' code=1 ;;
    *) says='<promise>TASK_DONE</promise>' ;;
esac
echo '{"type":"system","subtype":"init","session_id":"S-'$SEQORCH_UNIT-$SEQORCH_ATTEMPT'","model":"m"}'
echo '{"type":"result","subtype":"success","is_error":false,"result":"'$says'","model_usage_since_last_result":{"m":{"inputTokens":'${SEQORCH_UNIT}00',"outputTokens":10,"costUSD":0.0'$SEQORCH_ATTEMPT'}}}'
exit ${code:-0}
"#;

const TASKS: &str = "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n- [ ] 10. D\n- [ ]* 11. E\n";

/// What the lines of one output say: attempts, tokens in, tokens out and cost.
#[derive(Debug, Default, PartialEq)]
struct Usage {
    attempts: u64,
    input: u64,
    output: u64,
    /// In hundredths of a cent.
    cost: u64,
}

impl Usage {
    fn add(mut self, other: &Self) -> Self {
        self.attempts += other.attempts;
        self.input += other.input;
        self.output += other.output;
        self.cost += other.cost;
        self
    }
}

/// The number before a word: 12 of `…, 12 attempts, …`; 0 if there is none.
fn before(line: &str, word: &str) -> u64 {
    let number = |at: usize| {
        let start = line[..at]
            .rfind(|c: char| !c.is_ascii_digit())
            .map_or(0, |before| before + line[before..].chars().next().map_or(0, char::len_utf8));
        line[start..at].parse().ok()
    };
    line.match_indices(word).find_map(|(at, _)| number(at)).unwrap_or(0)
}

fn dollars(text: &str) -> u64 {
    let digits = text.split_once('$').map_or("0", |(_, rest)| rest);
    let digits: String = digits.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, ""));
    let part = format!("{part:0<4}");
    whole.parse::<u64>().unwrap() * 10_000 + part[..4].parse::<u64>().unwrap()
}

/// A line of the summary or of `status`.
fn usage(line: &str) -> Usage {
    Usage {
        attempts: before(line, " attempt"),
        input: before(line, " tokens in"),
        output: before(line, " out"),
        cost: dollars(line),
    }
}

/// The lines of tasks with attempts, and the total with this name.
fn rows_and_total(text: &str, name: &str) -> (Usage, Usage) {
    let lines = || text.lines().filter(|line| line.starts_with("  ") && line.contains(" tokens in"));
    let rows = lines().filter(|line| !line.contains(" runs: ") && !line.contains(" run: "));
    (rows.fold(Usage::default(), |sum, line| sum.add(&usage(line))), total(text, name).unwrap())
}

/// The total with this name, and how long agents worked.
fn total(text: &str, name: &str) -> Option<Usage> {
    text.lines().find_map(|line| line.strip_prefix(&format!("  {name}: "))).map(usage)
}

/// How long agents worked, as the total of all runs says.
fn worked(text: &str) -> &str {
    let line = text.lines().rfind(|line| line.contains(", worked ")).unwrap_or_else(|| panic!("{text}"));
    line.split(", worked ").nth(1).unwrap().split(", ").next().unwrap()
}

/// The counts of a line such as `1 of 5 tasks done · 1 failed`, of which all but the first make up the rest.
fn counts(text: &str) -> String {
    let line = text.lines().find(|line| line.contains(" tasks done")).unwrap_or_else(|| panic!("{text}"));
    let line = line.trim_start_matches("- tasks: ").trim();
    let line = line.split(", in ").next().unwrap();
    let all = before(line, " tasks done");
    let done = before(line, " of ");
    let parts = ["failed", "halted", "to do", "skipped"].map(|word| before(line, &format!(" {word}")));
    assert_eq!(done + parts.iter().sum::<u64>(), all, "{text}");
    line.to_owned()
}

/// The cells of the report's table, and its totals by name.
fn report(text: &str) -> (Vec<Vec<String>>, impl Fn(&str) -> String + '_) {
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect());
    let total = move |name: &str| {
        let lead = format!("- {name}: ");
        text.lines().find_map(|line| line.strip_prefix(&lead)).unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    (cells.collect(), total)
}

/// `12.3k` or `980`.
fn tokens(text: &str) -> u64 {
    let Some(thousands) = text.strip_suffix('k') else { return text.parse().unwrap() };
    let (whole, tenths) = thousands.split_once('.').unwrap_or((thousands, "0"));
    whole.parse::<u64>().unwrap() * 1000 + tenths.parse::<u64>().unwrap() * 100
}

/// What the spec used in all runs.
fn assert_sums(project: &Project, run: &str, when: &str) {
    let status = project.run(&["status"]).stdout;
    let json: Value = serde_json::from_str(&project.run(&["status", "--json"]).stdout).unwrap();
    let page = project.run(&["report", "--all"]).stdout;

    let (rows, total) = rows_and_total(&status, "all runs");
    assert_eq!(rows.attempts, total.attempts, "{when}: {status}");
    assert_eq!(
        (rows.input, rows.output, rows.cost),
        (total.input, total.output, total.cost),
        "{when}: {status}"
    );
    let of_json = &json["usage"];
    assert_eq!(
        (&of_json["attempts"], &of_json["input"]),
        (&rows.attempts.into(), &rows.input.into()),
        "{when}"
    );
    assert_eq!(of_json["output"], rows.output, "{when}");
    let attempts =
        json["units"].as_object().unwrap().values().flat_map(|unit| unit["attempts"].as_array().unwrap());
    assert_eq!(attempts.count() as u64, rows.attempts, "{when}: {status}");

    let (cells, of_report) = report(&page);
    let sum: u64 = cells.iter().map(|row| row[2].parse::<u64>().unwrap()).sum();
    assert_eq!((of_report("attempts"), sum), (rows.attempts.to_string(), rows.attempts), "{when}: {page}");
    let sum: u64 = cells.iter().map(|row| tokens(&row[4])).sum();
    assert!(sum.abs_diff(tokens(&of_report("tokens"))) <= 50, "{when}: rounded to 100: {page}");
    assert!(sum.abs_diff(total.input + total.output) <= 50, "{when}: {status}{page}");
    let sum: u64 = cells.iter().map(|row| dollars(&row[5])).sum();
    assert_eq!((sum, dollars(&of_report("cost"))), (total.cost, total.cost), "{when}: {status}{page}");
    let time = |text: &str| humantime::parse_duration(text).unwrap();
    let sum: Duration = cells.iter().map(|row| time(&row[3])).sum();
    // each row is cut to whole seconds
    let cut = Duration::from_secs(1) * u32::try_from(cells.len()).unwrap();
    assert!(
        sum <= time(&of_report("worked")) + cut && time(&of_report("worked")) <= sum + cut,
        "{when}: {page}"
    );

    assert_eq!(worked(&status), of_report("worked"), "{when}: {status}{page}");
    assert_eq!(counts(&status), counts(&page), "{when}");
    let of_json = |name: &str| json["counts"][name].as_u64().unwrap();
    let parts = ["done", "failed", "halted", "todo", "skipped"].map(of_json);
    assert_eq!(parts.iter().sum::<u64>(), of_json("all"), "{when}");
    let line = counts(&status);
    let printed = [" of ", " failed", " halted", " to do", " skipped"].map(|word| before(&line, word));
    assert_eq!(printed, parts, "{when}: {line}");
    if !run.is_empty() {
        assert_eq!(counts(run), line, "{when}: {run}");
        let (rows, total) = rows_and_total(run, "this run");
        assert_eq!(rows.attempts, total.attempts, "{when}: {run}");
        let all = self::total(run, "all runs").unwrap_or_else(|| self::total(run, "this run").unwrap());
        assert_eq!(Some(all), self::total(&status, "all runs"), "{when}: {run}{status}");
        assert_eq!(worked(run), worked(&status), "{when}: {run}{status}");
        assert_eq!(
            (rows.input, rows.output, rows.cost),
            (total.input, total.output, total.cost),
            "{when}: {run}"
        );
    }
}

#[test]
#[ignore = "slow"]
fn totals_are_the_sums_of_their_rows_after_every_way_to_resume() {
    let project = Project::new()
        .spec("login", TASKS)
        .agent(AGENT)
        .config("[retry]\nattempts = 2\n[backend.fake]\noutput = \"claude\"\n");
    let run = project.run(&["run"]).code(2).stdout;
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    assert_sums(&project, &run, "after a halt");

    let killed = project.start(&["resume", "--answer", "This one."]);
    project.wait_for_ledger(4);
    kill(killed.pid(), Signal::KILL);
    killed.wait().code(137);
    project.release();
    assert_eq!(project.ledger(), ["1 1", "2 1", "2 2", "3 1"]);

    let run = project.run(&["run", "--retry"]).code(2).stdout;
    assert_eq!(project.ledger()[4..], ["3 2", "10 1", "10 2"]);
    assert_sums(&project, &run, "after a kill and a failed task");

    let run = project.run(&["run", "--retry"]).code(0).stdout;
    assert_eq!(project.ledger()[7..], ["10 3"]);
    assert_sums(&project, &run, "when all is complete");
    let (_, total) = rows_and_total(&project.run(&["status"]).stdout, "all runs");
    let expected = Usage { attempts: 8, input: 4100, output: 80, cost: 1300 };
    assert_eq!(total, expected);
    let listed: Vec<_> = project.run(&["status"]).stdout.lines().skip(1).map(str::to_owned).collect();
    let before = listed.iter().filter_map(|line| line.trim().split_once("  ")).map(|(before, _)| before);
    // a mark and an id; other lines begin with several words
    let ids: Vec<_> = before
        .filter_map(|before| before.split_once(' '))
        .filter(|(_, id)| !id.contains(' '))
        .map(|(_, id)| id)
        .collect();
    assert_eq!(ids, ["1", "2", "3", "10", "11"], "{listed:?}");
}

/// Files, added lines, removed lines.
type Changed = (u64, u64, u64);

/// What the lines of the summary say: those of tasks, and that of the run.
fn changes_of(summary: &str) -> (Vec<Changed>, Changed) {
    let signed = |line: &str, sign: char| {
        let after = line.split(sign).nth(1).unwrap_or("");
        after.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse::<u64>().unwrap_or(0)
    };
    let read = |line: &str| (before(line, " file"), signed(line, '+'), signed(line, '-'));
    let (total, rows): (Vec<&str>, Vec<&str>) = summary
        .lines()
        .filter(|line| line.contains(" file") && line.contains(" +") || line.contains(" changed: +"))
        .partition(|line| line.contains(" changed: +"));
    (rows.into_iter().map(read).collect(), read(total[0]))
}

#[test]
fn a_run_that_was_killed_counts_its_files_and_its_time_from_its_begin() {
    let agent = "echo one > made-$SEQORCH_UNIT\n[ $SEQORCH_UNIT = 2 ] && gate\nsay_done";
    let config = "[log]\nkeep = \"1s\"\n";
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").agent(agent).config(config);
    init(&project);
    let run = project.start(&["run"]);
    project.wait_for_ledger(2);
    kill(run.pid(), Signal::KILL);
    run.wait();
    let began = project.state("login")["run"]["began"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let early = began - SignedDuration::from_hours(7);
    let state = project.path(".kiro/specs/SEQUENTIAL_STATE.json");
    let text = std::fs::read_to_string(&state).unwrap();
    let of_run = |at: Timestamp| format!("\"began\": \"{at}\"");
    assert_eq!(text.matches(&of_run(began)).count(), 1, "{text}");
    std::fs::write(&state, text.replace(&of_run(began), &of_run(early))).unwrap();
    project.release();
    let run = project.run(&["run"]).code(0);
    assert_eq!(changes_of(&run.stdout), (vec![(1, 1, 0), (1, 1, 0)], (2, 2, 0)), "{}", run.stdout);
    run.says(&["2 of 2 tasks done, in 7h", "made-1  +1 -0", "made-2  +1 -0"]);
    assert!(project.state("login")["run"]["tree"].is_null(), "what only the end needs is not kept");
}

#[test]
fn a_row_with_changes_of_earlier_runs_says_so() {
    let agent = "[ $SEQORCH_UNIT = 2 ] && echo $SEQORCH_ATTEMPT > made-$SEQORCH_ATTEMPT\n\
                 [ $SEQORCH_UNIT-$SEQORCH_ATTEMPT = 2-1 ] && exit 1\nsay_done";
    let with_box = "3 files +3 -1 in all runs, commit ";
    for (commit, counted) in [("off", "2 files +2 -0 in all runs\n"), ("step", with_box)] {
        let config = format!("[retry]\nattempts = 1\n[git]\ncommit = \"{commit}\"\n");
        let spec = "- [ ] 1. A\n- [ ] 2. B\n";
        let project = Project::new().spec("login", spec).agent(agent).config(&config);
        init(&project);
        project.run(&["run"]).code(2);
        project.run(&["run", "--retry"]).code(0).says(&[counted]);
    }
}

#[test]
fn optional_tasks_that_a_run_was_asked_for_count_everywhere() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n- [ ]* 3. C\n- [ ] 4. D\n")
        .agent("[ $SEQORCH_UNIT = 2 ] && exit 1\n[ $SEQORCH_UNIT = 3 ] && gate\nsay_done")
        .config("[retry]\nattempts = 1\n[run]\non_failure = \"skip\"\n");
    let of_json = |project: &Project| {
        let json: Value = serde_json::from_str(&project.run(&["status", "--json"]).stdout).unwrap();
        json["counts"].clone()
    };
    let run = project.start(&["run", "--include-optional"]);
    project.wait_for_ledger(3);
    let status = project.run(&["status"]).code(0).stdout;
    assert_eq!(counts(&status), "1 of 4 tasks done · 1 failed · 2 to do", "{status}");
    assert!(!status.contains("use --include-optional"), "{status}");
    kill(run.pid(), Signal::TERM);
    let ended = run.wait().code(143).stdout;
    let line = counts(&project.run(&["status"]).stdout);
    assert_eq!((counts(&ended), counts(&project.run(&["report"]).stdout)), (line.clone(), line.clone()));
    assert_eq!(
        (line.as_str(), &of_json(&project)["todo"]),
        ("1 of 4 tasks done · 1 failed · 2 to do", &2.into())
    );
    project.run(&["run", "--max-iterations", "1"]).code(2);
    assert_eq!(of_json(&project)["skipped"], 1, "that run was not asked for them");
}

/// What a power cut leaves: a state that says that an attempt works, and files that did not change since.
#[test]
fn the_time_between_a_kill_and_the_next_run_is_not_work() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n")
        .agent("[ $SEQORCH_UNIT-$SEQORCH_ATTEMPT = 1-1 ] && gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    kill(project.run_pid(), Signal::KILL);
    kill(project.alive_with("__attempt")[0].0, Signal::KILL);
    run.wait();
    wait_until("the end of all", || project.left_alive().is_empty());
    // as if it had begun seven hours ago, and shown a last sign after five minutes
    let began =
        project.state("login")["units"]["1"]["attempts"][0]["started_at"].as_str().unwrap().to_owned();
    let early = began.parse::<Timestamp>().unwrap() - SignedDuration::from_hours(7);
    let folder = project.kept("login").join("1/1");
    let state = project.path(".kiro/specs/SEQUENTIAL_STATE.json");
    for file in [&state, &folder.join("attempt.json")] {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains(&began), "{text}");
        std::fs::write(file, text.replace(&began, &early.to_string())).unwrap();
    }
    let last = early + SignedDuration::from_mins(5);
    let last = Duration::try_from(last.duration_since(Timestamp::UNIX_EPOCH)).unwrap();
    let last = SystemTime::UNIX_EPOCH + last;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let file = std::fs::File::options().append(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(last).unwrap();
    }
    let status = project.run(&["status"]).code(0).stdout;
    assert_eq!(worked(&status), "5m", "{status}");
    assert!(status.contains("1  A: to do, its attempt ended while no run was there"), "{status}");
    let report = project.run(&["report"]).code(0).stdout;
    assert!(report.starts_with("# login: 2 tasks left"), "{report}");
    project.run(&["run"]).code(0).says(&["lost", "(ran 5m)"]);
    assert_eq!(project.outcomes("login", "1"), ["lost", "done"]);
    let ended = project.state("login")["units"]["1"]["attempts"][0]["ended_at"].as_str().unwrap().to_owned();
    let took = ended.parse::<Timestamp>().unwrap().duration_since(early);
    assert_eq!(took, SignedDuration::from_mins(5));
}
