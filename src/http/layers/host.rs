//! Protects against DNS rebinding by checking the `Host` header.
//!
//! If an attacker's host name resolves to this machine, the browser takes a page from there and a local gateway for the
//! same origin, so the page could call tools without CORS. Its requests still have the attacker's name as `Host`.

use actix_web::{
    Error,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Data,
};
use tracing::info;

use crate::http::{
    client::{Front, authority},
    context::RequestContext,
    error::ApiError,
};

/// Refuses requests for another host (RFC 9110 section 15.5.20).
pub(in crate::http) async fn host<B: MessageBody>(
    front: Data<Front>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    // Browsers always send a host; HTTP/1.0 clients need not.
    if authority(&request).is_none_or(|authority| front.hosts.admit(authority)) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    info!(client = %RequestContext::of(&request).address(), "refused a request for another host");
    Ok(request.error_response(ApiError::Misdirected).map_into_right_body())
}
