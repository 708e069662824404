//! What a shell proposes after Tab: specs, tasks, backends and more, looked up at that moment.
//!
//! Only files are read; no program is run. What can't be read is not proposed, and no mistake is ever printed: it would
//! stand in the middle of what a person types.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};
use clap_complete::env::{CompleteEnv, Shells};

use super::command_line;
use super::global::{ColorChoice, Global};
use super::help::TOPICS;
use super::overview::{Overview, SpecLook};
use super::project::Project;
use super::shells::{SHELLS, VARIABLE};
use crate::config::{self, BUILT_IN_BACKENDS};
use crate::plan::Selection;
use crate::project::SpecPlace;
use crate::report::text::{cut, sanitise_line};
use crate::state::UnitState;

/// Columns of what stands beside a proposal.
const HELP: usize = 60;

/// Answers a shell that asks; `false`: none does.
pub(super) fn answered() -> bool {
    if std::env::var_os(VARIABLE).is_none_or(|value| value.is_empty()) {
        return false;
    }
    // a message would stand in the middle of the command that is typed
    std::panic::set_hook(Box::new(|_| {}));
    let here = std::env::current_dir().ok();
    let answer = std::panic::catch_unwind(|| {
        let asked = CompleteEnv::with_factory(command).var(VARIABLE).shells(Shells(SHELLS));
        asked.bin("seqorch").completer("seqorch").try_complete(std::env::args_os(), here.as_deref())
    });
    drop(answer);
    true
}

/// The command line with its proposals, and without what people do not see.
fn command() -> Command {
    proposing(&command_line::command())
}

fn proposing(command: &Command) -> Command {
    let seen = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let args: Vec<Arg> = seen.cloned().map(|arg| with_proposals(command.get_name(), arg)).collect();
    let below = command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(proposing);
    let about = command.get_about().cloned().unwrap_or_default();
    let made = Command::new(command.get_name().to_owned()).about(about).disable_help_subcommand(true);
    made.args(args).subcommands(below)
}

fn with_proposals(verb: &str, arg: Arg) -> Arg {
    if !arg.get_action().takes_values() {
        return arg;
    }
    let find: fn(&TypedLine) -> Vec<(String, String)> = match arg.get_id().as_str() {
        "spec" | "specs" => {
            let windows = verb == "attach";
            return arg.add(ArgValueCompleter::new(move |current: &OsStr| specs(current, windows)));
        }
        "id" if verb == "attach" => windows,
        "only" => return arg.add(ArgValueCompleter::new(several_tasks)),
        "id" if verb == "undo" => done_tasks,
        "id" if ["logs", "diff", "talk"].contains(&verb) => tried_tasks,
        "task" if verb == "resume" => asking_tasks,
        "id" | "from" | "prompt" => tasks,
        "model" => models,
        "attempt" => attempts,
        "backend" | "assign_backend" => backends,
        "agent" => owners,
        "profile" => profiles,
        "key" => keys,
        "words" => topics,
        _ => return arg,
    };
    arg.add(ArgValueCompleter::new(move |current: &OsStr| beginning(current, find(&TypedLine::read()))))
}

/// The proposals that begin like the word that is typed.
fn beginning(current: &OsStr, all: Vec<(String, String)>) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    let fits = all.into_iter().filter(|(value, _)| value.starts_with(current));
    fits.map(|(value, help)| {
        let help = cut(&sanitise_line(&help), HELP);
        CompletionCandidate::new(value).help((!help.is_empty()).then(|| help.into()))
    })
    .collect()
}

/// The last of several tasks with commas between them.
fn several_tasks(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(typed) = current.to_str() else { return Vec::new() };
    let (before, last) = typed.rsplit_once(',').map_or((String::new(), typed), |(a, b)| (format!("{a},"), b));
    let named = |id: &str| before.split(',').any(|other| other == id);
    let open = tasks(&TypedLine::read()).into_iter().filter(|(id, _)| !named(id)).collect();
    let found = beginning(OsStr::new(last), open);
    found.into_iter().map(|one| one.add_prefix(before.clone())).collect()
}

/// What is typed before the word that is completed.
struct TypedLine {
    global: Global,
    spec: Option<PathBuf>,
    /// The task that is named.
    id: Option<String>,
    words: Vec<String>,
}

impl TypedLine {
    fn read() -> Self {
        let words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
        let at = std::env::var("_CLAP_COMPLETE_INDEX").ok().and_then(|at| at.parse().ok());
        let before = at.unwrap_or(words.len().saturating_sub(1)).min(words.len());
        Self::of(&words[..before])
    }

