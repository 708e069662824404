//! The sockets of the page: the only asynchronous code of seqorch.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderName, ORIGIN};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::access::{AccessRules, Gate, KnownAddress, RequestHead};
use super::address::PageAddress;
use super::doors::Doors;
use super::form::FormFields;
use super::headers::ALWAYS;
use super::live::LiveContent;
use super::project::ServedProject;
use super::response::PageResponse;
use super::site::{PageRequest, Site};
use super::token::PageToken;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::signals;

/// Pages that are made at one time; further requests wait.
const WORKERS: usize = 4;
/// The head of a request may take so long and be so large.
const HEAD_TIME: Duration = Duration::from_secs(10);
const HEAD_BYTES: usize = 16 * 1024;
const HEAD_FIELDS: usize = 64;
/// So may a form.
const FORM_TIME: Duration = Duration::from_secs(10);
const FORM_BYTES: usize = 64 * 1024;
/// The longest time of a connection. A reader of events connects again by itself.
const CONNECTION_TIME: Duration = Duration::from_secs(3600);
/// How often a reader of events gets a sign of life, which also shows that it is gone.
const PING: Duration = Duration::from_secs(15);
/// Pause after a connection that could not be accepted, such as where too many files are open.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// What is served, and where.
pub struct ServeRequest {
    /// The address to listen at; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Who may do what.
    pub rules: AccessRules,
    /// The project's folder: each project has a secret of its own.
    pub root: PathBuf,
    /// Whether the secret that was used before must not count any more.
    pub new_key: bool,
    /// The address under which a proxy or a tunnel shows the page.
    pub known: Option<KnownAddress>,
    /// What is shown.
    pub project: Arc<dyn ServedProject>,
}

/// A server that listens, and has not answered anything yet.
pub struct BoundPage {
    listener: TcpListener,
    address: SocketAddr,
    gate: Gate,
    token: PageToken,
    site: Arc<Site>,
}

