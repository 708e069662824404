//! `seqorch report`, from real runs.

use crate::common::{Project, wait_until};

const THREE: &str = "- [ ] 1. A\n- [ ] 2. B <script>alert(1)</script>\n- [ ] 3. C\n";

fn night() -> Project {
    let project = Project::new().spec("login", THREE).agent(
        "case $SEQORCH_UNIT-$SEQORCH_ATTEMPT in 1-1) exit 3;; 2-*) echo 'Which <b>server</b>?'; say_halt; exit;; esac; \
         echo \"I did $SEQORCH_UNIT.\"; say_done",
    );
    project.run(&["run"]).code(2);
    project
}

#[test]
fn the_report_starts_with_what_needs_you_and_lists_each_task() {
    let project = night();
    let text = project.run(&["report"]).code(0).stdout;
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part:?} in\n{text}"));
    assert!(at("# login: needs you") < at("> Which <b>server</b>?"), "{text}");
    assert!(at("seqorch resume login --answer") < at("## Tasks"), "{text}");
    assert!(text.contains("- tasks: 1 of 3 tasks done · 1 halted · 1 to do\n- attempts: 3\n"), "{text}");
    assert!(text.contains("- tokens: unknown\n"), "{text}");
    assert!(at("## Final messages") < at("> I did 1."), "{text}");
}

#[test]
fn the_html_report_stands_alone_and_escapes_foreign_text() {
    let project = night();
    project.run(&["report", "--html", "out.html"]).code(0).says(&["wrote out.html"]);
    let page = project.read("out.html");
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"), "{page}");
    assert!(page.contains("B &lt;script&gt;alert(1)&lt;&#x2f;script&gt;"), "{page}");
    assert!(!page.contains("<script") && !page.contains("<b>server"), "{page}");
    for way_out in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(way_out), "{way_out} in {page}");
    }
    let printed = project.run(&["report", "--html", "-"]).code(0).stdout;
    assert!(printed.starts_with("<!doctype html>") && printed.trim_end().ends_with("</html>"), "{printed}");
    assert!(!project.path("-").exists());
    assert_eq!(page.matches("class=\"bar failed\"").count(), 1, "{page}");
    assert_eq!(page.matches("class=\"bar halted\"").count(), 1, "{page}");
}

#[test]
fn the_report_before_the_first_run_says_that_nothing_ran() {
    let project = Project::new().spec("login", THREE).agent("say_done");
    project.run(&["report"]).code(0).says(&["nothing has run yet"]);
    assert!(!project.path(".seqorch").exists(), "looking made files");
}

#[test]
fn the_report_lists_the_files_that_each_task_changed() {
    let agent =
        "echo hi > 'new <b>.txt'; i=0; while [ $i -lt 30 ]; do echo > gen-$i; i=$((i+1)); done; say_done";
    let project = Project::new().spec("login", "- [ ] 1. A\n").file(".gitignore", "/.*\n").agent(agent);
    for args in [&["init", "-q"][..], &["add", "-A"]] {
        assert!(project.command_of("git", args).status().unwrap().success());
    }
    project.run(&["run"]).code(0);
    let text = project.run(&["report"]).code(0).stdout;
    let changes = text.split_once("\n## Changes\n\n**1 A**\n\n").unwrap_or_else(|| panic!("{text}")).1;
    assert!(changes.contains("    gen-0  +1 -0\n") && changes.contains("    and 12 more files\n"), "{text}");
    let page = project.run(&["report", "--html", "-"]).code(0).stdout;
    assert!(page.contains("<summary><strong>1</strong> A: 32 files +32 -0</summary>"), "{page}");
    assert!(page.contains("<th scope=\"row\"><code>gen-0</code></th>") && !page.contains("<b>"), "{page}");
}

/// A project of git, with one task whose check fails twice.
fn checked() -> Project {
    let agent = "echo \"<i>$SEQORCH_ATTEMPT</i>\" >> note.txt; say_done";
    let check = "n=$(wc -l <note.txt); [ $n -ge 3 ] && exit; echo 'FAIL two notes were added, list shows one'; echo 'see above'; exit 1";
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B (human)\n")
        .file(".gitignore", "/.*\n")
        .agent(agent)
        .file("check.sh", check)
        .config("[verify]\ncommands = [[\"sh\", \"check.sh\"]]\n");
    for args in [&["init", "-q"][..], &["add", "-A"]] {
        assert!(project.command_of("git", args).status().unwrap().success());
    }
    project.run(&["run"]).code(2);
    project
}

