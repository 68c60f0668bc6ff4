//! Access tokens as credentials: the caller that they name, what they grant, and where clients learn who issues them.

use std::{fmt::Write as _, sync::Arc};

use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use tracing::warn;
use url::Url;

use super::{caller::Caller, error::AccessError};
use crate::{
    config::{self, ForwardProxy, Permission},
    jwt::{Refusal, Verifier},
};

/// Where the metadata of a protected resource stands (RFC 9728 section 3), below the gateway's base URL.
pub const METADATA_PATH: &str = "/.well-known/oauth-protected-resource";
/// The longest name of a token's caller in logs, in characters.
const LONGEST_NAME: usize = 128;

/// What verifying tokens needs of the application.
#[derive(Clone)]
pub struct Runtime {
    /// Where clients reach the gateway, without a trailing slash.
    pub base: Url,
    /// The forward proxy that requests to the issuer go through.
    pub proxy: ForwardProxy,
    /// Tracks the tasks that fetch the issuer's keys.
    pub tasks: TaskTracker,
    /// Ends them.
    pub stop: CancellationToken,
}

/// The issuer whose tokens are accepted.
pub(super) struct TokenVerifier {
    config: config::TokenPolicy,
    issuer: Arc<SharedVerifier>,
}

/// Ends the task that keeps the issuer's keys once it is dropped.
struct SharedVerifier {
    verifier: Verifier,
    _stop: DropGuard,
}

impl TokenVerifier {
    /// Accepts the tokens of `config`. If `former` accepted those of the same issuer, its keys are kept.
    pub(super) fn new(config: config::TokenPolicy, former: Option<&Self>, runtime: &Runtime) -> Self {
        let alike = former.filter(|former| former.config.jwt == config.jwt);
        let issuer = alike.map(|former| former.issuer.clone()).unwrap_or_else(|| {
            let stop = runtime.stop.child_token();
            let verifier = Verifier::new(config.jwt.clone(), &runtime.proxy, &runtime.tasks, stop.clone());
            Arc::new(SharedVerifier { verifier, _stop: stop.drop_guard() })
        });
        Self { config, issuer }
    }

    /// Returns the caller that a token names, with what it grants.
    pub(super) async fn caller(&self, token: &[u8], metadata: &str) -> Result<Caller, AccessError> {
        let refused = |refusal| match refusal {
            Refusal::Unavailable { reason, retry_after } => {
                warn!("a token cannot be checked: {reason}");
                AccessError::Unverifiable { retry_after }
            }
            refusal => AccessError::BadToken { challenge: invalid(&refusal, metadata), refusal },
        };
        let token = str::from_utf8(token).map_err(|_| refused(Refusal::Malformed))?;
        let claims = self.issuer.verifier.verify(token).await.map_err(refused)?;
        let permission: Option<Permission> = self.config.permission(&claims.all, &claims.scopes);
        let permission =
            permission.ok_or_else(|| AccessError::NoScope { challenge: self.insufficient(metadata) })?;
        let name = claims.subject.or(claims.client).unwrap_or_default();
        Ok(Caller::new(log_name(&name).into(), permission))
    }

    /// RFC 6750 section 3.1.
    fn insufficient(&self, metadata: &str) -> String {
        let scopes: Vec<_> = self.config.scopes().collect();
        let mut challenge = "Bearer error=\"insufficient_scope\"".to_owned();
        if !scopes.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(challenge, ", scope=\"{}\"", scopes.join(" "));
        }
        let _ = write!(challenge, ", resource_metadata=\"{metadata}\"");
        challenge
    }
}

/// RFC 6750 section 3.1; a refusal's text may stand between quotes as it is.
fn invalid(refusal: &Refusal, metadata: &str) -> String {
    format!(
        "Bearer error=\"invalid_token\", error_description=\"{refusal}\", resource_metadata=\"{metadata}\""
    )
}

/// Returns `token:` and the subject, so that no token passes for a key in logs.
fn log_name(subject: &str) -> String {
    let tame = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    format!("token:{}", subject.chars().take(LONGEST_NAME).map(tame).collect::<String>())
}

/// Returns the URL of the metadata of a gateway at `base`.
pub(super) fn metadata_url(base: &Url) -> String {
    format!("{}{METADATA_PATH}", base.as_str().trim_end_matches('/'))
}