    fn of(words: &[OsString]) -> Self {
        let parsed = command_line::command().ignore_errors(true).try_get_matches_from(words).ok();
        let deepest = |matches: &ArgMatches| {
            let mut at = matches.clone();
            while let Some((_, below)) = at.subcommand() {
                at = below.clone();
            }
            at
        };
        let found = parsed.as_ref().map(deepest);
        let path = |id: &str| {
            let mut values = found.as_ref()?.try_get_many::<PathBuf>(id).ok()??;
            values.next_back().cloned()
        };
        let text = |id: &str| found.as_ref()?.try_get_one::<String>(id).ok()?.cloned();
        let global = Global {
            directory: path("directory"),
            config: path("config"),
            profile: text("profile"),
            color: ColorChoice::Never,
            verbose: 0,
        };
        let words = found.as_ref().and_then(|found| found.try_get_many::<String>("words").ok()?);
        let words = words.into_iter().flatten().cloned().collect();
        Self { global, spec: path("spec").or_else(|| path("specs")), id: text("id"), words }
    }

    fn project(&self) -> Option<Project> {
        let open = |global: &Global| Project::open_silently(global, self.spec.as_deref()).ok();
        // a profile that is half typed, or that does not exist, must not hide the rest
        open(&self.global).or_else(|| open(&Global { profile: None, ..self.global.clone() }))
    }

    /// The spec that is named, or the one that the verb would take.
    fn place(&self, project: &Project) -> Option<SpecPlace> {
        let named = project.spec(self.spec.as_deref()).ok();
        let dir = match named {
            Some(dir) => dir,
            None => Overview::unnamed(project, self.spec.as_deref())?.first()?.place.as_ref()?.path(),
        };
        project.place(&dir, Selection::default()).ok()
    }
}

/// Specs, and files that may list tasks. `attach 2` names a window.
fn specs(current: &OsStr, with_windows: bool) -> Vec<CompletionCandidate> {
    let typed = TypedLine::read();
    let project = TypedLine { spec: None, ..typed }.project();
    let found = project.as_ref().map(|project| Overview::of(project, project.specs()));
    let looks = found.iter().flat_map(|overview| &overview.specs);
    // with -C, a name means a spec there
    let name =
        |look: &SpecLook| project.as_ref().map_or_else(|| look.typed.clone(), |there| look.name_there(there));
    let mut all = beginning(current, looks.map(|look| (name(look), look.summary())).collect());
    if with_windows {
        all.extend(beginning(current, windows(&TypedLine::read())));
    }
    let folder = project.map(|project| project.cwd);
    let lists = PathCompleter::any().filter(|path| path.is_dir() || may_list_tasks(path));
    let lists = if let Some(folder) = folder { lists.current_dir(folder) } else { lists };
    all.extend(lists.complete(current));
    all
}

fn may_list_tasks(path: &Path) -> bool {
    let ends = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_lowercase();
    ["md", "json", "yaml", "yml"].contains(&ends.as_str())
}

fn tasks(typed: &TypedLine) -> Vec<(String, String)> {
    let found = || {
        let project = typed.project()?;
        let (_, tasks) = typed.place(&project)?.read_tasks().ok()?;
        Some(tasks.tasks.into_iter().map(|task| (task.id, task.title)).collect())
    };
    found().unwrap_or_default()
}

/// The tasks whose state is like this.
fn tasks_that(typed: &TypedLine, fits: fn(&UnitState) -> bool) -> Vec<(String, String)> {
    let found = || {
        let project = typed.project()?;
        let place = typed.place(&project)?;
        let state = project.state(&place).ok()?;
        let titles = tasks(typed);
        let title = |id: &str| titles.iter().find(|(known, _)| known == id).map(|(_, title)| title.clone());
        let fitting = state.units_by_id().into_iter().filter(|(_, unit)| fits(unit));
        let named =
            fitting.map(|(id, unit)| (id.to_owned(), title(id).unwrap_or_else(|| unit.title.clone())));
        Some(named.collect())
    };
    found().unwrap_or_default()
}

fn done_tasks(typed: &TypedLine) -> Vec<(String, String)> {
    tasks_that(typed, |unit| unit.changes.is_some() && unit.is_done())
}

fn tried_tasks(typed: &TypedLine) -> Vec<(String, String)> {
    tasks_that(typed, |unit| !unit.attempts.is_empty())
}

