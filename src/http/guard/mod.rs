//! Who may come in: asked before anything is looked up.
//!
//! Invariant: whether a request needs a credential depends on its method, and on whether its path is to the letter one
//! of the listed ones ([`routes`]); never on what the path leads to, so no spelling of a path gets round it. What a
//! caller's permission withholds is asked once it is known what the path leads to, by the names that it was resolved to.

mod caller;
mod credential;
mod denial;
mod gatekeeper;
mod rates;
mod tokens;

pub(super) use caller::Caller;
pub(super) use denial::Denial;
pub(super) use gatekeeper::Gatekeeper;
pub(super) use tokens::{METADATA_PATH, metadata};

use std::fmt;

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::AUTHORIZATION,
    middleware::Next,
    web::Data,
};
use tracing::{Span, info};

use self::{gatekeeper::Refused, rates::Allowance};
use super::{
    audit::{self, Wanted},
    error::ApiError,
    peer,
    routes::{self, Entrance},
    state::Gateway,
};
use crate::config::Permission;

/// What is known of who sent a request; kept with it.
struct Visitor(Result<Caller, Denial>);

/// Lets a request pass, with its caller, or answers why not.
pub(super) async fn check<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let Some(gateway) = request.app_data::<Data<Gateway>>() else {
        return Ok(request.error_response(ApiError::NotFound).map_into_right_body());
    };
    let gateway = gateway.clone();
    let guard = gateway.snapshot().guard.clone();
    let mut allowance = Allowance::default();
    let visitor = match routes::entrance(request.method(), request.path()) {
        Entrance::Anybody => None,
        Entrance::Asked => Some(guard.identify(&request).await),
        Entrance::Reader if !guard.config.strict => Some(guard.identify(&request).await),
        Entrance::Reader | Entrance::Caller => match guard.admit(&request, &mut allowance).await {
            Ok(caller) => Some(Ok(caller)),
            Err(Refused { caller, denial }) => {
                if let Some(caller) = caller {
                    request.extensions_mut().insert(Visitor(Ok(caller)));
                }
                let mut response = request.error_response(ApiError::Denied(denial)).map_into_right_body();
                note_denial(&gateway, &guard, &response);
                allowance.tell(response.headers_mut());
                return Ok(response);
            }
        },
    };
    let tried = visitor.as_ref().and_then(|visitor| visitor.as_ref().err()).cloned();
    let tried = tried.filter(|_| request.headers().contains_key(AUTHORIZATION));
    if let Some(visitor) = visitor {
        if let Some(name) = visitor.as_ref().ok().and_then(Caller::name) {
            Span::current().record("caller", name);
        }
        request.extensions_mut().insert(Visitor(visitor));
    }
    let mut response = next.call(request).await?.map_into_left_body();
    let refused = note_denial(&gateway, &guard, &response);
    if let Some(denial) = tried.filter(|_| !refused) {
        // It costs nothing where all is open, but whoever tries keys shall be seen.
        guard.count_denied();
        info!(address = %peer::address(response.request()), "a credential that opens nothing: {denial}");
    }
    allowance.tell(response.headers_mut());
    Ok(response)
}

/// Counts and records an answer that lets nobody in, whoever gave it; says whether it is one.
fn note_denial<B>(gateway: &Gateway, guard: &Gatekeeper, response: &ServiceResponse<B>) -> bool {
    let Some(ApiError::Denied(denial)) = ApiError::of(response) else { return false };
    guard.count_denied();
    note(gateway, response, denial);
    true
}

/// Writes that a request was refused into the log and the record of calls.
pub(super) fn note<B>(gateway: &Gateway, response: &ServiceResponse<B>, reason: &impl fmt::Display) {
    let request = response.request();
    info!(address = %peer::address(request), "refused: {reason}");
    let wanted = Wanted::Path { method: request.method().as_str(), path: request.path() };
    audit::record(gateway, request, wanted, "denied", Some(response.status().as_u16()), 0);
}

/// Who sent the request.
///
/// # Errors
///
/// It brought no good credential where one is needed.
pub(super) fn caller(request: &HttpRequest) -> Result<Caller, ApiError> {
    match request.extensions().get::<Visitor>() {
        Some(Visitor(Ok(caller))) => Ok(caller.clone()),
        Some(Visitor(Err(denial))) => Err(ApiError::Denied(denial.clone())),
        None => Err(ApiError::NotFound),
    }
}

/// The same, of a browser that may not have shown its credential yet: it can be typed in.
///
/// # Errors
///
/// As of [`caller`].
pub(super) fn caller_at_browser(request: &HttpRequest, guard: &Gatekeeper) -> Result<Caller, ApiError> {
    caller(request).map_err(|error| match error {
        ApiError::Denied(Denial::Unauthorized { message, .. }) => {
            Denial::Unauthorized { message, challenges: guard.challenges(true) }.into()
        }
        error => error,
    })
}

/// What may be shown to who sent the request: everything where documents are open and it brought no good credential.
pub(super) fn permission(request: &HttpRequest) -> Permission {
    match request.extensions().get::<Visitor>() {
        Some(Visitor(Ok(caller))) => caller.permission.clone(),
        _ => Permission::FULL,
    }
}
