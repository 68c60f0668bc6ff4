//! The only way out to authorization servers, and the policy against server-side request forgery.
//!
//! The URLs of a login come from documents that strangers wrote. Invariant: nothing is sent to an address that the
//! [policy](Outbound) does not admit. URLs are judged before a request, and names where they are resolved, so that
//! a name cannot change its mind between the look and the connection. Where the environment names a proxy, the proxy
//! resolves names and is the one that has to guard them; addresses and schemes are judged all the same.

use std::{error::Error, iter, time::Duration};

use http::{HeaderMap, HeaderValue, Method, header};
use tokio::{net::lookup_host, time::timeout};
use url::Url;

use super::{
    address::AddressKind,
    lane::{CONNECT, Inadmissible, Lane},
};
use crate::config::ForwardProxy;

/// How long a request may take with all its redirects.
const WHOLE: Duration = Duration::from_secs(15);
const MOST_REDIRECTS: usize = 3;
/// The largest body that is read, in bytes.
const LARGEST: usize = 256 << 10;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Sends requests on behalf of the login to one MCP server.
///
/// With https it reaches public addresses. Where the MCP server itself is inside, on this machine or on a private
/// network, it reaches addresses inside too; with http only these, and only where the MCP server's own URL is http or
/// says loopback. Addresses of special use, as those of metadata services are, it never reaches.
#[derive(Debug, Clone)]
pub(super) struct Outbound {
    https: Lane,
    http: Option<Lane>,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no answer. The texts show no path and no query.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum OutboundError {
    /// The policy forbids it; nothing was sent.
    #[error("{origin} may not be asked: {reason}")]
    Forbidden {
        /// Who.
        origin: String,
        /// What the policy says.
        reason: String,
    },
    /// No answer came, or not the whole of it.
    #[error("{origin} cannot be reached: {reason}")]
    Unreachable {
        /// Who.
        origin: String,
        /// The system's reason.
        reason: String,
    },
    /// The answer is too large to be what was asked for.
    #[error("{0} answers with more than {LARGEST} bytes")]
    TooLarge(String),
}

impl OutboundError {
    /// Whether the same request may succeed later.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    fn forbidden(url: &Url, reason: impl Into<String>) -> Self {
        Self::Forbidden { origin: origin(url), reason: reason.into() }
    }

    fn unreachable(url: &Url, reason: impl Into<String>) -> Self {
        Self::Unreachable { origin: origin(url), reason: reason.into() }
    }

    fn of(url: &Url, error: &reqwest::Error) -> Self {
        // The error's own text shows the URL; the innermost cause says what happened.
        match iter::successors(error.source(), |&cause| cause.source()).last() {
            Some(cause) if cause.is::<Inadmissible>() => Self::forbidden(url, cause.to_string()),
            Some(cause) => Self::unreachable(url, cause.to_string()),
            None => Self::unreachable(url, "the request failed"),
        }
    }
}

impl Outbound {
    /// The way out for the login to `server`, whose name is looked up to learn whether it is inside.
    ///
    /// A name that cannot be looked up counts as public: behind a proxy this machine may know none.
    ///
    /// # Errors
    ///
    /// Fails where TLS cannot be set up.
    pub(super) async fn towards(server: &Url, proxy: &ForwardProxy) -> Result<Self, OutboundError> {
        let local = is_local(server).await;
        let says_loopback = AddressKind::written_in(server) == Some(AddressKind::Loopback);
        let plain = local && (server.scheme() == "http" || says_loopback);
        let lane = |admits| Lane::new(admits, proxy).map_err(|error| OutboundError::of(server, &error));
        Ok(Self {
            https: lane(if local { AddressKind::is_ordinary } else { AddressKind::is_public })?,
            http: plain.then(|| lane(AddressKind::is_local)).transpose()?,
        })
    }

    /// Asks for a JSON document. Redirects are followed within the origin.
    ///
    /// # Errors
    ///
    /// Fails where no answer comes or the policy forbids to ask.
    pub(super) async fn get_json(&self, url: &Url) -> Result<Answer, OutboundError> {
        in_time(url, self.follow(url)).await
    }

