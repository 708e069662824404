//! Messages to a person: what arrives, once, whatever the server does and however the run ends.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::common::{Project, wait_until};
use crate::hooks::TWO;

/// A server that answers with these statuses in turn, then with 200. It ends with the test's process.
struct Server {
    address: String,
    got: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Server {
    fn new(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let got = Arc::new(Mutex::new(Vec::new()));
        let mut statuses: VecDeque<u16> = statuses.iter().copied().collect();
        let all = Arc::clone(&got);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let status = statuses.pop_front().unwrap_or(200);
                // a connection that breaks is no request
                if let Some(request) = answer(stream, status) {
                    all.lock().unwrap().push(request);
                }
            }
        });
        Self { address, got }
    }

    /// The paths and the messages that arrived.
    fn got(&self) -> Vec<(String, Value)> {
        self.got.lock().unwrap().clone()
    }
}

fn answer(stream: TcpStream, status: u16) -> Option<(String, Value)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", text)) => length = text.parse().ok()?,
            None => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut stream = reader.into_inner();
    let text = "no\u{1b}[31mpe";
    write!(
        stream,
        "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
    .ok()?;
    Some((path, serde_json::from_slice(&body).ok()?))
}

/// Whether curl is here, which delivers messages.
fn has_curl() -> bool {
    let found = std::process::Command::new("curl").arg("--version").output().is_ok();
    if !found {
        crate::common::skipped("curl is missing");
    }
    found
}

fn texts(server: &Server) -> Vec<String> {
    let got = server.got();
    got.iter().map(|(_, value)| value["text"].as_str().unwrap().lines().next().unwrap().to_owned()).collect()
}

#[test]
fn each_need_is_one_message_and_the_end_is_another() {
    if !has_curl() {
        return;
    }
    let server = Server::new(&[]);
    let agent = "[ $SEQORCH_UNIT = 1 ] && { echo 'Which port?'; say_halt; } || say_done";
    let notify = format!("[run]\non_halt = \"skip\"\n[notify]\nwebhook = \"{}/hook\"\n", server.address);
    let project = Project::new().spec("login", TWO).agent(agent).config(&notify);
    project.run(&["run"]).code(2);
    wait_until("two messages arrive", || server.got().len() == 2);
    let name = project.root().file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(
        texts(&server),
        [format!("{name} · login: task 1 asks (A)"), format!("{name} · login: run over: ‖ 1 asks")]
    );
    let (path, first) = server.got().remove(0);
    assert_eq!(
        (path.as_str(), &first["event"], &first["reason"]),
        ("/hook", &"need".into(), &"Which port?".into())
    );
    // the same need is no news, and a run that starts no attempt neither
    project.run(&["run"]).code(2);
    project.run(&["resume", "--answer", "80"]).code(2);
    wait_until("the new question arrives", || server.got().len() == 3);
    assert_eq!(texts(&server)[2], format!("{name} · login: task 1 asks (A)"));
}

#[test]
fn a_message_that_fails_is_tried_again_and_holds_up_nothing() {
    if !has_curl() {
        return;
    }
    let server = Server::new(&[503, 500]);
    let notify = format!("[notify]\nntfy = \"{}/base/mine?auth=x\"\n", server.address);
    let project = Project::new().spec("login", TWO).agent("say_done").config(&notify);
    project.run(&["run"]).code(0).says(&["all complete", "1 message on the way (HTTP 503: nope)"]);
    wait_until("the third try succeeds", || server.got().len() == 3);
    let got = server.got();
    assert_eq!(got[2].0, "/base/?auth=x");
    assert_eq!(
        (&got[2].1["topic"], &got[2].1["message"]),
        (&"mine".into(), &"0 tasks to do\n\nSo far: usage unknown".into())
    );
    let left = project.kept("login").join(".messages");
    wait_until("the folder has no message", || {
        !std::fs::read_dir(&left).is_ok_and(|all| all.flatten().any(|one| one.path().extension().is_some()))
    });
}

#[test]
fn a_message_that_is_refused_is_named_and_not_sent_again() {
    if !has_curl() {
        return;
    }
    let server = Server::new(&[403]);
    let notify = format!("[notify]\nwebhook = \"{}/secret-hook\"\n", server.address);
    let project = Project::new().spec("login", TWO).agent("say_done").config(&notify);
    let text = project
        .run(&["run"])
        .code(0)
        .says(&["! a message was not delivered, notify.webhook: HTTP 403: nope"]);
    assert!(!text.stdout.contains("secret-hook"));
    assert_eq!(server.got().len(), 1);
    project.run(&["doctor"]).says(&["notify.webhook is set; `seqorch notify` tries it"]);
    project
        .run(&["config", "show", "notify"])
        .code(0)
        .says(&[&format!("webhook = \"{}/***\"", server.address)]);
}

#[test]
fn a_person_tries_where_messages_go() {
    if !has_curl() {
        return;
    }
    let project = Project::new().spec("login", TWO);
    project.run(&["notify"]).code(78).says(&["no message goes anywhere: [notify] is not set"]);
    let server = Server::new(&[200, 404]);
    let project = project.config(&format!("[notify]\nwebhook = \"{}\"\n", server.address));
    project.run(&["notify", "hello \"you\""]).code(0).says(&["notify.webhook: delivered"]);
    assert_eq!(server.got()[0].1["what"], "hello \"you\"");
    project.run(&["notify"]).code(69).says(&["notify.webhook: not delivered: HTTP 404: nope"]);
    let project = project.config("[notify]\nwebhook = \"http://127.0.0.1:1/\"\n");
    project.run(&["notify"]).code(69).says(&["notify.webhook: not delivered: curl: (7)"]);
    let project = project.config("[notify]\nwebhook = \"file:///etc/passwd\"\n");
    project.run(&["notify"]).code(78).says(&["notify.webhook", "is not a web address"]);
}

#[test]
fn a_project_that_is_not_trusted_sends_nothing() {
    let server = Server::new(&[]);
    let notify = format!("[notify]\nwebhook = \"{}\"\n", server.address);
    let project =
        Project::new().spec("login", TWO).agent("say_done").config(&notify).env("SEQORCH_TRUST", "");
    project.run(&["notify"]).code(78).says(&["have not trusted"]);
    project.run(&["run"]).code(78);
    assert!(server.got().is_empty());
}
