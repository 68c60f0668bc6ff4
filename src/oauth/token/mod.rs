//! Access and refresh tokens: how they are requested, kept current and revoked.

mod assertion;
pub(super) mod credential;
pub(super) mod endpoint;
pub(super) mod refresh;
pub(super) mod request;
pub(super) mod response;
pub(super) mod revocation;
pub(super) mod state;
