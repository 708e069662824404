//! The kinds of limits, by what helps against them.

/// What kind of limit it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// Not a limit.
    #[default]
    None,
    /// Too many requests at the moment. A short pause helps.
    RateLimited,
    /// A window of the plan (hours, a day, a week, a month) is used up. Its end helps.
    QuotaExhausted,
    /// The service has no capacity. A pause or another model helps.
    Overloaded,
    /// The service failed (HTTP 500, 502, 504 and the like). A pause helps.
    ServerError,
    /// The service was not reached: no network, no name, a refused or cut connection. A pause helps.
    Network,
    /// Credits, a spending cap or the plan itself. Only a person who pays can help.
    Billing,
    /// Not logged in, or no longer. Only a person can help.
    Auth,
}

impl LimitKind {
    /// Whether it is trouble of a service or of the way to it, and no limit of a plan or an account.
    #[must_use]
    pub fn is_trouble(self) -> bool {
        matches!(self, Self::ServerError | Self::Network)
    }

    /// What an agent's own notice of a retry is about, by the HTTP status in it.
    #[must_use]
    pub fn of_retry(notice: &str) -> Self {
        let words = notice.split(|c: char| !c.is_ascii_alphanumeric());
        let status = words.filter_map(|word| word.parse::<u16>().ok()).find(|n| (400..600).contains(n));
        match status {
            Some(429) => Self::RateLimited,
            Some(503 | 529) => Self::Overloaded,
            Some(401 | 403) => Self::Auth,
            Some(500..) => Self::ServerError,
            _ if ["ate limit", "RateLimit", "quota"].iter().any(|word| notice.contains(word)) => {
                Self::RateLimited
            }
            _ if ["InternalServer", "server had an error"].iter().any(|word| notice.contains(word)) => {
                Self::ServerError
            }
            _ if ["onnect", "network"].iter().any(|word| notice.contains(word)) => Self::Network,
            _ => Self::Overloaded,
        }
    }

    /// What it needs of a person, where nothing else ends it: `needs a login`.
    #[must_use]
    pub fn need(self) -> Option<&'static str> {
        match self {
            Self::Auth => Some("needs a login"),
            Self::Billing => Some("needs a payment"),
            _ => None,
        }
    }

    /// The kind in words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "not limited",
            Self::RateLimited => "rate limited",
            Self::QuotaExhausted => "quota used up",
            Self::Overloaded => "overloaded",
            Self::ServerError => "server error",
            Self::Network => "no connection",
            Self::Billing => "billing",
            Self::Auth => "not logged in",
        }
    }
}
