//! PURE. The addresses of the pages. A part of an address is compared with what is known, and never a path of a file.

use super::form::path_part;
use crate::report::web_path::{escape, spec_path};

/// What an address leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum PageAddress {
    /// All specs.
    Overview,
    /// Where a spec stands.
    Spec(String),
    /// A task of a spec.
    Task(String, String),
    /// The report of a spec.
    Report(String),
    /// Where the forms of a spec are sent.
    Act(String),
    /// What changes on a page.
    Events(Box<PageAddress>),
    /// A file of the page itself.
    File(PageFile),
}

/// A file that each page uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum PageFile {
    Style,
    Script,
    Icon,
    SmallIcon,
    LargeIcon,
    Manifest,
}

impl PageAddress {
    /// Reads a path; `None` where it leads to nothing.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        Some(match parts.as_slice() {
            [""] => Self::Overview,
            ["spec", spec] => Self::Spec(path_part(spec)?),
            ["spec", spec, "task", task] => Self::Task(path_part(spec)?, path_part(task)?),
            ["spec", spec, "report"] => Self::Report(path_part(spec)?),
            ["spec", spec, "act"] => Self::Act(path_part(spec)?),
            // an address of events has a page behind it, and not again events
            ["events", first, ..] if *first != "events" => {
                let page = Self::parse(path.strip_prefix("/events")?)?;
                match page {
                    Self::Overview | Self::Spec(_) | Self::Task(..) => Self::Events(Box::new(page)),
                    _ => return None,
                }
            }
            ["style.css"] => Self::File(PageFile::Style),
            ["page.js"] => Self::File(PageFile::Script),
            ["icon.svg"] => Self::File(PageFile::Icon),
            ["icon-192.png"] => Self::File(PageFile::SmallIcon),
            ["icon-512.png"] => Self::File(PageFile::LargeIcon),
            ["manifest.webmanifest"] => Self::File(PageFile::Manifest),
            _ => return None,
        })
    }

    /// Whether forms are sent there.
    pub(super) fn takes_forms(&self) -> bool {
        matches!(self, Self::Act(_))
    }
}

/// The path of the page of a task.
pub(super) fn task_path(spec: &str, task: &str) -> String {
    format!("{}/task/{}", spec_path(spec), escape(task))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_is_found_under_its_own_path() {
        let odd = ["a b/c", "T&<1>", "\u{e4}"];
        for name in odd {
            assert_eq!(PageAddress::parse(&spec_path(name)), Some(PageAddress::Spec(name.into())));
            let task = task_path(name, "1.1/x");
            assert_eq!(PageAddress::parse(&task), Some(PageAddress::Task(name.into(), "1.1/x".into())));
        }
        assert_eq!(
            PageAddress::parse("/events/spec/a"),
            Some(PageAddress::Events(Box::new(PageAddress::Spec("a".into()))))
        );
        assert_eq!(
            PageAddress::parse("/events/"),
            Some(PageAddress::Events(Box::new(PageAddress::Overview)))
        );
    }

    #[test]
    fn no_other_path_leads_anywhere() {
        for path in [
            "",
            "//",
            "/..",
            "/../etc/passwd",
            "/%2e%2e/seqorch.toml",
            "/spec",
            "/spec/a/../b",
            "/spec/a/task",
            "/spec/a/",
            "/spec/%ff",
            "/seqorch.toml",
            "/.git/config",
            "/events",
            "/events/style.css",
            "/events/spec/a/act",
            "/events/events/",
            &"/events".repeat(100_000),
            "/style.css/",
            "/spec/a/report/x",
        ] {
            assert_eq!(PageAddress::parse(path), None, "{path}");
        }
    }
}
