//! Merges all evidence of one attempt into one verdict.

use super::judge::{LimitFinding, StatementRank};
use super::kind::LimitKind;
use super::message::LimitVerdict;
use super::records::Evidence;

/// Merges the evidence. The end of the stream decides; without one, the last of the signs with the most authority.
pub(super) fn merge(evidence: Vec<Evidence>) -> LimitVerdict {
    let mut signs = Vec::new();
    let mut end = None;
    for piece in evidence {
        match piece {
            Evidence::Sign(sign) if sign.kind != LimitKind::None => signs.push(sign),
            Evidence::Sign(_) => {}
            ending => end = Some(ending),
        }
    }
    let decided = match end {
        Some(Evidence::Failed { finding: Some(found), .. }) => {
            (found.kind != LimitKind::None).then_some(found)
        }
        Some(Evidence::Failed { finding: None, silent: true }) | None => strongest(&signs).cloned(),
        // it succeeded, or failed for a reason that is not a limit
        Some(_) => None,
    };
    let Some(mut decided) = decided else { return LimitVerdict::default() };
    // a refusal without details counts as the window's, if an event names one
    if decided.kind == LimitKind::RateLimited
        && let Some(window) = signs.iter().rev().find(|s| s.rank == StatementRank::Window)
    {
        decided.reset = decided.reset.filter(|reset| reset.weight >= 10);
        decided.kind = window.kind;
        decided.source.clone_from(&window.source);
    }
    let same = signs.iter().filter(|sign| sign.kind == decided.kind);
    let reset = same
        .clone()
        .filter_map(|sign| sign.reset)
        .chain(decided.reset)
        .reduce(|best, reset| if reset.weight >= best.weight { reset } else { best });
    let scope = decided.scope.or_else(|| same.clone().rev().find_map(|sign| sign.scope.clone()));
    let source =
        reset.map_or(decided.source.clone(), |reset| format!("{} + {}", decided.source, reset.field));
    LimitVerdict {
        kind: decided.kind,
        until: reset.map(|reset| reset.at),
        source,
        scope,
        message: decided.message,
    }
}

fn strongest(signs: &[LimitFinding]) -> Option<&LimitFinding> {
    signs.iter().max_by_key(|sign| sign.rank)
}
