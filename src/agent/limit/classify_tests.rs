use super::*;
use crate::agent::event::Channel;
use crate::agent::limit::{Family, LimitKind, ResetForm, ResetRule};
use Channel::{Event, Log, Stderr, Stdout};
use Family as F;
use LimitKind::{Auth, Billing, Overloaded, QuotaExhausted as Quota, RateLimited as Rate};

const NO: LimitKind = LimitKind::None;

fn now() -> Timestamp {
    "2026-03-01T10:00:00+01:00".parse().unwrap()
}

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn judged(family: Family, channel: Channel, exit: i32, text: &str) -> LimitVerdict {
    classify(&PrintedMessage { family, channel, exit: Some(exit), text }, &[], now(), &berlin())
}

/// The kind, and the end on the host's clock.
fn short(verdict: &LimitVerdict) -> (LimitKind, String) {
    let until = verdict.until.map(|at| berlin().to_datetime(at).to_string());
    (verdict.kind, until.unwrap_or_default())
}

#[track_caller]
fn all(family: Family, channel: Channel, exit: i32, cases: &[(&str, LimitKind, &str)]) {
    for (text, kind, until) in cases {
        let verdict = judged(family, channel, exit, text);
        assert_eq!(short(&verdict), (*kind, (*until).to_owned()), "{text}\n{verdict:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_wording_of_claude_code_is_known() {
    all(
        F::Claude,
        Stdout,
        1,
        &[
            ("Claude AI usage limit reached|1772370000", Quota, "2026-03-01T14:00:00"),
            ("Claude AI usage limit reached|1772370000000", Quota, "2026-03-01T14:00:00"),
            (
                "Claude usage limit reached. Your limit will reset at 5pm (Europe/Warsaw).",
                Quota,
                "2026-03-01T17:00:00",
            ),
            (
                "5-hour limit reached ∙ resets 2pm\n/upgrade to increase your usage limit",
                Quota,
                "2026-03-01T14:00:00",
            ),
            ("Session limit reached ∙ resets 12pm", Quota, "2026-03-01T12:00:00"),
            (
                "5-hour limit reached · resets 9pm (Asia/Seoul) · /upgrade to Max 20x or turn on /extra-usage",
                Quota,
                "2026-03-01T13:00:00",
            ),
            ("Weekly limit reached · resets Dec 2, 7pm (Europe/Moscow) ·", Quota, "2026-12-02T17:00:00"),
            ("You've hit your limit · resets 1pm (Europe/Lisbon)", Quota, "2026-03-01T14:00:00"),
            ("You've hit your limit · resets Apr 2 at 4pm (America/Recife)", Quota, "2026-04-02T21:00:00"),
            ("You’re out of extra usage · resets Mar 4, 8pm (Europe/Budapest)", Quota, "2026-03-04T20:00:00"),
            ("You've hit your session limit · resets 3:45pm", Quota, "2026-03-01T15:45:00"),
            ("You've hit your weekly limit · resets Wed 12:00am", Quota, "2026-03-04T00:00:00"),
            (
                "You've hit your weekly limit · resets Aug 3, 7am (Europe/Zurich)",
                Quota,
                "2026-08-03T07:00:00",
            ),
            ("You've hit your Opus limit · resets 3:45pm", Quota, "2026-03-01T15:45:00"),
            ("You've hit your 5-hour limit · resets 10:37am (UTC)", Quota, "2026-03-01T11:37:00"),
            ("Opus weekly limit reached ∙ resets Mar 5, 9am", Quota, "2026-03-05T09:00:00"),
            ("You've hit your monthly limit · resets Apr 1, 12am", Quota, "2026-04-01T00:00:00"),
            ("You've hit your fast limit · resets 11:10am", Quota, "2026-03-01T11:10:00"),
            (
                "You've reached your Fable 5 limit. Run /usage-credits to continue or switch models with /model.",
                Quota,
                "",
            ),
            ("You've hit your org's monthly usage limit", Quota, ""),
            (
                "Prompt is too long · automatic compaction failed: You've hit your session limit · resets 6:50am \
                 (America/Toronto)",
                Quota,
                "2026-03-01T12:50:00",
            ),
            ("You've hit your monthly spend limit · raise it at claude.ai/settings/usage", Billing, ""),
            ("You've hit your org's monthly spend limit", Billing, ""),
            ("You've hit your individual spend limit · run /usage-credits to raise it", Billing, ""),
            ("spend limit reached (daily; resets 2026-08-09 00:00 UTC)", Billing, "2026-08-09T02:00:00"),
            ("Credit balance is too low", Billing, ""),
            ("You're out of extra usage. Add more at claude.ai/settings/usage and keep going.", Billing, ""),
            (
                "API Error: Server is temporarily limiting requests (not your usage limit) · Rate limited",
                Rate,
                "",
            ),
            (
                "API Error: Request rejected (429) · this may be a temporary capacity issue. If it persists, ask.",
                Rate,
                "",
            ),
            (
                "API Error: Request rejected (429) · Claude AI usage limit reached|1772370000",
                Quota,
                "2026-03-01T14:00:00",
            ),
            ("API Error: Rate limit reached", Rate, ""),
            (
                "API Error: Repeated 529 Overloaded errors. The API is at capacity — try later.",
                Overloaded,
                "",
            ),
            (
                "API Error: 529 Overloaded. This is a server-side issue, usually temporary — try again.",
                Overloaded,
                "",
            ),
            (
                r#"API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                Overloaded,
                "",
            ),
            (
                r#"API Error: 429 {"type":"error","error":{"type":"rate_limit_error","message":"Slow"}}"#,
                Rate,
                "",
            ),
            ("API Error (529 {\"type\":\"error\"}) · Retrying in 4 seconds… (attempt 4/10)", NO, ""),
            ("Invalid API key · Please run /login", Auth, ""),
            ("Invalid API key · Fix external API key", Auth, ""),
            ("Not logged in · Please run /login", Auth, ""),
            ("OAuth token revoked · Please run /login", Auth, ""),
            (
                r#"API Error: 401 {"type":"error","error":{"type":"authentication_error"}} · Please run /login"#,
                Auth,
                "",
            ),
            ("You've used 90% of your session limit · resets 7:20pm", NO, ""),
            ("Approaching usage limit · resets at 2am", NO, ""),
            (
                "Agent terminated early due to an API error: You've hit your session limit · resets 2pm",
                NO,
                "",
            ),
            (
                "API Error: 500 Internal server error. This is a server-side issue, usually temporary.",
                LimitKind::ServerError,
                "",
            ),
        ],
    );
}

#[test]
fn every_wording_of_codex_is_known() {
    let at = "2026-03-01T12:16:00";
    all(
        F::Codex,
        Stderr,
        1,
        &[
            ("🖐 You've hit usage your usage limit. Limits reset every 5h and every week.", Quota, ""),
            (
                "You've hit your usage limit. Upgrade to Pro (https://openai.com/chatgpt/pricing), or wait for limits to \
                 reset (every 5h and every week.).",
                Quota,
                "",
            ),
            (
                "You've hit your usage limit. Upgrade to Pro (https://openai.com/chatgpt/pricing) or try again in 5 days \
                 22 hours 11 minutes.",
                Quota,
                "2026-03-07T08:11:00",
            ),
            (
                "You've hit your usage limit. Upgrade to Pro or try again in 41 minutes.",
                Quota,
                "2026-03-01T10:41:00",
            ),
            ("You’ve hit your usage limit. Try again at 12:16 PM.", Quota, at),
            ("You’ve hit your usage limit. Try again later.", Quota, ""),
            (
                "ERROR: You've hit your usage limit. To get more access now, send a request to your admin or try again at \
              Mar 10th, 2026 3:39 AM.",
                Quota,
                "2026-03-10T03:39:00",
            ),
            (
                "You've hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit \
              https://chatgpt.com/codex/settings/usage to purchase more credits or try again at 12:16 PM.",
                Quota,
                at,
            ),
            (
                "You've hit your usage limit. Visit https://chatgpt.com/codex/settings/usage to purchase more credits or \
              try again at 12:16 PM.",
                Quota,
                at,
            ),
            (
                "You've hit your usage limit for GPT-5.3-Codex-Spark. Switch to another model now, or try again at 12:16 PM.",
                Quota,
                at,
            ),
            (
                "You've hit your usage limit. Upgrade your plan, or try again at 10 de jul. de 2026, 11:52.",
                Quota,
                "",
            ),
            ("Your workspace is out of credits. Add credits to continue.", Billing, ""),
            ("You hit your spend cap set by the owner of your workspace.", Billing, ""),
            (
                "To use Codex with your ChatGPT plan, upgrade to Plus: https://chatgpt.com/explore/plus.",
                Billing,
                "",
            ),
            (
                "stream disconnected before completion: Rate limit reached for gpt-5 in organization org-x on tokens per \
              min (TPM): Limit 250000, Used 1, Requested 2. Please try again in 28ms. Visit https://x.",
                Rate,
                "2026-03-01T10:00:00.028",
            ),
            ("exceeded retry limit, last status: 429 Too Many Requests, request id: 9c84b52c", Rate, ""),
            ("exceeded retry limit, last status: 503 Service Unavailable", Overloaded, ""),
            ("ERROR: Selected model is at capacity. Please try a different model.", Overloaded, ""),
            ("We’re currently experiencing high demand, which may cause temporary errors.", Overloaded, ""),
            (
                "Your access token could not be refreshed because your refresh token was already used. Please log out and \
              sign in again.",
                Auth,
                "",
            ),
            (
                "■ Failed to refresh token: 401 Unauthorized: Your refresh token has already been used.",
                Auth,
                "",
            ),
            ("⚠ Heads up, you have less than 5% of your 5h limit left. Run /status for a breakdown.", NO, ""),
            (
                r#"{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","plan_type":"plus",
                "resets_at":1772370000,"resets_in_seconds":4}}"#,
                Quota,
                "2026-03-01T14:00:00",
            ),
        ],
    );
}

