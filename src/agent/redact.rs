//! Removes secrets from what state, results and progress keep of an agent's words.
//!
//! The agent's own output log stays as it is, byte for byte, in a private file.

use std::borrow::Cow;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::{Captures, Regex};

/// What replaces a secret.
pub(super) const MASK: &str = "[redacted]";
/// Shorter values are words, ports and switches, not secrets.
const MIN_VALUE: usize = 8;

/// A kind of secret. Its pattern is compiled when the first text has one of its hints: most processes need none.
struct Shape {
    /// Texts in lower case, one of which every such secret has.
    hints: &'static [&'static str],
    pattern: &'static str,
    regex: OnceLock<Regex>,
}

impl Shape {
    const fn new(hints: &'static [&'static str], pattern: &'static str) -> Self {
        Self { hints, pattern, regex: OnceLock::new() }
    }

    fn regex(&self) -> &Regex {
        self.regex.get_or_init(|| Regex::new(self.pattern).unwrap_or_else(|error| unreachable!("{error}")))
    }
}

/// Shapes of keys that vendors issue, of passwords in addresses and of private keys. The one list of them.
static SHAPES: [Shape; 23] = [
    // the body of a private key, also where its end is cut off
    Shape::new(
        &["private key"],
        r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY-----|[A-Za-z0-9+/=\s]*)",
    ),
    // its end, where the lines above it are cut off
    Shape::new(
        &["private key"],
        r"(?m)(?:^[ \t]*[A-Za-z0-9+/=]+[ \t]*\n)*[ \t]*-----END [A-Z0-9 ]*PRIVATE KEY-----",
    ),
    Shape::new(&["sk-", "pk-", "rk-"], r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}"),
    Shape::new(&["k_live_", "k_test_"], r"\b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{8,}"),
    Shape::new(&["whsec_"], r"\bwhsec_[A-Za-z0-9+/=]{16,}"),
    Shape::new(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    Shape::new(&["github_pat_"], r"\bgithub_pat_[A-Za-z0-9_]{20,}"),
    Shape::new(&["glpat-"], r"\bglpat-[A-Za-z0-9_-]{16,}"),
    Shape::new(&["npm_"], r"\bnpm_[A-Za-z0-9]{16,}"),
    Shape::new(&["pypi-"], r"\bpypi-[A-Za-z0-9_-]{16,}"),
    Shape::new(&["hf_"], r"\bhf_[A-Za-z0-9]{20,}"),
    Shape::new(&["dop_v1_"], r"\bdop_v1_[a-f0-9]{32,}"),
    Shape::new(&["sg."], r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    Shape::new(&["xox"], r"\bxox[abeprs]-[A-Za-z0-9-]{10,}"),
    Shape::new(&["xapp-"], r"\bxapp-[A-Za-z0-9-]{10,}"),
    Shape::new(&["akia", "asia"], r"\bA(?:KIA|SIA)[A-Z0-9]{16}\b"),
    Shape::new(&["aiza"], r"\bAIza[A-Za-z0-9_-]{30,}"),
    Shape::new(&["ya29."], r"\bya29\.[A-Za-z0-9_-]{20,}"),
    Shape::new(&["eyj"], r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+"),
    // the password in an address
    Shape::new(&["://"], r"\b[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:[^/\s:@]+@"),
    Shape::new(&["bearer", "basic"], r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/-]{16,}=*"),
    Shape::new(&["accountkey="], r"(?i)\bAccountKey=[A-Za-z0-9+/]{16,}=*"),
    Shape::new(&["age-secret-key-1"], r"\bage-secret-key-1[a-z0-9]{20,}|\bAGE-SECRET-KEY-1[A-Z0-9]{20,}"),
];

/// `NAME=value`, `name = value`, `name: value`, `--name value`, `"name": "value"`, where the name is that of a secret.
static NAMED: Shape = Shape::new(
    &["pass", "pwd", "secret", "token", "key", "credential"],
    r#"(?ix)
    (?P<name> ["']? [\w.-]* (?: pass | pwd | secret | token | key | credential ) [\w.-]* ["']? )
    (?P<sign> [\x20\t]* (?: := | => | = ) [\x20\t]* | \s* : \s* | \x20 )
    (?P<value> "[^"\n]*" | '[^'\n]*' | [^\s"',;]+ )"#,
);

/// Finds the hints of all shapes at once, and says whose they are.
struct HintSearch {
    search: AhoCorasick,
    /// The shape of each hint.
    owners: Vec<&'static Shape>,
}

static HINTS: LazyLock<HintSearch> = LazyLock::new(|| {
    let all = SHAPES.iter().chain([&NAMED]);
    let (owners, hints): (Vec<&Shape>, Vec<&str>) =
        all.flat_map(|shape| shape.hints.iter().map(move |hint| (shape, *hint))).unzip();
    // most attempts print little, so what is built soonest is the fastest
    let kind = Some(AhoCorasickKind::ContiguousNFA);
    let search = AhoCorasick::builder().ascii_case_insensitive(true).kind(kind).build(hints);
    HintSearch { search: search.unwrap_or_else(|error| unreachable!("{error}")), owners }
});

/// The shapes whose secrets the text may hold, in the order of the list.
fn shapes_hinted_in(text: &str) -> Vec<&'static Shape> {
    if !may_hold_secret(text) {
        return Vec::new();
    }
    let mut hinted = vec![false; HINTS.owners.len()];
    for found in HINTS.search.find_overlapping_iter(text) {
        hinted[found.pattern().as_usize()] = true;
    }
    let mut shapes: Vec<&Shape> =
        HINTS.owners.iter().zip(hinted).filter(|(_, hinted)| *hinted).map(|(shape, _)| *shape).collect();
    shapes.dedup_by_key(|shape| shape.pattern);
    shapes
}

/// Whether the text has something that all secrets have.
pub(super) fn may_hold_secret(text: &str) -> bool {
    HINTS.search.is_match(text)
}

/// Whether what stands behind the name of a secret is one, and not code, prose or a placeholder.
fn is_value(name: &str, sign: &str, value: &str) -> bool {
    let quoted = name.contains(['"', '\'']);
    let name = name.trim_matches(['"', '\'']);
    let found_value = value;
    let value = value.trim_matches(['"', '\'']).trim_end_matches(['.', ')', '`']);
    let lower = name.to_lowercase();
    let parts: Vec<&str> = lower.split(['_', '-', '.']).filter(|part| !part.is_empty()).collect();
    let has = |ends: &[&str]| parts.iter().any(|part| ends.iter().any(|end| part.ends_with(end)));
    let strong = ["passw", "passphrase", "secret", "credential"].iter().any(|word| lower.contains(word))
        // not the `PASS: 12` of a test
        || parts.contains(&"pwd")
        || (parts.len() > 1 && parts.last() == Some(&"pass"));
    // not `tokens`, `monkey` or `keyboard`
    let weak = has(&["token"]) || parts.contains(&"key") || has(&["apikey", "accesskey", "privatekey"]);
    if !strong && !weak {
        return false;
    }
    let is_word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_path = value.contains('.')
        && value.split('.').all(|part| is_word(part) && !part.is_empty())
        && !value.chars().any(|c| c.is_ascii_digit());
    let is_placeholder = value.starts_with(['$', '<', '{', '(', '%', '[', '*', '&', '/'])
        || value.contains(['(', '[', '{', '<'])
        || ["true", "false", "null", "none", "undefined", "string", "required"]
            .contains(&value.to_lowercase().as_str());
    if is_path || is_placeholder {
        return false;
    }
    let digits = value.chars().any(|c| c.is_ascii_digit());
    let is_variable = name.chars().any(|c| c.is_ascii_uppercase()) && name == name.to_uppercase();
    let written = found_value.starts_with(['"', '\'']);
    match sign {
        // an assignment in code, unless it gives a literal
        _ if sign.contains('=') && sign.len() > 1 => {
            let is_name = is_word(value) && !digits && value.contains('_');
            let long = if strong { 8 } else { 20 };
            !is_name
                && (value.len() >= long
                    || value.len() >= 4 && strong && (digits || written)
                    || value.len() >= 8 && digits)
        }
        // only an option of a program has its value behind a space
        " " => name.starts_with("--") && value.len() >= 6 && !value.starts_with('-'),
        "=" if strong || is_variable => value.len() >= 4,
        "=" => value.len() >= 8 && (digits || value.len() >= 20),
        _ if quoted => value.len() >= if strong { 4 } else { 8 },
        _ if strong => {
            value.len() >= 4 && (digits || value.len() >= 8 || !value.chars().all(char::is_lowercase))
        }
        _ => value.len() >= 8 && (digits || value.len() >= 20),
    }
}

/// Whether a variable of this name may hold a secret.
#[must_use]
pub fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["KEY", "TOKEN", "SECRET", "PASSW", "CREDENTIAL", "AUTH", "COOKIE"].iter().any(|word| name.contains(word))
        && name != "SSH_AUTH_SOCK"
        && name != "XAUTHORITY"
}

/// Knows the secrets of one environment and masks them.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    values: Vec<String>,
}

impl Redactor {
    /// A redactor for the values of variables whose names look like secrets.
    #[must_use]
    pub fn new(env: impl IntoIterator<Item = (impl AsRef<str>, impl Into<String>)>) -> Self {
        let mut values: Vec<String> = env
            .into_iter()
            .filter(|(name, _)| looks_secret(name.as_ref()))
            .map(|(_, value)| value.into())
            .filter(|value| value.len() >= MIN_VALUE)
            .collect();
        // longest first, since a value may hold a shorter one
        values.sort_by_key(|v| std::cmp::Reverse(v.len()));
        Self { values }
    }

    /// Whether a variable is secret: by its name, by the shape of its value, or because its value holds a known secret.
    #[must_use]
    pub fn hides(&self, name: &str, value: &str) -> bool {
        looks_secret(name)
            || self.values.iter().any(|secret| value.contains(secret.as_str()))
            || shapes_hinted_in(value)
                .into_iter()
                .any(|shape| shape.pattern != NAMED.pattern && shape.regex().is_match(value))
    }

    /// Where the end of the text begins that may be the beginning of a known secret.
    pub(super) fn begins_in(&self, text: &str) -> Option<usize> {
        let longest = self.values.first().map_or(0, String::len);
        let from = text.len().saturating_sub(longest);
        let mut starts = (from..text.len()).filter(|at| text.is_char_boundary(*at));
        starts.find(|at| self.values.iter().any(|value| value.starts_with(&text[*at..])))
    }

    /// The text with all that looks like a secret masked.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for value in &self.values {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), MASK);
            }
        }
        // most text has no hint, and is done with at once
        for shape in shapes_hinted_in(&text) {
            let masked = |found: &Captures<'_>| match found.name("value") {
                None => MASK.to_owned(),
                Some(value)
                    if value.as_str() != MASK && is_value(&found["name"], &found["sign"], value.as_str()) =>
                {
                    format!("{}{}{MASK}", &found["name"], &found["sign"])
                }
                Some(_) => found[0].to_owned(),
            };
            if let Cow::Owned(changed) = shape.regex().replace_all(&text, masked) {
                text = changed;
            }
        }
        text
    }

    /// The arguments of a program with all that looks like a secret masked, also behind an option that names one.
    #[must_use]
    pub fn redact_argv(&self, argv: &[String]) -> Vec<String> {
        let mut after = false;
        let each = argv.iter().map(|arg| {
            let masked = after && !arg.starts_with('-') && !arg.starts_with('{') && arg.len() >= MIN_VALUE;
            after = arg.starts_with('-') && !arg.contains('=') && looks_secret(arg);
            if masked { MASK.to_owned() } else { self.redact(arg) }
        });
        each.collect()
    }
}

