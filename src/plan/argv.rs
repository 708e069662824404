//! The command line of an agent, with the placeholders of its backend filled in.

use std::path::Path;

use super::request::SpecInfo;
use crate::config::{Backend, PromptBy};

/// The values for the placeholders.
#[derive(Clone, Copy)]
pub(super) struct ArgvValues<'a> {
    pub(super) model: Option<&'a str>,
    pub(super) agent: Option<&'a str>,
    pub(super) cwd: &'a Path,
    pub(super) spec: SpecInfo<'a>,
}

/// Program and arguments without the prompt, which the dispatch fills in. With `resumes` they resume the session
/// `{session}`; else they may begin the session `{new_session}`.
pub(super) fn argv(backend: &Backend, given: ArgvValues<'_>, resumes: bool) -> Vec<String> {
    let (workdir, spec_dir) = (given.cwd.to_string_lossy(), given.spec.dir.to_string_lossy());
    let values = [
        ("{model}", given.model.unwrap_or("")),
        ("{agent}", given.agent.unwrap_or("")),
        ("{workdir}", &*workdir),
        ("{spec_dir}", &*spec_dir),
    ];
    let (resume, begin) = if resumes {
        (backend.resume_args(), Vec::new())
    } else {
        (Vec::new(), backend.session_args.clone())
    };
    let has = |placeholder: &str| backend.args.iter().any(|arg| arg == placeholder);
    let begin_here = if has("{session_args}") { "{session_args}" } else { "{resume}" };
    let mut argv = vec![program(&backend.command, given.spec.root)];
    for arg in &backend.args {
        let several = match arg.as_str() {
            "{model_args}" => given.model.map_or(&[][..], |_| &backend.model_args),
            "{agent_args}" => given.agent.map_or(&[][..], |_| &backend.agent_args),
            "{permission_args}" => backend.permission_args(),
            "{input_args}" if backend.live_input => &backend.input_args,
            "{input_args}" => &[],
            place if !begin.is_empty() && place == begin_here => &begin,
            "{resume}" => &resume,
            "{session_args}" => &[],
            _ => std::slice::from_ref(arg),
        };
        argv.extend(several.iter().map(|arg| fill(arg, &values)));
    }
    if !has("{resume}") {
        let begin = if has(begin_here) { &[][..] } else { &begin };
        argv.extend(resume.iter().chain(begin).map(|arg| fill(arg, &values)));
    }
    let prompt = match backend.prompt {
        PromptBy::Stdin => return argv,
        PromptBy::Arg => "{prompt}",
        PromptBy::File => "{prompt_file}",
    };
    if !backend.args.iter().any(|arg| arg.contains(prompt)) {
        argv.push(prompt.to_owned());
    }
    argv
}

/// Program and arguments that open a session of the agent for a person in a terminal; `None`: it cannot.
#[must_use]
pub fn talk_argv(backend: &Backend, model: Option<&str>, root: &Path, session: &str) -> Option<Vec<String>> {
    let model = model.or(backend.model.as_deref());
    let agent = backend.agent.as_deref();
    let values = [("{model}", model.unwrap_or("")), ("{agent}", agent.unwrap_or("")), ("{session}", session)];
    let mut argv = vec![program(&backend.command, root)];
    for arg in &backend.talk_args {
        let several = match arg.as_str() {
            "{model_args}" => model.map_or(&[][..], |_| &backend.model_args),
            "{agent_args}" => agent.map_or(&[][..], |_| &backend.agent_args),
            _ => std::slice::from_ref(arg),
        };
        argv.extend(several.iter().map(|arg| fill(arg, &values)));
    }
    (!backend.talk_args.is_empty()).then_some(argv)
}

/// A path is relative to the project root; a plain name is looked up in PATH.
fn program(command: &str, root: &Path) -> String {
    if command.contains('/') { root.join(command).to_string_lossy().into_owned() } else { command.to_owned() }
}

