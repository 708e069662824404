//! PURE. A file of `extends` in a repository of git: `git+https://host/team/presets.git@v2#night.toml`.

use std::fmt;

use crate::sys::digest::digest;

/// Where a preset is that lies in a repository of git.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitAddress {
    /// What git fetches from: `https://host/team/presets.git`.
    pub url: String,
    /// The tag, branch or commit that a person named.
    pub revision: String,
    /// The file in it, without `..`.
    pub path: String,
}

/// How an address begins.
const SCHEMES: [&str; 3] = ["git+https://", "git+ssh://", "git+file://"];

impl GitAddress {
    /// The address in a text of `extends`; `None`: the text names something else. The error says what is wrong, to follow
    /// the text.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, String>> {
        let rest = text.strip_prefix("git+")?;
        Some(Self::parts(text, rest))
    }

    fn parts(text: &str, rest: &str) -> Result<Self, String> {
        if !SCHEMES.iter().any(|begin| text.starts_with(begin)) {
            return Err("has to begin with git+https://, git+ssh:// or git+file://".to_owned());
        }
        let (place, path) = rest.split_once('#').ok_or("names no file: add #PATH, such as #seqorch.toml")?;
        // the host may have an @, too: git@host
        let host_end = place.find("://").map_or(0, |at| at + 3);
        let path_begin = place[host_end..].find('/').map_or(place.len(), |at| host_end + at);
        let at = place[path_begin..].rfind('@').map(|at| path_begin + at);
        let (url, revision) = at.map_or((place, ""), |at| (&place[..at], &place[at + 1..]));
        if revision.is_empty() {
            return Err("names no version: add @TAG before the #".to_owned());
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '+');
        if !revision.chars().all(plain) || revision.starts_with(['-', '/', '+']) || revision.contains("..") {
            return Err(format!("has {revision:?} for a version, which is not a tag, a branch or a commit"));
        }
        let mut parts = path.split('/');
        if path.is_empty() || parts.any(|part| matches!(part, "" | "." | ".." | ".git")) {
            return Err(format!("has {path:?} for a path, which is not a file of a repository"));
        }
        if url.chars().any(char::is_whitespace) || url.chars().any(char::is_control) {
            return Err("has a space in its address".to_owned());
        }
        Ok(Self { url: url.to_owned(), revision: revision.to_owned(), path: path.to_owned() })
    }

    /// The folder of the file in the repository; empty at its top.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// A name for the folder of the cache that holds this folder of this repository: readable, and different for
    /// different ones.
    pub(crate) fn cache_name(&self) -> String {
        let last = self.url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let last: String = last
            .trim_end_matches(".git")
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        format!("{last}-{}", digest(format!("{}\0{}", self.url, self.folder()).as_bytes()))
    }
}

impl fmt::Display for GitAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "git+{}@{}#{}", self.url, self.revision, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_repository_a_version_and_a_file() {
        for (text, url, revision, path) in [
            (
                "git+https://h.org/team/p.git@v1.2#night.toml",
                "https://h.org/team/p.git",
                "v1.2",
                "night.toml",
            ),
            (
                "git+ssh://git@h.org/team/p@release/3#a/b.toml",
                "ssh://git@h.org/team/p",
                "release/3",
                "a/b.toml",
            ),
            ("git+file:///srv/p@main#x.toml", "file:///srv/p", "main", "x.toml"),
        ] {
            let address = GitAddress::parse(text).unwrap().unwrap();
            assert_eq!((address.url.as_str(), address.revision.as_str()), (url, revision));
            assert_eq!(address.path, path);
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        assert!(GitAddress::parse("team/presets.toml").is_none());
        for (text, why) in [
            ("git+http://h/p@v1#x", "git+https://"),
            ("git+ext::sh -c x@v1#x", "git+https://"),
            ("git+https://h/p@v1", "#PATH"),
            ("git+ssh://git@h/p#x", "@TAG"),
            ("git+https://h/p@--upload-pack=x#x", "not a tag"),
            ("git+https://h/p@a..b#x", "not a tag"),
            ("git+https://h/p@v1#../x", "not a file"),
            ("git+https://h/p@v1#/etc/x", "not a file"),
            ("git+https://h/p q@v1#x", "space"),
        ] {
            let error = GitAddress::parse(text).unwrap().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn each_folder_of_a_repository_has_a_cache_of_its_own() {
        let name = |text: &str| GitAddress::parse(text).unwrap().unwrap().cache_name();
        assert!(name("git+https://h/team/p.git@v1#a/x").starts_with("p-"));
        assert_eq!(name("git+https://h/p@v1#a/x"), name("git+https://h/p@v2#a/y"));
        assert_ne!(name("git+https://h/p@v1#a/x"), name("git+https://h/p@v1#b/x"));
    }
}
