//! mcpo as a client of authorization servers: configured, described by a document, or registered (RFC 7591).

pub(super) mod auth_method;
pub(super) mod client;
pub(super) mod client_metadata;
mod dynamic;
pub(super) mod login_client;
mod obtain;
