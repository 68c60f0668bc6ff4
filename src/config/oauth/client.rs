//! A client that was registered by hand: its id and its credential.

use crate::{
    config::{
        ConfigError, SigningKey,
        json::{ConfigNode, ConfigObject},
    },
    secret::{SecretString, same},
};

/// A client that was registered by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct StaticClient {
    /// `client_id`; not empty.
    pub id: String,
    /// How it authenticates.
    pub credential: ClientCredential,
    /// `token_endpoint_auth_method`, which fits the credential; chosen by what the server supports if `None`.
    pub method: Option<ClientAuthMethod>,
}

/// What a client authenticates with at the token endpoint.
#[derive(Debug, Clone)]
pub enum ClientCredential {
    /// Nothing: a public client.
    None,
    /// `client_secret`; not empty.
    Secret(SecretString),
    /// `private_key`, for signed assertions (RFC 7523 section 2.2).
    Key(SigningKey),
}

impl PartialEq for ClientCredential {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Secret(one), Self::Secret(other)) => same(one, other),
            (Self::Key(one), Self::Key(other)) => one == other,
            _ => false,
        }
    }
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
    /// `private_key_jwt` (OpenID Connect Core section 9)
    PrivateKeyJwt,
}

/// The keys that describe a client, beside `client_id`.
pub(super) const KEYS: [&str; 7] = [
    "client_secret",
    "client_secret_file",
    "private_key",
    "private_key_file",
    "key_id",
    "signing_algorithm",
    "token_endpoint_auth_method",
];

/// Returns the client that an `oauth` block describes; `None` if it describes none.
pub(super) fn parse(object: &ConfigObject<'_>) -> Result<Option<StaticClient>, ConfigError> {
    let Some(id) = object.get("client_id") else {
        return match KEYS.iter().find_map(|key| object.get(key)) {
            Some(orphan) => {
                Err(orphan.error("tells of a client without a name; add \"client_id\", or remove this"))
            }
            None => Ok(None),
        };
    };
    let id = filled(&id)?;
    let credential = credential(object)?;
    let method = object.read("token_endpoint_auth_method", |node| fitting_method(node, &credential))?;
    Ok(Some(StaticClient { id, credential, method }))
}

fn credential(object: &ConfigObject<'_>) -> Result<ClientCredential, ConfigError> {
    let secret = text(object, "client_secret", "client_secret_file", "secret")?;
    let key = text(object, "private_key", "private_key_file", "key")?;
    match (secret, key) {
        (Some(_), Some((node, _))) => {
            Err(node
                .error("the client has a secret too, and proves itself with only one; remove one of the two"))
        }
        (None, Some((node, pem))) => signing_key(object, &node, &pem).map(ClientCredential::Key),
        (secret, None) => {
            if let Some(node) = ["key_id", "signing_algorithm"].iter().find_map(|key| object.get(key)) {
                return Err(node.error(
                    "tells of a key that is not there; add \"private_key\" or \"private_key_file\", or remove this",
                ));
            }
            Ok(secret.map_or(ClientCredential::None, |(_, secret)| ClientCredential::Secret(secret.into())))
        }
    }
}

fn signing_key(
    object: &ConfigObject<'_>,
    node: &ConfigNode<'_>,
    pem: &str,
) -> Result<SigningKey, ConfigError> {
    let algorithm = object.read("signing_algorithm", ConfigNode::string)?;
    let id = object.read("key_id", filled)?;
    SigningKey::from_pem(pem.as_bytes(), algorithm.as_deref(), id).map_err(|error| node.error(error))
}

/// Returns the value of `key`, or the contents of the file that `file_key` names, and the node that gave it.
fn text<'a>(
    object: &ConfigObject<'a>,
    key: &str,
    file_key: &str,
    what: &str,
) -> Result<Option<(ConfigNode<'a>, String)>, ConfigError> {
    match (object.get(key), object.get(file_key)) {
        (Some(_), Some(file)) => {
            Err(file.error(format_args!("the {what} is given by {key} too; keep one of the two")))
        }
        (Some(node), None) => {
            node.withhold_variables();
            filled(&node).map(|text| Some((node, text)))
        }
        (None, Some(file)) => file.given()?.read_secret(what).map(|text| Some((file, text))),
        (None, None) => Ok(None),
    }
}

fn filled(node: &ConfigNode<'_>) -> Result<String, ConfigError> {
    let text = node.string()?;
    if text.is_empty() { Err(node.error("is empty; fill it in, or leave it out")) } else { Ok(text) }
}

fn fitting_method(
    node: &ConfigNode<'_>,
    credential: &ClientCredential,
) -> Result<ClientAuthMethod, ConfigError> {
    let method = method(node)?;
    let missing = match (method, credential) {
        (ClientAuthMethod::None, ClientCredential::None)
        | (ClientAuthMethod::Basic | ClientAuthMethod::Post, ClientCredential::Secret(_))
        | (ClientAuthMethod::PrivateKeyJwt, ClientCredential::Key(_)) => return Ok(method),
        (ClientAuthMethod::None, _) => "is for a client without secret and key; remove those, or this",
        (ClientAuthMethod::Basic | ClientAuthMethod::Post, _) => {
            "needs \"client_secret\" or \"client_secret_file\""
        }
        (ClientAuthMethod::PrivateKeyJwt, _) => "needs \"private_key\" or \"private_key_file\"",
    };
    Err(node.error(format_args!("\"{}\" {missing}", node.string()?)))
}

/// A method by its registered name.
pub(super) fn method(node: &ConfigNode<'_>) -> Result<ClientAuthMethod, ConfigError> {
    match node.string()?.as_str() {
        "none" => Ok(ClientAuthMethod::None),
        "client_secret_basic" => Ok(ClientAuthMethod::Basic),
        "client_secret_post" => Ok(ClientAuthMethod::Post),
        "private_key_jwt" => Ok(ClientAuthMethod::PrivateKeyJwt),
        other => Err(node.error(format_args!(
            "unknown method \"{other}\"; use \"none\", \"client_secret_basic\", \"client_secret_post\" or \
             \"private_key_jwt\""
        ))),
    }
}
