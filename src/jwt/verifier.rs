//! From a token to its claims.

use std::{fmt, sync::Arc};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    claims::Claims, issuer::IssuerClient, jwks_cache::JwksCache, keys::Keys, refusal::Refusal, token::Header,
};
use crate::config::{ForwardProxy, Jwt};

/// Verifies tokens of one issuer. Cheap to clone.
///
/// Nothing of a verified token is kept: checking one again takes less than 0.1 ms, and a revoked key ends all at once.
#[derive(Clone)]
pub struct Verifier {
    config: Arc<Jwt>,
    cache: Arc<JwksCache>,
}

impl Verifier {
    /// Begins to fetch the issuer's keys in a task of `tasks`, until `stop`; does not wait for them.
    pub fn new(config: Jwt, proxy: &ForwardProxy, tasks: &TaskTracker, stop: CancellationToken) -> Self {
        let issuer = IssuerClient::new(config.issuer.clone(), proxy);
        let name = config.issuer.as_str().to_owned();
        let cache = JwksCache::start(name, tasks, stop, move || {
            let issuer = issuer.clone();
            async move { issuer.keys().await }
        });
        Self { config: Arc::new(config), cache }
    }

    /// Verifies a token. If the issuer has to be asked for a key, this waits for up to 20 s.
    ///
    /// # Errors
    ///
    /// Says why the token is refused, or that the issuer's keys cannot be had.
    pub async fn verify(&self, token: &str) -> Result<Claims, Refusal> {
        let header = Header::of(token)?;
        let judged = self.cache.at_hand().map(|keys| self.judge(token, &header, &keys));
        match judged {
            None | Some(Err(Refusal::UnknownKey)) => {
                let renewed = self.cache.renewed().await?;
                self.judge(token, &header, &renewed)
            }
            Some(judged) => judged,
        }
    }

    fn judge(&self, token: &str, header: &Header, keys: &Keys) -> Result<Claims, Refusal> {
        let judged = Claims::verify(token, header, keys.find(header)?, &self.config);
        match judged {
            // The only key need not be the one that a token without `kid` was signed with.
            Err(Refusal::BadSignature) if header.key_id.is_none() => Err(Refusal::UnknownKey),
            judged => judged,
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
