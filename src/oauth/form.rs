//! How a record is written: JSON, in the terms of RFC 6749 and RFC 7591 where these have any.
//!
//! Tokens and clients have no serialised form but this one, so that a secret gets into a text nowhere else.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use super::{
    client::{Client, ClientOrigin},
    record::Record,
    scopes::Scopes,
    token::response::Tokens,
};
use crate::{
    config::ClientAuthMethod,
    secret::{ExposeSecret as _, SecretString},
};

/// The version of the form.
pub(super) const VERSION: u64 = 1;

/// A [`Record`] as it is written.
#[derive(Serialize, Deserialize)]
pub(super) struct Form {
    version: u64,
    server: String,
    url: Url,
    resource: String,
    issuer: String,
    token_endpoint: Url,
    revocation_endpoint: Option<Url>,
    #[serde(default, with = "optional_text")]
    requested_scopes: Option<Scopes>,
    #[serde(with = "ClientForm")]
    client: Client,
    tokens: Option<TokensField>,
}

impl From<Record> for Form {
    fn from(record: Record) -> Self {
        Self {
            version: VERSION,
            server: record.server,
            url: record.url,
            resource: record.resource,
            issuer: record.issuer,
            token_endpoint: record.token_endpoint,
            revocation_endpoint: record.revocation_endpoint,
            requested_scopes: record.requested_scopes,
            client: record.client,
            tokens: record.tokens.map(TokensField),
        }
    }
}

impl From<Form> for Record {
    fn from(form: Form) -> Self {
        Self {
            server: form.server,
            url: form.url,
            resource: form.resource,
            issuer: form.issuer,
            token_endpoint: form.token_endpoint,
            revocation_endpoint: form.revocation_endpoint,
            client: form.client,
            tokens: form.tokens.map(|TokensField(tokens)| tokens),
            requested_scopes: form.requested_scopes,
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
pub(super) enum MethodForm {
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

#[derive(Serialize, Deserialize)]
struct TokensField(#[serde(with = "TokensForm")] Tokens);

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

    pub(super) fn serialize<T: Text, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.to_text())
    }

    pub(super) fn deserialize<'de, T: Text, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        String::deserialize(deserializer).map(T::from_text)
    }
}

mod optional_text {
    use super::{Deserialize as _, Deserializer, Serialize as _, Serializer, Text};

    pub(super) fn serialize<T: Text, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(T::to_text).serialize(serializer)
    }

    pub(super) fn deserialize<'de, T: Text, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(T::from_text))
    }
}

mod unix_ms {
    use super::{Deserialize as _, Deserializer, Duration, Serialize as _, Serializer, SystemTime};

    pub(super) fn serialize<S: Serializer>(
        at: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let since_1970 = |at: &SystemTime| {
            let time = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
        };
        at.as_ref().map(since_1970).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        // A time that the system cannot tell is as good as none.
        let time = Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis);
        Ok(time.and_then(|time| SystemTime::UNIX_EPOCH.checked_add(time)))
    }
}
