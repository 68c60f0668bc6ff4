//! The `mcpo` binary: flags to configuration to application; owns the exit codes.

fn main() {}
