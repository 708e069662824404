//! A server of the test's own, and a client that sends any bytes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::common::{DEADLINE, Output, Project, Running};

/// A server that listens at a free port.
pub(crate) struct Page {
    running: Running,
    /// `127.0.0.1:PORT`
    pub(crate) address: String,
    pub(crate) token: String,
    cookie: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The body of a page that is there.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.status, 200, "{}\n{}", self.head, self.body);
        self.body
    }

    /// The value of a header; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found =
            self.head.lines().filter_map(|line| line.split_once(": ")).find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value)
    }
}

impl Page {
    pub(crate) fn start(project: &Project, args: &[&str]) -> Self {
        let running = project.start(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
        running.wait_for("Ctrl-C ends the page");
        let printed = running.printed();
        let (origin, token) = printed.split_once("/?t=").unwrap();
        let token: String = token.chars().take_while(char::is_ascii_hexdigit).collect();
        let listens = printed.split_once("It listens at ").map(|(_, rest)| rest.split(".\n").next().unwrap());
        let address = listens.unwrap_or_else(|| origin.rsplit_once("http://").unwrap().1).to_owned();
        let mut page = Self { running, address, token, cookie: String::new() };
        let entered =
            page.send(&format!("GET /?t={} HTTP/1.1\r\nHost: {}\r\n\r\n", page.token, page.address));
        assert_eq!((entered.status, entered.header("location")), (303, "/"), "{entered:?}");
        entered.header("set-cookie").split(';').next().unwrap().clone_into(&mut page.cookie);
        page
    }

    /// The same with another key.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        let name = self.cookie.split('=').next().unwrap();
        self.cookie = format!("{name}={token}");
        self
    }

    pub(crate) fn cookie(&self) -> &str {
        &self.cookie
    }

    pub(crate) fn pid(&self) -> i32 {
        self.running.pid()
    }

    pub(crate) fn printed(&self) -> String {
        self.running.printed()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.running.signal(signal);
    }

    pub(crate) fn wait(self) -> Output {
        self.running.wait()
    }

    pub(crate) fn kill(self) {
        self.running.signal(Signal::KILL);
        self.running.wait().code(137);
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// Sends bytes, and reads until the server closes.
    pub(crate) fn send(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        // the server may refuse before it has read all
        let _ = stream.write_all(request.as_bytes());
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Answer { status, head: head.replace('\r', ""), body: body.to_owned() }
    }

    /// A request with the cookie, further headers and a body.
    pub(crate) fn request(&self, line: &str, headers: &str, body: &str) -> Answer {
        let (host, cookie) = (&self.address, &self.cookie);
        self.send(&format!("{line} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n{headers}\r\n{body}"))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request(&format!("GET {path}"), "", "")
    }

    /// Sends a form, as a browser does that shows a page of this server.
    pub(crate) fn post(&self, path: &str, form: &str) -> Answer {
        let headers = format!(
            "Origin: http://{}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            self.address,
            form.len()
        );
        self.request(&format!("POST {path}"), &headers, form)
    }

    /// Sends a form, and follows to the page after it.
    pub(crate) fn act(&self, spec: &str, form: &str) -> String {
        let answer = self.post(&format!("/spec/{spec}/act"), form);
        assert_eq!(answer.status, 303, "{}\n{}", answer.head, answer.body);
        self.get(answer.header("location")).ok()
    }

    pub(crate) fn listen(&self, path: &str) -> EventReader {
        let mut stream = self.connect();
        let (host, cookie) = (&self.address, &self.cookie);
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n").as_bytes())
            .unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        EventReader { stream, text: String::new() }
    }
}

/// Reads events as they come.
pub(crate) struct EventReader {
    stream: TcpStream,
    text: String,
}

impl EventReader {
    /// Waits until an event has this text.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, part: &str) {
        let start = Instant::now();
        let mut bytes = [0; 8192];
        while !self.text.contains(part) {
            assert!(start.elapsed() < DEADLINE, "{part:?} never came, but:\n{}", self.text);
            match self.stream.read(&mut bytes) {
                Ok(0) => panic!("the events ended before {part:?}:\n{}", self.text),
                Ok(read) => self.text.push_str(&String::from_utf8_lossy(&bytes[..read])),
                Err(_) => {}
            }
        }
    }
}
