//! The only way out to the network: HTTP clients, and the rules for what they connect to, follow and read.
//!
//! Invariants: each request goes by the forward proxy that the environment names, and by no other rules. A redirect is
//! followed within its origin only. What a stranger's document names is reached only at addresses that the policy of the
//! [`GuardedClient`] admits.

mod address;
mod body;
mod cause;
mod client;
mod filtered;
mod guarded;
pub mod metadata;
mod redirect;

pub use body::beginning;
pub use cause::{causes, root_cause};
pub use client::{client, client_without_redirects};
pub use guarded::{Answer, FetchError, GuardedClient, Network};
pub use redirect::{Redirect, redirect};
