use std::fs;
use std::path::Path;

use super::*;
use crate::config::{LoadRequest, load, lookup};

/// The settings to trust of a project with these files, as `key = value (place)`. The user's file is `user.toml`.
fn reaching(files: &[(&str, &str)], profile: Option<&str>, env: &[(&str, &str)]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(dir.path()).unwrap().join("project");
    for (name, text) in files {
        let path = match *name {
            "user.toml" => root.join("../user/seqorch/config.toml"),
            name => root.join(name),
        };
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    env.push((
        "XDG_CONFIG_HOME".to_owned(),
        root.join("../user")
            .canonicalize()
            .map_or_else(|_| "/dev/null".to_owned(), |path| path.display().to_string()),
    ));
    let request = LoadRequest {
        root: root.clone(),
        profile: profile.map(str::to_owned),
        env,
        ..LoadRequest::default()
    };
    let loaded = load(&request).unwrap_or_else(|error| panic!("{}", error.render()));
    let leads_out = |path: &Path| {
        let tidy = path.components().fold(PathBuf::new(), |mut tidy, part| {
            if part == Component::ParentDir {
                tidy.pop();
            } else {
                tidy.push(part);
            }
            tidy
        });
        !tidy.starts_with(&root)
    };
    let found = reaching_settings(&loaded, &leads_out);
    found.iter().map(|one| format!("{} = {} ({})", one.key, one.shown, one.place)).collect()
}

fn of_project(text: &str) -> Vec<String> {
    reaching(&[("seqorch.toml", text)], None, &[])
}

#[test]
fn every_key_declares_whether_it_executes_or_leads_outside() {
    for (path, key) in lookup::leaves() {
        assert!(
            key.reach.is_some(),
            "{path}: end its declaration with inside, executes, outside or loosens = \"word\""
        );
    }
    assert_eq!(EXTENDS.reach, Some(Reach::Outside));
}

#[test]
fn the_keys_that_execute_are_these() {
    let executing = lookup::leaves().into_iter().filter(|(_, key)| key.reach == Some(Reach::Executes));
    let names: Vec<String> = executing.map(|(path, _)| path).collect();
    for name in [
        "verify.commands",
        "override.verify",
        "hooks.run_end",
        "tmux.pane.command",
        "tmux.windows.command",
        "backend.NAME.command",
        "backend.NAME.args",
        "backend.NAME.env",
        "backend.NAME.permission_args.auto",
    ] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
}

#[test]
fn what_a_project_executes_is_listed_with_value_and_line() {
    let text = "[verify]\ncommands = [[\"make\", \"test\"]]\n[hooks]\nhalt = [\"./notify\"]\n\
        [[tmux.pane]]\ncommand = [\"top\"]\n[backend.mine]\ncommand = \"tools/a\"\nenv = { A = \"b\" }\n";
    assert_eq!(
        of_project(text),
        [
            "tmux.pane[0].command = [\"top\"] (seqorch.toml:6)",
            "verify.commands = [[\"make\", \"test\"]] (seqorch.toml:2)",
            "hooks.halt = [\"./notify\"] (seqorch.toml:4)",
            "backend.mine.command = \"tools/a\" (seqorch.toml:8)",
            "backend.mine.env.A = \"b\" (seqorch.toml:9)",
        ]
    );
}

#[test]
fn what_only_reads_or_waits_needs_no_trust() {
    let text = "[run]\nbackend = \"claude\"\ndelay = \"3s\"\nworkdir = \"app\"\nspec_root = \"docs\"\n\
        [verify]\ncommands = []\n[hooks]\nhalt = []\n[backend.claude]\nmodel = \"x\"\npermission = \"auto\"\n\
        [prompt]\ninputs = [\"docs/**/*.md\"]\n[[override]]\ntasks = [\"1\"]\nverify = []\n";
    assert_eq!(of_project(text), [""; 0]);
}

#[test]
fn a_task_kept_for_a_person_is_not_given_away_untrusted() {
    let text = |human| format!("[[override]]\ntasks = [\"1\"]\nhuman = {human}\n");
    assert_eq!(of_project(&text(true)), [""; 0]);
    assert_eq!(of_project(&text(false)), ["override[0].human = false (seqorch.toml:3)"]);
}

#[test]
fn a_sandbox_and_its_end_have_to_be_trusted() {
    assert_eq!(of_project("[sandbox]\nmode = \"bwrap\"\n"), ["sandbox.mode = \"bwrap\" (seqorch.toml:2)"]);
    assert_eq!(of_project("[sandbox]\nmode = \"off\"\n"), [""; 0]);
    let mine = ("user.toml", "[sandbox]\nmode = \"bwrap\"\nnetwork = \"none\"\n");
    let found =
        reaching(&[mine, ("seqorch.toml", "[sandbox]\nmode = \"off\"\nnetwork = \"host\"\n")], None, &[]);
    assert_eq!(
        found,
        ["sandbox.mode = \"off\" (seqorch.toml:2)", "sandbox.network = \"host\" (seqorch.toml:3)"]
    );
    assert_eq!(reaching(&[mine], None, &[]), [""; 0]);
}

#[test]
fn a_sandbox_that_was_trusted_and_is_gone_has_to_be_trusted() {
    let trusted = ["sandbox.mode", "sandbox.git"].map(|key| TrustedSetting {
        key: key.to_owned(),
        value: if key == "sandbox.mode" { "\"bwrap\"" } else { "\"rw\"" }.to_owned(),
    });
    let lost = |text: &str| {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("seqorch.toml"), text).unwrap();
        let loaded = load(&LoadRequest { root: dir.path().to_owned(), ..LoadRequest::default() }).unwrap();
        let lost = lost_guards(&loaded, &trusted).into_iter();
        lost.map(|one| format!("{} = {} ({})", one.key, one.shown, one.place)).collect::<Vec<_>>()
    };
    assert_eq!(lost(""), ["sandbox.mode = \"off\" (no file sets it any more)"]);
    assert_eq!(lost("\n[sandbox]\nmode = \"off\"\n"), ["sandbox.mode = \"off\" (seqorch.toml:3)"]);
    assert_eq!(lost("[sandbox]\nmode = \"bwrap\"\n"), [""; 0]);
}

