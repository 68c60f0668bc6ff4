//! An access token, ready to be sent.

use std::time::{Duration, SystemTime};

use http::HeaderValue;

use super::response::Tokens;
use crate::secret::ExposeSecret;

/// A token is renewed when a fifth of its time is left, but no earlier than this long before it expires.
const LONGEST_LEAD: Duration = Duration::from_secs(60);

/// No token is renewed sooner than this after it was taken up.
const SHORTEST_USE: Duration = Duration::from_secs(1);

/// The value of an `Authorization` header (RFC 6750 section 2.1), and how long it is good for.
pub struct Credential {
    /// Marked sensitive.
    pub header: HeaderValue,
    /// When it expires; `None` if that is not known.
    pub expires: Option<SystemTime>,
    /// When to renew it.
    pub renew: Option<SystemTime>,
}

impl Credential {
    /// The token as a header; `None` if no header can carry it.
    pub(crate) fn new(tokens: &Tokens) -> Option<Self> {
        let mut header: HeaderValue = format!("Bearer {}", tokens.access.expose_secret()).parse().ok()?;
        header.set_sensitive(true);
        let lead = |expires: SystemTime| {
            let left = expires.duration_since(SystemTime::now()).unwrap_or_default();
            // A server whose tokens expire at once is not asked without a pause.
            (expires - (left / 5).min(LONGEST_LEAD)).max(SystemTime::now() + SHORTEST_USE)
        };
        Some(Self { header, expires: tokens.expires_at, renew: tokens.expires_at.map(lead) })
    }

    /// Whether it is no longer worth sending.
    pub fn expired(&self) -> bool {
        self.lifetime().is_some_and(|left| left.is_zero())
    }

    /// How long it is still valid; `None` if that is not known.
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        self.expires.map(|expires| expires.duration_since(SystemTime::now()).unwrap_or_default())
    }
}
