//! What the name of a section says about the boxes in it. Only whole names count: "Review" is a review, "Review page" a
//! feature that somebody must build.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a heading says about the lines below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SectionKind {
    /// Nothing special: its boxes are tasks.
    Open,
    /// It is the list of tasks: where it stands, its neighbours hold none.
    Tasks,
    /// A column of a board, or work that a review found: its boxes are tasks, whatever stands beside it.
    Column,
    /// Check-lists, progress, notes: its boxes are tasks where the file has no others.
    Side,
    /// Criteria, samples, questions: boxes without ids are not tasks.
    Aside,
    /// Ideas, and what was given up: its boxes are tasks only where the file has no others, whatever ids they have.
    Idea,
    /// Cards that wait for a person: its boxes are never tasks.
    Waiting,
    /// It explains marks.
    Legend,
    /// It gives the order of tasks.
    Order,
}

impl SectionKind {
    /// Whether boxes without ids can be tasks there.
    pub(crate) fn is_work(self) -> bool {
        matches!(self, Self::Open | Self::Tasks | Self::Column | Self::Order)
    }
}

/// Words that may stand before the noun of a section that is no work: "Overall acceptance criteria".
const QUALIFIERS: &str = " acceptance success done exit entry completion completed overall final general global mvp release \
    observable user key and or of for the to a each per all phase milestone sprint stage story stories epic task tasks project \
    feature must have independent test tests testing quality verification validation technical functional non requirement \
    requirements business pre post merge launch go live integration coverage performance security manual code review qa step \
    minimum definition ready deployment submission sign off regression smoke uat end implementation development current status \
    progress design dev developer important critical additional execution quick tracking count item items plan spec \
    specification commit pr pull request build before after us session daily weekly ";

/// Words that make a check-list one of checks, not of work.
const CHECKS: &str = " test testing tests qa validation verification acceptance quality review release deployment launch merge \
    submission security manual final done regression smoke sign uat requirements requirement specification pr pull definition \
    ready commit ";

/// Names of sections that hold criteria, samples and questions.
const ASIDE: &str = "acceptance|validation and acceptance|verification and acceptance|acceptance and validation|\
    quality gate|quality gates|success metrics|success measures|example|examples|template|templates|\
    task template|format|task format|format strict|blockers|questions|open questions|decisions needed|\
    open decisions|do not touch|вопросы|offene fragen|检查清单|检查表|检查项|检查点|完了条件|完了定義|完成标准|完成條件|完了基準|\
    완료 조건|체크리스트|인수 조건|检查列表|成功标准|成功指标";

/// Names of sections with ideas, and with what was given up.
const IDEAS: &str = "out of scope|not in scope|non goals|non goal|constraints non goals|future|future work|\
    future ideas|future enhancements|future improvements|future considerations|idea|ideas|icebox|ice box|\
    wishlist|wish list|nice to have|nice to haves|parking lot|someday|someday maybe|maybe|won t do|wont do|\
    not doing|rejected|cancelled|canceled|dropped|abandoned|deferred|postponed|идеи|отложено|отменено|ideen|\
    verworfen|ideas futuras|ideias|idées|想法|アイデア|아이디어";

/// Names of columns whose cards wait for a person.
const WAITING: &str = "in review|under review|code review|in code review|review needed|awaiting review|\
    waiting for review|ready for review|needs review|to review|pr review|in qa|qa|in testing|waiting|\
    waiting for|waiting on|blocked|blocked on|blocked by|on hold|stuck|paused|на ревью|на проверке|ревью|\
    заблокировано|in prüfung|im review|blockiert|en revisión|em revisão|bloqueado|en revue|bloqué|审核中|評審中|\
    レビュー中|レビュー待ち|리뷰 중";

/// The ends of such names in languages that write words together, and their beginnings in others.
const ASIDE_ENDS: &[&str] = &[
    "验收标准",
    "驗收標準",
    "验收条件",
    "驗收條件",
    "验收",
    "驗收",
    "受け入れ基準",
    "受入基準",
    "受け入れ条件",
    "受け入れ",
    "チェックリスト",
    "akzeptanzkriterien",
    "abnahmekriterien",
    "erfolgskriterien",
];
const ASIDE_STARTS: &[&str] =
    &["critérios d", "criterios d", "critères d", "criteri d", "критерии", "критерій", "definición de hecho"];

