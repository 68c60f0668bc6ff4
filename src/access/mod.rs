//! Who may call: credentials, the callers that they name, what each may do, and how often. Pure of HTTP.
//!
//! Invariant: every credential is compared with all keys in constant time, and a refusal says no more than its status
//! does. What a caller's [`Permission`](crate::config::Permission) withholds is judged by `config`, once the names that a
//! request leads to are known.

mod authenticator;
mod authorization_header;
mod caller;
mod error;
mod network;
mod rate_limit;
mod tokens;

pub use authenticator::{Authenticator, Refused};
pub use authorization_header::AuthorizationHeader;
pub use caller::Caller;
pub use error::AccessError;
pub use network::network;
pub use rate_limit::Allowance;
pub use tokens::{METADATA_PATH, Runtime};

pub use crate::jwt::Refusal;
