//! Requests to the token endpoint (RFC 6749 section 3.2), and to its counterpart, revocation (RFC 7009).

use std::{borrow::Cow, time::SystemTime};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header};
use oauth2::{CsrfToken, PkceCodeChallenge, PkceCodeVerifier};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::{
    assertion,
    response::{self, Tokens},
};
use crate::{
    config::{ClientAuthMethod, SigningKey},
    net::GuardedClient,
    oauth::{
        endpoint::{self, EndpointError},
        registration::client::Client,
        scopes::Scopes,
    },
    secret::{ExposeSecret as _, SecretString},
};

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// The parameters that a server must not quote into our logs.
const SECRET_PARAMETERS: [&str; 6] =
    ["code", "code_verifier", "refresh_token", "client_secret", "client_assertion", "token"];

/// A token endpoint as one client sees it.
#[derive(Debug)]
pub(crate) struct TokenEndpoint<'a> {
    /// Sends the requests.
    pub guarded: &'a GuardedClient,
    /// `token_endpoint`
    pub url: &'a Url,
    /// The client; the endpoint is one of its issuer's.
    pub client: &'a Client,
    /// The client's key, if it authenticates with one.
    pub key: Option<&'a SigningKey>,
    /// What the tokens are for (RFC 8707), if the server takes that.
    pub resource: Option<&'a str>,
    /// `token_params`: further parameters that the server wants.
    pub more: &'a [(String, String)],
}

/// The parameters of a request.
type Parameters<'a> = Vec<(&'a str, Cow<'a, str>)>;

impl TokenEndpoint<'_> {
    /// Exchanges an authorization code (RFC 6749 section 4.1.3) that was requested with the scopes `requested`.
    ///
    /// # Errors
    ///
    /// See [`EndpointError`]; `invalid_grant` means that the code is spent.
    pub(crate) async fn exchange(
        &self,
        code: &SecretString,
        verifier: PkceCodeVerifier,
        requested: Option<&Scopes>,
    ) -> Result<Tokens, EndpointError> {
        let mut form: Parameters<'_> = vec![
            ("grant_type", "authorization_code".into()),
            ("code", code.expose_secret().into()),
            ("code_verifier", verifier.secret().into()),
        ];
        form.extend(self.client.redirect_uri.as_ref().map(|url| ("redirect_uri", url.as_str().into())));
        self.tokens(form, requested).await
    }

    /// Whether the server says that it does not know this client. It authenticates a client before it looks at the code
    /// (RFC 6749 section 5.2), so a made-up code finds out.
    pub(crate) async fn forgot_client(&self) -> bool {
        const UNKNOWN: [&str; 3] = ["invalid_client", "unauthorized_client", "HTTP 401"];
        let code = SecretString::from(CsrfToken::new_random().into_secret());
        let (_, verifier) = PkceCodeChallenge::new_random_sha256();
        let answer = self.exchange(&code, verifier, None).await;
        answer.is_err_and(|error| error.error().is_some_and(|error| UNKNOWN.contains(&error)))
    }

    /// Gets a new access token (RFC 6749 section 6) for the scopes `granted` before. The refresh token stays the same
    /// if the answer has no other.
    ///
    /// # Errors
    ///
    /// See [`EndpointError`]; `invalid_grant` means that a new login is needed.
    pub(crate) async fn refresh(
        &self,
        refresh: &SecretString,
        granted: Option<&Scopes>,
    ) -> Result<Tokens, EndpointError> {
        let form =
            vec![("grant_type", "refresh_token".into()), ("refresh_token", refresh.expose_secret().into())];
        let mut tokens = self.tokens(form, granted).await?;
        tokens.refresh.get_or_insert_with(|| refresh.clone());
        Ok(tokens)
    }

    /// Gets an access token for the client itself (RFC 6749 section 4.4).
    ///
    /// # Errors
    ///
    /// See [`EndpointError`].
    pub(crate) async fn client_credentials(&self, scopes: Option<&Scopes>) -> Result<Tokens, EndpointError> {
        let mut form: Parameters<'_> = vec![("grant_type", "client_credentials".into())];
        let wanted = scopes.filter(|scopes| !scopes.is_empty());
        form.extend(wanted.map(|scopes| ("scope", scopes.to_string().into())));
        self.tokens(form, scopes).await
    }

    /// Revokes a token at the revocation endpoint `endpoint`. A token that the server does not know counts as revoked
    /// (RFC 7009 section 2.2).
    ///
    /// # Errors
    ///
    /// See [`EndpointError`].
    pub(crate) async fn revoke(&self, endpoint: &Url, token: &SecretString) -> Result<(), EndpointError> {
        self.post(endpoint, vec![("token", token.expose_secret().into())]).await.map(drop)
    }

    async fn tokens(
        &self,
        mut form: Parameters<'_>,
        requested: Option<&Scopes>,
    ) -> Result<Tokens, EndpointError> {
        form.extend(self.resource.map(|resource| ("resource", resource.into())));
        form.extend(self.more.iter().map(|(name, value)| (name.as_str(), value.into())));
        let asked = SystemTime::now();
        let answer = self.post(self.url, form).await?;
        response::read(&answer, asked, requested).map_err(|reason| {
            let text = format!("the authorization server's answer is no token response: {reason}");
            EndpointError::Odd(text)
        })
    }

    /// Posts a form with the client's authentication (RFC 6749 section 2.3.1, RFC 7523 section 2.2).
    async fn post(&self, url: &Url, mut form: Parameters<'_>) -> Result<Value, EndpointError> {
        let (client, mut headers) = (self.client, HeaderMap::from_iter([(header::CONTENT_TYPE, FORM)]));
        match (client.method, &client.secret) {
            (ClientAuthMethod::Basic, Some(secret)) => {
                headers.insert(header::AUTHORIZATION, basic(&client.id, secret)?);
            }
            (method, secret) => {
                form.push(("client_id", client.id.as_str().into()));
                if let (ClientAuthMethod::Post, Some(secret)) = (method, secret) {
                    form.push(("client_secret", secret.expose_secret().into()));
                }
                if method == ClientAuthMethod::PrivateKeyJwt {
                    form.push(("client_assertion_type", assertion::TYPE.into()));
                    form.push(("client_assertion", self.assertion()?.expose_secret().to_owned().into()));
                }
            }
        }
        let secrets: Vec<_> = form
            .iter()
            .filter(|(name, _)| SECRET_PARAMETERS.contains(name))
            .map(|(_, value)| value.as_ref())
            .chain(client.secret.as_ref().map(SecretString::expose_secret))
            .filter(|secret| !secret.is_empty())
            .map(str::to_owned)
            .collect();
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish().into_bytes();
        endpoint::post(self.guarded, url, headers, body, &secrets).await
    }

    fn assertion(&self) -> Result<SecretString, EndpointError> {
        let key =
            self.key.ok_or_else(|| EndpointError::Unsigned("no private key is configured".to_owned()))?;
        assertion::sign(key, &self.client.id, &self.client.issuer).map_err(EndpointError::Unsigned)
    }
}

/// The `Authorization` header of a client with a secret, both halves form-encoded (RFC 6749 section 2.3.1).
fn basic(id: &str, secret: &SecretString) -> Result<HeaderValue, EndpointError> {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = STANDARD.encode(format!("{}:{}", encode(id), encode(secret.expose_secret())));
    let mut value = HeaderValue::try_from(format!("Basic {pair}"))
        .map_err(|_| EndpointError::Unsigned("no header can hold the client's secret".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
