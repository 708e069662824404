//! PURE. Decides whether a request is served.
//!
//! The secret is in the address that the terminal prints; the first request takes it into a cookie and out of the address.
//! The name of the host is compared, since a stranger's page can have its own name lead to this machine; and the origin of
//! what changes something, since a stranger's page can send forms here.

use std::net::IpAddr;

use super::form::FormFields;

/// Seconds that a browser keeps the cookie.
const COOKIE_AGE: u32 = 365 * 24 * 3600;
/// The field of the address that has the token.
pub(super) const TOKEN_FIELD: &str = "t";

/// Where the server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenScope {
    /// Only programs of this machine reach it.
    Loopback,
    /// Other machines reach it, too.
    Public,
}

/// The address under which a proxy or a tunnel shows the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAddress {
    /// `https` or `http`.
    pub scheme: String,
    /// The host, with the port where it is not the usual one; in lower case.
    pub authority: String,
}

impl KnownAddress {
    /// Reads an address like `https://box.example` or `http://192.168.1.5:7878`; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let authority = normal(rest.strip_suffix('/').unwrap_or(rest), &scheme);
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        let is_known = ["http", "https"].contains(&scheme.as_str());
        (is_known && !authority.is_empty() && authority.chars().all(fits))
            .then_some(Self { scheme, authority })
    }
}

/// What a request is judged by.
#[derive(Debug, Clone, Copy)]
pub struct AccessRules {
    /// Where the server listens.
    pub scope: ListenScope,
    /// Whether nothing may be changed.
    pub read_only: bool,
}

/// The parts of a request that decide about it.
#[derive(Debug, Clone, Default)]
pub(super) struct RequestHead<'a> {
    pub(super) method: &'a str,
    /// The path and the query, as they came. A target with a host is not one.
    pub(super) target: &'a str,
    /// All headers `Host`.
    pub(super) hosts: Vec<&'a str>,
    pub(super) origin: Option<&'a str>,
    /// `Sec-Fetch-Site`: what the browser says about who asks.
    pub(super) fetch_site: Option<&'a str>,
    /// All headers `Cookie`.
    pub(super) cookies: Vec<&'a str>,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AccessVerdict {
    /// It is served.
    Passes,
    /// It has the token in its address: the browser gets the cookie, and goes to the address without it.
    Enters {
        to: String,
        cookie: String,
        /// It came from another site. Browsers send no strict cookie where such a request is redirected, so the new address
        /// must come from a page.
        by_page: bool,
    },
    /// It came from a link on another site, with which browsers send no strict cookie: a page of its own leads to the same
    /// address once more, and then they do.
    ComesAgain { to: String },
    /// It is refused with this status, for this reason.
    Refused(u16, &'static str),
}

/// The secrets and names of one server.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    pub(super) rules: AccessRules,
    pub(super) token: String,
    /// The name of the cookie. Cookies of one host are shared by all its ports, so each project has its own name.
    pub(super) cookie: String,
    pub(super) known: Option<KnownAddress>,
}

impl Gate {
    /// Decides about a request.
    pub(super) fn judge(&self, head: &RequestHead<'_>) -> AccessVerdict {
        use AccessVerdict::{ComesAgain, Enters, Passes, Refused};
        let [host] = head.hosts.as_slice() else {
            return Refused(421, "the request names no host, or several");
        };
        if !self.is_own_host(host) {
            return Refused(421, "this server does not have that name; --url allows one");
        }
        if !["GET", "HEAD", "POST"].contains(&head.method) {
            return Refused(405, "there are only GET, HEAD and POST");
        }
        if !head.target.starts_with('/') {
            return Refused(400, "the request is not for a path");
        }
        let changes = head.method == "POST";
        let (path, query) = head.target.split_once('?').unwrap_or((head.target, ""));
        let fields = FormFields::parse(query.as_bytes());
        let is_elsewhere = head.fetch_site.is_some_and(|site| site != "none" && site != "same-origin");
        if let Some(token) = fields.get(TOKEN_FIELD).filter(|_| !changes) {
            if !same(token, &self.token) {
                return Refused(401, "that is not the address that the terminal prints now");
            }
            let to = own_address(path, &fields);
            return Enters { to, cookie: self.set_cookie(host), by_page: is_elsewhere };
        }
        if !self.has_cookie(&head.cookies) {
            if is_elsewhere && head.method == "GET" {
                return ComesAgain { to: own_address(path, &fields) };
            }
            return Refused(401, "open the address that `seqorch serve` printed; it has the key");
        }
        if !changes {
            return Passes;
        }
        if self.rules.read_only {
            return Refused(403, "this page only shows: it was started with --read-only");
        }
        if !self.is_own_origin(head, host) {
            return Refused(403, "the form came from another site");
        }
        Passes
    }

