//! Recognises errors after which a session cannot continue: asked again, it gives the same answer.

use std::sync::LazyLock;

use regex::RegexSet;

/// Words of CLIs and of the APIs behind them.
const WORDINGS: &[&str] = &[
    // the session is not known
    r"(?i)\bno (?:conversation|session|thread|rollout|previous sessions?|saved session|chat)\b.{0,40}\bfound\b",
    r"(?i)\bno (?:conversation|session) named\b",
    r"(?i)\b(?:conversation|session|thread|chat)\b.{0,80}\b(?:not found|does not exist|doesn't exist|has expired|is not known|cannot be resumed|could not be resumed)\b",
    r"(?i)\b(?:unknown|invalid|expired|corrupt(?:ed)?) (?:conversation|session|thread)\b",
    r"(?i)\berror resuming (?:the )?(?:session|conversation|thread)\b",
    r"(?i)\bfailed to (?:resume|load|restore) (?:the )?(?:session|conversation|thread|chat)\b",
    // its history is damaged
    r"(?i)`?tool_use`? ids? (?:were|was) found without `?tool_result`?",
    r"(?i)\bunexpected `?tool_use_id`? found in `?tool_result`?",
    r"(?i)\beach `?tool_(?:use|result)`? block must have a corresponding\b",
    r"(?i)\btool_call_ids? did not have response messages\b",
    r"(?i)\bmessages? with role 'tool' must be a response to\b",
    r"(?i)\bno tool (?:output|call) found for (?:function|tool) call\b",
    r"(?i)\bfunction call(?:s)? .{0,60}(?:without|immediately after|number of function response)",
    r"(?i)\b(?:thinking|redacted_thinking)`? blocks?\b.{0,80}\bcannot be modified\b",
    r"(?i)\bmessages(?:\.\d+|: ).{0,80}\b(?:must be non-empty|roles must alternate)\b",
    // it is full
    r"(?i)\bprompt is too long\b",
    r"(?i)\b(?:input|prompt|request|conversation|context)\b.{0,60}\b(?:is|was|are) too (?:long|large)\b",
    r"(?i)\bconversation too long\b",
    r"(?i)\bcontext[ _](?:window|length|limit|size)s?\b.{0,60}\b(?:exceed\w*|reached|full|overflow\w*|too)\b",
    r"(?i)\bexceed\w*\b.{0,60}\b(?:context (?:window|length|limit)|maximum (?:context|number of tokens|input|prompt)|token limit)\b",
    r"(?i)\bmaximum context length\b",
    r"\bContextOverflowError\b|\bcontext_length_exceeded\b|\bmodel_context_window_exceeded\b",
    r"(?i)\bran out of room in the model's context window\b",
    r"(?i)\bcompaction failed\b",
];

static ENDS: LazyLock<RegexSet> =
    LazyLock::new(|| RegexSet::new(WORDINGS).unwrap_or_else(|error| unreachable!("{error}")));

/// How an API says that it refuses a request as it is.
static REFUSED: LazyLock<RegexSet> = LazyLock::new(|| {
    let refused = [
        r"\b(?:API Error|HTTP|status(?: code)?|Error code|error):? ?\(?400\b",
        r"^\W{0,3}400\b",
        r"(?i)\b400 (?:bad request|\{)",
        r"\binvalid_request_error\b|\bINVALID_ARGUMENT\b|\binvalid_prompt\b",
    ];
    RegexSet::new(refused).unwrap_or_else(|error| unreachable!("{error}"))
});

/// Whether an error says that its session cannot continue. In a session that was resumed, each refused request says so.
#[must_use]
pub fn ends_session(error: &str, resumed: bool) -> bool {
    let plain = error.replace('\u{2019}', "'");
    // a login or a limit that was refused says nothing about the session
    let other = ["API key", "quota", "billing", "rate limit", "Rate limit", "credit"];
    ENDS.is_match(&plain)
        || (resumed && REFUSED.is_match(&plain) && !other.iter().any(|word| plain.contains(word)))
}

/// Whether two errors are the same one: numbers and ids do not make a difference.
#[must_use]
pub fn is_same_error(one: &str, other: &str) -> bool {
    let shape = |text: &str| -> String {
        let words = text.split(|c: char| c.is_whitespace() || "\"'`,;:()[]{}".contains(c));
        let words = words.filter(|word| !word.is_empty() && !word.contains(|c: char| c.is_ascii_digit()));
        words.collect::<Vec<_>>().join(" ")
    };
    !one.trim().is_empty() && shape(one) == shape(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_end_a_session_are_known() {
        for error in [
            "No conversation found with session ID: 11111111-2222-4333-8444-555555555555",
            "Error: thread/resume: thread/resume failed: no rollout found for thread id 1",
            "Error resuming session: No previous sessions found for this project.",
            "Error: Session not found",
            "error: failed to run prompt: Session \"1\" not found.",
            "No session found matching '1'",
            "No saved session found with ID 1. Run `qwen --resume` without an ID",
            "Error: No conversation named 'seq1' to resume",
            "API Error: 400 {\"error\":{\"message\":\"messages.5: `tool_use` ids were found without `tool_result` blocks \
             immediately after: toolu_01Hx.\"}}",
            "An assistant message with 'tool_calls' must be followed by tool messages. The following tool_call_ids did not \
             have response messages: call_1",
            "No tool output found for function call call_1.",
            "Prompt is too long · the request is ~250000 tokens (limit 200000)",
            "Codex ran out of room in the model\u{2019}s context window. Start a new thread",
            "[API Error: The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).]",
            "Your input exceeds the context window of this model. Please adjust your input and try again.",
            "This model's maximum context length is 128000 tokens.",
            "context limit reached: conversation too long",
        ] {
            assert!(ends_session(error, false), "{error}");
        }
    }

    #[test]
    fn other_errors_do_not_end_a_session() {
        for error in [
            "",
            "exit code 1",
            "API Error: 500 Internal server error.",
            "You've hit your 5-hour limit",
            "the test session_is_kept failed",
            "Invalid API key",
        ] {
            assert!(!ends_session(error, true), "{error}");
        }
    }

    #[test]
    fn a_refused_request_ends_only_a_session_that_was_resumed() {
        for error in ["API Error: 400 {\"type\":\"error\"}", "Error code: 400 - {'error': 1}", "HTTP 400: no"]
        {
            assert!(ends_session(error, true) && !ends_session(error, false), "{error}");
        }
        assert!(!ends_session("API Error: 400 API key not valid", true));
    }

    #[test]
    fn ids_and_numbers_make_no_other_error() {
        assert!(is_same_error("failed at request req_1a (2 s)", "failed at request req_77 (31 s)"));
        assert!(!is_same_error("failed: a", "failed: b") && !is_same_error("", ""));
    }
}
