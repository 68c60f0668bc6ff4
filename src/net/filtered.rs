//! A client that connects to one class of addresses only.

use std::{
    collections::HashSet,
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{
    Client, Request, Response,
    dns::{Addrs, Name, Resolve, Resolving},
};
use tokio::net::lookup_host;

use super::{address::AddressKind, client::client_without_redirects};
use crate::config::ForwardProxy;

/// How long one attempt to look up a name, or to open a TCP or TLS connection, may take.
const CONNECT: Duration = Duration::from_secs(5);

/// The addresses that a client connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// All: the operator has named the server.
    Anywhere,
    /// Public addresses.
    Public,
    /// All but those of special use.
    Ordinary,
    /// This machine and networks of ours; for plain http.
    Local,
}

impl Reach {
    pub(super) fn admits(self, kind: AddressKind) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Public => kind.is_public(),
            Self::Ordinary => kind.is_ordinary(),
            Self::Local => kind.is_local(),
        }
    }
}

/// An address that is refused for its kind.
#[derive(Debug, thiserror::Error)]
pub(super) struct Inadmissible {
    pub(super) kind: AddressKind,
    pub(super) reach: Reach,
}

impl fmt::Display for Inadmissible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.reach, self.kind) {
            (Reach::Local, AddressKind::Public) => f.write_str("logins need https"),
            (_, kind) => write!(f, "this MCP server may send no login to {kind}"),
        }
    }
}

type Names = Arc<Mutex<HashSet<String>>>;

#[derive(Debug, Clone)]
pub(super) struct FilteredClient {
    client: Client,
    /// The names that requests were for. Any other name that is looked up is that of a proxy, which the administrator
    /// has chosen and which may well be inside.
    asked: Names,
}

impl FilteredClient {
    pub(super) fn new(reach: Reach, proxy: &ForwardProxy) -> reqwest::Result<Self> {
        let asked = Names::default();
        let client = client_without_redirects(proxy)
            .connect_timeout(CONNECT)
            .dns_resolver(Resolver { reach, asked: asked.clone() })
            .build()?;
        Ok(Self { client, asked })
    }

    /// Sends a request. Addresses written in its URL are not resolved and have to be judged before.
    pub(super) async fn execute(&self, request: Request) -> reqwest::Result<Response> {
        if let Some(name) = request.url().domain() {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        }
        self.client.execute(request).await
    }
}

/// Gives the connector only those addresses that the client may connect to.
struct Resolver {
    reach: Reach,
    asked: Names,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        let is_asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).contains(name.as_str());
        Box::pin(async move {
            let found: Vec<_> = lookup_host((name.as_str(), 0)).await?.collect();
            if !is_asked {
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            let kind = |address: &SocketAddr| AddressKind::from(address.ip());
            let refused = found.iter().map(kind).find(|kind| !reach.admits(*kind));
            let admitted: Vec<_> = found.into_iter().filter(|address| reach.admits(kind(address))).collect();
            match refused {
                Some(kind) if admitted.is_empty() => Err(Inadmissible { kind, reach }.into()),
                _ => Ok(Box::new(admitted.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn judges_asked_names_and_leaves_proxies_alone() {
        let asked = Names::default();
        let resolver = Resolver { reach: Reach::Public, asked: asked.clone() };
        let resolve = || resolver.resolve("localhost".parse().unwrap());
        assert!(resolve().await.is_ok_and(|mut addresses| addresses.next().is_some()));
        asked.lock().unwrap().insert("localhost".into());
        assert!(resolve().await.is_err_and(|error| error.is::<Inadmissible>()));
    }
}
