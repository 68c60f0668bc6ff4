//! The keys of the issuer: its metadata (OpenID Connect Discovery 1.0, RFC 8414), then its JWK set.
//!
//! The operator has chosen the issuer, so it may be on a private network. Invariant: keys come only from where metadata
//! say that name this very issuer, over https or from this machine, and from the origin that was asked.

use std::time::Duration;

use http::{HeaderMap, header};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::keys::Keys;
use crate::{
    config::{self, ForwardProxy},
    net::{
        GuardedClient, Network,
        metadata::{AUTHORIZATION_SERVER, OPENID, appended, inserted},
    },
};

/// How long all of it may take: metadata in either place, and keys.
const WHOLE: Duration = Duration::from_secs(10);
/// How long keys are fresh if the issuer does not say, and the bounds of what is believed.
const LIFETIME: Duration = Duration::from_secs(60 * 60);
const SHORTEST: Duration = Duration::from_secs(5 * 60);
/// See [`LIFETIME`].
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The configured issuer, as a server.
#[derive(Debug, Clone)]
pub(super) struct IssuerClient {
    identifier: config::IssuerIdentifier,
    client: GuardedClient,
}

/// What the issuer publishes.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) keys: Keys,
    /// For how long they are fresh.
    pub(super) lifetime: Duration,
}

impl IssuerClient {
    pub(super) fn new(identifier: config::IssuerIdentifier, proxy: &ForwardProxy) -> Self {
        Self { identifier, client: Network::new(proxy.clone()).anywhere() }
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
        let answer = self.client.get_json(url).await.map_err(|error| error.reason())?;
        if answer.status != 200 {
            return Err(format!("HTTP {}", answer.status));
        }
        let document = serde_json::from_slice(&answer.body).map_err(|_| "it is not JSON")?;
        Ok((answer.headers, document))
    }
}

/// Where the metadata may be. OpenID Connect comes first: most issuers of tokens for callers have it.
fn places(issuer: &Url) -> [Url; 2] {
    [appended(issuer, OPENID), inserted(issuer, AUTHORIZATION_SERVER)]
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

#[cfg(test)]
mod tests;
