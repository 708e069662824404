//! The configured backends: which programs are installed, in which version, and which settings use them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::Style;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::probe::{self, ProbeAnswer, ProbeCommand};
use crate::agent::Format;
use crate::agent::limit::Family;
use crate::config::{AssignMode, Backend, Config, Loaded, Preset, UsageReport, preset};
use crate::error::Result;
use crate::report::theme;
use crate::sys::paths::leads_out;
use crate::sys::programs;

/// A configured backend and its program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackendStatus {
    /// Its name in the configuration.
    pub name: String,
    /// Whether it comes with seqorch. The user may have changed its settings.
    pub built_in: bool,
    /// The program, as configured.
    pub command: String,
    /// The program's path; `None` if it was not found.
    pub path: Option<PathBuf>,
    /// What the program printed for `--version`; `None` if it was not found.
    pub version: Option<ProbeAnswer>,
    /// The format of its output.
    pub output: Format,
    /// The configured model; `None` leaves the choice to the agent.
    pub model: Option<String>,
    /// What it may do without asking.
    pub permission: String,
    /// The values of permission that change its command line.
    pub permissions: Vec<&'static str>,
    /// Whether it can resume a session.
    pub resumes: bool,
    /// What it reports of its usage: `cost` (with tokens), `tokens`, `none`, or `unknown` for an agent of the user's.
    pub usage: &'static str,
    /// Which wordings of limits are known: its `own`, or only those that agents share (`common`).
    pub limits: &'static str,
    /// The version of its CLI that the built-in settings were run with. `None`: they were not.
    pub tested: Option<&'static str>,
    /// The settings that name it.
    pub used_by: Vec<String>,
}

/// Finds the program and the version of each configured backend that `wanted` accepts, by the settings that use it.
pub fn list(loaded: &Loaded, root: &Path, wanted: impl Fn(&[String]) -> bool) -> Result<Vec<BackendStatus>> {
    let config = &loaded.config;
    let cwd = workdir(config, root);
    let mut uses = uses(config);
    let mut backends = Vec::new();
    for (name, backend) in &config.backends {
        let used_by = uses.remove(name.as_str()).unwrap_or_default();
        if !wanted(&used_by) {
            continue;
        }
        let known = preset(backend.preset.as_deref().unwrap_or(name));
        backends.push(BackendStatus {
            name: name.clone(),
            built_in: crate::config::BUILT_IN_BACKENDS.contains(&name.as_str()),
            command: backend.command.clone(),
            path: programs::find_in_path(&backend.command, &cwd),
            version: None,
            output: backend.output,
            model: backend.model.clone(),
            permission: backend.permission.name().to_owned(),
            permissions: permissions(backend),
            resumes: !backend.resume_args().is_empty(),
            usage: usage(backend, known),
            limits: if backend.family(name) == Family::Any { "common" } else { "own" },
            tested: known.and_then(|preset| preset.tested),
            used_by,
        });
    }
    let is_outside = |one: &&mut BackendStatus| one.path.as_ref().is_some_and(|path| leads_out(root, path));
    let asked: Vec<&mut BackendStatus> = backends.iter_mut().filter(is_outside).collect();
    let commands: Vec<ProbeCommand> = asked
        .iter()
        .filter_map(|one| {
            let is_own = |name: &str| loaded.provenance.is_own(&["backend", &one.name, "env", name]);
            Some(ProbeCommand::version(config.backends.get(&one.name)?, one.path.clone()?, is_own))
        })
        .collect();
    let answers = probe::run_probes(&commands, probe::DEADLINE)?;
    for (one, answer) in asked.into_iter().zip(answers) {
        one.version = Some(answer);
    }
    for one in backends.iter_mut().filter(|one| one.path.is_some() && one.version.is_none()) {
        one.version = Some(ProbeAnswer::NotRun);
    }
    Ok(backends)
}

/// The values of permission that change the command line.
fn permissions(backend: &Backend) -> Vec<&'static str> {
    let args = &backend.permission_args;
    let all = [("auto", &args.auto), ("bypass", &args.bypass), ("ask", &args.ask)];
    let mut different: Vec<&[String]> = all.iter().map(|(_, args)| args.as_slice()).collect();
    different.sort();
    different.dedup();
    if different.len() < 2 { Vec::new() } else { all.map(|(name, _)| name).to_vec() }
}

