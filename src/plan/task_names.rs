//! What a person may type for a task: its id, a range of ids, a pattern, or a part of its title.

use globset::GlobBuilder;

use super::unit_tree::UnitTree;
use crate::config::Granularity;
use crate::error::{Error, ErrorKind, Result};
use crate::spec::{TaskFile, compare_ids};

/// How many ids an error lists.
const LISTED: usize = 20;
/// Letters that a part of a title has at least; less is a typo more often than a title.
const PART: usize = 3;

/// A task, or a heading that makes a unit.
#[derive(Debug)]
struct TaskName {
    id: String,
    title: String,
    depth: usize,
}

/// All that can be named in a tasks.md, in its order.
#[derive(Debug)]
pub struct TaskNames {
    names: Vec<TaskName>,
    /// The ids of the units, for errors.
    units: Vec<String>,
}

impl TaskNames {
    /// The names of a file.
    #[must_use]
    pub fn of(tasks: &TaskFile) -> Self {
        let tree = UnitTree::new(tasks, Granularity::Unit);
        let name = |&node: &usize| TaskName {
            id: tree.nodes[node].id.clone(),
            title: tree.nodes[node].title.to_owned(),
            depth: tree.upwards(node).skip(1).count(),
        };
        let names = tree.units.iter().flat_map(|unit| tree.below(unit.node)).map(name).collect();
        let units = tree.units.iter().map(|unit| tree.nodes[unit.node].id.clone()).collect();
        Self { names, units }
    }

    /// The ids that a text names, in the order of the file. `what` begins the message of an error: `--only: `.
    ///
    /// An id that exists wins over a range and a pattern, and these over a part of a title. Commas stand between several.
    pub fn find(&self, what: &str, text: &str) -> Result<Vec<String>> {
        let text = text.trim();
        if let Some(id) = self.id(text) {
            return Ok(vec![id.to_owned()]);
        }
        let parts = parts(text);
        if parts.len() > 1 {
            let all_ids = parts.iter().all(|part| self.id(part.trim()).is_some());
            // a title may hold a comma, too
            return match self.titled(what, text) {
                Ok(found) if !all_ids => Ok(found),
                _ => self.find_all(what, &parts),
            };
        }
        if let Some(range) = self.range(what, text)? {
            return Ok(range);
        }
        // "Which database?" and "[AI-Review]" may be parts of a title as well
        match text.contains(['*', '?', '[', '{']).then(|| self.matching(what, text)) {
            Some(Ok(found)) => Ok(found),
            _ => self.titled(what, text),
        }
    }

    /// The ids that several texts name, each once.
    pub fn find_all<T: AsRef<str>>(&self, what: &str, texts: &[T]) -> Result<Vec<String>> {
        let mut found: Vec<String> = Vec::new();
        for text in texts {
            for id in self.find(what, text.as_ref())? {
                if !found.contains(&id) {
                    found.push(id);
                }
            }
        }
        Ok(found)
    }

    /// An id and those of everything below its task.
    #[must_use]
    pub fn with_all_below(&self, id: &str) -> Vec<String> {
        let from = self.names.iter().skip_while(|name| name.id != id);
        let depth = from.clone().next().map_or(0, |name| name.depth);
        let below = from.clone().skip(1).take_while(|name| name.depth > depth);
        from.take(1).chain(below).map(|name| name.id.clone()).collect()
    }

