//! What the page shows of a project. The command line knows where that is and how it is configured, and hands it in.

use std::ffi::OsString;

use super::tile::SpecTile;
use crate::config::Config;
use crate::error::Result;
use crate::project::SpecPlace;
use crate::report::run_report::RunReport;

/// A project whose specs are shown. Each call reads it afresh.
pub trait ServedProject: Send + Sync {
    /// What people call it.
    fn name(&self) -> String;

    /// All specs that are shown, by the part of their addresses.
    fn places(&self) -> Result<Vec<(String, SpecPlace)>>;

    /// Where each of them stands.
    fn tiles(&self) -> Result<Vec<SpecTile>>;

    /// The spec with this part of an address; `None`: none of those that are shown.
    fn spec(&self, address: &str) -> Result<Option<ServedSpec>>;

    /// The report on the last run of a spec, with the changes line by line; `None`: nothing has run.
    fn report(&self, spec: &ServedSpec) -> Result<Option<RunReport>>;

    /// The options of every verb that a further start of this program gets.
    fn globals(&self) -> Vec<OsString>;
}

/// A spec that is shown.
#[derive(Debug)]
pub struct ServedSpec {
    /// Its part of an address.
    pub address: String,
    /// Where it is.
    pub place: SpecPlace,
    /// The configuration of its runs.
    pub config: Config,
}