    /// Posts `body`. Redirects are not followed: they would send it on.
    ///
    /// # Errors
    ///
    /// Fails where no answer comes or the policy forbids to ask.
    pub(super) async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Answer, OutboundError> {
        let mut request = reqwest::Request::new(Method::POST, url.clone());
        *request.headers_mut() = headers;
        request.headers_mut().insert(header::ACCEPT, JSON);
        *request.body_mut() = Some(body.into());
        in_time(url, self.exchange(request)).await.map(Answer::from)
    }

    /// Refuses a URL that the policy forbids whatever its name resolves to.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub(super) fn check(&self, url: &Url) -> Result<(), OutboundError> {
        self.lane(url).map(|_| ())
    }

    /// The lane that takes requests for `url`.
    fn lane(&self, url: &Url) -> Result<&Lane, OutboundError> {
        let refuse = |reason: String| Err(OutboundError::forbidden(url, reason));
        let lane = match (url.scheme(), &self.http) {
            ("https", _) => &self.https,
            ("http", Some(http)) => http,
            _ => return refuse("logins need https".into()),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("its URL holds credentials".into());
        }
        if url.fragment().is_some() {
            return refuse("its URL has a fragment".into());
        }
        match AddressKind::written_in(url) {
            Some(kind) if !lane.admits(kind) => refuse(Inadmissible(kind).to_string()),
            _ => Ok(lane),
        }
    }

    async fn follow(&self, url: &Url) -> Result<Answer, OutboundError> {
        let mut next = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let mut request = reqwest::Request::new(Method::GET, next.clone());
            request.headers_mut().insert(header::ACCEPT, JSON);
            let response = self.exchange(request).await?;
            match redirected(&next, &response) {
                None => return Ok(response.into()),
                Some(target) if target.origin() == url.origin() => next = target,
                Some(target) => {
                    return Err(OutboundError::forbidden(
                        url,
                        format!("it redirects to {}", origin(&target)),
                    ));
                }
            }
        }
        Err(OutboundError::forbidden(url, format!("it redirects more than {MOST_REDIRECTS} times")))
    }

    async fn exchange(&self, request: reqwest::Request) -> Result<http::Response<Vec<u8>>, OutboundError> {
        let url = request.url().clone();
        let lane = self.lane(&url)?;
        let lost = |error: reqwest::Error| OutboundError::of(&url, &error);
        let mut response = lane.execute(request).await.map_err(lost)?;
        let mut answer = http::Response::new(Vec::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if answer.body().len() + chunk.len() > LARGEST {
                return Err(OutboundError::TooLarge(origin(&url)));
            }
            answer.body_mut().extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

impl From<http::Response<Vec<u8>>> for Answer {
    fn from(response: http::Response<Vec<u8>>) -> Self {
        Self { status: response.status().as_u16(), body: response.into_body() }
    }
}

/// Whether `server` is inside: all its addresses have to be, or a stranger's name could claim it with one of them.
async fn is_local(server: &Url) -> bool {
    let resolved = async || {
        let addresses = timeout(CONNECT, lookup_host((server.domain()?, 0))).await.ok()?.ok()?;
        let kinds: Vec<_> = addresses.map(|address| AddressKind::from(address.ip())).collect();
        Some(!kinds.is_empty() && kinds.into_iter().all(AddressKind::is_local))
    };
    match AddressKind::written_in(server) {
        Some(kind) => kind.is_local(),
        None => resolved().await.unwrap_or(false),
    }
}

async fn in_time<T>(
    url: &Url,
    answer: impl Future<Output = Result<T, OutboundError>>,
) -> Result<T, OutboundError> {
    let late = |_| Err(OutboundError::unreachable(url, format!("no answer within {} s", WHOLE.as_secs())));
    timeout(WHOLE, answer).await.unwrap_or_else(late)
}

/// Where `response` to a request for `url` redirects, if it does.
fn redirected(url: &Url, response: &http::Response<Vec<u8>>) -> Option<Url> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let mut target = response.status().is_redirection().then(|| url.join(location).ok())??;
    target.set_fragment(None);
    Some(target)
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