#[test]
fn every_wording_of_gemini_and_antigravity_is_known() {
    all(
        F::Gemini,
        Stderr,
        1,
        &[
            (
                "Quota exceeded for quota metric 'Gemini 2.5 Pro Requests' and limit 'Gemini 2.5 Pro Requests per day per \
              user per tier' of service 'x' for consumer 'project_number:6'.",
                Quota,
                "",
            ),
            (
                "Quota exceeded for quota metric 'R' and limit 'R per minute per user' of service 'x'.",
                Rate,
                "",
            ),
            ("[API Error: You have exhausted your daily quota on this model.]", Quota, ""),
            (
                "You have exhausted your capacity on this model. Your quota will reset after 2h3m4s.",
                Quota,
                "2026-03-01T12:03:04",
            ),
            (
                "[API Error: You have exhausted your capacity on this model. Your quota will reset after 0s.]",
                Quota,
                "2026-03-01T10:00:00",
            ),
            (
                "✕ [API Error: You exceeded your current quota, please check your plan and billing details.\n* Quota \
              exceeded for metric: x/free_tier_requests, limit: 5, model: gemini-2.5-pro\nPlease retry in \
              56.5s.\nSuggested retry after 56s.]\nPlease wait and try again later.",
                Rate,
                "2026-03-01T10:00:56.5",
            ),
            (
                "[API Error: You exceeded your current quota, please check your plan. Please retry in 900.2ms.]",
                Rate,
                "2026-03-01T10:00:00.9002",
            ),
            (
                "[API Error: You exceeded your current quota, please check your plan. * Quota exceeded for metric: x, \
              limit: 0 Please retry in 59s.]",
                Billing,
                "",
            ),
            ("[API Error: Resource has been exhausted (e.g. check quota).]", Rate, ""),
            (
                "[API Error: No capacity available for model gemini-3.1-pro-preview on the server]",
                Overloaded,
                "",
            ),
            ("[API Error: The model is overloaded. Please try again later.]", Overloaded, ""),
            (
                "Usage limit reached for all Pro models.\nAccess resets at 2:00 PM CET\n/stats for usage",
                Quota,
                "2026-03-01T14:00:00",
            ),
            (
                "Attempt 1 failed: You have exhausted your capacity on this model. Your quota will reset after 5s.. Retrying after 6173ms...",
                NO,
                "",
            ),
            (
                "Attempt 1 failed: You have exhausted your capacity on this model. Your quota will reset after 3h0m0s.. Retrying after 11108451ms...",
                Quota,
                "2026-03-01T13:00:00",
            ),
            (
                r#"[API Error: {"error":{"code":429,"details":[{"reason":"QUOTA_EXHAUSTED","metadata":{"quotaResetDelay":"71h15m27.79s","quotaResetTimeStamp":"2026-03-04T16:32:54Z"}},{"retryDelay":"256527.79s"}]}}]"#,
                Quota,
                "2026-03-04T17:32:54",
            ),
            (
                r#"[API Error: {"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"reason":"RATE_LIMIT_EXCEEDED"},{"retryDelay":"7.5s"}]}}]"#,
                Rate,
                "2026-03-01T10:00:07.5",
            ),
            (
                r#"[API Error: {"error":{"code":429,"details":[{"reason":"MODEL_CAPACITY_EXHAUSTED"}]}}]"#,
                Overloaded,
                "",
            ),
            (
                r#"[API Error: {"error":{"code":429,"details":[{"reason":"INSUFFICIENT_G1_CREDITS_BALANCE"}]}}]"#,
                Billing,
                "",
            ),
            (
                r#"[API Error: {"error":{"code":429,"message":"You exceeded your current quota","details":[{"quotaId":"RequestsPerDay"},{"retryDelay":"34s"}]}}]"#,
                Quota,
                "",
            ),
            (r#"[API Error: {"error":{"code":400,"details":[{"reason":"API_KEY_INVALID"}]}}]"#, Auth, ""),
            ("Invalid auth method selected.", Auth, ""),
        ],
    );
    let event = r#"{"event":"result","result":{"status":"ERROR","response":"","error":"API error (attempt 3): RESOURCE_EXHAUSTED (code 429): Individual quota reached. Please upgrade your subscription. Resets in 1h0m5s."}}"#;
    assert_eq!(short(&judged(F::Gemini, Event, 0, event)), (Quota, "2026-03-01T11:00:05".into()));
}

#[test]
fn an_errors_dump_gives_the_time_that_its_first_line_lacks() {
    let dump = "Error when talking to Gemini API Full report available at: /tmp/x.json TerminalQuotaError: You have exhausted \
                your daily quota on this model.\n    at a (b.js:1:429)\n    at async c {\n  cause: {\n    code: 429,\n    message: \
                'You exceeded your current quota.\\n' +\n      'Please retry in 11h23m17.5s.',\n  },\n  status: 429\n}\n";
    assert_eq!(short(&judged(F::Gemini, Stderr, 173, dump)), (Quota, "2026-03-01T21:23:17.5".into()));
    let short_pause = dump.replace("11h23m17.5s", "17.5s");
    assert_eq!(short(&judged(F::Gemini, Stderr, 173, &short_pause)), (Quota, String::new()));
}

#[test]
fn every_wording_of_opencode_is_known() {
    all(
        F::Opencode,
        Stderr,
        1,
        &[
            ("Free usage exceeded, add credits https://opencode.ai/zen", Quota, ""),
            ("Free usage exceeded, subscribe to Go https://opencode.ai/go", Quota, ""),
            (
                "weekly usage limit reached. It will reset in 10 hours 27 minutes",
                Quota,
                "2026-03-01T20:27:00",
            ),
            ("Monthly usage limit reached. It will reset in 10 days 19 hours.", Quota, "2026-03-12T05:00:00"),
            ("Too Many Requests", Rate, ""),
            ("Rate Limited", Rate, ""),
            ("Provider is overloaded", Overloaded, ""),
            ("Rate limit exceeded: free-models-per-day. Add 10 credits to unlock more", Quota, ""),
            ("> build · qwen3.8-flash", NO, ""),
            ("context limit reached: conversation too long", NO, ""),
        ],
    );
    all(
        F::Opencode,
        Stderr,
        143,
        &[
            (
                "Free usage exceeded, subscribe to Go [retrying in 8h 13m attempt #1]",
                Quota,
                "2026-03-01T18:13:00",
            ),
            (
                "Free usage exceeded, add credits - retrying in 6h16m - attempt #1",
                Quota,
                "2026-03-01T16:16:00",
            ),
            ("Too Many Requests [retrying in 30s attempt #3]", NO, ""),
            ("Free usage exceeded, subscribe to Go", NO, ""),
        ],
    );
    all(
        F::Opencode,
        Log,
        124,
        &[
            (
                r#"{"type":"error","error":{"type":"GoUsageLimitError","message":"Weekly usage limit reached. Resets in 19hr"}}"#,
                Quota,
                "2026-03-02T05:00:00",
            ),
            (
                r#"{"type":"error","error":{"type":"FreeUsageLimitError","message":"Rate limit exceeded. Please try again later."}}"#,
                Quota,
                "",
            ),
            (
                r#"timestamp=2026-03-01T08:58:00.000Z level=ERROR run=f0 message="stream error" error.error="AI_APICallError: Rate limit reached for gpt-5 in organization org-x on requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in 3600s. Visit x""#,
                Rate,
                "2026-03-01T10:58:00",
            ),
            (
                r#"ERROR 2026-03-01T09:00:00 +5ms service=llm error={"error":{"name":"AI_APICallError","statusCode":429,"responseHeaders":{"retry-after":"3170"},"responseBody":"{\"type\":\"error\",\"error\":{\"type\":\"FreeUsageLimitError\"}}"}}"#,
                Quota,
                "2026-03-01T10:52:50",
            ),
            ("INFO service=session retrying", NO, ""),
        ],
    );
    let next = now().as_millisecond() + 7_200_000;
    let status = format!(
        r#"{{"type":"session.status","properties":{{"status":{{"type":"retry","attempt":1,"message":"Free usage exceeded, add credits https://x","next":{next}}}}}}}"#
    );
    assert_eq!(short(&judged(F::Opencode, Event, 143, &status)), (Quota, "2026-03-01T12:00:00".into()));
}

#[test]
fn every_wording_of_copilot_qwen_cursor_and_amp_is_known() {
    all(
        F::Copilot,
        Stderr,
        1,
        &[
            (
                "✗ Sorry, you've hit a rate limit that restricts the number of Copilot model requests you can make within a \
          specific time period. Please try again in 2 hours. Please review our Terms. (Request ID: A)",
                Rate,
                "2026-03-01T12:00:00",
            ),
            (
                "You've reached your weekly rate limit. Please wait for your limit to reset on April 20, 2026 at 2:00 AM or \
          switch to auto model to continue.",
                Quota,
                "2026-04-20T02:00:00",
            ),
            (
                "Sorry, you've exceeded your 5 hour session limits. Please retry after 2733 seconds. (user_global_rate_limited:pro)",
                Quota,
                "2026-03-01T10:45:33",
            ),
            (r#"402 {"error":{"message":"You have no quota","code":"quota_exceeded"}}"#, Billing, ""),
            (
                "You have exceeded your premium request allowance. We have automatically switched you to GPT-4.1 which is \
          included with your plan.",
                Billing,
                "",
            ),
            (
                "You've used 51% of your weekly rate limit. Your weekly rate limit will reset on April 27 at 8:00 AM.",
                NO,
                "",
            ),
        ],
    );
    all(
        F::Copilot,
        Event,
        1,
        &[
            (
                r#"{"type":"session.error","data":{"errorType":"rate_limit","message":"New words. Please try again in 58 hours."}}"#,
                Rate,
                "2026-03-03T20:00:00",
            ),
            (
                r#"{"type":"session.error","data":{"errorType":"quota","message":"New words.","statusCode":402}}"#,
                Billing,
                "",
            ),
        ],
    );
    all(
        F::Qwen,
        Stderr,
        1,
        &[
            ("Qwen OAuth quota exceeded: Your free daily quota has been reached.", Quota, ""),
            ("Qwen OAuth free tier has been discontinued as of 2026-04-15.", Billing, ""),
            ("[API Error: 429 Free allocated quota exceeded.]", Quota, ""),
            (
                r#"[API Error: {"error":{"code":"Throttling.AllocationQuota","message":"Allocated quota exceeded, please increase your quota limit."}}]"#,
                Quota,
                "",
            ),
            (
                r#"[API Error: 429 {"error":{"code":"insufficient_quota","message":"You exceeded your current quota, please check your plan and billing details."}}]"#,
                Quota,
                "",
            ),
            ("↻ Retrying in 5s… (attempt 2/5)", NO, ""),
        ],
    );
    all(
        F::Cursor,
        Stderr,
        1,
        &[
            ("Error: You've hit your usage limit", Quota, ""),
            (
                "Error: You've hit your usage limit\nGet Cursor Pro for more Agent usage, unlimited Tab, and more.",
                Quota,
                "",
            ),
            (
                "chatMessage: *You've hit your free requests limit. Upgrade. Your usage limits will reset when your monthly \
          cycle ends on 10/2/2026.*",
                Quota,
                "2026-10-02T00:00:00",
            ),
        ],
    );
    all(F::Amp, Stdout, 1, &[("Out of Credits", Billing, "")]);
}

#[test]
fn a_rejected_window_is_a_limit_and_an_allowed_one_is_not() {
    let event = |status: &str, more: &str| {
        format!(
            r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"{status}","overageStatus":"rejected"{more}}}}}"#
        )
    };
    let five = r#","rateLimitType":"five_hour","resetsAt":1772366400"#;
    for quiet in ["allowed", "allowed_warning"] {
        assert_eq!(judged(F::Claude, Event, 0, &event(quiet, five)).kind, NO, "{quiet}");
    }
    let verdict = judged(F::Claude, Event, 0, &event("rejected", five));
    assert_eq!((short(&verdict), verdict.scope.as_deref()), ((Quota, "2026-03-01T13:00:00".into()), None));
    // the closed window counts, not the one that the event names first
    let both = r#","rateLimitType":"five_hour","resetsAt":1772366400,"unifiedWindows":{"five_hour":{"status":"allowed","resetsAt":1772366400},"seven_day":{"status":"rejected","resetsAt":1772625600}}"#;
    assert_eq!(
        short(&judged(F::Claude, Event, 0, &event("rejected", both))),
        (Quota, "2026-03-04T13:00:00".into())
    );
    let opus = r#","rateLimitType":"seven_day_opus","resetsAt":1772625600"#;
    assert_eq!(judged(F::Claude, Event, 0, &event("rejected", opus)).scope.as_deref(), Some("opus"));
    assert_eq!(
        judged(F::Claude, Event, 0, &event("rejected", r#","errorCode":"credits_required""#)).kind,
        Billing
    );
}

#[test]
fn the_end_of_a_stream_decides_and_the_best_source_gives_the_time() {
    let event = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","rateLimitType":"five_hour","resetsAt":1772366437}}"#;
    let end = r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"You've hit your 5-hour limit · resets 1pm (Europe/Berlin)"}"#;
    let fine = r#"{"type":"result","subtype":"success","is_error":false,"result":"Done. You've hit your 5-hour limit · resets 1pm"}"#;
    let wrong = r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":500,"result":"API Error: 500 Internal server error."}"#;
    let judged = |lines: &[&str]| short(&self::judged(F::Claude, Event, 1, &lines.join("\n")));
    assert_eq!(judged(&[event, end]), (Quota, "2026-03-01T13:00:37".into()));
    assert_eq!(judged(&[event, fine]), (NO, String::new()));
    assert_eq!(judged(&[end, fine]), (NO, String::new()));
    assert_eq!(judged(&[event, wrong]), (LimitKind::ServerError, String::new()));
    assert_eq!(judged(&[event]), (Quota, "2026-03-01T13:00:37".into()));
    let plain = r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"API Error: Request rejected (429) · no."}"#;
    assert_eq!(judged(&[event, plain]), (Quota, "2026-03-01T13:00:37".into()));
}