#[test]
fn the_report_names_the_cause_of_each_failed_attempt_and_what_is_left() {
    let project = checked();
    let text = project.run(&["report"]).code(0).stdout;
    let reasons =
        text.split_once("\n## Why attempts failed\n\n**1 A**\n\n").unwrap_or_else(|| panic!("{text}")).1;
    let cause = "not done: FAIL two notes were added, list shows one (`sh check.sh` does not succeed";
    assert!(reasons.starts_with("- attempt 1: ") && reasons.matches(cause).count() == 2, "{text}");
    assert!(text.contains("\n## Left\n\n- 2 B (human)\n"), "{text}");
    assert!(text.contains("    seqorch diff --spec login 1\n"), "{text}");
}

#[test]
fn the_page_has_the_changes_of_each_task_line_by_line() {
    let project = checked();
    let page = project.run(&["report", "--html", "-"]).code(0).stdout;
    assert!(page.contains("<a href=\"#diff-1\">") && page.contains("id=\"diff-1\""), "{page}");
    assert!(page.contains("<span class=\"added\">+&lt;i&gt;1&lt;&#x2f;i&gt;\n</span>"), "{page}");
    assert!(page.contains("list shows one") && !page.contains("<i>1"), "{page}");
}

#[test]
fn the_report_as_json_is_data() {
    let project = checked();
    let text = project.run(&["report", "--json"]).code(0).stdout;
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&report["spec"], &report["rows"][0]["kind"]), (&"login".into(), &"done".into()));
    assert_eq!(report["left"][0], serde_json::json!(["2", "B (human)"]));
    assert_eq!(report["needs"][0]["task"], "2", "{text}");
    let patch = report["rows"][0]["patch"].as_array().unwrap();
    assert!(patch.iter().any(|line| line["kind"] == "added"), "{text}");
    let nothing = Project::new().spec("login", THREE);
    assert_eq!(nothing.run(&["report", "--json"]).code(0).stdout, "null\n");
}

#[test]
fn the_page_is_opened_in_the_browser_of_the_person() {
    let project = checked().env("BROWSER", "my-browser");
    let bin = project.outside().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let script = bin.join("my-browser");
    std::fs::write(&script, "#!/bin/sh\ncp \"$1\" opened.html.new && mv opened.html.new opened.html\n")
        .unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let project = project.env("PATH", path);
    project.run(&["report", "--open"]).code(0).says(&["report.html", "opened it"]);
    wait_until("the page in the browser", || project.path("opened.html").exists());
    assert!(project.read("opened.html").starts_with("<!doctype html>"));
    std::fs::write(&script, "#!/bin/sh\nexit 3\n").unwrap();
    let failed = project.run(&["report", "--open"]).code(69);
    let failed = failed.says(&["my-browser did not open the page: exit status: 3", "Open it yourself: "]);
    assert!(!failed.stdout.contains("opened it"), "{failed:?}");
    let project = project.env("PATH", "/nowhere");
    project.run(&["report", "--open"]).code(69).says(&["no program opens a page", "report.html"]);
}

#[test]
fn words_of_a_person_make_no_sections_of_the_report() {
    let project = Project::new()
        .spec("demo", "- [ ] 1. A\n")
        .agent("[ $SEQORCH_ATTEMPT = 1 ] && { echo 'Which?'; say_halt; exit; }; say_done");
    project.run(&["run"]).code(2);
    project.run(&["note", "1", "## Left\n\nNothing."]).code(0);
    project.run(&["resume", "demo", "--answer", "This:\n\n## Tasks\n\n<script>x</script>"]).code(0);
    let text = project.run(&["report"]).code(0).stdout;
    assert!(text.contains("> Which?\n\n> This:\n> \n> ## Tasks\n") && text.contains("> ## Left\n"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("## ")).count(), 2, "{text}");
    let page = project.run(&["report", "--html", "-"]).code(0).stdout;
    assert!(!page.contains("<script>x") && page.contains("&lt;script&gt;x"), "{page}");
}
