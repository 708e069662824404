use super::*;
use crate::config::sections::root::ROOT;

fn problems(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let place = |line: Option<usize>| format!("seqorch.toml:{}", line.unwrap_or(0));
    check(&TomlNode::parse(text).unwrap(), ROOT, &place, &mut problems);
    problems.iter().map(Problem::render).collect()
}

#[test]
fn an_unknown_key_is_reported_with_line_and_suggestion() {
    assert_eq!(
        problems("[run]\n\ndealy = 3\n"),
        ["seqorch.toml:3: run.dealy: unknown key; did you mean \"run.delay\"?"]
    );
    assert_eq!(
        problems("[run]\nattempts = 3\n"),
        ["seqorch.toml:2: run.attempts: unknown key; did you mean \"retry.attempts\"?"]
    );
    assert_eq!(problems("[rnu]\n"), ["seqorch.toml:1: rnu: unknown key; did you mean \"run\"?"]);
    assert_eq!(
        problems("[profile.night.done]\nzzz = 1\n"),
        ["seqorch.toml:2: profile.night.done.zzz: unknown key; known here: signal, nudges, unchanged"]
    );
}

#[test]
fn a_value_in_place_of_a_table_suggests_the_key_that_was_meant() {
    assert_eq!(
        problems("[profile.night]\nbackend = \"claude\"\n"),
        ["seqorch.toml:2: profile.night.backend: \"claude\" is not a table; did you mean \
             \"profile.night.run.backend\"?"]
    );
    assert_eq!(
        problems("backend = \"claude\"\n"),
        ["seqorch.toml:1: backend: \"claude\" is not a table; did you mean \"run.backend\"?"]
    );
    assert_eq!(
        problems("run = 3\n[profile]\nx = 3\n"),
        [
            "seqorch.toml:1: run: 3 is not a table; write its keys below [run]",
            "seqorch.toml:3: profile.x: 3 is not a table; write its keys below [profile.x]",
        ]
    );
    assert_eq!(
        problems("assign.owners = \"x\"\noverride = 3\n"),
        [
            "seqorch.toml:1: assign.owners: \"x\" is not a table; write it like [assign.owners.NAME]",
            "seqorch.toml:2: override: must be a list of tables; write it like [[override]]",
        ]
    );
}

#[test]
fn all_mistakes_of_a_file_are_reported_at_once() {
    let found = problems(
        "[run]\ndelay = \"15 parsecs\"\nmax_iterations = 0\ngranularity = \"units\"\ninclude_optional = \"yes\"\n\
         [tmux]\nsize = \"big\"\n[prompt]\ninputs = [\"a[\"]\nskills = [{ name = \"x\" }]\n[[override]]\nmodel = 3\n",
    );
    assert_eq!(
        found,
        [
            "seqorch.toml:2: run.delay: \"15 parsecs\" is not a valid duration; write it like \"15s\" or \"2m 30s\"",
            "seqorch.toml:3: run.max_iterations: 0 is out of range; it must be 1 or more",
            "seqorch.toml:4: run.granularity: \"units\" is not one of \"unit\", \"task\"; did you mean \"unit\"?",
            "seqorch.toml:5: run.include_optional: \"yes\" is not a valid switch; write true or false",
            "seqorch.toml:7: tmux.size: \"big\" is not a valid size; write columns and rows like \"220x50\"",
            "seqorch.toml:9: prompt.inputs: \"a[\" is not a valid glob: unclosed character class; missing ']'",
            "seqorch.toml:10: prompt.skills[0].when: is missing",
            "seqorch.toml:12: override[0].model: 3 is not a valid text; write it in quotes",
        ]
    );
}

#[test]
fn a_wrong_element_of_a_list_is_reported_for_itself() {
    assert_eq!(
        problems(
            "[prompt]\nrules = [\"a\", 3]\n[verify]\ncommands = [[\"a\"], \"cargo test\"]\n\
             [limit]\nunknown = [\"5m\", \"soon\"]\n"
        ),
        [
            "seqorch.toml:2: prompt.rules: 3 is not a valid text; write it in quotes",
            "seqorch.toml:4: verify.commands: \"cargo test\" is not a command; the list holds commands, like [[\"cargo\", \"test\"]]",
            "seqorch.toml:6: limit.unknown: \"soon\" is not a valid duration; write it like \"15s\" or \"2m 30s\"",
        ]
    );
}

#[test]
fn a_command_of_a_backend_that_is_a_list_names_the_way_out() {
    assert_eq!(
        problems("[backend.mine]\ncommand = [\"./agent.sh\", \"-x\"]\n"),
        [
            "seqorch.toml:2: backend.mine.command: [\"./agent.sh\", \"-x\"] is a list; write command = \"./agent.sh\" \
          and args = [\"-x\"]"
        ]
    );
}

#[test]
fn the_value_of_a_variable_is_never_printed() {
    let found = problems("[backend.mine.env]\nAPI_KEY = 12345\n");
    assert!(found[0].starts_with("seqorch.toml:2: backend.mine.env.API_KEY: "));
    assert!(!found[0].contains("12345"));
}

#[test]
fn a_pane_needs_a_program_and_a_valid_place() {
    let found = problems(
        "[tmux]\nlayout = \"main-vertcal\"\nkeep = \"faild\"\n[[tmux.pane]]\ncommand = \"git diff\"\nsize = \"big\"\n\
         side = \"left\"\n[[tmux.pane]]\ncommand = []\nevery = \"0s\"\n[[tmux.window]]\nname = \"log\"\n\
         [[tmux.windows]]\nname = \"log\"\n",
    );
    assert_eq!(
        found,
        [
            "seqorch.toml:2: tmux.layout: \"main-vertcal\" is not one of \"even-horizontal\", \"even-vertical\", \
             \"main-horizontal\", \"main-horizontal-mirrored\", \"main-vertical\", \"main-vertical-mirrored\", \
             \"tiled\"; did you mean \"main-vertical\"?",
            "seqorch.toml:3: tmux.keep: \"faild\" is not one of \"all\", \"failed\", \"none\"; did you mean \"failed\"?",
            "seqorch.toml:5: tmux.pane[0].command: \"git diff\" is not a valid command; write it like [\"git\", \"status\"]",
            "seqorch.toml:6: tmux.pane[0].size: \"big\" is not a valid pane size; write a share like \"30%\", or rows like 12",
            "seqorch.toml:7: tmux.pane[0].side: \"left\" is not one of \"right\", \"below\"",
            "seqorch.toml:9: tmux.pane[1].command: [] names no program; write it like [\"git\", \"status\"]",
            "seqorch.toml:10: tmux.pane[1].every: must be longer than \"0s\"",
            "seqorch.toml:11: tmux.windows[0].command: is missing",
            "seqorch.toml:13: tmux.windows: [[tmux.window]] sets the same; use only one of the two",
        ]
    );
}

#[test]
fn names_of_backends_fit_into_a_path() {
    assert_eq!(
        problems("[backend.\"a.b\"]\n"),
        [
            "seqorch.toml:1: backend: \"a.b\" is not a valid name; use letters, digits, - and _, and a letter first"
        ]
    );
    assert!(problems("[backend.my-tool_2]\n").is_empty());
}
