//! Errors as HTML pages for people.

use actix_web::{
    Error,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{HeaderName, HeaderValue},
    },
    middleware::Next,
};

use super::accept;
use crate::http::{error::ApiError, pages};

/// Turns errors into pages for browsers that navigate, but not for programs that call tools.
pub(in crate::http) async fn error_pages<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let looks = reads && accept::prefers_html(request.headers());
    let mut response = next.call(request).await?;
    let Some(error) = ApiError::of(&response).filter(|_| looks) else {
        return Ok(response.map_into_left_body());
    };
    let text = pages::error_page(response.status(), error, response.request().path());
    // A cache must not serve a page to a program.
    for (name, value) in pages::HEADERS.into_iter().chain([("cache-control", "no-store")]) {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Ok(response.map_body(|_, _| EitherBody::right(BoxBody::new(text))))
}
