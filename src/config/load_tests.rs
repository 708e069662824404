use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::config::lookup;
use crate::config::vars::FlagSetting;
use crate::config::{Granularity, HaltOrSkip, Keep, Layout, Origin, Pane, PromptBy, Side, TmuxMode};

/// A project in a folder of its own, with a home next to it.
struct Project {
    dir: tempfile::TempDir,
    request: LoadRequest,
}

impl Project {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("project");
        let home = dir.path().join("home").display().to_string();
        fs::create_dir_all(&root).unwrap();
        let request = LoadRequest { root, env: vec![("HOME".to_owned(), home)], ..LoadRequest::default() };
        Self { dir, request }
    }

    fn with(self, file: &str, text: &str) -> Self {
        let path = self.request.root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn user(self, text: &str) -> Self {
        self.with("../home/.config/seqorch/config.toml", text)
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.request.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn flag(mut self, name: &str, value: impl Into<toml::Value>) -> Self {
        self.request.flags.push(FlagSetting::new(name, value));
        self
    }

    fn profile(mut self, name: &str) -> Self {
        self.request.profile = Some(name.to_owned());
        self
    }

    fn load(&self) -> Loaded {
        load(&self.request).unwrap_or_else(|error| panic!("{}", error.render()))
    }

    /// The lines below the message of the error.
    fn problems(&self) -> Vec<String> {
        let error = load(&self.request).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.render().lines().skip(1).map(str::to_owned).collect()
    }
}

fn origin(loaded: &Loaded, key: &str) -> Origin {
    loaded.provenance.origin(key).unwrap()
}

#[test]
fn without_any_file_the_defaults_apply() {
    let loaded = Project::new().load();
    let config = &loaded.config;
    assert_eq!(config.run.backend, "opencode");
    assert_eq!(config.run.delay, Duration::from_secs(15));
    assert_eq!(config.run.granularity, Granularity::Unit);
    assert_eq!(config.timeout.task, Duration::from_secs(7200));
    assert_eq!(config.tmux.size, (220, 50));
    assert_eq!(config.prompt.skills[0].name, "test-driven-development");
    let mut names = presets::NAMES.to_vec();
    names.sort_unstable();
    assert_eq!(config.backends.keys().collect::<Vec<_>>(), names);
    assert!(config.overrides.is_empty() && loaded.files.is_empty());
    assert_eq!(origin(&loaded, "run.delay").place, "default");
}

#[test]
fn each_layer_beats_the_one_below() {
    let delay = |n: u32| format!("[run]\ndelay = \"{n}s\"\n");
    let mut project = Project::new();
    let expect = |project: &Project, seconds: u64, layer: Layer, place: &str| {
        let loaded = project.load();
        assert_eq!(loaded.config.run.delay.as_secs(), seconds, "{place}");
        let origin = origin(&loaded, "run.delay");
        assert_eq!(origin.layer, layer.name());
        assert!(origin.place.ends_with(place), "{origin} is not {place}");
    };
    expect(&project, 15, Layer::Default, "default");
    project = project.user(&delay(1));
    expect(&project, 1, Layer::User, "config.toml:2");
    project = project.with("team.toml", &delay(2)).with("seqorch.toml", "extends = [\"team.toml\"]\n");
    expect(&project, 2, Layer::Extends, "team.toml:2");
    project = project.with("seqorch.toml", &format!("extends = [\"team.toml\"]\n{}", delay(3)));
    expect(&project, 3, Layer::Repo, "seqorch.toml:3");
    project = project.with("seqorch.local.toml", &format!("{}[profile.night.run]\ndelay = 5\n", delay(4)));
    expect(&project, 4, Layer::Local, "seqorch.local.toml:2");
    project = project.profile("night");
    expect(&project, 5, Layer::Profile, "seqorch.local.toml:4 [profile.night]");
    project = project.env("SEQORCH_RUN__DELAY", "6");
    expect(&project, 6, Layer::Environment, "SEQORCH_RUN__DELAY");
    project = project.flag("--delay", "7");
    expect(&project, 7, Layer::Flag, "--delay");
}

#[test]
fn all_problems_of_all_layers_are_reported_at_once() {
    let project = Project::new()
        .user("[tmux]\nmain = \"no\"\n")
        .with("seqorch.toml", "[run]\nbackend = \"claud\"\ndealy = 3\n[backend.mine]\nargs = []\n")
        .with(
            "seqorch.local.toml",
            "[[override]]\ntasks = [\"1\"]\nbackend = \"unknown\"\n[prompt]\ntemplate = \"gone.md\"\n",
        )
        .env("SEQORCH_RUN__XYZ", "1")
        .flag("--max-iterations", 0);
    let problems = project.problems();
    let mut known: Vec<&str> = presets::NAMES.iter().copied().chain(["mine"]).collect();
    known.sort_unstable();
    let known = known.join(", ");
    let user = format!("{}/home/.config/seqorch/config.toml", project.dir.path().display());
    assert_eq!(
        problems,
        [
            &format!("{user}:2: tmux.main: \"no\" is not a valid switch; write true or false"),
            "seqorch.toml:3: run.dealy: unknown key; did you mean \"run.delay\"?",
            "SEQORCH_RUN__XYZ: run.xyz: unknown key; known here: spec_root, backend, model, delay, jitter, max_iterations, \
             workdir, granularity, include_optional, on_failure, on_halt, hard_stop, keep_awake",
            "--max-iterations: run.max_iterations: 0 is out of range; it must be 1 or more",
            &format!(
                "seqorch.toml:2: run.backend: there is no backend \"claud\"; did you mean \"claude\"? (known: {known})"
            ),
            &format!(
                "seqorch.local.toml:3: override[0].backend: there is no backend \"unknown\" (known: {known})"
            ),
            "seqorch.toml:4: backend.mine.command: is missing: a backend needs a command, or a preset that has one",
            "seqorch.local.toml:5: prompt.template: there is no file gone.md",
        ]
    );
}

#[test]
fn broken_toml_hides_only_what_depends_on_it() {
    let project = Project::new()
        .with("seqorch.toml", "[run]\nbackend = \"mine\"\n")
        .with("seqorch.local.toml", "[backend.mine\ncommand = \"x\"\n")
        .env("SEQORCH_RUN__DELAY", "soon");
    let problems = project.problems();
    assert!(problems[0].starts_with("seqorch.local.toml:1:14: "), "{problems:#?}");
    assert_eq!(problems[1], "    [backend.mine");
    assert!(problems[2].trim() == "^");
    assert!(problems[3].starts_with("SEQORCH_RUN__DELAY: run.delay: \"soon\" is not a valid duration"));
    assert_eq!(problems.len(), 4, "the unknown backend may well be in the broken file: {problems:#?}");
}

#[test]
fn extended_files_are_relative_and_later_ones_win() {
    let loaded = Project::new()
        .with("seqorch.toml", "extends = [\"team/a.toml\", \"team/b.toml\"]\n")
        .with("team/a.toml", "extends = [\"deep/c.toml\"]\n[run]\ndelay = 1\njitter = 1\n")
        .with("team/deep/c.toml", "[run]\ndelay = 2\njitter = 2\nmax_iterations = 2\n")
        .with("team/b.toml", "[run]\ndelay = 3\n")
        .load();
    let run = &loaded.config.run;
    assert_eq!((run.delay.as_secs(), run.jitter.as_secs(), run.max_iterations), (3, 1, 2));
    let names: Vec<_> = loaded.files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["c.toml", "a.toml", "b.toml", "seqorch.toml"]);
}

