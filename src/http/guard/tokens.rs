//! Tokens as credentials: whom they name, what they open, and where clients learn who issues them.

use std::{fmt::Write as _, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use serde_json::json;
use tokio_util::sync::DropGuard;
use tracing::warn;

use super::{caller::Caller, denial::Denial};
use crate::{
    config::{self, Permission},
    http::{error::ApiError, state::Gateway},
    jwt::{Refusal, Verifier},
    oauth::Office,
};

/// Where the metadata of a protected resource stands (RFC 9728 section 3), below the gateway's base URL.
pub(in crate::http) const METADATA_PATH: &str = "/.well-known/oauth-protected-resource";
/// The longest name that a token gives its caller in logs.
const LONGEST_NAME: usize = 128;

/// The issuer whose tokens open the gateway.
pub(super) struct Tokens {
    config: config::Tokens,
    issuer: Arc<Issuer>,
}

/// Ends the task that keeps the issuer's keys when nobody asks for them any more.
struct Issuer {
    verifier: Verifier,
    _stop: DropGuard,
}

impl Tokens {
    /// Those of `config`. Where `former` took those of the same issuer, its keys are used on.
    pub(super) fn new(config: config::Tokens, former: Option<&Self>, office: &Office) -> Self {
        let alike = former.filter(|former| former.config.jwt == config.jwt);
        let issuer = alike.map(|former| former.issuer.clone()).unwrap_or_else(|| {
            let stop = office.stopped().child_token();
            let verifier = Verifier::new(config.jwt.clone(), office.proxy(), office.tasks(), stop.clone());
            Arc::new(Issuer { verifier, _stop: stop.drop_guard() })
        });
        Self { config, issuer }
    }

    /// Whom a token was issued to, and what it opens.
    pub(super) async fn caller(&self, token: &[u8], metadata: &str) -> Result<Caller, Denial> {
        let refused = |refusal| match refusal {
            Refusal::Unavailable { reason, retry_after } => {
                warn!("a token cannot be checked: {reason}");
                Denial::Unchecked { retry_after }
            }
            refusal => Denial::BadToken { challenge: invalid(&refusal, metadata), refusal },
        };
        let token = str::from_utf8(token).map_err(|_| refused(Refusal::Malformed))?;
        let claims = self.issuer.verifier.verify(token).await.map_err(refused)?;
        let permission: Option<Permission> = self.config.permission(&claims.all, &claims.scopes);
        let permission =
            permission.ok_or_else(|| Denial::NoScope { challenge: self.insufficient(metadata) })?;
        let name = claims.subject.or(claims.client).unwrap_or_default();
        Ok(Caller::new(log_name(&name).into(), permission))
    }

    /// RFC 6750 section 3.1.
    fn insufficient(&self, metadata: &str) -> String {
        let scopes: Vec<_> = self.config.scopes().collect();
        let mut challenge = "Bearer error=\"insufficient_scope\"".to_owned();
        if !scopes.is_empty() {
            // What is written to a string arrives.
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

/// `token:` and whom it names, so that nobody passes for a key.
fn log_name(subject: &str) -> String {
    let tame = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    format!("token:{}", subject.chars().take(LONGEST_NAME).map(tame).collect::<String>())
}

/// Where the metadata of a gateway at `base` stands.
pub(in crate::http) fn metadata_url(base: &url::Url) -> String {
    format!("{}{METADATA_PATH}", base.as_str().trim_end_matches('/'))
}

/// RFC 9728 section 2.
pub(in crate::http) async fn metadata(
    request: HttpRequest,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, ApiError> {
    let snapshot = gateway.snapshot();
    let guard = &snapshot.guard.config;
    let Some(tokens) = &guard.tokens else {
        // Then it is like any other path that leads nowhere.
        return if guard.strict {
            super::caller(&request).and(Err(ApiError::NotFound))
        } else {
            Err(ApiError::NotFound)
        };
    };
    let mut metadata = json!({
        "resource": gateway.office.base().as_str().trim_end_matches('/'),
        "authorization_servers": [tokens.jwt.issuer.as_str()],
        "bearer_methods_supported": ["header"],
    });
    let scopes: Vec<_> = tokens.scopes().collect();
    if !scopes.is_empty() {
        metadata["scopes_supported"] = json!(scopes);
    }
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "max-age=300")).json(metadata))
}
