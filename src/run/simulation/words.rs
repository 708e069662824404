//! Words of titles, each unlike the others.

/// A word of its own for each number, not similar to another one.
pub(super) fn word(number: usize) -> String {
    let (consonants, vowels) = (b"bcdfghjklmnpqrstvwxz", b"aeiou");
    let mut bits = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    let mut letter = |of: &[u8]| {
        let letter = of[usize::try_from(bits).unwrap() % of.len()];
        bits /= of.len() as u64;
        char::from(letter)
    };
    (0..4).flat_map(|_| [letter(consonants), letter(vowels)]).collect()
}
