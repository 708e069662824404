//! What a stranger may try: another site in the same browser, a program of this machine, an agent's own words.

use std::io::{Read, Write};

use super::client::Page;
use super::halted;
use crate::common::{Project, wait_until};

fn one() -> Project {
    Project::new().spec("login", "- [ ] 1. A\n")
}

#[test]
fn without_the_key_nothing_is_served() {
    let project = one();
    let page = Page::start(&project, &[]);
    let host = page.address.clone();
    for path in
        ["/", "/spec/login", "/style.css", "/events/", "/spec/login/report", "/?t=", "/?t=0", "/nothing"]
    {
        let answer = page.send(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(answer.status, 401, "{path}: {answer:?}");
        assert!(!answer.body.contains(&page.token) && !answer.body.contains("login"), "{answer:?}");
    }
    let other = page.cookie().replace(&page.token, &"0".repeat(32));
    let answer = page.send(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nCookie: {other}\r\n\r\n"));
    assert_eq!(answer.status, 401);
    let posted = page.send(&format!(
        "POST /spec/login/act?t={} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: 0\r\n\r\n",
        page.token
    ));
    assert_eq!(posted.status, 401, "the key in an address changes nothing");
}

#[test]
fn the_key_leaves_the_address_for_a_strict_cookie() {
    let project = one();
    let page = Page::start(&project, &[]);
    let enter = |headers: &str| {
        let (host, token) = (&page.address, &page.token);
        page.send(&format!("GET /spec/login?t={token}&said=x HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n"))
    };
    let answer = enter("");
    assert_eq!((answer.status, answer.header("location")), (303, "/spec/login?said=x"));
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/"),
        "{cookie}"
    );
    // after a redirect from another site, a browser would not send the strict cookie
    let answer = enter("Sec-Fetch-Site: cross-site\r\n");
    assert!(answer.status == 200 && answer.body.contains("http-equiv=\"refresh\""), "{answer:?}");
    assert!(!answer.body.contains(&page.token), "{answer:?}");
    let away = page
        .send(&format!("GET //evil.example/?t={} HTTP/1.1\r\nHost: {}\r\n\r\n", page.token, page.address));
    assert!(away.status != 303 || !away.header("location").starts_with("//"), "{away:?}");
}

#[test]
fn a_foreign_host_is_refused() {
    let project = one();
    let page = Page::start(&project, &[]);
    let cookie = page.cookie();
    for host in
        ["evil.example", "127.0.0.1.evil.example", "192.168.0.1", "seqorch", "localhost.evil.example:80"]
    {
        let answer = page.send(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n"));
        assert_eq!(answer.status, 421, "{host}: {answer:?}");
    }
    for (hosts, status) in [("Host: localhost\r\nHost: evil.example\r\n", [421, 400]), ("", [421, 400])] {
        let answer = page.send(&format!("GET / HTTP/1.1\r\n{hosts}Cookie: {cookie}\r\n\r\n"));
        assert!(status.contains(&answer.status), "{hosts:?}: {answer:?}");
    }
    for host in ["localhost:1", "[::1]", "127.0.0.1"] {
        let answer = page.send(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n"));
        assert_eq!(answer.status, 200, "a tunnel may have another port: {host}");
    }
    let absolute = page.request("GET http://evil.example/", "", "");
    assert_eq!(absolute.status, 400, "{absolute:?}");
    let known = Page::start(&project, &["--url", "https://box.example"]);
    let cookie = known.cookie();
    let behind = known.send(&format!("GET / HTTP/1.1\r\nHost: box.example\r\nCookie: {cookie}\r\n\r\n"));
    assert_eq!(behind.status, 200);
}

#[test]
fn a_form_of_another_site_changes_nothing() {
    let project = halted();
    let page = Page::start(&project, &[]);
    let form = "do=skip&task=2&sure=yes";
    let kind =
        format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", form.len());
    let before = project.state("login");
    for origin in [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: http://localhost:3000\r\n",
        "",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        let answer = page.request("POST /spec/login/act", &format!("{origin}{kind}"), form);
        assert_eq!(answer.status, 403, "{origin:?}: {answer:?}");
    }
    let hidden = format!("Origin: http://{}\r\nSec-Fetch-Site: cross-site\r\n{kind}", page.address);
    assert_eq!(page.request("POST /spec/login/act", &hidden, form).status, 403);
    assert_eq!(project.state("login"), before);
    let own = page.request("POST /spec/login/act", &format!("Sec-Fetch-Site: same-origin\r\n{kind}"), form);
    assert_eq!(own.status, 303, "{own:?}");
}

#[test]
fn no_path_leads_to_a_file() {
    let project = one().file("secret.txt", "do not show");
    let page = Page::start(&project, &[]);
    for path in [
        "/secret.txt",
        "/../secret.txt",
        "/spec/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/spec/..%2f..%2fsecret.txt",
        "/spec/login/task/..%2f..%2f..%2f..%2fsecret.txt",
        "/.git/config",
        "/spec/login/../../../secret.txt",
        "//etc/passwd",
        "/spec/%2fetc%2fpasswd",
        "/spec/login%00",
        "/spec/%ff",
        "/seqorch.toml",
        "/style.css/../../secret.txt",
        "/spec/.",
    ] {
        let answer = page.get(path);
        assert!([400, 404].contains(&answer.status), "{path}: {answer:?}");
        assert!(!answer.body.contains("do not show") && !answer.body.contains("root:"), "{path}: {answer:?}");
    }
}

#[test]
fn hostile_words_of_agents_and_tasks_are_text_on_every_page() {
    let words = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let project = Project::new().spec("login", format!("- [ ] 1. A {words}\n- [ ] 2. B {words}\n")).agent(&format!(
        "printf '\\033]0;evil\\007\\033[2J%s\\n' \"{}\"; data='data: x'; printf '\\r\\n\\n%s\\n' \"$data\"; \
         [ $SEQORCH_UNIT = 1 ] && say_done || say_halt",
        words.replace('"', "\\\"")
    ));
    project.run(&["run"]).code(2);
    let page = Page::start(&project, &[]);
    for path in [
        "/",
        "/spec/login",
        "/spec/login/task/1",
        "/spec/login/task/2",
        "/spec/login/report",
        "/spec/none%3Cscript%3E",
    ] {
        let answer = page.get(path);
        let body = answer.body.replace("<script src=\"/page.js\" defer></script>", "");
        for part in ["<script", "<img", "style=", "\u{1b}", "\u{7}", "javascript:"] {
            assert!(!body.contains(part), "{part:?} on {path}:\n{body}");
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let mut events = page.listen("/events/spec/login");
    events.wait_for("data: x");
    events.wait_for("What happened");
}

#[test]
fn secrets_are_masked_as_everywhere() {
    let secret = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789";
    let project = one().env("MY_API_KEY", secret).agent(&format!("echo the key is {secret}; say_halt"));
    project.run(&["run"]).code(2);
    let page = Page::start(&project, &[]);
    for path in ["/", "/spec/login", "/spec/login/task/1", "/spec/login/report"] {
        let body = page.get(path).ok();
        assert!(!body.contains(secret), "{path}:\n{body}");
    }
}

#[test]
fn large_requests_are_refused() {
    let project = one();
    let page = Page::start(&project, &[]);
    let form = format!("do=note&task=1&text={}", "x".repeat(70_000));
    assert_eq!(page.post("/spec/login/act", &form).status, 413);
    let origin = format!("Origin: http://{}\r\n", page.address);
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    let chunk = "y".repeat(30_000);
    let chunks =
        format!("{0:x}\r\n{chunk}\r\n{0:x}\r\n{chunk}\r\n{0:x}\r\n{chunk}\r\n0\r\n\r\n", chunk.len());
    let chunked = page.request(
        "POST /spec/login/act",
        &format!("{origin}{kind}Transfer-Encoding: chunked\r\n"),
        &chunks,
    );
    assert_eq!(chunked.status, 413, "{chunked:?}");
    let long = page.get(&format!("/{}", "a".repeat(40_000)));
    assert!([414, 431, 400].contains(&long.status), "{long:?}");
    let wide = page.request("GET /", &format!("X: {}\r\n", "a".repeat(40_000)), "");
    assert!([431, 400].contains(&wide.status), "{wide:?}");
    let many = page.request("GET /", &"X: a\r\n".repeat(500), "");
    assert!([431, 400].contains(&many.status), "{many:?}");
    let json = page.request(
        "POST /spec/login/act",
        &format!("{origin}Content-Type: application/json\r\nContent-Length: 2\r\n"),
        "{}",
    );
    assert_eq!(json.status, 415);
    assert_eq!(page.get("/").status, 200, "it serves on");
}

#[test]
fn many_requests_are_refused_for_a_while() {
    let project = one();
    let page = Page::start(&project, &[]);
    let guess = || page.send(&format!("GET /?t=0 HTTP/1.1\r\nHost: {}\r\n\r\n", page.address)).status;
    wait_until("guesses to be refused", || guess() == 429);
    assert_eq!(page.get("/").status, 200, "one who has the key is served");
    let form = || page.post("/spec/login/act", "do=nothing").status;
    wait_until("forms to be refused", || form() == 429);
}

#[test]
fn other_methods_and_broken_requests_are_refused() {
    let project = one();
    let page = Page::start(&project, &[]);
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        assert_eq!(page.request(&format!("{method} /"), "", "").status, 405, "{method}");
    }
    assert_eq!(page.post("/", "do=stop").status, 405);
    assert_eq!(page.get("/spec/login/act").status, 303, "the page after a form, loaded again");
    assert_eq!(page.request("HEAD /", "", "").body, "");
    assert_eq!(page.send("\u{0}\u{1}\r\n\r\n").status, 400);
    assert_eq!(page.get("/").status, 200);
}

#[test]
fn a_page_that_only_shows_takes_no_form() {
    let project = halted();
    let page = Page::start(&project, &["--read-only"]);
    let before = project.state("login");
    for form in ["do=skip&task=2&sure=yes", "do=stop", "do=answer&task=2&text=x&asked=y"] {
        assert_eq!(page.post("/spec/login/act", form).status, 403, "{form}");
    }
    assert_eq!(project.state("login"), before);
    assert!(!page.get("/spec/login").ok().contains("<form"));
}

#[test]
fn connections_that_send_nothing_leave_room_for_others() {
    let project = one();
    let page = Page::start(&project, &[]);
    let mut idle: Vec<_> = (0..20).map(|_| page.connect()).collect();
    for stream in &mut idle {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    }
    assert_eq!(page.get("/").status, 200);
    // more than there may be at one time: those that have been silent for the longest time make room
    let mut more: Vec<_> = (0..100).map(|_| page.connect()).collect();
    assert_eq!(page.get("/").status, 200);
    let mut byte = [0];
    assert!(matches!(more[0].read(&mut byte), Ok(0) | Err(_)));
    for _ in 0..3 {
        more.extend((0..80).map(|_| page.connect()));
        assert_eq!(page.get("/").status, 200);
    }
}

#[test]
fn a_long_path_does_not_end_the_server() {
    let project = one();
    let page = Page::start(&project, &[]);
    let path = "/events".repeat(2200) + "/";
    assert!(matches!(page.get(&path).status, 404 | 431 | 414));
    assert_eq!(page.get("/").status, 200);
}

#[test]
#[ignore = "slow"]
fn a_head_that_comes_byte_by_byte_is_cut_off() {
    let project = one();
    let page = Page::start(&project, &[]);
    let mut stream = page.connect();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n").unwrap();
    let start = std::time::Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}