#[test]
fn files_that_extend_each_other_are_refused_with_the_chain() {
    let project = Project::new()
        .with("seqorch.toml", "extends = [\"team/a.toml\"]\n")
        .with("team/a.toml", "[run]\n\n")
        .with("team/a.toml", "extends = [\"../seqorch.toml\"]\n");
    assert_eq!(
        project.problems(),
        [
            "team/a.toml:1: extends: files extend each other in a circle: seqorch.toml -> team/a.toml -> seqorch.toml"
        ]
    );
}

#[test]
fn a_missing_file_is_reported_where_it_is_named() {
    let project = Project::new().with("seqorch.toml", "\nextends = [\"team/gone.toml\"]\n");
    assert_eq!(project.problems(), ["seqorch.toml:2: extends: team/gone.toml does not exist"]);
    let mut project = Project::new().with("seqorch.toml", "");
    project.request.config_file = Some(project.request.root.join("other.toml"));
    assert_eq!(
        project.problems(),
        [
            "--config: other.toml does not exist (the project has seqorch.toml; without --config, seqorch.toml counts if it is there)"
        ]
    );
    let mut empty = Project::new();
    empty.request.config_file = Some(empty.request.root.join("other.toml"));
    assert!(empty.problems()[0].contains("`seqorch init` writes one"), "{:?}", empty.problems());
}

#[test]
fn a_named_file_replaces_the_projects_own() {
    let mut project =
        Project::new().with("seqorch.toml", "[run]\ndelay = 1\n").with("other.toml", "[run]\njitter = 2\n");
    project.request.config_file = Some(project.request.root.join("other.toml"));
    let run = project.load().config.run;
    assert_eq!((run.delay.as_secs(), run.jitter.as_secs()), (15, 2));
}