    /// The ids of all that these tasks are parts of, and that are not among them.
    #[must_use]
    pub fn all_above(&self, ids: &[String]) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut path: Vec<&TaskName> = Vec::new();
        for name in &self.names {
            path.truncate(name.depth);
            if ids.contains(&name.id) {
                for above in path.iter().map(|above| &above.id) {
                    if !ids.contains(above) && !found.contains(above) {
                        found.push(above.clone());
                    }
                }
            }
            path.push(name);
        }
        found
    }

    /// The one id that a text names.
    pub fn find_one(&self, what: &str, text: &str) -> Result<String> {
        let mut found = self.find(what, text)?;
        if found.len() == 1 {
            return Ok(found.remove(0));
        }
        let text = format!("{what}{text} names {} tasks, and only one can be meant here", found.len());
        Err(Error::new(ErrorKind::Usage, text).hint(format!("Name one of them: {}.", listed(&found))))
    }

    /// The id itself, with other capitals where no other task has it.
    fn id(&self, text: &str) -> Option<&str> {
        let exact = self.names.iter().find(|name| name.id == text);
        let mut alike = self.names.iter().filter(|name| name.id.to_lowercase() == text.to_lowercase());
        let alike = alike.next().filter(|_| alike.next().is_none());
        exact.or(alike).map(|name| name.id.as_str())
    }

    /// `3-5`, `2.1-2.4`, `T004-T010`: the tasks between two, of the same kind and depth. `None`: the text is no range.
    fn range(&self, what: &str, text: &str) -> Result<Option<Vec<String>>> {
        // an id may have a hyphen, too
        let cuts = text.char_indices().filter(|(_, c)| matches!(c, '-' | '–'));
        let sides = cuts.map(|(at, c)| (text[..at].trim(), text[at + c.len_utf8()..].trim()));
        let sides: Vec<(&str, &str)> =
            sides.filter(|(from, to)| !from.is_empty() && !to.is_empty()).collect();
        let ends = sides.iter().find_map(|(from, to)| Some((self.id(from)?, self.id(to)?)));
        let Some((from, to)) = ends else {
            // one end is there, so a range is meant
            let known = sides.iter().find_map(|(from, to)| match (self.id(from), self.id(to)) {
                (Some(_), None) if is_id_like(to) => Some(to),
                (None, Some(_)) if is_id_like(from) => Some(from),
                _ => None,
            });
            let both =
                sides.iter().find(|(from, to)| is_id_like(from) && is_id_like(to)).map(|(from, _)| from);
            return known.or(both).map_or(Ok(None), |missing| Err(self.unknown(what, missing)));
        };
        let place = |id: &str| self.names.iter().position(|name| name.id == id).unwrap_or_default();
        let (first, last) = (place(from), place(to));
        let numbered = without_number(from) == without_number(to);
        if if numbered { compare_ids(from, to).is_gt() } else { first > last } {
            let text = format!("{what}the range {text} ends before it begins");
            return Err(Error::new(ErrorKind::Usage, text).hint(format!("Turn it round: {to}-{from}.")));
        }
        let depth = self.names[first].depth;
        let between = |(at, name): &(usize, &TaskName)| {
            if numbered {
                without_number(&name.id) == without_number(from)
                    && compare_ids(from, &name.id).is_le()
                    && compare_ids(&name.id, to).is_le()
            } else {
                (first..=last).contains(at) && name.depth == depth
            }
        };
        let found = self.names.iter().enumerate().filter(between).map(|(_, name)| name.id.clone());
        Ok(Some(found.collect()))
    }

    /// `2.*`
    fn matching(&self, what: &str, text: &str) -> Result<Vec<String>> {
        let Ok(glob) = GlobBuilder::new(text).literal_separator(false).build() else {
            return Err(self.unknown(what, text));
        };
        let glob = glob.compile_matcher();
        let found = self.names.iter().filter(|name| glob.is_match(&name.id)).map(|name| name.id.clone());
        let found: Vec<String> = found.collect();
        if found.is_empty() { Err(self.unknown(what, text)) } else { Ok(found) }
    }

    fn titled(&self, what: &str, text: &str) -> Result<Vec<String>> {
        let wanted = text.to_lowercase();
        if wanted.is_empty() || is_id_like(text) {
            return Err(self.unknown(what, text));
        }
        let titles = || self.names.iter().map(|name| (name, name.title.to_lowercase()));
        let whole: Vec<&TaskName> =
            titles().filter(|(_, title)| *title == wanted).map(|(name, _)| name).collect();
        let letters = wanted.chars().filter(|c| c.is_alphabetic()).count();
        // "*.md" is no typo, though it has two letters
        let short = wanted.is_ascii() && letters < PART && (letters + 1 < PART || wanted.len() <= PART);
        let part = || titles().filter(|(_, title)| !short && title.contains(&wanted)).map(|(name, _)| name);
        let found = if whole.is_empty() { part().collect() } else { whole };
        match found.as_slice() {
            [] => Err(self.unknown(what, text)),
            [one] => Ok(vec![one.id.clone()]),
            several => {
                let message = format!("{what}\"{text}\" is in the titles of {} tasks", several.len());
                let mut lines: Vec<String> =
                    several.iter().take(LISTED).map(|name| format!("  {} {}", name.id, name.title)).collect();
                if several.len() > LISTED {
                    lines.push(format!("  and {} more", several.len() - LISTED));
                }
                let error = Error::new(ErrorKind::Usage, message).detail(lines.join("\n"));
                Err(error.hint("Name one by its id, or give more of its title."))
            }
        }
    }

    /// The error for a text that names nothing.
    #[must_use]
    pub fn unknown(&self, what: &str, text: &str) -> Error {
        let message = if text.trim().is_empty() {
            format!("{what}the name of a task is empty")
        } else {
            format!("{what}there is no task {text}")
        };
        let mut error = Error::new(ErrorKind::Usage, message);
        let close = self.closest(text);
        if let Some(close) = close {
            error = error.hint(format!("Did you mean {close}?"));
        }
        // of a subtask, the list of units would contradict the line before
        let within = close.filter(|close| !self.units.iter().any(|unit| unit == close));
        error.hint(match within.and_then(|close| self.above(close)) {
            Some(unit) => format!("Task {unit} has: {}.", listed(&self.with_all_below(unit)[1..])),
            None => format!("It has: {}.", listed(&self.units)),
        })
    }

    /// The unit of a task in it.
    fn above(&self, id: &str) -> Option<&str> {
        let at = self.names.iter().position(|name| name.id == id)?;
        let unit = |name: &&TaskName| self.units.contains(&name.id);
        self.names[..at].iter().rev().find(unit).map(|name| name.id.as_str())
    }

    /// The known id that is most similar to this one, if one is similar.
    fn closest(&self, id: &str) -> Option<&str> {
        let scored = self.names.iter().map(|name| (strsim::jaro_winkler(&name.id, id), name.id.as_str()));
        let best = scored.fold((0.0, ""), |best, next| if next.0 > best.0 { next } else { best });
        (best.0 >= 0.75).then_some(best.1)
    }
}

