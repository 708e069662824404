//! Words of many languages for states, fields and options.

use super::model::TaskState;

/// The state that a word stands for, in legends, status columns and status lines.
pub(crate) fn state(text: &str) -> Option<TaskState> {
    // In "Done (merged)" and "Blocked - ask first" the first words count.
    let cut = text.find(['(', '（', ',', ';', '–', '—']).unwrap_or(text.len());
    let cut = text[..cut].find(" - ").unwrap_or(cut);
    let lower = text[..cut].to_lowercase();
    let word = lower.trim_matches(|c: char| !c.is_alphanumeric() && !"✅✓✔☑⬜🔄⏳❌⏸🚧".contains(c));
    // An emoji before a word adds nothing to the word.
    let bare = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    let state = match if bare.is_empty() { word } else { bare } {
        "not started" | "not yet started" | "pending" | "planned" | "open" | "todo" | "to do" | "to-do"
        | "waiting" | "ready" | "new" | "未开始" | "未着手" | "待办" | "待开始" | "待处理" | "未実施"
        | "未完了" | "未完成" | "pendiente" | "pendente" | "대기" | "⬜" | "⏳" => TaskState::Todo,
        "in progress" | "in-progress" | "in_progress" | "doing" | "started" | "active" | "wip"
        | "ongoing" | "partial" | "partially done" | "partially complete" | "进行中" | "進行中"
        | "作業中" | "着手中" | "部分完成" | "en progreso" | "em andamento" | "진행 중" | "🔄" | "🚧" => {
            TaskState::InProgress
        }
        "queued" | "scheduled" | "排队" | "排队中" => TaskState::Queued,
        "done" | "complete" | "completed" | "finished" | "implemented" | "closed" | "shipped" | "已完成"
        | "完成" | "完了" | "済" | "hecho" | "completado" | "concluído" | "완료" | "✅" | "✓" | "✔" | "☑" => {
            TaskState::Done
        }
        "blocked" | "on hold" | "stuck" | "failed" | "阻塞" | "已阻塞" | "受阻" | "ブロック"
        | "ブロック中" | "bloqueado" | "❌" => TaskState::Blocked,
        "skipped" | "cancelled" | "canceled" | "deferred" | "removed" | "reverted" | "dropped"
        | "out of scope" | "won't do" | "wontfix" | "obsolete" | "superseded" | "not applicable" | "n/a"
        | "已取消" | "取消" | "跳过" | "已跳过" | "スキップ" | "中止" | "⏸" => {
            TaskState::Skipped
        }
        _ => return None,
    };
    Some(state)
}

/// The state that signs around a heading's title stand for: `🔄 Task 2: …`, `Task 2: … ✅`, `Task 2: … [DONE]`,
/// `Task 2: … ✅ COMPLETE`. `before` is the text before the id.
pub(crate) fn signs(before: &str, title: &str) -> Option<TaskState> {
    let sign = |c: char| if c.is_ascii() { None } else { state(c.encode_utf8(&mut [0; 4])) };
    if let Some(state) = before.chars().find_map(sign) {
        return Some(state);
    }
    let title = title.trim_end().trim_end_matches('\u{FE0F}');
    if let Some(state) = title.chars().last().and_then(sign) {
        return Some(state);
    }
    // A sign with a word after it.
    let at = title.char_indices().rev().take(24).find(|(_, c)| sign(*c).is_some()).map(|(at, _)| at);
    if let Some(at) = at {
        let word = title[at..].trim_end_matches([')', ']', '*']);
        return state(word.trim_start_matches('\u{FE0F}'));
    }
    // "Orders (open)" may be about open orders, so only words for "done" count.
    let inner = ["()", "[]"].iter().find_map(|pair| {
        let (open, close) = pair.split_at(1);
        Some(&title[title.rfind(open)? + 1..]).and_then(|t| t.strip_suffix(close))
    })?;
    let done = inner.trim().eq_ignore_ascii_case("x") || state(inner) == Some(TaskState::Done);
    done.then_some(TaskState::Done)
}

