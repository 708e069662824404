//! The agents that a run would start: their programs, versions, logins and sandboxes.

use std::path::Path;

use super::subject::DoctorSubject;
use crate::agent::Format;
use crate::config::{Backend, Config, UnknownUsage, preset};
use crate::error::{ErrorKind, Result};
use crate::plan::budget::{BUDGET_REMEDY, UncountedBudget, uncounted_of};
use crate::sandbox::environment::IN_SANDBOX;
use crate::setup::backend_list::{self, BackendStatus};
use crate::setup::findings::DoctorFinding;
use crate::setup::logins::{LoginSign, agent_variable, find_login};
use crate::setup::probe::{self, ProbeAnswer, ProbeCommand};
use crate::sys::paths::leads_out;
use crate::sys::programs;

const TOPIC: &str = "agents";

/// The key that is billed by use, for CLIs that also log in with a subscription.
const PLAN_KEYS: [(&str, &str, &str); 3] = [
    ("claude", "ANTHROPIC_API_KEY", "a Claude plan"),
    ("codex", "CODEX_API_KEY", "a ChatGPT plan"),
    ("gemini", "GEMINI_API_KEY", "a Google account"),
];

/// Whether the CLI is logged in with a subscription, too.
fn has_subscription(cli: &str, backend: &Backend) -> bool {
    let variable = |name: &str| agent_variable(backend, name).filter(|value| !value.trim().is_empty());
    let Some(home) = variable("HOME").map(std::path::PathBuf::from) else { return false };
    let folder = |name: &str, below: &str| variable(name).map_or_else(|| home.join(below), Into::into);
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    match cli {
        "claude" => {
            let own = folder("CLAUDE_CONFIG_DIR", ".claude");
            let account =
                variable("CLAUDE_CONFIG_DIR").map_or_else(|| home.clone(), Into::into).join(".claude.json");
            variable("CLAUDE_CODE_OAUTH_TOKEN").is_some()
                || read(own.join(".credentials.json")).contains("claudeAiOauth")
                || read(account).contains("\"oauthAccount\"")
        }
        "codex" => read(folder("CODEX_HOME", ".codex").join("auth.json")).contains("\"tokens\""),
        "gemini" => read(home.join(".gemini/oauth_creds.json")).contains("token"),
        _ => false,
    }
}

/// A backend that a run may use.
struct UsedBackend<'a> {
    subject: &'a DoctorSubject<'a>,
    config: &'a Config,
    status: &'a BackendStatus,
    backend: &'a Backend,
}

pub(super) fn check(subject: &DoctorSubject<'_>) -> Result<Vec<DoctorFinding>> {
    let Ok(loaded) = subject.loaded else { return Ok(Vec::new()) };
    let statuses = backend_list::list(loaded, subject.root, |used_by| !used_by.is_empty())?;
    let config = &loaded.config;
    let used = statuses.iter().filter_map(|status| {
        let backend = config.backends.get(&status.name)?;
        Some(UsedBackend { subject, config, status, backend })
    });
    Ok(used.flat_map(|used| used.check()).collect())
}