    /// Whether a host is one of this server. An address in digits and `localhost` can't be made to lead here by a stranger.
    fn is_own_host(&self, host: &str) -> bool {
        if self.known.as_ref().is_some_and(|known| normal(host, &known.scheme) == known.authority) {
            return true;
        }
        let host = normal(host, "http");
        let name = without_port(&host);
        let address: Option<IpAddr> = name.trim_start_matches('[').trim_end_matches(']').parse().ok();
        match (address, self.rules.scope) {
            (Some(address), ListenScope::Loopback) => address.is_loopback(),
            (Some(_), ListenScope::Public) => true,
            (None, _) => name == "localhost",
        }
    }

    /// Whether the page that sent a form is this server's.
    fn is_own_origin(&self, head: &RequestHead<'_>, host: &str) -> bool {
        if head.fetch_site.is_some_and(|site| site != "same-origin") {
            return false;
        }
        // a browser hides an origin behind `null`, and says beside it whether it is the same
        let Some((scheme, authority)) = head.origin.and_then(|origin| origin.split_once("://")) else {
            return head.fetch_site == Some("same-origin");
        };
        let known = self
            .known
            .as_ref()
            .is_some_and(|known| known.scheme == scheme && known.authority == normal(authority, scheme));
        known || normal(authority, scheme) == normal(host, scheme)
    }

    fn has_cookie(&self, cookies: &[&str]) -> bool {
        let mut all =
            cookies.iter().flat_map(|header| header.split(';')).filter_map(|one| one.trim().split_once('='));
        all.any(|(name, value)| name == self.cookie && same(value, &self.token))
    }

    fn set_cookie(&self, host: &str) -> String {
        let is_secure = self
            .known
            .as_ref()
            .is_some_and(|known| known.scheme == "https" && normal(host, "https") == known.authority);
        let secure = if is_secure { "; Secure" } else { "" };
        format!(
            "{}={}; Path=/; Max-Age={COOKIE_AGE}; HttpOnly; SameSite=Strict{secure}",
            self.cookie, self.token
        )
    }
}

/// An address of this server without the token.
fn own_address(path: &str, fields: &FormFields) -> String {
    let rest = fields.encoded_without(TOKEN_FIELD);
    // a path with two slashes would be the name of a host
    let path = format!("/{}", path.trim_start_matches(['/', '\\']));
    if rest.is_empty() { path } else { format!("{path}?{rest}") }
}

/// A host in lower case, without the port that its scheme has anyway.
fn normal(authority: &str, scheme: &str) -> String {
    let authority = authority.to_ascii_lowercase();
    let usual = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(usual).unwrap_or(&authority).to_owned()
}

fn without_port(authority: &str) -> &str {
    let end = authority.rfind(']').map_or_else(|| authority.find(':'), |at| Some(at + 1));
    end.map_or(authority, |end| &authority[..end])
}

