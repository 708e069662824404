//! Which file uses which: paths resolved to the files that define what they name.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::sources::{Binding, Crate, UsedPath};

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Target {
    /// An item, by the file that defines it.
    Item(String),
    Module(String),
    /// Something of another crate.
    External(Vec<String>),
}

/// From one file to another.
#[derive(Clone, Debug)]
pub(super) struct Arrow {
    pub from: String,
    pub to: String,
    pub name: String,
    pub line: usize,
}

impl Crate {
    /// The arrows between different files, one for each name and pair.
    pub(super) fn arrows(&self) -> Vec<Arrow> {
        let mut found = BTreeMap::new();
        for file in &self.files {
            for used in &file.paths {
                for target in self.resolve(used) {
                    let Target::Item(to) = target else { continue };
                    if to != file.file.path {
                        let name = used.segments.last().unwrap().clone();
                        found.entry((file.file.path.clone(), to, name)).or_insert(used.line);
                    }
                }
            }
        }
        found.into_iter().map(|((from, to, name), line)| Arrow { from, to, name, line }).collect()
    }

    /// What a path names. More than one thing where a name is that of a module and of a function.
    pub(super) fn resolve(&self, used: &UsedPath) -> BTreeSet<Target> {
        self.resolve_from(&used.module, &used.segments, 0)
    }

    fn resolve_from(&self, module: &str, segments: &[String], depth: usize) -> BTreeSet<Target> {
        let mut current = module.to_owned();
        let mut rest = segments;
        let mut anchored = false;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" | "seqorch" => current = String::new(),
                "self" => {}
                "super" => current = current.rsplit_once("::").map(|(m, _)| m.to_owned()).unwrap_or_default(),
                _ => break,
            }
            anchored = true;
            rest = after;
        }
        if rest.is_empty() {
            return BTreeSet::from([Target::Module(current)]);
        }
        let found = self.walk(&current, rest, depth);
        if found.is_empty() && !anchored {
            return BTreeSet::from([Target::External(segments.to_vec())]);
        }
        found
    }

    fn walk(&self, module: &str, segments: &[String], depth: usize) -> BTreeSet<Target> {
        let (first, rest) = segments.split_first().unwrap();
        let mut found = BTreeSet::new();
        for target in self.lookup(module, first, depth + 1) {
            match target {
                Target::Module(inner) if !rest.is_empty() => found.extend(self.walk(&inner, rest, depth + 1)),
                Target::External(mut path) => {
                    path.extend_from_slice(rest);
                    found.insert(Target::External(path));
                }
                other => drop(found.insert(other)),
            }
        }
        found
    }

    /// What a name means in a module.
    fn lookup(&self, module: &str, name: &str, depth: usize) -> BTreeSet<Target> {
        let mut found = BTreeSet::new();
        let Some(scope) = self.scopes.get(module).filter(|_| depth < 16) else { return found };
        for binding in scope.names.get(name).into_iter().flatten() {
            match binding {
                Binding::Item => drop(found.insert(Target::Item(scope.path.clone()))),
                Binding::Module => {
                    let inner = if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") };
                    found.insert(Target::Module(inner));
                }
                // `use toml;` and its like name another crate
                Binding::Import(path) if path.len() == 1 && path[0] == name => {
                    found.insert(Target::External(path.clone()));
                }
                Binding::Import(path) => found.extend(self.resolve_from(module, path, depth + 1)),
            }
        }
        if found.is_empty() {
            for glob in &scope.globs {
                for target in self.resolve_from(module, glob, depth + 1) {
                    match target {
                        Target::Module(inner) => found.extend(self.lookup(&inner, name, depth + 1)),
                        // the variants of an enum, or the prelude of another crate: not to be known from here
                        Target::Item(_) | Target::External(_) => {}
                    }
                }
            }
        }
        found
    }
}

/// Circles of files, the shortest first; no two share an arrow between the same two files.
pub(super) fn circles(arrows: &[Arrow]) -> Vec<Vec<Arrow>> {
    let mut graph: BTreeMap<&str, BTreeMap<&str, &Arrow>> = BTreeMap::new();
    for arrow in arrows {
        graph.entry(&arrow.from).or_default().entry(&arrow.to).or_insert(arrow);
    }
    let mut found = Vec::new();
    while let Some(circle) = graph.keys().filter_map(|start| shortest(&graph, start)).min_by_key(Vec::len) {
        for arrow in &circle {
            graph.get_mut(arrow.from.as_str()).unwrap().remove(arrow.to.as_str());
        }
        found.push(circle);
    }
    found
}

/// The shortest way from a file back to itself.
fn shortest(graph: &BTreeMap<&str, BTreeMap<&str, &Arrow>>, start: &str) -> Option<Vec<Arrow>> {
    let mut came_by: BTreeMap<&str, &Arrow> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(at) = open.pop_front() {
        for (to, arrow) in graph.get(at).into_iter().flatten() {
            if *to == start {
                let mut circle = vec![(*arrow).clone()];
                let mut back = at;
                while back != start {
                    circle.push(came_by[back].clone());
                    back = &came_by[back].from;
                }
                circle.reverse();
                return Some(circle);
            }
            if !came_by.contains_key(to) {
                came_by.insert(to, arrow);
                open.push_back(to);
            }
        }
    }
    None
}
