//! The logins that are open, and what browsers come back with (RFC 6749 section 4.1.2, RFC 9207).
//!
//! Invariant: a state is random, good for one return, for one server, for the browser that it was given to, and for
//! ten minutes.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use oauth2::PkceCodeVerifier;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tracing::{info, warn};
use url::{Url, form_urlencoded};

use super::login::{LOGIN_LIFETIME, complete};
use crate::{
    oauth::{
        authorizer::Authorizer,
        discovery::{challenge::line, search::Discovered},
        error::AuthError,
        registration::client::Client,
        scopes::Scopes,
    },
    secret::SecretString,
};

/// How many logins may be open; the oldest gives way.
const MOST: usize = 256;

/// The logins that are open, of all servers.
#[derive(Default)]
pub struct Logins {
    /// By the digest of their state: a look-up then tells nothing of the states that there are.
    open: Mutex<HashMap<[u8; 32], Login>>,
}

/// One open login.
pub(in crate::oauth) struct Login {
    authorizer: Authorizer,
    /// The digest of the cookie; nothing where a terminal, and no browser, waits for the return.
    cookie: Option<[u8; 32]>,
    pub(in crate::oauth) verifier: PkceCodeVerifier,
    pub(in crate::oauth) client: Client,
    pub(in crate::oauth) found: Arc<Discovered>,
    pub(in crate::oauth) scopes: Option<Scopes>,
    ends: Instant,
}

impl Login {
    /// A login that begins now, for the browser that has `cookie`.
    pub(in crate::oauth) fn new(
        authorizer: Authorizer,
        cookie: Option<&str>,
        verifier: PkceCodeVerifier,
        client: Client,
        found: Arc<Discovered>,
        scopes: Option<Scopes>,
    ) -> Self {
        let ends = Instant::now() + LOGIN_LIFETIME;
        Self { authorizer, cookie: cookie.map(digest), verifier, client, found, scopes, ends }
    }
}

/// How a login has ended, for the person who made it.
#[derive(Debug)]
pub enum Outcome {
    /// Logged in.
    Done {
        /// To this server.
        server: String,
    },
    /// The authorization server said no, or the exchange failed.
    Failed {
        /// The server.
        server: String,
        /// Why.
        error: AuthError,
        /// Where another try starts.
        again: Url,
    },
    /// No open login of this browser fits.
    Unknown(&'static str),
}

impl Logins {
    /// Takes what the authorization server has sent the browser back with: the `query` of the redirect URI, and the
    /// browser's cookies as (name, value).
    pub async fn finish<'c>(
        &self,
        query: &str,
        mut cookies: impl Iterator<Item = (&'c str, &'c str)>,
    ) -> Outcome {
        let answer = Return::parse(query);
        let Some(state) = answer.state.as_deref() else {
            return Outcome::Unknown("the address holds no state");
        };
        let name = cookie_name(state);
        let cookie = cookies.find(|(other, _)| *other == name).map(|(_, value)| value);
        let login = match self.take(state, cookie) {
            Ok(login) => login,
            Err(reason) => return Outcome::Unknown(reason),
        };
        let authorizer = login.authorizer.clone();
        let server = authorizer.shared.server.clone();
        match authorizer.detached(|shared| complete(shared, login, answer)).await {
            Ok(()) => {
                info!(server, "logged in");
                Outcome::Done { server }
            }
            Err(error) => {
                warn!(server, %error, "the login failed");
                Outcome::Failed { server, error, again: authorizer.login_url() }
            }
        }
    }

    pub(in crate::oauth) fn insert(&self, state: &str, login: Login) {
        let mut open = self.lock();
        let now = Instant::now();
        open.retain(|_, login| login.ends > now);
        if open.len() >= MOST
            && let Some(oldest) = open.iter().min_by_key(|(_, login)| login.ends).map(|(state, _)| *state)
        {
            open.remove(&oldest);
        }
        open.insert(digest(state), login);
    }

    /// The login of this state. A wrong cookie does not end it: its own browser may still come.
    fn take(&self, state: &str, cookie: Option<&str>) -> Result<Login, &'static str> {
        let state = digest(state);
        let mut open = self.lock();
        let login = open.get(&state).filter(|login| login.ends > Instant::now());
        let login = login.ok_or("the login has been completed already, or was started too long ago")?;
        if let Some(expected) = login.cookie {
            let fits = cookie.is_some_and(|cookie| digest(cookie).ct_eq(&expected).into());
            if !fits {
                return Err("the login was started in another browser, or this one takes no cookies");
            }
        }
        open.remove(&state).ok_or("the login has been completed already")
    }

    /// Whether any login is open.
    pub fn any(&self) -> bool {
        self.lock().values().any(|login| login.ends > Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Login>> {
        // No code panics while it holds the lock, so a poisoned one is still whole.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The parameters of the redirect URI (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207 section 2).
#[derive(Default)]
pub(in crate::oauth) struct Return {
    state: Option<String>,
    code: Option<SecretString>,
    iss: Option<String>,
    error: Option<String>,
    description: Option<String>,
}

impl Return {
    fn parse(query: &str) -> Self {
        let mut answer = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "state" => answer.state = Some(value.into_owned()),
                "code" => answer.code = Some(value.into_owned().into()),
                "iss" => answer.iss = Some(value.into_owned()),
                "error" => answer.error = line(&value),
                "error_description" => answer.description = line(&value),
                _ => {}
            }
        }
        answer
    }

    /// The code, where this is an answer of `found`'s server and a good one.
    pub(in crate::oauth) fn code(self, found: &Discovered) -> Result<SecretString, AuthError> {
        let refuse = |reason: String| Err(AuthError::Unfit(reason));
        match &self.iss {
            Some(iss) if *iss != found.server.issuer => {
                return refuse(
                    "the answer came from another authorization server than the one asked (RFC 9207)".into(),
                );
            }
            None if found.server.iss_parameter => {
                return refuse(
                    "the answer does not say which authorization server it came from (RFC 9207)".into(),
                );
            }
            _ => {}
        }
        match (self.error, self.description, self.code) {
            (Some(error), description, _) if error == "access_denied" => {
                refuse(format!("access was denied{}", also(description)))
            }
            (Some(error), description, _) => {
                refuse(format!("the authorization server answered {error}{}", also(description)))
            }
            (None, _, Some(code)) => Ok(code),
            (None, _, None) => refuse("the authorization server sent neither a code nor an error".into()),
        }
    }
}

pub(in crate::oauth) fn cookie_name(state: &str) -> String {
    let mut name = String::from("mcpo_login_");
    for byte in &digest(state)[..4] {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn also(description: Option<String>) -> String {
    description.map(|text| format!(": {text}")).unwrap_or_default()
}
