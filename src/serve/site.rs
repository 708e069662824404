//! Answers a request that may be served.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use super::access::AccessVerdict;
use super::act::PageAct;
use super::address::{PageAddress, task_path};
use super::calls;
use super::form::FormFields;
use super::live::{LivePages, spec_now};
use super::pages::{Draft, PageMessage, PageTemplates};
use super::project::{ServedProject, ServedSpec};
use super::response::PageResponse;
use super::task_look::{self, LastRead};
use crate::error::Result;
use crate::report::text::{sanitise_line, sanitise_text};
use crate::report::view::SpecPage;
use crate::report::web_path::spec_path;
use crate::sys::random;

/// Messages that are kept until their pages are read.
const SAID: usize = 32;
/// Said about an answer that comes too late.
const NOT_OPEN: &str =
    "That question is not open any more, so nothing was sent. This is how things stand now.";

/// Everything that requests are answered with.
pub(super) struct Site {
    pub(super) live: Arc<LivePages>,
    project: Arc<dyn ServedProject>,
    templates: Arc<PageTemplates>,
    /// One form of a spec is done at a time, so that each sees what the one before it changed.
    acts: Mutex<BTreeMap<String, Arc<Mutex<()>>>>,
    said: Mutex<VecDeque<(String, PageMessage)>>,
}

/// A request that may be served.
#[derive(Debug, Clone)]
pub(super) struct PageRequest {
    pub(super) is_form: bool,
    pub(super) path: String,
    pub(super) query: FormFields,
    pub(super) form: FormFields,
}

impl Site {
    pub(super) fn new(read_only: bool, project: Arc<dyn ServedProject>) -> Result<Self> {
        let templates = Arc::new(PageTemplates::new(&sanitise_line(&project.name()), read_only)?);
        let live = Arc::new(LivePages::new(Arc::clone(&project), Arc::clone(&templates)));
        Ok(Self { live, project, templates, acts: Mutex::default(), said: Mutex::default() })
    }

    /// The response to a request that is not served as it is; `None`: it may be.
    pub(super) fn turned_away(&self, verdict: &AccessVerdict) -> Option<PageResponse> {
        match verdict {
            AccessVerdict::Passes => None,
            AccessVerdict::ComesAgain { to } => {
                Some(self.templates.enter(to).map_or_else(|_| broken(), |page| PageResponse::html(401, page)))
            }
            AccessVerdict::Refused(status, why) => Some(PageResponse::refusal(*status, why)),
            AccessVerdict::Enters { to, cookie, by_page } => {
                let response = if *by_page {
                    self.templates.enter(to).map_or_else(|_| broken(), |page| PageResponse::html(200, page))
                } else {
                    PageResponse::see_other(to.clone())
                };
                Some(response.with("set-cookie", cookie.clone()))
            }
        }
    }

    /// Answers a request.
    pub(super) fn respond(&self, request: &PageRequest) -> PageResponse {
        let Some(address) = PageAddress::parse(&request.path) else { return self.not_found() };
        if request.is_form != address.takes_forms() {
            return match address {
                // the page after a form was loaded again
                PageAddress::Act(spec) => PageResponse::see_other(spec_path(&spec)),
                _ => PageResponse::refusal(405, "no form is sent there"),
            };
        }
        let said = self.said(request.query.get("said"));
        let answer = match &address {
            PageAddress::File(file) => return self.templates.file(*file),
            PageAddress::Overview => self.overview(&said),
            PageAddress::Spec(spec) => {
                self.with_spec(spec, |spec| self.spec(200, spec, &spec_now(spec).0, &said))
            }
            PageAddress::Task(spec, task) => self.with_spec(spec, |spec| self.task(spec, task, &said)),
            PageAddress::Report(spec) => self.with_spec(spec, |spec| self.report(spec)),
            PageAddress::Act(spec) => self.with_spec(spec, |spec| self.act(spec, &request.form)),
            PageAddress::Events(_) => return self.not_found(),
        };
        answer.unwrap_or_else(|error| self.words(500, "That did not work", &sanitise_text(&error.brief())))
    }

    fn with_spec(
        &self,
        address: &str,
        answer: impl FnOnce(&ServedSpec) -> Result<PageResponse>,
    ) -> Result<PageResponse> {
        self.project.spec(address)?.map_or_else(|| Ok(self.not_found()), |spec| answer(&spec))
    }

    fn overview(&self, said: &PageMessage) -> Result<PageResponse> {
        let content = self.templates.overview(&self.project.tiles()?)?;
        self.templates
            .frame(&PageAddress::Overview, "", &content, said, true)
            .map(|page| PageResponse::html(200, page))
    }

    fn spec(
        &self,
        status: u16,
        spec: &ServedSpec,
        page: &SpecPage,
        said: &PageMessage,
    ) -> Result<PageResponse> {
        let is_open = page.needs.iter().any(|need| need.asked.as_ref() == Some(&said.draft.asked));
        let draft = is_open.then_some(&said.draft);
        let content = self.templates.spec(&spec.address, page, draft)?;
        let address = PageAddress::Spec(spec.address.clone());
        let above = if is_open { Draft::default() } else { said.draft.clone() };
        let said = PageMessage { draft: above, ..said.clone() };
        let page = self.templates.frame(&address, &page.name, &content, &said, true)?;
        Ok(PageResponse::html(status, page))
    }

