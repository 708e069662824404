//! PURE. An address as a code that a phone's camera reads, for a terminal.

use fast_qr::{ECL, QRBuilder};

/// Light modules around a code, which readers need.
const QUIET: isize = 2;

/// The lines of the code of a text: two rows of it in each line, dark on light; `None` where the text is too long for one.
///
/// The colours are part of the lines, since most terminals are dark and readers want it the other way round.
#[must_use]
pub fn qr_lines(text: &str) -> Option<Vec<String>> {
    let code = QRBuilder::new(text).ecl(ECL::L).build().ok()?;
    let size = isize::try_from(code.size).ok()?;
    let dark = |row: isize, column: isize| {
        let inside = (0..size).contains(&row) && (0..size).contains(&column);
        inside
            && usize::try_from(row)
                .ok()
                .zip(usize::try_from(column).ok())
                .is_some_and(|(row, column)| code[row][column].value())
    };
    let rows = (-QUIET..size + QUIET).step_by(2);
    let line = |row: isize| {
        let pair = |column| match (dark(row, column), dark(row + 1, column)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        let modules: String = (-QUIET..size + QUIET).map(pair).collect();
        format!("\u{1b}[30;107m{modules}\u{1b}[0m")
    };
    Some(rows.map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_square_of_half_blocks() {
        let lines = qr_lines("http://127.0.0.1:7878/?t=0123456789abcdef0123456789abcdef").unwrap();
        let plain: Vec<String> =
            lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
        let width = plain[0].chars().count();
        assert!(
            plain.iter().all(|line| line.chars().count() == width) && (30..50).contains(&width),
            "{width}"
        );
        assert_eq!(plain.len(), width.div_ceil(2));
        // the corner that readers look for: a ring of 7 modules, after the quiet zone
        assert!(plain[1].starts_with("  █▀▀▀▀▀█ "), "{}", plain[1]);
        assert!(qr_lines(&"x".repeat(10_000)).is_none());
    }
}
