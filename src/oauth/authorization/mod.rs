//! Logins by a person: the authorization code grant (RFC 6749 section 4.1) with PKCE (RFC 7636).

pub(super) mod browser;
pub(super) mod login;
pub(super) mod pending;
mod request;
pub(super) mod response;