/// Replaces placeholders by their values, once: a placeholder inside a value stays.
#[must_use]
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((name, value)) = values.iter().find(|(name, _)| rest.starts_with(name)) {
            out.push_str(value);
            rest = &rest[name.len()..];
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::backend;

    fn spec() -> SpecInfo<'static> {
        SpecInfo {
            name: "demo",
            dir: Path::new("/project/.kiro/specs/demo"),
            tasks_path: Path::new("/project/.kiro/specs/demo/tasks.md"),
            root: Path::new("/project"),
            inputs: &[],
        }
    }

    fn values_of(agent: &Backend) -> ArgvValues<'_> {
        let (model, name) = (agent.model.as_deref(), agent.agent.as_deref());
        ArgvValues { model, agent: name, cwd: Path::new("/project"), spec: spec() }
    }

    fn argv_of(agent: &Backend) -> Vec<String> {
        argv(agent, values_of(agent), false)
    }

    #[test]
    fn a_session_is_opened_for_a_person_with_the_model_of_the_attempt() {
        let mut agent = backend("tools/agent", &[]);
        let argv = |agent: &Backend, model| talk_argv(agent, model, Path::new("/project"), "s1");
        assert_eq!(argv(&agent, None), None);
        agent.talk_args =
            ["--resume", "{session}", "{model_args}", "{agent_args}"].map(String::from).to_vec();
        agent.model_args = ["-m", "{model}"].map(String::from).to_vec();
        assert_eq!(argv(&agent, None).unwrap(), ["/project/tools/agent", "--resume", "s1"]);
        assert_eq!(argv(&agent, Some("m")).unwrap()[3..], ["-m", "m"]);
    }

    #[test]
    fn arguments_for_open_input_are_there_only_with_it() {
        let mut agent = backend("agent", &["-p", "{input_args}"]);
        agent.input_args = ["--input-format", "stream-json"].map(String::from).to_vec();
        assert_eq!(argv_of(&agent)[1..], ["-p"]);
        agent.live_input = true;
        assert_eq!(argv_of(&agent)[1..], ["-p", "--input-format", "stream-json"]);
    }

    #[test]
    fn folders_and_model_are_filled_in_once_and_the_prompt_stays() {
        let mut agent =
            backend("agent", &["--model={model}", "-C", "{workdir}", "{spec_dir}/x", "{prompt}", "{other}"]);
        agent.model = Some("{workdir}".into());
        agent.prompt = PromptBy::Arg;
        assert_eq!(
            argv_of(&agent),
            [
                "agent",
                "--model={workdir}",
                "-C",
                "/project",
                "/project/.kiro/specs/demo/x",
                "{prompt}",
                "{other}"
            ]
        );
    }

    #[test]
    fn model_args_appear_only_if_a_model_is_set() {
        let mut agent = backend("agent", &["run", "{model_args}", "-q"]);
        agent.model_args = vec!["-m".into(), "{model}".into()];
        assert_eq!(argv_of(&agent), ["agent", "run", "-q"]);
        agent.model = Some("big".into());
        assert_eq!(argv_of(&agent), ["agent", "run", "-m", "big", "-q"]);
    }

    #[test]
    fn a_prompt_without_a_placeholder_comes_last() {
        let mut agent = backend("agent", &["-x"]);
        agent.prompt = PromptBy::Arg;
        assert_eq!(argv_of(&agent), ["agent", "-x", "{prompt}"]);
        agent.prompt = PromptBy::File;
        assert_eq!(argv_of(&agent), ["agent", "-x", "{prompt_file}"]);
        agent.args = vec!["--file={prompt_file}".into()];
        assert_eq!(argv_of(&agent), ["agent", "--file={prompt_file}"]);
    }

    #[test]
    fn a_command_with_a_slash_is_a_path_below_the_root() {
        assert_eq!(argv_of(&backend("tools/agent.sh", &[])), ["/project/tools/agent.sh"]);
        assert_eq!(argv_of(&backend("/opt/agent", &[])), ["/opt/agent"]);
    }

    #[test]
    fn resume_arguments_replace_their_placeholder_or_come_last() {
        let mut agent = backend("agent", &["exec", "{resume}", "-"]);
        agent.resume = vec!["resume".into(), "{session}".into()];
        assert_eq!(argv_of(&agent), ["agent", "exec", "-"]);
        assert_eq!(argv(&agent, values_of(&agent), true), ["agent", "exec", "resume", "{session}", "-"]);
        agent.args.remove(1);
        assert_eq!(argv(&agent, values_of(&agent), true), ["agent", "exec", "-", "resume", "{session}"]);
    }

    #[test]
    fn a_session_is_begun_with_an_id_and_resumed_with_it() {
        let mut agent = backend("agent", &["exec", "{resume}", "-"]);
        agent.session_args = vec!["--session-id".into(), "{new_session}".into()];
        assert_eq!(argv_of(&agent), ["agent", "exec", "--session-id", "{new_session}", "-"]);
        let resumed = |agent: &Backend| argv(agent, values_of(agent), true);
        assert_eq!(resumed(&agent), ["agent", "exec", "--session-id", "{session}", "-"]);
        agent.resume = vec!["--resume={session}".into()];
        assert_eq!(resumed(&agent), ["agent", "exec", "--resume={session}", "-"]);
        agent.args = vec!["{session_args}".into(), "exec".into()];
        assert_eq!(argv_of(&agent), ["agent", "--session-id", "{new_session}", "exec"]);
        assert_eq!(resumed(&agent), ["agent", "exec", "--resume={session}"]);
        agent.args.remove(0);
        assert_eq!(argv_of(&agent), ["agent", "exec", "--session-id", "{new_session}"]);
    }

    #[test]
    fn permission_and_agent_become_arguments() {
        let mut agent = backend("agent", &["{permission_args}", "{agent_args}", "-q"]);
        agent.permission_args.auto = vec!["--mode".into(), "safe".into()];
        agent.agent_args = vec!["--agent".into(), "{agent}".into()];
        assert_eq!(argv_of(&agent), ["agent", "--mode", "safe", "-q"]);
        agent.agent = Some("gawain".into());
        assert_eq!(argv_of(&agent), ["agent", "--mode", "safe", "--agent", "gawain", "-q"]);
    }
}
