//! `mcpo login`, `mcpo logout` and `mcpo tokens`: the tokens of servers, from the command line. They work on the
//! store that the gateway reads, so a gateway that runs takes a login up by itself.

use std::{
    future::pending,
    io::{self, Write},
    iter,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader, stdin},
    sync::mpsc,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use crate::{
    config::{self, Config},
    excerpt::visible_lines,
    http::{LAST_PAGE, Loopback, Return},
    oauth::{
        self, AuthError, Authorizer, Context, DEFAULT_CALLBACK_PORT, LOGIN_LIFETIME, Outcome, TokenInfo,
        Waiting,
    },
    registry,
    upstream::{self, ConnectError},
};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The server takes no logins.
    #[error("{0}: the config names its credentials, so there is nothing to log in to")]
    FixedCredentials(String),
    /// The server cannot be reached.
    #[error("{server}: {error}")]
    Connect {
        /// The server.
        server: String,
        /// Why.
        error: ConnectError,
    },
    /// Tokens could not be had or kept.
    #[error("{server}: {error}")]
    Authorization {
        /// The server.
        server: String,
        /// Why.
        error: AuthError,
    },
    /// The login was not completed.
    #[error("{server}: {reason}")]
    Login {
        /// The server.
        server: String,
        /// Why.
        reason: String,
    },
    /// The loopback callback cannot be listened on.
    #[error(
        "cannot listen on port {port} for the login to come back: {error}; free the port, or choose another callback_port in the server's oauth block"
    )]
    Callback {
        /// The port.
        port: u16,
        /// The system's reason.
        error: io::Error,
    },
    /// The terminal is gone.
    #[error(transparent)]
    Terminal(#[from] io::Error),
}

/// Logs in to `server`, unless its tokens are good.
///
/// # Errors
///
/// See [`TokensError`].
pub async fn login(config: &Config, server: &config::Server) -> Result<(), TokensError> {
    let name = server.name.as_str();
    let failed = |error| TokensError::Authorization { server: name.to_owned(), error };
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let (authorizer, context) = authorizer(config, server, tasks.clone(), stop.clone())?;
    match upstream::try_connect(server, &authorizer, config.limits.result, &tasks).await {
        Ok(tools) => {
            say(&format!("{name} needs no login now: it answers, with {tools} tools"))?;
            return Ok(());
        }
        Err(error) if error.login_needed().is_some() => {}
        Err(error) => return Err(TokensError::Connect { server: name.to_owned(), error }),
    }
    let loopback = bind(server).await?;
    let redirect_uri = loopback.redirect_uri();
    let started = authorizer.begin(redirect_uri, Waiting::Terminal).await.map_err(failed)?;
    say(&format!(
        "To log in to {name}, open this address in a browser:\n\n{}\n\nIf the browser is on another machine, paste \
         the address that it ends at here:",
        started.url
    ))?;
    context.open(started.url);
    let (ends, mut ended) = mpsc::channel(1);
    let complete = {
        let (context, authorizer) = (context.clone(), authorizer.clone());
        move |back: Return| {
            let (context, authorizer, ends) = (context.clone(), authorizer.clone(), ends.clone());
            async move {
                let find = |_: &str| Some(authorizer);
                let outcome = oauth::complete(context.pending(), &back.query, back.cookies(), find).await;
                // A stray request ends nothing. The receiver may have stopped waiting.
                if !matches!(outcome, Outcome::Unknown(_)) {
                    let _ = ends.try_send(outcome.clone());
                }
                outcome
            }
        }
    };
    let serve = loopback.serve(complete, stop.cancelled(), LAST_PAGE);
    let outcome = async {
        tokio::select! {
            outcome = ended.recv() => outcome,
            outcome = pasted(&context, &authorizer) => Some(outcome),
        }
    };
    let outcome = async {
        let outcome = timeout(LOGIN_LIFETIME, outcome).await;
        // The browser still gets its page.
        stop.cancel();
        outcome
    };
    let (outcome, ()) = tokio::join!(outcome, serve);
    let failed = |reason: &str| TokensError::Login { server: name.to_owned(), reason: reason.to_owned() };
    match outcome {
        Ok(Some(Outcome::Done { .. })) => Ok(say(&format!("logged in to {name}"))?),
        Ok(Some(Outcome::Failed { error, .. })) => Err(failed(&error.to_string())),
        Ok(Some(Outcome::Unknown(_)) | None) => Err(failed("the login was broken off")),
        Err(_) => Err(failed("nobody has logged in within 10 minutes; start anew")),
    }
}

