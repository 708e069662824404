//! A second table of wordings, next to the vendors' own: variants (spelling, marks, zones, dates, nesting), and texts
//! that only look like a limit. No pattern was written for any of them.

use super::*;
use crate::agent::event::Channel;
use crate::agent::limit::{Family, LimitKind, THIS_MODEL};
use Channel::{Event, Log, Stderr, Stdout};
use Family as F;
use LimitKind::{Auth, Billing, Overloaded, QuotaExhausted as Quota, RateLimited as Rate};

const NO: LimitKind = LimitKind::None;
/// A Sunday, a few weeks before summer time.
const MARCH: &str = "2026-03-01T10:00:00+01:00";

type WordingCase = (Family, Channel, i32, &'static str, LimitKind, &'static str);

fn judged(row: &WordingCase, now: &str, zone: &str) -> (LimitVerdict, String) {
    let zone = TimeZone::get(zone).unwrap();
    let message = PrintedMessage { family: row.0, channel: row.1, exit: Some(row.2), text: row.3 };
    let verdict = classify(&message, &[], now.parse().unwrap(), &zone);
    let until = verdict.until.map(|at| zone.to_datetime(at).to_string()).unwrap_or_default();
    (verdict, until)
}

/// Checks all rows and reports all that are wrong at once.
#[track_caller]
fn table(now: &str, zone: &str, rows: &[WordingCase]) {
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let (verdict, until) = judged(row, now, zone);
            let right = verdict.kind == row.4 && until == row.5;
            (!right)
                .then(|| format!("{}\n  wanted {:?} {:?}, got {until:?} {verdict:?}", row.3, row.4, row.5))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_variant_in_spelling_has_the_same_meaning() {
    table(
        MARCH,
        "Europe/Berlin",
        &[
            // marks, escapes, apostrophes, separators
            (
                F::Claude,
                Stdout,
                1,
                "\x1b[31mYou've hit your session limit · resets 2pm\x1b[0m",
                Quota,
                "2026-03-01T14:00:00",
            ),
            (F::Claude, Stdout, 1, "  ⎿  5-hour limit reached ∙ resets 2pm", Quota, "2026-03-01T14:00:00"),
            (
                F::Claude,
                Stdout,
                1,
                "● You’ve hit your session limit • resets 2pm (Europe/Berlin)",
                Quota,
                "2026-03-01T14:00:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "You've hit your session limit - resets 2pm",
                Quota,
                "2026-03-01T14:00:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "You've hit your session limit — resets 2pm (Europe/Berlin)",
                Quota,
                "2026-03-01T14:00:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "You have hit your session limit · resets 2pm",
                Quota,
                "2026-03-01T14:00:00",
            ),
            (F::Claude, Stdout, 1, "You've hit your limit. Resets at 2pm.", Quota, "2026-03-01T14:00:00"),
            (
                F::Claude,
                Stdout,
                1,
                "You've hit your session limit (resets 2pm)",
                Quota,
                "2026-03-01T14:00:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "You've reached your weekly limit · resets Thursday 9am",
                Quota,
                "2026-03-05T09:00:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "You've hit your weekly limit · resets Oct 6, 1pm (Europe/Berlin)",
                Quota,
                "2026-10-06T13:00:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "You've hit your weekly limit · resets 6 Oct, 1pm (Europe/Berlin)",
                Quota,
                "2026-10-06T13:00:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "You've hit your weekly limit · resets October 6 at 1:00 p.m. (Europe/Berlin)",
                Quota,
                "2026-10-06T13:00:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "You've hit your weekly limit · resets tomorrow at 7am",
                Quota,
                "2026-03-02T07:00:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "You've hit your usage limit · resets at 14:30",
                Quota,
                "2026-03-01T14:30:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "You've hit your session limit · resets in 2h 13m",
                Quota,
                "2026-03-01T12:13:00",
            ),
            (F::Claude, Stdout, 1, "You've hit your 5-hour limit", Quota, ""),
            (
                F::Claude,
                Stdout,
                1,
                "You've hit your fast mode limit · resets 11:10am",
                Quota,
                "2026-03-01T11:10:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "Claude usage limit reached. Your limit will reset at 3am (America/Santiago).",
                Quota,
                "2026-03-02T07:00:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "You've hit your session limit · resets 12:30pm (Etc/GMT+2)",
                Quota,
                "2026-03-01T15:30:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "You've hit your weekly limit · resets 2026-03-03T07:00:00-05:00",
                Quota,
                "2026-03-03T13:00:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "You've hit your weekly limit · resets 2026-03-03 07:00 (Asia/Tokyo)",
                Quota,
                "2026-03-02T23:00:00",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "You're out of usage credits · resets Mar 4, 8pm (Europe/Budapest)",
                Quota,
                "2026-03-04T20:00:00",
            ),
            (F::Claude, Stdout, 1, "Sonnet limit reached · resets Mar 4, 8pm", Quota, "2026-03-04T20:00:00"),
            // money and keys
            (F::Claude, Stdout, 1, "You've hit your team's shared budget · ask your admin", Billing, ""),
            (
                F::Claude,
                Stdout,
                1,
                "You're out of usage credits. Add more at claude.ai/settings/usage and keep going.",
                Billing,
                "",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
                Billing,
                "",
            ),
            (F::Claude, Stdout, 1, "OAuth token has expired · Please run /login", Auth, ""),
            (
                F::Claude,
                Stdout,
                1,
                "Please run /login · API Error: 401 {\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"Invalid bearer token\"}}",
                Auth,
                "",
            ),
            (
                F::Claude,
                Stdout,
                1,
                "API Error: 529 {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}} · check https://status.claude.com",
                Overloaded,
                "",
            ),
            // Codex: ordinals, days, one minute
            (
                F::Codex,
                Stderr,
                1,
                "You've hit your usage limit. Try again at 3:05 PM.",
                Quota,
                "2026-03-01T15:05:00",
            ),
            (
                F::Codex,
                Stderr,
                1,
                "You've hit your usage limit. Try again at Mar 2nd, 2026 12:00 AM.",
                Quota,
                "2026-03-02T00:00:00",
            ),
            (
                F::Codex,
                Stderr,
                1,
                "ERROR: You've hit your usage limit. Upgrade to Pro, or try again at Apr 3rd, 2026 12:00 PM.",
                Quota,
                "2026-04-03T12:00:00",
            ),
            (
                F::Codex,
                Stderr,
                1,
                "You've hit your usage limit. Upgrade to Pro or try again in 1 minute.",
                Quota,
                "2026-03-01T10:01:00",
            ),
            (
                F::Codex,
                Stderr,
                1,
                "You've hit your usage limit. Upgrade to Pro or try again in 2 days 1 minute.",
                Quota,
                "2026-03-03T10:01:00",
            ),
            (
                F::Codex,
                Stderr,
                1,
                "You've hit your usage limit for gpt-5.1-codex-mini. Switch to another model now, or try again in 3 hours.",
                Quota,
                "2026-03-01T13:00:00",
            ),
            (
                F::Codex,
                Stderr,
                1,
                "You hit your spend cap set by your workspace owner. Try again at 3:05 PM.",
                Billing,
                "2026-03-01T15:05:00",
            ),
            (
                F::Codex,
                Stderr,
                1,
                "Rate limit reached for gpt-5 in organization org-x on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. Visit https://x.",
                Rate,
                "2026-03-01T10:00:20",
            ),
            (
                F::Codex,
                Stderr,
                1,
                "Rate limit reached for gpt-5 in organization org-x on tokens per min (TPM): Limit 3, Used 3, Requested 1. Please try again in 1m12.5s.",
                Rate,
                "2026-03-01T10:01:12.5",
            ),
            (
                F::Codex,
                Stderr,
                1,
                "ERROR: exceeded retry limit, last status: 529 <unknown status code>, request id: x",
                Overloaded,
                "",
            ),
            (
                F::Codex,
                Stderr,
                1,
                "ERROR: unexpected status 401 Unauthorized: {\"error\":{\"message\":\"Incorrect API key provided\",\"code\":\"invalid_api_key\"}}",
                Auth,
                "",
            ),
            (
                F::Codex,
                Stderr,
                1,
                "ERROR: Your access token could not be refreshed because your refresh token has expired. Please log out and sign in again.",
                Auth,
                "",
            ),
            (
                F::Codex,
                Stderr,
                1,
                "2026-03-01T09:00:00.123456Z ERROR codex_api::endpoint::responses: error=http 429 Too Many Requests: Some(\"{\\\"error\\\":{\\\"type\\\":\\\"usage_limit_reached\\\",\\\"message\\\":\\\"The usage limit has been reached\\\",\\\"resets_in_seconds\\\":90}}\")",
                Quota,
                "2026-03-01T10:01:30.123456",
            ),
            // Gemini, Antigravity, OpenCode, Copilot, Qwen, Cursor
            (
                F::Gemini,
                Stderr,
                1,
                "[API Error: You have exhausted your capacity on this model. Your quota will reset after 1h 23m 45s.]",
                Quota,
                "2026-03-01T11:23:45",
            ),
            (
                F::Gemini,
                Stderr,
                1,
                "Error when talking to Gemini API TerminalQuotaError: You have exhausted your daily quota on this model.",
                Quota,
                "",
            ),
            (
                F::Gemini,
                Stderr,
                1,
                "[API Error: No capacity available for model gemini-3.1-flash on the server]",
                Overloaded,
                "",
            ),
            (
                F::Gemini,
                Stderr,
                1,
                "Individual quota reached. Please upgrade your subscription to increase your limits. Resets in 2 days.",
                Quota,
                "2026-03-03T10:00:00",
            ),
            (
                F::Gemini,
                Stderr,
                1,
                "Usage limit reached for all Flash models.\nAccess resets at 2:00 PM GMT+1\n/stats for usage",
                Quota,
                "2026-03-01T14:00:00",
            ),
            (
                F::Gemini,
                Stderr,
                1,
                "[API Error: {\"error\":{\"code\":503,\"message\":\"The model is overloaded. Please try again later.\",\"status\":\"UNAVAILABLE\"}}]",
                Overloaded,
                "",
            ),
            (
                F::Opencode,
                Stderr,
                124,
                "Free usage exceeded, add credits https://opencode.ai/zen [retrying in 6h16m - attempt #1]",
                Quota,
                "2026-03-01T16:16:00",
            ),
            (
                F::Opencode,
                Stderr,
                1,
                "5-hour usage limit reached. It will reset in 3 hours 1 minute.",
                Quota,
                "2026-03-01T13:01:00",
            ),
            (
                F::Opencode,
                Stderr,
                1,
                "Error: weekly usage limit reached. It will reset in 10 hours 27 minutes",
                Quota,
                "2026-03-01T20:27:00",
            ),
            (
                F::Copilot,
                Stderr,
                1,
                "✗ Sorry, you've hit a rate limit that restricts the number of Copilot model requests you can make within a specific time period. Please try again in 1 hour 30 minutes. Please review our Terms of Service (https://x). (Request ID: A:B)",
                Rate,
                "2026-03-01T11:30:00",
            ),
            (
                F::Copilot,
                Stderr,
                1,
                "402 {\"error\":{\"message\":\"You have no quota\",\"code\":\"quota_exceeded\"}}",
                Billing,
                "",
            ),
            (
                F::Copilot,
                Stderr,
                1,
                "Sorry, you've exceeded your weekly rate limit. Please wait for your limit to reset on March 9, 2026 at 2:00 AM.",
                Quota,
                "2026-03-09T02:00:00",
            ),
            (
                F::Qwen,
                Stderr,
                1,
                "[API Error: 429 {\"error\":{\"code\":\"Throttling.AllocationQuota\",\"message\":\"x\"}}]",
                Quota,
                "",
            ),
            (
                F::Cursor,
                Stderr,
                1,
                "Error: You've hit your usage limit. Your usage limits will reset when your monthly cycle ends on 3/31/2026.",
                Quota,
                "2026-03-31T00:00:00",
            ),
            (
                F::Opencode,
                Log,
                124,
                "ERROR 2026-03-01T09:00:00 +3ms service=session.processor error=AI_APICallError: Weekly usage limit reached. Resets in 19hr",
                Quota,
                "2026-03-02T05:00:00",
            ),
            (
                F::Opencode,
                Stderr,
                1,
                "Subscription quota exceeded. You can continue using free models.",
                Quota,
                "",
            ),
            (
                F::Opencode,
                Event,
                1,
                r#"{"type":"error","error":{"name":"APIError","data":{"message":"Insufficient balance. Manage your billing here: https://x","statusCode":401,"responseBody":"{\"type\":\"error\",\"error\":{\"type\":\"CreditsError\",\"message\":\"Insufficient balance.\"}}"}}}"#,
                Billing,
                "",
            ),
            (F::Codex, Stderr, 1, "Error: Token data is not available. Please run codex login", Auth, ""),
            (
                F::Codex,
                Event,
                1,
                r#"{"type":"error","message":"unexpected status 402 Payment Required: {\"detail\":{\"code\":\"deactivated_workspace\"}}"}"#,
                Billing,
                "",
            ),
            (
                F::Codex,
                Event,
                1,
                r#"{"type":"turn.failed","error":{"message":"unexpected status 429 Too Many Requests: slow down"}}"#,
                Rate,
                "",
            ),
            (F::Claude, Stdout, 1, "This organization has been disabled.", Auth, ""),
            (
                F::Qwen,
                Stderr,
                1,
                "[API Error: Throttling.RateQuota: Requests rate limit exceeded, please try again later.]",
                Rate,
                "",
            ),
            (
                F::Any,
                Stderr,
                1,
                "ERROR: Too Many Requests. Retry after 2 minutes.",
                Rate,
                "2026-03-01T10:02:00",
            ),
            (
                F::Any,
                Stderr,
                1,
                "Error: You've hit your session limit · resets 2pm",
                Quota,
                "2026-03-01T14:00:00",
            ),
        ],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn records_of_many_shapes_report_a_limit() {
    table(
        MARCH,
        "Europe/Berlin",
        &[
            (
                F::Claude,
                Event,
                0,
                r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"You've hit your weekly limit · resets Mon 12am"}"#,
                Quota,
                "2026-03-02T00:00:00",
            ),
            (
                F::Claude,
                Event,
                1,
                r#"{"type":"result","subtype":"error_during_execution","is_error":true,"errors":["You've hit your session limit · resets 2pm"]}"#,
                Quota,
                "2026-03-01T14:00:00",
            ),
            (
                F::Claude,
                Event,
                1,
                r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":529,"result":"API Error: 529 Overloaded. This is a server-side issue, usually temporary — try again in a moment."}"#,
                Overloaded,
                "",
            ),
            (
                F::Claude,
                Event,
                1,
                r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":401,"result":"Invalid API key · Fix external API key"}"#,
                Auth,
                "",
            ),
            (
                F::Claude,
                Event,
                1,
                r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":400,"result":"Credit balance is too low"}"#,
                Billing,
                "",
            ),
            (
                F::Claude,
                Event,
                1,
                r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"A wording of next year · resets 2pm"}"#,
                Rate,
                "2026-03-01T14:00:00",
            ),
            (
                F::Claude,
                Event,
                1,
                r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"A limit wording of next year · resets 2pm"}"#,
                Quota,
                "2026-03-01T14:00:00",
            ),
            (
                F::Claude,
                Event,
                0,
                r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1772370000000,"rateLimitType":"seven_day"}}"#,
                Quota,
                "2026-03-01T14:00:00",
            ),
            (
                F::Claude,
                Event,
                0,
                r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1772370000,"rateLimitType":"overage","errorCode":"credits_required"}}"#,
                Billing,
                "",
            ),
            (
                F::Claude,
                Event,
                1,
                r#"{"type":"assistant","message":{"model":"<synthetic>","content":[{"type":"text","text":"You've hit your session limit · resets 2pm"}]},"error":"rate_limit","parent_tool_use_id":null}"#,
                Quota,
                "2026-03-01T14:00:00",
            ),
            (
                F::Codex,
                Event,
                1,
                r#"{"type":"turn.failed","error":{"message":"You've hit your usage limit. Upgrade to Pro or try again in 6 days 23 hours 59 minutes."}}"#,
                Quota,
                "2026-03-08T09:59:00",
            ),
            (
                F::Codex,
                Event,
                1,
                r#"{"type":"turn.failed","error":{"message":"exceeded retry limit, last status: 429 Too Many Requests, request id: x"}}"#,
                Rate,
                "",
            ),
            (
                F::Codex,
                Event,
                1,
                r#"{"type":"event_msg","payload":{"type":"token_count","rate_limits":{"rate_limit_reached_type":"primary","primary":{"used_percent":100.0,"window_minutes":300,"resets_at":1772370000},"secondary":{"used_percent":40.0,"window_minutes":10080,"resets_at":1772999999}}}}"#,
                Quota,
                "2026-03-01T14:00:00",
            ),
            (
                F::Gemini,
                Event,
                173,
                r#"{"type":"result","status":"error","error":{"type":"TerminalQuotaError","message":"[API Error: You have exhausted your daily quota on this model.]"}}"#,
                Quota,
                "",
            ),
            (
                F::Gemini,
                Event,
                0,
                r#"{"event":"result","result":{"status":"ERROR","response":"","error":"API error (attempt 1): RESOURCE_EXHAUSTED (code 429): Individual quota reached. Please upgrade your subscription to increase your limits. Resets in 39m52s."}}"#,
                Quota,
                "2026-03-01T10:39:52",
            ),
            (
                F::Opencode,
                Event,
                1,
                r#"{"type":"error","sessionID":"s","error":{"name":"APIError","data":{"message":"Provider is overloaded","statusCode":529,"isRetryable":true}}}"#,
                Overloaded,
                "",
            ),
            (
                F::Opencode,
                Event,
                1,
                r#"{"type":"error","sessionID":"s","error":{"name":"APIError","data":{"message":"Monthly usage limit reached. It will reset in 10 days 19 hours.","statusCode":429,"responseHeaders":{"retry-after-ms":"932400000"}}}}"#,
                Quota,
                "2026-03-12T05:00:00",
            ),
            (
                F::Opencode,
                Event,
                1,
                r#"{"type":"error","sessionID":"s","error":{"name":"ProviderAuthError","data":{"message":"no key"}}}"#,
                Auth,
                "",
            ),
            (
                F::Copilot,
                Event,
                1,
                r#"{"type":"session.error","data":{"errorType":"quota","message":"You have exceeded your premium request allowance.","statusCode":402}}"#,
                Billing,
                "",
            ),
            (
                F::Qwen,
                Event,
                1,
                r#"{"type":"result","subtype":"error_during_execution","is_error":true,"error":{"message":"[API Error: 429 Free allocated quota exceeded.]"}}"#,
                Quota,
                "",
            ),
            // an unknown agent whose records look like Claude's
            (
                F::Any,
                Event,
                1,
                r#"{"type":"result","is_error":true,"result":"You've hit your weekly limit · resets Mar 3, 7am (Europe/Zurich)"}"#,
                Quota,
                "2026-03-03T07:00:00",
            ),
        ],
    );
}

