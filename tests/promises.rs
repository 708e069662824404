//! What the README promises is held by the tests that it names.

use std::fs;
use std::path::Path;

/// The rows of the table "What survives what", as cells.
fn rows() -> Vec<Vec<String>> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let section = readme.split("### What survives what").nth(1).expect("the section is there");
    section
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// The attributes and the first line of the test `name` of a suite.
fn declaration<'a>(suite: &'a str, name: &str) -> Option<&'a str> {
    let at = suite.find(&format!("fn {name}("))?;
    let from = suite[..at].rfind("#[test]")?;
    Some(&suite[from..at])
}

#[test]
fn each_row_of_what_survives_what_is_held_by_tests_that_are_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checks = fs::read_to_string(root.join(".ci/run")).unwrap();
    let rows = rows();
    assert!(rows.len() >= 10, "the table is gone, or is read wrongly: {rows:?}");
    for row in rows {
        let [event, _, held_by] = row.as_slice() else { panic!("not three cells: {row:?}") };
        let tests: Vec<_> = held_by.split(", ").map(|t| t.trim_matches('`')).collect();
        for test in tests {
            let (suite, name) =
                test.split_once("::").unwrap_or_else(|| panic!("{event}: {test:?} names no test"));
            let text = fs::read_to_string(root.join("tests").join(format!("{suite}.rs")))
                .unwrap_or_else(|e| panic!("{event}: no suite {suite}: {e}"));
            let declared = declaration(&text, name).unwrap_or_else(|| panic!("{event}: no test {test}"));
            assert!(
                !declared[..].contains("\nfn ") && !declared.contains("\n}"),
                "{event}: {test} is no test"
            );
            if declared.contains("#[ignore") {
                assert!(
                    checks.contains(&format!(" {suite}::")),
                    "{event}: {test} is ignored, and nothing runs it"
                );
            }
        }
    }
}
