//! One scheme's connections: a client that connects to admitted kinds of addresses only.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{
    Client, Request, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use tokio::net::lookup_host;

use super::address::AddressKind;
use crate::{config::ForwardProxy, net};

/// How long one attempt to look up a name, or to open a TCP or TLS connection, may take.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

type Admits = fn(AddressKind) -> bool;
type Names = Arc<Mutex<HashSet<String>>>;

#[derive(Debug, Clone)]
pub(super) struct Lane {
    client: Client,
    admits: Admits,
    /// The names that requests were for. Any other name that is looked up is that of a proxy, which the administrator
    /// has chosen and which may well be inside.
    asked: Names,
}

/// Refused for what the address is.
#[derive(Debug, thiserror::Error)]
#[error("this MCP server may send no login to {0}")]
pub(super) struct Inadmissible(pub(super) AddressKind);

impl Lane {
    pub(super) fn new(admits: Admits, proxy: &ForwardProxy) -> reqwest::Result<Self> {
        let asked = Names::default();
        let client = net::client(proxy)
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none())
            .dns_resolver(Resolver { admits, asked: asked.clone() })
            .build()?;
        Ok(Self { client, admits, asked })
    }

    pub(super) fn admits(&self, kind: AddressKind) -> bool {
        (self.admits)(kind)
    }

    /// Sends a request. Addresses written in its URL are not resolved and have to be judged before.
    pub(super) async fn execute(&self, request: Request) -> reqwest::Result<Response> {
        if let Some(name) = request.url().domain() {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        }
        self.client.execute(request).await
    }
}

struct Resolver {
    admits: Admits,
    asked: Names,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let admits = self.admits;
        let is_asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).contains(name.as_str());
        Box::pin(async move {
            let found: Vec<_> = lookup_host((name.as_str(), 0)).await?.collect();
            if !is_asked {
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            let kind = |address: &SocketAddr| AddressKind::from(address.ip());
            let refused = found.iter().map(kind).find(|kind| !admits(*kind));
            let admitted: Vec<_> = found.into_iter().filter(|address| admits(kind(address))).collect();
            match refused {
                Some(kind) if admitted.is_empty() => Err(Inadmissible(kind).into()),
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
        let resolver = Resolver { admits: AddressKind::is_public, asked: asked.clone() };
        let resolve = || resolver.resolve("localhost".parse().unwrap());
        assert!(resolve().await.is_ok_and(|mut addresses| addresses.next().is_some()));
        asked.lock().unwrap().insert("localhost".into());
        assert!(resolve().await.is_err_and(|error| error.is::<Inadmissible>()));
    }
}
