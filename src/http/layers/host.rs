//! Protects against DNS rebinding: a web page whose name is made to resolve to this machine is, for the browser, of the
//! same origin as a gateway that listens here, and may call it without CORS. Its requests bear its own name as `Host`.

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
    // A browser always names the host; HTTP/1.0 need not.
    if authority(&request).is_none_or(|authority| front.hosts.admit(authority)) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    info!(client = %RequestContext::of(&request).address(), "refused a request for another host");
    Ok(request.error_response(ApiError::Misdirected).map_into_right_body())
}
