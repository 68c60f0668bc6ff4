//! OAuth 2.1 towards upstreams, as the MCP authorization specification has it: finding the authorization server,
//! becoming its client, getting tokens, keeping them.
//!
//! Invariant: a token goes to the MCP server that it was issued for and to no other, and secrets appear in no log,
//! no error and no URL of ours.

mod assertion;
mod challenge;
mod client;
mod discovery;
mod metadata;
mod outbound;
mod python;
mod record;
mod scopes;
mod seal;
mod store;
mod token;
mod vault;
