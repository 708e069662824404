//! PURE. What `seqorch init` finds in a project, and what a person chooses for it.

/// The specs, agents and tests of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectFacts {
    /// Folders that hold specs, with the specs' names. The folder with the most specs comes first.
    pub specs: Vec<(String, Vec<String>)>,
    /// The installed agents, the most likely one first.
    pub agents: Vec<InstalledAgent>,
    /// The commands that run the project's tests.
    pub tests: Vec<TestCommand>,
}

/// An agent whose program is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledAgent {
    /// The name of its backend.
    pub name: String,
    /// Whether a login was found.
    pub login: bool,
}

/// A command that runs tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCommand {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The file that names or implies the command.
    pub source: &'static str,
}

impl TestCommand {
    /// A command from `source`.
    #[must_use]
    pub fn new(argv: &[&str], source: &'static str) -> Self {
        Self { argv: argv.iter().map(|a| (*a).to_owned()).collect(), source }
    }
}

/// What a person chose for the first configuration. Nothing: what was found in the project, and the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InitChoices {
    /// The agent that works on the tasks.
    pub backend: Option<String>,
    /// The commands that must succeed before a task counts as done.
    pub checks: Option<Vec<Vec<String>>>,
    /// Whether each done task is committed.
    pub commit: Option<bool>,
}
