//! Who may call, what of it, and how often.

use super::{
    CorsOrigins, cors,
    error::ConfigError,
    json::{Node, Object},
    keys::{Key, Keys},
    load::switch,
    options::Options,
    rate::Rate,
    tokens::Tokens,
};

/// Who may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// Callers' keys.
    pub keys: Vec<Key>,
    /// Tokens that open as keys do.
    pub tokens: Option<Tokens>,
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
    /// What the options say, and the `access` block of a config file.
    pub(super) fn new(options: &Options, access: Option<&Node<'_>>) -> Result<Self, ConfigError> {
        let object = access.map(Node::object).transpose()?;
        let inside = |key| object.as_ref().and_then(|object: &Object<'_>| object.get(key));
        if let Some(object) = &object {
            object.expect_keys(&["keys", "jwt"]);
        }
        let mut keys = Keys::of_options(options)?;
        if let Some(node) = inside("keys") {
            keys.add_object(&node)?;
        }
        Ok(Self {
            keys: keys.into_vec(),
            tokens: Tokens::new(options, inside("jwt").as_ref())?,
            strict: switch(&options.strict_auth)?,
            cors: cors::origins(&options.cors_allow_origins)?,
            caller_rate: options.rate_limit.as_ref().map(Rate::parse).transpose()?,
            address_rate: options.address_rate_limit.as_ref().map(Rate::parse).transpose()?,
        })
    }

    /// Whether callers have to show a credential.
    pub fn is_closed(&self) -> bool {
        !self.keys.is_empty() || self.tokens.is_some()
    }
}
