//! Recognises errors after which a session cannot continue: asked again, it gives the same answer.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

/// Words about a session that is not known.
const UNKNOWN: &[&str] = &[
    r"(?i)\bno (?:\w+ )?(?:conversations?|sessions?|threads?|rollouts?|chats?|checkpoints?)\b(?: or \w+)?.{0,40}\b(?:found|matched|matching|exists?|to (?:resume|continue))\b",
    r"(?i)\bno (?:conversation|session|thread) (?:named|with)\b",
    r"(?i)\b(?:conversation|session|thread|chat|rollout|checkpoint)s?\b.{0,80}\b(?:not found|does not exist|doesn't exist|no longer exists?|(?:has|is) expired|is (?:not known|unknown|invalid|empty|corrupt(?:ed)?|incompatible|in use|already in use)|(?:cannot|can't|could not) be (?:resumed|found|loaded|restored|read))\b",
    r"(?i)\b(?:unknown|invalid|expired|corrupt(?:ed)?|incompatible) (?:conversation|session|thread|chat)\b",
    r"(?i)\berror (?:resuming|loading|restoring) (?:the )?(?:session|conversation|thread|chat)\b",
    r"(?i)\b(?:failed|unable|cannot|can't|couldn't|could not) (?:to )?(?:resume|load|restore|find|open|parse|read|continue) (?:the |this |a |your )?(?:previous )?(?:session|conversation|thread|chat|rollout)\b",
    r"(?i)\bprevious response\b.{0,60}\bnot found\b",
];

/// Words about a history that is damaged. A narrow terminal may have wrapped them.
const DAMAGED: &[&str] = &[
    r"(?i)`?tool_use`? ids? (?:were|was) found without `?tool_result`?",
    r"(?i)\bunexpected `?tool_use_id`? found in `?tool_result`?",
    r"(?i)\beach `?tool_(?:use|result)`? block must have a corresponding\b",
    r"(?i)\btool_call_ids? did not have response messages\b",
    r"(?i)\bmessages? with role '?tool'? must be a response to\b",
    r"(?i)\btool_calls['\x22`]? must be followed by tool messages\b",
    r"(?i)\bno tool (?:output|call) found for (?:function|tool|custom tool) call\b",
    r"(?i)\bfunction call(?:s)? .{0,60}(?:without|immediately after|number of function response)",
    r"(?i)\bfunction (?:call|response) turn comes immediately after\b",
    r"(?i)\bnumber of function response parts\b",
    r"(?i)\bmissing a `?thought_signature\b|\binvalid `?signature`? in `?thinking`? block",
    r"(?i)\b(?:thinking|redacted_thinking)`? blocks?\b.{0,80}\bcannot be modified\b",
    r"(?i)\bexpected `?thinking`? or `?redacted_thinking`?",
    r"(?i)\btool use concurrency issues\b",
    r"(?i)\bwas provided without its required (?:following|preceding)? ?(?:item|'reasoning')",
    r"(?i)\bencrypted[_ ]content\b.{0,80}\b(?:could not be|cannot be|not) (?:verified|decrypted|parsed)|\binvalid_encrypted_content\b",
    r"(?i)\bmessages(?:\.\d+|: ).{0,80}\b(?:must be non-empty|roles must alternate)\b",
    r"(?i)\bmessages\.\d+\.content\.\d+\.image\b.{0,120}\b(?:exceeds?|maximum|invalid)\b|\bcould not process image\b",
];

/// Words about a session that is full.
const FULL: &[&str] = &[
    r"(?i)\bprompt is too long\b",
    r"(?i)\b(?:input|prompt|request|conversation|context|payload|messages?)\b.{0,60}\b(?:is|was|are) too (?:long|large)\b",
    r"(?i)\b(?:conversation|context|input|chat history) (?:is )?too (?:long|large)\b",
    r"(?i)\brequest_too_large\b|\brequest too large \(max\b|\bpayload too large\b",
    r"(?i)\bcontext[ _](?:window|length|limit|size)s?\b.{0,60}\b(?:exceed\w*|reached|full|overflow\w*|too)\b",
    r"(?i)\bexceed\w*\b.{0,60}\b(?:context (?:window|length|limit|size)|maximum (?:context|number of tokens|input|prompt)|(?:token|prompt) limit|max(?:imum)? message tokens|limit of \d[\d,]* ?(?:tokens)?$)",
    r"(?i)\b(?:prompt|input|total) token(?:s| count)\b.{0,40}\bexceeds?\b",
    r"(?i)\b(?:tokens?|length) exceeds? (?:the )?(?:configured |model'?s? )?(?:limit|context|maximum)\b",
    r"(?i)\bmaximum context length\b|\brange of input length should be\b|\bexceeded model token limit\b|\bhas hit a token limit\b",
    r"\bContextOverflowError\b|\bContextWindowExceeded\w*\b|(?i:\bcontext_length_exceeded\b|\bmodel_context_window_exceeded\b|\bmax_prompt_tokens_exceeded\b)",
    r"(?i)\bran out of room in the model's context window\b",
    r"(?i)\bcontext overflow\b|\bcompaction failed\b",
];

