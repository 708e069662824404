//! PURE. Makes the pages. All text is escaped by the templates.

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::json;

use super::act::{PAUSES, PageAct};
use super::address::{PageAddress, PageFile, task_path};
use super::response::PageResponse;
use super::tile::SpecTile;
use crate::error::{Error, ErrorKind, Result};
use crate::report::page::{html_body, page_templates, style};
use crate::report::patch::PatchLine;
use crate::report::run_report::RunReport;
use crate::report::view::{SpecPage, TaskCard};
use crate::report::web_path::{escape, spec_path};

const TEMPLATES: [(&str, &str); 8] = [
    ("frame", include_str!("web/frame.html.j2")),
    ("overview", include_str!("web/overview.html.j2")),
    ("timer", include_str!("web/timer.html.j2")),
    ("spec", include_str!("web/spec.html.j2")),
    ("task", include_str!("web/task.html.j2")),
    ("confirm", include_str!("web/confirm.html.j2")),
    ("words", include_str!("web/words.html.j2")),
    ("enter", include_str!("web/enter.html.j2")),
];

/// The templates of all pages.
#[derive(Debug)]
pub(super) struct PageTemplates {
    templates: Environment<'static>,
    style: String,
    project: String,
    read_only: bool,
}

/// What is said above a page: what a form came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PageMessage {
    pub(super) text: String,
    pub(super) failed: bool,
    /// What a person wrote, where it was not taken.
    pub(super) draft: Draft,
}

/// Words of a person that were not taken. They must not be lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Draft {
    /// The name of the question that they answer; empty: none.
    pub(super) asked: String,
    pub(super) text: String,
}

/// What the page of a task shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct TaskPage {
    pub(super) task: TaskCard,
    /// Its id, as the state names it.
    pub(super) id: String,
    pub(super) can_note: bool,
    pub(super) can_skip: bool,
    pub(super) log: String,
    /// Whether the log has more before.
    pub(super) cut: bool,
    pub(super) log_command: String,
    pub(super) why_no_log: String,
    pub(super) patch: Vec<PatchLine>,
}

#[derive(Serialize)]
struct PageLink {
    path: String,
    name: String,
}

#[derive(Serialize)]
struct FrameContext<'a> {
    title: &'a str,
    project: &'a str,
    trail: Vec<PageLink>,
    said: &'a str,
    failed: bool,
    wrote: &'a str,
    events: Option<String>,
    content: &'a str,
}

#[derive(Serialize)]
struct SpecContext<'a> {
    page: &'a SpecPage,
    draft: Option<&'a Draft>,
    base: String,
    act: String,
    read_only: bool,
    pauses: [(&'static str, &'static str); 4],
}

#[derive(Serialize)]
struct TaskContext<'a> {
    #[serde(flatten)]
    page: &'a TaskPage,
    act: String,
    read_only: bool,
}

#[derive(Serialize)]
struct TileContext<'a> {
    #[serde(flatten)]
    tile: &'a SpecTile,
    path: String,
}

impl PageTemplates {
    pub(super) fn new(project: &str, read_only: bool) -> Result<Self> {
        let mut templates = page_templates().map_err(|e| failed(&e))?;
        templates.add_filter("path", |part: &str| escape(part));
        for (name, text) in TEMPLATES {
            templates.add_template(name, text).map_err(|e| failed(&e))?;
        }
        let style = style().map_err(|e| failed(&e))? + include_str!("web/page.css");
        Ok(Self { templates, style, project: project.to_owned(), read_only })
    }

    /// The list of all specs.
    pub(super) fn overview(&self, tiles: &[SpecTile]) -> Result<String> {
        let specs: Vec<_> =
            tiles.iter().map(|tile| TileContext { tile, path: spec_path(&tile.address) }).collect();
        self.render("overview", &json!({ "specs": specs }))
    }

    /// Where a spec stands. `spec` is its part of an address, and `draft` stands in the field for its question.
    pub(super) fn spec(&self, spec: &str, page: &SpecPage, draft: Option<&Draft>) -> Result<String> {
        let base = spec_path(spec);
        let act = format!("{base}/act");
        let context = SpecContext { page, draft, base, act, read_only: self.read_only, pauses: PAUSES };
        self.render("spec", &context)
    }

    /// A task of a spec.
    pub(super) fn task(&self, spec: &str, page: &TaskPage) -> Result<String> {
        let act = format!("{}/act", spec_path(spec));
        let context = TaskContext { page, act, read_only: self.read_only };
        self.render("task", &context)
    }

    /// Asks whether something is to be done.
    pub(super) fn confirm(&self, spec: &str, act: &PageAct, question: &str) -> Result<String> {
        let path = spec_path(spec);
        let context = json!({
            "question": question, "act": format!("{path}/act"), "back": path, "fields": act.fields(),
        });
        self.render("confirm", &context)
    }

    /// A heading and a sentence.
    pub(super) fn words(&self, heading: &str, words: &str) -> Result<String> {
        self.render("words", &json!({ "heading": heading, "words": words }))
    }

    /// A report as it stands between the head and the end of a page.
    pub(super) fn report(report: &RunReport) -> Result<String> {
        html_body(report).map_err(|e| failed(&e))
    }

