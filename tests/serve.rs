//! `seqorch serve`: the real program on a port of its own, asked by a small client of raw sockets.

mod actions;
mod attacks;
mod browser;
mod client;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use self::client::Page;
use crate::common::{Project, wait_until};

/// A project whose second task asks.
fn halted() -> Project {
    let project =
        Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B <script>alert(1)</script>\n- [ ] 3. C\n").agent(
            "case $SEQORCH_UNIT-$SEQORCH_ATTEMPT in 2-1) echo 'Which <b>server</b>?'; say_halt; exit;; esac; \
         echo \"I did $SEQORCH_UNIT.\"; say_done",
        );
    project.run(&["run"]).code(2);
    project
}

#[test]
fn the_pages_show_what_needs_you_each_task_and_the_report() {
    let project = halted().spec("other", "- [ ] 1. X\n");
    let page = Page::start(&project, &[]);
    let all = page.get("/").ok();
    let at = |part: &str| all.find(part).unwrap_or_else(|| panic!("no {part:?} in\n{all}"));
    assert!(at("needs you: task 2 asks") < at("<strong>other</strong>"), "{all}");
    let spec = page.get("/spec/login").ok();
    for part in
        ["Which &lt;b&gt;server&lt;&#x2f;b&gt;?", "name=\"asked\"", "B &lt;script&gt;", "1 of 3 tasks done"]
    {
        assert!(spec.contains(part), "no {part:?} in\n{spec}");
    }
    let task = page.get("/spec/login/task/1").ok();
    assert!(task.contains("I did 1.") && !task.contains("<form"), "{task}");
    assert!(page.get("/spec/login/task/3").ok().contains("Write the note"));
    let report = page.get("/spec/login/report").ok();
    assert!(report.contains("<rect class=\"bar halted\"") && report.contains("needs you"), "{report}");
    for path in
        ["/style.css", "/page.js", "/icon.svg", "/icon-192.png", "/icon-512.png", "/manifest.webmanifest"]
    {
        assert_eq!(page.get(path).status, 200, "{path}");
    }
    assert_eq!(page.get("/spec/other/report").ok().matches("Nothing has run yet").count(), 1);
    assert_eq!((page.get("/spec/none").status, page.get("/spec/login/task/9").status), (404, 404));
}

#[test]
fn a_page_is_served_while_the_configuration_is_broken() {
    let project = halted();
    project.write("seqorch.toml", "[run]\ndelay = \"soon\"\n");
    let page = Page::start(&project, &[]);
    assert!(page.get("/spec/login").ok().contains("1 of 3 tasks done"));
}

#[test]
fn a_page_gets_each_change_at_once_and_all_readers_share_a_watcher() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("echo first words; gate; say_done");
    let page = Page::start(&project, &[]);
    let mut readers: Vec<_> = (0..3).map(|_| page.listen("/events/spec/login")).collect();
    let mut overview = page.listen("/events/");
    let mut task = page.listen("/events/spec/login/task/1");
    task.wait_for("No agent has worked on it yet");
    readers[0].wait_for("no run is active");
    let run = project.start(&["run"]);
    for reader in &mut readers {
        reader.wait_for("first words");
    }
    overview.wait_for("running");
    task.wait_for("first words");
    project.release();
    run.wait().code(0);
    for reader in &mut readers {
        reader.wait_for("all complete");
    }
    overview.wait_for("1/1");
    let threads = || fs::read_dir(format!("/proc/{}/task", page.pid())).unwrap().count();
    let most = threads();
    drop((readers, overview, task));
    wait_until("the watchers to end with their readers", || threads() < most);
}

#[test]
fn the_key_is_private_and_stays_until_a_new_one_is_made() {
    let project = Project::new().spec("login", "- [ ] 1. A\n");
    let first = Page::start(&project, &[]).token;
    let again = Page::start(&project, &[]);
    assert_eq!(again.token, first, "a page on a phone would work no more");
    let folder = project.path(".home/.local/state/seqorch/page");
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
    let renewed = Page::start(&project, &["--new-key"]);
    assert_ne!(renewed.token, first);
    assert_eq!(renewed.with_token(&first).get("/").status, 401);
    // also for a server that works already, but not for one that could not begin
    assert_eq!(again.get("/").status, 401);
    let renewed = Page::start(&project, &[]);
    project.run(&["serve", "--listen", &renewed.address, "--new-key"]).code(69);
    assert_eq!(renewed.get("/").status, 200);
}

