//! Words of many languages for sections, states and options.

use super::model::TaskState;

/// What a heading says about the lines below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SectionKind {
    /// Nothing special: its boxes are tasks.
    Open,
    /// Criteria, checklists, notes: boxes without ids are not tasks.
    Aside,
    /// It explains marks.
    Legend,
    /// It gives the order of tasks.
    Order,
}

/// Words that make a section an aside, anywhere in its heading.
const ASIDE: &[&str] = &[
    "criteria",
    "checklist",
    "check list",
    "definition of done",
    "definition of ready",
    "backlog",
    "out of scope",
    "验收",
    "驗收",
    "チェックリスト",
    "完了条件",
    "完了定義",
    "受け入れ基準",
    "受入基準",
    "受け入れ条件",
    "检查清单",
    "检查表",
    "체크리스트",
    "완료 조건",
    "critério",
    "criterio",
    "critère",
    "kriterien",
];

/// Words that make a section an aside at the start or the end of a heading without a number: "Progress Tracking", but not
/// "Phase 3: Progress bar".
const ASIDE_EDGE: &[&str] = &[
    "review",
    "progress",
    "notes",
    "note",
    "quality gate",
    "quality gates",
    "summary",
    "progress tracking",
    "进度",
    "进度跟踪",
    "進捗",
    "レビュー",
    "备注",
    "注意事项",
    "example",
    "examples",
    "template",
    "format",
    "success metrics",
    "future work",
];

/// Words of sections that explain the marks.
const LEGEND: &[&str] = &[
    "legend",
    "status key",
    "图例",
    "圖例",
    "凡例",
    "状态说明",
    "状態の凡例",
    "légende",
    "leyenda",
    "legenda",
];

/// Words of sections about order.
const ORDER: &[&str] = &["dependenc", "依赖", "依存", "execution order", "实施顺序", "実装順", "의존"];

/// The kind of a section, from its heading without the number.
pub(crate) fn section(text: &str, numbered: bool) -> SectionKind {
    let lower = text.to_lowercase();
    let lower = lower.trim_matches(|c: char| !c.is_alphanumeric());
    if !numbered && LEGEND.iter().any(|w| lower.contains(w)) {
        return SectionKind::Legend;
    }
    if ASIDE.iter().any(|w| lower.contains(w)) {
        return SectionKind::Aside;
    }
    let edge = |w: &&str| {
        lower.strip_prefix(*w).is_some_and(|r| !r.starts_with(char::is_alphanumeric))
            || lower.strip_suffix(*w).is_some_and(|r| !r.ends_with(char::is_alphanumeric))
            || !w.is_ascii() && (lower.starts_with(*w) || lower.ends_with(*w))
    };
    if !numbered && ASIDE_EDGE.iter().any(edge) {
        return SectionKind::Aside;
    }
    if !numbered && ORDER.iter().any(|w| lower.contains(w)) {
        return SectionKind::Order;
    }
    SectionKind::Open
}

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
    })
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
