//! The token endpoint (RFC 6749 section 3.2) and its counterpart, revocation (RFC 7009).
//!
//! The crate `oauth2` builds the requests; what it does not know, such as assertions (RFC 7523) and resources
//! (RFC 8707), is added, and answers are judged here.

mod error;
mod response;
mod sender;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, time::SystemTime};

use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, RevocationUrl, Scope, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse},
};
use url::Url;

pub(super) use error::TokenError;
pub(super) use error::{check, plain};
use response::TokenResponse;
use sender::Sender;

use super::{assertion, client::Client, office::random_token, outbound::Outbound, scopes::Scopes};
use crate::{
    config::{ClientAuthMethod, SigningKey},
    secret::{ExposeSecret as _, SecretString},
};

/// What a token endpoint gives.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    /// The access token, a Bearer token (RFC 6750).
    pub access: SecretString,
    /// The refresh token.
    pub refresh: Option<SecretString>,
    /// When the access token expires, where the server says so.
    pub expires_at: Option<SystemTime>,
    /// What was granted, where the server says so or scopes were asked for.
    pub scopes: Option<Scopes>,
}

/// A token endpoint as one client sees it.
#[derive(Debug)]
pub(super) struct TokenEndpoint<'a> {
    /// The way there.
    pub outbound: &'a Outbound,
    /// `token_endpoint`
    pub url: &'a Url,
    /// Who asks; the endpoint is one of its issuer's.
    pub client: &'a Client,
    /// The client's key, where it authenticates with one.
    pub key: Option<&'a SigningKey>,
    /// What the tokens are for (RFC 8707), where the server takes that.
    pub resource: Option<&'a str>,
    /// `token_params`: what the server wants besides.
    pub more: &'a [(String, String)],
}

type OAuth2 = oauth2::Client<
    BasicErrorResponse,
    TokenResponse,
    BasicTokenIntrospectionResponse,
    Revocable,
    BasicRevocationErrorResponse,
>;

/// Parameters of a form.
type Parameters<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

