//! The programs that a run would start: agents, verify commands, hooks.

use std::ffi::OsStr;
use std::path::Path;

use super::Patient;
use crate::config::{Config, Loaded, Output};
use crate::error::{ErrorKind, Result};
use crate::setup::backends::{self, Listed};
use crate::setup::findings::Finding;
use crate::setup::logins::{self, Login};
use crate::setup::probe::{self, Answer};
use crate::sys::programs;

const TOPIC: &str = "agents";

/// The versions whose command lines and records the built-in backends were checked against.
const TRIED: [(Output, (u32, u32), &str); 4] = [
    (Output::Claude, (2, 1), "2.1.330"),
    (Output::Codex, (0, 169), "0.169.0"),
    (Output::Gemini, (0, 61), "0.61.0"),
    (Output::Opencode, (1, 18), "1.18.33"),
];

pub(super) fn agents(patient: &Patient<'_>) -> Result<Vec<Finding>> {
    let Ok(loaded) = patient.loaded else { return Ok(Vec::new()) };
    let listed = backends::list(loaded, patient.root, patient.exe, |used_by| !used_by.is_empty())?;
    let mut found = Vec::new();
    for one in &listed {
        found.extend(installed(loaded, patient, one));
    }
    found.extend(commands(&loaded.config, patient.root));
    Ok(found)
}

fn installed(loaded: &Loaded, patient: &Patient<'_>, one: &Listed) -> Vec<Finding> {
    let users = one.used_by.join(", ");
    let (Some(path), Some(version)) = (&one.path, &one.version) else {
        let where_to = if one.command.contains('/') { "is not there" } else { "is not on the search path" };
        let text = format!("{} ({users}): {} {where_to}, or may not be run", one.name, one.command);
        let mut mend = format!("Install it, set backend.{}.command, or use another backend", one.name);
        let others = others(&loaded.config, patient.root);
        if !others.is_empty() {
            mend = format!("{mend}; installed: {}", others.join(", "));
        }
        return vec![Finding::problem(TOPIC, ErrorKind::Unavailable, text).mend(mend + ".")];
    };
    let mut found = Vec::new();
    let name = &one.name;
    let login = login(&loaded.config, patient.root, one);
    let said = match version {
        Answer::Ok { version } => format!("{name} {version}"),
        // an own script need not know --version
        Answer::Failed { why } if one.output == Output::Text && !why.starts_with("exit code 127") => {
            name.clone()
        }
        Answer::Failed { why } if why.starts_with("exit code 127") => {
            let text = format!("{name} ({users}): {} cannot be started ({why})", path.display());
            return vec![
                Finding::problem(TOPIC, ErrorKind::Unavailable, text)
                    .mend("Install it anew; see what it says by hand."),
            ];
        }
        other => {
            let text = format!("{name} ({users}): `{} --version` failed: {}", path.display(), other.shown());
            found.push(Finding::warning(TOPIC, text).mend("See what it says when called by hand."));
            name.clone()
        }
    };
    let sign = match &login {
        Login::Found(by) => format!(", login: {by}"),
        Login::NotSeen(_) | Login::Unknown => String::new(),
    };
    if found.is_empty() {
        found.push(Finding::ok(TOPIC, format!("{said}, {}{sign} ({users})", path.display())));
    }
    if let Answer::Ok { version } = version
        && of_vendor(&loaded.config, one)
        && let Some((_, _, tried)) = TRIED
            .iter()
            .find(|(output, least, _)| *output == one.output && numbers(version).is_some_and(|v| v < *least))
    {
        let text = format!("{name} {version} is older than {tried}, which this backend was checked against");
        found.push(Finding::warning(TOPIC, text).mend("Update it."));
    }
    if let Login::NotSeen(mend) = login {
        let text = format!("{name}: no sign of a login was found");
        found.push(Finding::warning(TOPIC, text).mend(mend));
    }
    found.extend(sandbox(patient, &loaded.config, one));
    if one.output == Output::Claude
        && one.permission == "bypass"
        && rustix::process::geteuid().is_root()
        && seen(&loaded.config, one, "IS_SANDBOX").is_none()
    {
        let text = format!("{name} refuses permission = \"bypass\" for root");
        found.push(Finding::problem(TOPIC, ErrorKind::Config, text).mend(format!(
            "Run it as another user, or, in a container, set backend.{name}.env.IS_SANDBOX = \"1\"."
        )));
    }
    found
}

