//! The `oauth` block of a server: how mcpo gets tokens for it.
//!
//! Invariant: the client fits its authentication method and its grant. Contradictions are refused here, with their place.

mod client;
mod login;
mod metadata;
mod parameters;
mod signing_key;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};
use url::Url;

pub use client::{ClientAuthMethod, ClientCredential, StaticClient};
pub use login::LoginSettings;
pub use signing_key::SigningKey;

use crate::config::{
    ConfigError, http_url,
    json::{ConfigNode, ConfigObject},
};

/// The `oauth` block of one server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OAuth {
    /// The authorization server. It wins over the one in the MCP server's metadata, unless it is the MCP server itself.
    pub server_url: Option<Url>,
    /// Where tokens are stored.
    pub storage: TokenStorage,
    /// The port of a separate loopback callback in place of the gateway's `/oauth/callback`.
    pub callback_port: Option<u16>,
    /// Whether a callback may listen on loopback at all.
    pub use_loopback: Option<bool>,
    /// Client metadata for registration (RFC 7591 section 2), nowhere null. `redirect_uris` is a list of `http` and
    /// `https` URLs; the other members that the RFC names have its types too.
    pub client_metadata: Map<String, Value>,
    /// A client that was registered by hand; there is one, with a secret or a key, for client credentials.
    pub client: Option<StaticClient>,
    /// How tokens are requested.
    pub grant: Grant,
    /// Whether requests go without `resource` (RFC 8707): `resource_parameter` is false.
    pub without_resource: bool,
    /// Whether the authorization server supports PKCE with S256 although its metadata do not list it.
    pub assume_pkce: bool,
    /// Further parameters of the authorization request; none that mcpo sets itself.
    pub authorization_params: Vec<(String, String)>,
    /// Further parameters of each token request; none that mcpo sets itself.
    pub token_params: Vec<(String, String)>,
}

/// `grant_type`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grant {
    /// A user logs in.
    #[default]
    AuthorizationCode,
    /// mcpo acts for itself; needs a client with a secret or a key.
    ClientCredentials,
}

/// `storage_type`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenStorage {
    /// Files in the token folder.
    #[default]
    File,
    /// This process only.
    Memory,
    /// The system's keyring.
    Keyring,
}

const KEYS: [&str; 11] = [
    "server_url",
    "storage_type",
    "callback_port",
    "use_loopback",
    "client_metadata",
    "grant_type",
    "client_id",
    "resource_parameter",
    "assume_pkce",
    "authorization_params",
    "token_params",
];

/// The keys about how users log in.
const OF_PEOPLE: [&str; 4] = ["callback_port", "use_loopback", "assume_pkce", "authorization_params"];

/// Reads the block; `{}` takes every default.
pub(crate) fn parse(node: &ConfigNode<'_>) -> Result<OAuth, ConfigError> {
    let object = node.object()?;
    object.expect_keys(&[&KEYS[..], &client::KEYS].concat());
    let client = client::parse(&object)?;
    Ok(OAuth {
        server_url: object
            .read("server_url", |node| http_url::parse(&node.string()?).map_err(|error| node.error(error)))?,
        storage: object.read("storage_type", storage)?.unwrap_or_default(),
        callback_port: object.read("callback_port", port)?,
        use_loopback: object.read("use_loopback", ConfigNode::boolean)?,
        client_metadata: object.read("client_metadata", metadata::parse)?.unwrap_or_default(),
        grant: grant(&object, client.as_ref())?,
        client,
        without_resource: object.read("resource_parameter", ConfigNode::boolean)? == Some(false),
        assume_pkce: object.read("assume_pkce", ConfigNode::boolean)?.unwrap_or_default(),
        authorization_params: object.read("authorization_params", parameters::parse)?.unwrap_or_default(),
        token_params: object.read("token_params", parameters::parse)?.unwrap_or_default(),
    })
}

fn storage(node: &ConfigNode<'_>) -> Result<TokenStorage, ConfigError> {
    match node.string()?.as_str() {
        "file" => Ok(TokenStorage::File),
        "memory" => Ok(TokenStorage::Memory),
        "keyring" => Ok(TokenStorage::Keyring),
        other => {
            Err(node
                .error(format_args!("unknown storage \"{other}\"; use \"file\", \"memory\" or \"keyring\"")))
        }
    }
}

/// A port that a redirect URI can name, so not 0.
fn port(node: &ConfigNode<'_>) -> Result<u16, ConfigError> {
    let port = node.number()?.as_u64().and_then(|port| u16::try_from(port).ok());
    port.filter(|port| *port != 0).ok_or_else(|| node.error("not a port; use a number from 1 to 65535"))
}

fn grant(object: &ConfigObject<'_>, client: Option<&StaticClient>) -> Result<Grant, ConfigError> {
    let Some(node) = object.get("grant_type") else { return Ok(Grant::default()) };
    match node.string()?.as_str() {
        "authorization_code" => return Ok(Grant::AuthorizationCode),
        "client_credentials" => {}
        other => {
            return Err(node.error(format_args!(
                "unknown grant \"{other}\"; use \"authorization_code\" or \"client_credentials\""
            )));
        }
    }
    // RFC 6749 section 4.4: confidential clients only.
    if client.is_none_or(|client| matches!(client.credential, ClientCredential::None)) {
        return Err(node.error(
            "\"client_credentials\" needs a client that can prove itself; add \"client_id\", and \"client_secret\" or \
             \"private_key\"",
        ));
    }
    for node in OF_PEOPLE.iter().filter_map(|key| object.get(key)) {
        node.warn("has no effect with grant_type \"client_credentials\", which asks nobody to log in");
    }
    Ok(Grant::ClientCredentials)
}
