//! The files of `examples/fleet`, run or checked as their engines do it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::common::git::{WRITES, git};
use crate::common::yaml::yaml;
use crate::common::{skipped, wait_until};
use crate::fleet::Fleet;

/// The file of an example.
fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fleet").join(path)
}

/// As Slurm starts it: in the folder of `sbatch`, with the number of the job in its environment, and the list as arguments.
#[test]
fn the_slurm_example_runs_the_spec_of_its_number_in_a_clone_of_its_own() {
    let fleet = Fleet::new(WRITES, "");
    fleet.first.write(".home/.gitconfig", "[user]\nname = t\nemail = t@localhost\n");
    let program = Path::new(env!("CARGO_BIN_EXE_seqorch")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let script = example("slurm/array.sbatch");
    let job = |number: &str, restarts: Option<&str>| {
        let args = [script.to_str().unwrap(), ".kiro/specs/gone", ".kiro/specs/demo"];
        let mut command = fleet.first.command_of("bash", &args);
        command.env_remove("SEQORCH_TRUST").env("PATH", &path);
        command.env("SLURM_ARRAY_JOB_ID", "7").env("SLURM_ARRAY_TASK_ID", number);
        command.envs(restarts.map(|count| ("SLURM_RESTART_COUNT", count)));
        command.env("CLONES", fleet.first.outside().join("clones")).output().unwrap()
    };
    let out = job("2", None);
    assert!(out.status.success(), "{out:?}");
    assert_eq!(fleet.subjects(), ["start", "1: First thing", "2: Second thing"]);
    let out = job("2", Some("1"));
    assert!(out.status.success(), "{out:?}");
    for start in ["7-2-0", "7-2-1"] {
        assert!(fleet.first.outside().join("clones").join(start).join(".git").exists(), "{start}");
    }
    let out = job("3", None);
    assert!(String::from_utf8_lossy(&out.stderr).contains("give the specs to array.sbatch"), "{out:?}");
}

#[test]
fn systemd_takes_the_units_of_the_example() {
    let folder = tempfile::tempdir().unwrap();
    let units = ["seqorch@.service", "seqorch@.timer"].map(|unit| example("systemd").join(unit));
    let mut command = Command::new("systemd-analyze");
    command.args(["--user", "verify"]).args(&units).env("XDG_RUNTIME_DIR", folder.path());
    let Ok(out) = command.output() else { return skipped("systemd-analyze is not installed") };
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success() && said.trim().is_empty(), "{said}");
}

/// The workflow of GitHub Actions.
fn workflow() -> Value {
    yaml(&fs::read_to_string(example("github/seqorch.yml")).unwrap())
}

#[test]
fn the_workflow_looks_twice_in_each_hour_and_asks_the_script_what_starts() {
    let workflow = workflow();
    let cron = workflow["on"]["schedule"][0]["cron"].as_str().unwrap();
    let fields: Vec<&str> = cron.split(' ').collect();
    let minutes: Vec<u32> = fields[0].split(',').map(|minute| minute.parse().unwrap()).collect();
    assert_eq!((minutes[1] - minutes[0], &fields[1..]), (30, ["*"; 4].as_slice()), "{cron}");
    let steps = workflow["jobs"]["specs"]["steps"].as_array().unwrap();
    let list = steps.iter().find(|step| step["id"] == "list").unwrap();
    let run = list["run"].as_str().unwrap();
    assert!(run.contains("specs --json --open --remote=origin") && run.contains("./.github/specs-to-start"));
    let names = [&list["env"]["ONE"], &list["env"]["NIGHT"]];
    assert!(names.iter().all(|value| value.is_string()), "{list}");
    assert_eq!(
        workflow["jobs"]["run"]["strategy"]["matrix"]["spec"],
        "${{ fromJSON(needs.specs.outputs.names) }}"
    );
}