#[test]
fn it_dies_and_comes_back_while_a_run_works() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").agent("gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    let page = Page::start(&project, &[]);
    assert!(page.get("/spec/login").ok().contains("running"));
    page.kill();
    let page = Page::start(&project, &[]);
    project.release();
    project.wait_for_ledger(2);
    project.release();
    run.wait().code(0);
    assert!(page.get("/spec/login").ok().contains("2 of 2 tasks done"));
    page.signal(rustix::process::Signal::INT);
    page.wait().code(0);
}

#[test]
fn what_cannot_be_served_is_refused_with_the_exit_code_of_its_reason() {
    let project = Project::new().spec("login", "- [ ] 1. A\n");
    project.run(&["serve", "--listen", "0.0.0.0:0"]).code(64).says(&[
        "--public",
        "ssh -L",
        "tailscale serve",
    ]);
    project.run(&["serve", "nothing"]).code(66).says(&["there is no spec nothing"]);
    project.run(&["serve", "--url", "box"]).code(64).says(&["https://box.example"]);
    project
        .run(&["serve", "--listen", "192.0.2.1:7878", "--public"])
        .code(64)
        .says(&["not an address of this machine"]);
    let taken = Page::start(&project, &[]);
    project
        .run(&["serve", "--listen", &taken.address])
        .code(69)
        .says(&["listening at", "--listen 127.0.0.1:0"]);
    project.write("seqorch.local.toml", "[run]\ndelay = true\n");
    // one that works already still shows the specs
    assert_eq!(taken.get("/spec/login").status, 200);
    let empty = Project::new();
    empty.run(&["serve", "--listen", "127.0.0.1:0"]).code(66).says(&["there is no spec"]);
}

#[test]
fn specs_with_odd_names_and_a_single_file_have_pages() {
    let project = Project::new()
        .spec("a & <b>", "- [ ] 1. A\n")
        .spec("50% done?", "- [ ] 1. A\n")
        .file("specs/login/tasks.md", "- [ ] 1. X\n")
        .spec("login", "- [ ] 1. Y\n")
        .file("docs/TODO.md", "- [ ] 1. Z\n");
    let page = Page::start(&project, &[]);
    let all = page.get("/").ok();
    for (path, part) in [
        ("/spec/a%20%26%20%3Cb%3E", "a &amp; &lt;b&gt;"),
        ("/spec/50%25%20done%3F", "50% done?"),
        ("/spec/specs%2Flogin", "X"),
        ("/spec/.kiro%2Fspecs%2Flogin", "Y"),
    ] {
        assert!(all.replace("&#x2f;", "/").contains(&format!("href=\"{path}\"")), "no {path} in\n{all}");
        assert!(page.get(path).ok().contains(part), "{path}");
    }
    let one = Page::start(&project, &["docs/TODO.md"]);
    assert!(one.get("/spec/TODO.md").ok().contains("<strong>1</strong> Z"));
    assert_eq!(one.get("/spec/50%25%20done%3F").status, 404, "another spec than those that were named");
}

#[test]
fn the_address_is_printed_as_a_code_for_a_phone() {
    let project = Project::new().spec("login", "- [ ] 1. A\n");
    let page = Page::start(&project, &["--qr", "--url", "https://Box.example/"]);
    let printed = page.printed();
    assert!(
        printed.contains("https://box.example/?t=") && printed.contains("\u{2588}\u{2580}\u{2580}\u{2580}"),
        "{printed}"
    );
    assert!(printed.contains("It listens at 127.0.0.1:"), "{printed}");
    assert!(!printed.contains('\u{1b}') || printed.contains("\u{1b}[30;107m"), "{printed}");
}
