//! Reads the values of flags, and says in plain words what is wrong with one.

use std::net::SocketAddr;

/// Reads a number of things.
pub(super) fn count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("it is not a valid number; write a whole number from 0 to {}", u32::MAX))
}

/// Reads an exit code.
pub(super) fn exit_code(text: &str) -> Result<i32, String> {
    text.parse().map_err(|_| "it is not a valid exit code; write a number, like 1".to_owned())
}

/// Reads an address to listen at.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "it is not a valid address; write it with a port, like 127.0.0.1:7878".to_owned())
}
