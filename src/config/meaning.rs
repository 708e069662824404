//! PURE. From the merged settings to what they mean: references are checked, paths made absolute.

use std::path::{Path, PathBuf};

use super::key::{ConfigKey, ConfigTable, KeyShape};
use super::path::KeyPath;
use super::problem::{Problem, did_you_mean};
use super::sections::backend::Backend;
use super::sections::root::{Config, SETTINGS};
use super::tree::TomlNode;

/// What the merged settings mean for the project at `root`, and every mistake that shows only in them.
pub(crate) fn resolve(tree: &TomlNode, root: &Path) -> (Config, Vec<Problem>) {
    let mut config = Config::from_table(tree);
    let mut problems = unknown_backends(tree);
    if let Some(model) = config.run.model.clone()
        && let Some(backend) = config.backends.get_mut(&config.run.backend)
    {
        backend.model = Some(model);
    }
    problems.extend(conflicts(&config));
    config.assign.resolve(&config.run.backend);
    let workdir = config.run.workdir.as_ref().map_or_else(|| root.to_owned(), |dir| root.join(dir));
    config.tmux.resolve(&workdir);
    config.run.workdir = config.run.workdir.map(|_| workdir);
    config.git.worktree_dir = config.git.worktree_dir.map(|dir| root.join(dir));
    config.prompt.template = config.prompt.template.map(|file| root.join(file));
    config.review.template = config.review.template.map(|file| root.join(file));
    let commands = config.backends.values_mut().map(|backend| &mut backend.command);
    for command in commands.chain(config.tmux.programs()) {
        *command = program(std::mem::take(command), root);
    }
    (config, problems)
}

impl Config {
    /// The backends that use the login of this one, itself included: they start the same program in the same environment. A
    /// program that runs another one, such as `npx`, is the same where its arguments are.
    #[must_use]
    pub fn backends_with_login_of<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        let Some(own) = self.backends.get(name) else { return vec![name] };
        let start = |one: &'a Backend| (&one.command, &one.args, &one.env, &one.env_remove);
        let same = |other: &'a Backend| start(other) == start(own);
        self.backends.iter().filter(|(_, other)| same(other)).map(|(name, _)| name.as_str()).collect()
    }

    /// The same configuration for another folder with the same project: paths in `from` become those in `to`.
    #[must_use]
    pub fn moved(mut self, from: &Path, to: &Path) -> Self {
        let moved = |path: &mut PathBuf| {
            if let Ok(rest) = path.strip_prefix(from) {
                *path = to.join(rest).components().collect();
            }
        };
        let files = [&mut self.run.workdir, &mut self.prompt.template, &mut self.review.template];
        files.into_iter().flatten().for_each(moved);
        self.tmux.folders().for_each(moved);
        let commands = self.backends.values_mut().map(|backend| &mut backend.command);
        for command in commands.chain(self.tmux.programs()) {
            let mut path = PathBuf::from(std::mem::take(command));
            moved(&mut path);
            *command = path.to_string_lossy().into_owned();
        }
        self
    }
}

/// Keys of one section that do not fit together.
fn conflicts(config: &Config) -> Vec<Problem> {
    let mut found = config.assign.problems(&KeyPath::parse("assign"));
    for (name, backend) in &config.backends {
        found.extend(backend.problems(&KeyPath::parse("backend").join(name)));
    }
    for (at, (name, account)) in config.accounts.iter().enumerate() {
        let before = config.accounts.iter().take(at);
        found.extend(account.problem(&KeyPath::parse("account").join(name), before));
    }
    found.extend(config.tmux.problems(&KeyPath::parse("tmux")));
    found.extend(config.sandbox.problems(&KeyPath::parse("sandbox")));
    let overrides = config.overrides.iter().enumerate();
    found.extend(
        overrides.filter_map(|(index, one)| {
            one.problem(&KeyPath::parse("override").element(index), &config.review)
        }),
    );
    found
}