#[test]
fn a_date_without_a_year_is_near_even_across_new_year() {
    let claude = |text| (F::Claude, Stdout, 1, text, Quota);
    let row = |(f, c, e, t, k), until| (f, c, e, t, k, until);
    table(
        "2026-12-31T23:30:00+01:00",
        "Europe/Berlin",
        &[
            row(claude("You've hit your weekly limit · resets Jan 1, 2am"), "2027-01-01T02:00:00"),
            row(claude("You've hit your weekly limit · resets Jan 5 at 9am"), "2027-01-05T09:00:00"),
            // over for half an hour: due, and not a year away
            row(claude("You've hit your weekly limit · resets Dec 31, 11pm"), "2026-12-31T23:00:00"),
            row(claude("You've hit your weekly limit · resets Fri 12:00am"), "2027-01-01T00:00:00"),
            row(claude("You've hit your session limit · resets 1am"), "2027-01-01T01:00:00"),
            row(
                claude("You've hit your session limit · resets 8pm (America/Los_Angeles)"),
                "2027-01-01T05:00:00",
            ),
        ],
    );
    table(
        "2027-01-01T00:10:00+01:00",
        "Europe/Berlin",
        &[row(claude("You've hit your weekly limit · resets Dec 31, 11pm"), "2026-12-31T23:00:00")],
    );
}

