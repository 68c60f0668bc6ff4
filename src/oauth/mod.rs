//! OAuth 2.1 towards upstreams, as the MCP authorization specification has it: finding the authorization server,
//! becoming its client, getting tokens, keeping them.
//!
//! Invariant: a token goes to the MCP server that it was issued for and to no other, and secrets appear in no log,
//! no error and no URL of ours.

mod authorization;
mod authorizer;
mod callback;
mod context;
mod discovery;
mod endpoint;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod lenient;
mod registration;
mod scopes;
mod server;
mod status;
mod storage;
mod token;

pub use authorization::{
    login::Waiting,
    pending::{LOGIN_LIFETIME, PendingAuthorizations, Starting},
};
pub use authorizer::Authorizer;
pub use callback::{Outcome, complete};
pub use context::{CALLBACK_PATH, Context, DEFAULT_CALLBACK_PORT, DOCUMENT_PATH};
pub use discovery::challenge::Challenge;
pub use error::{AuthError, LoginNeeded};
pub use scopes::Scopes;
pub use status::AuthorizationStatus;
pub use token::revocation::TokenInfo;
