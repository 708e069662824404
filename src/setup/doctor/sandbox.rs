//! Whether the sandbox of the configuration works here.

use std::ffi::OsString;

use super::subject::DoctorSubject;
use crate::config::SandboxMode;
use crate::error::ErrorKind;
use crate::project::sandbox_ground::SandboxGround;
use crate::sandbox::check;
use crate::setup::backend_list;
use crate::setup::findings::DoctorFinding;

const TOPIC: &str = "sandbox";

pub(super) fn check(subject: &DoctorSubject<'_>) -> Option<DoctorFinding> {
    let config = &subject.loaded.ok()?.config;
    let mode = config.sandbox.mode;
    if mode == SandboxMode::Off {
        return None;
    }
    let cwd = backend_list::workdir(config, subject.root);
    let env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let ground = SandboxGround::of(subject.root, &cwd);
    let backend = &config.run.backend;
    let program = config.backends.get(backend).map(|backend| backend.command.as_str());
    let programs: Vec<&str> = program.into_iter().collect();
    let name = mode.name();
    Some(match check::check(&ground.subject(config, backend, &env), &programs, true) {
        Ok(()) => {
            let text = match mode {
                SandboxMode::Bwrap => format!("{name} works, with {backend} in it"),
                SandboxMode::Command => format!("{name}: its program is there; a run tries it"),
                _ => format!("{name} works, and its image is there; a run tries it"),
            };
            DoctorFinding::ok(TOPIC, text)
        }
        Err(trouble) => DoctorFinding::problem(TOPIC, ErrorKind::Unavailable, trouble.what).fix(trouble.fix),
    })
}