/// Every key that names a backend which does not exist.
fn unknown_backends(tree: &TomlNode) -> Vec<Problem> {
    let backends = tree.key("backend").and_then(TomlNode::table);
    let known: Vec<&str> = backends.into_iter().flat_map(|table| table.keys().map(String::as_str)).collect();
    let mut found = Vec::new();
    each_backend_name(tree, SETTINGS, &KeyPath::default(), &mut |key, name| {
        if !known.contains(&name) {
            let near = did_you_mean(name, known.iter().copied());
            let text = format!("there is no backend {name:?}{near} (known: {})", known.join(", "));
            found.push(Problem::of_key(key, text));
        }
    });
    found
}

fn each_backend_name(
    table: &TomlNode,
    keys: &[ConfigKey],
    at: &KeyPath,
    visit: &mut impl FnMut(KeyPath, &str),
) {
    for key in keys {
        let Some(node) = table.key(key.name) else { continue };
        let path = at.join(key.name);
        let entries = node.table().into_iter().flatten();
        match key.shape {
            KeyShape::Value(format) if format.names_backend => {
                let names =
                    node.list().unwrap_or(std::slice::from_ref(node)).iter().filter_map(TomlNode::text);
                names.for_each(|name| visit(path.clone(), name));
            }
            KeyShape::Map(format) if format.names_backend => {
                entries.for_each(|(owner, node)| visit(path.join(owner), node.text().unwrap_or_default()));
            }
            KeyShape::Value(_) | KeyShape::Map(_) => {}
            KeyShape::Table(table) => each_backend_name(node, table.keys, &path, visit),
            KeyShape::List(table) => {
                for (index, node) in node.list().unwrap_or_default().iter().enumerate() {
                    each_backend_name(node, table.keys, &path.element(index), visit);
                }
            }
            KeyShape::Named(table) => {
                entries.for_each(|(name, node)| each_backend_name(node, table.keys, &path.join(name), visit));
            }
        }
    }
}

/// A name stays a name on PATH; a path starts at the project root.
fn program(command: String, root: &Path) -> String {
    if command.contains('/') && !Path::new(&command).is_absolute() {
        let tidy: PathBuf = root.join(&command).components().collect();
        return tidy.to_string_lossy().into_owned();
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_on_path_and_a_path_starts_at_the_root() {
        let root = Path::new("/project");
        for (command, resolved) in [
            ("claude", "claude"),
            ("./tools/a", "/project/tools/a"),
            ("tools/a", "/project/tools/a"),
            ("/bin/a", "/bin/a"),
        ] {
            assert_eq!(program(command.to_owned(), root), resolved);
        }
    }

    #[test]
    fn a_configuration_moves_with_its_project() {
        let text = "[run]\nworkdir = \"app\"\n[prompt]\ntemplate = \"p.md\"\n[backend.a]\ncommand = \"./a\"\n\
                    [backend.b]\ncommand = \"b\"\n[[tmux.windows]]\nname = \"log\"\ncommand = [\"./log\"]\n";
        let tree = TomlNode::parse(text).unwrap();
        let (config, _) = resolve(&tree, Path::new("/one"));
        let moved = config.moved(Path::new("/one"), Path::new("/two/tree"));
        let paths = [moved.run.workdir, moved.prompt.template, Some(moved.tmux.windows[0].cwd.clone())];
        assert_eq!(paths, ["app", "p.md", "app"].map(|path| Some(Path::new("/two/tree").join(path))));
        assert_eq!(moved.tmux.windows[0].command, ["/two/tree/log"]);
        let commands = ["a", "b"].map(|name| moved.backends[name].command.as_str());
        assert_eq!(commands, ["/two/tree/a", "b"]);
    }

    #[test]
    fn every_key_that_names_a_backend_is_checked() {
        let tree = TomlNode::parse(
            "[run]\nbackend = \"a\"\n[assign]\nbackend = \"b\"\nowners = { me = \"c\" }\n\
             [[assign.rule]]\nbackend = \"d\"\n[limit]\nfallback = [\"known\", \"e\"]\n\
             [[override]]\nbackend = \"f\"\n[backend.known]\n",
        )
        .unwrap();
        let keys: Vec<String> = unknown_backends(&tree).iter().map(|one| one.key.to_string()).collect();
        assert_eq!(
            keys,
            [
                "run.backend",
                "assign.backend",
                "assign.owners.me",
                "assign.rule[0].backend",
                "limit.fallback",
                "override[0].backend",
            ]
        );
    }
}
