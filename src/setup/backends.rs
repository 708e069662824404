//! The configured agents: what is installed, in which version, and what uses them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::probe::{self, Answer, Ask};
use crate::config::{AssignMode, Config, Loaded, Output};
use crate::error::Result;

/// One backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its name in the configuration.
    pub name: String,
    /// Whether seqorch brings it along (settings may have changed it).
    pub built_in: bool,
    /// The program, as configured.
    pub command: String,
    /// Where it was found.
    pub path: Option<PathBuf>,
    /// What it said of its version; `None` where it was not found.
    pub version: Option<Answer>,
    /// What it prints.
    pub output: Output,
    /// The model that is configured; `None`: its own choice.
    pub model: Option<String>,
    /// What it may do unasked.
    pub permission: String,
    /// Whether it can go on in a session.
    pub resumes: bool,
    /// The settings that may give it work.
    pub used_by: Vec<String>,
}

/// Asks every configured backend that `wanted` lets through. `exe` is this program.
pub fn list(
    loaded: &Loaded,
    root: &Path,
    exe: &Path,
    wanted: impl Fn(&[String]) -> bool,
) -> Result<Vec<Listed>> {
    let config = &loaded.config;
    let cwd = workdir(config, root);
    let mut uses = users(config);
    let mut listed = Vec::new();
    for (name, backend) in &config.backends {
        let used_by = uses.remove(name.as_str()).unwrap_or_default();
        if !wanted(&used_by) {
            continue;
        }
        let permission = loaded.provenance.text(&format!("backend.{name}.permission"));
        listed.push(Listed {
            name: name.clone(),
            built_in: crate::config::built_in_backends().contains(&name.as_str()),
            command: backend.command.clone(),
            path: probe::find(backend, &cwd),
            version: None,
            output: backend.output,
            model: backend.model.clone(),
            permission: permission.unwrap_or_default().to_owned(),
            resumes: !backend.resume.is_empty(),
            used_by,
        });
    }
    let asks: Vec<Ask> = listed
        .iter()
        .filter_map(|one| Some(Ask::of(config.backends.get(&one.name)?, one.path.clone()?, &cwd)))
        .collect();
    let answers = probe::versions(exe, &asks, probe::DEADLINE)?;
    for (one, answer) in listed.iter_mut().filter(|one| one.path.is_some()).zip(answers) {
        one.version = Some(answer);
    }
    Ok(listed)
}

/// Where agents work; the project root where that folder is missing, which `doctor` says.
pub(super) fn workdir(config: &Config, root: &Path) -> PathBuf {
    let wanted = config.run.workdir.as_ref().map_or_else(|| root.to_owned(), |dir| root.join(dir));
    if wanted.is_dir() { wanted } else { root.to_owned() }
}

/// Which settings may give work to which backend.
#[must_use]
pub fn users(config: &Config) -> BTreeMap<&str, Vec<String>> {
    let mut uses: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut add = |backend, who: String| uses.entry(backend).or_default().push(who);
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

/// The list as an aligned table, `width` columns wide at most where that is known.
pub fn write(out: &mut dyn Write, listed: &[Listed], width: Option<usize>) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(width) = width.and_then(|w| u16::try_from(w).ok()) {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table.set_header(["NAME", "VERSION", "PROGRAM", "OUTPUT", "MODEL", "PERMISSION", "SESSION", "USED BY"]);
    for one in listed {
        let version = one.version.as_ref().map_or_else(|| "not found".to_owned(), Answer::shown);
        let program = one.path.as_ref().map_or_else(|| one.command.clone(), |p| p.display().to_string());
        let output = serde_json::to_value(one.output).ok();
        table.add_row([
            one.name.as_str(),
            &version,
            &program,
            output.as_ref().and_then(|v| v.as_str()).unwrap_or_default(),
            one.model.as_deref().unwrap_or("its own"),
            &one.permission,
            if one.resumes { "goes on" } else { "new only" },
            &if one.used_by.is_empty() { "-".to_owned() } else { one.used_by.join(", ") },
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
