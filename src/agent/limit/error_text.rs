//! What the text of an error says besides its words: the library that raised it, and an HTTP status.

use super::patterns::LIBRARY;

/// What the text of one error says besides its words.
#[derive(Debug, Default)]
pub(super) struct ErrorText {
    /// The classes that its library names, the outer one first: `APIConnectionError`.
    pub(super) classes: Vec<String>,
    /// The HTTP status that it names.
    pub(super) status: Option<u16>,
    /// Whether a program itself calls it an error. Words of an agent about an error do not.
    pub(super) is_error: bool,
}

impl ErrorText {
    /// Reads a text; `marked`: its program calls it an error.
    pub(super) fn read(text: &str, marked: bool) -> Self {
        let mut rest = LIBRARY.without_marks(text.trim());
        let mut is_error = marked || LIBRARY.request.is_match(rest);
        let mut classes = Vec::new();
        while let Some(found) = LIBRARY.class.captures(rest) {
            is_error = true;
            classes.push(found["class"].to_owned());
            rest = &rest[found[0].len()..];
        }
        let named = |text: &str| {
            LIBRARY.named_status.iter().find_map(|regex| regex.captures(text)?["status"].parse().ok())
        };
        let first = rest.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let status = named(first).filter(|_| is_error);
        // the class that AWS puts into its words
        classes.extend(
            LIBRARY.quoted_class.captures(first).filter(|_| is_error).map(|found| found["class"].to_owned()),
        );
        Self { classes, status, is_error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_known_by_the_whole_name_of_its_error() {
        let classes = |text: &str| ErrorText::read(text, false).classes;
        assert_eq!(
            classes("litellm.exceptions.RateLimitError: litellm.RateLimitError: AnthropicException - x"),
            ["RateLimitError", "RateLimitError"]
        );
        assert_eq!(classes("Error: openai.APIConnectionError: Connection error."), ["APIConnectionError"]);
        assert_eq!(classes("httpx.ConnectTimeout"), ["ConnectTimeout"]);
        for prose in [
            "RateLimitError: mapped to 429.",
            "openai.RateLimitError is now caught.",
            "requests.get: it raises ConnectionError.",
            "The openai.RateLimitError: it is caught.",
        ] {
            let read = ErrorText::read(prose, false);
            assert!(read.classes.is_empty() && !read.is_error, "{prose}");
        }
    }

    #[test]
    fn a_status_counts_only_in_an_error() {
        let status = |text: &str, marked| ErrorText::read(text, marked).status;
        for (text, number) in [
            ("Request failed with status code 503", Some(503)),
            ("HTTP 502: Bad Gateway", Some(502)),
            ("HTTP Error 500: x", Some(500)),
            ("502 Server Error: Bad Gateway for url: https://x", Some(502)),
            ("got status: 401 Unauthorized", Some(401)),
            ("error, status code: 429, message: slow down", Some(429)),
            ("Unknown error (500)", Some(500)),
            ("POST \"https://x/v1\": 500 Internal Server Error {}", Some(500)),
            ("it took 500 steps", None),
            ("the file has 503 lines", None),
        ] {
            assert_eq!(status(text, true), number, "{text}");
        }
        assert_eq!(status("HTTP 502 is retried now", false), None);
        assert_eq!(status("POST \"https://x/v1\": 500 Internal Server Error", false), Some(500));
    }
}
