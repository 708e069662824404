//! What all that was said in one attempt means together.

use super::judge::{Finding, Rank};
use super::record::Part;
use super::{LimitKind, Verdict};

/// The end of the stream decides; without one, the most trustworthy sign, and of several the last.
pub(super) fn merge(parts: Vec<Part>) -> Verdict {
    let mut signs = Vec::new();
    let mut end = None;
    for part in parts {
        match part {
            Part::Sign(sign) if sign.kind != LimitKind::None => signs.push(sign),
            Part::Sign(_) => {}
            Part::Success => end = Some(End::Success),
            Part::Failed(found, silent) => end = Some(End::Failed(found, silent)),
        }
    }
    let decided = match end {
        Some(End::Failed(Some(found), _)) => (found.kind != LimitKind::None).then_some(found),
        // it ended well, or failed for a reason that is no limit
        Some(End::Success | End::Failed(None, false)) => None,
        Some(End::Failed(None, true)) | None => strongest(&signs).cloned(),
    };
    let Some(mut decided) = decided else { return Verdict::default() };
    // a refusal without words, beside an event that names the window
    if decided.kind == LimitKind::RateLimited
        && let Some(window) = signs.iter().rev().find(|s| s.rank == Rank::Window)
    {
        decided = Finding { due: decided.due.filter(|due| due.weight >= 10), ..decided };
        decided.kind = window.kind;
        decided.source.clone_from(&window.source);
    }
    let same = signs.iter().filter(|sign| sign.kind == decided.kind);
    let due = same
        .clone()
        .filter_map(|sign| sign.due)
        .chain(decided.due)
        .reduce(|best, due| if due.weight >= best.weight { due } else { best });
    let scope = decided.scope.or_else(|| same.clone().rev().find_map(|sign| sign.scope.clone()));
    let source = due.map_or(decided.source.clone(), |due| format!("{} + {}", decided.source, due.field));
    Verdict { kind: decided.kind, until: due.map(|due| due.at), source, scope, message: decided.message }
}

enum End {
    Success,
    Failed(Option<Finding>, bool),
}

fn strongest(signs: &[Finding]) -> Option<&Finding> {
    signs.iter().max_by_key(|sign| sign.rank)
}
