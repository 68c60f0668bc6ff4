//! Requests to URLs that documents of strangers name, and the policy against server-side request forgery.
//!
//! Invariant: nothing is sent to an address that the [policy](GuardedClient) does not admit. Addresses in URLs are judged
//! before a request. Names are judged by the addresses that the connection uses, each time: no look-up of its own comes
//! before, so a name cannot resolve to one address for the check and to another for the connection. Where the environment
//! names a proxy, the proxy resolves names and is the one that has to guard them; addresses and schemes are judged all
//! the same.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Method, header};
use reqwest::{Client, Request};
use tokio::time::timeout;
use url::Url;

use super::{
    address::AddressKind,
    body::{BodyError, body},
    cause::{chain, root_cause},
    filtered::{Inadmissible, Reach, filtered_client},
    metadata::{PROTECTED_RESOURCE, inserted},
    redirect::{Redirect, redirect},
};
use crate::config::ForwardProxy;

/// How long a request may take with all its redirects.
const WHOLE: Duration = Duration::from_secs(15);
const MOST_REDIRECTS: usize = 3;
/// The largest body that is read, in bytes.
const LARGEST: usize = 256 << 10;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The connections of all guarded clients; clones share them.
#[derive(Debug, Clone)]
pub struct Network(Arc<FilteredClients>);

#[derive(Debug, Default)]
struct FilteredClients {
    proxy: ForwardProxy,
    anywhere: OnceLock<Client>,
    public: OnceLock<Client>,
    ordinary: OnceLock<Client>,
    local: OnceLock<Client>,
}

/// Sends the requests of the login to one MCP server, or those to a server that the operator has named.
///
/// A login reaches public addresses with https. If the MCP server itself is inside, on this machine or on a private
/// network, it reaches addresses inside too; with http only these, and only if the MCP server's own URL is http or says
/// loopback. It reaches the MCP server's own origin wherever that is, with http only inside. It never reaches addresses of special use, such as
/// those of metadata services.
#[derive(Debug, Clone)]
pub struct GuardedClient {
    network: Network,
    policy: Policy,
}

#[derive(Debug, Clone)]
enum Policy {
    Anywhere,
    Login {
        server: Url,
        /// Whether the MCP server is inside, by the connection that its last answer came over; `None` if that is not
        /// known yet.
        inside: Option<bool>,
    },
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
    /// The address that it came from.
    peer: Option<IpAddr>,
}

/// Why there is no answer. The texts show no path and no query.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// The policy forbids the request; nothing was sent.
    #[error("{origin} may not be asked: {reason}")]
    Forbidden {
        /// The server.
        origin: String,
        /// What the policy says.
        reason: String,
    },
    /// No answer came, or not the whole of it.
    #[error("{origin} cannot be reached: {reason}")]
    Unreachable {
        /// The server.
        origin: String,
        /// The system's reason.
        reason: String,
    },
    /// The answer is too large to be what was asked for.
    #[error("{0} answers with more than {LARGEST} bytes")]
    TooLarge(String),
}

impl FetchError {
    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// The reason without the server.
    pub fn reason(&self) -> String {
        match self {
            Self::Forbidden { reason, .. } | Self::Unreachable { reason, .. } => reason.clone(),
            Self::TooLarge(_) => format!("more than {LARGEST} bytes"),
        }
    }

    fn forbidden(url: &Url, reason: impl Into<String>) -> Self {
        Self::Forbidden { origin: origin(url), reason: reason.into() }
    }

    fn unreachable(url: &Url, reason: impl Into<String>) -> Self {
        Self::Unreachable { origin: origin(url), reason: reason.into() }
    }

    fn of(url: &Url, error: &reqwest::Error) -> Self {
        match chain(error).last() {
            Some(cause) if cause.is::<Inadmissible>() => Self::forbidden(url, cause.to_string()),
            _ => Self::unreachable(url, root_cause(error)),
        }
    }
}

impl Network {
    /// Connections that go by `proxy`.
    pub fn new(proxy: ForwardProxy) -> Self {
        Self(Arc::new(FilteredClients { proxy, ..FilteredClients::default() }))
    }

    /// A client for servers that the operator has named, wherever they are.
    pub fn anywhere(&self) -> GuardedClient {
        GuardedClient { network: self.clone(), policy: Policy::Anywhere }
    }

    /// The client for the login to `server`, which has answered from `peer`. As long as nothing was heard from it, the
    /// server counts as public.
    pub fn login(&self, server: &Url, peer: Option<IpAddr>) -> GuardedClient {
        let inside = match (AddressKind::written_in(server), peer) {
            (Some(kind), _) => Some(kind.is_local()),
            // The peer is the proxy, which resolves names by itself: what they mean here says nothing.
            (None, _) if self.0.proxy.of(server).is_some() => Some(false),
            (None, peer) => peer.map(|peer| AddressKind::from(peer).is_local()),
        };
        GuardedClient { network: self.clone(), policy: Policy::Login { server: server.clone(), inside } }
    }

    fn client(&self, reach: Reach) -> reqwest::Result<&Client> {
        let client = match reach {
            Reach::Anywhere => &self.0.anywhere,
            Reach::Public => &self.0.public,
            Reach::Ordinary => &self.0.ordinary,
            Reach::Local => &self.0.local,
        };
        match client.get() {
            Some(client) => Ok(client),
            None => {
                let new = filtered_client(reach, &self.0.proxy)?;
                Ok(client.get_or_init(|| new))
            }
        }
    }
}