/// Whether a line is a field that people write below tasks, such as `**Status**: open`.
pub(crate) fn field(text: &str) -> bool {
    let body = text.trim_start_matches([' ', '\t', '-', '*', '+', '_']);
    [
        "Requirement",
        "Status",
        "Depend",
        "Deps",
        "Effort",
        "Estimat",
        "Priority",
        "Acceptance",
        "Validat",
        "Severity",
        "Impact",
        "Assign",
        "Owner",
        "Priorit",
        "Prioridad",
        "Aufwand",
        "Zeitaufwand",
        "Estado",
        "Приоритет",
        "Статус",
        "优先级",
        "優先度",
        "優先級",
        "需求",
        "依赖",
        "状态",
        "验收",
        "要件",
        "依存",
        "ステータス",
        "受け入れ",
    ]
    .iter()
    .any(|w| body.starts_with(w))
        && body.len() < text.trim_start().len()
        && body.contains([':', '：'])
}

/// Whether a title says that the task is given up: `T028 — REVERTED: …`.
pub(crate) fn given_up(title: &str) -> bool {
    let head = title.trim_start_matches(|c: char| !c.is_alphabetic()).as_bytes();
    [
        &b"REVERTED"[..],
        b"OUT OF SCOPE",
        b"SKIPPED",
        b"REMOVED",
        b"DROPPED",
        b"CANCELLED",
        b"CANCELED",
        b"DEFERRED",
        b"SUPERSEDED",
        b"OBSOLETE",
    ]
    .iter()
    .any(|w| {
        title.as_bytes().windows(w.len()).any(|v| v == *w)
            || head.len() >= w.len() && head[..w.len()].eq_ignore_ascii_case(w)
            || ["(", "— ", "– ", " - ", "["].iter().any(|sign| {
                // "(superseded by 4)", "- dropped"
                title.match_indices(sign).take(8).any(|(at, _)| {
                    let rest = &title.as_bytes()[at + sign.len()..];
                    rest.len() >= w.len() && rest[..w.len()].eq_ignore_ascii_case(w)
                })
            })
    })
}

/// Whether a title ends with the decision to leave the stage out: `Units Generation — SKIP (one unit)`.
pub(crate) fn left_out_stage(title: &str) -> bool {
    let after = |sign: &str| title.rfind(sign).map(|at| at + sign.len());
    let Some(from) = [" - ", "—", "–", ": "].iter().filter_map(|sign| after(sign)).max() else {
        return false;
    };
    let said = title[from..].trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let word = said.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    // "[SKIP/EXECUTE]" is still to be decided
    let decided = !said.contains("execute");
    let words = [
        "skip",
        "skipped",
        "placeholder",
        "건너뜀",
        "생략",
        "跳过",
        "跳過",
        "スキップ",
        "省略",
        "omitir",
        "pular",
    ];
    decided && words.contains(&word)
}

/// Whether a title says that only a person can do the task.
pub(crate) fn human(title: &str) -> bool {
    // Conductor ends each phase with "User Manual Verification 'Phase 1'".
    let verified = title.contains("User Manual Verification");
    if verified || !title.contains(['(', '[', '（', '【']) {
        return verified;
    }
    let lower = title.to_lowercase();
    ["(human)", "[human]", "(manual)", "[manual]", "（人工）", "(人工)", "【人工】", "（手動）"]
        .iter()
        .any(|w| lower.contains(w))
}

/// Whether a title says that the task is optional.
pub(crate) fn optional(title: &str) -> bool {
    let Some(open) = title.bytes().position(|b| matches!(b, b'(' | b'[' | 0xEF | 0xE3)) else { return false };
    let lower = title[open..].to_lowercase();
    [
        "(optional)",
        "[optional]",
        "（optional）",
        "（可选）",
        "(可选)",
        "（可選）",
        "(任意)",
        "（任意）",
        "【可选】",
        "(opcional)",
        "(optionnel)",
        "(선택)",
    ]
    .iter()
    .any(|w| lower.contains(w))
}
