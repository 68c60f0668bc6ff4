//! OAuth 2.1 towards upstreams, as the MCP authorization specification has it: finding the authorization server,
//! becoming its client, getting tokens, keeping them.
//!
//! Invariant: a token goes to the MCP server that it was issued for and to no other, and secrets appear in no log,
//! no error and no URL of ours.

mod address;
mod authorization;
mod authorizer;
mod browser;
mod challenge;
mod client;
mod credential;
mod discovery;
mod endpoint;
mod error;
mod kept;
mod lane;
mod ledger;
mod lenient;
mod login;
mod logins;
mod metadata;
mod office;
mod outbound;
mod python;
mod record;
mod renewal;
mod scopes;
mod seal;
mod shared;
mod store;
mod token;
mod vault;

pub use authorizer::Authorizer;
pub use challenge::Challenge;
pub use error::{AuthError, LoginNeeded};
pub use kept::Kept;
pub use login::{LOGIN_LIFETIME, Waiting};
pub use logins::Outcome;
pub use office::{CALLBACK_PATH, DEFAULT_CALLBACK_PORT, DOCUMENT_PATH, Office};
pub use scopes::Scopes;
pub use shared::Standing;
