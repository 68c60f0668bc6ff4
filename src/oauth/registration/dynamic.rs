//! Dynamic client registration (RFC 7591).

use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};
use url::Url;

use super::{
    auth_method,
    client::{Client, ClientError, ClientOrigin, Wanted},
    client_metadata,
};
use crate::{
    config::ClientAuthMethod,
    net::GuardedClient,
    oauth::{
        discovery::metadata::AuthorizationServer,
        endpoint::{self, plain},
        lenient::{self, text},
    },
    secret::SecretString,
};

/// Registers mcpo at the registration endpoint `url`.
pub(crate) async fn register(
    guarded: &GuardedClient,
    server: &AuthorizationServer,
    url: &Url,
    wanted: &Wanted<'_>,
) -> Result<Client, ClientError> {
    let (asked, body) = request(server, wanted)?;
    let headers =
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let answer = endpoint::post(guarded, url, headers, body.to_string().into_bytes(), &[]).await?;
    read(&answer, asked, server, wanted)
}

/// The method that is asked for, and the whole request (section 3.1).
fn request(
    server: &AuthorizationServer,
    wanted: &Wanted<'_>,
) -> Result<(ClientAuthMethod, Value), ClientError> {
    let mut given = wanted.metadata.clone();
    if let Some(scopes) = wanted.scopes.filter(|scopes| !scopes.is_empty()) {
        given.entry("scope").or_insert_with(|| json!(scopes.to_string()));
    }
    let configured = given.get("token_endpoint_auth_method").and_then(Value::as_str);
    let method = configured.map_or_else(|| best(server), usable)?;
    given.insert("token_endpoint_auth_method".to_owned(), json!(auth_method::name(method)));
    Ok((method, client_metadata::describe(wanted.redirect_uri, &given).into()))
}

/// The plainest method that the server takes; `none` if it lists no methods, since servers that need a secret issue one
/// all the same.
fn best(server: &AuthorizationServer) -> Result<ClientAuthMethod, ClientError> {
    let methods = [ClientAuthMethod::None, ClientAuthMethod::Basic, ClientAuthMethod::Post];
    let listed = methods.into_iter().find(|method| auth_method::lists(server, *method));
    match listed {
        None if server.auth_methods.is_empty() => Ok(ClientAuthMethod::None),
        None => Err(ClientError::Method(plain(&server.auth_methods.join(", "), &[]))),
        Some(method) => Ok(method),
    }
}

/// The methods that a client without a key can use.
fn usable(name: &str) -> Result<ClientAuthMethod, ClientError> {
    auth_method::parse(name)
        .filter(|method| *method != ClientAuthMethod::PrivateKeyJwt)
        .ok_or_else(|| ClientError::Method(plain(name, &[])))
}

/// The client that an answer makes (section 3.2.1): the server may have changed what was asked for.
fn read(
    answer: &Value,
    asked: ClientAuthMethod,
    server: &AuthorizationServer,
    wanted: &Wanted<'_>,
) -> Result<Client, ClientError> {
    let id = text(&answer["client_id"]).ok_or(ClientError::NoId)?;
    let secret = text(&answer["client_secret"]);
    let stated = text(&answer["token_endpoint_auth_method"]);
    let stated = stated.as_deref().map(str::trim).map(usable).transpose()?;
    let method = match (&secret, stated) {
        // Without a secret there is nothing to authenticate with, whatever the server calls it.
        (None, _) => ClientAuthMethod::None,
        (Some(_), Some(stated)) => stated,
        // The server issued a secret that was not requested, and does not list `none`.
        (Some(_), None) if asked == ClientAuthMethod::None && !auth_method::lists(server, asked) => {
            auth_method::with_secret(server)
        }
        (Some(_), None) => asked,
    };
    let secret = secret.filter(|_| method != ClientAuthMethod::None);
    Ok(Client {
        issuer: server.issuer.clone(),
        id,
        // Seconds since 1970; 0 stands for never.
        secret_expires: secret
            .as_ref()
            .and_then(|_| lenient::seconds(&answer["client_secret_expires_at"]))
            .map(|since_1970| since_1970.as_secs()),
        secret: secret.map(SecretString::from),
        method,
        redirect_uri: Some(wanted.redirect_uri.clone()),
        scopes: wanted.scopes.cloned(),
        origin: ClientOrigin::Registered,
    })
}
