//! The files next to tasks.md that an agent should read first. Each tool that writes specs has its own.

use crate::spec::Dialect;

/// What a tool writes into the folder of a spec.
struct SpecLayout {
    /// The tool always writes one of these.
    marks: &'static [&'static str],
    /// The files to read, in this order.
    files: &'static [InputPattern],
}

enum InputPattern {
    File(&'static str),
    /// All files below a folder (`contracts/`).
    Below(&'static str),
    /// Files with a name, at any depth below a folder (`specs/…/spec.md`).
    Named(&'static str, &'static str),
}

use InputPattern::{Below, File, Named};

/// The layout of Kiro. `research.md` comes from cc-sdd, `bugfix.md` from Kiro's specs for bugs.
const KIRO: SpecLayout = SpecLayout {
    marks: &["requirements.md", "bugfix.md"],
    files: &[File("requirements.md"), File("bugfix.md"), File("design.md"), File("research.md")],
};

const SPEC_KIT: SpecLayout = SpecLayout {
    marks: &["spec.md", "plan.md"],
    files: &[
        File("spec.md"),
        File("plan.md"),
        File("data-model.md"),
        File("research.md"),
        File("quickstart.md"),
        Below("contracts/"),
    ],
};

const OPEN_SPEC: SpecLayout = SpecLayout {
    marks: &["proposal.md"],
    files: &[File("proposal.md"), File("design.md"), Named("specs/", "spec.md")],
};

const ALL: [&SpecLayout; 3] = [&KIRO, &SPEC_KIT, &OPEN_SPEC];

/// Folders of a spec whose files can be inputs. The caller lists no other folders.
pub const FOLDERS: [&str; 2] = ["contracts", "specs"];

/// The files to read before tasks.md, in the order of reading.
///
/// `files` are those of the spec's folder, relative to it, with `/` between folders. The dialect decides whose layout
/// counts, unless the folder has no mark of that layout and has one of another: a team may write `OpenSpec`'s sections in
/// a folder of Kiro.
#[must_use]
pub fn inputs(dialect: Option<Dialect>, files: &[String]) -> Vec<String> {
    let has = |name: &str| files.iter().any(|f| f == name);
    let marked = |layout: &SpecLayout| layout.marks.iter().any(|mark| has(mark));
    let own = match dialect {
        Some(Dialect::Kiro | Dialect::CcSdd) => Some(&KIRO),
        Some(Dialect::SpecKit) => Some(&SPEC_KIT),
        Some(Dialect::OpenSpec) => Some(&OPEN_SPEC),
        _ => None,
    };
    let layouts: Vec<&SpecLayout> =
        match own.filter(|l| marked(l)).or_else(|| ALL.into_iter().find(|l| marked(l))) {
            Some(layout) => vec![layout],
            None => own.map_or_else(|| ALL.to_vec(), |layout| vec![layout]),
        };
    let mut found: Vec<String> = Vec::new();
    for pattern in layouts.iter().flat_map(|layout| layout.files) {
        let mut matching: Vec<&String> =
            files.iter().filter(|f| pattern.matches(f) && !found.contains(f)).collect();
        matching.sort();
        found.extend(matching.into_iter().cloned());
    }
    found
}

impl InputPattern {
    fn matches(&self, file: &str) -> bool {
        match self {
            Self::File(name) => file == *name,
            Self::Below(folder) => file.starts_with(folder),
            Self::Named(folder, name) => file.starts_with(folder) && file.rsplit('/').next() == Some(*name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(dialect: Option<Dialect>, files: &str) -> String {
        let files: Vec<String> = files.split_whitespace().map(str::to_owned).collect();
        inputs(dialect, &files).join(" ")
    }

    #[test]
    fn each_tool_has_its_own_files_and_only_existing_ones_are_picked() {
        let everything = "quickstart.md specs/b/spec.md proposal.md contracts/api.yaml design.md plan.md tasks.md notes.md \
                          requirements.md specs/a/spec.md specs/a/notes.md research.md spec.md contracts/a/b.json data-model.md";
        for (dialect, files, expected) in [
            (Dialect::Kiro, everything, "requirements.md design.md research.md"),
            (Dialect::CcSdd, "design.md requirements.md", "requirements.md design.md"),
            (Dialect::Kiro, "bugfix.md design.md", "bugfix.md design.md"),
            (
                Dialect::SpecKit,
                everything,
                "spec.md plan.md data-model.md research.md quickstart.md contracts/a/b.json contracts/api.yaml",
            ),
            (Dialect::SpecKit, "tasks.md plan.md", "plan.md"),
            (Dialect::OpenSpec, everything, "proposal.md design.md specs/a/spec.md specs/b/spec.md"),
            (Dialect::OpenSpec, "specs/a/spec.md", "specs/a/spec.md"),
            (Dialect::Kiro, "tasks.md", ""),
        ] {
            assert_eq!(picked(Some(dialect), files), expected, "{dialect:?} {files}");
        }
    }

    #[test]
    fn the_files_of_another_tool_beat_the_dialect() {
        assert_eq!(picked(Some(Dialect::OpenSpec), "requirements.md design.md"), "requirements.md design.md");
        assert_eq!(
            picked(Some(Dialect::Kiro), "design.md proposal.md specs/x/spec.md"),
            "proposal.md design.md specs/x/spec.md"
        );
        assert_eq!(
            picked(Some(Dialect::Headings), "plan.md spec.md contracts/x.md"),
            "spec.md plan.md contracts/x.md"
        );
    }

    #[test]
    fn without_a_mark_all_known_files_are_picked_once() {
        assert_eq!(picked(Some(Dialect::Plain), "design.md research.md"), "design.md research.md");
        assert_eq!(picked(None, "design.md"), "design.md");
    }
}
