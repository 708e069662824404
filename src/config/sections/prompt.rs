//! PURE. `[prompt]`: what the prompt of an agent says.

use std::path::PathBuf;

use crate::config::declare::keys;
use crate::config::formats::Globs;

keys! {
    /// What the prompt of an agent says.
    #[derive(Eq)]
    pub struct Prompt {
        /// File with a template that replaces the built-in one, relative to the project root. `seqorch config template`
        /// prints the built-in one.
        template: Option<PathBuf>, like = "prompt.md", outside;
        /// Files or globs, relative to the work dir, that an agent must read in addition to the files of the spec. They
        /// are looked up before each task.
        inputs: Vec<String> as Globs = [], outside;
        /// Skills that an agent must use, and when.
        skills: Vec<Skill> = [{ name = "test-driven-development", when = "ANY code changes" }];
        /// Whether an agent learns what people decided in other tasks about things that its task names, too: files, names in
        /// backticks, identifiers and numbers of requirements.
        decisions: bool = false, inside;
        /// Further rules for an agent, one sentence each.
        rules: Vec<String> = [], inside;
    }
}

keys! {
    /// A skill that an agent must use, and when.
    #[derive(Eq, serde::Serialize)]
    pub struct Skill {
        /// Name of the skill.
        name: String, required, inside;
        /// When an agent must use the skill.
        when: String, required, inside;
    }
}
