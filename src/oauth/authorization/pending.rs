//! The pending authorizations: logins that were started and have not come back (RFC 6749 section 4.1).
//!
//! The table names servers and holds no handle on them. Invariant: a state is random, good for one return, for one
//! server, for the browser that it was given to, and for ten minutes.

use std::{collections::HashMap, fmt::Write as _, sync::Arc, time::Duration};

use oauth2::PkceCodeVerifier;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use url::Url;

use crate::{
    config,
    oauth::{discovery::search::Discovered, registration::client::Client, scopes::Scopes},
};

/// How long a person may take to log in.
pub const LOGIN_LIFETIME: Duration = Duration::from_secs(600);

/// How many authorizations may be pending; the oldest gives way.
const MOST: usize = 256;

/// The pending authorizations of all servers; clones share them.
#[derive(Clone, Default)]
pub struct PendingAuthorizations(watch::Sender<Table>);

#[derive(Default)]
struct Table {
    /// By the digest of their state: the time of a look-up then says nothing about the states that there are.
    pending: HashMap<[u8; 32], PendingAuthorization>,
    /// How many authorizations are being started that will come back to a redirect URI.
    starting: HashMap<Url, usize>,
}

/// A login that has not come back.
pub(crate) struct PendingAuthorization {
    /// The server's name.
    pub server: String,
    /// The MCP server's own URL: the tokens will go there only.
    pub url: Url,
    /// The server's `oauth` block as it was when the login was started.
    pub settings: config::OAuth,
    pub verifier: PkceCodeVerifier,
    pub client: Client,
    pub found: Arc<Discovered>,
    pub scopes: Option<Scopes>,
    /// The digest of the browser's cookie; `None` if a terminal, and no browser, waits for the return.
    pub cookie: Option<[u8; 32]>,
    pub ends: Instant,
}

/// Keeps a redirect URI in use while a login is being started.
pub struct Starting {
    table: PendingAuthorizations,
    redirect_uri: Url,
}

impl PendingAuthorizations {
    pub(crate) fn insert(&self, state: &str, authorization: PendingAuthorization) {
        self.0.send_modify(|Table { pending, .. }| {
            let now = Instant::now();
            pending.retain(|_, pending| pending.ends > now);
            if pending.len() >= MOST
                && let Some(oldest) =
                    pending.iter().min_by_key(|(_, pending)| pending.ends).map(|(state, _)| *state)
            {
                pending.remove(&oldest);
            }
            pending.insert(digest(state), authorization);
        });
    }

    /// Takes the authorization of this state out of the table. A wrong cookie does not end it: its own browser may
    /// still come.
    ///
    /// # Errors
    ///
    /// Says why no pending authorization of this browser fits.
    pub(crate) fn take<'c>(
        &self,
        state: &str,
        mut cookies: impl Iterator<Item = (&'c str, &'c str)>,
    ) -> Result<PendingAuthorization, &'static str> {
        let name = cookie_name(state);
        let cookie = cookies.find(|(other, _)| *other == name).map(|(_, value)| digest(value));
        let state = digest(state);
        let mut taken = Err("the login has been completed already, or was started too long ago");
        self.0.send_if_modified(|Table { pending, .. }| {
            let Some(found) = pending.get(&state).filter(|pending| pending.ends > Instant::now()) else {
                return false;
            };
            let is_bound = |expected: [u8; 32]| cookie.is_some_and(|cookie| cookie.ct_eq(&expected).into());
            if !found.cookie.is_none_or(is_bound) {
                taken = Err("the login was started in another browser, or this one takes no cookies");
                return false;
            }
            taken = pending.remove(&state).ok_or("the login has been completed already");
            true
        });
        taken
    }

    /// Says that a login is being started that will come back to `redirect_uri`.
    pub fn start(&self, redirect_uri: &Url) -> Starting {
        self.0.send_modify(|table| *table.starting.entry(redirect_uri.clone()).or_default() += 1);
        Starting { table: self.clone(), redirect_uri: redirect_uri.clone() }
    }

    /// Whether no login can come back to `redirect_uri`.
    pub fn is_unused(&self, redirect_uri: &Url) -> bool {
        self.0.borrow().in_use_until(redirect_uri).is_none()
    }

    /// Resolves when no login can come back to `redirect_uri` any more.
    pub async fn unused(&self, redirect_uri: &Url) {
        let mut table = self.0.subscribe();
        loop {
            let until = table.borrow_and_update().in_use_until(redirect_uri);
            let Some(until) = until else { return };
            tokio::select! {
                // It fails only if the sender is gone, and that is held here.
                _ = table.changed() => {}
                () = sleep_until(until) => {}
            }
        }
    }
}

impl Table {
    /// When the last login that comes back to `redirect_uri` expires; `None` if there is none.
    fn in_use_until(&self, redirect_uri: &Url) -> Option<Instant> {
        let now = Instant::now();
        let comes_back = |pending: &&PendingAuthorization| {
            pending.ends > now && pending.client.redirect_uri.as_ref() == Some(redirect_uri)
        };
        let pending = self.pending.values().filter(comes_back).map(|pending| pending.ends).max();
        let starting = self.starting.contains_key(redirect_uri).then(|| now + LOGIN_LIFETIME);
        pending.max(starting)
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.table.0.send_modify(|table| {
            if let Some(count) = table.starting.get_mut(&self.redirect_uri) {
                *count -= 1;
            }
            table.starting.retain(|_, count| *count > 0);
        });
    }
}

pub(crate) fn cookie_name(state: &str) -> String {
    let mut name = String::from("mcpo_login_");
    for byte in &digest(state)[..4] {
        // Writing to a string never fails.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

pub(crate) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests;
