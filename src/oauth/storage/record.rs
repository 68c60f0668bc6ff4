//! What is kept of one server, mcpo's client and its tokens, as one JSON object in the terms of RFC 6749 and RFC 7591.
//!
//! A record holds its secrets in plain text; the token store encrypts it. Tokens and clients have no other serialised
//! form, so that a secret gets into a text nowhere else.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::error::Category;
use url::Url;

use crate::{
    config::ClientAuthMethod,
    oauth::{
        registration::client::{Client, ClientOrigin},
        scopes::Scopes,
        token::response::Tokens,
    },
    secret::{ExposeSecret as _, SecretString},
};

/// The version of the format.
const VERSION: u64 = 1;

/// What is kept of one server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// This version's, whatever record it is.
    pub version: Version,
    /// The server's name in the configuration.
    pub server: String,
    /// The MCP server that the tokens are for; they go nowhere else.
    pub url: Url,
    /// `resource` (RFC 8707) in every request for a token.
    pub resource: String,
    /// The authorization server that issued the tokens.
    pub issuer: String,
    /// Where tokens are refreshed.
    pub token_endpoint: Url,
    /// Where tokens are revoked (RFC 7009), if the server offers that.
    pub revocation_endpoint: Option<Url>,
    /// The scopes that were requested.
    #[serde(default, with = "optional_text")]
    pub requested_scopes: Option<Scopes>,
    /// mcpo's client at the issuer.
    #[serde(with = "ClientForm")]
    pub client: Client,
    /// The tokens; `None` before the first login.
    #[serde(default, with = "optional_tokens")]
    pub tokens: Option<Tokens>,
}

/// The version of the format that this mcpo reads and writes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Version;

/// Why a text is no record that this mcpo can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    /// There is nothing in it.
    #[error("empty, though it should hold tokens; remove it and log in again")]
    Empty,
    /// A later mcpo wrote it.
    #[error(
        "version {0} of the format, while this mcpo reads version {VERSION}; update mcpo, or remove it and log in again"
    )]
    Version(u64),
    /// Something else wrote it, or not all of it was written.
    #[error("not a token file of mcpo ({0}); remove it and log in again")]
    Malformed(String),
}

impl Record {
    /// The record in `json`.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Head {
            version: u64,
        }

        if json.trim_ascii().is_empty() {
            return Err(RecordError::Empty);
        }
        // Only what cannot be read is looked at again: a later version may have any shape.
        serde_json::from_slice(json).map_err(|error| match serde_json::from_slice(json) {
            Ok(Head { version }) if version != VERSION => RecordError::Version(version),
            _ => RecordError::Malformed(flaw(&error)),
        })
    }

    /// The record with its secrets in plain text.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, RecordError> {
        serde_json::to_vec_pretty(self).map_err(|error| RecordError::Malformed(flaw(&error)))
    }
}

/// What is wrong with a JSON text. The library's own words may quote it, and it holds secrets.
pub(crate) fn flaw(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Io | Category::Syntax => "not JSON",
        Category::Eof => "it ends too early",
        Category::Data => "a field is missing or of another kind",
    };
    format!("{what}, line {} column {}", error.line(), error.column())
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        VERSION.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            VERSION => Ok(Self),
            other => Err(D::Error::custom(other)),
        }
    }
}

/// A [`Client`], in the terms of RFC 7591.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Client")]
struct ClientForm {
    issuer: String,
    #[serde(rename = "client_id")]
    id: String,
    #[serde(rename = "client_secret", default, with = "optional_text")]
    secret: Option<SecretString>,
    #[serde(rename = "client_secret_expires_at")]
    secret_expires: Option<u64>,
    #[serde(rename = "token_endpoint_auth_method", with = "MethodForm")]
    method: ClientAuthMethod,
    redirect_uri: Option<Url>,
    #[serde(rename = "scope", default, with = "optional_text")]
    scopes: Option<Scopes>,
    #[serde(with = "OriginForm")]
    origin: ClientOrigin,
}

/// `token_endpoint_auth_method` (RFC 7591 section 2).
#[derive(Serialize, Deserialize)]
#[serde(remote = "ClientAuthMethod")]
pub(crate) enum MethodForm {
    #[serde(rename = "none")]
    None,
    #[serde(rename = "client_secret_basic")]
    Basic,
    #[serde(rename = "client_secret_post")]
    Post,
    #[serde(rename = "private_key_jwt")]
    PrivateKeyJwt,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ClientOrigin", rename_all = "snake_case")]
enum OriginForm {
    Configured,
    MetadataDocument,
    Registered,
}

/// [`Tokens`], in the terms of RFC 6749.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Tokens")]
struct TokensForm {
    #[serde(rename = "access_token", with = "text")]
    access: SecretString,
    #[serde(rename = "refresh_token", default, with = "optional_text")]
    refresh: Option<SecretString>,
    // Whole seconds would make processes that share a short-lived token renew it at different times.
    #[serde(rename = "expires_at_ms", default, with = "unix_ms")]
    expires_at: Option<SystemTime>,
    #[serde(rename = "scope", default, with = "optional_text")]
    scopes: Option<Scopes>,
}

mod optional_tokens {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Tokens, TokensForm};

    #[derive(Serialize)]
    struct Borrowed<'a>(#[serde(with = "TokensForm")] &'a Tokens);

    #[derive(Deserialize)]
    struct Owned(#[serde(with = "TokensForm")] Tokens);

    pub(crate) fn serialize<S: Serializer>(
        tokens: &Option<Tokens>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        tokens.as_ref().map(Borrowed).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Tokens>, D::Error> {
        Ok(Option::<Owned>::deserialize(deserializer)?.map(|Owned(tokens)| tokens))
    }
}

/// What is written as a string.
trait Text: Sized {
    fn to_text(&self) -> Cow<'_, str>;
    fn from_text(text: String) -> Self;
}

impl Text for SecretString {
    fn to_text(&self) -> Cow<'_, str> {
        self.expose_secret().into()
    }

    fn from_text(text: String) -> Self {
        text.into()
    }
}

impl Text for Scopes {
    fn to_text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }

    fn from_text(text: String) -> Self {
        Self::parse(&text)
    }
}

mod text {
    use super::{Deserialize as _, Deserializer, Serializer, Text};

    pub(crate) fn serialize<T: Text, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.to_text())
    }

    pub(crate) fn deserialize<'de, T: Text, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        String::deserialize(deserializer).map(T::from_text)
    }
}

mod optional_text {
    use super::{Deserialize as _, Deserializer, Serialize as _, Serializer, Text};

    pub(crate) fn serialize<T: Text, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(T::to_text).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Text, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(T::from_text))
    }
}

mod unix_ms {
    use super::{Deserialize as _, Deserializer, Duration, Serialize as _, Serializer, SystemTime};

    pub(crate) fn serialize<S: Serializer>(
        at: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let since_1970 = |at: &SystemTime| {
            let time = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
        };
        at.as_ref().map(since_1970).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        // A time that the system cannot tell is as good as none.
        let time = Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis);
        Ok(time.and_then(|time| SystemTime::UNIX_EPOCH.checked_add(time)))
    }
}

#[cfg(test)]
mod tests;
