//! `--help` of the program and of each verb.

use super::{check, project};

/// All verbs, from the list in `seqorch --help`.
fn verbs() -> Vec<String> {
    let help = project().run(&["--help"]).code(0).stdout;
    let list = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn help_of_the_program() {
    check(&project(), "help", "seqorch", &[&["--help"]]);
}

#[test]
fn help_of_each_verb() {
    let project = project();
    let verbs = verbs();
    assert!(verbs.len() >= 15, "{verbs:?}");
    for verb in &verbs {
        check(&project, "help", verb, &[&[verb, "--help"]]);
    }
}

#[test]
fn help_of_the_verbs_below_a_verb() {
    let project = project();
    check(&project, "help", "config_show", &[&["config", "show", "--help"]]);
    check(&project, "help", "config_explain", &[&["config", "explain", "--help"]]);
    check(&project, "help", "config_example", &[&["config", "example", "--help"]]);
    check(&project, "help", "config_reference", &[&["config", "reference", "--help"]]);
    check(&project, "help", "config_schema", &[&["config", "schema", "--help"]]);
    check(&project, "help", "config_template", &[&["config", "template", "--help"]]);
    check(&project, "help", "limits_test", &[&["limits", "test", "--help"]]);
}

#[test]
fn help_has_its_parts_in_one_order() {
    let project = project();
    for verb in verbs() {
        let help = project.run(&[&verb, "--help"]).code(0).stdout;
        let place = |part: &str| help.find(part).unwrap_or_else(|| panic!("{verb} has no {part}: {help}"));
        let order =
            [place("Usage: "), place("\nExamples:\n"), place("\nOptions:\n"), place("\nGlobal options:\n")];
        assert!(order.is_sorted(), "{verb}: {help}");
        // one sentence
        assert!(!help.lines().next().unwrap().contains(". "), "{verb}: {help}");
    }
}

#[test]
fn help_of_topics() {
    check(&project(), "help", "topics", &[&["help", "exit-codes"], &["help", "signals"], &["help", "limit"]]);
}