/// Whether two secrets are the same, in a time that does not depend on where they differ.
fn same(given: &str, secret: &str) -> bool {
    let differ = given.bytes().zip(secret.bytes()).fold(0, |all, (one, other)| all | (one ^ other));
    // the length is no secret
    given.len() == secret.len() && std::hint::black_box(differ) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate {
            rules: AccessRules { scope: ListenScope::Loopback, read_only: false },
            token: "s3cret".into(),
            cookie: "seqorch-1".into(),
            known: None,
        }
    }

    fn head(method: &'static str, target: &'static str) -> RequestHead<'static> {
        RequestHead { method, target, hosts: vec!["127.0.0.1:7878"], ..RequestHead::default() }
    }

    fn signed(method: &'static str, target: &'static str) -> RequestHead<'static> {
        RequestHead { cookies: vec!["a=b; seqorch-1=s3cret"], ..head(method, target) }
    }

    fn status(gate: &Gate, head: &RequestHead<'_>) -> u16 {
        match gate.judge(head) {
            AccessVerdict::Passes => 200,
            AccessVerdict::Enters { .. } => 303,
            AccessVerdict::ComesAgain { .. } => 401,
            AccessVerdict::Refused(status, _) => status,
        }
    }

    #[test]
    fn without_the_token_or_its_cookie_nothing_is_served() {
        let gate = gate();
        assert_eq!(status(&gate, &head("GET", "/")), 401);
        assert_eq!(status(&gate, &head("GET", "/?t=S3cret")), 401);
        assert_eq!(status(&gate, &head("GET", "/?t=s3cret2")), 401);
        assert_eq!(
            status(&gate, &RequestHead { cookies: vec!["seqorch-2=s3cret"], ..head("GET", "/") }),
            401
        );
        assert_eq!(status(&gate, &RequestHead { cookies: vec!["seqorch-1="], ..head("GET", "/") }), 401);
        assert_eq!(status(&gate, &signed("GET", "/")), 200);
        assert_eq!(status(&gate, &signed("HEAD", "/")), 200);
        assert_eq!(status(&gate, &head("POST", "/?t=s3cret")), 401, "an address changes nothing");
    }

    #[test]
    fn the_token_leaves_the_address_and_becomes_a_strict_cookie() {
        let at = |target, site| gate().judge(&RequestHead { fetch_site: site, ..head("GET", target) });
        let AccessVerdict::Enters { to, cookie, by_page } = at("/spec/a%20b?t=s3cret&x=1%2F2", Some("none"))
        else {
            panic!("not let in")
        };
        assert_eq!((to.as_str(), by_page), ("/spec/a%20b?x=1%2F2", false));
        assert!(cookie.contains("; HttpOnly; SameSite=Strict") && !cookie.contains("Secure"), "{cookie}");
        assert!(matches!(at("/?t=s3cret", Some("cross-site")), AccessVerdict::Enters { by_page: true, .. }));
        assert!(
            matches!(at("//evil.example/?t=s3cret", None), AccessVerdict::Enters { to, .. } if to == "/evil.example/")
        );
    }

    #[test]
    fn a_foreign_host_is_refused_before_anything_else() {
        let mut gate = gate();
        let host = |gate: &Gate, name| status(gate, &RequestHead { hosts: vec![name], ..signed("GET", "/") });
        for name in [
            "evil.example",
            "evil.example:7878",
            "127.0.0.1.evil.example",
            "localhost.evil",
            "192.168.1.5:7878",
            "",
            "[::2]",
        ] {
            assert_eq!(host(&gate, name), 421, "{name}");
        }
        for name in ["localhost", "LOCALHOST:9000", "127.0.0.1:1", "[::1]:7878", "127.8.8.8"] {
            assert_eq!(host(&gate, name), 200, "{name}");
        }
        assert_eq!(status(&gate, &RequestHead { hosts: Vec::new(), ..signed("GET", "/") }), 421);
        assert_eq!(
            status(&gate, &RequestHead { hosts: vec!["localhost", "evil"], ..signed("GET", "/") }),
            421
        );
        gate.known = KnownAddress::parse("https://Box.example/");
        assert_eq!(
            (host(&gate, "box.example"), host(&gate, "box.example:443"), host(&gate, "box.example:80")),
            (200, 200, 421)
        );
        gate.rules.scope = ListenScope::Public;
        assert_eq!((host(&gate, "192.168.1.5:7878"), host(&gate, "evil.example")), (200, 421));
    }

    #[test]
    fn a_link_on_another_site_comes_again_with_the_cookie() {
        let at = |target, site| gate().judge(&RequestHead { fetch_site: Some(site), ..head("GET", target) });
        let again = |to: &str| AccessVerdict::ComesAgain { to: to.to_owned() };
        assert_eq!(at("/spec/a?x=1", "cross-site"), again("/spec/a?x=1"));
        assert_eq!(at("//evil.example/", "same-site"), again("/evil.example/"));
        assert_eq!(at("/\\evil.example/", "cross-site"), again("/evil.example/"));
        for site in ["same-origin", "none"] {
            assert!(matches!(at("/spec/a", site), AccessVerdict::Refused(401, _)), "{site}");
        }
        let form = RequestHead { fetch_site: Some("cross-site"), ..head("POST", "/spec/a/act") };
        assert!(matches!(gate().judge(&form), AccessVerdict::Refused(401, _)));
    }

    #[test]
    fn a_form_of_another_site_is_refused() {
        let mut gate = gate();
        let from = |gate: &Gate, origin, site| {
            status(gate, &RequestHead { origin, fetch_site: site, ..signed("POST", "/spec/a/act") })
        };
        for (origin, site, expected) in [
            (Some("http://127.0.0.1:7878"), None, 200),
            (Some("http://127.0.0.1:7878"), Some("same-origin"), 200),
            (Some("http://127.0.0.1:7878"), Some("cross-site"), 403),
            (Some("http://127.0.0.1:3000"), None, 403),
            (Some("http://localhost:7878"), None, 403),
            (Some("http://evil.example"), None, 403),
            (Some("null"), None, 403),
            (Some("null"), Some("same-origin"), 200),
            (None, None, 403),
            (None, Some("same-site"), 403),
            (None, Some("same-origin"), 200),
        ] {
            assert_eq!(from(&gate, origin, site), expected, "{origin:?} {site:?}");
        }
        // a proxy may ask with the name of this machine
        gate.known = KnownAddress::parse("https://box.example");
        assert_eq!(from(&gate, Some("https://box.example"), None), 200);
        assert_eq!(from(&gate, Some("http://box.example"), None), 403);
        gate.rules.read_only = true;
        assert_eq!(from(&gate, Some("http://127.0.0.1:7878"), None), 403);
    }

    #[test]
    fn only_three_methods_and_only_paths_are_served() {
        for method in ["PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get"] {
            assert_eq!(status(&gate(), &signed(method, "/")), 405, "{method}");
        }
        assert_eq!(status(&gate(), &signed("GET", "http://127.0.0.1/")), 400);
        assert_eq!(status(&gate(), &signed("GET", "*")), 400);
    }

    #[test]
    fn a_cookie_for_https_is_sent_over_https_only() {
        let gate = Gate { known: KnownAddress::parse("https://box.example"), ..gate() };
        assert!(gate.set_cookie("box.example").ends_with("; Secure"));
        assert!(!gate.set_cookie("127.0.0.1:7878").contains("Secure"));
    }

    #[test]
    fn an_address_of_a_proxy_has_a_scheme_and_a_host() {
        for wrong in [
            "box",
            "ftp://box",
            "https://",
            "https://box/path",
            "https://a b",
            "https://u@box",
            "https://\u{e4}",
        ] {
            assert_eq!(KnownAddress::parse(wrong), None, "{wrong}");
        }
        let known = KnownAddress::parse("http://10.0.0.2:80/").unwrap();
        assert_eq!((known.scheme.as_str(), known.authority.as_str()), ("http", "10.0.0.2"));
    }
}
