//! Where the issuer's keys are: its metadata (OpenID Connect Discovery 1.0, RFC 8414), then its JWK set.
//!
//! The operator has chosen the issuer, so it may be on a private network. Invariant: keys come only from where metadata
//! say that name this very issuer, over https or from this machine, and from the origin that was asked.

use std::{error::Error, iter, time::Duration};

use http::{HeaderMap, header};
use reqwest::{Client, redirect};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::keys::Keys;
use crate::{
    config::{self, ForwardProxy},
    net,
};

/// How long one connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long all of it may take: metadata in either place, and keys.
const WHOLE: Duration = Duration::from_secs(10);
const MOST_REDIRECTS: usize = 3;
/// The largest document that is read, in bytes.
const LARGEST: usize = 256 << 10;
/// How long keys are fresh where the issuer does not say, and within what is believed.
const LIFETIME: Duration = Duration::from_secs(60 * 60);
const SHORTEST: Duration = Duration::from_secs(5 * 60);
/// See [`LIFETIME`].
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The configured issuer, as a server.
#[derive(Debug, Clone)]
pub(super) struct Issuer {
    identifier: config::Issuer,
    client: Client,
}

/// What the issuer publishes.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) keys: Keys,
    /// For how long they are fresh.
    pub(super) lifetime: Duration,
}

impl Issuer {
    /// # Errors
    ///
    /// Fails where TLS cannot be set up.
    pub(super) fn new(identifier: config::Issuer, proxy: &ForwardProxy) -> reqwest::Result<Self> {
        let client = net::client(proxy)
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::custom(within_origin))
            .build()?;
        Ok(Self { identifier, client })
    }

    /// Asks for the keys.
    ///
    /// # Errors
    ///
    /// Says in one line what was tried and what came of it.
    pub(super) async fn keys(&self) -> Result<Published, String> {
        let late = |_| Err(format!("no answer within {} s", WHOLE.as_secs()));
        timeout(WHOLE, self.find()).await.unwrap_or_else(late)
    }

    async fn find(&self) -> Result<Published, String> {
        let mut failed = Vec::new();
        for place in places(self.identifier.url()) {
            match self.jwks_uri(&place).await {
                Ok(uri) => return self.fetch(&uri).await.map_err(|reason| format!("{uri}: {reason}")),
                Err(reason) => failed.push(format!("{place}: {reason}")),
            }
        }
        Err(failed.join("; "))
    }

    /// What the metadata at `place` say.
    async fn jwks_uri(&self, place: &Url) -> Result<Url, String> {
        let (_, metadata) = self.get(place).await?;
        let member = |name| metadata.get(name).and_then(Value::as_str);
        let issuer = member("issuer").ok_or("it is no metadata of an issuer")?;
        if issuer != self.identifier.as_str() {
            let configured = self.identifier.as_str();
            return Err(format!(
                "its `issuer` is {issuer:?}, not {configured:?}; give --jwt-issuer as it is there"
            ));
        }
        let uri = member("jwks_uri").ok_or("it has no `jwks_uri`")?;
        let uri = Url::parse(uri).map_err(|error| format!("its `jwks_uri` is no URL: {error}"))?;
        if !self.identifier.may_refer_to(&uri) {
            return Err(format!("its `jwks_uri` is {uri}, and keys need https"));
        }
        Ok(uri)
    }

    async fn fetch(&self, uri: &Url) -> Result<Published, String> {
        let (headers, document) = self.get(uri).await?;
        Ok(Published { keys: Keys::read(document)?, lifetime: lifetime(&headers) })
    }

    async fn get(&self, url: &Url) -> Result<(HeaderMap, Value), String> {
        let request = self.client.get(url.clone()).header(header::ACCEPT, "application/json");
        let mut response = request.send().await.map_err(|error| cause(&error))?;
        if response.status().as_u16() != 200 {
            return Err(format!("HTTP {}", response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| cause(&error))? {
            if body.len() + chunk.len() > LARGEST {
                return Err(format!("more than {LARGEST} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        let document = serde_json::from_slice(&body).map_err(|_| "it is not JSON")?;
        Ok((std::mem::take(response.headers_mut()), document))
    }
}

/// A redirect to elsewhere would let somebody else say what the issuer's keys are.
fn within_origin(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let asked = attempt.previous().first().map(Url::origin);
    if asked.as_ref() != Some(&attempt.url().origin()) {
        attempt.error("it redirects to another origin")
    } else if attempt.previous().len() > MOST_REDIRECTS {
        attempt.error("it redirects too often")
    } else {
        attempt.follow()
    }
}

/// Where the metadata may be: OpenID Connect appends to the identifier, RFC 8414 section 3.1 inserts before its path.
fn places(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/');
    [
        format!("{path}/.well-known/openid-configuration"),
        format!("/.well-known/oauth-authorization-server{path}"),
    ]
    .map(|path| {
        let mut place = issuer.clone();
        place.set_path(&path);
        place
    })
}

/// `max-age` of `Cache-Control` (RFC 9111 section 5.2.2.1), within bounds.
fn lifetime(headers: &HeaderMap) -> Duration {
    let lines = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let directives: Vec<_> = lines
        .flat_map(|line| line.split(','))
        .map(|directive| directive.trim().to_ascii_lowercase())
        .collect();
    if directives.iter().any(|directive| directive == "no-store" || directive == "no-cache") {
        return SHORTEST;
    }
    let max_age = directives.iter().find_map(|directive| directive.strip_prefix("max-age=")?.parse().ok());
    max_age.map_or(LIFETIME, Duration::from_secs).clamp(SHORTEST, LONGEST)
}

/// The innermost cause: the error's own text repeats the URL.
fn cause(error: &reqwest::Error) -> String {
    let innermost = iter::successors(error.source(), |&cause| cause.source()).last();
    innermost.map_or_else(|| "the request failed".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests;
