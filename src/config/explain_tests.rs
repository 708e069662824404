use std::fs;

use super::*;
use crate::config::{LoadRequest, load};

const EXAMPLE: &str = include_str!("../../seqorch.toml.example");

fn loaded_with(text: &str, env: &[(&str, &str)]) -> Loaded {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("seqorch.toml"), text).unwrap();
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let ask = LoadRequest { root: dir.path().to_owned(), env, ..LoadRequest::default() };
    load(&ask).unwrap_or_else(|error| panic!("{}", error.render()))
}

/// The example with all that is only shown switched on: lines that start with `#` and no space.
fn uncommented() -> String {
    let on =
        |line: &'static str| line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' '));
    EXAMPLE.lines().map(|line| on(line).unwrap_or(line).to_owned() + "\n").collect()
}

#[test]
fn the_example_as_it_stands_says_nothing_but_the_defaults() {
    assert_eq!(loaded_with(EXAMPLE, &[]).config, loaded_with("", &[]).config);
}

#[test]
fn every_default_is_spelled_out_in_the_example() {
    let example = Item::parse(EXAMPLE).unwrap();
    let defaults = Item::parse(super::super::presets::DEFAULTS).unwrap();
    for section in defaults.names() {
        let at = KeyPath::parse(section);
        for name in defaults.get(&at).unwrap().names() {
            let path = at.join(name);
            let text = |tree: &Item| tree.get(&path).map(ToString::to_string);
            assert_eq!(text(&example), text(&defaults), "{path}");
        }
    }
}

#[test]
fn the_example_has_every_key_with_its_comment_and_no_other() {
    let text = uncommented();
    let tree = Item::parse(&text).unwrap_or_else(|error| panic!("{}: {}", error.line, error.message));
    let mut problems = Vec::new();
    check::check(&tree, schema::ROOT, &|line| format!("{line:?}"), &mut problems);
    assert_eq!(problems, []);
    let lines: Vec<&str> = text.lines().collect();
    for (key, entry) in schema::leaves() {
        let path = key
            .replace("NAME", "mine")
            .replace("override.", "override[0].")
            .replace("skills.", "skills[0].")
            .replace("rule.", "rule[0].")
            .replace("pane.", "pane[0].")
            .replace("windows.", "windows[0].")
            .replace("limit_patterns.", "limit_patterns[0].");
        let item = tree.get(&KeyPath::parse(&path)).unwrap_or_else(|| panic!("{path} is missing"));
        let comment = format!("# {}", entry.doc);
        let in_a_table_of_one_line = path.contains("].timeout.")
            || path.contains("].retry.")
            || path.contains("skills[")
            || path.contains("limit_patterns[")
            || path.contains("permission_args.");
        let above = lines[item.line.unwrap() - 2];
        assert!(in_a_table_of_one_line || above == comment, "{path}: {above}\nshould be\n{comment}");
    }
    for section in schema::ROOT {
        assert!(EXAMPLE.contains(section.doc), "{}", section.name);
    }
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
fn show_tells_for_each_key_where_it_comes_from() {
    let loaded = loaded_with("[run]\njitter = \"2s\"\n", &[("SEQORCH_RUN__DELAY", "30s")]);
    let text = show(&loaded, Some("run")).unwrap();
    assert!(text.starts_with("[run]\nspec_root = \".kiro/specs\"  # default\n"), "{text}");
    assert!(text.contains("\ndelay = \"30s\"  # SEQORCH_RUN__DELAY\n"));
    assert!(text.contains("\njitter = \"2s\"  # seqorch.toml:2\n"));
    assert!(!text.contains("[retry]"));
    assert_eq!(show(&loaded, Some("run.jitter")).unwrap(), "[run]\njitter = \"2s\"  # seqorch.toml:2\n");
    assert_eq!(show(&loaded, Some("run.workdir")).unwrap(), "# run.workdir is not set\n");
    assert_eq!(show(&loaded, Some("profile.night")).unwrap().lines().count(), 1);
    assert_eq!(show(&loaded, Some("rum")).unwrap_err().kind(), ErrorKind::Usage);
}

#[test]
fn secrets_are_not_shown() {
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
fn explain_tells_value_meaning_origin_default_and_what_was_overridden() {
    let loaded = loaded_with("\n[run]\ndelay = \"20s\"\n", &[("SEQORCH_RUN__DELAY", "30s")]);
    assert_eq!(
        explain(&loaded, "run.delay").unwrap(),
        "run.delay = \"30s\"\nPause between two steps.\n\n\
         set by     environment (SEQORCH_RUN__DELAY)\n\
         default    \"15s\"\n\
         overrides  \"20s\"  project file (seqorch.toml:3)\n\
         \u{20}          \"15s\"  built-in default (default)\n"
    );
    let unset = explain(&loaded, "run.workdir").unwrap();
    assert!(unset.starts_with("run.workdir is not set\nWhere agents work"));
}

#[test]
fn explain_knows_sections_and_suggests_for_what_it_does_not_know() {
    let loaded = loaded_with("[profile.night.run]\n", &[]);
    assert!(
        explain(&loaded, "retry").unwrap().starts_with("retry\nWhat follows a failed attempt.\n\n[retry]\n")
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
fn an_element_of_a_list_is_shown_with_its_list() {
    let loaded = loaded_with("[[override]]\ntasks = [\"1\"]\nmodel = \"m\"\n", &[]);
    let text = "[[override]]  # seqorch.toml:1\nmodel = \"m\"  # seqorch.toml:3\ntasks = [\"1\"]  # seqorch.toml:2\n";
    assert_eq!(show(&loaded, Some("override")).unwrap(), text);
    assert_eq!(explain(&loaded, "override[0]").unwrap(), text);
    assert!(explain(&loaded, "override[0].tasks").unwrap().contains("project file (seqorch.toml:2)"));
}
