//! `seqorch doctor`: everything that a run needs, looked at before the night.
//!
//! Nothing is written and no agent works; see [`super::probe`] for the only programs that are started.

mod agents;
mod places;
mod specs;
mod tools;

use std::path::Path;

use super::findings::Finding;
use crate::config::Loaded;
use crate::error::{Error, Result};
use crate::project::place::Place;
use crate::store::spec_store::Store;

/// What is examined.
#[derive(Debug)]
pub struct Patient<'a> {
    /// The project.
    pub root: &'a Path,
    /// This program.
    pub exe: &'a Path,
    /// Its configuration, or why there is none.
    pub loaded: std::result::Result<&'a Loaded, &'a Error>,
    /// Its specs, or why one cannot be used.
    pub specs: &'a [Result<(Place, Store)>],
}

/// Looks at everything.
pub fn examine(patient: &Patient<'_>) -> Result<Vec<Finding>> {
    let mut found = configuration(patient);
    found.extend(specs::tasks(patient));
    found.extend(agents::agents(patient)?);
    found.extend(tools::tmux(patient));
    found.extend(tools::git(patient));
    found.extend(places::access_to(patient));
    found.extend(places::space(patient));
    found.extend(specs::runs(patient));
    Ok(found)
}

fn configuration(patient: &Patient<'_>) -> Vec<Finding> {
    const TOPIC: &str = "configuration";
    let loaded = match patient.loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            let mut found = vec![Finding::error(TOPIC, error)];
            found[0].mend.get_or_insert_with(|| {
                "Correct it; `seqorch.toml.example` and `seqorch config schema` know every key.".to_owned()
            });
            return found;
        }
    };
    let config = &loaded.config;
    let mut found = Vec::new();
    let files: Vec<String> = loaded
        .files
        .iter()
        .map(|f| f.strip_prefix(patient.root).unwrap_or(f).display().to_string())
        .collect();
    if files.is_empty() {
        found.push(
            Finding::ok(TOPIC, "no file; the built-in defaults are in force")
                .mend("`seqorch init` writes a first seqorch.toml."),
        );
    } else {
        found.push(Finding::ok(TOPIC, files.join(", ")));
    }
    if let Some(dir) = config.run.workdir.as_ref().map(|dir| patient.root.join(dir)).filter(|d| !d.is_dir()) {
        let text = format!("run.workdir: there is no folder {}", dir.display());
        found.push(
            Finding::problem(TOPIC, crate::error::ErrorKind::Config, text)
                .mend("Create it, or correct run.workdir."),
        );
    }
    if config.timeout.task.is_zero() && config.timeout.idle.is_zero() {
        found.push(
            Finding::warning(
                TOPIC,
                "timeout.task and timeout.idle are both off: an agent that hangs is never ended",
            )
            .mend("Set at least timeout.idle."),
        );
    }
    found
}
