//! Who may call, which tools, and how often.

mod cors;
mod jwt;
mod keys;
mod permission;
mod rate;
mod token_policy;

pub use cors::CorsOrigins;
pub use jwt::{IssuerIdentifier, Jwt};
pub use keys::CallerKey;
pub use permission::Permission;
pub use rate::Rate;
pub use token_policy::TokenPolicy;

use self::keys::CallerKeys;
use crate::config::{
    Block, ConfigError, OPTIONS, Options, RawOption,
    json::{ConfigNode, ConfigObject},
};

/// Who may call.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessRules {
    /// Callers' keys.
    pub keys: Vec<CallerKey>,
    /// Tokens that are accepted as keys are.
    pub tokens: Option<TokenPolicy>,
    /// With strict authentication, documents and pages require a credential too.
    pub strict: bool,
    /// Which web origins may read answers.
    pub cors: CorsOrigins,
    /// How often each caller may call, unless its key says otherwise.
    pub caller_rate: Option<Rate>,
    /// How often one address may send requests that need a credential.
    pub address_rate: Option<Rate>,
}

impl AccessRules {
    /// Reads the options and the `access` block of a config file.
    pub(crate) fn new(options: &Options, access: Option<&ConfigNode<'_>>) -> Result<Self, ConfigError> {
        let object = access.map(ConfigNode::object).transpose()?;
        let inside = |key| object.as_ref().and_then(|object: &ConfigObject<'_>| object.get(key));
        let sets = |option| object.as_ref().and_then(|object| object.get_option(option));
        if let Some(object) = &object {
            object.require_keys(&[&["keys", "jwt"][..], &OPTIONS.keys(Block::Access)].concat())?;
        }
        let mut keys = CallerKeys::of_options(options)?;
        if let Some(node) = inside("keys") {
            keys.add_object(&node)?;
        }
        Ok(Self {
            keys: keys.into_vec(),
            tokens: TokenPolicy::new(options, inside("jwt").as_ref())?,
            strict: options.strict_auth.as_ref().map_or(Ok(false), RawOption::boolean)?,
            cors: origins(&options.cors_allow_origins, sets(&OPTIONS.cors_allow_origins).as_ref())?,
            caller_rate: rate(&options.rate_limit, sets(&OPTIONS.rate_limit).as_ref())?,
            address_rate: rate(&options.address_rate_limit, sets(&OPTIONS.address_rate_limit).as_ref())?,
        })
    }

    /// Whether callers need a credential.
    pub fn is_closed(&self) -> bool {
        !self.keys.is_empty() || self.tokens.is_some()
    }
}

fn rate(given: &Option<RawOption>, node: Option<&ConfigNode<'_>>) -> Result<Option<Rate>, ConfigError> {
    match (given, node) {
        (Some(given), Some(node)) => Err(twice(node, given)),
        (Some(given), None) => Rate::parse(given).map(Some),
        (None, node) => node.map(|node| Rate::parse(&node.given()?)).transpose(),
    }
}

fn origins(given: &[RawOption], node: Option<&ConfigNode<'_>>) -> Result<CorsOrigins, ConfigError> {
    match (given.first(), node) {
        (Some(given), Some(node)) => Err(twice(node, given)),
        (_, None) => cors::origins(given),
        (None, Some(node)) => {
            cors::origins(&node.list()?.iter().map(ConfigNode::given).collect::<Result<Vec<_>, _>>()?)
        }
    }
}

fn twice(node: &ConfigNode<'_>, given: &RawOption) -> ConfigError {
    node.error(format_args!("{} is given too; keep one of the two", given.origin))
}
