//! Watches the files behind the pages that someone reads now. All readers of a page share one watcher, which ends with the
//! last of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::address::PageAddress;
use super::pages::PageTemplates;
use super::project::{ServedProject, ServedSpec};
use super::stamps::FileStamps;
use super::task_look::{self, LastRead};
use crate::error::Result;
use crate::report::view::SpecPage;
use crate::state::SpecState;
use crate::sys::clock::{Clock, SystemClock};
use crate::view::{Gatherer, Watch};

/// Pause between two looks at the files. Without a change, a look takes a few system calls.
const LOOK: Duration = Duration::from_secs(1);
/// How often a log is read while it grows: that starts a program.
const LOG_AGAIN: Duration = Duration::from_secs(2);
/// A page is made again after this time: some things change with no file, such as the end of a limit.
const PAGE_AGAIN: Duration = Duration::from_secs(30);
/// How often the specs are looked for.
const SPECS_AGAIN: Duration = Duration::from_secs(10);

/// The content of a page as it is now. Empty: it has not been read yet.
pub(super) type LiveContent = watch::Receiver<Arc<str>>;

/// The pages that someone reads.
pub(super) struct LivePages {
    project: Arc<dyn ServedProject>,
    templates: Arc<PageTemplates>,
    topics: Mutex<HashMap<PageAddress, watch::Sender<Arc<str>>>>,
}

/// What the page of a spec shows now, and the ids of its tasks.
pub(super) fn spec_now(spec: &ServedSpec) -> (SpecPage, Vec<String>) {
    let store = spec.place.store();
    let mut gatherer = Gatherer::new(watch_of(spec, &store));
    let now = SystemClock.now();
    gatherer.look(now);
    let zone = TimeZone::system();
    let source = gatherer.source(now, &zone);
    let known = source.units.iter().map(|unit| unit.id.clone()).chain(source.state.units.keys().cloned());
    (crate::report::view::spec_page(&source), known.collect())
}

fn watch_of<'a>(spec: &'a ServedSpec, store: &'a crate::store::Store) -> Watch<'a> {
    Watch {
        place: &spec.place,
        config: &spec.config,
        store,
        clock: &SystemClock,
        color: false,
        globals: &[],
        of_run: None,
        errors: None,
    }
}

impl LivePages {
    pub(super) fn new(project: Arc<dyn ServedProject>, templates: Arc<PageTemplates>) -> Self {
        Self { project, templates, topics: Mutex::default() }
    }

