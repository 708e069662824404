//! PURE. `[notify]`: where messages to a person go.

use crate::config::declare::keys;
use crate::config::formats::WebAddress;

keys! {
    /// Messages to you, when a run needs you and when it ends. They do not delay a run: another process delivers them, and
    /// tries again for twelve hours where that fails. `seqorch notify` sends one now.
    #[derive(Eq)]
    pub struct Notify {
        /// Address of a topic of ntfy (`https://ntfy.sh/TOPIC`). Anyone who knows it reads your messages; a server of your own
        /// may want `https://USER:PASSWORD@HOST/TOPIC`.
        ntfy: Option<String> as Option<WebAddress>, like = "https://ntfy.sh/my-secret-topic", executes;
        /// Address that gets each message as JSON (POST). Its text is in `text` and `content`, where chats such as Slack,
        /// Mattermost and Discord look for it.
        webhook: Option<String> as Option<WebAddress>, like = "https://chat.example.com/hooks/abc", executes;
        /// Whether messages are shown on this machine's desktop, with notify-send or osascript.
        desktop: bool = false, inside;
        /// Address of the page of `seqorch serve`, as your phone reaches it. Messages link to it.
        page: Option<String> as Option<WebAddress>, like = "https://laptop.example.ts.net", executes;
    }
}

impl Notify {
    /// Whether messages go nowhere.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.ntfy.is_none() && self.webhook.is_none() && !self.desktop
    }
}
