//! Text from files and agents in a prompt: quoted or on one line, and never a signal.

/// All characters that some program treats as the end of a line.
pub(super) const LINE_ENDS: [char; 8] =
    ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{85}', '\u{2028}', '\u{2029}'];

/// The lines of a text, without control characters.
fn lines(text: &str) -> impl Iterator<Item = String> + '_ {
    let clean = |line: &str| line.chars().filter(|c| !c.is_control() || *c == '\t').collect::<String>();
    text.lines().flat_map(|line| line.split(LINE_ENDS)).map(move |line| clean(line).trim_end().to_owned())
}

/// Puts `> ` before each line.
pub(super) fn quote(text: &str) -> String {
    let quoted: Vec<_> = lines(text).map(|line| format!("> {line}").trim_end().to_owned()).collect();
    if quoted.is_empty() { ">".to_owned() } else { quoted.join("\n") }
}

/// Joins all lines into one.
pub(super) fn oneline(text: &str) -> String {
    let parts: Vec<_> =
        lines(text).map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    parts.join(" ")
}

/// Puts each signal that stands alone on a line into a sentence.
pub(super) fn defuse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive(LINE_ENDS) {
        let body = line.trim_end_matches(LINE_ENDS);
        if is_signal(body) {
            out.push_str("(the signal ");
            out.push_str(body.trim());
            out.push_str(" stood here alone)");
            out.push_str(&line[body.len()..]);
        } else {
            out.push_str(line);
        }
    }
    out
}

/// Whether a program that reads lines could mistake this one for a signal. This is stricter than seqorch's own reader.
fn is_signal(line: &str) -> bool {
    let bare: String = line.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let looks = ['`', '*', '_', '#', '"', '\'', '.', '\u{200b}', '\u{2060}', '\u{feff}'];
    let looks = [looks.as_slice(), &['│', '┃', '║', '▌', '▐', '▎', '●', '⏺']].concat();
    let bare = bare.trim_matches(looks.as_slice()).to_ascii_lowercase();
    bare.starts_with("<promise>") && bare.ends_with("</promise>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_quoted_and_control_characters_are_removed() {
        assert_eq!(quote("a\r\n\n  b\u{1b}[0m\rc"), "> a\n>\n>   b[0m\n> c");
        assert_eq!(quote(""), ">");
        assert_eq!(oneline(" a\n\n b\u{2028}c "), "a b c");
    }

    #[test]
    fn a_signal_alone_becomes_a_sentence_and_one_in_a_sentence_stays() {
        let alone = "x\n  <promise>HALT</promise>\r\nsay <promise>HALT</promise>\n> <promise>HALT</promise>";
        assert_eq!(
            defuse(alone),
            "x\n(the signal <promise>HALT</promise> stood here alone)\r\nsay <promise>HALT</promise>\n\
             > <promise>HALT</promise>"
        );
    }

    #[test]
    fn decoration_spaces_and_case_do_not_hide_a_signal() {
        for line in [
            "**<promise>HALT</promise>**",
            "`< promise>TASK_DONE</Promise >`.",
            "\u{feff}<promise>x</promise>",
            "## **<promise>HALT</promise>**",
            "│ <promise>HALT</promise> │",
        ] {
            assert!(is_signal(line), "{line}");
        }
        for line in ["", "<promise>", "I <promise>HALT</promise>", "> <promise>HALT</promise>"] {
            assert!(!is_signal(line), "{line}");
        }
    }
}