#[test]
fn a_profile_may_come_from_any_file_and_must_exist() {
    let project = Project::new().user("[profile.overnight.run]\ndelay = 1\njitter = 1\n").with(
        "seqorch.toml",
        "[profile.overnight.run]\njitter = 2\non_failure = \"skip\"\n[profile.fast.run]\n",
    );
    let run = project.load().config.run;
    assert_eq!(run.on_failure, HaltOrSkip::Halt);
    let project = project.profile("overnight");
    let run = project.load().config.run;
    assert_eq!((run.delay.as_secs(), run.jitter.as_secs(), run.on_failure), (1, 2, HaltOrSkip::Skip));
    let problems = project.profile("overnigt").problems();
    assert_eq!(
        problems,
        ["--profile: there is no profile \"overnigt\"; did you mean \"overnight\"? (known: fast, overnight)"]
    );
}

#[test]
fn mistakes_in_a_profile_are_reported_even_if_it_is_not_chosen() {
    let project = Project::new().with("seqorch.toml", "[profile.night]\nextends = []\n[profile.night.rnu]\n");
    let problems = project.problems();
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems[0].starts_with("seqorch.toml:2: profile.night.extends: unknown key"));
    assert!(problems[1].ends_with("did you mean \"profile.night.run\"?"));
}

#[test]
fn all_profiles_are_checked_and_a_mistyped_one_hides_no_mistake() {
    let project = Project::new().with(
        "seqorch.toml",
        "[run]\nbackend = \"nope\"\n[limit]\nfallback = [\"late\"]\n\
         [profile.night.run]\nbackend = \"claud\"\n[profile.night.backend.late]\ncommand = \"late\"\n\
         [profile.dya.review]\nbackend = \"none\"\n",
    );
    let starts = |problems: &[String], starts: &[&str]| {
        assert_eq!(problems.len(), starts.len(), "{problems:#?}");
        for (problem, start) in problems.iter().zip(starts) {
            assert!(problem.starts_with(start), "{problem}: {start}");
        }
    };
    let of_others = [
        "seqorch.toml:10 [profile.dya]: review.backend: there is no backend \"none\"",
        "seqorch.toml:6 [profile.night]: run.backend: there is no backend \"claud\"; did you mean \"claude\"?",
    ];
    let [dya, night] = of_others;
    let own = ["seqorch.toml:2: run.backend: ", "seqorch.toml:4: limit.fallback: "];
    starts(&project.problems(), &[own[0], own[1], dya, night]);
    // the profile that was meant may have the backend
    let project = project.profile("nigth");
    starts(&project.problems(), &["--profile: there is no profile \"nigth\"", dya, night]);
    let project = project.profile("night");
    starts(&project.problems(), &[night, dya]);
}

#[test]
fn a_backend_table_changes_only_its_keys_and_replaces_lists() {
    let loaded = Project::new()
        .with(
            "seqorch.toml",
            "[backend.gemini]\nmodel = \"flash\"\nargs = [\"-x\"]\nmodel_args = [\"-m\", \"{model}\"]\nenv = { A = \"1\" }\n",
        )
        .load();
    let gemini = &loaded.config.backends["gemini"];
    assert_eq!(gemini.command, "gemini");
    assert_eq!(gemini.args, ["-x"]);
    assert_eq!(gemini.model.as_deref(), Some("flash"));
    assert_eq!(gemini.env["A"], "1");
    assert_eq!(gemini.env["GEMINI_CLI_NO_RELAUNCH"], "true");
    assert_eq!(origin(&loaded, "backend.gemini.command").place, "preset gemini");
}

#[test]
fn a_backend_of_another_name_starts_from_its_preset() {
    let loaded = Project::new()
        .with(
            "seqorch.toml",
            "[run]\nbackend = \"mine\"\n[backend.mine]\npreset = \"claude\"\ncommand = \"tools/../my\"\n",
        )
        .load();
    let (mine, claude) = (&loaded.config.backends["mine"], &loaded.config.backends["claude"]);
    assert_eq!(mine.args, claude.args);
    assert!(mine.command.ends_with("project/tools/../my") && mine.command.starts_with('/'));
    for name in ["CLAUDECODE", "CLAUDE_CODE_MESSAGING_TOKEN", "CLAUDE_CODE_RETRY_WATCHDOG"] {
        assert!(mine.env_remove.iter().any(|removed| removed == name), "{name}");
    }
}