/// Where logins come back to: the configured port, else the usual one, else any that is free, as long as no
/// registration names it.
async fn bind(server: &config::Server) -> Result<Loopback, TokensError> {
    let oauth = server.oauth.as_ref();
    let port = oauth.and_then(|oauth| oauth.callback_port).unwrap_or(DEFAULT_CALLBACK_PORT);
    let fixed = oauth.is_some_and(|oauth| oauth.client.is_some());
    match Loopback::bind(port).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && !fixed => Loopback::bind(0).await,
        bound => bound,
    }
    .map_err(|error| TokensError::Callback { port, error })
}

/// Waits for the address of a browser that could not reach us.
async fn pasted(context: &Context, authorizer: &Authorizer) -> Outcome {
    let mut lines = BufReader::new(stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let url = Url::parse(line.trim());
        let hint = match url.as_ref().ok().and_then(Url::query) {
            Some(query) => {
                match oauth::complete(context.pending(), query, iter::empty(), |_| Some(authorizer.clone()))
                    .await
                {
                    Outcome::Unknown(reason) => format!("That is not where this login ends: {reason}."),
                    end => return end,
                }
            }
            None if line.trim().is_empty() => continue,
            None => "That is not the whole address: it begins with http and holds state= and code=.".into(),
        };
        let _ = say(&hint);
    }
    // There is no terminal; the callback may still be reached.
    pending().await
}

/// Removes the tokens of `server`, and revokes them if that is possible.
///
/// # Errors
///
/// See [`TokensError`].
pub async fn logout(config: &Config, server: &config::Server) -> Result<(), TokensError> {
    let authorizer = offline(config, server)?;
    let failed = |error| TokensError::Authorization { server: server.name.clone(), error };
    let was = authorizer.log_out().await.map_err(failed)?;
    Ok(say(&if was {
        format!("logged out of {}", server.name)
    } else {
        format!("there are no tokens of {}", server.name)
    })?)
}

/// Prints what is kept, one line for each remote server.
///
/// # Errors
///
/// See [`TokensError`].
pub async fn list(config: &Config) -> Result<(), TokensError> {
    let remote = config.servers.iter().filter(|server| server.upstream.remote().is_some());
    for server in remote {
        let line = match offline(config, server) {
            Ok(authorizer) => match authorizer.token_info().await {
                Ok(Some(info)) => describe(&info),
                Ok(None) => "no token".to_owned(),
                Err(error) => error.to_string(),
            },
            Err(_) => "credentials in the config".to_owned(),
        };
        say(&format!("{}: {line}", server.name))?;
    }
    Ok(())
}

fn describe(info: &TokenInfo) -> String {
    let left = |expires: SystemTime| expires.duration_since(SystemTime::now()).ok();
    let left = info.expires.map(|expires| left(expires).filter(|left| left.as_secs() > 0));
    let mut text = match (left, info.refreshable) {
        (None, _) => "logged in".to_owned(),
        (Some(Some(left)), _) => format!("logged in, token good for {}", span(left)),
        (Some(None), true) => "logged in, token to be refreshed at the next call".to_owned(),
        (Some(None), false) => "token expired; a login is needed".to_owned(),
    };
    text.push_str(&format!(", issued by {}", info.issuer));
    if let Some(scopes) = info.scopes.as_ref().filter(|scopes| !scopes.is_empty()) {
        text.push_str(&format!(", scope {scopes}"));
    }
    text
}

/// A duration in the largest unit that says enough.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// An authorizer that only works on the store.
fn offline(config: &Config, server: &config::Server) -> Result<Authorizer, TokensError> {
    authorizer(config, server, TaskTracker::new(), CancellationToken::new()).map(|(authorizer, _)| authorizer)
}

/// An authorizer without a gateway, and its context.
fn authorizer(
    config: &Config,
    server: &config::Server,
    tasks: TaskTracker,
    stop: CancellationToken,
) -> Result<(Authorizer, Arc<Context>), TokensError> {
    let fixed = || TokensError::FixedCredentials(server.name.clone());
    // Without a gateway no browser is sent to its own addresses, so any will do.
    let base = server.upstream.remote().ok_or_else(fixed)?.url.clone();
    let context =
        Arc::new(Context::new(config.logins.clone(), config.proxy.clone(), base, false, tasks, stop));
    Ok((registry::authorizer(server, &context).ok_or_else(fixed)?, context))
}

fn say(text: &str) -> io::Result<()> {
    // Much of it comes from authorization servers.
    writeln!(io::stdout(), "{}", visible_lines(text))
}