impl BoundPage {
    /// Listens. An error where the address can't be had.
    pub fn bind(request: ServeRequest) -> Result<Self> {
        let ServeRequest { listen, rules, root, new_key, known, project } = request;
        let cannot = |e: io::Error| cannot_listen(listen, e);
        let listener = TcpListener::bind(listen).map_err(cannot)?;
        listener.set_nonblocking(true).map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        // only now: where it can't listen, the key of the one that does stays as it is
        let token = PageToken::of_project(&root, new_key, |name| std::env::var_os(name))?;
        let cookie = format!("seqorch-{}", token.name);
        let gate = Gate { rules, token: token.text.clone(), cookie, known };
        Ok(Self { listener, address, gate, token, site: Arc::new(Site::new(rules.read_only, project)?) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address that lets a browser in, as seen from `origin`, such as `http://127.0.0.1:7878`.
    #[must_use]
    pub fn link(&self, origin: &str) -> String {
        format!("{origin}/?{}={}", super::access::TOKEN_FIELD, self.gate.token)
    }

    /// Serves until a signal ends this process. Runs do not notice.
    pub fn serve(self) -> Result<()> {
        let failed = |e| Error::new(ErrorKind::Internal, "serving the page").caused_by(e);
        let stop = Arc::new(Notify::new());
        let stops = Arc::clone(&stop);
        signals::watch(move |signal| {
            if signal.ends() {
                stops.notify_one();
            }
        })
        .map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(WORKERS)
            .build()
            .map_err(failed)?;
        let done = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(self.listener).map_err(failed)?;
            tokio::spawn(accept(listener, Arc::new(Doors::new(self.gate, self.token, self.site))));
            stop.notified().await;
            Ok(())
        });
        // a form that is being done has its own process
        runtime.shutdown_background();
        done
    }
}

fn cannot_listen(listen: SocketAddr, error: io::Error) -> Error {
    let other = || format!("Choose another port: --listen {}:0 takes a free one.", host_of(listen));
    let (kind, hint) = match error.kind() {
        io::ErrorKind::AddrInUse => (ErrorKind::Unavailable, other()),
        io::ErrorKind::PermissionDenied => (ErrorKind::Internal, other()),
        io::ErrorKind::AddrNotAvailable => {
            (ErrorKind::Usage, "That is not an address of this machine.".to_owned())
        }
        _ => return Error::new(ErrorKind::Internal, format!("listening at {listen}")).caused_by(error),
    };
    Error::new(kind, format!("listening at {listen}")).caused_by(error).hint(hint)
}

fn host_of(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

async fn accept(listener: tokio::net::TcpListener, doors: Arc<Doors>) {
    for number in 0.. {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        // one that finds no place is closed
        let Some(place) = doors.place().await else { continue };
        let served = tokio::spawn(serve_connection(number, stream, Arc::clone(&doors), place));
        // this is the only thread, so the connection has not begun
        doors.silent().insert(number, served.abort_handle());
    }
}

async fn serve_connection(
    number: u64,
    stream: tokio::net::TcpStream,
    doors: Arc<Doors>,
    place: OwnedSemaphorePermit,
) {
    let shared = Arc::clone(&doors);
    let service = service_fn(move |request| {
        let doors = Arc::clone(&shared);
        doors.silent().remove(&number);
        async move { Ok::<_, Infallible>(answer(&doors, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_FIELDS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // a client that goes away is no error of ours
    let _ = timeout(CONNECTION_TIME, connection).await;
    doors.silent().remove(&number);
    drop(place);
}

type PageBody = Either<Full<Bytes>, EventBody>;

async fn answer(doors: &Arc<Doors>, request: Request<Incoming>) -> Response<PageBody> {
    let (head, body) = request.into_parts();
    let all = |name: HeaderName| head.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let one = |name: HeaderName| head.headers.get(name).map(|value| value.to_str().unwrap_or("null"));
    let target = head.uri.to_string();
    let asked = RequestHead {
        method: head.method.as_str(),
        target: &target,
        // one that is no text counts, and fits nothing
        hosts: head.headers.get_all(HOST).iter().map(|value| value.to_str().unwrap_or("")).collect(),
        origin: one(ORIGIN),
        fetch_site: one(HeaderName::from_static("sec-fetch-site")),
        cookies: all(COOKIE).collect(),
    };
    let site = &doors.site;
    let verdict = doors.judge(&asked);
    let is_form = head.method == hyper::Method::POST;
    if !doors.has_room(&verdict, is_form) {
        return whole(PageResponse::refusal(429, "too many requests"));
    }
    if let Some(response) = site.turned_away(&verdict) {
        return whole(response);
    }
    if let Some(PageAddress::Events(page)) = PageAddress::parse(head.uri.path()).filter(|_| !is_form) {
        return events(doors, *page).await;
    }
    let form = if is_form {
        match read_form(&head.headers, body).await {
            Ok(form) => form,
            Err(response) => return whole(response),
        }
    } else {
        FormFields::default()
    };
    let query = FormFields::parse(head.uri.query().unwrap_or_default().as_bytes());
    let request = PageRequest { is_form, path: head.uri.path().to_owned(), query, form };
    let site = Arc::clone(site);
    let made = spawn_blocking(move || site.respond(&request)).await;
    whole(made.unwrap_or_else(|_| PageResponse::refusal(500, "the page can't be made")))
}

async fn read_form(headers: &hyper::HeaderMap, body: Incoming) -> Result<FormFields, PageResponse> {
    let too_large = || PageResponse::refusal(413, "the form is too large");
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = text(CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind != "application/x-www-form-urlencoded" {
        return Err(PageResponse::refusal(415, "only plain forms are read"));
    }
    if text(CONTENT_LENGTH).parse::<u64>().is_ok_and(|length| length > FORM_BYTES as u64) {
        return Err(too_large());
    }
    match timeout(FORM_TIME, Limited::new(body, FORM_BYTES).collect()).await {
        Ok(Ok(body)) => Ok(FormFields::parse(&body.to_bytes())),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(PageResponse::refusal(400, "the form can't be read")),
        Err(_) => Err(PageResponse::refusal(408, "the form took too long")),
    }
}

/// What changes on a page, for as long as its reader listens.
async fn events(doors: &Arc<Doors>, page: PageAddress) -> Response<PageBody> {
    let Ok(place) = Arc::clone(&doors.readers).try_acquire_owned() else {
        return whole(PageResponse::refusal(503, "too many pages listen"));
    };
    let site = Arc::clone(&doors.site);
    let content = match spawn_blocking(move || site.live.subscribe(&page)).await {
        Ok(Ok(Some(content))) => content,
        Ok(Ok(None)) => return whole(doors.site.not_found()),
        _ => return whole(PageResponse::refusal(500, "the page can't be watched")),
    };
    // a reader that is slow misses what has been replaced by then
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(send_events(content, sender, place));
    let kind = ("content-type", "text/event-stream; charset=utf-8");
    response(200, [kind, ("x-accel-buffering", "no")].into_iter(), Either::Right(EventBody(receiver)))
}

/// Sends what a page has now, and each time what has changed.
async fn send_events(mut content: LiveContent, sender: mpsc::Sender<Bytes>, place: OwnedSemaphorePermit) {
    // a page that others read already has a content
    content.mark_changed();
    let mut next = Bytes::from_static(b"retry: 3000\n\n");
    while sender.send(next).await.is_ok() {
        next = match timeout(PING, content.changed()).await {
            Ok(Ok(())) => event(&content.borrow_and_update().clone()),
            // the watcher is gone; the reader connects again
            Ok(Err(_)) => break,
            Err(_) => Bytes::from_static(b":\n\n"),
        };
    }
    drop(place);
}

/// A content as an event. No line of it can begin another field or end the event.
fn event(content: &str) -> Bytes {
    let lines = content.lines().map(|line| format!("data: {}\n", line.replace('\r', "")));
    Bytes::from(lines.chain(["\n".to_owned()]).collect::<String>())
}

/// Events as they come.
struct EventBody(mpsc::Receiver<Bytes>);

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

fn whole(page: PageResponse) -> Response<PageBody> {
    let PageResponse { status, kind, body, headers } = page;
    let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let all = [("content-type", kind)].into_iter().chain(headers);
    response(status, all, Either::Left(Full::new(Bytes::from(body))))
}

fn response<'a>(
    status: u16,
    headers: impl Iterator<Item = (&'a str, &'a str)>,
    body: PageBody,
) -> Response<PageBody> {
    let mut response = Response::builder().status(status);
    for (name, value) in ALWAYS.into_iter().chain(headers) {
        response = response.header(name, value);
    }
    response.body(body).unwrap_or_else(|_| {
        // a header that can't be sent
        let mut empty = Response::new(Either::Left(Full::default()));
        *empty.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        empty
    })
}