#[test]
fn permission_bypass_has_to_be_trusted() {
    let text = "[backend.claude]\npermission = \"bypass\"\n";
    assert_eq!(of_project(text), ["backend.claude.permission = \"bypass\" (seqorch.toml:2)"]);
}

#[test]
fn arguments_that_drop_the_sandbox_of_a_preset_have_to_be_trusted() {
    let text = "[backend.claude]\nargs = []\npermission_args = { auto = [] }\n";
    assert_eq!(of_project(text).len(), 2, "{:?}", of_project(text));
}

#[test]
fn paths_out_of_the_project_have_to_be_trusted() {
    let text =
        "[run]\nworkdir = \"../other\"\nspec_root = \"/etc\"\n[prompt]\ninputs = [\"a.md\", \"/etc/**\"]\n";
    let found = of_project(text);
    let keys: Vec<&str> = found.iter().filter_map(|line| line.split_once(' ')).map(|(key, _)| key).collect();
    assert_eq!(keys, ["run.spec_root", "run.workdir", "prompt.inputs"]);
    for glob in ["../*", "*/../../x", "{../x,y}", "{a,/etc/*}"] {
        let text = format!("[prompt]\ninputs = [\"{glob}\"]\n");
        assert_eq!(of_project(&text).len(), 1, "{glob}");
    }
}

#[test]
fn a_file_outside_that_the_project_builds_on_has_to_be_trusted() {
    let found = reaching(
        &[
            ("seqorch.toml", "extends = [\"../shared.toml\", \"inside.toml\"]\n"),
            ("../shared.toml", "[verify]\ncommands = [[\"x\"]]\n"),
            ("inside.toml", "[hooks]\nhalt = [\"y\"]\n"),
        ],
        None,
        &[],
    );
    assert_eq!(found[0], "extends = \"../shared.toml\" (seqorch.toml:1)");
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[2].ends_with("(inside.toml:2)"), "{found:?}");
}

#[test]
fn the_persons_own_file_variables_and_repetitions_need_no_trust() {
    let own = "[verify]\ncommands = [[\"make\"]]\n[profile.night.hooks]\nhalt = [\"mine\"]\n";
    assert_eq!(reaching(&[("user.toml", own), ("seqorch.toml", "")], Some("night"), &[]), [""; 0]);
    let same = "[verify]\ncommands = [[\"make\"]]\n";
    assert_eq!(reaching(&[("user.toml", own), ("seqorch.toml", same)], None, &[]), [""; 0]);
    let other = "[verify]\ncommands = [[\"evil\"]]\n";
    assert_eq!(reaching(&[("user.toml", own), ("seqorch.toml", other)], None, &[]).len(), 1);
    let env = [("SEQORCH_VERIFY__COMMANDS", "[[\"typed\"]]")];
    assert_eq!(reaching(&[("seqorch.toml", other)], None, &env), [""; 0]);
}

#[test]
fn a_profile_and_the_local_file_belong_to_the_project() {
    let files = [
        ("seqorch.toml", "[profile.night.verify]\ncommands = [[\"a\"]]\n"),
        ("seqorch.local.toml", "[hooks]\nhalt = [\"b\"]\n"),
    ];
    assert_eq!(reaching(&files, None, &[]), ["hooks.halt = [\"b\"] (seqorch.local.toml:2)"]);
    let night = reaching(&files, Some("night"), &[]);
    assert_eq!(night[0], "verify.commands = [[\"a\"]] (seqorch.toml:2 [profile.night])");
}

#[test]
fn a_secret_is_trusted_by_its_value_and_not_shown() {
    let found = of_project("[backend.claude.env]\nAPI_KEY = \"hidden\"\n");
    assert_eq!(found, ["backend.claude.env.API_KEY = \"***\" (seqorch.toml:2)"]);
}