#[test]
fn a_backend_without_a_preset_needs_only_a_command() {
    let loaded = Project::new().env("SEQORCH_BACKEND__MYTOOL__COMMAND", "mytool").load();
    let mine = &loaded.config.backends["mytool"];
    assert_eq!((mine.command.as_str(), mine.prompt), ("mytool", PromptBy::Stdin));
    assert!(mine.args.is_empty() && mine.env.is_empty());
}

#[test]
fn no_built_in_backend_bypasses_permissions_or_loses_its_model() {
    for (name, backend) in Project::new().load().config.backends {
        let all: Vec<_> = backend.args.iter().chain(backend.permission_args()).collect();
        for word in ["dangerously", "bypass", "yolo"] {
            // droid names a level there
            let auto = |arg: &&String| *arg == "--auto" && name != "droid";
            assert!(!all.iter().any(|arg| arg.contains(word) || auto(arg)), "{name}: {all:?}");
        }
        // the model of these is only in their own settings
        let takes_model = !["amp", "openhands", "vibe"].contains(&name.as_str());
        assert_eq!(backend.args.iter().any(|arg| arg == "{model_args}"), takes_model, "{name}");
        assert_eq!(backend.model_args.iter().any(|arg| arg == "{model}"), takes_model, "{name}");
    }
}

#[test]
fn accounts_name_backends_and_each_has_one_login() {
    let two = "[account.team]\nbackends = [\"claude\", \"codex\"]\nfile = \"/srv/team.json\"\n";
    let accounts = Project::new().with("seqorch.toml", two).load().config.accounts;
    assert_eq!(accounts["team"].backends, ["claude", "codex"]);
    assert_eq!(accounts["team"].file.as_deref(), Some(Path::new("/srv/team.json")));
    let twice = format!("{two}[account.other]\nbackends = [\"codex\"]\n");
    let problems = Project::new().with("seqorch.toml", &twice).problems();
    let known = Project::new().with("seqorch.toml", "[account.a]\nbackends = [\"none\"]\n").problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("one login"), "{problems:?}");
    assert!(known[0].contains("there is no backend \"none\""), "{known:?}");
}

#[test]
fn placeholders_that_would_stay_unfilled_are_refused() {
    let project = Project::new().with(
        "seqorch.toml",
        "[backend.a]\ncommand = \"a\"\nargs = [\"{prompt}\"]\n[backend.b]\ncommand = \"b\"\nmodel = \"m\"\n",
    );
    assert_eq!(
        project.problems(),
        [
            "seqorch.toml:3: backend.a.args: {prompt} is filled in only with prompt = \"arg\"",
            "seqorch.toml:6: backend.b.model: no argument passes it on; put {model} into args, or set model_args",
        ]
    );
}

#[test]
fn a_higher_layer_replaces_all_overrides() {
    let two = "[[override]]\ntasks = [\"1\"]\ntimeout = { task = 60 }\n[[override]]\ntasks = [\"2.*\"]\nmodel = \"m\"\n";
    let project = Project::new().with("seqorch.toml", two);
    let overrides = project.load().config.overrides;
    assert_eq!(overrides.len(), 2);
    assert_eq!(overrides[0].timeout.task, Some(Duration::from_secs(60)));
    assert_eq!(overrides[1].model.as_deref(), Some("m"));
    let overrides =
        project.with("seqorch.local.toml", "[[override]]\ntasks = [\"3\"]\n").load().config.overrides;
    assert_eq!(overrides.len(), 1);
    assert_eq!(overrides[0].tasks, ["3"]);
}

#[test]
fn an_override_for_no_task_is_refused() {
    let project =
        Project::new().with("seqorch.toml", "[[override]]\ntasks = []\n[[override]]\nmodel = \"m\"\n");
    assert_eq!(
        project.problems(),
        [
            "seqorch.toml:2: override[0].tasks: must set either tasks or match, to say which tasks it is for",
            "seqorch.toml:3: override[1].tasks: must set either tasks or match, to say which tasks it is for"
        ]
    );
}

#[test]
fn flags_win_over_the_switch_of_the_python_tool() {
    let project = Project::new().env("CODEAGENT_NO_TMUX", "1");
    assert_eq!(project.load().config.tmux.mode, TmuxMode::Off);
    assert_eq!(project.flag("--no-tmux", "on").load().config.tmux.mode, TmuxMode::On);
}

