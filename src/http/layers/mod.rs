//! The layers that every request passes, in the order given in `http/mod.rs`.

mod accept;
mod authentication;
mod context;
mod cors;
mod error_pages;
mod exchange;
mod host;
mod security_headers;

pub(super) use authentication::authentication;
pub(super) use context::context;
pub(super) use cors::cors;
pub(super) use error_pages::error_pages;
pub(super) use exchange::exchange;
pub(super) use host::host;
pub(super) use security_headers::security_headers;
