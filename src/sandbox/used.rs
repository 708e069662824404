//! PURE. The sandbox of an attempt, as its folder records it: what its process has to know to start the agent and to end
//! it whole. An agent that changes this file must gain nothing by it, so it names no program.

use std::ffi::OsStr;

use serde::{Deserialize, Serialize};

/// The sandbox that an agent runs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "lowercase")]
pub enum UsedSandbox {
    /// In bubblewrap, with only these variables.
    Bwrap {
        /// The names of the variables.
        env: Vec<String>,
    },
    /// In a container. Its engine gets the whole environment, and passes some of it on by name.
    Container {
        /// The engine.
        engine: ContainerEngine,
        /// The container's name.
        name: String,
    },
    /// Behind a command of the person, with only these variables.
    Command {
        /// The names of the variables.
        env: Vec<String>,
    },
}

/// A program that runs containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContainerEngine {
    /// Podman.
    Podman,
    /// Docker.
    Docker,
}

impl ContainerEngine {
    /// Its program.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::Docker => "docker",
        }
    }

    /// The engine of that program.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Podman, Self::Docker].into_iter().find(|engine| engine.program() == name)
    }
}

impl UsedSandbox {
    /// Whether the program that starts the agent gets the variable of this name.
    #[must_use]
    pub fn passes(&self, name: &OsStr) -> bool {
        match self {
            Self::Container { .. } => true,
            Self::Bwrap { env } | Self::Command { env } => env.iter().any(|known| OsStr::new(known) == name),
        }
    }

    /// The container in which the agent runs.
    #[must_use]
    pub fn container(&self) -> Option<(ContainerEngine, &str)> {
        match self {
            Self::Container { engine, name } => Some((*engine, name)),
            Self::Bwrap { .. } | Self::Command { .. } => None,
        }
    }
}
