//! PURE. The paths of the page of `seqorch serve`, as links have them.

/// The path of the page of a spec.
#[must_use]
pub fn spec_path(spec: &str) -> String {
    format!("/spec/{}", escape(spec))
}

/// Text as a part of a path or a value of a query.
#[must_use]
pub fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
