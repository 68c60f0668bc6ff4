//! The end of a login: a browser comes back, and its server gets the tokens.

use tracing::{info, warn};
use url::Url;

use super::{
    authorization::{pending::PendingAuthorizations, response::AuthorizationResponse},
    authorizer::Authorizer,
    error::AuthError,
};

/// How a login has ended, for the person who made it.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The person is logged in.
    Done {
        /// The server.
        server: String,
    },
    /// The authorization server refused, or the exchange failed.
    Failed {
        /// The server.
        server: String,
        /// Why.
        error: AuthError,
        /// Where another try starts.
        again: Url,
    },
    /// No pending login of this browser fits.
    Unknown(&'static str),
}

/// Ends the login that a browser comes back from, with the `query` of the redirect URI and the browser's cookies as
/// (name, value). `authorizer` finds the authorizer of a server.
pub async fn complete<'c>(
    pending: &PendingAuthorizations,
    query: &str,
    cookies: impl Iterator<Item = (&'c str, &'c str)>,
    authorizer: impl FnOnce(&str) -> Option<Authorizer>,
) -> Outcome {
    let response = AuthorizationResponse::parse(query);
    let Some(state) = response.state.as_deref() else {
        return Outcome::Unknown("the address holds no state");
    };
    let authorization = match pending.take(state, cookies) {
        Ok(authorization) => authorization,
        Err(reason) => return Outcome::Unknown(reason),
    };
    let server = authorization.server.clone();
    let Some(authorizer) = authorizer(&server) else {
        return Outcome::Unknown("the server that it is for has been removed");
    };
    match authorizer.complete(authorization, response).await {
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
