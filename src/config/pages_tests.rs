use std::fs;
use std::path::Path;

use super::*;
use crate::config::check::check;
use crate::config::sections::root::ROOT;
use crate::config::tree::TomlNode;

fn assert_committed(file: &str, made: &str, verb: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let committed = fs::read_to_string(path).unwrap_or_default();
    let differs = committed.lines().zip(made.lines()).position(|(a, b)| a != b).map_or(0, |line| line + 1);
    assert!(
        committed == made,
        "{file} is not what the keys say (first at line {differs}); make it again: \
         cargo run -- config {verb} > {file}"
    );
}

#[test]
fn the_committed_example_is_the_one_that_the_keys_make() {
    assert_committed("seqorch.toml.example", &example(), "example");
}

#[test]
fn the_committed_reference_is_the_one_that_the_keys_make() {
    assert_committed("docs/configuration.md", &reference(), "reference");
}

#[test]
fn the_example_is_valid_with_all_its_comments_switched_on() {
    let text = example();
    for text in [switched_on(&text), text] {
        let tree = TomlNode::parse(&text).unwrap_or_else(|e| panic!("{}: {}", e.line, e.message));
        let mut problems = Vec::new();
        check(&tree, ROOT, &|line| format!("{line:?}"), &mut problems);
        assert_eq!(problems, []);
    }
}

#[test]
fn every_key_is_in_the_example_and_in_the_reference() {
    let (example, reference) = (example(), reference());
    for (path, key) in super::super::lookup::leaves() {
        let name = key.name;
        assert!(example.contains(&format!("{name} = ")), "{path}");
        assert!(reference.contains(&format!("| `{name}` |")), "{path}");
        assert!(reference.contains(&cell(key.doc())), "{path}");
    }
}
