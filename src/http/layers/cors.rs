//! Cross-origin requests (Fetch standard, CORS protocol), handled as in the Python mcpo, which uses Starlette.
//!
//! actix-cors is not used, because its responses to preflights and foreign origins differ from what clients of the
//! Python mcpo know. There are two deliberate differences: `*` is never combined with credentials, and a write from a
//! foreign page has no effect unless the page shows a key.

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use url::Url;

use crate::{
    config::{CorsOrigins, is_loopback_host},
    http::{audit, context::RequestContext, error::ApiError, observability::Observability},
};

const METHODS: HeaderValue = HeaderValue::from_static("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
/// How long a browser may cache a preflight's response, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
/// The headers that a page may read in addition to those that are always readable.
const EXPOSED: HeaderValue = HeaderValue::from_static("X-Request-Id");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const ANY: HeaderValue = HeaderValue::from_static("*");
const ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

/// Answers preflights, refuses writes of foreign pages, and adds CORS headers to all other responses.
pub(in crate::http) async fn cors<B: MessageBody>(
    observability: Data<Observability>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let context = RequestContext::of(&request);
    let origins = &context.authenticator.config.cors;
    let origin = request.headers().get(header::ORIGIN).cloned();
    let asks = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if let Some(origin) = origin.as_ref().filter(|_| asks) {
        let response = preflight(origins, origin, request.headers());
        return Ok(request.into_response(response).map_into_right_body());
    }
    let mut response = match refusal(&request, &context, origins, origin.as_ref()) {
        Some(error) => {
            let response = request.error_response(error);
            if let Some(error) = ApiError::of(&response) {
                audit::refused(observability.audit.as_ref(), &context, &response, error).await;
            }
            response.map_into_right_body()
        }
        None => next.call(request).await?.map_into_left_body(),
    };
    let headers = response.headers_mut();
    match origin {
        Some(origin) => {
            allow(origins, &origin, headers);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
        // A cache must not serve this response to an origin that would get another.
        None if matches!(origins, CorsOrigins::Listed(_)) => headers.append(header::VARY, ORIGIN),
        None => {}
    }
    Ok(response)
}

/// Returns why a write of a page is refused; `None` if it is not, and for all other requests.
///
/// If origins are listed, others may not write. With `*`, any page may write that shows a key of its own; but what the
/// browser adds by itself, or what needs no key, does not show that the page may call.
fn refusal(
    request: &ServiceRequest,
    context: &RequestContext,
    origins: &CorsOrigins,
    origin: Option<&HeaderValue>,
) -> Option<ApiError> {
    if !writes(request) || origin.is_some_and(|origin| is_own(request, context, origin)) {
        return None;
    }
    match (origins, origin) {
        (CorsOrigins::Listed(_), Some(origin)) => {
            (!allows(origins, origin)).then_some(ApiError::ForeignOrigin)
        }
        (CorsOrigins::Any, Some(origin)) if is_local(origin) => None,
        (CorsOrigins::Any, Some(_)) => is_ambient(request, context).then_some(ApiError::AmbientCredential),
        (_, None) => {
            let foreign = fetch_site(request).is_some_and(|site| site == "cross-site" || site == "same-site");
            (foreign && is_ambient(request, context)).then_some(ApiError::AmbientCredential)
        }
    }
}

/// Whether a browser could send the request with the same rights for any page: no key is needed, or the key comes as
/// `Basic`, which browsers remember. Without a credential it is the authentication that refuses.
fn is_ambient(request: &ServiceRequest, context: &RequestContext) -> bool {
    let credential = request.headers().get(header::AUTHORIZATION);
    let is_bearer = |value: &HeaderValue| {
        value.as_bytes().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
    };
    !context.authenticator.config.is_closed() || credential.is_some_and(|value| !is_bearer(value))
}

/// Whether the page was served by the machine that its browser runs on: a local web interface.
fn is_local(origin: &HeaderValue) -> bool {
    let url = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
    url.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.host().is_some_and(|host| is_loopback_host(&host))
    })
}

/// Whether the request may have an effect.
///
/// A page can send a simple request without a preflight, so hiding the response from it is not enough.
fn writes(request: &ServiceRequest) -> bool {
    ![Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method())
}

/// Whether the page has the gateway's origin.
///
/// The browser says so in Fetch Metadata, which no page can forge. Without it, the page's host must be the host of the
/// request.
fn is_own(request: &ServiceRequest, context: &RequestContext, origin: &HeaderValue) -> bool {
    let authority =
        |origin: &str| origin.split_once("://").map(|(_, authority)| authority.to_ascii_lowercase());
    fetch_site(request).map_or_else(
        || {
            let page = origin.to_str().ok().and_then(authority);
            page.is_some() && page == authority(&context.client.origin())
        },
        |site| site == "same-origin",
    )
}

/// The relation of the page to the gateway, as its browser gives it.
fn fetch_site(request: &ServiceRequest) -> Option<&HeaderValue> {
    request.headers().get("sec-fetch-site")
}

fn preflight(origins: &CorsOrigins, origin: &HeaderValue, asked: &HeaderMap) -> HttpResponse {
    let method = asked.get(header::ACCESS_CONTROL_REQUEST_METHOD).map_or(&[][..], HeaderValue::as_bytes);
    let method = METHODS.as_bytes().split(|byte| b", ".contains(byte)).any(|known| known == method);
    let refused = match (allows(origins, origin), method) {
        (true, true) => None,
        (false, true) => Some("origin"),
        (true, false) => Some("method"),
        (false, false) => Some("origin, method"),
    };
    let text = refused.map_or_else(|| "OK".to_owned(), |what| format!("Disallowed CORS {what}"));
    let status = if refused.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let mut response = HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(text);
    let headers = response.headers_mut();
    allow(origins, origin, headers);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    response
}

fn allow(origins: &CorsOrigins, origin: &HeaderValue, headers: &mut HeaderMap) {
    match origins {
        CorsOrigins::Any => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        }
        CorsOrigins::Listed(_) => {
            headers.append(header::VARY, ORIGIN);
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
            if allows(origins, origin) {
                headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            }
        }
    }
}

fn allows(origins: &CorsOrigins, origin: &HeaderValue) -> bool {
    match origins {
        CorsOrigins::Any => true,
        CorsOrigins::Listed(listed) => listed.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()),
    }
}