/// What the first job of the workflow starts, of these specs.
fn to_start(specs: &str, env: &[(&str, &str)]) -> (Value, String) {
    let mut command = Command::new(example("github/specs-to-start"));
    command.envs(env.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(specs.as_bytes()).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert!(status.success(), "{said}");
    (serde_json::from_slice(&stdout).unwrap(), said)
}

#[test]
fn the_workflow_starts_what_can_continue_and_what_may_begin_at_that_hour() {
    if Command::new("jq").arg("--version").output().is_err() {
        return skipped("jq is not installed");
    }
    let limit = "limit_patterns = [{ match = \"^quota exceeded, retry at (?P<epoch>[0-9]+)\", kind = \"quota_exhausted\", reset = \"epoch\" }]";
    let config = format!("[limit]\nwait = false\nmargin = \"0s\"\n[backend.fake]\n{limit}\n");
    let agent = "limited() { echo \"quota exceeded, retry at $(( $(date +%s) + $1 ))\" >&2; exit 1; }\n\
                 case $SEQORCH_SPEC-$SEQORCH_ATTEMPT in\n\
                 early-1) limited 1 ;; late-1) limited 3600 ;; works-1) gate ;;\n\
                 asks-1) echo 'Which one?'; say_halt; exit ;;\n\
                 esac; say_done";
    let fleet = Fleet::new(agent, &config);
    for spec in ["asks", "done", "early", "fresh", "late", "works"] {
        fleet.first.write(format!(".kiro/specs/{spec}/tasks.md"), "- [ ] 1. The only thing\n");
    }
    git(&fleet.first, &["rm", "-rqf", ".kiro/specs/demo"]);
    git(&fleet.first, &["add", ".kiro"]);
    git(&fleet.first, &["commit", "-q", "-m", "specs"]);
    git(&fleet.first, &["push", "-q", "origin", "main"]);
    for (spec, code) in [("asks", 2), ("done", 0), ("early", 75), ("late", 75)] {
        fleet.first.run(&["run", spec, "--remote", "origin"]).code(code);
    }
    let works = fleet.machine();
    let run = works.start(&["run", "works", "--remote", "origin"]);
    fleet.first.wait_for_ledger(5);
    let viewer = fleet.machine();
    let look = || viewer.run(&["specs", "--json", "--open", "--remote=origin"]).code(0).stdout;
    wait_until("the end of the short limit", || {
        let specs: Value = serde_json::from_str(&look()).unwrap();
        let of =
            |name: &str| specs["specs"].as_array().unwrap().iter().find(|spec| spec["name"] == name).cloned();
        of("early").unwrap()["start"] == "now"
    });
    let specs = look();
    // noon, late in the evening and early in the morning, of a day on which the lease of the run had not ended
    let (noon, evening, morning) = ("43200", "84600", "21540");
    let (names, said) = to_start(&specs, &[("NIGHT", "20-6"), ("NOW", noon)]);
    assert_eq!(names, json!(["early"]));
    for line in
        ["early: starts\n", "fresh: begins in the hours 20-6\n", "late: waits until 20", " works on it\n"]
    {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(!said.contains("asks") && !said.contains("done:"), "{said}");
    for env in [
        [("NIGHT", "20-6"), ("NOW", evening)],
        [("NIGHT", "20-6"), ("NOW", morning)],
        [("NIGHT", "0-24"), ("NOW", noon)],
        [("NIGHT", "11-13"), ("NOW", noon)],
        [("NIGHT", ""), ("NOW", noon)],
    ] {
        assert_eq!(to_start(&specs, &env).0, json!(["early", "fresh"]), "{env:?}");
    }
    let asked = |one| to_start(&specs, &[("ONE", one), ("NIGHT", "20-6"), ("NOW", noon)]).0;
    assert_eq!((asked("fresh"), asked("late"), asked("asks")), (json!(["fresh"]), json!([]), json!([])));
    // a machine that is gone renews its lease no more, and each limit ends
    let years_later = to_start(&specs, &[("NIGHT", "20-6"), ("NOW", "4000000000")]).0;
    assert_eq!(years_later, json!(["early", "late", "works"]));
    fleet.first.release();
    run.wait().code(0);
    fleet.first.run(&["run", "early", "--remote", "origin"]).code(0);
    assert_eq!(to_start(&look(), &[("NIGHT", "20-6"), ("NOW", noon)]).0, json!([]));
}

/// What of a value does not fit a JSON schema: the place and what is wrong there. It knows the words that the schemas of
/// Kubernetes use, and fails at any other one.
fn misfits(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    let below =
        |schema: &Value, value: &Value, name: &str| misfits(root, schema, value, &format!("{at}/{name}"));
    for (word, rule) in schema.as_object().unwrap() {
        match word.as_str() {
            "$comment" | "$defs" => {}
            "$ref" => {
                let definition = root.pointer(rule.as_str().unwrap().trim_start_matches('#')).unwrap();
                found.extend(misfits(root, definition, value, at));
            }
            "type" => {
                let one = std::slice::from_ref(rule);
                let types = rule.as_array().map_or(one, Vec::as_slice);
                if !types.iter().any(|word| is_of_type(value, word.as_str().unwrap())) {
                    found.push(format!("{at}: {value} is not of type {rule}"));
                }
            }
            "enum" if rule.as_array().unwrap().contains(value) => {}
            "enum" => found.push(format!("{at}: {value} is none of {rule}")),
            "oneOf" => {
                let fits = |schema: &&Value| misfits(root, schema, value, at).is_empty();
                if rule.as_array().unwrap().iter().filter(fits).count() != 1 {
                    found.push(format!("{at}: {value} fits not exactly one of {rule}"));
                }
            }
            "required" => {
                let is_missing =
                    |name: &&Value| value.is_object() && value.get(name.as_str().unwrap()).is_none();
                let missing = rule.as_array().unwrap().iter().filter(is_missing);
                found.extend(missing.map(|name| format!("{at}: {name} is missing")));
            }
            "items" => {
                let all = value.as_array().into_iter().flatten().enumerate();
                found.extend(all.flat_map(|(number, item)| below(rule, item, &number.to_string())));
            }
            "properties" | "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                for (name, inner) in value.as_object().into_iter().flatten() {
                    match (word.as_str(), known.and_then(|known| known.get(name))) {
                        ("properties", Some(schema)) => found.extend(below(schema, inner, name)),
                        ("additionalProperties", None) if rule.is_object() => {
                            found.extend(below(rule, inner, name));
                        }
                        ("additionalProperties", None) if *rule == json!(false) => {
                            found.push(format!("{at}: {name:?} is not known"));
                        }
                        _ => {}
                    }
                }
            }
            other => panic!("the schema has a word that this does not check: {other}"),
        }
    }
    found
}

