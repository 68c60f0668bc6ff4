//! JSON Web Tokens that callers show: whether the configured issuer has signed them, for us, for now.
//!
//! Profiles: RFC 7519, RFC 9068 (JWT access tokens) and the best current practices of RFC 8725. Owns the task that keeps
//! the issuer's keys. Invariant: [`Claims`] exist only of a token whose signature, issuer, audience and times were
//! checked, and nothing that a token says about itself decides how it is checked.

mod claims;
mod issuer;
mod jwks_cache;
mod keys;
mod refusal;
#[cfg(test)]
mod signer;
mod token;
mod verifier;

pub use claims::Claims;
pub use refusal::Refusal;
pub use token::is_jwt;
pub use verifier::Verifier;
