//! PURE. Why a run ended, in words.

use super::needs::NeedRecord;
use crate::state::{EndKind, NeedKind};

/// Why a run ended, in words. `failed` are the tasks that failed.
pub(super) fn end_words(why: EndKind, failed: &[String]) -> String {
    use EndKind as K;
    match why {
        K::Complete => "all complete".to_owned(),
        K::CommitsLost => "all tasks done, but commits are not in the history of HEAD".to_owned(),
        K::SelectionComplete => "selection complete".to_owned(),
        K::MaxIterations => "iteration limit reached".to_owned(),
        K::TimeUp => "the time is up".to_owned(),
        K::TakenOver => "stopped: the lease of the spec is lost".to_owned(),
        K::TryLater => "stopped instead of waiting".to_owned(),
        K::Interrupted | K::Terminated => "stopped by you".to_owned(),
        K::HungUp => "the terminal was closed".to_owned(),
        K::Stuck if failed.is_empty() => "stopped: tasks are blocked".to_owned(),
        K::Stuck => format!("stopped: task {} failed", failed.join(", ")),
        K::Human => "stopped: what is left is for you".to_owned(),
        K::NotCommitted => "stopped: a commit is pending".to_owned(),
        K::Halted => "halted with a question".to_owned(),
        K::Dirty | K::History | K::Branch | K::IndexBehind | K::Unavailable | K::Limited | K::Error => {
            format!("stopped: {}", why.label())
        }
    }
}

/// Why a run ended, in words, where these needs are left.
pub(super) fn why_ended(why: EndKind, failed: &[String], needs: &[NeedRecord]) -> String {
    match (why, needs.first().map(|need| need.kind)) {
        (EndKind::Limited, Some(NeedKind::Login)) => "stopped: needs a login".to_owned(),
        (EndKind::Limited, Some(NeedKind::Payment)) => "stopped: needs a payment".to_owned(),
        _ => end_words(why, failed),
    }
}
