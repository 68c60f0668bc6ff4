//! Fuzzing of what reads an upstream's schemas: the inputs are JSON, changed as JSON, so that few are wasted on
//! syntax.

pub mod checks;
pub mod mutation;
