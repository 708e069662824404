//! The `seqorch` program.

fn main() {}