impl UsedBackend<'_> {
    fn check(&self) -> Vec<DoctorFinding> {
        let (Some(path), Some(answer)) = (&self.status.path, &self.status.version) else {
            return vec![self.not_found()];
        };
        let (name, users) = (&self.status.name, self.status.used_by.join(", "));
        let path = path.display();
        let login = self.login();
        let shown_login = match &login {
            LoginSign::Found(place) => format!(", login: {place}"),
            LoginSign::NotFound(_) | LoginSign::Unknown => String::new(),
        };
        let ok =
            |program: &str| DoctorFinding::ok(TOPIC, format!("{program}, {path}{shown_login} ({users})"));
        let mut found = vec![match answer {
            ProbeAnswer::Ok { version } => ok(&format!("{name} {version}")),
            ProbeAnswer::Failed { why } if why.starts_with("exit code 127") => {
                let text = format!("{name} ({users}): {path} cannot be started ({why})");
                let finding = DoctorFinding::problem(TOPIC, ErrorKind::Unavailable, text);
                return vec![finding.fix("Reinstall it, or run it by hand to see what is wrong.")];
            }
            // the user's own script need not know --version
            ProbeAnswer::Failed { .. } if self.status.output == Format::Text => ok(name),
            ProbeAnswer::NotRun => ok(&format!("{name} (a program of the project, not run)")),
            answer => {
                let text = format!("{name} ({users}): `{path} --version` failed: {}", answer.shown());
                DoctorFinding::warning(TOPIC, text).fix("Run it by hand to see what is wrong.")
            }
        }];
        found.extend(self.check_version(answer));
        if let LoginSign::NotFound(fix) = login {
            found.push(DoctorFinding::warning(TOPIC, format!("{name}: no login found")).fix(fix));
        }
        found.extend(self.check_billing());
        found.extend(self.check_accounts());
        found.extend(self.check_sandbox());
        found.extend(self.check_bypass());
        found.extend(self.check_budgets());
        found
    }

    fn not_found(&self) -> DoctorFinding {
        let BackendStatus { name, command, used_by, .. } = self.status;
        let place = if command.contains('/') { "does not exist" } else { "is not in PATH" };
        let text = format!("{name} ({}): {command} {place} or is not executable", used_by.join(", "));
        let all = self.config.backends.iter();
        let installed: Vec<&str> = all
            .filter(|(_, backend)| programs::find_in_path(&backend.command, self.subject.root).is_some())
            .map(|(name, _)| name.as_str())
            .collect();
        let others = match installed.as_slice() {
            [] => String::new(),
            names => format!(" (installed: {})", names.join(", ")),
        };
        DoctorFinding::problem(TOPIC, ErrorKind::Unavailable, text)
            .fix(format!("Install it, set backend.{name}.command, or use another backend{others}."))
    }

    /// Whether its program is the vendor's own. Only that one has the vendor's login and versions; a script of the user's
    /// that prints the same format need not.
    fn is_vendors_own(&self) -> bool {
        self.status.built_in || self.backend.preset.is_some()
    }

    /// Whether a key makes calls that a login with a subscription would not be billed for.
    fn check_billing(&self) -> Option<DoctorFinding> {
        let cli = self.backend.preset.as_deref().unwrap_or(self.status.name.as_str());
        let (key, plan) =
            PLAN_KEYS.iter().find(|(name, ..)| *name == cli).map(|(_, key, plan)| (*key, *plan))?;
        if !self.is_vendors_own() {
            return None;
        }
        // the CLI reads the .env of its folder itself
        let files = [".env", ".gemini/.env"].map(|name| self.subject.root.join(name));
        let names_key = |path: &&std::path::PathBuf| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            text.lines()
                .any(|line| line.trim_start().trim_start_matches("export ").starts_with(&format!("{key}=")))
        };
        let place = match agent_variable(self.backend, key).filter(|value| !value.trim().is_empty()) {
            Some(_) => format!("the variable {key}"),
            None if cli == "gemini" => format!("{key} in {}", files.iter().find(names_key)?.display()),
            None => return None,
        };
        has_subscription(cli, self.backend).then(|| {
            let name = &self.status.name;
            let text = format!("{name}: {place} is billed by use, although there is a login with {plan}");
            let fix = format!("Add {key} to backend.{name}.env_remove, unless you want that.");
            DoctorFinding::warning(TOPIC, text).fix(fix)
        })
    }

    /// What Google changed for the accounts of Gemini CLI.
    fn check_accounts(&self) -> Option<DoctorFinding> {
        let keys = ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"];
        let has_key = keys.iter().any(|key| agent_variable(self.backend, key).is_some());
        let name = &self.status.name;
        let is_gemini = match Path::new(&self.backend.command).file_name() {
            // a backend of one's own may start the same CLI
            Some(program) if program == "gemini" => true,
            _ => self.is_vendors_own() && self.backend.preset.as_deref().unwrap_or(name) == "gemini",
        };
        (is_gemini && !has_key).then(|| {
            let text = format!(
                "{name}: Gemini CLI serves no free, Pro or Ultra accounts since 2026-06-18; its successor for them is \
                 Antigravity's `agy`"
            );
            DoctorFinding::warning(TOPIC, text).fix("Set GEMINI_API_KEY, or use another backend.")
        })
    }

    fn login(&self) -> LoginSign {
        if self.is_vendors_own() { find_login(self.backend, self.subject.root) } else { LoginSign::Unknown }
    }

    fn check_version(&self, answer: &ProbeAnswer) -> Option<DoctorFinding> {
        let ProbeAnswer::Ok { version } = answer else { return None };
        let cli = self.backend.preset.as_deref().unwrap_or(self.status.name.as_str());
        let tested = preset(cli)?.tested?;
        if !self.is_vendors_own() || major_and_minor(version)? >= major_and_minor(tested)? {
            return None;
        }
        let name = &self.status.name;
        let text = format!("{name} {version} is older than {tested}, which seqorch is tested with");
        Some(DoctorFinding::warning(TOPIC, text).fix("Update it."))
    }

    /// What Claude's own sandbox needs, if its arguments turn that sandbox on. On macOS the system has all of it.
    fn check_sandbox(&self) -> Option<DoctorFinding> {
        let name = &self.status.name;
        let is_on = self.status.output == Format::Claude
            && self.backend.permission_args().iter().any(|arg| arg.contains("\"sandbox\""));
        if !is_on || !cfg!(target_os = "linux") {
            return None;
        }
        let cwd = backend_list::workdir(self.config, self.subject.root);
        let root = self.subject.root;
        let find = |program: &str| programs::find_in_path(program, &cwd).filter(|path| leads_out(root, path));
        let missing: Vec<_> =
            ["bwrap", "socat"].into_iter().filter(|program| find(program).is_none()).collect();
        let Some(bwrap) = find("bwrap").filter(|_| missing.is_empty()) else {
            let missing = missing.join(" and ");
            let text = format!("{name}: its sandbox needs {missing}; without it, it refuses most commands");
            let fix = "Install bubblewrap and socat with your package manager.";
            return Some(DoctorFinding::warning(TOPIC, text).fix(fix));
        };
        let why = bwrap_failure(bwrap)?;
        let text =
            format!("{name}: its sandbox needs bwrap, which fails here ({why}); it refuses most commands");
        Some(DoctorFinding::warning(TOPIC, text).fix(format!(
            "Allow unprivileged user namespaces. In a container, set backend.{name}.permission = \"bypass\" instead."
        )))
    }

    /// Budgets that do not count what it uses, each by the name of its key.
    fn check_budgets(&self) -> Vec<DoctorFinding> {
        let found = uncounted_of(self.config, &self.status.name, self.backend.model.as_deref());
        let finding = |one: &UncountedBudget| match self.config.pace.unknown_usage {
            UnknownUsage::Refuse => {
                DoctorFinding::problem(TOPIC, ErrorKind::Config, one.to_string()).fix(BUDGET_REMEDY)
            }
            UnknownUsage::Allow => DoctorFinding::warning(TOPIC, one.to_string()).fix(BUDGET_REMEDY),
        };
        found.iter().map(finding).collect()
    }

    fn check_bypass(&self) -> Option<DoctorFinding> {
        let refused = self.status.output == Format::Claude
            && self.status.permission == "bypass"
            && rustix::process::geteuid().is_root()
            && !self.config.sandbox.is_on()
            && agent_variable(self.backend, IN_SANDBOX).is_none();
        let name = &self.status.name;
        refused.then(|| {
            let text = format!("{name} refuses permission = \"bypass\" for root");
            DoctorFinding::problem(TOPIC, ErrorKind::Config, text).fix(format!(
                "Run seqorch as another user. In a container, set backend.{name}.env.IS_SANDBOX = \"1\" instead."
            ))
        })
    }
}

/// Why bwrap cannot make a sandbox; `None` if it can. It is often installed where a container or the system forbids it.
fn bwrap_failure(bwrap: std::path::PathBuf) -> Option<String> {
    let args = "--unshare-user --unshare-pid --ro-bind / / --proc /proc --dev /dev echo works";
    let command = ProbeCommand {
        program: bwrap,
        args: args.split(' ').map(str::to_owned).collect(),
        cwd: "/".into(),
        env: Vec::new(),
        env_remove: Vec::new(),
    };
    match probe::run_probes(&[command], probe::DEADLINE).ok()?.pop()? {
        ProbeAnswer::Ok { .. } => None,
        answer => Some(answer.shown()),
    }
}

fn major_and_minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', '-', '+']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
