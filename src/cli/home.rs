//! `seqorch` without a verb: where things stand, and what to do next.

use std::io::{self, Write};

use super::global::{Global, stdout};
use super::overview::{Overview, SpecLook, Urgency};
use super::project::Project;
use crate::error::Result;
use crate::project::discovery::FoundSpec;
use crate::project::task_lists;
use crate::report::text::{sanitise_line, shell_word};
use crate::report::theme::{BOLD, DIM, paint};
use crate::report::view::Standing;

pub(super) fn home(global: &Global) -> Result<u8> {
    let project = Project::open_to_look(global, None)?;
    let mut out = stdout();
    let specs = specs(&project)?;
    // a reader that is gone is a normal end
    let _ = if specs.is_empty() {
        begin(&mut out, &project)
    } else {
        let overview = Overview::of(&project, specs);
        let first = overview.first();
        let shown = overview.write(&mut out, first.filter(|_| overview.specs.len() > 1), usize::MAX);
        let next = next(&project, first.unwrap_or(&overview.specs[0]));
        shown.and_then(|()| writeln!(out)).and_then(|()| steps(&mut out, &next))
    };
    Ok(0)
}

/// The specs of the project; only the one of the folder where the user works, if that is a spec.
fn specs(project: &Project) -> Result<Vec<FoundSpec>> {
    if !project.works_in_a_spec() {
        return Ok(project.specs());
    }
    let dir = project.spec(None)?;
    let shown = dir.strip_prefix(&project.root).unwrap_or(&dir).display().to_string();
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(vec![FoundSpec { name, dir, shown }])
}

/// What to do next about a spec: commands, and what each is for.
fn next(project: &Project, look: &SpecLook) -> Vec<(String, &'static str)> {
    let spec = sanitise_line(&shell_word(&look.typed));
    let run = |rest: &str| format!("seqorch run {spec}{rest}");
    let plan = || (format!("seqorch plan {spec} --dry-run"), "show what would run");
    let Some(standing) = look.standing else { return vec![(plan().0, "show what is wrong in it")] };
    match standing {
        Standing::Running => vec![(format!("seqorch status {spec} --watch"), "watch it")],
        Standing::Orphaned => vec![(run(" --retry"), "take its agent over")],
        _ if look.command.is_some() => {
            let command = look.command.clone().unwrap_or_default();
            vec![
                (format!("seqorch status {spec}"), "show what it needs"),
                (sanitise_line(&command), "resolve it and continue"),
            ]
        }
        Standing::Complete | Standing::CommitsLost if look.urgency == Urgency::Rests => {
            vec![(format!("seqorch status {spec}"), "show its tasks; all are done")]
        }
        Standing::Complete | Standing::CommitsLost => {
            vec![(format!("seqorch report {spec}"), "read what the last run did")]
        }
        _ if look.urgency == Urgency::Waits => vec![(run(" --retry"), "continue it")],
        _ if look.urgency == Urgency::Ran => vec![(run(""), "run what is left")],
        _ => init(project).into_iter().chain([plan(), (run(""), "run it")]).collect(),
    }
}

/// Writes the commands, each with what it is for.
fn steps(out: &mut dyn Write, steps: &[(String, &'static str)]) -> io::Result<()> {
    let more = ("seqorch --help".to_owned(), "list all commands");
    let longest = steps.iter().chain([&more]).map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    let all = steps.iter().map(|step| (step, "Next:")).chain([(&more, "More:")]);
    let mut before = "";
    for ((command, what), lead) in all {
        let shown = if lead == before { "" } else { lead };
        before = lead;
        let gap = " ".repeat(longest - command.chars().count());
        writeln!(out, "{shown:5} {}{gap}  {}", paint(BOLD, command), paint(DIM, what))?;
    }
    Ok(())
}

/// Writes how to begin in a project that has no spec.
fn begin(out: &mut dyn Write, project: &Project) -> io::Result<()> {
    let root = sanitise_line(&project.root.display().to_string());
    writeln!(out, "There is no spec in {root} yet. A spec is a list of tasks in a file.\n")?;
    let lists = task_lists::in_folder(&project.cwd);
    if let Some(list) = lists.first() {
        let list = list.strip_prefix(&project.cwd).unwrap_or(list).display().to_string();
        let list = sanitise_line(&shell_word(&list));
        writeln!(out, "{list} lists tasks, and any such file can be run:\n")?;
        let run = [
            (format!("seqorch plan {list} --dry-run"), "show what would run"),
            (format!("seqorch run {list}"), "run it"),
        ];
        return steps(out, &init(project).into_iter().chain(run).collect::<Vec<_>>());
    }
    let folder = sanitise_line(&project.loaded.config.run.spec_root.display().to_string());
    writeln!(out, "Write one, for example {}:\n", paint(BOLD, &format!("{folder}/first/tasks.md")))?;
    writeln!(out, "    # First\n\n    - [ ] 1. Add a greeting to the README\n    - [ ] 2. Test it\n")?;
    let run = [
        ("seqorch plan first --dry-run".to_owned(), "show what would run"),
        ("seqorch run first".to_owned(), "run it"),
        ("seqorch help specs".to_owned(), "which files and forms are read"),
    ];
    steps(out, &init(project).into_iter().chain(run).collect::<Vec<_>>())
}

/// The step that comes first in a project without a configuration of its own.
fn init(project: &Project) -> Option<(String, &'static str)> {
    let begin = || ("seqorch init".to_owned(), "write a seqorch.toml that fits the project");
    let has_file = project.loaded.files.iter().any(|file| file.starts_with(&project.root));
    (!has_file).then(begin)
}
