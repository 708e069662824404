use std::fs;

use super::*;
use crate::config::{LoadRequest, load, pages};

fn loaded_with(text: &str, env: &[(&str, &str)]) -> Loaded {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("seqorch.toml"), text).unwrap();
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let ask = LoadRequest { root: dir.path().to_owned(), env, ..LoadRequest::default() };
    load(&ask).unwrap_or_else(|error| panic!("{}", error.render()))
}

#[test]
fn the_example_as_it_stands_sets_nothing_but_the_defaults() {
    assert_eq!(loaded_with(&pages::example(), &[]).config, loaded_with("", &[]).config);
}

#[test]
fn what_show_prints_reads_back_as_the_same_settings() {
    let text = "[run]\ndelay = 90\nworkdir = \"app\"\n[prompt]\nrules = [\"Say \\\"so\\\".\", \"a\\nb\"]\n\
                [backend.mine]\npreset = \"gemini\"\nenv = { \"a b\" = \"x\" }\n\
                [[override]]\ntasks = [\"1\"]\nretry = { attempts = 9 }\n[[override]]\ntasks = [\"2\"]\n";
    let first = loaded_with(text, &[]);
    let shown = show(&first, None).unwrap();
    let mut again = loaded_with(&shown, &[]).config;
    again.run.workdir.clone_from(&first.config.run.workdir);
    assert_eq!(again, first.config, "{shown}");
}

#[test]
fn show_prints_for_each_key_where_it_comes_from() {
    let loaded = loaded_with("[run]\njitter = \"2s\"\n", &[("SEQORCH_RUN__DELAY", "30s")]);
    let text = show(&loaded, Some("run")).unwrap();
    assert!(text.starts_with("[run]\nspec_root = \".kiro/specs\"  # default\n"), "{text}");
    assert!(text.contains("\ndelay = \"30s\"  # SEQORCH_RUN__DELAY\n"));
    assert!(text.contains("\njitter = \"2s\"  # seqorch.toml:2\n"));
    assert!(!text.contains("[retry]"));
    assert_eq!(show(&loaded, Some("run.jitter")).unwrap(), "[run]\njitter = \"2s\"  # seqorch.toml:2\n");
    assert_eq!(show(&loaded, Some("run.workdir")).unwrap(), "# run.workdir is not set\n");
    let profile = show(&loaded, Some("profile.night")).unwrap();
    assert_eq!(profile, "# profile.night is not a setting; what it sets is shown under its own key\n");
    assert_eq!(show(&loaded, Some("rum")).unwrap_err().kind(), ErrorKind::Usage);
}

#[test]
fn show_prints_every_entry_of_a_table_with_its_own_place() {
    let loaded = loaded_with("[assign.owners]\nme = \"claude\"\n", &[]);
    let text = show(&loaded, Some("assign.owners")).unwrap();
    assert!(text.contains("owners.codex-review = \"codex\"  # default\n"), "{text}");
    assert!(text.ends_with("owners.me = \"claude\"  # seqorch.toml:2\n"), "{text}");
}

#[test]
fn secrets_are_not_printed() {
    let loaded = loaded_with(
        "[backend.mine]\ncommand = \"x\"\n[backend.mine.env]\nMY_API_KEY = \"hush\"\ngithub_token = \"hush\"\nLANG = \"C\"\n",
        &[],
    );
    for text in [
        show(&loaded, None).unwrap(),
        explain(&loaded, "backend.mine").unwrap(),
        explain(&loaded, "backend.mine.env").unwrap(),
        explain(&loaded, "backend.mine.env.MY_API_KEY").unwrap(),
    ] {
        assert!(!text.contains("hush") && text.contains("***"), "{text}");
    }
    assert!(show(&loaded, None).unwrap().contains("env.LANG = \"C\""));
}

#[test]
fn explain_prints_value_meaning_origin_and_what_is_overridden() {
    let loaded = loaded_with("\n[run]\ndelay = \"20s\"\n", &[("SEQORCH_RUN__DELAY", "30s")]);
    assert_eq!(
        explain(&loaded, "run.delay").unwrap(),
        "run.delay = \"30s\"\nPause between two steps.\n\n\
         set by     environment (SEQORCH_RUN__DELAY)\n\
         default    \"15s\"\n\
         overrides  \"20s\"  project file (seqorch.toml:3)\n\
         \u{20}          \"15s\"  built-in default (default)\n\
         type       duration; write it like \"15s\" or \"2m 30s\"\n\
         variable   SEQORCH_RUN__DELAY\n\
         flag       --delay\n"
    );
    let unset = explain(&loaded, "run.workdir").unwrap();
    assert!(unset.starts_with("run.workdir is not set\nFolder in which agents work"), "{unset}");
    let choice = explain(&loaded, "git.commit").unwrap();
    assert!(choice.contains("\ntype       one of \"off\", \"step\"\n"), "{choice}");
}

#[test]
fn explain_knows_sections_and_suggests_for_unknown_keys() {
    let loaded = loaded_with("[profile.night.run]\n", &[]);
    assert!(
        explain(&loaded, "retry")
            .unwrap()
            .starts_with("retry\nHow a failed attempt is repeated.\n\n[retry]\n")
    );
    assert!(explain(&loaded, "extends").unwrap().contains("seqorch.toml"));
    assert!(explain(&loaded, "profile.night").unwrap().contains("its own key"));
    for (wrong, near) in [
        ("run.dealy", "run.delay"),
        ("delay", "run.delay"),
        ("rum", "run"),
        ("backend.x.argz", "backend.x.args"),
    ] {
        let error = explain(&loaded, wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        let text = error.render();
        assert!(text.contains(&format!("hint: Did you mean {near:?}?")), "{text}");
    }
}

#[test]
fn show_prints_an_element_of_a_list_with_its_list() {
    let loaded = loaded_with("[[override]]\ntasks = [\"1\"]\nmodel = \"m\"\n", &[]);
    let text = "[[override]]  # seqorch.toml:1\nmodel = \"m\"  # seqorch.toml:3\ntasks = [\"1\"]  # seqorch.toml:2\n";
    assert_eq!(show(&loaded, Some("override")).unwrap(), text);
    assert_eq!(explain(&loaded, "override[0]").unwrap(), text);
    assert!(explain(&loaded, "override[0].tasks").unwrap().contains("project file (seqorch.toml:2)"));
}