fn asking_tasks(typed: &TypedLine) -> Vec<(String, String)> {
    tasks_that(typed, UnitState::is_halted)
}

/// The models that the configuration names, and those that agents of the project named.
fn models(typed: &TypedLine) -> Vec<(String, String)> {
    let Some(project) = typed.project() else { return Vec::new() };
    let config = &project.loaded.config;
    let of_backends = config
        .backends
        .iter()
        .filter_map(|(name, backend)| Some((backend.model.clone()?, format!("the model of {name}"))));
    let mut all: BTreeMap<String, String> = of_backends.collect();
    all.extend(config.run.model.clone().map(|model| (model, "run.model".to_owned())));
    for place in
        project.specs().iter().filter_map(|found| project.place(&found.dir, Selection::default()).ok())
    {
        let Ok(state) = project.state(&place) else { continue };
        for attempt in state.units.values().flat_map(|unit| &unit.attempts) {
            let named = attempt.asked_model.iter().chain(&attempt.learned.model);
            for model in named {
                all.entry(model.clone()).or_insert_with(|| format!("used with {}", attempt.backend));
            }
        }
    }
    all.into_iter().collect()
}

fn windows(typed: &TypedLine) -> Vec<(String, String)> {
    let project = typed.project();
    let tmux = project.as_ref().map(|project| &project.loaded.config.tmux);
    let own = tmux.into_iter().flat_map(|tmux| {
        let main = tmux.main.then(|| ("main".to_owned(), "the live view".to_owned()));
        main.into_iter().chain(tmux.windows.iter().map(|window| (window.name.clone(), String::new())))
    });
    own.chain(tasks(typed)).collect()
}

fn attempts(typed: &TypedLine) -> Vec<(String, String)> {
    let found = || {
        let project = typed.project()?;
        let place = typed.place(&project)?;
        let state = project.state(&place).ok()?;
        let units = place.units_named(&state, typed.id.as_deref()?).ok()?;
        let attempts = &state.units.get(units.first()?)?.attempts;
        let outcome = |one: &crate::state::AttemptRecord| one.outcome.as_ref().map(ToString::to_string);
        Some(attempts.iter().map(|one| (one.number.to_string(), outcome(one).unwrap_or_default())).collect())
    };
    found().unwrap_or_default()
}

fn backends(typed: &TypedLine) -> Vec<(String, String)> {
    let Some(project) = typed.project() else {
        return BUILT_IN_BACKENDS.iter().map(|name| ((*name).to_owned(), String::new())).collect();
    };
    let all = project.loaded.config.backends.iter();
    all.map(|(name, backend)| (name.clone(), backend.command.clone())).collect()
}

fn owners(typed: &TypedLine) -> Vec<(String, String)> {
    let project = typed.project();
    let owners = project.iter().flat_map(|project| &project.loaded.config.assign.owners);
    owners.map(|(owner, backend)| (owner.clone(), backend.clone())).collect()
}

fn profiles(typed: &TypedLine) -> Vec<(String, String)> {
    let project = TypedLine::project(&TypedLine {
        global: Global { profile: None, ..typed.global.clone() },
        spec: typed.spec.clone(),
        id: None,
        words: Vec::new(),
    });
    project
        .into_iter()
        .flat_map(|project| project.loaded.profiles)
        .map(|name| (name, String::new()))
        .collect()
}

fn keys(typed: &TypedLine) -> Vec<(String, String)> {
    let backends: Vec<String> = backends(typed).into_iter().map(|(name, _)| name).collect();
    config::keys_for_people(&backends)
}

/// Topics, and the verbs below those that are typed.
fn topics(typed: &TypedLine) -> Vec<(String, String)> {
    let mut verb = command_line::command();
    for word in &typed.words {
        match verb.find_subcommand(word) {
            Some(below) => verb = below.clone(),
            None => return Vec::new(),
        }
    }
    let first = typed.words.is_empty();
    let topics = TOPICS.iter().filter(|_| first).map(|topic| (topic.name.to_owned(), "a page".to_owned()));
    let verbs = verb.get_subcommands().filter(|verb| !verb.is_hide_set());
    let about = |verb: &Command| verb.get_about().map(ToString::to_string).unwrap_or_default();
    let verbs: Vec<_> = verbs.map(|verb| (verb.get_name().to_owned(), about(verb))).collect();
    let is_verb = |name: &str| verbs.iter().any(|(verb, _)| verb == name);
    let topics: Vec<_> = topics.filter(|(name, _)| !is_verb(name)).collect();
    topics.into_iter().chain(verbs).collect()
}
