//! The page in a real browser: what a person sees and does. With `SEQORCH_PICTURES=FOLDER`, it leaves its pictures there.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::fs::{CWD, FileType, Mode};
use serde_json::{Value, json};

use super::client::Page;
use super::halted;
use crate::common::{DEADLINE, Project, skipped, wait_until};

/// A browser without a window, and a pipe to it each way.
struct Browser {
    child: Child,
    commands: File,
    events: BufReader<File>,
    number: u64,
    session: String,
    folder: PathBuf,
}

impl Browser {
    /// Starts one; `None`, with a note, if there is none.
    fn start(project: &Project) -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let found = names.iter().find(|name| Command::new(name).arg("--version").output().is_ok());
        let Some(name) = found else {
            skipped("Chromium is not installed");
            return None;
        };
        let folder = project.outside();
        for pipe in ["in", "out"] {
            rustix::fs::mknodat(CWD, folder.join(pipe), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        }
        let script = format!(
            "exec {name} --headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run --remote-debugging-pipe \
             --user-data-dir='{0}/profile' 3<'{0}/in' 4>'{0}/out' about:blank",
            folder.display()
        );
        let mut command = project.command_of("sh", &["-c", &script]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let commands = fs::OpenOptions::new().write(true).open(folder.join("in")).unwrap();
        let events = BufReader::new(File::open(folder.join("out")).unwrap());
        let mut browser = Self { child, commands, events, number: 0, session: String::new(), folder };
        let tab = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attached =
            browser.call("Target.attachToTarget", &json!({ "targetId": tab["targetId"], "flatten": true }));
        attached["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        Some(browser)
    }

    /// Calls a method of the browser, and waits for its result.
    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.commands.write_all(format!("{message}\0").as_bytes()).unwrap();
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < DEADLINE, "{method} has no result");
            let mut bytes = Vec::new();
            self.events.read_until(0, &mut bytes).unwrap();
            assert!(!bytes.is_empty(), "the browser ended");
            bytes.pop();
            let answer: Value = serde_json::from_slice(&bytes).unwrap();
            if answer["id"] == json!(self.number) {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// The value of an expression on the page.
    fn value(&mut self, expression: &str) -> Value {
        let result =
            self.call("Runtime.evaluate", &json!({ "expression": expression, "returnByValue": true }));
        result["result"]["value"].clone()
    }

    fn go(&mut self, address: &str) {
        self.call("Page.navigate", &json!({ "url": address }));
        self.wait_for("document.readyState === 'complete'");
    }

    /// Waits until an expression is true.
    #[track_caller]
    fn wait_for(&mut self, expression: &str) {
        let start = Instant::now();
        while self.value(expression) != json!(true) {
            let text = self.value("document.body && document.body.innerText");
            assert!(start.elapsed() < DEADLINE, "{expression} never became true:\n{text}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    #[track_caller]
    fn wait_for_text(&mut self, text: &str) {
        self.wait_for(&format!("document.body.innerText.includes({})", json!(text)));
    }

    /// As wide as a phone or a desk.
    fn resize(&mut self, width: u32, dark: bool) {
        let size = json!({ "width": width, "height": 844, "deviceScaleFactor": 1.5, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Leaves pictures of the page at both widths, where they are wanted. No page is wider than its screen.
    fn pictures(&mut self, name: &str) {
        for (width, dark) in [(390, false), (390, true), (1100, false)] {
            self.resize(width, dark);
            let wide =
                self.value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
            assert_eq!(wide, json!(0), "{name} is wider than {width} px");
            let Some(folder) = std::env::var_os("SEQORCH_PICTURES") else { continue };
            let picture =
                self.call("Page.captureScreenshot", &json!({ "captureBeyondViewport": width > 600 }));
            let theme = if dark { "-dark" } else { "" };
            let path = Path::new(&folder).join(format!("{name}-{width}{theme}.png"));
            let decode = Command::new("base64")
                .args(["-d"])
                .stdin(Stdio::piped())
                .stdout(File::create(path).unwrap())
                .spawn();
            let mut decode = decode.unwrap();
            decode.stdin.take().unwrap().write_all(picture["data"].as_str().unwrap().as_bytes()).unwrap();
            assert!(decode.wait().unwrap().success());
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(self.folder.join("profile"));
    }
}

fn link(page: &Page, path: &str) -> String {
    format!("http://{}{path}?t={}", page.address, page.token)
}

/// A project of git whose second task asks, as a person would have it.
fn shop() -> Project {
    let tasks = "- [ ] 1. Model of a session\n- [ ] 2. Send the link by mail\n- [ ] 3. Delete sessions older than a month\n";
    let project = Project::new()
        .spec("login", tasks)
        .spec("billing", "- [ ] 1. Invoices\n- [ ] 2. Reminders\n")
        .file(".gitignore", "/.*\n/gate\n/ledger\n")
        .config("[verify]\ncommands = [[\"sh\", \"-c\", \"echo 12 tests passed\"]]\n")
        .agent(
            "case $SEQORCH_UNIT-$SEQORCH_ATTEMPT in \
             2-1) echo 'There are two mail servers in the configuration, and both work.'; \
             echo 'Which one sends the link: <primary> or <backup>?'; say_halt; exit;; \
             2-2) echo 'The backup server it is. Reading src/mail.rs'; echo 'Editing src/mail.rs: the sender is a setting now'; gate;; esac; \
             mkdir -p src; printf 'pub fn step_%s() {}\\n' $SEQORCH_UNIT >> src/mail.rs; echo \"Task $SEQORCH_UNIT works.\"; say_done",
        );
    for args in [&["init", "-q"][..], &["add", "-A"]] {
        assert!(project.command_of("git", args).status().unwrap().success());
    }
    project.run(&["run", "login"]).code(2);
    project
}

#[test]
#[ignore = "needs Chromium"]
fn an_answer_typed_in_a_browser_finishes_the_task_before_its_eyes() {
    let project = shop();
    let page = Page::start(&project, &[]);
    let Some(mut browser) = Browser::start(&project) else { return };
    browser.go(&link(&page, "/"));
    browser.wait_for_text("needs you: task 2 asks");
    assert_eq!(browser.value("location.search"), json!(""), "the key stays in the address");
    assert_eq!(browser.value("document.cookie"), json!(""), "a script could read the key");
    browser.pictures("overview");
    browser.value("document.querySelector('.specs a').click()");
    browser.wait_for_text("<primary> or <backup>?");
    browser.pictures("halted");
    // what a person types survives a change of the page, and the field is left alone: a phone composes words in it
    browser.value(
        "const field = document.querySelector('textarea'); field.focus(); field.value = 'The back'; \
         window.left = 0; field.addEventListener('blur', () => { window.left += 1; }); \
         window.pressed = document.querySelector('.need button.first'); window.chosen = field",
    );
    project.run(&["note", "3", "Keep those of today.", "--spec", "login"]).code(0);
    let tasks = project.tasks("login").replace("a month", "a month, and count them");
    project.write(".kiro/specs/login/tasks.md", tasks);
    browser.wait_for_text("and count them");
    assert_eq!(browser.value("document.activeElement.value"), json!("The back"));
    let same = "[window.left, document.activeElement === window.chosen, document.querySelector('.need button.first') === window.pressed]";
    assert_eq!(browser.value(same), json!([0, true, true]));
    browser.value("document.querySelector('textarea').value += 'up.'; document.querySelector('.need button.first').click()");
    browser.wait_for_text("the run has begun");
    project.wait_for_ledger(3);
    browser.wait_for_text("the sender is a setting now");
    browser.pictures("running");
    project.release();
    browser.wait_for_text("3 of 3 tasks done");
    browser.pictures("complete");
    browser.go(&format!("http://{}/spec/login/report", page.address));
    browser.wait_for_text("Timeline");
    browser.pictures("report");
    browser.go(&format!("http://{}/spec/login/task/2", page.address));
    browser.wait_for_text("12 tests passed");
    browser.pictures("task");
}

#[test]
#[ignore = "needs Chromium"]
fn a_browser_without_scripts_can_do_everything() {
    let project = halted();
    let page = Page::start(&project, &[]);
    let Some(mut browser) = Browser::start(&project) else { return };
    browser.call("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    browser.go(&link(&page, "/spec/login"));
    browser.wait_for_text("Which <b>server</b>?");
    browser.value("document.querySelector('.need .second button').click()");
    browser.wait_for_text("Leave out task 2?");
    browser.pictures("confirm");
    browser.value("document.querySelector('button.first').click()");
    browser.wait_for_text("2 of login: skipped");
    browser
        .value("[...document.querySelectorAll('button')].find(one => one.innerText === 'Run again').click()");
    wait_until("the rest to be done", || project.tasks("login").contains("- [x] 3."));
    let after = format!("http://{}/spec/login", page.address);
    browser.go(&after);
    browser.wait_for_text("all complete");
}

#[test]
#[ignore = "needs Chromium"]
fn no_page_breaks_its_own_policy() {
    let project = halted();
    let page = Page::start(&project, &[]);
    let Some(mut browser) = Browser::start(&project) else { return };
    browser.go(&link(&page, "/"));
    let seen = "window.seen = []; document.addEventListener('securitypolicyviolation', e => window.seen.push(e.violatedDirective))";
    browser.call("Page.enable", &json!({}));
    browser.call("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": seen }));
    for path in ["/", "/spec/login", "/spec/login/task/1", "/spec/login/report"] {
        browser.go(&format!("http://{}{path}", page.address));
        browser.wait_for("getComputedStyle(document.body).maxWidth !== 'none'");
        assert_eq!(browser.value("JSON.stringify(window.seen)"), json!("[]"), "{path}");
    }
    // words of an agent that became markup would show here
    assert_eq!(browser.value("document.querySelectorAll('img, b').length"), json!(0));
}
