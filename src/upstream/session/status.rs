//! What a session is doing. This is all that other rooms watch of it.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{oauth::LoginNeeded, upstream::protocol::listing::Listing};

/// What a session is doing.
#[derive(Debug, Clone)]
pub enum Status {
    /// The first attempt is under way.
    Connecting,
    /// Tools can be called.
    Ready(Arc<Listing>),
    /// Connected, but one call after another fails, for this reason.
    Failing(Arc<Listing>, String),
    /// A person has to log in; it goes on by itself then.
    NeedsAuthorization(Box<LoginNeeded>),
    /// Not connected.
    Down {
        /// Why, in a sentence.
        reason: String,
        /// The last that its program wrote on stderr, for those who look after it.
        stderr_tail: Option<String>,
        /// When the next attempt starts, unless a caller wants it sooner.
        retry: Instant,
        /// The soonest that a caller may have it.
        soonest: Instant,
    },
    /// Ended for good.
    Stopped,
}

impl Status {
    /// What the server offers, while it is connected.
    pub fn listing(&self) -> Option<&Arc<Listing>> {
        match self {
            Self::Ready(listing) | Self::Failing(listing, _) => Some(listing),
            _ => None,
        }
    }
}
