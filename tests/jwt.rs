//! Callers' tokens, from a real issuer.

pub(crate) mod issuer;
mod rotation;