impl TokenEndpoint<'_> {
    /// Exchanges an authorization code (RFC 6749 section 4.1.3) that was asked for with the scopes `requested`.
    ///
    /// # Errors
    ///
    /// See [`TokenError`]; `invalid_grant` means that the code is of no use any more.
    pub(super) async fn exchange(
        &self,
        code: &SecretString,
        verifier: PkceCodeVerifier,
        requested: Option<&Scopes>,
    ) -> Result<Tokens, TokenError> {
        let oauth2 = self.oauth2().set_token_uri(TokenUrl::from_url(self.url.clone()));
        let mut request = oauth2.exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()));
        for (name, value) in self.parameters()? {
            request = request.add_extra_param(name, value);
        }
        let asked = SystemTime::now();
        let answer = request.set_pkce_verifier(verifier).request_async(&self.sender(self.url)).await;
        Ok(answer.map_err(reason)?.into_tokens(asked, requested))
    }

    /// Whether the server says that it does not know this client. It authenticates a client before it looks at the code
    /// (RFC 6749 section 5.2), so a made-up code finds out.
    pub(super) async fn forgot_client(&self) -> bool {
        const UNKNOWN: [&str; 3] = ["invalid_client", "unauthorized_client", "HTTP 401"];
        let (code, verifier) = (SecretString::from(random_token()), PkceCodeVerifier::new(random_token()));
        let answer = self.exchange(&code, verifier, None).await;
        answer.is_err_and(|error| error.error().is_some_and(|error| UNKNOWN.contains(&error)))
    }

    /// Gets a new access token (RFC 6749 section 6) for the scopes `granted` before. The refresh token stays the
    /// same where the answer has no other.
    ///
    /// # Errors
    ///
    /// See [`TokenError`]; `invalid_grant` means that somebody has to log in again.
    pub(super) async fn refresh(
        &self,
        refresh: &SecretString,
        granted: Option<&Scopes>,
    ) -> Result<Tokens, TokenError> {
        let oauth2 = self.oauth2().set_token_uri(TokenUrl::from_url(self.url.clone()));
        let token = RefreshToken::new(refresh.expose_secret().to_owned());
        let mut request = oauth2.exchange_refresh_token(&token);
        for (name, value) in self.parameters()? {
            request = request.add_extra_param(name, value);
        }
        let asked = SystemTime::now();
        let answer = request.request_async(&self.sender(self.url)).await;
        let mut tokens = answer.map_err(reason)?.into_tokens(asked, granted);
        tokens.refresh.get_or_insert_with(|| refresh.clone());
        Ok(tokens)
    }

    /// Gets an access token for the client itself (RFC 6749 section 4.4).
    ///
    /// # Errors
    ///
    /// See [`TokenError`].
    pub(super) async fn client_credentials(&self, scopes: Option<&Scopes>) -> Result<Tokens, TokenError> {
        let oauth2 = self.oauth2().set_token_uri(TokenUrl::from_url(self.url.clone()));
        let mut request = oauth2.exchange_client_credentials();
        if let Some(scopes) = scopes.filter(|scopes| !scopes.is_empty()) {
            request = request.add_scope(Scope::new(scopes.to_string()));
        }
        for (name, value) in self.parameters()? {
            request = request.add_extra_param(name, value);
        }
        let asked = SystemTime::now();
        let answer = request.request_async(&self.sender(self.url)).await;
        Ok(answer.map_err(reason)?.into_tokens(asked, scopes))
    }

    /// Revokes a token at the revocation endpoint `endpoint`; a token that the server does not know counts as
    /// revoked (RFC 7009 section 2.2).
    ///
    /// # Errors
    ///
    /// See [`TokenError`].
    pub(super) async fn revoke(&self, endpoint: &Url, token: &SecretString) -> Result<(), TokenError> {
        let invalid = || TokenError::Invalid("the revocation endpoint is not an HTTP URL".to_owned());
        // oauth2 insists on https here, while http is for `Outbound` to allow or not: so the request is built for
        // https, and the sender knows better where it goes.
        let mut secure = endpoint.clone();
        secure.set_scheme("https").map_err(|()| invalid())?;
        let oauth2 = self.oauth2().set_revocation_url(RevocationUrl::from_url(secure));
        let mut request = oauth2.revoke_token(Revocable(token.clone())).map_err(|_| invalid())?;
        for (name, value) in self.proof()? {
            request = request.add_extra_param(name, value);
        }
        request.request_async(&self.sender(endpoint)).await.map_err(reason)
    }

    /// The client with those ways to authenticate that the crate knows. Its Basic form-encodes both halves, as
    /// RFC 6749 section 2.3.1 wants.
    fn oauth2(&self) -> OAuth2 {
        let mut oauth2 =
            OAuth2::new(ClientId::new(self.client.id.clone())).set_auth_type(AuthType::RequestBody);
        if self.client.method == ClientAuthMethod::Basic {
            oauth2 = oauth2.set_auth_type(AuthType::BasicAuth);
        }
        if let (ClientAuthMethod::Basic | ClientAuthMethod::Post, Some(secret)) =
            (self.client.method, &self.client.secret)
        {
            oauth2 = oauth2.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        match &self.client.redirect_uri {
            Some(url) => oauth2.set_redirect_uri(RedirectUrl::from_url(url.clone())),
            None => oauth2,
        }
    }

    /// What every request for a token has besides.
    fn parameters(&self) -> Result<Parameters<'_>, TokenError> {
        let mut parameters = self.proof()?;
        parameters.extend(self.resource.map(|resource| ("resource".into(), resource.into())));
        parameters.extend(self.more.iter().map(|(name, value)| (name.into(), value.into())));
        Ok(parameters)
    }

    /// The signed assertion (RFC 7523 section 2.2), where the client authenticates with one.
    fn proof(&self) -> Result<Parameters<'_>, TokenError> {
        if self.client.method != ClientAuthMethod::PrivateKeyJwt {
            return Ok(vec![]);
        }
        let key = self.key.ok_or_else(|| TokenError::Unsigned("no private key is configured".to_owned()))?;
        let assertion =
            assertion::sign(key, &self.client.id, &self.client.issuer).map_err(TokenError::Unsigned)?;
        Ok(vec![
            ("client_assertion_type".into(), assertion::TYPE.into()),
            ("client_assertion".into(), assertion.expose_secret().to_owned().into()),
        ])
    }

    fn sender<'s>(&'s self, url: &'s Url) -> Sender<'s> {
        Sender { outbound: self.outbound, url, secret: self.client.secret.as_ref() }
    }
}

/// Answers that are no success never get as far as the crate, so what is left is what it could not read.
fn reason<R: oauth2::ErrorResponse>(error: RequestTokenError<TokenError, R>) -> TokenError {
    let detail = match error {
        RequestTokenError::Request(error) => return error,
        RequestTokenError::Parse(error, _) => error.into_inner().to_string(),
        RequestTokenError::Other(text) => text,
        RequestTokenError::ServerResponse(_) => "it holds an error".to_owned(),
    };
    TokenError::Odd(format!("the authorization server's answer is no token response: {detail}"))
}

/// A token to revoke, of a kind that the server finds out.
struct Revocable(SecretString);

impl oauth2::RevocableToken for Revocable {
    fn secret(&self) -> &str {
        self.0.expose_secret()
    }

    fn type_hint(&self) -> Option<&str> {
        None
    }
}
