//! Authenticates the caller before anything is looked up.
//!
//! Invariant: whether a request needs a credential depends only on its method, and on whether its path is exactly one
//! of those listed in [`routes`]. It never depends on what the path resolves to, so no other spelling of a path can
//! bypass it. The caller's permission is checked later, against the names that the path resolved to.

use actix_web::{
    Error,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    web::Data,
};
use tracing::{Span, info};

use crate::{
    access::{AccessError, Allowance, AuthorizationHeader, Caller, Refused},
    excerpt::Excerpt,
    http::{
        audit,
        context::RequestContext,
        error::ApiError,
        observability::Observability,
        routes::{self, AccessPolicy},
    },
};

/// Passes a request on, or responds with the reason why not.
pub(in crate::http) async fn authentication<B: MessageBody>(
    observability: Data<Observability>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let context = RequestContext::of(&request);
    let mut allowance = Allowance::default();
    let caller = match authenticate(&request, &context, &mut allowance).await {
        Ok(caller) => caller,
        Err(Refused { caller, error }) => {
            if let Some(caller) = caller {
                context.authenticated(Ok(caller));
            }
            let mut response = request.error_response(ApiError::Access(error)).map_into_right_body();
            note_refusal(&observability, &context, &response).await;
            add(&allowance, response.headers_mut());
            return Ok(response);
        }
    };
    let tried = caller.as_ref().and_then(|caller| caller.as_ref().err()).cloned();
    let tried = tried.filter(|_| request.headers().contains_key(AUTHORIZATION));
    if let Some(caller) = caller {
        if let Some(name) = caller.as_ref().ok().and_then(Caller::name) {
            Span::current().record("caller", Excerpt(name).to_string());
        }
        context.authenticated(caller);
    }
    let mut response = next.call(request).await?.map_into_left_body();
    let refused = note_refusal(&observability, &context, &response).await;
    if let Some(error) = tried.filter(|_| !refused) {
        // The route is open, but attempts to guess a key must be visible.
        context.authenticator.count_denied();
        info!(address = %context.address(), "a wrong credential on an open route: {error}");
    }
    add(&allowance, response.headers_mut());
    Ok(response)
}

/// Returns the caller, or the error of its credential; `None` if the route does not need one.
async fn authenticate(
    request: &ServiceRequest,
    context: &RequestContext,
    allowance: &mut Allowance,
) -> Result<Option<Result<Caller, AccessError>>, Refused> {
    let authenticator = &context.authenticator;
    let credential =
        AuthorizationHeader::of(request.headers().get_all(AUTHORIZATION).map(HeaderValue::as_bytes));
    match routes::policy(request.method(), request.path()) {
        AccessPolicy::Public => Ok(None),
        AccessPolicy::HandlerDecides => Ok(Some(authenticator.identify(context.address(), credential).await)),
        AccessPolicy::Reader if !authenticator.config.strict => {
            Ok(Some(authenticator.identify(context.address(), credential).await))
        }
        AccessPolicy::Reader | AccessPolicy::Caller => {
            let admitted = authenticator.admit(context.address(), credential, allowance).await;
            admitted.map(|caller| Some(Ok(caller)))
        }
    }
}

/// Counts and records a response that refuses access, from any layer or handler, and returns whether it is one.
async fn note_refusal<B>(
    observability: &Observability,
    context: &RequestContext,
    response: &ServiceResponse<B>,
) -> bool {
    let Some(ApiError::Access(error)) = ApiError::of(response) else { return false };
    context.authenticator.count_denied();
    audit::refused(observability.audit.as_ref(), context, response, error).await;
    true
}

/// Adds the rate limit headers.
fn add(allowance: &Allowance, headers: &mut HeaderMap) {
    for (name, text) in allowance.headers() {
        if let (false, Ok(value)) = (text.is_empty(), HeaderValue::from_str(text)) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
