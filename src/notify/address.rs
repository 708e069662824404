//! PURE. Where a message goes, and what is sent there.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::message::Message;
use crate::config::Notify;

/// A way to reach a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageChannel {
    /// A topic of ntfy.
    Ntfy,
    /// A webhook.
    Webhook,
    /// The desktop of this machine.
    Desktop,
}

impl MessageChannel {
    /// The key of its setting, without its section.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ntfy => "ntfy",
            Self::Webhook => "webhook",
            Self::Desktop => "desktop",
        }
    }
}

/// The addresses of a person. They are handed from process to process and never written to a file, since anyone who has
/// one can write to the person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    ntfy: Option<String>,
    webhook: Option<String>,
    desktop: bool,
}

/// What is sent by HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Where.
    pub url: String,
    /// A JSON value.
    pub body: String,
}

impl From<&Notify> for Addresses {
    fn from(notify: &Notify) -> Self {
        Self { ntfy: notify.ntfy.clone(), webhook: notify.webhook.clone(), desktop: notify.desktop }
    }
}

impl Addresses {
    /// The channels that are set.
    #[must_use]
    pub fn channels(&self) -> Vec<MessageChannel> {
        let set = [
            (MessageChannel::Ntfy, self.ntfy.is_some()),
            (MessageChannel::Webhook, self.webhook.is_some()),
            (MessageChannel::Desktop, self.desktop),
        ];
        set.into_iter().filter(|(_, set)| *set).map(|(channel, _)| channel).collect()
    }

    /// What brings a message to a channel; `None`: it is no longer set, or is not reached by HTTP.
    #[must_use]
    pub fn post(&self, channel: MessageChannel, message: &Message) -> Option<Post> {
        match channel {
            MessageChannel::Ntfy => {
                let (url, topic) = ntfy_parts(self.ntfy.as_deref()?);
                Some(Post { url, body: message.for_ntfy(&topic).to_string() })
            }
            MessageChannel::Webhook => {
                let url = self.webhook.clone()?;
                Some(Post { url, body: message.for_webhook().to_string() })
            }
            MessageChannel::Desktop => None,
        }
    }
}

/// The address of the server, which gets JSON, and the topic. A query, such as `?auth=…`, stays at the server's.
fn ntfy_parts(address: &str) -> (String, String) {
    let (path, query) = address.split_once('?').map_or((address, ""), |(path, query)| (path, query));
    let path = path.trim_end_matches('/');
    let (server, topic) = path.rsplit_once('/').unwrap_or((path, ""));
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    (format!("{server}/{query}"), topic.to_owned())
}

impl Post {
    /// The configuration of curl for this request. It is read from standard input, since other users of the machine can
    /// read arguments.
    #[must_use]
    pub fn for_curl(&self) -> String {
        let quoted = |text: &str| {
            let mut found = String::with_capacity(text.len() + 2);
            for c in text.chars() {
                if matches!(c, '"' | '\\') {
                    found.push('\\');
                }
                found.push(c);
            }
            found
        };
        format!(
            "url = \"{}\"\nheader = \"Content-Type: application/json\"\ndata-binary = \"{}\"\n",
            quoted(&self.url),
            quoted(&self.body)
        )
    }
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// It arrived.
    Delivered,
    /// It did not arrive; it may later.
    Failed(String),
    /// The server refuses it, and will again.
    Refused(String),
}

impl Tried {
    /// The judgement about the answer of a server: its status, and the beginning of its text.
    #[must_use]
    pub fn of_answer(status: u16, text: &str) -> Self {
        let why = || {
            let text = text.trim();
            if text.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {text}") }
        };
        match status {
            200..=299 => Self::Delivered,
            // a network that asks for a login sends its visitors elsewhere, until they have it
            300..=399 | 408 | 425 | 429 | 500..=599 => Self::Failed(why()),
            _ => Self::Refused(why()),
        }
    }
}

/// The time from a failed try to the next one.
#[must_use]
pub fn pause_after(tries: u32) -> Duration {
    Duration::from_secs(1 << tries.clamp(1, 9)).min(Duration::from_secs(5 * 60))
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::question;
    use super::*;

    #[test]
    fn a_topic_is_named_in_the_message_and_not_in_the_address() {
        for (address, url, topic) in [
            ("https://ntfy.sh/mine", "https://ntfy.sh/", "mine"),
            ("https://u:p@host:8443/base/mine/?auth=x", "https://u:p@host:8443/base/?auth=x", "mine"),
        ] {
            let notify = Notify { ntfy: Some(address.to_owned()), ..Notify::default() };
            let post = Addresses::from(&notify).post(MessageChannel::Ntfy, &question("?")).unwrap();
            assert_eq!(post.url, url);
            assert!(post.body.contains(&format!("\"topic\":\"{topic}\"")), "{}", post.body);
        }
    }

    #[test]
    fn what_curl_reads_is_one_line_for_each_option() {
        let post =
            Post { url: "http://x/".into(), body: question("a \"b\" \\c\nd").for_webhook().to_string() };
        let text = post.for_curl();
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains(r#"a \\\"b\\\" \\\\c\\nd"#), "{text}");
    }

    #[test]
    fn a_refusal_is_final_and_an_outage_is_not() {
        assert_eq!(Tried::of_answer(204, ""), Tried::Delivered);
        assert_eq!(Tried::of_answer(503, " busy\n"), Tried::Failed("HTTP 503: busy".into()));
        assert_eq!(Tried::of_answer(429, ""), Tried::Failed("HTTP 429".into()));
        assert_eq!(Tried::of_answer(404, "no topic"), Tried::Refused("HTTP 404: no topic".into()));
        assert_eq!(Tried::of_answer(302, ""), Tried::Failed("HTTP 302".into()));
    }

    #[test]
    fn pauses_grow_up_to_five_minutes() {
        let pauses: Vec<u64> = [1, 2, 3, 8, 9, 400].map(|tries| pause_after(tries).as_secs()).to_vec();
        assert_eq!(pauses, [2, 4, 8, 256, 300, 300]);
    }
}
