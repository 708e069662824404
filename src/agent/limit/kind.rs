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
    /// Credits, a spending cap or the plan itself. Only a human who pays can help.
    Billing,
    /// Not logged in, or no longer. Only a human can help.
    Auth,
}

impl LimitKind {
    /// The kind in words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "not limited",
            Self::RateLimited => "rate limited",
            Self::QuotaExhausted => "quota used up",
            Self::Overloaded => "overloaded",
            Self::Billing => "billing",
            Self::Auth => "not logged in",
        }
    }
}
