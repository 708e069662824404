//! The configuration files and the settings in them.

use std::fmt::Write as _;

use super::subject::{DoctorSubject, TrustState};
use crate::error::ErrorKind;
use crate::report::text::plural;
use crate::setup::findings::DoctorFinding;

const TOPIC: &str = "configuration";

pub(super) fn check(subject: &DoctorSubject<'_>) -> Vec<DoctorFinding> {
    let loaded = match subject.loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            let mut finding = DoctorFinding::error(TOPIC, error);
            finding
                .fix
                .get_or_insert_with(|| "Correct it. `seqorch config schema` lists every key.".to_owned());
            return vec![finding];
        }
    };
    let config = &loaded.config;
    let files: Vec<String> = loaded
        .files
        .iter()
        .map(|f| f.strip_prefix(subject.root).unwrap_or(f).display().to_string())
        .collect();
    let mut found = vec![if files.is_empty() {
        DoctorFinding::ok(TOPIC, "no seqorch.toml, so the built-in defaults apply")
            .fix("`seqorch init` writes a first seqorch.toml.")
    } else {
        DoctorFinding::ok(TOPIC, files.join(", "))
    }];
    let workdir = config.run.workdir.as_ref().map(|dir| subject.root.join(dir));
    if let Some(dir) = workdir.filter(|dir| !dir.is_dir()) {
        let text = format!("run.workdir: the folder {} does not exist", dir.display());
        found.push(
            DoctorFinding::problem(TOPIC, ErrorKind::Config, text).fix("Create it, or correct run.workdir."),
        );
    }
    if config.timeout.task.is_zero() && config.timeout.idle.is_zero() {
        let text = "timeout.task and timeout.idle are both off, so a hanging agent is never stopped";
        found.push(DoctorFinding::warning(TOPIC, text).fix("Set at least timeout.idle."));
    }
    found.extend(subject.trust.and_then(trust));
    found
}

/// Lines of settings that are shown.
const SHOWN: usize = 5;

/// Whether a run may use the settings of the project that run programs.
fn trust(state: &TrustState) -> Option<DoctorFinding> {
    if state.settings == 0 {
        return None;
    }
    let TrustState { settings, untrusted } = state;
    if untrusted.is_empty() {
        let text = format!("trusted settings that run programs or reach outside: {settings}");
        return Some(DoctorFinding::ok(TOPIC, text));
    }
    let mut text = format!(
        "not trusted: {} of {} that run programs or reach outside; a run asks, or does not start",
        untrusted.len(),
        plural(*settings, "setting")
    );
    for line in untrusted.iter().take(SHOWN) {
        text.push_str("\n  ");
        text.push_str(line);
    }
    if untrusted.len() > SHOWN {
        let _ = write!(text, "\n  and {} more", untrusted.len() - SHOWN);
    }
    Some(
        DoctorFinding::warning(TOPIC, text)
            .fix("Look at them with `seqorch trust --show`, then `seqorch trust`."),
    )
}
