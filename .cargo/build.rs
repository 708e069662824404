//! How the program is linked.
//!
//! Each attempt starts this program twice, and a run of a night starts it a thousand times. A position-independent
//! program of this size has 24,000 addresses to correct at each start, which is 40 % of the time of a start.

fn main() {
    println!("cargo::rerun-if-changed=.cargo/build.rs");
    let target = |part: &str| std::env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    // rustc itself chooses the start files of musl, and macOS knows no other kind of program
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
