//! `--audit-log`: where calls are recorded.

use std::path::PathBuf;

use crate::config::{ConfigError, RawOption};

/// Where calls are recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audit {
    /// Standard output, which mcpo does not use otherwise.
    Stdout,
    /// This file, appended to.
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