#[test]
fn summer_time_shifts_a_time_in_another_zone() {
    let claude = |text, until| (F::Claude, Stdout, 1, text, Quota, until);
    table(
        MARCH,
        "Europe/Berlin",
        &[
            // the hour that New York leaves out on March 8
            claude(
                "You've hit your weekly limit · resets Mar 8, 2:30am (America/New_York)",
                "2026-03-08T08:30:00",
            ),
            // the hour that it has twice on November 1: the first
            claude(
                "You've hit your weekly limit · resets Nov 1, 1:30am (America/New_York)",
                "2026-11-01T06:30:00",
            ),
            claude("You've hit your weekly limit · resets Mar 29, 2:30am", "2026-03-29T03:30:00"),
            claude("You've hit your weekly limit · resets Apr 1, 9am (Asia/Kolkata)", "2026-04-01T05:30:00"),
        ],
    );
}

#[test]
fn a_limit_with_an_unreadable_time_is_still_a_limit() {
    let claude = |text| (F::Claude, Stdout, 1, text, Quota, "");
    table(
        MARCH,
        "Europe/Berlin",
        &[
            claude("You've hit your session limit · resets 25:99pm"),
            claude("You've hit your session limit · resets 2pm (Mars/Olympus)"),
            claude("You've hit your session limit · resets soon"),
            claude("You've hit your weekly limit · resets Feb 31, 9am"),
            claude("You've hit your weekly limit · resets in -5 minutes"),
            claude("You've hit your weekly limit · resets 3. März, 7 Uhr"),
            (F::Codex, Stderr, 1, "You've hit your usage limit. Try again at 11h52.", Quota, ""),
            (F::Claude, Stdout, 1, "Claude AI usage limit reached|99999999999999", NO, ""),
        ],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_text_that_only_mentions_limits_is_not_a_limit() {
    table(
        MARCH,
        "Europe/Berlin",
        &[
            (
                F::Claude,
                Stdout,
                0,
                "I added a banner: \"You've hit your session limit · resets 2pm\".",
                NO,
                "",
            ),
            (F::Claude, Stdout, 1, "The fixture says: You've hit your session limit · resets 2pm", NO, ""),
            (
                F::Claude,
                Stdout,
                0,
                "You've hit your session limit again, which the retry test now covers.",
                NO,
                "",
            ),
            (F::Claude, Stdout, 1, "- You've hit your session limit · resets 2pm", NO, ""),
            (F::Claude, Stdout, 1, "`You've hit your session limit · resets 2pm`", NO, ""),
            (F::Claude, Stdout, 1, "1. You've hit your weekly limit", NO, ""),
            (
                F::Claude,
                Stdout,
                1,
                "/resume  2 hours ago  You've hit your session limit · resets 2pm",
                NO,
                "",
            ),
            (F::Claude, Stdout, 1, "Weekly limit reached is what the header must say.", NO, ""),
            (F::Claude, Stdout, 1, "You've used 75% of your weekly limit · resets Mar 3, 7am", NO, ""),
            (F::Claude, Stdout, 1, "context limit reached · run /compact", NO, ""),
            (F::Claude, Stdout, 1, "Session limits are enforced by the middleware now.", NO, ""),
            (
                F::Claude,
                Stdout,
                1,
                "API Error: 400 {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: rate limit\"}}",
                NO,
                "",
            ),
            (F::Claude, Stdout, 143, "You've hit your session limit · resets 2pm", NO, ""),
            (
                F::Claude,
                Event,
                0,
                r#"{"type":"result","subtype":"success","is_error":false,"result":"You've hit your session limit · resets 2pm"}"#,
                NO,
                "",
            ),
            (
                F::Claude,
                Event,
                1,
                r#"{"type":"result","subtype":"error_max_turns","is_error":true,"result":"I fixed the 429 handling; quota exceeded is mapped to Retry-After."}"#,
                NO,
                "",
            ),
            (
                F::Claude,
                Event,
                0,
                r#"{"type":"rate_limit_event","rate_limit_info":{"status":"allowed_warning","resetsAt":1772370000,"rateLimitType":"five_hour","utilization":0.97,"overageStatus":"rejected"}}"#,
                NO,
                "",
            ),
            (
                F::Claude,
                Event,
                0,
                r#"{"type":"system","subtype":"hook_response","output":"You've hit your session limit · resets 2pm"}"#,
                NO,
                "",
            ),
            (
                F::Claude,
                Event,
                0,
                r#"{"type":"user","message":{"role":"user","content":"You've hit your session limit · resets 2pm"}}"#,
                NO,
                "",
            ),
            (
                F::Claude,
                Event,
                0,
                r#"{"type":"assistant","message":{"content":[{"type":"text","text":"API Error: 529 Overloaded"}]},"error":"overloaded","parent_tool_use_id":"toolu_9"}"#,
                NO,
                "",
            ),
            (
                F::Codex,
                Event,
                0,
                r#"{"type":"item.completed","item":{"type":"command_execution","aggregated_output":"ERROR: You've hit your usage limit. Try again at 3:05 PM.","exit_code":1}}"#,
                NO,
                "",
            ),
            (
                F::Codex,
                Event,
                0,
                r#"{"type":"item.completed","item":{"type":"reasoning","text":"The usage limit has been reached"}}"#,
                NO,
                "",
            ),
            (
                F::Codex,
                Event,
                1,
                r#"{"type":"turn.failed","error":{"message":"the tests of the usage limit failed: expected 429, got 200"}}"#,
                NO,
                "",
            ),
            (F::Codex, Stderr, 0, "ERROR: exceeded retry limit, last status: 429 Too Many Requests", NO, ""),
            (
                F::Codex,
                Stderr,
                1,
                "warning: rate limit reached for crates in this workspace is unused",
                NO,
                "",
            ),
            (
                F::Codex,
                Stderr,
                101,
                "thread 'main' panicked at src/limit.rs:429:9:\nusage limit reached",
                NO,
                "",
            ),
            (F::Codex, Stderr, 1, "curl: (22) The requested URL returned error: 429", NO, ""),
            (
                F::Codex,
                Stderr,
                1,
                "remote: error: API rate limit exceeded for user ID 1.\nfatal: unable to access 'https://example.org/x.git/'",
                NO,
                "",
            ),
            (
                F::Gemini,
                Stderr,
                0,
                "Attempt 2 failed with status 429. Retrying with backoff... You have exhausted your capacity on this model.",
                NO,
                "",
            ),
            (
                F::Gemini,
                Event,
                0,
                r#"{"type":"message","role":"assistant","content":"[API Error: You have exhausted your daily quota on this model.]"}"#,
                NO,
                "",
            ),
            (
                F::Gemini,
                Event,
                0,
                r#"{"type":"result","status":"success","response":"[API Error: Quota exceeded]","stats":{"errors":{"429":3}}}"#,
                NO,
                "",
            ),
            (
                F::Gemini,
                Stdout,
                0,
                "⚡ Automatically switching from gemini-2.5-pro to gemini-2.5-flash for the remainder of this session.",
                NO,
                "",
            ),
            (
                F::Opencode,
                Event,
                0,
                r#"{"type":"text","part":{"type":"text","text":"Free usage exceeded, subscribe to Go"}}"#,
                NO,
                "",
            ),
            (
                F::Opencode,
                Event,
                1,
                r#"{"type":"error","error":{"name":"UnknownError","data":{"message":"ContextOverflowError: input exceeds the limit"}}}"#,
                NO,
                "",
            ),
            (
                F::Copilot,
                Stdout,
                0,
                "You have exceeded your premium request allowance. We have automatically switched you to GPT-4.1 which is included with your plan.",
                NO,
                "",
            ),
            (F::Any, Stdout, 1, "Done. Rate limiting works: 429 after 100 requests, reset at 2pm.", NO, ""),
            (F::Any, Stderr, 1, "npm warn deprecated rate-limit@1.0.0", NO, ""),
            (F::Any, Stderr, 1, "AssertionError: expected 'Too Many Requests' to equal 'OK'", NO, ""),
            (
                F::Any,
                Log,
                1,
                "2026-03-01T09:00:00Z INFO tool finished: You've hit your session limit · resets 2pm",
                NO,
                "",
            ),
            (F::Any, Stdout, 1, "", NO, ""),
            (F::Any, Event, 1, "{}", NO, ""),
        ],
    );
}

#[test]
fn a_limited_model_is_named_whatever_part_names_it() {
    let scope = |row: &WordingCase| judged(row, MARCH, "Europe/Berlin").0.scope;
    for (row, model) in [
        ((F::Claude, Stdout, 1, "You've hit your Opus limit · resets 3:45pm", Quota, ""), Some("Opus")),
        (
            (F::Claude, Stdout, 1, "You've hit your Sonnet weekly limit · resets Mar 5, 9am", Quota, ""),
            Some("Sonnet"),
        ),
        (
            (
                F::Claude,
                Stdout,
                1,
                "You've reached your Opus 4.5 limit. Switch models with /model.",
                Quota,
                "",
            ),
            Some("Opus 4.5"),
        ),
        ((F::Claude, Stdout, 1, "You've hit your session limit · resets 3:45pm", Quota, ""), None),
        ((F::Claude, Stdout, 1, "You've hit your fast mode limit · resets 11:10am", Quota, ""), None),
        (
            (
                F::Codex,
                Stderr,
                1,
                "You've hit your usage limit for gpt-5.1-codex-mini. Switch to another model now, or try again in 3 hours.",
                Quota,
                "",
            ),
            Some("gpt-5.1-codex-mini"),
        ),
        (
            (
                F::Gemini,
                Stderr,
                1,
                "[API Error: You have exhausted your capacity on this model. Your quota will reset after 1h.]",
                Quota,
                "",
            ),
            Some(THIS_MODEL),
        ),
        (
            (
                F::Gemini,
                Stderr,
                1,
                "Usage limit reached for all Pro models.\nAccess resets at 2:00 PM",
                Quota,
                "",
            ),
            Some("Pro"),
        ),
        (
            (
                F::Gemini,
                Event,
                173,
                r#"{"type":"result","status":"error","error":{"message":"[API Error: {\"error\":{\"code\":429,\"details\":[{\"reason\":\"QUOTA_EXHAUSTED\",\"metadata\":{\"model\":\"gemini-2.5-pro\",\"quotaResetDelay\":\"3h0m0s\"}}]}}]"}}"#,
                Quota,
                "",
            ),
            Some("gemini-2.5-pro"),
        ),
        (
            (
                F::Gemini,
                Stderr,
                1,
                r#"[API Error: {"error":{"code":429,"message":"You exceeded your current quota","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier","quotaDimensions":{"location":"global","model":"gemini-2.5-flash"}}]}]}}]"#,
                Quota,
                "",
            ),
            Some("gemini-2.5-flash"),
        ),
        (
            (
                F::Codex,
                Stderr,
                1,
                "Rate limit reached for gpt-5 in organization org-x on tokens per min (TPM): Limit 3, Used 3, Requested 1. Please try again in 20s.",
                Rate,
                "",
            ),
            Some("gpt-5"),
        ),
    ] {
        assert_eq!(scope(&row).as_deref(), model, "{}", row.3);
    }
}