fn is_of_type(value: &Value, word: &str) -> bool {
    match word {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}

/// The job of a pod: what is started in it.
const POD: &str = "/spec/jobTemplate/spec/template/spec";

#[test]
fn the_cron_job_of_kubernetes_fits_the_schema_of_kubernetes() {
    let schema: Value =
        serde_json::from_str(include_str!("fixtures/kubernetes/cronjob.schema.json")).unwrap();
    let job = yaml(&fs::read_to_string(example("kubernetes/cronjob.yml")).unwrap());
    assert_eq!(misfits(&schema, &schema, &job, ""), [""; 0]);
    // the check finds what is misspelt, missing, of another type, or another kind of object
    let wrong = |place: &str, name: &str, value: Value| {
        let mut job = job.clone();
        let object = job.pointer_mut(place).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            object.remove(name)
        } else {
            object.insert(name.to_owned(), value)
        };
        misfits(&schema, &schema, &job, "").join("; ")
    };
    let container = format!("{POD}/containers/0");
    for (place, name, value, says) in [
        ("", "kind", json!("Job"), "/kind: \"Job\" is none of"),
        ("/spec", "schedule", Value::Null, "/spec: \"schedule\" is missing"),
        ("/spec", "concurrency", json!("Forbid"), "\"concurrency\" is not known"),
        (POD, "terminationGracePeriodSeconds", json!("30s"), "is not of type"),
        (&container, "name", Value::Null, "\"name\" is missing"),
        (&format!("{container}/env/0"), "value", json!(1), "/env/0/value: 1 is not of type"),
        (&format!("{container}/resources/limits"), "memory", json!([]), "fits not exactly one of"),
    ] {
        let found = wrong(place, name, value);
        assert!(found.contains(says), "{place}/{name}: {found}");
    }
}

/// As a pod starts it: with the variables of the `CronJob`, and an empty home folder.
#[test]
fn the_script_of_the_image_runs_the_spec_in_a_clone_of_its_own() {
    let fleet = Fleet::new(WRITES, "");
    let job = yaml(&fs::read_to_string(example("kubernetes/cronjob.yml")).unwrap());
    let container = job.pointer(&format!("{POD}/containers/0")).unwrap();
    let home = fleet.first.outside().join("home");
    fs::create_dir_all(&home).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_seqorch")).parent().unwrap();
    let script = example("kubernetes/run-spec");
    let mut command = fleet.first.command_of(script.to_str().unwrap(), &[]);
    for variable in container["env"].as_array().unwrap() {
        let name = variable["name"].as_str().unwrap();
        let value = variable["value"].as_str();
        command.envs(value.map(|value| (name, value)));
    }
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("HOME", &home).env("XDG_STATE_HOME", home.join("state"));
    command.env("REPOSITORY", &fleet.bare).env("SPEC", "demo").current_dir(&home);
    let out = command.output().unwrap();
    assert!(out.status.success(), "{out:?}");
    assert_eq!(fleet.subjects(), ["start", "1: First thing", "2: Second thing"]);
    let author = git(
        &fleet.first,
        &["--git-dir", fleet.bare.to_str().unwrap(), "log", "-1", "--format=%an", "seqorch/demo"],
    );
    assert_eq!(author.trim(), "seqorch");
}
