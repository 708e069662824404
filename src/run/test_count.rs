//! PURE. Counts the tests that a test runner reports.
//!
//! Known summaries: `cargo test` (`test result: ok. 3 passed; 1 failed;`), nextest (`Summary … 12 tests run`), pytest
//! (`=== 3 passed, 1 failed in 0.1s ===`), `go test` (`--- PASS:` lines of `-v`, else one for each `ok` package with
//! tests), vitest (`Tests  3 passed`), jest (`Tests: 1 failed, 3 passed, 4 total`).

use std::sync::LazyLock;

use regex::Regex;

use crate::agent::sanitise::sanitise;

static CARGO: LazyLock<Regex> = LazyLock::new(|| pattern(r"^test result: \S+ (\d+) passed; (\d+) failed;"));
static NEXTEST: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s*Summary \[.*\]\s+(\d+)(?:/\d+)? tests? run"));
static PYTEST: LazyLock<Regex> = LazyLock::new(|| pattern(r"^=*\s*((?:\d+ [a-z]+,? ?)+)in [\d.]+s"));
static GO_TEST: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*--- (?:PASS|FAIL): "));
static GO_PACKAGE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^ok\s+\S+\s+(?:[\d.]+s|\(cached\))(\s+\[no tests to run\])?"));
static JEST: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*Tests:?\s+(.*(?:passed|failed).*)$"));
static COUNTED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(\d+) (?:passed|failed|errors?)\b"));

fn pattern(text: &str) -> Regex {
    #[expect(clippy::unwrap_used, reason = "all patterns are fixed, and the tests compile them")]
    Regex::new(text).unwrap()
}

/// Number of tests that ran, passed or failed; skipped tests are not counted.
#[must_use]
pub fn count(stdout: &str, stderr: &str) -> u64 {
    let text = sanitise(format!("{stdout}\n{stderr}").as_bytes());
    let (mut tests, mut go_tests, mut go_packages) = (0, 0, 0);
    for line in text.lines() {
        let number = |text: &str| text.parse::<u64>().unwrap_or(0);
        let counted = |text: &str| COUNTED.captures_iter(text).map(|found| number(&found[1])).sum::<u64>();
        if let Some(found) = CARGO.captures(line) {
            tests += number(&found[1]) + number(&found[2]);
        } else if let Some(found) = NEXTEST.captures(line) {
            tests += number(&found[1]);
        } else if GO_TEST.is_match(line) {
            go_tests += 1;
        } else if let Some(found) = GO_PACKAGE.captures(line) {
            go_packages += u64::from(found.get(1).is_none());
        } else if let Some(found) = PYTEST.captures(line).or_else(|| JEST.captures(line)) {
            tests += counted(&found[1]);
        }
    }
    tests + if go_tests > 0 { go_tests } else { go_packages }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_each_test_runner_is_counted() {
        for (text, tests) in [
            (
                "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.1s",
                12,
            ),
            ("test result: ok. 1 passed; 0 failed; 0\ntest result: FAILED. 2 passed; 1 failed; 0", 4),
            ("     Summary [   0.012s] 5 tests run: 5 passed, 0 skipped", 5),
            ("============ 3 passed, 1 failed, 2 skipped in 0.12s ============", 4),
            ("======= no tests ran in 0.01s =======", 0),
            ("7 passed in 0.03s", 7),
            ("=== RUN   TestA\n--- PASS: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\nFAIL", 2),
            ("ok  \texample.com/a\t0.004s\nok  \texample.com/b\t(cached)\n?   \tx\t[no test files]", 2),
            ("ok  \texample.com/a\t0.004s [no tests to run]", 0),
            (" Test Files  2 passed (2)\n      Tests  9 passed | 1 skipped (10)", 9),
            ("Test Suites: 1 passed, 1 total\nTests:       1 failed, 3 passed, 4 total", 4),
            ("\x1b[1mTests:       \x1b[32m3 passed\x1b[0m, 3 total", 3),
            ("I ran 5 tests and all 5 passed", 0),
            ("", 0),
        ] {
            assert_eq!(count(text, ""), tests, "{text}");
        }
    }

    #[test]
    fn a_summary_on_stderr_counts_too() {
        assert_eq!(count("", "Tests:       2 passed, 2 total"), 2);
    }
}
