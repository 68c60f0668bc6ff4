//! OAuth towards upstreams as configured: a server's `oauth` block, and what holds for all servers.

use std::path::PathBuf;

use serde_json::{Map, Value};
use url::Url;

use super::SigningKey;
use crate::secret::SecretString;

/// The `oauth` block of one server.
#[derive(Debug, Clone, Default)]
pub struct OAuth {
    /// The authorization server, where the MCP server's own metadata name none.
    pub server_url: Option<Url>,
    /// Where tokens are kept.
    pub storage: TokenStorage,
    /// The port of a loopback callback of its own, in place of the gateway's `/oauth/callback`.
    pub callback_port: Option<u16>,
    /// Whether a callback may listen on loopback at all.
    pub use_loopback: Option<bool>,
    /// Client metadata for registration (RFC 7591 section 2).
    pub client_metadata: Map<String, Value>,
    /// A client that was registered by hand.
    pub client: Option<StaticClient>,
    /// How tokens are asked for.
    pub grant: Grant,
}

/// A client that was registered by hand.
#[derive(Debug, Clone)]
pub struct StaticClient {
    /// `client_id`; not empty.
    pub id: String,
    /// What it proves itself with.
    pub credential: ClientCredential,
    /// `token_endpoint_auth_method`; found out where not given. Fits the credential.
    pub method: Option<ClientAuthMethod>,
}

/// What a client proves itself with at the token endpoint.
#[derive(Debug, Clone)]
pub enum ClientCredential {
    /// Nothing: a public client.
    None,
    /// `client_secret`.
    Secret(SecretString),
    /// `private_key`, for signed assertions (RFC 7523 section 2.2).
    Key(SigningKey),
}

/// How a client authenticates at the token endpoint (RFC 7591 section 2, `token_endpoint_auth_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuthMethod {
    /// `none`
    None,
    /// `client_secret_basic`
    Basic,
    /// `client_secret_post`
    Post,
    /// `private_key_jwt`
    PrivateKeyJwt,
}

/// `grant_type`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grant {
    /// A person logs in.
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

/// What holds for the logins of all servers.
#[derive(Debug, Clone, Default)]
pub struct Logins {
    /// `--public-url`, without a trailing slash in its path: where browsers reach this gateway.
    pub public_url: Option<Url>,
    /// `--token-dir`; nothing where this machine has no home folder and none was given.
    pub token_dir: Option<PathBuf>,
    /// `--token-key` or `--token-key-file`: seals tokens at rest.
    pub token_key: Option<SecretString>,
    /// The program that opens a URL in a browser, where there is one.
    pub browser: Option<PathBuf>,
}
