//! PURE. A short fingerprint of bytes.

/// Sixteen hexadecimal digits that differ for different bytes (FNV-1a). They stay the same in every version of seqorch,
/// so they can be part of file and ref names. Not fit for secrets.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, step))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_digest_is_fnv_1a() {
        assert_eq!(super::digest(b""), "cbf29ce484222325");
        assert_eq!(super::digest(b"foobar"), "85944171f73967e8");
    }
}
