//! From the URL of an MCP server to its authorization server.
//!
//! A server that follows RFC 9728 publishes metadata that name authorization servers; those publish metadata of their
//! own. A server of the MCP specification of 2025-03-26 is its own authorization server, maybe without any metadata.
//! Candidates are tried in the specification's order. Invariant: what is found belongs to the server's URL and to the
//! issuer it was asked of, and endpoints are guessed only if no metadata exists.

use std::{fmt, iter, time::Duration};

use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{
    challenge::{Challenge, line},
    metadata::{AuthorizationServer, Resource, holds},
};
use crate::{
    net::{
        Answer, GuardedClient,
        metadata::{AUTHORIZATION_SERVER, OPENID, PROTECTED_RESOURCE, appended, inserted},
    },
    oauth::{lenient, scopes::Scopes},
};

/// How many of the named authorization servers are tried.
const MOST_SERVERS: usize = 3;
/// After this time no further candidate is tried.
const ENOUGH: Duration = Duration::from_secs(30);

/// What a login needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Discovered {
    /// What to send as `resource` (RFC 8707): as the server's metadata have it, else its URL; without a query.
    pub resource: String,
    /// `scopes_supported` of the resource; never empty.
    pub scopes: Option<Scopes>,
    /// Where to log in.
    pub server: AuthorizationServer,
    /// The authorization server that the MCP server names and the configuration overrules.
    pub overruled: Option<String>,
    /// Sends requests to the authorization server.
    pub guarded: GuardedClient,
}

/// Why there is no login.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum DiscoveryError {
    /// The metadata are another server's: a token for it is not for this one.
    #[error("{at} describes {resource:?}, which is not this server's URL: correct the one or the other")]
    ResourceMismatch {
        /// Where the metadata are.
        at: String,
        /// Whose they are.
        resource: String,
    },
    /// No candidate led to an authorization server.
    #[error("no authorization server found: {0}")]
    NotFound(Attempts),
}

impl DiscoveryError {
    /// Whether a fault of the network or of a server may have hidden the answer.
    pub(crate) fn is_transient(&self) -> bool {
        let hidden = |attempt: &Attempt| attempt.finding == Finding::Hidden;
        matches!(self, Self::NotFound(attempts) if attempts.0.iter().any(hidden))
    }
}

/// The candidates that failed, each with its reason, in one line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attempts(Vec<Attempt>);

#[derive(Debug, Clone)]
struct Attempt {
    candidate: String,
    reason: String,
    finding: Finding,
}

/// What a failed attempt says of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    /// There is none.
    Absent,
    /// There is one, and it must not be used.
    Refused,
    /// There may be one: a fault of the network or of the server hides it.
    Hidden,
}

impl Attempts {
    fn add(&mut self, candidate: &str, reason: &str, finding: Finding) {
        let [candidate, reason] = [candidate, reason].map(|text| line(text).unwrap_or_default());
        self.0.push(Attempt { candidate, reason, finding });
    }
}

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Attempt { candidate, reason, .. }) in self.0.iter().enumerate() {
            let separator = if index > 0 { "; " } else { "" };
            write!(f, "{separator}{candidate}: {reason}")?;
        }
        Ok(())
    }
}

/// Finds the authorization server of the MCP server at `server_url`, which has answered with `challenge`.
///
/// `base` is the configured authorization server. It counts whatever the MCP server's metadata name, unless it is the MCP
/// server itself, as in configurations of the Python mcpo: then it counts if they name none.
///
/// # Errors
///
/// No authorization server was found that may be used.
pub(crate) async fn discover(
    guarded: GuardedClient,
    server_url: &Url,
    base: Option<&Url>,
    challenge: &Challenge,
) -> Result<Discovered, DiscoveryError> {
    let server_url = &identifier(server_url);
    let mut search = Search { guarded, started: Instant::now(), failed: Attempts::default() };
    let found = search
        .first(resource_candidates(server_url, challenge), |document, _| Resource::read(document))
        .await;
    let (resource, scopes, named) = match found {
        Some((at, found)) if !found.is_of(server_url) => {
            let resource = found.resource.as_deref().and_then(line).unwrap_or_default();
            return Err(DiscoveryError::ResourceMismatch { at: shown(&at), resource });
        }
        Some((_, found)) => (found.resource, found.scopes, found.authorization_servers),
        None => (None, None, Vec::new()),
    };
    let pinned = base.is_some_and(|base| !holds(base, server_url));
    let server = if let Some(base) = base.filter(|_| pinned) {
        search.pinned(base).await
    } else if named.is_empty() {
        search.unnamed(server_url, base).await
    } else {
        search.server(named.iter().take(MOST_SERVERS).cloned()).await
    };
    let Some(server) = server else { return Err(DiscoveryError::NotFound(search.failed)) };
    Ok(Discovered {
        resource: without_query(resource.as_deref().unwrap_or(&without_slash(server_url))).to_owned(),
        scopes,
        overruled: named.iter().all(|named| !server.is(named)).then(|| line(named.first()?)).flatten(),
        server,
        guarded: search.guarded,
    })
}

struct Search {
    /// Knows where the MCP server was last heard from.
    guarded: GuardedClient,
    started: Instant,
    failed: Attempts,
}

impl Search {
    /// The first of `candidates` that can be used.
    async fn first<T>(
        &mut self,
        candidates: Vec<Url>,
        read: impl Fn(&Value, &GuardedClient) -> Result<T, String>,
    ) -> Option<(Url, T)> {
        for candidate in candidates {
            let (reason, finding) = match self.document(&candidate).await {
                Ok(document) => match read(&document, &self.guarded) {
                    Ok(document) => return Some((candidate, document)),
                    Err(reason) => (reason, Finding::Refused),
                },
                Err(failure) => failure,
            };
            self.failed.add(&shown(&candidate), &reason, finding);
        }
        None
    }