/// Names of sections whose boxes are tasks only where the file has no others.
const SIDE: &str = "backlog|later|бэклог|позже|прогресс|статус|заметки|примечания|итоги|进度|进度跟踪|任务状态|任务状态跟踪|任務狀態|任務狀態追蹤|\
    任务进度|進捗|進捗管理|進捗状況|レビュー|备注|备忘|注意事项|注意事項|总结|完成摘要|摘要|概要|まとめ|진행 상황|요약|progreso|resumen|notas|progresso|\
    resumo|fortschritt|notizen|zusammenfassung|progrès|résumé|avancement";

const SIDE_NOUNS: &str =
    " progress note notes summary review reviews tracking tracker status backlog log statistics ";

const LEGEND: &str = "图例|圖例|凡例|状态说明|状态图例|状態の凡例|légende|leyenda|legenda|легенда|범례";

/// Names of lists of tasks, and words that they are made of.
const TASKS: &str = "todo list|work items|work breakdown|action items|任务|任务列表|任务分解|任务清单|任務|任務清單|任務列表|实施任务|タスク|タスク一覧|\
    タスクリスト|実装タスク|작업|작업 목록|tareas|lista de tareas|tarefas|lista de tarefas|aufgaben|aufgabenliste|tâches|\
    liste des tâches|задачи|список задач";
const TASK_WORDS: &str =
    " task tasks subtask subtasks sub list breakdown implementation development detailed the and work ";

/// Words that say that a section holds work.
const WORK_WORDS: &str = "task|tasks|todo|todos|follow|followup|followups|findings|action|remaining|bug|bugs|fix|fixes|next|\
    phase|milestone|sprint|stage|iteration|improvements|hardening|priority";
/// Words with which names of sections that hold no work begin, words with which they end, and whole names.
const NO_WORK_FIRST: &str = " validation verification verify files risks risk testing deliverables constraints prerequisites \
    assumptions references rollback evidence watch manual ";
const NO_WORK_LAST: &str = " validation verification log logs watchlist criteria checklist gates risks files commands constraints \
    goals scope references assumptions prerequisites deliverables rollback evidence notes metrics approvals checks tested \
    verified artifacts outputs ";
const NO_WORK: &str = "concrete steps|plan of work|decision log|test plan|test strategy|test scenarios|test cases|tests|qa|smoke test|smoke tests|sign off|rollout|\
    rollout plan|dependencies|requirements|before you start|story|dev agent record|agent model used|file list|completion notes list|qa results|change log|changelog|git|commits|commit|commit plan|pull request|validación|\
    verificación|riesgos|archivos|validierung|überprüfung|risiken|dateien|проверка|риски|файлы|验证|風險|风险|检查|検証|リスク";
const COLUMNS: &str = "review findings|review follow ups|review follow up|review followups|follow ups|followups|in progress|in work|work in progress|wip|up next|now|to do|doing|ready|ready to start|done|completed|\
    complete|finished|recently done|recently completed|current|current work|active|today|this week|soon|\
    pending|open|planned|queue|queued|started|в работе|готово|сделано|сейчас|далее|следующее|очередь|\
    к выполнению|进行中|進行中|已完成|完成|待办|待辦|接下来|未着手|作業中|完了|진행 중|완료|할 일|en curso|en progreso|hecho|pendiente|\
    em andamento|feito|concluído|a fazer|in arbeit|erledigt|offen|als nächstes|en cours|fait|à faire|\
    terminé";

const ORDER_WORDS: &str = " task tasks dependency dependencies graph execution order and implementation key summary phase \
    phases story stories user map matrix critical path parallel diagram notes overview within between across chain ";

/// The kind of a section, from its heading without the number.
pub(crate) fn section_kind(text: &str, numbered: bool) -> SectionKind {
    let name = words(text);
    if name.is_empty() {
        return SectionKind::Open;
    }
    match by_whole_name(&name, numbered) {
        SectionKind::Open => {}
        kind => return kind,
    }
    // "Format: `[ID] Description`", "Acceptance criteria – all phases": what follows explains
    let cut = [":", "：", " - ", " – ", " — "].iter().filter_map(|sign| text.find(sign)).min();
    if let Some(cut) = cut.filter(|&cut| cut > 0) {
        let head = words(&text[..cut]);
        let explained = ["format", "legend", "status key", "notes"].contains(&head.as_str())
            || head.contains("criteria")
            || head.contains("definition of done")
            || head.ends_with("checklist");
        if explained {
            return by_whole_name(&head, numbered);
        }
    }
    SectionKind::Open
}

