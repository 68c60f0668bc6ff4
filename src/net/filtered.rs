//! A client that connects to one class of addresses only.

use std::{fmt, net::SocketAddr, time::Duration};

use reqwest::{
    Client,
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

/// A client that connects to the addresses of `reach` only. Addresses written in URLs are not resolved and have to be
/// judged before.
pub(super) fn filtered_client(reach: Reach, proxy: &ForwardProxy) -> reqwest::Result<Client> {
    client_without_redirects(proxy)
        .connect_timeout(CONNECT)
        .dns_resolver(Resolver { reach, proxy: proxy.clone() })
        .build()
}

/// Gives the connector only those addresses that the client may connect to.
struct Resolver {
    reach: Reach,
    /// The administrator has chosen it, and it may well be inside: its own name is not judged.
    proxy: ForwardProxy,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        let is_proxy = self.proxy.is_on(name.as_str());
        Box::pin(async move {
            let found: Vec<_> = lookup_host((name.as_str(), 0)).await?.collect();
            if is_proxy {
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
    use crate::config::Environment;

    #[tokio::test]
    async fn judges_all_names_but_those_of_proxies() {
        let resolve = async |proxy: ForwardProxy| {
            Resolver { reach: Reach::Public, proxy }.resolve("localhost".parse().unwrap()).await
        };
        for url in ["http://localhost:3128", "socks5h://LocalHost:1080"] {
            let proxy = ForwardProxy::parse(&Environment::of(&[("all_proxy", url)])).unwrap();
            assert!(resolve(proxy).await.is_ok_and(|mut addresses| addresses.next().is_some()), "{url}");
        }
        assert!(resolve(ForwardProxy::default()).await.is_err_and(|error| error.is::<Inadmissible>()));
    }
}