    fn task(&self, spec: &ServedSpec, task: &str, said: &PageMessage) -> Result<PageResponse> {
        let (page, ids) = spec_now(spec);
        let Some(found) = task_look::find(&page, &ids, task) else { return Ok(self.not_found()) };
        let globals = self.project.globals();
        let shown = task_look::task_page(spec, found, &globals, &mut LastRead::default())?;
        let content = self.templates.task(&spec.address, &shown)?;
        let address = PageAddress::Task(spec.address.clone(), task.to_owned());
        let html = self.templates.frame(&address, &page.name, &content, said, true)?;
        Ok(PageResponse::html(200, html))
    }

    fn report(&self, spec: &ServedSpec) -> Result<PageResponse> {
        let name = sanitise_line(&spec.place.name);
        let content = match self.project.report(spec)? {
            Some(report) => PageTemplates::report(&report)?,
            None => self.templates.words(&name, "Nothing has run yet.")?,
        };
        let address = PageAddress::Report(spec.address.clone());
        let html = self.templates.frame(&address, &name, &content, &PageMessage::default(), false)?;
        Ok(PageResponse::html(200, html))
    }

    /// Does what a form asks for.
    fn act(&self, spec: &ServedSpec, form: &FormFields) -> Result<PageResponse> {
        let turn = {
            let mut acts = self.acts.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(acts.entry(spec.address.clone()).or_default())
        };
        let _one = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (page, ids) = spec_now(spec);
        let draft = draft_in(form);
        let refused = |status, text: &str| {
            let said = PageMessage { text: text.to_owned(), failed: true, draft: draft.clone() };
            self.spec(status, spec, &page, &said)
        };
        let act = match PageAct::of(form) {
            Ok(act) => act,
            Err(why) => return refused(422, why),
        };
        // only what it names, and no range or part of a title
        if let Some(task) = act.task().filter(|task| !ids.iter().any(|id| id == task)) {
            return refused(409, &format!("There is no task {} any more.", sanitise_line(task)));
        }
        if let PageAct::Answer { task, asked, .. } = &act {
            let is_open = |need: &crate::report::view::NeedCard| {
                need.asked.as_ref() == Some(asked) && need.id.as_ref() == Some(task)
            };
            if !page.needs.iter().any(is_open) {
                return refused(409, NOT_OPEN);
            }
        }
        if let Some(question) = act.question().filter(|_| form.get("sure") != Some("yes")) {
            let content = self.templates.confirm(&spec.address, &act, &sanitise_line(&question))?;
            let address = PageAddress::Act(spec.address.clone());
            let html =
                self.templates.frame(&address, &page.name, &content, &PageMessage::default(), false)?;
            return Ok(PageResponse::html(200, html));
        }
        let done = calls::act(spec, &act, &self.project.globals());
        if !done.succeeded {
            // as things stand after it
            let said = PageMessage { text: done.text, failed: true, draft };
            return self.spec(409, spec, &spec_now(spec).0, &said);
        }
        let to = match &act {
            PageAct::Note { task, .. } => task_path(&spec.address, &sanitise_line(task)),
            _ => spec_path(&spec.address),
        };
        let said = self.say(PageMessage { text: done.text, ..PageMessage::default() });
        Ok(PageResponse::see_other(said.map_or(to.clone(), |said| format!("{to}?said={said}"))))
    }

    /// Keeps a message for the page that follows. Its name can't be guessed, so that no link says it again.
    fn say(&self, message: PageMessage) -> Option<String> {
        let name = format!("{:016x}", random::bits().ok()?);
        let mut all = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        all.push_back((name.clone(), message));
        if all.len() > SAID {
            all.pop_front();
        }
        Some(name)
    }

    fn said(&self, name: Option<&str>) -> PageMessage {
        let all = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let found = name.and_then(|name| all.iter().find(|(known, _)| known == name));
        found.map(|(_, message)| message.clone()).unwrap_or_default()
    }

    pub(super) fn not_found(&self) -> PageResponse {
        self.words(404, "There is no such page", "The spec or the task may be gone.")
    }

    fn words(&self, status: u16, heading: &str, words: &str) -> PageResponse {
        let page = self.templates.words(heading, words).and_then(|content| {
            self.templates.frame(&PageAddress::Overview, "", &content, &PageMessage::default(), false)
        });
        page.map_or_else(|_| broken(), |page| PageResponse::html(status, page))
    }
}

/// What a person wrote into a form, as a page shows it.
fn draft_in(form: &FormFields) -> Draft {
    let text = |name: &str| sanitise_text(&form.get(name).unwrap_or_default().replace("\r\n", "\n"));
    Draft { asked: text("asked"), text: text("text") }
}

fn broken() -> PageResponse {
    PageResponse::refusal(500, "the page can't be made")
}
