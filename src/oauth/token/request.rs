//! What a caller asks for: a renewed token, a token in place of one that was refused, or a token with more scopes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::info;

use super::{credential::Credential, refresh, state::TokenState};
use crate::{
    config::Grant,
    oauth::{discovery::challenge::Challenge, error::AuthError, server::ServerContext},
};

/// How often one request may be refused for a token that has just ended; then none is good.
const HOPEFUL: u32 = 2;
const REFUSES: &str = "the server refuses one new token after another";
/// How many more scopes a server may ask for within [`STEP_UP_WINDOW`], one time after another.
const MOST_STEP_UPS: usize = 3;
const STEP_UP_WINDOW: Duration = Duration::from_secs(600);

/// What a caller asks for.
pub(crate) enum TokenRequest {
    /// A new token for one that ends.
    Renewal,
    /// A token in place of one that got a 401.
    Refused {
        challenge: Challenge,
        /// How often this request was refused before.
        attempt: u32,
    },
    /// A token with more scopes, after a 403 `insufficient_scope`.
    MoreScopes(Challenge),
}

/// Does what a caller wants.
pub(crate) async fn answer(
    state: &mut TokenState,
    context: &ServerContext,
    request: TokenRequest,
) -> Result<Arc<Credential>, AuthError> {
    let answer = match request {
        TokenRequest::Renewal => refresh::renew(state, context).await,
        TokenRequest::Refused { challenge, attempt } => refused(state, context, challenge, attempt).await,
        TokenRequest::MoreScopes(challenge) => step_up(state, context, challenge).await,
    };
    if let Err(error @ AuthError::Unavailable(_)) = &answer {
        state.failure = Some((Instant::now(), error.clone()));
    }
    answer
}

/// After a 401. What is stored may be newer; else the token is renewed, else a login is needed.
async fn refused(
    state: &mut TokenState,
    context: &ServerContext,
    challenge: Challenge,
    attempt: u32,
) -> Result<Arc<Credential>, AuthError> {
    // The authorization server that is known is asked first: only if it does not help need it be looked for anew.
    let ended = match attempt {
        0 if state.tokens().is_some_and(|tokens| tokens.refresh.is_some()) => {
            match refresh::refresh(state, context, &challenge).await {
                Err(error @ AuthError::LoginNeeded(_)) => Some(error),
                done => return done,
            }
        }
        _ => None,
    };
    match (state.discover(context, &challenge).await, &ended) {
        (Err(_), Some(ended)) => return Err(ended.clone()),
        (found, _) => found?,
    };
    // What was asked for once is asked for again (SEP-2350).
    let had = state.asked_for();
    state.wanted = if had.is_empty() {
        state.initial_scopes(context, &challenge)
    } else {
        Some(had.union(&challenge.scopes.clone().unwrap_or_default()))
    };
    if context.settings.grant == Grant::ClientCredentials {
        return if attempt >= HOPEFUL {
            Err(AuthError::Unavailable(REFUSES.into()))
        } else {
            refresh::mint(state, context).await
        };
    }
    if attempt >= HOPEFUL {
        return Err(refresh::quarantine(state, context, REFUSES));
    }
    match ended {
        Some(error) => Err(error),
        None => refresh::refresh(state, context, &challenge).await,
    }
}

/// After a 403 `insufficient_scope`: what was granted stays asked for.
async fn step_up(
    state: &mut TokenState,
    context: &ServerContext,
    challenge: Challenge,
) -> Result<Arc<Credential>, AuthError> {
    let more = challenge.scopes.clone().unwrap_or_default();
    if more.is_empty() {
        return Err(AuthError::Unfit("the server wants more rights and does not say which scope".into()));
    }
    let text = format!("the server wants more rights (scope {more})");
    let pending = state.wanted.clone().filter(|wanted| wanted.covers(&more));
    if let (Some(_), Grant::AuthorizationCode) = (pending, context.settings.grant) {
        return Err(context.login_needed(&text));
    }
    let had = state.asked_for();
    if had.covers(&more) {
        return Err(AuthError::Unfit(format!("{text}, but they were asked for already; ask its operator")));
    }
    state.step_ups.retain(|then| then.elapsed() < STEP_UP_WINDOW);
    if state.step_ups.len() >= MOST_STEP_UPS {
        return Err(AuthError::Unfit(format!("{text}, again and again; it is asked for no more for now")));
    }
    if state.found.is_none() {
        state.discover(context, &challenge).await?;
    }
    state.wanted = Some(had.union(&more));
    state.step_ups.push(Instant::now());
    if context.settings.grant == Grant::ClientCredentials {
        return refresh::mint(state, context).await;
    }
    info!(server = context.name, "{text}: log in again at {}", context.oauth.login(&context.name));
    Err(context.login_needed(&text))
}