    async fn document(&mut self, url: &Url) -> Result<Value, (String, Finding)> {
        if self.started.elapsed() > ENOUGH {
            return Err(("no time was left".into(), Finding::Hidden));
        }
        let answer = self.guarded.get_json(url).await;
        if let Ok(answer) = &answer {
            self.guarded.note_origin_of(answer, url);
        }
        match answer {
            Ok(answer @ Answer { status: 200, .. }) => {
                lenient::json(&answer.body).ok_or_else(|| ("it is not JSON".into(), Finding::Absent))
            }
            Ok(Answer { status: status @ (408 | 429 | 500..), .. }) => {
                Err((format!("HTTP {status}"), Finding::Hidden))
            }
            Ok(Answer { status, .. }) => Err((format!("HTTP {status}"), Finding::Absent)),
            Err(error) if error.is_transient() => Err((error.to_string(), Finding::Hidden)),
            Err(error) => Err((error.to_string(), Finding::Refused)),
        }
    }

    /// The first of the issuers whose metadata can be used.
    async fn server(&mut self, issuers: impl Iterator<Item = String>) -> Option<AuthorizationServer> {
        for issuer in issuers {
            match Url::parse(&issuer) {
                Ok(url) => {
                    let read = |document: &Value, guarded: &GuardedClient| {
                        AuthorizationServer::read(document, &issuer, guarded)
                    };
                    if let Some((_, server)) = self.first(server_candidates(&url), read).await {
                        return Some(server);
                    }
                }
                Err(error) => self.failed.add(&issuer, &format!("it is no URL: {error}"), Finding::Refused),
            }
        }
        None
    }

    /// The authorization server that is configured, and no other: its own origin may belong to another party. Only if
    /// it has neither a path nor metadata, its endpoints are those of the specification of 2025-03-26.
    async fn pinned(&mut self, base: &Url) -> Option<AuthorizationServer> {
        let base = issuer(&identifier(base));
        if base.path() == "/" {
            return self.unnamed(&base, None).await;
        }
        self.server(iter::once(without_slash(&base))).await
    }

    /// The authorization server if no metadata names one: the configured server, else the origin of the MCP server.
    /// Section 2.3.2 of the specification of 2025-03-26 discards the path.
    async fn unnamed(&mut self, server_url: &Url, base: Option<&Url>) -> Option<AuthorizationServer> {
        let base = base.map(identifier);
        let home = base.as_ref().unwrap_or(server_url);
        let origin = home.origin().ascii_serialization();
        let configured = base.as_ref().map(without_slash).filter(|base| *base != origin);
        if let Some(server) = self.server(configured.into_iter().chain([origin])).await {
            return Some(server);
        }
        if self.failed.0.iter().any(|attempt| attempt.finding != Finding::Absent) {
            return None;
        }
        AuthorizationServer::by_convention(home, &self.guarded).ok()
    }
}

/// The issuer whose metadata are at `url`, if that is where metadata are; else `url` itself.
fn issuer(url: &Url) -> Url {
    let mut issuer = url.clone();
    if let Some((before, document)) = url.path().split_once("/.well-known/") {
        let after = document.split_once('/').map(|(_, after)| format!("/{after}")).unwrap_or_default();
        issuer.set_path(&format!("{before}{after}"));
    }
    issuer
}

/// Where protected resource metadata may be, in the specification's order (RFC 9728 sections 3.1 and 5.1).
fn resource_candidates(server_url: &Url, challenge: &Challenge) -> Vec<Url> {
    let mut root = server_url.clone();
    root.set_path("");
    root.set_query(None);
    let at_path = inserted(server_url, PROTECTED_RESOURCE);
    distinct(
        challenge.resource_metadata.clone().into_iter().chain([at_path, inserted(&root, PROTECTED_RESOURCE)]),
    )
}

/// Where an issuer's metadata may be, in the specification's order (RFC 8414 sections 3.1 and 5).
fn server_candidates(issuer: &Url) -> Vec<Url> {
    distinct([inserted(issuer, AUTHORIZATION_SERVER), inserted(issuer, OPENID), appended(issuer, OPENID)])
}

fn distinct(urls: impl IntoIterator<Item = Url>) -> Vec<Url> {
    let mut distinct = Vec::new();
    for url in urls {
        if !distinct.contains(&url) {
            distinct.push(url);
        }
    }
    distinct
}

/// A configured URL as an identifier: credentials and fragments are not part of one.
fn identifier(url: &Url) -> Url {
    let mut identifier = url.clone();
    // These fail for URLs without a host, which have no credentials.
    let _ = identifier.set_username("");
    let _ = identifier.set_password(None);
    identifier.set_fragment(None);
    identifier
}

/// The form that the specification prefers for an empty path.
fn without_slash(url: &Url) -> String {
    match url.query() {
        None if url.path() == "/" => url.origin().ascii_serialization(),
        _ => url.as_str().to_owned(),
    }
}

/// A resource as an authorization server may know it. RFC 8707 section 2 advises against a query, and that of an MCP server
/// often holds a key, even if the server itself repeats it in its metadata.
pub(crate) fn without_query(resource: &str) -> &str {
    match resource.split_once('?') {
        Some((before, _)) if before.matches('/').count() == 3 => before.trim_end_matches('/'),
        Some((before, _)) => before,
        None => resource,
    }
}

/// A URL as a message may show it.
fn shown(url: &Url) -> String {
    let mut shown = identifier(url);
    shown.set_query(None);
    shown.into()
}

#[cfg(test)]
mod tests;