/// The texts between commas; those of a pattern like `{1,3}` separate nothing.
fn parts(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let outside = |c: char| {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
        c == ',' && depth <= 0
    };
    text.split(outside).collect()
}

/// `2`, `2.1`, `T004`, `CORE-2`: numbers, with letters before them.
fn is_id_like(text: &str) -> bool {
    text.ends_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        || text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'))
}

/// The id without its last number.
fn without_number(id: &str) -> &str {
    id.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// Ids for an error; of many, the first ones and the last.
fn listed(ids: &[String]) -> String {
    if ids.is_empty() {
        return "no task".to_owned();
    }
    let mut ids = ids.to_vec();
    ids.sort_by(|a, b| compare_ids(a, b));
    if ids.len() <= LISTED {
        return ids.join(", ");
    }
    let (first, last) = (ids[..LISTED - 1].join(", "), &ids[ids.len() - 1]);
    format!("{first}, … {last} ({} in all)", ids.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::parse;

    const TASKS: &str = "- [ ] 1. Set up the project\n- [ ] 2. Login\n  - [ ] 2.1 Form\n  - [ ] 2.2 Call\n  - [ ] 2.3 Tests\n\
                         - [ ] 3. Logout page\n- [ ] 4. Ship it\n- [ ] 10. Clean up 9 pages\n";

    fn find(text: &str) -> String {
        match TaskNames::of(&parse(TASKS)).find("", text) {
            Ok(ids) => ids.join(" "),
            Err(error) => error.render(),
        }
    }

    #[test]
    fn ids_ranges_patterns_and_parts_of_titles_name_tasks() {
        for (text, ids) in [
            ("2", "2"),
            ("2.1", "2.1"),
            ("3-10", "3 4 10"),
            ("2.1-2.3", "2.1 2.2 2.3"),
            ("1 - 3", "1 2 3"),
            ("2.*", "2.1 2.2 2.3"),
            ("?", "1 2 3 4"),
            ("logout", "3"),
            ("set up the", "1"),
            // a whole title wins over a part of another one
            ("login", "2"),
            ("1,3", "1 3"),
            ("2.1-2.2, ship", "2.1 2.2 4"),
            ("2.*,2.1", "2.1 2.2 2.3"),
            ("[13]", "1 3"),
            ("{1,3},4", "1 3 4"),
        ] {
            assert_eq!(find(text), ids, "{text}");
        }
    }

    #[test]
    fn an_unknown_name_ends_with_the_ids_of_the_plan() {
        for text in ["9", "T004", "9.*", "nothing", "3-99", "99-3", "-", "up", ""] {
            let error = find(text);
            assert!(error.ends_with("hint: It has: 1, 2, 3, 4, 10.\n"), "{text}: {error}");
        }
        assert!(find("3-99").contains("there is no task 99"), "{}", find("3-99"));
        // the closest one is a subtask
        let error = find("2.9");
        assert!(error.ends_with("Did you mean 2.1?\nhint: Task 2 has: 2.1, 2.2, 2.3.\n"), "{error}");
    }

    #[test]
    fn a_part_of_two_titles_lists_both_and_a_turned_range_says_so() {
        let error = find("page");
        assert!(error.contains("\"page\" is in the titles of 2 tasks"), "{error}");
        assert!(error.contains("  3 Logout page\n  10 Clean up 9 pages\n"), "{error}");
        assert!(find("4-3").contains("Turn it round: 3-4."), "{}", find("4-3"));
    }

    #[test]
    fn an_id_that_exists_wins_over_a_range_and_a_pattern() {
        let names = TaskNames::of(&parse("- [ ] CORE-1: A\n- [ ] CORE-2: B\n- [ ] CORE-3: C\n"));
        let find = |text: &str| names.find("", text).map(|ids| ids.join(" ")).map_err(|error| error.render());
        assert_eq!(find("CORE-2").unwrap(), "CORE-2");
        assert_eq!(find("core-2").unwrap(), "CORE-2");
        assert_eq!(find("CORE-1-CORE-3").unwrap(), "CORE-1 CORE-2 CORE-3");
        assert_eq!(find("CORE-*").unwrap(), "CORE-1 CORE-2 CORE-3");
    }

    #[test]
    fn whole_titles_may_be_short_and_hold_commas_and_brackets() {
        let names = TaskNames::of(&parse(
            "- [ ] 1. Ui\n- [ ] 2. Read, write\n- [ ] 3. [High] Repair\n- [ ] 4. Write\n",
        ));
        for (text, id) in
            [("ui", "1"), ("read, write", "2"), ("[High]", "3"), ("write", "4"), ("Ui,[High] Repair", "1 3")]
        {
            assert_eq!(names.find("", text).unwrap().join(" "), id, "{text}");
        }
        assert!(names.find("", "1,nope").unwrap_err().render().contains("there is no task nope"));
    }

    #[test]
    fn titles_may_hold_what_a_pattern_is_made_of() {
        let names = TaskNames::of(&parse(
            "- [ ] 1. Which database?\n- [ ] 2. Support **/*.md globs\n- [ ] 3. Why? (size) *\n",
        ));
        for (text, ids) in [
            ("Which database?", "1"),
            ("database?", "1"),
            ("*.md", "2"),
            ("*.md globs", "2"),
            ("(size) *", "3"),
            ("Which database?, (size)", "1 3"),
            // what matches ids is a pattern
            ("?", "1 2 3"),
        ] {
            assert_eq!(names.find("", text).unwrap().join(" "), ids, "{text}");
        }
        assert!(names.find("", "What?").unwrap_err().render().contains("there is no task What?"));
    }

    #[test]
    fn headings_that_make_units_have_names_and_many_ids_are_shortened() {
        let names = TaskNames::of(&parse("## 1. Setup\n- [ ] 1.1 A\n- [ ] 1.2 B\n## 2. Work\n- [ ] 2.1 C\n"));
        assert_eq!(names.find("", "2").unwrap(), ["2"]);
        assert_eq!(names.find("", "work").unwrap(), ["2"]);
        let many: Vec<String> = (1..=300).map(|n| format!("- [ ] {n}. Task\n")).collect();
        let error = TaskNames::of(&parse(&many.concat())).unknown("", "x").render();
        assert!(error.ends_with("18, 19, … 300 (300 in all).\n") && error.len() < 300, "{error}");
    }
}
