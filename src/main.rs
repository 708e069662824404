//! The `seqorch` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(seqorch::cli::main())
}