/// What Claude's own sandbox needs and does not find, where its arguments ask for that sandbox; macOS brings all of it.
fn sandbox(patient: &Patient<'_>, config: &Config, one: &Listed) -> Option<Finding> {
    let args = &config.backends.get(&one.name)?.permission_args;
    let wanted = one.output == Output::Claude && args.iter().any(|arg| arg.contains("\"sandbox\""));
    if !wanted || !cfg!(target_os = "linux") {
        return None;
    }
    let path = std::env::var_os("PATH");
    let cwd = backends::workdir(config, patient.root);
    let find = |program: &str| programs::find_program(OsStr::new(program), path.as_deref(), &cwd);
    let missing: Vec<_> = ["bwrap", "socat"].into_iter().filter(|program| find(program).is_none()).collect();
    let Some(bwrap) = find("bwrap").filter(|_| missing.is_empty()) else {
        let text = format!(
            "{}: its sandbox needs {}: without it, most commands are refused",
            one.name,
            missing.join(" and ")
        );
        return Some(
            Finding::warning(TOPIC, text).mend("Install bubblewrap and socat with your package manager."),
        );
    };
    // in containers, and where the system forbids it to users, it is there and may not do what it is for
    let args = "--unshare-user --unshare-pid --ro-bind / / --proc /proc --dev /dev echo works";
    let ask = probe::Ask {
        program: bwrap,
        args: args.split(' ').map(str::to_owned).collect(),
        cwd,
        env: Vec::new(),
        env_remove: Vec::new(),
    };
    let answer = probe::versions(patient.exe, &[ask], probe::DEADLINE).ok()?.pop()?;
    if matches!(answer, Answer::Ok { .. }) {
        return None;
    }
    let text = format!(
        "{}: bwrap, which its sandbox needs, does not work here ({}): most commands are refused",
        one.name,
        answer.shown()
    );
    Some(Finding::warning(TOPIC, text).mend(format!(
        "Allow unprivileged user namespaces; or, in a container, set backend.{}.permission = \"bypass\".",
        one.name
    )))
}

/// Backends whose programs are there.
fn others(config: &Config, root: &Path) -> Vec<String> {
    let there =
        config.backends.iter().filter(|(_, backend)| crate::setup::probe::find(backend, root).is_some());
    there.map(|(name, _)| name.clone()).collect()
}

/// Major and minor number.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', '-', '+']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// A variable as the agent would get it.
fn seen(config: &Config, one: &Listed, name: &str) -> Option<String> {
    let backend = config.backends.get(&one.name)?;
    if let Some(value) = backend.env.get(name) {
        return Some(value.clone());
    }
    let removed = backend.env_remove.iter().any(|n| n == name);
    if removed { None } else { std::env::var(name).ok() }
}

/// Only a vendor's own program has a vendor's login and version: an own script that prints what a vendor prints need not.
fn of_vendor(config: &Config, one: &Listed) -> bool {
    one.built_in || config.backends.get(&one.name).is_some_and(|backend| backend.preset.is_some())
}

fn login(config: &Config, root: &Path, one: &Listed) -> Login {
    if !of_vendor(config, one) {
        return Login::Unknown;
    }
    logins::look(one.output, &|name| seen(config, one, name), root)
}

/// Programs that seqorch starts beside the agents.
fn commands(config: &Config, root: &Path) -> Vec<Finding> {
    let mut wanted: Vec<(String, String, bool)> = Vec::new();
    let mut add = |program: Option<&String>, who: String, needed: bool| {
        wanted.extend(program.map(|program| (program.clone(), who, needed)));
    };
    for argv in &config.verify.commands {
        add(argv.first(), "verify.commands".to_owned(), true);
    }
    for (index, one) in config.overrides.iter().enumerate() {
        for argv in one.verify.iter().flatten() {
            add(argv.first(), format!("override[{index}].verify"), true);
        }
    }
    for (event, argv) in &config.hooks.argv {
        let event = serde_json::to_value(event).ok();
        let event = event.as_ref().and_then(|v| v.as_str()).unwrap_or_default();
        add(argv.first(), format!("hooks.{event}"), config.hooks.required);
    }
    let path = std::env::var_os("PATH");
    let cwd = backends::workdir(config, root);
    let missing =
        |program: &str| programs::find_program(OsStr::new(program), path.as_deref(), &cwd).is_none();
    wanted.retain(|(program, ..)| missing(program));
    wanted.dedup();
    wanted
        .into_iter()
        .map(|(program, who, needed)| {
            let text = format!("{who}: there is no program {program}");
            let mend = "Install it, or correct the command.";
            if needed {
                Finding::problem(TOPIC, ErrorKind::Unavailable, text).mend(mend)
            } else {
                Finding::warning(TOPIC, text).mend(mend)
            }
        })
        .collect()
}
