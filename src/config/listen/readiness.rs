//! `--ready`: when `/readyz` says that the gateway is ready.

use crate::config::{ConfigError, Options};

/// `--ready`: how many servers must be connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Readiness {
    /// At least one.
    #[default]
    Any,
    /// Each of them.
    All,
}

impl Readiness {
    pub(crate) fn of_options(options: &Options) -> Result<Self, ConfigError> {
        let Some(given) = &options.ready else { return Ok(Self::default()) };
        match given.value.trim().to_ascii_lowercase().as_str() {
            "any" => Ok(Self::Any),
            "all" => Ok(Self::All),
            other => Err(given.error(format_args!("\"{other}\" is neither any nor all"))),
        }
    }
}
