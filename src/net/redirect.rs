//! Redirects (RFC 9110 section 15.4). Requests carry credentials, so they are repeated within their origin only.

use http::{HeaderMap, header};
use url::Url;

/// Where an answer redirects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirect {
    /// The answer is no redirect.
    None,
    /// To another URL of the same origin, without credentials and fragment.
    Within(Url),
    /// To another origin.
    Elsewhere(Url),
    /// It does not say where to.
    Nowhere,
}

/// Where an answer from `url` with this status and these headers redirects to.
pub fn redirect(url: &Url, status: u16, headers: &HeaderMap) -> Redirect {
    if !matches!(status, 301..=303 | 307 | 308) {
        return Redirect::None;
    }
    let location =
        headers.get(header::LOCATION).and_then(|location| str::from_utf8(location.as_bytes()).ok());
    let Some(mut target) = location.and_then(|location| url.join(location).ok()) else {
        return Redirect::Nowhere;
    };
    if target.origin() != url.origin() {
        return Redirect::Elsewhere(target);
    }
    // Same origin, same credentials; hyper would not take them from a URL.
    let _ = (target.set_username(""), target.set_password(None));
    target.set_fragment(None);
    Redirect::Within(target)
}
