//! Callers' tokens, from a real issuer.

pub(crate) mod forged;
pub(crate) mod issuer;
mod rotation;
