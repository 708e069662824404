//! The files of `src` as modules: what each defines and imports, and which paths it names. Tests are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::tokens::{Token, TokenKind, tokens};

/// A file below a folder of this package.
pub(super) struct SourceFile {
    /// `src/run/machine.rs`
    pub path: String,
    /// `run::machine`; empty for `src/lib.rs`.
    pub module: String,
    pub text: String,
}

impl SourceFile {
    /// `run`; `lib`, `main` and `error` for the files outside the rooms.
    pub(super) fn room(&self) -> &str {
        if self.module.is_empty() { "lib" } else { self.module.split("::").next().unwrap_or_default() }
    }
}

/// Where a name or a path is used.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct UsedPath {
    pub segments: Vec<String>,
    pub line: usize,
    /// The module that the path is read from: the file's, or one inside it.
    pub module: String,
}

pub(super) struct TypeItem {
    pub name: String,
    pub line: usize,
    pub public: bool,
}

/// What a file says outside its tests.
pub(super) struct ParsedFile {
    pub file: SourceFile,
    pub paths: BTreeSet<UsedPath>,
    pub types: Vec<TypeItem>,
    /// `name!` and `.name(`, with their lines.
    pub macros: Vec<(String, usize)>,
    pub methods: Vec<(String, usize)>,
    /// Items other than `mod` and `use`.
    pub items: usize,
    /// Lines before the tests at its end.
    pub length: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Binding {
    /// A type, function, constant …
    Item,
    Module,
    Import(Vec<String>),
}

#[derive(Default)]
pub(super) struct Scope {
    /// The file that it stands in.
    pub path: String,
    pub names: BTreeMap<String, Vec<Binding>>,
    pub globs: Vec<Vec<String>>,
}

#[derive(Default)]
pub(super) struct Crate {
    pub files: Vec<ParsedFile>,
    pub scopes: BTreeMap<String, Scope>,
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` whose names end in `extension`, sorted by path.
pub(super) fn files_below(folder: &str, extension: &str) -> Vec<SourceFile> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(directory) = open.pop() {
        for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(source_file(&path, folder));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn source_file(path: &Path, folder: &str) -> SourceFile {
    let relative = path.strip_prefix(root().join(folder)).unwrap().with_extension("");
    let parts: Vec<_> = relative.iter().map(|p| p.to_string_lossy().into_owned()).collect();
    let parts: Vec<_> = parts.into_iter().filter(|p| p != "mod" && p != "lib").collect();
    SourceFile {
        path: path.strip_prefix(root()).unwrap().to_string_lossy().into_owned(),
        module: parts.join("::"),
        text: fs::read_to_string(path).unwrap(),
    }
}

impl Crate {
    pub(super) fn read() -> Self {
        let files = files_below("src", "rs");
        assert!(files.len() > 40, "the sources were not found");
        let of_tests = test_files(&files);
        let mut all = Self::default();
        for file in files.into_iter().filter(|f| !of_tests.contains(&f.path)) {
            let parsed = Parser::new(&file, &mut all.scopes).run();
            all.files.push(ParsedFile { file, ..parsed });
        }
        all
    }
}

/// The files that are compiled for tests only, with those below them.
fn test_files(files: &[SourceFile]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files {
        for module in test_modules(file) {
            let inside = format!("{module}::");
            let below = files.iter().filter(|f| f.module == module || f.module.starts_with(&inside));
            found.extend(below.map(|f| f.path.clone()));
        }
    }
    found
}

/// The modules with a file of their own that a file declares for tests.
fn test_modules(file: &SourceFile) -> Vec<String> {
    let code = code(&file.text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let attributes = Attributes::read(&code, at);
        at = attributes.end;
        if attributes.test {
            let item = &code[at..item_end(&code, at)];
            if let Some(name) = item.iter().position(|t| t.is("mod")).map(|i| item[i + 1].text)
                && item.last().is_some_and(|t| t.is(";"))
            {
                let folder = PathBuf::from(&file.path).parent().unwrap().to_owned();
                found.push(match attributes.path {
                    Some(path) => source_file(&root().join(folder).join(path), "src").module,
                    None if file.module.is_empty() => name.to_owned(),
                    None => format!("{}::{name}", file.module),
                });
            }
        }
        at += 1;
    }
    found
}

fn code(text: &str) -> Vec<Token<'_>> {
    tokens(text).into_iter().filter(|t| t.kind != TokenKind::Comment).collect()
}

/// The attributes in front of an item, and those of the file itself.
struct Attributes<'a> {
    test: bool,
    path: Option<&'a str>,
    end: usize,
}

impl<'a> Attributes<'a> {
    fn read(code: &[Token<'a>], mut at: usize) -> Self {
        let (mut test, mut path) = (false, None);
        while code.get(at).is_some_and(|t| t.is("#")) {
            let opens = if code[at + 1].is("!") { at + 2 } else { at + 1 };
            if !code[opens].is("[") {
                break;
            }
            let end = closed(code, opens);
            let inside: Vec<_> = code[opens + 1..end - 1].iter().map(|t| t.text).collect();
            test |= inside == ["cfg", "(", "test", ")"];
            if let ["path", "=", file] = inside[..] {
                path = Some(file.trim_matches('"'));
            }
            at = end;
        }
        Self { test, path, end: at }
    }
}

/// The index after the bracket that closes the one at `at`.
fn closed(code: &[Token<'_>], at: usize) -> usize {
    let mut depth = 0;
    for (i, token) in code.iter().enumerate().skip(at) {
        if token.kind == TokenKind::Punctuation {
            match token.text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
        }
        if depth == 0 {
            return i + 1;
        }
    }
    code.len()
}

/// The index after the item, field, arm or statement that starts at `at`.
fn item_end(code: &[Token<'_>], start: usize) -> usize {
    let visible = |t: &Token<'_>| t.is("pub") || t.is("(") || t.is(")") || t.is("super") || t.is("crate");
    let keyword = code[start..].iter().find(|t| !visible(t)).map_or("", |t| t.text);
    let item = ["fn", "mod", "impl", "struct", "enum", "trait", "const", "static", "type", "unsafe"]
        .contains(&keyword);
    let mut at = start;
    while at < code.len() {
        match code[at].text {
            ";" => return at + 1,
            "," if !item => return at + 1,
            "}" | ")" | "]" => return at,
            "{" if keyword != "use" => return closed(code, at),
            "(" | "[" | "{" => at = closed(code, at),
            _ => at += 1,
        }
    }
    at
}

struct Parser<'a, 's> {
    code: Vec<Token<'a>>,
    scopes: &'s mut BTreeMap<String, Scope>,
    path: String,
    parsed: ParsedFile,
}

impl<'a, 's> Parser<'a, 's> {
    fn new(file: &'a SourceFile, scopes: &'s mut BTreeMap<String, Scope>) -> Self {
        let unnamed = SourceFile { path: String::new(), module: file.module.clone(), text: String::new() };
        let parsed = ParsedFile {
            file: unnamed,
            paths: BTreeSet::new(),
            types: Vec::new(),
            macros: Vec::new(),
            methods: Vec::new(),
            items: 0,
            length: length_before_tests(&file.text),
        };
        Self { code: code(&file.text), scopes, path: file.path.clone(), parsed }
    }

    fn run(mut self) -> ParsedFile {
        let module = self.parsed.file.module.clone();
        self.module(0, self.code.len(), &module);
        self.parsed
    }

    fn scope(&mut self, module: &str) -> &mut Scope {
        let scope = self.scopes.entry(module.to_owned()).or_default();
        scope.path.clone_from(&self.path);
        scope
    }

    fn bind(&mut self, module: &str, name: &str, binding: Binding) {
        self.scope(module).names.entry(name.to_owned()).or_default().push(binding);
    }

    /// The items of a module.
    fn module(&mut self, mut at: usize, end: usize, module: &str) {
        self.scope(module);
        while at < end {
            let attributes = Attributes::read(&self.code, at);
            if attributes.test {
                at = item_end(&self.code, attributes.end);
                continue;
            }
            at = attributes.end.max(at);
            if at >= end {
                break;
            }
            at = self.item(at, end, module);
        }
    }

    fn item(&mut self, start: usize, end: usize, module: &str) -> usize {
        let mut at = start;
        let public = self.code[at].is("pub");
        if public {
            at += 1;
            if self.code[at].is("(") {
                at = closed(&self.code, at);
            }
        }
        while ["unsafe", "async", "extern", "default"].iter().any(|w| self.code[at].is(w)) {
            at += 1;
        }
        let (keyword, name) = (self.code[at], self.code.get(at + 1).copied());
        // a macro that declares items: `keys! { pub struct Run { … } }`
        if name.is_some_and(|n| n.is("!")) && self.code.get(at + 2).is_some_and(|t| t.is("{")) {
            self.parsed.macros.push((keyword.text.to_owned(), keyword.line));
            let close = closed(&self.code, at + 2);
            self.module(at + 3, close - 1, module);
            return close;
        }
        let Some(name) =
            name.filter(|n| n.kind == TokenKind::Word || keyword.is("use") || keyword.is("macro_rules"))
        else {
            return self.body(at, end, module);
        };
        match keyword.text {
            "mod" => {
                self.bind(module, name.text, Binding::Module);
                if self.code[at + 2].is("{") {
                    let close = closed(&self.code, at + 2);
                    let inner =
                        if module.is_empty() { name.text.into() } else { format!("{module}::{}", name.text) };
                    self.module(at + 3, close - 1, &inner);
                    return close;
                }
                return at + 3;
            }
            "use" => return self.import(at + 1, module, public),
            "struct" | "enum" | "union" | "trait" | "type" => {
                let named = TypeItem { name: name.text.to_owned(), line: name.line, public };
                self.parsed.types.push(named);
                self.bind(module, name.text, Binding::Item);
            }
            "fn" | "static" => self.bind(module, name.text, Binding::Item),
            "const" => {
                let name = if name.is("fn") || name.is("unsafe") { self.code[at + 2] } else { name };
                self.bind(module, name.text, Binding::Item);
            }
            "macro_rules" => {
                let name = self.code[at + 2];
                self.bind(module, name.text, Binding::Item);
            }
            _ => {}
        }
        self.parsed.items += 1;
        self.body(at, end, module)
    }

    /// What stands between the start of an item and its end: the paths in it.
    fn body(&mut self, start: usize, end: usize, module: &str) -> usize {
        let stop = item_stop(&self.code, start).min(end);
        let mut at = start;
        while at < stop {
            let attributes = Attributes::read(&self.code, at);
            if attributes.test {
                at = item_end(&self.code, attributes.end);
                continue;
            }
            // not the `use<>` of a type that captures nothing
            if self.code[at].is("use") && !self.code[at + 1].text.starts_with('<') {
                at = self.import(at + 1, module, false);
                continue;
            }
            at = self.path_at(at, module);
        }
        stop.max(start + 1)
    }

    fn path_at(&mut self, start: usize, module: &str) -> usize {
        let code = &self.code;
        let first = code[start];
        let before = start.checked_sub(1).map(|i| code[i]);
        let after = code.get(start + 1);
        if first.kind != TokenKind::Word {
            return start + 1;
        }
        if after.is_some_and(|t| t.is("!")) {
            self.parsed.macros.push((first.text.to_owned(), first.line));
        }
        if before.is_some_and(|t| t.is(".")) {
            if after.is_some_and(|t| t.is("(")) {
                self.parsed.methods.push((first.text.to_owned(), first.line));
            }
            return start + 1;
        }
        let mut segments = vec![first.text.to_owned()];
        let mut at = start + 1;
        while at + 1 < code.len() && code[at].is("::") && code[at + 1].kind == TokenKind::Word {
            segments.push(code[at + 1].text.to_owned());
            at += 2;
        }
        if segments.len() > 1 && !before.is_some_and(|t| t.is("::")) {
            self.parsed.paths.insert(UsedPath { segments, line: first.line, module: module.to_owned() });
        }
        at
    }

    /// `use a::{b, c::d as e};` from the token after `use`.
    fn import(&mut self, start: usize, module: &str, public: bool) -> usize {
        let line = self.code[start].line;
        let mut leaves = Vec::new();
        let mut at = start;
        leaf_paths(&self.code, &mut at, &[], &mut leaves);
        // what a `mod.rs` re-exports is no use of it: its reader uses the file behind it
        let hands_on = public && self.path.ends_with("/mod.rs");
        for (segments, name) in leaves {
            if let Some(name) = name {
                self.bind(module, &name, Binding::Import(segments.clone()));
            } else {
                self.scope(module).globs.push(segments.clone());
            }
            if !hands_on {
                self.parsed.paths.insert(UsedPath { segments, line, module: module.to_owned() });
            }
        }
        at + 1
    }
}

/// Like `item_end`, but for an item that may be a macro call or an `impl`.
fn item_stop(code: &[Token<'_>], start: usize) -> usize {
    let function = code[start..].iter().take(3).any(|t| t.is("fn"));
    let valued = !function && ["const", "static", "type"].iter().any(|k| code[start].is(k));
    let mut at = start;
    while at < code.len() {
        match code[at].text {
            ";" => return at + 1,
            "{" if !valued => return closed(code, at),
            "(" | "[" | "{" => at = closed(code, at),
            _ => at += 1,
        }
    }
    at
}

/// The paths of a `use` tree with the names that they bind; no name for `*`.
fn leaf_paths(
    code: &[Token<'_>],
    at: &mut usize,
    before: &[String],
    leaves: &mut Vec<(Vec<String>, Option<String>)>,
) {
    let mut path = before.to_vec();
    loop {
        let token = code[*at];
        match token.text {
            "::" => *at += 1,
            "*" => {
                leaves.push((path, None));
                *at += 1;
                return;
            }
            "{" => {
                *at += 1;
                while !code[*at].is("}") {
                    leaf_paths(code, at, &path, leaves);
                    if code[*at].is(",") {
                        *at += 1;
                    }
                }
                *at += 1;
                return;
            }
            "as" => {
                leaves.push((path, Some(code[*at + 1].text.to_owned())));
                *at += 2;
                return;
            }
            "," | "}" | ";" => {
                let name = path.last().cloned();
                leaves.push((path, name));
                return;
            }
            "self" if !path.is_empty() => *at += 1,
            word => {
                assert!(token.kind == TokenKind::Word, "no path of a `use` has {word:?}");
                path.push(word.to_owned());
                *at += 1;
            }
        }
    }
}

/// The lines of a file before the module of tests that ends it.
fn length_before_tests(text: &str) -> usize {
    let all: Vec<_> = text.lines().collect();
    let opens =
        |line: Option<&&str>| line.is_some_and(|l| l.starts_with("mod ") && l.trim_end().ends_with('{'));
    let tests = (0..all.len()).find(|i| all[*i] == "#[cfg(test)]" && opens(all.get(i + 1)));
    tests.unwrap_or(all.len())
}