    /// A whole page around this content. `name` is what people call the spec of the page.
    pub(super) fn frame(
        &self,
        address: &PageAddress,
        name: &str,
        content: &str,
        said: &PageMessage,
        is_live: bool,
    ) -> Result<String> {
        let (trail, path, title) = match address {
            PageAddress::Spec(spec) | PageAddress::Act(spec) => {
                (Vec::new(), spec_path(spec), name.to_owned())
            }
            PageAddress::Report(spec) => (vec![link(spec, name)], String::new(), format!("{name}: report")),
            PageAddress::Task(spec, task) => {
                (vec![link(spec, name)], task_path(spec, task), format!("{name}: task {task}"))
            }
            _ => (Vec::new(), "/".to_owned(), self.project.clone()),
        };
        let frame = FrameContext {
            title: &title,
            project: &self.project,
            trail,
            said: &said.text,
            failed: said.failed,
            wrote: &said.draft.text,
            events: is_live.then(|| format!("/events{path}")),
            content,
        };
        self.render("frame", &frame)
    }

    /// A page that only leads to a path, so that it is this server that sends the browser there.
    pub(super) fn enter(&self, to: &str) -> Result<String> {
        self.render("enter", &json!({ "to": to }))
    }

    /// A file that each page uses.
    pub(super) fn file(&self, file: PageFile) -> PageResponse {
        match file {
            PageFile::Style => PageResponse::file("text/css; charset=utf-8", self.style.as_str()),
            PageFile::Script => {
                PageResponse::file("text/javascript; charset=utf-8", include_str!("web/page.js"))
            }
            PageFile::Icon => PageResponse::file("image/svg+xml", include_str!("web/icon.svg")),
            PageFile::SmallIcon => {
                PageResponse::file("image/png", include_bytes!("web/icon-192.png").as_slice())
            }
            PageFile::LargeIcon => {
                PageResponse::file("image/png", include_bytes!("web/icon-512.png").as_slice())
            }
            PageFile::Manifest => {
                PageResponse::file("application/manifest+json", include_str!("web/manifest.json"))
            }
        }
    }

    fn render(&self, name: &str, context: &impl Serialize) -> Result<String> {
        self.templates
            .get_template(name)
            .and_then(|template| template.render(Serde(context)))
            .map_err(|e| failed(&e))
    }
}

fn link(spec: &str, name: &str) -> PageLink {
    PageLink { path: spec_path(spec), name: name.to_owned() }
}

fn failed(error: &minijinja::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("rendering the page: {error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror='a'>";

    fn templates(read_only: bool) -> PageTemplates {
        PageTemplates::new(HOSTILE, read_only).unwrap()
    }

    fn is_harmless(html: &str) {
        let markup = html.replace("<script src=\"/page.js\" defer></script>", "");
        for part in ["<script", "<img", "onerror='", "style=", "javascript:"] {
            assert!(!markup.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn foreign_text_is_escaped_on_every_page() {
        let all = templates(false);
        let name = HOSTILE.to_owned();
        let tile = SpecTile {
            address: name.clone(),
            name: name.clone(),
            tone: "done",
            done: 1,
            total: 2,
            words: name.clone(),
        };
        let overview = all.overview(&[tile]).unwrap();
        is_harmless(&overview);
        assert!(overview.contains("spec&#x2f;%22%3E%3Cscript"), "{overview}");
        let task = TaskCard {
            id: name.clone(),
            title: name.clone(),
            sign: "\u{2713}",
            word: "done",
            tone: "done",
            remark: name.clone(),
            facts: vec![name.clone()],
        };
        let patch = vec![PatchLine { kind: "added", text: name.clone() }];
        let page = TaskPage {
            task,
            id: name.clone(),
            can_note: true,
            can_skip: true,
            log: name.clone(),
            cut: true,
            log_command: name.clone(),
            why_no_log: name.clone(),
            patch,
        };
        is_harmless(&all.task(HOSTILE, &page).unwrap());
        let act = PageAct::Skip { task: name.clone() };
        is_harmless(&all.confirm(HOSTILE, &act, HOSTILE).unwrap());
        is_harmless(&all.words(HOSTILE, HOSTILE).unwrap());
        is_harmless(&all.enter(HOSTILE).unwrap());
        let said = PageMessage {
            text: name.clone(),
            failed: true,
            draft: Draft { asked: name.clone(), text: name.clone() },
        };
        let address = PageAddress::Task(name.clone(), name.clone());
        is_harmless(&all.frame(&address, HOSTILE, "", &said, true).unwrap());
    }

    #[test]
    fn a_page_that_only_shows_has_no_forms() {
        let task = TaskCard {
            id: "1".into(),
            title: "A".into(),
            sign: "",
            word: "",
            tone: "stopped",
            remark: String::new(),
            facts: Vec::new(),
        };
        let page = TaskPage {
            task,
            id: "1".into(),
            can_note: true,
            can_skip: true,
            log: String::new(),
            cut: false,
            log_command: String::new(),
            why_no_log: "none".into(),
            patch: Vec::new(),
        };
        assert!(templates(false).task("a", &page).unwrap().contains("<form"));
        assert!(!templates(true).task("a", &page).unwrap().contains("<form"));
    }

    #[test]
    fn no_page_loads_anything_from_elsewhere() {
        let all = templates(false);
        let frame = all.frame(&PageAddress::Overview, "", "", &PageMessage::default(), true).unwrap();
        for file in [PageFile::Style, PageFile::Script, PageFile::Manifest] {
            let body = String::from_utf8(all.file(file).body).unwrap();
            for way_out in ["http:", "https:", "@import", "url(", "eval("] {
                assert!(!body.contains(way_out) && !frame.contains(way_out), "{way_out}");
            }
        }
    }
}
