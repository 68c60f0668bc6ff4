//! Headers that restrict what browsers do with a response.

use actix_web::middleware::DefaultHeaders;

/// Returns the headers of every response except pages, so that a browser neither sniffs its type nor shows it in a
/// frame.
pub(in crate::http) fn security_headers() -> DefaultHeaders {
    [
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
    ]
    .into_iter()
    .fold(DefaultHeaders::new(), DefaultHeaders::add)
}
