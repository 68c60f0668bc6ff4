//! Access and refresh tokens: how they are requested, kept current and revoked.

pub(super) mod assertion;
pub(super) mod endpoint;
pub(super) mod response;
