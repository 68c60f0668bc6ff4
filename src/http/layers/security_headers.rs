//! Headers that tell browsers what not to do with an answer.

use actix_web::middleware::DefaultHeaders;

/// What every answer but a page carries: a browser neither guesses at its type nor shows it in a frame.
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
