//! `seqorch report`, from real runs.

use crate::common::Project;

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
    assert!(page.contains("<td><code>gen-0</code></td>") && !page.contains("<b>"), "{page}");
}
