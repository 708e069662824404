//! What was seen, as tables: for people who run the suite, and for docs/agents.md.

use std::fmt::Write as _;
use std::path::Path;

use super::clis::{Cli, version};
use super::{Ground, Scene, Seen};

/// Around the table in docs/agents.md.
const BEGIN: &str = "<!-- what the suite of real agents saw -->\n";
const END: &str = "<!-- end of what it saw -->\n";

/// What each scene saw with each CLI.
#[derive(Default)]
pub(super) struct SeenTable(Vec<(&'static str, Cli, Seen)>);

impl SeenTable {
    pub(super) fn add(&mut self, seen: Vec<(&'static str, Cli, Seen)>) {
        self.0.extend(seen);
    }

    pub(super) fn wrong(&self) -> usize {
        self.0.iter().filter(|(_, _, seen)| seen.is_err()).count()
    }

    fn get(&self, scene: &str, cli: Cli) -> Option<&Seen> {
        self.0.iter().find(|(name, of, _)| *name == scene && *of == cli).map(|(_, _, seen)| seen)
    }

    fn cell(&self, scene: &str, cli: Cli) -> String {
        match self.get(scene, cli) {
            Some(Ok(seen)) => seen.clone(),
            Some(Err(wrong)) => format!("WRONG: {}", wrong.lines().next().unwrap_or_default()),
            None => "not run".to_owned(),
        }
    }

    /// A row for each scene.
    pub(super) fn of_scenes(&self, scenes: &[&Scene], clis: &[Cli], ground: &Ground) -> String {
        let mut table = String::from("\n| scene |");
        for cli in clis {
            let _ = write!(table, " {} {} |", cli.name(), version(*cli, &ground.bin));
        }
        let _ = writeln!(table, "\n|---|{}", "---|".repeat(clis.len()));
        for (name, _) in scenes {
            let cells: Vec<String> = clis.iter().map(|cli| self.cell(name, *cli)).collect();
            let _ = writeln!(table, "| {name} | {} |", cells.join(" | "));
        }
        table
    }

    /// A row for each CLI.
    pub(super) fn of_clis(&self, scenes: &[&Scene], clis: &[Cli], ground: &Ground) -> String {
        let names: Vec<&str> = scenes.iter().map(|(name, _)| *name).collect();
        let mut table = format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
        for cli in clis {
            let cells: Vec<String> = names.iter().map(|name| self.cell(name, *cli)).collect();
            let (name, version) = (cli.name(), version(*cli, &ground.bin));
            let _ = writeln!(table, "| {name} {version} | {} |", cells.join(" | "));
        }
        table
    }

    /// What there was no time for.
    pub(super) fn not_run(&self, scenes: &[&Scene], clis: &[Cli]) -> Vec<String> {
        let mut left = Vec::new();
        for cli in clis {
            let names: Vec<&str> =
                scenes.iter().map(|(name, _)| *name).filter(|name| self.get(name, *cli).is_none()).collect();
            if !names.is_empty() {
                left.push(format!("{} as a real agent: {}", cli.name(), names.join(", ")));
            }
        }
        left
    }
}

/// Says where docs/agents.md differs from what was seen, or writes it there.
pub(super) fn compare_with_docs(seen: &SeenTable, scenes: &[&Scene], clis: &[Cli], ground: &Ground) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/agents.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("docs/agents.md has the table");
    let (known, after) = rest.split_once(END).expect("docs/agents.md has the end of the table");
    if std::env::var_os("SEQORCH_UPDATE_TABLE").is_some() {
        // what did not run keeps its row
        let new = seen.of_clis(scenes, clis, ground);
        let name_of =
            |row: &str| row.trim_start_matches("| ").split(' ').next().unwrap_or_default().to_owned();
        let rows = |table: &str| -> Vec<String> { table.lines().skip(2).map(str::to_owned).collect() };
        let head: Vec<&str> = new.lines().take(2).collect();
        let mut all = head.join("\n") + "\n";
        let (new, known) = (rows(&new), rows(known));
        for cli in Cli::ALL {
            let of = |row: &&String| name_of(row) == cli.name();
            if let Some(row) = new.iter().find(of).or_else(|| known.iter().find(of)) {
                all.push_str(row);
                all.push('\n');
            }
        }
        std::fs::write(&path, format!("{before}{BEGIN}{all}{END}{after}")).unwrap();
        return;
    }
    let table = seen.of_clis(scenes, clis, ground);
    // with a choice of scenes there are other columns
    if table.lines().next() != known.lines().next() {
        return;
    }
    for row in table.lines() {
        let partial = row.contains("not run") || row.contains("WRONG");
        if !partial && !known.lines().any(|line| line == row) {
            println!("docs/agents.md differs from what was seen: {row}");
        }
    }
}
