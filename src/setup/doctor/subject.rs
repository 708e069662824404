//! What doctor checks.

use std::path::Path;

use crate::config::Loaded;
use crate::error::{Error, Result};
use crate::project::SpecPlace;
use crate::report::text::{sanitise_line, shell_word};
use crate::store::spec_store::Store;

/// A project, as far as it could be loaded.
#[derive(Debug)]
pub struct DoctorSubject<'a> {
    /// The project's folder.
    pub root: &'a Path,
    /// The configuration, or the error that loading it gave.
    pub loaded: std::result::Result<&'a Loaded, &'a Error>,
    /// What of its settings has to be trusted, and what is not; `None` if that is not known.
    pub trust: Option<&'a TrustState>,
    /// The specs, or the error that finding one gave.
    pub specs: &'a [Result<(SpecPlace, Store)>],
}

/// A spec's name as the user types it in a shell.
pub(super) fn typed(place: &SpecPlace) -> String {
    shell_word(&sanitise_line(&place.typed))
}

/// What of a project's settings has to be trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustState {
    /// How many settings.
    pub settings: usize,
    /// Those that are not trusted, each in one line.
    pub untrusted: Vec<String>,
}
