//! Who may call, what of it, and how often.

use super::{
    CorsOrigins, cors,
    error::ConfigError,
    keys::{Key, Keys},
    load::switch,
    options::Options,
    rate::Rate,
};

/// Who may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// Callers' keys.
    pub keys: Vec<Key>,
    /// With strict authentication documents and pages ask for a credential too.
    pub strict: bool,
    /// Which web origins may read answers.
    pub cors: CorsOrigins,
    /// How often each caller may call, unless its key says otherwise.
    pub caller_rate: Option<Rate>,
    /// How often requests that are guarded may come from one address.
    pub address_rate: Option<Rate>,
}

impl Guard {
    /// What options say, with the `keys` that they and the config file give.
    pub(super) fn new(options: &Options, keys: Keys) -> Result<Self, ConfigError> {
        Ok(Self {
            keys: keys.into_vec(),
            strict: switch(&options.strict_auth)?,
            cors: cors::origins(&options.cors_allow_origins)?,
            caller_rate: options.rate_limit.as_ref().map(Rate::parse).transpose()?,
            address_rate: options.address_rate_limit.as_ref().map(Rate::parse).transpose()?,
        })
    }

    /// Whether callers have to show a credential.
    pub fn is_closed(&self) -> bool {
        !self.keys.is_empty()
    }
}