impl GuardedClient {
    /// Asks for a JSON document. Redirects are followed within the origin.
    ///
    /// # Errors
    ///
    /// Fails if no answer comes or the policy forbids the request.
    pub async fn get_json(&self, url: &Url) -> Result<Answer, FetchError> {
        in_time(url, self.follow(url)).await
    }

    /// Posts `body`. Redirects are not followed: they would send it on.
    ///
    /// # Errors
    ///
    /// Fails if no answer comes or the policy forbids the request.
    pub async fn post(&self, url: &Url, headers: HeaderMap, body: Vec<u8>) -> Result<Answer, FetchError> {
        let mut request = Request::new(Method::POST, url.clone());
        *request.headers_mut() = headers;
        request.headers_mut().insert(header::ACCEPT, JSON);
        *request.body_mut() = Some(body.into());
        in_time(url, self.exchange(request)).await
    }

    /// Takes note of where the MCP server is, if `answer` to a request for `url` came from itself: what its own document
    /// names is judged by the connection that brought the document.
    pub fn note_origin_of(&mut self, answer: &Answer, url: &Url) {
        if let (Policy::Login { server, inside }, Some(peer)) = (&mut self.policy, answer.peer)
            && url.origin() == server.origin()
            && AddressKind::written_in(server).is_none()
        {
            *inside = Some(AddressKind::from(peer).is_local());
        }
    }

    /// Finds out where the MCP server is, if that is not known yet: any answer from it shows that.
    pub async fn locate(&mut self) {
        let Policy::Login { server, inside: None } = &self.policy else { return };
        let url = inserted(server, PROTECTED_RESOURCE);
        let request = self.exchange(Request::new(Method::GET, url.clone()));
        // Without an answer the server counts as public.
        if let Ok(answer) = in_time(&url, request).await {
            self.note_origin_of(&answer, &url);
        }
    }

    /// Refuses a URL that the policy forbids whatever its name resolves to.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn check(&self, url: &Url) -> Result<(), FetchError> {
        self.reach(url).map(|_| ())
    }

    /// The addresses that a request for `url` may reach.
    fn reach(&self, url: &Url) -> Result<Reach, FetchError> {
        let Policy::Login { server, inside } = &self.policy else { return Ok(Reach::Anywhere) };
        let refuse = |reason: String| Err(FetchError::forbidden(url, reason));
        let inside = inside.unwrap_or(false);
        let own = url.origin() == server.origin();
        // Through a proxy no name is resolved here, so no check of addresses keeps plain http inside.
        let own_here = own && self.network.0.proxy.of(url).is_none();
        let says_loopback = AddressKind::written_in(server) == Some(AddressKind::Loopback);
        let reach = match url.scheme() {
            "https" if inside || own => Reach::Ordinary,
            "https" => Reach::Public,
            "http" if (inside || own_here) && (server.scheme() == "http" || says_loopback) => Reach::Local,
            _ => return refuse("logins need https".into()),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("its URL holds credentials".into());
        }
        if url.fragment().is_some() {
            return refuse("its URL has a fragment".into());
        }
        match AddressKind::written_in(url) {
            Some(kind) if !reach.admits(kind) => refuse(Inadmissible { kind, reach }.to_string()),
            // Its name is resolved without a check of its addresses.
            None if !own && url.domain().is_some_and(|name| self.network.0.proxy.is_on(name)) => {
                refuse("it is on the host of the forward proxy".into())
            }
            _ => Ok(reach),
        }
    }

    async fn follow(&self, url: &Url) -> Result<Answer, FetchError> {
        let mut next = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let mut request = Request::new(Method::GET, next.clone());
            request.headers_mut().insert(header::ACCEPT, JSON);
            let answer = self.exchange(request).await?;
            match redirect(&next, answer.status, &answer.headers) {
                Redirect::None | Redirect::Nowhere => return Ok(answer),
                Redirect::Within(target) => next = target,
                Redirect::Elsewhere(target) => {
                    return Err(FetchError::forbidden(url, format!("it redirects to {}", origin(&target))));
                }
            }
        }
        Err(FetchError::forbidden(url, format!("it redirects more than {MOST_REDIRECTS} times")))
    }

    async fn exchange(&self, request: Request) -> Result<Answer, FetchError> {
        let url = request.url().clone();
        let lost = |error: reqwest::Error| FetchError::of(&url, &error);
        let client = self.network.client(self.reach(&url)?).map_err(lost)?;
        let mut response = client.execute(request).await.map_err(lost)?;
        let proxied = self.network.0.proxy.of(&url).is_some();
        let peer = response.remote_addr().filter(|_| !proxied).map(|peer| peer.ip());
        let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        match body(&mut response, LARGEST).await {
            Ok(body) => Ok(Answer { status, headers, body, peer }),
            Err(BodyError::Lost(error)) => Err(lost(error)),
            Err(BodyError::TooLarge) => Err(FetchError::TooLarge(origin(&url))),
        }
    }
}

async fn in_time<T>(url: &Url, answer: impl Future<Output = Result<T, FetchError>>) -> Result<T, FetchError> {
    let late = |_| Err(FetchError::unreachable(url, format!("no answer within {} s", WHOLE.as_secs())));
    timeout(WHOLE, answer).await.unwrap_or_else(late)
}

/// As much of a URL as a message may show.
fn origin(url: &Url) -> String {
    match url.origin() {
        origin if origin.is_tuple() => origin.ascii_serialization(),
        _ => format!("a `{}:` URL", url.scheme()),
    }
}

#[cfg(test)]
mod tests;
