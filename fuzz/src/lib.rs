//! Fuzzing of what reads foreign bytes. Schemas and arguments are JSON that is changed as JSON, so that few inputs are
//! wasted on syntax; all other inputs are changed as bytes.

pub mod checks;
pub mod mutation;
pub mod readers;
