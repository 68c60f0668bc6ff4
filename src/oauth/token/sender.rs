//! How the requests that the crate `oauth2` builds leave.

use std::pin::Pin;

use http::header::AUTHORIZATION;
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use url::{Url, form_urlencoded};

use super::error::{TokenError, check};
use crate::{
    oauth::{lenient, outbound::Outbound},
    secret::{ExposeSecret as _, SecretString},
};

/// The parameters that a server must not quote into our logs.
const SECRET_PARAMETERS: [&str; 6] =
    ["code", "code_verifier", "refresh_token", "client_secret", "client_assertion", "token"];

/// Sends requests to one endpoint.
pub(super) struct Sender<'a> {
    pub(super) outbound: &'a Outbound,
    pub(super) url: &'a Url,
    /// The client's secret, which a request may hold in its header.
    pub(super) secret: Option<&'a SecretString>,
}

impl<'c> AsyncHttpClient<'c> for Sender<'_> {
    type Error = TokenError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TokenError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl Sender<'_> {
    /// Gives the crate only successes to read, in the one form that it takes: it minds the status and the media
    /// type, in which servers vary.
    async fn send(&self, mut request: HttpRequest) -> Result<HttpResponse, TokenError> {
        *request.uri_mut() = self.url.as_str().parse().map_err(|_| {
            TokenError::Invalid("the endpoint of the authorization server is not an HTTP URL".to_owned())
        })?;
        if let Some(value) = request.headers_mut().get_mut(AUTHORIZATION) {
            value.set_sensitive(true);
        }
        let secrets = self.secrets(request.body());
        let response = self.outbound.send(request).await?;
        let answer = lenient::answer(response.body());
        check(response.status().as_u16(), &answer, &secrets)?;
        Ok(HttpResponse::new(answer.to_string().into_bytes()))
    }

    /// What a request with this body gives away.
    fn secrets(&self, body: &[u8]) -> Vec<String> {
        let sent = form_urlencoded::parse(body)
            .filter(|(name, _)| SECRET_PARAMETERS.contains(&name.as_ref()))
            .map(|(_, value)| value.into_owned());
        let own = self.secret.iter().map(|secret| secret.expose_secret().to_owned());
        sent.chain(own).filter(|secret| !secret.is_empty()).collect()
    }
}
