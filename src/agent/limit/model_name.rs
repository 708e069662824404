//! Whether the model that a limit names is the one that a step uses.

/// Whether `named`, a name in a vendor's message ("Opus", "Fable 5", "GPT-5.3-Codex-Spark"), means `model`, a name in a
/// configuration or a stream ("claude-opus-4-5-20251101", "opus", "gpt-5.3-codex-spark").
///
/// A full name (with hyphens and a number) means only itself. A family name means all its models. With a number it means
/// only the models of that number and those without a number.
#[must_use]
pub fn names_model(named: &str, model: &str) -> bool {
    let (named_words, model_words) = (words(named), words(model));
    if named_words.is_empty() {
        return false;
    }
    if named_words == model_words {
        return true;
    }
    let is_full = named.contains('-') && named_words.iter().any(|word| is_number(word));
    let numbered = model_words.iter().any(|word| is_number(word));
    !is_full
        && named_words.iter().all(|word| model_words.contains(word) || (is_number(word) && !numbered))
        && named_words.iter().any(|word| !is_number(word))
}

/// The words of a name in lower case, without a service's prefix and a release date.
fn words(name: &str) -> Vec<String> {
    let name = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.filter(|word| !(word.len() == 8 && is_number(word))).map(str::to_owned).collect()
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::names_model;

    #[test]
    fn a_family_name_means_all_its_models_and_a_full_name_only_itself() {
        for (named, model) in [
            ("Opus", "claude-opus-4-5-20251101"),
            ("opus", "opus"),
            ("Opus", "anthropic/claude-opus-4.5"),
            ("Fable 5", "claude-fable-5"),
            ("Fable 5", "fable"),
            ("Opus 4.5", "claude-opus-4-5"),
            ("GPT-5.3-Codex-Spark", "gpt-5.3-codex-spark"),
            ("gemini-2.5-pro", "gemini-2.5-pro"),
            ("Pro", "gemini-2.5-pro"),
            ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
        ] {
            assert!(names_model(named, model), "{named} means {model}");
        }
        for (named, model) in [
            ("Opus", "claude-sonnet-4-5"),
            ("Opus", "sonnet"),
            ("Fable 5", "claude-fable-4"),
            ("Opus 4.5", "claude-opus-4-1"),
            ("gpt-5", "gpt-5-codex"),
            ("gemini-2.5-pro", "gemini-2.5-flash"),
            ("gemini-2.5-pro", "gemini-2.5-pro-exp"),
            ("5", "gpt-5"),
            ("", "opus"),
        ] {
            assert!(!names_model(named, model), "{named} does not mean {model}");
        }
    }
}
