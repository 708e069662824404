//! The environment of this process as text.

/// The variables whose names and values are UTF-8: those that a configuration, a template or a mask can mean.
#[must_use]
pub fn text_variables() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}
