//! `seqorch notify`: sends a message now.

use std::io::Write;

use clap::Args;
use jiff::Timestamp;

use super::global::{Global, output};
use super::project::Project;
use super::trust::{TrustFlag, required};
use crate::agent::redact::Redactor;
use crate::error::{Error, ErrorKind, Result};
use crate::notify::address::{Addresses, Tried};
use crate::notify::delivery::send;
use crate::notify::message::{MessageEvent, MessageFrame};
use crate::report::text::sanitise_line;
use crate::sys::variables::text_variables;

#[derive(Debug, Args)]
#[command(
    after_help = "A run sends a message for each thing that needs you, and one when it ends. Where they go: `[notify]` in \
                  ~/.config/seqorch/config.toml (yours) or seqorch.toml (the team's); see `seqorch config explain notify`.\n\
                  Exit codes: 0 delivered by every way that is set, 69 not by every one, 78 no way is set."
)]
pub(super) struct NotifyArgs {
    /// What the message says.
    #[arg(default_value = "a test: messages arrive here")]
    text: String,
    #[command(flatten)]
    trust: TrustFlag,
}

pub(super) fn notify(global: &Global, args: &NotifyArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), None)?;
    let notify = &project.loaded.config.notify;
    if notify.is_off() {
        return Err(Error::new(ErrorKind::Config, "no message goes anywhere: [notify] is not set").hint(
            "Set notify.ntfy, notify.webhook or notify.desktop; `seqorch config explain notify` says how.",
        ));
    }
    required(&project, &project.root, args.trust)?;
    let frame = MessageFrame {
        at: Timestamp::now(),
        project: &project.root.file_name().unwrap_or_default().to_string_lossy(),
        spec: "",
        typed: "",
        spent: None,
        page: notify.page.as_deref(),
        redactor: &Redactor::new(text_variables()),
    };
    let message = frame.empty(MessageEvent::Test, &args.text);
    let addresses = Addresses::from(notify);
    let mut out = output();
    let mut code = 0;
    for channel in addresses.channels() {
        let name = channel.name();
        let line = match send(&addresses, channel, &message, &project.root) {
            Tried::Delivered => format!("notify.{name}: delivered"),
            Tried::Failed(why) | Tried::Refused(why) => {
                code = ErrorKind::Unavailable.exit_code();
                format!("notify.{name}: not delivered: {}", sanitise_line(&why))
            }
        };
        let _ = writeln!(out, "{line}");
    }
    Ok(code)
}