fn usage(backend: &Backend, known: Option<&Preset>) -> &'static str {
    let by_preset = known.map(|preset| match preset.usage {
        UsageReport::Cost => "cost",
        UsageReport::Tokens => "tokens",
        UsageReport::Nothing => "none",
    });
    let by_format = match backend.output {
        Format::Claude | Format::Opencode | Format::Pi | Format::Mini => "cost",
        Format::Codex | Format::Gemini | Format::Gptme | Format::Cline => "tokens",
        Format::Copilot | Format::Kimi | Format::Vibe | Format::Openhands => "none",
        Format::Text => "unknown",
    };
    by_preset.unwrap_or(by_format)
}

/// The folder that agents work in; the project root if that folder is missing, which `doctor` reports.
pub(super) fn workdir(config: &Config, root: &Path) -> PathBuf {
    let wanted = config.run.workdir.as_ref().map_or_else(|| root.to_owned(), |dir| root.join(dir));
    if wanted.is_dir() { wanted } else { root.to_owned() }
}

/// The settings that name each backend.
fn uses(config: &Config) -> BTreeMap<&str, Vec<String>> {
    let mut uses: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut add = |backend, setting: String| uses.entry(backend).or_default().push(setting);
    add(config.run.backend.as_str(), "run.backend".to_owned());
    if config.assign.mode == AssignMode::Agent {
        add(config.assign.backend.as_str(), "assign.backend".to_owned());
        for (owner, backend) in &config.assign.owners {
            add(backend.as_str(), format!("assign.owners.{owner}"));
        }
    }
    if config.assign.mode != AssignMode::Off {
        for (index, rule) in config.assign.rules.iter().enumerate() {
            add(rule.backend.as_str(), format!("assign.rule[{index}]"));
        }
    }
    for (index, one) in config.overrides.iter().enumerate() {
        if let Some(backend) = &one.backend {
            add(backend.as_str(), format!("override[{index}]"));
        }
    }
    uses
}

/// Prints the backends as an aligned table, at most `width` columns wide.
pub fn write(out: &mut dyn Write, backends: &[BackendStatus], width: Option<usize>) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(width) = width.and_then(|w| u16::try_from(w).ok()) {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table.set_header([
        "NAME",
        "VERSION",
        "TESTED",
        "RESUMES",
        "USAGE",
        "LIMITS",
        "PERMISSION",
        "PROGRAM",
        "USED BY",
    ]);
    for one in backends {
        let version = one.version.as_ref().map_or_else(|| "not found".to_owned(), ProbeAnswer::shown);
        let program = one.path.as_ref().map_or_else(|| one.command.clone(), |p| p.display().to_string());
        // the one in use, and that there are others
        let permission = match one.permissions.as_slice() {
            [] => "all the same".to_owned(),
            all => {
                let others = all.iter().copied().filter(|name| *name != one.permission);
                std::iter::once(one.permission.as_str()).chain(others).collect::<Vec<_>>().join("/")
            }
        };
        table.add_row([
            one.name.as_str(),
            &version,
            one.tested.unwrap_or("untested"),
            if one.resumes { "yes" } else { "no" },
            one.usage,
            one.limits,
            &permission,
            &program,
            &if one.used_by.is_empty() { "-".to_owned() } else { one.used_by.join(", ") },
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let (mut rows, mut style) = (backends.iter().peekable(), theme::BOLD);
    for line in table.lines() {
        // a row may take several lines, of which the first begins with the name
        if let Some(one) = rows.next_if(|one| line.starts_with(&one.name)) {
            style = row_style(one);
        }
        writeln!(out, "{}", theme::paint(style, line.trim_end()))?;
    }
    Ok(())
}

/// The backends in use stand out, and those that are not installed step back.
fn row_style(one: &BackendStatus) -> Style {
    match (&one.path, one.used_by.is_empty()) {
        (None, true) => theme::DIM,
        (None, false) => theme::BAD,
        (Some(_), true) => Style::new(),
        (Some(_), false) => theme::GOOD,
    }
}
