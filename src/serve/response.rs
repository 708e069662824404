//! PURE. What is sent back.

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageResponse {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) body: Vec<u8>,
    /// Further headers.
    pub(super) headers: Vec<(&'static str, String)>,
}

const HTML: &str = "text/html; charset=utf-8";

impl PageResponse {
    pub(super) fn html(status: u16, body: String) -> Self {
        Self { status, kind: HTML, body: body.into_bytes(), headers: Vec::new() }
    }

    pub(super) fn file(kind: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, kind, body: body.into(), headers: Vec::new() }
    }

    /// A refusal in a line of plain text: the one who gets it may not be meant to see a page.
    pub(super) fn refusal(status: u16, why: &str) -> Self {
        let headers = match status {
            405 => vec![("allow", "GET, HEAD, POST".to_owned())],
            429 | 503 => vec![("retry-after", "2".to_owned())],
            _ => Vec::new(),
        };
        Self {
            status,
            kind: "text/plain; charset=utf-8",
            body: format!("seqorch: {why}\n").into_bytes(),
            headers,
        }
    }

    /// The browser goes to this path with a GET.
    pub(super) fn see_other(to: String) -> Self {
        let mut response = Self::refusal(303, "see the other address");
        response.headers.push(("location", to));
        response
    }

    /// With one more header.
    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}
