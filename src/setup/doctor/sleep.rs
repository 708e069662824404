//! Whether a run can keep the machine awake.

use super::subject::DoctorSubject;
use crate::report::text::sanitise_line;
use crate::setup::findings::DoctorFinding;
use crate::sys::awake;

const TOPIC: &str = "sleep";

pub(super) fn check(subject: &DoctorSubject<'_>) -> Vec<DoctorFinding> {
    let wanted = subject.loaded.ok().is_none_or(|loaded| loaded.config.run.keep_awake);
    let text = match awake::guard(subject.root) {
        _ if !wanted => "run.keep_awake is false: a run does not keep the machine awake".to_owned(),
        Some((program, args)) => {
            let shown = program.display();
            match awake::try_guard(&program, args) {
                Ok(()) => format!("a run keeps the machine awake with {shown}"),
                Err(why) => format!("{shown} keeps no machine awake here: {}", sanitise_line(&why)),
            }
        }
        None => "nothing here keeps a machine awake (systemd-inhibit, caffeinate)".to_owned(),
    };
    vec![DoctorFinding::ok(TOPIC, text)]
}
