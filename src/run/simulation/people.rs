//! What people asked of the runs.

use crate::state::{PersonRequest, RunTimes};

/// What people asked of the runs, and what no state has yet.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    pub(super) request_box: Vec<PersonRequest>,
    pub(super) asked: usize,
    /// Until then a person talks to an agent in its session.
    pub(super) talk_until: i64,
    /// How often they were asked whether to run a task.
    pub(super) answers: usize,
    /// A person ended the last pause.
    pub(super) resumed: bool,
    /// Each run begins this many seconds after its start, and its steps start within so many.
    pub(super) hours: Option<(i64, i64)>,
    pub(super) times: RunTimes,
}
