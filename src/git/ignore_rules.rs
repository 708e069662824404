//! Files that a new rule of `.gitignore` or of `info/exclude` hides: no look shows them, so no snapshot and no commit has
//! them. An agent may write such a rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::call::GitError;
use super::left_out::{IgnoreRules, LeftOut, RuleFile};
use super::path::RepoPath;
use super::snapshot::Snapshots;
use super::stamp::Stamp;

/// The file of rules in git's folder, as git names it behind the path of that folder.
const EXCLUDE: &str = "info/exclude";
/// Larger files of rules are not read. Bytes.
const RULES_MAX: u64 = 1_000_000;
/// So many hidden paths are named.
const NAMED: usize = 50;

impl Snapshots<'_> {
    /// The rules of now. `files`: the `.gitignore` files of the work tree.
    pub(super) fn ignore_rules(&self, files: &[RepoPath]) -> IgnoreRules {
        let in_tree = files.iter().map(|path| (path.to_string(), read(&self.at(path), None)));
        let exclude = read(&self.repository().common_dir.join(EXCLUDE), None);
        in_tree.chain([(EXCLUDE.to_owned(), exclude)]).collect()
    }

    /// What rules hide that were not there when the run began.
    pub(super) fn hidden_by_new_rules(
        &self,
        known: &IgnoreRules,
        files: &[RepoPath],
    ) -> Result<Vec<LeftOut>, GitError> {
        let exclude = self.repository().common_dir.join(EXCLUDE);
        let in_tree = files.iter().map(|path| (path.to_string(), self.at(path)));
        let mut new: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, path) in in_tree.chain([(EXCLUDE.to_owned(), exclude)]) {
            let old = known.get(&name);
            let now = read(&path, old);
            let is_new = |rule: &&String| old.is_none_or(|old| !old.rules.contains(*rule));
            let rules: BTreeSet<String> = now.rules.iter().filter(is_new).cloned().collect();
            if !rules.is_empty() {
                new.insert(name, rules);
            }
        }
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let args = ["ls-files", "-o", "-i", "--exclude-standard", "--directory", "-z"];
        let listed = self.call(args).read(&self.repository().supervisor)?;
        let listed = listed.split(|b| *b == 0).filter(|path| !path.is_empty()).map(RepoPath::new);
        let input: Vec<u8> = listed
            .filter(|path| !path.is_of_seqorch())
            .flat_map(|path| [path.bytes(), b"\0"].concat())
            .collect();
        if input.is_empty() {
            return Ok(Vec::new());
        }
        let call = self.call(["check-ignore", "-v", "-z", "--stdin"]).stdin(&input);
        let printed = call.read(&self.repository().supervisor)?;
        // SOURCE, LINE, PATTERN, PATH
        let fields: Vec<&[u8]> = printed.split(|b| *b == 0).collect();
        let hidden = fields.chunks_exact(4).filter_map(|record| {
            let [source, _, rule, path] = record else { return None };
            let source = RepoPath::new(*source).to_string();
            let name = if source.ends_with(EXCLUDE) { EXCLUDE } else { source.as_str() };
            let rule = String::from_utf8_lossy(rule);
            let why = format!("ignored by the new rule {rule} in {source}");
            // so tools hide a folder of theirs, as that of a virtual environment
            let hides_itself = rule == "*" && source.ends_with("/.gitignore");
            let is_new = !hides_itself && new.get(name).is_some_and(|rules| rules.contains(rule.as_ref()));
            is_new.then(|| LeftOut { path: RepoPath::new(*path).to_string(), why })
        });
        Ok(hidden.take(NAMED).collect())
    }
}

/// The rules of a file; those that are `known` where it did not change since.
fn read(path: &Path, known: Option<&RuleFile>) -> RuleFile {
    let stamp = Stamp::of(path);
    if let Some(known) = known.filter(|known| known.stamp == stamp) {
        return known.clone();
    }
    let is_file = fs::symlink_metadata(path).is_ok_and(|data| data.is_file() && data.len() <= RULES_MAX);
    let text = if is_file { fs::read(path).unwrap_or_default() } else { Vec::new() };
    let text = String::from_utf8_lossy(&text);
    let rules = text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'));
    RuleFile { stamp, rules: rules.map(str::to_owned).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::repository;

    #[test]
    fn files_that_a_new_rule_hides_are_named_and_no_others() {
        let cases =
            [(".git/info/exclude", "hid*"), (".gitignore", "/sub/hidden"), ("sub/.gitignore", "hidden")];
        for (file, rule) in cases {
            let (_dir, repo) = repository();
            let write = |name: &str, text: &str| {
                fs::create_dir_all(repo.top.join(name).parent().unwrap()).unwrap();
                fs::write(repo.top.join(name), text).unwrap();
            };
            write("sub/.gitignore", "old\n");
            write("sub/old", "x");
            let mut snapshots = Snapshots::begin(&repo, "k", 0).unwrap();
            assert!(snapshots.take().unwrap().left_out.is_empty());
            write("sub/hidden", "x");
            let rules = fs::read_to_string(repo.top.join(file)).unwrap_or_default();
            write(file, &format!("{rules}{rule}\n"));
            let left_out = snapshots.take_and_search().unwrap().left_out;
            let hidden: Vec<&LeftOut> = left_out.iter().filter(|one| one.path == "sub/hidden").collect();
            assert_eq!(hidden.len(), 1, "{file}: {left_out:?}");
            assert_eq!(hidden[0].why, format!("ignored by the new rule {rule} in {file}"));
            assert!(left_out.iter().all(|one| one.path != "sub/old"), "{file}: {left_out:?}");
            // it stays known until the next search
            assert_eq!(snapshots.take().unwrap().left_out, left_out);
        }
    }

    #[test]
    fn a_rule_that_hides_everything_is_named_and_the_folder_of_a_tool_is_not() {
        for (file, hidden) in [(".git/info/exclude", &["made"][..]), (".gitignore", &[".gitignore", "made"])]
        {
            let (_dir, repo) = repository();
            let mut snapshots = Snapshots::begin(&repo, "k", 0).unwrap();
            snapshots.take().unwrap();
            fs::create_dir(repo.top.join(".venv")).unwrap();
            fs::write(repo.top.join(".venv/.gitignore"), "*\n").unwrap();
            assert!(snapshots.take_and_search().unwrap().left_out.is_empty());
            fs::remove_dir_all(repo.top.join(".venv")).unwrap();
            fs::write(repo.top.join("made"), "x").unwrap();
            fs::write(repo.top.join(file), "*\n").unwrap();
            let left_out = snapshots.take_and_search().unwrap().left_out;
            let paths: Vec<&str> = left_out.iter().map(|one| one.path.as_str()).collect();
            assert_eq!(paths, hidden, "{file}");
        }
    }
}
