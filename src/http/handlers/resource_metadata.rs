//! The gateway's metadata as a protected resource (RFC 9728), from which clients learn the issuer of its tokens.

use actix_web::{HttpRequest, HttpResponse, http::header};
use serde_json::json;

use crate::http::{context::RequestContext, error::ApiError};

/// `GET /.well-known/oauth-protected-resource` (RFC 9728 section 2).
pub(in crate::http) async fn metadata(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let context = RequestContext::of(&request);
    let config = &context.authenticator.config;
    let Some(tokens) = &config.tokens else {
        // Without an issuer, the path responds like any unknown path.
        if config.strict {
            context.require_caller()?;
        }
        return Err(ApiError::NotFound);
    };
    let mut metadata = json!({
        "resource": context.authenticator.runtime.base.as_str().trim_end_matches('/'),
        "authorization_servers": [tokens.jwt.issuer.as_str()],
        "bearer_methods_supported": ["header"],
    });
    let scopes: Vec<_> = tokens.scopes().collect();
    if !scopes.is_empty() {
        metadata["scopes_supported"] = json!(scopes);
    }
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "max-age=300")).json(metadata))
}
