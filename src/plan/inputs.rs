//! Which files beside tasks.md an agent should read first: the ones that the tool which wrote the spec keeps there.

use crate::spec::Dialect;

/// What a tool writes into the folder of a spec.
struct Layout {
    /// One of these is there wherever the tool was at work.
    marks: &'static [&'static str],
    /// What to read, in this order: a file, all files below a folder (`contracts/`), or those of one name (`specs/…/spec.md`).
    files: &'static [Pattern],
}

enum Pattern {
    File(&'static str),
    /// All files below a folder.
    Below(&'static str),
    /// Files of a name at any depth below a folder.
    Named(&'static str, &'static str),
}

use Pattern::{Below, File, Named};

/// Kiro's; `research.md` is of cc-sdd, `bugfix.md` of Kiro's specs for bugs.
const KIRO: Layout = Layout {
    marks: &["requirements.md", "bugfix.md"],
    files: &[File("requirements.md"), File("bugfix.md"), File("design.md"), File("research.md")],
};

const SPEC_KIT: Layout = Layout {
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

const OPEN_SPEC: Layout = Layout {
    marks: &["proposal.md"],
    files: &[File("proposal.md"), File("design.md"), Named("specs/", "spec.md")],
};

const ALL: [&Layout; 3] = [&KIRO, &SPEC_KIT, &OPEN_SPEC];

/// Folders of a spec whose files can be inputs; nothing else needs to be listed.
pub const FOLDERS: [&str; 2] = ["contracts", "specs"];

/// The files to read before tasks.md, in a sensible order.
///
/// `files` are those of the spec's folder, relative to it, with `/` between folders. The dialect says whose layout it is,
/// unless nothing of that layout is there and the folder itself says whose it is: a team may well keep `OpenSpec`'s
/// sections in a folder of Kiro.
#[must_use]
pub fn inputs(dialect: Option<Dialect>, files: &[String]) -> Vec<String> {
    let has = |name: &str| files.iter().any(|f| f == name);
    let marked = |layout: &Layout| layout.marks.iter().any(|mark| has(mark));
    let own = match dialect {
        Some(Dialect::Kiro | Dialect::CcSdd) => Some(&KIRO),
        Some(Dialect::SpecKit) => Some(&SPEC_KIT),
        Some(Dialect::OpenSpec) => Some(&OPEN_SPEC),
        _ => None,
    };
    let layouts: Vec<&Layout> =
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

impl Pattern {
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

    fn told(dialect: Option<Dialect>, files: &str) -> String {
        let files: Vec<String> = files.split_whitespace().map(str::to_owned).collect();
        inputs(dialect, &files).join(" ")
    }

    #[test]
    fn each_tool_has_its_own_files_and_only_those_that_exist_are_told() {
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
            assert_eq!(told(Some(dialect), files), expected, "{dialect:?} {files}");
        }
    }

    #[test]
    fn a_folder_that_clearly_is_of_another_tool_says_more_than_the_shape_of_the_boxes() {
        assert_eq!(told(Some(Dialect::OpenSpec), "requirements.md design.md"), "requirements.md design.md");
        assert_eq!(
            told(Some(Dialect::Kiro), "design.md proposal.md specs/x/spec.md"),
            "proposal.md design.md specs/x/spec.md"
        );
        assert_eq!(
            told(Some(Dialect::Headings), "plan.md spec.md contracts/x.md"),
            "spec.md plan.md contracts/x.md"
        );
    }

    #[test]
    fn without_any_sign_whatever_is_there_is_told_once() {
        assert_eq!(told(Some(Dialect::Plain), "design.md research.md"), "design.md research.md");
        assert_eq!(told(None, "design.md"), "design.md");
    }
}
