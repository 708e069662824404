//! PURE. Short words that stand for long ones.

/// Sixteen hexadecimal digits that differ for different bytes (FNV-1a, stable over versions). Not for secrets.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    let step = |h: u64, b: &u8| (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, step))
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_the_known_function() {
        assert_eq!(super::digest(b""), "cbf29ce484222325");
        assert_eq!(super::digest(b"foobar"), "85944171f73967e8");
    }
}