/// Masks what looks like a secret, where no environment is known.
#[must_use]
pub fn redact(text: &str) -> String {
    Redactor::default().redact(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_variables_and_shapes_of_keys_are_masked() {
        let redactor =
            Redactor::new([("MY_API_KEY", "hunter2hunter2"), ("EDITOR", "vim-is-fine"), ("X_TOKEN", "on")]);
        let text = redactor.redact("key hunter2hunter2, ghp_0123456789abcdefghij0123, vim-is-fine, on");
        assert_eq!(text, "key [redacted], [redacted], vim-is-fine, on");
        assert_eq!(
            redactor.redact("Authorization: Bearer abcdefghijklmnop1234"),
            "Authorization: [redacted]"
        );
    }

    #[test]
    fn a_secret_under_a_harmless_name_is_hidden_too() {
        let redactor = Redactor::new([("DB_PASSWORD", "hunter2hunter2")]);
        assert!(redactor.hides("GH_TOKEN", "x") && redactor.hides("MINE", "ghp_0123456789abcdefghij0123"));
        assert!(redactor.hides("DSN", "host=a password=hunter2hunter2"));
        assert!(redactor.hides("DATABASE_URL", "postgres://me:pw@db.example/x"));
        assert!(
            !redactor.hides("PATH", "/usr/bin:/bin")
                && !redactor.hides("REPO", "https://example.org:8080/a@b")
        );
    }

    #[test]
    fn every_shape_of_the_list_is_valid_and_masked() {
        assert!(SHAPES.iter().all(|shape| Regex::new(shape.pattern).is_ok()));
        for secret in [
            "sk-abcdefghijklmnop1234",
            "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
            "npm_abcdefghijklmnopqrstuvwxyz0123456789",
            "glpat-abcdefghijklmnopqrst",
            "xoxb-123456789012-abcdef",
            "AKIAIOSFODNN7EXAMPLE",
            "hf_abcdefghijklmnopqrstuvwx",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nb3Blbn",
            "Basic dXNlcjpwYXNzd29yZDEyMw==",
            "whsec_abcdefghijklmnop1234",
            "ghp_0123456789abcdefghij0123",
            "github_pat_0123456789abcdefghij",
            "pypi-abcdefghijklmnop1234",
            "dop_v1_0123456789abcdef0123456789abcdef",
            "SG.abcdefghijklmnop.abcdefghijklmnop",
            "xapp-1-abcdefghij",
            "ASIAIOSFODNN7EXAMPLE",
            "AIzaabcdefghijklmnopqrstuvwxyz01234",
            "ya29.abcdefghijklmnopqrst",
            "eyJabcdefghij.abcdefghij.abcdefghij",
            "AccountKey=abcdefghijklmnop1234==",
            "AGE-SECRET-KEY-1ABCDEFGHIJKLMNOPQRSTU",
        ] {
            let text = redact(&format!("found {secret} there"));
            assert!(text.starts_with("found [redacted]") && !text.contains(&secret[12..]), "{text}");
        }
    }

    #[test]
    fn a_private_key_without_its_beginning_is_masked() {
        let text = redact("so\nb3BlbnNzaC1rZXk\nAAAA=\n-----END RSA PRIVATE KEY-----\nthat is it");
        assert!(!text.contains("b3Bl") && !text.contains("AAAA"), "{text}");
        assert!(text.contains("[redacted]\nthat is it"), "{text}");
    }

    #[test]
    fn values_behind_names_of_secrets_are_masked() {
        for (line, masked) in [
            ("PASSWORD=hunter2", "PASSWORD=[redacted]"),
            ("export NPM_TOKEN=abcdef", "export NPM_TOKEN=[redacted]"),
            ("DB_PASSWORD='a b c d'", "DB_PASSWORD=[redacted]"),
            ("password: hunter2!", "password: [redacted]"),
            ("Password : swordfish", "Password : [redacted]"),
            ("client_secret: \"zebra-crossing\"", "client_secret: [redacted]"),
            ("\"apiKey\": \"abcdefgh\"", "\"apiKey\": [redacted]"),
            ("api-key: 0123456789abcdef", "api-key: [redacted]"),
            ("host=a password=hunter22 port=1", "host=a password=[redacted] port=1"),
            ("tool --api-key abc12345", "tool --api-key [redacted]"),
            ("tool --token=abc12345", "tool --token=[redacted]"),
            ("db_password = hunter2", "db_password = [redacted]"),
            ("password = \"correct horse\"", "password = [redacted]"),
            ("const apiKey = 'abcd1234efgh';", "const apiKey = [redacted];"),
            ("secret := \"zebra\"", "secret := [redacted]"),
            (":token => 'abcd1234efgh'", ":token => [redacted]"),
            ("DB_PASS=hunter2", "DB_PASS=[redacted]"),
            ("MYSQL_PWD=hunter2", "MYSQL_PWD=[redacted]"),
        ] {
            assert_eq!(redact(line), masked);
        }
    }

    #[test]
    fn code_and_prose_about_secrets_stay_readable() {
        for line in [
            "const token = await getToken();",
            "token=self.token)",
            "let token = read_the_token_of_the_user;",
            "let key = value;",
            "if password == other_password {",
            "password = getpass()",
            "PASS: 12 tests, FAIL: 3 tests",
            "PWD=/home/me/project",
            "pass = second_pass",
            "sorted(items, key=lambda x: x.name)",
            "api_key=os.environ[\"KEY\"]",
            "PASSWORD=$DB_PASSWORD",
            "password: string;",
            "tokens: 123456789",
            "The key: use threads and wait",
            "keyboard: qwertyuiop1",
            "<promise>TASK_DONE</promise>",
            "12345 tokens in, 678 out",
        ] {
            assert_eq!(redact(line), line);
        }
    }

    #[test]
    fn an_argument_behind_an_option_that_names_a_secret_is_masked() {
        let argv = ["tool", "--api-key", "plainwords", "--model", "small", "--token=abcd1234efgh"];
        let shown = redact_argv_of(&argv);
        assert_eq!(shown, ["tool", "--api-key", "[redacted]", "--model", "small", "--token=[redacted]"]);
        assert_eq!(redact_argv_of(&["--key", "{model}"]), ["--key", "{model}"]);
    }

    fn redact_argv_of(argv: &[&str]) -> Vec<String> {
        let argv: Vec<String> = argv.iter().map(|arg| (*arg).to_owned()).collect();
        Redactor::default().redact_argv(&argv)
    }

    #[test]
    fn plain_words_stay_as_they_are() {
        let text = "the task-done token is sk-1 and the eyJ is short";
        assert_eq!(Redactor::default().redact(text), text);
    }

    #[test]
    fn keys_and_tokens_look_secret_and_paths_do_not() {
        assert!(looks_secret("OPENAI_API_KEY") && looks_secret("gh_token") && looks_secret("DB_PASSWORD"));
        assert!(!looks_secret("PATH") && !looks_secret("SSH_AUTH_SOCK") && !looks_secret("LANG"));
    }
}