/// A session of a login, not one of an agent.
static OF_LOGIN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\blog ?in\b|\bsign(?:ed)? in\b|\boauth\b|\bauthenticat|\blogged (?:in|out)\b")
        .unwrap_or_else(|error| unreachable!("{error}"))
});

static ENDS: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new(UNKNOWN.iter().chain(FULL)).unwrap_or_else(|error| unreachable!("{error}"))
});

static IS_DAMAGED: LazyLock<RegexSet> =
    LazyLock::new(|| RegexSet::new(DAMAGED).unwrap_or_else(|error| unreachable!("{error}")));

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
    let in_one_line = || plain.split_whitespace().collect::<Vec<_>>().join(" ");
    plain.lines().any(|line| ENDS.is_match(line) && !OF_LOGIN.is_match(line))
        || IS_DAMAGED.is_match(&in_one_line())
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
            "API Error: 400 {\"message\":\"messages.3.content.1: `thinking` or `redacted_thinking` blocks in the latest \
             assistant message cannot be modified.\"}",
            "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`.",
            "API Error: 400 due to tool use concurrency issues. Run /rewind to recover the conversation.",
            "input length and `max_tokens` exceed context limit: 190000 + 21333 > 200000",
            "prompt is too long: 208310 tokens > 200000 maximum",
            "Request too large (max 32MB). Double press esc to go back and try with a smaller file.",
            "messages.58.content.1.image.source.base64.data: At least one of the image dimensions exceed max allowed size",
            "Session ID 11111111-2222-4333-8444-555555555555 is already in use.",
            "API Error: 400 {\"message\":\"messages.30: `tool_use` ids\n     were found without `tool_result` blocks",
            "Item 'rs_68a' of type 'reasoning' was provided without its required following item.",
            "The encrypted content gAAA could not be verified. code: invalid_encrypted_content",
            "Previous response with id 'resp_1' not found.",
            "failed to load rollout `/x/rollout-1.jsonl` for thread 1: empty session file",
            "Error resuming session: Invalid session identifier \"1\".",
            "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
            "Please ensure that the number of function response parts is equal to the number of function call parts.",
            "Function call is missing a thought_signature in functionCall parts.",
            "the request exceeds the available context size, try increasing it",
            "Input is too long for requested model.",
            "Input tokens exceed the configured limit of 272000 tokens.",
            "Range of input length should be [1, 129024]",
            "Invalid request: Your request exceeded model token limit: 262144",
            "litellm.ContextWindowExceededError: litellm.BadRequestError: OpenAIException - too many tokens",
            "prompt token count of 140000 exceeds the limit of 128000",
            "No session or task matched '1'",
            "Session file is corrupted or incompatible with this version",
            "Could not find thread T-1",
            "Session 'seq1' does not exist",
            "Model openai/gpt-5 has hit a token limit!",
            "Cannot resume session 1: its folder is another one",
            "413 {\"type\":\"error\",\"error\":{\"type\":\"request_too_large\",\"message\":\"Request exceeds the maximum size\"}}",
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
            "Your session has expired. Please log in again.",
            "Failed to authenticate: OAuth session expired and could not be refreshed",
            "API Error: Connection error.",
            "stream disconnected before completion: idle timeout waiting for SSE",
            "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute'",
            "You've reached your weekly limit for this session type",
            "the file has too many lines and no session",
            "503 Service Unavailable",
            "Error running remote compact task: unexpected status 502 Bad Gateway: <html>",
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