#[test]
fn a_stream_and_its_standard_error_are_judged_together() {
    let line =
        r#"{"type":"turn.failed","error":{"message":"You've hit your usage limit. Try again at 12:16 PM."}}"#;
    let log = "2026-03-01T09:00:00.1Z ERROR codex_api::endpoint::responses: error=http 429 Too Many Requests: \
               Some(\"{\\\"error\\\":{\\\"type\\\":\\\"usage_limit_reached\\\",\\\"resets_at\\\":1772363797}}\")";
    let message = |channel, text| PrintedMessage { family: F::Codex, channel, exit: Some(1), text };
    let both = [message(Event, line), message(Stderr, log)];
    assert_eq!(short(&classify_all(&both, &[], now(), &berlin())), (Quota, "2026-03-01T12:16:37".into()));
    let friendly = format!("{log}\nERROR: You've hit your usage limit. Try again at 12:16 PM.");
    assert_eq!(short(&judged(F::Codex, Stderr, 1, &friendly)), (Quota, "2026-03-01T12:16:37".into()));
    // the program recovered from it, so it is not why the program ended
    let overcome =
        format!("ERROR: You've hit your usage limit. Try again at 12:16 PM.\n{log}\nERROR: no such file");
    assert_eq!(judged(F::Codex, Stderr, 1, &overcome).kind, NO);
}