/// The name in lower case: no emoji, no numbers, no brackets behind it, one blank between words.
fn words(text: &str) -> String {
    let cut = text.char_indices().skip(1).find(|(_, c)| matches!(c, '(' | '（' | '[' | '{' | '【' | '<'));
    let text = cut.map_or(text, |(at, _)| &text[..at]).to_lowercase();
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        if !word.is_empty() && !word.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
    out
}

/// Whether all words of a name but the last stand in a list.
fn before_last(name: &str, list: &str) -> bool {
    let mut all = name.split(' ').rev();
    all.next();
    all.all(|word| is_in(word, list))
}

/// All whole names with their kinds. A name of two lists has the kind of the first.
static NAMES: LazyLock<HashMap<&'static str, SectionKind>> = LazyLock::new(|| {
    let lists = [
        (SIDE, SectionKind::Side),
        (LEGEND, SectionKind::Legend),
        (TASKS, SectionKind::Tasks),
        (COLUMNS, SectionKind::Column),
        (ASIDE, SectionKind::Aside),
        (IDEAS, SectionKind::Idea),
        (WAITING, SectionKind::Waiting),
    ];
    let names = lists.iter().flat_map(|(list, kind)| list.split('|').map(|name| (name, *kind)));
    names.collect()
});

/// Whether a name is one of a list with bars between them.
fn one_of(name: &str, list: &str) -> bool {
    list.split('|').any(|other| other == name)
}

fn is_in(word: &str, list: &str) -> bool {
    let at = list.find(word).filter(|_| !word.is_empty());
    at.is_some() && list.split(' ').any(|other| other == word)
}

fn by_whole_name(name: &str, numbered: bool) -> SectionKind {
    let listed = NAMES.get(name).copied();
    let last = name.rsplit(' ').next().unwrap_or(name);
    if matches!(last, "criteria" | "criterion") && before_last(name, QUALIFIERS)
        || name.starts_with("criteria for ")
        || name == "dod"
        || name.contains("definition of ") && before_last(name, QUALIFIERS)
        || listed == Some(SectionKind::Aside)
        || ASIDE_ENDS.iter().any(|end| name.ends_with(end))
        || ASIDE_STARTS.iter().any(|start| name.starts_with(start))
    {
        return SectionKind::Aside;
    }
    if let Some(kind @ (SectionKind::Idea | SectionKind::Waiting)) = listed {
        // numbered on with the tasks, its boxes with ids are work
        return if numbered { SectionKind::Aside } else { kind };
    }
    let checklist = matches!(last, "checklist" | "checklists") || name.ends_with("check list");
    if checklist && name.split(' ').any(|word| is_in(word, CHECKS)) && before_last(name, QUALIFIERS) {
        return SectionKind::Aside;
    }
    if name == "next" || listed == Some(SectionKind::Column) {
        return SectionKind::Column;
    }
    let all = |list: &str| name.split(' ').all(|word| is_in(word, list));
    if listed == Some(SectionKind::Tasks) || all(TASK_WORDS) && name.contains("task") {
        return SectionKind::Tasks;
    }
    if numbered {
        return SectionKind::Open;
    }
    if listed == Some(SectionKind::Legend)
        || name == "status key"
        || last == "legend"
            && before_last(name, " status task tasks mark marks marker symbol symbols checkbox state the ")
    {
        return SectionKind::Legend;
    }
    if listed == Some(SectionKind::Side)
        || checklist
        || is_in(last, SIDE_NOUNS) && before_last(name, &format!("{QUALIFIERS}{SIDE_NOUNS}"))
    {
        return SectionKind::Side;
    }
    let ordered = name.contains("dependenc") || name.contains("execution order");
    let foreign =
        ["依赖", "依赖关系", "依存", "依存関係", "任务依赖", "实施顺序", "実装順", "実装順序", "의존"];
    if ordered && all(ORDER_WORDS) || foreign.iter().any(|word| name.ends_with(word)) {
        return SectionKind::Order;
    }
    SectionKind::Open
}

