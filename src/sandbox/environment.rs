//! PURE. Which variables an agent gets in a sandbox.

/// What any program may need, and what holds no secret by itself. A proxy is a part of the network.
const COMMON: &[&str] = &[
    "ALL_PROXY",
    "CI",
    "COLORTERM",
    "FORCE_COLOR",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_NAME",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "LOGNAME",
    "NODE_EXTRA_CA_CERTS",
    "NO_COLOR",
    "NO_PROXY",
    "PATH",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// What seqorch itself sets for an agent in a sandbox, after this list is made.
pub(super) const OF_SEQORCH: [&str; 5] =
    [IN_SANDBOX, "SEQORCH_ATTEMPT", "SEQORCH_DIR", "SEQORCH_SPEC", "SEQORCH_UNIT"];

/// Set for agents in a sandbox. Claude refuses permission = "bypass" for root without it.
pub const IN_SANDBOX: &str = "IS_SANDBOX";

/// Whether one of the lists names the variable.
pub(super) fn is_allowed(name: &str, lists: &[&[String]]) -> bool {
    let matches = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    };
    COMMON.iter().any(|pattern| matches(pattern))
        || lists.iter().any(|list| list.iter().any(|pattern| matches(pattern)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_variables_and_harmless_ones_are_allowed() {
        let list = ["ANTHROPIC_*".to_owned(), "NPM_TOKEN".to_owned()];
        let allowed = |name| is_allowed(name, &[&list]);
        for name in ["PATH", "LC_ALL", "ANTHROPIC_API_KEY", "NPM_TOKEN", "https_proxy"] {
            assert!(allowed(name), "{name}");
        }
        for name in [
            "AWS_SECRET_ACCESS_KEY",
            "SSH_AUTH_SOCK",
            "NPM_TOKEN2",
            "GITHUB_TOKEN",
            "SEQORCH_TRUST",
            "LD_PRELOAD",
        ] {
            assert!(!allowed(name), "{name}");
        }
    }
}