    /// What a page has now and from now on; `None` where there is no such page.
    pub(super) fn subscribe(self: &Arc<Self>, address: &PageAddress) -> Result<Option<LiveContent>> {
        if let PageAddress::Spec(spec) | PageAddress::Task(spec, _) = address
            && self.project.spec(spec)?.is_none()
        {
            return Ok(None);
        }
        let mut topics = self.topics();
        if let Some(sender) = topics.get(address) {
            return Ok(Some(sender.subscribe()));
        }
        let (sender, receiver) = watch::channel(Arc::from(""));
        topics.insert(address.clone(), sender.clone());
        let watcher = PageWatcher { pages: Arc::clone(self), address: address.clone(), sender };
        thread::spawn(move || watcher.watch());
        Ok(Some(receiver))
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<PageAddress, watch::Sender<Arc<str>>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches the files behind one page.
struct PageWatcher {
    pages: Arc<LivePages>,
    address: PageAddress,
    sender: watch::Sender<Arc<str>>,
}

impl Drop for PageWatcher {
    fn drop(&mut self) {
        let mut topics = self.pages.topics();
        if topics.get(&self.address).is_some_and(|sender| sender.same_channel(&self.sender)) {
            topics.remove(&self.address);
        }
    }
}

impl PageWatcher {
    fn watch(&self) {
        let spec = match &self.address {
            PageAddress::Spec(spec) | PageAddress::Task(spec, _) => {
                self.pages.project.spec(spec).ok().flatten()
            }
            _ => None,
        };
        match (&self.address, spec) {
            (PageAddress::Overview, _) => self.overview(),
            (PageAddress::Spec(_), Some(spec)) => self.spec(&spec),
            (PageAddress::Task(_, task), Some(spec)) => self.task(&spec, task),
            _ => {}
        }
    }

    /// Looks again and again, as long as someone reads. A page that can't be made stays as it was.
    fn each_look(&self, mut look: impl FnMut() -> Option<Result<String>>) {
        while !self.is_left() {
            if let Some(Ok(html)) = look()
                && **self.sender.borrow() != *html
            {
                self.sender.send_replace(html.into());
            }
            thread::sleep(LOOK);
        }
    }

    /// Whether it has no reader any more; then the next reader gets a watcher of its own.
    fn is_left(&self) -> bool {
        let mut topics = self.pages.topics();
        let is_left = self.sender.receiver_count() == 0;
        if is_left {
            topics.remove(&self.address);
        }
        is_left
    }

    fn overview(&self) {
        let pages = &self.pages;
        let (mut places, mut found) = (Vec::new(), None::<Instant>);
        let mut shown: Option<(FileStamps, Instant)> = None;
        self.each_look(|| {
            if found.is_none_or(|at| at.elapsed() >= SPECS_AGAIN) {
                places = pages.project.places().unwrap_or_default();
                found = Some(Instant::now());
            }
            let mut stamps = FileStamps::default();
            for (_, place) in &places {
                stamps.add_spec(place);
            }
            if shown.as_ref().is_some_and(|(known, at)| *known == stamps && at.elapsed() < PAGE_AGAIN) {
                return None;
            }
            shown = Some((stamps, Instant::now()));
            Some(pages.project.tiles().and_then(|tiles| pages.templates.overview(&tiles)))
        });
    }

    fn spec(&self, spec: &ServedSpec) {
        let (store, zone) = (spec.place.store(), TimeZone::system());
        let mut gatherer = Gatherer::new(watch_of(spec, &store));
        let mut shown: Option<(Timestamp, SpecPage)> = None;
        self.each_look(|| {
            let now = SystemClock.now();
            gatherer.look(now);
            let page = |at| crate::report::view::spec_page(&gatherer.source(at, &zone));
            // compared as of the same moment, so that time alone changes nothing
            let is_same = shown.as_ref().is_some_and(|(at, known)| {
                let age = Duration::try_from(now.duration_since(*at)).unwrap_or(PAGE_AGAIN);
                age < PAGE_AGAIN && page(*at) == *known
            });
            if is_same {
                return None;
            }
            let page = page(now);
            let html = self.pages.templates.spec(&spec.address, &page, None);
            shown = Some((now, page));
            Some(html)
        });
    }

    fn task(&self, spec: &ServedSpec, task: &str) {
        let globals = self.pages.project.globals();
        let mut known = LastRead::default();
        let mut state = SpecState::default();
        let mut shown: Option<(FileStamps, Instant)> = None;
        self.each_look(|| {
            if shown.as_ref().is_some_and(|(_, at)| at.elapsed() < LOG_AGAIN) {
                return None;
            }
            let stamps = task_look::stamps(spec, task, &state);
            if shown.as_ref().is_some_and(|(known, at)| *known == stamps && at.elapsed() < PAGE_AGAIN) {
                return None;
            }
            state = spec.place.state(&spec.config).unwrap_or_default();
            // another attempt has other files
            shown = Some((task_look::stamps(spec, task, &state), Instant::now()));
            let (page, ids) = spec_now(spec);
            let found = task_look::find(&page, &ids, task)?;
            let html = task_look::task_page(spec, found, &globals, &mut known)
                .and_then(|page| self.pages.templates.task(&spec.address, &page));
            Some(html)
        });
    }
}