/// Whether a heading names a column of a board.
#[must_use]
pub fn is_column(heading: &str) -> bool {
    use SectionKind::{Column, Idea, Side, Waiting};
    matches!(section_kind(heading, false), Column | Idea | Side | Waiting)
}

/// Whether a section that stands beside a list of tasks names work all the same: "Review follow-ups", "Phase 2".
pub(crate) fn names_work(text: &str) -> bool {
    words(text).split(' ').any(|word| one_of(word, WORK_WORDS))
}

/// Whether a name says that boxes below it check, log or list something: "Validation plan", "Files to change", "Commit log".
pub(crate) fn names_no_work(text: &str) -> bool {
    let name = words(text);
    let first = name.split(' ').next().unwrap_or_default();
    let last = name.rsplit(' ').next().unwrap_or_default();
    is_in(first, NO_WORK_FIRST) || is_in(last, NO_WORK_LAST) || one_of(&name, NO_WORK)
}

/// Whether a name says that the boxes below it check other tasks: "Success validation".
pub(crate) fn names_checks(text: &str) -> bool {
    let name = words(text);
    let last = name.rsplit(' ').next().unwrap_or_default();
    is_in(last, " validation verification checks gates approvals ") && !names_work(text)
}

/// Whether the heading is one of those that an `ExecPlan` has.
pub(crate) fn is_of_exec_plan(text: &str) -> bool {
    let name = words(text);
    ["purpose big picture", "plan of work", "concrete steps", "decision log", "idempotence and recovery"]
        .contains(&name.as_str())
        || name.starts_with("surprises ")
        || name.starts_with("outcomes ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_say_that_a_section_is_no_work() {
        for (name, kind) in [
            ("Acceptance Criteria", SectionKind::Aside),
            ("✅ Success Criteria (what must be TRUE)", SectionKind::Aside),
            ("Definition of Done (DoD)", SectionKind::Aside),
            ("Validation and Acceptance", SectionKind::Aside),
            ("Testing Checklist", SectionKind::Aside),
            ("集成验收标准", SectionKind::Aside),
            ("Format: `[ID] [P?] Description`", SectionKind::Aside),
            ("In review", SectionKind::Waiting),
            ("🧊 Icebox", SectionKind::Idea),
            ("Out of scope", SectionKind::Idea),
            ("Checklist", SectionKind::Side),
            ("Progress", SectionKind::Side),
            ("Task Count Summary", SectionKind::Side),
            ("任務狀態追蹤", SectionKind::Side),
            ("In Progress", SectionKind::Column),
            ("✅ Done (1/3)", SectionKind::Column),
            ("Tasks / Subtasks", SectionKind::Tasks),
            ("Task Breakdown", SectionKind::Tasks),
            ("Task Status Legend", SectionKind::Legend),
            ("Task Dependency Graph", SectionKind::Order),
            ("Order summary", SectionKind::Open),
            ("Template command", SectionKind::Open),
            ("Review page", SectionKind::Open),
            ("Success metrics endpoint", SectionKind::Open),
            ("Search criteria", SectionKind::Open),
            ("MapLegend Component", SectionKind::Open),
            ("Dependency injection", SectionKind::Open),
            ("Review Follow-ups (AI)", SectionKind::Column),
            ("", SectionKind::Open),
            ("📋", SectionKind::Open),
        ] {
            assert_eq!(section_kind(name, false), kind, "{name}");
        }
        assert_eq!(section_kind("Summary", true), SectionKind::Open, "a numbered group of work");
        for name in [
            "Validation Plan",
            "Snapshot Log",
            "Files to change",
            "Risks",
            "Test plan",
            "JJ Snapshot Log (auto)",
        ] {
            assert!(names_no_work(name), "{name}");
        }
        for name in ["Frontend", "Deployment", "Docs", "Log viewer", "File upload", "Migration"] {
            assert!(!names_no_work(name), "{name}");
        }
        assert!(names_work("Review Follow-ups (AI)") && !names_work("Merge Watchlist"));
    }
}
