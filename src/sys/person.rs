//! The person at the keyboard.

/// Letters of a name that are kept.
const LONGEST: usize = 64;

/// What the system calls the person who typed this command; `None` where it does not say.
#[must_use]
pub fn name() -> Option<String> {
    let named = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let named: String = named?.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    Some(named.trim().to_owned()).filter(|name| !name.is_empty())
}