#[test]
fn the_file_of_the_user_is_found_by_the_xdg_rules() {
    let project =
        Project::new().user("[run]\ndelay = 1\n").with("../xdg/seqorch/config.toml", "[run]\ndelay = 2\n");
    assert_eq!(project.load().config.run.delay.as_secs(), 1);
    let xdg = project.dir.path().join("xdg").display().to_string();
    assert_eq!(project.env("XDG_CONFIG_HOME", &xdg).load().config.run.delay.as_secs(), 2);
    let relative = Project::new().user("[run]\ndelay = 1\n").env("XDG_CONFIG_HOME", "xdg");
    assert_eq!(relative.load().config.run.delay.as_secs(), 1);
}

#[test]
fn paths_in_files_are_relative_to_the_project_root() {
    let project = Project::new()
        .with("prompts/mine.md", "x")
        .with("team/a.toml", "[prompt]\ntemplate = \"prompts/mine.md\"\n[run]\nworkdir = \"app\"\n")
        .with("seqorch.toml", "extends = [\"team/a.toml\"]\n");
    let config = project.load().config;
    assert_eq!(config.prompt.template, Some(project.request.root.join("prompts/mine.md")));
    assert_eq!(config.run.workdir, Some(project.request.root.join("app")));
}

#[test]
fn the_last_value_of_the_history_is_the_one_that_figment_merged() {
    let loaded = Project::new()
        .user("[run]\ndelay = 1\n[backend.claude]\nmodel = \"x\"\n")
        .with("seqorch.toml", "[run]\njitter = 2\n[tmux]\nsocket = \"s\"\n[[override]]\ntasks = [\"1\"]\n")
        .with("seqorch.local.toml", "[profile.night.run]\njitter = 3\n")
        .profile("night")
        .env("SEQORCH_RETRY__ATTEMPTS", "9")
        .flag("--backend", "claude")
        .load();
    let mut compared = 0;
    for (key, _) in lookup::leaves() {
        let path = KeyPath::parse(&key.replace("NAME", "claude").replace("override.", "override[0]."));
        let current = loaded.provenance.current(&path).map(|(origin, _)| origin);
        let last = loaded.provenance.history(&path).pop().map(|(_, origin, _)| origin);
        assert_eq!(current, last, "{path}");
        compared += usize::from(current.is_some());
    }
    assert!(compared > 50, "{compared}");
}

#[test]
fn panes_and_windows_run_in_the_work_dir() {
    let project = Project::new().user("[tmux]\nwindow = \"t{id}\"\n").with(
        "seqorch.toml",
        "[run]\nworkdir = \"app\"\n[tmux]\nlayout = \"tiled\"\nkeep = \"none\"\n\
         [[tmux.pane]]\ncommand = [\"git\", \"diff\"]\nevery = 5\nsize = 12\n\
         [[tmux.pane]]\ncommand = [\"tools/watch\"]\ncwd = \"web\"\nside = \"below\"\n\
         [[tmux.window]]\nname = \"log\"\ncommand = [\"tail\", \"-F\", \"log\"]\ncwd = \"/var\"\n",
    );
    let loaded = project.load();
    let (root, tmux) = (&project.request.root, &loaded.config.tmux);
    assert_eq!((tmux.window.as_str(), tmux.keep, tmux.layout), ("t{id}", Keep::None, Some(Layout::Tiled)));
    assert_eq!(
        tmux.panes,
        [
            Pane {
                command: vec!["git".to_owned(), "diff".to_owned()],
                size: Some("12".to_owned()),
                every: Some(Duration::from_secs(5)),
                cwd: root.join("app"),
                side: Side::Right,
            },
            Pane {
                command: vec![root.join("tools/watch").display().to_string()],
                size: None,
                every: None,
                cwd: root.join("app/web"),
                side: Side::Below,
            },
        ]
    );
    assert_eq!((tmux.windows[0].name.as_str(), tmux.windows[0].cwd.as_path()), ("log", Path::new("/var")));
    assert_eq!(origin(&loaded, "tmux.windows").place, "seqorch.toml:14");
}

#[test]
fn a_pause_of_zero_and_two_windows_of_one_name_are_refused() {
    let window = "[[tmux.window]]\nname = \"log\"\ncommand = [\"x\"]\n";
    let project = Project::new().with(
        "seqorch.toml",
        &format!(
            "[[tmux.pane]]\ncommand = [\"x\"]\nevery = \"0s\"\n{window}{window}{}",
            window.replace("log", "main")
        ),
    );
    let problems = project.problems().join("\n");
    for part in [
        "tmux.pane[0].every: must be longer than \"0s\"",
        "tmux.windows[1].name: there is already a window \"log\"",
        "tmux.windows[2].name: there is already a window \"main\"",
    ] {
        assert!(problems.contains(part), "{problems}");
    }
}