#[test]
fn words_of_agents_tools_users_and_subagents_never_count() {
    let limit = "You've hit your session limit · resets 2pm";
    for record in [
        format!(r#"{{"type":"assistant","message":{{"content":[{{"type":"text","text":"{limit}"}}]}},"parent_tool_use_id":null}}"#),
        format!(r#"{{"type":"assistant","message":{{"content":[{{"type":"text","text":"{limit}"}}]}},"error":"rate_limit","parent_tool_use_id":"toolu_1"}}"#),
        format!(r#"{{"type":"user","message":{{"content":[{{"type":"tool_result","content":"{limit}"}}]}}}}"#),
        format!(r#"{{"type":"system","subtype":"task_notification","summary":"{limit}"}}"#),
        format!(r#"{{"type":"item.completed","item":{{"type":"agent_message","text":"{limit}"}}}}"#),
        format!(r#"{{"type":"item.completed","item":{{"type":"error","message":"{limit}"}}}}"#),
        format!(r#"{{"type":"message","role":"assistant","content":"{limit}","delta":true}}"#),
        format!(r#"{{"type":"tool_result","status":"error","error":{{"message":"{limit}"}}}}"#),
        format!(r#"{{"type":"tool_use","part":{{"state":{{"output":"{limit}"}}}}}}"#),
        format!(r#"{{"type":"text","part":{{"text":"{limit}"}}}}"#),
        format!(r#"{{"type":"result","status":"success","response":"{limit}"}}"#),
        r#"{"type":"error","message":"Reconnecting... 2/5 (exceeded retry limit, last status: 429 Too Many Requests)"}"#.to_owned(),
        r#"{"type":"system","subtype":"api_retry","error_status":429,"error":"rate_limit"}"#.to_owned(),
    ] {
        for exit in [0, 1, 143] {
            assert_eq!(judged(F::Any, Event, exit, &record).kind, NO, "{record}");
        }
    }
    let assistant = format!(
        r#"{{"type":"assistant","message":{{"content":[{{"type":"text","text":"{limit}"}}]}},"error":"rate_limit","parent_tool_use_id":null}}"#
    );
    assert_eq!(judged(F::Claude, Event, 1, &assistant).kind, Quota);
}

#[test]
fn only_a_last_line_that_is_wholly_a_limit_message_counts() {
    let limit = "You've hit your session limit · resets 2pm";
    for text in [
        "You've hit your session limit — great effort! Time for water.",
        "You've hit your session limit before, so I added a retry.",
        "You've hit your usage limit and I stopped there.",
        "I saw \"You've hit your session limit · resets 2pm\" in the log.",
        "> You've hit your session limit · resets 2pm",
        "the test prints: Too Many Requests",
        "npm error 429 Too Many Requests - GET https://example.org/left-pad",
        "assertion failed: quota exceeded, left: 200, right: 429",
        r#"The body was {"error":{"type":"usage_limit_reached","resets_at":1772370000}}"#,
        "src/limit.rs:429:17: rate limit exceeded",
        &format!("{limit}\n\nSo I added a retry."),
        &format!("{limit}\nand the tests pass"),
    ] {
        for (channel, exit) in [(Stdout, 0), (Stdout, 1), (Stderr, 1), (Log, 1)] {
            let verdict = judged(F::Any, channel, exit, text);
            assert_eq!(verdict.kind, NO, "{channel:?} {text:?} {verdict:?}");
        }
    }
    assert_eq!(judged(F::Claude, Stdout, 1, &format!("I work.\n\n{limit}\n")).kind, Quota);
    // a success is not a limit, unless the text is nothing but the limit
    assert_eq!(judged(F::Claude, Stdout, 0, &format!("I quote:\n{limit}")).kind, NO);
    assert_eq!(judged(F::Claude, Stdout, 0, limit).kind, Quota);
    assert_eq!(judged(F::Codex, Stderr, 0, "ERROR: You've hit your usage limit. Try again later.").kind, NO);
    // it was ended from outside
    assert_eq!(judged(F::Claude, Stdout, 124, limit).kind, NO);
}

#[test]
fn a_limit_of_one_model_names_the_model() {
    for (text, scope) in [
        (
            "You've hit your usage limit for GPT-5.3-Codex-Spark. Switch to another model now.",
            Some("GPT-5.3-Codex-Spark"),
        ),
        ("You've reached your Fable 5 limit. Run /usage-credits to continue.", Some("Fable 5")),
        ("You've hit your Opus limit · resets 3:45pm", Some("Opus")),
        ("Sonnet weekly limit reached · resets 3:45pm", Some("Sonnet")),
        ("You've hit your org's monthly usage limit", None),
        ("You've hit your 5-hour limit · resets 3:45pm", None),
        (
            "No capacity available for model gemini-3.1-pro-preview on the server",
            Some("gemini-3.1-pro-preview"),
        ),
    ] {
        assert_eq!(judged(F::Any, Stdout, 1, text).scope.as_deref(), scope, "{text}");
    }
}

#[test]
fn a_users_pattern_comes_before_all_others() {
    let own = [
        WordingPattern::of_user(
            "limit_patterns[0]",
            r"^Come back in (?P<dur>\S+), (?:friend|foe)$",
            Rate,
            ResetRule::Own(ResetForm::Duration),
        )
        .unwrap(),
        WordingPattern::of_user("limit_patterns[1]", "^Too Many Requests", LimitKind::None, ResetRule::Usual)
            .unwrap(),
    ];
    let judged = |channel, text| {
        let message = PrintedMessage { family: F::Any, channel, exit: Some(1), text };
        classify(&message, &own, now(), &berlin())
    };
    let verdict = judged(Stdout, "Come back in 90m, friend");
    assert_eq!(short(&verdict), (Rate, "2026-03-01T11:30:00".into()));
    assert_eq!(verdict.source, "limit_patterns[0] + duration");
    assert_eq!(judged(Stderr, "Too Many Requests").kind, NO);
    assert_eq!(
        judged(Event, r#"{"type":"turn.failed","error":{"message":"Come back in 1h, foe"}}"#).kind,
        Rate
    );
    assert_eq!(judged(Event, r#"{"type":"text","text":"Come back in 1h, foe"}"#).kind, NO);
}

#[test]
fn a_relative_time_counts_from_when_the_line_was_written() {
    let record = r#"{"type":"result","timestamp":"2026-03-01T08:30:00Z","status":"error","error":{"message":"[API Error: You have exhausted your capacity on this model. Your quota will reset after 1h.]"}}"#;
    assert_eq!(short(&judged(F::Gemini, Event, 1, record)), (Quota, "2026-03-01T10:30:00".into()));
    // a time of last year cannot be that of a fresh line
    let old = record.replace("2026-03-01T08", "2025-03-01T08");
    assert_eq!(short(&judged(F::Gemini, Event, 1, &old)), (Quota, "2026-03-01T11:00:00".into()));
}

mod any_input {
    use super::*;
    use proptest::prelude::*;

    fn channel() -> impl Strategy<Value = Channel> {
        prop_oneof![Just(Event), Just(Stdout), Just(Stderr), Just(Log)]
    }

    /// Fragments that reach deep into the readers.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            prop::sample::select(vec![
                "You've hit your session limit · resets ",
                "{\"type\":\"result\",\"is_error\":true,\"result\":\"",
                "\"}",
                "99:99pm",
                "Feb 30, 3pm",
                "(Mars/Olympus)",
                "resets in 9999999999999999999 weeks",
                "|9999999999999",
                "{",
                "[",
                "ERROR: ",
                "[API Error: ",
                "\n",
                "retry-after",
                "1e400",
                "Retrying after 99999999999ms",
                "\u{1b}[31m",
                "{\"error\":{\"resets_at\":-9223372036854775808}}",
                "resets Dec 31, 11:59pm",
                "\"retryDelay\":\"1e999s\"",
            ])
            .prop_map(str::to_owned),
        ]
    }

    proptest! {
        #[test]
        fn never_panics(pieces in prop::collection::vec(piece(), 0..8), channel in channel(), exit in any::<Option<i32>>()) {
            let text = pieces.concat();
            let message = PrintedMessage { family: F::Any, channel, exit, text: &text };
            let verdict = classify(&message, &[], now(), &berlin());
            prop_assert!(verdict.kind != NO || verdict == LimitVerdict::default());
        }

        #[test]
        fn around_a_limit_message_is_not_a_limit(
            before in "[a-z]{2,9}( [a-z]{2,9}){1,6}[:,]? ", after in " (so|and|then|because|while) [a-z]{2,9}( [a-z]{2,9}){0,5}[.]?",
            text in prop::sample::select(vec![
                "You've hit your session limit", "You've hit your usage limit", "Claude AI usage limit reached|1772370000",
                "5-hour limit reached", "Free usage exceeded", "You have exhausted your daily quota on this model",
                "Credit balance is too low", "Too Many Requests", "Out of credits", "Provider is overloaded",
                "You've reached your weekly rate limit", "The usage limit has been reached",
            ]),
            channel in prop_oneof![Just(Stdout), Just(Stderr), Just(Log), Just(Event)], exit in 0..3i32,
        ) {
            for line in [format!("{before}{text}"), format!("{text}{after}"), format!("{before}{text}{after}"), format!("{text}\n{before}")] {
                prop_assert_eq!(judged(F::Any, channel, exit, &line).kind, NO, "{}", line);
            }
        }
    }
}
