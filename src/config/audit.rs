//! `--audit-log`: where the record of calls goes.

use std::path::PathBuf;

use crate::config::{ConfigError, RawOption};

/// Where the record of calls goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audit {
    /// Standard output, which mcpo uses for nothing else.
    Stdout,
    /// The end of this file.
    File(PathBuf),
}

impl Audit {
    pub(crate) fn parse(given: &RawOption) -> Result<Self, ConfigError> {
        match given.value.as_str() {
            "" => Err(given.error("is empty; name a file, or write - for standard output")),
            "-" => Ok(Self::Stdout),
            file => Ok(Self::File(file.into())),
        }
    }
}
